//! Bad input, as a user meets it: the first line that is printed, the exit code, and that nothing was changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle;
use std::{fs, net::TcpListener};

use crate::oracle::{Database, Ran, dump::Dump, own_server::OwnServer};
use trueup::{approval::Approval, plan::PlanFile, postgres::Session, step::Phase};

const BEFORE: &str = "
    CREATE TABLE person (id integer PRIMARY KEY, name text, fax text);
    CREATE TABLE visit (id integer PRIMARY KEY, person integer);";

const AFTER: &str = "
    CREATE TABLE person (id integer PRIMARY KEY, name text DEFAULT 'nobody');
    CREATE TABLE visit (id integer PRIMARY KEY, person integer REFERENCES person);
    CREATE INDEX visit_person ON visit (person);
    CREATE TABLE note (id integer);";

const APPLY: &[&str] = &["apply", "plan", "--phase", "all"];

/// A database that must stay as it is.
struct Stage {
    database: Database,
    before: Dump,
}

impl Stage {
    async fn new() -> Self {
        let database = Database::with(BEFORE).await.unwrap();
        Self { before: database.dump().await, database }
    }

    /// One with a plan in its folder.
    async fn planned() -> Self {
        let stage = Self::new().await;
        stage.plan("plan", AFTER).await.ended(0).unwrap();
        stage
    }

    async fn approved() -> Self {
        let stage = Self::planned().await;
        stage.approve("plan").await;
        stage
    }

    async fn plan(&self, out: &str, desired: &str) -> Ran {
        self.database.write("desired.sql", desired);
        self.run(&["plan", "--schema", "desired.sql", "--out", out, "--assume-drop", "all"]).await
    }

    async fn approve(&self, plan: &str) {
        let arguments = ["approve", plan, "--as", "alice", "--phase", "all", "--accept", "all"];
        self.run(&arguments).await.ended(0).unwrap();
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        self.database.trueup(arguments).await
    }

    /// Fails if anything but `allowed` has changed, the journal included.
    async fn assert_untouched(&self) {
        assert_eq!(self.database.dump().await, self.before);
        assert_eq!(
            self.database.ask("SELECT to_regnamespace('trueup')::text").await,
            "",
            "there is a journal"
        );
    }

    /// Fails unless this desired SQL is refused with these words at this place, and no plan is written.
    async fn assert_bad_sql(&self, desired: &str, first_line: &str) {
        let ran = self.plan("plan", desired).await;
        ran.fails(1, first_line);
        assert!(!self.database.path("plan").exists());
        self.assert_untouched().await;
    }
}

#[tokio::test]
async fn an_unknown_file() {
    let stage = Stage::new().await;
    let ran = stage.run(&["plan", "--schema", "nowhere/*.sql"]).await;
    ran.fails(1, "nowhere/*.sql: ");
    let ran = stage.run(&["apply", "plans/nothing"]).await;
    ran.fails(1, "there is no plan at plans/nothing");
    let ran = stage.run(&["plan"]).await;
    ran.fails(1, "schema");
    stage.assert_untouched().await;
}

#[tokio::test]
async fn sql_with_a_syntax_error() {
    let stage = Stage::new().await;
    stage
        .assert_bad_sql(
            "CREATE TABLE a (id integer);\nCREATE TABLE t (id integer,, b text);",
            "desired.sql:2:28: ",
        )
        .await;
    stage.assert_bad_sql("CREATE TABLE t (id integer) LIKE;", "desired.sql:1:29: ").await;
    stage.assert_bad_sql("SELECT 'never closed", "desired.sql:1:8: ").await;
}

#[tokio::test]
async fn sql_that_changes_rows() {
    let stage = Stage::new().await;
    stage
        .assert_bad_sql("CREATE TABLE t (id integer);\n  UPDATE t SET id = 3;", "desired.sql:2:3: UPDATE")
        .await;
    stage.assert_bad_sql("DELETE FROM person;", "desired.sql:1:1: DELETE").await;
    stage.assert_bad_sql("TRUNCATE person;", "desired.sql:1:1: TRUNCATE").await;
    stage.assert_bad_sql("CREATE TABLE t (id integer);\n\\connect other", "desired.sql:2:1: ").await;
}

#[tokio::test]
async fn sql_that_does_not_load() {
    let stage = Stage::new().await;
    stage.assert_bad_sql("CREATE VIEW v AS\n  SELECT * FROM nowhere;", "desired.sql:2:17: ").await;
    stage.assert_bad_sql("CREATE TABLE t (id integer);\nCREATE TABLE t (id bigint);", "desired.sql:2:").await;
}

#[tokio::test]
async fn annotations_that_are_none() {
    let stage = Stage::new().await;
    let unknown = "CREATE TABLE person (\n  id integer, -- @renmed from=nr\n  name text\n);";
    stage.assert_bad_sql(unknown, "desired.sql:2:").await;
    let alone = "CREATE TABLE person (id integer);\n\n-- @renamed from=nr\n";
    stage.assert_bad_sql(alone, "desired.sql:3:").await;
    let nothing = "CREATE TABLE person (\n  nr integer, -- @renamed from=no_such_column\n  name text\n);";
    stage.assert_bad_sql(nothing, "desired.sql:2:").await;
}

