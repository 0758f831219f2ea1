//! What can be done where no database can be reached: the schema is checked, and planned for from SQL. The real binary, git, and
//! throwaway servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{self, Database, runtime};

/// Runs git in the project's folder.
async fn git(project: &Database, arguments: &[&str]) {
    let mut git = tokio::process::Command::new("git");
    git.current_dir(project.path("")).args(["-c", "user.email=dev@example.org", "-c", "user.name=dev"]);
    git.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]).args(arguments);
    let ran = git.output().await.unwrap();
    assert!(ran.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn schema(project: &Database, file: &str, sql: &str) {
    std::fs::create_dir_all(project.path("schema/sub")).unwrap();
    project.write(&format!("schema/{file}"), sql);
}

/// Runs trueup where nothing names a database.
async fn offline(project: &Database, arguments: &[&str]) -> oracle::Ran {
    let mut command = project.command(arguments);
    command.env_remove("DATABASE_URL");
    // the tests' own folder may be in a repository
    command.env("GIT_CEILING_DIRECTORIES", project.path("").parent().unwrap());
    oracle::finish(command, arguments).await
}

#[test]
fn a_schema_is_checked_without_any_database() {
    runtime().block_on(async {
        let project = Database::empty().await;
        project.write("trueup.toml", "schema = ['schema']\n[env.dev]\nvalues = { a = '1' }\n[env.prod]\n");
        schema(&project, "a.sql", "CREATE TABLE t (id int PRIMARY KEY);");
        offline(&project, &["check"]).await.ended(0).unwrap().fails_with_output(0, "the schema loads on PostgreSQL");
        // remarks are no errors, unless that is asked for
        schema(
            &project,
            "sub/b.sql",
            "CREATE TABLE u (id bigint PRIMARY KEY, t bigint REFERENCES t);
             CREATE TABLE w (id int PRIMARY KEY,
                 v text NOT NULL -- @backfill using=${a} || ${b}
             );
             CREATE FUNCTION gone() RETURNS int LANGUAGE sql AS 'SELECT x FROM nothing';
             CREATE FUNCTION typo() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETRN 1; END';
             CREATE FUNCTION good() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
             INSERT INTO t VALUES (1);",
        );
        let ran = offline(&project, &["check"]).await.ended(0).unwrap();
        for said in [
            "warning FOREIGN_KEY_TYPES: column public.u.t is bigint and references column public.t.id, which is integer",
            "notice UNINDEXED_FOREIGN_KEY: no index begins with the columns of constraint public.u.u_t_fkey: t",
            "warning: the body of function public.gone() is none that PostgreSQL takes: relation \"nothing\" does not exist",
            "warning: the body of function public.typo() is none that PostgreSQL takes: syntax error at or near \"RETRN\"",
            "schema/sub/b.sql:3:37: @backfill: there is no value for ${b} in environment dev",
        ] {
            assert!(ran.stdout.contains(said), "{said}\n{}", ran.shown());
        }
        assert!(!ran.stdout.contains("good()"), "{}", ran.shown());
        assert!(ran.stderr.contains("schema/sub/b.sql:8:14: INSERT skipped"), "{}", ran.shown());
        offline(&project, &["check", "--exit-code"]).await.ended(2).unwrap();
        let json = offline(&project, &["check", "--format", "json"]).await.ended(0).unwrap().stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["ok"], json["findings"].as_array().unwrap().len()), (&false.into(), 5), "{json}");
        // what does not load is one
        for (sql, wrong) in [
            ("CREATE VIEW v AS SELECT nothing FROM t;", "schema/sub/b.sql:1:25: column \"nothing\" does not exist"),
            ("CREATE TABLE x (id int; -- @renmed from=y", "schema/sub/b.sql:1:23: syntax error"),
            ("CREATE TABLE x (\n id int -- @renmed from=y\n);", "schema/sub/b.sql:2:12: unknown annotation `@renmed`"),
        ] {
            schema(&project, "sub/b.sql", sql);
            let ran = offline(&project, &["check"]).await;
            assert_eq!(ran.code, Some(1), "{}", ran.shown());
            assert!(ran.stderr.contains(wrong), "{wrong}\n{}", ran.shown());
        }
        project.done().await;
    });
}

const BEFORE: &str = "CREATE TABLE account (id int PRIMARY KEY, name text);
    CREATE VIEW names AS SELECT id, name FROM account;
    CREATE ROLE reader; GRANT SELECT ON names TO reader;";

