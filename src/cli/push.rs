//! `trueup push`

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use trueup::{
    apply::{self, ApplyError, Consent, Options, Outcome, Which, Why},
    approval::{self, Approval, Approver},
    config::Policy,
    journal::{self, Direction, OpenPlan},
    plan::{Plan, PlanFile},
    planning::Planned,
    postgres::Session,
    report,
    run::{Retry, StopHandle},
    step::Phase,
    visible::visible_line,
};

use super::{
    Format,
    apply::{equal_to_before, tell},
    approve::accepted,
    context::Context,
    desired::read_desired,
    exit::{CliError, Exit},
    loaded::Loaded,
    output,
    plan::{named, nothing, questions},
    planner::{self, Wanted},
    progress::{self, Shown, says_yes},
};

/// What a plan says of itself that is pushed. Others that no folder of this checkout has may be another branch's.
const PUSHED: &str = "made by `trueup push`: no folder has this plan";

/// Whether a plan was made to be pushed.
pub fn is_pushed(plan: &Plan) -> bool {
    plan.notes.iter().any(|note| note == PUSHED)
}

/// Plans, rehearses and applies at once, both phases, without a folder: for databases of one's own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Only where trueup.toml says `direct = true` of the environment, and nobody has to approve there. What fails is undone. The
journal keeps the plan: `trueup rollback PLAN --env dev` undoes it.

Example:
  trueup push --env dev")]
pub struct Arguments {
    /// The plan's name in the journal
    #[arg(long, value_name = "SLUG")]
    name: Option<String>,
    /// Say that these tables or columns are dropped, not renamed; `all` for any
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    assume_drop: Vec<String>,
    /// The schemas to manage, or `all`; else those that the desired SQL uses or the journal shows
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    manage: Vec<String>,
    /// Dangers that are accepted, by code; all: those that there are. Without it, it asks on a terminal, and is refused elsewhere
    #[arg(long, value_name = "CODE,…", value_delimiter = ',')]
    accept: Vec<String>,
    /// Who pushes; without it who git says (`git config user.email`), else the database's role
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Print the plan and what would run, and apply nothing
    #[arg(long)]
    dry_run: bool,
    /// Seconds to wait for another trueup in the same database
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
    /// Seconds to try for a lock, pauses included
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_retries: u64,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let policy = direct(context)?;
    let desired = read_desired(context)?;
    let live = context.connect().await?;
    if journal::policy(&live).await?.is_some() {
        return Err(CliError::new("a policy is pinned in this database, and plans need approvals under it")
            .with_hint("`trueup plan`, `trueup approve` and `trueup apply`")
            .refused());
    }
    let who = who(context, arguments, &live)?;
    let push = Push { context, arguments, policy, who };
    push.finish_what_was_left(&live).await?;
    let wanted = Wanted {
        manage: planner::manage(context, &live, &arguments.manage).await?,
        assume_drop: arguments.assume_drop.iter().cloned().collect(),
        name: arguments.name.clone().unwrap_or_default(),
        author: Some(push.who.to_string()),
        created: Timestamp::now(),
        from: None,
    };
    let mut plan = match planner::make(context, &live, &desired, wanted).await? {
        Planned::Nothing(remarks) => return Ok(nothing(context, &remarks)),
        Planned::Questions(list) => return Err(questions(&list)),
        Planned::Plan(plan) => *plan,
    };
    live.close().await;
    named(&mut plan, arguments.name.as_deref(), None)?;
    plan.notes.push(PUSHED.to_owned());
    let folder = tempfile::tempdir()?;
    let file = report::write_plan(&folder.path().join(&plan.name), &plan)?;
    if !context.quiet() && context.format() != Format::Json {
        output::result(&report::render(&file.plan, &file.digest, report::Format::Text, output::colour()));
    }
    let accepts = push.accepted(&file)?;
    push.apply(&file, accepts).await
}

/// The policy of an environment that plans may be applied to as they are made.
fn direct(context: &Context) -> Result<Policy, CliError> {
    let Some(name) = context.global.env.as_deref() else {
        return Err(CliError::new("push works on an environment of trueup.toml, and none is named")
            .with_hint("`trueup push --env NAME`, where it says `direct = true`"));
    };
    match context.config.direct(name)? {
        Ok(policy) => Ok(policy),
        Err(why) => Err(CliError::new(why.to_string()).with_hint(why.hint(name)).refused()),
    }
}

fn who(context: &Context, arguments: &Arguments, live: &Session) -> Result<Approver, CliError> {
    let said = arguments.author.clone().or_else(|| context.author());
    let role = live.target().user().to_owned();
    Ok(said.unwrap_or(role).parse()?)
}

/// Who pushes, and how.
struct Push<'a> {
    context: &'a Context,
    arguments: &'a Arguments,
    policy: Policy,
    who: Approver,
}

