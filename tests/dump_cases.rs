//! What is dumped and loaded again is the same: every database of tests/cases, as a stream, as a folder, and by
//! pg_dump.
//!
//!     stream   `trueup dump` loaded by a plain client into an empty database, which plans to nothing
//!     folder   `trueup dump --out DIR` as the desired schema of the database itself, which plans to nothing
//!     pg_dump  `pg_dump --schema-only` of the database as its desired schema, which plans to nothing
//!
//! A twentieth of them, and all with `TRUEUP_TEST_SOAK=1`.
//! `cargo test --release --test dump_cases -- enum/` runs those of one kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod oracle;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Completion, Failed, Trial};
use oracle::{Database, Majors};
use serde::Deserialize;

/// What of case.toml says where a case can be tried.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct CaseFile {
    extension: Option<String>,
    majors: Option<Majors>,
    undumped: Option<String>,
}

fn case_file(folder: &Path) -> CaseFile {
    toml::from_str(&fs::read_to_string(folder.join("case.toml")).unwrap_or_default()).unwrap()
}

async fn unfit(folder: &Path) -> Option<String> {
    let case = case_file(folder);
    let session = trueup::postgres::Session::connect(oracle::server()).await.unwrap();
    let major = session.major();
    if let Some(reason) = case.majors.and_then(|majors| majors.leave_out(major)) {
        return Some(reason);
    }
    let extension = case.extension?;
    let query = "SELECT FROM pg_available_extensions WHERE name = $1";
    let found = session.client().query_opt(query, &[&extension]).await.unwrap();
    found.is_none().then(|| format!("needs the extension {extension}"))
}

const PLAN: &[&str] = &["plan", "--manage", "all", "--assume-drop", "all", "--exit-code", "--schema"];

/// Fails unless there is nothing to plan.
async fn plans_to_nothing(database: &Database, schema: &str, what: &str) -> Result<(), String> {
    let planned = database.trueup(&[PLAN, &[schema]].concat()).await;
    if planned.code == Some(0) { Ok(()) } else { Err(format!("{what}:\n{}", planned.shown())) }
}

async fn round_trip(folder: &Path, file: &str) -> Result<Completion, String> {
    let config = fs::read_to_string(folder.join("trueup.toml")).unwrap_or_default();
    let database = Database::with(&fs::read_to_string(folder.join(file)).unwrap()).await?;
    database.write("trueup.toml", &config);
    let dumped = database.trueup(&["dump"]).await.ended(0)?;
    if dumped.stderr.contains("does not manage") {
        return Ok(Completion::ignored_with(dumped.stderr));
    }
    let loaded = Database::with(&dumped.stdout)
        .await
        .map_err(|error| format!("the stream does not load: {error}\n{}", dumped.stdout))?;
    loaded.write("trueup.toml", &config);
    loaded.write("dump.sql", &dumped.stdout);
    plans_to_nothing(&loaded, "dump.sql", "the stream")
        .await
        .map_err(|what| format!("{what}\n{}", dumped.stdout))?;
    loaded.dump().await.must_equal(&database.dump().await, "pg_dump sees a difference").await?;
    loaded.done().await;

    database.trueup(&["dump", "--out", "schema"]).await.ended(0)?;
    let folder = database.path("schema");
    if walk(&folder).iter().any(|file| file.extension().is_some_and(|extension| extension == "sql")) {
        plans_to_nothing(&database, "schema", "the folder")
            .await
            .map_err(|what| format!("{what}\n{}", dumped.stdout))?;
    }
    let again = database.trueup(&["dump", "--out", "schema"]).await.ended(0)?;
    if again.stdout.contains("written") || again.stdout.contains("removed") {
        return Err(format!("a second dump is not the same: {}", again.stdout));
    }

    database.write("pg_dump.sql", database.dump().await.sql());
    plans_to_nothing(&database, "pg_dump.sql", "pg_dump").await?;
    database.done().await;
    Ok(Completion::Completed)
}

/// What a dump of the case does not have, and should.
fn undumped(folder: &Path) -> Option<String> {
    case_file(folder).undumped
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let list = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let mut folders: Vec<PathBuf> = list(root).iter().flat_map(|kind| list(kind)).collect();
    folders.sort();
    folders
}

fn trial(root: &Path, folder: &Path, file: &'static str) -> Trial {
    let name = format!("{}::{file}", folder.strip_prefix(root).unwrap().display());
    let folder = folder.to_owned();
    Trial::ignorable_test(name, move || {
        let run = || {
            oracle::runtime().block_on(async {
                if let Some(reason) = unfit(&folder).await {
                    return Ok(Completion::ignored_with(reason));
                }
                match (round_trip(&folder, file).await, undumped(&folder)) {
                    (result, None) => result.map_err(Failed::from),
                    (Err(_), Some(reason)) => Ok(Completion::ignored_with(format!("bug: {reason}"))),
                    (Ok(_), Some(_)) => Err("this works now; take `undumped` out of case.toml".into()),
                }
            })
        };
        oracle::caught(run)
    })
}

fn main() -> ExitCode {
    let arguments = oracle::arguments();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let all = oracle::is_soak() || arguments.filter.is_some();
    let trials = folders(&root)
        .iter()
        .flat_map(|folder| ["before.sql", "after.sql"].map(|file| trial(&root, folder, file)))
        .enumerate()
        .filter(|(number, _)| all || number % 21 == 1)
        .map(|(_, trial)| trial)
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let ran = conclusion.num_passed + conclusion.num_failed > 0 && !arguments.list;
    let litter = if ran { oracle::runtime().block_on(oracle::litter()) } else { Vec::new() };
    if !litter.is_empty() {
        eprintln!("databases that trueup left behind: {litter:?}");
    }
    if conclusion.has_failed() || !litter.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
