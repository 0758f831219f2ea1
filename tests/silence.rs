//! Nothing is passed over without a word: a database with an object of every class that PostgreSQL 18 has, of which every
//! row is read, goes with another one or with an extension, or is listed as unmanaged.
//!
//! How many rows there are is counted here, catalog by catalog, as the difference to an empty database: a catalog of a
//! later version that nobody thought of fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::oracle::{Database, runtime, server_of};
use trueup::source::{
    accounts::{Accounts, Count},
    live,
};

const EVERYTHING: &str = include_str!("silence/everything.sql");

/// What has no accounts of its own, and why.
const NO_OBJECTS: &[(&str, &str)] = &[
    ("pg_aggregate", "a function's"),
    ("pg_auth_members", "of the cluster"),
    ("pg_authid", "of the cluster"),
    ("pg_database", "of the cluster"),
    ("pg_db_role_setting", "of the cluster"),
    ("pg_depend", "links"),
    ("pg_description", "checked by what is listed: comments are read, or go with what is listed"),
    ("pg_enum", "a type's"),
    ("pg_foreign_table", "a table's"),
    ("pg_index", "an index's"),
    ("pg_inherits", "links"),
    ("pg_init_privs", "what extensions granted"),
    ("pg_largeobject", "data"),
    ("pg_largeobject_metadata", "data"),
    ("pg_parameter_acl", "of the cluster"),
    ("pg_partitioned_table", "a table's"),
    ("pg_range", "a type's"),
    ("pg_replication_origin", "of the cluster"),
    ("pg_seclabel", "checked by what is listed: PostgreSQL takes labels only where a provider is loaded"),
    ("pg_sequence", "a sequence's"),
    ("pg_shdepend", "links"),
    ("pg_shdescription", "of the cluster"),
    ("pg_shseclabel", "of the cluster"),
    ("pg_statistic", "data"),
    ("pg_statistic_ext_data", "data"),
    ("pg_subscription_rel", "what a subscription has come to"),
    ("pg_tablespace", "of the cluster"),
    ("pg_ts_config_map", "a configuration's"),
];

/// What trueup does not manage of it.
const UNMANAGED: &[&str] = &[
    "access method pile",
    "comment on domain constraint is_given on app.positive",
    "comment on table constraint at_the_end on app.plain",
    "language other",
    "operator app.%>>(integer,integer)",
    "privileges on language plpgsql",
    "security labels on table app.plain",
    "subscription listening",
    "transform for app.pair language other",
    "type app.base",
    "type app.dots",
    "type app.shell",
    "user mapping reader on server away",
];

