//! Tables, partitioned ones too: what is said of the table as a whole. Columns, constraints, indexes and the
//! attachment to a partitioned table are objects of their own.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Options, OptionsOf, TableDdl, Touch, fdw_changes, fdw_options, option_changes, with_options};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Whether it is not written to the WAL.
    pub unlogged: bool,
    /// `RANGE (created_at)`: what it is partitioned by.
    pub partition_by: Option<String>,
    /// The tables it inherits from, in order; not those it is a partition of.
    pub inherits: Vec<Vec<String>>,
    /// The composite type of a typed table.
    pub of_type: Option<String>,
    /// Whether row security is on.
    pub row_security: bool,
    /// Whether it holds for the owner too.
    pub force_row_security: bool,
    /// `default`, `full` or `nothing`; `index` is said of the index.
    pub replica_identity: String,
    /// The access method where it is not heap.
    pub access_method: Option<String>,
    /// The tablespace where it is not the database's.
    pub tablespace: Option<String>,
    /// Storage parameters.
    pub options: Options,
    /// For a foreign table, where it is.
    pub foreign: Option<Foreign>,
}

/// Where the rows of a foreign table are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    /// The server's name.
    pub server: String,
    /// Its options there.
    pub options: Options,
}

impl Table {
    /// CREATE TABLE with what stands between its parentheses, and what can only be said afterwards.
    pub fn create_with(&self, id: &ObjectId, elements: &[String]) -> Vec<Sql> {
        let Self { unlogged, partition_by, inherits, of_type, access_method, tablespace, options, foreign, .. } = self;
        let sort = match (foreign, unlogged) {
            (Some(_), _) => "FOREIGN ",
            (None, true) => "UNLOGGED ",
            (None, false) => "",
        };
        let mut text = format!("CREATE {sort}TABLE {}", id.sql());
        if let Some(of_type) = of_type {
            text += &format!(" OF {of_type}");
        }
        match (elements, of_type) {
            ([], Some(_)) => {}
            ([], None) => text += " ()",
            _ => text += &format!(" (\n    {}\n)", elements.join(",\n    ")),
        }
        if !inherits.is_empty() {
            let parents: Vec<String> = inherits.iter().map(|parent| sql::qualified(parent)).collect();
            text += &format!("\nINHERITS ({})", parents.join(", "));
        }
        if let Some(key) = partition_by {
            text += &format!("\nPARTITION BY {key}");
        }
        if let Some(method) = access_method {
            text += &format!("\nUSING {}", sql::ident(method));
        }
        if let Some(Foreign { server, options }) = foreign {
            text += &format!("\nSERVER {}{}", sql::ident(server), fdw_options(options));
        }
        text += &with_options(options);
        if let Some(tablespace) = tablespace {
            text += &format!("\nTABLESPACE {}", sql::ident(tablespace));
        }
        let mut statements = vec![Sql::new(text)];
        statements.extend(TableDdl { table: id.sql(), clauses: self.switches(None), ..TableDdl::default() }.into_statement());
        statements
    }

    /// Row security and replica identity, where they differ from `before` or, without it, from a new table's.
    fn switches(&self, before: Option<&Self>) -> Vec<String> {
        let mut clauses = Vec::new();
        let mut say = |differs: bool, text: &str| clauses.extend(differs.then(|| text.to_owned()));
        let enable = if self.row_security { "ENABLE" } else { "DISABLE" };
        let guarded = before.is_some_and(|t| t.row_security);
        say(self.row_security != guarded, &format!("{enable} ROW LEVEL SECURITY"));
        let force = if self.force_row_security { "FORCE" } else { "NO FORCE" };
        let forced = before.is_some_and(|t| t.force_row_security);
        say(self.force_row_security != forced, &format!("{force} ROW LEVEL SECURITY"));
        let identity = before.map_or("default", |t| t.replica_identity.as_str());
        if self.replica_identity != identity && self.replica_identity != "index" {
            say(true, &format!("REPLICA IDENTITY {}", self.replica_identity.to_uppercase()));
        }
        clauses
    }
}

