//! docs/exit-codes.md, and that each code which it lists is one that the command ends with: all of them are brought about here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use crate::{
    oracle::{self, Database, Ran, runtime},
    pasted,
};

/// What a code of a command means, where the list of codes does not say all.
const MEANING: &[(&str, u8, &str)] = &[
    ("abandon", 3, "the plan was abandoned already, or its files were changed"),
    ("adopt", 3, "the database is not what the plan leaves"),
    (
        "apply",
        3,
        "a check failed ([Before the first statement](operations.md#before-the-first-statement)); nothing was changed",
    ),
    ("apply", 4, "a phase stopped part-way: `apply` goes on, `rollback` goes back"),
    ("approve", 3, "plan.toml, its page or its scripts were changed"),
    ("audit", 3, "the role is no superuser"),
    ("check", 2, "with `--exit-code`: there is a warning"),
    (
        "deploy",
        3,
        "a plan is refused, waits for contract of another one, or is stale; those before it were applied",
    ),
    ("deploy", 4, "a phase stopped part-way: `deploy` goes on"),
    ("diff", 2, "with `--exit-code`: there are differences"),
    ("doctor", 1, "something is wrong on this machine, or with the server"),
    ("dump", 3, "what is there already is not as a dump wrote it; nothing was written"),
    ("history", 3, "with `--verify`: the journal is not what was written"),
    ("init", 3, "`schema/` has files that are not as a dump wrote them; nothing was written"),
    ("plan", 2, "with `--exit-code`: a plan was written"),
    (
        "plan",
        3,
        "a question, or something that trueup does not do; with `--check`: the plans do not lead to the schema",
    ),
    ("plans", 3, "a plan of the folder was changed"),
    ("preflight", 3, "a check failed"),
    ("protect", 3, "less is pinned with `--lower` only; or not enough people have signed it yet"),
    (
        "push",
        3,
        "the environment is none that is pushed to, a danger is not accepted, or a check failed; nothing was changed",
    ),
    ("push", 4, "it stopped part-way, and going back would lose what was written meanwhile: `push` goes on"),
    ("ready", 3, "the code does not work now"),
    ("rollback", 3, "a check failed, or rows would be lost that nobody gave up; nothing was changed"),
    ("rollback", 4, "it stopped part-way: `rollback` goes on"),
    ("show", 3, "plan.toml or its scripts were changed"),
    ("status", 1, "ERROR: it cannot be told, also without `--exit-code`"),
    ("status", 2, "with `--exit-code`: NEEDS_MIGRATION"),
    ("status", 4, "with `--exit-code`: PARTIAL_MIGRATION, a plan stopped part-way"),
    ("status", 5, "with `--exit-code`: DRIFTED"),
    ("status", 6, "with `--exit-code`: PARTIAL_MIGRATION, a plan is between its phases"),
    ("verify", 3, "the plan was changed, is not approved, or does not fit the database"),
];

/// The codes of src/cli/exit.rs with what is written over them.
fn codes() -> Vec<(u8, String)> {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/exit.rs")).unwrap();
    let (_, list) = source.split_once("pub enum Exit {\n").unwrap();
    let (mut codes, mut text) = (Vec::new(), Vec::new());
    for line in list.lines().take_while(|line| *line != "}").map(str::trim) {
        if let Some(line) = line.strip_prefix("/// ") {
            text.push(line);
        } else {
            let (_, code) = line.trim_end_matches(',').split_once(" = ").unwrap();
            codes.push((code.parse().unwrap(), std::mem::take(&mut text).join(" ")));
        }
    }
    codes
}

