//! What stored values lose when their type changes, applied and rolled back: DATA_LOSS says it of a plan, and before a rollback the
//! data is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup::{
    hazard::Hazard,
    plan::{Plan, PlanFile},
};

use crate::oracle::{Database, dump::pg_dump, runtime, server_of, url};

fn loses(hazards: &[Hazard]) -> bool {
    hazards.iter().any(|hazard| hazard.code == "DATA_LOSS")
}

/// Whether DATA_LOSS is said of a table's columns: applied, and rolled back.
fn said_of(plan: &Plan, table: &str) -> (bool, bool) {
    let steps =
        || plan.steps.iter().filter(|step| step.object.path.parts().get(1).is_some_and(|it| it == table));
    assert!(steps().next().is_some(), "no step is about {table}");
    (steps().any(|step| loses(&step.hazards)), steps().any(|step| loses(&step.undo.hazards)))
}

async fn planned(before: &str, after: &str) -> (Database, Plan) {
    let database = Database::with_on(server_of(Some(18)), before).await.unwrap();
    database.plan_approved(after).await;
    let plan = PlanFile::open(&database.path("plan")).unwrap().plan;
    (database, plan)
}

/// The old and the new type; whether values may be lost by the change, and by its rollback.
const CHANGES: &[(&str, &str, bool, bool)] = &[
    ("bigint", "double precision", true, true),
    ("numeric(12,4)[]", "numeric(10,2)[]", true, false),
    ("timestamp[]", "date[]", true, false),
    ("text", "name", true, false),
    ("bit varying", "bit(4)", true, false),
    ("inet", "cidr", true, false),
    ("json", "jsonb", true, false),
    ("text", "char(5)", true, false),
    ("text", "varchar(5)", true, false),
    ("text", "int", true, false),
    ("numeric(7,3)", "numeric(5,1)", true, false),
    ("wide", "narrow", true, false),
    ("wide[]", "narrow[]", true, false),
    ("interval", "interval second(0)", true, false),
    ("timestamptz", "timestamp", true, true),
    ("int", "bigint", false, false),
    ("int", "numeric", false, true),
    ("real", "double precision", false, true),
    ("varchar(10)", "varchar(20)", false, true),
    ("varchar(10)", "text", false, true),
    ("char(4)", "text", false, true),
    ("numeric(5,2)", "numeric(7,2)", false, false),
    ("numeric(5,2)", "numeric(7,3)", false, true),
    ("date", "timestamp", false, true),
    ("cidr", "inet", false, true),
    ("wide", "wider", false, true),
    ("color", "text", false, false),
    ("int /* @convert using=a instant */", "bigint /* @convert using=a instant */", false, false),
    ("int", "text /* @convert using=a::text back=length(a) */", false, true),
    ("int", "bigint /* @convert using=a%10 back=a::int */", true, false),
    ("int", "bigint /* @convert using=a/10 back=(a*10)::int instant */", true, true),
];

