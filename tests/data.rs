//! Rows that a step would fail on are found before anything is changed: the plan says so, and `apply` refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle::{self, Database, runtime, server_of};

const PLAN: &[&str] = &["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code", "--manage", "all"];

/// What is there, what is wanted, what is said of the rows, and what mends them.
struct Wrong {
    before: &'static str,
    after: &'static str,
    said: &'static str,
    mend: &'static str,
}

const ALL: &[Wrong] = &[
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, NULL)",
        after: "CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL)",
        said: "NULL in a of table public.t: 2, such as id = 2",
        mend: "UPDATE t SET a = '' WHERE a IS NULL",
    },
    Wrong {
        before: "CREATE TABLE t (\"the id\" int, n int); INSERT INTO t VALUES (1, 1), (2, -1)",
        after: "CREATE TABLE t (\"the id\" int, n int CONSTRAINT positive CHECK (n > 0))",
        said: "rows of table public.t that positive refuses: 1, such as ctid = (0,2)",
        mend: "DELETE FROM t WHERE n < 0",
    },
    Wrong {
        before: "CREATE TABLE p (a int, b text, PRIMARY KEY (a, b)); CREATE TABLE c (x int, y text);
                 INSERT INTO p VALUES (1, 'a'); INSERT INTO c VALUES (1, 'a'), (1, 'b'), (1, NULL)",
        after: "CREATE TABLE p (a int, b text, PRIMARY KEY (a, b)); CREATE TABLE c (x int, y text, FOREIGN KEY (x, y) REFERENCES p)",
        said: "rows of table public.c that refer to none of public.p: 1, such as ctid = (0,2)",
        mend: "INSERT INTO p VALUES (1, 'b')",
    },
    Wrong {
        before: "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'a'), (1, 'a'), (1, NULL), (1, NULL)",
        after: "CREATE TABLE t (a int, b text, UNIQUE (a, b))",
        said: "keys (a, b) that are in table public.t more than once: 1, such as (a, b) = (1,a)",
        mend: "DELETE FROM t WHERE ctid = '(0,1)'",
    },
    Wrong {
        before: "CREATE TABLE t (a int, b bool); INSERT INTO t VALUES (1, true), (1, true), (2, false), (2, false)",
        after: "CREATE TABLE t (a int, b bool); CREATE UNIQUE INDEX i ON t (a) WHERE b",
        said: "keys (a) that are in table public.t more than once: 1, such as (a) = (1)",
        mend: "UPDATE t SET b = false",
    },
    Wrong {
        before: "CREATE TABLE t (a text, \"b, c\" int); INSERT INTO t VALUES ('A', 1), ('a', 1), ('b', 1), (NULL, 1), (NULL, 1)",
        after: "CREATE TABLE t (a text, \"b, c\" int); CREATE UNIQUE INDEX i ON t (lower(a) COLLATE \"C\" DESC, \"b, c\")",
        said: "keys (lower(a) COLLATE pg_catalog.\"C\", \"b, c\") that are in table public.t more than once: 1, such as (lower(a) COLLATE pg_catalog.\"C\", \"b, c\") = (a,1)",
        mend: "DELETE FROM t WHERE a = 'A'",
    },
    Wrong {
        before: "CREATE TABLE t (room point, during int4range, void bool); INSERT INTO t VALUES ('(1,1)', '[1,5)', false), ('(1,1)', '[4,6)', false), \
                 ('(1,1)', '[4,6)', true), ('(2,2)', '[1,3)', false), (NULL, '[1,3)', false)",
        after: "CREATE TABLE t (room point, during int4range, void bool, \
                CONSTRAINT one_at_a_time EXCLUDE USING gist (room WITH ~=, during WITH &&) WHERE (NOT void) DEFERRABLE)",
        said: "rows of table public.t that exclude each other by (room, during): 2, such as (room, during) = (\"(1,1)\",\"[1,5)\")",
        mend: "UPDATE t SET void = true WHERE during = '[4,6)'",
    },
    Wrong {
        before: "CREATE TABLE t (a text); INSERT INTO t VALUES ('abc'), ('abcd   '), ('abcde')",
        after: "CREATE TABLE t (a varchar(4))",
        said: "more than 4 characters in a of table public.t: 1, such as ctid = (0,3)",
        mend: "DELETE FROM t WHERE a = 'abcde'",
    },
    Wrong {
        before: "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (id int PRIMARY KEY, m mood); INSERT INTO t VALUES (7, 'sad')",
        after: "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (id int PRIMARY KEY, m mood)",
        said: "a label that goes in m of table public.t: 1, such as id = 7",
        mend: "UPDATE t SET m = 'ok'",
    },
    Wrong {
        before: "CREATE DOMAIN d AS int; CREATE TABLE t (id int PRIMARY KEY, v d); INSERT INTO t VALUES (7, -7), (8, NULL)",
        after: "CREATE DOMAIN d AS int CONSTRAINT positive CHECK (VALUE > 0); CREATE TABLE t (id int PRIMARY KEY, v d)",
        said: "values that positive refuses in v of table public.t: 1, such as id = 7",
        mend: "DELETE FROM t WHERE id = 7",
    },
    // what PostgreSQL fails on, it says itself
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, '1'), (2, 'two'), (3, NULL)",
        after: "CREATE TABLE t (id int PRIMARY KEY, a int)",
        said: "values that do not become integer in a of table public.t: invalid input syntax for type integer: \"two\"",
        mend: "UPDATE t SET a = 2 WHERE id = 2",
    },
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a bigint); INSERT INTO t VALUES (1, 1), (2, 3000000000)",
        after: "CREATE TABLE t (id int PRIMARY KEY, a int /* @convert using=a */)",
        said: "values that do not become integer in a of table public.t: integer out of range",
        mend: "DELETE FROM t WHERE id = 2",
    },
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL); INSERT INTO t VALUES (1, '1'), (2, ''), (3, '3')",
        after: "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL /* @convert using=nullif(a, '')::int back=a */)",
        said: "values that do not become integer in a of table public.t: 1, such as id = 2",
        mend: "UPDATE t SET a = '2' WHERE id = 2",
    },
    Wrong {
        before: "CREATE SEQUENCE s; SELECT setval('s', 100000)",
        after: "CREATE SEQUENCE s AS smallint",
        said: "values of sequence public.s beyond MAXVALUE 32767: 1, such as last_value = 100000",
        mend: "SELECT setval('s', 7)",
    },
    Wrong {
        before: "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY); SELECT setval('t_id_seq', 3000000000)",
        after: "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY)",
        said: "values of sequence public.t_id_seq beyond MAXVALUE 2147483647: 1, such as last_value = 3000000000",
        mend: "SELECT setval('t_id_seq', 7)",
    },
    // of partitions and inheritors it is said once
    Wrong {
        before: "CREATE TABLE t (id int, a text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (9);
                 CREATE TABLE u (id int, a text); CREATE TABLE u1 () INHERITS (u); INSERT INTO t VALUES (1, NULL); INSERT INTO u1 VALUES (1, NULL)",
        after: "CREATE TABLE t (id int, a text NOT NULL) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (9);
                 CREATE TABLE u (id int, a text NOT NULL); CREATE TABLE u1 () INHERITS (u)",
        said: "NULL in a of table public.t: 1, such as ctid = (0,1); NULL in a of table public.u: 1, such as ctid = (0,1)",
        mend: "UPDATE t SET a = ''; UPDATE u SET a = ''",
    },
    // what a partition takes, and what is where it belongs no longer
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE rest PARTITION OF t DEFAULT;
                 CREATE TABLE own (id int PRIMARY KEY); INSERT INTO t VALUES (15), (25)",
        after: "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE rest PARTITION OF t DEFAULT;
                CREATE TABLE own PARTITION OF t FOR VALUES FROM (10) TO (20)",
        said: "rows of table public.rest that belong in table public.own: 1, such as id = 15",
        mend: "DELETE FROM t WHERE id = 15",
    },
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE rest PARTITION OF t DEFAULT; INSERT INTO t VALUES (15), (25)",
        after: "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE rest PARTITION OF t DEFAULT;
                CREATE TABLE new PARTITION OF t FOR VALUES FROM (10) TO (20)",
        said: "rows of table public.rest that belong in table public.new: 1, such as id = 15",
        mend: "DELETE FROM t WHERE id = 15",
    },
    Wrong {
        before: "CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE TABLE rest PARTITION OF t DEFAULT;
                 CREATE TABLE own PARTITION OF t FOR VALUES IN ('a'); INSERT INTO t VALUES ('a'), ('b'), (NULL)",
        after: "CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE TABLE rest PARTITION OF t DEFAULT;
                CREATE TABLE own PARTITION OF t FOR VALUES IN ('a', 'b')",
        said: "rows of table public.rest that belong in table public.own: 1, such as ctid = (0,1)",
        mend: "DELETE FROM t WHERE k = 'b'",
    },
    Wrong {
        before: "CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE TABLE own (k text); INSERT INTO own VALUES ('a'), ('b'), (NULL)",
        after: "CREATE TABLE t (k text) PARTITION BY LIST (k); CREATE TABLE own PARTITION OF t FOR VALUES IN ('a')",
        said: "rows of table public.own that FOR VALUES IN ('a') does not take: 2, such as ctid = (0,2)",
        mend: "DELETE FROM own WHERE k IS DISTINCT FROM 'a'",
    },
];

