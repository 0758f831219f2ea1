//! Foreign keys and checks on tables in use: NOT VALID first, which holds for new rows at once; VALIDATE later, which
//! reads the table and lets writers go on.

use super::{Lowering, alter_table, with_relation};
use crate::{
    diff::How,
    graph::Unit,
    kind::{Constraint, Definition, DomainConstraint, constraint::ConstraintType},
    name::ObjectId,
    sql::Sql,
    step::{Action, Verb},
};

impl Lowering<'_> {
    /// Two steps; one where the constraint is to stay NOT VALID, or where PostgreSQL takes no NOT VALID.
    pub(super) fn create_unproven(&mut self, unit: &Unit, constraint: &Constraint) {
        let summary = format!("add {}", with_relation(&unit.root));
        let drop = Action::catalog(constraint.drop(&unit.root).into_statements());
        if !constraint.validated || !self.takes_not_valid(&unit.root, constraint) {
            let sql = constraint.create(&unit.root).into_statements();
            return self.push(unit, Verb::Create, summary, Action::slow(sql), drop);
        }
        self.push(unit, Verb::Create, format!("{summary}, not yet validated"), add(unit, constraint), drop);
        let summary = format!("validate {}", with_relation(&unit.root));
        self.push(
            unit,
            Verb::Validate,
            summary,
            Action::slow(validate(&unit.root, &unit.root.sql())),
            Action::catalog(Vec::new()),
        );
    }

    /// Whether PostgreSQL takes it as NOT VALID: "cannot add NOT VALID foreign key on partitioned table" before 18. One that
    /// refers to a partitioned table may be in any.
    fn takes_not_valid(&self, id: &ObjectId, constraint: &Constraint) -> bool {
        let refused = constraint.contype == ConstraintType::ForeignKey
            && self.context.major < 18
            && id.relation().is_some_and(|table| self.catalogs.after.is_partitioned(&table));
        !refused && !constraint.definition.ends_with(" NOT ENFORCED")
    }

    /// One that goes: on the way back it comes as it would come for the first time.
    pub(super) fn drop_proven(&mut self, unit: &Unit, constraint: &Constraint) -> bool {
        let plainly = !constraint.validated || constraint.lineage.inherited || unit.members.len() > 1;
        if plainly || !self.takes_not_valid(&unit.root, constraint) {
            return false;
        }
        let what = with_relation(&unit.root);
        let prove = format!("validate {what}");
        self.push_back(
            unit,
            Verb::Validate,
            &unit.root,
            &prove,
            Action::slow(validate(&unit.root, &unit.root.sql())),
        );
        let drop = Action::catalog(constraint.drop(&unit.root).into_statements());
        let replaced = self.changes.get(&unit.root).is_some_and(|change| change.how == How::Replace);
        let verb = if replaced { Verb::Replace } else { Verb::Drop };
        self.push(unit, verb, format!("drop {what}"), drop, add(unit, constraint));
        true
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
}

/// Adds it for new rows.
fn add(unit: &Unit, constraint: &Constraint) -> Action {
    let unproven = Constraint { validated: false, ..constraint.clone() };
    Action::catalog(unproven.create(&unit.root).into_statements())
}

/// Proves a constraint of the relation that `id` is part of, for the rows that are there.
pub(super) fn validate(id: &ObjectId, constraint: &str) -> Vec<Sql> {
    alter_table(id, vec![format!("VALIDATE CONSTRAINT {constraint}")])
}
