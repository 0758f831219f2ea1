//! `trueup dump`, `init --from` and `diff` on real databases. What is dumped of every case is in dump_cases.rs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, process::Command};

use crate::oracle::{Database, Ran, runtime, server, trueup, url};

const SHOP: &str = "
    CREATE SCHEMA app;
    CREATE EXTENSION IF NOT EXISTS plpgsql;
    CREATE TYPE public.mood AS ENUM ('sad', 'ok');
    CREATE TABLE public.orders (id serial PRIMARY KEY, total numeric(10,2) NOT NULL DEFAULT 0, mood public.mood,
        note text);
    CREATE TABLE app.person (id int PRIMARY KEY, last_order int REFERENCES public.orders, name text);
    ALTER TABLE public.orders ADD COLUMN person int REFERENCES app.person;
    CREATE INDEX orders_total ON public.orders (total);
    CREATE VIEW app.big AS SELECT id, total FROM public.orders WHERE total > 100;
    SET check_function_bodies = off;
    CREATE FUNCTION public.count_orders() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders';
    CREATE MATERIALIZED VIEW app.counted AS SELECT public.count_orders() AS n;
    CREATE FUNCTION public.twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
    CREATE FUNCTION public.twice(n text) RETURNS text LANGUAGE sql AS 'SELECT n || n';
    ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.orders TO reader USING (total < 10);
    GRANT SELECT ON public.orders TO reader;
    COMMENT ON COLUMN public.orders.note IS E'line\\none \\x1b[31m red';
    CREATE TABLE public.\"Orders\" (\"a/b\" int);
    CREATE TABLE public.\"x/../y\" (id int);
    CREATE LANGUAGE own HANDLER plpgsql_call_handler;";

async fn shop() -> Database {
    Database::with(SHOP).await.unwrap()
}

#[track_caller]
fn says(ran: &Ran, part: &str) {
    assert!(ran.stdout.contains(part) || ran.stderr.contains(part), "{part:?} in\n{}", ran.shown());
}

#[track_caller]
fn ok(ran: Ran) -> Ran {
    ran.ended(0).unwrap_or_else(|what| panic!("{what}"))
}

/// psql itself, stopping at the first error. Where there is none, a plain client says as much.
async fn load(database: &Database, file: &str) {
    let path = database.path(file);
    let psql = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url(&database.target), "-f"])
        .arg(&path)
        .output();
    match psql {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => database.execute(&fs::read_to_string(path).unwrap()).await,
    }
}

#[test]
fn a_stream_says_what_it_needs_and_psql_loads_it() {
    runtime().block_on(async {
        let database = shop().await;
        let dumped = ok(database.trueup(&["dump"]).await);
        let head: Vec<&str> = dumped.stdout.lines().take_while(|line| line.starts_with("--")).collect();
        assert!(head.contains(&"-- It needs these roles: reader"), "{head:?}");
        assert!(head.iter().any(|line| line.contains("language own")), "{head:?}");
        assert!(dumped.stderr.contains("trueup does not manage it: language"), "{}", dumped.stderr);
        assert!(dumped.stdout.contains("\u{1b}[31m red"), "a comment is data, whatever it holds");

        let empty = Database::empty().await;
        empty.write("dump.sql", &dumped.stdout);
        load(&empty, "dump.sql").await;
        ok(empty.trueup(&["plan", "--schema", "dump.sql", "--exit-code"]).await);
        ok(database.trueup(&["dump", "--out", "again.sql"]).await);
        assert_eq!(fs::read_to_string(database.path("again.sql")).unwrap(), dumped.stdout);
        let quiet = ok(database.trueup(&["dump", "--quiet"]).await);
        assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), (dumped.stdout.as_str(), ""));
    });
}

#[test]
fn a_folder_has_a_file_for_each_object() {
    runtime().block_on(async {
        let database = shop().await;
        let dumped = ok(database.trueup(&["dump", "--out", "schema"]).await);
        says(&dumped, "schema: 10 files written");
        let mut files = Vec::new();
        for path in [
            "app/schema.sql",
            "app/tables/person.sql",
            "app/views/big.sql",
            "functions/twice.sql",
            "tables/orders.sql",
            "tables/%4Frders.sql",
            "tables/x%2F%2E%2E%2Fy.sql",
            "types/mood.sql",
        ] {
            files.push(fs::read_to_string(database.path("schema").join(path)).expect(path));
        }
        let orders = &files[4];
        for part in [
            "CREATE SEQUENCE public.orders_id_seq",
            "CREATE TABLE public.orders",
            "OWNED BY public.orders.id",
            "FOREIGN KEY (person)",
            "CREATE INDEX orders_total",
            "CREATE POLICY own",
            "GRANT SELECT ON TABLE public.orders TO reader",
            "COMMENT ON COLUMN public.orders.note",
        ] {
            assert!(orders.contains(part), "{part} in\n{orders}");
        }
        assert_eq!(files[3].matches("CREATE").count(), 2, "{}", files[3]);
        ok(database.trueup(&["plan", "--schema", "schema", "--exit-code"]).await);
    });
}

