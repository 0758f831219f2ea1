//! Rows that a key would refuse because of each other: equal ones for UNIQUE, those of which all operators are true for
//! EXCLUDE. What the key is over, PostgreSQL has printed: columns and expressions. The table is asked by the name that it
//! has by then.

use super::data_check::counted;
use crate::{
    kind::{Constraint, Index, constraint::ConstraintType},
    name::ObjectId,
    sql::{self, Sql},
};

/// Those of a unique index.
pub fn of_index(table: &ObjectId, name: &str, index: &Index) -> Option<(String, Sql)> {
    let definition = index.definition.as_str();
    let keys = items(definition, " USING btree (")?.into_iter().map(ordered).collect::<Option<Vec<_>>>()?;
    let predicate = sql::find_outside(definition, " WHERE ").map(|at| &definition[at + " WHERE ".len()..]);
    Some(equal(table, name, &keys, !definition.contains("NULLS NOT DISTINCT"), predicate))
}

/// Those of a primary key, a unique or an exclusion constraint.
pub fn of_key(table: &ObjectId, name: &str, key: &Constraint) -> Option<(String, Sql)> {
    let (over, rest) = key.parts();
    if key.contype == ConstraintType::Exclusion {
        let mut keys = Vec::new();
        for item in items(over, " (")? {
            let (item, operator) = item.split_at(sql::find_outside(item, " WITH ")?);
            keys.push((evaluated(item), operator.strip_prefix(" WITH ")?.to_owned()));
        }
        let end = sql::find_outside(rest, " DEFERRABLE").unwrap_or(rest.len());
        return Some(excluded(table, name, &keys, rest[..end].strip_prefix(" WHERE ")));
    }
    let columns: Vec<String> = key.columns.iter().map(|name| sql::ident(name)).collect();
    if over.ends_with(" WITHOUT OVERLAPS)") {
        let last = columns.len().checked_sub(1)?;
        let operator = |at: usize| if at == last { "&&" } else { "=" }.to_owned();
        let keys: Vec<_> = columns.into_iter().enumerate().map(|(at, name)| (name, operator(at))).collect();
        return Some(excluded(table, name, &keys, None));
    }
    Some(equal(table, name, &columns, !over.contains(" NULLS NOT DISTINCT"), None))
}

/// What is between the parenthesis that the opening ends with and its own, item by item.
fn items<'d>(definition: &'d str, opening: &str) -> Option<Vec<&'d str>> {
    let mut rest = &definition[sql::find_outside(definition, opening)? + opening.len()..];
    rest = &rest[..sql::find_outside(rest, ")")?];
    let mut items = Vec::new();
    while let Some(at) = sql::find_outside(rest, ", ") {
        items.push(&rest[..at]);
        rest = &rest[at + ", ".len()..];
    }
    items.push(rest);
    Some(items)
}

/// An item of an index as an expression. None with an operator class of its own, for which equal may be another thing.
fn ordered(item: &str) -> Option<String> {
    let orders = [" NULLS FIRST", " NULLS LAST", " DESC"];
    let plain = orders.iter().fold(item, |item, order| item.strip_suffix(order).unwrap_or(item));
    let (expression, rest) = plain.split_at(sql::find_outside(plain, " ").unwrap_or(plain.len()));
    match rest.strip_prefix(" COLLATE ") {
        None if rest.is_empty() => Some(expression.to_owned()),
        Some(collation) if sql::find_outside(collation, " ").is_none() => Some(plain.to_owned()),
        _ => None,
    }
}

/// An item of an exclusion constraint as an expression: its operator says what is compared, whatever the class.
fn evaluated(item: &str) -> String {
    let (expression, rest) = item.split_at(sql::find_outside(item, " ").unwrap_or(item.len()));
    let collation = rest.strip_prefix(" COLLATE ").and_then(|rest| rest.split(' ').next());
    collation.map_or_else(|| expression.to_owned(), |collation| format!("{expression} COLLATE {collation}"))
}

/// Keys that are there more than once.
fn equal(
    table: &ObjectId,
    name: &str,
    keys: &[String],
    distinct: bool,
    predicate: Option<&str>,
) -> (String, Sql) {
    let list = keys.join(", ");
    let given = keys.iter().filter(|_| distinct).map(|key| format!("{key} IS NOT NULL"));
    let conditions: Vec<String> = given.chain(predicate.map(|it| format!("({it})"))).collect();
    let only =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let query = format!(
        "SELECT {} || ROW({list})::pg_catalog.text FROM {}{only} GROUP BY {list} HAVING count(*) > 1",
        sql::literal(&format!("({list}) = ")),
        name
    );
    (format!("keys ({list}) that are in {table} more than once"), counted(&query))
}

/// Rows for which there is another one so that every operator is true of the two.
fn excluded(
    table: &ObjectId,
    name: &str,
    keys: &[(String, String)],
    predicate: Option<&str>,
) -> (String, Sql) {
    let only = predicate.map(|it| format!(" WHERE {it}")).unwrap_or_default();
    let columns: String =
        keys.iter().enumerate().map(|(at, (key, _))| format!(", ({key}) AS key_{at}")).collect();
    let rows = format!("(SELECT tableoid AS part, ctid AS place{columns} FROM {name}{only})");
    let compared = keys.iter().enumerate();
    let compared: String =
        compared.map(|(at, (_, operator))| format!(" AND one.key_{at} {operator} other.key_{at}")).collect();
    let list = keys.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(", ");
    let shown = (0..keys.len()).map(|at| format!("one.key_{at}")).collect::<Vec<_>>().join(", ");
    let query = format!(
        "SELECT {} || ROW({shown})::pg_catalog.text FROM {rows} AS one WHERE EXISTS (SELECT FROM {rows} AS other \
         WHERE (other.part, other.place) <> (one.part, one.place){compared})",
        sql::literal(&format!("({list}) = "))
    );
    (format!("rows of {table} that exclude each other by ({list})"), counted(&query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_apart() {
        let of = |definition| items(definition, " USING btree (").unwrap_or_default();
        let definition = "CREATE UNIQUE INDEX i ON s.t USING btree (lower(a), \"b, c\" DESC, ((d || ','::text)) COLLATE \"C\") WHERE (e)";
        assert_eq!(of(definition), ["lower(a)", "\"b, c\" DESC", "((d || ','::text)) COLLATE \"C\""]);
        let expressions: Vec<_> = of(definition).into_iter().map(ordered).collect();
        assert_eq!(
            expressions,
            [Some("lower(a)"), Some("\"b, c\""), Some("((d || ','::text)) COLLATE \"C\"")]
                .map(|it| it.map(str::to_owned))
        );
        assert_eq!(ordered("a text_pattern_ops"), None);
        assert_eq!(evaluated("a COLLATE \"C\" gist_text_ops"), "a COLLATE \"C\"");
        assert_eq!(evaluated("a inet_ops"), "a");
    }
}
