//! Two pull requests on one table: each is planned from the same base, and they are applied in both orders. Where that comes to
//! the same, by pg_dump, neither makes the other one stale; where it does not, or does not work at all, the second is refused.
//!
//! `TRUEUP_TEST_SOAK=1` tries all pairs; else some of them, others each day.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;

use trueup::plan::{Plan, PlanFile};

use crate::oracle::{self, Database, is_soak, runtime};

/// The base, as parts that edits take away, change or add to.
fn base() -> BTreeMap<&'static str, String> {
    [
        ("1", "CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY"),
        ("2 a", ", a text"),
        ("2 b", ", b int NOT NULL DEFAULT 1"),
        ("2 c", ", c varchar(10)"),
        ("2 d", ", d int"),
        ("2 e", ", e text"),
        ("3", ");"),
        ("4 t_d", "CREATE INDEX t_d ON t (d);"),
        ("4 c_ok", "ALTER TABLE t ADD CONSTRAINT c_ok CHECK (c <> '');"),
        ("4 p", "CREATE POLICY p ON t FOR SELECT USING (true);"),
        ("4 f", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"),
    ]
    .into_iter()
    .map(|(part, sql)| (part, sql.to_owned()))
    .collect()
}

/// What one pull request changes: a part, and what it is afterwards.
const EDITS: &[(&str, &str, &str)] = &[
    ("add a column", "2 x", ", x text"),
    ("add a column with a default", "2 y", ", y int NOT NULL DEFAULT 5"),
    ("drop a column", "2 e", ""),
    ("index a column", "4 t_a", "CREATE INDEX t_a ON t (a);"),
    ("drop an index", "4 t_d", ""),
    ("add a unique index", "4 t_b", "CREATE UNIQUE INDEX t_b ON t (b, id);"),
    ("add a check", "4 d_ok", "ALTER TABLE t ADD CONSTRAINT d_ok CHECK (d > -1);"),
    ("drop a check", "4 c_ok", ""),
    ("widen a column", "2 c", ", c varchar(20)"),
    ("rewrite a column", "2 d", ", d bigint"),
    ("change a default", "2 b", ", b int NOT NULL DEFAULT 2"),
    ("refuse NULL", "2 a", ", a text NOT NULL"),
    ("add a foreign key", "2 r", ", r int REFERENCES u"),
    ("add a policy", "4 q", "CREATE POLICY q ON t FOR SELECT USING (d > 1);"),
    ("drop a policy", "4 p", ""),
    ("add a trigger", "4 g", "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"),
    ("rename a column", "2 a", ", a2 text -- @renamed from=a instant\n"),
    ("rename a column online", "2 c", ", c2 varchar(10) -- @renamed from=c online\n"),
    ("set an option", "4 o", "ALTER TABLE t SET (fillfactor = 50);"),
    ("comment on a column", "4 k", "COMMENT ON COLUMN t.d IS 'k';"),
    ("fill a column", "2 z", ", z text NOT NULL -- @backfill using=a||'z'\n"),
    ("grant", "4 s", "GRANT SELECT ON t TO reader;"),
    ("add statistics", "4 st", "CREATE STATISTICS st ON b, d FROM t;"),
    ("add a view", "4 v", "CREATE VIEW v AS SELECT id, d FROM t;"),
    ("enable row security", "4 w", "ALTER TABLE t ENABLE ROW LEVEL SECURITY;"),
    ("drop the table", "", ""),
];

/// What changes one column, or what is built on it, or the table's own settings, may be refused beside another such edit, though it
/// comes to the same: who changes the same thing is to look.
const SAME: &[&[&str]] = &[
    &["index a column", "refuse NULL"],
    &["drop an index", "rewrite a column", "add a check", "comment on a column", "add statistics"],
    &["drop a check", "widen a column"],
    // who sees which rows is up to the policies and to whether they hold
    &["set an option", "enable row security", "add a policy", "drop a policy"],
];

const ROWS: &str = "INSERT INTO t SELECT n, 'a' || n, n, 'c', n, 'e' FROM generate_series(1, 50) n; ANALYZE;";

fn edited(edits: &[usize]) -> String {
    let mut parts = base();
    for edit in edits {
        match EDITS[*edit] {
            (_, "", _) => return "CREATE TABLE u (id int PRIMARY KEY);".to_owned() + &base()["4 f"],
            (_, part, "") => _ = parts.remove(part),
            (_, part, sql) => _ = parts.insert(part, sql.to_owned()),
        }
    }
    // the check names the column that a rename renames
    let mut sql: String = parts.into_values().collect();
    if sql.contains(" c2 ") {
        sql = sql.replace("CHECK (c <>", "CHECK (c2 <>");
    }
    if sql.contains(" a2 ") {
        sql = sql.replace("ON t (a)", "ON t (a2)");
    }
    sql
}

