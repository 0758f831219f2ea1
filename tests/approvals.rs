//! What approvals must amount to, by policy: how many, by whom for which danger, taken back, for the way back. What does not
//! suffice is refused with the reason, and nothing is changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, Ran, runtime};

const BEFORE: &str = "CREATE TABLE a (id int PRIMARY KEY, old int); CREATE TABLE b (id int);";
/// Expand adds a column, contract drops one; the way back of expand drops what may have been written.
const AFTER: &str = "CREATE TABLE a (id int PRIMARY KEY, more text); CREATE TABLE b (id int);";

async fn planned(policy: &str) -> Database {
    let database = Database::with(BEFORE).await.unwrap();
    database.write("trueup.toml", &format!("[approval]\n{policy}\n"));
    database.plan(AFTER).await;
    database
}

async fn approve(database: &Database, more: &[&str]) -> Ran {
    database.trueup(&[&["approve", "plan"], more].concat()).await.ended(0).unwrap()
}

/// `apply` is refused with this, `verify` says it too, and the database is what it was.
async fn refused(database: &Database, command: &[&str], why: &str) {
    let before = database.state().await;
    database.trueup(command).await.fails(3, why);
    assert_eq!(database.state().await, before, "something was written");
    let phase = command.iter().position(|word| *word == "--phase").map_or("all", |at| command[at + 1]);
    let mut verify = vec!["verify", "plan", "--phase", phase];
    verify.extend((command[0] == "rollback").then_some("--rollback"));
    let ran = database.trueup(&verify).await.ended(3).unwrap();
    assert!(ran.stdout.contains(why), "{}", ran.shown());
}

const EXPAND: &[&str] = &["apply", "plan", "--phase", "expand"];
const CONTRACT: &[&str] = &["apply", "plan", "--phase", "contract"];

