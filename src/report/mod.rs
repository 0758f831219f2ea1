//! Renders plans and differences for people and programs.
//!
//! Nothing else turns a plan into something to read. Whatever comes from a database or a file is shown through
//! [`crate::visible`], so that it cannot move a terminal's cursor, reorder a line or end a table.

pub mod comparison;
mod fold;
pub mod markdown;
mod seen;
pub mod shell;
pub mod text;

use std::path::Path;

use serde::Serialize;

pub use crate::facts::number;
pub use seen::version;

use crate::plan::{
    Digest, FolderError, Plan, PlanFile,
    compatibility::{Point, compatibility},
    folder, reading,
};

/// What a plan is rendered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Text,
    /// The review page.
    Markdown,
    /// For programs.
    Json,
    /// The statements, there and back, for reading.
    Sql,
}

/// Renders a plan; `colour` is for text on a terminal.
pub fn render(plan: &Plan, digest: &Digest, format: Format, colour: bool) -> String {
    match format {
        Format::Text => text::plan(plan, digest, colour),
        Format::Markdown => markdown::plan(plan, digest),
        Format::Json => json(plan, digest),
        Format::Sql => format!("{}\n{}", reading::up(plan, digest), reading::rollback(plan, digest)),
    }
}

/// Writes a plan's folder with its review page; see [`folder::write`].
pub fn write_plan(dir: &Path, plan: &Plan) -> Result<PlanFile, FolderError> {
    folder::write(dir, plan, markdown::plan)
}

/// Refuses a plan whose review page is not what it renders to.
pub fn check_page(plan: &PlanFile) -> Result<(), FolderError> {
    plan.check_page(markdown::plan)
}

fn json(plan: &Plan, digest: &Digest) -> String {
    #[derive(Serialize)]
    struct Shown<'a> {
        digest: &'a Digest,
        compatibility: Vec<Point>,
        #[serde(flatten)]
        plan: &'a Plan,
    }
    let mut text = serde_json::to_string_pretty(&Shown { digest, compatibility: compatibility(plan), plan })
        .unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }).to_string());
    text.push('\n');
    text
}
