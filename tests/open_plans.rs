//! What is applied while another plan is between its phases, or stopped, leaves that one a way to go on: else it is refused, and
//! says by what. Both are made from the same base, so that neither knows of the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, runtime};

const BASE: &str = "CREATE TABLE o (id int PRIMARY KEY, x text);
    CREATE FUNCTION norm(value text) RETURNS text LANGUAGE sql IMMUTABLE RETURN lower(value);
    CREATE TABLE t (id int PRIMARY KEY, a text, d int, e text);";
const ROWS: &str = "INSERT INTO o SELECT n, 'x' || n FROM generate_series(1, 50) n;
    INSERT INTO t SELECT n, 'A' || n, n, 'e' || n FROM generate_series(1, 50) n;";

/// One edit: what it replaces in the base by what, or what it adds.
type Edit = (&'static str, &'static str);
const FROM_E: Edit = ("e text);", "e text, z text NOT NULL -- @backfill using=coalesce(e,'')||'z'\n);");
const FROM_O: Edit =
    ("e text);", "e text, z text NOT NULL -- @backfill using=(SELECT o.x FROM o WHERE o.id=t.id)\n);");
const FROM_NORM: Edit = ("e text);", "e text, z text NOT NULL -- @backfill using=norm(a)\n);");
const RENAMES: Edit = ("a text, d int", "a text, n int /* @renamed from=d online */");
const CONVERTS: Edit = ("a text, d int", "a text, d text /* @convert using=d||coalesce(e,'') back=1 */");

/// The first is between its phases; the second is refused with this, or, where it says nothing, is applied.
const PAIRS: &[(Edit, Edit, &str)] = &[
    (FROM_E, (", e text);", ");"), "relies on column public.t.e as it is"),
    (FROM_E, (", e text)", ", f text /* @renamed from=e instant */)"), "column public.t.e"),
    (FROM_O, (", x text)", ")"), "relies on column public.o.x as it is"),
    (FROM_NORM, ("lower(value)", "upper(value)"), "relies on function public.norm(text) as it is"),
    (CONVERTS, (", e text);", ");"), "relies on column public.t.e as it is"),
    (
        RENAMES,
        ("e text);", "e text); CREATE INDEX ON t (d);"),
        "changes column public.t.d, which index public.t_d_idx needs",
    ),
    (
        RENAMES,
        ("e text);", "e text); CREATE VIEW v AS SELECT d FROM t;"),
        "changes column public.t.d, which view public.v needs",
    ),
    (
        RENAMES,
        ("e text);", "e text); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"),
        "relies on table public.t as it is",
    ),
    // what has nothing to do with each other
    (RENAMES, ("e text);", "e text, w int); CREATE INDEX ON t (e);"), ""),
    (FROM_E, ("e text);", "e text); CREATE INDEX ON t (a); CREATE VIEW v AS SELECT a FROM t;"), ""),
];

async fn pair(first: Edit, second: Edit) -> Database {
    let database = Database::with(BASE).await.unwrap();
    database.execute(ROWS).await;
    for (name, (from, to)) in [("first", first), ("second", second)] {
        database.write("desired.sql", &BASE.replacen(from, to, 1));
        let plan =
            ["plan", "--schema", "desired.sql", "--out", name, "--manage", "all", "--assume-drop", "all"];
        database.trueup(&plan).await.ended(0).unwrap();
        database.approve(name).await.unwrap();
    }
    database
}

/// Old code writes, and nothing fails.
const WRITES: &str =
    "UPDATE t SET a = a WHERE id < 9; INSERT INTO t (id, a) VALUES (99, 'w'); DELETE FROM t WHERE id = 99";

