//! Keys on tables in use: a unique index built CONCURRENTLY, then made the constraint's.

use super::{Lowering, with_relation};
use crate::{
    graph::Unit,
    kind::{Constraint, Definition, constraint::ConstraintType},
    sql::{self, Sql},
    step::{Action, Verb},
};

impl Lowering<'_> {
    /// UNIQUE and PRIMARY KEY over an index; EXCLUDE, WITHOUT OVERLAPS and keys of partitioned tables plainly, since
    /// PostgreSQL has no other way.
    pub(super) fn create_key(&mut self, unit: &Unit, constraint: &Constraint) {
        let summary = format!("add {}", with_relation(&unit.root));
        let drop = Action::catalog(constraint.drop(&unit.root).into_statements());
        let word = match constraint.contype {
            ConstraintType::PrimaryKey => "PRIMARY KEY",
            _ => "UNIQUE",
        };
        let rest = constraint.definition.strip_prefix(word);
        let concurrent = rest.filter(|rest| {
            !constraint.lineage.partition
                && constraint.contype != ConstraintType::Exclusion
                && !rest.contains("WITHOUT OVERLAPS")
        });
        let Some(rest) = concurrent else {
            let sql = constraint.create(&unit.root).into_statements();
            return self.push(unit, Verb::Create, summary, Action::slow(sql), drop);
        };
        // DEFERRABLE … belongs to the constraint, everything else to the index
        let (index_part, constraint_part) = match rest.find(" DEFERRABLE") {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (index_part, nulls) = match index_part.strip_prefix(" NULLS NOT DISTINCT") {
            Some(columns) => (columns, " NULLS NOT DISTINCT"),
            None => (index_part, ""),
        };
        let (columns, tail) = split_columns(index_part);
        let table = unit.root.relation_sql();
        let name = unit.root.sql();
        let build = format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} USING btree{columns}{}{nulls}{}",
            tail.0, tail.1
        );
        let qualified = sql::qualified(&[unit.root.path.part(0), unit.root.path.last()]);
        // dropping the constraint has dropped its index, too
        let drop_index = Sql::new(format!("DROP INDEX CONCURRENTLY IF EXISTS {qualified}"));
        let build_summary = format!("build the index of {}", with_relation(&unit.root));
        self.push(
            unit,
            Verb::Create,
            build_summary,
            Action::concurrent(Sql::new(build)),
            Action::concurrent(drop_index),
        );
        let mut clauses = vec![format!("ADD CONSTRAINT {name} {word} USING INDEX {name}{constraint_part}")];
        clauses.extend(constraint.settings(&unit.root));
        let add = crate::kind::TableDdl { table, clauses, ..Default::default() };
        self.push(
            unit,
            Verb::Alter,
            summary,
            Action::catalog(add.into_statement().into_iter().collect()),
            drop,
        );
    }
}

/// ` (a, b) INCLUDE (c) WITH (…)` into the columns, what stands before NULLS NOT DISTINCT and what stands after it.
fn split_columns(text: &str) -> (&str, (&str, &str)) {
    let with = text.find(" WITH (").unwrap_or(text.len());
    let include = text[..with].find(" INCLUDE (").unwrap_or(with);
    (&text[..include], (&text[include..with], &text[with..]))
}
