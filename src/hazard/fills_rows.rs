//! FILLS_ROWS: a backfill writes rows that are there.

use super::{Case, Level, Rule};
use crate::{
    kind::Object,
    name::{Kind, ObjectId},
    sql,
    step::{Backfill, Step, Verb},
};

pub(super) const RULE: Rule = Rule {
    code: "FILLS_ROWS",
    level: Level::Notice,
    about: None,
    explanation: "A backfill writes every row that needs it once more, in batches: that is WAL, dead rows for vacuum, and \
                  work for standbys. Triggers fire as for any UPDATE, unless the environment has \
                  `backfill_triggers = \"skip\"`. Values in a column that was there before stay when \
                  the plan is rolled back.",
    advice: "see to it that disk and standbys have room for it, and that what the triggers do is wanted",
    find,
    offline: |plan| fills(plan.step, plan.undo).is_some(),
};

fn find(case: &Case<'_>) -> Option<String> {
    let backfill = fills(case.step, case.undo)?;
    let (column, table) = (&case.step.object, case.step.object.relation()?);
    let triggers = case.catalogs.before.objects.iter().filter_map(|(id, object)| match object {
        Object::Trigger(trigger)
            if id.relation().as_ref() == Some(&table)
                && backfill.columns.iter().any(|column| trigger.fires_on_update_of(column)) =>
        {
            Some(id.sql())
        }
        _ => None,
    });
    let triggers: Vec<String> = triggers.collect();
    let fired = match (triggers.is_empty(), backfill.skip_triggers) {
        (true, _) => String::new(),
        (false, false) => format!("; triggers fire: {}", triggers.join(", ")),
        (false, true) => format!("; triggers do not fire: {}", triggers.join(", ")),
    };
    let was_there = |name: &&String| {
        let path = [table.path.part(0), table.path.part(1), name];
        case.catalogs.before.objects.contains_key(&ObjectId::new(Kind::Column, path))
    };
    let stay: Vec<&String> = backfill.columns.iter().filter(was_there).filter(|_| !case.undo).collect();
    let stays = match (stay.len(), backfill.columns.len()) {
        (0, _) => String::new(),
        (stay, all) if stay == all => "; a rollback leaves the values where they are".to_owned(),
        _ => format!("; a rollback leaves the values of {} where they are", listed(&stay)),
    };
    let rows = case.rows(&table.sql());
    let with: Vec<&String> = backfill.columns.iter().skip(1).collect();
    let with = if with.is_empty() { String::new() } else { format!(", {}", listed(&with)) };
    Some(format!("rows of {table}{rows} are written once each for {column}{with}{fired}{stays}"))
}

/// Names, as SQL has them.
/// The backfill of one direction of a step.
fn fills(step: &Step, undo: bool) -> Option<&Backfill> {
    let action = if undo { &step.undo } else { &step.run };
    action.operation.backfill().filter(|_| step.verb == Verb::Fill)
}

fn listed(names: &[&String]) -> String {
    names.iter().map(|name| sql::ident(name)).collect::<Vec<_>>().join(", ")
}
