//! Tables and columns get other names while code uses both: old code until contract, new code from expand on. Not one of their
//! statements fails, no row is lost, nobody sees or writes by the new name what the old one would refuse, and triggers fire
//! by both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle;
use crate::oracle::{
    Database, runtime, server_of,
    writers::{ROWS, Writers},
};

const BEFORE: &str = "
    CREATE TABLE harbour (id bigint PRIMARY KEY);
    INSERT INTO harbour SELECT generate_series(0, 9);
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := now(); RETURN NEW; END $$;
    CREATE TABLE ship (
        id bigint PRIMARY KEY,
        name text NOT NULL,
        tons int DEFAULT 1 CHECK (tons > 0),
        number bigserial,
        harbour bigint DEFAULT 0 REFERENCES harbour,
        seen timestamptz,
        heavy boolean GENERATED ALWAYS AS (tons > 10) STORED
    );
    CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON ship FOR EACH ROW EXECUTE FUNCTION stamp();
    CREATE TABLE cargo (ship bigint REFERENCES ship ON DELETE CASCADE);
    CREATE VIEW heavy AS SELECT id FROM ship WHERE heavy;";

const AFTER: &str = "
    CREATE TABLE harbour (id bigint PRIMARY KEY);
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := now(); RETURN NEW; END $$;
    -- @renamed from=ship online
    CREATE TABLE vessel (
        id bigint PRIMARY KEY,
        name text NOT NULL,
        tons int DEFAULT 1 CHECK (tons > 0),
        number bigserial,
        harbour bigint DEFAULT 0 REFERENCES harbour,
        seen timestamptz,
        heavy boolean GENERATED ALWAYS AS (tons > 10) STORED,
        flag text
    );
    CREATE INDEX ON vessel (name);
    CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON vessel FOR EACH ROW EXECUTE FUNCTION stamp();
    CREATE TABLE cargo (ship bigint REFERENCES vessel ON DELETE CASCADE);
    CREATE VIEW heavy AS SELECT id, tons FROM vessel WHERE heavy;
    CREATE VIEW afloat AS SELECT v.id, v.name, h.tons FROM vessel v LEFT JOIN heavy h USING (id);
    CREATE FUNCTION tons_of(bigint) RETURNS int LANGUAGE sql STABLE RETURN (SELECT tons FROM vessel WHERE id = $1);";

const OLD_NAME: &[&str] = &[
    "UPDATE ship SET name = 'old ' || $2::bigint WHERE id = $1::bigint",
    "INSERT INTO ship (id, name) SELECT $2::bigint, 'n' || $1::bigint",
    "INSERT INTO ship (id, name, tons) VALUES ($1::bigint, 'u', 20) ON CONFLICT (id) DO UPDATE SET tons = EXCLUDED.tons WHERE ship.id <> $2::bigint",
    "COPY ship (id, name) FROM STDIN",
    "INSERT INTO cargo SELECT $2::bigint WHERE $1::bigint > 0",
    "SELECT id FROM heavy WHERE id IN ($1::bigint, $2::bigint)",
    "DELETE FROM ship WHERE id = $2::bigint AND $1::bigint % 2 = 0",
];

const NEW_NAME: &[&str] = &[
    "UPDATE vessel SET name = 'new ' || $2::bigint WHERE id = $1::bigint",
    "INSERT INTO vessel (id, name) SELECT $2::bigint, 'n' || $1::bigint",
    "INSERT INTO vessel (id, name, tons) VALUES ($1::bigint, 'v', 30) ON CONFLICT (id) DO UPDATE SET tons = EXCLUDED.tons WHERE vessel.id <> $2::bigint",
    "INSERT INTO cargo SELECT id FROM vessel WHERE id = $2::bigint AND $1::bigint > 0 FOR NO KEY UPDATE",
    "SELECT tons, tons_of(id), name FROM afloat WHERE id IN ($1::bigint, $2::bigint)",
    "DELETE FROM vessel WHERE id = $2::bigint AND $1::bigint % 2 = 0",
];

