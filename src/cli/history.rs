//! `trueup history`

mod evidence;
mod steps;

use std::path::PathBuf;

use clap::ValueEnum;
use jiff::Timestamp;
use trueup::{
    journal::{self, Abandoned, Adoption, Ended, Refused, Run},
    postgres::Session,
    report::markdown::plain,
    visible::visible_line,
};

use steps::Told;

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Lists what was applied, rolled back, refused, abandoned and adopted in the database, the oldest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  trueup history --env production --steps\n  trueup history --env production --export jsonl > journal.jsonl\n  trueup history --verify journal.jsonl --extends last-month.jsonl"
)]
pub struct Arguments {
    /// Each step of each run, with its time
    #[arg(long, conflicts_with_all = ["verify", "export"])]
    steps: bool,
    /// Write every entry of the journal, with the hashes that chain them
    #[arg(long, value_enum, conflicts_with = "verify")]
    export: Option<Export>,
    /// Check that chain, and the signatures of the approvals in it: of an export, without a connection, or of the database
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    verify: Option<String>,
    /// An earlier export, from which this one must go on
    #[arg(long, value_name = "FILE", requires = "verify")]
    extends: Option<PathBuf>,
    /// The keys that signatures are checked by; else those of trueup.toml
    #[arg(long, value_name = "FILE", requires = "verify")]
    allowed_signers: Option<PathBuf>,
}

/// How entries are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// One line of JSON for each
    Jsonl,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    if arguments.export == Some(Export::Jsonl) {
        return evidence::export(context).await;
    }
    if let Some(file) = &arguments.verify {
        return evidence::verify(context, arguments, file).await;
    }
    let session = context.connect().await?;
    let entries = entries(&session, arguments.steps).await?;
    match context.format() {
        Format::Json => output::json(&entries.iter().map(Entry::json).collect()),
        _ if entries.is_empty() => {
            output::result("this database has no journal: nothing was applied to it yet");
        }
        Format::Markdown => output::result(&markdown(&entries)),
        Format::Text | Format::Sql => output::result(&text(&entries)),
    }
    Ok(Exit::Done)
}

/// What is told of the steps of a run, where that was asked for.
type Steps = Option<Vec<Told>>;

/// One line.
enum Entry {
    Run(Run, Steps),
    Refused(Refused),
    Abandoned(Abandoned),
    Adoption(Adoption),
}

/// What the journal says, by time.
async fn entries(session: &Session, with_steps: bool) -> Result<Vec<Entry>, CliError> {
    let mut steps = if with_steps { Some(steps::read(session).await?) } else { None };
    let runs = journal::history(session).await?.into_iter().map(|run| {
        let of_run = steps.as_mut().map(|steps| steps.take(&run));
        Entry::Run(run, of_run)
    });
    let adoptions = journal::adoptions(session).await?.into_iter().map(Entry::Adoption);
    let refusals = journal::refusals(session).await?.into_iter().map(Entry::Refused);
    let abandoned = journal::abandoned(session).await?.into_iter().map(Entry::Abandoned);
    let mut entries: Vec<Entry> = runs.chain(adoptions).chain(refusals).chain(abandoned).collect();
    entries.sort_by_key(|entry| match entry {
        Entry::Run(run, _) => run.started,
        Entry::Refused(refused) => refused.started,
        Entry::Abandoned(abandoned) => abandoned.started,
        Entry::Adoption(adoption) => adoption.adopted,
    });
    Ok(entries)
}

impl Entry {
    fn json(&self) -> serde_json::Value {
        match self {
            Self::Run(run, None) => serde_json::json!(run),
            Self::Run(run, Some(steps)) => with(run, "timings", serde_json::json!(steps)),
            Self::Refused(refused) => with(refused, "outcome", "refused".into()),
            Self::Abandoned(abandoned) => with(abandoned, "direction", "abandon".into()),
            Self::Adoption(adoption) => with(adoption, "direction", "adopt".into()),
        }
    }

