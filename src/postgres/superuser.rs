//! What PostgreSQL lets only superusers do, on a server of our own, where everything is done by a role that is none.
//!
//! SQL that others wrote is loaded, built and rehearsed there, and so runs without a superuser's rights: it starts no
//! program and reads no file. What needs one all the same (extensions, event triggers, operator classes, functions in C …)
//! is known by its syntax, and is done one statement at a time: a second session makes the role a superuser, the statement
//! runs, and the role is none again before the next one. No code of the database runs meanwhile: none of these statements
//! calls a function in another language than C, and event triggers are disabled for it.

use std::sync::Arc;

use pg_query::{
    NodeEnum as N,
    protobuf::{
        AlterTableType, ConstrType, CreateStmt, Node, ObjectType, PublicationObjSpecType, RoleSpec,
        RoleSpecType,
    },
};
use tokio_postgres::{Client, Error, error::SqlState};

use super::session::Session;
use crate::{sql, stack::with_large_stack};

/// Makes a role a superuser for one statement.
#[derive(Debug, Clone)]
pub(super) struct Superuser {
    /// A superuser's session, of another database.
    admin: Arc<Session>,
    role: String,
    /// Whether a file that the server can read is none of the machine's.
    confined: bool,
}

/// Has the session see what others have committed about roles: a lock on a schema makes it look, whatever else it holds
/// (LockDatabaseObject in lmgr.c).
const LOOK: &str = "\
SELECT pg_catalog.pg_get_object_address('schema'::pg_catalog.text, '{pg_catalog}'::pg_catalog.text[], '{}'::pg_catalog.text[])";

/// Fails where the session has a superuser's rights.
const NONE: &str = "\
SELECT 1 OPERATOR(pg_catalog./) (NOT pg_catalog.has_function_privilege( \
       'pg_catalog.pg_read_file(pg_catalog.text)'::pg_catalog.text, 'EXECUTE'::pg_catalog.text))::pg_catalog.int4";

/// Whether the server reads a statement as the parser here does, and would not create among PostgreSQL's own what has no schema.
/// (Operators and types are named in full, here and below: desired SQL sets the session's search_path.)
const READS_ALIKE: &str = "\
SELECT pg_catalog.current_setting('standard_conforming_strings'::pg_catalog.text) OPERATOR(pg_catalog.=) 'on'::pg_catalog.text \
   AND pg_catalog.current_setting('client_encoding'::pg_catalog.text) OPERATOR(pg_catalog.=) 'UTF8'::pg_catalog.text \
   AND (pg_catalog.current_schema() IS NULL \
        OR pg_catalog.current_schema()::pg_catalog.text OPERATOR(pg_catalog.<>) ALL ('{pg_catalog,information_schema}'::pg_catalog.text[]))";

/// Event triggers that would fire, and how.
const EVENT_TRIGGERS: &str = "\
SELECT evtname::pg_catalog.text, evtenabled::pg_catalog.text \
  FROM pg_catalog.pg_event_trigger WHERE evtenabled OPERATOR(pg_catalog.<>) 'D'::pg_catalog.\"char\"";

impl Superuser {
    pub(super) fn new(admin: Arc<Session>, role: &str, confined: bool) -> Self {
        Self { admin, role: role.to_owned(), confined }
    }

    /// Whether a statement is not to be sent together with others.
    pub(super) fn may_be_needed(statement: &str) -> bool {
        need(statement) != Need::Nothing
    }

