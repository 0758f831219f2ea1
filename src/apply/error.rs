//! Why an apply or a rollback did not come to its end.

use std::{collections::BTreeSet, fmt, time::Duration};

use jiff::Timestamp;

use super::{
    checklist::Check,
    cost::{self, Cost},
    gate::{OLD_NAMES_IN_USE, Use},
};
use crate::{
    approval::{ApprovalError, Missing, signature::SignError},
    journal::{Direction, JournalError, Position},
    plan::staleness::Difference,
    postgres::{ConnectError, Session, Unverified, server_words},
    report::shell,
    run::{InTheWay, RunError, is_lost},
    secret::VARIABLE,
    source::live::ReadError,
    sql::ident,
    step::Phase,
    visible::visible_line,
};

/// Why an apply or a rollback did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It may not run. Nothing was changed.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The first batch failed, and was rolled back. Nothing was changed.
    #[error("{error}; nothing was changed")]
    Failed {
        /// What went wrong.
        error: RunError,
    },
    /// It stopped part-way, and can go on.
    #[error("{why}; {standing}")]
    Stopped {
        /// What went wrong.
        why: Why,
        /// How far it came.
        standing: Standing,
    },
    /// Signatures could not be checked by the keys that are pinned.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// Nothing could be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The journal does not work.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The catalog cannot be read.
    #[error("cannot read the catalog: {0}")]
    Read(ReadError),
    /// The server refused one of trueup's own questions.
    #[error("{what}: {}", server_words(source))]
    Query {
        /// What was asked.
        what: &'static str,
        /// What the server said.
        source: tokio_postgres::Error,
    },
}

