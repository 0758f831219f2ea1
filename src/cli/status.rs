//! `trueup status`

use trueup::{
    apply::{self, roster::Roster, standing_words},
    catalog::scope::Scope,
    journal::{self, Changed, Direction, Ended, OpenPlan, Position, Run},
    plan::{PlanFile, staleness::Difference},
    planning::Planned,
    postgres::Session,
    report::{
        self,
        markdown::{code, plain},
    },
    source::{desired::Desired, live},
    step::Phase,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    desired::read_desired,
    exit::{CliError, Exit},
    output,
    planner::{self, Wanted},
    push,
};

/// Says where the database stands: SAFE, NEEDS_MIGRATION, PARTIAL_MIGRATION, DRIFTED or ERROR, why, and what to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup status --env production --exit-code")]
pub struct Arguments {
    /// End with 2 for NEEDS_MIGRATION, 4 for a plan that stopped, 5 for DRIFTED, 6 between phases
    #[arg(long)]
    exit_code: bool,
}

/// Where a database stands.
#[derive(Default)]
struct Standing {
    status: &'static str,
    /// Of a plan that is not at its end: `between phases`, or `stopped`.
    detail: Option<&'static str>,
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
    Ok(match (standing.status, standing.detail) {
        ("ERROR", _) => Exit::Error,
        ("SAFE", _) => Exit::Done,
        _ if !arguments.exit_code => Exit::Done,
        ("DRIFTED", _) => Exit::Drifted,
        ("PARTIAL_MIGRATION", Some("stopped")) => Exit::Stopped,
        ("PARTIAL_MIGRATION", _) => Exit::Between,
        _ => Exit::Pending,
    })
}

