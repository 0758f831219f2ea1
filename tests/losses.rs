//! What stored values lose when their type changes, applied and rolled back: DATA_LOSS says it of a plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup::{
    hazard::Hazard,
    plan::{Plan, PlanFile},
};

use crate::oracle::{Database, runtime, server_of};

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
