//! `trueup deploy`

use std::{collections::BTreeSet, path::PathBuf};

use trueup::{
    apply::{
        Consent, Which,
        roster::{Entry, PlanState, Roster},
    },
    journal::Direction,
    plan::{Digest, PlanFile},
    step::Phase,
    visible::visible_line,
};

use super::{
    Format,
    apply::{Go, How, OnFailure},
    context::Context,
    exit::{CliError, Exit},
    output, plans,
};

/// Applies all plans that wait, in their order: what a deploy job runs. Stops at the first one that is refused; is safe to run
/// twice, and at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Expand before new code is rolled out, contract once no old code runs any more.

Example:
  trueup deploy --env production
  trueup deploy --env production --phase contract")]
pub struct Arguments {
    /// Which phase of them
    #[arg(long, value_enum, default_value_t = Deployed::Expand)]
    phase: Deployed,
    /// What was deployed, or why: for the journal
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Sign the receipt with this SSH key, for environments that come after this one and cannot ask it
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Check everything and print what would run first
    #[arg(long)]
    dry_run: bool,
    /// Seconds to wait for another trueup in the same database
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
    /// Seconds to try for a lock, pauses included
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_retries: u64,
}

/// The phases that can be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lowercase")]
enum Deployed {
    /// What old and new code both work with
    Expand,
    /// What old code does not work with
    Contract,
}

/// What comes next.
enum Next<'a> {
    /// This phase of this plan.
    Run(&'a PlanFile, Phase),
    /// Nothing, and nothing is in the way.
    Nothing,
    /// A plan that is in the way of all behind it, and why.
    Refused(String, String),
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let phase = match arguments.phase {
        Deployed::Expand => Phase::Expand,
        Deployed::Contract => Phase::Contract,
    };
    let plans = context.plans()?;
    let mut ran: BTreeSet<Digest> = BTreeSet::new();
    loop {
        // another deploy may be at it as well: what is next is asked each time
        let session = context.connect().await?;
        let roster = Roster::read(&session, &plans, &context.shaping()?).await?;
        session.close().await;
        match next(context, &roster, phase, &ran) {
            Next::Run(plan, phase) => {
                let how = How {
                    plan: plan.dir.clone(),
                    dry_run: arguments.dry_run,
                    wait: arguments.wait,
                    lock_retries: arguments.lock_retries,
                };
                let note = arguments.note.as_deref();
                let (which, on_failure) = (Which::One(phase), OnFailure::Stop);
                let go = Go {
                    how: &how,
                    which,
                    consent: Consent::Ask,
                    note,
                    old_names_accepted: false,
                    on_failure,
                    sign: arguments.sign.as_deref(),
                };
                go.go(context, Direction::Apply).await?;
                ran.insert(plan.digest.clone());
                if arguments.dry_run {
                    return Ok(Exit::Done);
                }
            }
            Next::Refused(why, hint) => return Err(CliError::new(why).with_hint(hint).refused()),
            Next::Nothing => {
                say(context, &roster, phase, ran.len());
                return Ok(Exit::Done);
            }
        }
    }
}

/// The first plan of which this phase can be applied now.
fn next<'a>(context: &Context, roster: &Roster<'a>, phase: Phase, ran: &BTreeSet<Digest>) -> Next<'a> {
    for entry in &roster.entries {
        let name = visible_line(&entry.plan.plan.name).into_owned();
        let refused = |why: String| {
            let hint = plans::next(context, entry).unwrap_or_else(|| "plan again: `trueup plan`".to_owned());
            Next::Refused(format!("{name}: {why}"), hint)
        };
        let phases = entry.plan.plan.phases();
        // what was applied, and is not done all the same, would come again and again
        let again = ran.contains(&entry.plan.digest);
        match &entry.plan_state {
            PlanState::Stopped { phase: stopped, back: false } if *stopped == phase && !again => {
                return Next::Run(entry.plan, phase);
            }
            PlanState::Stopped { .. } => {
                return refused(plans::why(entry).replacen("in ", "it stopped in ", 1));
            }
            PlanState::Between { next, .. } if *next == phase && !again => {
                return Next::Run(entry.plan, phase);
            }
            PlanState::Waiting if phases.first() == Some(&phase) && !again => {
                return Next::Run(entry.plan, phase);
            }
            PlanState::Behind(other) if phase == Phase::Expand => {
                let why = format!("it waits for contract of {}", visible_line(other));
                let hint = format!("trueup deploy{} --phase contract", context.env_flag());
                return Next::Refused(format!("{name}: {why}"), hint);
            }
            PlanState::Elsewhere(refusal) if phase == Phase::Expand => return refused(refusal.to_string()),
            // these are behind all that wait
            PlanState::Stale(differences) if phase == Phase::Expand => {
                let why = format!("{name}: the plan is stale: {}", trueup::apply::in_short(differences));
                return Next::Refused(why, when_stale(roster, ran.len()));
            }
            _ => {}
        }
    }
    Next::Nothing
}

/// What to do about plans that are stale: until they are gone, the job goes on ending with 3.
fn when_stale(roster: &Roster<'_>, ran: usize) -> String {
    let stale = roster.entries.iter().filter(|entry| matches!(entry.plan_state, PlanState::Stale(_)));
    let folders: Vec<String> = stale.map(|entry| output::typed_path(&entry.plan.dir)).collect();
    let others = match ran {
        0 => "no other plan waits".to_owned(),
        1 => "1 other plan was applied, and none waits".to_owned(),
        _ => format!("{ran} other plans were applied, and none waits"),
    };
    format!(
        "{others}; delete {} if nobody needs it any more, else plan again first: `trueup plan`",
        folders.join(", ")
    )
}

/// Says what came of it, and what remains.
fn say(context: &Context, roster: &Roster<'_>, phase: Phase, ran: usize) {
    let of = |entries: Vec<&Entry<'_>>| {
        let names = entries.iter().map(|entry| visible_line(&entry.plan.plan.name).into_owned());
        names.collect::<Vec<_>>()
    };
    let between = roster.open().filter(|entry| matches!(entry.plan_state, PlanState::Between { .. }));
    let (between, waiting) = (of(between.collect()), of(roster.waiting().collect()));
    if context.format() == Format::Json {
        output::json(&serde_json::json!({
            "phase": phase, "plans": ran, "contract_remains": between, "waiting": waiting,
        }));
        return;
    }
    let plans = if ran == 1 { "1 plan".to_owned() } else { format!("{ran} plans") };
    let mut text = format!("{}: {plans} applied", phase.label());
    if !between.is_empty() {
        let env = context.env_flag();
        text += &format!("; contract remains of {}: trueup deploy{env} --phase contract", between.join(", "));
    }
    if !waiting.is_empty() {
        text += &format!("; {} waits", waiting.join(", "));
    }
    output::words(context.format(), &text);
}