impl Definition for Table {
    const QUERY: &'static str = include_str!("table.sql");
    const ROWS: &'static str = "pg_class WHERE relkind IN ('r', 'p', 'f') AND oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        Ddl::Statements(self.create_with(id, &[]))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        let sort = if self.foreign.is_some() { "FOREIGN " } else { "" };
        Ddl::statement(format!("DROP {sort}TABLE {}", id.sql()))
    }

    /// Never a replace: its rows are not in the catalog.
    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Pair { before, after } = pair;
        let Self {
            unlogged,
            partition_by,
            inherits,
            of_type,
            row_security: _,
            force_row_security: _,
            replica_identity: _,
            access_method,
            tablespace,
            options,
            foreign: _,
        } = after;
        let server = |table: &Self| table.foreign.as_ref().map(|foreign| foreign.server.clone());
        // its rows are elsewhere
        if server(after) != server(before) && after.foreign.is_some() && before.foreign.is_some() {
            return Alter::Replace;
        }
        if server(after) != server(before) {
            return Alter::Refused(
                "PostgreSQL cannot change where the rows of a table are (here, or on which foreign server): create a new \
                 table under another name"
                    .to_owned(),
            );
        }
        if *partition_by != before.partition_by {
            let say = |key: &Option<String>| key.clone().map_or("no partitioning".to_owned(), |key| format!("PARTITION BY {key}"));
            return Alter::Refused(format!(
                "PostgreSQL cannot change how a table is partitioned ({} becomes {}): create a new table and move the rows",
                say(&before.partition_by),
                say(partition_by)
            ));
        }
        let mut clauses = Vec::new();
        if *unlogged != before.unlogged {
            clauses.push(if *unlogged { "SET UNLOGGED" } else { "SET LOGGED" }.to_owned());
        }
        for parent in before.inherits.iter().filter(|parent| !inherits.contains(parent)) {
            clauses.push(format!("NO INHERIT {}", sql::qualified(parent)));
        }
        for parent in inherits.iter().filter(|parent| !before.inherits.contains(parent)) {
            clauses.push(format!("INHERIT {}", sql::qualified(parent)));
        }
        match of_type {
            _ if *of_type == before.of_type => {}
            Some(of_type) => clauses.push(format!("OF {of_type}")),
            None => clauses.push("NOT OF".to_owned()),
        }
        if *access_method != before.access_method {
            clauses.push(format!("SET ACCESS METHOD {}", access_method.as_deref().map_or("heap".to_owned(), sql::ident)));
        }
        if *tablespace != before.tablespace {
            clauses.push(format!("SET TABLESPACE {}", tablespace.as_deref().map_or("pg_default".to_owned(), sql::ident)));
        }
        clauses.extend(after.switches(Some(before)));
        clauses.extend(option_changes(Pair::new(&before.options, options)));
        if clauses.is_empty() && after.replica_identity != before.replica_identity {
            // an index took the identity, or lost it with its end: nothing is left to say
            return Alter::InPlace(Ddl::Statements(Vec::new()), None);
        }
        let table = TableDdl { table: id.sql(), clauses, ..TableDdl::default() };
        let options = |table: &Self| table.foreign.as_ref().map(|foreign| foreign.options.clone()).unwrap_or_default();
        let foreign = fdw_changes(Pair::new(&options(before), &options(after)));
        if foreign.is_empty() {
            return Alter::InPlace(Ddl::Table(table), None);
        }
        let foreign = Sql::new(format!("ALTER FOREIGN TABLE {}{foreign}", id.sql()));
        Alter::InPlace(Ddl::Statements(table.into_statement().into_iter().chain([foreign]).collect()), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER TABLE {} RENAME TO {name}", ids.before.sql())))
    }

    fn survives(&self, touch: Touch) -> bool {
        touch <= Touch::Rebuild
    }

    fn visit_options(&mut self, visit: &mut dyn FnMut(OptionsOf, &mut Options)) {
        visit(OptionsOf::Relation, &mut self.options);
    }
}
