//! Changes made while code runs: old code until contract, new code from expand on. Not one of their statements fails,
//! no row is lost or differs, and nobody waits longer for a lock than a step may take.
//!
//! The program itself plans, applies and rolls back; the writers are sessions of their own that never pause.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::oracle::{
    Database, runtime, server_of,
    writers::{ROWS, Writers},
};

async fn run(database: &Database, arguments: &[&str]) {
    database.trueup(arguments).await.ended(0).unwrap();
}

fn person() -> String {
    format!(
        "CREATE TABLE person (id bigint PRIMARY KEY, email text NOT NULL, nick text);
         INSERT INTO person SELECT n, 'u' || n || '@h' || n % 7, CASE WHEN n % 3 = 0 THEN 'n' END FROM generate_series(1, {ROWS}) n;"
    )
}

/// Of a column computed out of another one, of a constant, and of a column that had NULL.
const FILLED: &str = "CREATE TABLE person (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    nick text NOT NULL, -- @backfill using='none'
    tier text NOT NULL, -- @backfill using='free'
    host text NOT NULL  -- @backfill using=split_part(email, '@', 2)
);";

const OLD_CODE: &[&str] = &[
    "UPDATE person SET email = 'a@old' || $2::bigint % 5 WHERE id = $1::bigint",
    "INSERT INTO person (id, email, nick) SELECT $2::bigint, 'b@new' || $1::bigint % 5, 'x'",
    "INSERT INTO person (id, email, nick) VALUES ($1::bigint, 'c@' || $2::bigint % 3, 'y')
         ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email",
    "DELETE FROM person WHERE id = $2::bigint AND $1::bigint % 2 = 0",
];

const NEW_CODE: &[&str] = &[
    "UPDATE person SET email = 'd@host', host = 'host', tier = 'paid' || $2::bigint % 2 WHERE id = $1::bigint",
    "INSERT INTO person (id, email, nick, tier, host) SELECT $2::bigint, 'e@f' || $1::bigint % 5, 'x', 'paid', 'f' || $1::bigint % 5",
    "INSERT INTO person (id, email, nick, tier, host) VALUES ($1::bigint, 'g@h', 'z', 'paid', 'h')
         ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email, host = EXCLUDED.host WHERE person.id <> $2::bigint",
    "DELETE FROM person WHERE id = $2::bigint AND $1::bigint % 2 = 0",
];

/// Rows whose value is not what it would be computed to be, or missing.
const WRONG: &str = "SELECT count(*)::text FROM person WHERE host IS DISTINCT FROM split_part(email, '@', 2) OR tier IS NULL OR nick IS NULL";

fn filled_while_code_runs(major: u16) {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(major)), &person()).await.unwrap();
        let before = database.dump().await;
        database.plan_approved(FILLED).await;
        // of the columns that are filled the one that was there keeps its values, and the one that is new goes
        let shown = database.trueup(&["show", "plan"]).await.ended(0).unwrap().stdout;
        let fills: Vec<&str> = shown.lines().filter(|line| line.contains("FILLS_ROWS")).collect();
        let both = "column public.person.host, nick; a rollback leaves the values of nick where they are";
        assert!(fills.iter().any(|line| line.contains(both)), "{shown}");
        assert!(fills.iter().any(|line| line.contains("person.nick; a rollback leaves")), "{shown}");

        let old = Writers::start(&database, OLD_CODE, 10_000_000).await;
        run(&database, &["apply", "plan", "--phase", "expand"]).await;
        let new = Writers::start(&database, NEW_CODE, 20_000_000).await;
        // both at once, until all rows that were there have been written once more or less
        database.execute("ANALYZE person").await;
        old.end("old code, through expand").await;
        assert_eq!(
            database.ask("SELECT count(*)::text FROM person WHERE id <= 20000").await,
            ROWS.to_string()
        );

        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        assert_eq!(database.ask(WRONG).await, "0");
        run(&database, &["rollback", "plan", "--phase", "contract"]).await;
        new.end("new code, through contract and back").await;

        let old = Writers::start(&database, OLD_CODE, 30_000_000).await;
        run(&database, &["rollback", "plan"]).await;
        old.end("old code, through the rollback of expand").await;
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        assert_eq!(
            database.ask("SELECT count(*)::text FROM person WHERE id <= 20000").await,
            ROWS.to_string()
        );
        database.done().await;
    });
}

#[test]
fn columns_are_filled_while_code_runs_on_15() {
    filled_while_code_runs(15);
}

#[test]
fn columns_are_filled_while_code_runs_on_18() {
    filled_while_code_runs(18);
}