    /// Runs a statement in a session of the role; as a superuser if it is one that needs that.
    pub(super) async fn execute(&self, client: &Client, statement: &str) -> Result<(), Error> {
        let lifted = match need(statement) {
            Need::Nothing => false,
            Need::Superuser => true,
            Need::ToRead if !self.confined => false,
            Need::ToRead => client.query_opt(CHECKED_BY, &[&""]).await?.is_none(),
            Need::Unless(questions) => {
                let mut lifted = true;
                for (query, name) in questions {
                    lifted &= client.query_opt(query, &[&name]).await?.is_none();
                }
                lifted
            }
        };
        if !lifted || !client.query_one(READS_ALIKE, &[]).await?.try_get::<_, bool>(0)? {
            return client.batch_execute(statement).await;
        }
        let mut enable = Vec::new();
        for row in client.query_typed(EVENT_TRIGGERS, &[]).await? {
            let (name, enabled): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let how = match enabled.as_str() {
                "A" => "ENABLE ALWAYS",
                "R" => "ENABLE REPLICA",
                _ => "ENABLE",
            };
            let alter = format!("ALTER EVENT TRIGGER {}", sql::ident(&name));
            client.batch_execute(&format!("{alter} DISABLE")).await?;
            enable.push(format!("{alter} {how}"));
        }
        let done = self.lifted(client, statement).await;
        for alter in enable {
            // what has failed in a transaction is undone with it
            let enabled = client.batch_execute(&alter).await;
            if done.is_ok() {
                enabled?;
            }
        }
        done
    }