/// How two plans, one after the other, end: the dump, or what stopped them.
type End = Result<oracle::dump::Dump, String>;

/// By trueup.
async fn applied(base: &Database, first: usize, second: usize, folder: &Database) -> (Option<i32>, End) {
    let copy = base.copy().await;
    let run = async |edit: usize| {
        let plan = folder.path(&format!("plan{edit}"));
        let apply = ["apply", plan.to_str().unwrap(), "--phase", "all"];
        copy.trueup(&apply).await
    };
    run(first).await.ended(0).unwrap();
    let ran = run(second).await;
    let end = if ran.code == Some(0) { Ok(copy.dump().await) } else { Err(ran.shown()) };
    copy.done().await;
    (ran.code, end)
}

/// By the statements alone. None: some are no statements of SQL alone.
async fn executed(base: &Database, plans: [&Plan; 2]) -> Option<End> {
    let steps = || plans.iter().flat_map(|plan| &plan.steps);
    if steps().any(|step| step.operation.backfill().is_some()) {
        return None;
    }
    let copy = base.copy().await;
    let mut end = Ok(());
    copy.execute("CREATE SCHEMA IF NOT EXISTS trueup").await;
    for sql in steps().flat_map(|step| &step.sql) {
        end = copy.try_execute(sql.as_str()).await;
        if end.is_err() {
            break;
        }
    }
    copy.execute("DROP SCHEMA trueup").await;
    let end = match end {
        Ok(()) => Ok(copy.dump().await),
        Err(error) => Err(error),
    };
    copy.done().await;
    Some(end)
}

#[test]
fn plans_that_commute_do_not_make_each_other_stale() {
    runtime().block_on(async {
        let folder = Database::with(&edited(&[])).await.unwrap();
        folder.execute(ROWS).await;
        let mut plans = Vec::new();
        for (edit, (name, ..)) in EDITS.iter().enumerate() {
            folder.write("desired.sql", &edited(&[edit]));
            let plan = format!("plan{edit}");
            let make = [
                "plan",
                "--schema",
                "desired.sql",
                "--out",
                &plan,
                "--manage",
                "all",
                "--assume-drop",
                "all",
            ];
            folder.trueup(&make).await.ended(0).unwrap_or_else(|error| panic!("{name}: {error}"));
            folder.approve(&plan).await.unwrap();
            plans.push(PlanFile::open(&folder.path(&plan)).unwrap().plan);
        }
        let pairs =
            (0..EDITS.len()).flat_map(|first| (first + 1..EDITS.len()).map(move |second| (first, second)));
        let mut pairs: Vec<(usize, usize)> = pairs.collect();
        if !is_soak() {
            let day = usize::try_from(jiff::Timestamp::now().as_second() / 86_400).unwrap();
            let every = pairs.len() / 8;
            pairs = pairs.into_iter().skip(day % every).step_by(every).collect();
        }
        let mut wrong = Vec::new();
        for (first, second) in pairs {
            let name = format!("{} / {}", EDITS[first].0, EDITS[second].0);
            let there = applied(&folder, first, second, &folder).await;
            let other = applied(&folder, second, first, &folder).await;
            let dumps = [
                executed(&folder, [&plans[first], &plans[second]]).await,
                executed(&folder, [&plans[second], &plans[first]]).await,
            ];
            let commute = match &dumps {
                [Some(Ok(one)), Some(Ok(other))] => Some(one.must_equal(other, "").await.is_ok()),
                [Some(_), Some(_)] => Some(false),
                _ => None,
            };
            let same =
                SAME.iter().any(|names| [first, second].iter().all(|edit| names.contains(&EDITS[*edit].0)));
            for (way, (code, end)) in [("", &there), (", the other way round", &other)] {
                match (commute, code) {
                    (Some(true) | None, Some(0)) | (Some(false) | None, Some(3)) => {}
                    (Some(true), Some(3)) if same => {}
                    _ => wrong.push(format!(
                        "{name}{way}: commute {commute:?}, and {code:?}: {}",
                        end.as_ref().err().map_or("", |it| it)
                    )),
                }
            }
            if let ((Some(0), Ok(one)), (Some(0), Ok(two))) = (&there, &other)
                && let Err(error) = one.must_equal(two, "the two orders").await
            {
                wrong.push(format!("{name}: {error}"));
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        folder.done().await;
    });
}
