//! Planning for a command: what the library needs for it, a throwaway server, and something to look at meanwhile.

use std::collections::BTreeSet;

use trueup::{
    catalog::scope::Manage,
    config::Shaping,
    diff::DiffError,
    journal::{self, JournalError},
    plan::{Plan, reproduced},
    planning::{self, Inputs, Planned, PlanningError},
    postgres::{OnDemand, ScratchError, Session},
    secret::Secrets,
    source::{desired::Desired, kept::Kept},
    visible::visible_line,
};

use super::{
    context::{Context, scratch_options},
    desired::{is_url, multiline, read_desired},
    exit::CliError,
    output,
    progress::Waiting,
};

/// What the command line says of a plan.
pub struct Wanted {
    /// Which schemas are managed.
    pub manage: Manage,
    /// What may be dropped without a question.
    pub assume_drop: BTreeSet<String>,
    /// The plan's name; may be empty for now.
    pub name: String,
    /// Who makes it.
    pub author: Option<String>,
    /// When it is made.
    pub created: jiff::Timestamp,
    /// What SQL it is made from, instead of a database.
    pub from: Option<String>,
}

impl Wanted {
    /// For who compares, and writes no plan.
    pub async fn to_compare(context: &Context, live: &Session, managed: &[String]) -> Result<Self, CliError> {
        Ok(Self {
            manage: manage(context, live, managed).await?,
            assume_drop: BTreeSet::from(["all".to_owned()]),
            name: String::new(),
            author: None,
            created: jiff::Timestamp::now(),
            from: None,
        })
    }
}

/// Plans on a throwaway server, and waits visibly.
pub async fn make(
    context: &Context,
    live: &Session,
    desired: &Desired,
    wanted: Wanted,
) -> Result<Planned, CliError> {
    with_inputs(context, live, desired, wanted, async |inputs| planning::plan(inputs).await).await
}

/// Whether live is as desired, as far as that shows without a rehearsal.
pub async fn is_reached(
    context: &Context,
    live: &Session,
    desired: &Desired,
    wanted: Wanted,
) -> Result<bool, CliError> {
    with_inputs(context, live, desired, wanted, async |inputs| planning::is_reached(inputs).await).await
}

