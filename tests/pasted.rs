//! What is printed can be pasted: every trueup command in the pages, in a plan's page, and in what commands print themselves is
//! run as it stands, from the project's folder.
//!
//! The words in capitals are replaced as docs/operations.md says (`filled`). A command must be one: it may be refused (3), stopped
//! (4) or tell a difference (2, 5, 6), but not end with 1, which is how a wrong command line, an unknown plan or environment, and a
//! database that nobody named end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::{collections::BTreeSet, path::Path, process::Stdio};

use crate::{
    oracle::{self, Database, Ran, runtime},
    security::approvals::key,
};

const BEFORE: &str = "CREATE TABLE account (id int PRIMARY KEY, name text, fax text);
    INSERT INTO account SELECT n, 'a' || n, 'f' || n FROM generate_series(1, 20) n;
    CREATE TABLE extra (id int PRIMARY KEY, fax text);
    INSERT INTO extra SELECT n, 'f' || n FROM generate_series(1, 20) n;";

/// Two batches in each phase, and what can be lost on both ways.
const AFTER: &str = "CREATE TABLE account (id int PRIMARY KEY, full_name text, -- @renamed from=name online
        tier int);
    CREATE TABLE extra (id int PRIMARY KEY, more int);";

/// The commands that need a database and nothing else: their name alone is a command.
const BY_NAME: &[&str] =
    &["adopt", "audit", "deploy", "doctor", "history", "plan", "plans", "protect", "status"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A project whose environments are all of this one database.
async fn project() -> Database {
    let project = Database::with(BEFORE).await.unwrap();
    let environment = |name: &str| format!("[env.{name}]\nurl_env = \"{}_URL\"\n", name.to_uppercase());
    let environments: String = ["production", "staging", "dev"].map(environment).concat();
    let policy = "[approval]\nallowed_signers = \"allowed_signers\"\nbreak_glass = [\"alice\"]\n";
    project.write("trueup.toml", &format!("schema = [\"schema\"]\n{policy}{environments}"));
    project.write("schema/all.sql", BEFORE);
    committed(&project);
    project.write("schema/all.sql", AFTER);
    let alice = key(project.folder.path(), "key");
    project.write("allowed_signers", &format!("alice {alice}\n"));
    project.write("old.sql", "CREATE TABLE a (id int);");
    project.write("new.sql", "CREATE TABLE a (id int, b int);");
    project
}

/// Makes the folder a clone, as it were, of a repository whose main branch has the schema as it is now.
fn committed(project: &Database) {
    let commit = ["-c", "user.name=dev", "-c", "user.email=dev@example.org", "-c", "commit.gpgsign=false"];
    for arguments in [
        &["init", "-q"][..],
        &["add", "schema"],
        &[&commit[..], &["commit", "-qm", "schema"]].concat(),
        &["update-ref", "refs/remotes/origin/main", "HEAD"],
    ] {
        let git =
            std::process::Command::new("git").current_dir(project.folder.path()).args(arguments).status();
        assert!(git.unwrap().success(), "git {arguments:?}");
    }
}

/// The same at this moment: a copy of the database, and of the files.
async fn copy(project: &Database) -> Database {
    let copy = project.copy().await;
    let from = project.path(".").display().to_string();
    let done = std::process::Command::new("cp").args(["-a", &from]).arg(copy.folder.path()).status();
    assert!(done.unwrap().success());
    copy
}

/// Runs a command line of a shell in the project's folder, with trueup on the PATH.
async fn sh(project: &Database, database_url: bool, line: &str) -> Ran {
    let url = oracle::url(&project.target);
    let bin = Path::new(env!("CARGO_BIN_EXE_trueup")).parent().unwrap().display().to_string();
    let mut command = tokio::process::Command::new("/bin/sh");
    command.args(["-c", line]).current_dir(project.folder.path()).env_clear();
    command
        .env("PATH", format!("{bin}:/usr/bin:/bin"))
        .env("HOME", project.folder.path())
        .env("NO_COLOR", "1");
    command.env("TRUEUP_SHADOW_URL", oracle::url(oracle::server()));
    for name in ["PRODUCTION_URL", "STAGING_URL", "DEV_URL"] {
        command.env(name, &url);
    }
    if database_url {
        command.env("DATABASE_URL", &url);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ran = oracle::finish(command, &[]).await;
    Ran { command: line.to_owned(), ..ran }
}

/// What the words in capitals stand for.
fn filled(command: &str, project: &Database) -> String {
    let url = oracle::url(&project.target);
    let words = [
        ("PLAN", "plans/20261120-tier"),
        ("ENV", "production"),
        ("YOUR_NAME", "alice"),
        ("NAME", "alice"),
        ("KEY", "key"),
        ("CODES", "BREAKS_OLD_CODE,DATA_LOSS"),
        ("PATH", "dumped.sql"),
        ("COMMAND", "plan"),
        ("FROM", "production"),
        ("TO", "schema"),
        ("URL", &*format!("'{url}'")),
        ("postgres://app@db.example/shop", &*format!("'{url}'")),
    ];
    // what stands in brackets may be left out, and may be there
    let all = command.replace(['[', ']'], "");
    let replaced =
        all.split(' ').map(|word| words.iter().find(|(name, _)| *name == word).map_or(word, |(_, is)| is));
    replaced.collect::<Vec<_>>().join(" ")
}

/// That a command is one.
fn is_one(ran: &Ran, whence: &str) {
    let failed = !matches!(ran.code, Some(0 | 2..=6));
    let wrong =
        ["Usage: ", "there is no plan", "there is no environment", "no database is named", "panicked"];
    let says = wrong.iter().find(|words| ran.stderr.contains(**words));
    assert!(!failed && says.is_none(), "{whence}: {}", ran.shown());
}

/// The names of all commands.
pub fn names() -> BTreeSet<String> {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_trueup")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let named =
        commands.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("     "));
    named.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The commands of a page: the lines of its blocks, and its code in sentences, where that is more than a command's name.
fn in_page(text: &str, names: &BTreeSet<String>) -> Vec<String> {
    let (mut commands, mut prose, mut fenced) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            commands.extend(line.trim_start().strip_prefix("trueup ").map(|_| line.trim().to_owned()));
        } else {
            prose += line;
            prose.push(if line.is_empty() { '\n' } else { ' ' });
        }
    }
    let code = prose.lines().flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    for span in code.filter(|span| span.starts_with("trueup ")) {
        let words: Vec<&str> = span.split(' ').collect();
        assert!(names.contains(words[1]), "there is no such command: {span}");
        if words.len() > 2 {
            commands.push(span.to_owned());
        }
    }
    commands
}

