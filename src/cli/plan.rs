//! `trueup plan`

use std::{
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
};

use trueup::{
    apply::roster::{PlanState, Roster},
    approval::{is_person, planner},
    catalog::scope::Manage,
    config::Shaping,
    diff::DiffError,
    journal::{self, JournalError},
    plan::{Plan, folder, reproduced},
    planning::{self, Inputs, Planned, PlanningError, Remarks},
    postgres::{OnDemand, ScratchError, Session},
    report,
    secret::Secrets,
    source::{
        desired::{self, Desired, SourceFile},
        kept::Kept,
    },
    visible::visible_line,
};

use super::{
    Format,
    context::{Context, scratch_options},
    exit::{CliError, Exit},
    output,
    progress::Waiting,
};

/// Writes a rehearsed plan from the live database to the desired schema. The database is only read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  trueup plan --schema schema/ --url postgres://app@db.example/shop --name tier-level")]
pub struct Arguments {
    /// The plan's name; its folder is plans/DATE-NAME
    #[arg(long, value_name = "SLUG")]
    name: Option<String>,
    /// The plan's own folder, instead of one below plans/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Say that these tables or columns are dropped, not renamed; `all` for any
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    assume_drop: Vec<String>,
    /// The schemas to manage, or `all`; else those that the desired SQL uses or the journal shows
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    manage: Vec<String>,
    /// Who makes it; without it who git says (`git config user.email`)
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Sign it with this SSH key: a private one, or the public one of an agent
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// End with code 2 when there is anything to do
    #[arg(long)]
    exit_code: bool,
    /// Write nothing: say whether the plans of the folder lead to the schema, and which do not fit any more. Ends with 3 if not
    #[arg(long, conflicts_with_all = ["name", "out", "sign", "exit_code"])]
    check: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    if let Some(name) = &arguments.name {
        check_name(name)?;
    }
    let author = if arguments.check { None } else { author(context, arguments)? };
    let desired = read_desired(context)?;
    let live = context.connect().await?;
    if arguments.check {
        return check(context, &live, &desired, &arguments.manage).await;
    }
    let wanted = Wanted {
        manage: manage(context, &live, &arguments.manage).await?,
        assume_drop: arguments.assume_drop.iter().cloned().collect(),
        name: arguments.name.clone().unwrap_or_default(),
        author,
        created: jiff::Timestamp::now(),
    };
    let planned = make(context, &live, &desired, wanted).await?;
    let mut plan = match planned {
        Planned::Nothing(remarks) => return Ok(nothing(context, &remarks)),
        Planned::Questions(questions) => {
            let list: String = questions.iter().map(|question| format!("  {question}\n")).collect();
            let count = if questions.len() == 1 {
                "a question".to_owned()
            } else {
                format!("{} questions", questions.len())
            };
            let error = CliError {
                details: list,
                ..CliError::new(format!("{count} must be answered before there can be a plan"))
            };
            return Err(error.refused());
        }
        Planned::Plan(plan) => *plan,
    };
    if plan.name.is_empty() {
        plan.name = arguments.out.as_deref().and_then(Path::file_name).map_or_else(
            || slug(plan.steps.first().map_or("plan", |step| step.summary.as_str())),
            |name| slug(&name.to_string_lossy()),
        );
    }
    write(context, arguments, &plan)?;
    Ok(if arguments.exit_code { Exit::Pending } else { Exit::Done })
}

/// Who makes the plan. Where policy does not count the author's own approval, somebody must have.
fn author(context: &Context, arguments: &Arguments) -> Result<Option<String>, CliError> {
    if let Some(name) = &arguments.author
        && !is_person(name)
    {
        return Err(CliError::new(format!("--author {}: this names nobody", visible_line(name)))
            .with_hint("write a login name or a mail address"));
    }
    let author = arguments.author.clone().or_else(|| context.author());
    let policies = context.policies()?;
    let asks = policies.iter().find(|policy| !policy.author);
    let Some(policy) = asks.filter(|_| author.is_none()) else { return Ok(author) };
    let of =
        policy.environment.as_ref().map(|name| format!(" of {}", visible_line(name))).unwrap_or_default();
    let error = CliError::new(format!(
        "policy{of} does not count the author's own approval, and nobody says who makes the plan"
    ));
    Err(error.with_hint("`git config user.email NAME@…`, or --author NAME").refused())
}

