//! What a plan shows by itself of its risks: a plan that leaves that out was not made by this program.
//!
//! Whatever needs catalogs is computed again by `verify --rehearse` and `verify --reproduce`.

use std::collections::BTreeMap;

use super::{Plan, PlannedStep, statement};
use crate::{
    hazard::{self, Offline},
    lower,
    step::{LockMode, Phase, Verb},
};

/// What is wrong with the hazards and phases of a plan: at which step, and what, as words that follow its number.
pub(super) fn flaw(plan: &Plan) -> Option<(usize, String)> {
    let there = plan.steps.iter().map(|step| (step.batch, step.operation.is_transactional(), &step.seen));
    let back = plan.steps.iter().rev();
    let back = back.map(|step| (step.batch, step.operation.is_transactional(), &step.undo.seen));
    let there = hazard::held_locks(there);
    let back = hazard::held_locks(back);
    let held = there.iter().zip(back.iter().rev());
    plan.steps.iter().zip(held).enumerate().find_map(|(at, (step, (there, back)))| {
        let back = || Some(format!("on the way back {}", of_direction(step, true, back)?));
        let problem = of_phase(step).or_else(|| of_direction(step, false, there)).or_else(back)?;
        Some((at, problem))
    })
}

fn of_direction(step: &PlannedStep, undo: bool, held: &BTreeMap<String, LockMode>) -> Option<String> {
    let (seen, hazards) =
        if undo { (&step.undo.seen, &step.undo.hazards) } else { (&step.seen, &step.hazards) };
    let loses = statement::loses(step, undo);
    hazard::flaw(&Offline { step: &step.to_step(), undo, seen, held, loses }, hazards)
}

/// What old code may miss goes in contract.
fn of_phase(step: &PlannedStep) -> Option<String> {
    let early = step.action == Verb::Drop
        && step.phase == Phase::Expand
        && !lower::may_go_in_expand(step.object.kind)
        && !step.sql.is_empty();
    early.then(|| format!("{} goes in contract, and not in expand", step.object))
}