/// The rows of every catalog.
async fn rows(database: &Database) -> BTreeMap<String, i64> {
    let session = database.shared().await;
    // what PostgreSQL stores large values in is no object of anybody's
    let query = "SELECT string_agg(format('SELECT %L, count(*) FROM pg_catalog.%I %s', relname, relname, CASE relname \
                   WHEN 'pg_class' THEN 'WHERE relkind <> ''t'' AND relnamespace <> 99' \
                   WHEN 'pg_attribute' THEN 'WHERE attnum > 0 AND NOT attisdropped AND attrelid IN (SELECT oid FROM pg_class WHERE relkind IN (''r'', ''p'', ''f''))' \
                   WHEN 'pg_subscription' THEN 'WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())' END), ' UNION ALL ') \
                 FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'";
    let query: String = session.client().query_one(query, &[]).await.unwrap().get(0);
    let rows = session.client().query(&query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn accounts(database: &Database) -> Accounts {
    let session = database.session().await;
    let accounts = live::rows(&session).await.unwrap().accounts;
    session.close().await;
    accounts
}

async fn unmanaged(database: &Database) -> Vec<String> {
    let session = database.session().await;
    let catalog = live::read(&session).await.unwrap();
    session.close().await;
    catalog.unmanaged.into_keys().collect()
}

/// Drops it, which PostgreSQL does not do as long as it has a subscription.
async fn done(database: Database) {
    database.execute("DROP SUBSCRIPTION IF EXISTS listening").await;
    database.done().await;
}

/// The database, and a label that no provider had to be there for.
async fn everything() -> Database {
    let database = Database::with_on(server_of(Some(18)), EVERYTHING).await.unwrap();
    let label = "INSERT INTO pg_seclabel VALUES ('app.plain'::regclass, 'pg_class'::regclass, 0, 'nobody', 'unclassified')";
    database.execute(label).await;
    database
}

#[test]
fn every_row_of_every_class_is_accounted_for() {
    runtime().block_on(async {
        let (database, empty) = (everything().await, Database::empty_on(server_of(Some(18))).await);
        let (before, after) = (rows(&empty).await, rows(&database).await);
        let (nothing, mut accounts) = (accounts(&empty).await, accounts(&database).await);
        let mut wrong = Vec::new();
        for (class, count) in &after {
            let made = count - before[class];
            let Count { read, parts, listed } = accounts.remove(class).unwrap_or_default();
            let first = nothing.get(class).map_or(0, |first| first.read + first.parts + first.listed);
            let accounted = i64::try_from(read + parts + listed - first).unwrap();
            match NO_OBJECTS.iter().find(|(name, _)| name == class) {
                Some(_) if accounted == 0 => {}
                Some((_, reason)) => wrong.push(format!("{class} has accounts and is said to be {reason}")),
                None if made == 0 => wrong.push(format!("everything.sql has nothing of {class}")),
                None if made != accounted => {
                    wrong.push(format!(
                        "{made} rows of {class}: {read} read, {parts} with others, {listed} listed"
                    ));
                }
                None => {}
            }
        }
        assert!(accounts.is_empty(), "{accounts:?}");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(unmanaged(&database).await, UNMANAGED);
        for database in [database, empty] {
            done(database).await;
        }
    });
}

#[test]
fn what_is_not_managed_is_said_and_secrets_are_not() {
    runtime().block_on(async {
        let database = everything().await;
        // one schema is managed and as desired; all others are counted
        database.execute("CREATE SCHEMA quiet").await;
        database.write("desired.sql", "CREATE SCHEMA quiet;");
        let planned =
            database.trueup(&["plan", "--schema", "desired.sql", "--format", "json"]).await.ended(0).unwrap();
        let session = database.session().await;
        let all = live::read(&session).await.unwrap().objects.len();
        session.close().await;
        let json: serde_json::Value = serde_json::from_str(&planned.stdout).unwrap();
        assert_eq!(json["ignored"], all - 1, "{}", planned.shown());
        let said = [
            planned,
            database.trueup(&["plan", "--schema", "desired.sql"]).await,
            database.trueup(&["dump"]).await,
        ];
        for ran in &said {
            let text = ran.shown();
            assert!(!text.contains("secret-of"), "{text}");
            let missing: Vec<_> = UNMANAGED.iter().filter(|name| !text.contains(**name)).collect();
            assert!(missing.is_empty(), "{missing:?} not in\n{text}");
        }
        done(database).await;
    });
}

#[test]
fn what_nobody_thought_of_is_listed() {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(18)), "CREATE SCHEMA app").await.unwrap();
        assert_eq!(unmanaged(&database).await, [""; 0]);
        // a class that accounts.sql does not know, as of a later version
        let unheard = "INSERT INTO pg_depend SELECT 'pg_statistic'::regclass, 54321, 0, 'pg_namespace'::regclass, 'app'::regnamespace, 0, 'n'";
        database.execute(unheard).await;
        // one that no kind reads: a member of a family of the system's
        let member = "ALTER OPERATOR FAMILY integer_ops USING hash ADD FUNCTION 1 (numeric, numeric) hash_numeric(numeric)";
        database.execute(member).await;
        // what a kind's query leaves out
        database.execute("CREATE TYPE app.shell").await;
        let found = [
            "function 1 (pg_catalog.numeric, pg_catalog.numeric) of pg_catalog.integer_ops USING hash",
            "row 54321 of pg_statistic",
            "type app.shell",
        ];
        let unmanaged = unmanaged(&database).await;
        assert!(unmanaged.len() == 3 && unmanaged[1..] == found[1..], "{unmanaged:?}");
        assert!(unmanaged[0].contains("integer_ops"), "{unmanaged:?}");
        database.done().await;
    });
}