/// Whether the newest plan ends in the schema, and which plans that wait do not fit any more: for a pull request.
async fn check(
    context: &Context,
    live: &Session,
    desired: &Desired,
    managed: &[String],
) -> Result<Exit, CliError> {
    let plans = context.plans()?;
    let roster = Roster::read(live, &plans, &context.shaping()?).await?;
    let mut wrong = Vec::new();
    for entry in &roster.entries {
        if let PlanState::Stale(differences) = &entry.plan_state {
            let name = visible_line(&entry.plan.plan.name);
            wrong.push(format!("{name} does not fit: {}", trueup::apply::in_short(differences)));
        }
    }
    let newest = roster.waiting().max_by_key(|entry| entry.plan.plan.created);
    let wanted = Wanted::to_compare(context, live, managed).await?;
    if let Some(newest) = newest {
        let plan = &newest.plan.plan;
        let work = async |inputs: &Inputs<'_>| planning::not_as_desired(inputs, plan).await;
        let objects = with_inputs(context, live, desired, wanted, work).await?;
        if let Some(first) = objects.first() {
            let more =
                if objects.len() > 1 { format!(", and {} more", objects.len() - 1) } else { String::new() };
            let (name, first) = (visible_line(&plan.name), first.to_string());
            wrong.push(format!("{name} does not end in the schema: {}{more}", visible_line(&first)));
        }
    } else if !is_reached(context, live, desired, wanted).await? {
        wrong.push("no plan leads from the database to the schema".to_owned());
    }
    let fits = wrong.is_empty();
    if context.format() == Format::Json {
        output::json(&serde_json::json!({ "ok": fits, "wrong": wrong }));
    } else if fits {
        output::words(context.format(), "the plans lead to the schema");
    } else {
        output::words(context.format(), &wrong.join("\n"));
        output::note("hint: plan again, and delete what does not fit");
    }
    Ok(if fits { Exit::Done } else { Exit::Refused })
}

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
async fn with_inputs<T>(
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
    let Wanted { manage, assume_drop, name, author, created } = wanted;
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

/// Whether an argument names a database by its URL.
pub fn is_url(path: &str) -> bool {
    path.starts_with("postgres://") || path.starts_with("postgresql://")
}

/// The same. What looks like a URL and is none of a database is an error that does not repeat it: it may have a password.
pub fn check_url(text: &str) -> Result<bool, CliError> {
    if text.contains("://") && !is_url(text) {
        return Err(CliError::new("a URL is given that does not begin with postgres:// or postgresql://")
            .with_hint("write it as postgres://user@host:port/database"));
    }
    Ok(is_url(text))
}

/// The desired SQL of --schema or trueup.toml, checked. Empty when --schema names a database.
pub fn read_desired(context: &Context) -> Result<Desired, CliError> {
    let paths = context.schema();
    for path in paths.iter().filter_map(|path| path.to_str()) {
        if check_url(path)? {
            return Ok(Desired::default());
        }
    }
    if paths.is_empty() {
        return Err(CliError::new("no desired schema is given").with_hint(
            "name files or folders of SQL with --schema, or run `trueup init` for a trueup.toml",
        ));
    }
    // what the command line names is the user's own
    let project = context.global.schema.is_empty().then(|| context.config.project());
    read_sql(context, paths, project)
}

/// The SQL of files and folders, and of standard input where one is `-`, checked, with the values of the environment where it
/// says so. With a `project`, they must lie there.
pub fn read_sql(context: &Context, paths: Vec<PathBuf>, project: Option<&Path>) -> Result<Desired, CliError> {
    let (inputs, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| path.as_os_str() == "-");
    let mut files = if paths.is_empty() {
        Vec::new()
    } else {
        desired::read_paths(&paths, project).map_err(|e| multiline(&e.to_string()))?
    };
    if project.is_some() {
        // a plan says the same of a file wherever the project is, and from whichever of its folders it was made
        for file in &mut files {
            if let Ok(short) = Path::new(&file.name).strip_prefix(&context.config.dir) {
                file.name = short.display().to_string();
            }
        }
    }
    if !inputs.is_empty() {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        files.push(SourceFile::from_bytes("-", bytes).map_err(|error| multiline(&error.to_string()))?);
    }
    let wrong = |errors: desired::DesiredErrors| multiline(&errors.to_string());
    let shaping = context.shaping()?;
    if shaping.substitute {
        desired::substitute(&files, &shaping.values).and_then(desired::Substituted::parse).map_err(wrong)
    } else {
        desired::parse(&files).map_err(wrong)
    }
}

/// The first line is the error, the others are details.
fn multiline(text: &str) -> CliError {
    let (message, details) = text.split_once('\n').unwrap_or((text, ""));
    let details = if details.is_empty() { String::new() } else { format!("{details}\n") };
    CliError { details, ..CliError::new(message) }
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

fn nothing(context: &Context, remarks: &Remarks) -> Exit {
    if context.format() == Format::Json {
        output::json(
            &serde_json::json!({ "plan": null, "notes": remarks.notes, "unmanaged": remarks.unmanaged, "ignored": remarks.ignored }),
        );
        return Exit::Done;
    }
    for note in remarks.notes.iter().filter(|_| !context.quiet()) {
        output::note(&format!("note: {note}"));
    }
    if !remarks.unmanaged.is_empty() && !context.quiet() {
        output::note(&format!("not managed, left alone: {}", visible_line(&remarks.unmanaged.join(", "))));
    }
    output::result("Nothing to do: the database is as desired.");
    Exit::Done
}

fn write(context: &Context, arguments: &Arguments, plan: &Plan) -> Result<(), CliError> {
    let dir = if let Some(dir) = &arguments.out {
        dir.clone()
    } else {
        let plans = context.config.plans_dir();
        folder::write_gitattributes(&plans)?;
        plans.join(format!("{}-{}", plan.created.strftime("%Y%m%d"), plan.name))
    };
    let written = report::write_plan(&dir, plan)?;
    if let Some(key) = &arguments.sign {
        planner::sign(&written, key).map_err(|error| {
            CliError::new(error.to_string()).with_hint(
                "the plan was written, and not signed; name a key of OpenSSH, and have its ssh-keygen (9.1 or later) here",
            )
        })?;
    }
    let format = match context.format() {
        Format::Text => report::Format::Text,
        Format::Markdown => report::Format::Markdown,
        Format::Json => report::Format::Json,
        Format::Sql => report::Format::Sql,
    };
    if context.quiet() {
        output::result(&output::short_path(&dir));
        return Ok(());
    }
    output::result(&report::render(plan, &written.digest, format, output::colour()));
    output::note(&format!("written to {}", output::short_path(&dir)));
    Ok(())
}

fn check_name(name: &str) -> Result<(), CliError> {
    if slug(name) == name {
        return Ok(());
    }
    Err(CliError::new(format!("`{name}` cannot be a plan's name"))
        .with_hint(format!("use lower-case letters, digits and dashes: --name {}", slug(name))))
}

/// A text as a plan's name: its first words in lower case, joined by dashes.
fn slug(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let words: Vec<&str> = clean.split_whitespace().take(8).collect();
    if words.is_empty() { "plan".to_owned() } else { words.join("-") }
}
