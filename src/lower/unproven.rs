//! Foreign keys and checks on tables in use: NOT VALID first, which holds for new rows at once; VALIDATE later, which
//! reads the table and lets writers go on.

use super::{Lowering, alter_table, draft::Undo, with_relation};
use crate::{
    catalog::Catalog,
    diff::How,
    graph::Unit,
    kind::{Constraint, Definition, DomainConstraint, Object, constraint::ConstraintType},
    name::{Kind, ObjectId},
    sql::Sql,
    step::{Action, Verb, With},
};

impl Lowering<'_> {
    /// Two steps; one where the constraint is to stay NOT VALID, or where PostgreSQL takes no NOT VALID.
    pub(super) fn create_unproven(&mut self, unit: &Unit, constraint: &Constraint) {
        let summary = format!("add {}", with_relation(&unit.root));
        let drop = Action::catalog(constraint.drop(&unit.root).into_statements());
        let takes_not_valid = self.takes_not_valid(&unit.root, constraint);
        if constraint.validated && !takes_not_valid && self.create_by_leaf(unit, constraint) {
            return;
        }
        if !constraint.validated || !takes_not_valid {
            let sql = constraint.create(&unit.root).into_statements();
            self.push(unit, Verb::Create, summary, Action::rewrite(sql), drop);
            for copy in proven_copies(unit, self.catalogs.after) {
                let summary = format!("validate {}", with_relation(copy));
                let validate = Action::validate(validate(copy, &copy.sql()));
                self.push_about(copy, unit, Verb::Validate, summary, validate, Undo::Nothing);
            }
            return;
        }
        self.push(unit, Verb::Create, format!("{summary}, not yet validated"), add(unit, constraint), drop);
        let summary = format!("validate {}", with_relation(&unit.root));
        self.push(
            unit,
            Verb::Validate,
            summary,
            Action::validate(validate(&unit.root, &unit.root.sql())),
            Undo::Nothing,
        );
    }

    /// Whether PostgreSQL takes it as NOT VALID: "cannot add NOT VALID foreign key on partitioned table" before 18. One that
    /// refers to a partitioned table may be in any.
    fn takes_not_valid(&self, id: &ObjectId, constraint: &Constraint) -> bool {
        let refused = constraint.contype == ConstraintType::ForeignKey
            && self.context.major < 18
            && id.relation().is_some_and(|table| self.catalogs.after.is_partitioned(&table));
        !refused && constraint.facts.enforced
    }

    /// One that goes, and what it is in inheritors: on the way back it comes as it would come for the first time.
    pub(super) fn drop_proven(&mut self, unit: &Unit, constraint: &Constraint) -> bool {
        let part = |id: &ObjectId| matches!(id.kind, Kind::Constraint | Kind::Comment);
        let proven: Vec<&ObjectId> = if constraint.validated {
            vec![&unit.root]
        } else {
            proven_copies(unit, self.catalogs.before).collect()
        };
        // a copy is the whole's, as long as its table is a partition
        let attachment = ObjectId::new(Kind::Attachment, [unit.root.path.part(0), unit.root.path.part(1)]);
        let is_copy = constraint.lineage.inherited && !self.is_gone(&attachment);
        let plainly = proven.is_empty() || is_copy || !unit.members.iter().all(part);
        let takes_not_valid = self.takes_not_valid(&unit.root, constraint);
        let leaves = if takes_not_valid { Vec::new() } else { self.of_leaves(unit, &How::Drop) };
        if plainly || !takes_not_valid && leaves.is_empty() {
            return false;
        }
        for id in proven.into_iter().filter(|_| takes_not_valid) {
            let prove = format!("validate {}", with_relation(id));
            let validate = Action::validate(validate(id, &id.sql()));
            self.push_back(unit, Verb::Validate, id, &prove, validate, With::Next);
        }
        let what = with_relation(&unit.root);
        let drop = Action::catalog(constraint.drop(&unit.root).into_statements());
        let replaced = self.changes.get(&unit.root).is_some_and(|change| change.how == How::Replace);
        let verb = if replaced { Verb::Replace } else { Verb::Drop };
        let again = if takes_not_valid {
            add(unit, constraint)
        } else {
            Action::catalog(constraint.create(&unit.root).into_statements())
        };
        let comments = unit.members.iter().filter(|id| id.kind == Kind::Comment);
        let comments = comments.filter_map(|id| Some((id, self.catalogs.before.objects.get(id)?)));
        let again = again.and(comments.flat_map(|(id, comment)| comment.create(id).into_statements()));
        self.push(unit, verb, format!("drop {what}"), drop, again);
        self.back_by_leaf(unit, constraint, &leaves);
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
        let validate = Action::validate(vec![DomainConstraint::validate(&unit.root)]);
        let summary = format!("validate {}", unit.root);
        self.push(unit, Verb::Validate, summary, validate, Undo::Nothing);
    }
}

/// What partitions have of a check that is NOT VALID, and is validated there: of its parts those that came later.
pub(super) fn proven_copies<'u>(unit: &'u Unit, catalog: &'u Catalog) -> impl Iterator<Item = &'u ObjectId> {
    let validated = |id: &ObjectId| matches!(catalog.objects.get(id), Some(Object::Constraint(constraint)) if constraint.validated);
    let unproven = unit.root.kind == Kind::Constraint && !validated(&unit.root);
    unit.members.iter().filter(move |id| unproven && **id != unit.root && validated(id))
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
