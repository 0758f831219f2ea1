//! `@backfill`: what the rows that are there get in columns that come, or that are to refuse NULL.

use std::collections::BTreeMap;

use pg_query::NodeRef;

use super::{
    PlanningError,
    annotated::{column_of, is_pending},
};
use crate::{
    annotation::{Annotation, Instruction},
    diff::Changes,
    kind::Object,
    lower::{BATCH, Fill},
    name::ObjectId,
    postgres::{Session, server_words},
    source::desired::syntax,
    sql,
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
        if let Some(name) = annotation.instruction.expressions().into_iter().find_map(placeholder) {
            return Err(PlanningError::NotYet(vec![format!(
                "{}: the value {name} in @backfill",
                annotation.at
            )]));
        }
        let value = qualified(clone, &column, &format!("({using})::{}", definition.data_type))
            .await
            .map_err(wrong)?;
        let rows = match filter {
            Some(filter) => {
                Some(qualified(clone, &column, &format!("({filter})::boolean")).await.map_err(wrong)?)
            }
            None => None,
        };
        let shape = shape(using);
        let fill = Fill {
            value,
            constant: shape.constant && rows.is_none() && definition.not_null,
            looks_elsewhere: shape.looks_elsewhere,
            rows,
            batch: batch.unwrap_or(BATCH),
        };
        fills.insert(column, fill);
    }
    Ok(fills)
}

/// `${name}`, where an expression has one.
fn placeholder(expression: &str) -> Option<&str> {
    let rest = &expression[expression.find("${")?..];
    Some(&rest[..=rest.find('}')?])
}

/// An expression over a row of the column's table, as PostgreSQL says it where no schema is searched.
async fn qualified(clone: &Session, column: &ObjectId, expression: &str) -> Result<String, String> {
    const MARK: &str = " AS trueup_value\n   FROM ";
    let table = column.relation_sql();
    let schema = sql::ident(column.path.part(0));
    let view = format!(
        "BEGIN; SET LOCAL search_path TO {schema}, public; \
         CREATE TEMPORARY VIEW trueup_said AS SELECT {expression} AS trueup_value FROM ONLY {table}; \
         SET LOCAL search_path TO ''"
    );
    // no aggregates, no sets: it is computed for each row
    let of_a_row = format!("EXPLAIN SELECT FROM ONLY {table} WHERE ({expression}) IS NULL");
    let client = clone.client();
    let words = |error: tokio_postgres::Error| format!("@backfill: {}", server_words(&error));
    let read = async {
        client.batch_execute(&view).await.map_err(words)?;
        client
            .batch_execute(&format!(
                "SET LOCAL search_path TO {schema}, public; {of_a_row}; SET LOCAL search_path TO ''"
            ))
            .await
            .map_err(words)?;
        let definition = "SELECT pg_get_viewdef('pg_temp.trueup_said'::regclass)";
        let row = client.query_one(definition, &[]).await.map_err(words)?;
        let text: String = row.try_get(0).map_err(words)?;
        let text = text
            .trim_start()
            .strip_prefix("SELECT ")
            .and_then(|text| Some(text[..text.rfind(MARK)?].to_owned()));
        text.ok_or_else(|| "@backfill: the expression cannot be read back".to_owned())
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
    looks_elsewhere: bool,
}

fn shape(expression: &str) -> Shape {
    let computes = |node: &NodeRef<'_>| {
        let known = matches!(node, NodeRef::RawStmt(_) | NodeRef::SelectStmt(_) | NodeRef::ResTarget(_));
        !known && !matches!(node, NodeRef::AConst(_) | NodeRef::TypeCast(_) | NodeRef::TypeName(_))
    };
    let read = syntax::with_large_stack(|| {
        let parsed = pg_query::parse(&format!("SELECT {expression}"), 0).ok()?;
        let nodes = parsed.protobuf.nodes();
        Some(Shape {
            constant: !nodes.iter().any(|(node, ..)| computes(node)),
            looks_elsewhere: nodes.iter().any(|(node, ..)| matches!(node, NodeRef::SubLink(_))),
        })
    });
    // what cannot be told is treated with care
    read.ok().flatten().unwrap_or(Shape { constant: false, looks_elsewhere: true })
}
