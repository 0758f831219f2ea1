//! What a script writes into the journal: what `journal` writes of a run of trueup's own, and that psql ran it.

use serde_json::json;

use super::{
    Script, array,
    line::{fill, quoted, value},
};
use crate::{
    journal_sql::{self, PSQL},
    plan::{Batch, PlannedStep},
    sql,
    step::{Action, Operation, Phase},
};

/// What the journal says of a phase that came to its end so.
const REMARK: &str = "no approval was asked for, and the end is not proven";

impl Script<'_> {
    fn direction(&self) -> &'static str {
        if self.back { "rollback" } else { "apply" }
    }

    /// The steps that are done and not undone, by the last line about each.
    pub(super) fn done(&self) -> String {
        let query = fill(include_str!("done.sql"), &[("digest", self.digest.as_str())]);
        query.trim_end().to_owned()
    }

    pub(super) fn routines(&self) -> String {
        let operations: Vec<&Operation> = self.items().map(|item| &item.action.operation).collect();
        let mut more = String::new();
        if operations.iter().any(|operation| matches!(operation, Operation::BuildIndex { .. })) {
            more += include_str!("invalid.sql");
        }
        if operations.iter().any(|operation| operation.backfill().is_some()) {
            more += &fill(include_str!("fill.sql"), &[("digest", self.digest.as_str())]);
        }
        let left = if self.back { "steps && done" } else { "NOT steps <@ done" };
        fill(
            include_str!("routines.sql"),
            &[
                ("add_entry", &journal_sql::add_entry()),
                ("done", &self.done()),
                ("lock", &journal_sql::LOCK_KEY.to_string()),
                ("left", left),
                ("more", &more),
            ],
        )
    }

    /// What an earlier run may have left of steps outside transactions, in either direction.
    pub(super) fn settle(&self) -> String {
        let steps: Vec<&PlannedStep> =
            self.plan.steps.iter().filter(|step| step.phase == self.phase).collect();
        let there = Batch::forward(&steps).into_iter().map(|batch| ("apply", batch));
        let back = Batch::backward(&steps).into_iter().map(|batch| ("rollback", batch));
        let alone = there.chain(back).filter(|(_, batch)| !batch.transactional);
        let rows: Vec<String> = alone
            .flat_map(|(direction, batch)| {
                let row = |step: u32, action: &Action| operation(step, direction, action, &batch.also);
                batch.items.iter().map(|item| row(item.step, &item.action)).collect::<Vec<_>>()
            })
            .collect();
        if rows.is_empty() {
            return String::new();
        }
        let values = [
            ("operations", &*rows.join(",\n")),
            ("digest", self.digest.as_str()),
            ("back", if self.back { "true" } else { "false" }),
            ("command", self.command()),
        ];
        fill(include_str!("settle.sql"), &values)
    }

    pub(super) fn begin(&self) -> String {
        let begins = self.is_first() && !self.back;
        let phases = array(self.plan.phases().into_iter().map(Phase::label));
        let (create, keep) = if begins {
            let tables = journal_sql::create();
            let create = fill(
                include_str!("create.sql"),
                &[("comment", journal_sql::SCHEMA_COMMENT), ("tables", &tables)],
            );
            let keep = format!(
                "INSERT INTO trueup.plan (digest, phases, body) VALUES ('{}', '{phases}', {})\nON CONFLICT DO NOTHING;\n",
                self.digest,
                quoted(self.text)
            );
            (create, keep)
        } else {
            (String::new(), String::new())
        };
        let forget = if self.back {
            format!("    DELETE FROM trueup.backfill WHERE plan = '{}';\n", self.digest)
        } else {
            String::new()
        };
        let tool = format!("{PSQL}, script of trueup {}", self.plan.tool);
        let schemas: Vec<String> = self.plan.schemas.iter().map(|schema| value(schema)).collect();
        let schemas = format!("ARRAY[{}]::pg_catalog.text[]", schemas.join(", "));
        let none: [&str; 0] = [];
        let entry = json!({
            "run": 0, "plan": self.digest, "name": self.plan.name, "phase": self.phase.label(), "direction": self.direction(),
            "tool": tool, "backup": null, "approvals": none, "glass": null, "note": null, "accepted": none,
        });
        let (before, after) = around_run(&entry);
        fill(
            include_str!("begin.sql"),
            &[
                ("create", &create),
                ("keep", &keep),
                ("digest", self.digest.as_str()),
                ("forget", &forget),
                ("name", &value(&self.plan.name)),
                ("phase", self.phase.label()),
                ("direction", self.direction()),
                ("schemas", &schemas),
                ("tool", &value(&tool)),
                ("entry_before", &before),
                ("entry_after", &after),
            ],
        )
    }

    pub(super) fn end(&self) -> String {
        let (before, after) = around_run(&json!({ "run": 0, "outcome": "done", "remark": REMARK }));
        fill(
            include_str!("end.sql"),
            &[
                ("remark", &sql::literal(REMARK)),
                ("entry_before", &before),
                ("entry_after", &after),
                ("lock", &journal_sql::LOCK_KEY.to_string()),
                ("phase", self.phase.label()),
                ("ended", if self.back { "rolled back" } else { "applied" }),
            ],
        )
    }
}

/// The literals around the run's number in an entry's body. In a JSON string the quotes around the key would be escaped.
fn around_run(body: &serde_json::Value) -> (String, String) {
    let text = body.to_string();
    let (before, after) = text.split_once("\"run\":0").unwrap_or((&text, ""));
    (value(&format!("{before}\"run\":")), value(after))
}

/// A row that says how one finds out what a step outside a transaction has done.
fn operation(step: u32, direction: &str, action: &Action, also: &[u32]) -> String {
    let (word, name, parent) = match &action.operation {
        Operation::BuildIndex { index, .. } => ("build", Some(index.sql()), None),
        Operation::DropIndex { index, .. } => ("drop", Some(index.sql()), None),
        Operation::Detach { parent, partition } => (
            "detach",
            Some(sql::qualified(partition.path.parts())),
            Some(sql::qualified(parent.path.parts())),
        ),
        _ => ("fill", None, None),
    };
    let text = |name: Option<String>| name.map_or("NULL".to_owned(), |name| value(&name));
    format!(
        "            ({step}, '{direction}', '{word}', {}::pg_catalog.text, {}::pg_catalog.text, '{}')",
        text(name),
        text(parent),
        array(also)
    )
}