#[test]
fn nothing_of_anybody_else_is_written_over_or_removed() {
    runtime().block_on(async {
        let database = shop().await;
        ok(database.trueup(&["dump", "--out", "schema"]).await);
        database.write("schema/README.md", "ours");
        database.execute("DROP VIEW app.big; ALTER TABLE app.person ADD COLUMN tier text").await;
        let again = ok(database.trueup(&["dump", "--out", "schema"]).await);
        says(&again, "schema: 1 file written, 8 files unchanged, 1 file removed");
        assert!(!database.path("schema/app/views").exists());
        assert_eq!(fs::read_to_string(database.path("schema/README.md")).unwrap(), "ours");

        // line ends as Git may make them are no change
        let person = database.path("schema/app/tables/person.sql");
        let text = fs::read_to_string(&person).unwrap();
        fs::write(&person, text.replace('\n', "\r\n")).unwrap();
        ok(database.trueup(&["dump", "--out", "schema"]).await);

        // somebody's work
        fs::write(&person, format!("{text}-- a remark\n")).unwrap();
        database.execute("ALTER TABLE app.person DROP COLUMN tier").await;
        let refused = database.trueup(&["dump", "--out", "schema"]).await;
        refused.fails(3, "schema holds SQL that is not as trueup dump wrote it: app/tables/person.sql");
        assert!(fs::read_to_string(&person).unwrap().ends_with("-- a remark\n"));
        // nor if its object is gone
        database.execute("ALTER TABLE orders DROP COLUMN person; DROP TABLE app.person").await;
        database.trueup(&["dump", "--out", "schema"]).await.fails(3, "app/tables/person.sql");
        assert!(person.exists());

        // a manifest that claims what is not in the folder is not believed
        database.write("mine.sql", "mine");
        fs::remove_file(&person).unwrap();
        let manifest = database.path("schema/.trueup-dump");
        let claim = format!("{}  ../mine.sql\n", trueup::catalog::Fingerprint::of("mine"));
        fs::write(&manifest, format!("{}{claim}", fs::read_to_string(&manifest).unwrap())).unwrap();
        ok(database.trueup(&["dump", "--out", "schema"]).await);
        assert_eq!(fs::read_to_string(database.path("mine.sql")).unwrap(), "mine");

        database.write("other/hand.sql", "CREATE TABLE hand (id int);");
        database
            .trueup(&["dump", "--out", "other"])
            .await
            .fails(3, "other holds SQL that is not as trueup dump wrote it: hand.sql");
        assert_eq!(fs::read_dir(database.path("other")).unwrap().count(), 1);

        database.trueup(&["dump", "--out", "mine.sql"]).await.fails(3, "mine.sql is there already");
        ok(database.trueup(&["dump", "--out", "new.sql"]).await);
        database.execute("CREATE TABLE late (id int)").await;
        ok(database.trueup(&["dump", "--out", "new.sql"]).await);
        let text = fs::read_to_string(database.path("new.sql")).unwrap();
        assert!(text.contains("public.late"));
        fs::write(database.path("new.sql"), text.replace("late", "later")).unwrap();
        database.trueup(&["dump", "--out", "new.sql"]).await.fails(3, "new.sql is there already");
    });
}

#[test]
fn a_part_of_a_database_says_what_it_lacks() {
    runtime().block_on(async {
        let database = shop().await;
        let dumped = ok(database.trueup(&["dump", "--manage", "app"]).await);
        assert!(!dumped.stdout.contains("CREATE TABLE public."), "{}", dumped.stdout);
        says(&dumped, "--   table public.orders, which ");
        says(&dumped, "note: left out, and needed by what is dumped: ");
        database.write("dump.sql", &dumped.stdout);
        database.write("trueup.toml", "[manage]\nignore = [\"app.big\"]\n");
        let dumped = ok(database.trueup(&["dump", "--manage", "app"]).await);
        assert!(!dumped.stdout.contains("CREATE VIEW"), "{}", dumped.stdout);

        let empty = Database::empty().await;
        let nothing = ok(empty.trueup(&["dump", "--out", "schema"]).await);
        says(&nothing, "there is nothing to dump");
    });
}

