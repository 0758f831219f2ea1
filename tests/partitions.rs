//! Partitions come, are attached and detached while code reads and writes them, and the default one beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Stdio;

use trueup::{plan::PlanFile, step::Observed};

use crate::oracle::{
    Database, runtime, server_of,
    writers::{ROWS, Writers},
};

/// With rows in the default partition, beside which one comes, and in a table that becomes another one.
fn readings() -> String {
    format!(
        "CREATE TABLE reading (at bigint NOT NULL, note text) PARTITION BY RANGE (at);
         CREATE TABLE reading_0 PARTITION OF reading FOR VALUES FROM (0) TO ({});
         CREATE TABLE reading_rest PARTITION OF reading DEFAULT;
         CREATE INDEX reading_at ON reading (at);
         CREATE TABLE archive (at bigint NOT NULL, note text);
         CREATE INDEX archive_at_idx ON archive (at);
         INSERT INTO reading SELECT n, 'here' FROM generate_series(1, {ROWS}) n;
         INSERT INTO reading SELECT 5000000 + n, 'rest' FROM generate_series(1, {ROWS}) n;
         INSERT INTO archive SELECT -n, 'old' FROM generate_series(1, {ROWS}) n;",
        ROWS + 1
    )
}

fn wanted() -> String {
    format!(
        "CREATE TABLE reading (at bigint NOT NULL, note text) PARTITION BY RANGE (at);
         CREATE TABLE reading_0 PARTITION OF reading FOR VALUES FROM (0) TO ({});
         CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM (1000000) TO (2000000);
         CREATE TABLE archive PARTITION OF reading FOR VALUES FROM (-100000) TO (0);
         CREATE TABLE reading_rest PARTITION OF reading DEFAULT;
         CREATE INDEX reading_at ON reading (at);",
        ROWS + 1
    )
}

const CODE: &[&str] = &[
    "UPDATE reading SET note = 'n' || $2::bigint WHERE at = $1::bigint",
    "INSERT INTO reading (at, note) SELECT $2::bigint, 'x' || $1::bigint % 5",
    "INSERT INTO archive (at, note) SELECT -$1::bigint, 'a' || $2::bigint % 5",
    "UPDATE archive SET note = 'b' || $2::bigint WHERE at = -$1::bigint",
    "DELETE FROM reading WHERE at = $2::bigint AND $1::bigint % 2 = 0",
    "SELECT count(*) FROM reading WHERE at BETWEEN 5000000 + $1::bigint AND 5000100 + $1::bigint AND note <> 'no' || $2::bigint",
];

fn partitions_change_while_code_runs(major: u16) {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(major)), &readings()).await.unwrap();
        let before = database.dump().await;
        database.plan_approved(&wanted()).await;
        let code = Writers::start(&database, CODE, 10_000_000).await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        code.end(&format!("code on {major}, through partitions that come, go and come")).await;
        let kept = "SELECT count(*) FILTER (WHERE at BETWEEN 1 AND 20000) || ' ' || count(*) FILTER (WHERE at BETWEEN 5000001 AND 5020000) \
                    || ' ' || count(DISTINCT at) FILTER (WHERE at < 0) FROM reading";
        assert_eq!(database.ask(kept).await, format!("{ROWS} {ROWS} {ROWS}"));
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn partitions_change_while_code_runs_on_14() {
    partitions_change_while_code_runs(14);
}

#[test]
fn partitions_change_while_code_runs_on_18() {
    partitions_change_while_code_runs(18);
}

/// Two partitions, of which one is to stay as a table of its own.
fn detached(attached: bool) -> String {
    let attach = if attached {
        format!("ALTER TABLE reading ATTACH PARTITION reading_1 FOR VALUES FROM ({}) TO (1000000);", ROWS + 1)
    } else {
        String::new()
    };
    format!(
        "CREATE TABLE reading (at bigint NOT NULL, note text) PARTITION BY RANGE (at);
         CREATE TABLE reading_0 PARTITION OF reading FOR VALUES FROM (0) TO ({});
         CREATE TABLE reading_2 PARTITION OF reading FOR VALUES FROM (1000000) TO (MAXVALUE);
         CREATE TABLE reading_1 (at bigint NOT NULL, note text); {attach}",
        ROWS + 1
    )
}

