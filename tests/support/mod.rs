//! What the tests of plans on disk and on servers share: one throwaway server a test run, one database a test, and
//! a small planner that makes real plans out of hand-written steps by rehearsing them.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use tempfile::TempDir;
use trueup::{
    approval::{self, Approval},
    catalog::Catalog,
    hazard::{Hazard, REGISTRY},
    name::{Kind, ObjectId},
    plan::{
        Change, Checkpoints, FORMAT, FootprintEntry, Plan, PlanFile, PlannedStep, PlannedUndo, Rehearsal,
        Summary, footprint_closure,
    },
    postgres::{Scratch, ScratchOptions, Session, Target},
    report,
    run::{self, Batch, Unobserved, settings},
    source::live,
    sql::Sql,
    step::{LockMode, LockSeen, Observed, Operation, Phase, Timeouts, Verb},
};

/// The server of this test run.
pub fn server() -> &'static Target {
    static SERVER: OnceLock<Target> = OnceLock::new();
    SERVER.get_or_init(|| {
        let (send, receive) = mpsc::channel();
        // the thread owns the server until the process ends; then its keeper removes it
        thread::spawn(move || {
            runtime().block_on(async {
                let options = ScratchOptions::from_env(&|name| std::env::var_os(name));
                let scratch = Scratch::open(&options, &|_| {}).await.expect("a throwaway server");
                send.send(scratch.target().clone()).expect("the test waits");
                std::future::pending::<()>().await;
            });
        });
        receive.recv().expect("a server")
    })
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A database of its own, set up with some SQL.
pub async fn database(setup: &str) -> Target {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let admin = Session::connect(server()).await.unwrap();
    admin.client().batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let target = server().with_database(&name);
    execute(&target, setup).await;
    target
}

pub async fn execute(target: &Target, sql: &str) {
    let session = Session::connect(target).await.unwrap();
    session.client().batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    session.close().await;
}

/// One value, as text.
pub async fn ask(target: &Target, sql: &str) -> String {
    let session = Session::connect(target).await.unwrap();
    let row = session.client().query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    session.close().await;
    row.get::<_, Option<String>>(0).unwrap_or_default()
}

/// Runs something asynchronous to its end from where one cannot wait: a callback.
pub fn meanwhile<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    thread::scope(|scope| scope.spawn(|| runtime().block_on(work())).join().unwrap())
}

pub async fn catalog(target: &Target) -> Catalog {
    let session = Session::connect(target).await.unwrap();
    live::read(&session).await.unwrap()
}

pub const BASE: &str = "
    CREATE SCHEMA app;
    CREATE TABLE app.person (id int PRIMARY KEY, email text NOT NULL, legacy text);
    INSERT INTO app.person SELECT n, 'p' || n || '@example.org', 'x' FROM generate_series(1, 500) n;
    CREATE VIEW app.people AS SELECT id, email FROM app.person;
    CREATE TABLE app.other (id int);";

pub fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

/// Short waits for locks, so that tests do not wait either.
pub const SHORT: Timeouts = Timeouts { lock_ms: 60, statement_ms: 30_000 };

pub fn step(phase: Phase, batch: u32, action: Verb, object: &str, sql: &str, undo: &str) -> PlannedStep {
    let statements =
        |text: &str| text.split(';').map(str::trim).filter(|s| !s.is_empty()).map(Sql::new).collect();
    let loses = action == Verb::Create && [Kind::Table, Kind::Column].contains(&id(object).kind);
    let timeouts = |text: &str| if text.contains("CONCURRENTLY") { Timeouts::CONCURRENT } else { SHORT };
    PlannedStep {
        id: 0,
        phase,
        batch,
        action,
        object: id(object),
        summary: format!("{} {object}", action.label()),
        sql: statements(sql),
        operation: operation(sql),
        with: None,
        timeouts: timeouts(sql),
        rows: None,
        seen: Observed::default(),
        hazards: Vec::new(),
        undo: PlannedUndo {
            sql: statements(undo),
            operation: operation(undo),
            timeouts: timeouts(undo),
            seen: Observed::default(),
            hazards: loses.then(|| hazard("DATA_LOSS", "what is in it is gone")).into_iter().collect(),
        },
    }
}

