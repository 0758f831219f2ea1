//! CONSTRAINS_OLD_CODE: rows that were accepted before the step are refused after it.

use super::{Case, Level, Rule, Side, only_catalogs_tell};
use crate::{
    kind::Object,
    lower::is_guard,
    name::{Kind, ObjectId},
};

pub(super) const RULE: Rule = Rule {
    code: "CONSTRAINS_OLD_CODE",
    level: Level::Warning,
    about: Some(Side::OldCode),
    explanation: "Rows that were accepted before are refused from this step on. If rows like that are there already, the \
                  step fails.",
    advice: "make sure that neither the data nor code that is deployed violates it",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    if case.undo {
        return None;
    }
    let id = &case.step.object;
    let on_old_table = id.relation().is_some_and(|table| case.catalogs.before.objects.contains_key(&table));
    if is_guard(id) && case.step.verb == crate::step::Verb::Create {
        let table = id.relation()?;
        let attachment = ObjectId { kind: Kind::Attachment, path: table.path.clone() };
        let bounds = case.catalogs.before.objects.get(&attachment);
        // what its own bounds refuse already
        let refused = matches!(bounds, Some(Object::Attachment(it)) if it.bound != "DEFAULT");
        return (!refused).then(|| format!("{table} refuses from now on what the partition's bounds say"));
    }
    match (case.object.before, case.object.after?) {
        (None, Object::Constraint(constraint))
            if on_old_table && case.step.verb == crate::step::Verb::Create =>
        {
            // one that comes back in the same words refused them before
            let before = case.catalogs.before.objects.get(id);
            let known =
                matches!(before, Some(Object::Constraint(it)) if it.definition == constraint.definition);
            (!known).then(|| format!("{id} refuses rows from now on: {}", constraint.definition))
        }
        // exchanged in one step
        (Some(Object::Constraint(before)), Object::Constraint(after))
            if case.step.verb == crate::step::Verb::Alter
                && after.has_index()
                && before.definition != after.definition =>
        {
            Some(format!("{id} refuses other rows from now on: {}", after.definition))
        }
        (Some(Object::Index(before)), Object::Index(after))
            if case.step.verb == crate::step::Verb::Alter && after.unique && before.body != after.body =>
        {
            Some(format!("{id} refuses rows with equal keys from now on"))
        }
        (None, Object::DomainConstraint(constraint)) if case.step.verb == crate::step::Verb::Create => {
            Some(format!("{id} refuses values from now on: CHECK ({})", constraint.condition))
        }
        (None, Object::Index(index))
            if index.unique && case.catalogs.before.objects.contains_key(&index.relation()) =>
        {
            Some(format!("{id} refuses rows with equal keys from now on"))
        }
        (Some(Object::Column(before)), Object::Column(after)) if after.not_null && !before.not_null => {
            Some(format!("{id} refuses NULL from now on"))
        }
        _ => None,
    }
}