#[test]
fn commands_of_the_pages_can_be_pasted() {
    runtime().block_on(async {
        let names = names();
        let mut pages = vec!["README.md".to_owned()];
        for entry in std::fs::read_dir(root().join("docs")).unwrap() {
            pages.push(format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()));
        }
        pages.sort();
        let mut commands = Vec::new();
        for page in &pages {
            let text = std::fs::read_to_string(root().join(page)).unwrap();
            commands.extend(in_page(&text, &names).into_iter().map(|command| (page.clone(), command)));
        }
        assert!(commands.len() > 50, "{commands:?}");

        let planned = project().await;
        for (line, code) in [
            ("trueup plan --env production --name tier", 0),
            ("mv plans/*-tier plans/20261120-tier", 0),
            ("trueup approve tier --as alice --accept all --phase all", 0),
        ] {
            sh(&planned, false, line).await.ended(code).unwrap();
        }
        let between = copy(&planned).await;
        for line in [
            "trueup apply tier --env production",
            "trueup history --env production --export jsonl > 2026-10-31.jsonl",
            "cp 2026-10-31.jsonl 2026-11-30.jsonl; cp 2026-10-31.jsonl last.jsonl",
        ] {
            sh(&between, false, line).await.ended(0).unwrap();
        }
        let nothing = Database::with(BEFORE).await.unwrap();
        for (page, command) in commands {
            // a project begins in an empty folder
            let states: &[&Database] =
                if command.starts_with("trueup init") { &[&nothing] } else { &[&planned, &between] };
            let needs_journal = command.contains(".jsonl");
            let mut states: Vec<_> = states.iter().skip(usize::from(needs_journal)).collect();
            // a known limit: the scratch copy of a database between the phases has none of the triggers that keep two names equal
            if command.starts_with("trueup diff") && command.contains("plans/") {
                states.truncate(1);
            }
            for state in states {
                let copy = copy(state).await;
                let line = filled(&command, &copy);
                // the pages leave the database to DATABASE_URL where they name none
                let names_one = ["--env", "--url"].iter().any(|flag| line.contains(flag));
                is_one(&sh(&copy, !names_one, &line).await, &page);
                copy.done().await;
            }
        }
        for database in [nothing, between, planned] {
            database.done().await;
        }
    });
}

