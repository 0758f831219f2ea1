//! A plan on a terminal.

use anstyle::{AnsiColor, Style};

use super::{fold::folded, seen};
use crate::{
    approval::dangers,
    hazard::{Hazard, Level},
    plan::{
        Digest, Plan, PlannedStep,
        compatibility::{compatibility, waits_on_the_way_back},
        staleness::Difference,
    },
    sql::Sql,
    step::Verb,
    visible::{visible, visible_line},
};

/// Writes in colours, or does not.
#[derive(Debug, Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    fn style(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// What matters.
    pub fn bold(self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }

    /// What can be passed over.
    pub fn dim(self, text: &str) -> String {
        self.style(Style::new().dimmed(), text)
    }

    /// What is good, or comes.
    pub fn green(self, text: &str) -> String {
        self.style(AnsiColor::Green.on_default(), text)
    }

    /// What is bad, or goes.
    pub fn red(self, text: &str) -> String {
        self.style(AnsiColor::Red.on_default().bold(), text)
    }

    /// What asks for attention, or changes.
    pub fn yellow(self, text: &str) -> String {
        self.style(AnsiColor::Yellow.on_default(), text)
    }

    fn level(self, level: Level, text: &str) -> String {
        match level {
            Level::Danger => self.red(text),
            Level::Warning => self.yellow(text),
            Level::Notice => text.to_owned(),
        }
    }
}

/// The whole plan.
pub fn plan(plan: &Plan, digest: &Digest, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("{}  {}", paint.bold(&visible_line(&plan.name)), paint.dim(digest.short())));
    let steps = if plan.steps.is_empty() { String::new() } else { format!("; {}", seen::steps(plan)) };
    line(format!("  {}{steps}", seen::changes(plan)));
    line(format!(
        "  for {}, PostgreSQL {}, as role {}",
        visible_line(&plan.target),
        seen::version(plan.server_version),
        visible_line(&plan.role)
    ));
    if plan.from.is_some() {
        line(format!("  {}: {}", paint.yellow("from SQL"), seen::FROM_SQL));
    }
    if let Some(made_for) = &plan.made_for {
        line(format!("  made for {}", visible_line(&made_for.in_words())));
    }
    line(format!("  rehearsed: {}", visible_line(&plan.rehearsal.proven.join(", "))));
    for missing in &plan.rehearsal.not_rehearsed {
        line(format!("  {}: {}", paint.yellow("not rehearsed"), visible_line(missing)));
    }
    let points = compatibility(plan);
    let cells: Vec<[String; 3]> =
        points.iter().map(|at| [seen::point(at), seen::fit(&at.old_code), seen::fit(&at.new_code)]).collect();
    let width = cells.iter().map(|[_, old, _]| old.len()).max().unwrap_or(0).max("old code".len());
    if !plan.steps.is_empty() {
        line(paint.dim(&format!("  {:<16}{:<width$}  new code", "", "old code")));
        for [at, old, new] in cells {
            line(format!("  {at:<16}{old:<width$}  {new}"));
        }
    }
    if !plan.steps.is_empty() {
        line(format!("  {}", seen::verdict(&points)));
    }
    if waits_on_the_way_back(&points) {
        line(format!("  {}", seen::WAY_BACK));
    }
    for phase in plan.phases() {
        line(String::new());
        line(paint.bold(phase.label()));
        let mut batch = None;
        for fold in folded(plan, phase) {
            let planned = fold.first;
            if batch != Some(planned.batch) {
                batch = Some(planned.batch);
                let how = if planned.operation.is_transactional() { "" } else { ", outside any transaction" };
                line(paint.dim(&format!("  batch {}{how}", planned.batch)));
            }
            for text in step(planned, paint) {
                line(text);
            }
            if let Some(others) = fold.in_words() {
                line(format!("        {}", visible_line(&others)));
            }
        }
        let codes: Vec<String> = dangers(plan, phase).into_keys().collect();
        if !codes.is_empty() {
            line(format!("  {} {}", paint.red("to accept:"), visible_line(&codes.join(", "))));
        }
    }
    if !plan.notes.is_empty() || !plan.unmanaged.is_empty() {
        line(String::new());
    }
    for note in &plan.notes {
        line(format!("note: {}", visible_line(note)));
    }
    if !plan.unmanaged.is_empty() {
        line(format!("not managed, left alone: {}", visible_line(&plan.unmanaged.join(", "))));
    }
    out
}

fn step(step: &PlannedStep, paint: Paint) -> Vec<String> {
    let sign = match step.action {
        Verb::Create => paint.green("+"),
        Verb::Alter | Verb::Rename | Verb::Validate | Verb::Fill => paint.yellow("~"),
        Verb::Replace => paint.yellow("±"),
        Verb::Drop => paint.red("-"),
    };
    let mut lines = vec![format!("  {:>3} {sign} {}", step.id, paint.bold(&visible_line(&step.summary)))];
    lines.extend(sql(&step.sql));
    lines.extend(
        seen::effects(&step.seen, step.rows)
            .iter()
            .map(|text| format!("        {}", paint.dim(&visible_line(text)))),
    );
    let said = step.hazards.iter().filter(|hazard| seen::is_said(hazard, step.phase));
    lines.extend(said.flat_map(|hazard| hazard_lines(hazard, paint)));
    lines
}

fn sql(sql: &[Sql]) -> impl Iterator<Item = String> {
    sql.iter().flat_map(|sql| {
        let text = format!("{};", visible(sql.as_str()));
        text.lines().map(|line| format!("        {line}")).collect::<Vec<_>>()
    })
}

fn hazard_lines(hazard: &Hazard, paint: Paint) -> [String; 2] {
    let label = format!("{} {}", hazard.level.label(), visible_line(&hazard.code));
    [
        format!("      ! {}: {}", paint.level(hazard.level, &label), visible_line(&hazard.message)),
        format!("        {}", visible_line(&hazard.advice)),
    ]
}

/// Objects that are not as a plan recorded them, each with the difference of its DDL.
pub fn differences(differences: &[Difference], colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    for found in differences {
        let object = visible_line(&found.object.to_string()).into_owned();
        line(&format!("{} {}", paint.bold(&object), found.how.label()));
        for changed in visible(&found.diff).lines() {
            let painted = match changed.as_bytes().first() {
                Some(b'+') => paint.green(changed),
                Some(b'-') => paint.red(changed),
                _ => paint.dim(changed),
            };
            line(&format!("  {painted}"));
        }
    }
    out
}