/// Does something with what planning is made of, and waits visibly.
pub async fn with_inputs<T>(
    context: &Context,
    live: &Session,
    desired: &Desired,
    wanted: Wanted,
    work: impl AsyncFnOnce(&Inputs<'_>) -> Result<T, PlanningError>,
) -> Result<T, CliError> {
    let other = other_database(context).await?;
    if let Some(other) = other.as_ref().filter(|other| other.major() != live.major()) {
        let (wanted, is) = (other.major(), live.major());
        return Err(CliError::new(format!(
            "{} runs PostgreSQL {wanted}, and the target {is}",
            other.place()
        ))
        .with_hint("two databases are compared within one major version; give its schema as SQL instead"));
    }
    let waiting = Waiting::new(context.quiet());
    let options = scratch_options(context)?.with_major(live.major());
    let say = |what: &str| waiting.say(what);
    let scratch = OnDemand::later(&options, &say);
    let kept = Kept::within(&options.cache_dir);
    let Wanted { manage, assume_drop, name, author, created, from } = wanted;
    let open = match journal::open_plans(live).await {
        // who may not read the journal has been told
        Err(JournalError::MayNotUse(_)) => Vec::new(),
        open => open?,
    };
    let secrets = context.secrets()?;
    let inputs = Inputs {
        live,
        scratch: &scratch,
        kept: Some(&kept),
        from: from.as_deref(),
        desired,
        other: other.as_ref(),
        open,
        manage,
        ignore: context.config.manage.ignore.clone(),
        owners: context.config.manage.owners,
        shaping: context.shaping()?,
        secrets: &secrets,
        assume_drop,
        name,
        author,
        created,
        progress: &say,
    };
    let result = Box::pin(work(&inputs)).await;
    waiting.end();
    let closed = close(context, scratch).await;
    let found = result.map_err(planning_error)?;
    closed?;
    Ok(found)
}

/// Stops the throwaway server, and says whether SQL had more rights on a shadow server than it needs.
async fn close(context: &Context, scratch: OnDemand<'_>) -> Result<(), ScratchError> {
    if let Some(role) = scratch.superuser_of_shadow().filter(|_| !context.quiet()) {
        let role = visible_line(role);
        output::note(&format!(
            "warning: SQL ran on the shadow server as {role}, a superuser; a role with CREATEDB is enough"
        ));
    }
    scratch.close().await
}

/// Rehearses a plan again on a throwaway server, and waits visibly.
pub async fn rehearse_again(context: &Context, live: &Session, plan: &Plan) -> Result<(), CliError> {
    let waiting = Waiting::new(context.quiet());
    let options = scratch_options(context)?.with_major(live.major());
    let say = |what: &str| waiting.say(what);
    let scratch = OnDemand::later(&options, &say);
    let inputs = Inputs {
        live,
        scratch: &scratch,
        kept: None,
        from: None,
        desired: &Desired::default(),
        other: None,
        open: Vec::new(),
        manage: Manage::All,
        ignore: Vec::new(),
        owners: plan.owners,
        shaping: Shaping::default(),
        secrets: Secrets::NONE,
        assume_drop: BTreeSet::new(),
        name: plan.name.clone(),
        author: None,
        created: plan.created,
        progress: &say,
    };
    let result = Box::pin(planning::rehearse_again(&inputs, plan)).await;
    waiting.end();
    let closed = close(context, scratch).await;
    result.map_err(planning_error)?;
    closed?;
    Ok(())
}

/// Plans again, as the plan says that it was made, and compares.
pub async fn reproduce(
    context: &Context,
    live: &Session,
    plan: &Plan,
    managed: &[String],
) -> Result<(), CliError> {
    if plan.tool != env!("CARGO_PKG_VERSION") {
        let tool = visible_line(&plan.tool);
        return Err(CliError::new(format!(
            "the plan was made by trueup {tool}, and this is another version"
        ))
        .with_hint("reproduce it with that version, or plan again with this one")
        .refused());
    }
    let desired = read_desired(context)?;
    let wanted = Wanted {
        manage: manage(context, live, managed).await?,
        // whoever made the plan has answered, and the drops are in it
        assume_drop: BTreeSet::from(["all".to_owned()]),
        name: plan.name.clone(),
        author: plan.author.clone(),
        created: plan.created,
        from: None,
    };
    let refused = |details: String| {
        let error = CliError { details, ..CliError::new("planning again does not give this plan") };
        error
            .with_hint(
                "it was edited, or made from another schema or with other options; approve only what can be made again",
            )
            .refused()
    };
    let again = match make(context, live, &desired, wanted).await? {
        Planned::Plan(again) => again,
        Planned::Nothing(_) => return Err(refused("  there is nothing to plan\n".to_owned())),
        Planned::Questions(_) => return Err(refused("  there are questions to answer first\n".to_owned())),
    };
    let differences =
        reproduced::differences(plan, &again).map_err(|error| CliError::new(error.to_string()))?;
    if differences.is_empty() {
        return Ok(());
    }
    let lines = differences.iter().map(|(plan, again)| {
        format!("  the plan:      {}\n  planned again: {}\n", visible_line(plan), visible_line(again))
    });
    Err(refused(lines.collect()))
}

/// Which schemas are managed: as the command line says, else as trueup.toml does, else those that the SQL uses and
/// those that the journal shows.
pub async fn manage(context: &Context, live: &Session, named: &[String]) -> Result<Manage, CliError> {
    if let Some(said) = said_to_manage(context, named) {
        return Ok(said);
    }
    match journal::managed_schemas(live).await {
        Ok(schemas) => Ok(Manage::Declared(schemas)),
        Err(error @ JournalError::MayNotUse(_)) => {
            output::note(&format!("note: {error}: only schemas that the SQL uses are managed"));
            Ok(Manage::Declared(BTreeSet::new()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Which schemas are managed, if the command line or trueup.toml says.
pub fn said_to_manage(context: &Context, named: &[String]) -> Option<Manage> {
    let named: BTreeSet<String> = named.iter().cloned().collect();
    let all = |names: &BTreeSet<String>, word: &str| names.contains(word);
    match &context.config.manage.schemas {
        _ if all(&named, "all") => Some(Manage::All),
        _ if !named.is_empty() => Some(Manage::Only(named)),
        Some(names) if all(names, "*") => Some(Manage::All),
        Some(names) => Some(Manage::Only(names.clone())),
        None => None,
    }
}

/// The database that --schema names instead of SQL.
async fn other_database(context: &Context) -> Result<Option<Session>, CliError> {
    let paths = context.schema();
    let Some(url) = paths.iter().filter_map(|path| path.to_str()).find(|path| is_url(path)) else {
        return Ok(None);
    };
    if paths.len() > 1 {
        return Err(CliError::new("--schema names a database, and something else beside it")
            .with_hint("a database is a whole desired state: give its URL alone"));
    }
    let target = context.resolve(Some(url))?;
    Ok(Some(Session::connect(&target.for_trueup()).await?))
}

pub fn planning_error(error: PlanningError) -> CliError {
    let refused = matches!(
        error,
        PlanningError::Diff(DiffError::Refused(_) | DiffError::Cycle(_))
            | PlanningError::Unmanaged(_)
            | PlanningError::NoUpdatePath(_)
            | PlanningError::NotYet(_)
            | PlanningError::NeedsValue(_)
            | PlanningError::NotOnline(_)
            | PlanningError::NotConvertible(_)
            | PlanningError::UncheckedKey { .. }
            | PlanningError::PartWay(_)
            | PlanningError::Overlaps(_)
            | PlanningError::Broken(_)
            | PlanningError::NoCast(_)
            | PlanningError::Unlike(_)
    );
    let shown = CliError { hint: error.hint(), ..multiline(&error.to_string()) };
    if refused { shown.refused() } else { shown }
}