#[test]
fn a_plan_does_not_get_in_the_way_of_one_that_is_open() {
    runtime().block_on(async {
        for (first, second, why) in PAIRS {
            let when = format!("{first:?} and {second:?}");
            let database = pair(*first, *second).await;
            database.trueup(&["apply", "first"]).await.ended(0).unwrap();
            let ran = database.trueup(&["apply", "second", "--phase", "all"]).await;
            if why.is_empty() {
                assert_eq!(ran.code, Some(0), "{when}: {}", ran.shown());
            } else {
                ran.fails(3, "plan first is not at its end, and ");
                ran.fails(3, why);
                let said =
                    database.trueup(&["preflight", "second", "--phase", "all"]).await.ended(3).unwrap();
                assert!(said.stdout.contains("open plans"), "{when}: {}", said.shown());
            }
            if !why.is_empty() {
                database.execute(WRITES).await;
            }
            // the first has its way, both ways
            database.trueup(&["apply", "first", "--phase", "contract"]).await.ended(0).unwrap();
            database.trueup(&["rollback", "first"]).await.ended(0).unwrap();
            database.done().await;
        }
    });
}

/// A rollback takes away what another plan has been built on since.
#[test]
fn a_rollback_does_not_get_in_the_way_either() {
    runtime().block_on(async {
        let database = Database::with(BASE).await.unwrap();
        database.execute(ROWS).await;
        database.plan_approved(&BASE.replacen("e text);", "e text, g text);", 1)).await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.write(
            "desired.sql",
            &BASE.replacen(
                "e text);",
                "e text, g text, z text NOT NULL -- @backfill using=coalesce(g,'z')\n);",
                1,
            ),
        );
        let plan = ["plan", "--schema", "desired.sql", "--out", "second", "--manage", "all"];
        database.trueup(&plan).await.ended(0).unwrap();
        database.approve("second").await.unwrap();
        database.trueup(&["apply", "second"]).await.ended(0).unwrap();
        database
            .trueup(&["rollback", "plan"])
            .await
            .fails(3, "plan second is not at its end, and relies on column public.t.g as it is");
        database.trueup(&["apply", "second", "--phase", "contract"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "second"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// What a value is computed from in other tables, and by which functions, makes a plan stale when it changes.
#[test]
fn what_a_value_is_computed_from_is_part_of_the_plan() {
    runtime().block_on(async {
        for (edit, change, why) in [
            (FROM_O, "ALTER TABLE o DROP COLUMN x", "column public.o.x is missing"),
            (FROM_O, "ALTER TABLE o ALTER x TYPE varchar(9)", "column public.o.x changed"),
            (FROM_NORM, "CREATE OR REPLACE FUNCTION norm(value text) RETURNS text LANGUAGE sql IMMUTABLE RETURN upper(value)", "function public.norm(text) changed"),
            (FROM_NORM, "DROP FUNCTION norm(text)", "function public.norm(text) is missing"),
        ] {
            let database = Database::with(BASE).await.unwrap();
            database.execute(ROWS).await;
            database.plan_approved(&BASE.replacen(edit.0, edit.1, 1)).await;
            database.execute(change).await;
            database.trueup(&["apply", "plan"]).await.fails(3, why);
            database.done().await;
        }
    });
}

/// Two plans are open: the one that stopped comes first, and both are named, whatever their digests are.
#[test]
fn status_tells_the_plan_that_stopped_first() {
    runtime().block_on(async {
        // their digests are drawn, as it were: three times
        for _ in 0..3 {
            let database = pair(
                RENAMES,
                ("e text);", "e text, w int); CREATE TABLE later (); ALTER TABLE o ADD y int;"),
            )
            .await;
            database.trueup(&["apply", "first"]).await.ended(0).unwrap();
            let holder = database.session().await;
            holder.client().batch_execute("BEGIN; LOCK TABLE o IN ACCESS SHARE MODE").await.unwrap();
            let ran = database.trueup(&["apply", "second", "--lock-retries", "0"]).await;
            let stopped = ran.code == Some(4);
            assert!(stopped || ran.code == Some(1), "{}", ran.shown());
            holder.client().batch_execute("ROLLBACK").await.unwrap();
            holder.close().await;
            let status = database.trueup(&["status", "--exit-code"]).await;
            assert!(
                status.stdout.contains("first: phase expand applied, contract remains"),
                "{}",
                status.shown()
            );
            if stopped {
                assert_eq!(status.code, Some(4), "{}", status.shown());
                let [one, other] = ["second: ", "; first: "].map(|words| status.stdout.find(words));
                assert!(one.is_some() && one < other, "{}", status.shown());
            }
            database.done().await;
        }
    });
}