fn refused_until_mended(major: u16) {
    runtime().block_on(async {
        for Wrong { before, after, said, mend } in ALL {
            let database = Database::with_on(server_of(Some(major)), before).await.unwrap();
            database.write("desired.sql", after);
            let planned = database.trueup(PLAN).await.ended(2).unwrap();
            for part in said.split("; ") {
                assert!(planned.stdout.contains(part), "{part}\n{}", planned.shown());
            }
            database.approve("plan").await.unwrap();
            let state = database.state().await;
            let apply = ["apply", "plan", "--phase", "all"];
            database.trueup(&apply).await.fails(3, &format!("rows are in the way: {said}"));
            assert_eq!(database.state().await, state, "{said}: something was changed");
            database.execute(mend).await;
            database.trueup(&apply).await.ended(0).unwrap();
            database.done().await;
        }
    });
}

#[test]
fn rows_in_the_way_are_found_before_anything_is_changed_on_15() {
    refused_until_mended(15);
}

#[test]
fn rows_in_the_way_are_found_before_anything_is_changed_on_18() {
    refused_until_mended(18);
}

/// What is renamed is asked by its old name; what comes cannot be asked yet.
#[test]
fn what_the_same_plan_renames_is_asked_for_by_its_old_name() {
    runtime().block_on(async {
        let before = "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1), (2, -2)";
        let database = Database::with_on(server_of(None), before).await.unwrap();
        database.write(
            "desired.sql",
            "CREATE TABLE t (id int PRIMARY KEY, b int CHECK (b > 0), -- @renamed from=a instant
                 c int UNIQUE);",
        );
        let planned = database.trueup(PLAN).await.ended(2).unwrap();
        let said = "that t_b_check refuses: 1, such as id = 2";
        assert!(planned.shown().contains(said), "{}", planned.shown());
        assert_eq!(planned.shown().matches("in the way").count(), 1, "{}", planned.shown());
        database.approve("plan").await.unwrap();
        let refused = database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(3).unwrap();
        assert!(refused.shown().contains(said), "{}", refused.shown());
        database.execute("UPDATE t SET a = 2 WHERE id = 2").await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// What the plan itself mends is not in the way.
#[test]
fn what_the_plan_fills_or_computes_anew_is_not_asked_for() {
    runtime().block_on(async {
        let before = "CREATE TABLE t (id int PRIMARY KEY, a text, g int); INSERT INTO t VALUES (1, 'A', NULL), (2, NULL, NULL)";
        let database = Database::with_on(server_of(None), before).await.unwrap();
        database.write(
            "desired.sql",
            "CREATE TABLE t (id int PRIMARY KEY,
                 a text NOT NULL CHECK (a = lower(a)), -- @backfill using=lower(coalesce(a, 'none')) where=(a IS NULL OR a <> lower(a))
                 g int GENERATED ALWAYS AS (id * 2) STORED NOT NULL);",
        );
        let planned = database.trueup(&[PLAN, &["--assume-drop", "all"]].concat()).await.ended(2).unwrap();
        assert!(!planned.stdout.contains("in the way"), "{}", planned.shown());
        database.approve("plan").await.unwrap();
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT string_agg(a || g, ',' ORDER BY id) FROM t").await, "a2,none4");
        database.done().await;
    });
}

/// Rows that were written since, and that the undo of a step would fail on.
const BACK: &[Wrong] = &[
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL); INSERT INTO t VALUES (1, 1)",
        after: "CREATE TABLE t (id int PRIMARY KEY)",
        said: "rows without a value for a in table public.t, which is NOT NULL and has no default: 1, such as id = 1",
        mend: "DELETE FROM t",
    },
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL)",
        after: "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL)",
        said: "NULL in a of table public.t: 1, such as id = 1",
        mend: "UPDATE t SET a = 1",
    },
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE CHECK (a > 0))",
        after: "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 7), (2, 7), (3, -1)",
        said: "rows of table public.t that t_a_check refuses: 1, such as id = 3; keys (a) that are in table public.t more than once: 1, such as (a) = (7)",
        mend: "UPDATE t SET a = id",
    },
    Wrong {
        before: "CREATE TABLE t (id int PRIMARY KEY, a int)",
        after: "CREATE TABLE t (id int PRIMARY KEY, a bigint); INSERT INTO t VALUES (1, 3000000000)",
        said: "values that do not become integer in a of table public.t: integer out of range",
        mend: "UPDATE t SET a = 1",
    },
    Wrong {
        before: "CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, u int REFERENCES u)",
        after: "CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, u int); INSERT INTO t VALUES (1, 5)",
        said: "rows of table public.t that refer to none of public.u: 1, such as id = 1",
        mend: "INSERT INTO u VALUES (5)",
    },
];