    /// Runs one statement as a superuser. Whatever happens, the role is none afterwards, or its session is gone.
    async fn lifted(&self, client: &Client, statement: &str) -> Result<(), Error> {
        let role = sql::ident(&self.role);
        let admin = self.admin.client();
        admin.batch_execute(&format!("ALTER ROLE {role} SUPERUSER")).await?;
        let done = match client.batch_execute(LOOK).await {
            // by the extended protocol, which takes one statement
            Ok(()) => client.query_typed(statement, &[]).await.map(drop),
            Err(error) => Err(error),
        };
        let lowered = match admin.batch_execute(&format!("ALTER ROLE {role} NOSUPERUSER")).await {
            Ok(()) => client.batch_execute(&format!("{LOOK}; {NONE}")).await,
            Err(error) => Err(error),
        };
        match lowered {
            Ok(()) => done,
            // nothing runs any more in a transaction that has failed, and the next one looks by itself
            Err(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => done,
            Err(error) => {
                let _ = client
                    .batch_execute("SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())")
                    .await;
                Err(error)
            }
        }
    }
}

/// What a statement needs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    /// No superuser.
    Nothing,
    /// A superuser.
    Superuser,
    /// Who may read files; for a foreign table that is one, and not what a program says.
    ToRead,
    /// A superuser; but it is not to have one where one of these queries has a row for its name ($1).
    Unless(Vec<(&'static str, String)>),
}

/// A function of PostgreSQL's that not everybody may call: in another name anybody could.
const RESERVED: &str = "\
SELECT FROM pg_catalog.pg_proc p \
 WHERE p.prosrc OPERATOR(pg_catalog.=) $1 AND p.oid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid \
   AND NOT pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE') LIMIT 1";

/// A role that is not one of those that were made by their names alone, and may do more: a superuser, or one of PostgreSQL's.
const MAY_MORE: &str = "\
SELECT FROM pg_catalog.pg_roles r \
 WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.text \
   AND (r.rolsuper OR r.oid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid \
                      AND r.rolname OPERATOR(pg_catalog.<>) 'pg_database_owner'::pg_catalog.name) LIMIT 1";

/// Something of PostgreSQL's own that is called so: it would be meant where a name has no schema.
const OF_CATALOG: &str = "\
SELECT FROM (SELECT pronamespace, proname FROM pg_catalog.pg_proc \
             UNION ALL SELECT typnamespace, typname FROM pg_catalog.pg_type \
             UNION ALL SELECT oprnamespace, oprname FROM pg_catalog.pg_operator \
             UNION ALL SELECT opfnamespace, opfname FROM pg_catalog.pg_opfamily \
             UNION ALL SELECT opcnamespace, opcname FROM pg_catalog.pg_opclass \
             UNION ALL SELECT collnamespace, collname FROM pg_catalog.pg_collation \
             UNION ALL SELECT connamespace, conname FROM pg_catalog.pg_conversion \
             UNION ALL SELECT dictnamespace, dictname FROM pg_catalog.pg_ts_dict \
             UNION ALL SELECT cfgnamespace, cfgname FROM pg_catalog.pg_ts_config) AS o (schema, name) \
 WHERE o.name OPERATOR(pg_catalog.=) $1::pg_catalog.text \
   AND o.schema OPERATOR(pg_catalog.=) ANY (ARRAY['pg_catalog'::pg_catalog.regnamespace, \
                                                  'information_schema'::pg_catalog.regnamespace]::pg_catalog.oid[]) LIMIT 1";

/// A language whose functions are looked at by a function that is not in C.
const LOOKED_AT: &str = "\
SELECT FROM pg_catalog.pg_language l JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) l.lanvalidator \
  JOIN pg_catalog.pg_language c ON c.oid OPERATOR(pg_catalog.=) p.prolang \
 WHERE l.lanname OPERATOR(pg_catalog.=) $1::pg_catalog.text \
   AND c.lanname OPERATOR(pg_catalog.<>) ALL ('{c,internal}'::pg_catalog.text[]) LIMIT 1";

/// A function of this name that is not in C, or one that checks the options of some wrapper.
const CHECKED_BY: &str = "\
SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language c ON c.oid OPERATOR(pg_catalog.=) p.prolang \
  LEFT JOIN pg_catalog.pg_foreign_data_wrapper w ON w.fdwvalidator OPERATOR(pg_catalog.=) p.oid \
 WHERE c.lanname OPERATOR(pg_catalog.<>) ALL ('{c,internal}'::pg_catalog.text[]) \
   AND (p.proname OPERATOR(pg_catalog.=) $1::pg_catalog.text OR w.oid IS NOT NULL) LIMIT 1";

/// What everybody may create: most of all statements, which need no closer look.
const EVERYBODYS: &[&str] = &[
    "constraint",
    "domain",
    "index",
    "materialized",
    "policy",
    "rule",
    "schema",
    "sequence",
    "server",
    "statistics",
    "table",
    "trigger",
    "unique",
    "view",
];

/// What a statement needs, by its syntax. Several statements, and what the built-in parser does not take, need nothing.
fn need(statement: &str) -> Need {
    let mut words = statement.split_ascii_whitespace().map(str::to_ascii_lowercase);
    let (verb, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let looked_into = match verb.as_str() {
        "create" => !EVERYBODYS.contains(&what.as_str()),
        "alter" if what == "table" => statement.to_ascii_lowercase().contains("owner to"),
        "alter" | "comment" => true,
        "set" => statement.contains("session_replication_role"),
        _ => false,
    };
    if !looked_into {
        return Need::Nothing;
    }
    let look = || {
        let parsed = pg_query::parse(statement, 0).ok()?;
        let [only] = &parsed.protobuf.stmts[..] else { return None };
        Some(need_of(only.stmt.as_ref()?.node.as_ref()?))
    };
    with_large_stack(look).ok().flatten().unwrap_or(Need::Nothing)
}

fn need_of(statement: &N) -> Need {
    let needed = match statement {
        N::CreateExtensionStmt(_)
        | N::AlterExtensionStmt(_)
        | N::CreateEventTrigStmt(_)
        | N::CreateCastStmt(_)
        | N::CreateTransformStmt(_)
        | N::CreatePlangStmt(_)
        | N::CreateAmStmt(_) => true,
        N::CreateOpClassStmt(class) => is_of_users(&class.opclassname) && is_of_users(&class.opfamilyname),
        N::CreateOpFamilyStmt(family) => is_of_users(&family.opfamilyname),
        N::AlterOpFamilyStmt(family) => return Need::Superuser.of(&family.opfamilyname),
        N::AlterTypeStmt(kind) => return Need::Superuser.of(&kind.type_name),
        // PostgreSQL has these from the start, and they belong to its superuser
        N::CommentStmt(comment) => matches!(
            comment.objtype(),
            ObjectType::ObjectExtension
                | ObjectType::ObjectLanguage
                | ObjectType::ObjectAccessMethod
                | ObjectType::ObjectTsparser
                | ObjectType::ObjectTstemplate
        ),
        N::DefineStmt(define) => {
            let needed = match define.kind() {
                ObjectType::ObjectType | ObjectType::ObjectTsparser | ObjectType::ObjectTstemplate => true,
                // a first value would be read by its type's function, and by the checks of a domain
                ObjectType::ObjectAggregate => {
                    let said = || define.definition.iter().filter_map(option);
                    said().any(|(name, value)| {
                        ["stype", "mstype"].contains(&name) && last_name(value) == Some("internal")
                    }) && !said().any(|(name, _)| ["initcond", "minitcond", "initcond1"].contains(&name))
                }
                _ => false,
            };
            needed && is_of_users(&define.defnames)
        }
        N::AlterOwnerStmt(give) => {
            let given =
                give.object.as_deref().map_or(Need::Nothing, |object| given(give.object_type(), object));
            return given_to(give.newowner.as_ref()).and(given);
        }
        N::AlterTableStmt(table) => {
            let commands = || {
                table.cmds.iter().filter_map(|command| match &command.node {
                    Some(N::AlterTableCmd(command)) => Some(command),
                    _ => None,
                })
            };
            if commands().all(|command| {
                matches!(&command.def.as_deref(), Some(Node { node: Some(N::List(list)) })
                    if command.subtype() == AlterTableType::AtGenericOptions && is_of_a_file(&list.items))
            }) {
                return Need::ToRead;
            }
            match &table.cmds[..] {
                [_] => match commands().next() {
                    Some(only) if only.subtype() == AlterTableType::AtChangeOwner => {
                        return given_to(only.newowner.as_ref());
                    }
                    _ => false,
                },
                _ => false,
            }
        }
        N::CreateForeignTableStmt(table) if is_of_a_file(&table.options) => {
            let plain = table.base_stmt.as_ref().is_some_and(computes_nothing);
            return if plain { Need::ToRead } else { Need::Nothing };
        }
        N::CreatePublicationStmt(publication) => {
            publication.for_all_tables || are_schemas_alone(&publication.pubobjects)
        }
        N::AlterPublicationStmt(publication) => are_schemas_alone(&publication.pubobjects),
        // those that make a value of a range belong to PostgreSQL's superuser, whoever created the range
        N::RenameStmt(rename) if rename.rename_type() == ObjectType::ObjectFunction => {
            let renamed = |object| given(ObjectType::ObjectFunction, object);
            return rename.object.as_deref().map_or(Need::Nothing, renamed);
        }
        // rows are filled without triggers
        N::VariableSetStmt(set) => set.name == "session_replication_role",
        N::CreateFdwStmt(wrapper) => return checked_by(&wrapper.func_options),
        N::AlterFdwStmt(wrapper) => return checked_by(&wrapper.func_options),
        N::CreateFunctionStmt(function) => {
            // PostgreSQL computes constants in defaults and bodies, and with them the checks of domains
            let computed = function.sql_body.is_some()
                || function.parameters.iter().any(|parameter| {
                    matches!(&parameter.node, Some(N::FunctionParameter(one)) if one.defexpr.is_some())
                });
            if computed || !is_of_users(&function.funcname) {
                return Need::Nothing;
            }
            return need_of_function(&function.options);
        }
        N::AlterFunctionStmt(function) => {
            let names = function.func.as_ref().map(|function| &function.objname[..]).unwrap_or_default();
            return need_of_function(&function.actions).of(names);
        }
        _ => false,
    };
    if needed { Need::Superuser } else { Need::Nothing }
}

/// Whether something that is created is called so that it is none of PostgreSQL's own: a name without a schema is looked at when it is
/// executed.
fn is_of_users(name: &[Node]) -> bool {
    match name {
        [schema, _] => !text(schema).is_none_or(|schema| OF_POSTGRESQL.contains(&schema)),
        [] | [_] => true,
        _ => false,
    }
}

impl Need {
    /// The same, but nothing where there is nothing of either.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Superuser, need) | (need, Self::Superuser) => need,
            (Self::Unless(one), Self::Unless(other)) => Self::Unless([one, other].concat()),
            _ => Self::Nothing,
        }
    }

    /// The same for something that is there, if it is none of PostgreSQL's own.
    fn of(self, name: &[Node]) -> Self {
        match name {
            [_, _] if is_of_users(name) => self,
            [only] => {
                let name = text(only).unwrap_or_default().to_owned();
                self.and(Self::Unless(vec![(OF_CATALOG, name)]))
            }
            _ => Self::Nothing,
        }
    }
}

const OF_POSTGRESQL: &[&str] = &["pg_catalog", "information_schema"];

/// What it needs to give an object to another role, without anybody's gaining what PostgreSQL keeps to its superuser.
fn given(kind: ObjectType, object: &Node) -> Need {
    use ObjectType as O;
    let given = Need::Superuser;
    match (kind, &object.node) {
        (O::ObjectSchema, Some(N::String(name))) if !OF_POSTGRESQL.contains(&name.sval.as_str()) => given,
        (
            O::ObjectEventTrigger
            | O::ObjectFdw
            | O::ObjectForeignServer
            | O::ObjectPublication
            | O::ObjectExtension,
            _,
        ) => given,
        (_, Some(N::ObjectWithArgs(named))) => given.of(&named.objname),
        // of an operator class or family the first is its access method
        (O::ObjectOpclass | O::ObjectOpfamily, Some(N::List(list))) => {
            given.of(list.items.get(1..).unwrap_or_default())
        }
        (_, Some(N::List(list))) => given.of(&list.items),
        (_, Some(N::TypeName(name))) => given.of(&name.names),
        _ => Need::Nothing,
    }
}

/// To whom something is given.
fn given_to(role: Option<&RoleSpec>) -> Need {
    match role {
        Some(role) if role.roletype() == RoleSpecType::RolespecCstring => {
            Need::Unless(vec![(MAY_MORE, role.rolename.clone())])
        }
        _ => Need::Nothing,
    }
}

/// Whether a table has nothing that is computed when it is created.
fn computes_nothing(table: &CreateStmt) -> bool {
    let plain = |constraint: &Node| {
        matches!(&constraint.node, Some(N::Constraint(one))
            if matches!(one.contype(), ConstrType::ConstrNotnull | ConstrType::ConstrNull))
    };
    table.partbound.is_none()
        && table.inh_relations.is_empty()
        && table.constraints.is_empty()
        && table.table_elts.iter().all(|element| {
            matches!(&element.node, Some(N::ColumnDef(column))
                if column.raw_default.is_none() && column.constraints.iter().all(plain))
        })
}

/// A wrapper's options are checked by a function when it is created.
fn checked_by(options: &[Node]) -> Need {
    let mut named = options.iter().filter_map(option).filter(|(name, _)| *name == "validator");
    let name = named.find_map(|(_, value)| last_name(value)).unwrap_or_default();
    Need::Unless(vec![(CHECKED_BY, name.to_owned())])
}

fn need_of_function(options: &[Node]) -> Need {
    let mut said = false;
    let (mut language, mut code) = (None, Vec::new());
    for (name, value) in options.iter().filter_map(option) {
        match (name, value) {
            ("language", N::String(name)) => language = Some(name.sval.as_str()),
            ("as", N::List(list)) => code = list.items.iter().filter_map(text).collect(),
            ("leakproof", N::Boolean(leakproof)) => said |= leakproof.boolval,
            ("support", _) => said = true,
            ("set", N::VariableSetStmt(set)) => said |= set.name != "search_path",
            _ => {}
        }
    }
    match (language, &code[..]) {
        (Some("internal"), [symbol, ..]) => Need::Unless(vec![(RESERVED, (*symbol).to_owned())]),
        // in the server's own libraries: a path could be that of a file that was written before
        (Some("c"), [library, ..]) if library.strip_prefix("$libdir/").unwrap_or(library).contains('/') => {
            Need::Nothing
        }
        (Some("c"), _) => Need::Superuser,
        (Some("sql" | "plpgsql") | None, _) if said => Need::Superuser,
        (Some("sql" | "plpgsql") | None, _) => Need::Nothing,
        (Some(other), _) => Need::Unless(vec![(LOOKED_AT, other.to_owned())]),
    }
}

/// Whether the options of a foreign table have it read a file (file_fdw), and start no program.
fn is_of_a_file(options: &[Node]) -> bool {
    let mut file = false;
    for (name, value) in options.iter().filter_map(option) {
        match (name, value) {
            // not among the server's own, where relative paths begin
            ("filename", N::String(path)) => file = path.sval.starts_with('/') && !path.sval.contains("/.."),
            ("program", _) => return false,
            _ => {}
        }
    }
    file
}

/// Whether schemas are published, and no rows that a condition chooses.
fn are_schemas_alone(objects: &[Node]) -> bool {
    let specs = || {
        objects.iter().filter_map(|object| match &object.node {
            Some(N::PublicationObjSpec(spec)) => Some(spec),
            _ => None,
        })
    };
    specs().any(|spec| spec.pubobjtype() != PublicationObjSpecType::PublicationobjTable)
        && specs().all(|spec| spec.pubtable.as_ref().is_none_or(|table| table.where_clause.is_none()))
}

fn option(node: &Node) -> Option<(&str, &N)> {
    let Some(N::DefElem(option)) = &node.node else { return None };
    Some((&option.defname, option.arg.as_ref()?.node.as_ref()?))
}

/// The name itself of what may be qualified.
fn last_name(value: &N) -> Option<&str> {
    match value {
        N::List(list) => list.items.last().and_then(text),
        N::TypeName(name) => name.names.last().and_then(text),
        N::String(name) => Some(&name.sval),
        _ => None,
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.node {
        Some(N::String(text)) => Some(&text.sval),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_superuser_is_known_by_its_syntax() {
        for needed in [
            "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public",
            "ALTER EXTENSION citext UPDATE",
            "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
            "CREATE OPERATOR CLASS c FOR TYPE int USING btree AS STORAGE int",
            "CREATE CAST (a AS b) WITHOUT FUNCTION",
            "CREATE TYPE base (INPUT = f, OUTPUT = g)",
            "CREATE TYPE base",
            "CREATE FUNCTION f() RETURNS int LANGUAGE C AS '$libdir/x', 'f'",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1'",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET log_statement = 'all' AS 'SELECT 1'",
            "ALTER FUNCTION s.f() LEAKPROOF",
            "CREATE AGGREGATE a (int) (SFUNC = f, STYPE = internal)",
            "CREATE PUBLICATION p FOR ALL TABLES",
            "CREATE PUBLICATION p FOR TABLE t, TABLES IN SCHEMA s",
            "ALTER FUNCTION s.range(a, a) RENAME TO other",
            "COMMENT ON EXTENSION plpgsql IS 'x'",
            "SET LOCAL session_replication_role = replica",
        ] {
            assert_eq!(need(needed), Need::Superuser, "{needed}");
        }
    }

    #[test]
    fn what_runs_code_never_has_one() {
        for never in [
            "DO $$BEGIN CREATE EXTENSION citext; END$$",
            "CREATE EXTENSION citext; SELECT f()",
            "SELECT f()",
            "CREATE TABLE t AS SELECT f()",
            "ALTER TABLE t OWNER TO r, ADD CHECK (f())",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = '' AS 'SELECT 1'",
            "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/evil.so', 'f'",
            "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '$libdir/../evil.so', 'f'",
            "CREATE AGGREGATE a (int) (SFUNC = f, STYPE = d, INITCOND = '1')",
            "CREATE AGGREGATE a (int) (SFUNC = f, STYPE = d, INITCOND = '1', MSTYPE = internal)",
            "CREATE PUBLICATION p FOR TABLE t",
            "CREATE PUBLICATION p FOR TABLE t WHERE (f()), TABLES IN SCHEMA s",
            "CREATE FUNCTION f(a d[] DEFAULT '{1}') RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1'",
            "CREATE FUNCTION f(a d[] DEFAULT '{1}') RETURNS int LANGUAGE c AS 'x', 'f'",
            "CREATE FUNCTION f() RETURNS d[] LANGUAGE sql LEAKPROOF RETURN '{1}'::d[]",
            "CREATE FUNCTION pg_catalog.quote_ident(name) RETURNS text LANGUAGE sql LEAKPROOF AS 'SELECT 1'",
            "ALTER FUNCTION pg_catalog.query_to_xml(text, bool, bool, text) LEAKPROOF SECURITY DEFINER",
            "ALTER FUNCTION pg_catalog.pg_read_file(text) OWNER TO r",
            "ALTER LANGUAGE c OWNER TO r",
            "ALTER TYPE pg_catalog.int4 SET (RECEIVE = f)",
            "ALTER OPERATOR FAMILY pg_catalog.integer_ops USING btree ADD FUNCTION 1 f(int, int)",
            "CREATE FOREIGN TABLE t PARTITION OF p FOR VALUES IN (f()) SERVER s OPTIONS (filename '/dev/null')",
            "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (filename 'postmaster.pid')",
            "CREATE FOREIGN TABLE t (a d[] DEFAULT '{1}') SERVER s OPTIONS (filename '/dev/null')",
            "ALTER FUNCTION pg_catalog.f() RENAME TO g",
            "CREATE ROLE r SUPERUSER",
            "ALTER ROLE r SUPERUSER",
            "ALTER SYSTEM SET archive_command = 'x'",
            "GRANT pg_execute_server_program TO r",
            "SET role = postgres",
            "COPY t FROM PROGRAM 'x'",
            "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (program 'x')",
            "CREATE USER MAPPING FOR r SERVER s OPTIONS (password_required 'false')",
            "LOAD '/tmp/evil.so'",
        ] {
            assert_eq!(need(never), Need::Nothing, "{never}");
        }
    }

    #[test]
    fn a_foreign_table_may_be_a_file_and_no_program() {
        for statement in [
            "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (filename '/dev/null')",
            "ALTER FOREIGN TABLE t OPTIONS (SET filename '/dev/null')",
        ] {
            assert_eq!(need(statement), Need::ToRead, "{statement}");
        }
        for statement in [
            "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (filename '/dev/null', program 'x')",
            "ALTER FOREIGN TABLE t OPTIONS (SET filename '/dev/null'), ADD CHECK (f())",
            "ALTER FOREIGN TABLE t OPTIONS (ADD program 'x')",
        ] {
            assert_eq!(need(statement), Need::Nothing, "{statement}");
        }
    }

    #[test]
    fn what_calls_a_function_is_asked_for_first() {
        let asked = |statement: &str| match need(statement) {
            Need::Unless(questions) => {
                questions.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        };
        assert_eq!(
            asked("CREATE FUNCTION f(oid) RETURNS int LANGUAGE internal AS 'be_lo_export'"),
            "be_lo_export"
        );
        assert_eq!(asked("CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1'"), "plpython3u");
        assert_eq!(asked("CREATE FOREIGN DATA WRAPPER w VALIDATOR s.f"), "f");
        assert_eq!(asked("ALTER TABLE t OWNER TO r"), "r");
        assert_eq!(asked("ALTER FUNCTION pg_read_file(text) OWNER TO r"), "r pg_read_file");
        assert_eq!(asked("ALTER FUNCTION f() LEAKPROOF"), "f");
        assert_eq!(asked("ALTER FUNCTION f() RENAME TO g"), "f");
        assert_eq!(asked("ALTER OPERATOR FAMILY o USING btree ADD FUNCTION 1 f(int, int)"), "o");
        assert_eq!(
            asked("ALTER FUNCTION s.f() OWNER TO pg_execute_server_program"),
            "pg_execute_server_program"
        );
        assert_eq!(asked("ALTER SCHEMA s OWNER TO r"), "r");
        assert_eq!(asked("ALTER FOREIGN DATA WRAPPER w OPTIONS (ADD a 'b')"), "");
    }
}
