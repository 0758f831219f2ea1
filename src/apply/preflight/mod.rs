//! What is looked at before a plan runs: by `trueup preflight`, which changes nothing, and by each apply and rollback.
//!
//! Each check has a verdict. One that fails says that the plan would, or that it would do harm; a warning is what a
//! careful person would want to know before saying yes.

mod backup;
mod disk;
pub(super) mod must;
mod surroundings;

use std::{collections::BTreeSet, fmt, time::Duration};

use serde::Serialize;

use super::{
    ApplyError, Options, Refusal, assumptions, fits_environment, gate, permission::Permission,
    phases_to_apply, point, promotion,
};
use crate::{
    approval::Way,
    config::BACKUP_HOURS,
    journal,
    journal::Position,
    plan::{MadeFor, PlannedStep, staleness},
    postgres::{Session, names::Looked},
    run,
    source::{live, placeholder},
    sql,
    step::{DataCheck, Phase},
    visible::visible_line,
};

pub(super) use surroundings::{Needs, invalid_indexes};

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Worth knowing.
    Warn,
    /// The plan may not run.
    Fail,
}

impl Verdict {
    /// In one word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What an environment says about its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// A command that prints how many bytes the server's disk has left.
    pub free_space: Option<&'a str>,
    /// A command that proves that there is a backup.
    pub backup: Option<&'a str>,
    /// How old that may be.
    pub backup_age: Duration,
    /// How old a transaction is when it counts as a long one.
    pub long_transaction: Duration,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Self {
            free_space: None,
            backup: None,
            backup_age: Duration::from_secs(u64::from(BACKUP_HOURS) * 3600),
            long_transaction: Duration::from_secs(30),
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: `replication`, always the same word.
    pub name: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Check {
    fn pass(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Pass, what: what.into(), next: None }
    }

    pub(super) fn warn(name: &'static str, what: impl Into<String>, next: &str) -> Self {
        Self { name, verdict: Verdict::Warn, what: what.into(), next: Some(next.to_owned()) }
    }

    fn fail(name: &'static str, what: impl Into<String>, next: &str) -> Self {
        Self { name, verdict: Verdict::Fail, what: what.into(), next: Some(next.to_owned()) }
    }

    /// One refusal as a check, or that there is none.
    fn of(name: &'static str, result: Result<String, Refusal>) -> Self {
        match result {
            Ok(what) => Self::pass(name, what),
            Err(refusal) => Self::fail(name, refusal.to_string(), &refusal.hint()),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, visible_line(&self.what))
    }
}

/// Looks at everything that an apply would look at, and changes nothing. Fails only where the database cannot be asked.
pub async fn preflight(options: &Options<'_>) -> Result<Vec<Check>, ApplyError> {
    let opened = options.plan;
    let plan = &opened.plan;
    let session = Session::connect(&options.target.for_trueup()).await?;
    super::pin(&session).await?;
    let mut checks = vec![surroundings::connection(&session).await?];
    let server = format!("PostgreSQL {}, a primary", session.major());
    let server = checked("server", must::server(&session, plan).await.map(|()| server))?;
    let fits = server.verdict == Verdict::Pass;
    checks.push(server);
    if !fits {
        session.close().await;
        return Ok(checks);
    }
    let state = journal::state(&session, &opened.digest).await?;
    let position = state.position(plan);
    let phases = match phases_to_apply(plan, options.which, &state) {
        Ok(phases) => phases,
        Err(refusal) => {
            checks.push(Check::of("phase", Err(refusal)));
            session.close().await;
            return Ok(checks);
        }
    };
    checks.push(Check::pass("phase", standing(&phases, position)));
    if plan.made_for.is_some() || options.shaping.environment.is_some() {
        let fits = fits_environment(plan, options.shaping, position);
        let made_for = plan.made_for.as_ref().map_or_else(|| "no environment".to_owned(), MadeFor::in_words);
        checks.push(Check::of(
            "environment",
            fits.map(|()| format!("made for {made_for}; it would be the same here")),
        ));
    }
    for (before, phase) in promotion::pending(options.after, &phases, position) {
        let done = promotion::proven(before, opened, phase).await;
        let said = done.map(|proven| format!("{} is {proven}", phase.label()));
        checks.push(checked("promotion", said)?);
    }
    let Options { policy, approvals, now, .. } = options;
    let permission = Permission::in_database(&session, opened, policy, approvals, *now).await?;
    if !permission.contradictions.is_empty() {
        checks.push(Check::of("policy", permission.not_contradicted().map(|()| String::new())));
    }
    if let Err(refusal) = must::connection(&session, &permission.policy) {
        checks.push(Check::of("policy", Err(refusal)));
    }
    checks.extend(permission.database.as_ref().map(|database| Check::pass("database", database.to_string())));
    checks.push(must::look_at_role(&session, &permission.policy).await?);
    let mut covered = Vec::new();
    for phase in &phases {
        let found = permission.check(opened, *phase, Way::There);
        let by = found.map(|found| {
            let names =
                found.approvals.iter().map(|approval| approval.approver.to_string()).collect::<Vec<_>>();
            let glass = found.glass.clone();
            covered.push((*phase, found.approvals));
            if let Some(glass) = glass {
                format!("{} is not approved, and {glass} broke the glass", phase.label())
            } else if names.is_empty() {
                format!("{} needs none", phase.label())
            } else {
                format!("{} is approved by {}", phase.label(), names.join(", "))
            }
        });
        checks.push(Check::of("approvals", by.map_err(Refusal::NotApproved)));
    }
    let role = "the role owns what the plan changes, or is a member of its owner".to_owned();
    checks.push(checked("privileges", must::privileges(&session, plan).await.map(|()| role))?);
    let live = live::read_managed(&session).await?;
    super::pin(&session).await?;
    let differences = staleness::compare(plan, &live, point(position));
    let stale = if differences.is_empty() { Ok(()) } else { Err(Refusal::Stale(differences)) };
    checks.push(Check::of(
        "staleness",
        stale.map(|()| "the database is what the plan was made for".to_owned()),
    ));
    let looked = assumptions::look(&session, plan, &phases, &state.done).await?;
    let broken = looked.broken();
    let holds = if broken.is_empty() { Ok(looked.sizes()) } else { Err(Refusal::Assumption(broken)) };
    checks.push(Check::of("sizes", holds));
    let questions = plan.questions(&phases, &state.done);
    // they come out of the plan, and call what its expressions call: not before those who may say so have read them
    checks.push(if covered.len() == phases.len() || questions.clone().next().is_none() {
        data(&session, questions).await?
    } else {
        Check::warn(
            "data",
            "not asked: what the plan asks of the data is run once it is approved",
            "approve the plan; where it was made, `trueup plan` has asked",
        )
    });
    if phases.contains(&Phase::Contract) && !plan.old_names.is_empty() {
        let uses = gate::uses(&session, plan).await?;
        let said: Vec<String> = uses.iter().map(ToString::to_string).collect();
        let passed = gate::pass(&uses, permission.quiet(options.quiet)).map(|()| said.join("; "));
        checks.push(Check::of("deploy gate", passed));
    }
    let limits = permission.limits(options.limits);
    let steps =
        plan.steps.iter().filter(|step| phases.contains(&step.phase) && !state.done.contains(&step.id));
    checks.extend(names(&session, steps.clone()).await?);
    let sql = steps.clone().flat_map(|step| &step.sql);
    let secrets: BTreeSet<String> = sql.flat_map(|sql| placeholder::names(sql.as_str())).collect();
    if !secrets.is_empty() {
        checks.push(must::look_at_secrets(&secrets, options.secrets));
    }
    checks.extend(surroundings::look(&session, &Needs::there(steps), limits).await?);
    if let Some(command) = limits.backup.filter(|_| !phases.is_empty()) {
        checks.push(backup::prove(command, limits.backup_age).await);
    }
    session.close().await;
    Ok(checks)
}

/// What the command says that proves a backup, if there is one.
pub(super) async fn backup(limits: Limits<'_>) -> Result<Option<String>, ApplyError> {
    let Some(command) = limits.backup else { return Ok(None) };
    let check = backup::prove(command, limits.backup_age).await;
    if check.verdict == Verdict::Fail {
        Err(Refusal::Preflight(vec![check]).into())
    } else {
        Ok(Some(check.what))
    }
}

/// Where code of the database that the steps fire does not look for what it names, though it was written for that.
async fn names<'a>(
    session: &Session,
    steps: impl Iterator<Item = &'a PlannedStep>,
) -> Result<Option<Check>, ApplyError> {
    const NAME: &str = "names";
    let relations: BTreeSet<String> = steps
        .filter(|step| step.operation.runs_code() && step.object.relation().is_some())
        .map(|step| step.object.relation_sql())
        .collect();
    if relations.is_empty() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for relation in &relations {
        let Looked { role, left_out, .. } = run::path_of_code(session, relation)
            .await
            .map_err(|source| ApplyError::Query { what: "looking at its search_path", source })?;
        found.extend(
            left_out
                .iter()
                .map(|schema| format!("code of {} does not look into schema {schema}", sql::ident(&role))),
        );
    }
    if found.is_empty() {
        return Ok(Some(Check::pass(NAME, "code of the database finds names where its role's sessions do")));
    }
    let found: Vec<String> = found.into_iter().collect();
    Ok(Some(Check::warn(
        NAME,
        format!("{}: others can put something there", found.join("; ")),
        "see that triggers, checks and defaults name schemas, or REVOKE CREATE ON SCHEMA … FROM who is not that role",
    )))
}