/// A rollback that would stop in the middle is not begun.
#[test]
fn rows_in_the_way_back_are_found_before_anything_is_undone() {
    runtime().block_on(async {
        for Wrong { before, after, said, mend } in BACK {
            let database = Database::with_on(server_of(None), before).await.unwrap();
            let dump = database.dump().await;
            let (desired, written) = after.split_once("; INSERT").unwrap_or((after, ""));
            database.write("desired.sql", &format!("{desired};"));
            database.trueup(&[PLAN, &["--assume-drop", "all"]].concat()).await.ended(2).unwrap();
            database.approve("plan").await.unwrap();
            database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
            if !written.is_empty() {
                database.execute(&format!("INSERT{written}")).await;
            }
            let state = database.state().await;
            database
                .trueup(&["rollback", "plan"])
                .await
                .fails(3, &format!("rows are in the way back: {said}"));
            assert_eq!(database.state().await, state, "{said}: something was undone");
            database.execute(mend).await;
            database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
            database.dump().await.must_equal(&dump, said).await.unwrap();
            database.done().await;
        }
    });
}

/// Whoever looks at the plan before it is applied finds the same.
async fn refused_everywhere(database: &Database, said: &str) {
    for command in [&["apply", "plan"][..], &["verify", "plan"], &["preflight", "plan"]] {
        let refused = database.trueup(command).await.ended(3).unwrap();
        assert!(refused.shown().contains(said), "{command:?}: {}", refused.shown());
    }
}