/// docs/exit-codes.md, of these codes of commands.
fn page(seen: &BTreeSet<(String, u8)>) -> String {
    let mut page = "\
# Exit codes

| code | what it means |
| --- | --- |
"
    .to_owned();
    let codes = codes();
    for (code, text) in &codes {
        writeln!(page, "| {code} | {text} |").unwrap();
    }
    page += "
Every command ends with 0 when it is done, and with 1 at an error: a wrong command line, a plan or an environment that is not there, no
connection, a file that cannot be read. These have others, or mean more by one of them:

| command | code | when |
| --- | --- | --- |
";
    for (command, code) in seen {
        assert!(codes.iter().any(|(known, _)| known == code), "{command} ended with {code}");
        let meaning = MEANING.iter().find(|(name, of, _)| name == command && of == code);
        match meaning {
            Some((_, _, meaning)) => writeln!(page, "| `{command}` | {code} | {meaning} |").unwrap(),
            None => assert!(*code < 2, "say what {code} of `{command}` means"),
        }
    }
    page += "
`tests/exit_codes.rs` brings all of them about and makes this page: `TRUEUP_UPDATE=1 cargo test --release --test suite exit_codes::`.
";
    page
}

const AFTER: &str = "CREATE TABLE account (id int PRIMARY KEY, tier text); CREATE TABLE extra (id int PRIMARY KEY, more int);";

