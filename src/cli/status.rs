//! `trueup status`

use std::path::{Path, PathBuf};

use trueup::{
    apply::{self, standing_words},
    catalog::scope::Scope,
    journal::{self, Changed, Direction, Ended, OpenPlan, Position, Run},
    plan::{PlanFile, staleness::Difference},
    planning::Planned,
    postgres::Session,
    report::{
        self,
        markdown::{code, plain},
    },
    source::live,
    step::Phase,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output, plan,
};

/// Says where the database stands: SAFE, NEEDS_MIGRATION, PARTIAL_MIGRATION, DRIFTED or ERROR, why, and what to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup status --env production --exit-code")]
pub struct Arguments {
    /// Exit with 2 unless it is SAFE
    #[arg(long)]
    exit_code: bool,
}

/// Where a database stands.
#[derive(Default)]
struct Standing {
    status: &'static str,
    why: String,
    next: Option<String>,
    differences: Vec<Difference>,
    /// What is written down of changes since the database was as it should be, the newest first.
    changed: Vec<Changed>,
}

/// How many of them are printed.
const NEWEST: usize = 10;

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let session = match context.connect().await {
        Ok(session) => session,
        Err(error) if context.format() == Format::Json => {
            output::json(&serde_json::json!({ "status": "ERROR", "why": error.message, "next": error.hint }));
            return Ok(Exit::Error);
        }
        Err(error) => return Err(CliError { message: format!("ERROR: {}", error.message), ..error }),
    };
    let standing = standing(context, &session).await?;
    match context.format() {
        Format::Json => output::json(&standing.json()),
        Format::Markdown => output::result(&standing.markdown()),
        Format::Text | Format::Sql => output::result(&standing.text()),
    }
    Ok(match standing.status {
        "SAFE" => Exit::Done,
        "ERROR" => Exit::Error,
        _ if arguments.exit_code => Exit::Pending,
        _ => Exit::Done,
    })
}

impl Standing {
    fn json(&self) -> serde_json::Value {
        let Self { status, why, next, differences, changed } = self;
        let objects = differences.iter().map(|one| {
            let by: Vec<&Changed> = changed.iter().filter(|change| change.concerns(&one.object)).collect();
            serde_json::json!({ "object": one.object, "how": one.how.label(), "diff": one.diff, "by": by })
        });
        let objects: Vec<_> = objects.collect();
        serde_json::json!({ "status": status, "why": why, "next": next, "differences": objects })
    }

    fn text(&self) -> String {
        let Self { status, why, next, differences, .. } = self;
        let next = next.as_ref().map(|next| format!("next: {next}\n")).unwrap_or_default();
        let shown = report::text::differences(differences, output::colour());
        let by: String = self.by().map(|(when, line)| format!("{when}  {line}\n")).collect();
        format!("{status}: {why}\n{shown}{by}{next}")
    }

    fn markdown(&self) -> String {
        let Self { status, why, next, differences, .. } = self;
        let mut page = format!("**{status}**: {}\n", plain(why));
        if !differences.is_empty() {
            page += &format!("\n{}", report::markdown::differences(differences));
        }
        let by: Vec<_> = self.by().collect();
        if !by.is_empty() {
            page += "\n| when | what, and who |\n| --- | --- |\n";
            page.extend(by.iter().map(|(when, line)| format!("| {when} | {} |\n", plain(line))));
        }
        page + &next.as_ref().map(|next| format!("\nNext: {}\n", code(next))).unwrap_or_default()
    }

    /// Who changed what differs, as far as it was written down, and when.
    fn by(&self) -> impl Iterator<Item = (String, String)> {
        let concerns = |change: &&Changed| self.differences.iter().any(|one| change.concerns(&one.object));
        self.changed.iter().filter(concerns).take(NEWEST).map(|change| {
            let Changed { happened, role, application, command, object, .. } = change;
            let client = change.client.as_deref().unwrap_or("this machine");
            let application = if application.is_empty() { "an unnamed client" } else { application };
            let line = format!("{command} {object} by {role}, {application} on {client}");
            (happened.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(), visible_line(&line).into_owned())
        })
    }
}

async fn standing(context: &Context, session: &Session) -> Result<Standing, CliError> {
    let just =
        |status, why: String, next: Option<String>| Standing { status, why, next, ..Standing::default() };
    let plans = match plans(&context.config.plans_dir()) {
        Ok(plans) => plans,
        Err(error) => return Ok(just("ERROR", error.message, error.hint)),
    };
    if let Some(open) = journal::open_plans(session).await?.first() {
        let (why, next) = part_way(open, &plans);
        return Ok(just("PARTIAL_MIGRATION", why, Some(next)));
    }

    // what is not open is at its end, was undone, or was never begun: the last run that came to its end says which
    let history = journal::history(session).await?;
    let abandoned = journal::abandoned(session).await?;
    let mut waiting = None;
    let mut finished: Option<(&Run, &PlanFile)> = None;
    for opened in &plans {
        let digest = opened.digest.as_str();
        if abandoned.iter().any(|abandoned| abandoned.plan == digest) {
            continue;
        }
        let done = |run: &&Run| run.plan == digest && run.outcome == Some(Ended::Done);
        match history.iter().rev().find(done) {
            None => waiting = waiting.or(Some(opened)),
            Some(run) if run.direction == Direction::Apply => {
                if finished.is_none_or(|(other, _)| run.id > other.id) {
                    finished = Some((run, opened));
                }
            }
            Some(_) => {}
        }
    }
    let drift = drift(context, session, finished).await?;
    // whether it is as desired does not matter, or cannot be told
    if (waiting.is_some() || context.schema().is_empty())
        && let Some(drift) = drift
    {
        return Ok(drift);
    }
    if let Some(opened) = waiting {
        let why = format!("{} has not been applied", visible_line(&opened.plan.name));
        return Ok(just(
            "NEEDS_MIGRATION",
            why,
            Some(format!("trueup verify {}", output::short_path(&opened.dir))),
        ));
    }
    if let Some(why) = differs(context, session).await? {
        let needed = just("NEEDS_MIGRATION", why, Some("trueup plan".to_owned()));
        return Ok(drift.unwrap_or(needed));
    }
    if drift.is_some() {
        let why = "the database is as desired, though others have changed it since the last run";
        return Ok(just("SAFE", why.to_owned(), None));
    }
    if let Some((_, opened)) = finished {
        let name = visible_line(&opened.plan.name);
        return Ok(just("SAFE", format!("{name} is applied, and the database is what it left"), None));
    }
    let as_desired = if context.schema().is_empty() { "" } else { ", and the database is as desired" };
    let why = match journal::adoptions(session).await?.pop() {
        Some(adoption) if history.is_empty() => {
            let day = adoption.adopted.strftime("%Y-%m-%d");
            format!("adopted on {day}, no plan waits{as_desired}")
        }
        None if history.is_empty() => format!("no plan waits{as_desired}; this database has no journal"),
        _ => format!("no plan waits{as_desired}"),
    };
    Ok(just("SAFE", why, None))
}