impl Standing {
    fn json(&self) -> serde_json::Value {
        let Self { status, detail, why, next, differences, changed } = self;
        let objects = differences.iter().map(|one| {
            let by: Vec<&Changed> = changed.iter().filter(|change| change.concerns(&one.object)).collect();
            serde_json::json!({ "object": one.object, "how": one.how.label(), "diff": one.diff, "by": by })
        });
        let objects: Vec<_> = objects.collect();
        serde_json::json!({ "status": status, "detail": detail, "why": why, "next": next, "differences": objects })
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
    let plans = match context.plans() {
        Ok(plans) => plans,
        Err(error) => return Ok(just("ERROR", error.message, error.hint)),
    };
    let history = journal::history(session).await?;
    let mut open = journal::open_plans(session).await?;
    if !open.is_empty() {
        // one that stopped goes on before anything else does; else the one that was made first
        let is_between = |open: &OpenPlan| matches!(open.position, Position::After(_));
        open.sort_by_key(|open| (is_between(open), open.plan.created));
        return between(context, session, &open, &plans, finished(&history, &plans)).await;
    }
    // the schema comes first, whatever the folder says
    let roster = Roster::read(session, &plans, &context.shaping()?).await?;
    let desired = if context.schema().is_empty() { None } else { Some(read_desired(context)?) };
    let reached = match &desired {
        Some(desired) => {
            planner::is_reached(context, session, desired, Wanted::to_compare(context, session, &[]).await?)
                .await?
        }
        None => false,
    };
    let finished = finished(&history, &plans);
    let drift = drift(context, session, finished).await?;
    let first = roster.waiting().next().filter(|_| !reached);
    if !reached
        && (first.is_some() || desired.is_none())
        && let Some(drift) = drift
    {
        return Ok(drift);
    }
    if let Some(first) = first {
        let (name, waiting) = (visible_line(&first.plan.plan.name), roster.waiting().count());
        let others =
            if waiting > 1 { format!(", and {} more wait behind it", waiting - 1) } else { String::new() };
        let next = format!("trueup verify {}{}", output::typed_path(&first.plan.dir), context.env_flag());
        return Ok(just("NEEDS_MIGRATION", format!("{name} has not been applied{others}"), Some(next)));
    }
    if let Some(desired) = desired.as_ref().filter(|_| !reached)
        && let Some(why) = differs(context, session, desired).await?
    {
        let next = Some(format!("trueup plan{}", context.env_flag()));
        return Ok(drift.unwrap_or(just("NEEDS_MIGRATION", why, next)));
    }
    if drift.is_some() {
        let why = "the database is as desired, though others have changed it since the last run";
        return Ok(just("SAFE", why.to_owned(), None));
    }
    if let Some((_, opened)) = finished {
        let name = visible_line(&opened.plan.name);
        let which = if desired.is_some() { "as desired" } else { "what it left" };
        return Ok(just("SAFE", format!("{name} is applied, and the database is {which}"), None));
    }
    let as_desired = if desired.is_some() { ", and the database is as desired" } else { "" };
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

/// The plan that came to its end last, if that was the end of its way there, and its last run.
fn finished<'a>(history: &'a [Run], plans: &'a [PlanFile]) -> Option<(&'a Run, &'a PlanFile)> {
    let done = history.iter().rev().filter(|run| run.outcome == Some(Ended::Done));
    let last_of_each = done.filter(|run| {
        let later = history
            .iter()
            .any(|other| other.id > run.id && other.plan == run.plan && other.outcome == Some(Ended::Done));
        !later && run.direction == Direction::Apply
    });
    last_of_each
        .into_iter()
        .find_map(|run| Some((run, plans.iter().find(|opened| opened.digest.as_str() == run.plan)?)))
}

/// Where a database stands that has plans which are not at their end. What that leaves as it is is compared all the same.
async fn between(
    context: &Context,
    session: &Session,
    open: &[OpenPlan],
    plans: &[PlanFile],
    finished: Option<(&Run, &PlanFile)>,
) -> Result<Standing, CliError> {
    let mut told = open.iter().map(|open| part_way(context, open, plans));
    let (first, next) = told.next().unwrap_or_default();
    let why = std::iter::once(first).chain(told.map(|(why, _)| why)).collect::<Vec<_>>().join("; ");
    let is_between = open.iter().all(|open| matches!(open.position, Position::After(_)));
    let standing = Standing {
        status: "PARTIAL_MIGRATION",
        detail: Some(if is_between { "between phases" } else { "stopped" }),
        why,
        next: Some(next),
        ..Standing::default()
    };
    // one that stopped is neither here nor there
    let drift = if is_between { drift(context, session, finished).await? } else { None };
    Ok(match drift {
        None => standing,
        Some(drift) => Standing {
            why: format!("{}; {}", drift.why, standing.why),
            detail: standing.detail,
            next: Some(
                "see who changed it, and make it again as it was before contract, or roll the plan back"
                    .to_owned(),
            ),
            ..drift
        },
    })
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
    let next = Some(format!("trueup plan{}", context.env_flag()));
    Ok(Some(Standing { status: "DRIFTED", why, next, differences, changed, ..Standing::default() }))
}

/// Where a plan stands that is not at its end, and what can be done.
fn part_way(context: &Context, open: &OpenPlan, plans: &[PlanFile]) -> (String, String) {
    let OpenPlan { digest, plan, state, position } = open;
    let name = visible_line(&plan.name);
    let standing = standing_words(*position);
    let dir =
        plans.iter().find(|opened| opened.digest == *digest).map(|opened| output::typed_path(&opened.dir));
    let remains = match position {
        Position::After(phase) => plan.phases().into_iter().find(|next| next > phase),
        _ => None,
    };
    let why = match remains {
        Some(next) => {
            format!("{name}: {standing}, {} remains, for when no old code runs any more", next.label())
        }
        None => format!("{name}: {standing}, {} of {} steps done", state.done.len(), plan.steps.len()),
    };
    let env = context.env_flag();
    // what no folder has, the journal has
    let (why, dir) = match dir {
        Some(dir) => (why, dir),
        None => (format!("{why}, and its plan is in no folder"), digest.short().to_owned()),
    };
    if push::is_pushed(plan) && context.environment().ok().flatten().is_some_and(|it| it.direct) {
        return (why, format!("trueup push{env}"));
    }
    let next = match (remains, state.half_undone(plan)) {
        (Some(next), _) => format!("trueup apply {dir}{env} --phase {}", next.label()),
        (None, Some(phase)) => format!("trueup rollback {dir}{env} --phase {}", phase.label()),
        (None, None) => match position {
            Position::Within(Phase::Contract) => {
                format!(
                    "trueup apply {dir}{env} --phase contract, or trueup rollback {dir}{env} --phase contract"
                )
            }
            _ => format!("trueup apply {dir}{env}, or trueup rollback {dir}{env} --phase expand"),
        },
    };
    (why, next)
}

/// How the database differs from the desired schema, if it does.
async fn differs(
    context: &Context,
    session: &Session,
    desired: &Desired,
) -> Result<Option<String>, CliError> {
    let wanted = Wanted::to_compare(context, session, &[]).await?;
    Ok(match planner::make(context, session, desired, wanted).await? {
        Planned::Nothing(_) => None,
        Planned::Questions(_) => Some("the database differs from the desired schema".to_owned()),
        Planned::Plan(made) => {
            let steps = made.steps.len();
            let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
            Some(format!("the database is {steps} away from the desired schema"))
        }
    })
}