/// Values of its own for every row: by a default, a serial, an identity, and an expression that is another one each time.
const COUNTED: &str = "CREATE TABLE person (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    nick text,
    key uuid DEFAULT gen_random_uuid() NOT NULL,
    number serial NOT NULL UNIQUE,
    place bigint GENERATED ALWAYS AS IDENTITY (START WITH 1000) UNIQUE,
    token uuid -- @backfill using=gen_random_uuid()
);";

/// The same code, of which one session's keys change: such a row may be where the backfill has been already.
const MOVING_CODE: &[&str] = &[
    OLD_CODE[0],
    OLD_CODE[1],
    OLD_CODE[2],
    OLD_CODE[3],
    "UPDATE person SET id = -$2::bigint WHERE id = $1::bigint AND id % 7 = 3",
];

/// Those who are there keep what they got, and nobody gets what another one has.
fn counted_while_code_runs(major: u16) {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(major)), &person()).await.unwrap();
        let before = database.dump().await;
        database.plan_approved(COUNTED).await;
        let (all, kept) = (
            "SELECT concat_ws(' ', count(*) >= 20000, count(*) = count(DISTINCT key), count(*) = count(DISTINCT number),
                 count(*) = count(DISTINCT place), count(token) = count(DISTINCT token)) FROM person",
            format!("SELECT md5(string_agg(concat_ws(' ', id, key, number, place, token), ',' ORDER BY id)) FROM person WHERE id BETWEEN 1 AND {ROWS} AND id % 7 <> 3"),
        );
        let old = Writers::start(&database, MOVING_CODE, 10_000_000).await;
        run(&database, &["apply", "plan", "--phase", "expand"]).await;
        let got = database.ask(&kept).await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        let next = "INSERT INTO person (id, email, token) VALUES (-1, '', gen_random_uuid()) RETURNING (place >= (SELECT max(place) FROM person))::text";
        run(&database, &["rollback", "plan", "--phase", "contract"]).await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        old.end("old code, through expand and contract and back").await;
        assert_eq!(database.ask(all).await, "t t t t t");
        assert_eq!(database.ask(&kept).await, got, "who had a value got another one");
        assert_eq!(database.ask(next).await, "true", "the identity counts on");
        run(&database, &["rollback", "plan"]).await;
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn rows_are_counted_while_code_runs_on_15() {
    counted_while_code_runs(15);
}

#[test]
fn rows_are_counted_while_code_runs_on_18() {
    counted_while_code_runs(18);
}

/// Stops whoever updates one row as long as somebody else wants it.
const HELD_UP: &str = "
    CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.id = 15000 THEN PERFORM pg_advisory_xact_lock(42); END IF;
        RETURN NEW; END $$;
    CREATE TRIGGER held_up BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION hold_up();";

