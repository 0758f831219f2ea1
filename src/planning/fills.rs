//! `@backfill`: what the rows that are there get in columns that come, or that are to refuse NULL.

use std::collections::{BTreeMap, BTreeSet};

use pg_query::NodeRef;
use tokio_postgres::Row;

use super::{
    Inputs, PlanningError,
    annotated::{column_of, is_pending, selected},
    live_names::LiveNames,
};
use crate::{
    annotation::{Annotation, Instruction},
    catalog::Catalog,
    diff::{Changes, How},
    kind::{Column, Object, constraint::ConstraintType},
    lower::{BATCH, Fill, Meanwhile},
    name::{Kind, ObjectId, Pair},
    postgres::{Session, server_words},
    sql,
    stack::with_large_stack,
    step::{Operation, Step},
};

/// What `@backfill` asks for columns that change. PostgreSQL reads the expressions on the clone of live, where all that
/// they may refer to is, and says them with every name qualified.
pub(super) async fn read(
    annotations: &[Annotation],
    changes: &Changes,
    clone: &Session,
) -> Result<BTreeMap<ObjectId, Fill>, PlanningError> {
    let mut fills = BTreeMap::new();
    for annotation in annotations {
        let Instruction::Backfill { using, filter, batch } = &annotation.instruction else { continue };
        let Some(column) = column_of(annotation).filter(|column| is_pending(column, changes)) else {
            continue;
        };
        let Some(Object::Column(definition)) =
            changes.get(&column).and_then(|change| change.object.after.as_ref())
        else {
            continue;
        };
        let wrong = |why: String| PlanningError::Annotation { at: annotation.at.to_string(), why };
        if definition.generated.is_some() || definition.identity.is_some() {
            return Err(wrong("@backfill: PostgreSQL computes this column itself".to_owned()));
        }
        let value = qualified(clone, &column, &format!("({using})::{}", without_length(definition)))
            .await
            .map_err(wrong)?;
        let mut elsewhere = value.elsewhere;
        let rows = match filter {
            Some(filter) => {
                let said = qualified(clone, &column, &format!("({filter})::boolean")).await.map_err(wrong)?;
                elsewhere.extend(said.elsewhere);
                Some(said.sql)
            }
            None => None,
        };
        let shape = shape(using);
        let meanwhile = if shape.constant && rows.is_none() && definition.not_null {
            Meanwhile::Constant
        } else {
            Meanwhile::Computed { looks_elsewhere: shape.looks_elsewhere, volatile: value.volatile }
        };
        let fill = Fill {
            value: value.sql,
            meanwhile,
            rows,
            reads: value.reads,
            elsewhere,
            batch: batch.unwrap_or(BATCH),
        };
        fills.insert(column, fill);
    }
    Ok(fills)
}

/// Has the tables' own triggers not fire for what is filled. Those that check foreign keys are among them: a column that one
/// is over, on either side, is refused.
pub(super) fn skip_triggers(steps: &mut [Step], before: &Catalog) -> Result<(), PlanningError> {
    for step in steps {
        for action in [&mut step.run, &mut step.undo] {
            let Operation::Backfill(backfill) = &mut action.operation else { continue };
            backfill.skip_triggers = true;
            for name in &backfill.columns {
                let path = [step.object.path.part(0), step.object.path.part(1), name];
                let column = ObjectId::new(Kind::Column, path);
                if let Some(key) = foreign_key_over(&column, before) {
                    return Err(PlanningError::UncheckedKey { column, key: key.clone() });
                }
            }
        }
    }
    Ok(())
}

/// A foreign key that a column which is there is part of, or that refers to it.
fn foreign_key_over<'c>(column: &ObjectId, catalog: &'c Catalog) -> Option<&'c ObjectId> {
    let table = column.relation().filter(|_| catalog.objects.contains_key(column))?;
    let name = column.path.last();
    catalog.objects.iter().find_map(|(id, object)| match object {
        Object::Constraint(key) if key.contype == ConstraintType::ForeignKey => {
            let own = id.relation().as_ref() == Some(&table) && key.columns.iter().any(|own| own == name);
            let referred = catalog.needs_of(id).any(|need| need.to == *column);
            (own || referred).then_some(id)
        }
        _ => None,
    })
}

