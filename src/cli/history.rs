//! `trueup history`

use trueup::{
    journal::{self, Ended, Run},
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Lists what was applied and rolled back in the database, the oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup history --env production --format json")]
pub struct Arguments {}

pub async fn run(context: &Context, _: &Arguments) -> Result<Exit, CliError> {
    let session = context.connect().await?;
    let runs = journal::history(&session).await?;
    match context.format() {
        Format::Json => output::json(&serde_json::json!(runs)),
        _ if runs.is_empty() => output::result("nothing was applied to this database yet"),
        Format::Markdown => output::result(&markdown(&runs)),
        Format::Text | Format::Sql => output::result(&text(&runs)),
    }
    Ok(Exit::Done)
}

fn columns(run: &Run) -> [String; 6] {
    let outcome = match run.outcome {
        Some(Ended::Done) => "done",
        Some(Ended::Stopped) => "stopped",
        None => "unfinished",
    };
    let by = if run.approvers.is_empty() {
        String::new()
    } else {
        format!(", approved by {}", run.approvers.join(", "))
    };
    let why = run.remark.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    [
        run.started.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        format!("{} {}", run.direction.label(), run.phase.label()),
        run.name.clone(),
        run.plan.chars().take(12).collect(),
        if run.steps == 1 { "1 step".to_owned() } else { format!("{} steps", run.steps) },
        format!("{outcome} as {}{by}{why}", run.role),
    ]
    .map(|column| visible_line(&column).into_owned())
}

fn text(runs: &[Run]) -> String {
    let rows: Vec<[String; 6]> = runs.iter().map(columns).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    let line = |row: &[String; 6]| {
        let mut cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.push(row[5].clone());
        cells.join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn markdown(runs: &[Run]) -> String {
    let head = ["| when | what | plan | digest | steps | outcome |", "| --- | --- | --- | --- | --- | --- |"];
    let row = |run: &Run| format!("| {} |", columns(run).map(|cell| cell.replace('|', "\\|")).join(" | "));
    head.into_iter().map(str::to_owned).chain(runs.iter().map(row)).collect::<Vec<_>>().join("\n")
}
