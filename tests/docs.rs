//! Pages say what the code says. `TRUEUP_UPDATE=1` writes those anew that are made from it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use serde_json::{Map, Value};
use trueup::{
    config::{Compare, Config, Environment, Hooks, Manage, Policy, PolicySettings},
    hazard::{Level, REGISTRY},
};

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

/// A setting, as its field in the source has it.
struct Setting {
    name: String,
    of_type: String,
    text: String,
}

/// The fields of a struct and what is written over it. Those that serde does not write are tables of their own.
fn fields(source: &str, name: &str) -> (String, Vec<Setting>) {
    let (before, rest) = source.split_once(&format!("pub struct {name} {{\n")).unwrap();
    let over = before.lines().rev().find_map(|line| line.strip_prefix("/// ")).unwrap().to_owned();
    let (mut settings, mut text, mut is_table) = (Vec::new(), Vec::new(), false);
    for line in rest.lines().take_while(|line| *line != "}").map(str::trim) {
        if let Some(line) = line.strip_prefix("/// ") {
            text.push(line);
        } else if line.starts_with("#[") {
            is_table = line.contains("skip");
        } else {
            let field = line.strip_prefix("pub ").and_then(|line| line.strip_suffix(','));
            let (name, of_type) = field.and_then(|field| field.split_once(": ")).unwrap();
            let (name, of_type, text) =
                (name.to_owned(), of_type.to_owned(), std::mem::take(&mut text).join(" "));
            if !std::mem::take(&mut is_table) {
                settings.push(Setting { name, of_type, text });
            }
        }
    }
    (over, settings)
}

impl Setting {
    /// What a user calls the type, and a value of it that is no default.
    fn kind(&self, default: &Value) -> (&'static str, String) {
        let inner = self.of_type.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>'));
        let (called, value) = match inner.unwrap_or(&self.of_type) {
            "String" => ("text", "\"x\""),
            "PathBuf" => ("path", "\"x\""),
            "u32" => ("number", "77"),
            "bool" if *default == Value::Bool(true) => ("true or false", "false"),
            "bool" => ("true or false", "true"),
            "Vec<String>" | "BTreeSet<String>" => ("list of texts", "[\"x\"]"),
            "Vec<PathBuf>" => ("list of paths", "[\"x\"]"),
            "BTreeMap<String, String>" => ("table of texts", "{ x = \"x\" }"),
            "BTreeMap<String, SecretSource>" => ("table of references", "{ X = \"${env:X}\" }"),
            "BTreeMap<String, BTreeSet<String>>" => ("table of lists", "{ x = [\"x\"] }"),
            "Renames" => ("`online` or `instant`", "\"online\""),
            "BackfillTriggers" => ("`fire` or `skip`", "\"skip\""),
            other => panic!("{}: say what a user calls {other}", self.name),
        };
        (called, value.to_owned())
    }
}

/// A type's settings and their defaults.
fn defaults(of: impl serde::Serialize) -> Map<String, Value> {
    let Value::Object(map) = serde_json::to_value(of).unwrap() else { panic!("no struct") };
    map
}

/// What a trueup.toml makes of the policy, which is what `protect` pins.
fn policy(text: &str) -> Policy {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trueup.toml");
    fs::write(&file, text).unwrap();
    let mut config = Config::read(&file).unwrap_or_else(|error| panic!("{text}: {error}"));
    config.dir = "/".into();
    config.policy(Some("x")).unwrap()
}

/// docs/settings.md, as the types say it: fields, their texts, their defaults, and what changes the policy.
fn settings() -> String {
    let mut page = "\
# Settings

Every setting of trueup.toml: its type, what it is where nothing is said, and what it means. Everything is optional; a key that is not
here is an error. Paths are relative to the file, which is looked for in the current folder and upward. *Pinned* are settings that
`trueup protect` writes into the database: from then on no trueup.toml can ask for less ([Security](security.md#approvals)).

This page is made from the types in `src/config.rs` and `src/config/policy.rs` by
`TRUEUP_UPDATE=1 cargo test --release --test suite docs::`.

"
    .to_owned();
    let (config, of_policy) = (read("src/config.rs"), read("src/config/policy.rs"));
    // what is not said of approvals is what the policy has then
    let of_approval = defaults(Policy::<std::path::PathBuf>::default());
    let mut approval = defaults(PolicySettings::default());
    for (name, value) in &mut approval {
        value.clone_from(&of_approval[name]);
    }
    for (table, header, source, name, defaults) in [
        ("At the top", "", &config, "Config", defaults(Config::default())),
        ("[manage]", "[manage]", &config, "Manage", defaults(Manage::default())),
        ("[compare]", "[compare]", &config, "Compare", defaults(Compare::default())),
        ("[approval]", "[approval]", &of_policy, "PolicySettings", approval),
        ("[hooks]", "[hooks]", &config, "Hooks", defaults(Hooks::default())),
        ("[env.NAME]", "[env.x]", &config, "Environment", defaults(Environment::default())),
    ] {
        let (over, settings) = fields(source, name);
        let names: BTreeSet<&String> = settings.iter().map(|setting| &setting.name).collect();
        assert_eq!(names, defaults.keys().collect(), "{name}: the source was not understood");
        let over = over.strip_prefix(&format!("`{table}`: ")).unwrap_or("what the project is.").to_owned();
        let (first, rest) = over.split_at(1);
        writeln!(page, "## {table}\n\n{}{rest}\n", first.to_uppercase()).unwrap();
        if name == "PolicySettings" {
            page += "For one environment: `[env.NAME] approval = { … }`, over this table key by key.\n\n";
        }
        writeln!(page, "| setting | type | default | pinned | meaning |\n| --- | --- | --- | --- | --- |")
            .unwrap();
        for setting in settings {
            let Setting { name, text, .. } = &setting;
            assert!(text.ends_with('.') && text.len() > 20, "{name} has no text: {text}");
            let default = &defaults[name];
            let (called, other) = setting.kind(default);
            let env = if header == "[env.x]" { "" } else { "[env.x]\n" };
            let without = policy(&format!("{header}\n{env}"));
            let with = policy(&format!("{header}\n{name} = {other}\n{env}"));
            let pinned = if with == without { "" } else { "yes" };
            let default = if default.is_null() { "none".to_owned() } else { format!("`{default}`") };
            writeln!(page, "| `{name}` | {called} | {default} | {pinned} | {text} |").unwrap();
        }
        page.push('\n');
    }
    format!("{}\n", page.trim_end())
}

#[test]
fn settings_are_those_of_the_types() {
    let page = settings();
    if std::env::var_os("TRUEUP_UPDATE").is_some() {
        fs::write(root().join("docs/settings.md"), &page).unwrap();
    }
    assert!(read("docs/settings.md") == page, "write it anew with TRUEUP_UPDATE=1");
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
        "docs/settings.md",
        "docs/operations.md",
        "docs/team.md",
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