#[test]
fn the_schema_public_is_dumped_as_it_was_changed() {
    runtime().block_on(async {
        let database = Database::with(
            "COMMENT ON SCHEMA public IS 'ours'; GRANT CREATE ON SCHEMA public TO reader;
             CREATE TABLE t (id int); ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO writer;
             ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO writer;",
        )
        .await
        .unwrap();
        ok(database.trueup(&["dump", "--out", "dump.sql"]).await);
        let empty = Database::empty().await;
        fs::copy(database.path("dump.sql"), empty.path("dump.sql")).unwrap();
        load(&empty, "dump.sql").await;
        empty.dump().await.must_equal(&database.dump().await, "loaded").await.unwrap();
        ok(empty.trueup(&["plan", "--schema", "dump.sql", "--manage", "all", "--exit-code"]).await);
        ok(database.trueup(&["dump", "--out", "schema"]).await);
        let schema = fs::read_to_string(database.path("schema/schema.sql")).unwrap();
        assert!(!schema.contains("CREATE SCHEMA") && schema.contains("IN SCHEMA public GRANT SELECT"), "{schema}");
        assert!(database.path("schema/default_privileges.sql").exists());
        ok(database.trueup(&["plan", "--schema", "schema", "--manage", "all", "--exit-code"]).await);
    });
}

#[test]
fn a_project_is_made_of_a_live_database() {
    runtime().block_on(async {
        let database = shop().await;
        let here = database.folder.path();
        let live = url(&database.target);
        let made = ok(trueup(here, None, &["init", "--from", &live]).await);
        says(&made, "trueup.toml written\nschema: 10 files written\nplans/ is ready\n");
        says(&made, "left out, since trueup does not manage it: language");
        says(&made, "next: `trueup plan --url URL` finds nothing to do");
        ok(database.trueup(&["plan", "--exit-code"]).await);

        // by environment, and again
        fs::write(here.join("trueup.toml"), format!("schema = ['schema']\n[env.live]\nurl = \"{live}\"\n"))
            .unwrap();
        says(&ok(trueup(here, None, &["init", "--from", "live"]).await), "schema: 10 files unchanged");

        let other = tempfile::tempdir().unwrap();
        fs::create_dir(other.path().join("schema")).unwrap();
        fs::write(other.path().join("schema/mine.sql"), "").unwrap();
        trueup(other.path(), None, &["init", "--from", &live])
            .await
            .fails(3, "schema holds SQL that is not as");
        trueup(other.path(), None, &["init", "--from", "prod"]).await.fails(1, "no environment \"prod\"");
        let nowhere = url(&server().with_database("no_such_database"));
        trueup(other.path(), None, &["init", "--from", &nowhere]).await.fails(1, "no_such_database");
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 1, "nothing was written");
    });
}

const TODAY: &str = "
    CREATE TABLE public.kept (id int PRIMARY KEY, gone text, grown varchar(10));
    CREATE INDEX kept_gone ON public.kept (gone);
    CREATE TABLE public.leaves (id int);
    CREATE VIEW public.seen AS SELECT id FROM public.kept;";

const TOMORROW: &str = "
    CREATE TABLE public.kept (grown varchar(20), id int PRIMARY KEY, fresh int);
    COMMENT ON TABLE public.kept IS 'stays';
    CREATE VIEW public.seen AS SELECT id FROM public.kept;
    CREATE TABLE public.comes (id int PRIMARY KEY, note text);";

