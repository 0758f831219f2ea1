//! Approvals signed with SSH keys: of every kind that OpenSSH has, checked by its own program, and those that do not count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::{fs, path::Path, process::Command};

use crate::oracle::{Database, runtime};

/// A new key pair; its public half.
fn key(folder: &Path, name: &str, kind: &[&str]) -> String {
    let file = folder.join(name);
    let made =
        Command::new("ssh-keygen").args(["-q", "-N", "", "-C", name, "-f"]).arg(&file).args(kind).status();
    assert!(made.unwrap().success(), "{kind:?}");
    fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned()
}

async fn planned() -> Database {
    let database = Database::with("CREATE TABLE a (id int PRIMARY KEY);").await.unwrap();
    database.write("trueup.toml", "[approval]\nsigned = true\nallowed_signers = \"signers\"\n");
    database.plan("CREATE TABLE a (id int PRIMARY KEY, more text);").await;
    database
}

const FILE: &str = "plan/approvals/expand-alice.toml";

async fn approve(database: &Database, more: &[&str]) {
    database.trueup(&[&["approve", "plan", "--as", "alice"], more].concat()).await.ended(0).unwrap();
}

/// What `verify` says of the approvals.
async fn verify(database: &Database) -> (Option<i32>, String) {
    let ran = database.trueup(&["verify", "plan", "--phase", "expand"]).await;
    (ran.code, ran.stdout)
}

#[test]
fn every_kind_of_key_counts_and_openssh_accepts_the_signature() {
    runtime().block_on(async {
        let database = planned().await;
        let folder = database.folder.path();
        for (name, kind) in [
            ("ed25519", &["-t", "ed25519"][..]),
            ("ecdsa256", &["-t", "ecdsa", "-b", "256"]),
            ("ecdsa521", &["-t", "ecdsa", "-b", "521"]),
            ("rsa", &["-t", "rsa", "-b", "3072"]),
        ] {
            let public = key(folder, name, kind);
            database.write("signers", &format!("alice,bob namespaces=\"trueup-approval\" {public}\n"));
            approve(&database, &["--sign", name, "--reason", "looked \"at\" it\nall"]).await;
            let (code, said) = verify(&database).await;
            assert!(code == Some(0) && said.contains("approved by alice"), "{name}: {said}");

            // by hand, as the documentation says
            let text = fs::read_to_string(database.path(FILE)).unwrap();
            let approval: toml::Table = toml::from_str(&text).unwrap();
            let signature = approval["signature"].as_str().unwrap().to_owned();
            let payload = &text[..text.find("signature = ").unwrap()];
            fs::write(folder.join("payload"), payload).unwrap();
            fs::write(folder.join("payload.sig"), signature).unwrap();
            let by_hand = Command::new("ssh-keygen")
                .args([
                    "-Y",
                    "verify",
                    "-n",
                    "trueup-approval",
                    "-I",
                    "alice",
                    "-f",
                    "signers",
                    "-s",
                    "payload.sig",
                ])
                .current_dir(folder)
                .stdin(fs::File::open(folder.join("payload")).unwrap())
                .output()
                .unwrap();
            assert!(by_hand.status.success(), "{name}: {}", String::from_utf8_lossy(&by_hand.stderr));
        }
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.done().await;
    });
}

#[test]
fn what_does_not_count_is_said_with_the_reason() {
    runtime().block_on(async {
        let database = planned().await;
        let folder = database.folder.path();
        let alice = key(folder, "alice", &["-t", "ed25519"]);
        let mallory = key(folder, "mallory", &["-t", "ed25519"]);
        let signers =
            |more: &str| database.write("signers", &format!("alice {more}{alice}\nmallory {mallory}\n"));
        let refused = async |why: &str| {
            let (code, said) = verify(&database).await;
            assert!(
                code == Some(3)
                    && said.contains("the approval by alice does not count: ")
                    && said.contains(why),
                "{why}: {said}"
            );
            let applied = database.trueup(&["apply", "plan"]).await;
            applied.fails(3, "phase expand is not approved");
            assert_eq!(
                database.ask("SELECT count(*)::text FROM pg_attribute WHERE attname = 'more'").await,
                "0"
            );
        };
        signers("");
        approve(&database, &[]).await;
        refused("it is not signed (--sign KEY), and policy asks for that").await;
        // with another one's key
        approve(&database, &["--sign", "mallory"]).await;
        refused("its signature is not good: ").await;
        // changed behind the signature
        approve(&database, &["--sign", "alice"]).await;
        assert_eq!(verify(&database).await.0, Some(0));
        let text = fs::read_to_string(database.path(FILE)).unwrap();
        for (from, to) in
            [("accepts = []", "accepts = [\"DATA_LOSS\"]"), ("phase = ", "role = \"dba\"\nphase = ")]
        {
            assert!(text.contains(from), "{text}");
            fs::write(database.path(FILE), text.replacen(from, to, 1)).unwrap();
            refused("its signature is not good: ").await;
        }
        // a signature for something else, and none at all
        let broken = text.replace("BEGIN SSH SIGNATURE", "BEGIN SSH SIGNATUR");
        fs::write(database.path(FILE), broken).unwrap();
        refused("its signature is not good: ").await;
        fs::write(database.path(FILE), &text).unwrap();
        // keys whose time is over, or that are for something else
        signers("valid-before=\"20200101\" ");
        refused("its signature is not good: ").await;
        signers("namespaces=\"git\" ");
        refused("its signature is not good: ").await;
        fs::remove_file(database.path("signers")).unwrap();
        refused("No such file or directory").await;
        database.write("trueup.toml", "[approval]\nsigned = true\n");
        refused("policy names no `allowed_signers` to check it by").await;
        signers("");
        database.write("trueup.toml", "[approval]\nsigned = true\nallowed_signers = \"signers\"\n");
        assert_eq!(verify(&database).await.0, Some(0));
        // where nobody asks for signatures, a bad one does not count all the same
        approve(&database, &["--sign", "mallory"]).await;
        database.write("trueup.toml", "[approval]\nallowed_signers = \"signers\"\n");
        refused("its signature is not good: ").await;

        let ran = database.trueup(&["approve", "plan", "--as", "alice", "--sign", "nowhere"]).await;
        ran.fails(1, "ssh-keygen did not sign: ");
        database.done().await;
    });
}

