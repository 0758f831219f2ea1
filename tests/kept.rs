//! What desired SQL came to is kept: planning again for it loads nothing, and starts no server if there is nothing to do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, path::PathBuf};

use trueup::{
    catalog::scope::Manage,
    planning::{self, Inputs, Planned, PlanningError},
    postgres::{DatabaseSettings, OnDemand, Scratch, ScratchOptions, Session},
    source::{
        desired::{self, SourceFile},
        kept::Kept,
    },
    sql::Sql,
};

const SCHEMA: &str = "\
    CREATE TABLE parent (id int PRIMARY KEY, state varchar(10) CHECK (state IN ('a', 'b')));
    CREATE TABLE child (note text DEFAULT 'x') INHERITS (parent);
    CREATE VIEW states AS SELECT state, NULL AS empty FROM parent;
    GRANT SELECT ON parent TO clerk;
    COMMENT ON TABLE parent IS 'the first';";

async fn plan(
    live: &Session,
    sql: &str,
    options: &ScratchOptions,
    kept: &Kept,
) -> Result<Planned, PlanningError> {
    let file = SourceFile::from_bytes("schema.sql", sql.as_bytes().to_vec()).unwrap();
    let desired = desired::parse(&[file]).unwrap_or_else(|errors| panic!("{errors}"));
    let scratch = OnDemand::later(options, &|_| ());
    let inputs = Inputs {
        live,
        scratch: &scratch,
        kept: Some(kept),
        from: None,
        desired: &desired,
        other: None,
        open: Vec::new(),
        manage: Manage::All,
        ignore: Vec::new(),
        owners: false,
        shaping: trueup::config::Shaping::default(),
        secrets: trueup::secret::Secrets::NONE,
        assume_drop: BTreeSet::new(),
        name: "kept".to_owned(),
        author: None,
        created: "2026-11-21T06:04:53Z".parse().unwrap(),
        progress: &|_| (),
    };
    let planned = Box::pin(planning::plan(&inputs)).await;
    scratch.close().await.unwrap();
    planned
}

fn nothing(planned: Result<Planned, PlanningError>) -> bool {
    match planned {
        Ok(Planned::Nothing(_)) => true,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn planning_again_starts_no_server() {
    let options = ScratchOptions::from_env(&|name| std::env::var_os(name));
    let server = Scratch::open(&options, &|_| ()).await.unwrap();
    // two clusters from one template have one identifier, as if they were the same: the other one has a template of its
    // own, where the server's user gets to it when this is run by root
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let options =
        ScratchOptions { cache_dir: folder.path().to_owned(), ..options.with_major(server.major()) };
    let none = ScratchOptions { run_dir: PathBuf::from("/nowhere"), ..options.clone() };
    let database = server.create_database(&DatabaseSettings::default()).await.unwrap();
    let live = database.session();
    server.admin().client().batch_execute("CREATE ROLE clerk").await.unwrap();
    live.client().batch_execute(SCHEMA).await.unwrap();
    let kept = Kept::within(folder.path());

    assert!(plan(live, SCHEMA, &none, &kept).await.is_err());
    assert!(nothing(plan(live, SCHEMA, &options, &kept).await));
    assert!(nothing(plan(live, SCHEMA, &none, &kept).await));
    // comments are no difference, everything else is
    assert!(nothing(plan(live, &format!("-- again\n{SCHEMA}"), &none, &kept).await));
    let more = format!("{SCHEMA} CREATE INDEX by_state ON parent (state);");
    assert!(plan(live, &more, &none, &kept).await.is_err());

    // another database with the same settings: there is something to do, with what was kept
    let other = server.create_database(&DatabaseSettings::default()).await.unwrap();
    let planned = plan(other.session(), SCHEMA, &options, &kept).await;
    let Ok(Planned::Plan(plan)) = planned else { panic!("{planned:?}") };
    let sql: Vec<&str> = plan.steps.iter().flat_map(|step| &step.sql).map(Sql::as_str).collect();
    assert!(sql.iter().any(|sql| sql.contains("INHERITS") && !sql.contains("state")), "{sql:#?}");
    assert!(sql.iter().any(|sql| sql.starts_with("GRANT SELECT")), "{sql:#?}");
    assert_eq!(std::fs::read_dir(folder.path().join("catalogs")).unwrap().count(), 1);
    server.close().await.unwrap();
}

#[tokio::test]
async fn on_a_shadow_server_it_is_kept_until_the_server_is_set_up_anew() {
    let options = ScratchOptions::from_env(&|name| std::env::var_os(name));
    let server = Scratch::open(&options, &|_| ()).await.unwrap();
    let admin = |sql: &'static str| async { server.admin().client().batch_execute(sql).await.unwrap() };
    admin("CREATE ROLE clerk; CREATE ROLE builder LOGIN CREATEDB").await;
    let database = server.create_database(&DatabaseSettings::default()).await.unwrap();
    let live = database.session();
    live.client().batch_execute(SCHEMA).await.unwrap();
    let shadow = Some(server.target().with_user("builder", None));
    let options = ScratchOptions { shadow, ..options };
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::within(folder.path());

    // oids are handed out one after the other: how many were, says whether anything was made
    let next = async || {
        let row = server.admin().client().query_one("SELECT lo_create(0)", &[]).await.unwrap();
        row.get::<_, u32>(0)
    };

    let mut before = next().await;
    let mut loads = async || {
        assert!(nothing(plan(live, SCHEMA, &options, &kept).await));
        let now = next().await;
        now - std::mem::replace(&mut before, now) > 10
    };
    assert!(loads().await);
    assert!(!loads().await);
    admin(
        "ALTER ROLE builder SET default_toast_compression = 'pglz'; ALTER ROLE builder SET work_mem = '5MB'",
    )
    .await;
    assert!(loads().await);
    admin("ALTER ROLE builder RESET ALL; CREATE ROLE somebody").await;
    assert!(loads().await);
    assert!(!loads().await);
    admin("DROP ROLE somebody").await;
    assert!(!loads().await);
    assert_eq!(std::fs::read_dir(folder.path().join("catalogs")).unwrap().count(), 3);
    server.close().await.unwrap();
}
