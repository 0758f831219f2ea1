//! What the demo says.

use std::{cell::Cell, time::Duration};

use trueup::{
    apply::{Event, Progress},
    approval::Approval,
    hazard::Level,
    plan::{PlanFile, PlannedStep},
    report::{self, text::Paint},
    step::{Phase, Verb},
};

use super::{proof::Picture, writers::Tally};
use crate::cli::output;

const WIDTH: usize = 110;

/// The teller.
pub struct Story {
    quiet: bool,
    paint: Paint,
    acts: Cell<u32>,
}

impl Story {
    /// Has said nothing yet.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, paint: Paint(output::colour()), acts: Cell::new(0) }
    }

    /// One line.
    pub fn line(&self, text: &str) {
        if !self.quiet {
            output::result(text);
        }
    }

    /// The title.
    pub fn opening(&self) {
        let title = self.paint.bold("trueup demo");
        self.line(&format!(
            "{title}: a shop goes from yesterday's schema to today's and back while it is open"
        ));
    }

    /// What is done next.
    pub fn act(&self, what: &str) {
        let number = self.acts.get() + 1;
        self.acts.set(number);
        self.line(&self.paint.bold(&format!("{number}. {what}")));
    }

    /// A plan, a line for each step and for each hazard.
    pub fn plan(&self, file: &PlanFile) {
        for phase in file.plan.phases() {
            let steps = file.plan.steps.iter().filter(|step| step.phase == phase && !step.sql.is_empty());
            for step in steps {
                self.line(&self.step(phase, step));
                for hazard in step.hazards.iter().filter(|hazard| hazard.level > Level::Notice) {
                    for text in wrapped(&format!("! {}: {}", hazard.code, hazard.message), WIDTH - 16) {
                        let text = match hazard.level {
                            Level::Danger => self.paint.red(&text),
                            _ => self.paint.yellow(&text),
                        };
                        self.line(&format!("                {text}"));
                    }
                }
            }
        }
        let proven = file.plan.rehearsal.proven.join(", ");
        for text in wrapped(&format!("Rehearsed on a copy without rows: {proven}."), WIDTH - 3) {
            self.line(&format!("   {text}"));
        }
    }

    fn step(&self, phase: Phase, step: &PlannedStep) -> String {
        let sign = match step.action {
            Verb::Create => self.paint.green("+"),
            Verb::Drop => self.paint.red("-"),
            Verb::Alter | Verb::Rename | Verb::Validate | Verb::Fill | Verb::Replace => {
                self.paint.yellow("~")
            }
        };
        let lock = step.seen.locks.iter().map(|lock| lock.mode).max();
        let lock = lock.map_or("", |mode| mode.label());
        format!("   {:<8} {:>2} {sign} {}  {}", phase.label(), step.id, step.summary, self.paint.dim(lock))
    }

    /// An approval.
    pub fn approval(&self, approval: &Approval) {
        let codes: Vec<&str> = approval.accepts.iter().map(String::as_str).collect();
        let phase = approval.phase.label();
        let accepting =
            if codes.is_empty() { String::new() } else { format!(", accepting {}", codes.join(" and ")) };
        self.line(&format!("   {} approves {phase}{accepting}", approval.approver));
    }

    /// Tells the steps of a run as they are done.
    pub fn steps(&self) -> Steps<'_> {
        Steps { story: self }
    }

    /// What one writer did.
    pub fn tally(&self, tally: &Tally) {
        let Tally { writer, done, failed, words, slowest } = tally;
        self.line(&format!(
            "   {:<18} {:>6} {:<25} {failed:>3} failed, the slowest took {:.0} ms",
            writer.label(),
            report::number(*done),
            writer.product(),
            slowest.as_secs_f64() * 1000.0
        ));
        for (said, times) in words {
            self.line(&format!("            {times} × {said}"));
        }
    }

    /// What the plan said it loses.
    pub fn lost(&self, before: &Picture, after: &Picture) {
        let lost = report::number(before.faxes.saturating_sub(after.faxes));
        self.line(&format!(
            "   {lost} fax numbers are lost, as DATA_LOSS announced: the column is back, empty"
        ));
    }

    /// The end.
    pub fn proven(&self, plan: &PlanFile, rows: &Picture, acknowledged: u64, took: Duration) {
        let rows = report::number(rows.rows());
        let writes = report::number(acknowledged);
        let sign = self.paint.green("✔");
        output::result(&format!(
            "{sign} Plan {} applied: the catalog is what schema/ says.",
            plan.digest.short()
        ));
        output::result(&format!(
            "{sign} Rolled back: the catalog is yesterday's, {rows} rows are what they were,"
        ));
        output::result(&format!("  and all {writes} writes that were acknowledged meanwhile are there."));
        output::result(&format!(
            "Both the applied plan and its rollback are proven; {:.1} s.",
            took.as_secs_f64()
        ));
    }
}

/// Tells the steps of a run.
pub struct Steps<'a> {
    story: &'a Story,
}

impl Progress for Steps<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Done(batch) => {
                for item in batch.items.iter().filter(|item| !item.action.sql.is_empty()) {
                    let done = self.story.paint.green("✔");
                    self.story.line(&format!("   {done} {:>2} {}", item.step, item.summary));
                }
            }
            Event::Retrying { item, tries, .. } => {
                self.story.line(&format!("   … step {}: no lock at try {tries}, again soon", item.step));
            }
            Event::Phase { .. }
            | Event::Batch(_)
            | Event::Filled { .. }
            | Event::HeldUp { .. }
            | Event::Hook(_)
            | Event::Warnings(_)
            | Event::Glass(_)
            | Event::Costs(_)
            | Event::OldNames(_)
            | Event::Comparing => {}
        }
    }
}

/// Lines of at most so many characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