impl From<Refusal> for ApplyError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<ReadError> for ApplyError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// Why a plan may not run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Somebody else is at it.
    #[error("another trueup is at work in this database{}", holder(.0.as_ref()))]
    Busy(Option<Holder>),
    /// The backend of a run whose client died is still busy.
    #[error("step {step}: backend {pid} of an earlier run is still working on it")]
    StillRunning {
        /// The step.
        step: u32,
        /// The backend.
        pid: i32,
    },
    /// The server only reads.
    #[error("{place}: this server is a standby")]
    Standby {
        /// Which.
        place: String,
    },
    /// The plan was rehearsed on something else.
    #[error("the server is PostgreSQL {found}; the plan was rehearsed on {expected}")]
    Version {
        /// The major version there.
        found: u32,
        /// The major version that the plan is for.
        expected: u32,
    },
    /// The role lacks privileges.
    #[error("role \"{}\" {}", visible_line(role), .lacking.join("; "))]
    Privilege {
        /// Which role.
        role: String,
        /// What it lacks: `does not own table a.b (owner c)`.
        lacking: Vec<String>,
    },
    /// Not, or not validly, approved.
    #[error("{}", missing.first().map_or_else(|| "not approved".to_owned(), ToString::to_string))]
    NotApproved {
        /// The phase.
        phase: Phase,
        /// Whether it is to be applied or rolled back.
        direction: Direction,
        /// Everything that is missing.
        missing: Vec<Missing>,
    },
    /// The database is not what the plan was made for.
    #[error("the plan is stale: {}", differences(.0))]
    Stale(Vec<Difference>),
    /// The plan would have been another one, had it been made for this environment.
    #[error("made for {}: {}", visible_line(made_for), visible_line(&differences.join("; ")))]
    Elsewhere {
        /// What it was made for.
        made_for: String,
        /// The environment here.
        here: Option<String>,
        /// What is otherwise here.
        differences: Vec<String>,
    },
    /// It comes after other environments, and has not been there.
    #[error("{environment} comes first, and {why}")]
    NotPromoted {
        /// Where it has not been.
        environment: String,
        /// Its phase that has to be done there.
        phase: Phase,
        /// What is so there: `the plan has not run there`.
        why: String,
    },
    /// Secrets that statements need are not given.
    #[error("nothing gives a value for the secret {}", .0.join(", "))]
    NoSecrets(Vec<String>),
    /// There is more in a table than the plan was made for.
    #[error("the plan is stale: {}", .0.join("; "))]
    Assumption(Vec<String>),
    /// trueup.toml is not what is pinned in the database.
    #[error("{}", visible_line(&.0.join("; ")))]
    Contradicts(Vec<String>),
    /// A policy that is to be pinned asks for less than the one that is.
    #[error("this policy asks for less than the one that is pinned in the database")]
    Lowers,
    /// The same, and it must be signed by several.
    #[error("this policy asks for less than the one that is pinned, and {0} people must sign that")]
    LowersUnsigned(u32),
    /// Whoever signed may not, or not with this key.
    #[error("this does not count as a yes to a policy that asks for less: {}", visible_line(.0))]
    LowersBadly(String),
    /// Policy asks for connections whose server is known for certain.
    #[error("{0}, and policy says `verified_tls = true`")]
    Unverified(Unverified),
    /// Another plan is between its phases, or stopped, and could not go on.
    #[error("plan {} is not at its end, and {}", visible_line(plan), visible_line(&why.join("; ")))]
    Overlaps {
        /// Its name.
        plan: String,
        /// What of this plan is in its way.
        why: Vec<String>,
    },
    /// The plan names roles that are not there.
    #[error("there is no role {}, which the plan names", visible_line(&.0.iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ")))]
    NoRole(Vec<String>),
    /// Row security hides rows from the owner of a table that the plan fills: the table, and its owner.
    #[error("row security hides rows of {} from its owner {}, with whose rights the plan fills it", .0.first().map_or("", |it| &it.0), visible_line(&.0.first().map(|it| ident(&it.1)).unwrap_or_default()))]
    RowSecurity(Vec<(String, String)>),
    /// The role may not keep the journal, or it is not believed.
    #[error(transparent)]
    Journal(JournalError),
    /// Policy does not have superusers apply.
    #[error("role \"{}\" is a superuser, and policy says `superuser = false`", visible_line(role))]
    BySuperuser {
        /// The role.
        role: String,
    },
    /// Event triggers are made by superusers only.
    #[error(
        "role \"{}\" may not make event triggers, which write down who changes the schema",
        visible_line(role)
    )]
    Superuser {
        /// The role.
        role: String,
    },
    /// A hook did not want it.
    #[error("the hook before the phase, `{}`, ended with {why}", visible_line(command))]
    Hook {
        /// The command.
        command: String,
        /// How it ended.
        why: String,
    },
    /// Something around the plan is not as it has to be.
    #[error("preflight: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Preflight(Vec<Check>),
    /// Rows on which a step would fail.
    #[error("rows are in the way: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Data(Vec<InTheWay>),
    /// Rows on which the undo of a step would fail.
    #[error("rows are in the way back: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoWayBack(Vec<InTheWay>),
    /// It would lose rows or values, and nobody accepted that.
    #[error("the rollback loses what is in the database: {}", visible_line(&.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))]
    Loses(Vec<Cost>),
    /// Code that is deployed still uses names that contract takes away.
    #[error("old names are in use: {}; contract waits until they have been quiet for {} min", uses(.fresh), .quiet.as_secs().div_ceil(60))]
    OldNames {
        /// Those that are, and how.
        fresh: Vec<Use>,
        /// How long they must not have been.
        quiet: Duration,
    },
    /// The other phase comes first.
    #[error("phase {} has not been applied yet", .0.label())]
    PhaseBefore(Phase),
    /// It stopped part-way, and does not go on unasked.
    #[error("phase {} stopped part-way, and goes on only when it is named", .0.label())]
    NotNamed(Phase),
    /// The later phase must be rolled back first.
    #[error("phase {} must be rolled back first", .0.label())]
    PhaseAfter(Phase),
    /// A rollback of it stopped part-way: what is there is no point on the way there.
    #[error("a rollback of phase {} stopped part-way", .0.label())]
    HalfUndone(Phase),
    /// It was given up, and what it left has had its own plans since.
    #[error("the plan was abandoned on {}", .0.strftime("%Y-%m-%d %H:%M:%SZ"))]
    Abandoned(Timestamp),
    /// A plan that is to be adopted has begun here.
    #[error("phase {} of it has run here", .0.label())]
    Begun(Phase),
    /// The database is not what a plan leaves that is to be adopted.
    #[error("the database is not what the plan leaves: {}", differences(.0))]
    NotReached(Vec<Difference>),
    /// The plan does not have it.
    #[error("the plan has no phase {}", .0.label())]
    NoSuchPhase(Phase),
    /// What is to be adopted is not there.
    #[error("there is no schema {}", visible_line(&.0.iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ")))]
    NoSuchSchema(BTreeSet<String>),
    /// What an interrupted step has done cannot be told.
    #[error("step {step}, {object}, was interrupted, and what it left is neither its beginning nor its end")]
    Doubt {
        /// The step.
        step: u32,
        /// Its object.
        object: String,
    },
}