#[test]
fn a_change_of_type_loses_values_unless_it_is_known_to_keep_them() {
    runtime().block_on(async {
        let types = "CREATE DOMAIN wide AS numeric(7,3); CREATE DOMAIN narrow AS numeric(5,1);
             CREATE DOMAIN wider AS numeric(9,4); CREATE TYPE color AS ENUM ('red', 'green');";
        let tables = |of: fn(&(&'static str, &'static str, bool, bool)) -> &'static str| {
            let table =
                |(at, change)| format!("CREATE TABLE t{at} (id int PRIMARY KEY, a {}\n);\n", of(change));
            let all: String = CHANGES.iter().enumerate().map(table).collect();
            format!("{types}\n{all}")
        };
        let (database, plan) = planned(&tables(|change| change.0), &tables(|change| change.1)).await;
        for (at, (old, new, applied, rolled_back)) in CHANGES.iter().enumerate() {
            let said = said_of(&plan, &format!("t{at}"));
            assert_eq!(said, (*applied, *rolled_back), "{old} to {new}");
        }
        database.trueup(&["verify", "plan", "--rehearse"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// Where one ALTER TABLE changes several columns, the loss of each is said, not of the first alone.
#[test]
fn each_column_of_one_statement_is_looked_at() {
    runtime().block_on(async {
        let (database, plan) = planned(
            "CREATE TABLE t (id int PRIMARY KEY, a int, b numeric(7,3), c int, n text);",
            "CREATE TABLE t (id int PRIMARY KEY, a bigint, b numeric(5,1),
                c bigint, -- @convert using=c/2 back=(c*2)::int instant
                n text NOT NULL);",
        )
        .await;
        let lossy: Vec<&str> = plan
            .steps
            .iter()
            .filter(|step| loses(&step.hazards))
            .map(|step| step.object.path.last())
            .collect();
        assert_eq!(lossy, ["b", "c"]);
        database.trueup(&["verify", "plan", "--rehearse"]).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn a_type_that_narrows_loses_values_where_it_is_stored() {
    runtime().block_on(async {
        let (database, plan) = planned(
            "CREATE DOMAIN price AS numeric(7,3); CREATE DOMAIN unused AS numeric(7,3);
             CREATE TYPE addr AS (n numeric, zip text); CREATE TYPE nobody AS (n numeric, zip text);
             CREATE TYPE span AS RANGE (subtype = timestamp);
             CREATE TABLE t (id int PRIMARY KEY, p price, h addr[], s span);",
            "CREATE DOMAIN price AS numeric(5,1); CREATE DOMAIN unused AS numeric(5,1);
             CREATE TYPE addr AS (n int, zip text); CREATE TYPE nobody AS (n int, zip text);
             CREATE TYPE span AS RANGE (subtype = date);
             CREATE TABLE t (id int PRIMARY KEY, p price, h addr[], s span);",
        )
        .await;
        let lossy = plan.steps.iter().filter(|step| loses(&step.hazards)).map(|step| step.object.to_string());
        let mut lossy: Vec<String> = lossy.collect();
        lossy.sort();
        assert_eq!(lossy, ["domain public.price", "range public.span", "type public.addr"]);
        let back = plan.steps.iter().any(|step| loses(&step.undo.hazards));
        assert!(!back, "the old types hold all values of the new ones");
        database.trueup(&["verify", "plan", "--rehearse"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// A change, and rows that its rollback leaves as they are, or does not.
struct Back {
    before: &'static str,
    after: &'static str,
    seed: &'static str,
    /// Leaves nothing to lose.
    harmless: &'static str,
    /// Writes a value that the rollback would change.
    writes: &'static str,
    says: &'static str,
}

const BACK: &[Back] = &[
    Back {
        before: "CREATE TYPE addr AS (street text); CREATE TABLE t (id int PRIMARY KEY, h addr);",
        after: "CREATE TYPE addr AS (street text, zip text); CREATE TABLE t (id int PRIMARY KEY, h addr);",
        seed: "INSERT INTO t VALUES (1, row('s')), (2, NULL)",
        harmless: "UPDATE t SET h = row('t', NULL) WHERE id = 1",
        writes: "UPDATE t SET h = row('s', '1010') WHERE id = 1",
        says: "values of type public.addr in public.t that the old type does not hold as they are: 1 of 2 rows",
    },
    Back {
        before: "CREATE TYPE i AS (a int); CREATE DOMAIN di AS i; CREATE TYPE o AS (x di); CREATE TABLE t (id int PRIMARY KEY, h o[]);",
        after: "CREATE TYPE i AS (a int, c int); CREATE DOMAIN di AS i; CREATE TYPE o AS (x di);
                CREATE TABLE t (id int PRIMARY KEY, h o[]);",
        seed: "INSERT INTO t VALUES (1, array[row(row(1)::i)::o]), (2, NULL)",
        harmless: "UPDATE t SET h = array[row(row(1, NULL)::i)::o]",
        writes: "UPDATE t SET h = array[row(row(1, NULL)::i)::o, row(row(1, 3)::i)::o] WHERE id = 1",
        says: "values of type public.i in public.t that the old type does not hold as they are: 1 of 2 rows",
    },
    Back {
        before: "CREATE DOMAIN dd AS numeric(5,1); CREATE TABLE t (id int PRIMARY KEY, d dd);",
        after: "CREATE DOMAIN dd AS numeric(7,3); CREATE TABLE t (id int PRIMARY KEY, d dd);",
        seed: "INSERT INTO t VALUES (1, 1), (2, 2)",
        harmless: "UPDATE t SET d = 1.5",
        writes: "UPDATE t SET d = 1.234 WHERE id = 1",
        says: "values of domain public.dd in public.t that the old type does not hold as they are: 1 of 2 rows",
    },
    Back {
        before: "CREATE DOMAIN one AS numeric(5,1); CREATE TABLE t (id int PRIMARY KEY, d one[]);",
        after: "CREATE DOMAIN three AS numeric(7,3); CREATE TABLE t (id int PRIMARY KEY, d three[]);",
        seed: "INSERT INTO t VALUES (1, '{1}'), (2, '{2,3}')",
        harmless: "UPDATE t SET d = '{1.5,2.5}'",
        writes: "UPDATE t SET d = '{1.5,1.234}' WHERE id = 1",
        says: "values of column public.t.d that public.one[] does not hold as they are: 1 of 2 rows",
    },
    Back {
        before: "CREATE TABLE t (id int PRIMARY KEY, d int);",
        after: "CREATE TABLE t (id int PRIMARY KEY, d text /* @convert using=d::text back=length(d) */);",
        seed: "INSERT INTO t VALUES (1, 1), (2, 1)",
        harmless: "SELECT 1",
        writes: "UPDATE t SET d = 'hello' WHERE id = 1",
        says: "values of column public.t.d that integer does not hold as they are: 1 of 2 rows",
    },
    Back {
        before: "CREATE TABLE t (id int PRIMARY KEY, a cidr);",
        after: "CREATE TABLE t (id int PRIMARY KEY, a inet);",
        seed: "INSERT INTO t VALUES (1, '10.0.0.0/8'), (2, NULL)",
        harmless: "UPDATE t SET a = '10.1.0.0/16'",
        writes: "UPDATE t SET a = '10.1.2.3/8' WHERE id = 1",
        says: "values of column public.t.a that cidr does not hold as they are: 1 of 2 rows",
    },
    // no equality, and one that takes 36 hours for a day and a half
    Back {
        before: "CREATE TABLE t (id int PRIMARY KEY, a jsonb, b interval second(0));",
        after: "CREATE TABLE t (id int PRIMARY KEY, a json, b interval);",
        seed: r#"INSERT INTO t VALUES (1, '{"a": 1}', '1 s'), (2, NULL, NULL)"#,
        harmless: r#"UPDATE t SET a = '{"b": 2}', b = '2 s' WHERE id = 1"#,
        writes: r#"UPDATE t SET a = '{"b": 2, "b": 3}' WHERE id = 1"#,
        says: "values of column public.t.a that jsonb does not hold as they are: 1 of 2 rows",
    },
    Back {
        before: "CREATE TABLE t (id int PRIMARY KEY, a varchar(4), b char(3));",
        after: "CREATE TABLE t (id int PRIMARY KEY, a text, b text);",
        seed: "INSERT INTO t VALUES (1, 'a', 'b')",
        harmless: "UPDATE t SET a = 'abcd', b = 'abc'",
        writes: "UPDATE t SET a = 'a     '",
        says: "values of column public.t.a that character varying(4) does not hold as they are: 1 row",
    },
];

#[test]
fn a_rollback_asks_about_values_that_change_and_about_no_others() {
    runtime().block_on(async {
        for Back { before, after, seed, harmless, writes, says } in BACK {
            let database = Database::with(&format!("{before} {seed}")).await.unwrap();
            database.plan_approved(after).await;
            let apply = ["apply", "plan", "--phase", "all"];
            database.trueup(&apply).await.ended(0).unwrap();
            database.execute(harmless).await;
            database.trueup_unattended(&["rollback", "plan"]).await.ended(0).unwrap();
            database.trueup(&apply).await.ended(0).unwrap();
            database.execute(writes).await;
            let kept = database.ask("SELECT string_agg(t::text, ';' ORDER BY id) FROM t").await;
            let refused = database.trueup_unattended(&["rollback", "plan"]).await.ended(3).unwrap();
            assert!(refused.stderr.contains(says), "{says:?} is not in\n{}", refused.shown());
            assert_eq!(database.ask("SELECT string_agg(t::text, ';' ORDER BY id) FROM t").await, kept);
            let rollback = ["rollback", "plan", "--accept", "DATA_LOSS"];
            database.trueup_unattended(&rollback).await.ended(0).unwrap();
            database.done().await;
        }
    });
}

/// A value that comes between the question and the step is found once nobody can write any more.
#[test]
fn a_value_that_comes_behind_the_question_is_not_lost() {
    runtime().block_on(async {
        let table = |of: &str| format!("CREATE TABLE t (id int PRIMARY KEY, a {of});");
        let database = Database::with(&table("numeric(5,1)")).await.unwrap();
        database.execute("INSERT INTO t VALUES (1, 1.5)").await;
        database.plan_approved(&table("numeric(7,3)")).await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        let (psql, url) = (pg_dump().with_file_name("psql"), url(&database.target));
        let write = format!("'{}' -X -q '{url}' -c \\\"UPDATE t SET a = 1.234\\\"", psql.display());
        database.write("trueup.toml", &format!("[hooks]\nbefore = \"\"\"{write} \"\"\"\n"));
        let stopped = database.trueup_unattended(&["rollback", "plan"]).await;
        let found = stopped.stderr.contains("public.t has rows now that would be lost or would lose values");
        assert!(matches!(stopped.code, Some(1 | 4)) && found, "{}", stopped.shown());
        assert_eq!(database.ask("SELECT a::text FROM t").await, "1.234");
        database.done().await;
    });
}

/// Rows that the undo of a step would fail on are found before it, wherever in a column the value is.
#[test]
fn a_rollback_refuses_values_that_do_not_fit_wherever_they_are() {
    runtime().block_on(async {
        let schema = |label: &str, number: &str| {
            format!(
                "CREATE TYPE e AS ENUM ('a', 'b'{label}); CREATE DOMAIN de AS e; CREATE TYPE c AS (x e, y de[]);
                 CREATE TYPE s AS RANGE (subtype = e); CREATE TYPE n AS (v {number}); CREATE DOMAIN dn AS n;
                 CREATE TABLE t (id int PRIMARY KEY, p e, q e[], r c, s c[], u s, w n, x dn[]);"
            )
        };
        let database = Database::with(&schema("", "int")).await.unwrap();
        database.plan_approved(&schema(", 'c'", "numeric")).await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        let before = database.ask("SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum").await;
        for (column, value, says) in [
            ("p", "'c'", "a label that goes in p of table public.t: 1"),
            ("q", "'{a,c}'", "a label that goes in q of table public.t: 1"),
            ("r", "row('c', NULL)", "a label that goes in r of table public.t: 1"),
            ("s", "array[row('a', '{b,c}')::c]", "a label that goes in s of table public.t: 1"),
            ("u", "'[a,c]'", "a label that goes in u of table public.t: 1"),
            ("w", "row(1.5)", "values that do not become integer in w of table public.t"),
            ("x", "array[row(1.5)::n]", "values that do not become integer in x of table public.t"),
        ] {
            database.execute(&format!("INSERT INTO t (id, {column}) VALUES (1, {value})")).await;
            let refused = database.trueup_unattended(&["rollback", "plan"]).await.ended(3).unwrap();
            assert!(refused.stderr.contains(says), "{says:?} is not in\n{}", refused.shown());
            let now = database.ask("SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum").await;
            assert_eq!(now, before, "nothing was changed");
            database.execute("DELETE FROM t").await;
        }
        let harmless = "1, 'a', '{a}', row('a', '{b}'), '{}', '[a,b]', row(1), '{}'";
        database.execute(&format!("INSERT INTO t VALUES ({harmless})")).await;
        database.trueup_unattended(&["rollback", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// What a column's default gave to rows that were there when the column came is nothing that anybody wrote; what rows that came
/// later have may be.
#[test]
fn values_of_a_default_at_the_moment_that_it_came_are_no_loss() {
    runtime().block_on(async {
        let before = "CREATE TABLE t (id int PRIMARY KEY, b int);
             CREATE TABLE m (id int) PARTITION BY RANGE (id); CREATE TABLE m1 PARTITION OF m DEFAULT;";
        let after = "CREATE TABLE t (id int PRIMARY KEY, b int, v timestamptz NOT NULL DEFAULT now(), j json DEFAULT '{}', k int[] DEFAULT '{1}');
             CREATE TABLE m (id int, v timestamptz DEFAULT now()) PARTITION BY RANGE (id); CREATE TABLE m1 PARTITION OF m DEFAULT;";
        let database = Database::with(before).await.unwrap();
        database.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 10) i; INSERT INTO m VALUES (1)").await;
        database.plan_approved(after).await;
        let apply = ["apply", "plan", "--phase", "all"];
        database.trueup(&apply).await.ended(0).unwrap();
        database.execute("UPDATE t SET b = 0 WHERE id = 1").await;
        let back = database.trueup_unattended(&["rollback", "plan"]).await.ended(0).unwrap();
        assert!(!back.stdout.contains("did not come back"), "{}", back.shown());
        for (write, says) in [
            ("INSERT INTO t VALUES (11, 11)", "v of public.t"),
            ("UPDATE t SET v = now() WHERE id = 1", "v of public.t"),
            ("UPDATE t SET j = '[]' WHERE id = 1", "j of public.t"),
            ("INSERT INTO m VALUES (2)", "v of public.m"),
        ] {
            database.trueup(&apply).await.ended(0).unwrap();
            database.execute(write).await;
            let refused = database.trueup_unattended(&["rollback", "plan"]).await.ended(3).unwrap();
            let column = says.split_once(" of ").map(|(column, table)| format!("column {table}.{column}")).unwrap();
            assert!(refused.stderr.contains(&column) && refused.stderr.contains("1 of "), "{says}\n{}", refused.shown());
            assert_eq!(refused.stderr.matches("error: the rollback loses").count(), 1, "{}", refused.shown());
            database.trueup_unattended(&["rollback", "plan", "--accept", "DATA_LOSS"]).await.ended(0).unwrap();
        }
        database.done().await;
    });
}
