//! Backfills that skip the tables' own triggers, where the environment says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{
    self, Database, runtime,
    writers::{ROWS, Writers},
};

/// A table whose trigger counts, with a column that is written by it; and one that refers to it.
const BEFORE: &str = "CREATE TABLE ship (id int PRIMARY KEY, name text NOT NULL, changed int NOT NULL DEFAULT 0, port int);
    CREATE TABLE port (id int PRIMARY KEY);
    ALTER TABLE ship ADD CONSTRAINT in_port FOREIGN KEY (port) REFERENCES port;
    CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := OLD.changed + 1; RETURN NEW; END $$;
    CREATE TRIGGER counted BEFORE UPDATE ON ship FOR EACH ROW EXECUTE FUNCTION count_change();
    INSERT INTO port VALUES (1);
    INSERT INTO ship SELECT n, 'Ship ' || n FROM generate_series(1, 3000) n;";

/// What is wanted of the columns of `ship`, the rest as before.
fn wanted(columns: &str) -> String {
    let ship = "CREATE TABLE ship (id int PRIMARY KEY, name text NOT NULL, changed int NOT NULL DEFAULT 0, port int);";
    let before = BEFORE.split("INSERT INTO").next().unwrap();
    before.replace(ship, &format!("CREATE TABLE ship (id int PRIMARY KEY, {columns});"))
}

async fn plan(database: &Database, columns: &str, triggers: &str) -> oracle::Ran {
    let url = oracle::url(&database.target);
    database
        .write("trueup.toml", &format!("[env.test]\nurl = \"{url}\"\nbackfill_triggers = \"{triggers}\"\n"));
    database.write("desired.sql", &wanted(columns));
    database
        .trueup(&["plan", "--env", "test", "--schema", "desired.sql", "--out", "plan", "--manage", "all"])
        .await
}

/// One column is computed from another one that is renamed online in the same plan: both are filled in one pass, and the
/// sources of the one change by the fill of the other.
const TWO: &str = "full_name text NOT NULL, -- @renamed from=name online
    changed int NOT NULL DEFAULT 0, port int,
    loud text NOT NULL -- @backfill using=upper(full_name)
    ";

#[test]
fn triggers_fire_for_what_is_filled_unless_they_are_to_be_skipped() {
    runtime().block_on(async {
        for (triggers, said, counted) in
            [("fire", "triggers fire: counted", "3000"), ("skip", "triggers do not fire: counted", "0")]
        {
            let database = Database::with(BEFORE).await.unwrap();
            let before = database.dump().await;
            let made = plan(&database, TWO, triggers).await.ended(0).unwrap();
            assert!(made.stdout.contains(said), "{}", made.shown());
            database.approve("plan").await.unwrap();
            database.trueup(&["apply", "plan", "--env", "test", "--phase", "expand"]).await.ended(0).unwrap();
            assert_eq!(database.ask("SELECT sum(changed)::text FROM ship").await, counted);
            // what an application writes fires as always
            database.execute("UPDATE ship SET name = 'Other' WHERE id = 1").await;
            assert_eq!(database.ask("SELECT loud FROM ship WHERE id = 1").await, "OTHER");
            let sum = counted.parse::<i64>().unwrap() + 1;
            assert_eq!(database.ask("SELECT sum(changed)::text FROM ship").await, sum.to_string());
            let contract = ["apply", "plan", "--env", "test", "--phase", "contract"];
            database.trueup(&contract).await.ended(0).unwrap();
            database.trueup(&["rollback", "plan", "--env", "test"]).await.ended(0).unwrap();
            database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
            database.done().await;
        }
    });
}

