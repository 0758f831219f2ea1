//! Whether a column that gets another type gets its old values, cast, or what an expression of `@convert` makes of them. The
//! statements say it, as [`super::convert`] and [`crate::kind::Column`] write them.

use crate::{
    name::ObjectId,
    sql,
    step::{Operation, Step},
};

/// Whether the values of a column are anything else than the old ones, cast, once a step or its undo gave it another type. Of the
/// undo that swaps two columns the step does not tell, and the answer is no.
pub fn is_computed(step: &Step, undo: bool, column: &ObjectId) -> bool {
    let (run, other) = if undo { (&step.undo, &step.run) } else { (&step.run, &step.undo) };
    let value = if run.operation == Operation::Swap {
        // the undo makes the function again that keeps the new column up
        other.sql.iter().filter(|_| !undo).find_map(|sql| between(sql.as_str(), "SELECT ", " INTO NEW."))
    } else {
        run.sql.iter().find_map(|sql| using(sql.as_str(), &column.sql()))
    };
    value.is_some_and(|value| !is_cast(value, &column.sql()))
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(value, _)| value)
}

/// What stands behind USING where ALTER TABLE gives the column its type.
fn using<'t>(statement: &'t str, column: &str) -> Option<&'t str> {
    let begin = format!("ALTER COLUMN {column} TYPE ");
    let clause = &statement[sql::find_outside(statement, &begin)? + begin.len()..];
    let clause = &clause[..sql::find_outside(clause, ",").unwrap_or(clause.len())];
    sql::find_outside(clause, " USING ").map(|at| &clause[at + " USING ".len()..])
}

/// Whether an expression is a column or a cast of it, as trueup writes one or PostgreSQL prints it: `((a)::text)::public.e`.
fn is_cast(expression: &str, column: &str) -> bool {
    let Some(rest) = expression.trim_start_matches('(').strip_prefix(column) else { return false };
    let rest = rest.trim_start_matches(')');
    // a modifier may be less than 0; nothing else is subtracted, and PostgreSQL prints words that are operators in capitals
    let rest = rest.replace("(-", "(").replace(",-", ",");
    let (mut quoted, mut last) = (false, ' ');
    let mut is_of_type = |c: char| {
        quoted ^= c == '"';
        let is_operator =
            !(c.is_alphanumeric() || "_. ,()[]:\"".contains(c)) || last == ' ' && c.is_uppercase();
        last = c;
        quoted || !is_operator
    };
    rest.is_empty() || rest.starts_with("::") && rest.chars().all(&mut is_of_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_is_told_from_other_expressions() {
        for cast in [
            "a",
            "(a)::bigint",
            "a::numeric(5,-2)",
            "((a)::text)::public.e",
            "(a)::text[]::public.\"e'\"[]",
            "(a)::timestamp(0) without time zone",
        ] {
            assert!(is_cast(cast, "a"), "{cast}");
        }
        for other in [
            "(a + 1)",
            "length(a)",
            "(a)::integer + 1",
            "(a)::integer-1",
            "(ab)::text",
            "(a || 'x'::text)",
            "((a)::integer IS NULL)",
            "'a'::text",
            "a[1]",
        ] {
            assert!(!is_cast(other, "a"), "{other}");
        }
    }

    #[test]
    fn the_clause_of_the_column_is_read() {
        let statement = "ALTER TABLE public.t ALTER COLUMN b TYPE text USING f(b, 'a'), ALTER COLUMN a TYPE numeric(5,1) USING a::numeric(5,1)";
        assert_eq!(using(statement, "a"), Some("a::numeric(5,1)"));
        assert_eq!(using(statement, "b"), Some("f(b, 'a')"));
        assert_eq!(using("ALTER TABLE public.t ALTER COLUMN a TYPE numeric(5,1)", "a"), None);
    }
}
