//! What a statement is, by its parse tree: when it loads, or why it does not.

use pg_query::{
    NodeEnum,
    protobuf::{
        DropStmt, GrantStmt, Node, ObjectType, RenameStmt, RoleSpec, RoleSpecType, SelectStmt,
        TransactionStmtKind,
    },
};

use super::{
    class::{Class, Follows, Order},
    place::{Key, Names, Space, as_type, type_text},
    settings::{self, Change},
    tables, words,
};

/// What is to be done with a statement.
pub(super) enum Verdict {
    Load(Order),
    Setting(Change),
    /// Left out, with a note.
    Skip(String),
    /// Left out: files are loaded as a whole. Whether a transaction begins there.
    Transaction {
        begins: bool,
    },
    /// Not allowed: what it is and what to do.
    Refuse(String, &'static str),
}

const DATA: &str = "the desired schema says what is there, not how data gets there: \
    annotate the column with @backfill, or run this apart";
const NOT_DDL: &str = "write down the DDL that it stands for, or run it apart";
const MAINTENANCE: &str = "remove it: maintenance is no part of a schema";
const SERVER: &str = "remove it: trueup works inside one database";
const WHOLE: &str = "remove it: the files are loaded as a whole";

/// What is to be done with the statement whose tree this is.
pub(super) fn verdict(tree: &NodeEnum, text: &str, names: Names<'_>) -> Verdict {
    use NodeEnum as N;
    let refuse = |advice| Verdict::Refuse(leading_words(text), advice);
    let skip = |why: &str| Verdict::Skip(format!("{} skipped: {why}", leading_words(text)));
    let load = Verdict::Load;
    match tree {
        // roles
        N::CreateRoleStmt(role) => load(Order::new(Class::Role).about_role(role.role.clone())),
        N::AlterRoleStmt(alter) => role_change(alter.role.iter(), alter.role.as_ref()),
        N::AlterRoleSetStmt(alter) if alter.database.is_empty() => role_change([], alter.role.as_ref()),
        N::GrantRoleStmt(grant) => {
            let members: Vec<&RoleSpec> = grant.grantee_roles.iter().filter_map(as_role).collect();
            let granted = grant.granted_roles.iter().filter_map(|node| match &node.node {
                Some(N::AccessPriv(privilege)) if !is_built_in(&privilege.priv_name) => {
                    Some(privilege.priv_name.clone())
                }
                _ => None,
            });
            let mut order = Order::new(Class::Role).naming(members.iter().copied());
            order.role = members.first().and_then(|member| role_name(member));
            order.names_roles.extend(granted);
            load(order)
        }
        N::AlterRoleSetStmt(_) => skip("settings of a role in a database are not managed"),
        N::DropRoleStmt(_) => skip("trueup never drops roles"),

        // schemas, extensions and what they bring
        N::CreateSchemaStmt(schema) => {
            let role = schema.authrole.as_ref().and_then(role_name).unwrap_or_default();
            let name = if schema.schemaname.is_empty() { role } else { schema.schemaname.clone() };
            load(
                Order::new(Class::Schema)
                    .creating(Key::new(Space::Schema, vec![name]))
                    .naming(&schema.authrole),
            )
        }
        N::CreateExtensionStmt(extension) => load(
            Order::new(Class::Extension)
                .creating(Key::new(Space::Extension, vec![extension.extname.clone()])),
        ),
        N::AlterExtensionStmt(extension) => load(
            Order::new(Class::Extension)
                .touching([Key::new(Space::Extension, vec![extension.extname.clone()])]),
        ),
        N::CreateFdwStmt(wrapper) => {
            load(named(Class::Infrastructure, ObjectType::ObjectFdw, &wrapper.fdwname))
        }
        N::CreateForeignServerStmt(server) => {
            load(named(Class::Infrastructure, ObjectType::ObjectForeignServer, &server.servername))
        }
        N::CreatePlangStmt(language) => {
            load(named(Class::Infrastructure, ObjectType::ObjectLanguage, &language.plname))
        }
        N::CreateAmStmt(method) => {
            load(named(Class::Infrastructure, ObjectType::ObjectAccessMethod, &method.amname))
        }
        N::AlterFdwStmt(_) | N::AlterForeignServerStmt(_) | N::AlterUserMappingStmt(_) => {
            load(Order::new(Class::Infrastructure))
        }
        N::CreateUserMappingStmt(mapping) => load(
            Order::new(Class::Infrastructure)
                .creating(user_mapping(mapping.user.as_ref(), &mapping.servername))
                .naming(&mapping.user),
        ),

        // types
        N::CompositeTypeStmt(kind) => match &kind.typevar {
            Some(name) => {
                load(Order::new(Class::Type).creating(Key::new(Space::Type, names.relation_path(name))))
            }
            None => load(Order::new(Class::Type)),
        },
        N::CreateEnumStmt(kind) => load(Order::new(Class::Type).creating(names.type_of(&kind.type_name))),
        N::CreateRangeStmt(kind) => load(Order::new(Class::Type).creating(names.type_of(&kind.type_name))),
        N::CreateDomainStmt(kind) => load(Order::new(Class::Type).creating(names.type_of(&kind.domainname))),
        N::AlterEnumStmt(kind) => {
            load(Order::new(Class::TypeChange).touching([names.type_of(&kind.type_name)]))
        }
        N::AlterTypeStmt(kind) => {
            load(Order::new(Class::TypeChange).touching([names.type_of(&kind.type_name)]))
        }
        N::AlterDomainStmt(domain) => {
            let order = Order::new(Class::TypeChange).touching([names.type_of(&domain.type_name)]);
            load(order)
        }
        N::AlterCollationStmt(_) => load(Order::new(Class::TypeChange)),
        N::DefineStmt(define) => load(match define.kind() {
            // a base type is created twice, first as a shell: its functions stand between
            ObjectType::ObjectType => Order::new(Class::Type).touching([names.type_of(&define.defnames)]),
            ObjectType::ObjectCollation => Order::new(Class::Type)
                .creating(Key::other(ObjectType::ObjectCollation, names.path(&define.defnames))),
            ObjectType::ObjectAggregate => {
                let arguments = aggregate_arguments(&define.args);
                Order::new(Class::FunctionUser).creating(names.routine(&define.defnames, Some(arguments)))
            }
            // operators of one name may be many, and one may name another that comes later
            kind => about(Class::FunctionUser, kind, names.path(&define.defnames)),
        }),

        // functions and what is made of them
        N::CreateFunctionStmt(function) => {
            let inputs = function.parameters.iter().filter_map(|node| match &node.node {
                // o: OUT, t: a column of TABLE
                Some(N::FunctionParameter(parameter))
                    if !matches!(parameter.mode().as_str_name(), "FUNC_PARAM_OUT" | "FUNC_PARAM_TABLE") =>
                {
                    as_type(node).map(type_text)
                }
                _ => None,
            });
            let arguments = inputs.collect::<Vec<_>>().join(",");
            load(Order::new(Class::Function).creating(names.routine(&function.funcname, Some(arguments))))
        }
        N::AlterFunctionStmt(function) => load(
            Order::new(Class::Function)
                .touching(function.func.as_ref().map(|func| names.routine_with_arguments(func))),
        ),
        N::CreateCastStmt(cast) => {
            let types = [&cast.sourcetype, &cast.targettype];
            let path = types.into_iter().flatten().map(type_text).collect();
            load(about(Class::FunctionUser, ObjectType::ObjectCast, path))
        }
        N::CreateOpClassStmt(class) => {
            load(about(Class::FunctionUser, ObjectType::ObjectOpclass, names.path(&class.opclassname)))
        }
        N::CreateOpFamilyStmt(family) => {
            load(about(Class::FunctionUser, ObjectType::ObjectOpfamily, names.path(&family.opfamilyname)))
        }
        N::CreateTransformStmt(transform) => {
            let of = transform.type_name.as_ref().map(type_text);
            let path = of.into_iter().chain([transform.lang.clone()]).collect();
            load(about(Class::FunctionUser, ObjectType::ObjectTransform, path))
        }
        N::CreateConversionStmt(conversion) => load(about(
            Class::FunctionUser,
            ObjectType::ObjectConversion,
            names.path(&conversion.conversion_name),
        )),
        N::AlterOpFamilyStmt(_)
        | N::AlterOperatorStmt(_)
        | N::AlterTsdictionaryStmt(_)
        | N::AlterTsconfigurationStmt(_) => load(Order::new(Class::FunctionUser)),

        // relations
        N::CreateSeqStmt(sequence) => {
            let mut order = Order::new(Class::Sequence);
            order.creates = sequence.sequence.as_ref().map(|name| names.relation(name));
            load(order)
        }
        N::AlterSeqStmt(sequence) => load(
            Order::new(Class::SequenceChange)
                .touching(sequence.sequence.as_ref().map(|name| names.relation(name))),
        ),
        N::CreateStmt(table) => load(tables::create_table(table, names)),
        N::CreateForeignTableStmt(table) => load(
            table
                .base_stmt
                .as_ref()
                .map_or(Order::new(Class::Table), |base| tables::create_table(base, names)),
        ),
        N::CreateTableAsStmt(table) => {
            let class = match table.objtype() {
                ObjectType::ObjectMatview => Class::MaterializedView,
                _ => Class::TableCopy,
            };
            let mut order = Order::new(class);
            order.creates =
                table.into.as_ref().and_then(|into| into.rel.as_ref()).map(|name| names.relation(name));
            load(order)
        }
        N::RefreshMatViewStmt(view) => load(
            Order::new(Class::MaterializedView)
                .touching(view.relation.as_ref().map(|name| names.relation(name))),
        ),
        N::AlterTableStmt(alter) => load(tables::alter_table(alter, names)),
        N::IndexStmt(index) => {
            let mut order =
                Order::new(Class::Index).touching(index.relation.as_ref().map(|name| names.relation(name)));
            order.only = index.relation.as_ref().is_some_and(|name| !name.inh);
            if let (Some(relation), false) = (&index.relation, index.idxname.is_empty()) {
                let mut path = names.relation_path(relation);
                path[1].clone_from(&index.idxname);
                order.creates = Some(Key::new(Space::Relation, path));
            }
            load(order)
        }
        N::CreateStatsStmt(statistics) => {
            load(about(Class::Index, ObjectType::ObjectStatisticExt, names.path(&statistics.defnames)))
        }
        N::AlterStatsStmt(_) => load(Order::new(Class::IndexChange)),
        N::ViewStmt(view) => {
            let mut order = Order::new(Class::View);
            order.creates = view.view.as_ref().map(|name| names.relation(name));
            load(order)
        }
        N::RuleStmt(rule) => load(
            Order::new(Class::Rule)
                .touching(rule.relation.as_ref().map(|table| names.part(table, &rule.rulename))),
        ),
        N::CreateTrigStmt(trigger) => load(
            Order::new(Class::Trigger)
                .touching(trigger.relation.as_ref().map(|table| names.part(table, &trigger.trigname))),
        ),
        N::CreatePolicyStmt(policy) => load(
            Order::new(Class::Policy)
                .touching(policy.table.as_ref().map(|table| names.part(table, &policy.policy_name)))
                .naming(policy.roles.iter().filter_map(as_role)),
        ),
        N::AlterPolicyStmt(policy) => load(
            Order::new(Class::Policy)
                .touching(policy.table.as_ref().map(|table| names.part(table, &policy.policy_name)))
                .naming(policy.roles.iter().filter_map(as_role)),
        ),
        N::CreateEventTrigStmt(trigger) => {
            load(named(Class::EventTrigger, ObjectType::ObjectEventTrigger, &trigger.trigname))
        }
        N::AlterEventTrigStmt(trigger) => {
            load(named(Class::EventTrigger, ObjectType::ObjectEventTrigger, &trigger.trigname))
        }
        N::CreatePublicationStmt(publication) => {
            load(named(Class::Publication, ObjectType::ObjectPublication, &publication.pubname))
        }
        N::AlterPublicationStmt(publication) => {
            load(named(Class::Publication, ObjectType::ObjectPublication, &publication.pubname))
        }
        // they are about objects of any kind, which are there by then
        N::AlterExtensionContentsStmt(_) | N::AlterObjectDependsStmt(_) => {
            load(Order::new(Class::Publication))
        }
        N::CreateSubscriptionStmt(_) | N::AlterSubscriptionStmt(_) | N::DropSubscriptionStmt(_) => {
            skip("subscriptions are not managed, and creating one would connect to its publisher")
        }

        // about objects
        N::CommentStmt(comment) if is_shared(comment.objtype()) => {
            skip("it is about the server, not the schema")
        }
        N::SecLabelStmt(label) if is_shared(label.objtype()) => {
            skip("it is about the server, not the schema")
        }
        N::CommentStmt(comment) => load(
            Order::new(Class::Comment)
                .touching(comment.object.as_ref().and_then(|object| names.object(comment.objtype(), object))),
        ),
        N::SecLabelStmt(_) => load(Order::new(Class::Comment)),
        N::GrantStmt(grant) if is_shared(grant.objtype()) => skip("it is about the server, not the schema"),
        N::GrantStmt(grant) => load(privileges(grant, names)),
        N::AlterDefaultPrivilegesStmt(defaults) => {
            let mut order = Order::new(Class::DefaultPrivileges);
            if let Some(action) = &defaults.action {
                order = order
                    .touching([Key::default_privileges(action.objtype())])
                    .naming(action.grantees.iter().filter_map(as_role));
            }
            for option in &defaults.options {
                if let Some(N::DefElem(option)) = &option.node
                    && let Some(Some(N::List(list))) = option.arg.as_ref().map(|arg| arg.node.as_ref())
                {
                    order = order.naming(list.items.iter().filter_map(as_role));
                }
            }
            load(order)
        }
        N::AlterOwnerStmt(owner) if is_shared(owner.object_type()) => {
            skip("it is about the server, not the schema")
        }
        N::AlterOwnerStmt(owner) => load(Order::new(Class::Owner).naming(&owner.newowner)),
        N::RenameStmt(rename) if is_shared(rename.rename_type()) => refuse(SERVER),
        N::RenameStmt(rename) => load(renaming(rename, names)),
        N::AlterObjectSchemaStmt(moved) => {
            let relation = moved.relation.as_ref().map(|name| names.relation(name));
            let object = moved.object.as_ref().and_then(|object| names.object(moved.object_type(), object));
            load(Order::new(Class::TableChange).touching(relation.or(object)).following(Follows::All))
        }
        N::DropStmt(drop) => load(dropping(drop, names)),
        N::DropUserMappingStmt(mapping) => {
            load(dropped([user_mapping(mapping.user.as_ref(), &mapping.servername)]))
        }

        // not schema, or only part of the way to one
        N::DoStmt(block) => load(do_block(&block.args)),
        N::VariableSetStmt(set) => Verdict::Setting(settings::of_set(set, text)),
        N::ConstraintsSetStmt(_) => Verdict::Setting(Change::Nothing),
        N::TransactionStmt(transaction) => match transaction.kind() {
            TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart => {
                Verdict::Transaction { begins: true }
            }
            TransactionStmtKind::TransStmtCommit => Verdict::Transaction { begins: false },
            _ => refuse(WHOLE),
        },
        N::InsertStmt(_) => skip("trueup manages the schema, not rows"),
        N::CopyStmt(copy) if copy.is_from => skip("trueup manages the schema, not rows"),
        N::SelectStmt(select) => selecting(select, text, names),
        N::UpdateStmt(_) | N::DeleteStmt(_) | N::MergeStmt(_) | N::TruncateStmt(_) => refuse(DATA),
        N::AlterDatabaseStmt(_) | N::AlterDatabaseSetStmt(_) | N::AlterDatabaseRefreshCollStmt(_) => {
            skip("settings of the database are not managed")
        }
        N::CreatedbStmt(_)
        | N::DropdbStmt(_)
        | N::AlterSystemStmt(_)
        | N::CreateTableSpaceStmt(_)
        | N::DropTableSpaceStmt(_)
        | N::AlterTableSpaceOptionsStmt(_)
        | N::AlterTableMoveAllStmt(_)
        | N::DropOwnedStmt(_)
        | N::ReassignOwnedStmt(_) => refuse(SERVER),
        N::VacuumStmt(_) | N::ReindexStmt(_) | N::ClusterStmt(_) | N::CheckPointStmt(_) => {
            refuse(MAINTENANCE)
        }
        N::ImportForeignSchemaStmt(_) => {
            refuse("write down the CREATE FOREIGN TABLE statements that it makes")
        }
        _ => refuse(NOT_DDL),
    }
}

fn role_change<'a>(named: impl IntoIterator<Item = &'a RoleSpec>, role: Option<&RoleSpec>) -> Verdict {
    let mut order = Order::new(Class::Role).naming(named);
    order.role = role.and_then(role_name);
    Verdict::Load(order)
}

