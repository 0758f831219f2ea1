//! Whether a plan is what planning again gives: byte for byte, but for what hangs on how much there is.
//!
//! Not compared: the target's name, estimates of rows and bytes, and notes on rows that are in the way. All else is, and with
//! it every statement, hazard, lock, phase and fingerprint.

use super::{Plan, format};
use crate::{hazard, plan::format::Unwritable};

/// The first lines in which a plan and what planning again gave differ: what the plan says, and what it would say.
pub fn differences(plan: &Plan, again: &Plan) -> Result<Vec<(String, String)>, Unwritable> {
    const MOST: usize = 5;
    let [plan, again] = [plan, again].map(|plan| format::to_text(&comparable(plan)));
    let (plan, again) = (plan?, again?);
    let (mut plan, mut again) = (plan.lines(), again.lines());
    let pairs = std::iter::from_fn(|| match (plan.next(), again.next()) {
        (None, None) => None,
        (one, other) => Some((one.unwrap_or_default(), other.unwrap_or_default())),
    });
    let differ = pairs.filter(|(one, other)| one != other).take(MOST);
    Ok(differ.map(|(one, other)| (one.to_owned(), other.to_owned())).collect())
}

/// The plan without what hangs on how much there is.
fn comparable(plan: &Plan) -> Plan {
    let mut plan = Plan { target: String::new(), ..plan.clone() };
    plan.notes.retain(|note| !note.starts_with(super::IN_THE_WAY));
    for assumption in &mut plan.assumptions {
        (assumption.rows, assumption.bytes) = (None, 0);
    }
    for step in &mut plan.steps {
        step.rows = None;
        for hazard in step.hazards.iter_mut().chain(&mut step.undo.hazards) {
            hazard.message = hazard::without_sizes(&hazard.message);
        }
    }
    plan
}