impl Refusal {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Busy(Some(holder)) => {
                format!("wait for it; if it is dead: SELECT pg_terminate_backend({})", holder.pid)
            }
            Self::Busy(None) => "wait for it, then try again".to_owned(),
            Self::StillRunning { pid, .. } => {
                format!("wait for it and try again; to give it up: SELECT pg_cancel_backend({pid})")
            }
            Self::Standby { .. } => "name the primary".to_owned(),
            Self::Version { .. } => "plan again for this server".to_owned(),
            Self::Privilege { .. } => {
                "apply as the owner of these objects, or as a member of the owning role".to_owned()
            }
            Self::NotApproved { phase, direction, missing } => {
                let codes = missing.iter().filter_map(|one| match one {
                    Missing::Danger { code, .. } => Some(&**code),
                    _ => None,
                });
                let codes: Vec<&str> = codes.collect();
                let accept =
                    if codes.is_empty() { String::new() } else { format!(" --accept {}", codes.join(",")) };
                let back = if *direction == Direction::Rollback { " --rollback" } else { "" };
                let phase = phase.label();
                format!(
                    "`trueup verify PLAN --phase {phase}{back}` says what is missing; \
                     `trueup approve PLAN --as NAME --phase {phase}{back}{accept}` approves"
                )
            }
            Self::NoSecrets(names) => {
                let first = names.first().map_or("NAME", String::as_str);
                format!("export {VARIABLE}{first}=…, or add `secrets` to the environment in trueup.toml")
            }
            Self::NotPromoted { environment, phase, .. } => format!(
                "nothing was changed; `trueup apply PLAN --env {} --phase {}` first, or take `after` out of the environment in trueup.toml",
                shell::word(environment),
                phase.label()
            ),
            Self::Elsewhere { here: Some(here), .. } => {
                format!("nothing was changed; plan for {}: `trueup plan --env {}`", visible_line(here), shell::word(here))
            }
            Self::Elsewhere { here: None, .. } => {
                "nothing was changed; name the environment with --env, or plan for this database".to_owned()
            }
            Self::Assumption(_) => "plan again for this database: `trueup plan`".to_owned(),
            Self::Stale(_) => {
                "plan again: `trueup plan`; `trueup verify PLAN` shows each difference".to_owned()
            }
            Self::Overlaps { plan, .. } => {
                let plan = visible_line(plan);
                format!("nothing was changed; bring {plan} to its end first, or roll it back; or plan again: `trueup plan`")
            }
            Self::NoRole(names) => {
                let create = names.iter().map(|name| format!("CREATE ROLE {}", ident(name)));
                format!("nothing was changed; {} there, or plan for this database", create.collect::<Vec<_>>().join("; "))
            }
            Self::RowSecurity(tables) => {
                let (table, owner) = tables.first().cloned().unwrap_or_default();
                format!(
                    "nothing was changed; ALTER ROLE {} BYPASSRLS, or ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY while it is applied",
                    ident(&owner)
                )
            }
            Self::Journal(error) => error.hint().unwrap_or_else(|| "nothing was changed".to_owned()),
            Self::BySuperuser { .. } => {
                "connect as the role that owns what the plan changes, or name it in trueup.toml: [env.NAME] role = \"…\"".to_owned()
            }
            Self::Superuser { .. } => "run it as a superuser (PostgreSQL manual, CREATE EVENT TRIGGER)".to_owned(),
            Self::Contradicts(_) => {
                "nothing was changed; `trueup protect --show` prints what is pinned, `trueup protect` pins what trueup.toml has".to_owned()
            }
            Self::Lowers => "`trueup protect --show` prints it; --lower pins this one all the same".to_owned(),
            Self::Unverified(_) => "nothing was changed; add sslmode=verify-full to the connection URL, and sslrootcert where it needs one".to_owned(),
            Self::LowersUnsigned(_) => "each says so with `trueup protect --lower --as NAME --sign KEY`".to_owned(),
            Self::LowersBadly(_) => "nothing was written; sign with a key that is pinned for that name".to_owned(),
            Self::Hook { .. } => "nothing of the phase was changed; see what it said, and try again".to_owned(),
            Self::Preflight(checks) => {
                checks.iter().filter_map(|check| check.next.as_deref()).collect::<Vec<_>>().join("; ")
            }
            Self::Data(_) => "change these rows, or the desired schema; nothing was changed".to_owned(),
            Self::NoWayBack(_) => {
                "nothing was changed; change these rows, or go forward: a new plan can bring a column back with @backfill"
                    .to_owned()
            }
            Self::Loses(_) => format!(
                "nothing was changed; `trueup rollback PLAN --accept {}` rolls back all the same; a new plan may lose less",
                cost::CODE
            ),
            Self::OldNames { .. } => format!(
                "see to it that all code that is deployed uses the new names, and wait; or `trueup apply PLAN --phase contract --accept {OLD_NAMES_IN_USE} --reason \"…\"`"
            ),
            Self::PhaseBefore(phase) => format!("`trueup apply PLAN --phase {}` first", phase.label()),
            Self::NotNamed(phase) => {
                let phase = phase.label();
                format!("nothing was changed; `trueup apply PLAN --phase {phase}` goes on, `trueup rollback PLAN --phase {phase}` goes back")
            }
            Self::PhaseAfter(phase) => {
                format!("`trueup rollback PLAN --phase {}` first, or leave --phase away", phase.label())
            }
            Self::HalfUndone(phase) => {
                format!("`trueup rollback PLAN --phase {}` goes on; then it can be applied again", phase.label())
            }
            Self::Begun(phase) => format!(
                "`trueup apply PLAN --phase {}` goes on; only what never ran here can be adopted",
                phase.label()
            ),
            Self::NotReached(_) => {
                "nothing was written; `trueup diff ENV PLAN` compares the database with the plan, `trueup apply PLAN` applies it".to_owned()
            }
            Self::Abandoned(_) => "make a plan from here: `trueup plan`".to_owned(),
            Self::NoSuchSchema(_) => "name schemas that the database has, or `all`".to_owned(),
            Self::NoSuchPhase(_) => "`trueup show PLAN` lists its phases".to_owned(),
            Self::Doubt { .. } => {
                "bring the object to its state before or after that step by hand, then try again".to_owned()
            }
        }
    }
}

