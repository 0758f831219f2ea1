//! `trueup push`: planned, rehearsed and applied at once, without a folder. The real binary on real databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{self, Database, faults, runtime};

const TABLES: &str = "CREATE TABLE a (id int PRIMARY KEY, name text); CREATE TABLE b (id int PRIMARY KEY);
    INSERT INTO a SELECT n, 'a' || n FROM generate_series(1, 10) n;";

/// A database with an environment `dev` that says this.
async fn project(setup: &str, settings: &str) -> Database {
    let database = Database::with(setup).await.unwrap();
    let url = oracle::url(&database.target);
    database
        .write("trueup.toml", &format!("schema = ['schema.sql']\n[env.dev]\nurl = '{url}'\n{settings}\n"));
    database
}

const PUSH: &[&str] = &["push", "--env", "dev", "--author", "dev@example.org", "--lock-retries", "1"];

/// The words of its journal.
async fn history(database: &Database) -> String {
    database.trueup(&["history", "--env", "dev"]).await.ended(0).unwrap().stdout
}

#[test]
fn what_is_pushed_is_there_and_nothing_else() {
    runtime().block_on(async {
        let database = project(TABLES, "direct = true").await;
        let desired =
            "CREATE TABLE a (id int PRIMARY KEY, name text, tier text NOT NULL -- @backfill using='free'
            ); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); CREATE INDEX ON b (a);";
        database.write("schema.sql", desired);
        let before = database.dump().await;
        // looked at, and nothing done
        let ran = database.trueup(&[PUSH, &["--dry-run"]].concat()).await.ended(0).unwrap();
        assert!(
            ran.stdout.contains("add column tier of public.a") && ran.stdout.contains("nothing was run"),
            "{}",
            ran.shown()
        );
        before.must_equal(&database.dump().await, "a dry run").await.unwrap();

        let ran = database.trueup(PUSH).await.ended(0).unwrap();
        assert!(ran.stdout.contains("expand, contract applied"), "{}", ran.shown());
        assert_eq!(database.ask("SELECT string_agg(DISTINCT tier, ',') FROM a").await, "free");
        assert!(!database.path("plans").exists());
        let said = history(&database).await;
        assert!(said.contains("dev@example.org") && said.contains("push"), "{said}");
        assert!(database.trueup(PUSH).await.ended(0).unwrap().stdout.contains("Nothing to do"));
        let status = database.trueup(&["status", "--env", "dev", "--exit-code"]).await.ended(0).unwrap();
        assert!(status.stdout.contains("SAFE"), "{}", status.shown());
        database.done().await;
    });
}

/// Nobody is there to be asked: a danger is named, or nothing is applied. And what was pushed goes back by its name.
#[test]
fn a_danger_is_accepted_by_its_code() {
    runtime().block_on(async {
        let database = project(TABLES, "direct = true").await;
        let before = database.dump().await;
        database.write("schema.sql", "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);");
        let named = [PUSH, &["--name", "no-names"]].concat();
        database.trueup(&named).await.fails(3, "nothing was applied: the plan has dangers that nobody accepted: BREAKS_OLD_CODE,DATA_LOSS");
        database.trueup(&[&named[..], &["--accept", "DATA_LOSS"]].concat()).await.fails(3, "nobody accepted: BREAKS_OLD_CODE");
        database.trueup(&[&named[..], &["--accept", "DATA_LOS"]].concat()).await.fails(1, "DATA_LOS is no danger");
        before.must_equal(&database.dump().await, "nothing was to be applied").await.unwrap();
        database.trueup(&[&named[..], &["--accept", "BREAKS_OLD_CODE,DATA_LOSS"]].concat()).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT count(*)::text FROM pg_attribute WHERE attname = 'name' AND attrelid = 'a'::regclass").await, "0");
        // no folder has it, and the journal does
        let ran = database.trueup(&["rollback", "no-names", "--env", "dev"]).await.ended(0).unwrap();
        assert!(ran.stderr.contains("no-names is taken from the journal"), "{}", ran.shown());
        before.must_equal(&database.dump().await, "rolled back").await.unwrap();
        database.trueup(&["rollback", "no-name", "--env", "dev"]).await.fails(1, "there is no plan no-name");
        // twice under one name: the digest says which
        database.trueup(&[&named[..], &["--accept", "all"]].concat()).await.ended(0).unwrap();
        let ran = database.trueup(&["rollback", "no-names", "--env", "dev"]).await;
        ran.fails(1, "the journal has several plans called no-names");
        let last = "SELECT left(plan, 12) FROM trueup.run ORDER BY id DESC LIMIT 1";
        let digest = database.ask(last).await;
        assert!(ran.stderr.contains(&digest), "{}", ran.shown());
        database.trueup(&["rollback", &digest, "--env", "dev"]).await.ended(0).unwrap();
        before.must_equal(&database.dump().await, "rolled back again").await.unwrap();
        database.done().await;
    });
}

