//! What runs in CI: every action is pinned by its commit, and every workflow says what it may do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use crate::oracle;

/// The workflows, by their names.
fn workflows() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| (path.display().to_string(), fs::read_to_string(&path).unwrap());
    let found: Vec<_> = files.map(read).collect();
    assert!(!found.is_empty(), "no workflows in {}", folder.display());
    found
}

/// Whether `uses:` names a commit, and the version that it is: `owner/name@<40 hex digits> # v1.2.3`.
fn is_pinned(used: &str) -> bool {
    let Some((_, at)) = used.split_once('@') else { return false };
    let Some((commit, version)) = at.split_once(" # ") else { return false };
    let hex = commit.len() == 40 && commit.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    hex && version.starts_with('v')
}

fn used(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix("uses:")).map(str::trim)
}

#[test]
fn actions_are_pinned_by_commit() {
    assert!(!is_pinned("actions/checkout@v4") && !is_pinned("actions/checkout@11bd719 # v4"));
    for (file, text) in workflows() {
        for action in used(&text) {
            assert!(is_pinned(action), "{file}: `{action}` is not pinned: owner/name@COMMIT # vVERSION");
        }
    }
}

#[test]
fn the_workflow_that_init_writes_is_pinned_too() {
    let folder = tempfile::tempdir().unwrap();
    let ran = oracle::runtime().block_on(oracle::trueup(folder.path(), None, &["init"]));
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let text = fs::read_to_string(folder.path().join(".github/workflows/trueup.yml")).unwrap();
    assert!(used(&text).count() > 0 && used(&text).all(is_pinned), "{text}");
    assert!(text.contains("persist-credentials: false"), "{text}");
}

#[test]
fn workflows_say_what_they_may_do() {
    for (file, text) in workflows() {
        let top = text.lines().filter(|line| line.starts_with("permissions:")).count();
        assert_eq!(top, 1, "{file} has no `permissions:` of its own");
        // what writes must be a job of its own, of a workflow that no pull request starts
        let writes =
            text.lines().any(|line| line.trim_end().ends_with(": write") || line.contains("write-all"));
        assert!(!writes || text.contains("permissions: {}\n"), "{file}: only a job may write");
        let by_others = text.contains("pull_request");
        assert!(
            !by_others || !writes && !text.contains("secrets."),
            "{file}: pull requests get secrets or may write"
        );
        assert!(
            !text.contains("pull_request_target"),
            "{file}: runs what others propose with rights of its own"
        );
        let checkouts = text.matches("actions/checkout@").count();
        assert_eq!(
            checkouts,
            text.matches("persist-credentials: false").count(),
            "{file}: the token stays in .git"
        );
    }
}
