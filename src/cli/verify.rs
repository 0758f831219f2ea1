//! `trueup verify`

use std::path::PathBuf;

use jiff::Timestamp;
use trueup::{
    apply::{
        self, ApplyError, Refusal, Silent,
        checklist::{Item, Walk},
        permission::Permission,
    },
    approval::{self, Missing},
    journal::{self, Direction, Position},
    plan::PlanFile,
    report,
    step::Phase,
    visible::visible_line,
};

use super::{
    Format,
    approve::Phases,
    context::Context,
    exit::{CliError, Exit},
    loaded::Loaded,
    output,
    sign_off::{self, Row},
};

/// Checks a plan: its bytes, its approvals, and, where a database is named, whether it still fits it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup verify plans/20261120-tier --env production --phase all")]
pub struct Arguments {
    /// The plan's folder, its plan.toml, or its name
    plan: PathBuf,
    /// The phases that must be approved; without it the next one
    #[arg(long, value_enum)]
    phase: Option<Phases>,
    /// Ask no database: the policy of --env counts, as trueup.toml has it
    #[arg(long, conflicts_with_all = ["rehearse", "reproduce"])]
    offline: bool,
    /// What is to be approved is the rollback
    #[arg(long)]
    rollback: bool,
    /// Rehearse it again, on a clone of the database as it is now
    #[arg(long)]
    rehearse: bool,
    /// Plan again, with --schema as `trueup plan` had it: it must give this plan, byte for byte but for sizes of tables
    #[arg(long)]
    reproduce: bool,
    /// The schemas to manage, as `trueup plan` had them
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "reproduce")]
    manage: Vec<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let opened = context.plan(&arguments.plan)?;
    check_page(&opened)?;
    let (mut position, mut differences) = (None, None);
    let (mut broken, mut contradictions, mut elsewhere) = (Vec::new(), Vec::new(), None);
    let phases_at = |position| match arguments.phase {
        Some(phases) => phases.of(&opened.plan),
        None if arguments.rollback => ran(opened.plan.phases(), position),
        None => next(&opened.plan.phases(), position).into_iter().collect(),
    };
    let permission = if context.names_a_database() && !arguments.offline {
        let loaded = Loaded::new(context, opened.clone())?;
        let (options, session) = (loaded.to_look(context)?, context.connect().await?);
        let state = journal::state(&session, &opened.digest).await?;
        if let Some(when) = state.abandoned {
            return Err(ApplyError::from(Refusal::Abandoned(when)).into());
        }
        position = Some(state.position(&opened.plan));
        differences = Some(Vec::new());
        let direction = if arguments.rollback { Direction::Rollback } else { Direction::Apply };
        let mut walk = Walk::new(&options, &session, direction, state);
        walk.phases = phases_at(position);
        for item in Item::of_the_plan(direction) {
            for finding in walk.look(item, &mut Silent).await? {
                match finding.refusal {
                    Some(Refusal::Stale(found)) => differences = Some(found),
                    Some(Refusal::Assumption(found)) => broken = found,
                    Some(refusal @ Refusal::Elsewhere { .. }) => elsewhere = Some(refusal.to_string()),
                    // told by the phase, below
                    Some(Refusal::NotApproved { .. }) | None => {}
                    Some(refusal) => contradictions.push(refusal.to_string()),
                }
            }
        }
        walk.into_permission().await?
    } else {
        if context.names_a_database() && !arguments.rollback {
            let fits = apply::fits_environment(&opened.plan, &context.shaping()?, Position::NotRun);
            elsewhere = fits.err().map(|refusal| refusal.to_string());
        }
        let (policy, now) = (context.policy()?, Timestamp::now());
        let approvals = approval::read_checked(&opened, &policy, now)?;
        Permission::by_file(&opened, &policy, &approvals, now)?
    };
    let phases = phases_at(position);
    if arguments.rehearse || arguments.reproduce {
        if position.is_some_and(|position| !matches!(position, Position::NotRun | Position::RolledBack)) {
            return Err(CliError::new(
                "the plan has run: only one that has not can be rehearsed or made again on this database",
            )
            .refused());
        }
        let session = context.connect().await?;
        if arguments.rehearse {
            super::planner::rehearse_again(context, &session, &opened.plan).await?;
        }
        if arguments.reproduce {
            super::planner::reproduce(context, &session, &opened.plan, &arguments.manage).await?;
        }
    }
    let direction = if arguments.rollback { Direction::Rollback } else { Direction::Apply };
    let needed = !arguments.rollback || permission.policy.rollback;
    let checked: Vec<Checked> = phases
        .into_iter()
        .map(|phase| {
            let covered = if needed {
                permission.check(&opened, phase, direction)
            } else {
                Ok(approval::Covered::default())
            };
            let names = |covered: approval::Covered| {
                covered.approvals.iter().map(|approval| approval.approver.to_string()).collect()
            };
            (phase, covered.map(names))
        })
        .collect();
    let asked = checked.iter().map(|(phase, _)| *phase).filter(|_| needed);
    let signed_off: Vec<Row> =
        asked.flat_map(|phase| sign_off::rows(&permission, &opened, phase, direction)).collect();
    let stale = differences.as_ref().is_some_and(|differences| !differences.is_empty());
    let good = !stale
        && broken.is_empty()
        && elsewhere.is_none()
        && contradictions.is_empty()
        && checked.iter().all(|(_, covered)| covered.is_ok());

    if context.format() == Format::Json {
        let phases: Vec<_> = checked
            .iter()
            .map(|(phase, covered)| match covered {
                Ok(by) => serde_json::json!({ "phase": phase, "approved": true, "by": by }),
                Err(missing) => {
                    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                    serde_json::json!({ "phase": phase, "approved": false, "missing": missing })
                }
            })
            .collect();
        let different: Option<Vec<_>> = differences.as_ref().map(|all| {
            all.iter()
                .map(|one| serde_json::json!({ "object": one.object, "how": one.how.label(), "diff": one.diff }))
                .collect()
        });
        output::json(&serde_json::json!({
            "plan": opened.plan.name, "digest": opened.digest, "ok": good,
            "standing": position.map(apply::standing_words), "phases": phases, "differences": different,
            "sign_off": signed_off.iter().map(Row::json).collect::<Vec<_>>(), "elsewhere": elsewhere, "assumptions_broken": broken, "policy_contradicts": contradictions,
        }));
    } else {
        let (name, digest) = (visible_line(&opened.plan.name), opened.digest.short());
        let mut lines = vec![format!("{name}: plan.toml, README.md and the scripts agree, digest {digest}")];
        if arguments.rehearse {
            lines.push(
                "rehearsal: there, back and there again on a clone of the database, as the plan says"
                    .to_owned(),
            );
        }
        if arguments.reproduce {
            lines.push("reproduction: planning again gives this plan, but for sizes of tables".to_owned());
        }
        for (phase, covered) in &checked {
            match covered {
                Ok(by) if by.is_empty() => lines.push(format!("{}: needs no approval", phase.label())),
                Ok(by) => lines.push(format!("{}: approved by {}", phase.label(), by.join(", "))),
                Err(missing) => {
                    lines.extend(missing.iter().map(|missing| format!("{}: {missing}", phase.label())));
                }
            }
        }
        lines.extend(sign_off::table(&signed_off));
        match (&differences, position) {
            (Some(differences), Some(position)) if differences.is_empty() => {
                lines.push(format!("database: {}, as the plan expects", apply::standing_words(position)));
            }
            (Some(differences), _) => {
                lines.push("database: the plan is stale".to_owned());
                lines.push(report::text::differences(differences, output::colour()));
            }
            (None, _) => lines.push("database: not compared; --env or --url names one".to_owned()),
        }
        lines.extend(contradictions.iter().map(|one| format!("policy: {}", visible_line(one))));
        lines.extend(elsewhere.iter().map(|why| format!("environment: {why}")));
        lines.extend(broken.iter().map(|broken| format!("database: the plan is stale: {broken}")));
        output::words(context.format(), &lines.join("\n"));
    }
    Ok(if good { Exit::Done } else { Exit::Refused })
}

/// Refuses a plan whose review page says something else. That of another version of trueup is not compared, and that is said.
pub fn check_page(opened: &PlanFile) -> Result<(), CliError> {
    let tool = &opened.plan.tool;
    if tool == env!("CARGO_PKG_VERSION") {
        return Ok(report::check_page(opened)?);
    }
    let tool = visible_line(tool);
    output::note(&format!("note: README.md was written by trueup {tool}, and is not compared with the plan"));
    Ok(())
}

/// A phase, and who approved it or what is missing.
type Checked = (Phase, Result<Vec<String>, Vec<Missing>>);

/// The phases that would be rolled back: where nothing has run, or nobody looked, all of them.
fn ran(phases: Vec<Phase>, position: Option<Position>) -> Vec<Phase> {
    match position {
        Some(Position::After(last) | Position::Within(last)) => {
            phases.into_iter().rev().filter(|phase| *phase <= last).collect()
        }
        _ => phases,
    }
}

/// The phase that would be applied next.
fn next(phases: &[Phase], position: Option<Position>) -> Option<Phase> {
    match position {
        Some(Position::After(done)) => phases.iter().copied().find(|phase| *phase > done),
        Some(Position::Within(phase)) => Some(phase),
        _ => phases.first().copied(),
    }
}
