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
        let default = ObjectId { kind: Kind::Default, path: object.path.clone() };
        let default = match live.objects.get(&default) {
            Some(Object::Default(default)) => Some(default.expression.as_str()),
            _ => None,
        };
        written(object, default)
    };
    for question in questions {
        let counted = rows(run::count(session, &relation, &question).await?);
        if counted.is_some() {
            return Ok(counted);
        }
    }
    Ok(None)
}

/// How many rows have a value of a column that somebody wrote: questions of which the first that can be asked counts. Not every type
/// has equality, and not every default can be computed: one that writes, such as nextval, cannot.
///
/// A value counts as nobody's if it is the default's, or the one that the default had when the column came: PostgreSQL keeps that one
/// (`pg_attribute.attmissingval`) for the rows that were there, until the table is rewritten. What cannot be known counts as
/// written: what `DEFAULT now()` gave to rows that came later, and all values of a column whose default is another one for each
/// row, or whose table was rewritten since. And a value that somebody wrote and that is one of those two cannot be told from them.
fn written(column: &ObjectId, default: Option<&str>) -> Vec<String> {
    let Origin { value, rows, is_first } = Origin::of(column);
    let of_default = default.into_iter().flat_map(|default| {
        let (text, by_text) = ("::pg_catalog.text", format!("({default})::pg_catalog.text"));
        [format!("{value} IS DISTINCT FROM ({default})"), format!("{value}{text} IS DISTINCT FROM {by_text}")]
    });
    let conditions = of_default.chain([format!("{value} IS NOT NULL")]);
    let question = |condition: String| {
        let written = format!("{condition} AND ({is_first}) IS NOT TRUE");
        format!("SELECT count(*) FILTER (WHERE {written}), count(*)::pg_catalog.text FROM {rows}")
    };
    conditions.map(question).collect()
}

/// The rows of a column's table, each with what the column's default was when the column came.
pub(super) struct Origin {
    /// The column's value.
    pub value: String,
    /// What stands behind FROM.
    pub rows: String,
    /// Whether the value is the one that the default had then.
    pub is_first: String,
}

impl Origin {
    pub fn of(column: &ObjectId) -> Self {
        let (relation, name) = (column.relation_sql(), column.path.last());
        let value = format!("trueup_row.{}", sql::ident(name));
        let rows = format!(
            "{relation} AS trueup_row LEFT JOIN \
             (SELECT attrelid, (attmissingval::pg_catalog.text::pg_catalog.text[])[1] FROM pg_catalog.pg_attribute \
             WHERE attname = {} AND atthasmissing) AS trueup_came (trueup_table, trueup_missing) \
             ON trueup_table = trueup_row.tableoid",
            sql::literal(name)
        );
        let is_first = format!("{value}::pg_catalog.text = trueup_missing");
        Self { value, rows, is_first }
    }
}

/// None where they were not counted.
fn rows(counted: Counted) -> Option<Rows> {
    match counted {
        Counted::Rows(rows, all) if rows == all || rows == 0 => Some(Rows::All(rows)),
        Counted::Rows(rows, all) => Some(Rows::Some(rows, all)),
        Counted::Not => None,
    }
}