/// The session that holds the advisory lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its backend.
    pub pid: i32,
    /// Its role.
    pub user: String,
    /// What it calls itself.
    pub application: String,
    /// Where its client is.
    pub client: String,
    /// Since when it is connected.
    pub since: String,
}

fn holder(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |Holder { pid, user, application, client, since }| {
        let (user, application) = (visible_line(user), visible_line(application));
        format!(": pid {pid} of {user} ({application}) from {client}, since {since}")
    })
}

fn uses(uses: &[Use]) -> String {
    uses.iter().map(|used| visible_line(&used.to_string()).into_owned()).collect::<Vec<_>>().join("; ")
}

/// The first few, and how many more.
pub fn differences(differences: &[Difference]) -> String {
    const SHOWN: usize = 3;
    let mut text: Vec<String> = differences
        .iter()
        .take(SHOWN)
        .map(|found| format!("{} {}", visible_line(&found.object.to_string()), found.how.label()))
        .collect();
    if differences.len() > SHOWN {
        text.push(format!("and {} more", differences.len() - SHOWN));
    }
    text.join(", ")
}

/// Why it stopped part-way.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// A batch failed; it was rolled back.
    #[error("{0}")]
    Run(RunError),
    /// The connection is gone.
    #[error("the connection to the target was lost: {0}")]
    Lost(String),
    /// Somebody asked to.
    #[error("stopped as asked")]
    Asked,
    /// Everything ran, and the result is not the one that was rehearsed.
    #[error("every step ran, but the result differs from the rehearsal: {}", differences(.0))]
    Differs(Vec<Difference>),
    /// The journal could not be written.
    #[error("{0}")]
    Journal(JournalError),
    /// Something else, between two phases.
    #[error("{0}")]
    Other(Box<ApplyError>),
}

