//! The names of what statements create and change, as far as the syntax tells.

use pg_query::{
    NodeEnum,
    protobuf::{Node, ObjectType, ObjectWithArgs, RangeVar, TypeName},
};

/// The name of something in one of PostgreSQL's name spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub space: Space,
    pub path: Vec<String>,
}

/// The name spaces in which objects are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Space {
    Schema,
    Extension,
    Type,
    /// Functions, procedures and aggregates: schema, name and, where known, arguments.
    Routine,
    /// Tables, views, indexes and sequences.
    Relation,
    /// What lives in a relation: constraints, triggers, policies, rules.
    Part,
    /// All the rest.
    Other,
}

impl Key {
    pub fn new(space: Space, path: Vec<String>) -> Self {
        Self { space, path }
    }

    /// Something of a kind that has a name space of its own.
    pub fn other(kind: ObjectType, path: Vec<String>) -> Self {
        Self::new(Space::Other, [vec![format!("{kind:?}")], path].concat())
    }

    /// Default privileges on objects of a kind.
    pub fn default_privileges(on: ObjectType) -> Self {
        Self::other(ObjectType::ObjectDefacl, vec![format!("{on:?}")])
    }

    /// The name by which it, or the relation that it is part of, is told; none where that does not tell.
    pub fn own_name(&self) -> Option<&str> {
        match (self.space, self.path.as_slice()) {
            (Space::Relation | Space::Part | Space::Routine | Space::Type, [_, name, ..])
            | (Space::Schema | Space::Extension, [name, ..]) => Some(name),
            _ => None,
        }
    }

    /// The relation that it is or is part of.
    pub fn of_relation(&self) -> Option<Self> {
        matches!(self.space, Space::Relation | Space::Part)
            .then(|| Self::new(Space::Relation, self.path.iter().take(2).cloned().collect()))
    }

    /// The routine whatever its arguments.
    pub fn any_overload(&self) -> Option<Self> {
        (self.space == Space::Routine && self.path.len() == 3)
            .then(|| Self::new(Space::Routine, self.path[..2].to_vec()))
    }
}

/// Gives names without a schema the one in which `CREATE` would put them.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The first schema of the search path in force.
    pub schema: &'a str,
}