/// Killed in the middle of a backfill, `apply` goes on from the batch it had come to; and waits while a vacuum works there.
#[test]
fn a_backfill_that_is_killed_goes_on_where_it_was() {
    runtime().block_on(async {
        // without a key, blocks are visited
        for (what, key) in [("by key", "PRIMARY KEY"), ("by block", "")] {
            let database = Database::with_on(
                server_of(None),
                &format!(
                    "CREATE TABLE person (id bigint {key}, email text NOT NULL);
                     {HELD_UP}
                     INSERT INTO person SELECT n, 'u' || n || '@h' || n % 7 FROM generate_series(1, {ROWS}) n;"
                ),
            )
            .await
            .unwrap();
            database.plan_approved(&format!(
                    "CREATE TABLE person (id bigint {key}, email text NOT NULL, \
                     host text NOT NULL -- @backfill using=split_part(email, '@', 2) batch=10\n); {HELD_UP}"
                ),
            )
            .await;
            let holder = database.session().await;
            holder.client().batch_execute("SELECT pg_advisory_lock(42)").await.unwrap();
            let mut applying = database
                .command(&["apply", "plan", "--phase", "expand"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let place = "SELECT coalesce(max(changed), 0)::text FROM trueup.backfill";
            let waits = "SELECT count(*)::text FROM pg_stat_activity \
                         WHERE application_name = 'trueup' AND wait_event_type = 'Lock' AND datname = current_database()";
            while database.ask(waits).await == "0" {
                tokio::task::yield_now().await;
            }
            applying.start_kill().unwrap();
            applying.wait().await.unwrap();
            let reached: i64 = database.ask(place).await.parse().unwrap();
            assert!((1..ROWS).contains(&reached), "{what}: {reached}");
            holder.close().await;

            // what a vacuum holds, for as long as it takes until somebody waits for it
            let vacuum = database.session().await;
            vacuum.client().batch_execute("BEGIN; LOCK TABLE person IN SHARE UPDATE EXCLUSIVE MODE").await.unwrap();
            let mut applying = database.command(&["apply", "plan", "--phase", "expand"]).spawn().unwrap();
            let mut said = BufReader::new(applying.stderr.take().unwrap()).lines();
            loop {
                let line = said.next_line().await.unwrap().expect("it waits");
                if line.contains("waits: a vacuum or an index build works on the table") {
                    break;
                }
            }
            assert_eq!(database.ask(place).await, reached.to_string(), "{what}: it goes on");
            vacuum.close().await;
            while said.next_line().await.unwrap().is_some() {}
            assert!(applying.wait().await.unwrap().success(), "{what}");
            let changed: i64 = database.ask(place).await.parse().unwrap();
            // the batch in which it was killed may have been committed by then: every row once all the same
            assert_eq!(changed, ROWS, "{what}: rows were filled twice or left out");
            run(&database, &["apply", "plan", "--phase", "contract"]).await;
            assert_eq!(database.ask("SELECT count(*)::text FROM person WHERE host IS DISTINCT FROM split_part(email, '@', 2)").await, "0");
            run(&database, &["rollback", "plan"]).await;
            // what was rolled back begins anew
            run(&database, &["apply", "plan", "--phase", "all"]).await;
            assert_eq!(database.ask("SELECT count(*)::text FROM person WHERE host IS DISTINCT FROM split_part(email, '@', 2)").await, "0");
            database.done().await;
        }
    });
}

/// Expressions are read by PostgreSQL: what is wrong with them is said where they stand, before anything is planned.
#[test]
fn what_is_wrong_with_an_expression_is_said_where_it_stands() {
    runtime().block_on(async {
        let database = Database::with_on(server_of(None), &person()).await.unwrap();
        for (using, code, line) in [
            ("nowhere", 1, "desired.sql:2:26: @backfill: column \"nowhere\" does not exist"),
            ("count(*)", 1, "desired.sql:2:26: @backfill: "),
            ("${tier}", 1, "desired.sql:2:26: "),
        ] {
            database.write(
                "desired.sql",
                &format!("CREATE TABLE person (id bigint PRIMARY KEY, email text NOT NULL, nick text,\n    host int NOT NULL -- @backfill using={using}\n);"),
            );
            let ran = database.trueup(&["plan", "--schema", "desired.sql", "--out", "plan", "--manage", "all"]).await;
            assert!(ran.code != Some(0) && ran.shown().contains(line), "{code} {line}:\n{}", ran.shown());
        }
        database.done().await;
    });
}

/// Partitions are filled by their keys, inheritors by theirs or block by block, each once; the value is said of the whole.
#[test]
fn every_partition_and_inheritor_is_filled() {
    const TABLES: &str = "
        CREATE TABLE one PARTITION OF root FOR VALUES IN ('x');
        CREATE TABLE two PARTITION OF root FOR VALUES IN ('y') PARTITION BY RANGE (a);
        CREATE TABLE two_low PARTITION OF two FOR VALUES FROM (0) TO (500);
        CREATE TABLE two_rest PARTITION OF two DEFAULT;
        CREATE TABLE child (own int) INHERITS (parent);
        CREATE TABLE lookup (k text PRIMARY KEY, val int);";
    let root = |w: &str| {
        format!(
            "CREATE TABLE root (a int NOT NULL, b text NOT NULL,{w} PRIMARY KEY (a, b)) PARTITION BY LIST (b);"
        )
    };
    let parent = |w: &str| format!("CREATE TABLE parent (id int PRIMARY KEY, n text{w});");
    runtime().block_on(async {
        let rows = "
            INSERT INTO root SELECT n, CASE n % 2 WHEN 0 THEN 'x' ELSE 'y' END FROM generate_series(1, 900) n;
            INSERT INTO parent SELECT n, 'p' || n FROM generate_series(1, 300) n;
            INSERT INTO child SELECT n, 'c' || n, n FROM generate_series(1, 300) n;
            INSERT INTO lookup VALUES ('x', 1), ('y', 2);";
        let before = format!("{}{}{TABLES}{rows}", root(""), parent(""));
        let after = format!(
            "{}{}{TABLES}",
            root("\n w int NOT NULL, -- @backfill using=(SELECT val FROM lookup WHERE k = b) + 1\n"),
            parent(",\n big text NOT NULL -- @backfill using=upper(n)\n")
        );
        let database = Database::with_on(server_of(None), &before).await.unwrap();
        let dump = database.dump().await;
        database.plan_approved(&after).await;
        run(&database, &["apply", "plan", "--phase", "all"]).await;
        let wrong = "SELECT ((SELECT count(*) FROM root WHERE w IS DISTINCT FROM CASE b WHEN 'x' THEN 2 ELSE 3 END) \
                     + (SELECT count(*) FROM parent WHERE big IS DISTINCT FROM upper(n)))::text";
        assert_eq!(database.ask(wrong).await, "0");
        assert_eq!(database.ask("SELECT sum(changed)::text FROM trueup.backfill").await, "1500");
        run(&database, &["rollback", "plan"]).await;
        database.dump().await.must_equal(&dump, "the rollback does not lead back").await.unwrap();
        assert_eq!(database.ask("SELECT (count(*) + (SELECT count(*) FROM parent))::text FROM root").await, "1500");
        database.done().await;
    });
}

/// Columns that are there and are computed from each other get their values in this order, however they are called. What
/// code writes without them between the phases gets them, too.
#[test]
fn columns_that_are_computed_from_each_other_are_filled_in_order() {
    runtime().block_on(async {
        let setup = "CREATE TABLE t (id int PRIMARY KEY, named int, u int, v int, w int, x int, y int, z int);
                     INSERT INTO t (id, named) SELECT n, n FROM generate_series(1, 2500) n;";
        let database = Database::with_on(server_of(None), setup).await.unwrap();
        let after = "CREATE TABLE t (id int PRIMARY KEY,
             renamed int, -- @renamed from=named online
             u int NOT NULL, -- @backfill using=v + 1
             v int NOT NULL, -- @backfill using=w + 1
             w int NOT NULL, -- @backfill using=x + 1
             x int NOT NULL, -- @backfill using=y + 1
             y int NOT NULL, -- @backfill using=renamed + 1
             z int NOT NULL -- @backfill using=7
         );";
        database.plan_approved(after).await;
        run(&database, &["apply", "plan", "--phase", "expand"]).await;
        database.execute("INSERT INTO t (id, named) SELECT n, n FROM generate_series(2501, 3000) n").await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        let wrong = "SELECT count(*) FILTER (WHERE (u, v, w, x, y, z) IS DISTINCT FROM
                     (renamed + 5, renamed + 4, renamed + 3, renamed + 2, renamed + 1, 7)) || ' of ' || count(*) FROM t";
        assert_eq!(database.ask(wrong).await, "0 of 3000");
        run(&database, &["rollback", "plan"]).await;
        assert_eq!(database.ask("SELECT sum(named - id)::text FROM t").await, "0");
        database.done().await;
    });
}

