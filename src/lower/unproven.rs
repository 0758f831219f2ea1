//! Foreign keys and checks on tables in use: NOT VALID first, which holds for new rows at once; VALIDATE later, which
//! reads the table and lets writers go on.

use super::{Lowering, with_relation};
use crate::{
    graph::Unit,
    kind::{Constraint, Definition, DomainConstraint, TableDdl, constraint::ConstraintType},
    sql::Sql,
    step::{Action, Verb},
};

impl Lowering<'_> {
    /// Two steps; one where the constraint is to stay NOT VALID, or where PostgreSQL takes no NOT VALID.
    pub(super) fn create_unproven(&mut self, unit: &Unit, constraint: &Constraint) {
        let summary = format!("add {}", with_relation(&unit.root));
        let drop = Action::catalog(constraint.drop(&unit.root).into_statements());
        // "cannot add NOT VALID foreign key on partitioned table" before 18
        let refused = constraint.contype == ConstraintType::ForeignKey
            && self.context.major < 18
            && [self.partitioned(&unit.root), self.references_partitioned(constraint)].contains(&true);
        if !constraint.validated || refused || constraint.definition.ends_with(" NOT ENFORCED") {
            let sql = constraint.create(&unit.root).into_statements();
            return self.push(unit, Verb::Create, summary, Action::slow(sql), drop);
        }
        let unproven = Constraint { validated: false, ..constraint.clone() };
        let add = Action::catalog(unproven.create(&unit.root).into_statements());
        self.push(unit, Verb::Create, format!("{summary}, not yet validated"), add, drop);
        let validate = TableDdl {
            table: unit.root.relation_sql(),
            clauses: vec![format!("VALIDATE CONSTRAINT {}", unit.root.sql())],
            ..TableDdl::default()
        };
        let validate: Vec<Sql> = validate.into_statement().into_iter().collect();
        let summary = format!("validate {}", with_relation(&unit.root));
        self.push(unit, Verb::Validate, summary, Action::slow(validate), Action::catalog(Vec::new()));
    }

    /// The same for a check of a domain: VALIDATE reads every table that has a column of it.
    pub(super) fn create_unproven_of_domain(&mut self, unit: &Unit, constraint: &DomainConstraint) {
        let summary = format!("add {}", unit.root);
        let drop = Action::catalog(constraint.drop(&unit.root).into_statements());
        let unproven = DomainConstraint { validated: false, ..constraint.clone() };
        let add = Action::catalog(unproven.create(&unit.root).into_statements());
        if !constraint.validated {
            return self.push(unit, Verb::Create, summary, add, drop);
        }
        self.push(unit, Verb::Create, format!("{summary}, not yet validated"), add, drop);
        let validate = Action::slow(vec![DomainConstraint::validate(&unit.root)]);
        let summary = format!("validate {}", unit.root);
        self.push(unit, Verb::Validate, summary, validate, Action::catalog(Vec::new()));
    }

    fn partitioned(&self, id: &crate::name::ObjectId) -> bool {
        id.relation().is_some_and(|table| self.is_partitioned(&table))
    }

    fn references_partitioned(&self, constraint: &Constraint) -> bool {
        constraint.references.as_ref().is_some_and(|table| {
            self.is_partitioned(&crate::name::ObjectId::new(crate::name::Kind::Table, table.clone()))
        })
    }

    fn is_partitioned(&self, table: &crate::name::ObjectId) -> bool {
        matches!(self.catalogs.after.objects.get(table), Some(crate::kind::Object::Table(table)) if table.partition_by.is_some())
    }
}
