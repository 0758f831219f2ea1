//! What an environment may believe of another one that it cannot ask: a receipt in the plan's folder. Real databases, and real
//! keys of OpenSSH.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use crate::oracle::{self, Database, runtime};

const BASE: &str = "CREATE TABLE t (id int PRIMARY KEY, gone text);";
const DESIRED: &str = "CREATE TABLE t (id int PRIMARY KEY, more text);";

/// Two environments, of which the second comes after the first, and the plan. `reached`: whether the second can ask the first.
fn toml(staging: &Database, production: &Database, reached: bool, policy: &str) {
    let staging_url = if reached {
        format!("url = '{}'", oracle::url(&staging.target))
    } else {
        "url_env = 'STAGING_URL'".to_owned()
    };
    let url = oracle::url(&production.target);
    staging.write(
        "trueup.toml",
        &format!(
            "schema = ['schema.sql']\n{policy}\n[env.staging]\n{staging_url}\n[env.production]\nurl = '{url}'\nafter = ['staging']\n"
        ),
    );
}

async fn two(policy: &str) -> (Database, Database) {
    let staging = Database::with(BASE).await.unwrap();
    let production = Database::with(BASE).await.unwrap();
    toml(&staging, &production, true, policy);
    staging.write("schema.sql", DESIRED);
    let plan = ["plan", "--env", "staging", "--out", "plan", "--assume-drop", "all", "--author", "maker"];
    staging.trueup(&plan).await.ended(0).unwrap();
    (staging, production)
}

const RECEIPT: &str = "plan/receipts/staging-expand.toml";

#[test]
fn a_receipt_is_believed_where_nobody_can_be_asked() {
    runtime().block_on(async {
        let (staging, production) = two("").await;
        staging.approve("plan").await.unwrap();
        let apply = |env: &'static str| ["apply", "plan", "--env", env];
        // without one, and without staging
        toml(&staging, &production, false, "");
        let refused = "cannot be asked: environment \"staging\": the variable STAGING_URL is not set; and the plan's folder has no receipt";
        staging.trueup(&apply("production")).await.fails(3, refused);

        toml(&staging, &production, true, "");
        let ran = staging.trueup(&apply("staging")).await.ended(0).unwrap();
        assert!(ran.stderr.contains(&format!("receipt: {RECEIPT}")), "{}", ran.shown());
        // of contract there is none yet; and the database itself is asked while it can be
        staging.trueup(&["apply", "plan", "--env", "production", "--phase", "contract"]).await.fails(3, "");
        toml(&staging, &production, false, "");
        let ran = staging.trueup(&["preflight", "plan", "--env", "production"]).await;
        assert!(ran.stdout.contains("by a receipt, since it cannot be asked"), "{}", ran.shown());

        // one for another plan, environment or format is an error that says where
        let text = std::fs::read_to_string(staging.path(RECEIPT)).unwrap();
        let digest = text.lines().find(|line| line.starts_with("plan = ")).unwrap();
        for (from, to, wrong) in [
            (digest, "plan = \"0000000000000000000000000000000000000000000000000000000000000000\"", "for another plan"),
            ("environment = \"staging\"", "environment = \"dev\"", "another environment or phase"),
            ("phase = \"expand\"", "phase = \"contract\"", "another environment or phase"),
            ("format = 1", "format = 2", "format 1 is understood"),
            ("format = 1", "format = 1\nmore = 1", "more"),
        ] {
            staging.write(RECEIPT, &text.replace(from, to));
            staging.trueup(&apply("production")).await.fails(3, wrong);
        }
        staging.write(RECEIPT, &text);
        staging.trueup(&apply("production")).await.ended(0).unwrap();

        // a rollback takes it away
        toml(&staging, &production, true, "");
        staging.trueup(&["rollback", "plan", "--env", "production"]).await.ended(0).unwrap();
        assert!(staging.path(RECEIPT).exists());
        staging.trueup(&["rollback", "plan", "--env", "staging"]).await.ended(0).unwrap();
        assert!(!staging.path(RECEIPT).exists());
        // who can be asked is: a receipt says nothing against that
        staging.write(RECEIPT, &text);
        staging.trueup(&apply("production")).await.fails(3, "its phase expand is not done there");
        production.done().await;
        staging.done().await;
    });
}

/// Where approvals are signed, receipts are.
#[test]
fn a_receipt_is_signed_where_approvals_are() {
    runtime().block_on(async {
        let policy = "[approval]\nsigned = true\nallowed_signers = 'signers'\n";
        let (staging, production) = two(policy).await;
        let mut signers = String::new();
        for name in ["alice", "mallory"] {
            let file = staging.path(name);
            let made =
                Command::new("ssh-keygen").args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&file).status();
            assert!(made.unwrap().success());
            if name == "alice" {
                signers = format!("alice {}", std::fs::read_to_string(file.with_extension("pub")).unwrap());
            }
        }
        staging.write("signers", &signers);
        let approve =
            ["approve", "plan", "--as", "alice", "--phase", "all", "--accept", "all", "--sign", "alice"];
        staging.trueup(&approve).await.ended(0).unwrap();
        let apply = ["apply", "plan", "--env", "production"];
        for (sign, says) in [
            (None, "its receipt does not count: it is not signed (apply --sign KEY)"),
            (Some("mallory"), "its receipt does not count: "),
            (Some("alice"), ""),
        ] {
            toml(&staging, &production, true, policy);
            let mut arguments = vec!["apply", "plan", "--env", "staging"];
            arguments.extend(sign.iter().flat_map(|key| ["--sign", key]));
            staging.trueup(&arguments).await.ended(0).unwrap();
            toml(&staging, &production, false, policy);
            let ran = staging.trueup(&apply).await;
            if says.is_empty() {
                let signed = std::fs::read_to_string(staging.path(RECEIPT)).unwrap();
                ran.ended(0).unwrap();
                // one that was changed is nobody's
                staging.trueup(&["rollback", "plan", "--env", "production"]).await.ended(0).unwrap();
                staging.write(RECEIPT, &signed.replace("seconds = ", "seconds = 1"));
                staging.trueup(&apply).await.fails(3, "its receipt does not count: ");
            } else {
                ran.fails(3, says);
                toml(&staging, &production, true, policy);
                staging.trueup(&["rollback", "plan", "--env", "staging"]).await.ended(0).unwrap();
            }
        }
        production.done().await;
        staging.done().await;
    });
}
