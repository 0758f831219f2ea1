//! Approvals that are not what they look like: by one person under two names, by a key that is no longer theirs, in a role that
//! they gave themselves, older than the plan, taken back by somebody else.

use std::{fs, path::Path, process::Command};

use crate::oracle::{Database, runtime};

/// A new key pair; its public half.
pub fn key(folder: &Path, name: &str) -> String {
    let file = folder.join(name);
    let mut made = Command::new("ssh-keygen");
    made.args(["-q", "-N", "", "-t", "ed25519", "-C", name, "-f"]).arg(&file);
    assert!(made.status().unwrap().success());
    fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned()
}

pub fn fingerprint(folder: &Path, name: &str) -> String {
    let said =
        Command::new("ssh-keygen").arg("-lf").arg(folder.join(name).with_extension("pub")).output().unwrap();
    String::from_utf8(said.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
}

/// A plan of one step, and the policy for it.
pub async fn planned(policy: &str) -> Database {
    let database = Database::with("CREATE TABLE a (id int PRIMARY KEY);").await.unwrap();
    rules(&database, policy);
    database.plan("CREATE TABLE a (id int PRIMARY KEY, more text);").await;
    database
}

pub fn rules(database: &Database, policy: &str) {
    database.write("trueup.toml", &format!("[approval]\n{policy}\n"));
}

pub fn signers(database: &Database, lines: &str) {
    database.write("signers", lines);
}

pub async fn approve(database: &Database, name: &str, more: &[&str]) {
    database.trueup(&[&["approve", "plan", "--as", name], more].concat()).await.ended(0).unwrap();
}

/// That it is refused, and what `verify` says.
pub async fn refused(database: &Database, why: &str) {
    let said = database.trueup(&["verify", "plan"]).await;
    assert!(said.code == Some(3) && said.stdout.contains(why), "{why}: {}", said.shown());
    database.trueup(&["apply", "plan"]).await.ended(3).unwrap();
}

const SIGNED: &str = "signed = true\nallowed_signers = \"signers\"\n";

#[test]
fn one_key_is_one_person() {
    runtime().block_on(async {
        let database = planned(&format!("{SIGNED}required = 2")).await;
        let folder = database.folder.path();
        let (alice, bob) = (key(folder, "alice"), key(folder, "bob"));
        for signers in [
            format!("alice,second {alice}\nbob {bob}\n"),
            format!("alice {alice}\nsecond {alice}\nbob {bob}\n"),
            format!("* {alice}\nbob {bob}\n"),
        ] {
            database.write("signers", &signers);
            approve(&database, "alice", &["--sign", "alice"]).await;
            approve(&database, "second", &["--sign", "alice"]).await;
            refused(&database, "it is signed with the same key as that by alice").await;
        }
        approve(&database, "bob", &["--sign", "bob"]).await;
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

/// `alice` and `Alice@example.com` are one; and the author is who made the plan, however the name is written.
#[test]
fn one_person_is_one_however_written() {
    runtime().block_on(async {
        let database = planned("required = 2").await;
        approve(&database, "alice", &[]).await;
        approve(&database, "Alice+work@example.com", &[]).await;
        refused(&database, "phase expand has 1 of 2 approvals").await;
        rules(&database, "author = false");
        let plan = ["plan", "--schema", "desired.sql", "--manage", "all"];
        let by =
            |name: &'static str, out: &'static str| [&plan[..], &["--author", name, "--out", out]].concat();
        database.trueup(&by("bob", "second")).await.ended(0).unwrap();
        for name in ["bob", "BOB", "bob@example.com", "b.o.b"] {
            let approve = ["approve", "second", "--as", name];
            let ran = database.trueup(&approve).await.ended(0).unwrap();
            assert!(ran.stdout.contains("it does not count: they made the plan"), "{}", ran.shown());
            let ran = database.trueup(&["verify", "second"]).await.ended(3).unwrap();
            assert!(ran.stdout.contains("they made the plan"), "{}", ran.shown());
        }
        // nobody makes it, or somebody without a name
        database
            .trueup(&[&plan[..], &["--out", "third"]].concat())
            .await
            .fails(3, "nobody says who makes the plan");
        database.trueup(&by("+", "third")).await.fails(1, "--author +: this names nobody");
        assert!(!database.path("third").exists());
        database.write(".gitconfig", "[user]\n\temail = Bob <@nowhere\n");
        database.trueup(&[&plan[..], &["--out", "third"]].concat()).await.ended(0).unwrap();
        database.write(".gitconfig", "[user]\n\temail = bob@example.com\n");
        database.trueup(&[&plan[..], &["--out", "fourth"]].concat()).await.ended(0).unwrap();
        let text = fs::read_to_string(database.path("fourth/plan.toml")).unwrap();
        assert!(text.contains("\nauthor = \"bob@example.com\"\n"), "{text}");
        // one that was made where nobody was asked
        rules(&database, "");
        fs::remove_file(database.path(".gitconfig")).unwrap();
        database.trueup(&[&plan[..], &["--out", "fifth"]].concat()).await.ended(0).unwrap();
        let text = fs::read_to_string(database.path("fifth/plan.toml")).unwrap();
        assert!(!text.contains("\nauthor = "), "{text}");
        rules(&database, "author = false");
        database.trueup(&["approve", "fifth", "--as", "alice"]).await.ended(0).unwrap();
        let ran = database.trueup(&["verify", "fifth"]).await.ended(3).unwrap();
        assert!(ran.stdout.contains("the plan does not say who made it"), "{}", ran.shown());
        database.done().await;
    });
}

#[test]
fn a_role_is_who_policy_says_it_is() {
    runtime().block_on(async {
        let database = planned(&format!("{SIGNED}roles = [\"dba\"]")).await;
        let folder = database.folder.path();
        let (alice, bob) = (key(folder, "alice"), key(folder, "bob"));
        database.write("signers", &format!("alice {alice}\nbob {bob}\n"));
        approve(&database, "alice", &["--sign", "alice"]).await;
        refused(&database, "`members` of trueup.toml has them in no role \"dba\"").await;
        // written in by hand, and signed over
        let file = database.path("plan/approvals/expand-alice.toml");
        let text = fs::read_to_string(&file).unwrap();
        let payload =
            text.split("signature = ").next().unwrap().replace("accepts = ", "role = \"dba\"\naccepts = ");
        fs::write(folder.join("payload"), &payload).unwrap();
        let mut sign = Command::new("ssh-keygen");
        sign.args(["-q", "-Y", "sign", "-n", "trueup-approval", "-f", "alice", "payload"])
            .current_dir(folder);
        assert!(sign.status().unwrap().success());
        let signature = fs::read_to_string(folder.join("payload.sig")).unwrap();
        fs::write(&file, format!("{payload}signature = \"\"\"\n{signature}\"\"\"\n")).unwrap();
        refused(&database, "`members` of trueup.toml has them in no role \"dba\"").await;
        for member in ["alice", &fingerprint(folder, "alice")] {
            rules(&database, &format!("{SIGNED}roles = [\"dba\"]\nmembers = {{ dba = [\"{member}\"] }}"));
            database.trueup(&["verify", "plan"]).await.ended(0).unwrap();
            rules(
                &database,
                &format!("{SIGNED}roles = [\"dba\"]\nmembers = {{ lead = [\"{member}\"], dba = [\"bob\"] }}"),
            );
            refused(&database, "has them in no role").await;
        }
        database.done().await;
    });
}

#[test]
fn a_key_counts_as_long_as_it_is_theirs() {
    runtime().block_on(async {
        let database = planned(SIGNED).await;
        let folder = database.folder.path();
        let (alice, bob) = (key(folder, "alice"), key(folder, "bob"));
        let plain = format!("alice {alice}\nbob {bob}\n");
        database.write("signers", &plain);
        approve(&database, "alice", &["--sign", "alice"]).await;
        database.trueup(&["verify", "plan"]).await.ended(0).unwrap();
        // its time is over by now, though not when she signed
        let file = database.path("plan/approvals/expand-alice.toml");
        let text = fs::read_to_string(&file).unwrap();
        let created: jiff::Timestamp = text
            .lines()
            .find_map(|line| line.strip_prefix("created = \""))
            .unwrap()
            .trim_end_matches('"')
            .parse()
            .unwrap();
        let end = created
            .checked_add(jiff::SignedDuration::from_secs(1))
            .unwrap()
            .strftime("%Y%m%d%H%M%SZ")
            .to_string();
        database.write("signers", &format!("alice valid-before=\"{end}\" {alice}\nbob {bob}\n"));
        loop {
            let said = database.trueup(&["verify", "plan"]).await;
            if said.code == Some(3) {
                assert!(said.stdout.contains("its signature is not good: "), "{}", said.shown());
                break;
            }
        }
        // revoked: as a list, and as OpenSSH's own
        database.write("signers", &plain);
        rules(&database, &format!("{SIGNED}revoked_keys = \"revoked\""));
        database.write("revoked", &format!("{bob}\n"));
        database.trueup(&["verify", "plan"]).await.ended(0).unwrap();
        database.write("revoked", &format!("{alice}\n"));
        refused(&database, "its signature is not good: ").await;
        let mut krl = Command::new("ssh-keygen");
        krl.args(["-q", "-k", "-f", "krl", "alice.pub"]).current_dir(folder);
        assert!(krl.status().unwrap().success());
        rules(&database, &format!("{SIGNED}revoked_keys = \"krl\""));
        refused(&database, "its signature is not good: ").await;
        // and pinned it holds without the file's saying so
        database.trueup(&["protect"]).await.ended(0).unwrap();
        rules(&database, SIGNED);
        database.trueup(&["apply", "plan"]).await.fails(3, "phase expand is not approved");
        // a list that is not there revokes nothing by that
        database.trueup(&["protect", "--remove", "--lower"]).await.ended(0).unwrap();
        rules(&database, &format!("{SIGNED}revoked_keys = \"nowhere\""));
        refused(&database, "No such file or directory").await;
        database.done().await;
    });
}

#[test]
fn an_approval_is_younger_than_its_plan() {
    runtime().block_on(async {
        let database = planned("").await;
        approve(&database, "alice", &[]).await;
        let file = database.path("plan/approvals/expand-alice.toml");
        let text = fs::read_to_string(&file).unwrap();
        let line = text.lines().find(|line| line.starts_with("created = ")).unwrap();
        fs::write(&file, text.replace(line, "created = \"2020-01-01T00:00:00Z\"")).unwrap();
        refused(&database, "it is dated 2020-01-01T00:00:00Z, before the plan was made").await;
        database.done().await;
    });
}

#[test]
fn only_the_approver_or_an_admin_takes_an_approval_back() {
    runtime().block_on(async {
        let database = planned(&format!("{SIGNED}admins = [\"carol\"]")).await;
        let folder = database.folder.path();
        let keys = ["alice", "bob", "carol"].map(|name| format!("{name} {}\n", key(folder, name)));
        database.write("signers", &keys.concat());
        let revoke = ["approve", "plan", "--as", "alice", "--revoke"];
        approve(&database, "alice", &["--sign", "alice"]).await;
        let unsigned = database.trueup(&revoke).await;
        unsigned.fails(1, "policy counts signed approvals, and so only what is signed takes one back");
        database.trueup(&["verify", "plan"]).await.ended(0).unwrap();
        for (more, why) in [
            (&["--sign", "bob"][..], "it is marked as revoked, and not by who may: "),
            (
                &["--sign", "bob", "--by", "bob"],
                "bob is neither the approver nor one of the `admins`; approve again",
            ),
            (&["--sign", "carol", "--by", "carol"], "it was revoked at "),
            (&["--sign", "alice"], "it was revoked at "),
        ] {
            approve(&database, "alice", &["--sign", "alice"]).await;
            database.trueup(&[&revoke[..], more].concat()).await.ended(0).unwrap();
            refused(&database, why).await;
        }
        database.done().await;
    });
}

/// A policy that was pinned before it could say who is in a role has nobody in it; a file does not fill that.
#[test]
fn a_file_puts_nobody_into_a_pinned_role() {
    runtime().block_on(async {
        let database = planned("roles = [\"dba\"]").await;
        let why = "policy asks for role \"dba\", and says of nobody that he is in it";
        database.trueup(&["protect"]).await.fails(1, why);
        rules(&database, "roles = [\"dba\"]\nmembers = { dba = [\"alice\"] }");
        database.trueup(&["protect"]).await.ended(0).unwrap();
        // as a version before would have written it
        database.execute("UPDATE trueup.policy SET body = (body::jsonb - 'members')::text").await;
        rules(&database, "members = { dba = [\"mallory\"] }");
        approve(&database, "mallory", &[]).await;
        database.trueup(&["apply", "plan"]).await.fails(3, "phase expand is not approved");
        database.done().await;
    });
}

#[test]
fn a_policy_is_pinned_with_what_it_needs() {
    runtime().block_on(async {
        let database = planned("signed = true").await;
        database.trueup(&["protect"]).await.fails(1, "policy asks for signatures, and names no keys");
        let folder = database.folder.path();
        let keys = ["alice", "bob", "carol"].map(|name| format!("{name} {}\n", key(folder, name)));
        rules(&database, SIGNED);
        database.write("signers", &format!("{}{}", keys[0], keys[1]));
        database.trueup(&["protect"]).await.ended(0).unwrap();
        // in another order, and without one: nobody can sign who could not before
        database.write("signers", &format!("{}\n{}", keys[1], keys[0]));
        database.trueup(&["protect"]).await.ended(0).unwrap();
        database.write("signers", &keys[0]);
        database.trueup(&["protect"]).await.ended(0).unwrap();
        database.write("signers", &format!("{}{}", keys[0], keys[2]));
        database.trueup(&["protect"]).await.fails(3, "this policy asks for less than the one that is pinned");
        database.done().await;
    });
}

/// A pipe never ends: neither is one read, nor a device.
#[test]
fn only_regular_files_are_read() {
    runtime().block_on(async {
        let database = planned("").await;
        approve(&database, "alice", &[]).await;
        let file = database.path("plan/approvals/expand-bob.toml");
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for arguments in [&["verify", "plan"][..], &["apply", "plan"], &["preflight", "plan"]] {
            let ran = database.trueup(arguments).await.ended(3).unwrap();
            assert!(ran.stderr.contains("it is no regular file"), "{}", ran.shown());
        }
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        database.trueup(&["apply", "plan"]).await.ended(3).unwrap();
        fs::remove_file(&file).unwrap();
        for name in ["plan.toml", "up-expand.sql"] {
            let file = database.path(&format!("plan/{name}"));
            let text = fs::read_to_string(&file).unwrap();
            fs::remove_file(&file).unwrap();
            nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
            let ran = database.trueup(&["verify", "plan"]).await;
            assert!(matches!(ran.code, Some(1 | 3)), "{}", ran.shown());
            fs::remove_file(&file).unwrap();
            fs::write(&file, text).unwrap();
        }
        // nor are files of keys
        let key = key(database.folder.path(), "alice");
        let private = database.path("alice").display().to_string();
        approve(&database, "alice", &["--sign", &private]).await;
        signers(&database, &format!("alice {key}\n"));
        nix::unistd::mkfifo(&database.path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for odd in ["pipe", "/dev/zero"] {
            for keys in [
                format!("allowed_signers = '{odd}'"),
                format!("allowed_signers = 'signers'\nrevoked_keys = '{odd}'"),
            ] {
                rules(&database, &format!("signed = true\n{keys}"));
                refused(&database, "it is no regular file").await;
            }
        }
        rules(&database, SIGNED);
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}