/// Statements of code that works before and after.
const BESIDE: &[&str] = &[
    "UPDATE reading SET note = 'n' || $2::bigint WHERE at = $1::bigint",
    "INSERT INTO reading (at, note) SELECT $2::bigint, 'x' || $1::bigint % 5",
    "SELECT count(*) FROM reading WHERE at >= $1::bigint AND note <> 'no' || $2::bigint",
    "INSERT INTO reading_1 (at, note) SELECT 30000 + $1::bigint, 'x' || $2::bigint % 5",
    "DELETE FROM reading WHERE at = $2::bigint AND $1::bigint % 2 = 0",
];

fn a_partition_is_detached_while_code_runs(major: u16) {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(major)), &detached(true)).await.unwrap();
        let fill = format!("INSERT INTO reading SELECT n, 'here' FROM generate_series(1, {}) n", 2 * ROWS);
        database.execute(&fill).await;
        let before = database.dump().await;
        database.plan_approved(&detached(false)).await;
        let code = Writers::start(&database, BESIDE, 10_000_000).await;
        for _ in 0..3 {
            database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
            let left = "SELECT (SELECT count(*) FROM pg_constraint WHERE conrelid = 'reading_1'::regclass AND contype = 'c')::text";
            assert_eq!(database.ask(left).await, "0");
            database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        }
        code.end(&format!("code on {major}, beside a partition that goes and comes")).await;
        let kept = format!("SELECT count(DISTINCT at)::text FROM reading WHERE at <= {}", 2 * ROWS);
        assert_eq!(database.ask(&kept).await, (2 * ROWS).to_string());
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn a_partition_is_detached_while_code_runs_on_14() {
    a_partition_is_detached_while_code_runs(14);
}

#[test]
fn a_partition_is_detached_while_code_runs_on_18() {
    a_partition_is_detached_while_code_runs(18);
}

/// One of the partitions is gone for good.
fn dropped() -> String {
    detached(false).replace("CREATE TABLE reading_1 (at bigint NOT NULL, note text);", "")
}

/// It is detached first, which keeps nobody out.
#[test]
fn a_partition_is_dropped_while_code_runs() {
    runtime().block_on(async {
        for major in [14, 18] {
            let database = Database::with_on(server_of(Some(major)), &detached(true)).await.unwrap();
            let fill =
                format!("INSERT INTO reading SELECT n, 'here' FROM generate_series(1, {}) n", 2 * ROWS);
            database.execute(&fill).await;
            let before = database.dump().await;
            database.plan_approved(&dropped()).await;
            let code = Writers::start(&database, &BESIDE[..3], 10_000_000).await;
            for _ in 0..3 {
                database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
                database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
            }
            code.end(&format!("code on {major}, beside a partition that is dropped and made anew")).await;
            let kept = format!("SELECT count(*)::text FROM reading WHERE at <= {ROWS}");
            assert_eq!(database.ask(&kept).await, ROWS.to_string());
            database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
            database.done().await;
        }
    });
}

/// A detachment waits for a reader; its client and its backend die. The partition is marked then, and can only be finished.
#[test]
fn a_detachment_that_was_interrupted_is_finished() {
    runtime().block_on(async {
        let onward = [["apply", "plan", "--phase", "all"].as_slice(), &["rollback", "plan"]];
        for (wanted, onward) in
            [detached(false), dropped()].iter().flat_map(|wanted| onward.map(|onward| (wanted, onward)))
        {
            let database = Database::with(&detached(true)).await.unwrap();
            let before = database.dump().await;
            database.plan_approved(wanted).await;
            let reader = database.session().await;
            reader.client().batch_execute("BEGIN; LOCK TABLE ONLY reading IN ACCESS SHARE MODE").await.unwrap();
            let mut apply = database.command(&["apply", "plan", "--phase", "all"]);
            let mut apply = apply.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let pending = "SELECT count(*)::text FROM pg_inherits WHERE inhdetachpending";
            while database.ask(pending).await == "0" {
                assert!(apply.try_wait().unwrap().is_none(), "it ended before the reader did");
            }
            apply.kill().await.unwrap();
            let end = "SELECT bool_and(pg_terminate_backend(pid, 10000))::text FROM pg_stat_activity \
                       WHERE datname = current_database() AND query LIKE '%CONCURRENTLY%' AND pid <> pg_backend_pid()";
            assert_eq!(database.ask(end).await, "true");
            reader.client().batch_execute("COMMIT").await.unwrap();
            reader.close().await;
            assert_eq!(database.ask(pending).await, "1");

            let status = database.trueup(&["status"]).await.shown();
            assert!(status.contains("PARTIAL_MIGRATION"), "{status}");
            database.trueup(onward).await.ended(0).unwrap();
            assert_eq!(database.ask(pending).await, "0");
            if onward[0] == "apply" {
                database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
            }
            database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
            database.done().await;
        }
    });
}

