//! What a rollback costs: the rows and values that go with what it undoes, and those that do not come back with it, counted as
//! they are now.
//!
//! A plan says of an undo that it may lose something. Here the data is asked whether it does: a column that nobody wrote
//! and a table without rows cost nothing, and nobody is asked about them.

use std::fmt;

use crate::{
    catalog::Catalog,
    hazard,
    kind::Object,
    name::{Kind, ObjectId},
    plan::PlannedStep,
    postgres::Session,
    run::{self, Counted},
    sql,
    step::{LossCount, Verb},
};

/// The code of the hazard that is accepted.
pub const CODE: &str = "DATA_LOSS";

/// What undoing one step costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The step.
    pub step: u32,
    /// Its object.
    pub object: ObjectId,
    /// Whether it was lost on the way there, and does not come back; else it goes now.
    pub gone: bool,
    /// What is lost, as the plan says it.
    pub what: String,
    /// How much of it there is.
    pub rows: Rows,
}

/// How many rows something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All of the table.
    All(i64),
    /// Some of the table, and how many it has.
    Some(i64, i64),
    /// Counting them takes too long, or is not possible any more.
    Unknown,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, what, rows, .. } = self;
        match rows {
            Rows::Unknown => write!(f, "{what}; step {step}"),
            rows => write!(f, "{what}: {rows}; step {step}"),
        }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(1) => f.write_str("1 row"),
            Self::All(rows) => write!(f, "{rows} rows"),
            Self::Some(rows, 1) => write!(f, "{rows} of 1 row"),
            Self::Some(rows, all) => write!(f, "{rows} of {all} rows"),
            Self::Unknown => f.write_str("an unknown number of rows"),
        }
    }
}

impl Cost {
    /// What is said of it once it is paid.
    pub fn afterwards(&self) -> String {
        let object = &self.object;
        match (self.gone, object.kind) {
            (true, Kind::Column) => format!("the values of {object} did not come back"),
            (true, _) => format!("the rows of {object} did not come back"),
            (false, Kind::Domain | Kind::Range) => format!("values of {object} were changed"),
            (false, Kind::Column | Kind::Composite) => format!("the values of {object} are gone"),
            (false, _) => format!("the rows of {object} are gone"),
        }
    }
}

/// What undoing these steps costs now.
pub(super) async fn of(
    session: &Session,
    counts: &[LossCount],
    steps: impl Iterator<Item = &PlannedStep>,
    live: &Catalog,
) -> Result<Vec<Cost>, tokio_postgres::Error> {
    let mut costs = Vec::new();
    for step in steps {
        let asked: Vec<&LossCount> = counts.iter().filter(|count| count.step == step.id).collect();
        if !asked.is_empty() {
            costs.extend(of_type(session, step, &asked).await?);
            continue;
        }
        let Some(hazard) = step.undo.hazards.iter().find(|hazard| hazard.code == CODE) else { continue };
        let (object, gone) = (&step.object, step.action == Verb::Drop);
        if is_foreign(live, object) {
            continue;
        }
        let cost = |what: String, rows| Cost { step: step.id, object: object.clone(), gone, what, rows };
        match (object.kind, gone) {
            // it is not there to be asked, and the plan says this where it had rows
            (Kind::Table, true) => costs.push(cost(hazard.message.clone(), Rows::Unknown)),
            (Kind::Table | Kind::Column, _) => {
                let rows = count(session, object, gone, live).await?;
                if rows != Some(Rows::All(0)) {
                    let rows = rows.unwrap_or(Rows::Unknown);
                    costs.push(cost(hazard::without_sizes(&hazard.message), rows));
                }
            }
            // whoever wrote the attribute meanwhile has it in a column, an array, another type
            (Kind::Composite, false) => {
                costs.push(cost(hazard::without_sizes(&hazard.message), Rows::Unknown));
            }
            // a position, and labels that no row may have: nothing that anybody wrote
            _ => {}
        }
    }
    Ok(costs)
}

/// What the undo of a step that changed a type loses of each table.
async fn of_type(
    session: &Session,
    step: &PlannedStep,
    asked: &[&LossCount],
) -> Result<Vec<Cost>, tokio_postgres::Error> {
    let mut costs = Vec::new();
    for LossCount { relation, what, sql, .. } in asked {
        let rows = rows(run::count(session, relation, sql.as_str()).await?).unwrap_or(Rows::Unknown);
        if rows != Rows::All(0) {
            let (object, what) = (step.object.clone(), what.clone());
            costs.push(Cost { step: step.id, object, gone: false, what, rows });
        }
    }
    Ok(costs)
}

/// Whether it is a foreign table, or part of one: what that shows is kept elsewhere, where nobody can lock it.
pub(super) fn is_foreign(live: &Catalog, object: &ObjectId) -> bool {
    let table = ObjectId::new(Kind::Table, object.path.parts().get(..2).unwrap_or_default().to_vec());
    matches!(live.objects.get(&table), Some(Object::Table(table)) if table.foreign.is_some())
}

/// How many rows of a table that goes, or of the table of a column, lose something.
async fn count(
    session: &Session,
    object: &ObjectId,
    gone: bool,
    live: &Catalog,
) -> Result<Option<Rows>, tokio_postgres::Error> {
    let relation = object.relation_sql();
    let all = "count(*)::pg_catalog.text";
    let questions = if object.kind == Kind::Table {
        // the rows of a partitioned table are those of its partitions
        vec![format!("SELECT count(*), {all} FROM ONLY {relation}")]
    } else if gone {
        vec![format!("SELECT count(*), {all} FROM {relation}")]
    } else {
        let column = sql::ident(object.path.last());
        let default = ObjectId { kind: Kind::Default, path: object.path.clone() };
        let written = |unless: &str| {
            format!(
                "SELECT count(*) FILTER (WHERE {column} IS DISTINCT FROM {unless}), {all} FROM {relation}"
            )
        };
        let by_default = match live.objects.get(&default) {
            Some(Object::Default(default)) => Some(written(&format!("({})", default.expression))),
            _ => None,
        };
        // a type without equality, or a default that writes, such as nextval
        by_default.into_iter().chain([written("NULL")]).collect()
    };
    for question in questions {
        let counted = rows(run::count(session, &relation, &question).await?);
        if counted.is_some() {
            return Ok(counted);
        }
    }
    Ok(None)
}

/// None where they were not counted.
fn rows(counted: Counted) -> Option<Rows> {
    match counted {
        Counted::Rows(rows, all) if rows == all || rows == 0 => Some(Rows::All(rows)),
        Counted::Rows(rows, all) => Some(Rows::Some(rows, all)),
        Counted::Not => None,
    }
}
