//! The items of the list, and what looking at one finds.

use super::{
    super::{ApplyError, Refusal},
    Check,
};
use crate::journal::Direction;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Whether what is said on the way can be read on the way.
    Connection,
    /// A primary of the major version that the plan was rehearsed on.
    Server,
    /// Whether the phase is next; what an interrupted step has done is found out before.
    Phase,
    /// Whether the plan would be the same, had it been made for this environment.
    Environment,
    /// Whether it was applied where it comes first.
    Promotion,
    /// Whether trueup.toml is what is pinned, and the connection what policy asks for.
    Policy,
    /// Whether policy lets this role apply.
    Role,
    /// Whether those approve who must.
    Approvals,
    /// Whether the role may change what the plan changes.
    Privileges,
    /// Whether there are the roles that the plan names.
    Roles,
    /// Whether the role may keep the journal.
    Journal,
    /// Whether the database is what the plan was made for.
    Staleness,
    /// Whether the plans that are not at their end could still go on.
    OpenPlans,
    /// Whether tables are as big as the plan assumes.
    Sizes,
    /// Whether policies hide rows from who has to see them.
    RowSecurity,
    /// Whether rows are in the way.
    Data,
    /// Whether code still writes by names that go.
    Gate,
    /// What goes that nobody gets back.
    Losses,
    /// Whether code of the database finds what it names.
    Names,
    /// Whether the secrets are given.
    Secrets,
    /// Other sessions, replication, connections, the disk.
    Surroundings,
    /// Whether there is a backup.
    Backup,
}

impl Item {
    /// All of them, in the order in which they are looked at.
    const ALL: [Self; 22] = [
        Self::Connection,
        Self::Server,
        Self::Phase,
        Self::Environment,
        Self::Promotion,
        Self::Policy,
        Self::Role,
        Self::Approvals,
        Self::Privileges,
        Self::Roles,
        Self::Journal,
        Self::Staleness,
        Self::OpenPlans,
        Self::Sizes,
        Self::RowSecurity,
        Self::Data,
        Self::Gate,
        Self::Losses,
        Self::Names,
        Self::Secrets,
        Self::Surroundings,
        Self::Backup,
    ];

    /// Those of one direction.
    pub(super) fn of(direction: Direction) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |item| match item {
            Self::Environment | Self::Promotion | Self::Sizes | Self::Gate | Self::Backup => {
                direction == Direction::Apply
            }
            Self::Losses => direction == Direction::Rollback,
            _ => true,
        })
    }

    /// What is about the plan, its approvals and the catalog: what `verify` asks for.
    pub fn of_the_plan(direction: Direction) -> impl Iterator<Item = Self> {
        let of_the_plan = [Self::Environment, Self::Policy, Self::Approvals, Self::Staleness, Self::Sizes];
        Self::of(direction).filter(move |item| of_the_plan.contains(item))
    }

    /// Whether nothing behind it can be told, if it fails.
    pub(super) fn ends_all(self) -> bool {
        matches!(self, Self::Server | Self::Phase)
    }

    /// Whether its warnings are about how things are set up, and not about this moment: an apply does not repeat them.
    pub(super) fn is_setup(self) -> bool {
        matches!(self, Self::Connection | Self::Role)
    }
}

/// What one check came to.
#[derive(Debug)]
pub struct Finding {
    /// For people and programs.
    pub check: Check,
    /// Why the plan may not run.
    pub refusal: Option<Refusal>,
}

impl From<Check> for Finding {
    fn from(check: Check) -> Self {
        Self { check, refusal: None }
    }
}

impl Finding {
    pub(super) fn pass(name: &'static str, what: impl Into<String>) -> Self {
        Check::pass(name, what).into()
    }

    pub(super) fn of(name: &'static str, result: Result<String, Refusal>) -> Self {
        Self { check: Check::of(name, &result), refusal: result.err() }
    }

    /// A refusal is what a check found; anything else is no answer.
    pub(super) fn asked(name: &'static str, result: Result<String, ApplyError>) -> Result<Self, ApplyError> {
        match result {
            Ok(what) => Ok(Self::pass(name, what)),
            Err(ApplyError::Refused(refusal)) => Ok(Self::of(name, Err(*refusal))),
            Err(error) => Err(error),
        }
    }
}