/// Where somebody has to approve, nothing is pushed, whoever says so.
#[test]
fn nothing_is_pushed_where_somebody_approves() {
    runtime().block_on(async {
        let database = project(TABLES, "").await;
        database.write("schema.sql", "CREATE TABLE a (id int PRIMARY KEY, name text); CREATE TABLE b (id bigint PRIMARY KEY);");
        let url = oracle::url(&database.target);
        let toml = |settings: &str| {
            database.write("trueup.toml", &format!("schema = ['schema.sql']\n[env.dev]\nurl = '{url}'\n{settings}\n"));
        };
        database.trueup(&["push"]).await.fails(1, "push works on an environment of trueup.toml, and none is named");
        database.trueup(&["push", "--env", "nope"]).await.fails(1, "there is no environment \"nope\"");
        database.trueup(PUSH).await.fails(3, "environment \"dev\" is none that is pushed to");
        for (settings, asks) in [
            ("approval = { required = 1 }", "required = 1"),
            ("[approval]\nrequired = 2", "required = 2"),
            ("approval = { required_danger = 2 }", "required_danger = 2"),
            ("approval = { required_warning = 2, required = 0 }", "required_warning = 2"),
            ("approval = { signed = true }", "signed = true"),
            ("approval = { author = false }", "author = false"),
            ("approval = { required_roles = ['dba'] }", "required_roles = [\"dba\"]"),
            ("approval = { roles = ['dba'] }", "roles = [\"dba\"]"),
            ("approval = { accepted_by = { DATA_LOSS = ['dba'] } }", "accepted_by"),
            ("approval = { single_use = true }", "single_use = true"),
            ("approval = { bound_to_database = true }", "bound_to_database = true"),
            ("approval = { rollback = true }", "rollback = true"),
        ] {
            toml(&format!("direct = true\n{settings}"));
            let refused = format!("environment \"dev\" is direct, and asks for approvals: {asks}");
            database.trueup(PUSH).await.fails(3, &refused);
        }
        // what is about the session holds for a push as for an apply
        toml("direct = true\napproval = { superuser = false }");
        database.trueup(&[PUSH, &["--accept", "all"]].concat()).await.fails(3, "superuser");
        // pinned in the database: no file says otherwise
        toml("approval = { required = 0 }");
        database.trueup(&["protect", "--env", "dev"]).await.ended(0).unwrap();
        toml("direct = true");
        database.trueup(PUSH).await.fails(3, "a policy is pinned in this database");
        assert_eq!(database.ask("SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'b'::regclass AND attname = 'id'").await, "integer");
        database.done().await;
    });
}

