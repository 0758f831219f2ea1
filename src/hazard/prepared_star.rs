//! PREPARED_STAR: what was prepared as `SELECT *` fails once when the columns of its table or view change.

use super::{Case, Level, Rule, only_catalogs_tell};
use crate::{
    kind::Object,
    name::{Kind, ObjectId},
    step::Verb,
};

pub(super) const RULE: Rule = Rule {
    code: "PREPARED_STAR",
    level: Level::Notice,
    about: None,
    explanation: "The columns of a table or view change, and with them the result of `SELECT *` and `RETURNING *`. Sessions that have \
                  prepared such a statement get the error \"cached plan must not change result type\" (0A000) for it, once or \
                  until they prepare it again; within a transaction that ends the transaction. SQL functions that return \
                  `SELECT *` of the table as a type of their own fail. (PostgreSQL manual, PREPARE.)",
    advice: "name the columns in code; else have its sessions connect anew after the step, or see to it that its driver \
             prepares again",
    find,
    offline: only_catalogs_tell,
};

fn find(case: &Case<'_>) -> Option<String> {
    let id = &case.step.object;
    if let (Some(Object::View(before)), Some(Object::View(after))) = (case.object.before, case.object.after) {
        let changes = !case.undo && before.columns != after.columns;
        return changes.then(|| says(id));
    }
    let table = id.relation().filter(|_| id.kind == Kind::Column)?;
    let is_table = |id: &ObjectId| matches!(case.catalogs.before.objects.get(id), Some(Object::Table(_)));
    if case.undo || !is_table(&table) {
        return None;
    }
    let changes = match (case.step.verb, case.object.before, case.object.after) {
        (Verb::Create | Verb::Drop | Verb::Rename | Verb::Replace, ..) => true,
        (_, Some(Object::Column(before)), Some(Object::Column(after))) => before.data_type != after.data_type,
        _ => false,
    };
    changes.then(|| says(&table))
}

fn says(relation: &ObjectId) -> String {
    format!("sessions that have prepared SELECT * or RETURNING * of {relation} fail at it once")
}
