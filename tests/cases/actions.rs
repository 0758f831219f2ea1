//! Every kind of object and what can happen to it, cell by cell in actions.toml: the case in which it happens, or why it
//! cannot. Where a plan of the case is made on 18, it must have such a step; a reason with SQL is what PostgreSQL 18 says
//! to that SQL in the database of tests/silence.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use trueup::{
    name::Kind,
    plan::{Plan, PlannedStep},
    step::Verb,
};

use crate::oracle::{Database, server_of};

/// The version that the table is about.
pub const MAJOR: u16 = 18;

const ACTIONS: &[&str] = &["create", "alter", "replace", "rename", "drop", "comment", "grant"];

/// One kind and one action.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Cell {
    /// A case, and `backwards` if it happens there.
    Case(String),
    /// Why there is none: PostgreSQL's own words about the SQL, if there is any.
    None { no: String, sql: Option<String> },
}

static TABLE: LazyLock<BTreeMap<String, BTreeMap<String, Cell>>> =
    LazyLock::new(|| toml::from_str(include_str!("actions.toml")).expect("tests/cases/actions.toml"));

/// The case and direction of each cell that has one.
fn covered() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let cells =
        TABLE.iter().flat_map(|(kind, row)| row.iter().map(move |(action, cell)| (kind, action, cell)));
    cells.filter_map(|(kind, action, cell)| match cell {
        Cell::Case(case) => Some((kind.as_str(), action.as_str(), case.as_str())),
        Cell::None { .. } => None,
    })
}

/// Whether the table names a case.
pub fn names(case: &str) -> bool {
    covered().any(|(.., named)| named == case)
}

/// Fails unless the plan of a case has the steps for which the table names it.
pub fn check(case: &str, plan: &Plan) -> Result<(), String> {
    let mine = covered().filter(|(.., named)| *named == case);
    let on = |kind: &str, about: Kind| {
        let target =
            |step: &PlannedStep| step.object.target().is_some_and(|target| target.kind.label() == kind);
        plan.steps.iter().any(|step| step.object.kind == about && target(step))
    };
    let has = |kind: &str, verb: Verb| {
        let same = |found: Verb| found == verb || (found, verb) == (Verb::Validate, Verb::Alter);
        plan.steps.iter().any(|step| step.object.kind.label() == kind && same(step.action))
    };
    let missing = mine.filter(|(kind, action, _)| !match *action {
        "create" => has(kind, Verb::Create),
        "alter" => has(kind, Verb::Alter),
        "replace" => has(kind, Verb::Replace),
        "rename" => has(kind, Verb::Rename) || has(kind, Verb::Create) && has(kind, Verb::Drop),
        "drop" => has(kind, Verb::Drop),
        "comment" => on(kind, Kind::Comment),
        "grant" => on(kind, Kind::Privileges),
        _ => false,
    });
    let missing: Vec<String> = missing.map(|(kind, action, _)| format!("{action} {kind}")).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("actions.toml says that there is: {}", missing.join(", ")))
    }
}

/// Fails unless every kind has its row, every action its cell, and every case that is named is among these.
pub fn complete(cases: &[String]) -> Result<(), String> {
    let mut wrong = Vec::new();
    for kind in Kind::ALL.iter().map(|kind| kind.label()) {
        let Some(row) = TABLE.get(kind) else {
            wrong.push(format!("no row for {kind}"));
            continue;
        };
        wrong.extend(
            ACTIONS
                .iter()
                .filter(|action| !row.contains_key(**action))
                .map(|action| format!("no cell for {action} {kind}")),
        );
    }
    let unknown =
        TABLE.iter().filter(|(kind, _)| !Kind::ALL.iter().any(|known| known.label() == kind.as_str()));
    wrong.extend(unknown.map(|(kind, _)| format!("{kind} is no kind")));
    let gone = covered().filter(|(.., case)| !cases.iter().any(|known| known == case));
    wrong.extend(
        gone.map(|(kind, action, case)| format!("{action} {kind}: there is no case {case}, or it is marked")),
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Fails unless PostgreSQL refuses what the table says that it refuses.
pub async fn refused() -> Result<(), String> {
    let everything = include_str!("../silence/everything.sql");
    let database = Database::with_on(server_of(Some(MAJOR)), everything).await?;
    let mut wrong = Vec::new();
    for (kind, row) in &*TABLE {
        for (action, cell) in row {
            let Cell::None { no, sql: Some(sql) } = cell else { continue };
            match database.try_execute(sql).await {
                Err(said) if said.contains(no) => {}
                Err(said) => wrong.push(format!("{action} {kind}: {sql}: {said}")),
                Ok(()) => wrong.push(format!("{action} {kind}: PostgreSQL does it: {sql}")),
            }
        }
    }
    // PostgreSQL drops no database that has one
    database.execute("DROP SUBSCRIPTION listening").await;
    database.done().await;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
