//! Every folder of tests/cases, there and back, on a real server, judged by pg_dump.
//!
//!     tests/cases/<kind>/<case>/before.sql   the database
//!                               after.sql    what it is to become
//!                               seed.sql     rows for both directions, or seed.before.sql, seed.after.sql
//!                               case.toml    what the plan must and must not be: [`CaseFile`]
//!
//! `cargo test --release --test cases -- enum/` runs those of one kind; `TRUEUP_TEST_MAJOR=17` picks a server.
//!
//! Forwards: the plan from before.sql to after.sql is made, approved and applied; pg_dump must find what a database
//! freshly made from after.sql has; the seeded rows are still there; there is nothing left to plan; after the rollback
//! pg_dump must find what there was. Backwards is the same with the files swapped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod oracle;

use std::{
    collections::BTreeMap,
    fs,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use oracle::{Database, dump::Dump, rows::Contents};
use serde::Deserialize;
use trueup::plan::{Plan, PlanFile};

/// case.toml: what is special about a case. What stands outside `[forwards]` and `[backwards]` is for both.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CaseFile {
    /// Flags of `trueup plan`, instead of `--manage all --assume-drop all`.
    args: Option<Vec<String>>,
    /// Only where this extension can be installed.
    extension: Option<String>,
    /// Only on servers of at least this major version.
    major: Option<u16>,
    /// Rows print differently afterwards although nothing was lost: labels of their enums are called something else.
    relabelled: bool,
    forbid: Vec<String>,
    require: Vec<String>,
    hazards: Vec<String>,
    refused: Option<String>,
    bug: Option<String>,
    limit: Option<String>,
    skip: Option<String>,
    forwards: Shape,
    backwards: Shape,
}

/// What the plan in one direction must be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Shape {
    /// In no step's `verb object` or summary, in no statement.
    forbid: Vec<String>,
    /// In at least one step's `verb object` or summary, or in a statement.
    require: Vec<String>,
    /// Codes that some step has.
    hazards: Vec<String>,
    /// `plan` must end with code 3 and say this.
    refused: Option<String>,
    /// trueup cannot do this yet, and why. The case must fail: one that passes is told to lose this line.
    bug: Option<String>,
    /// PostgreSQL cannot do this, and why. The case must fail, too.
    limit: Option<String>,
    /// Why this direction is not tried.
    skip: Option<String>,
}