/// A hazard of the registry.
pub fn hazard(code: &str, message: &str) -> Hazard {
    let rule = REGISTRY.iter().find(|rule| rule.code == code).unwrap();
    let (code, level, advice) = (rule.code.to_owned(), rule.level, rule.advice.to_owned());
    Hazard { code, level, message: message.to_owned(), advice }
}

/// What statements do that a test writes down.
fn operation(sql: &str) -> Operation {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let index = |schema: &str, name: &str| id(&format!("index {schema}.{name}"));
    match &words[..] {
        [] => Operation::Nothing,
        ["CREATE", rest @ .., "INDEX", "CONCURRENTLY", name, "ON", table, columns] => {
            let (schema, _) = table.split_once('.').unwrap();
            Operation::BuildIndex {
                index: index(schema, name),
                table: id(&format!("table {table}")),
                unique: !rest.is_empty(),
                definition: format!("ON {table} {columns}"),
            }
        }
        ["DROP", "INDEX", "CONCURRENTLY", name] => {
            let (schema, name) = name.split_once('.').unwrap();
            Operation::DropIndex { index: index(schema, name), if_exists: false }
        }
        _ => Operation::Catalog,
    }
}

/// A step of every kind: four batches, two phases, one step outside a transaction.
pub fn steps() -> Vec<PlannedStep> {
    use Phase::{Contract, Expand};
    let mut drop = step(
        Contract,
        4,
        Verb::Drop,
        "column app.person.legacy",
        "ALTER TABLE app.person DROP COLUMN legacy",
        "ALTER TABLE app.person ADD COLUMN legacy text",
    );
    drop.hazards.push(hazard("DATA_LOSS", "the values of app.person.legacy are gone"));
    drop.hazards.push(hazard("BREAKS_OLD_CODE", "code that uses app.person.legacy fails"));
    drop.seen.locks.push(LockSeen { relation: "app.person".into(), mode: LockMode::AccessExclusive });
    let mut index = step(
        Expand,
        2,
        Verb::Create,
        "index app.person_email",
        "CREATE INDEX CONCURRENTLY person_email ON app.person (email)",
        "DROP INDEX CONCURRENTLY app.person_email",
    );
    index.rows = Some(1_234_567);
    index.seen.builds.push("app.person_email".into());
    index.seen.locks.push(LockSeen { relation: "app.person".into(), mode: LockMode::ShareUpdateExclusive });
    vec![
        step(
            Expand,
            1,
            Verb::Create,
            "column app.person.tier",
            "ALTER TABLE app.person ADD COLUMN tier text",
            "ALTER TABLE app.person DROP COLUMN tier",
        ),
        step(
            Expand,
            1,
            Verb::Create,
            "table app.note",
            "CREATE TABLE app.note (id int)",
            "DROP TABLE app.note",
        ),
        index,
        step(
            Expand,
            3,
            Verb::Create,
            "view app.tiers",
            "CREATE VIEW app.tiers AS SELECT id, tier FROM app.person",
            "DROP VIEW app.tiers",
        ),
        drop,
    ]
}