/// A column that everything hangs on.
const NAMED: &str = "
    CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := now(); RETURN NEW; END $$;
    CREATE TABLE person (
        id bigint PRIMARY KEY,
        \"displayName\" text NOT NULL UNIQUE,
        code varchar(20) DEFAULT 'none' CHECK (code <> ''),
        seen timestamptz,
        short text GENERATED ALWAYS AS (left(\"displayName\", 3)) STORED
    );
    CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON person FOR EACH ROW EXECUTE FUNCTION tidy();
    CREATE INDEX by_code ON person (code, id) WHERE code <> 'x';
    CREATE TABLE nick (person bigint REFERENCES person, name text REFERENCES person (\"displayName\") ON UPDATE CASCADE ON DELETE CASCADE);
    CREATE VIEW codes AS SELECT id, code FROM person;";

const RENAMED: &str = "
    CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := now(); RETURN NEW; END $$;
    CREATE TABLE person (
        id bigint PRIMARY KEY,
        display_name text NOT NULL UNIQUE, -- @renamed from=\"displayName\" online
        kode varchar(20) DEFAULT 'none' CHECK (kode <> ''), -- @renamed from=code online
        seen timestamptz,
        short text GENERATED ALWAYS AS (left(display_name, 3)) STORED
    );
    CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON person FOR EACH ROW EXECUTE FUNCTION tidy();
    CREATE INDEX by_code ON person (kode, id) WHERE kode <> 'x';
    CREATE TABLE nick (person bigint REFERENCES person, name text REFERENCES person (display_name) ON UPDATE CASCADE ON DELETE CASCADE);
    CREATE VIEW codes AS SELECT id, kode FROM person;
    CREATE TABLE badge (person bigint PRIMARY KEY REFERENCES person ON DELETE CASCADE, colour text);
    CREATE VIEW badges AS SELECT c.id, p.display_name, c.kode, b.colour
        FROM codes c JOIN person p USING (id) LEFT JOIN badge b ON b.person = c.id;
    COMMENT ON VIEW badges IS 'who is who';
    CREATE FUNCTION kode_of(bigint) RETURNS text LANGUAGE sql STABLE RETURN (SELECT kode FROM badges WHERE id = $1);
    CREATE FUNCTION find(text) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT id FROM person WHERE display_name = $1';";

const OLD_NAMES: &[&str] = &[
    "UPDATE person SET \"displayName\" = 'old ' || $2::bigint, code = 'o' || $1::bigint WHERE id = $1::bigint",
    "UPDATE person SET code = DEFAULT WHERE id = $1::bigint + $2::bigint * 0",
    "INSERT INTO person (id, \"displayName\") SELECT $2::bigint, 'by ' || $2::bigint WHERE $1::bigint > 0",
    "INSERT INTO person (id, \"displayName\", code) SELECT $1::bigint, 'again ' || $2::bigint, NULL
         ON CONFLICT (id) DO UPDATE SET \"displayName\" = EXCLUDED.\"displayName\", code = EXCLUDED.code",
    "INSERT INTO person (id, \"displayName\") SELECT $2::bigint, 'by ' || $2::bigint WHERE $1::bigint > 0
         ON CONFLICT (\"displayName\") DO NOTHING",
    "COPY person (id, \"displayName\") FROM STDIN",
    "SELECT code FROM codes WHERE id IN ($1::bigint, $2::bigint)",
    "UPDATE codes SET code = 'v' || $2::bigint WHERE id = $1::bigint",
    "DELETE FROM person WHERE id = $2::bigint AND $1::bigint % 2 = 0",
];

const NEW_NAMES: &[&str] = &[
    "UPDATE person SET display_name = 'new ' || $2::bigint, kode = 'n' || $1::bigint WHERE id = $1::bigint",
    "UPDATE person SET kode = DEFAULT WHERE id = $1::bigint + $2::bigint * 0",
    "INSERT INTO person (id, display_name) SELECT $2::bigint, 'by ' || $2::bigint WHERE $1::bigint > 0",
    "INSERT INTO person (id, display_name, kode) SELECT $1::bigint, 'again ' || $2::bigint, NULL
         ON CONFLICT (id) DO UPDATE SET display_name = EXCLUDED.display_name, kode = EXCLUDED.kode",
    "INSERT INTO person (id, display_name) SELECT $2::bigint, 'by ' || $2::bigint WHERE $1::bigint > 0
         ON CONFLICT DO NOTHING",
    "COPY person (id, display_name) FROM STDIN",
    "SELECT kode, kode_of(id), find(display_name) FROM badges WHERE id IN ($1::bigint, $2::bigint)",
    "UPDATE codes SET kode = 'v' || $2::bigint WHERE id = $1::bigint",
    "DELETE FROM person WHERE id = $2::bigint AND $1::bigint % 2 = 0",
];

/// Rows that are not what was written last, and whether none is missing: `wrong of all those that are there for good`.
fn wrong_names(name: &str) -> String {
    format!(
        "SELECT count(*) FILTER (WHERE CASE
             WHEN id > {ROWS} THEN {name} <> 'by ' || id
             WHEN id < 0 THEN {name} <> 'copied ' || -id
             ELSE {name} !~ '^(n|old|new|again) ' END OR short <> left({name}, 3)) || ' of ' || count(*) FILTER (WHERE id BETWEEN 1 AND {ROWS})
         FROM person"
    )
}

fn renamed_while_code_runs(major: u16) {
    runtime().block_on(async {
        let rows = format!("INSERT INTO person (id, \"displayName\") SELECT n, 'n ' || n FROM generate_series(1, {ROWS}) n");
        let database = Database::with_on(server_of(Some(major)), NAMED).await.unwrap();
        let before = database.dump().await;
        database.execute(&rows).await;
        database.plan_approved(RENAMED).await;
        let all_right = format!("0 of {ROWS}");

        let old = Writers::start(&database, OLD_NAMES, 10_000_000).await;
        run(&database, &["apply", "plan", "--phase", "expand"]).await;
        let new = Writers::start(&database, NEW_NAMES, 20_000_000).await;
        let differ = "SELECT count(*)::text FROM person WHERE display_name IS DISTINCT FROM \"displayName\" OR kode IS DISTINCT FROM code";
        for _ in 0..20 {
            assert_eq!(database.ask(differ).await, "0");
        }
        old.end("old code, through expand and beside new code").await;
        assert_eq!(database.ask(&wrong_names("\"displayName\"")).await, all_right);
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        assert_eq!(database.ask(&wrong_names("display_name")).await, all_right);
        run(&database, &["rollback", "plan", "--phase", "contract"]).await;
        assert_eq!(database.ask(differ).await, "0");
        let old = Writers::start(&database, OLD_NAMES, 30_000_000).await;
        for _ in 0..20 {
            assert_eq!(database.ask(differ).await, "0");
        }
        new.end("new code, through contract and back, and beside old code").await;
        run(&database, &["rollback", "plan"]).await;
        old.end("old code, through the rollback of expand").await;
        assert_eq!(database.ask(&wrong_names("\"displayName\"")).await, all_right);
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn columns_are_renamed_while_code_runs_on_15() {
    renamed_while_code_runs(15);
}

#[test]
fn columns_are_renamed_while_code_runs_on_18() {
    renamed_while_code_runs(18);
}

/// Contract waits until nobody writes by the old name, unless an approval says that it need not.
/// A value out of a column that has two names, beside one that goes.
const NAMED_AND_FILLED: &str = "CREATE TABLE person (
    id bigint PRIMARY KEY,
    display_name text NOT NULL, -- @renamed from=name online
    initial text NOT NULL, -- @backfill using=lower(left(display_name, 1))
    shout text -- @backfill using=upper(display_name)
);";

fn renamed_and_filled_while_code_runs(major: u16) {
    const OLD: &[&str] = &[
        "UPDATE person SET name = 'old ' || $2::bigint WHERE id = $1::bigint",
        "INSERT INTO person (id, name) SELECT $2::bigint, 'by ' || $2::bigint WHERE $1::bigint > 0",
        "INSERT INTO person (id, name) SELECT $1::bigint, 'again ' || $2::bigint ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name",
        "COPY person (id, name) FROM STDIN",
    ];
    const NEW: &[&str] = &[
        "UPDATE person SET display_name = 'New ' || $2::bigint, initial = 'n', shout = 'NEW ' || $2::bigint WHERE id = $1::bigint",
        "INSERT INTO person (id, display_name, initial, shout) SELECT $2::bigint, 'By ' || $2::bigint, 'b', 'BY ' || $2::bigint WHERE $1::bigint > 0",
        "INSERT INTO person (id, display_name, initial, shout) SELECT $1::bigint, 'Again ' || $2::bigint, 'a', 'AGAIN ' || $2::bigint
             ON CONFLICT (id) DO UPDATE SET display_name = EXCLUDED.display_name, initial = EXCLUDED.initial, shout = EXCLUDED.shout",
    ];
    const WRONG: &str = "SELECT count(*) FILTER (WHERE initial IS DISTINCT FROM lower(left(display_name, 1)) OR shout IS DISTINCT FROM upper(display_name)) || ' of ' || count(*) FILTER (WHERE id > 0 AND id <= 20000) FROM person";
    runtime().block_on(async {
        let setup = format!(
            "CREATE TABLE person (id bigint PRIMARY KEY, name text NOT NULL, fax int);
             INSERT INTO person SELECT n, 'N ' || n FROM generate_series(1, {ROWS}) n"
        );
        let database = Database::with_on(server_of(Some(major)), &setup).await.unwrap();
        let before = database.dump().await;
        database.plan_approved(NAMED_AND_FILLED).await;
        let all_right = format!("0 of {ROWS}");
        let old = Writers::start(&database, OLD, 10_000_000).await;
        run(&database, &["apply", "plan", "--phase", "expand"]).await;
        let new = Writers::start(&database, NEW, 20_000_000).await;
        old.end("old code, through expand and beside new code").await;
        new.end("new code, beside old code").await;
        assert_eq!(database.ask(WRONG).await, all_right);
        let new = Writers::start(&database, NEW, 30_000_000).await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        run(&database, &["rollback", "plan", "--phase", "contract"]).await;
        new.end("new code, through contract and back").await;
        assert_eq!(database.ask(WRONG).await, all_right);
        let old = Writers::start(&database, OLD, 50_000_000).await;
        run(&database, &["rollback", "plan"]).await;
        old.end("old code, through the rollback of expand").await;
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn columns_are_filled_out_of_renamed_ones_while_code_runs_on_15() {
    renamed_and_filled_while_code_runs(15);
}

#[test]
fn columns_are_filled_out_of_renamed_ones_while_code_runs_on_18() {
    renamed_and_filled_while_code_runs(18);
}

#[test]
fn contract_waits_for_old_names_to_be_quiet() {
    runtime().block_on(async {
        let setup = "CREATE TABLE person (id bigint PRIMARY KEY, nick text); INSERT INTO person VALUES (1, 'a'), (2, 'b');";
        let database = Database::with_on(server_of(None), setup).await.unwrap();
        database.write(
            "desired.sql",
            "CREATE TABLE person (id bigint PRIMARY KEY, alias text /* @renamed from=nick online */);",
        );
        run(&database, &["plan", "--schema", "desired.sql", "--out", "plan", "--manage", "all"]).await;
        let approve = ["approve", "plan", "--as", "tester", "--phase", "all", "--accept", "BREAKS_OLD_CODE"];
        run(&database, &approve).await;
        let applied = database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        assert!(applied.stdout.contains("contract remains: deploy"), "{}", applied.shown());
        // by the new name, and in another column: nobody minds
        database.execute("UPDATE person SET alias = 'c' WHERE id = 1; INSERT INTO person (id) VALUES (3)").await;
        let contract = ["apply", "plan", "--phase", "contract"];
        let dry = database.trueup_unattended(&[&contract[..], &["--dry-run"]].concat()).await;
        dry.ended(0).unwrap();
        database.execute("UPDATE person SET nick = 'd' WHERE id = 2; INSERT INTO person VALUES (4, 'e')").await;
        let state = database.state().await;
        for arguments in [&contract[..], &[&contract[..], &["--dry-run"]].concat()] {
            let refused = database.trueup_unattended(arguments).await;
            refused.fails(3, "old names are in use: nick of public.person: 2 rows were written by that name, the last one");
        }
        assert_eq!(database.state().await, state, "a refusal changes nothing");
        // it was long ago
        database.write("trueup.toml", "[env.there]\nurl_env = \"DATABASE_URL\"\nquiet_minutes = 0\n");
        let yes = ["approve", "plan", "--as", "another", "--phase", "contract", "--accept", "BREAKS_OLD_CODE"];
        database.trueup(&[&yes[..], &["--env", "there"]].concat()).await.ended(0).unwrap();
        let there = database.trueup_unattended(&[&contract[..], &["--env", "there", "--dry-run"]].concat()).await;
        there.ended(0).unwrap();
        std::fs::remove_file(database.path("trueup.toml")).unwrap();
        // no approval that was given before says anything of the moment
        let approve = ["approve", "plan", "--as", "tester", "--phase", "contract", "--accept"];
        let approved = database.trueup(&[&approve[..], &["all"]].concat()).await.ended(0).unwrap();
        assert!(!approved.stdout.contains("OLD_NAMES_IN_USE"), "{}", approved.shown());
        database.trueup(&[&approve[..], &["OLD_NAMES_IN_USE"]].concat()).await.fails(1, "OLD_NAMES_IN_USE");
        database.trueup_unattended(&contract).await.fails(3, "old names are in use");
        let accept = ["--accept", "OLD_NAMES_IN_USE"];
        database.trueup_unattended(&[&contract[..], &accept].concat()).await.ended(1).unwrap();
        let wrong = ["--accept", "DATA_LOSS", "--reason", "x"];
        database.trueup_unattended(&[&contract[..], &wrong].concat()).await.fails(1, "accepted by who approves it");
        let reason = ["--reason", "the last job ends tonight"];
        let applied = database.trueup_unattended(&[&contract[..], &accept, &reason].concat()).await.ended(0).unwrap();
        let chained = database.ask("SELECT string_agg(body::text, ' ') FROM trueup.entry WHERE kind = 'run'").await;
        assert!(chained.contains("OLD_NAMES_IN_USE: nick of public.person") && chained.contains("tonight"), "{chained}");
        assert!(applied.stderr.contains("nick of public.person: 2 rows were written"), "{}", applied.shown());
        assert_eq!(database.ask("SELECT string_agg(alias, ',' ORDER BY id) FROM person").await, "c,d,e");
        database.done().await;
    });
}

/// Between the phases of a plan others can be made, of what it has nothing to do with.
#[test]
fn a_plan_between_its_phases_is_known_to_who_plans() {
    runtime().block_on(async {
        let setup = "CREATE TABLE person (id bigint PRIMARY KEY, nick text, email text);
                     CREATE VIEW nicks AS SELECT nick FROM person;
                     CREATE TABLE other (id int);
                     INSERT INTO person VALUES (1, 'a', 'b@c');";
        let person = "id bigint PRIMARY KEY, alias text /* @renamed from=nick online */, email text NOT NULL, \
                      host text NOT NULL /* @backfill using=split_part(email, '@', 2) */";
        let rest = "CREATE VIEW nicks AS SELECT alias FROM person; CREATE TABLE other (id int)";
        let desired = format!("CREATE TABLE person ({person}); {rest};");
        let database = Database::with_on(server_of(None), setup).await.unwrap();
        database.plan_approved(&desired).await;
        let plan = async |name: &str, sql: &str| {
            database.write("meanwhile.sql", sql);
            let arguments = ["plan", "--schema", "meanwhile.sql", "--out", name, "--exit-code", "--manage", "all"];
            database.trueup(&[&arguments[..], &["--assume-drop", "all"]].concat()).await
        };
        run(&database, &["apply", "plan"]).await;

        // it is on its way
        plan("same", &desired).await.ended(0).unwrap();
        let status = database.trueup(&["status"]).await.ended(0).unwrap();
        assert!(status.stdout.contains("PARTIAL_MIGRATION") || status.stdout.contains("SAFE"), "{}", status.shown());
        // what it changes is not to be changed otherwise, and nothing is to come between
        let back = format!("CREATE TABLE person (id bigint PRIMARY KEY, nick text, email text); {rest};");
        plan("back", &back.replace("alias", "nick")).await.fails(3, "another plan is between its phases");
        let more = format!("CREATE TABLE person ({person}, more int); {rest};");
        let index = format!("{desired} CREATE INDEX by_email ON person (email);");
        plan("index", &index).await.fails(3, "another plan is between its phases: index public.by_email");
        // beside that, and elsewhere, everything goes
        plan("more", &more).await.ended(2).unwrap();
        let elsewhere = format!("CREATE TABLE person ({person}, more int); {rest}, more int); CREATE TABLE new (id int);")
            .replace("(id int), more int)", "(id int, more int)");
        plan("elsewhere", &elsewhere).await.ended(2).unwrap();
        database.approve("elsewhere").await.unwrap();
        run(&database, &["apply", "elsewhere", "--phase", "all"]).await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        plan("done", &elsewhere).await.ended(0).unwrap();
        run(&database, &["rollback", "plan", "--phase", "contract"]).await;
        plan("done", &elsewhere).await.ended(0).unwrap();

        // of one that stopped, nobody knows what will be there
        database.execute("UPDATE trueup.run SET outcome = 'stopped' WHERE id = (SELECT max(id) FROM trueup.run)").await;
        database.execute("UPDATE trueup.step SET outcome = 'not done' WHERE id = (SELECT max(id) FROM trueup.step)").await;
        plan("part", &elsewhere).await.fails(3, "plan stopped part-way");

        // nor of one that is written in another way
        database.execute("UPDATE trueup.plan SET body = replace(body, 'format = 2', 'format = 99')").await;
        let unread = "a plan that is not at its end, and this version of trueup cannot read it";
        plan("unread", &elsewhere).await.fails(1, unread);
        database.trueup(&["status"]).await.fails(1, unread);
        database.done().await;
    });
}

/// What is another value in each environment is not in the schema.
#[test]
fn values_of_the_environment_stand_in_expressions() {
    runtime().block_on(async {
        let database =
            Database::with("CREATE TABLE t (id integer PRIMARY KEY, n integer); INSERT INTO t VALUES (1, 2)")
                .await
                .unwrap();
        let desired = "CREATE TABLE t (id integer PRIMARY KEY, n integer,
            tenant text NOT NULL, -- @backfill using='of ${who}'
            label text NOT NULL -- @backfill using=${who}||n where=n>${least}
        );";
        database.write("desired.sql", desired);
        let plan = [
            "plan",
            "--schema",
            "desired.sql",
            "--exit-code",
            "--manage",
            "all",
            "--env",
            "here",
            "--out",
            "plan",
        ];
        let url = oracle::url(&database.target);
        database
            .write("trueup.toml", &format!("[env.here]\nurl = \"{url}\"\nvalues = {{ who = \"o'neil\" }}\n"));
        let missing = database.trueup(&plan).await;
        missing.fails(1, "desired.sql:3:36: @backfill: there is no value for ${least}");
        assert!(missing.stderr.contains("[env.NAME] values = { least = "), "{}", missing.shown());
        database.write(
            "trueup.toml",
            &format!("[env.here]\nurl = \"{url}\"\nvalues = {{ who = \"o'neil\", least = \"1\" }}\n"),
        );
        database.trueup(&plan).await.ended(2).unwrap();
        database.approve("plan").await.unwrap();
        database.trueup(&["apply", "plan", "--phase", "all", "--env", "here"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT tenant || ', ' || label FROM t").await, "of o'neil, o'neil2");
        // what is done needs no value any more
        database.write("trueup.toml", &format!("[env.here]\nurl = \"{url}\"\n"));
        database.trueup(&plan).await.ended(0).unwrap();
        database.done().await;
    });
}

/// Sequences that are called after a renamed column keep their names for as long as old code has the column's.
#[test]
fn a_sequence_has_its_old_name_until_contract() {
    runtime().block_on(async {
        let before = format!(
            "CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a text);
             CREATE TABLE s (id bigserial PRIMARY KEY, a text);
             INSERT INTO t SELECT n FROM generate_series(1, {ROWS}) n; INSERT INTO s SELECT n FROM generate_series(1, {ROWS}) n;
             SELECT setval('t_id_seq', 1000000), setval('s_id_seq', 1000000);"
        );
        let database = Database::with(&before).await.unwrap();
        let dump = database.dump().await;
        let after = "CREATE TABLE t (
                key bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, -- @renamed from=id online
                a text
            );
            CREATE TABLE s (
                key bigserial PRIMARY KEY, -- @renamed from=id online
                a text
            );";
        database.plan_approved(after).await;
        let code = &[
            "INSERT INTO t (id) SELECT nextval('t_id_seq') WHERE $1::bigint + $2::bigint > 0",
            "INSERT INTO s (id) SELECT nextval('s_id_seq') WHERE $1::bigint + $2::bigint > 0",
        ];
        let old = Writers::start(&database, code, 0).await;
        run(&database, &["apply", "plan"]).await;
        old.end("old code that names sequences").await;
        run(&database, &["apply", "plan", "--phase", "contract"]).await;
        assert_eq!(database.ask("SELECT (nextval('t_key_seq') > 1000000 AND nextval('s_key_seq') > 1000000)::text").await, "true");
        run(&database, &["rollback", "plan"]).await;
        database.dump().await.must_equal(&dump, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}
