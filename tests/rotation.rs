//! Partitions and children that come and go by themselves, a partition every night, while plans wait or are between their
//! phases: what comes is not left out by what a plan does to each table, and what is gone is in nobody's way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, runtime};

const BASE: &str = "CREATE TABLE u (id int PRIMARY KEY);
    CREATE TABLE t (id int, a text, d int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE t0 PARTITION OF t FOR VALUES FROM (0) TO (1000);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1000) TO (2000);
    CREATE TABLE p (id int PRIMARY KEY, a text, d int);";
const ROWS: &str = "INSERT INTO u SELECT generate_series(1, 3000);
    INSERT INTO t SELECT n, 'a' || n, n FROM generate_series(1, 1900) n;
    INSERT INTO p SELECT n, 'a' || n, n FROM generate_series(1, 50) n;";
const NEXT: &str = "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (2000) TO (3000)";
const GOES: &str = "DROP TABLE t0";

/// What a plan does: to the whole, or, in a recipe, to each table; and whether it has a contract phase.
const EDITS: &[(&str, &str, &str, bool)] = &[
    (
        "a fill",
        "d int, PRIMARY KEY (id)",
        "d int, z text NOT NULL, -- @backfill using=a||'z'\n PRIMARY KEY (id)",
        true,
    ),
    ("an index", "FROM (1000) TO (2000);", "FROM (1000) TO (2000); CREATE INDEX t_d ON t (d);", false),
    ("a key", "PRIMARY KEY (id))", "PRIMARY KEY (id), CONSTRAINT key UNIQUE (id, d))", false),
    ("a foreign key", "d int, PRIMARY", "d int REFERENCES u (id), PRIMARY", false),
    ("a column", "d int, PRIMARY", "d int, more int DEFAULT 3, PRIMARY", false),
];

async fn planned(from: &str, to: &str) -> Database {
    let database = Database::with(BASE).await.unwrap();
    database.execute(ROWS).await;
    database.plan_approved(&BASE.replacen(from, to, 1)).await;
    database
}

const ALL: &[&str] = &["apply", "plan", "--phase", "all"];

/// All indexes are valid, and no value that the plan gives is missing.
async fn is_whole(database: &Database, when: &str) {
    let invalid = "SELECT count(*)::text FROM pg_index WHERE NOT indisvalid";
    assert_eq!(database.ask(invalid).await, "0", "{when}");
    let missing = "SELECT count(*)::text FROM t WHERE to_jsonb(t) @? '$.z ? (@ == null)'";
    assert_eq!(database.ask(missing).await, "0", "{when}");
}

#[test]
fn a_partition_that_comes_before_a_plan_is_not_left_out() {
    runtime().block_on(async {
        for (what, from, to, _) in EDITS {
            let database = planned(from, to).await;
            database.execute(NEXT).await;
            database.execute("INSERT INTO t SELECT n, 'a' || n, n FROM generate_series(2001, 2100) n").await;
            if *what == "a column" {
                // PostgreSQL hands it down
                database.trueup(ALL).await.ended(0).unwrap();
            } else {
                database.trueup(ALL).await.fails(3, "the plan is stale: partition public.t2 was added since");
            }
            is_whole(&database, what).await;
            database.done().await;
        }
    });
}

#[test]
fn partitions_come_and_go_between_the_phases_and_before_the_way_back() {
    runtime().block_on(async {
        for (what, from, to, has_contract) in EDITS {
            for (change, remains) in [(NEXT, true), (GOES, false)] {
                let when = format!("{what}; {change}");
                let database = planned(from, to).await;
                database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
                database.execute(change).await;
                if remains {
                    database.execute("INSERT INTO t (id, a, d) SELECT n, 'a' || n, n FROM generate_series(2001, 2100) n").await;
                }
                if *has_contract {
                    database.trueup(&["apply", "plan", "--phase", "contract"]).await.ended(0).unwrap();
                }
                is_whole(&database, &when).await;
                let status = database.trueup(&["verify", "plan", "--rollback"]).await.ended(0).unwrap();
                assert!(status.stdout.contains("as the plan expects"), "{when}: {}", status.shown());
                database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
                is_whole(&database, &when).await;
                database.done().await;
            }
        }
    });
}

/// One that goes while a plan waits is left out, and so are the steps about it; the history has them all the same.
#[test]
fn a_partition_that_is_gone_is_in_nobodys_way() {
    runtime().block_on(async {
        for (what, from, to, _) in EDITS {
            let database = planned(from, to).await;
            database.execute(GOES).await;
            database.trueup(&["preflight", "plan", "--phase", "all"]).await.ended(0).unwrap();
            database.trueup(ALL).await.ended(0).unwrap();
            is_whole(&database, what).await;
            let plans = database.trueup(&["verify", "plan", "--rollback"]).await.ended(0).unwrap();
            assert!(plans.stdout.contains("as the plan expects"), "{what}: {}", plans.shown());
            database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
            database.done().await;
        }
    });
}

/// A child has the column, and no trigger: what it stores would be lost when the old column goes.
#[test]
fn a_child_that_comes_between_the_phases_keeps_its_values() {
    runtime().block_on(async {
        let database = planned("a text, d int);", "a text, d text -- @convert using='n'||d back=substr(d,2)::int\n);").await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.execute("CREATE TABLE c (x int, PRIMARY KEY (id)) INHERITS (p); INSERT INTO c (id, a, d, x) SELECT n, 'a', n, 1 FROM generate_series(101, 110) n").await;
        let contract = ["apply", "plan", "--phase", "contract"];
        database.trueup(&contract).await.fails(3, "the plan is stale: table public.c was added since");
        assert_eq!(database.ask("SELECT count(d)::text FROM c").await, "10");
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT concat(count(d), ' ', sum(d)) FROM c").await, "10 1055");
        database.done().await;
    });
}

/// A trigger of the whole fires for rows of each partition, and would change what a fill writes.
#[test]
fn a_trigger_of_the_whole_is_one_of_what_is_filled() {
    runtime().block_on(async {
        let (_, from, to, _) = EDITS[0];
        let database = planned(from, to).await;
        database
            .execute(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := ''overwritten''; RETURN NEW; END';
                 CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
            )
            .await;
        database.trueup(ALL).await.fails(3, "the plan is stale: trigger public.t.f was added since");
        assert_eq!(database.ask("SELECT count(*)::text FROM t WHERE a = 'overwritten'").await, "0");
        database.done().await;
    });
}