/// What is pinned in the database holds beside the file: a pull request can make it stricter, and not laxer.
#[test]
fn the_stricter_of_file_and_database_holds() {
    runtime().block_on(async {
        let database = planned().await;
        let folder = database.folder.path();
        let (alice, bob) = (key(folder, "alice", &["-t", "ed25519"]), key(folder, "bob", &["-t", "ed25519"]));
        let toml = |more: &str| {
            database.write("trueup.toml", &format!("[approval]\nallowed_signers = \"signers\"\n{more}"))
        };
        let refused = async |why: &str| {
            let applied = database.trueup(&["apply", "plan"]).await;
            applied.fails(3, why);
            let preflight = database.trueup(&["preflight", "plan"]).await;
            assert!(
                preflight.code == Some(3) && preflight.stdout.contains(why),
                "{why}: {}",
                preflight.shown()
            );
            let (code, said) = verify(&database).await;
            assert!(code == Some(3) && said.contains(why), "{why}: {said}");
        };
        database.write("signers", &format!("alice {alice}\nbob {bob}\n"));
        assert!(
            database
                .trueup(&["protect", "--show"])
                .await
                .ended(0)
                .unwrap()
                .stdout
                .contains("no policy is pinned")
        );
        toml("required = 2\nsigned = true\nauthor = false\nvalid_hours = 24\n");
        let pinned = database.trueup(&["protect"]).await.ended(0).unwrap();
        assert!(
            pinned.stdout.contains(
                "required = 2, author = false, valid_hours = 24, signed = true, backup_hours = 24, quiet_minutes = 15, 2 lines of allowed_signers"
            ),
            "{}",
            pinned.shown()
        );
        assert!(database.trueup(&["protect"]).await.ended(0).unwrap().stdout.contains("pinned already"));

        // a file that asks for less, and names other keys
        toml("required = 1\n");
        approve(&database, &["--sign", "alice"]).await;
        refused("phase expand has 1 of 2 approvals").await;
        let mallory = key(folder, "mallory", &["-t", "ed25519"]);
        database.write("signers", &format!("alice {alice}\nbob {mallory}\n"));
        database.trueup(&["approve", "plan", "--as", "bob", "--sign", "mallory"]).await.ended(0).unwrap();
        refused("phase expand has 1 of 2 approvals").await;
        // asking for less there is said to be that, and nothing is pinned
        database.trueup(&["protect"]).await.fails(3, "this policy asks for less than the one that is pinned");
        database
            .trueup(&["protect", "--remove"])
            .await
            .fails(3, "this policy asks for less than the one that is pinned");
        assert_eq!(database.ask("SELECT count(*)::text FROM trueup.policy").await, "1");
        // one that asks for more
        database.write("signers", &format!("alice {alice}\nbob {bob}\n"));
        database.trueup(&["approve", "plan", "--as", "bob", "--sign", "bob"]).await.ended(0).unwrap();
        toml("required = 3\n");
        refused("phase expand has 2 of 3 approvals").await;
        toml("roles = [\"dba\"]\n");
        refused("phase expand has 0 of 2 approvals").await;
        toml("required = 0\n");
        let (code, said) = verify(&database).await;
        assert!(code == Some(0) && said.contains("approved by alice, bob"), "{said}");
        database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
        database.trueup(&["protect", "--remove", "--lower"]).await.ended(0).unwrap();
        assert!(
            database
                .trueup(&["protect", "--show"])
                .await
                .ended(0)
                .unwrap()
                .stdout
                .contains("no policy is pinned")
        );
        database.done().await;
    });
}