#[test]
fn a_foreign_key_is_not_left_unchecked() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        let columns =
            "name text NOT NULL, changed int NOT NULL DEFAULT 0, port int NOT NULL -- @backfill using=id - id + 7\n";
        let state = database.state().await;
        let refused = plan(&database, columns, "skip").await;
        refused.fails(
            3,
            "column public.ship.port is filled and part of constraint public.ship.in_port, which is checked by \
             triggers, and `backfill_triggers = \"skip\"` skips them",
        );
        assert_eq!(database.state().await, state, "something was changed");
        plan(&database, columns, "fire").await.ended(0).unwrap();
        let unknown = plan(&database, columns, "never").await;
        unknown.fails(1, "trueup.toml:3:21: unknown variant `never`, expected `fire` or `skip`");
        database.done().await;
    });
}

#[test]
fn a_role_that_may_not_skip_triggers_is_told_before_anything_is_changed() {
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        let role = format!("skipper_{}", database.target.database());
        database
            .execute(&format!(
                "CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {db} TO {role}; ALTER SCHEMA public OWNER TO {role}; \
                 ALTER TABLE ship OWNER TO {role}; ALTER TABLE port OWNER TO {role}; ALTER FUNCTION count_change OWNER TO {role}",
                db = database.target.database()
            ))
            .await;
        let columns = "name text NOT NULL, changed int NOT NULL DEFAULT 0, port int, loud text NOT NULL -- @backfill using=upper(name)\n";
        plan(&database, columns, "skip").await.ended(0).unwrap();
        let url = oracle::url(&database.target).replace(&format!("user={}", database.target.user()), &format!("user={role}"));
        let hers = format!("[env.test]\nurl = \"{url}\"\nbackfill_triggers = \"skip\"\n");
        database.write("trueup.toml", &hers);
        database.approve("plan").await.unwrap();
        let apply = ["apply", "plan", "--env", "test", "--phase", "expand"];
        let state = database.state().await;
        database.trueup(&apply).await.fails(3, "may not set session_replication_role");
        assert_eq!(database.state().await, state, "something was changed");
        database.execute(&format!("GRANT SET ON PARAMETER session_replication_role TO {role}")).await;
        database.trueup(&apply).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT sum(changed)::text FROM ship").await, "0");
        let target = database.target.clone();
        database.done().await;
        let session = trueup::postgres::Session::connect(&target.with_database("postgres")).await.unwrap();
        session
            .client()
            .batch_execute(&format!("REVOKE SET ON PARAMETER session_replication_role FROM {role}; DROP ROLE {role}"))
            .await
            .unwrap();
    });
}