/// New columns that have another value for every row by themselves, a default or an identity, in tables that have rows: PostgreSQL would write the whole
/// table anew while it keeps everybody out. Returns those in tables that have none: they come plainly, and the plan holds only as
/// long as that is so.
pub(super) async fn of_defaults(
    inputs: &Inputs<'_>,
    live_names: &LiveNames,
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    clone: &Session,
    fills: &mut BTreeMap<ObjectId, Fill>,
) -> Result<BTreeSet<ObjectId>, PlanningError> {
    let mut empty = BTreeSet::new();
    for change in changes.values().filter(|change| change.how == How::Create) {
        let Some(Object::Column(column)) = &change.object.after else { continue };
        let elsewhere = column.generated.is_some() || column.facts.foreign || column.lineage.inherited;
        let table = change.id.relation().filter(|table| catalogs.before.objects.contains_key(table));
        let Some(table) = table.filter(|_| !elsewhere && !fills.contains_key(&change.id)) else { continue };
        let default = ObjectId { kind: Kind::Default, path: change.id.path.clone() };
        let value = match (&column.identity, catalogs.after.objects.get(&default)) {
            // the recipe has a sequence for that
            (Some(_), _) => String::new(),
            (None, Some(Object::Default(default))) => {
                let value = format!("({})::{}", default.expression, without_length(column));
                // what the plan makes is not there to be read yet, such as the sequence of a serial
                let said = qualified(clone, &change.id, &value).await;
                if !said.map_or_else(|_| shape(&default.expression).calls, |said| said.volatile) {
                    continue;
                }
                value
            }
            _ => continue,
        };
        let Some(table) = live_names.of(&table) else { continue };
        if inputs.has_rows(&table).await? == Some(false) {
            empty.insert(change.id.clone());
        } else {
            let fill = Fill {
                value,
                meanwhile: Meanwhile::OwnDefault,
                rows: None,
                reads: BTreeSet::new(),
                elsewhere: BTreeSet::new(),
                batch: BATCH,
            };
            fills.insert(change.id.clone(), fill);
        }
    }
    Ok(empty)
}

/// The type to which a value is cast so that it is what the column stores, but not cut: a length is for assignment, which
/// refuses what is too long.
fn without_length(column: &Column) -> String {
    let plain = &column.facts.plain_type;
    match plain.trim_end_matches("[]") {
        // a number becomes as many bits as are asked for
        "bit" | "bit varying" => column.data_type.clone(),
        "character" => plain.replacen("character", "pg_catalog.bpchar", 1),
        _ => plain.clone(),
    }
}

/// An expression that PostgreSQL has read.
struct Said {
    /// As it says it where no schema is searched.
    sql: String,
    /// Whether a function in it gives another value each time.
    volatile: bool,
    /// The columns of the table that are in it.
    reads: BTreeSet<String>,
    /// What else is: columns of other tables, views, functions.
    elsewhere: BTreeSet<ObjectId>,
}

/// What else is in the body of that function, by kind and name: columns of other tables, views, functions.
const ELSEWHERE: &str = "\
SELECT CASE WHEN c.relkind = 'v' THEN 'view' WHEN c.relkind = 'm' THEN 'materialized view' ELSE 'column' END, \
       n.nspname::text, c.relname::text, CASE WHEN c.relkind IN ('v', 'm') THEN NULL ELSE a.attname::text END \
  FROM pg_catalog.pg_depend d \
  JOIN pg_catalog.pg_class c ON c.oid = d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND a.attnum > 0 \
 WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
   AND d.objid = 'pg_temp.trueup_said()'::pg_catalog.regprocedure \
   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
   AND d.refobjid <> $1::pg_catalog.text::pg_catalog.regclass \
UNION \
SELECT 'function', n.nspname::text, p.proname::text, \
       (SELECT coalesce(pg_catalog.string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.at), '') \
          FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a (type, at)) \
  FROM pg_catalog.pg_depend d \
  JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
 WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
   AND d.objid = 'pg_temp.trueup_said()'::pg_catalog.regprocedure \
   AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass";