/// A foreign key of a partitioned table, which PostgreSQL takes as NOT VALID from 18 on only.
#[test]
fn a_foreign_key_comes_to_a_partitioned_table_while_code_runs() {
    const TABLES: &str = "CREATE TABLE zone (id int PRIMARY KEY, note text);
        CREATE TABLE meter (id bigint, zone int, note text) PARTITION BY RANGE (id);
        CREATE TABLE meter_0 PARTITION OF meter FOR VALUES FROM (0) TO (10000);
        CREATE TABLE meter_1 PARTITION OF meter FOR VALUES FROM (10000) TO (MAXVALUE);";
    const CODE: &[&str] = &[
        "UPDATE meter SET zone = 1 + $2::bigint % 5 WHERE id = $1::bigint",
        "INSERT INTO meter (id, zone) SELECT $2::bigint, $1::bigint % 5 + 1",
        "UPDATE zone SET note = 'n' || $2::bigint WHERE id = $1::bigint % 5 + 1",
        "DELETE FROM meter WHERE id = $2::bigint AND $1::bigint % 2 = 0",
    ];
    runtime().block_on(async {
        for major in [14, 15] {
            let database = Database::with_on(server_of(Some(major)), TABLES).await.unwrap();
            let fill = format!(
                "INSERT INTO zone SELECT generate_series(1, 5); \
                 INSERT INTO meter SELECT n, n % 5 + 1 FROM generate_series(1, {ROWS}) n"
            );
            database.execute(&fill).await;
            let before = database.dump().await;
            let wanted = TABLES.replace("zone int,", "zone int CONSTRAINT somewhere REFERENCES zone,");
            database.plan_approved(&wanted).await;
            let code = Writers::start(&database, CODE, 10_000_000).await;
            database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
            database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
            code.end(&format!("code on {major}, with a foreign key that comes and goes")).await;
            database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
            // and the other way: it goes, and comes back
            database
                .execute("ALTER TABLE meter ADD CONSTRAINT somewhere FOREIGN KEY (zone) REFERENCES zone")
                .await;
            let before = database.dump().await;
            database.write("desired.sql", TABLES);
            let plan = ["plan", "--schema", "desired.sql", "--out", "back", "--exit-code", "--manage", "all"];
            database.trueup(&[&plan[..], &["--assume-drop", "all"]].concat()).await.ended(2).unwrap();
            database.approve("back").await.unwrap();
            let code = Writers::start(&database, CODE, 20_000_000).await;
            database.trueup(&["apply", "back", "--phase", "all"]).await.ended(0).unwrap();
            database.trueup(&["rollback", "back"]).await.ended(0).unwrap();
            code.end(&format!("code on {major}, with a foreign key that goes and comes")).await;
            database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
            database.done().await;
        }
    });
}