/// The tour of README.md, each command in its place: it prints what stands there.
#[test]
fn the_tour_is_as_it_is_told() {
    runtime().block_on(async {
        let example = |file: &str| std::fs::read_to_string(root().join("tests/example").join(file)).unwrap();
        let shop = Database::with(&example("yesterday.sql")).await.unwrap();
        shop.execute(&example("rows.sql")).await;
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .arg(root().join("schema"))
            .arg(shop.folder.path())
            .status();
        assert!(copied.unwrap().success());
        let page = std::fs::read_to_string(root().join("README.md")).unwrap();
        let (_, tour) = page.split_once("```console\n").unwrap();
        let (tour, _) = tour.split_once("```").unwrap();
        let mut ran = 0;
        for block in format!("\n{tour}").split("\n$ ").filter(|block| block.starts_with("trueup ")) {
            let (line, printed) = block.split_once('\n').unwrap_or((block, ""));
            let said = sh(&shop, true, line).await;
            let code = if printed.contains("error: ") { 3 } else { 0 };
            assert_eq!(said.code, Some(code), "{}", said.shown());
            let all = said.shown();
            // the server, digests and times are others
            let same = |line: &&str| !["…", "  for ", "tour  "].iter().any(|begin| line.starts_with(begin));
            for line in printed.lines().filter(same) {
                let line = line.strip_suffix("  0.6 s").unwrap_or(line);
                assert!(all.contains(line), "README.md has {line:?}, and it is\n{all}");
            }
            ran += 1;
        }
        assert_eq!(ran, 7);
        shop.done().await;
    });
}

/// The commands in what was printed: in backticks, else to where the line, or what follows `, or`, begins anew.
fn printed(said: &str, names: &BTreeSet<String>) -> Vec<String> {
    let mut commands = Vec::new();
    for line in said.lines() {
        for (at, _) in line.match_indices("trueup ") {
            let (before, rest) = line.split_at(at);
            if !names.contains(rest.split([' ', '`', ';', ',']).nth(1).unwrap_or_default()) {
                continue;
            }
            let ends: &[&str] = if before.ends_with('`') { &["`"] } else { &[", or ", "; "] };
            let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
            let command = &rest[..end];
            let words = command.split(' ').count();
            if words > 2 || BY_NAME.contains(&&command["trueup ".len()..]) {
                commands.push(command.to_owned());
            }
        }
    }
    commands
}

/// Runs these commands one after the other, whatever they end with; and at each step everything that they print.
async fn walk(project: &Database, names: &BTreeSet<String>, commands: &[(&str, i32)]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for (command, code) in commands {
        let ran = sh(project, false, command).await.ended(*code).unwrap();
        for pasted in printed(&format!("{}{}", ran.stdout, ran.stderr), names) {
            let whence = format!("{}\n{pasted}", ran.shown());
            for capitals in ["PLAN", "ENV", "CODE", "CODES"] {
                assert!(!pasted.split(' ').any(|word| word == capitals), "{whence}");
            }
            let copy = copy(project).await;
            is_one(&sh(&copy, false, &filled(&pasted, &copy)).await, &whence);
            copy.done().await;
            seen.insert(pasted);
        }
    }
    seen
}

/// That these are among what was printed.
fn has(seen: &BTreeSet<String>, commands: &[&str]) {
    for command in commands {
        assert!(seen.contains(*command), "{command}\n{seen:#?}");
    }
}

