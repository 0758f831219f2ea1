//! The example in schema/ and plans/, and the demo that uses it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, path::Path, process::Command};

use trueup::{
    approval,
    catalog::scope::Manage,
    plan::{Plan, PlanFile},
    planning::{self, Inputs, Planned},
    postgres::{DatabaseSettings, Scratch, ScratchOptions, Session},
    report,
    source::desired,
    step::Phase,
};

const YESTERDAY: &str = include_str!("example/yesterday.sql");
const ROWS: &str = include_str!("example/rows.sql");
const FOLDER: &str = "20261121-full-name-and-currency";
/// Of the server that the plan was made on.
const MAJOR: u16 = 15;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The one plan in plans/.
fn committed() -> PlanFile {
    PlanFile::open(&root().join("plans").join(FOLDER)).unwrap()
}

/// The plan again, from the same schema with the same rows.
async fn planned_again() -> Plan {
    let options = ScratchOptions::from_env(&|name| std::env::var_os(name)).with_major(MAJOR);
    // two servers: the database that the plan is for is not where the plan is rehearsed
    let live = Scratch::open(&options, &|_| ()).await.unwrap();
    let scratch = Scratch::open(&options, &|_| ()).await.unwrap();
    live.admin().client().batch_execute("CREATE ROLE shop").await.unwrap();
    let database = live.create_database(&DatabaseSettings::default()).await.unwrap();
    let session: &Session = database.session();
    let own = format!("ALTER DATABASE {} OWNER TO shop", database.name());
    session.client().batch_execute(&own).await.unwrap();
    session.client().batch_execute("SET SESSION AUTHORIZATION shop").await.unwrap();
    session.client().batch_execute(YESTERDAY).await.unwrap();
    session.client().batch_execute(ROWS).await.unwrap();
    let files = desired::read_paths(&[root().join("schema")], None).unwrap();
    let desired = desired::parse(&files).unwrap_or_else(|errors| panic!("{errors}"));
    let planned = Box::pin(planning::plan(&Inputs {
        live: session,
        scratch: &(&scratch).into(),
        kept: None,
        from: None,
        desired: &desired,
        other: None,
        open: Vec::new(),
        manage: Manage::Declared(std::collections::BTreeSet::new()),
        ignore: Vec::new(),
        owners: false,
        shaping: trueup::config::Shaping::default(),
        secrets: trueup::secret::Secrets::NONE,
        assume_drop: BTreeSet::new(),
        name: FOLDER.split_once('-').unwrap().1.to_owned(),
        author: Some("bob".to_owned()),
        created: "2026-11-21T06:04:53Z".parse().unwrap(),
        progress: &|_| (),
    }))
    .await
    .unwrap();
    let Planned::Plan(plan) = planned else { panic!("{planned:?}") };
    live.close().await.unwrap();
    scratch.close().await.unwrap();
    Plan { target: "shop@localhost:5432/shop".to_owned(), ..*plan }
}

/// The committed plan is the one that trueup makes of the example, but for the versions. `TRUEUP_UPDATE=1` writes it
/// anew.
#[tokio::test]
async fn the_plan_is_as_it_would_be_made_today() {
    let again = Box::pin(planned_again()).await;
    if std::env::var_os("TRUEUP_UPDATE").is_some() {
        report::write_plan(&root().join("plans").join(FOLDER), &again).unwrap();
    }
    let committed = committed().plan;
    let Plan { tool, server_version, .. } = committed.clone();
    let again = Plan { tool, server_version, ..again };
    let text = |plan: &Plan| trueup::plan::format::to_text(plan).unwrap();
    let (before, after) = (text(&committed), text(&again));
    let differs = before.lines().zip(after.lines()).find(|(a, b)| a != b);
    assert!(before == after, "write it anew with TRUEUP_UPDATE=1: {differs:?}");
}

/// Everything that the issue of the example asks for is in it.
#[test]
fn the_example_has_one_of_each() {
    let plan = committed().plan;
    let has = |phase: Phase, text: &str| {
        let sql = |step: &trueup::plan::PlannedStep| {
            step.sql.iter().any(|sql| sql.as_str().replace('\n', " ").contains(text))
        };
        assert!(plan.steps.iter().any(|step| step.phase == phase && sql(step)), "{phase:?}: {text}");
    };
    has(Phase::Expand, "ADD COLUMN full_name text");
    has(Phase::Contract, "RENAME COLUMN name TO full_name");
    has(Phase::Expand, "ADD COLUMN currency character(3) DEFAULT 'EUR'::bpchar NOT NULL");
    has(
        Phase::Expand,
        "FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE SET NULL NOT VALID",
    );
    has(Phase::Expand, "VALIDATE CONSTRAINT");
    has(Phase::Expand, "CREATE INDEX CONCURRENTLY");
    has(Phase::Expand, "CREATE OR REPLACE VIEW");
    has(Phase::Contract, "DROP COLUMN fax");
    let codes = |phase: Phase| approval::dangers(&plan, phase).into_keys().collect::<Vec<_>>();
    assert!(codes(Phase::Expand).is_empty(), "old and new code both work between the phases");
    assert_eq!(codes(Phase::Contract), ["BREAKS_OLD_CODE", "DATA_LOSS"]);
}

/// The demo ends well, says so in the end, and leaves nothing.
#[test]
fn the_demo_ends_well() {
    let temporary = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_trueup"))
        .arg("demo")
        .current_dir(temporary.path())
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    let (out, errors) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
    assert!(run.status.success(), "{out}{errors}");
    assert_eq!(errors, "");
    assert!(!out.contains('\x1b'), "colours without a terminal");
    assert!(out.lines().count() <= 90, "{out}");
    for line in [
        "   200,000 rows in 11 tables: 72,000 order_items, 36,000 orders, 20,000 addresses, 20,000 customers …",
        "   refused: phase expand is not approved",
        "   trueup plan: nothing to do, the catalog is what schema/ says",
        "   and the release that says full_name is deployed beside the one that says name",
        "   500 fax numbers are lost, as DATA_LOSS announced: the column is back, empty",
    ] {
        assert!(out.lines().any(|found| found == line), "{line}\n{out}");
    }
    let last = out.lines().last().unwrap();
    assert!(last.starts_with("Both the applied plan and its rollback are proven"), "{last}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "something is left");
}