fn privileges(grant: &GrantStmt, names: Names<'_>) -> Order {
    let objects = grant.objects.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::RangeVar(relation)) => Some(names.relation(relation)),
        _ => names.object(grant.objtype(), node),
    });
    Order::new(Class::Privilege)
        .touching(objects)
        .naming(grant.grantees.iter().filter_map(as_role))
        .naming(&grant.grantor)
}

fn renaming(rename: &RenameStmt, names: Names<'_>) -> Order {
    let relation = rename.relation.as_ref().map(|name| match rename.rename_type() {
        ObjectType::ObjectAttribute => Key::new(Space::Type, names.relation_path(name)),
        _ => names.relation(name),
    });
    let object = rename.object.as_ref().and_then(|object| names.object(rename.rename_type(), object));
    let class = match rename.rename_type() {
        ObjectType::ObjectTable | ObjectType::ObjectColumn | ObjectType::ObjectSequence => Class::TableChange,
        ObjectType::ObjectSchema => Class::Schema,
        ObjectType::ObjectType | ObjectType::ObjectAttribute | ObjectType::ObjectDomain => Class::TypeChange,
        ObjectType::ObjectFunction | ObjectType::ObjectProcedure | ObjectType::ObjectRoutine => {
            Class::Function
        }
        ObjectType::ObjectTabconstraint => Class::Constraint,
        ObjectType::ObjectIndex => Class::IndexChange,
        ObjectType::ObjectView => Class::View,
        ObjectType::ObjectMatview => Class::MaterializedView,
        _ => Class::Publication,
    };
    Order::new(class).touching(relation.or(object)).following(Follows::All)
}

