//! The order in which statements load: one written list, and what a statement says of others.

use pg_query::protobuf::RoleSpec;

use super::{classify::role_name, place::Key};

/// What a statement is for, in the order of loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Roles and memberships: only where the role is missing.
    Role,
    /// Default privileges on schemas that stand before all schemas of their file.
    SchemaDefaultPrivileges,
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

/// When a statement loads and in which order to which others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub class: Class,
    /// What it creates.
    pub creates: Option<Key>,
    /// What it changes or is part of.
    pub touches: Vec<Key>,
    /// What it refers to and cannot be without.
    pub needs: Vec<Key>,
    /// What has to stand before it stays before it.
    pub follows: Follows,
    /// The partition that it makes, or attaches, and of what.
    pub partition: Option<[Key; 2]>,
    /// It is said of the table alone, and not of its partitions.
    pub only: bool,
    /// The tables that it copies, with all that belongs to them.
    pub copies: Vec<Key>,
    /// The role that it is about.
    pub role: Option<String>,
    /// The roles that it names.
    pub names_roles: Vec<String>,
}

/// Of a statement that undoes, renames or attaches: which of those that stand before it in its file load before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Follows {
    Nothing,
    /// Those about the same thing.
    Same,
    /// All of them: they may refer to it without that their first words say so.
    All,
    /// All of them, and what stands behind it loads behind it: a file that takes a part of what it made away is a script
    /// from there on. As `Same` where the file made nothing of what it names.
    Taken,
    /// The same of what it drops. Left out where the file made nothing of what it names.
    Dropped,
}

impl Order {
    pub fn new(class: Class) -> Self {
        Self {
            class,
            creates: None,
            touches: Vec::new(),
            needs: Vec::new(),
            follows: Follows::Nothing,
            partition: None,
            only: false,
            copies: Vec::new(),
            role: None,
            names_roles: Vec::new(),
        }
    }

    pub fn creating(mut self, key: Key) -> Self {
        self.creates = Some(key);
        self
    }

    pub fn touching(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.touches.extend(keys);
        self
    }

    pub fn following(mut self, follows: Follows) -> Self {
        self.follows = follows;
        self
    }

    pub fn naming<'a>(mut self, roles: impl IntoIterator<Item = &'a RoleSpec>) -> Self {
        self.names_roles.extend(roles.into_iter().filter_map(role_name));
        self
    }

    pub fn about_role(mut self, role: String) -> Self {
        self.role = Some(role);
        self
    }
}
