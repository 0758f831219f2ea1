//! Creating an object with all that belongs into its statement, and with the privileges that it must have.

use std::collections::BTreeSet;

use super::{Lowering, alter_table, counter::StandIn, materialized_view, unproven, with_relation};
use crate::{
    catalog::{Catalog, rank},
    diff::How,
    graph::{self, Unit},
    kind::{
        Alter, Column, Constraint, DefaultPrivileges, Definition, Object, TableDdl, acl::Grants, privileges,
    },
    name::{Kind, ObjectId, Pair},
    sql::Sql,
};

impl Lowering<'_> {
    /// The statements of a unit that creates: a table with its columns, a column with its default, anything else.
    pub(super) fn creation_of(&self, unit: &Unit) -> Vec<Sql> {
        let after = self.catalogs.after;
        let Some(root) = after.objects.get(&unit.root) else { return Vec::new() };
        let parts = Parts::of(self.catalogs, unit, self.changes);
        let mut sql = match root {
            Object::Table(table) => {
                let mut table = table.clone();
                table.options.add_all(parts.toast.iter().cloned());
                let mut sql = table.create_with(&unit.root, &parts.elements());
                let clauses = parts.settings();
                // said of it alone: a file may have what inherits before this, and a dump is such a file
                let settings =
                    TableDdl { table: unit.root.sql(), clauses, only: true, ..TableDdl::default() };
                sql.extend(settings.into_statement());
                let again = parts.again.iter();
                sql.extend(again.flat_map(|(id, constraint)| constraint.create(id).into_statements()));
                sql
            }
            Object::Domain(domain) => {
                let default = parts.defaults.first().map(|(_, expression)| expression.as_str());
                vec![domain.create_with(&unit.root, default, &parts.checks)]
            }
            Object::Column(column) if column.identity.is_some() && self.is_over_others(&unit.root) => {
                self.add_identity_over_others(&unit.root, column)
            }
            Object::Column(column) => {
                let default = parts.defaults.first().map(|(_, expression)| expression.as_str());
                self.add_column(&unit.root, column, default)
            }
            Object::MaterializedView(view) if self.context.rowless => {
                let mut sql = view.create(&unit.root).into_statements();
                materialized_view::without_rows(&mut sql);
                sql
            }
            Object::Privileges(wanted) => {
                let target = unit.root.target().filter(|target| !self.prebuilt_views.contains(target));
                let given = target.and_then(|target| self.given_by_default(&target));
                let given =
                    given.map_or_else(|| wanted.default.clone(), |given| given.on_top_of(&wanted.default));
                privileges::statements(&unit.root, &given, &wanted.grants)
            }
            other => other.create(&unit.root).into_statements(),
        };
        let copies = unproven::proven_copies(unit, after);
        sql.extend(copies.flat_map(|copy| unproven::validate(copy, &copy.sql())));
        let identities = unit.members.iter().filter(|id| id.kind == Kind::IdentitySequence);
        for id in identities.chain([&unit.root]) {
            sql.extend(self.take_back(id));
        }
        sql.extend(self.count_on(&unit.root));
        sql
    }

    /// ADD COLUMN, with what of it is the table's alone: storage and statistics are not handed down.
    pub(super) fn add_column(&self, id: &ObjectId, column: &Column, default: Option<&str>) -> Vec<Sql> {
        let mut clauses = vec![format!("ADD COLUMN {}", column.element(id, default))];
        clauses.extend(column.late_refusal(id));
        let mut own = column.settings(id);
        if !self.has_inheritors(id) && !self.has_partitions(id) {
            clauses.append(&mut own);
        }
        alter_table(id, clauses).into_iter().chain(alter_only(id, own)).collect()
    }

    /// "cannot recursively add identity column to table that has child tables": those, and partitions before 17, get the
    /// column and no identity, so it is said of the table alone. Where there may be rows, a sequence counts them first.
    fn add_identity_over_others(&self, id: &ObjectId, column: &Column) -> Vec<Sql> {
        let plain = Column { identity: None, ..column.clone() };
        if let Some(identity) = column.identity.as_ref().filter(|_| !self.context.alone) {
            let counter = StandIn::new(id, identity);
            let mut sql = counter.create();
            sql.extend(self.add_column(id, &plain, Some(&counter.default())));
            sql.extend(counter.hand_over());
            return sql;
        }
        let mut sql = self.add_column(id, &plain, None);
        if let Alter::InPlace(ddl, _) = Column::alter(Pair::new(&plain, column), id) {
            sql.extend(ddl.into_statements());
        }
        sql
    }

    /// Whether PostgreSQL adds no identity column to its table at once.
    fn is_over_others(&self, column: &ObjectId) -> bool {
        self.has_inheritors(column) || self.context.major < 17 && self.has_partitions(column)
    }

    /// Whether tables inherit from the one that has the column, other than as its partitions.
    fn has_inheritors(&self, column: &ObjectId) -> bool {
        let inherits = |(_, object): (&ObjectId, &Object)| matches!(object, Object::Table(table) if table.inherits.iter().any(|parent| parent[..] == column.path.parts()[..2]));
        self.state.objects(Kind::Table).any(inherits)
    }

    /// Whether it is a column of a partitioned table that has partitions.
    fn has_partitions(&self, column: &ObjectId) -> bool {
        let of_it = |(_, object): (&ObjectId, &Object)| matches!(object, Object::Attachment(attachment) if attachment.parent[..] == column.path.parts()[..2]);
        self.state.objects(Kind::Attachment).any(of_it)
    }

    /// What the object must not have, but default privileges give to it when it is created.
    pub(super) fn take_back(&self, id: &ObjectId) -> Vec<Sql> {
        if self.prebuilt_views.contains(id) || self.given_by_default(id).is_none() {
            return Vec::new();
        }
        if self.catalogs.after.objects.contains_key(&ObjectId::about(Kind::Privileges, id)) {
            return Vec::new();
        }
        self.revoke_given(id, id)
    }

    /// What default privileges give to a new object like this one, revoked from that one.
    pub(super) fn revoke_given(&self, like: &ObjectId, from: &ObjectId) -> Vec<Sql> {
        let Some(given) = self.default_privileges_of(like) else { return Vec::new() };
        let built_in = given.everywhere.map(|privileges| privileges.default.clone()).unwrap_or_default();
        let about = ObjectId::about(Kind::Privileges, from);
        privileges::statements(&about, &given.on_top_of(&built_in), &built_in)
    }

    /// What the applying role's default privileges say about a new object, if anything.
    fn given_by_default(&self, id: &ObjectId) -> Option<Given<'_>> {
        let created = self.changes.get(id).is_some_and(|change| {
            change.how == How::Rebuild || graph::acts(change).contains(&graph::Act::Create)
        });
        if created { self.default_privileges_of(id) } else { None }
    }

    /// What default privileges give to a new object of this kind in its schema, if anything.
    fn default_privileges_of(&self, id: &ObjectId) -> Option<Given<'_>> {
        let objects = match id.kind {
            Kind::Table | Kind::View | Kind::MaterializedView => "TABLES",
            Kind::Sequence | Kind::IdentitySequence => "SEQUENCES",
            Kind::Function | Kind::Aggregate => "FUNCTIONS",
            Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range => "TYPES",
            Kind::Schema => "SCHEMAS",
            _ => return None,
        };
        let find = |schema: &str| {
            let id = ObjectId::new(Kind::DefaultPrivileges, [schema, &self.context.role, objects]);
            match self.catalogs.before.objects.get(&id) {
                Some(Object::DefaultPrivileges(privileges)) => Some(privileges),
                _ => None,
            }
        };
        let given = Given { everywhere: find(""), here: id.schema().and_then(find) };
        (given.everywhere.is_some() || given.here.is_some()).then_some(given)
    }

    /// What a created unit is, for the reader.
    pub(super) fn created(&self, unit: &Unit) -> String {
        let parts = Parts::of(self.catalogs, unit, self.changes);
        let count = |n: usize, what: &str| match n {
            0 => None,
            1 => Some(format!("1 {what}")),
            n => Some(format!("{n} {what}s")),
        };
        let counts: Vec<String> = if unit.root.kind == Kind::Table {
            [count(parts.columns.len(), "column"), count(parts.constraints.len(), "constraint")]
                .into_iter()
                .flatten()
                .collect()
        } else {
            Vec::new()
        };
        let tail = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
        match unit.root.kind {
            Kind::Comment => unit.root.to_string(),
            Kind::Privileges => format!("grant {}", unit.root),
            Kind::Owner => format!("give {}", unit.root),
            Kind::Column | Kind::Constraint => format!("add {}", with_relation(&unit.root)),
            _ => format!("create {}{tail}", with_relation(&unit.root)),
        }
    }
}

