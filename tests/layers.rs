//! Modules know only what is below them: imports point one way, from the command line down to names and quoting.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// From the bottom to the top. A module may import what stands before it in the list, and itself. ARCHITECTURE.md
/// says what each is for.
const LAYERS: &[&str] = &[
    "visible",
    "toml_file",
    "config",
    "sql",
    "journal_sql",
    "stack",
    "name",
    "secret",
    "step",
    "kind",
    "catalog",
    "postgres",
    "annotation",
    "source",
    "diff",
    "graph",
    "facts",
    "lower",
    "dump",
    "hazard",
    "plan",
    "approval",
    "report",
    "run",
    "journal",
    "rehearse",
    "planning",
    "apply",
];

/// Imports that point upward, each with the reason why it is not worth a module of its own.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "annotation",
        "source",
        "an annotation is found with the scanner and the positions that desired SQL has",
    ),
    ("diff", "graph", "its error is also that of ordering: a cycle is a difference that cannot be made"),
    ("kind", "catalog", "an object's fingerprint is the catalog's type"),
];

#[test]
fn imports_point_one_way() {
    let modules = modules();
    let missing: Vec<_> = modules.keys().filter(|name| !LAYERS.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "not in the list of layers: {missing:?}");
    let gone: Vec<_> = LAYERS.iter().filter(|name| !modules.contains_key(**name)).collect();
    assert!(gone.is_empty(), "in the list of layers, but no module: {gone:?}");

    let level = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (module, files) in &modules {
        for file in files {
            for import in imports(&fs::read_to_string(file).unwrap()) {
                let upward = level(&import).is_some_and(|target| Some(target) > level(module));
                match EXCEPTIONS.iter().find(|(from, to, _)| from == module && *to == import) {
                    Some(exception) if upward => _ = used.insert(exception.0),
                    None if upward => wrong.push(format!("{}: {module} imports {import}", file.display())),
                    _ => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that point upward:\n{}", wrong.join("\n"));
    assert_eq!(used.len(), EXCEPTIONS.len(), "an exception is none any more");
}

#[test]
fn only_the_command_line_prints() {
    for files in modules().values() {
        for file in files {
            let text = code(&fs::read_to_string(file).unwrap());
            for word in ["println!", "eprintln!", "env::var", "Timestamp::now"] {
                assert!(!text.contains(word), "{}: {word} is for cli", file.display());
            }
        }
    }
}

#[test]
fn imports_are_read() {
    let text = "use crate::{\n    a::{self, b::C},\n    d::E, // crate::z\n};\npub use crate::f::G;\nfn x() { crate::h::i() }";
    let found: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(found, ["a", "d", "f", "h"]);
}

/// The library's modules and their files.
fn modules() -> BTreeMap<String, Vec<PathBuf>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let names = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';'));
    names
        .map(|name| {
            let mut files = Vec::new();
            let file = src.join(name).with_extension("rs");
            if file.is_file() {
                files.push(file);
            }
            collect(&src.join(name), &mut files);
            assert!(!files.is_empty(), "module {name} has no file");
            (name.to_owned(), files)
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// A file without comments, and without its tests, which may look everywhere.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..end].lines().map(|line| line.split("//").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first names behind every `crate::`.
fn imports(text: &str) -> BTreeSet<String> {
    let text = code(text);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => _ = found.insert(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => _ = found.insert(word(&std::mem::take(&mut item))),
                        _ => {}
                    }
                    if depth == 0 && c != ',' && c != '}' {
                        item.push(c);
                    }
                }
                found.insert(word(&item));
            }
        }
    }
    found.remove("");
    found
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Cargo does not look for tests by itself (`autotests`), so that one could be forgotten.
#[test]
fn every_test_file_is_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = fs::read_to_string(root.join("tests/suite.rs")).unwrap();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let mut forgotten = Vec::new();
    for entry in fs::read_dir(root.join("tests")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs") else { continue };
        let run = suite.contains(&format!("\nmod {module};\n"))
            || manifest.contains(&format!("path = \"tests/{module}.rs\"\n"));
        if !run {
            forgotten.push(name);
        }
    }
    assert!(forgotten.is_empty(), "neither in tests/suite.rs nor in Cargo.toml: {forgotten:?}");
}