/// Rows that code writes while others are filled without triggers: those of the code fire them, and both names and the value that
/// is computed of them stay right.
#[test]
fn code_runs_while_rows_are_filled_without_triggers() {
    const CODE: &[&str] = &[
        "UPDATE ship SET name = 'old ' || $2::bigint WHERE id = $1::bigint",
        "INSERT INTO ship (id, name) SELECT ($2::bigint)::int, 'n ' || $1::bigint",
        "DELETE FROM ship WHERE id = $2::bigint AND $1::bigint % 2 = 0",
    ];
    runtime().block_on(async {
        let database = Database::with(BEFORE).await.unwrap();
        let more =
            format!("INSERT INTO ship SELECT n, 'Ship ' || n FROM generate_series(3001, {ROWS}) n");
        database.execute(&more).await;
        let before = database.dump().await;
        plan(&database, TWO, "skip").await.ended(0).unwrap();
        database.approve("plan").await.unwrap();
        let code = Writers::start(&database, CODE, 30_000_000).await;
        database.trueup(&["apply", "plan", "--env", "test", "--phase", "expand"]).await.ended(0).unwrap();
        code.end("code, while rows are filled without triggers").await;
        let wrong = "SELECT count(*)::text FROM ship WHERE full_name IS DISTINCT FROM name OR loud IS DISTINCT FROM upper(name)
                     OR changed = 0 AND name LIKE 'old %' OR changed > 0 AND name LIKE 'Ship %'";
        assert_eq!(database.ask(wrong).await, "0");
        database.trueup(&["apply", "plan", "--env", "test", "--phase", "contract"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan", "--env", "test"]).await.ended(0).unwrap();
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

/// Each trigger writes its name down when it fires.
const NAMED: &str = "CREATE TABLE fired (name text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.fired VALUES (TG_NAME); RETURN NEW; END $$;
    CREATE TABLE server (id int PRIMARY KEY, host text, port int, why text);
    CREATE TRIGGER of_host BEFORE UPDATE OF port, host ON server FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER of_port BEFORE UPDATE OF port ON server FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER on_insert BEFORE INSERT ON server FOR EACH ROW WHEN (NEW.why = 'UPDATE') EXECUTE FUNCTION note();
    CREATE TRIGGER on_update AFTER INSERT OR UPDATE ON server FOR EACH ROW WHEN (NEW.why IS DISTINCT FROM ' UPDATE OF why ON ') EXECUTE FUNCTION note();
    CREATE TRIGGER asleep BEFORE UPDATE ON server FOR EACH ROW EXECUTE FUNCTION note();
    ALTER TABLE server DISABLE TRIGGER asleep;
    CREATE TRIGGER replicated BEFORE UPDATE ON server FOR EACH ROW EXECUTE FUNCTION note();
    ALTER TABLE server ENABLE REPLICA TRIGGER replicated;
    CREATE TRIGGER always BEFORE UPDATE ON server FOR EACH ROW EXECUTE FUNCTION note();
    ALTER TABLE server ENABLE ALWAYS TRIGGER always;";

#[test]
fn the_triggers_that_are_said_to_fire_are_those_that_fire() {
    runtime().block_on(async {
        let database = Database::with(NAMED).await.unwrap();
        database
            .execute("INSERT INTO server SELECT n FROM generate_series(1, 100) n; DELETE FROM fired")
            .await;
        let desired = NAMED.replace("host text,", "host text NOT NULL, -- @backfill using='localhost'\n");
        database.plan_approved(&desired).await;
        let shown = database.trueup(&["show", "plan"]).await.ended(0).unwrap();
        let said = shown.stdout.split("triggers fire: ").nth(1).and_then(|rest| rest.split(';').next());
        let mut said: Vec<&str> = said.unwrap_or_else(|| panic!("{}", shown.shown())).split(", ").collect();
        said.sort_unstable();
        database.trueup(&["apply", "plan", "--phase", "expand"]).await.ended(0).unwrap();
        let fired = database.ask("SELECT string_agg(DISTINCT name, ', ' ORDER BY name) FROM fired").await;
        assert_eq!(fired, "always, of_host, on_update");
        assert_eq!(said.join(", "), fired, "{}", shown.shown());
        database.done().await;
    });
}

/// A trigger of the table changes what the value is computed from: rows that are written meanwhile get the same as those that
/// are filled.
#[test]
fn a_value_is_that_of_the_row_that_is_stored() {
    runtime().block_on(async {
        let before = "CREATE TABLE person (id int PRIMARY KEY, email text);
            CREATE FUNCTION lowers() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.email := lower(NEW.email); RETURN NEW; END';
            CREATE TRIGGER lowers BEFORE INSERT OR UPDATE ON person FOR EACH ROW EXECUTE FUNCTION lowers();";
        let database = Database::with(before).await.unwrap();
        database.execute("INSERT INTO person VALUES (1, 'Bob@EXAMPLE.COM')").await;
        let host = "email text, host text NOT NULL -- @backfill using=split_part(email,'@',2)\n)";
        database.plan_approved(&before.replacen("email text)", host, 1)).await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.execute("INSERT INTO person VALUES (2, 'Ann@EXAMPLE.COM'); UPDATE person SET email = 'Bo@EXAMPLE.ORG' WHERE id = 1").await;
        database.trueup(&["apply", "plan", "--phase", "contract"]).await.ended(0).unwrap();
        let hosts = "SELECT string_agg(host, ' ' ORDER BY id) FROM person";
        assert_eq!(database.ask(hosts).await, "example.org example.com");
        database.done().await;
    });
}