async fn data<'a>(
    session: &Session,
    asked: impl Iterator<Item = &'a DataCheck> + Clone,
) -> Result<Check, ApplyError> {
    let count = asked.clone().count();
    let rows = run::in_the_way(session, asked).await;
    let rows = rows.map_err(|source| ApplyError::Query { what: "looking at the data", source })?;
    let found = match (rows.is_empty(), count) {
        (false, _) => Err(Refusal::Data(rows)),
        (true, 0) => Ok("no step can fail on a row".to_owned()),
        (true, _) => Ok("no row is in the way".to_owned()),
    };
    Ok(Check::of("data", found))
}

fn standing(phases: &[Phase], position: Position) -> String {
    let labels: Vec<&str> = phases.iter().map(|phase| phase.label()).collect();
    match &*labels {
        [] => format!("nothing to do: {}", super::standing_words(position)),
        labels => format!("{} would run; {}", labels.join(", "), super::standing_words(position)),
    }
}

/// A refusal is what a check found; anything else is no answer.
fn checked(name: &'static str, result: Result<String, ApplyError>) -> Result<Check, ApplyError> {
    match result {
        Ok(what) => Ok(Check::pass(name, what)),
        Err(ApplyError::Refused(refusal)) => Ok(Check::of(name, Err(*refusal))),
        Err(error) => Err(error),
    }
}

/// What is around the plan: refuses what fails, and hands over what is worth a warning.
pub(super) async fn surroundings(
    session: &Session,
    needs: &Needs,
    limits: Limits<'_>,
) -> Result<Vec<Check>, ApplyError> {
    let mut checks = surroundings::look(session, needs, limits).await?;
    checks.retain(|check| check.verdict > Verdict::Pass);
    if checks.iter().any(|check| check.verdict == Verdict::Fail) {
        checks.retain(|check| check.verdict == Verdict::Fail);
        return Err(Refusal::Preflight(checks).into());
    }
    Ok(checks)
}
