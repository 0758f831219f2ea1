//! Hazards: coded risks of a step, derived from facts, each with the safer way.

use serde::{Deserialize, Serialize};

/// How much a hazard asks of the reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    Notice,
    /// Worth thinking about.
    Warning,
    /// Must be accepted by its code in an approval.
    Danger,
}

/// A risk of one step of one plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    /// The code that an approval accepts: `DATA_LOSS`.
    pub code: String,
    /// How much it asks of the reviewer.
    pub level: Level,
    /// What happens here, to which object.
    pub message: String,
    /// The safer way, or what to do about it.
    pub advice: String,
}