async fn run(database: &Database, arguments: &[&str]) {
    database.trueup(arguments).await.ended(0).unwrap();
}

fn renamed_while_code_runs(major: u16) {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(major)), BEFORE).await.unwrap();
        let rows = format!("INSERT INTO ship (id, name) SELECT n, 'ship ' || n FROM generate_series(1, {ROWS}) n");
        database.execute(&rows).await;
        let before = database.dump().await;
        database.plan_approved(AFTER).await;

        let old = Writers::start(&database, OLD_NAME, 10_000_000).await;
        run(&database, &["apply", "plan", "--phase", "expand"]).await;
        let new = Writers::start(&database, NEW_NAME, 20_000_000).await;
        // between the phases there is nothing else to plan
        let again = ["plan", "--schema", "desired.sql", "--out", "again", "--exit-code", "--manage", "all"];
        database.trueup(&again).await.ended(0).unwrap();
        old.end("old code, through expand").await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        run(&database, &["rollback", "plan", "--phase", "contract"]).await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        assert_eq!(
            database.ask("SELECT (SELECT relkind FROM pg_class WHERE relname = 'vessel')::text").await,
            "r"
        );
        run(&database, &["rollback", "plan", "--phase", "contract"]).await;
        let old = Writers::start(&database, OLD_NAME, 40_000_000).await;
        new.end("new code, through contract, back, and both again").await;
        run(&database, &["rollback", "plan"]).await;
        old.end("old code, through the rollback of expand").await;
        let all = format!("SELECT count(*)::text FROM ship WHERE id BETWEEN 1 AND {ROWS}");
        assert_eq!(database.ask(&all).await, ROWS.to_string());
        let numbers = "SELECT (count(*) = count(DISTINCT number) AND count(*) = count(seen))::text FROM ship WHERE id > 0";
        assert_eq!(database.ask(numbers).await, "true");
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn a_table_is_renamed_while_code_runs_on_15() {
    renamed_while_code_runs(15);
}

#[test]
fn a_table_is_renamed_while_code_runs_on_18() {
    renamed_while_code_runs(18);
}

/// By the new name everybody may do what they may do by the old one, and sees the same rows.
#[test]
fn the_new_name_gives_nobody_more() {
    runtime().block_on(async {
        for major in [15, 18] {
            let guarded = |table: &str| {
                format!(
                    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
                     CREATE POLICY own ON {table} USING (name = current_user);
                     GRANT SELECT, INSERT ON {table} TO reader;
                     GRANT SELECT, UPDATE (tons) ON {table} TO writer;
                     ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO \"Auditor \"\"1\"\"\";"
                )
            };
            let rows = "INSERT INTO ship (id, name) VALUES (1, 'reader'), (2, 'writer')";
            let before = format!("{BEFORE}{}{rows}", guarded("ship"));
            let database = Database::with_on(server_of(Some(major)), &before).await.unwrap();
            database.plan_approved(&format!("{AFTER}{}", guarded("vessel"))).await;
            run(&database, &["apply", "plan", "--phase", "expand"]).await;
            for (role, statement, answer) in [
                ("reader", "SELECT string_agg(name, ',') FROM", "reader"),
                ("writer", "SELECT string_agg(name, ',') FROM", "writer"),
                (
                    "reader",
                    "WITH gone AS (DELETE FROM NAME RETURNING 1) SELECT count(*)::text FROM gone, ",
                    "permission denied",
                ),
                (
                    "reader",
                    "WITH new AS (UPDATE NAME SET tons = 2 RETURNING 1) SELECT count(*)::text FROM new, ",
                    "permission denied",
                ),
                (
                    "writer",
                    "WITH new AS (UPDATE NAME SET name = 'x' RETURNING 1) SELECT count(*)::text FROM new, ",
                    "permission denied",
                ),
                (
                    "writer",
                    "WITH new AS (UPDATE NAME SET tons = 2 RETURNING 1) SELECT count(*)::text FROM new, ",
                    "1",
                ),
                ("Auditor \"1\"", "SELECT string_agg(name, ',') FROM", "permission denied"),
            ] {
                for name in ["ship", "vessel"] {
                    let session = database.session().await;
                    let role = trueup::sql::ident(role);
                    session.client().batch_execute(&format!("SET ROLE {role}")).await.unwrap();
                    let sql = format!("{} {name}", statement.replace("NAME", name));
                    let got = match session.client().query_one(&sql, &[]).await {
                        Ok(row) => row.get::<_, String>(0),
                        Err(error) => oracle::words(&error),
                    };
                    assert!(got.contains(answer), "{major}: {role}: {sql}: {got}");
                    session.close().await;
                }
            }
            run(&database, &["rollback", "plan"]).await;
            database.done().await;
        }
    });
}