impl Push<'_> {
    /// What a push that was killed has left part-way: no folder has its plan, and the journal does. It goes on, or back.
    async fn finish_what_was_left(&self, live: &Session) -> Result<(), CliError> {
        let open = journal::open_plans(live).await?;
        // one that somebody began to roll back is theirs to go on with
        let goes_on =
            |open: &&OpenPlan| is_pushed(&open.plan) && open.state.last != Some(Direction::Rollback);
        for open in open.iter().filter(goes_on) {
            let Some(kept) = journal::kept_plan(live, &open.digest).await? else { continue };
            let name = visible_line(&kept.plan.name);
            output::note(&format!("{name} was left part-way: it goes on first"));
            // it was accepted when it began
            let every = accepted(&["all".to_owned()], &acceptable(&kept))?;
            self.apply(&kept, every).await?;
        }
        Ok(())
    }

    /// The dangers that are accepted: all that there are, or nothing is applied.
    fn accepted(&self, file: &PlanFile) -> Result<BTreeSet<String>, CliError> {
        let accepts = accepted(&self.arguments.accept, &acceptable(file))?;
        let phases = file.plan.phases().into_iter();
        let dangers: BTreeSet<String> =
            phases.flat_map(|phase| approval::dangers(&file.plan, phase).into_keys()).collect();
        let open: Vec<String> = dangers.difference(&accepts).cloned().collect();
        if open.is_empty() || self.arguments.dry_run {
            return Ok(accepts.into_iter().chain(open).collect());
        }
        let list = visible_line(&open.join(",")).into_owned();
        if self.context.format() != Format::Json && says_yes(&format!("apply it all the same, with {list}?"))
        {
            return Ok(accepts.into_iter().chain(open).collect());
        }
        Err(CliError::new(format!("nothing was applied: the plan has dangers that nobody accepted: {list}"))
            .with_hint(format!("--accept {list}"))
            .refused())
    }

    /// Applies both phases; what fails is undone.
    async fn apply(&self, file: &PlanFile, accepts: BTreeSet<String>) -> Result<Exit, CliError> {
        let context = self.context;
        let environments: BTreeSet<String> = context.global.env.iter().cloned().collect();
        let phases = file.plan.phases().into_iter();
        let approvals = phases.map(|phase| Approval {
            accepts: &accepts & &approval::acceptable(&file.plan, phase, Direction::Apply),
            reason: Some("push".to_owned()),
            environments: environments.clone(),
            ..Approval::new(file.digest.clone(), phase, self.who.clone(), Timestamp::now())
        });
        let loaded = Loaded::pushed(context, file.clone(), self.policy.clone(), approvals.collect())?;
        let (handle, stop) = StopHandle::new();
        progress::stop_at_signals(handle);
        let options = Options {
            which: Which::All,
            wait: Duration::from_secs(self.arguments.wait),
            quiet: Duration::ZERO,
            hooks: context.hooks(),
            retry: Retry { total: Duration::from_secs(self.arguments.lock_retries), ..Retry::default() },
            note: Some("push"),
            stop,
            dry_run: self.arguments.dry_run,
            ..loaded.to_look(context)?
        };
        let quiet = context.quiet() || self.arguments.dry_run || context.format() == Format::Json;
        let mut shown = Shown::new(quiet);
        let outcome = apply::apply(&options, &mut shown).await;
        shown.end();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return Err(undone(&options, error, &file.plan.name, context, &mut shown).await),
        };
        tell(context, &outcome, Direction::Apply, file);
        Ok(Exit::Done)
    }
}

/// What may be accepted of each phase.
fn acceptable(file: &PlanFile) -> BTreeMap<Phase, BTreeSet<String>> {
    let phases = file.plan.phases().into_iter();
    phases.map(|phase| (phase, approval::acceptable(&file.plan, phase, Direction::Apply))).collect()
}

/// Goes all the way back where an apply stopped, and says what came of both. What would be lost on the way, and was not lost
/// there, keeps it where it is.
async fn undone(
    options: &Options<'_>,
    error: ApplyError,
    name: &str,
    context: &Context,
    shown: &mut Shown,
) -> CliError {
    let began = !matches!(error, ApplyError::Refused(_) | ApplyError::Connect(_));
    if !began || matches!(error, ApplyError::Stopped { why: Why::Asked, .. }) {
        return error.into();
    }
    let back = Options { which: Which::All, consent: Consent::NoNewLoss, ..options.clone() };
    let result = apply::rollback(&back, shown).await;
    shown.end();
    match result {
        Ok(Outcome::Nothing { .. }) => error.into(),
        Ok(outcome) => CliError {
            message: format!("{error}; all of it was rolled back, {}", equal_to_before(&outcome)),
            hint: Some("see what was in the way, then push again".to_owned()),
            exit: Exit::Error,
            details: String::new(),
        },
        Err(second) => {
            let second = CliError::from(second);
            let message = format!("{error}; on the way back: {}", second.message);
            let hint = format!("`trueup rollback {}{}`", visible_line(name), context.env_flag());
            CliError { message, exit: Exit::Stopped, hint: Some(hint), details: second.details }
        }
    }
}
