//! `trueup apply`, and what `rollback` shares with it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use trueup::{
    apply::{
        self, ApplyError, Consent, Options, Outcome, Which, Why, cost::Cost, gate::OLD_NAMES_IN_USE,
        standing_words,
    },
    journal::Direction,
    plan::PlanFile,
    run::{Retry, StopHandle},
    step::Phase,
    visible::{visible, visible_line},
};

use super::{
    Format,
    approve::Phases,
    context::Context,
    exit::{CliError, Exit},
    loaded::Loaded,
    output,
    progress::{self, Shown},
    receipts,
};

/// Applies an approved plan, or goes on with one that stopped. Needs no schema files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup apply plans/20261120-tier --env production --phase expand")]
pub struct Arguments {
    #[command(flatten)]
    how: How,
    /// Which phase; without it expand, never contract
    #[arg(long, value_enum)]
    phase: Option<Phases>,
    /// Why, or what was looked at: for the journal
    #[arg(long, value_name = "TEXT", visible_alias = "reason")]
    note: Option<String>,
    /// Say yes to what is so at this moment: `OLD_NAMES_IN_USE`, that code still writes by names that contract takes away
    #[arg(long, value_name = "CODE", requires = "note")]
    accept: Option<String>,
    /// Sign the receipt with this SSH key, for environments that come after this one and cannot ask it
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// What to do when it stops part-way for another reason than Ctrl-C
    #[arg(long, value_enum, default_value_t = OnFailure::Stop)]
    on_failure: OnFailure,
}

/// What to do when an apply stops part-way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    /// Stay there: apply goes on, rollback goes back
    Stop,
    /// Undo the phase, and prove that
    Rollback,
}

/// What apply and rollback have in common.
#[derive(Debug, clap::Args)]
pub struct How {
    /// The plan's folder, its plan.toml, or its name
    pub plan: PathBuf,
    /// Check everything and print what would run
    #[arg(long)]
    pub dry_run: bool,
    /// Seconds to wait for another trueup in the same database
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub wait: u64,
    /// Seconds to try for a lock, pauses included
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub lock_retries: u64,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { how, phase, note, accept, sign, on_failure } = arguments;
    let old_names_accepted = match accept.as_deref() {
        None => false,
        Some(OLD_NAMES_IN_USE) => true,
        Some(_) => {
            return Err(CliError::new(
                "dangers of a plan are accepted by who approves it, not by who applies it",
            )
            .with_hint(format!(
                "`trueup approve PLAN --as NAME --accept CODE`; apply has --accept {OLD_NAMES_IN_USE}"
            )));
        }
    };
    let go = Go {
        how,
        which: which(*phase),
        consent: Consent::Ask,
        note: note.as_deref(),
        old_names_accepted,
        on_failure: *on_failure,
        sign: sign.as_deref(),
    };
    go.go(context, Direction::Apply).await
}

/// What to apply or roll back, as the command line says.
pub struct Go<'a> {
    /// What both have in common.
    pub how: &'a How,
    /// Which phases.
    pub which: Which,
    /// Whether what a rollback loses is accepted.
    pub consent: Consent,
    /// What the journal says of why.
    pub note: Option<&'a str>,
    /// Whether contract may run although old names are in use.
    pub old_names_accepted: bool,
    /// What to do when it stops part-way.
    pub on_failure: OnFailure,
    /// What a receipt is signed with.
    pub sign: Option<&'a Path>,
}

/// The phases that --phase means.
pub fn which(phases: Option<Phases>) -> Which {
    match phases {
        None => Which::Default,
        Some(Phases::Expand) => Which::One(Phase::Expand),
        Some(Phases::Contract) => Which::One(Phase::Contract),
        Some(Phases::All) => Which::All,
    }
}

impl Go<'_> {
    /// Applies or rolls back, and says what it came to.
    pub async fn go(&self, context: &Context, direction: Direction) -> Result<Exit, CliError> {
        let Self { how, which, consent, note, old_names_accepted, on_failure, sign } = *self;
        let loaded = Loaded::new(context, context.plan_or_kept(&how.plan).await?)?;
        let plan = &loaded.plan;
        let (handle, stop) = StopHandle::new();
        progress::stop_at_signals(handle);
        let options = Options {
            which,
            wait: Duration::from_secs(how.wait),
            hooks: context.hooks(),
            retry: Retry { total: Duration::from_secs(how.lock_retries), ..Retry::default() },
            consent,
            note,
            old_names_accepted,
            stop,
            dry_run: how.dry_run,
            ..loaded.to_look(context)?
        };
        let mut shown = Shown::new(context.quiet() || how.dry_run || context.format() == Format::Json);
        let outcome = match direction {
            Direction::Apply => apply::apply(&options, &mut shown).await,
            Direction::Rollback => apply::rollback(&options, &mut shown).await,
        };
        shown.end();
        let outcome = match outcome {
            Err(error) if on_failure == OnFailure::Rollback => {
                return Err(undone(&options, error, &mut shown).await);
            }
            outcome => outcome?,
        };
        tell(context, &outcome, direction, plan);
        if let Outcome::Done { phases, .. } = &outcome {
            receipts::keep(context, plan, phases, direction, sign).await?;
        }
        Ok(Exit::Done)
    }
}

