//! Pages say what the code says. `TRUEUP_UPDATE=1` writes those anew that are made from it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use trueup::hazard::{Level, REGISTRY};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// docs/hazards.md, as the registry says it.
fn hazards() -> String {
    let mut page = "\
# Hazards

A hazard is a coded risk of one step of a plan, or of its undo. trueup finds it by facts: what the rehearsal saw the
statement lock, read, rewrite and build, what the catalogs say before and after, and how many rows there are. A hazard
of level *danger* must be accepted by its code when the phase is approved, or the plan is not applied:

    trueup approve PLAN --as NAME --phase contract --accept DATA_LOSS

This page is made from the registry in `src/hazard/` by `TRUEUP_UPDATE=1 cargo test --release --test suite docs::`.

"
    .to_owned();
    for (level, title) in [(Level::Danger, "Danger"), (Level::Warning, "Warning"), (Level::Notice, "Notice")]
    {
        writeln!(page, "## {title}\n").unwrap();
        for rule in REGISTRY.iter().filter(|rule| rule.level == level) {
            writeln!(page, "### {}\n\n{}\n\nSafer: {}.\n", rule.code, rule.explanation, rule.advice).unwrap();
        }
    }
    format!("{}\n", page.trim_end())
}

#[test]
fn hazards_are_those_of_the_registry() {
    let page = hazards();
    if std::env::var_os("TRUEUP_UPDATE").is_some() {
        fs::write(root().join("docs/hazards.md"), &page).unwrap();
    }
    assert!(read("docs/hazards.md") == page, "write it anew with TRUEUP_UPDATE=1");
}

#[test]
fn every_hazard_has_a_code_of_its_own() {
    let mut codes: Vec<&str> = REGISTRY.iter().map(|rule| rule.code).collect();
    assert!(codes.iter().all(|code| code.bytes().all(|c| c.is_ascii_uppercase() || c == b'_')));
    assert!(REGISTRY.is_sorted_by_key(|rule| std::cmp::Reverse(rule.level)), "the worst come first");
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), REGISTRY.len());
}

/// The map in ARCHITECTURE.md has every module, and no other.
#[test]
fn the_map_is_of_this_country() {
    let map = read("ARCHITECTURE.md");
    let (_, map) = map.split_once("## Code map").unwrap();
    let map = map.split("\n## ").next().unwrap();
    // whether a module is a file or a folder is not what the map is about
    let stem = |name: &str| name.split(['.', '/']).next().unwrap().to_owned();
    let named: BTreeSet<String> =
        map.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(stem).collect();
    let entries = fs::read_dir(root().join("src")).unwrap();
    let mut there: BTreeSet<String> =
        entries.map(|entry| stem(&entry.unwrap().file_name().into_string().unwrap())).collect();
    there.retain(|name| !["lib", "main"].contains(&name.as_str()));
    assert_eq!(named, there);
}

/// Links to files lead somewhere.
#[test]
fn links_lead_somewhere() {
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "THIRD-PARTY.md",
        "docs/hazards.md",
        "docs/existing-databases.md",
    ] {
        let folder = root().join(page).parent().unwrap().to_owned();
        for link in read(page).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                assert!(folder.join(file).exists(), "{page}: {link}");
            }
        }
    }
}