impl Names<'_> {
    /// Schema and name of a relation.
    pub fn relation_path(self, relation: &RangeVar) -> Vec<String> {
        let schema = match (relation.schemaname.as_str(), relation.relpersistence.as_str()) {
            ("", "t") => "pg_temp",
            ("", _) => self.schema,
            (given, _) => given,
        };
        vec![schema.to_owned(), relation.relname.clone()]
    }

    pub fn relation(self, relation: &RangeVar) -> Key {
        Key::new(Space::Relation, self.relation_path(relation))
    }

    /// What has a name of its own within a relation.
    pub fn part(self, relation: &RangeVar, name: &str) -> Key {
        let mut path = self.relation_path(relation);
        path.push(name.to_owned());
        Key::new(Space::Part, path)
    }

    /// Schema and name out of a list of name parts.
    pub fn path(self, names: &[Node]) -> Vec<String> {
        let mut parts = strings(names);
        if parts.len() == 1 {
            parts.insert(0, self.schema.to_owned());
        }
        parts.split_off(parts.len().saturating_sub(2))
    }

    pub fn type_of(self, names: &[Node]) -> Key {
        Key::new(Space::Type, self.path(names))
    }

    pub fn routine(self, names: &[Node], arguments: Option<String>) -> Key {
        let mut path = self.path(names);
        path.extend(arguments);
        Key::new(Space::Routine, path)
    }

    /// A routine by name and arguments, as `ALTER`, `DROP` and `COMMENT` name it.
    pub fn routine_with_arguments(self, routine: &ObjectWithArgs) -> Key {
        let arguments = (!routine.args_unspecified).then(|| {
            routine
                .objargs
                .iter()
                .map(|argument| as_type(argument).map_or_else(String::new, type_text))
                .collect()
        });
        self.routine(&routine.objname, arguments.map(|all: Vec<String>| all.join(",")))
    }

    /// What a statement that is about objects of `kind` names by `object`.
    pub fn object(self, kind: ObjectType, object: &Node) -> Option<Key> {
        let other = |path| Key::other(kind, path);
        Some(match (kind, object.node.as_ref()?) {
            (
                ObjectType::ObjectFunction
                | ObjectType::ObjectProcedure
                | ObjectType::ObjectRoutine
                | ObjectType::ObjectAggregate,
                NodeEnum::ObjectWithArgs(routine),
            ) => self.routine_with_arguments(routine),
            (_, NodeEnum::ObjectWithArgs(object)) => other(self.path(&object.objname)),
            (ObjectType::ObjectType | ObjectType::ObjectDomain, NodeEnum::TypeName(name)) => {
                self.type_of(&name.names)
            }
            (ObjectType::ObjectType | ObjectType::ObjectDomain, NodeEnum::List(list)) => {
                self.type_of(&list.items)
            }
            (ObjectType::ObjectSchema, NodeEnum::String(name)) => {
                Key::new(Space::Schema, vec![name.sval.clone()])
            }
            (ObjectType::ObjectExtension, NodeEnum::String(name)) => {
                Key::new(Space::Extension, vec![name.sval.clone()])
            }
            (_, NodeEnum::String(name)) => other(vec![name.sval.clone()]),
            (
                ObjectType::ObjectTable
                | ObjectType::ObjectView
                | ObjectType::ObjectMatview
                | ObjectType::ObjectIndex
                | ObjectType::ObjectSequence
                | ObjectType::ObjectForeignTable,
                NodeEnum::List(list),
            ) => Key::new(Space::Relation, self.path(&list.items)),
            (
                ObjectType::ObjectColumn
                | ObjectType::ObjectTrigger
                | ObjectType::ObjectPolicy
                | ObjectType::ObjectRule
                | ObjectType::ObjectTabconstraint,
                NodeEnum::List(list),
            ) => {
                let mut parts = strings(&list.items);
                let name = parts.pop()?;
                let mut path = parts.split_off(parts.len().saturating_sub(2));
                if path.len() == 1 {
                    path.insert(0, self.schema.to_owned());
                }
                path.push(name);
                Key::new(Space::Part, path)
            }
            // CAST (a AS b), TRANSFORM FOR a LANGUAGE b
            (ObjectType::ObjectCast | ObjectType::ObjectTransform, NodeEnum::List(list)) => {
                let types = list.items.iter().filter_map(as_type).map(type_text);
                other(types.chain(strings(&list.items)).collect())
            }
            // the access method stands before the name
            (ObjectType::ObjectOpclass | ObjectType::ObjectOpfamily, NodeEnum::List(list)) => {
                other(self.path(list.items.get(1..)?))
            }
            (_, NodeEnum::List(list)) => other(self.path(&list.items)),
            _ => return None,
        })
    }
}

/// The strings in a list.
pub(super) fn strings(nodes: &[Node]) -> Vec<String> {
    nodes
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::String(text)) => Some(text.sval.clone()),
            _ => None,
        })
        .collect()
}

/// A node that is a type's name.
pub(super) fn as_type(node: &Node) -> Option<&TypeName> {
    match &node.node {
        Some(NodeEnum::TypeName(name)) => Some(name),
        Some(NodeEnum::FunctionParameter(parameter)) => parameter.arg_type.as_ref(),
        _ => None,
    }
}

/// A type's name without schema and modifiers: enough to tell overloads apart.
pub(super) fn type_text(name: &TypeName) -> String {
    let mut text = strings(&name.names).pop().unwrap_or_default();
    text.push_str(&"[]".repeat(name.array_bounds.len()));
    text
}