/// Goes back where a phase stopped part-way, and says what came of both.
async fn undone(options: &Options<'_>, error: ApplyError, shown: &mut Shown) -> CliError {
    let phase = match &error {
        ApplyError::Stopped { why: Why::Asked, .. } => return error.into(),
        ApplyError::Stopped { standing, .. } => standing.phase,
        _ => return error.into(),
    };
    let back = Options { which: Which::One(phase), consent: Consent::NoNewLoss, ..options.clone() };
    let result = apply::rollback(&back, shown).await;
    shown.end();
    match result {
        // it stopped before the first step of the phase
        Ok(Outcome::Nothing { .. }) => error.into(),
        Ok(outcome) => CliError {
            message: format!(
                "{error}; phase {} was rolled back, {}",
                phase.label(),
                equal_to_before(&outcome)
            ),
            hint: Some("see what was in the way, then apply again".to_owned()),
            exit: Exit::Error,
            details: String::new(),
        },
        Err(second) => {
            let second = CliError::from(second);
            // refused or not, it is part-way
            let message = format!("{error}; on the way back: {}", second.message);
            CliError { message, exit: Exit::Stopped, ..second }
        }
    }
}

/// Says what it came to.
pub fn tell(context: &Context, outcome: &Outcome, direction: Direction, plan: &PlanFile) {
    let name = &plan.plan.name;
    if context.format() == Format::Json {
        output::json(&as_json(outcome, direction, name, plan.digest.as_str()));
    } else {
        output::words(context.format(), &context.completed(&in_words(outcome, direction, name)));
    }
}

fn in_words(outcome: &Outcome, direction: Direction, name: &str) -> String {
    let name = visible_line(name);
    let list = |phases: &[Phase]| phases.iter().map(|phase| phase.label()).collect::<Vec<_>>().join(", ");
    match (outcome, direction) {
        (Outcome::Nothing { position, next }, _) => {
            format!("{name}: nothing to do; {}{}", standing_words(*position), remains(*next))
        }
        (Outcome::Done { phases, steps, next, .. }, Direction::Apply) => {
            let next = remains(*next);
            format!("{name}: {} applied, {}, equal to the rehearsal{next}", list(phases), counted(*steps))
        }
        (Outcome::Done { phases, steps, .. }, Direction::Rollback) => {
            let (phases, steps) = (list(phases), counted(*steps));
            format!("{name}: {phases} rolled back, {steps}, {}", equal_to_before(outcome))
        }
        (Outcome::WouldRun(batches), _) => {
            let mut lines = Vec::new();
            for batch in batches {
                let how = if batch.transactional { "" } else { ", outside any transaction" };
                lines.push(format!("-- {}, batch {}{how}", batch.phase.label(), batch.number));
                for item in &batch.items {
                    lines.push(format!("-- step {}: {}", item.step, visible_line(&item.summary)));
                    lines.extend(item.action.sql.iter().map(|sql| format!("{};", visible(sql.as_str()))));
                }
            }
            lines.push("-- nothing was run".to_owned());
            lines.join("\n")
        }
    }
}

/// In what the database is what it was, once it was rolled back.
pub fn equal_to_before(outcome: &Outcome) -> String {
    let costs = match outcome {
        Outcome::Done { costs, .. } => &costs[..],
        Outcome::Nothing { .. } | Outcome::WouldRun(_) => &[],
    };
    let lost: Vec<String> = costs.iter().map(Cost::afterwards).collect();
    if lost.is_empty() {
        return "equal to before".to_owned();
    }
    format!("schema equal to before; {}", visible_line(&lost.join("; ")))
}

/// What is left to do, and when.
fn remains(next: Option<Phase>) -> String {
    let words = |phase: Phase| {
        let phase = phase.label();
        format!(
            "; {phase} remains: deploy the code that does without the old schema, then `trueup apply PLAN --phase {phase}`"
        )
    };
    next.map(words).unwrap_or_default()
}

fn counted(steps: usize) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}

fn as_json(outcome: &Outcome, direction: Direction, name: &str, digest: &str) -> serde_json::Value {
    let mut value = serde_json::json!({ "plan": name, "digest": digest, "direction": direction });
    let more = match outcome {
        Outcome::Nothing { position, next } => {
            serde_json::json!({ "outcome": "nothing", "standing": standing_words(*position), "next": next })
        }
        Outcome::Done { phases, steps, next, costs } => {
            let lost: Vec<String> = costs.iter().map(Cost::afterwards).collect();
            serde_json::json!({ "outcome": "done", "phases": phases, "steps": steps, "next": next, "lost": lost })
        }
        Outcome::WouldRun(batches) => {
            let steps: Vec<_> = batches
                .iter()
                .flat_map(|batch| batch.items.iter().map(move |item| (batch, item)))
                .map(|(batch, item)| {
                    serde_json::json!({
                        "step": item.step, "batch": batch.number, "phase": batch.phase,
                        "transactional": batch.transactional, "sql": item.action.sql,
                    })
                })
                .collect();
            serde_json::json!({ "outcome": "dry_run", "steps": steps })
        }
    };
    if let (Some(value), serde_json::Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}