/// Whether INHERITS brings the column with a default that it does not have.
fn brings_default(catalogs: Pair<&Catalog>, id: &ObjectId, column: &Column) -> bool {
    let default = ObjectId { kind: Kind::Default, path: id.path.clone() };
    let mut parents = column.lineage.in_parents(&default);
    let has = |catalog: &Catalog, id: &ObjectId| catalog.objects.contains_key(id);
    !has(catalogs.after, &default)
        && parents.any(|parent| has(catalogs.before, &parent) || has(catalogs.after, &parent))
}

/// ALTER TABLE of the relation that it is part of, and not of those that inherit.
fn alter_only(id: &ObjectId, clauses: Vec<String>) -> Option<Sql> {
    TableDdl { table: id.relation_sql(), clauses, only: true, ..TableDdl::default() }.into_statement()
}

/// Default privileges that hold for a new object.
struct Given<'a> {
    everywhere: Option<&'a DefaultPrivileges>,
    here: Option<&'a DefaultPrivileges>,
}

impl Given<'_> {
    /// The privileges that the object has. Those that hold everywhere take the place of what is built in.
    fn on_top_of(&self, built_in: &Grants) -> Grants {
        let mut given =
            self.everywhere.map_or_else(|| built_in.clone(), |privileges| privileges.grants.clone());
        given.add_all(self.here.map(|privileges| privileges.grants.to_vec()).unwrap_or_default());
        given
    }
}

