//! `trueup plan`

use std::path::{Path, PathBuf};

use trueup::{
    approval::{is_person, planner as signing},
    plan::{Plan, folder},
    planning::{Planned, Question, Remarks},
    report,
    visible::visible_line,
};

use super::{
    Format,
    base::Base,
    context::Context,
    desired::read_desired,
    exit::{CliError, Exit},
    fits, output,
    planner::{self, Wanted},
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
    /// Start from this SQL instead of the database: a path, or a branch, tag or commit of git, in which the schema is where it is
    /// now. Such a plan is for review: apply takes it only where the database is just that
    #[arg(long, value_name = "PATH|REV", conflicts_with_all = ["url", "check"])]
    from: Option<String>,
    /// With --from: the major version of PostgreSQL; else the newest that is here
    #[arg(long, value_name = "N", requires = "from")]
    major: Option<u16>,
    /// End with code 2 when there is anything to do
    #[arg(long)]
    exit_code: bool,
    /// Write nothing: say whether the plans of the folder lead to the schema, and which do not fit any more. Ends with 3 if not
    #[arg(long, conflicts_with_all = ["name", "out", "sign", "exit_code"])]
    check: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    arguments.name.as_deref().map_or(Ok(()), check_name)?;
    let author = if arguments.check { None } else { author(context, arguments)? };
    let desired = read_desired(context)?;
    if arguments.check {
        return fits::run(context, &context.connect().await?, &desired, &arguments.manage).await;
    }
    let base = match &arguments.from {
        Some(from) => Base::of_sql(context, from, arguments.major).await?,
        None => Base::Database(Box::new(context.connect().await?)),
    };
    let wanted = Wanted {
        manage: planner::manage(context, base.session(), &arguments.manage).await?,
        assume_drop: arguments.assume_drop.iter().cloned().collect(),
        name: arguments.name.clone().unwrap_or_default(),
        author,
        created: jiff::Timestamp::now(),
        from: base.sql(),
    };
    let planned = planner::make(context, base.session(), &desired, wanted).await;
    base.close().await?;
    let planned = planned?;
    let mut plan = match planned {
        Planned::Nothing(remarks) => return Ok(nothing(context, &remarks)),
        Planned::Questions(list) => return Err(questions(&list)),
        Planned::Plan(plan) => *plan,
    };
    named(&mut plan, arguments.name.as_deref(), arguments.out.as_deref())?;
    write(context, arguments, &plan)?;
    Ok(if arguments.exit_code { Exit::Pending } else { Exit::Done })
}

/// What must be answered first.
pub fn questions(questions: &[Question]) -> CliError {
    let details: String = questions.iter().map(|question| format!("  {question}\n")).collect();
    let count =
        if let [_] = questions { "a question".to_owned() } else { format!("{} questions", questions.len()) };
    let message = format!("{count} must be answered before there can be a plan");
    CliError { details, ..CliError::new(message) }.refused()
}

/// Gives a plan its name: the one that was asked for, that of its folder, or what it does first.
pub fn named(plan: &mut Plan, name: Option<&str>, folder: Option<&Path>) -> Result<(), CliError> {
    if let Some(name) = name {
        check_name(name)?;
        name.clone_into(&mut plan.name);
        return Ok(());
    }
    plan.name = folder.and_then(Path::file_name).map_or_else(
        || slug(plan.steps.first().map_or("plan", |step| step.summary.as_str())),
        |name| slug(&name.to_string_lossy()),
    );
    Ok(())
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

/// Says that there is nothing to do.
pub fn nothing(context: &Context, remarks: &Remarks) -> Exit {
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
        signing::sign(&written, key).map_err(|error| {
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
