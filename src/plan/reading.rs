//! A plan's statements as SQL for reading: what `--format sql` prints.
//!
//! Earlier versions wrote the same into up.sql and rollback.sql, so that folders which have these are still checked against
//! it ([`super::folder`]). Nobody runs this: characters that deceive the eye are written out, even where that would change
//! what a statement means.

use std::fmt::Write;

use super::{Plan, PlannedStep, format::Digest};
use crate::{
    sql::Sql,
    step::Timeouts,
    visible::{visible, visible_line},
};

/// What earlier versions wrote beside a plan.
pub fn earlier(plan: &Plan, digest: &Digest) -> [(&'static str, String); 2] {
    [
        ("up.sql", format!("-- up.sql: {}", up(plan, digest).trim_start_matches("-- "))),
        ("rollback.sql", format!("-- rollback.sql: {}", rollback(plan, digest).trim_start_matches("-- "))),
    ]
}

/// The way there, phase by phase.
pub fn up(plan: &Plan, digest: &Digest) -> String {
    let mut script = head(plan, digest, "what `trueup apply` runs", "nothing to do");
    let mut phase = None;
    let mut batches = Batches::default();
    for step in &plan.steps {
        if phase != Some(step.phase) {
            phase = Some(step.phase);
            batches.end(&mut script);
            line(&mut script, &format!("\n-- ==== {} ====", step.phase.label()));
        }
        if step.sql.is_empty() {
            batches.idle(&mut script, step.batch);
            line(&mut script, &format!("-- step {}: {}", step.id, visible_line(&step.summary)));
            continue;
        }
        batches.step(&mut script, step.batch, step.operation.is_transactional(), step.timeouts);
        statements(&mut script, step, &step.summary, &step.sql);
    }
    batches.end(&mut script);
    script
}

/// The way back, last step first.
pub fn rollback(plan: &Plan, digest: &Digest) -> String {
    let mut script = head(plan, digest, "what `trueup rollback` runs", "nothing to undo");
    let mut batches = Batches::default();
    for step in plan.steps.iter().rev() {
        if step.undo.sql.is_empty() {
            batches.idle(&mut script, step.batch);
            line(&mut script, &format!("-- step {}: nothing to undo", step.id));
            continue;
        }
        let transactional = step.undo.operation.is_transactional();
        batches.step(&mut script, step.batch, transactional, step.undo.timeouts);
        statements(&mut script, step, &format!("undo: {}", step.summary), &step.undo.sql);
    }
    batches.end(&mut script);
    script
}

fn head(plan: &Plan, digest: &Digest, title: &str, empty: &str) -> String {
    let mut text = String::new();
    line(&mut text, &format!("-- {title}. For reading; plan.toml is what runs."));
    line(&mut text, &format!("-- plan {}  sha256 {digest}", visible_line(&plan.name)));
    if plan.steps.is_empty() {
        line(&mut text, &format!("-- {empty}"));
    }
    text
}

/// The transaction that is open in the script.
#[derive(Default)]
struct Batches {
    open: Option<(u32, Timeouts)>,
}

impl Batches {
    fn step(&mut self, script: &mut String, batch: u32, transactional: bool, timeouts: Timeouts) {
        let local = if transactional { "LOCAL " } else { "" };
        match self.open {
            Some((number, same)) if number == batch && transactional => {
                if same != timeouts {
                    line(script, &format!("{};", timeouts.set(local)));
                }
                self.open = Some((batch, timeouts));
                return;
            }
            _ => self.end(script),
        }
        line(
            script,
            &format!("\n-- batch {batch}{}", if transactional { "" } else { ", outside any transaction" }),
        );
        if transactional {
            line(script, "BEGIN;");
            self.open = Some((batch, timeouts));
        }
        line(script, &format!("{};", timeouts.set(local)));
    }

    /// A step of this batch runs nothing: what is open of the batch stays open.
    fn idle(&mut self, script: &mut String, batch: u32) {
        if self.open.is_none_or(|(number, _)| number != batch) {
            self.end(script);
            line(script, "");
        }
    }

    fn end(&mut self, script: &mut String) {
        if self.open.take().is_some() {
            line(script, "COMMIT;");
        }
    }
}

fn statements(script: &mut String, step: &PlannedStep, summary: &str, sql: &[Sql]) {
    line(script, &format!("-- step {}: {}", step.id, visible_line(summary)));
    for sql in sql {
        line(script, &format!("{};", visible(sql.as_str())));
    }
}

fn line(script: &mut String, text: &str) {
    // writing to a String cannot fail
    let _ = writeln!(script, "{text}");
}
