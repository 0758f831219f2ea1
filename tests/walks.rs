//! Random databases and random edits of them: planned, applied, compared with a database made afresh, planned again to
//! nothing, rolled back, compared with what there was. pg_dump compares.
//!
//! A walk is known by its seed, which is the test's name. `TRUEUP_TEST_SEED=500` begins at another one, and
//! `TRUEUP_TEST_SEED=517 … --test walks -- 517` walks that one again (`table-517`: edits of one table only); `TRUEUP_TEST_SOAK=1` walks a thousand. What a
//! failing walk did stays in target/tmp/walks/SEED.
//!
//! What a walk finds becomes a case of tests/cases. `walks/model.rs` knows what there is and how it reads as SQL,
//! `walks/grow.rs` what may come and change.
#![allow(
    clippy::maybe_infinite_iter,
    clippy::match_same_arms,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

#[path = "walks/dice.rs"]
mod dice;
#[path = "walks/grow.rs"]
mod grow;
#[path = "walks/model.rs"]
mod model;
mod oracle;

use std::{collections::BTreeSet, fs, path::Path, process::ExitCode};

use dice::Dice;
use libtest_mimic::{Failed, Trial};
use model::{Id, Model};
use oracle::{Database, dump::Dump};
use trueup::plan::{Plan, PlanFile};

const PLAN: &[&str] =
    &["plan", "--schema", "desired.sql", "--manage", "all", "--assume-drop", "all", "--exit-code", "--out"];

/// What PostgreSQL cannot do: a table that takes the name of one that goes is another state of that one.
const REFUSED: &[&str] =
    &["PostgreSQL cannot change how a table is partitioned", "PostgreSQL has no cast for"];

/// Where edits are made.
#[derive(Clone, Copy)]
enum Edits {
    Anywhere,
    InOneTable,
}

async fn walk(seed: u64, edits: Edits) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let before = grow::catalog(&mut dice);
    let after = match edits {
        Edits::Anywhere => grow::edited(&before, &mut dice),
        Edits::InOneTable => grow::edited_in_one_table(&before, &mut dice),
    };
    let (mut from, mut to) = (before.sql(), after.sql());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walks").join(name(seed, edits));
    let mut road = road(&from, &to).await;
    if let Err(what) = &road
        && std::env::var_os("TRUEUP_TEST_SHRINK").is_some()
    {
        let (before, after) = shrink(before, after, what).await;
        (from, to) = (before.sql(), after.sql());
        road = self::road(&from, &to).await;
    }
    match &road {
        Ok(()) => _ = fs::remove_dir_all(&folder),
        Err(what) => {
            fs::create_dir_all(&folder).unwrap();
            for (name, text) in [("before.sql", &from), ("after.sql", &to), ("failure", what)] {
                fs::write(folder.join(name), text).unwrap();
            }
        }
    }
    road.map_err(|what| format!("{what}\nbefore.sql and after.sql are in {}", folder.display()))
}

/// What of a walk is enough to fail in the same way. `TRUEUP_TEST_SHRINK=1` asks for it.
async fn shrink(before: Model, after: Model, what: &str) -> (Model, Model) {
    let first = |what: &str| -> String {
        let line = what.lines().find(|line| line.starts_with("error: ")).or(what.lines().next());
        line.unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).take(60).collect()
    };
    let same = first(what);
    let (mut before, mut after) = (before, after);
    let ids: BTreeSet<Id> = before.objects.keys().chain(after.objects.keys()).copied().collect();
    for _ in 0..2 {
        for id in ids.iter().rev() {
            let less = [without(&before, *id), as_before(&before, &after, *id)];
            let tries = [
                (less[0].clone(), without(&after, *id)),
                (before.clone(), less[1].clone()),
                (quiet(&before, *id), quiet(&after, *id)),
            ];
            for (from, to) in tries {
                if (&from, &to) == (&before, &after) {
                    continue;
                }
                if road(&from.sql(), &to.sql()).await.is_err_and(|what| first(&what) == same) {
                    (before, after) = (from, to);
                }
            }
        }
    }
    (before, after)
}

fn without(model: &Model, id: Id) -> Model {
    let mut model = model.clone();
    if model.objects.contains_key(&id) {
        let gone = model.closure(id);
        model.objects.retain(|id, _| !gone.contains(id));
    }
    model
}

/// Without the edit of one object.
fn as_before(before: &Model, after: &Model, id: Id) -> Model {
    let mut model = after.clone();
    match before.objects.get(&id) {
        Some(object)
            if object.thing.needs().iter().chain(&object.at).all(|need| model.objects.contains_key(need)) =>
        {
            model.objects.insert(id, object.clone());
        }
        _ => {}
    }
    model
}

