//! The order in which statements load: one written list.

/// What a statement is for, in the order of loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Roles and memberships: only where the role is missing.
    Role,
    /// Schemas.
    Schema,
    /// Default privileges that stand before everything they could apply to.
    EarlyDefaultPrivileges,
    /// Extensions.
    Extension,
    /// Languages, foreign data wrappers, servers, access methods.
    Infrastructure,
    /// Types and collations.
    Type,
    /// Changes of types.
    TypeChange,
    /// Sequences.
    Sequence,
    /// Functions and procedures.
    Function,
    /// Aggregates, operators, casts and text search: what is made of functions.
    FunctionUser,
    /// Tables.
    Table,
    /// Columns added or changed, partitions attached, options.
    TableChange,
    /// Tables made from other tables or from queries.
    TableCopy,
    /// Owners of sequences.
    SequenceChange,
    /// Defaults of columns.
    Default,
    /// Primary keys, unique, check and exclusion constraints.
    Constraint,
    /// Indexes and extended statistics.
    Index,
    /// Indexes attached to their parents, chosen for replica identity or clustering.
    IndexChange,
    /// Foreign keys.
    ForeignKey,
    /// Views.
    View,
    /// Materialized views.
    MaterializedView,
    /// Rules.
    Rule,
    /// Triggers, and their switching on and off.
    Trigger,
    /// Row level security policies.
    Policy,
    /// Publications and subscriptions.
    Publication,
    /// Owners.
    Owner,
    /// Comments and security labels.
    Comment,
    /// Privileges.
    Privilege,
    /// Default privileges for what comes later.
    DefaultPrivileges,
    /// Event triggers: last, as they would fire for what follows.
    EventTrigger,
}
