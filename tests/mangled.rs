//! Files that nobody meant to write: plans, approvals, configuration, annotations, connection URLs and desired
//! SQL, mangled at random. They are refused with a line, or read; nothing panics on them.
//!
//! Some thousand of each; ten minutes with `TRUEUP_TEST_SOAK=1`. What is being read is in target/tmp/mangled, in case that ends
//! the process. `TRUEUP_TEST_SEED` is where the numbers begin.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use trueup::{approval::Approval, config::Config, toml_file};

/// The functions that the fuzz targets call, too.
#[path = "../fuzz/entry.rs"]
mod entry;

const EACH: u64 = 2_000;
const SOAK: Duration = Duration::from_secs(120);

/// What breaks readers.
const WORDS: &[&str] = &[
    "'",
    "\"",
    "$$",
    "$a$",
    "/*",
    "*/",
    "--",
    ";",
    "(",
    ")",
    "\\",
    "\n",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "é",
    "💥",
    "[",
    "]",
    "[[",
    "=",
    "\"\"\"",
    "'''",
    "-- @renamed from=",
    "-- @backfill using=",
    "/* @convert using=",
    "${",
    "}",
    "online",
    "batch=",
    "99999999999999999999",
    "-1",
    "1e999",
    "NaN",
    "true",
    "COPY t FROM stdin;\n",
    "\\.\n",
    "\\restrict x\n",
    "BEGIN ATOMIC",
    "END",
    "DO $$",
    "E'\\",
    "U&'\\d800'",
];

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The texts of files with this name's end, below a folder.
fn texts(folder: &Path, end: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(texts(&entry, end));
        } else if entry.to_str().unwrap().ends_with(end) {
            found.push(fs::read_to_string(entry).unwrap());
        }
    }
    found.sort();
    found
}

/// A place between two characters.
fn place(text: &str, dice: &mut StdRng) -> usize {
    let mut at = dice.random_range(0..=text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn span(text: &str, dice: &mut StdRng) -> (usize, usize) {
    let from = place(text, dice);
    let mut to = (from + dice.random_range(0..40)).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    (from, to)
}

fn mangled(samples: &[String], dice: &mut StdRng) -> String {
    let mut text = samples.choose(dice).unwrap().clone();
    for _ in 0..dice.random_range(1..6) {
        let (from, to) = span(&text, dice);
        match dice.random_range(0..6) {
            0 => text.replace_range(from..to, ""),
            1 => text.truncate(from),
            2 => {
                let part = text[from..to].to_owned();
                text.insert_str(place(&text, dice), &part);
            }
            3 => {
                let other = samples.choose(dice).unwrap();
                let (from, to) = span(other, dice);
                text.insert_str(place(&text, dice), &other[from..to]);
            }
            _ => text.insert_str(from, WORDS.choose(dice).unwrap()),
        }
    }
    text
}

/// Reads mangled samples until it has been enough.
fn read(what: &str, samples: &[String], reader: impl Fn(&str)) {
    assert!(!samples.is_empty(), "nothing to mangle");
    let soak = crate::oracle::is_soak();
    let first: u64 = std::env::var("TRUEUP_TEST_SEED").map_or(1, |seed| seed.parse().unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mangled");
    fs::create_dir_all(&folder).unwrap();
    let last = folder.join(what);
    let began = Instant::now();
    for seed in first.. {
        if if soak { began.elapsed() > SOAK } else { seed >= first + EACH } {
            eprintln!("{what}: {} read", seed - first);
            break;
        }
        let text = mangled(samples, &mut StdRng::seed_from_u64(seed));
        fs::write(&last, &text).unwrap();
        let result = catch_unwind(AssertUnwindSafe(|| reader(&text)));
        assert!(result.is_ok(), "seed {seed}, in {}:\n{text}", last.display());
    }
}

#[test]
fn plans() {
    read("plan.toml", &texts(&root("plans"), "plan.toml"), entry::plan);
}

#[test]
fn approvals() {
    let sample = "format = 1\nplan = \"0f\"\nphase = \"expand\"\napprover = \"alice\"\nrole = \"dba\"\naccepts = [\"DATA_LOSS\"]\n\
                  reason = \"\"\"\nx\n\"\"\"\ncreated = \"2026-11-28T00:00:00Z\"\nexpires = \"2026-11-29T00:00:00Z\"\nsignature = '''\n-----BEGIN SSH SIGNATURE-----\nU1NI\n'''\n";
    let sample = sample.replace("\"0f\"", &format!("\"{}\"", "0f".repeat(32)));
    assert!(toml_file::parse::<Approval>(Path::new("a.toml"), &sample).is_ok(), "the sample is one");
    read("approval.toml", &[sample], entry::approval);
}

#[test]
fn configuration() {
    let sample = "schema = [\"schema\"]\n[manage]\nignore = [\"a.*\"]\n[approval]\nrequired = 2\nroles = [\"dba\"]\n[hooks]\nbefore = \"x\"\n\
                  [env.production]\nurl_env = \"U\"\nrenames = \"online\"\nvalues = { a = \"b\" }\nlong_transaction_seconds = 3\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trueup.toml");
    read("trueup.toml", &[sample.to_owned()], |text| {
        fs::write(&file, text).unwrap();
        _ = Config::read(&file);
    });
}

#[test]
fn annotations() {
    let samples = [
        "@renamed from=\"old name\" online",
        "@renamed from=a instant",
        "@backfill using=coalesce(a, 'x''y') batch=10",
        "@backfill using=${tenant} || (SELECT \"b c\" FROM d)",
        "@convert using=a::int back=a::text online",
    ];
    read("annotation", &samples.map(str::to_owned), entry::annotation);
}

#[test]
fn desired_sql() {
    let mut samples = texts(&root("schema"), ".sql");
    samples.extend(texts(&root("tests/cases/column"), "after.sql"));
    samples.extend(texts(&root("tests/cases/function"), "after.sql"));
    read("desired.sql", &samples, entry::desired_sql);
}

#[test]
fn connection_urls() {
    let samples = [
        "postgres://user:p%40ss@db.example:5432,[::1]:5433/shop?sslmode=verify-full&application_name=a%20b",
        "postgresql:///shop?host=/run/a,/run/b&port=1,2&target_session_attrs=read-write&connect_timeout=3",
        "host=db hostaddr=10.0.0.1 port=5432 dbname='a b' password='it\\'s' options='-c a=b' keepalives=0",
    ];
    read("url", &samples.map(str::to_owned), entry::connection_url);
}

#[test]
fn placeholders() {
    let samples = [
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'x', password '${secret:A}', \"B c\" E'${secret:B}')",
        "ALTER SERVER s OPTIONS (SET a '${secret:A_BEFORE}', ADD b $$${secret:B}$$, DROP c) -- '${secret:D}'",
        "CREATE FOREIGN TABLE t (a int OPTIONS (token '${secret:T}') DEFAULT (1)) SERVER s OPTIONS (t '${secret:U}')",
    ];
    read("statement", &samples.map(str::to_owned), entry::placeholders);
}
