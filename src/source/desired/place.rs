//! Keys.

/// The name of something in one of PostgreSQL's name spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub Space, pub Vec<String>);

/// The name spaces in which objects are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Space {
    Relation,
}
