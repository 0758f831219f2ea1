//! Partitions come, are attached and detached while code reads and writes them, and the default one beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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