fn dropping(drop: &DropStmt, names: Names<'_>) -> Order {
    let kind = drop.remove_type();
    dropped(drop.objects.iter().filter_map(|object| names.object(kind, object)))
}

fn dropped(objects: impl IntoIterator<Item = Key>) -> Order {
    Order::new(Class::Role).touching(objects).following(Follows::Dropped)
}

/// About an object that is in no schema.
fn named(class: Class, kind: ObjectType, name: &str) -> Order {
    about(class, kind, vec![name.to_owned()])
}

fn about(class: Class, kind: ObjectType, path: Vec<String>) -> Order {
    Order::new(class).touching([Key::other(kind, path)])
}

fn user_mapping(user: Option<&RoleSpec>, server: &str) -> Key {
    let user = user.map(|role| format!("{:?} {}", role.roletype(), role.rolename));
    Key::other(ObjectType::ObjectUserMapping, user.into_iter().chain([server.to_owned()]).collect())
}

/// The arguments of an aggregate, as those of other routines are told apart.
fn aggregate_arguments(parts: &[Node]) -> String {
    let list = parts.first().and_then(|node| node.node.as_ref());
    let Some(NodeEnum::List(list)) = list else { return String::new() };
    list.items.iter().filter_map(as_type).map(type_text).collect::<Vec<_>>().join(",")
}

