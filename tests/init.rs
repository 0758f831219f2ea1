//! `trueup init` in folders of all sorts.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn init(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trueup"))
        .arg("init")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn an_empty_folder_is_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let run = init(folder.path(), &[]);
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(
        out(&run),
        "trueup.toml written\nschema/schema.sql written\nplans/ is ready\n.github/workflows/trueup.yml written\n"
    );
    trueup::config::Config::read(&folder.path().join("trueup.toml")).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("plans/.gitattributes")).unwrap(), "* -text\n");
    let workflow = fs::read_to_string(folder.path().join(".github/workflows/trueup.yml")).unwrap();
    assert!(workflow.contains("trueup verify"), "{workflow}");
}

#[test]
fn what_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("schema")).unwrap();
    fs::create_dir_all(at(".github/workflows")).unwrap();
    fs::write(at("trueup.toml"), "plans = \"migrations\"\n").unwrap();
    fs::write(at(".github/workflows/trueup.yml"), "name: ours\n").unwrap();
    let run = init(folder.path(), &[]);
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(
        out(&run),
        "trueup.toml is there already\nschema/ is there already\nplans/ is ready\n\
         .github/workflows/trueup.yml is there already\n"
    );
    assert_eq!(fs::read_to_string(at("trueup.toml")).unwrap(), "plans = \"migrations\"\n");
    assert_eq!(fs::read_to_string(at(".github/workflows/trueup.yml")).unwrap(), "name: ours\n");
    assert!(!at("schema/schema.sql").exists());
}

#[test]
fn a_second_time_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path(), &[]);
    let before = fs::read_to_string(folder.path().join("trueup.toml")).unwrap();
    let run = init(folder.path(), &[]);
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(fs::read_to_string(folder.path().join("trueup.toml")).unwrap(), before);
}

#[test]
fn a_file_in_the_way_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schema"), "").unwrap();
    let run = init(folder.path(), &[]);
    assert_eq!(run.status.code(), Some(1));
    let error = String::from_utf8(run.stderr).unwrap();
    assert_eq!(
        error,
        "error: schema is a file, and the folder of the desired SQL should be there\nhint: move it away, then run `trueup init` again\n"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was written");
}

#[test]
fn quiet_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = init(folder.path(), &["--quiet"]);
    assert_eq!((run.status.code(), out(&run).as_str()), (Some(0), ""));
    assert!(run.stderr.is_empty());
}
