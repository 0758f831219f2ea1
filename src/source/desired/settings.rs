//! Settings.

/// Settings in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {}