#[tokio::test]
async fn an_edited_plan() {
    let stage = Stage::approved().await;
    let file = stage.database.path("plan/plan.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("DEFAULT 'nobody'", "DEFAULT 'anybody'", 1)).unwrap();
    stage.run(APPLY).await.fails(3, "is not what plan.toml says");
    // the scripts edited with it: then the approvals are for another plan
    for script in ["up-expand.sql", "rollback-expand.sql", "plan.toml"] {
        fs::write(&file, &text).unwrap();
        let path = stage.database.path(&format!("plan/{script}"));
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}\n")).unwrap();
        let ran = stage.run(APPLY).await;
        assert_eq!(ran.code, Some(3), "{script}: {}", ran.shown());
        fs::write(&path, whole).unwrap();
    }
    fs::write(&file, text.replacen("format = 2", "format = 99", 1)).unwrap();
    stage.run(APPLY).await.fails(3, "plan.toml");
    stage.assert_untouched().await;
}

#[tokio::test]
async fn an_approval_for_another_plan() {
    let stage = Stage::planned().await;
    stage.plan("other", &AFTER.replace("nobody", "somebody")).await.ended(0).unwrap();
    stage.approve("other").await;
    for file in fs::read_dir(stage.database.path("other/approvals")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), stage.database.path("plan/approvals").join(file.file_name())).unwrap();
    }
    let ran = stage.run(APPLY).await;
    ran.fails(3, "phase expand is not approved");
    assert!(ran.shown().contains("alice"), "{}", ran.shown());
    stage.assert_untouched().await;
}

#[tokio::test]
async fn an_expired_approval() {
    let stage = Stage::planned().await;
    let plan = PlanFile::open(&stage.database.path("plan")).unwrap();
    for phase in plan.plan.phases() {
        let approval = Approval {
            accepts: trueup::approval::dangers(&plan.plan, phase).into_keys().collect(),
            expires: Some(plan.plan.created),
            ..Approval::new(plan.digest.clone(), phase, "alice".parse().unwrap(), plan.plan.created)
        };
        approval.write(&plan).unwrap();
    }
    assert!(plan.plan.phases().contains(&Phase::Contract));
    let ran = stage.run(APPLY).await;
    ran.fails(3, "phase expand is not approved");
    assert!(ran.shown().contains("expired"), "{}", ran.shown());
    stage.assert_untouched().await;
}

#[tokio::test]
async fn an_apply_without_approval() {
    let stage = Stage::planned().await;
    stage.run(APPLY).await.fails(3, "phase expand is not approved");
    stage.run(&["approve", "plan", "--as", "alice", "--phase", "all"]).await.ended(0).unwrap();
    stage.run(&["apply", "plan", "--phase", "all"]).await.fails(3, " is not accepted (step ");
    stage.assert_untouched().await;
}

#[tokio::test]
async fn a_stale_plan() {
    let mut stage = Stage::approved().await;
    for (change, named, back) in [
        (
            "ALTER TABLE person ALTER fax SET DEFAULT 'none'",
            "default public.person.fax was added since",
            "ALTER TABLE person ALTER fax DROP DEFAULT",
        ),
        (
            "CREATE VIEW numbers AS SELECT fax FROM person",
            "view public.numbers was added since",
            "DROP VIEW numbers",
        ),
        ("CREATE TABLE note (other text)", "table public.note", "DROP TABLE note"),
        (
            "ALTER TABLE person ALTER name TYPE varchar(40)",
            "column public.person.name changed",
            "ALTER TABLE person ALTER name TYPE text",
        ),
        ("DROP TABLE visit", "table public.visit is missing", ""),
    ] {
        stage.database.execute(change).await;
        stage.before = stage.database.dump().await;
        let ran = stage.run(APPLY).await;
        assert_eq!(ran.code, Some(3), "{change}: {}", ran.shown());
        ran.fails(3, "the plan is stale: ");
        ran.fails(3, named);
        stage.assert_untouched().await;
        stage.database.execute(back).await;
    }
}

#[tokio::test]
async fn a_change_elsewhere_does_not_make_it_stale() {
    let stage = Stage::approved().await;
    stage.database.execute("CREATE SCHEMA elsewhere CREATE TABLE thing (id integer)").await;
    stage.run(APPLY).await.ended(0).unwrap();
}

/// A function that finds things only by another search_path than the role's cannot give rows their values.
#[tokio::test]
async fn a_default_whose_function_needs_a_search_path() {
    let sql = "CREATE TABLE t (id int); CREATE SCHEMA far;
        CREATE TABLE far.changes (n int);
        CREATE FUNCTION next_change() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM changes';";
    let database = Database::with(&format!("SET check_function_bodies TO off; {sql}")).await.unwrap();
    database.execute("INSERT INTO t VALUES (1)").await;
    let desired = sql.replace("t (id int)", "t (id int, k bigint NOT NULL DEFAULT next_change())");
    database.write("desired.sql", &desired);
    let ran = database.trueup(&["plan", "--schema", "desired.sql"]).await.ended(1).unwrap();
    assert!(ran.stderr.contains("relation \"changes\" does not exist"), "{}", ran.shown());
    assert!(
        ran.stderr.contains("hint: code of the database has the search_path of the role"),
        "{}",
        ran.shown()
    );
}