fn do_block(arguments: &[Node]) -> Order {
    let code = arguments.iter().find_map(|node| match &node.node {
        Some(NodeEnum::DefElem(element)) if element.defname == "as" => {
            match element.arg.as_ref().and_then(|arg| arg.node.as_ref()) {
                Some(NodeEnum::String(code)) => Some(code.sval.as_str()),
                _ => None,
            }
        }
        _ => None,
    });
    let mut order = match code.and_then(words::class_within) {
        Some(class) => Order::new(class),
        None => Order::new(Class::Schema).following(Follows::All),
    };
    order.names_roles = code.map(words::roles_within).unwrap_or_default();
    order
}

/// `SELECT set_config(…)` and `SELECT setval(…)`, which dumps have, and `SELECT … INTO`.
fn selecting(select: &SelectStmt, text: &str, names: Names<'_>) -> Verdict {
    let mut leftmost = select;
    while let Some(left) = &leftmost.larg {
        leftmost = left;
    }
    if let Some(into) = &leftmost.into_clause {
        let mut order = Order::new(Class::TableCopy);
        order.creates = into.rel.as_ref().map(|name| names.relation(name));
        return Verdict::Load(order);
    }
    let call = match select.target_list.as_slice() {
        [Node { node: Some(NodeEnum::ResTarget(target)) }] => {
            match target.val.as_ref().and_then(|val| val.node.as_ref()) {
                Some(NodeEnum::FuncCall(call)) => Some(call),
                _ => None,
            }
        }
        _ => None,
    };
    let name = call.and_then(|call| super::place::strings(&call.funcname).pop());
    match (call, name.as_deref()) {
        (Some(_), Some("setval")) => {
            Verdict::Skip("setval skipped: trueup manages the schema, not values".to_owned())
        }
        (Some(call), Some("set_config")) => Verdict::Setting(settings::of_set_config(&call.args, text)),
        _ => Verdict::Refuse("SELECT".to_owned(), NOT_DDL),
    }
}

