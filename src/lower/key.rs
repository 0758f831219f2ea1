//! Keys on tables in use: a unique index built CONCURRENTLY, then made the constraint's.

use super::{Lowering, with_relation};
use crate::{
    graph::Unit,
    kind::{Constraint, Definition, constraint::ConstraintType},
    name::Path,
    sql::{self, Sql},
    step::{Action, Verb},
};

impl Lowering<'_> {
    /// UNIQUE and PRIMARY KEY over an index; EXCLUDE, WITHOUT OVERLAPS and keys of partitioned tables plainly, since
    /// PostgreSQL has no other way.
    pub(super) fn create_key(&mut self, unit: &Unit, constraint: &Constraint) {
        let summary = format!("add {}", with_relation(&unit.root));
        let index = Path::from([unit.root.path.part(0), unit.root.path.last()]);
        let (if_exists, name, table) = (self.if_exists(&index), unit.root.sql(), unit.root.relation_sql());
        let drop = Sql::new(format!("ALTER TABLE {table} DROP CONSTRAINT {if_exists}{name}"));
        let drop = Action::catalog(if constraint.lineage.partition { Vec::new() } else { vec![drop] });
        let word = match constraint.contype {
            ConstraintType::PrimaryKey => "PRIMARY KEY",
            _ => "UNIQUE",
        };
        let (index_part, constraint_part) = constraint.parts();
        let plainly = constraint.lineage.partition
            || constraint.contype == ConstraintType::Exclusion
            || index_part.contains(" WITHOUT OVERLAPS");
        if plainly {
            let sql = constraint.create(&unit.root).into_statements();
            return self.push(unit, Verb::Create, summary, Action::slow(sql), drop);
        }
        let index_part = index_part.strip_prefix(word).unwrap_or(index_part);
        let (columns, nulls) = match index_part.strip_prefix(" NULLS NOT DISTINCT") {
            Some(columns) => (columns, " NULLS NOT DISTINCT"),
            None => (index_part, ""),
        };
        let build = format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} USING btree{columns}{nulls}{}",
            constraint.index_settings("TABLESPACE")
        );
        let qualified = sql::qualified(index.parts());
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