impl CaseFile {
    fn shape(&self, direction: Direction) -> Shape {
        let own = match direction {
            Direction::Forwards => &self.forwards,
            Direction::Backwards => &self.backwards,
        };
        let both = |all: &[String], own: &[String]| [all, own].concat();
        Shape {
            forbid: both(&self.forbid, &own.forbid),
            require: both(&self.require, &own.require),
            hazards: both(&self.hazards, &own.hazards),
            refused: own.refused.clone().or_else(|| self.refused.clone()),
            bug: own.bug.clone().or_else(|| self.bug.clone()),
            limit: own.limit.clone().or_else(|| self.limit.clone()),
            skip: own.skip.clone().or_else(|| self.skip.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forwards,
    Backwards,
}

/// One direction of one folder.
struct Case {
    /// The database's SQL.
    from: String,
    /// What it is to become.
    to: String,
    seed: Option<String>,
    /// What an application does with the database, before and after: it must work at every point.
    usage: Option<String>,
    args: Vec<String>,
    shape: Shape,
    extension: Option<String>,
    major: Option<u16>,
    relabelled: bool,
}

impl Case {
    fn read(folder: &Path, direction: Direction) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let must = |name: &str| read(name).unwrap_or_else(|| panic!("{} has no {name}", folder.display()));
        let text = read("case.toml").unwrap_or_default();
        let file: CaseFile =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}/case.toml: {error}", folder.display()));
        let ((from, to), seed) = match direction {
            Direction::Forwards => ((must("before.sql"), must("after.sql")), read("seed.before.sql")),
            Direction::Backwards => ((must("after.sql"), must("before.sql")), read("seed.after.sql")),
        };
        let args = ["--manage", "all", "--assume-drop", "all"].map(str::to_owned).to_vec();
        Self {
            from,
            to,
            seed: seed.or_else(|| read("seed.sql")),
            usage: read("use.sql"),
            args: file.args.clone().unwrap_or(args),
            shape: file.shape(direction),
            extension: file.extension,
            major: file.major,
            relabelled: file.relabelled,
        }
    }

    async fn run(&self) -> Result<Completion, Failed> {
        if let Some(reason) = self.unfit().await {
            return Ok(Completion::ignored_with(reason));
        }
        let bug = self.shape.bug.as_ref().map(|bug| format!("bug: {bug}"));
        let limit = self.shape.limit.as_ref().map(|limit| format!("limit: {limit}"));
        match (self.road().await, bug.or(limit)) {
            (Ok(()), None) => Ok(Completion::Completed),
            (Err(what), None) => Err(what.into()),
            (Err(_), Some(reason)) => Ok(Completion::ignored_with(reason)),
            (Ok(()), Some(reason)) => {
                Err(format!("this works now; take it out of case.toml: {reason}").into())
            }
        }
    }

    /// Why it cannot be tried here.
    async fn unfit(&self) -> Option<String> {
        if let Some(reason) = &self.shape.skip {
            return Some(reason.clone());
        }
        let session = trueup::postgres::Session::connect(oracle::server()).await.unwrap();
        if let Some(major) = self.major.filter(|major| session.major() < *major) {
            return Some(format!("needs PostgreSQL {major}"));
        }
        let extension = self.extension.as_ref()?;
        let query = "SELECT FROM pg_available_extensions WHERE name = $1";
        let found = session.client().query_opt(query, &[extension]).await.unwrap();
        found.is_none().then(|| format!("needs the extension {extension}"))
    }

    async fn road(&self) -> Result<(), String> {
        let wanted = made_from(&self.to).await.map_err(|error| format!("the desired SQL: {error}"))?;
        let before = made_from(&self.from).await.map_err(|error| format!("the database's SQL: {error}"))?;
        let database = Database::with(&self.from).await?;
        if let Some(seed) = &self.seed {
            database.try_execute(seed).await.map_err(|error| format!("the seed: {error}"))?;
        }
        database.write("desired.sql", &self.to);
        let mut planning = vec!["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code"];
        planning.extend(self.args.iter().map(String::as_str));
        let planned = database.trueup(&planning).await;
        database.dump().await.must_equal(&before, "planning changed the database").await?;
        if let Some(refused) = &self.shape.refused {
            let planned = planned.ended(3)?;
            return if planned.stderr.contains(refused) {
                database.done().await;
                Ok(())
            } else {
                Err(format!("a refusal for {refused:?} was expected:\n{}", planned.shown()))
            };
        }
        let equal = before.must_equal(&wanted, "").await.is_ok();
        let planned = planned.ended(if equal { 0 } else { 2 })?;
        if equal {
            database.done().await;
            return Ok(());
        }
        self.migrate(&database, &before, &wanted)
            .await
            .map_err(|what| format!("{what}\n{}", planned.shown()))?;
        database.done().await;
        Ok(())
    }

    async fn migrate(&self, database: &Database, before: &Dump, wanted: &Dump) -> Result<(), String> {
        let plan = PlanFile::open(&database.path("plan")).map_err(|error| error.to_string())?.plan;
        self.check(&plan)?;
        let lost = |table: &str| self.relabelled || loses(&plan, table);
        let rows = Contents::of(database).await;
        database
            .trueup(&["approve", "plan", "--as", "tester", "--phase", "all", "--accept", "all"])
            .await
            .ended(0)?;
        let applied = database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0)?;
        let (dump, rows_after) = (database.dump().await, Contents::of(database).await);
        dump.must_equal(wanted, "the plan does not lead to what is desired").await?;
        rows.must_survive(&rows_after, &lost).map_err(|what| format!("{what}\n{}", applied.shown()))?;
        self.use_it(database, "applied").await?;
        let mut again = vec!["plan", "--schema", "desired.sql", "--out", "again", "--exit-code"];
        again.extend(self.args.iter().map(String::as_str));
        let again = database.trueup(&again).await;
        if again.code != Some(0) {
            return Err(format!("there is something to plan afterwards:\n{}", again.shown()));
        }
        database.trueup(&["rollback", "plan"]).await.ended(0)?;
        database.dump().await.must_equal(before, "the rollback does not lead back").await?;
        rows.must_survive(&Contents::of(database).await, &lost)
            .map_err(|what| format!("after the rollback {what}"))?;
        self.use_it(database, "rolled back").await
    }