impl Why {
    /// What it means that the journal could not be written.
    pub(super) fn journal(session: &Session, error: JournalError) -> Self {
        let lost = match &error {
            JournalError::Postgres(source) => is_lost(session, source),
            _ => session.is_closed(),
        };
        if lost { Self::Lost(error.to_string()) } else { Self::Journal(error) }
    }
}

/// How far a run came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The phase.
    pub phase: Phase,
    /// How many of its steps are done.
    pub done: usize,
    /// How many it has.
    pub steps: usize,
    /// A step that may be done or not.
    pub in_doubt: Option<u32>,
    /// Whether it was going back.
    pub back: bool,
}

impl Standing {
    /// The command that goes on.
    fn again(&self) -> &'static str {
        if self.back { "rollback" } else { "apply" }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, done, steps, in_doubt, back } = self;
        let verb = if *back { "still in place" } else { "done" };
        write!(f, "phase {}: {done} of {steps} steps are {verb}", phase.label())?;
        match in_doubt {
            Some(step) => write!(f, ", step {step} is in doubt"),
            None => Ok(()),
        }
    }
}

impl ApplyError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Connect(error) => error.hint().to_owned(),
            Self::Refused(refusal) => refusal.hint(),
            Self::Failed { error } => failed_hint(error)?,
            Self::Stopped { why: Why::Differs(_), standing, .. } => {
                let phase = standing.phase.label();
                format!(
                    "`trueup verify PLAN` shows the differences; `trueup rollback PLAN --phase {phase}` goes back"
                )
            }
            Self::Stopped { why: Why::Run(error), standing, .. } if error.is_of_search_path() => {
                let again = standing.again();
                format!(
                    "code of the database does not find what it names; schemas of its role's search_path are left out where \
                     others can put something into them (REVOKE CREATE ON SCHEMA public FROM PUBLIC), and ALTER FUNCTION … SET \
                     search_path gives it its own; then run `trueup {again} PLAN --phase {}` again",
                    standing.phase.label()
                )
            }
            Self::Stopped { standing, .. } => {
                let (again, phase) = (standing.again(), standing.phase.label());
                let other = if standing.back {
                    String::new()
                } else {
                    format!("; `trueup rollback PLAN --phase {phase}` goes back")
                };
                format!("run `trueup {again} PLAN --phase {phase}` again to go on from there{other}")
            }
            Self::Journal(error) => return error.hint(),
            Self::Sign(_) => {
                "nothing was written; name a key of OpenSSH, and have its ssh-keygen (9.1 or later) here"
                    .to_owned()
            }
            Self::Read(_) | Self::Query { .. } | Self::Approval(_) => return None,
        })
    }
}

fn failed_hint(error: &RunError) -> Option<String> {
    match error {
        RunError::Locked { blockers, .. } if !blockers.is_empty() => {
            Some("end or wait for those transactions, then run the same command again".to_owned())
        }
        RunError::Deferred { .. } => {
            Some("apply as the table's owner, or drop the trigger for the time of the phase".to_owned())
        }
        RunError::Bounds { .. } => Some(
            "apply as a role that is no superuser: `role` of the environment in trueup.toml names it"
                .to_owned(),
        ),
        RunError::Locked { .. } => Some("run the same command again at a quieter time".to_owned()),
        _ => None,
    }
}

/// In words, where a plan stands.
pub fn standing_words(position: Position) -> String {
    match position {
        Position::NotRun => "not applied".to_owned(),
        Position::RolledBack => "rolled back".to_owned(),
        Position::Within(phase) => format!("part-way through phase {}", phase.label()),
        Position::After(phase) => format!("phase {} applied", phase.label()),
    }
}
