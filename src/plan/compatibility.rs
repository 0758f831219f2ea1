//! What a plan means for code: the one that was written for the schema before it, and the one for the schema after it. At
//! each point of the plan, whether it works, by the hazards of the steps.

use serde::Serialize;

use super::{Plan, PlannedStep};
use crate::{
    hazard::{Hazard, Level, Side},
    step::Phase,
};

/// Whether code works at one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fit", content = "steps")]
pub enum Fit {
    /// All of it.
    Works,
    /// Rows that it wrote before may be refused, by these steps.
    Constrained(Vec<u32>),
    /// Some of its statements fail, because these steps have run, or have not run yet.
    Fails(Vec<u32>),
}

/// One point of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The phase that has run; none before the first.
    pub after: Option<Phase>,
    /// Code for the schema before the plan.
    pub old_code: Fit,
    /// Code for the schema after the plan.
    pub new_code: Fit,
}

/// The points of a plan, in order.
pub fn compatibility(plan: &Plan) -> Vec<Point> {
    let point = |after: Option<Phase>| {
        let has_run = |phase: Phase| after.is_some_and(|after| phase <= after);
        let broken = broken(plan, |step| has_run(step.phase));
        let constrained = steps_about(plan, Side::OldCode, Level::Notice, |step| has_run(step.phase));
        let waits = awaited(plan, |step| !has_run(step.phase));
        let old_code = match (broken.is_empty(), constrained.is_empty()) {
            (false, _) => Fit::Fails(broken),
            (true, false) => Fit::Constrained(constrained),
            (true, true) => Fit::Works,
        };
        let new_code = if waits.is_empty() { Fit::Works } else { Fit::Fails(waits) };
        Point { after, old_code, new_code }
    };
    std::iter::once(None).chain(plan.phases().into_iter().map(Some)).map(point).collect()
}

/// The steps among these after which old code fails.
pub fn broken(plan: &Plan, among: impl Fn(&PlannedStep) -> bool) -> Vec<u32> {
    steps_about(plan, Side::OldCode, Level::Danger, among)
}

/// The steps among these without which new code fails.
pub fn awaited(plan: &Plan, among: impl Fn(&PlannedStep) -> bool) -> Vec<u32> {
    steps_about(plan, Side::NewCode, Level::Notice, among)
}

/// The steps among these with a hazard for this code, of this level at least.
fn steps_about(plan: &Plan, side: Side, least: Level, among: impl Fn(&PlannedStep) -> bool) -> Vec<u32> {
    let of_side = |hazard: &Hazard| hazard.side() == Some(side) && hazard.level >= least;
    let steps = plan.steps.iter().filter(|step| among(step) && step.hazards.iter().any(of_side));
    steps.map(|step| step.id).collect()
}

/// Whether a rollback from the end has to wait between its phases: old code works once contract is undone, and not before;
/// new code may not work any more once expand is undone.
pub fn waits_on_the_way_back(points: &[Point]) -> bool {
    let at = |phase: Option<Phase>| points.iter().find(|point| point.after == phase);
    let (Some(start), Some(between), Some(end)) =
        (at(None), at(Some(Phase::Expand)), at(Some(Phase::Contract)))
    else {
        return false;
    };
    let fails = |fit: &Fit| matches!(fit, Fit::Fails(_));
    fails(&end.old_code) && !fails(&between.old_code) && fails(&start.new_code)
}