/// Its index and its key are replaced, and another index goes: the next ones are built in each partition first, and nobody
/// sees the table without its key.
fn indexes_of_the_whole_are_replaced_while_code_runs(major: u16) {
    fn tables(indexes: &str) -> String {
        format!(
            "CREATE TABLE meter (day int NOT NULL, id bigint NOT NULL, zone int, note text) PARTITION BY RANGE (day);
             CREATE TABLE meter_0 PARTITION OF meter FOR VALUES FROM (0) TO (5);
             CREATE TABLE meter_1 PARTITION OF meter FOR VALUES FROM (5) TO (10) PARTITION BY LIST (day);
             CREATE TABLE meter_1_a PARTITION OF meter_1 FOR VALUES IN (5, 6);
             CREATE TABLE meter_1_b PARTITION OF meter_1 FOR VALUES IN (7, 8, 9);
             {indexes}"
        )
    }
    const CODE: &[&str] = &[
        "UPDATE meter SET zone = $2::bigint % 50 WHERE day = $1::bigint % 10 AND id = $1::bigint",
        "INSERT INTO meter (day, id, zone) SELECT $2::bigint % 10, $2::bigint, $1::bigint % 50",
        "INSERT INTO meter (day, id, note) SELECT $2::bigint % 10, $2::bigint, 'x' || $1::bigint
             ON CONFLICT (day, id) DO UPDATE SET note = EXCLUDED.note",
        "DELETE FROM meter WHERE day = $2::bigint % 10 AND id = $2::bigint AND $1::bigint % 2 = 0",
    ];
    runtime().block_on(async {
        let before = tables(
            "ALTER TABLE meter ADD PRIMARY KEY (day, id); CREATE INDEX by_zone ON meter (zone); CREATE INDEX gone ON meter (note, zone);
             COMMENT ON INDEX gone IS 'not for long';",
        );
        let after = tables("ALTER TABLE meter ADD PRIMARY KEY (id, day); CREATE INDEX by_zone ON meter (zone DESC, note) WHERE zone > 0;");
        let database = Database::with_on(server_of(Some(major)), &before).await.unwrap();
        let fill =
            format!("INSERT INTO meter (day, id, zone) SELECT n % 10, n, n % 7 FROM generate_series(1, {ROWS}) n");
        database.execute(&fill).await;
        let before = database.dump().await;
        database.plan_approved(&after).await;
        let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
        let slow = |seen: &Observed| seen.builds.iter().chain(&seen.scans).chain(&seen.rewrites).count();
        for step in plan.steps.iter().filter(|step| step.operation.is_transactional()) {
            assert_eq!(slow(&step.seen), 0, "{}", step.summary);
        }
        for step in plan.steps.iter().filter(|step| step.undo.operation.is_transactional()) {
            assert_eq!(slow(&step.undo.seen), 0, "the undo of: {}", step.summary);
        }
        let code = Writers::start(&database, CODE, 10_000_000).await;
        for _ in 0..2 {
            database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
            database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        }
        code.end(&format!("code on {major}, through indexes that are replaced and back")).await;
        let kept = format!("SELECT count(*)::text FROM meter WHERE id BETWEEN 1 AND {ROWS}");
        assert_eq!(database.ask(&kept).await, ROWS.to_string());
        database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
        database.done().await;
    });
}

#[test]
fn indexes_of_the_whole_are_replaced_while_code_runs_on_14() {
    indexes_of_the_whole_are_replaced_while_code_runs(14);
}

#[test]
fn indexes_of_the_whole_are_replaced_while_code_runs_on_18() {
    indexes_of_the_whole_are_replaced_while_code_runs(18);
}

/// Bounds move between two partitions: what is in the way is found before, and nothing is read while nobody may write.
#[test]
fn partitions_get_other_bounds_while_code_runs() {
    fn tables(between: i64) -> String {
        format!(
            "CREATE TABLE reading (at bigint NOT NULL, note text) PARTITION BY RANGE (at);
             CREATE TABLE reading_0 PARTITION OF reading FOR VALUES FROM (0) TO ({between});
             CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM ({between}) TO (MAXVALUE);
             CREATE INDEX ON reading (at);"
        )
    }
    runtime().block_on(async {
        for major in [14, 18] {
            let database = Database::with_on(server_of(Some(major)), &tables(ROWS + 1)).await.unwrap();
            let fill = format!("INSERT INTO reading SELECT n, 'here' FROM generate_series(1, {ROWS}) n");
            database.execute(&fill).await;
            let before = database.dump().await;
            database.plan_approved(&tables(ROWS + 1000)).await;
            database.execute(&format!("INSERT INTO reading VALUES ({}, 'in the way')", ROWS + 7)).await;
            let state = database.state().await;
            let refused = database.trueup(&["apply", "plan", "--phase", "all"]).await;
            refused.fails(
                3,
                "rows of table public.reading_1 that FOR VALUES FROM ('21000') TO (MAXVALUE) does not take",
            );
            assert_eq!(database.state().await, state);
            database.execute("DELETE FROM reading WHERE note = 'in the way'").await;

            let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
            for seen in plan.steps.iter().flat_map(|step| [&step.seen, &step.undo.seen]) {
                let strong = seen.locks.iter().any(|lock| lock.mode.blocks_writes());
                assert!(!strong || seen.scans.is_empty(), "{seen:?}");
            }
            let code = Writers::start(&database, &BESIDE[..3], 10_000_000).await;
            for _ in 0..3 {
                database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
                database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
            }
            code.end(&format!("code on {major}, in partitions that get other bounds")).await;
            let kept = format!("SELECT count(*)::text FROM reading WHERE at <= {ROWS}");
            assert_eq!(database.ask(&kept).await, ROWS.to_string());
            database.dump().await.must_equal(&before, "the rollback does not lead back").await.unwrap();
            database.done().await;
        }
    });
}