#[test]
fn a_danger_asks_for_more_people_and_the_right_ones() {
    runtime().block_on(async {
        let policy = "required_danger = 2\naccepted_by = { DATA_LOSS = [\"dba\", \"owner\"] }\nmembers = { dba = [\"carol\"] }";
        let database = planned(policy).await;
        approve(&database, &["--as", "alice", "--phase", "all", "--accept", "all"]).await;
        database.trueup(EXPAND).await.ended(0).unwrap();
        refused(&database, CONTRACT, "phase contract has 1 of 2 approvals").await;
        approve(&database, &["--as", "bob", "--phase", "contract"]).await;
        refused(&database, CONTRACT, "by anyone in role \"dba\" or \"owner\"").await;
        // whoever says that he is one
        let claims = ["approve", "plan", "--as", "bob", "--phase", "contract", "--role", "dba", "--accept", "DATA_LOSS"];
        database.trueup(&claims).await.fails(1, "--role: who is in which role is not the approver's to say");
        approve(&database, &["--as", "bob", "--phase", "contract", "--accept", "DATA_LOSS"]).await;
        refused(&database, CONTRACT, "by anyone in role \"dba\" or \"owner\"").await;
        approve(&database, &["--as", "carol", "--phase", "contract", "--accept", "DATA_LOSS"]).await;
        database.trueup(CONTRACT).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn what_is_revoked_does_not_count_until_it_is_given_again() {
    runtime().block_on(async {
        let database = planned("").await;
        let alice = ["--as", "alice", "--phase", "all"];
        let none = database.trueup(&[&["approve", "plan", "--revoke"], &alice[..]].concat()).await;
        none.fails(1, "there is no approval by alice to take back");
        approve(&database, &[&alice[..], &["--accept", "all"]].concat()).await;
        let ran = approve(&database, &[&alice[..], &["--revoke"]].concat()).await;
        assert!(ran.stdout.contains("alice does not approve contract any more"), "{}", ran.shown());
        database.trueup(EXPAND).await.fails(3, "phase expand is not approved");
        refused(&database, EXPAND, "phase expand is not approved").await;
        let said = database.trueup(&["verify", "plan", "--phase", "expand"]).await.stdout;
        assert!(said.contains("the approval by alice does not count: it was revoked at "), "{said}");
        approve(&database, &[&alice[..], &["--accept", "all"]].concat()).await;
        database.trueup(EXPAND).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn a_rollback_is_approved_by_itself_where_policy_says_so() {
    runtime().block_on(async {
        let database = planned("rollback = true").await;
        let before = database.dump().await;
        approve(&database, &["--as", "alice", "--phase", "all", "--accept", "all"]).await;
        database.trueup(EXPAND).await.ended(0).unwrap();
        let back = ["rollback", "plan", "--phase", "expand"];
        refused(&database, &back, "phase expand is not approved").await;
        let ran = approve(&database, &["--as", "bob", "--rollback"]).await;
        assert!(ran.stdout.contains("bob approves the rollback of expand"), "{}", ran.shown());
        refused(&database, &back, "DATA_LOSS is not accepted (step 1)").await;
        approve(&database, &["--as", "bob", "--rollback", "--accept", "DATA_LOSS"]).await;
        let verified = database.trueup(&["verify", "plan", "--rollback"]).await.ended(0).unwrap();
        assert!(verified.stdout.contains("expand: approved by bob"), "{}", verified.shown());
        database.trueup(&back).await.ended(0).unwrap();
        database.dump().await.must_equal(&before, "the way back").await.unwrap();
        let who = "SELECT string_agg(approver, ', ') FROM trueup.approval a JOIN trueup.run r ON r.id = a.run WHERE direction = 'rollback'";
        assert_eq!(database.ask(who).await, "bob");

        // one for the way back is none for the way there
        database.trueup(&["approve", "plan", "--as", "alice", "--revoke"]).await.ended(0).unwrap();
        refused(&database, EXPAND, "phase expand is not approved").await;
        database.done().await;
    });
}

/// The database's own policy holds although the file asks for less, in each of its rules.
#[test]
fn no_rule_of_a_pinned_policy_can_be_lowered_by_the_file() {
    runtime().block_on(async {
        let strict = "required_warning = 2\nrequired_danger = 3\nrollback = true\naccepted_by = { DATA_LOSS = [\"dba\"] }\nmembers = { dba = [\"dan\"] }";
        let database = planned(strict).await;
        let shown = database.trueup(&["protect"]).await.ended(0).unwrap().stdout;
        assert!(shown.contains("required_danger = 3") && shown.contains("accepted_by = { DATA_LOSS = [\"dba\"] }"), "{shown}");
        database.write("trueup.toml", "[approval]\nrequired = 0\n");
        database.trueup(&["protect"]).await.fails(3, "this policy asks for less");
        approve(&database, &["--as", "alice", "--phase", "all", "--accept", "all"]).await;
        database.trueup(EXPAND).await.ended(0).unwrap();
        refused(&database, CONTRACT, "phase contract has 1 of 3 approvals").await;
        for name in ["bob", "carol"] {
            approve(&database, &["--as", name, "--phase", "contract"]).await;
        }
        refused(&database, CONTRACT, "by anyone in role \"dba\"").await;
        database.trueup(&["rollback", "plan"]).await.fails(3, "phase expand has 0 of ");
        database.done().await;
    });
}

/// Of each role somebody, and nobody stands for two. Who approves is told at once what that is worth, and where.
#[test]
fn each_role_is_filled_by_somebody_of_its_own() {
    runtime().block_on(async {
        let database = planned("").await;
        let rules = |members: &str| {
            let url = crate::oracle::url(&database.target);
            let roles = "[approval]\nrequired_roles = [\"app\", \"dba\"]";
            let environments = format!("[env.staging]\nurl = \"{url}\"\napproval = {{ required = 3 }}\n[env.production]\nurl = \"{url}\"\n");
            database.write("trueup.toml", &format!("{roles}\nmembers = {members}\n{environments}"));
        };
        rules("{ dba = [\"alice\", \"bob\"], app = [\"alice\"] }");
        let ran = approve(&database, &["--as", "alice"]).await;
        for line in [
            "alice approves expand in production, staging: ",
            "in production it counts; still missing: phase expand needs an approval by someone in role \"dba\"\n",
            "in staging it counts; still missing: phase expand has 1 of 3 approvals, phase expand needs an approval by",
        ] {
            assert!(ran.stdout.contains(line), "{line}: {}", ran.shown());
        }
        let here = ["apply", "plan", "--phase", "expand", "--env", "production"];
        database.trueup(&here).await.fails(3, "phase expand needs an approval by someone in role \"dba\"");
        // another name of hers is nobody else
        let ran = approve(&database, &["--as", "Alice@example.com"]).await;
        assert!(ran.stdout.contains("phase expand needs an approval by someone in role \"dba\""), "{}", ran.shown());
        // somebody without a role counts, and fills none
        let ran = approve(&database, &["--as", "carol"]).await;
        assert!(ran.stdout.contains("in production it counts; still missing: phase expand needs"), "{}", ran.shown());
        let ran = approve(&database, &["--as", "bob", "--env", "production"]).await;
        assert!(ran.stdout.contains("in production it counts; nothing is missing\n"), "{}", ran.shown());
        assert!(ran.stderr.contains("note: it counts there alone; without --env it is for every"), "{}", ran.shown());

        // whoever of the two comes first, each gets the role in which the other one needs them
        for members in ["{ dba = [\"alice\"], app = [\"alice\", \"bob\"] }", "{ dba = [\"alice\", \"bob\"], app = [\"alice\"] }", "{ dba = [\"bob\"], app = [\"alice\", \"bob\"] }"] {
            rules(members);
            database.trueup(&["verify", "plan", "--env", "production", "--phase", "expand"]).await.ended(0).unwrap();
        }
        rules("{ dba = [\"carol\"] }");
        database.trueup(&here).await.fails(3, "phase expand needs an approval by someone in role \"app\"");
        rules("{ dba = [\"alice\", \"bob\"], app = [\"alice\"] }");
        let verified = database.trueup(&["verify", "plan", "--env", "production"]).await.ended(0).unwrap();
        let lines: Vec<&str> = verified.stdout.lines().filter(|line| line.starts_with("  ")).collect();
        assert!(lines[0].starts_with("  phase   role      who                when                  signed  accepts"), "{}", verified.shown());
        let words: Vec<Vec<&str>> = lines[1..].iter().map(|line| line.split_whitespace().collect()).collect();
        let who: Vec<&str> = words.iter().map(|words| words[words.len() - 5]).collect();
        assert_eq!(who, ["Alice@example.com", "alice", "bob", "carol"], "{}", verified.shown());
        assert_eq!(words[1][..3], ["expand", "app,", "dba"], "{}", verified.shown());
        let json = database.trueup(&["verify", "plan", "--env", "production", "--format", "json"]).await.ended(0).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["sign_off"][2]["approver"], "bob");
        assert_eq!(json["sign_off"][2]["roles"], serde_json::json!(["dba"]));
        database.trueup(&here).await.ended(0).unwrap();

        // pinned, it is asked for whatever the file says
        database.trueup(&["protect", "--env", "production"]).await.ended(0).unwrap();
        database.write("trueup.toml", &format!("[env.production]\nurl = \"{}\"\n[approval]\nmembers = {{ dba = [\"mallory\"], app = [\"mallory\"] }}\n", crate::oracle::url(&database.target)));
        approve(&database, &["--as", "mallory", "--phase", "all", "--accept", "all", "--env", "production"]).await;
        let contract = ["apply", "plan", "--phase", "contract", "--env", "production"];
        database.trueup(&contract).await.fails(3, "phase contract needs an approval by someone in role \"app\" and \"dba\"");
        database.done().await;
    });
}

/// How long each step took is in the history, and what it was.
#[test]
fn the_history_tells_the_time_of_each_step() {
    runtime().block_on(async {
        let database = planned("").await;
        approve(&database, &["--as", "alice", "--phase", "all", "--accept", "all"]).await;
        database.trueup(EXPAND).await.ended(0).unwrap();
        database.trueup(CONTRACT).await.ended(0).unwrap();
        let plain = database.trueup(&["history"]).await.ended(0).unwrap().stdout;
        assert_eq!(plain.lines().count(), 2, "{plain}");
        let told = database.trueup(&["history", "--steps"]).await.ended(0).unwrap().stdout;
        let steps: Vec<&str> = told.lines().filter(|line| line.starts_with("    step ")).collect();
        assert!(steps[0].contains(" s  add column more of public.a"), "{told}");
        assert!(steps[1].contains(" s  drop column old of public.a"), "{told}");
        let json =
            database.trueup(&["history", "--steps", "--format", "json"]).await.ended(0).unwrap().stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let seconds = json[0]["timings"][0]["seconds"].as_f64().unwrap();
        assert!(seconds > 0.0 && seconds < 60.0, "{json}");
        assert_eq!(json[0]["timings"][0]["summary"], "add column more of public.a");
        let page =
            database.trueup(&["history", "--steps", "--format", "markdown"]).await.ended(0).unwrap().stdout;
        assert!(page.contains("<br>step 1 ") && page.lines().count() == 4, "{page}");
        database.done().await;
    });
}
