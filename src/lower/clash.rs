//! Rows that a key would refuse because of each other: equal ones for UNIQUE, those of which all operators are true for
//! EXCLUDE. The table is asked by the name that it has by then.

use super::data_check::{Asked, Question, counted};
use crate::{
    kind::{
        Constraint, Index,
        constraint::Exclusion,
        index_body::{IndexBody, IndexKey},
    },
    name::ObjectId,
    sql,
};

/// Those of a unique index.
pub fn of_index(table: &ObjectId, asked: &Asked, index: &Index) -> Option<Question> {
    equal(table, asked, &index.body)
}

/// Those of a primary key, a unique or an exclusion constraint.
pub fn of_key(table: &ObjectId, asked: &Asked, key: &Constraint) -> Option<Question> {
    match &key.facts.exclusion {
        Some(exclusion) => Some(excluded(table, asked, exclusion)),
        None => equal(table, asked, &*key.body()?),
    }
}

/// Keys that are there more than once. None with an operator class of its own, for which equal may be another thing.
fn equal(table: &ObjectId, asked: &Asked, body: &IndexBody) -> Option<Question> {
    if !body.shape.keys.iter().all(|key| key.usual_equality) {
        return None;
    }
    let keys: Vec<String> = body.shape.keys.iter().map(IndexKey::compared).collect();
    let list = keys.join(", ");
    let given = keys.iter().filter(|_| !body.nulls_not_distinct).map(|key| format!("{key} IS NOT NULL"));
    let conditions: Vec<String> = given.chain(body.predicate.iter().map(|it| format!("({it})"))).collect();
    let only =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let query = format!(
        "SELECT {} || ROW({list})::pg_catalog.text FROM {} AS asked{only} GROUP BY {list} HAVING count(*) > 1",
        sql::literal(&format!("({list}) = ")),
        asked.rows
    );
    let what = format!("keys ({list}) that are in {table} more than once");
    Some(Question { relation: asked.relation.clone(), what, sql: counted(&query) })
}

/// Rows for which there is another one so that every operator is true of the two.
fn excluded(table: &ObjectId, asked: &Asked, exclusion: &Exclusion) -> Question {
    let Exclusion { body, operators } = exclusion;
    let only = body.predicate.iter().map(|it| format!(" WHERE ({it})")).collect::<String>();
    let keys: Vec<String> = body.shape.keys.iter().map(IndexKey::compared).collect();
    let columns: String = keys.iter().enumerate().map(|(at, key)| format!(", ({key}) AS key_{at}")).collect();
    let rows =
        format!("(SELECT tableoid AS part, ctid AS place{columns} FROM {} AS asked{only})", asked.rows);
    let compared = operators.iter().enumerate();
    let compared: String =
        compared.map(|(at, operator)| format!(" AND one.key_{at} {operator} other.key_{at}")).collect();
    let list = keys.join(", ");
    let shown = (0..keys.len()).map(|at| format!("one.key_{at}")).collect::<Vec<_>>().join(", ");
    let query = format!(
        "SELECT {} || ROW({shown})::pg_catalog.text FROM {rows} AS one WHERE EXISTS (SELECT FROM {rows} AS other \
         WHERE (other.part, other.place) <> (one.part, one.place){compared})",
        sql::literal(&format!("({list}) = "))
    );
    let what = format!("rows of {table} that exclude each other by ({list})");
    Question { relation: asked.relation.clone(), what, sql: counted(&query) }
}
