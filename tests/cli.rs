//! The program itself: help, exit codes, what it prints.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::support::{BASE, database, execute, on_disk, plan, runtime, steps, url};
use trueup::postgres::Target;

fn trueup(dir: &Path, target: Option<&Target>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.current_dir(dir).args(arguments).env_clear().env("PATH", "/usr/bin");
    if let Some(target) = target {
        command.env("DATABASE_URL", url(target));
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn expect(output: &Output, exit: i32, part: &str) -> String {
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(exit), "{all}");
    assert!(all.contains(part), "{part:?} in {all}");
    all
}

#[test]
fn help_of_every_command() {
    let here = Path::new(".");
    let mut all = String::new();
    for command in [
        "",
        "plan",
        "show",
        "verify",
        "preflight",
        "approve",
        "apply",
        "rollback",
        "abandon",
        "status",
        "history",
        "dump",
        "diff",
        "adopt",
        "protect",
        "audit",
        "init",
        "demo",
    ] {
        let arguments: Vec<&str> = [command, "--help"].into_iter().filter(|part| !part.is_empty()).collect();
        let output = trueup(here, None, &arguments);
        assert!(output.status.success());
        let help = text(&output.stdout);
        assert!(help.contains("Example:"), "{command}");
        // what every command has is shown once
        let own = if command.is_empty() { &help } else { help.split("Everywhere:").next().unwrap() };
        let example = help.split("Example:").nth(1).filter(|_| !command.is_empty()).unwrap_or_default();
        all.push_str(&format!("==== trueup {command}\n{own}{example}\n"));
    }
    insta::assert_snapshot!("help", all);
}

#[test]
fn a_wrong_command_line_is_an_error_and_not_a_difference() {
    expect(&trueup(Path::new("."), None, &["aply"]), 1, "unrecognized subcommand");
    expect(&trueup(Path::new("."), None, &["show"]), 1, "required");
}

#[test]
fn the_whole_road() {
    let (target, _dir, dir) = runtime().block_on(async {
        let plan = plan(BASE, steps()).await;
        let (keep, opened) = on_disk(&plan);
        (database(BASE).await, keep, opened.dir)
    });
    let root = dir.parent().unwrap();
    std::fs::write(root.join("trueup.toml"), "plans = '.'\n").unwrap();
    let run = |arguments: &[&str]| trueup(root, Some(&target), arguments);

    expect(&run(&["show", "plan"]), 0, "to accept: BREAKS_OLD_CODE, DATA_LOSS");
    expect(&run(&["status"]), 0, "NEEDS_MIGRATION: 20261120-tier has not been applied");
    expect(&run(&["status", "--exit-code"]), 2, "NEEDS_MIGRATION");
    expect(&run(&["verify", "plan"]), 3, "expand: phase expand is not approved");
    let refused =
        expect(&run(&["apply", "plan"]), 3, "error: phase expand is not approved\nhint: `trueup verify");
    assert!(!refused.contains("panicked"));
    expect(&run(&["approve", "plan", "--as", "../x"]), 1, "cannot be an approver's name");
    expect(
        &run(&["approve", "plan", "--as", "al", "--phase", "all", "--accept", "DATA_LOS"]),
        1,
        "did you mean DATA_LOSS?",
    );
    expect(&run(&["approve", "plan", "--as", "al", "--expires", "2020-01-01"]), 1, "this is over already");
    expect(&run(&["approve", "plan", "--as", "al", "--phase", "all"]), 0, "accepted");
    expect(&run(&["apply", "plan", "--phase", "contract"]), 3, "phase expand has not been applied yet");
    expect(&run(&["apply", "plan", "--dry-run"]), 0, "CREATE INDEX CONCURRENTLY person_email");
    expect(&run(&["apply", "plan"]), 0, "expand applied, 4 steps, equal to the rehearsal; contract remains");
    expect(
        &run(&["status", "--exit-code"]),
        6,
        "PARTIAL_MIGRATION: 20261120-tier: phase expand applied, contract remains",
    );
    expect(&run(&["apply", "plan"]), 0, "nothing to do; phase expand applied; contract remains: deploy");
    expect(&run(&["apply", "plan", "--phase", "contract"]), 3, "is not accepted (step 5)");
    expect(
        &run(&["approve", "plan", "--as", "al", "--phase", "all", "--accept", "all"]),
        0,
        "accepting BREAKS_OLD_CODE, DATA_LOSS",
    );
    expect(&run(&["apply", "plan", "--phase", "contract", "--quiet"]), 0, "contract applied, 1 step, ");
    expect(&run(&["apply", "plan"]), 0, "nothing to do; phase contract applied");
    expect(&run(&["status", "--exit-code"]), 0, "SAFE");
    runtime().block_on(execute(&target, "CREATE INDEX late ON app.person (tier)"));
    expect(&run(&["status", "--exit-code"]), 5, "DRIFTED");
    expect(&run(&["rollback", "plan"]), 3, "the plan is stale: index app.late was added since");
    runtime().block_on(execute(&target, "DROP INDEX app.late"));
    expect(&run(&["rollback", "plan"]), 0, "contract, expand rolled back, 5 steps, equal to before");
    expect(&run(&["history"]), 0, "rollback contract");
    let json = run(&["history", "--format", "json"]);
    let runs: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let outcomes: Vec<&str> =
        runs.as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "refused", "done", "refused", "done", "done"]);
    assert_eq!(runs[0]["approvers"][0], "al");

    let file = dir.join("plan.toml");
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("tier text", "tier int")).unwrap();
    expect(&run(&["apply", "plan"]), 3, "up-expand.sql is not what plan.toml says");
    let elsewhere = target.with_database("no_such_database");
    expect(&trueup(root, Some(&elsewhere), &["history"]), 1, "hint: check the name");
    expect(&trueup(root, None, &["status", "--url", "postgres://127.0.0.1:1/x"]), 1, "ERROR: ");
}

#[test]
fn configuration_is_checked_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    expect(&trueup(dir.path(), None, &["init"]), 0, "trueup.toml written");
    expect(&trueup(dir.path(), None, &["init"]), 0, "trueup.toml is there already");
    expect(&trueup(dir.path(), None, &["history", "--env", "prod"]), 1, "there is no environment \"prod\"");
    std::fs::write(dir.path().join("trueup.toml"), "shema = []").unwrap();
    let all = expect(&trueup(dir.path(), None, &["history"]), 1, "trueup.toml:1:1: unknown key `shema`");
    assert!(all.contains("hint: did you mean `schema`?"), "{all}");
}