#[test]
fn each_code_of_each_command_is_brought_about() {
    runtime().block_on(async {
        let project = Database::with(
            "CREATE TABLE account (id int PRIMARY KEY, fax text); CREATE TABLE extra (id int PRIMARY KEY);",
        )
        .await
        .unwrap();
        // example::the_demo_ends_well brings that one about
        let mut seen = BTreeSet::from([("demo".to_owned(), 0)]);
        let run = async |line: &str| -> Ran {
            let arguments: Vec<&str> = line.split(' ').collect();
            let mut command = project.command(&[]);
            command.args(&arguments).env_remove("DATABASE_URL");
            oracle::finish(command, &arguments).await
        };
        let mut ends = async |line: &str, code: u8| {
            let ran = run(line).await.ended(code.into()).unwrap();
            seen.insert((line.split(' ').next().unwrap().to_owned(), code));
            ran
        };

        ends("init", 0).await;
        ends("doctor --url postgres://127.0.0.1:1/x", 1).await;
        ends("doctor", 0).await;
        let url = oracle::url(&project.target);
        project.write(
            "trueup.toml",
            &format!("schema = ['schema']\n[env.here]\nurl = '{url}'\n[env.role]\nurl = '{url}'\nrole = 'pg_monitor'\n"),
        );
        project.write("schema/all.sql", AFTER);
        // a wrong command line, for each
        for name in pasted::names() {
            if name != "help" {
                ends(&format!("{name} --no-such-option"), 1).await;
            }
        }
        ends("init --from here", 3).await;
        ends("dump --env here --out dump.sql", 0).await;
        project.write("dump.sql", "-- mine");
        ends("dump --env here --out dump.sql", 3).await;
        ends("diff here schema", 0).await;
        ends("diff here schema --exit-code", 2).await;

        ends("status --env here --exit-code", 2).await;
        ends("plan --env here", 3).await;
        ends("plan --env here --out plans/plan --assume-drop all --exit-code", 2).await;
        ends("plan --env here --check", 0).await;
        ends("plans --env here", 0).await;
        ends("show plan", 0).await;
        ends("verify plan --env here", 3).await;
        ends("preflight plan --env here", 3).await;
        ends("apply plan --env here", 3).await;
        ends("deploy --env here", 3).await;
        ends("ready --code new --env here", 3).await;
        ends("adopt plan --env here", 3).await;
        ends("approve plan --as alice --phase all --accept all", 0).await;
        ends("verify plan --env here", 0).await;
        ends("preflight plan --env here", 0).await;

        ends("audit --env role", 3).await;

        // part-way, there and back: a reader is in the way
        let session = project.session().await;
        let reader = session.client();
        reader.batch_execute("BEGIN; LOCK TABLE extra IN ACCESS SHARE MODE").await.unwrap();
        ends("apply plan --env here --lock-retries 0", 4).await;
        ends("status --env here --exit-code", 4).await;
        ends("deploy --env here --lock-retries 0", 4).await;
        reader.batch_execute("ROLLBACK").await.unwrap();
        ends("deploy --env here", 0).await;
        ends("ready --code new --env here", 0).await;
        ends("status --env here --exit-code", 6).await;
        reader.batch_execute("BEGIN; LOCK TABLE account IN ACCESS SHARE MODE").await.unwrap();
        ends("rollback plan --env here --lock-retries 0", 4).await;
        reader.batch_execute("ROLLBACK").await.unwrap();
        ends("rollback plan --env here", 0).await;
        ends("apply plan --env here", 0).await;
        project.execute("INSERT INTO account VALUES (1, 'f', 'g')").await;
        ends("rollback plan --env here", 3).await;
        ends("apply plan --env here --phase contract", 0).await;
        ends("status --env here --exit-code", 0).await;
        ends("history --env here", 0).await;
        project.execute("ALTER TABLE extra ADD COLUMN note text").await;
        ends("status --env here --exit-code", 5).await;
        project.execute("ALTER TABLE extra DROP COLUMN note").await;
        ends("adopt --env here", 0).await;

        // one that is given up
        project.write("schema/all.sql", &AFTER.replace(", more int", ""));
        ends("plan --env here --out plans/other --assume-drop all", 0).await;
        ends("approve other --as alice --phase all --accept all", 0).await;
        ends("abandon other --env here", 0).await;

        // without a folder; what was written while it ran keeps it from going back
        let environments = format!("[env.here]\nurl = '{url}'\n[env.own]\nurl = '{url}'\ndirect = true\n[env.role]\nurl = '{url}'\nrole = 'pg_monitor'\n");
        project.write("trueup.toml", &format!("schema = ['schema']\n{environments}"));
        project.write("schema/all.sql", &AFTER.replace("more int", "more int, note text").replace("tier text", "tier text, note text"));
        ends("check", 0).await;
        ends("push --env here", 3).await;
        reader.batch_execute("BEGIN; LOCK TABLE extra IN ACCESS SHARE MODE").await.unwrap();
        let write = async {
            let write = "INSERT INTO account (id, note) VALUES (7, 'new code')";
            while project.try_execute(write).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(ends("push --env own --lock-retries 2", 4), write);
        reader.batch_execute("ROLLBACK").await.unwrap();
        ends("push --env own", 0).await;
        project.write("schema/all.sql", &AFTER.replace("more int", "more int, account bigint REFERENCES account"));
        ends("check --exit-code", 2).await;

        // policy, evidence, audit
        project.write("trueup.toml", &format!("[approval]\nrequired = 2\n[env.here]\nurl = '{url}'\n[env.role]\nurl = '{url}'\nrole = 'pg_monitor'\n"));
        ends("protect --env here", 0).await;
        project.write("trueup.toml", &format!("[env.here]\nurl = '{url}'\n[env.role]\nurl = '{url}'\nrole = 'pg_monitor'\n"));
        ends("protect --env here", 3).await;
        project.execute("UPDATE trueup.run SET remark = 'forged' WHERE id = 1").await;
        ends("history --env here --verify", 3).await;
        ends("audit --env here", 0).await;

        // a plan that somebody edited
        let plan = project.path("plans/other/plan.toml");
        let text = fs::read_to_string(&plan).unwrap();
        fs::write(&plan, text + "\n# edited\n").unwrap();
        for line in ["show other", "approve other --as bob", "abandon other --env here", "plans --env here"] {
            ends(line, 3).await;
        }
        session.close().await;

        let page = page(&seen);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md");
        if std::env::var_os("TRUEUP_UPDATE").is_some() {
            fs::write(&file, &page).unwrap();
        }
        assert!(fs::read_to_string(&file).unwrap_or_default() == page, "write it anew with TRUEUP_UPDATE=1");
        for name in pasted::names().iter().filter(|name| *name != "help") {
            for code in [0, 1] {
                assert!(seen.contains(&(name.clone(), code)), "{name} ends with {code}, and nobody brings it about");
            }
        }
        for (command, code, _) in MEANING {
            assert!(seen.contains(&((*command).to_owned(), *code)), "{code} of {command} is not brought about");
        }
        project.done().await;
    });
}