/// A plan from SQL takes no table to be empty, and fits only where the database is exactly what that SQL makes.
#[test]
fn a_plan_from_a_revision_is_for_a_database_that_is_just_that() {
    runtime().block_on(async {
        let project = Database::empty().await;
        project.write("trueup.toml", "schema = ['schema']\n");
        schema(&project, "a.sql", BEFORE);
        schema(&project, "sub/more.sql", "CREATE TABLE audit (at timestamptz);");
        git(&project, &["init", "-q"]).await;
        git(&project, &["add", "schema"]).await;
        git(&project, &["commit", "-qm", "one"]).await;
        let desired = BEFORE.replace("name text)", "name text, key uuid NOT NULL DEFAULT gen_random_uuid())");
        schema(&project, "a.sql", &desired);
        let plan = ["plan", "--from", "main", "--out", "plan", "--author", "dev@example.org"];
        let made = offline(&project, &plan).await.ended(0).unwrap();
        assert!(made.stdout.contains("for no database, but the SQL of main ("), "{}", made.shown());
        // a table that may have rows gets its values batch by batch
        assert!(made.stdout.contains("fill column key of public.account batch by batch"), "{}", made.shown());
        let page = std::fs::read_to_string(project.path("plan/README.md")).unwrap();
        assert!(page.contains("| **from SQL** | no database was asked"), "{page}");
        // a path is the same base
        let by_path = ["plan", "--from", "old", "--out", "other", "--author", "dev@example.org"];
        std::fs::create_dir(project.path("old")).unwrap();
        project.write("old/a.sql", &format!("{BEFORE} CREATE TABLE audit (at timestamptz);"));
        offline(&project, &by_path).await.ended(0).unwrap();
        let schemas = |plan: &str| {
            let text = std::fs::read_to_string(project.path(plan).join("plan.toml")).unwrap();
            let from = text.split_once("[from.schemas]\n").unwrap().1;
            from.split_once("\n\n").unwrap().0.to_owned()
        };
        assert_eq!(schemas("plan"), schemas("other"));

        project.approve("plan").await.unwrap();
        let says = "is not what the SQL makes that the plan was made from";
        // not empty, but another one: also where the plan changes nothing
        for (there, apart) in [
            (format!("{BEFORE} CREATE TABLE audit (at timestamptz, who text);"), true),
            (format!("{BEFORE} CREATE TABLE audit (at timestamptz); CREATE TABLE more ();"), true),
            (BEFORE.to_owned(), true),
            (format!("{BEFORE} CREATE TABLE audit (at timestamptz);"), false),
        ] {
            project
                .execute(
                    "DROP SCHEMA IF EXISTS trueup CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public",
                )
                .await;
            project
                .execute(&there.replace(
                    "CREATE ROLE reader;",
                    "DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;",
                ))
                .await;
            project.execute("INSERT INTO account SELECT n, 'a' FROM generate_series(1, 20) n").await;
            let ran = project.trueup(&["apply", "plan", "--phase", "all"]).await;
            if apart {
                ran.fails(3, "stale");
                assert!(ran.stderr.contains(says), "{}", ran.shown());
            } else {
                ran.ended(0).unwrap();
                assert_eq!(project.ask("SELECT count(DISTINCT key)::text FROM account").await, "20");
            }
        }
        // what came since does not keep it from going back
        project.execute("CREATE TABLE more ()").await;
        project.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        project.done().await;
    });
}

#[test]
fn what_a_plan_is_to_start_from_is_there_or_said_not_to_be() {
    runtime().block_on(async {
        let project = Database::empty().await;
        schema(&project, "a.sql", "CREATE TABLE t (id int);");
        let plan = |from: &'static str| vec!["plan", "--schema", "schema", "--from", from, "--author", "dev"];
        // no repository at all
        offline(&project, &plan("main"))
            .await
            .fails(1, "--from main: there is no such path, and git knows no such revision");
        git(&project, &["init", "-q"]).await;
        git(&project, &["commit", "-q", "--allow-empty", "-m", "nothing"]).await;
        for from in ["nonsense", "--help", "main^{tree}", "main:schema", "$(touch ran)"] {
            let ran = offline(
                &project,
                &["plan", "--schema", "schema", &format!("--from={from}"), "--author", "dev"],
            )
            .await;
            ran.fails(1, "there is no such path, and git knows no such revision");
        }
        offline(&project, &plan("main")).await.fails(1, "there is no SQL at schema in ");
        // what git tracks that is no file of SQL is none of it
        std::os::unix::fs::symlink("/etc/passwd", project.path("schema/link.sql")).unwrap();
        project.write("schema/.hidden.sql", "nonsense");
        project.write("schema/notes.txt", "nonsense");
        git(&project, &["add", "schema"]).await;
        git(&project, &["commit", "-qm", "one"]).await;
        std::fs::remove_file(project.path("schema/link.sql")).unwrap();
        let ran = offline(&project, &plan("HEAD")).await.ended(0).unwrap();
        assert!(ran.stdout.contains("Nothing to do"), "{}", ran.shown());
        project.write("broken.sql", "CREATE TABLE t (id nosuchtype);");
        let ran = offline(&project, &plan("broken.sql")).await;
        ran.fails(1, "broken.sql:1:20: type \"nosuchtype\" does not exist");
        offline(&project, &["plan", "--schema", "schema", "--from", "HEAD", "--check"]).await.fails(1, "");
        project.done().await;
    });
}