/// What fails on the way is undone, all of it; what was written meanwhile keeps it where it is, and there is a way on.
#[test]
fn a_push_that_fails_is_undone() {
    runtime().block_on(async {
        let database = project(TABLES, "direct = true").await;
        database.write(
            "schema.sql",
            "CREATE TABLE a (id int PRIMARY KEY, name text, more text);
             CREATE TABLE b (id int PRIMARY KEY, more text);",
        );
        let before = database.dump().await;
        let holder = database.session().await;
        holder.client().batch_execute("BEGIN; LOCK TABLE b IN ACCESS SHARE MODE").await.unwrap();
        database.trueup(PUSH).await.fails(1, "rolled back, equal to before");
        before.must_equal(&database.dump().await, "it is not what it was").await.unwrap();
        holder.client().batch_execute("ROLLBACK").await.unwrap();
        holder.close().await;
        database.trueup(PUSH).await.ended(0).unwrap();
        database.done().await;
    });
}

/// A push that was killed has left a plan that no folder has. The next one goes on with it, whatever the schema says by then.
#[test]
fn a_push_that_was_killed_goes_on() {
    runtime().block_on(async {
        let database = project(TABLES, "direct = true").await;
        database.write("schema.sql", "CREATE TABLE a (id int PRIMARY KEY, name text, one text); CREATE TABLE b (id int PRIMARY KEY);");
        database.trueup(PUSH).await.ended(0).unwrap();
        faults::install(&database).await;
        let desired = "CREATE TABLE a (id int PRIMARY KEY, name text, one text, tier text NOT NULL -- @backfill using='free'
            ); CREATE TABLE b (id int PRIMARY KEY);";
        database.write("schema.sql", desired);
        faults::arm(&database, 2, "INSERT", "wait").await;
        let watch = database.session().await;
        watch.client().batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
        let mut child = database.command(&[PUSH, &["--name", "killed"]].concat()).spawn().unwrap();
        let backend = faults::waiting(&watch).await;
        child.kill().await.unwrap();
        let gone = format!("SELECT pg_terminate_backend({backend}, 10000), pg_advisory_unlock(4711)");
        watch.client().batch_execute(&gone).await.unwrap();
        watch.close().await;
        faults::disarm(&database).await;
        let status = database.trueup(&["status", "--env", "dev", "--exit-code"]).await;
        assert_eq!(status.code, Some(6), "{}", status.shown());
        assert!(status.stdout.contains("next: trueup push --env dev"), "{}", status.shown());
        database.write("schema.sql", &desired.replace("CREATE TABLE b (id", "CREATE TABLE b (more text, id"));
        let ran = database.trueup(PUSH).await.ended(0).unwrap();
        assert!(ran.stderr.contains("killed was left part-way: it goes on first"), "{}", ran.shown());
        assert_eq!(database.ask("SELECT string_agg(DISTINCT tier, ',') FROM a").await, "free");
        assert_eq!(database.ask("SELECT count(*)::text FROM pg_attribute WHERE attrelid = 'b'::regclass AND attname = 'more'").await, "1");
        database.trueup(&["status", "--env", "dev", "--exit-code"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// A plan that somebody applies phase by phase is none that a push goes on with, though no folder here has it.
#[test]
fn a_plan_of_another_branch_is_left_where_it_is() {
    runtime().block_on(async {
        let database = project(TABLES, "direct = true").await;
        database.write("other.sql", "CREATE TABLE a (id int PRIMARY KEY, label text -- @renamed from=name online\n); CREATE TABLE b (id int PRIMARY KEY);");
        let plan = ["plan", "--env", "dev", "--schema", "other.sql", "--out", "elsewhere", "--author", "maker"];
        database.trueup(&plan).await.ended(0).unwrap();
        database.approve("elsewhere").await.unwrap();
        database.trueup(&["apply", "elsewhere", "--env", "dev"]).await.ended(0).unwrap();
        std::fs::remove_dir_all(database.path("elsewhere")).unwrap();
        database.write("schema.sql", "CREATE TABLE a (id int PRIMARY KEY, label text -- @renamed from=name online\n); CREATE TABLE b (id int PRIMARY KEY, more text);");
        database.trueup(PUSH).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname IN ('name', 'label')").await, "label,name");
        let status = database.trueup(&["status", "--env", "dev", "--exit-code"]).await.ended(6).unwrap();
        assert!(status.stdout.contains("its plan is in no folder"), "{}", status.shown());
        database.done().await;
    });
}