/// One row of that.
fn object_of(row: &Row) -> Result<ObjectId, tokio_postgres::Error> {
    let (kind, schema, name): (&str, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let part: Option<String> = row.try_get(3)?;
    let kind = match kind {
        "view" => Kind::View,
        "materialized view" => Kind::MaterializedView,
        "function" => Kind::Function,
        _ => Kind::Column,
    };
    Ok(ObjectId::new(kind, [schema, name].into_iter().chain(part).collect::<Vec<String>>()))
}

/// The volatile functions in the body of the function that [`qualified`] makes: its tree names each by its number.
const VOLATILE: &str = "EXISTS (SELECT FROM pg_catalog.pg_proc said, \
    pg_catalog.regexp_matches(said.prosqlbody::pg_catalog.text, ':(?:func|opfunc)id ([0-9]+)', 'g') AS found (number) \
    JOIN pg_catalog.pg_proc p ON p.oid = found.number[1]::pg_catalog.oid \
    WHERE said.oid = 'pg_temp.trueup_said()'::pg_catalog.regprocedure AND p.provolatile = 'v')";

/// The columns of a table that are in the body of that function.
const READS: &str = "SELECT a.attname::text FROM pg_catalog.pg_depend d \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
    AND d.objid = 'pg_temp.trueup_said()'::pg_catalog.regprocedure \
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
    AND d.refobjid = $1::pg_catalog.text::pg_catalog.regclass AND a.attnum > 0";

/// An expression over a row of the column's table, as PostgreSQL reads it.
async fn qualified(clone: &Session, column: &ObjectId, expression: &str) -> Result<Said, String> {
    let table = column.relation_sql();
    let schema = sql::ident(column.path.part(0));
    // of a view, before 16, PostgreSQL would say a table called `new` or `old` by another name
    let function = format!(
        "BEGIN; SET LOCAL search_path TO {schema}, public; \
         CREATE FUNCTION pg_temp.trueup_said() RETURNS void LANGUAGE sql \
         BEGIN ATOMIC SELECT {expression} AS trueup_value FROM ONLY {table}; END; \
         SET LOCAL search_path TO ''"
    );
    // no aggregates, no sets: it is computed for each row
    let of_a_row = format!("EXPLAIN SELECT FROM ONLY {table} WHERE ({expression}) IS NULL");
    let client = clone.client();
    let words = |error: tokio_postgres::Error| format!("@backfill: {}", server_words(&error));
    let read = async {
        client.batch_execute(&function).await.map_err(words)?;
        client
            .batch_execute(&format!(
                "SET LOCAL search_path TO {schema}, public; {of_a_row}; SET LOCAL search_path TO ''"
            ))
            .await
            .map_err(words)?;
        let definition = format!(
            "SELECT pg_get_function_sqlbody('pg_temp.trueup_said()'::regprocedure), {VOLATILE}, ARRAY({READS})"
        );
        let row = client.query_one(&definition, &[&table]).await.map_err(words)?;
        let (text, volatile): (String, bool) =
            (row.try_get(0).map_err(words)?, row.try_get(1).map_err(words)?);
        let reads: Vec<String> = row.try_get(2).map_err(words)?;
        let elsewhere = client.query(ELSEWHERE, &[&table]).await.map_err(words)?;
        let elsewhere = elsewhere.iter().map(object_of).collect::<Result<_, _>>().map_err(words)?;
        let sql = selected(&text);
        let sql = sql.ok_or_else(|| "@backfill: the expression cannot be read back".to_owned())?;
        Ok(Said { sql, volatile, reads: reads.into_iter().collect(), elsewhere })
    };
    let said = read.await;
    if !clone.is_closed() {
        // nothing of it is to stay
        let _ = client.batch_execute("ROLLBACK").await;
    }
    said
}

/// What the syntax of an expression tells.
struct Shape {
    constant: bool,
    calls: bool,
    looks_elsewhere: bool,
}

fn shape(expression: &str) -> Shape {
    let computes = |node: &NodeRef<'_>| {
        let known = matches!(node, NodeRef::RawStmt(_) | NodeRef::SelectStmt(_) | NodeRef::ResTarget(_));
        !known && !matches!(node, NodeRef::AConst(_) | NodeRef::TypeCast(_) | NodeRef::TypeName(_))
    };
    let read = with_large_stack(|| {
        let parsed = pg_query::parse(&format!("SELECT {expression}"), 0).ok()?;
        let nodes = parsed.protobuf.nodes();
        Some(Shape {
            constant: !nodes.iter().any(|(node, ..)| computes(node)),
            calls: nodes.iter().any(|(node, ..)| matches!(node, NodeRef::FuncCall(_))),
            looks_elsewhere: nodes.iter().any(|(node, ..)| matches!(node, NodeRef::SubLink(_))),
        })
    });
    // what cannot be told is treated with care
    read.ok().flatten().unwrap_or(Shape { constant: false, calls: true, looks_elsewhere: true })
}
