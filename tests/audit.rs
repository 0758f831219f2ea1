//! Who changed the schema is written down where that was asked for, and said when the database has drifted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{self, Database, runtime};

const BEFORE: &str =
    "CREATE TABLE ship (id int PRIMARY KEY, name text); CREATE VIEW ships AS SELECT id FROM ship;
    CREATE TABLE other (id int);";
const AFTER: &str =
    "CREATE TABLE ship (id int PRIMARY KEY, name text NOT NULL); CREATE VIEW ships AS SELECT id FROM ship;
    CREATE TABLE other (id int);";

#[test]
fn who_made_a_database_drift_is_said() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        let dump = async || database.trueup(&["dump"]).await.ended(0).unwrap().stdout;
        let before = dump().await;
        let status = async || database.trueup(&["status", "--exit-code"]).await;
        let shown = database.trueup(&["audit", "--show"]).await.ended(0).unwrap();
        assert_eq!(shown.stdout, "who changes the schema is not written down\n");
        let on = database.trueup(&["audit"]).await.ended(0).unwrap();
        assert_eq!(on.stdout, "who changes the schema is written down from now on\n");
        let again = database.trueup(&["audit", "--format", "json"]).await.ended(0).unwrap();
        assert_eq!(again.stdout.split_whitespace().collect::<String>(), "{\"audited\":true,\"changed\":false}");
        // it is no part of the schema
        assert_eq!(dump().await, before);
        database.write("desired.sql", AFTER);
        let plan = ["plan", "--schema", "desired.sql", "--out", "plans/named", "--manage", "all"];
        database.trueup(&plan).await.ended(0).unwrap();
        database.approve("plans/named").await.unwrap();
        database.trueup(&["apply", "plans/named", "--phase", "all"]).await.ended(0).unwrap();
        assert!(status().await.ended(0).unwrap().stdout.starts_with("SAFE"));

        let session = database.session().await;
        let sql = "SET application_name = 'night shift'; CREATE TEMPORARY TABLE mine (id int); DROP TABLE mine; \
                   ALTER TABLE ship ADD COLUMN late int; CREATE TRIGGER t BEFORE UPDATE ON ship \
                   FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); ALTER TABLE other ADD COLUMN n int";
        session.client().batch_execute(sql).await.unwrap();
        session.client().batch_execute("DROP VIEW ships").await.unwrap();
        session.close().await;
        let drifted = status().await.ended(5).unwrap().stdout;
        assert!(drifted.starts_with("DRIFTED: "), "{drifted}");
        let lines: Vec<&str> = drifted.lines().filter(|line| line.contains(" UTC  ")).collect();
        let user = database.target.user();
        let said = |what: &str| format!("  {what} by {user}, night shift on this machine");
        for (line, what) in lines.iter().zip(["DROP VIEW public.ships", "ALTER TABLE public.other", "CREATE TRIGGER t on public.ship", "ALTER TABLE public.ship"]) {
            assert!(line.ends_with(&said(what)), "{drifted}");
        }
        assert_eq!(lines.len(), 4, "what does not differ is not said: {drifted}");
        let json = database.trueup(&["status", "--format", "json"]).await.ended(0).unwrap().stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let ship = json["differences"].as_array().unwrap().iter().find(|one| one["object"].to_string().contains("late"));
        assert_eq!(ship.unwrap()["by"][0]["role"], user, "{json}");

        let page = database.trueup(&["status", "--format", "markdown"]).await.ended(0).unwrap().stdout;
        assert!(page.starts_with("**DRIFTED**: the database is not what"), "{page}");
        for part in ["`column public.ship.late` was added since\n```diff\n", " UTC | DROP VIEW public.ships by ", "\nNext: `trueup plan`\n"] {
            assert!(page.contains(part), "{part}: {page}");
        }

        // what others did may be what is wanted by now
        database.write("now.sql", &dump().await);
        let safe = database.trueup(&["status", "--exit-code", "--schema", "now.sql"]).await.ended(0).unwrap();
        assert_eq!(safe.stdout, "SAFE: the database is as desired, though others have changed it since the last run\n");

        let off = database.trueup(&["audit", "--remove"]).await.ended(0).unwrap();
        assert_eq!(off.stdout, "who changes the schema is not written down from now on\n");
        assert_eq!(database.ask("SELECT count(*)::text FROM pg_event_trigger").await, "0");
        assert!(!status().await.stdout.contains(" UTC  "));
        database.done().await;
    });
}