/// What is done to each partition is read once, in every report, with the others behind it; what takes rows away is not.
#[test]
fn like_steps_are_one() {
    let months: String = (1..=6)
        .map(|n| format!("CREATE TABLE log_{n} PARTITION OF log FOR VALUES FROM ({n}) TO ({});\n", n + 1))
        .collect();
    let gone: String = (1..=6).map(|n| format!("CREATE TABLE gone_{n} (id int);\n")).collect();
    let before = format!("CREATE TABLE log (id int, at int) PARTITION BY RANGE (at);\n{months}{gone}");
    let after = format!(
        "CREATE TABLE log (id int, at int) PARTITION BY RANGE (at);\n{months}CREATE INDEX ON log (id);"
    );
    runtime().block_on(async {
        let database = Database::with(&before).await.unwrap();
        database.write("desired.sql", &after);
        let planning = ["plan", "--schema", "desired.sql", "--out", "plan", "--manage", "all", "--assume-drop", "all"];
        let text = database.trueup(&planning).await.ended(0).unwrap().stdout;
        let built = "and 5 like it, up to step 6: public.log_2_id_idx, public.log_3_id_idx, public.log_4_id_idx, \
                     public.log_5_id_idx, public.log_6_id_idx";
        assert_eq!(text.matches("CREATE INDEX CONCURRENTLY").count(), 1, "{text}");
        assert!(text.contains(built), "{text}");
        assert_eq!(text.matches("DROP TABLE").count(), 6, "{text}");
        let page = std::fs::read_to_string(database.path("plan/README.md")).unwrap();
        assert!(page.contains("| 1–6 | expand | 1 ∥ | create index public.log\\_1\\_id\\_idx on table public.log\\_1, and 5 like it |"), "{page}");
        assert!(page.contains("- 6: create index public.log\\_6\\_id\\_idx on table public.log\\_6"), "{page}");
        assert_eq!(page.matches("DATA\\_LOSS** in step").count(), 6, "{page}");
        let up = std::fs::read_to_string(database.path("plan/up-expand.sql")).unwrap();
        let up = up.split_once("\n-- ==== expand ====").unwrap().1;
        assert_eq!(up.matches("CREATE INDEX CONCURRENTLY").count(), 6, "{up}");
        database.done().await;
    });
}

/// Who attaches a partition asks under the parent's lock whose code computes the bounds: for that lock, too, apply waits and tries
/// again, and says who is in the way.
#[test]
fn the_lock_for_a_partitions_bounds_is_waited_for_like_any_other() {
    runtime().block_on(async {
        let parent = "CREATE TABLE m (a int) PARTITION BY LIST (a);";
        let database = Database::with(parent).await.unwrap();
        database.plan_approved(&format!("{parent} CREATE TABLE m_1 PARTITION OF m FOR VALUES IN (1)")).await;
        let holder = database.session().await;
        holder.client().batch_execute("BEGIN; LOCK TABLE m IN SHARE UPDATE EXCLUSIVE MODE").await.unwrap();
        let ran = database.trueup(&["apply", "plan", "--lock-retries", "0"]).await;
        ran.fails(1, "no lock after 1 try");
        assert!(ran.stderr.contains(&holder.backend_pid().to_string()), "{}", ran.shown());
        holder.client().batch_execute("ROLLBACK").await.unwrap();
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}