/// A trigger on UPDATE OF a column fires once, by whichever name it is set, also where a child has a trigger of its own.
#[test]
fn triggers_on_update_of_it_fire_by_both_names() {
    runtime().block_on(async {
        for major in [15, 18] {
            let schema = |column: &str| {
                format!(
                    "CREATE TABLE t (id int PRIMARY KEY, {column}, other int, fired int NOT NULL DEFAULT 0);
                     CREATE TABLE child () INHERITS (t);
                     CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.fired := NEW.fired + 1; RETURN NEW; END$$;
                     CREATE TRIGGER fire BEFORE INSERT OR UPDATE OF other, NAME ON t FOR EACH ROW EXECUTE FUNCTION fire();
                     CREATE TRIGGER changed BEFORE UPDATE OF NAME ON child FOR EACH ROW
                         WHEN (OLD.NAME IS DISTINCT FROM NEW.NAME) EXECUTE FUNCTION fire();
                     ALTER TABLE child ENABLE ALWAYS TRIGGER changed;
                     COMMENT ON TRIGGER fire ON t IS 'counts';"
                )
            };
            let before = schema("\"old, name\" text").replace("NAME", "\"old, name\"");
            let after = schema("new text /* @renamed from=\"old, name\" online */").replace("NAME", "new");
            let database = Database::with_on(server_of(Some(major)), &before).await.unwrap();
            database.execute("INSERT INTO t VALUES (1, 'x', 0); INSERT INTO child VALUES (2, 'y', 0);").await;
            let dump = database.dump().await;
            database.plan_approved(&after).await;
            run(&database, &["apply", "plan", "--phase", "expand"]).await;
            // who fills the rows fires nothing
            let fired = "SELECT string_agg(fired::text, ' ' ORDER BY id) FROM t";
            assert_eq!(database.ask(fired).await, "1 0");
            let both = async |when: &str| {
                for (set, fires) in [
                    ("new = new || '1'", 1),
                    ("\"old, name\" = \"old, name\" || '1'", 1),
                    ("other = other + 1", 1),
                    ("id = id", 0),
                ] {
                    for table in ["ONLY t", "child"] {
                        // the child's own trigger looks at the value, too
                        let fires = if table == "child" && set.starts_with("other") { 0 } else { fires };
                        database.execute(&format!("UPDATE {table} SET fired = 0")).await;
                        database.execute(&format!("UPDATE {table} SET {set}")).await;
                        let fired = database.ask(&format!("SELECT fired::text FROM {table}")).await;
                        assert_eq!(fired, fires.to_string(), "{major}, {when}: {table} SET {set}");
                    }
                }
            };
            both("after expand").await;
            run(&database, &["apply", "plan", "--phase", "contract"]).await;
            run(&database, &["rollback", "plan", "--phase", "contract"]).await;
            both("after the rollback of contract").await;
            run(&database, &["apply", "plan", "--phase", "contract"]).await;
            run(&database, &["rollback", "plan"]).await;
            database.dump().await.must_equal(&dump, "the rollback does not lead back").await.unwrap();
            database.done().await;
        }
    });
}