    /// What is told of its steps.
    fn steps(&self) -> &[Told] {
        match self {
            Self::Run(_, Some(steps)) => steps,
            _ => &[],
        }
    }

    fn columns(&self) -> [String; 6] {
        match self {
            Self::Run(run, _) => columns(run),
            Self::Refused(refused) => [
                moment(refused.started),
                refused.direction.label().to_owned(),
                refused.name.clone(),
                short(&refused.plan),
                String::new(),
                format!("refused as {}: {}", refused.role, refused.remark),
            ]
            .map(|column| visible_line(&column).into_owned()),
            Self::Abandoned(abandoned) => [
                moment(abandoned.started),
                "abandon".to_owned(),
                abandoned.name.clone(),
                short(&abandoned.plan),
                String::new(),
                format!("done as {}{}", abandoned.role, because(abandoned.remark.as_deref())),
            ]
            .map(|column| visible_line(&column).into_owned()),
            Self::Adoption(adoption) => [
                moment(adoption.adopted),
                "adopt".to_owned(),
                adoption.state.schemas.iter().cloned().collect::<Vec<_>>().join(", "),
                short(adoption.state.fingerprint.as_str()),
                format!("{} objects", adoption.state.objects),
                format!("done as {}", adoption.role),
            ]
            .map(|column| visible_line(&column).into_owned()),
        }
    }
}

/// What a program reads, with one field more.
fn with(entry: &impl serde::Serialize, field: &str, value: serde_json::Value) -> serde_json::Value {
    let mut json = serde_json::json!(entry);
    json[field] = value;
    json
}

fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn because(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

fn columns(run: &Run) -> [String; 6] {
    let outcome = match run.outcome {
        Some(Ended::Done) => "done",
        Some(Ended::Stopped) => "stopped",
        None => "unfinished",
    };
    let psql = if run.is_by_psql() { ", by psql" } else { "" };
    let glass = run.glass.as_ref().map(|by| format!(", glass broken by {by}")).unwrap_or_default();
    let by = if run.approvers.is_empty() {
        String::new()
    } else {
        format!(", approved by {}", run.approvers.join(", "))
    };
    let backup = run.backup.as_ref().map(|backup| format!(", backup of {backup}")).unwrap_or_default();
    let why = because(run.remark.as_deref());
    [
        moment(run.started),
        format!("{} {}", run.direction.label(), run.phase.label()),
        run.name.clone(),
        short(&run.plan),
        if run.steps == 1 { "1 step".to_owned() } else { format!("{} steps", run.steps) },
        format!("{outcome} as {}{psql}{by}{glass}{backup}{why}", run.role),
    ]
    .map(|column| visible_line(&column).into_owned())
}

fn text(entries: &[Entry]) -> String {
    let rows: Vec<[String; 6]> = entries.iter().map(Entry::columns).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    let line = |row: &[String; 6]| {
        let mut cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.push(row[5].clone());
        cells.join("  ")
    };
    let below =
        |entry: &Entry| entry.steps().iter().map(|step| format!("    {}", step.line())).collect::<Vec<_>>();
    let lines = rows.iter().zip(entries).flat_map(|(row, entry)| [vec![line(row)], below(entry)].concat());
    lines.collect::<Vec<_>>().join("\n")
}

fn markdown(entries: &[Entry]) -> String {
    let head = ["| when | what | plan | digest | steps | outcome |", "| --- | --- | --- | --- | --- | --- |"];
    let row = |entry: &Entry| {
        let mut columns = entry.columns().map(|cell| plain(&cell));
        let steps = entry.steps().iter().map(|step| format!("<br>{}", plain(&step.line())));
        columns[5].extend(steps);
        format!("| {} |", columns.join(" | "))
    };
    head.into_iter().map(str::to_owned).chain(entries.iter().map(row)).collect::<Vec<_>>().join("\n")
}