/// A plan from `setup` by these steps, rehearsed in a database of its own: its fingerprints are real.
pub async fn plan(setup: &str, mut steps: Vec<PlannedStep>) -> Plan {
    for (number, step) in (1..).zip(&mut steps) {
        step.id = number;
    }
    let target = database(setup).await;
    let session = Session::connect(&target).await.unwrap();
    settings::pin(&session, settings::Place::Rehearsal).await.unwrap();
    let base = live::read(&session).await.unwrap();
    let mut points = BTreeMap::new();
    for phase in Phase::ALL {
        let part: Vec<&PlannedStep> = steps.iter().filter(|step| step.phase == phase).collect();
        for batch in Batch::forward(&part) {
            run::run(&session, &batch, &run::Options::single(), &mut Unobserved).await.unwrap();
        }
        if !part.is_empty() {
            points.insert(phase, live::read(&session).await.unwrap());
        }
    }
    let mut touched: BTreeSet<ObjectId> = steps.iter().map(|step| step.object.clone()).collect();
    for catalog in points.values() {
        let ids = base.objects.keys().chain(catalog.objects.keys());
        touched.extend(ids.filter(|id| base.fingerprint(id) != catalog.fingerprint(id)).cloned());
    }
    let mut closure = footprint_closure(&base, &touched);
    for catalog in points.values() {
        closure.extend(footprint_closure(catalog, &touched));
    }
    closure.extend(touched);
    let footprint = closure
        .into_iter()
        .map(|object| {
            let mut after = BTreeMap::new();
            let mut previous = base.fingerprint(&object);
            for (phase, catalog) in &points {
                let now = catalog.fingerprint(&object);
                if now != previous {
                    after.insert(*phase, now.clone().map_or(Change::Gone, Change::Became));
                    previous = now;
                }
            }
            FootprintEntry {
                independent: false,
                needs: BTreeSet::new(),
                base: base.fingerprint(&object),
                after,
                ddl: base.objects.get(&object).map(|found| found.ddl(&object)).unwrap_or_default(),
                object,
                loose: None,
            }
        })
        .collect();
    assemble(session.server_version_num(), steps, footprint)
}

pub fn assemble(server_version: u32, steps: Vec<PlannedStep>, footprint: Vec<FootprintEntry>) -> Plan {
    let mut phases: Vec<Phase> = steps.iter().map(|step| step.phase).collect();
    phases.dedup();
    Plan {
        format: FORMAT,
        name: "20261120-tier".into(),
        created: "2026-11-20T10:00:00Z".parse().unwrap(),
        tool: "0.1.0".into(),
        server_version,
        target: "app@db.example:5432/shop".into(),
        role: "app".into(),
        author: Some("carol".into()),
        schemas: vec!["app".into()],
        owners: false,
        roles: BTreeSet::new(),
        checkpoints: Checkpoints::of(&footprint, &phases),
        summary: Summary { create: 4, alter: 0, replace: 0, drop: 1 },
        rehearsal: Rehearsal {
            proven: ["up", "equal to desired", "down", "equal to live", "up"].map(str::to_owned).to_vec(),
            not_rehearsed: Vec::new(),
        },
        unmanaged: Vec::new(),
        made_for: None,
        from: None,
        notes: Vec::new(),
        data_checks: Vec::new(),
        loss_counts: Vec::new(),
        old_names: Vec::new(),
        assumptions: Vec::new(),
        transient: BTreeSet::new(),
        steps,
        footprint,
    }
}

/// The plan in a folder of its own.
pub fn on_disk(plan: &Plan) -> (TempDir, PlanFile) {
    let dir = tempfile::tempdir().unwrap();
    report::write_plan(&dir.path().join("plan"), plan).unwrap();
    let opened = PlanFile::open(&dir.path().join("plan")).unwrap();
    (dir, opened)
}

pub const NOW: &str = "2026-11-21T12:00:00Z";

/// alice's approval of one phase, with its dangers.
pub fn approval(plan: &PlanFile, phase: Phase) -> Approval {
    let created = "2026-11-21T09:00:00Z".parse().unwrap();
    Approval {
        accepts: approval::dangers(&plan.plan, phase).into_keys().collect(),
        ..Approval::new(plan.digest.clone(), phase, "alice".parse().unwrap(), created)
    }
}

pub fn approvals(plan: &PlanFile) -> Vec<Approval> {
    plan.plan.phases().into_iter().map(|phase| approval(plan, phase)).collect()
}

/// `postgres://…` for the binary.
pub fn url(target: &Target) -> String {
    let host = &target.hosts()[0];
    match host.socket() {
        Some(socket) => {
            let dir = socket.parent().unwrap_or(Path::new("/")).display().to_string();
            format!(
                "postgres:///{}?host={dir}&port={}&user={}",
                target.database(),
                host.port(),
                target.user()
            )
        }
        None => format!("postgres://{}@{}:{}/{}", target.user(), host.name(), host.port(), target.database()),
    }
}
