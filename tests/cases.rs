//! Every folder of tests/cases, there and back, on a real server, judged by pg_dump.
//!
//!     tests/cases/<kind>/<case>/before.sql   the database
//!                               after.sql    what it is to become
//!                               seed.sql     rows for both directions, or seed.before.sql, seed.after.sql
//!                               case.toml    what the plan must and must not be: [`CaseFile`]
//!                               trueup.toml  the project's configuration, where it matters
//!
//! `cargo test --release --test cases -- enum/` runs those of one kind, `-- 17/` those on one version. All run
//! forwards on 18, a tenth (and what the table of actions names) also backwards, and a tenth in one direction on each
//! other version. With `TRUEUP_TEST_AGAIN=1`, and in a soak, each plan is also rehearsed and made again. With
//! `TRUEUP_TEST_SOAK=1` all run both ways on all, with
//! `TRUEUP_TEST_MAJOR=17` on that one.
//!
//! Forwards: the plan from before.sql to after.sql is made while nothing can be written; it is approved and applied;
//! pg_dump must find what a database freshly made from after.sql has; the seeded rows are still there; there is nothing
//! left to plan; after the rollback pg_dump must find what there was. Backwards is the same with the files swapped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "cases/actions.rs"]
mod actions;
mod oracle;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use libtest_mimic::{Completion, Failed, Trial};
use oracle::{Database, Majors, Programs, dump::Dump, rows::Contents};
use serde::Deserialize;
use tokio::sync::OnceCell;
use trueup::{
    plan::{Plan, PlanFile, PlannedStep},
    postgres::{Session, Target},
    step::{LockMode, Observed},
};