    /// Does what an application would do, and takes it back.
    async fn use_it(&self, database: &Database, when: &str) -> Result<(), String> {
        let Some(usage) = &self.usage else { return Ok(()) };
        let all = format!("BEGIN; {usage}; ROLLBACK");
        database.try_execute(&all).await.map_err(|error| format!("use.sql, when the plan is {when}: {error}"))
    }

    /// Whether the plan has the shape that is asked for.
    fn check(&self, plan: &Plan) -> Result<(), String> {
        let has = |text: &String| {
            plan.steps.iter().any(|step| {
                let object = format!("{} {}", step.action.label(), step.object);
                let sql = step.sql.iter().any(|sql| sql.as_str().contains(text.as_str()));
                object.contains(text.as_str()) || step.summary.contains(text.as_str()) || sql
            })
        };
        let mut wrong: Vec<String> = Vec::new();
        wrong.extend(
            self.shape.forbid.iter().filter(|text| has(text)).map(|text| format!("{text:?} is in the plan")),
        );
        wrong.extend(
            self.shape
                .require
                .iter()
                .filter(|text| !has(text))
                .map(|text| format!("{text:?} is not in the plan")),
        );
        let codes: Vec<&str> =
            plan.steps.iter().flat_map(|step| &step.hazards).map(|hazard| hazard.code.as_str()).collect();
        wrong.extend(
            self.shape
                .hazards
                .iter()
                .filter(|code| !codes.contains(&code.as_str()))
                .map(|code| format!("no step has {code}")),
        );
        let all = plan.steps.iter().flat_map(|step| step.sql.iter().chain(&step.undo.sql));
        let cascades = all.filter(|sql| sql.as_str().starts_with("DROP") && sql.as_str().contains("CASCADE"));
        wrong.extend(cascades.map(|sql| format!("CASCADE: {}", sql.as_str())));
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}

/// What pg_dump makes of a database with nothing but this in it. One direction's beginning is the other one's end, so
/// that it is kept.
async fn made_from(sql: &str) -> Result<Dump, String> {
    static MADE: Mutex<BTreeMap<String, Dump>> = Mutex::new(BTreeMap::new());
    if let Some(made) = MADE.lock().unwrap().get(sql) {
        return Ok(made.clone());
    }
    let database = Database::with(sql).await?;
    let dump = database.dump().await;
    database.done().await;
    MADE.lock().unwrap().insert(sql.to_owned(), dump.clone());
    Ok(dump)
}

/// Whether the plan says that rows of this table are lost.
fn loses(plan: &Plan, table: &str) -> bool {
    plan.steps.iter().any(|step| {
        let there = step.hazards.iter().any(|hazard| hazard.code == "DATA_LOSS");
        let back = step.undo.hazards.iter().any(|hazard| hazard.code == "DATA_LOSS");
        let relation = step.object.relation().unwrap_or_else(|| step.object.clone());
        (there || back)
            && relation.kind == trueup::name::Kind::Table
            && relation.sql() == table
            && step.object == relation
    })
}

/// Folders two levels down, sorted.
fn folders(root: &Path) -> Vec<PathBuf> {
    let list = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let mut folders: Vec<PathBuf> = list(root).iter().flat_map(|kind| list(kind)).collect();
    folders.sort();
    folders
}

fn trial(root: &Path, folder: &Path, direction: Direction) -> Trial {
    let word = if direction == Direction::Forwards { "forwards" } else { "backwards" };
    let name = format!("{}::{word}", folder.strip_prefix(root).unwrap().display());
    let folder = folder.to_owned();
    Trial::ignorable_test(name, move || {
        let run = || oracle::runtime().block_on(Case::read(&folder, direction).run());
        std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").into())
        })
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let trials = folders(&root)
        .iter()
        .flat_map(|folder| {
            [Direction::Forwards, Direction::Backwards].map(|direction| trial(&root, folder, direction))
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let ran = conclusion.num_passed + conclusion.num_failed > 0 && !arguments.list;
    let litter = if ran { oracle::runtime().block_on(oracle::litter()) } else { Vec::new() };
    if !litter.is_empty() {
        eprintln!("databases that trueup left behind: {litter:?}");
    }
    if conclusion.has_failed() || !litter.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