/// Without what is said of it.
fn quiet(model: &Model, id: Id) -> Model {
    let mut model = model.clone();
    if let Some(object) = model.objects.get_mut(&id) {
        object.comment = None;
        object.grant = None;
    }
    model
}

async fn road(from: &str, to: &str) -> Result<(), String> {
    let wanted = Database::with(to).await.map_err(|error| format!("the walk's own SQL, after: {error}"))?;
    let wanted_dump = wanted.dump().await;
    wanted.done().await;
    let database =
        Database::with(from).await.map_err(|error| format!("the walk's own SQL, before: {error}"))?;
    let before = database.dump().await;
    database.write("desired.sql", to);
    let planned = database.trueup(&[PLAN, &["plan"]].concat()).await;
    if planned.code == Some(0) {
        before.must_equal(&wanted_dump, "there is something to plan").await?;
        database.done().await;
        return Ok(());
    }
    if planned.code == Some(3) && REFUSED.iter().any(|reason| planned.shown().contains(reason)) {
        database.done().await;
        return Ok(());
    }
    let planned = planned.ended(2)?;
    let shown = |what: String| format!("{what}\n{}", planned.shown());
    let plan = PlanFile::open(&database.path("plan")).map_err(|error| shown(error.to_string()))?.plan;
    gaps(&plan).map_err(shown)?;
    database.approve("plan").await.map_err(shown)?;
    database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).map_err(shown)?;
    let there = database.dump().await;
    let wanted_dump = inherited_anew(&plan, to, "INHERIT ").await.map_err(shown)?.unwrap_or(wanted_dump);
    there.must_equal(&wanted_dump, "the plan does not lead to what is desired").await.map_err(shown)?;
    let again = database.trueup(&[PLAN, &["again"]].concat()).await;
    again.ended(0).map_err(|what| shown(format!("there is something to plan afterwards: {what}")))?;
    database.trueup(&["rollback", "plan"]).await.ended(0).map_err(shown)?;
    let back = database.dump().await;
    let before = inherited_anew(&plan, from, "NO INHERIT ").await.map_err(shown)?.unwrap_or(before);
    back.must_equal(&before, "the rollback does not lead back").await.map_err(shown)?;
    database.done().await;
    Ok(())
}

/// What this SQL makes, as PostgreSQL leaves it when a table that there is begins to inherit: the columns are its own, too, for
/// good. So it is on the way there where it begins, and on the way back where it stopped. Nothing, where the plan has neither.
async fn inherited_anew(plan: &Plan, sql: &str, clause: &str) -> Result<Option<Dump>, String> {
    let text = sql;
    let mut again = String::new();
    for (step, sql) in plan.steps.iter().flat_map(|step| step.sql.iter().map(move |sql| (step, sql.as_str())))
    {
        let table = step.object.sql();
        let clauses = sql.strip_prefix(&format!("ALTER TABLE {table}")).unwrap_or_default();
        for parent in clauses.lines().filter_map(|line| line.trim_start().strip_prefix(clause)) {
            let parent = parent.trim_end_matches(',');
            again += &format!("ALTER TABLE {table} NO INHERIT {parent}, INHERIT {parent};\n");
        }
    }
    if again.is_empty() {
        return Ok(None);
    }
    let left = Database::with(&format!("{text}{again}")).await?;
    let dump = left.dump().await;
    left.done().await;
    Ok(Some(dump))
}

/// What is there before and after is there between any two batches; only materialized views may wait to be filled.
fn gaps(plan: &Plan) -> Result<(), String> {
    let away = plan.steps.iter().flat_map(|step| step.seen.missing.iter().chain(&step.undo.seen.missing));
    let away: Vec<&str> = away
        .map(|missing| missing.what.as_str())
        .filter(|what| !what.starts_with("the rows of materialized view "))
        .collect();
    if away.is_empty() { Ok(()) } else { Err(format!("error: missing between batches: {}", away.join(", "))) }
}

/// What a walk is called.
fn name(seed: u64, edits: Edits) -> String {
    match edits {
        Edits::Anywhere => seed.to_string(),
        Edits::InOneTable => format!("table-{seed}"),
    }
}

fn trial(seed: u64, edits: Edits) -> Trial {
    Trial::test(name(seed, edits), move || {
        oracle::caught(|| oracle::runtime().block_on(walk(seed, edits)).map_err(Failed::from))
    })
}

fn main() -> ExitCode {
    let soak = oracle::is_soak();
    let first: u64 = std::env::var("TRUEUP_TEST_SEED").map_or(1, |seed| seed.parse().unwrap());
    let seeds = first..first + if soak { 1000 } else { 30 };
    eprintln!("walks {first} to {}", seeds.end - 1);
    let all = seeds.flat_map(|seed| [Edits::Anywhere, Edits::InOneTable].map(|edits| trial(seed, edits)));
    libtest_mimic::run(&oracle::arguments(), all.collect()).exit_code()
}