/// What cannot be written down changes nothing for whoever changes the schema; and a role that is no superuser is told.
#[test]
fn an_audit_is_in_nobodys_way() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        let role = format!("clerk_{}", database.target.database());
        let grant = format!(
            "CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {} TO {role}; GRANT ALL ON SCHEMA public TO {role}",
            database.target.database()
        );
        database.execute(&grant).await;
        let url = oracle::url(&database.target).replace(&format!("user={}", database.target.user()), &format!("user={role}"));
        let refused = database.trueup(&["audit", "--url", &url]).await;
        refused.fails(3, &format!("role \"{role}\" may not make event triggers, which write down who changes the schema"));
        let nothing = "SELECT (SELECT count(*) FROM pg_event_trigger) || ' ' || (SELECT count(*) FROM pg_namespace WHERE nspname = 'trueup')";
        assert_eq!(database.ask(nothing).await, "0 0");

        // the journal is the clerk's, and stays so
        let as_clerk = async |sql: &str| database.try_execute(&format!("SET ROLE {role}; {sql}")).await;
        as_clerk("CREATE TABLE before (id int)").await.unwrap();
        database.trueup(&["adopt", "--url", &url]).await.ended(0).unwrap();
        let audited = oracle::url(&database.target);
        database.write(
            "trueup.toml",
            &format!("[env.prod]\nurl = \"{audited}\"\njournal_owners = [\"{role}\"]\n"),
        );
        database.trueup(&["audit", "--env", "prod"]).await.ended(0).unwrap();
        database.execute(&format!("SET ROLE {role}; CREATE TABLE of_a_clerk (id int)")).await;
        let written = "SELECT count(*)::text FROM trueup.ddl_event WHERE object = 'public.of_a_clerk'";
        assert_eq!(database.ask(written).await, "1");
        // nobody but the superuser can put something in the place of what the superuser's function writes to
        for sql in [
            "DROP TABLE trueup.ddl_event",
            "ALTER TABLE trueup.ddl_event RENAME TO x",
            "ALTER SCHEMA trueup RENAME TO x",
            "ALTER TABLE trueup.adoption RENAME TO x",
            "CREATE RULE r AS ON INSERT TO trueup.run DO ALSO SELECT 1",
        ] {
            assert!(as_clerk(sql).await.unwrap_err().contains("must be owner"), "{sql}");
        }
        database.trueup(&["adopt", "--url", &url]).await.ended(0).unwrap();
        let owner = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'trueup'";
        assert_eq!(database.ask(owner).await, database.target.user());
        database.execute("ALTER TABLE trueup.ddl_event RENAME COLUMN command TO gone").await;
        database.execute(&format!("SET ROLE {role}; CREATE TABLE another (id int); DROP TABLE another, of_a_clerk, before")).await;
        database.trueup(&["audit", "--remove", "--env", "prod"]).await.ended(0).unwrap();
        assert_eq!(database.ask(owner).await, database.target.user());
        let tables = "SELECT string_agg(DISTINCT relowner::regrole::text, ' ') FROM pg_class WHERE relnamespace = 'trueup'::regnamespace";
        assert_eq!(database.ask(tables).await, database.target.user());
        database.trueup(&["adopt", "--url", &url]).await.ended(0).unwrap();
        database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
        database.done().await;
    });
}

/// Whoever changes the schema is seen as a replica and at the end of the stack, too; what an earlier version made is made anew,
/// and what was written down is kept.
#[test]
fn nobody_hides_from_an_audit() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        database.trueup(&["audit"]).await.ended(0).unwrap();
        let seen = async |object: &str| {
            database
                .ask(&format!("SELECT count(*)::text FROM trueup.ddl_event WHERE object = '{object}'"))
                .await
        };
        database.execute("SET session_replication_role = replica; CREATE TABLE as_a_replica (id int)").await;
        assert_eq!(seen("public.as_a_replica").await, "1");
        // each call makes a table, and then goes on until there is no more stack
        database
            .execute(
                "CREATE FUNCTION deep(n int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
                     EXECUTE format('CREATE TABLE deep_%s ()', n);
                     BEGIN PERFORM deep(n + 1); EXCEPTION WHEN statement_too_complex THEN NULL; END;
                 END $$;
                 SET max_stack_depth = '400kB'; SELECT deep(1)",
            )
            .await;
        let made = "SELECT count(*)::text FROM pg_class WHERE relname ~ '^deep_[0-9]+$'";
        let written = "SELECT count(*)::text FROM trueup.ddl_event WHERE object ~ '^public.deep_[0-9]+$'";
        let made = database.ask(made).await;
        assert!(made.parse::<u32>().unwrap() > 2, "{made}");
        assert_eq!(database.ask(written).await, made);
        database.execute("ALTER EVENT TRIGGER trueup_ddl ENABLE").await;
        let shown = database.trueup(&["audit", "--show"]).await.ended(0).unwrap();
        assert_eq!(shown.stdout, "who changes the schema is not always written down\n");
        database.trueup(&["audit"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT string_agg(evtenabled::text, '') FROM pg_event_trigger").await, "AA");
        assert_eq!(seen("public.as_a_replica").await, "1");
        database.execute("ALTER EVENT TRIGGER trueup_ddl DISABLE").await;
        database.trueup(&["audit", "--remove"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT count(*)::text FROM pg_event_trigger").await, "0");
        database.done().await;
    });
}