fn as_role(node: &Node) -> Option<&RoleSpec> {
    match &node.node {
        Some(NodeEnum::RoleSpec(role)) => Some(role),
        _ => None,
    }
}

/// The role's name, unless it is a word like `PUBLIC` or one of PostgreSQL's own.
pub(super) fn role_name(role: &RoleSpec) -> Option<String> {
    let named = role.roletype() == RoleSpecType::RolespecCstring && !is_built_in(&role.rolename);
    named.then(|| role.rolename.clone())
}

/// PostgreSQL keeps these names for its own roles.
fn is_built_in(role: &str) -> bool {
    role.starts_with("pg_")
}

/// Whether objects of the kind belong to the server rather than to a database.
fn is_shared(kind: ObjectType) -> bool {
    matches!(
        kind,
        ObjectType::ObjectDatabase
            | ObjectType::ObjectRole
            | ObjectType::ObjectTablespace
            | ObjectType::ObjectSubscription
            | ObjectType::ObjectParameterAcl
    )
}

/// The first words of a statement, as messages call it: `ALTER SYSTEM`, `UPDATE`.
pub(super) fn leading_words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    let count = match words.first().map(|word| word.to_ascii_uppercase()).as_deref() {
        Some("CREATE" | "ALTER" | "DROP" | "REASSIGN" | "IMPORT" | "COMMENT" | "GRANT") => 2,
        _ => 1,
    };
    let words: Vec<String> = words
        .iter()
        .take(count)
        .map(|word| word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_uppercase())
        .collect();
    words.join(" ")
}

/// The extension that a statement creates or updates in a version that it names.
pub(super) fn extension_version(text: &str) -> Option<(String, String)> {
    let parsed = pg_query::parse(text, 0).ok()?;
    let statement = parsed.protobuf.stmts.into_iter().next()?.stmt?.node?;
    let (name, options) = match statement {
        NodeEnum::CreateExtensionStmt(statement) => (statement.extname, statement.options),
        NodeEnum::AlterExtensionStmt(statement) => (statement.extname, statement.options),
        _ => return None,
    };
    options.into_iter().find_map(|option| match option.node? {
        NodeEnum::DefElem(option) if option.defname == "new_version" => match option.arg?.node? {
            NodeEnum::String(version) => Some((name.clone(), version.sval)),
            _ => None,
        },
        _ => None,
    })
}