#[tokio::test]
async fn a_target_that_cannot_be_reached() {
    let stage = Stage::approved().await;
    // nobody listens on a port that was just given up
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://someone:secret@127.0.0.1:{port}/shop");
    for command in [&["plan", "--schema", "desired.sql"][..], APPLY, &["status"], &["rollback", "plan"]] {
        let ran = stage.run(&[command, &["--url", &url]].concat()).await;
        ran.fails(1, &format!("127.0.0.1:{port}"));
        ran.fails(1, "connection refused");
        assert!(!ran.shown().replace(&url, "").contains("secret"), "{}", ran.shown());
    }
    let folder = stage.database.path("no socket here");
    let url = format!("postgres:///shop?host={}", folder.display().to_string().replace(' ', "%20"));
    stage.run(&["status", "--url", &url]).await.fails(1, "there is no socket");
    stage.assert_untouched().await;
}

/// The backend of trueup that waits for a lock in this database.
async fn waiting(watch: &Session) -> i32 {
    let query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'trueup' AND wait_event_type = 'Lock' AND wait_event = 'relation'";
    loop {
        if let Some(row) = watch.client().query_opt(query, &[]).await.unwrap() {
            return row.get(0);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_target_that_is_lost_half_way() {
    let stage = Stage::approved().await;
    let (reader, watch) = (stage.database.session().await, stage.database.session().await);
    reader.client().batch_execute("BEGIN; LOCK TABLE visit IN SHARE UPDATE EXCLUSIVE MODE").await.unwrap();
    let (ran, ()) = tokio::join!(stage.run(APPLY), async {
        let pid = waiting(&watch).await;
        watch.client().execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    });
    ran.fails(4, "");
    assert!(ran.stderr.contains("hint: "), "{}", ran.shown());
    stage.run(&["status", "--exit-code"]).await.ended(4).unwrap();
    reader.client().batch_execute("ROLLBACK").await.unwrap();
    stage.run(APPLY).await.ended(0).unwrap();
    let wanted = Database::with(AFTER).await.unwrap().dump().await;
    stage.database.dump().await.must_equal(&wanted, "resumed").await.unwrap();
}

#[tokio::test]
async fn a_second_apply_at_once() {
    let stage = Stage::approved().await;
    let (reader, watch) = (stage.database.session().await, stage.database.session().await);
    reader
        .client()
        .batch_execute("BEGIN; LOCK TABLE person, visit IN SHARE UPDATE EXCLUSIVE MODE")
        .await
        .unwrap();
    let (first, ()) = tokio::join!(stage.run(APPLY), async {
        waiting(&watch).await;
        let second = stage.run(&[APPLY, &["--wait", "0"]].concat()).await;
        second.fails(3, "another trueup is at work in this database");
        let back = stage.run(&["rollback", "plan", "--wait", "0"]).await;
        back.fails(3, "another trueup is at work in this database");
        reader.client().batch_execute("ROLLBACK").await.unwrap();
    });
    first.ended(0).unwrap();
}

#[tokio::test]
async fn a_lock_that_never_comes() {
    let stage = Stage::approved().await;
    let reader = stage.database.session().await;
    reader
        .client()
        .batch_execute("BEGIN; LOCK TABLE person, visit IN SHARE UPDATE EXCLUSIVE MODE")
        .await
        .unwrap();
    let ran = stage.run(&[APPLY, &["--lock-retries", "0"]].concat()).await;
    assert!(matches!(ran.code, Some(1 | 4)), "{}", ran.shown());
    assert!(ran.stderr.contains(&reader.backend_pid().to_string()), "who is in the way: {}", ran.shown());
    reader.client().batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(stage.database.dump().await, stage.before);
}

#[tokio::test]
async fn a_standby() {
    let stage = Stage::approved().await;
    let standby = OwnServer::standby().await;
    let url = oracle::url(&standby.target);
    stage.run(&[APPLY, &["--url", &url]].concat()).await.fails(3, "this server is a standby");
    stage.run(&["rollback", "plan", "--url", &url]).await.fails(3, "this server is a standby");
    drop(standby);
    stage.assert_untouched().await;
}

#[tokio::test]
async fn a_role_without_the_privilege() {
    let stage = Stage::approved().await;
    let limited = stage.database.target.with_user("limited", None);
    stage.database.execute("CREATE ROLE limited LOGIN; GRANT SELECT ON person, visit TO limited").await;
    let ran = stage.run(&[APPLY, &["--url", &oracle::url(&limited)]].concat()).await;
    ran.fails(3, "role \"limited\" ");
    stage.database.execute("REVOKE ALL ON person, visit FROM limited; DROP ROLE limited").await;
    stage.assert_untouched().await;
}
