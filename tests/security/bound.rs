//! Approvals are for what they were given for: named environments, one database, one run; what is run around a phase is what
//! was pinned; less is pinned only by several; and who breaks the glass is heard.

use std::fs;

use super::approvals::{approve, fingerprint, key, planned, refused, rules, signers};
use crate::oracle::{self, Database, Ran, runtime};

/// trueup.toml with two environments, both of which are this database.
fn environments(database: &Database, policy: &str, of_production: &str) {
    let url = oracle::url(&database.target);
    database.write(
        "trueup.toml",
        &format!("[approval]\n{policy}\n[env.production]\nurl = \"{url}\"\n{of_production}\n[env.staging]\nurl = \"{url}\"\n"),
    );
}

async fn apply(database: &Database, env: &str) -> Ran {
    database.trueup(&["apply", "plan", "--env", env]).await
}

#[test]
fn an_approval_is_for_the_environments_whose_policy_was_shown() {
    runtime().block_on(async {
        let database = planned("").await;
        environments(&database, "", "approval = { required = 2 }");
        let ran = database
            .trueup(&["approve", "plan", "--as", "alice", "--env", "staging"])
            .await
            .ended(0)
            .unwrap();
        assert!(ran.stderr.contains("policy of staging: required = 1"), "{}", ran.shown());
        apply(&database, "production").await.fails(3, "phase expand has 0 of 2 approvals");
        let said = database.trueup(&["verify", "plan", "--env", "production"]).await.ended(3).unwrap();
        assert!(
            said.stdout.contains("it is for environment \"staging\", not \"production\""),
            "{}",
            said.shown()
        );
        // nor by going around the name
        refused(&database, "it is for environment \"staging\"; name it with --env").await;
        // without a name it is for all of them, whose policies are shown
        let ran = database.trueup(&["approve", "plan", "--as", "bob"]).await.ended(0).unwrap();
        assert!(ran.stderr.contains("policy of production: required = 2"), "{}", ran.shown());
        assert!(ran.stdout.contains("in production, staging"), "{}", ran.shown());
        apply(&database, "production").await.fails(3, "phase expand has 1 of 2 approvals");
        // the environment that is pinned is that of the database, however it is reached
        database.trueup(&["protect", "--env", "production"]).await.ended(0).unwrap();
        apply(&database, "staging")
            .await
            .fails(3, "pinned as environment \"production\", and not as \"staging\"");
        approve(&database, "carol", &["--env", "production"]).await;
        fs::remove_file(database.path("trueup.toml")).unwrap();
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn an_approval_is_for_one_database_where_policy_says_so() {
    runtime().block_on(async {
        let database = planned("bound_to_database = true").await;
        // given where nothing could be asked: it names none
        rules(&database, "");
        approve(&database, "alice", &[]).await;
        rules(&database, "bound_to_database = true");
        refused(&database, "it names no database, and policy asks for one; approve with --database ").await;
        approve(&database, "alice", &[]).await;
        let text = fs::read_to_string(database.path("plan/approvals/expand-alice.toml")).unwrap();
        let here = text.split("database = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(here.ends_with(&format!("/{}", database.target.database())), "{text}");
        // another one, of the same cluster
        let other = database.copy().await;
        fs::create_dir_all(other.path("plan")).unwrap();
        for entry in ["plan.toml", "README.md"].iter().chain(&trueup::plan::script::NAMES) {
            if database.path("plan").join(entry).exists() {
                fs::copy(database.path("plan").join(entry), other.path("plan").join(entry)).unwrap();
            }
        }
        other.write("plan/approvals/expand-alice.toml", &text);
        rules(&other, "bound_to_database = true");
        refused(&other, &format!("it is for database {here}; this is ")).await;
        // also where policy does not ask
        rules(&other, "");
        refused(&other, &format!("it is for database {here}; this is ")).await;
        // by hand, as verify prints it
        let there = here.replace(database.target.database(), other.target.database());
        approve(&other, "alice", &["--database", &there]).await;
        other.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        let late = ["approve", "plan", "--as", "alice", "--expires", "9000000000000000000h"];
        database.trueup(&late).await.fails(1, "this is no time");
        let bad = ["approve", "plan", "--as", "alice", "--database", "shop"];
        database.trueup(&bad).await.fails(1, "\"shop\" names no database");
        other.done().await;
        database.done().await;
    });
}

#[test]
fn an_approval_is_for_one_run_where_policy_says_so() {
    runtime().block_on(async {
        let database = planned("single_use = true").await;
        approve(&database, "alice", &[]).await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        refused(&database, "the phase ran under it already, and was taken back; approve again").await;
        // it may be given again, with another time
        let file = database.path("plan/approvals/expand-alice.toml");
        let before = fs::read_to_string(&file).unwrap();
        while fs::read_to_string(&file).unwrap() == before {
            approve(&database, "alice", &[]).await;
        }
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn what_is_run_around_a_phase_is_what_was_pinned() {
    runtime().block_on(async {
        let database = planned("").await;
        let before = "[hooks]\nbefore = \"cat > told\"\n";
        let with = |hooks: &str, of_production: &str| {
            let url = oracle::url(&database.target);
            let text =
                format!("{hooks}[env.production]\nurl = \"{url}\"\nbackup = \"cat age\"\n{of_production}\n");
            database.write("trueup.toml", &text);
        };
        database.write("age", "1000 60");
        with(before, "quiet_minutes = 30\nbackup_hours = 1");
        database.trueup(&["protect", "--env", "production"]).await.ended(0).unwrap();
        approve(&database, "alice", &[]).await;
        for (hooks, why) in [
            ("", "the pinned command `before`, `cat > told`, is not in trueup.toml"),
            (
                "[hooks]\nbefore = \"true\"\n",
                "the pinned command `before` is `cat > told`, and trueup.toml has another",
            ),
            (
                "[hooks]\nbefore = \"cat > told\"\nafter = \"touch more\"\n",
                "no command `after` is pinned, and trueup.toml has one",
            ),
        ] {
            with(hooks, "");
            apply(&database, "production").await.fails(3, why);
            let said = database.trueup(&["preflight", "plan", "--env", "production"]).await.ended(3).unwrap();
            assert!(said.stdout.contains(why), "{}", said.shown());
            let said = database.trueup(&["verify", "plan", "--env", "production"]).await.ended(3).unwrap();
            assert!(said.stdout.contains(why), "{}", said.shown());
            assert!(!database.path("told").exists() && !database.path("more").exists());
        }
        // an older backup than was pinned is too old, whatever the file says now
        with(before, "quiet_minutes = 0\nbackup_hours = 100");
        database.write("age", "1000 7200");
        apply(&database, "production").await.fails(3, "backup");
        database.write("age", "1000 60");
        database.trueup(&["protect", "--env", "production"]).await.fails(3, "asks for less");
        apply(&database, "production").await.ended(0).unwrap();
        assert!(database.path("told").exists());
        database.done().await;
    });
}

/// What comes first is what was pinned: a branch whose trueup.toml leaves it out is refused.
#[test]
fn an_environment_that_comes_first_is_not_left_out() {
    runtime().block_on(async {
        let database = planned("").await;
        let staging = Database::with("CREATE TABLE a (id int PRIMARY KEY);").await.unwrap();
        let after = |after: &str| {
            let [staging, production] = [&staging, &database].map(|it| oracle::url(&it.target));
            let text = format!(
                "[env.staging]\nurl = \"{staging}\"\n[env.qa]\nurl = \"{staging}\"\n[env.production]\nurl = \"{production}\"\n{after}\n"
            );
            database.write("trueup.toml", &text);
        };
        after("after = ['staging']");
        let pinned = database.trueup(&["protect", "--env", "production"]).await.ended(0).unwrap();
        assert!(pinned.stdout.contains("after = [\"staging\"]"), "{}", pinned.shown());
        approve(&database, "alice", &[]).await;
        let why = "environment \"staging\" is pinned to come first, and `after` in trueup.toml leaves it out";
        for less in ["", "after = []", "after = ['qa']"] {
            after(less);
            // where it names another one, that is asked first
            let first = if less.contains("qa") { "qa comes first" } else { why };
            apply(&database, "production").await.fails(3, first);
            for command in ["preflight", "verify"] {
                let said = database.trueup(&[command, "plan", "--env", "production"]).await.ended(3).unwrap();
                assert!(said.stdout.contains(why), "{}", said.shown());
            }
            database.trueup(&["protect", "--env", "production"]).await.fails(3, "asks for less");
        }
        after("after = ['qa', 'staging']");
        apply(&database, "production").await.fails(3, "qa comes first, and its phase expand is not done there");
        apply(&database, "staging").await.ended(0).unwrap();
        apply(&database, "production").await.ended(0).unwrap();
        staging.done().await;
        database.done().await;
    });
}

#[test]
fn less_is_pinned_by_several() {
    runtime().block_on(async {
        let strict = "signed = true\nallowed_signers = \"signers\"\nrequired = 2\nrequired_lower = 2\nadmins = [\"alice\", \"bob\", \"twin\"]";
        let database = planned(strict).await;
        database.trueup(&["protect"]).await.fails(1, "signers: ");
        let folder = database.folder.path();
        let (alice, bob, carol) = (key(folder, "alice"), key(folder, "bob"), key(folder, "carol"));
        signers(&database, &format!("alice {alice}\ntwin {alice}\nbob {bob}\ncarol {carol}\n"));
        database.trueup(&["protect"]).await.ended(0).unwrap();
        rules(&database, &strict.replace("required = 2\n", "required = 1\n"));
        let lower = ["protect", "--lower"];
        database.trueup(&["protect"]).await.fails(3, "asks for less");
        database.trueup(&lower).await.fails(3, "2 people must sign that");
        let by = |name: &'static str, key: &'static str| [&lower[..], &["--as", name, "--sign", key]].concat();
        database.trueup(&by("carol", "carol")).await.fails(3, "carol is none of the pinned `admins`");
        database.trueup(&by("bob", "alice")).await.fails(3, "the signature of bob is not good");
        let one = database.trueup(&by("alice", "alice")).await.ended(3).unwrap();
        assert!(one.stdout.contains("not pinned yet: 1 of 2 have signed it (alice)"), "{}", one.shown());
        // again, and under another name with the same key
        for (name, key) in [("alice", "alice"), ("twin", "alice")] {
            let one = database.trueup(&by(name, key)).await.ended(3).unwrap();
            assert!(one.stdout.contains("1 of 2 have signed it"), "{}", one.shown());
        }
        // no admins at all would let anybody sign
        rules(&database, &strict.replace("admins = [\"alice\", \"bob\", \"twin\"]", "admins = []"));
        database.trueup(&["protect"]).await.fails(3, "asks for less");
        // what another one signs is another policy, if it is
        rules(&database, &strict.replace("signed = true", "signed = false"));
        let other = database.trueup(&by("bob", "bob")).await.ended(3).unwrap();
        assert!(other.stdout.contains("1 of 2 have signed it (bob)"), "{}", other.shown());
        rules(&database, &strict.replace("required = 2\n", "required = 1\n"));
        database.trueup(&by("bob", "bob")).await.ended(0).unwrap();
        // once: back to the stricter one, and what was signed does not count again
        rules(&database, strict);
        database.trueup(&["protect"]).await.ended(0).unwrap();
        rules(&database, &strict.replace("required = 2\n", "required = 1\n"));
        let again = database.trueup(&by("alice", "alice")).await.ended(3).unwrap();
        assert!(again.stdout.contains("1 of 2 have signed it (alice)"), "{}", again.shown());
        // nor is it an approval's signature that counts
        assert_eq!(database.ask("SELECT count(*)::text FROM trueup.entry WHERE kind = 'lowering'").await, "6");
        database.done().await;
    });
}

#[test]
fn who_breaks_the_glass_is_heard() {
    runtime().block_on(async {
        let policy = "required = 2\nauthor = false\nsigned = true\nallowed_signers = \"signers\"\nroles = [\"dba\"]\nmembers = { dba = [\"carol\"] }";
        let database = planned(policy).await;
        let folder = database.folder.path();
        let (alice, bob) = (key(folder, "alice"), key(folder, "bob"));
        signers(&database, &format!("alice {alice}\nbob {bob}\n"));
        let on_call = format!("{policy}\nbreak_glass = [\"{}\"]", fingerprint(folder, "alice"));
        let text = format!("[approval]\n{on_call}\n[hooks]\nafter = \"cat > told\"\n");
        database.write("trueup.toml", &text);
        let glass = ["approve", "plan", "--break-glass", "--reason", "orders are lost", "--as"];
        let by = |name: &'static str, key: &'static str| [&glass[..], &[name, "--sign", key]].concat();
        database.trueup(&["approve", "plan", "--as", "alice", "--break-glass"]).await.ended(1).unwrap();
        // who may not
        database.trueup(&by("bob", "bob")).await.ended(0).unwrap();
        refused(&database, "it breaks the glass, and `break_glass` of policy does not have them").await;
        // nor without the key that policy has
        database.trueup(&[&glass[..], &["alice"]].concat()).await.ended(0).unwrap();
        refused(&database, "it breaks the glass, and `break_glass` of policy does not have them").await;
        let said = database.trueup(&by("alice", "alice")).await.ended(0).unwrap();
        assert!(said.stdout.contains("alice breaks the glass for expand"), "{}", said.shown());
        let ran = database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        assert!(ran.stderr.contains("approvals are missing, and alice broke the glass"), "{}", ran.shown());
        let told = fs::read_to_string(database.path("told")).unwrap();
        assert!(told.contains("\"glass\":\"alice\""), "{told}");
        let history = database.trueup(&["history"]).await.ended(0).unwrap();
        assert!(history.stdout.contains("glass broken by alice"), "{}", history.shown());
        assert_eq!(database.ask("SELECT reason FROM trueup.approval").await, "orders are lost");
        database.done().await;
    });
}