#[test]
fn two_schemas_are_compared() {
    runtime().block_on(async {
        let (one, other) = (Database::with(TODAY).await.unwrap(), Database::with(TOMORROW).await.unwrap());
        let (from, to) = (url(&one.target), url(&other.target));
        let tree = "\
+ table public.comes (2 columns, 1 constraint)
~ table public.kept
  + column fresh
  - column gone
  ~ column grown
      type: character varying(10) → character varying(20)
  - index kept_gone
  + comment
- table public.leaves (1 column)
";
        let ran = one.trueup(&["diff", &from, &to, "--exit-code"]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), tree), "{}", ran.shown());
        assert_eq!(ok(one.trueup(&["diff", &from, &to]).await).stdout, tree);

        // the same from files, from standard input, from environments
        one.write("today/t.sql", TODAY);
        one.write("tomorrow.sql", TOMORROW);
        one.write("trueup.toml", &format!("[env.today]\nurl = \"{from}\"\n"));
        assert_eq!(ok(one.trueup(&["diff", "today", "tomorrow.sql"]).await).stdout, tree);
        assert_eq!(ok(one.trueup(&["diff", "./today", "tomorrow.sql"]).await).stdout, tree);
        let same = ok(one.trueup(&["diff", "today", "./today", "--exit-code"]).await);
        assert_eq!(same.stdout, "No difference between today and ./today.\n");

        let unified = ok(one.trueup(&["diff", "today", "tomorrow.sql", "--unified"]).await).stdout;
        for part in [
            "--- /dev/null\n+++ tomorrow.sql/tables/comes.sql\n",
            "--- today/tables/kept.sql\n+++ tomorrow.sql/tables/kept.sql\n",
            "-    gone text,\n-    grown character varying(10),\n+    grown character varying(20),\n+    fresh integer,\n",
            "-CREATE INDEX kept_gone ON public.kept USING btree (gone);\n",
            "--- today/tables/leaves.sql\n+++ /dev/null\n",
        ] {
            assert!(unified.contains(part), "{part}in\n{unified}");
        }
        assert!(!unified.contains("seen"), "{unified}");
        let kept = unified.split("--- ").find(|file| file.starts_with("today/tables/kept.sql")).unwrap();
        assert!(!kept.contains("-    id"), "the order of columns is no difference:\n{kept}");
        let markdown = ok(one.trueup(&["diff", "today", "tomorrow.sql", "--format", "markdown"]).await).stdout;
        assert!(markdown.contains("- changed `table public.kept`\n  - created `column fresh`\n"), "{markdown}");
        let markdown =
            ok(one.trueup(&["diff", "today", "tomorrow.sql", "-u", "--format", "markdown"]).await).stdout;
        assert!(markdown.starts_with("```diff\n--- ") && markdown.ends_with("\n```\n"), "{markdown}");
        let json = ok(one.trueup(&["diff", "today", "tomorrow.sql", "--format", "json"]).await).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["different"], true);
        let objects = json["objects"].as_array().unwrap();
        let grown = objects.iter().find(|one| one["object"] == "column public.kept.grown").unwrap();
        assert_eq!(grown["change"], "changed");
        assert!(json["files"].as_array().unwrap().iter().any(|file| file["path"] == "tables/leaves.sql"));

        one.trueup(&["diff", "today", "nowhere"]).await.fails(1, "`nowhere` is no environment, no URL, no plan");
        one.trueup(&["diff", "-", "-"]).await.fails(1, "standard input can be read only once");
    });
}

/// What a plan makes of a database, before, halfway and after.
#[test]
fn a_plan_is_a_schema_to_compare_with() {
    runtime().block_on(async {
        let today = Database::with(TODAY).await.unwrap();
        let live = url(&today.target);
        today.write("tomorrow.sql", TOMORROW);
        let plan = ["plan", "--schema", "tomorrow.sql", "--out", "plan", "--assume-drop", "all"];
        ok(today.trueup(&plan).await);
        let tree = ok(today.trueup(&["diff", &live, "plan"]).await).stdout;
        assert!(tree.contains("- table public.leaves") && tree.contains("  + column fresh\n"), "{tree}");
        let same = ok(today.trueup(&["diff", "plan", "tomorrow.sql", "--exit-code"]).await);
        says(&same, "No difference between plan and tomorrow.sql.");
        ok(today.trueup(&["approve", "plan", "--as", "al", "--phase", "all", "--accept", "all"]).await);
        ok(today.trueup(&["apply", "plan", "--phase", "expand"]).await);
        let half = ok(today.trueup(&["diff", &live, "plan"]).await).stdout;
        assert!(half.contains("- table public.leaves") && !half.contains("fresh"), "{half}");
        ok(today.trueup(&["apply", "plan", "--phase", "contract"]).await);
        ok(today.trueup(&["diff", &live, "plan", "--exit-code"]).await);
    });
}

/// What PostgreSQL prints differently the second time means the same.
#[test]
fn texts_that_mean_the_same_are_no_difference() {
    runtime().block_on(async {
        let sql =
            "CREATE TABLE t (a varchar(3) CHECK (a = ANY ((ARRAY['x'::varchar, 'y'::varchar])::text[])),
                       b timestamp DEFAULT NULL);";
        let database = Database::with(sql).await.unwrap();
        let copy = Database::with(database.dump().await.sql()).await.unwrap();
        let (from, to) = (url(&database.target), url(&copy.target));
        ok(database.trueup(&["diff", &from, &to, "--exit-code"]).await);
        database.write("t.sql", sql);
        ok(database.trueup(&["diff", "t.sql", &to, "--exit-code"]).await);
    });
}