/// What is folded into a table's or column's statement.
struct Parts<'a> {
    columns: Vec<(&'a ObjectId, &'a Column)>,
    defaults: Vec<(&'a ObjectId, String)>,
    constraints: Vec<(&'a ObjectId, &'a Constraint)>,
    /// Keys over what one of these is over already: of two such in one statement PostgreSQL makes one.
    again: Vec<(&'a ObjectId, &'a Constraint)>,
    /// Of a domain.
    checks: Vec<String>,
    /// Parameters of the TOAST table.
    toast: Vec<String>,
    /// What is to be said of columns that INHERITS brings, and that are not as it makes them.
    own: Vec<String>,
    /// Whether the columns come from a composite type.
    typed: bool,
}

impl<'a> Parts<'a> {
    fn of(catalogs: Pair<&'a Catalog>, unit: &'a Unit, changes: &crate::diff::Changes) -> Self {
        let catalog = catalogs.after;
        let typed =
            matches!(catalog.objects.get(&unit.root), Some(Object::Table(table)) if table.of_type.is_some());
        let mut parts = Self {
            columns: Vec::new(),
            defaults: Vec::new(),
            constraints: Vec::new(),
            again: Vec::new(),
            checks: Vec::new(),
            toast: Vec::new(),
            own: Vec::new(),
            typed,
        };
        for id in &unit.members {
            let implied =
                changes.get(id).is_some_and(|change| matches!(change.how, crate::diff::How::Implied(..)));
            match catalog.objects.get(id) {
                Some(Object::Column(column)) if implied => {
                    if brings_default(catalogs, id, column) {
                        parts.own.push(format!("ALTER COLUMN {} DROP DEFAULT", id.sql()));
                    }
                    let parent = column.lineage.in_parent(id).and_then(|parent| catalog.objects.get(&parent));
                    let Some(Object::Column(parent)) = parent else { continue };
                    let clauses = column.beyond(parent).into_iter();
                    parts.own.extend(clauses.map(|clause| format!("ALTER COLUMN {} {clause}", id.sql())));
                }
                _ if implied => {}
                Some(Object::Column(column)) => parts.columns.push((id, column)),
                Some(Object::Default(default)) => parts.defaults.push((id, default.expression.clone())),
                Some(Object::DomainDefault(default)) => {
                    parts.defaults.push((id, default.expression.clone()));
                }
                Some(Object::Constraint(constraint)) => parts.constraints.push((id, constraint)),
                Some(Object::DomainConstraint(check)) => parts.checks.push(check.element(id)),
                Some(Object::ToastOptions(toast)) => parts.toast.extend(toast.options.iter().cloned()),
                _ => {}
            }
        }
        parts.columns.sort_by_key(|(id, column)| (column.lineage.position, (*id).clone()));
        let keys = || parts.constraints.iter().filter_map(|(_, constraint)| constraint.body());
        // the table may be attached next: PostgreSQL pairs like keys in the order of their creation
        let alike = keys().enumerate().any(|(at, body)| keys().skip(at + 1).any(|other| body == other));
        let own = |key: &Constraint| (alike && key.has_index()).then_some((false, key.lineage.position));
        parts.constraints.sort_by_cached_key(|(id, constraint)| {
            (!constraint.has_index(), rank(catalogs, id).or_else(|| own(constraint)), constraint.contype, *id)
        });
        let mut known = BTreeSet::new();
        let once = |(_, constraint): &(&ObjectId, &'a Constraint)| {
            let body = constraint.body().filter(|_| constraint.facts.exclusion.is_none());
            body.is_none_or(|body| {
                known.insert((body.using.clone(), body.nulls_not_distinct, &constraint.facts.suffix))
            })
        };
        (parts.constraints, parts.again) = parts.constraints.into_iter().partition(once);
        parts
    }

    fn elements(&self) -> Vec<String> {
        let default = |id: &ObjectId| {
            let mut all = self.defaults.iter();
            all.find(|(column, _)| column.path == id.path).map(|(_, expression)| expression.as_str())
        };
        let columns = self.columns.iter().filter_map(|(id, column)| {
            if !self.typed {
                return Some(column.element(id, default(id)));
            }
            let options = column.options_of_typed(id, default(id));
            (!options.is_empty()).then(|| format!("{} WITH OPTIONS{options}", id.sql()))
        });
        columns.chain(self.constraints.iter().map(|(id, constraint)| constraint.element(id))).collect()
    }

    fn settings(&self) -> Vec<String> {
        let columns = self
            .columns
            .iter()
            .flat_map(|(id, column)| column.settings(id).into_iter().chain(column.late_refusal(id)));
        let own = |path| self.columns.iter().any(|(id, _)| id.path == path);
        let defaults = self.defaults.iter().filter(|(id, _)| !own(id.path.clone()));
        let defaults =
            defaults.map(|(id, expression)| format!("ALTER COLUMN {} SET DEFAULT {expression}", id.sql()));
        let columns = columns.chain(self.own.iter().cloned()).chain(defaults);
        columns.chain(self.constraints.iter().flat_map(|(id, constraint)| constraint.settings(id))).collect()
    }
}