/// A rewrite was accepted for a table that was small then, or is small elsewhere.
#[test]
fn a_rewrite_that_was_accepted_for_a_small_table_is_none_of_a_big_one() {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(15)), "CREATE TABLE ev (id integer, what text)").await.unwrap();
        database.execute("INSERT INTO ev SELECT generate_series(1, 1000), 'x'; ANALYZE ev").await;
        database.plan_approved("CREATE TABLE ev (id bigint, what text)").await;
        let fits = database.trueup(&["preflight", "plan"]).await.ended(0).unwrap();
        assert!(fits.stdout.contains("public.ev: about 1,000 rows (40 kB)"), "{}", fits.shown());
        let before = database.dump().await;
        // stored as it is, so that it is as big as it looks
        database
            .execute("ALTER TABLE ev ALTER what SET STORAGE plain; INSERT INTO ev SELECT n, repeat('x', 7000) FROM generate_series(1, 9000) n; ALTER TABLE ev ALTER what SET STORAGE extended; ANALYZE ev")
            .await;
        refused_everywhere(&database, "the plan is stale: made for about 1,000 rows (40 kB) in public.ev; it has about 10,000 rows (70 MB) here").await;
        database.dump().await.must_equal(&before, "something was changed").await.unwrap();
        database.execute("DELETE FROM ev WHERE id > 1000").await;
        database.execute("VACUUM FULL ev").await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// The table was empty when the plan was made, and has rows where it is applied.