/// How the database differs from what the last run left, if it does.
async fn drift(
    context: &Context,
    session: &Session,
    finished: Option<(&Run, &PlanFile)>,
) -> Result<Option<Standing>, CliError> {
    let (why, since, differences) = if let Some(reached) =
        journal::reached(session, env!("CARGO_PKG_VERSION")).await?
    {
        let mut live = live::read_managed(session).await?;
        if !context.config.manage.owners {
            live.forget_owners();
        }
        let scope = Scope::ignoring(&context.config.manage.ignore);
        let differences = reached.differences(&live, |id| scope.ignores(id));
        let when = reached.at.strftime("%Y-%m-%d %H:%M:%S UTC");
        (format!("the database is not what it was left as on {when}"), reached.at, differences)
    } else if let Some((run, opened)) = finished {
        // another version wrote that, or an older one nothing: what the last plan is about can be compared
        let (_, differences) = apply::staleness(session, opened).await?;
        let name = visible_line(&opened.plan.name);
        (format!("the database is not what {name} left"), run.finished.unwrap_or(run.started), differences)
    } else {
        return Ok(None);
    };
    if differences.is_empty() {
        return Ok(None);
    }
    let changed = journal::changed_since(session, since).await?;
    let next = Some("trueup plan".to_owned());
    Ok(Some(Standing { status: "DRIFTED", why, next, differences, changed }))
}

/// Where a plan stands that is not at its end, and what can be done.
fn part_way(open: &OpenPlan, plans: &[PlanFile]) -> (String, String) {
    let OpenPlan { digest, plan, state, position } = open;
    let name = visible_line(&plan.name);
    let standing = standing_words(*position);
    let dir =
        plans.iter().find(|opened| opened.digest == *digest).map(|opened| output::short_path(&opened.dir));
    let remains = match position {
        Position::After(phase) => plan.phases().into_iter().find(|next| next > phase),
        _ => None,
    };
    let why = match remains {
        Some(next) => format!("{name}: {standing}, {} remains", next.label()),
        None => format!("{name}: {standing}, {} of {} steps done", state.done.len(), plan.steps.len()),
    };
    let Some(dir) = dir else {
        let next = "bring the plan back, then apply or roll it back".to_owned();
        return (format!("{why}, and its plan is not in the plans folder"), next);
    };
    let next = match (remains, state.half_undone(plan)) {
        (Some(next), _) => format!("trueup apply {dir} --phase {}", next.label()),
        (None, Some(phase)) => format!("trueup rollback {dir} --phase {}", phase.label()),
        (None, None) => match position {
            Position::Within(Phase::Contract) => {
                format!("trueup apply {dir} --phase contract, or trueup rollback {dir} --phase contract")
            }
            _ => format!("trueup apply {dir}, or trueup rollback {dir}"),
        },
    };
    (why, next)
}

/// How the database differs from the desired schema, if there is one and it does.
async fn differs(context: &Context, session: &Session) -> Result<Option<String>, CliError> {
    if context.schema().is_empty() {
        return Ok(None);
    }
    let desired = plan::read_desired(context)?;
    let assume_drop = std::collections::BTreeSet::from(["all".to_owned()]);
    let wanted = plan::Wanted {
        manage: plan::manage(context, session, &[]).await?,
        assume_drop,
        name: String::new(),
        author: None,
        created: jiff::Timestamp::now(),
    };
    Ok(match plan::make(context, session, &desired, wanted).await? {
        Planned::Nothing(_) => None,
        Planned::Questions(_) => Some("the database differs from the desired schema".to_owned()),
        Planned::Plan(made) => {
            let steps = made.steps.len();
            let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
            Some(format!("the database is {steps} away from the desired schema"))
        }
    })
}

/// Every plan in the folder, in the order of their names.
fn plans(dir: &Path) -> Result<Vec<PlanFile>, CliError> {
    let mut folders: Vec<PathBuf> = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?.filter_map(|entry| Some(entry.ok()?.path())).collect(),
    };
    folders.retain(|folder| folder.join("plan.toml").is_file());
    folders.sort();
    folders.iter().map(|folder| PlanFile::open(folder).map_err(CliError::from)).collect()
}