/// case.toml: what is special about a case. What stands outside `[forwards]` and `[backwards]` is for both.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CaseFile {
    /// Flags of `trueup plan`, instead of `--manage all --assume-drop all`.
    args: Option<Vec<String>>,
    /// Only where this extension can be installed.
    extension: Option<String>,
    /// Only on servers of these major versions, and why.
    majors: Option<Majors>,
    /// Rows print differently afterwards although nothing was lost: labels of their enums are called something else.
    relabelled: bool,
    /// What a dump of it does not have, and should: for tests/dump_cases.rs.
    #[allow(dead_code)]
    undumped: Option<String>,
    /// It can run while others write: nothing slow under a lock that keeps them out, there and back.
    online: bool,
    forbid: Vec<String>,
    require: Vec<String>,
    hazards: Vec<String>,
    away: Vec<String>,
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
    /// Nothing reads, builds or writes a whole table anew under a lock that keeps writers out, there and back.
    online: bool,
    /// In no step's `verb object` or summary, in no statement.
    forbid: Vec<String>,
    /// In at least one step's `verb object` or summary, or in a statement.
    require: Vec<String>,
    /// Codes that some step has.
    hazards: Vec<String>,
    /// What a recipe leaves out for a while, and says so by GAP. Anything else that is missing between two batches is wrong.
    away: Vec<String>,
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
    fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("case.toml")).unwrap_or_default();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}/case.toml: {error}", folder.display()))
    }

    fn shape(&self, direction: Direction) -> Shape {
        let own = match direction {
            Direction::Forwards => &self.forwards,
            Direction::Backwards => &self.backwards,
        };
        let both = |all: &[String], own: &[String]| [all, own].concat();
        Shape {
            online: self.online || own.online,
            forbid: both(&self.forbid, &own.forbid),
            require: both(&self.require, &own.require),
            hazards: both(&self.hazards, &own.hazards),
            away: both(&self.away, &own.away),
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

/// One direction of one folder, on one server.
struct Case {
    /// `enum/label-added-last`, and ` backwards` if it is.
    name: String,
    server: &'static Target,
    /// Where it is rehearsed.
    shadow: &'static Target,
    major: u16,
    /// The database's SQL.
    from: String,
    /// What it is to become.
    to: String,
    seed: Option<String>,
    /// What an application does with the database, before and after: it must work at every point.
    usage: Option<String>,
    /// What trueup is told of the project.
    config: Option<String>,
    args: Vec<String>,
    shape: Shape,
    extension: Option<String>,
    majors: Option<Majors>,
    relabelled: bool,
}

impl Case {
    fn read(place: Place, name: &str, folder: &Path, direction: Direction) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let must = |name: &str| read(name).unwrap_or_else(|| panic!("{} has no {name}", folder.display()));
        let file = CaseFile::read(folder);
        let ((from, to), seed) = match direction {
            Direction::Forwards => ((must("before.sql"), must("after.sql")), read("seed.before.sql")),
            Direction::Backwards => ((must("after.sql"), must("before.sql")), read("seed.after.sql")),
        };
        let args = ["--manage", "all", "--assume-drop", "all"].map(str::to_owned).to_vec();
        Self {
            name: named(name, direction),
            server: oracle::server_from(Some(place.major), place.live),
            shadow: oracle::server_from(Some(place.major), place.scratch),
            major: place.major,
            from,
            to,
            seed: seed.or_else(|| read("seed.sql")),
            usage: read("use.sql"),
            config: read("trueup.toml"),
            args: file.args.clone().unwrap_or(args),
            shape: file.shape(direction),
            extension: file.extension,
            majors: file.majors,
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
        if let Some(reason) = self.majors.as_ref().and_then(|majors| majors.leave_out(self.major)) {
            return Some(reason);
        }
        let extension = self.extension.as_ref()?;
        let session = Session::connect(self.server).await.unwrap();
        let query = "SELECT FROM pg_available_extensions WHERE name = $1";
        let found = session.client().query_opt(query, &[extension]).await.unwrap();
        found.is_none().then(|| format!("needs the extension {extension}"))
    }

    async fn road(&self) -> Result<(), String> {
        let database = Database::with_on(self.server, &self.from)
            .await
            .map_err(|error| format!("the database's SQL: {error}"))?
            .rehearsed_on(self.shadow);
        let before = made_from(self.server, &self.from, async || Ok(database.dump().await)).await?;
        if let Some(seed) = &self.seed {
            database.try_execute(seed).await.map_err(|error| format!("the seed: {error}"))?;
        }
        database.write("desired.sql", &self.to);
        if let Some(config) = &self.config {
            database.write("trueup.toml", config);
        }
        database.let_write(false).await;
        let mut planning = vec!["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code"];
        planning.extend(self.args.iter().map(String::as_str));
        let planned = database.trueup(&planning).await;
        database.let_write(true).await;
        if let Some(refused) = &self.shape.refused {
            let planned = planned.ended(3)?;
            return if planned.stderr.contains(refused) {
                database.done().await;
                Ok(())
            } else {
                Err(format!("a refusal for {refused:?} was expected:\n{}", planned.shown()))
            };
        }
        let wanted = made_from(self.server, &self.to, async || {
            let database = Database::with_on(self.server, &self.to).await?;
            let dump = database.dump().await;
            database.done().await;
            Ok(dump)
        });
        let wanted = wanted.await.map_err(|error| format!("the desired SQL: {error}"))?;
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
        if self.major == actions::MAJOR {
            actions::check(&self.name, &plan)?;
        }
        let lost = |table: &str| self.relabelled || loses(&plan, table);
        let rows = Contents::of(database).await;
        database.approve("plan").await?;
        if oracle::is_soak() || std::env::var_os("TRUEUP_TEST_AGAIN").is_some() {
            let mut verify = vec!["verify", "plan", "--phase", "all", "--rehearse", "--reproduce"];
            verify.extend(["--schema", "desired.sql"]);
            if let Some(at) = self.args.iter().position(|it| it == "--manage") {
                verify.extend(["--manage", &self.args[at + 1]]);
            }
            database.trueup(&verify).await.ended(0)?;
        }
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
        if self.shape.online {
            wrong.extend(slow_under_strong_locks(plan));
        }
        let codes: Vec<&str> =
            plan.steps.iter().flat_map(|step| &step.hazards).map(|hazard| hazard.code.as_str()).collect();
        wrong.extend(
            self.shape
                .hazards
                .iter()
                .filter(|code| !codes.contains(&code.as_str()))
                .map(|code| format!("no step has {code}")),
        );
        for step in &plan.steps {
            let missing = step.seen.missing.iter().chain(&step.undo.seen.missing);
            let unmeant = missing.filter(|it| !self.shape.away.contains(&it.what));
            wrong.extend(
                unmeant.map(|it| format!("{} is missing from step {} to {}", it.what, step.id, it.until)),
            );
        }
        let all = plan.steps.iter().flat_map(|step| step.sql.iter().chain(&step.undo.sql));
        let cascades = all.filter(|sql| sql.as_str().starts_with("DROP") && sql.as_str().contains("CASCADE"));
        wrong.extend(cascades.map(|sql| format!("CASCADE: {}", sql.as_str())));
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}

/// What keeps writers out while it reads, builds or writes a whole table anew, by what the rehearsal saw: each step's
/// own locks, and those that its transaction has from the steps before.
fn slow_under_strong_locks(plan: &Plan) -> Vec<String> {
    let there = plan.steps.iter().map(|step| (step, &step.seen, step.operation.is_transactional()));
    let back =
        plan.steps.iter().rev().map(|step| (step, &step.undo.seen, step.undo.operation.is_transactional()));
    let directions: [Vec<(&PlannedStep, &Observed, bool)>; 2] = [there.collect(), back.collect()];
    let mut found = Vec::new();
    for steps in directions {
        let (mut batch, mut held) = (0, BTreeSet::new());
        for (step, seen, transactional) in steps {
            if step.batch != batch || !transactional {
                (batch, held) = (step.batch, BTreeSet::new());
            }
            let strong = seen.locks.iter().filter(|lock| lock.mode >= LockMode::ShareRowExclusive);
            held.extend(strong.map(|lock| lock.relation.as_str()));
            let slow: Vec<&String> = seen.rewrites.iter().chain(&seen.scans).chain(&seen.builds).collect();
            if !slow.is_empty() && !held.is_empty() {
                found.push(format!(
                    "step {} works on all of {slow:?} while it holds {held:?}: {}",
                    step.id, step.summary
                ));
            }
        }
    }
    found
}

/// What pg_dump makes of a database with nothing but this in it. One direction's beginning is the other one's end, so
/// that it is kept.
async fn made_from(
    server: &'static Target,
    sql: &str,
    make: impl AsyncFnOnce() -> Result<Dump, String>,
) -> Result<Dump, String> {
    type Cell = Arc<OnceCell<Result<Dump, String>>>;
    static MADE: Mutex<BTreeMap<(String, String), Cell>> = Mutex::new(BTreeMap::new());
    let key = (oracle::url(server), sql.to_owned());
    let cell = Arc::clone(MADE.lock().unwrap().entry(key).or_default());
    cell.get_or_init(|| make()).await.clone()
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

/// A version, and which programs of it live's server and the one that plans are rehearsed on have.
#[derive(Debug, Clone, Copy)]
struct Place {
    major: u16,
    live: Programs,
    scratch: Programs,
}

impl Place {
    /// `18`, or for two minor versions `15-downloaded`, by live's.
    fn name(self) -> String {
        match (self.live, self.scratch) {
            (live, scratch) if live == scratch => self.major.to_string(),
            (Programs::Downloaded, _) => format!("{}-downloaded", self.major),
            (Programs::Installed, _) => format!("{}-installed", self.major),
        }
    }
}

/// The versions; and where there are two minor versions of one, live of the downloaded one, and in a soak also live of the
/// installed one, rehearsed on the other.
fn places() -> Vec<Place> {
    use Programs::{Downloaded, Installed};
    let majors = one_major().map_or_else(|| vec![18, 15, 14, 16, 17], |major| vec![major]);
    let same = |major| Place { major, live: Installed, scratch: Installed };
    let mut places: Vec<Place> = majors.iter().copied().map(same).collect();
    match oracle::two_minors() {
        Ok(major) if majors.contains(&major) => {
            places.push(Place { major, live: Downloaded, scratch: Installed });
            if oracle::is_soak() {
                places.push(Place { major, live: Installed, scratch: Downloaded });
            }
        }
        Ok(_) => {}
        Err(why) => eprintln!("cases between two minor versions are left out: {why}"),
    }
    places
}

fn one_major() -> Option<u16> {
    std::env::var("TRUEUP_TEST_MAJOR").ok().map(|major| major.parse().unwrap())
}

/// The direction in which a case runs on a version of which a tenth is enough: none for nine of ten. Always the same
/// one, whatever other cases there are, and another one for each version.
fn in_tenth(place: &str, case: &str) -> Option<Direction> {
    let digest = trueup::catalog::Fingerprint::of(format!("{place} {case}"));
    let number = u32::from_str_radix(&digest.as_str()[..4], 16).unwrap();
    match number % 20 {
        0 => Some(Direction::Forwards),
        10 => Some(Direction::Backwards),
        _ => None,
    }
}

fn trials(root: &Path) -> Vec<Trial> {
    let folders = folders(root);
    let mut trials = Vec::new();
    let all = oracle::is_soak() || one_major().is_some();
    for place in places() {
        let major = place.major;
        for folder in &folders {
            let case = folder.strip_prefix(root).unwrap().display().to_string();
            let in_tenth = in_tenth(&place.name(), &case);
            let runs = |direction: &Direction| match direction {
                _ if all => true,
                _ if major != actions::MAJOR => in_tenth == Some(*direction),
                Direction::Forwards => true,
                Direction::Backwards => in_tenth.is_some() || actions::names(&named(&case, *direction)),
            };
            let directions = [Direction::Forwards, Direction::Backwards].into_iter().filter(runs);
            trials.extend(directions.map(|direction| trial(place, &case, folder, direction)));
        }
    }
    trials
}

/// What the table of actions calls one direction of a case.
fn named(case: &str, direction: Direction) -> String {
    let back = if direction == Direction::Backwards { " backwards" } else { "" };
    format!("{case}{back}")
}

/// The directions of cases that are planned to the end.
fn walked(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders(root) {
        let case = folder.strip_prefix(root).unwrap().display().to_string();
        for direction in [Direction::Forwards, Direction::Backwards] {
            let Shape { bug, limit, skip, refused, .. } = CaseFile::read(&folder).shape(direction);
            if [bug, limit, skip, refused].iter().all(Option::is_none) {
                found.push(named(&case, direction));
            }
        }
    }
    found
}

/// The table of actions by itself.
fn of_actions(root: &Path) -> [Trial; 2] {
    let cases = walked(root);
    let complete = Trial::test("actions/complete", move || Ok(actions::complete(&cases)?));
    [complete, Trial::test("actions/refused", || Ok(oracle::runtime().block_on(actions::refused())?))]
}

fn trial(place: Place, case: &str, folder: &Path, direction: Direction) -> Trial {
    let word = if direction == Direction::Forwards { "forwards" } else { "backwards" };
    let (folder, name) = (folder.to_owned(), case.to_owned());
    Trial::ignorable_test(format!("{}/{case}::{word}", place.name()), move || {
        oracle::caught(|| oracle::runtime().block_on(Case::read(place, &name, &folder, direction).run()))
    })
}

fn main() -> ExitCode {
    let arguments = oracle::arguments();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut trials = trials(&root);
    trials.extend(of_actions(&root));
    let conclusion = libtest_mimic::run(&arguments, trials);
    let litter = oracle::runtime().block_on(oracle::litter());
    if !litter.is_empty() {
        eprintln!("databases that trueup left behind: {litter:?}");
    }
    if conclusion.has_failed() || !litter.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