/// The looks at a plan and at the database, whatever they say: with the code of each.
fn looks(codes: [i32; 6]) -> [(&'static str, i32); 6] {
    let [status, plans, verify, preflight, deploy, ready] = codes;
    [
        ("trueup status --env production --exit-code", status),
        ("trueup plans --env production", plans),
        ("trueup verify tier --env production", verify),
        ("trueup preflight tier --env production", preflight),
        ("trueup deploy --env production --dry-run", deploy),
        ("trueup ready --code new --env production", ready),
    ]
}

const PLAN: &str = "trueup plan --env production --name tier && mv plans/*-tier plans/tier";
const APPROVE: &str = "trueup approve tier --as alice --phase all --accept all";

#[test]
fn what_commands_print_can_be_pasted() {
    runtime().block_on(async {
        let names = names();
        let project = project().await;
        let walk = async |project: &Database, commands: &[(&str, i32)]| walk(project, &names, commands).await;

        // nothing is planned; then nothing is approved
        let seen = walk(
            &project,
            &[
                ("trueup status --env production --exit-code", 2),
                ("trueup plans --env production", 0),
                ("trueup deploy --env production", 0),
                (PLAN, 0),
            ],
        )
        .await;
        has(&seen, &["trueup plan --env production"]);
        let seen = walk(&project, &looks([2, 0, 3, 3, 3, 3])).await;
        has(
            &seen,
            &[
                "trueup verify plans/tier --env production",
                "trueup apply plans/tier --env production",
                "trueup approve plans/tier --env production --as NAME --phase expand",
            ],
        );
        let seen = walk(
            &project,
            &[
                ("trueup apply tier --env production", 3),
                ("trueup apply tier --env production --phase contract", 3),
                ("trueup rollback tier --env production", 0),
                ("trueup adopt tier --env production", 3),
            ],
        )
        .await;
        has(
            &seen,
            &[
                "trueup verify plans/tier --env production --phase expand",
                "trueup apply plans/tier --env production --phase expand",
                "trueup diff production plans/tier",
            ],
        );

        // between the phases
        let between = copy(&project).await;
        let seen = walk(
            &between,
            &[
                ("trueup approve tier --as alice", 0),
                ("trueup deploy --env production", 0),
                ("trueup apply tier --env production", 0),
                ("trueup apply tier --env production --phase contract", 3),
                ("trueup adopt tier --env production", 3),
            ],
        )
        .await;
        has(
            &seen,
            &[
                "trueup deploy --env production --phase contract",
                "trueup apply plans/tier --env production --phase contract",
                "trueup approve plans/tier --env production --as NAME --phase contract --accept BREAKS_OLD_CODE,DATA_LOSS",
            ],
        );
        walk(&between, &looks([6, 0, 3, 0, 0, 0])).await;
        walk(&between, &[("trueup preflight tier --env production --phase contract", 3)]).await;
        between.execute("UPDATE account SET tier = 1").await;
        let seen = walk(&between, &[("trueup rollback tier --env production --phase expand", 3)]).await;
        has(&seen, &["trueup rollback plans/tier --env production --phase expand --accept DATA_LOSS"]);
        between.execute("UPDATE account SET name = 'old code'").await;
        sh(&between, false, APPROVE).await.ended(0).unwrap();
        let seen = walk(&between, &[("trueup apply tier --env production --phase contract", 3)]).await;
        has(
            &seen,
            &["trueup apply plans/tier --env production --phase contract --accept OLD_NAMES_IN_USE --reason \"…\""],
        );
        // somebody drops what expand has made; then the plan is given up
        let drifted = copy(&between).await;
        drifted.execute("ALTER TABLE account DROP COLUMN tier").await;
        walk(&drifted, &looks([5, 0, 3, 3, 0, 0])).await;
        let seen = walk(
            &drifted,
            &[
                ("trueup apply tier --env production --phase contract", 3),
                ("trueup plan --env production", 3),
                ("trueup abandon tier --env production", 0),
                ("trueup apply tier --env production", 3),
            ],
        )
        .await;
        has(&seen, &["trueup plan --env production"]);

        // to its end, and back
        let done = between;
        let contract = "trueup apply tier --env production --phase contract --accept OLD_NAMES_IN_USE --reason x";
        walk(&done, &[(contract, 0)]).await;
        walk(&done, &looks([0, 0, 0, 0, 0, 0])).await;
        let seen = walk(
            &done,
            &[
                ("trueup rollback tier --env production --phase expand", 3),
                ("trueup rollback tier --env production", 3),
                ("trueup rollback tier --env production --accept DATA_LOSS", 0),
            ],
        )
        .await;
        has(
            &seen,
            &[
                "trueup rollback plans/tier --env production --phase contract",
                "trueup rollback plans/tier --env production --accept DATA_LOSS",
            ],
        );
        walk(&done, &looks([2, 0, 0, 0, 0, 3])).await;
        for database in [drifted, done] {
            database.done().await;
        }

        // stale
        let stale = copy(&project).await;
        stale.execute("ALTER TABLE account ADD COLUMN tier bigint").await;
        let seen = walk(&stale, &looks([2, 0, 3, 3, 3, 3])).await;
        has(&seen, &["trueup plan --env production"]);
        sh(&stale, false, APPROVE).await.ended(0).unwrap();
        let seen = walk(&stale, &[("trueup apply tier --env production", 3)]).await;
        has(&seen, &["trueup plan --env production", "trueup verify plans/tier --env production"]);
        stale.done().await;
        project.done().await;
    });
}

/// What stopped part-way, there and back, in each phase.
#[test]
fn what_is_printed_where_a_plan_stopped_can_be_pasted() {
    runtime().block_on(async {
        let names = names();
        let project = project().await;
        sh(&project, false, PLAN).await.ended(0).unwrap();
        sh(&project, false, APPROVE).await.ended(0).unwrap();
        // a reader is in the way of what comes later: going back the first table is the last one
        let held = async |project: &Database, table: &str, line: &str| {
            let (shared, line) = (project.session().await, format!("{line} --lock-retries 0"));
            let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE");
            shared.client().batch_execute(&lock).await.unwrap();
            let ran = sh(project, false, &line).await.ended(4).unwrap();
            shared.client().batch_execute("ROLLBACK").await.unwrap();
            shared.close().await;
            ran
        };
        let forward = "trueup apply tier --env production --phase";
        let back = "trueup rollback tier --env production --accept DATA_LOSS --phase";
        for phase in ["expand", "contract"] {
            let on = |way: &str| {
                way.replace("tier", "plans/tier").replace(" --accept DATA_LOSS", "") + " " + phase
            };
            // contract is no matter of expand's job, and goes on only when it is named; new code works since expand
            let (refused, ready) = if phase == "contract" { (3, 0) } else { (0, 3) };
            if phase == "contract" {
                sh(&project, false, &format!("{forward} expand")).await.ended(0).unwrap();
            }
            let stopped = copy(&project).await;
            let said = held(&stopped, "extra", &format!("{forward} {phase}")).await;
            has(&printed(&said.stderr, &names).into_iter().collect(), &[&on(forward), &on(back)]);
            let seen = walk(&stopped, &names, &looks([4, 0, 0, refused, refused, ready])).await;
            has(&seen, &[&on(forward), &on(back)]);
            if phase == "contract" {
                let seen = walk(&stopped, &names, &[("trueup apply tier --env production", 3)]).await;
                has(&seen, &[&on(forward), &on(back)]);
            }
            sh(&stopped, false, &format!("{forward} {phase}")).await.ended(0).unwrap();
            let said = held(&stopped, "account", &format!("{back} {phase}")).await;
            has(&printed(&said.stderr, &names).into_iter().collect(), &[&on(back)]);
            let seen = walk(
                &stopped,
                &names,
                &[
                    ("trueup status --env production --exit-code", 4),
                    ("trueup plans --env production", 0),
                    ("trueup deploy --env production", 3),
                    (&format!("{forward} {phase}"), 3),
                ],
            )
            .await;
            has(&seen, &[&on(back)]);
            sh(&stopped, false, &format!("{back} {phase}")).await.ended(0).unwrap();
            stopped.done().await;
        }
        project.done().await;
    });
}

/// The commands of a plan's page, in their order: they approve it, apply it, and go back.
#[test]
fn the_commands_of_a_plans_page_can_be_pasted() {
    runtime().block_on(async {
        let project = project().await;
        // whatever the folder is called
        sh(&project, false, "trueup plan --env production --name tier; mv plans/*-tier plans/x")
            .await
            .ended(0)
            .unwrap();
        let page = std::fs::read_to_string(project.path("plans/x/README.md")).unwrap();
        let commands = in_page(&page, &names());
        assert_eq!(commands.len(), 5, "{commands:?}");
        for command in &commands {
            let ran = sh(&project, false, &filled(command, &project)).await;
            // what a rollback loses, somebody has to say yes to
            ran.ended(if command.contains("rollback") { 3 } else { 0 }).unwrap();
        }
        assert_eq!(project.ask("SELECT count(full_name)::text FROM account").await, "20");
        project.done().await;
    });
}

/// The next environment is named, and the phase in which it comes first.
#[test]
fn what_other_environments_print_can_be_pasted() {
    runtime().block_on(async {
        let names = names();
        let project = project().await;
        sh(&project, false, PLAN).await.ended(0).unwrap();
        sh(&project, false, APPROVE).await.ended(0).unwrap();
        let file = project.path("trueup.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("[env.staging]\n", "[env.staging]\nafter = [\"dev\"]\n")).unwrap();
        let seen = walk(
            &project,
            &names,
            &[("trueup apply tier --env staging", 3), ("trueup preflight tier --env staging", 3)],
        )
        .await;
        has(&seen, &["trueup apply plans/tier --env dev --phase expand"]);
        let rename = "[env.staging]\nrenames = \"online\"\nvalues = { a = \"1\" }\n";
        let without = text.replace("[env.staging]\n", rename);
        std::fs::write(&file, without).unwrap();
        let sql = AFTER.replace("@renamed from=name online", "@renamed from=name");
        project.write("schema/all.sql", &sql);
        let plan = "rm -r plans/tier; trueup plan --env production --name tier && mv plans/*-tier plans/tier";
        sh(&project, false, plan).await.ended(0).unwrap();
        let seen = walk(
            &project,
            &names,
            &[
                ("trueup apply tier --env staging", 3),
                ("trueup deploy --env staging", 3),
                ("trueup ready --code new --env staging", 3),
            ],
        )
        .await;
        has(&seen, &["trueup plan --env staging"]);
        project.done().await;
    });
}
