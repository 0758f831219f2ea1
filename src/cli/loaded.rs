//! What apply, rollback, preflight and verify hand to the library: a plan, its approvals, and what is said of the database.

use std::time::Duration;

use jiff::Timestamp;
use trueup::{
    apply::{Consent, Options, Which, hooks::Hooks, promotion::Before},
    approval::{self, Approval},
    config::{Policy, Shaping},
    plan::PlanFile,
    postgres::Target,
    run::{Retry, StopHandle},
    secret::Secrets,
};

use super::{context::Context, exit::CliError};

/// What was read.
pub struct Loaded {
    pub plan: PlanFile,
    target: Target,
    policy: Policy,
    approvals: Vec<Approval>,
    after: Vec<Before>,
    shaping: Shaping,
    secrets: Secrets,
}

impl Loaded {
    /// What goes with a plan.
    pub fn new(context: &Context, plan: PlanFile) -> Result<Self, CliError> {
        let (target, policy) = (context.target()?, context.policy()?);
        Ok(Self {
            approvals: approval::read_checked(&plan, &policy, Timestamp::now())?,
            plan,
            target,
            policy,
            after: context.after()?,
            shaping: context.shaping()?,
            secrets: context.secrets()?,
        })
    }

    /// What goes with a plan that is applied as it is made.
    pub fn pushed(
        context: &Context,
        plan: PlanFile,
        policy: Policy,
        approvals: Vec<Approval>,
    ) -> Result<Self, CliError> {
        let (target, after) = (context.target()?, context.after()?);
        let (shaping, secrets) = (context.shaping()?, context.secrets()?);
        Ok(Self { plan, target, policy, approvals, after, shaping, secrets })
    }

    /// To look at everything, and to change nothing.
    pub fn to_look<'a>(&'a self, context: &'a Context) -> Result<Options<'a>, CliError> {
        Ok(Options {
            plan: &self.plan,
            target: &self.target,
            which: Which::Default,
            approvals: &self.approvals,
            policy: &self.policy,
            after: &self.after,
            shaping: &self.shaping,
            quiet: context.quiet_time()?,
            now: Timestamp::now(),
            wait: Duration::ZERO,
            limits: context.limits()?,
            hooks: Hooks::default(),
            retry: Retry::default(),
            secrets: &self.secrets,
            consent: Consent::Ask,
            note: None,
            old_names_accepted: false,
            stop: StopHandle::new().1,
            dry_run: true,
            tool: env!("CARGO_PKG_VERSION"),
        })
    }
}
