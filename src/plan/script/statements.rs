//! The batches of a script: what psql runs of each, unless the journal has it already.

use super::{
    array,
    line::{push, quoted, runnable, value},
};
use crate::{
    plan::{Batch, Item},
    step::{Action, Backfill, Operation, Timeouts, numbered},
    visible::visible_line,
};

/// One batch: skipped where it is done.
pub(super) fn batch(script: &mut String, batch: &Batch) {
    let steps: Vec<u32> = batch.steps().collect();
    let alone = if batch.transactional { "" } else { ", outside any transaction" };
    push(script, &format!("\n-- batch {}{alone}", batch.number));
    push(script, &format!("\\echo batch {}, {}", batch.number, numbered(&steps)));
    push(script, &format!("SELECT pg_temp.trueup_left('{}') AS trueup_left \\gset", array(&steps)));
    push(script, "\\if :trueup_left");
    if batch.transactional {
        transaction(script, batch, &steps);
    } else {
        for item in &batch.items {
            by_itself(script, batch, item);
        }
    }
    push(script, "\\endif");
}

fn transaction(script: &mut String, batch: &Batch, steps: &[u32]) {
    push(script, "BEGIN;");
    push(script, "CALL pg_temp.trueup_path('ddl', true);");
    let mut set = None;
    for item in &batch.items {
        let Action { operation, sql, timeouts, .. } = &item.action;
        if set != Some(timeouts) && !sql.is_empty() {
            push(script, &format!("{};", timeouts.set("LOCAL ")));
            set = Some(timeouts);
        }
        title(script, item);
        if operation.runs_code() {
            push(script, "CALL pg_temp.trueup_path('code', true);");
        }
        for sql in sql {
            push(script, &runnable(sql));
        }
        if operation.runs_code() {
            push(script, "CALL pg_temp.trueup_path('ddl', true);");
        }
    }
    push(script, &format!("CALL pg_temp.trueup_done({}, '{}');", batch.number, array(steps)));
    push(script, "COMMIT;");
}

fn by_itself(script: &mut String, batch: &Batch, item: &Item) {
    let Action { operation, sql, timeouts, .. } = &item.action;
    title(script, item);
    if let Operation::BuildIndex { index, .. } = operation {
        let name = value(&index.sql());
        push(script, &format!("SELECT pg_temp.trueup_invalid({name}) AS trueup_invalid \\gset"));
        push(script, "\\if :trueup_invalid");
        for drop in &Action::drop_index(index.clone()).sql {
            push(script, &runnable(drop));
        }
        push(script, "\\endif");
    }
    push(script, &format!("CALL pg_temp.trueup_started({}, {});", batch.number, item.step));
    if let Some(backfill) = operation.backfill() {
        for sql in sql {
            push(script, &filling(item, backfill, sql.as_str()));
        }
    } else {
        push(script, &format!("{};", timeouts.set("")));
        push(script, "CALL pg_temp.trueup_path('ddl', false);");
        for sql in sql {
            push(script, &runnable(sql));
        }
        let none = Timeouts { lock_ms: 0, statement_ms: 0 }.set("");
        push(script, &format!("{none}; SET search_path TO '';"));
    }
    let line = "pg_catalog.current_setting('trueup.line')::pg_catalog.int8";
    push(script, &format!("CALL pg_temp.trueup_ended({line}, 'done', '{}');", array(&batch.also)));
}

/// A call of what fill.sql has: it runs the statement again and again.
fn filling(item: &Item, backfill: &Backfill, statement: &str) -> String {
    format!(
        "CALL pg_temp.trueup_fill({}, {}, {},\n{}, {}, {}, {},\n{});",
        item.step,
        item.action.timeouts.lock_ms,
        value(&backfill.table),
        quoted(&backfill.ending()),
        !backfill.key.is_empty(),
        backfill.skip_triggers,
        backfill.rows.clamp(10, 50_000),
        quoted(statement)
    )
}

fn title(script: &mut String, item: &Item) {
    push(script, &format!("-- step {}: {}", item.step, visible_line(&item.summary)));
}