#[test]
fn a_plan_for_an_empty_table_is_for_an_empty_table() {
    runtime().block_on(async {
        let database = Database::with_on(server_of(Some(15)), "CREATE TABLE ev (id bigint)").await.unwrap();
        database
            .plan_approved("CREATE TABLE ev (id bigint, key bigint GENERATED ALWAYS AS IDENTITY, made uuid DEFAULT gen_random_uuid())")
            .await;
        let said = "the plan is stale: made for an empty table; public.ev has about 2,000 rows here";
        let before = database.dump().await;
        database.execute("INSERT INTO ev SELECT generate_series(1, 2000); ANALYZE ev").await;
        refused_everywhere(&database, said).await;
        database.dump().await.must_equal(&before, "something was changed").await.unwrap();

        // rows that come after that was looked at: the step itself finds them, under its lock
        let plan = trueup::plan::PlanFile::open(&database.path("plan")).unwrap().plan;
        let sql: Vec<&str> = plan.steps[0].sql.iter().map(trueup::sql::Sql::as_str).collect();
        let failed = database.try_execute(&sql.join(";\n")).await.unwrap_err();
        assert!(failed.contains("made for an empty table; public.ev has rows here: plan again"), "{failed}");

        database.execute("TRUNCATE ev").await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// Rows of a table that the plan renames are counted, too, before anything is changed.
#[test]
fn rows_are_counted_under_the_name_that_their_table_has() {
    runtime().block_on(async {
        let before =
            "CREATE TABLE x (k integer); CREATE TABLE r (k integer); CREATE TABLE t (k integer PRIMARY KEY)";
        let database = Database::with(before).await.unwrap();
        database.execute("INSERT INTO x VALUES (1), (1), (7); INSERT INTO r VALUES (3)").await;
        database
            .plan_approved(
                "-- @renamed from=x instant
                CREATE TABLE y (k integer UNIQUE, CONSTRAINT big CHECK (k > 5));
                CREATE TABLE r (k integer REFERENCES u);
                -- @renamed from=t instant
                CREATE TABLE u (k integer PRIMARY KEY);",
            )
            .await;
        let dump = database.dump().await;
        let refused = database.trueup(&["apply", "plan"]).await.ended(3).unwrap();
        for said in [
            "that big refuses: 2",
            "keys (k) that are in table public.y more than once",
            "refer to none of public.u: 1",
        ] {
            assert!(refused.shown().contains(said), "{said}: {}", refused.shown());
        }
        database.dump().await.must_equal(&dump, "something was changed").await.unwrap();
        database.execute("TRUNCATE r; DELETE FROM x WHERE k = 1").await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// Columns that are renamed, and tables that take each other's names, are asked by the names that they still have; those that are
/// asked only in contract, too, when the plan is made.
#[test]
fn rows_are_counted_where_columns_are_renamed_and_tables_swap_their_names() {
    runtime().block_on(async {
        let before = "CREATE TABLE a (id integer PRIMARY KEY, k integer, gone text, n integer, note text);
            ALTER TABLE a DROP COLUMN gone;
            CREATE TABLE b (id integer PRIMARY KEY, k integer, n integer);
            CREATE TABLE p (k integer, r integer) PARTITION BY LIST (r);
            CREATE TABLE rest PARTITION OF p DEFAULT";
        let database = Database::with(before).await.unwrap();
        database.execute("INSERT INTO a VALUES (1, 1, NULL), (2, 1, 5)").await;
        database.execute("INSERT INTO b VALUES (1, 7, 1), (2, 8, 1), (3, 9, 1)").await;
        database.execute("INSERT INTO p VALUES (1, 1), (2, 1), (3, 2)").await;
        database.write(
            "desired.sql",
            "-- @renamed from=a instant
            CREATE TABLE b (
                id integer PRIMARY KEY,
                key integer UNIQUE, -- @renamed from=k instant
                n integer NOT NULL,
                note text
            );
            -- @renamed from=b instant
            CREATE TABLE a (id integer PRIMARY KEY, k integer UNIQUE, n integer CONSTRAINT small CHECK (n < 10));
            CREATE TABLE p (
                k integer,
                s integer -- @renamed from=r instant
            ) PARTITION BY LIST (s);
            CREATE TABLE one PARTITION OF p FOR VALUES IN (1);
            -- @renamed from=rest instant
            CREATE TABLE others PARTITION OF p DEFAULT;",
        );
        let planned = database.trueup(&["plan", "--schema", "desired.sql", "--out", "plan"]).await.ended(0).unwrap();
        let in_the_way = [
            "keys (key) that are in table public.b more than once: 1",
            "NULL in n of table public.b: 1",
            "rows of table public.others that belong in table public.one: 2",
        ];
        for said in in_the_way {
            assert!(planned.shown().contains(said), "{said}: {}", planned.shown());
        }
        assert_eq!(planned.shown().matches("in the way").count(), in_the_way.len(), "{}", planned.shown());
        database.approve("plan").await.unwrap();
        let refused = database.trueup(&["apply", "plan"]).await.ended(3).unwrap();
        assert!(refused.shown().contains(in_the_way[0]), "{}", refused.shown());
        database.execute("DELETE FROM a WHERE id = 1; DELETE FROM p WHERE r = 1").await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// A new column of a domain whose default goes, or is replaced, gets what the domain has afterwards.
#[test]
fn a_new_column_gets_the_default_that_its_domain_is_to_have() {
    runtime().block_on(async {
        let before = "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 5';
            CREATE DOMAIN gone AS integer DEFAULT 5; CREATE DOMAIN called AS integer DEFAULT f(1);
            CREATE DOMAIN above AS called; CREATE DOMAIN said AS text DEFAULT 'old'; CREATE TABLE t (id integer)";
        let database = Database::with(before).await.unwrap();
        database.execute("INSERT INTO t VALUES (1)").await;
        database
            .plan_approved(
                "CREATE FUNCTION f(bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 7';
                CREATE DOMAIN gone AS integer; CREATE DOMAIN called AS integer DEFAULT f(1);
                CREATE DOMAIN above AS called; CREATE DOMAIN said AS text DEFAULT 'new';
                CREATE TABLE t (id integer, a gone, b called, c above, d said)",
            )
            .await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        let row = "SELECT concat_ws(' ', coalesce(a::text, 'none'), b, c, d) FROM t";
        assert_eq!(database.ask(row).await, "none 7 7 new");
        database.done().await;
    });
}

/// Of a table that the plan renames it is asked under the name that it has.
#[test]
fn a_renamed_table_is_the_same_table() {
    runtime().block_on(async {
        let database = Database::with_on(
            server_of(Some(15)),
            "CREATE TABLE old (id int, a text); CREATE TABLE whole (id int)",
        )
        .await
        .unwrap();
        database.execute("INSERT INTO whole SELECT generate_series(1, 1000); ANALYZE whole").await;
        let after = "-- @renamed from=old instant
            CREATE TABLE whole (id int, a varchar(9), key uuid DEFAULT gen_random_uuid());
            -- @renamed from=whole instant
            CREATE TABLE entire (id bigint);";
        database.plan_approved(after).await;
        let fits = database.trueup(&["preflight", "plan"]).await.ended(0).unwrap();
        assert!(fits.stdout.contains("public.whole: about 1,000 rows (40 kB)"), "{}", fits.shown());
        database.execute("INSERT INTO old SELECT generate_series(1, 2000); ANALYZE old").await;
        let said = "the plan is stale: made for an empty table; public.old has about 2,000 rows here";
        refused_everywhere(&database, said).await;
        // with rows, the values come in batches, and what has to have one is refused
        std::fs::remove_dir_all(database.path("plan")).unwrap();
        database.plan_approved(after).await;
        let plan = std::fs::read_to_string(database.path("plan").join("plan.toml")).unwrap();
        assert!(plan.contains("[step.operation.backfill]\ntable = \"public.whole\""), "{plan}");
        database.write("more.sql", &after.replace("a varchar(9)", "a varchar(9), b int NOT NULL"));
        let planning = ["plan", "--schema", "more.sql", "--out", "plan2", "--manage", "all"];
        let refused = database.trueup(&planning).await.ended(3).unwrap();
        let said = "column public.whole.b is NOT NULL without a default, and table public.whole has rows";
        assert!(refused.shown().contains(said), "{}", refused.shown());
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// Rows that policies hide from who plans are there all the same.
#[test]
fn hidden_rows_are_not_taken_for_none() {
    runtime().block_on(async {
        const HIDDEN: &str = "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;";
        let before = format!("CREATE TABLE t (id int); INSERT INTO t VALUES (1); {HIDDEN}");
        let database = Database::with(&before).await.unwrap();
        database.execute("CREATE ROLE sees_no_row LOGIN; ALTER TABLE t OWNER TO sees_no_row").await;
        let url = oracle::url(&database.target.with_user("sees_no_row", None));
        let planning = ["plan", "--url", &url, "--schema", "desired.sql", "--out", "plan"];
        database.write("desired.sql", &format!("CREATE TABLE t (id int, b int NOT NULL); {HIDDEN}"));
        let refused = database.trueup(&planning).await.ended(3).unwrap();
        let said = "public.t.b is NOT NULL without a default, and table public.t may have rows that this role does not see";
        assert!(refused.shown().contains(said), "{}", refused.shown());
        // a value that is another one each time comes in batches
        database.write(
            "desired.sql",
            &format!("CREATE TABLE t (id int, key uuid DEFAULT gen_random_uuid()); {HIDDEN}"),
        );
        database.trueup(&planning).await.ended(0).unwrap();
        let plan = std::fs::read_to_string(database.path("plan").join("plan.toml")).unwrap();
        assert!(plan.contains("[step.operation.backfill]\ntable = \"public.t\""), "{plan}");
        database.execute("ALTER TABLE t OWNER TO CURRENT_USER; DROP ROLE sees_no_row").await;
        database.done().await;
    });
}

/// What `@convert` makes of NULL counts, not what the column has; and columns that had NULL are filled together.
#[test]
fn what_null_becomes_is_what_counts() {
    runtime().block_on(async {
        let before = "CREATE TABLE t (id int PRIMARY KEY, n text, a text, b text)";
        let database = Database::with(before).await.unwrap();
        database.execute("INSERT INTO t (id, a) SELECT i, CASE WHEN i % 2 = 0 THEN 'a' END FROM generate_series(1, 50) i").await;
        database
            .plan_approved(
                "CREATE TABLE t (id int PRIMARY KEY,
                    n int NOT NULL, -- @convert using=coalesce(n,'7')::int back=n::text
                    a text NOT NULL, -- @backfill using='none'||id
                    b text NOT NULL  -- @backfill using='b'||id
                )",
            )
            .await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        let filled = "SELECT bool_and(n = 7 AND a IN ('a', 'none' || id) AND b = 'b' || id)::text FROM t";
        assert_eq!(database.ask(filled).await, "true");
        database.done().await;
    });
}

/// An attribute of a composite type goes with what rows have in it, there and back: in contract, as a danger, and not unasked.
#[test]
fn an_attribute_that_goes_takes_its_values_along() {
    runtime().block_on(async {
        let one =
            "CREATE TYPE addr AS (street text); CREATE TABLE t (id int PRIMARY KEY, a addr, many addr[]);";
        let two = one.replace("street text", "street text, zip int");
        let rows = |value: &str| format!("INSERT INTO t VALUES (1, ROW({value}), ARRAY[ROW({value})::addr])");
        let database = Database::with(&two).await.unwrap();
        database.execute(&rows("'s', 1010")).await;
        database.plan(one).await;
        let verified = database.trueup(&["show", "plan"]).await.ended(0).unwrap();
        let lost = "type public.addr loses zip: the values in every row that has one of it";
        assert!(
            verified.stdout.contains("DATA_LOSS") && verified.stdout.contains(lost),
            "{}",
            verified.shown()
        );
        database.approve("plan").await.unwrap();
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT a::text FROM t").await, "(s,1010)", "old code reads it");
        database.trueup(&["apply", "plan", "--phase", "contract"]).await.ended(0).unwrap();
        database.done().await;

        let database = Database::with(one).await.unwrap();
        database.execute(&rows("'s'")).await;
        database.plan_approved(&two).await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.execute("UPDATE t SET a.zip = 1010").await;
        database.trueup_unattended(&["rollback", "plan"]).await.fails(
            3,
            "values of type public.addr in public.t that the old type does not hold as they are: 1 row",
        );
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.done().await;
        // a type that nothing is stored of loses nothing
        let database = Database::with("CREATE TYPE addr AS (street text, zip int);").await.unwrap();
        database.plan("CREATE TYPE addr AS (street text);").await;
        let shown = database.trueup(&["show", "plan"]).await.ended(0).unwrap();
        assert!(!shown.stdout.contains("DATA_LOSS"), "{}", shown.shown());
        database.done().await;
    });
}
