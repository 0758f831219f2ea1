//! Like steps as one: what a plan does to three thousand partitions is read once, with the list of the others behind it.
//!
//! Steps are alike if they differ in nothing but the names of what they are about: of one phase, with the same statements
//! there and back, the same hazards and the same locks. What is a danger, or drops more than an index or a constraint, is
//! never folded.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::seen;
use crate::{
    facts::number,
    hazard::{Hazard, Level},
    name::Kind,
    plan::{Plan, PlannedStep},
    source::lex::{Lexer, Token},
    step::{Observed, Phase, Verb},
};

/// So many like steps are one.
const FEWEST: usize = 5;

/// A step, and those that are like it.
pub(super) struct Fold<'p> {
    pub first: &'p PlannedStep,
    pub others: Vec<&'p PlannedStep>,
}

/// The steps of a phase in their order, each with those that are like it, which come later.
pub(super) fn folded(plan: &Plan, phase: Phase) -> Vec<Fold<'_>> {
    let steps: Vec<&PlannedStep> = plan.steps.iter().filter(|step| step.phase == phase).collect();
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        if let Some(form) = form(step) {
            alike.entry(form).or_default().push(at);
        }
    }
    let mut folds: BTreeMap<usize, Vec<&PlannedStep>> = (0..steps.len()).map(|at| (at, Vec::new())).collect();
    for group in alike.into_values().filter(|group| group.len() >= FEWEST) {
        let others = group[1..].iter().filter_map(|at| folds.remove(at).map(|_| steps[*at])).collect();
        folds.insert(group[0], others);
    }
    folds.into_iter().map(|(at, others)| Fold { first: steps[at], others }).collect()
}

impl Fold<'_> {
    /// `4`, or `4–903`, or `4 … 903` where others are between.
    pub fn numbers(&self) -> String {
        let first = self.first.id;
        match self.others.last() {
            None => first.to_string(),
            Some(last) if usize::try_from(last.id - first) == Ok(self.others.len()) => {
                format!("{first}–{}", last.id)
            }
            Some(last) => format!("{first} … {}", last.id),
        }
    }

    /// `and 899 like it (steps 4–903): public.m_10_v_idx, …`, with as many names as fit.
    pub fn in_words(&self) -> Option<String> {
        const MOST: usize = 6;
        let last = self.others.last()?;
        let about = |step: &PlannedStep| step.object.target().unwrap_or_else(|| step.object.clone()).sql();
        let names = self.others.iter().take(MOST).map(|step| about(step));
        let more = if self.others.len() > MOST { ", …" } else { "" };
        let rows =
            self.rows().map(|rows| format!("; about {} rows in all", number(rows))).unwrap_or_default();
        Some(format!(
            "and {} like it, up to step {}: {}{more}{rows}",
            seen::number_of(self.others.len()),
            last.id,
            names.collect::<Vec<_>>().join(", ")
        ))
    }

    /// The rows that all of them go over, where that is known.
    pub fn rows(&self) -> Option<u64> {
        let all = [self.first].into_iter().chain(self.others.iter().copied());
        all.filter_map(|step| step.rows).reduce(u64::saturating_add)
    }
}

/// All of a step but for the names of what it is about; none for a step that stands by itself.
fn form(step: &PlannedStep) -> Option<String> {
    let only_helps = matches!(
        step.object.kind,
        Kind::Index
            | Kind::IndexAttachment
            | Kind::Constraint
            | Kind::Statistics
            | Kind::Comment
            | Kind::Privileges
    );
    let mut hazards = step.hazards.iter().chain(&step.undo.hazards);
    if step.action == Verb::Drop && !only_helps || hazards.any(|hazard| hazard.level == Level::Danger) {
        return None;
    }
    let seen = [&step.seen, &step.undo.seen].into_iter().flat_map(relations);
    let mut form = Form {
        own: step.object.path.parts().iter().skip(1).cloned().collect(),
        relations: seen.filter_map(|relation| own_name(relation)).collect(),
        known: BTreeMap::new(),
        text: String::new(),
    };
    let _ =
        write!(form.text, "{:?} {:?} {}", step.action, step.object.kind, step.operation.is_transactional());
    form.add(&step.summary, Numbers::Matter);
    for sql in step.sql.iter().chain(&step.undo.sql) {
        form.add(sql.as_str(), Numbers::Matter);
    }
    for hazard in step.hazards.iter().chain(&step.undo.hazards) {
        let Hazard { code, message, level, advice: _ } = hazard;
        let _ = write!(form.text, "{code} {level:?}");
        form.add(message, Numbers::Vary);
    }
    for seen in [&step.seen, &step.undo.seen] {
        for lock in &seen.locks {
            form.text.push_str(lock.mode.label());
            form.add(&lock.relation, Numbers::Matter);
        }
        for list in [&seen.rewrites, &seen.scans, &seen.builds] {
            form.text.push(';');
            for relation in list {
                form.add(relation, Numbers::Matter);
            }
        }
    }
    Some(form.text)
}

fn relations(seen: &Observed) -> impl Iterator<Item = &String> {
    let locked = seen.locks.iter().map(|lock| &lock.relation);
    locked.chain(&seen.rewrites).chain(&seen.scans).chain(&seen.builds)
}

/// `Orders` of `public."Orders"`.
fn own_name(relation: &str) -> Option<String> {
    Lexer::new(relation).last()?.name(relation)
}

/// Whether other numbers make another step of it: rows and bytes in messages do not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Matter,
    Vary,
}

/// Texts in which the names of what a step is about are numbered as they come.
struct Form {
    own: BTreeSet<String>,
    /// Relations that are locked, read or written on the way: names of theirs only behind their schema, since a plan may say of
    /// any word that it is one, and roles have none.
    relations: BTreeSet<String>,
    known: BTreeMap<String, usize>,
    text: String,
}

impl Form {
    fn add(&mut self, text: &str, numbers: Numbers) {
        let mut qualified = false;
        for lexeme in Lexer::new(text) {
            let is_own =
                |name: &String| self.own.contains(name) || qualified && self.relations.contains(name);
            let own = lexeme.name(text).filter(is_own);
            qualified = lexeme.is_symbol(text, ".");
            self.text.push(' ');
            if let Some(name) = own {
                let next = self.known.len();
                let number = *self.known.entry(name).or_insert(next);
                let _ = write!(self.text, "\0{number}");
            } else if lexeme.token == Token::Number && numbers == Numbers::Vary {
                self.text.push('0');
            } else {
                self.text.push_str(lexeme.of(text));
            }
        }
        self.text.push('\n');
    }
}
