//! What a team does with plans: one plan for several environments and databases, several plans for one database, several
//! people. The real binary, on databases of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle::{self, Database, runtime};

const ACCOUNTS: &str = "CREATE TABLE account (id int PRIMARY KEY, name text);
    INSERT INTO account SELECT n, 'a' || n FROM generate_series(1, 20) n;";

/// A second database, whose plans and files are those of the first.
async fn beside(first: &Database, setup: &str) -> Database {
    let second = Database::with(setup).await.unwrap();
    first.write("second.url", &oracle::url(&second.target));
    second
}

/// trueup.toml with environments of these databases, each with what else it says.
fn environments(project: &Database, of: &[(&str, &Database, &str)]) {
    let part = |(name, database, more): &(&str, &Database, &str)| {
        format!("[env.{name}]\nurl = \"{}\"\n{more}\n", oracle::url(&database.target))
    };
    let parts: String = of.iter().map(part).collect();
    project.write("trueup.toml", &format!("schema = [\"schema\"]\n{parts}"));
}

fn read(project: &Database, file: &str) -> String {
    std::fs::read_to_string(project.path(file)).unwrap()
}

fn schema(project: &Database, sql: &str) {
    std::fs::create_dir_all(project.path("schema")).unwrap();
    project.write("schema/all.sql", sql);
}

/// A plan made where `${owner}` is a placeholder was applied to production with every check green.
#[test]
fn a_plan_is_for_environments_that_give_it_the_same_values() {
    runtime().block_on(async {
        let dev = Database::with(ACCOUNTS).await.unwrap();
        let staging = beside(&dev, ACCOUNTS).await;
        let production = beside(&dev, ACCOUNTS).await;
        environments(
            &dev,
            &[
                ("dev", &dev, "values = { owner = 'placeholder', unused = '1' }"),
                ("staging", &staging, "values = { owner = 'placeholder', unused = '2' }"),
                ("production", &production, "values = { owner = 'acme' }"),
            ],
        );
        schema(
            &dev,
            "CREATE TABLE account (id int PRIMARY KEY, name text,
                owner text NOT NULL -- @backfill using=${owner}
            );",
        );
        let plan = ["plan", "--env", "dev", "--out", "plan"];
        let made = dev.trueup(&plan).await.ended(0).unwrap();
        assert!(made.stdout.contains("made for dev, where ${owner} is 'placeholder'"), "{}", made.shown());
        let page = read(&dev, "plan/README.md");
        assert!(
            page.contains("| `${owner}` | is `placeholder`, in `column public.account.owner` |"),
            "{page}"
        );
        dev.trueup(&["approve", "plan", "--as", "alice", "--phase", "all", "--accept", "all"])
            .await
            .ended(0)
            .unwrap();
        let refused = "made for dev: ${owner} is 'placeholder' there and 'acme' here";
        for command in [
            &["apply", "plan", "--env", "production"][..],
            &["apply", "plan", "--env", "production", "--dry-run"],
            &["apply", "plan", "--env", "production", "--phase", "all"],
        ] {
            let ran = dev.trueup(command).await;
            ran.fails(3, refused);
            assert!(
                ran.stderr.contains("plan for production: `trueup plan --env production`"),
                "{}",
                ran.shown()
            );
        }
        for command in ["preflight", "verify"] {
            let ran = dev.trueup(&[command, "plan", "--env", "production"]).await.ended(3).unwrap();
            assert!(ran.stdout.contains(refused), "{}", ran.shown());
        }
        let count = "SELECT count(*)::text FROM information_schema.columns WHERE table_name = 'account' AND column_name = 'owner'";
        assert_eq!(production.ask(count).await, "0");
        // without an environment nobody says what the name stands for
        let url = oracle::url(&production.target);
        dev.trueup(&["apply", "plan", "--url", &url])
            .await
            .fails(3, "made for dev: ${owner} is 'placeholder' there and has no value here");
        // what the plan has not in it may differ; one digest goes on
        for (env, database) in [("dev", &dev), ("staging", &staging)] {
            dev.trueup(&["apply", "plan", "--env", env, "--phase", "all"]).await.ended(0).unwrap();
            assert_eq!(database.ask("SELECT DISTINCT owner FROM account").await, "placeholder");
        }
        // what was begun goes on and back, whatever the file says by now
        environments(&dev, &[("dev", &dev, "values = { owner = 'other' }")]);
        dev.trueup(&["rollback", "plan", "--env", "dev"]).await.ended(0).unwrap();
        for database in [staging, production, dev] {
            database.done().await;
        }
    });
}

/// What an annotation leaves to the environment is part of what the plan was made for; what it says itself is not.
#[test]
fn a_plan_is_for_environments_that_rename_and_fill_as_it_does() {
    runtime().block_on(async {
        let dev = Database::with(ACCOUNTS).await.unwrap();
        let settings = "renames = 'online'\nbackfill_triggers = 'skip'";
        environments(&dev, &[("dev", &dev, ""), ("production", &dev, settings)]);
        let cases = [
            ("label text -- @renamed from=name", "renames are instant there and online here"),
            ("label text -- @renamed from=name instant", ""),
            (
                "name text, kind text NOT NULL -- @backfill using=name",
                "triggers are fired for backfills there and skipped here",
            ),
            ("name text, kind text", ""),
        ];
        for (at, (columns, differs)) in cases.into_iter().enumerate() {
            let plan = format!("plan{at}");
            schema(&dev, &format!("CREATE TABLE account (id int PRIMARY KEY, {columns}\n);"));
            dev.trueup(&["plan", "--out", &plan, "--url", &oracle::url(&dev.target)]).await.ended(0).unwrap();
            let ran = dev.trueup(&["verify", &plan, "--env", "production"]).await;
            assert_eq!(ran.stdout.contains("environment: made for no environment"), !differs.is_empty());
            assert!(ran.stdout.contains(differs), "{}", ran.shown());
        }
        dev.done().await;
    });
}

/// A value that took the place of its name in a part of the schema that the plan leaves alone does not bind the plan to it.
#[test]
fn a_plan_is_bound_to_the_values_that_may_be_in_it() {
    runtime().block_on(async {
        let base = |place: &str| format!("CREATE TABLE here (id int PRIMARY KEY, place text DEFAULT '{place}');
            CREATE TABLE account (id int PRIMARY KEY, name text);");
        let dev = Database::with(&base("dev")).await.unwrap();
        let production = beside(&dev, &base("production")).await;
        environments(
            &dev,
            &[
                ("dev", &dev, "substitute = true\nvalues = { place = 'dev' }"),
                ("production", &production, "substitute = true\nvalues = { place = 'production' }"),
            ],
        );
        for (columns, bound) in [("name text, tier text", false), ("name text, tier text, at text DEFAULT '${place}'", true)] {
            let sql = base("${place}").replace("name text", columns);
            schema(&dev, &sql);
            let plan = if bound { "bound" } else { "free" };
            dev.trueup(&["plan", "--env", "dev", "--out", plan]).await.ended(0).unwrap();
            dev.approve(plan).await.unwrap();
            dev.trueup(&["apply", plan, "--env", "dev"]).await.ended(0).unwrap();
            let ran = dev.trueup(&["apply", plan, "--env", "production"]).await;
            if bound {
                ran.fails(3, "made for dev: ${place} is 'dev' there and 'production' here");
            } else {
                ran.ended(0).unwrap();
            }
        }
        assert_eq!(production.ask("SELECT column_default FROM information_schema.columns WHERE table_name = 'here' AND column_name = 'place'").await, "'production'::text");
        production.done().await;
        dev.done().await;
    });
}

/// A name in braces outside annotations is taken as it stands, and that is said; or it gets its value.
#[test]
fn names_of_values_in_the_schema_are_said_or_replaced() {
    runtime().block_on(async {
        let dev = Database::with(ACCOUNTS).await.unwrap();
        let sql = "CREATE TABLE account (id int PRIMARY KEY, name text, -- ${comment}
            tenant text DEFAULT '${tenant}');";
        environments(&dev, &[("dev", &dev, "values = { tenant = \"o'neil\" }")]);
        schema(&dev, sql);
        let made = dev.trueup(&["plan", "--env", "dev", "--out", "literal"]).await.ended(0).unwrap();
        let noted = "schema/all.sql:2:34: ${tenant} is taken literally";
        assert!(made.stdout.contains(noted), "{}", made.shown());
        assert!(!made.stdout.contains("${comment}"), "{}", made.shown());
        let substitute = |value: &str| format!("values = {{ {value} }}\nsubstitute = true");
        environments(&dev, &[("dev", &dev, &substitute("a = '1'"))]);
        dev.trueup(&["plan", "--env", "dev"])
            .await
            .fails(1, "schema/all.sql:2:34: there is no value for ${tenant}");
        environments(
            &dev,
            &[
                ("dev", &dev, &substitute("tenant = \"o'neil\"")),
                ("other", &dev, &substitute("tenant = 'x'")),
            ],
        );
        dev.trueup(&["plan", "--env", "dev", "--out", "plan"]).await.ended(0).unwrap();
        assert!(
            read(&dev, "plan/README.md").contains("| `${tenant}` | is `o'neil`, in `schema/all.sql:2:34` |")
        );
        dev.trueup(&["approve", "plan", "--as", "alice", "--env", "dev"]).await.ended(0).unwrap();
        dev.trueup(&["verify", "plan", "--env", "other"])
            .await
            .fails_with_output(3, "${tenant} is 'o'neil' there and 'x' here");
        dev.trueup(&["apply", "plan", "--env", "dev"]).await.ended(0).unwrap();
        dev.execute("INSERT INTO account (id) VALUES (21)").await;
        assert_eq!(dev.ask("SELECT tenant FROM account WHERE id = 21").await, "o'neil");
        dev.done().await;
    });
}

/// A rollback dropped a table with rows that new code had written, and brought a boolean back as all false, and said that it was
/// equal to before.
#[test]
fn a_rollback_says_what_it_costs_and_asks_first() {
    runtime().block_on(async {
        let shop = Database::with(
            "CREATE TABLE users (id int PRIMARY KEY, name text, disabled boolean NOT NULL DEFAULT false);
             INSERT INTO users SELECT n, 'u' || n, n % 2 = 0 FROM generate_series(1, 10) n;
             CREATE TABLE old_things (id int); INSERT INTO old_things VALUES (1); CREATE TABLE nothing (id int);",
        )
        .await
        .unwrap();
        shop.execute("ANALYZE").await;
        let desired = "CREATE TABLE users (id int PRIMARY KEY, name text, nick text, note text, kind text NOT NULL DEFAULT 'n', doc json);
            CREATE TABLE budgets (id int PRIMARY KEY); CREATE TABLE preferences (id int);";
        shop.write("desired.sql", desired);
        let plan = ["plan", "--schema", "desired.sql", "--out", "plan", "--manage", "all", "--assume-drop", "all"];
        shop.trueup(&plan).await.ended(0).unwrap();
        let page = read(&shop, "plan/README.md");
        assert!(page.contains("column public.users.disabled comes back as false in every row"), "{page}");
        assert!(page.contains("table public.old\\_things comes back empty (about 1 row)"), "{page}");
        assert!(!page.contains("nothing comes back empty"), "{page}");
        shop.approve("plan").await.unwrap();
        let expand = ["apply", "plan"];
        let back = ["rollback", "plan", "--phase", "expand"];
        shop.trueup(&expand).await.ended(0).unwrap();
        // nobody has written anything yet: nothing is lost
        let ran = shop.trueup_unattended(&back).await.ended(0).unwrap();
        assert!(ran.stdout.contains("expand rolled back, ") && ran.stdout.contains("equal to before"), "{}", ran.shown());
        assert!(!ran.shown().contains("loses"), "{}", ran.shown());

        shop.trueup(&expand).await.ended(0).unwrap();
        shop.execute(
            "INSERT INTO budgets SELECT generate_series(1, 200); INSERT INTO preferences VALUES (1);
             UPDATE users SET nick = 'x' WHERE id < 8; UPDATE users SET kind = 'y' WHERE id = 1; UPDATE users SET doc = '1'",
        )
        .await;
        let before = shop.state().await;
        let ran = shop.trueup_unattended(&back).await;
        for words in [
            "dropping table public.budgets loses its rows: 200 rows; step ",
            "dropping table public.preferences loses its rows: 1 row; step ",
            "dropping column public.users.nick loses its values: 7 of 10 rows; step ",
            "dropping column public.users.kind loses its values: 1 of 10 rows; step ",
            "dropping column public.users.doc loses its values: 10 rows; step ",
        ] {
            ran.fails(3, words);
        }
        assert!(!ran.stderr.contains("users.note"), "{}", ran.shown());
        assert!(ran.stderr.contains("`trueup rollback plan --phase expand --accept DATA_LOSS`"), "{}", ran.shown());
        assert_eq!(shop.state().await, before);
        // looking costs nothing
        let dry = shop.trueup_unattended(&["rollback", "plan", "--dry-run"]).await.ended(0).unwrap();
        assert!(dry.stdout.contains("-- nothing was run"), "{}", dry.shown());

        shop.trueup(&["apply", "plan", "--phase", "contract"]).await.ended(0).unwrap();
        let whole = ["rollback", "plan"];
        let ran = shop.trueup_unattended(&whole).await;
        ran.fails(3, "column public.users.disabled comes back as false in every row: 10 rows; step ");
        ran.fails(3, "table public.old_things comes back empty (about 1 row); step ");
        shop.trueup_unattended(&["rollback", "plan", "--accept", "all"]).await.fails(1, "nothing else to accept");
        let accepted = ["rollback", "plan", "--accept", "DATA_LOSS", "--reason", "the release is withdrawn"];
        let ran = shop.trueup_unattended(&accepted).await.ended(0).unwrap();
        assert!(ran.stderr.contains("loses"), "{}", ran.shown());
        for words in [
            "schema equal to before; ",
            "the values of column public.users.disabled did not come back",
            "the rows of table public.old_things did not come back",
            "the rows of table public.budgets are gone",
        ] {
            assert!(ran.stdout.contains(words), "{words}\n{}", ran.shown());
        }
        assert_eq!(shop.ask("SELECT string_agg(DISTINCT disabled::text, '') FROM users").await, "false");
        let remarks = shop.ask("SELECT string_agg(remark, ' | ' ORDER BY id) FROM trueup.run WHERE remark LIKE 'the release%'").await;
        let (contract, expand) = remarks.split_once(" | ").unwrap();
        assert!(contract.contains("users.disabled did not come back") && !contract.contains("budgets"), "{remarks}");
        assert!(expand.contains("budgets are gone") && !expand.contains("disabled"), "{remarks}");
        let chained = shop.ask("SELECT string_agg(body::text, ' ') FROM trueup.entry WHERE kind = 'run'").await;
        assert!(chained.contains("comes back as false in every row: 10 rows"), "{chained}");
        shop.trueup(&["history", "--verify"]).await.ended(0).unwrap();
        shop.done().await;
    });
}

/// Where policy has rollbacks approved, the approval is where the loss is accepted.
#[test]
fn an_approved_rollback_has_its_losses_accepted_there() {
    runtime().block_on(async {
        let shop = Database::with(ACCOUNTS).await.unwrap();
        environments(&shop, &[("here", &shop, "approval = { rollback = true }")]);
        schema(&shop, "CREATE TABLE account (id int PRIMARY KEY, name text); CREATE TABLE budgets (id int);");
        shop.trueup(&["plan", "--env", "here", "--out", "plan"]).await.ended(0).unwrap();
        shop.trueup(&["approve", "plan", "--as", "alice", "--phase", "all"]).await.ended(0).unwrap();
        shop.trueup(&["apply", "plan", "--env", "here"]).await.ended(0).unwrap();
        shop.execute("INSERT INTO budgets VALUES (1)").await;
        let back = ["rollback", "plan", "--env", "here"];
        let approve = ["approve", "plan", "--as", "alice", "--phase", "expand", "--rollback"];
        shop.trueup_unattended(&[&back[..], &["--accept", "DATA_LOSS"]].concat())
            .await
            .fails(3, "phase expand is not approved");
        shop.trueup(&[&approve[..], &["--accept", "DATA_LOSS"]].concat()).await.ended(0).unwrap();
        let ran = shop.trueup_unattended(&back).await.ended(0).unwrap();
        assert!(ran.stdout.contains("the rows of table public.budgets are gone"), "{}", ran.shown());
        shop.done().await;
    });
}

/// A project with a folder of plans, and two plans in it that were made one behind the other on a database of its own.
async fn two_plans(project: &Database) -> Database {
    let dev = beside(project, ACCOUNTS).await;
    environments(project, &[("production", project, ""), ("dev", &dev, "")]);
    let first = "CREATE TABLE account (id int PRIMARY KEY, full_name text, -- @renamed from=name online
        note text);";
    schema(project, first);
    project.trueup(&["plan", "--env", "dev", "--name", "first"]).await.ended(0).unwrap();
    approved(project, "first").await;
    project.trueup(&["apply", "first", "--env", "dev", "--phase", "all"]).await.ended(0).unwrap();
    schema(
        project,
        &format!(
            "{} CREATE TABLE extra (id int PRIMARY KEY);",
            first
                .replace("full_name text,", "full_name text NOT NULL,")
                .replace("note text", "note text, more text")
        ),
    );
    project.trueup(&["plan", "--env", "dev", "--name", "second"]).await.ended(0).unwrap();
    approved(project, "second").await;
    dev
}

async fn approved(project: &Database, plan: &str) {
    let approve = ["approve", plan, "--as", "alice", "--phase", "all", "--accept", "all"];
    project.trueup(&approve).await.ended(0).unwrap();
}

/// What `trueup plans` says of each plan, by its name.
async fn plans(project: &Database, env: &str) -> Vec<(String, String)> {
    let ran = project.trueup(&["plans", "--env", env, "--format", "json"]).await.ended(0).unwrap();
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    said["plans"].as_array().unwrap().iter().map(|plan| (text(&plan["plan"]), text(&plan["state"]))).collect()
}

fn says(plans: &[(String, String)], expected: &[(&str, &str)]) {
    let said: Vec<(&str, &str)> = plans.iter().map(|(plan, state)| (&**plan, &**state)).collect();
    assert_eq!(said, expected);
}

/// The deploy job: all that waits, in its order, safely twice; the gates before code is rolled out; and what `status` says in
/// each state, with its exit code.
#[test]
fn a_deploy_job_applies_what_waits_in_its_order() {
    runtime().block_on(async {
        let production = Database::with(ACCOUNTS).await.unwrap();
        let dev = two_plans(&production).await;
        // names of folders mean nothing
        let folders = std::fs::read_dir(production.path("plans")).unwrap();
        for folder in folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let other = if name.ends_with("first") { "z" } else { "a" };
            std::fs::rename(&folder, folder.with_file_name(other)).unwrap();
        }
        let on = async |arguments: &[&str]| {
            production.trueup(&[arguments, &["--env", "production"]].concat()).await
        };
        let status = async |code: i32, says: &str| {
            let ran = on(&["status", "--exit-code"]).await.ended(code).unwrap();
            assert!(ran.stdout.contains(says), "{says}\n{}", ran.shown());
        };
        says(&plans(&production, "dev").await, &[("first", "applied"), ("second", "waiting")]);
        says(&plans(&production, "production").await, &[("first", "waiting"), ("second", "waiting")]);
        status(2, "NEEDS_MIGRATION: first has not been applied, and 1 more wait behind it").await;
        on(&["ready", "--code", "new"]).await.fails_with_output(3, "not ready: new code fails: step");
        on(&["ready", "--code", "old"]).await.fails_with_output(0, "ready: old code works");
        on(&["deploy", "--dry-run"]).await.fails_with_output(0, "-- nothing was run");

        // second was made where contract of first was done: it says so, and what can be done is
        let ran = on(&["deploy"]).await;
        assert!(ran.stdout.contains("first: expand applied"), "{}", ran.shown());
        ran.fails(3, "second: it waits for contract of first");
        assert!(ran.stderr.contains("trueup deploy --env production --phase contract"), "{}", ran.shown());
        status(6, "PARTIAL_MIGRATION: first: phase expand applied, contract remains").await;
        on(&["ready", "--code", "new", "z"]).await.ended(0).unwrap();
        on(&["ready", "--code", "old"]).await.ended(0).unwrap();
        on(&["deploy", "--phase", "contract"]).await.fails_with_output(0, "first: contract applied");
        on(&["ready", "--code", "old"]).await.fails_with_output(3, "of first has run");
        // two at once: one applies it, the other finds that there is nothing to do
        let ran = tokio::join!(on(&["deploy"]), on(&["deploy"]));
        for ran in [&ran.0, &ran.1] {
            assert_eq!(ran.code, Some(0), "{}", ran.shown());
        }
        on(&["deploy", "--phase", "contract"]).await.fails_with_output(0, "contract: 1 plan applied");
        status(0, "SAFE: second is applied, and the database is as desired").await;
        on(&["deploy"]).await.fails_with_output(0, "expand: 0 plans applied");
        on(&["ready", "--code", "new"]).await.fails_with_output(0, "ready: new code works");
        says(&plans(&production, "production").await, &[("first", "applied"), ("second", "applied")]);
        assert_eq!(
            production.ask("SELECT string_agg(name || ' ' || phase, ', ' ORDER BY id) FROM trueup.run").await,
            "first expand, first contract, second expand, second contract"
        );
        production.execute("DROP TABLE extra").await;
        status(5, "DRIFTED").await;
        dev.done().await;
        production.done().await;
    });
}

/// A database that is as desired is safe, whatever plans are in the folder that it never ran.
#[test]
fn plans_that_a_database_never_ran_do_not_wait_for_ever() {
    runtime().block_on(async {
        let old = Database::with(ACCOUNTS).await.unwrap();
        let dev = two_plans(&old).await;
        let fresh = Database::with(
            "CREATE TABLE account (id int PRIMARY KEY, full_name text NOT NULL, note text, more text); CREATE TABLE extra (id int PRIMARY KEY)",
        )
        .await
        .unwrap();
        environments(&old, &[("fresh", &fresh, ""), ("dev", &dev, "")]);
        let status = old.trueup(&["status", "--env", "fresh", "--exit-code"]).await.ended(0).unwrap();
        assert!(status.stdout.starts_with("SAFE"), "{}", status.shown());
        says(&plans(&old, "fresh").await, &[("first", "superseded"), ("second", "superseded")]);
        old.trueup(&["deploy", "--env", "fresh"]).await.fails_with_output(0, "expand: 0 plans applied");
        old.trueup(&["ready", "--code", "new", "--env", "fresh"]).await.ended(0).unwrap();

        // what was brought about by hand can be written down, and undone, as if it had been applied
        fresh.execute("DROP TABLE extra").await;
        old.trueup(&["adopt", "second", "--env", "fresh"])
            .await
            .fails(3, "the database is not what the plan leaves: table public.extra is missing");
        fresh.execute("CREATE TABLE extra (id int PRIMARY KEY)").await;
        old.trueup(&["adopt", "second", "--env", "fresh", "--note", "by hand"])
            .await
            .fails_with_output(0, "second: adopted");
        old.trueup(&["adopt", "second", "--env", "fresh"]).await.fails_with_output(0, "second: is applied already");
        says(&plans(&old, "fresh").await, &[("second", "applied"), ("first", "superseded")]);
        old.trueup(&["history", "--env", "fresh"]).await.fails_with_output(0, "adopted: by hand");
        old.trueup(&["history", "--env", "fresh", "--verify"]).await.ended(0).unwrap();
        old.trueup(&["rollback", "second", "--env", "fresh"]).await.ended(0).unwrap();
        assert_eq!(
            fresh.ask("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'account'::regclass AND attnum > 0 AND NOT attisdropped").await,
            "id full_name note"
        );
        for database in [fresh, dev, old] {
            database.done().await;
        }
    });
}

/// Between the phases, after somebody dropped what expand had made, the next plan was wrong without a word.
#[test]
fn what_expand_made_and_is_gone_is_said_and_not_planned_around() {
    runtime().block_on(async {
        let shop = Database::with(ACCOUNTS).await.unwrap();
        environments(&shop, &[("here", &shop, "")]);
        let sql = "CREATE TABLE account (id int PRIMARY KEY, full_name text, -- @renamed from=name online
            kind text NOT NULL -- @backfill using=full_name
        );";
        schema(&shop, sql);
        let on = async |arguments: &[&str]| shop.trueup(&[arguments, &["--env", "here"]].concat()).await;
        on(&["plan", "--name", "one"]).await.ended(0).unwrap();
        approved(&shop, "one").await;
        on(&["apply", "one"]).await.ended(0).unwrap();
        on(&["plan", "--exit-code"]).await.ended(0).unwrap();
        shop.execute("ALTER TABLE account DROP COLUMN kind").await;
        schema(&shop, &format!("{sql} CREATE TABLE other (id int);"));
        on(&["plan"]).await.fails(3, "column public.account.kind is missing, which one made");
        let status = on(&["status", "--exit-code"]).await.ended(5).unwrap();
        for words in ["DRIFTED", "column public.account.kind", "one: phase expand applied, contract remains"]
        {
            assert!(status.stdout.contains(words), "{words}\n{}", status.shown());
        }
        shop.done().await;
    });
}

/// A plan that was made again takes the place of the first one; one that fits nowhere is said to be stale.
#[test]
fn a_plan_that_was_made_again_supersedes_the_first() {
    runtime().block_on(async {
        let shop = Database::with(ACCOUNTS).await.unwrap();
        environments(&shop, &[("here", &shop, "")]);
        let on = async |arguments: &[&str]| shop.trueup(&[arguments, &["--env", "here"]].concat()).await;
        schema(&shop, "CREATE TABLE account (id int PRIMARY KEY, name text, note text);");
        on(&["plan", "--name", "first"]).await.ended(0).unwrap();
        // a hotfix by hand
        shop.execute("ALTER TABLE account ADD COLUMN note int").await;
        schema(&shop, "CREATE TABLE account (id int PRIMARY KEY, name text, note text, more text);");
        says(&plans(&shop, "here").await, &[("first", "stale")]);
        on(&["deploy"]).await.fails(3, "first: the plan is stale: column public.account.note exists already");
        on(&["ready", "--code", "new"]).await.fails_with_output(3, "first is stale, and has not run");
        on(&["plan", "--name", "again"]).await.ended(0).unwrap();
        approved(&shop, "again").await;
        on(&["deploy"]).await.fails_with_output(0, "again: expand applied");
        says(&plans(&shop, "here").await, &[("again", "applied"), ("first", "superseded")]);
        on(&["plans"]).await.fails_with_output(0, "superseded");
        on(&["verify", "firts"]).await.fails(1, "there is no plan firts, here or in plans");
        shop.done().await;
    });
}

/// A plan that fits no more keeps none from being applied, and is named until it is deleted.
#[test]
fn a_stale_plan_is_in_no_other_plans_way() {
    runtime().block_on(async {
        let shop = Database::with(ACCOUNTS).await.unwrap();
        environments(&shop, &[("here", &shop, "")]);
        let on = async |arguments: &[&str]| shop.trueup(&[arguments, &["--env", "here"]].concat()).await;
        for (plan, note) in [("first", "note text"), ("second", "other text")] {
            schema(&shop, &format!("CREATE TABLE account (id int PRIMARY KEY, name text, {note});"));
            on(&["plan", "--name", plan, "--out", &format!("plans/{plan}")]).await.ended(0).unwrap();
        }
        shop.execute("ALTER TABLE account ADD COLUMN note int; ALTER TABLE account ADD COLUMN other int").await;
        let rest = "note int, other int";
        for (plan, table) in [("third", "extra"), ("fourth", "more")] {
            schema(&shop, &format!("CREATE TABLE account (id int PRIMARY KEY, name text, {rest}); CREATE TABLE {table} (id int);"));
            on(&["plan", "--out", &format!("plans/{plan}")]).await.ended(0).unwrap();
            approved(&shop, plan).await;
        }
        let ran = on(&["deploy"]).await;
        ran.fails(3, "first: the plan is stale: column public.account.note exists already");
        for words in ["third: expand applied", "fourth: expand applied"] {
            assert!(ran.stdout.contains(words), "{words}\n{}", ran.shown());
        }
        let hint = "hint: 2 other plans were applied, and none waits; delete plans/first, plans/second if nobody needs it any more, \
            else plan again first: `trueup plan --env here`";
        assert!(ran.stderr.contains(hint), "{}", ran.shown());
        // so it stays, and is in nobody's way
        let ran = on(&["deploy"]).await;
        ran.fails(3, "first: the plan is stale");
        assert!(ran.stderr.contains("hint: no other plan waits; delete plans/first, plans/second"), "{}", ran.shown());
        on(&["deploy", "--phase", "contract"]).await.ended(0).unwrap();
        for plan in ["first", "second"] {
            std::fs::remove_dir_all(shop.path(&format!("plans/{plan}"))).unwrap();
        }
        on(&["deploy"]).await.fails_with_output(0, "expand: 0 plans applied");
        shop.done().await;
    });
}

/// Two pull requests on one table: merged in either order, neither is stale, and each can be taken back without the other one.
#[test]
fn two_pull_requests_on_one_table_get_along() {
    runtime().block_on(async {
        let one = Database::with(ACCOUNTS).await.unwrap();
        let other = beside(&one, ACCOUNTS).await;
        environments(&one, &[("one", &one, ""), ("other", &other, "")]);
        let table = |more: &str| format!("CREATE TABLE account (id int PRIMARY KEY, name text{more});");
        for (plan, sql) in [
            ("mine", table(", mine text NOT NULL -- @backfill using=name\n")),
            ("theirs", format!("{} CREATE INDEX theirs ON account (name);", table(", theirs int NOT NULL DEFAULT 3"))),
        ] {
            schema(&one, &sql);
            one.trueup(&["plan", "--env", "one", "--name", plan]).await.ended(0).unwrap();
            approved(&one, plan).await;
        }
        for (env, database, order) in [("one", &one, ["mine", "theirs"]), ("other", &other, ["theirs", "mine"])] {
            let before = database.dump().await;
            says(&plans(&one, env).await, &[("mine", "waiting"), ("theirs", "waiting")]);
            for plan in order {
                one.trueup(&["apply", plan, "--env", env, "--phase", "all"]).await.ended(0).unwrap();
            }
            let columns = "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'account'::regclass AND attnum > 0 AND NOT attisdropped";
            assert_eq!(database.ask(columns).await, "id mine name theirs");
            // back in the order in which they came
            one.trueup(&["rollback", order[0], "--env", env]).await.ended(0).unwrap();
            assert_eq!(database.ask(columns).await, if order[1] == "mine" { "id mine name" } else { "id name theirs" });
            one.trueup(&["rollback", order[1], "--env", env]).await.ended(0).unwrap();
            before.must_equal(&database.dump().await, "both are back").await.unwrap();
        }
        other.done().await;
        one.done().await;
    });
}

/// What stands on the page is what the plan says, and a conflict that git left is called one.
#[test]
fn the_page_is_the_plan() {
    runtime().block_on(async {
        let shop = Database::with(&format!("{ACCOUNTS} INSERT INTO account VALUES (21)")).await.unwrap();
        shop.plan("CREATE TABLE account (id int PRIMARY KEY, name text NOT NULL, more text);").await;
        let page = read(&shop, "plan/README.md");
        let (decide, old_and_new) =
            (page.find("rows are in the way").unwrap(), page.find("## Old and new code").unwrap());
        assert!(decide < old_and_new, "{page}");
        assert!(page.contains("Migrations first: new code after expand; old code at any time."), "{page}");
        let approve = ["approve", "plan", "--as", "alice"];
        for (edited, line) in [
            (page.replace("rows are in the way", "no row is in the way"), "line "),
            (page.replacen("**", "__", 1), "line 3"),
            (format!("{page}\nApproved by all.\n"), "line "),
        ] {
            shop.write("plan/README.md", &edited);
            for command in [&["verify", "plan"][..], &approve] {
                let ran = shop.trueup(command).await;
                ran.fails(3, "README.md is not what plan.toml says");
                ran.fails(3, line);
            }
        }
        shop.write("plan/README.md", &page.replace('\n', "\r\n"));
        shop.trueup(&approve).await.ended(0).unwrap();
        let text = read(&shop, "plan/plan.toml");
        let conflict = text.replacen("name = ", "<<<<<<< ours\nname = \"a\"\n=======\nname = ", 1);
        shop.write("plan/plan.toml", &conflict);
        shop.trueup(&["show", "plan"])
            .await
            .fails(3, "plan.toml:2:1: a merge conflict stands here, and no plan");
        shop.done().await;
    });
}

/// Staging comes before production: its journal says whether the plan is done there.
#[test]
fn a_plan_goes_to_production_once_it_is_proven_in_staging() {
    runtime().block_on(async {
        let production = Database::with(ACCOUNTS).await.unwrap();
        let staging = beside(&production, ACCOUNTS).await;
        let urls = [("production", &production, "after = ['staging']"), ("staging", &staging, "")];
        environments(&production, &urls);
        schema(&production, "CREATE TABLE account (id int PRIMARY KEY, full_name text /* @renamed from=name online */);");
        let on = async |arguments: &[&str]| production.trueup(arguments).await;
        on(&["plan", "--env", "staging", "--name", "one"]).await.ended(0).unwrap();
        approved(&production, "one").await;
        let not_yet = "staging comes first, and its phase expand is not done there";
        on(&["apply", "one", "--env", "production"]).await.fails(3, not_yet);
        on(&["deploy", "--env", "production"]).await.fails(3, not_yet);
        on(&["preflight", "one", "--env", "production"]).await.fails_with_output(3, not_yet);
        on(&["apply", "one", "--env", "staging"]).await.ended(0).unwrap();
        let look = on(&["preflight", "one", "--env", "production"]).await.ended(0).unwrap();
        assert!(look.stdout.contains("promotion") && look.stdout.contains("expand is done in staging on "), "{}", look.shown());
        on(&["apply", "one", "--env", "production"]).await.ended(0).unwrap();
        let contract = ["apply", "one", "--env", "production", "--phase", "contract"];
        on(&contract).await.fails(3, "staging comes first, and its phase contract is not done there");
        // what cannot be asked has not said yes
        let gone = format!("schema = [\"schema\"]\n[env.production]\nurl = \"{}\"\nafter = [\"staging\"]\n[env.staging]\nurl = \"postgres://127.0.0.1:1/x\"\n", oracle::url(&production.target));
        production.write("trueup.toml", &gone);
        on(&contract).await.fails(3, "staging comes first, and cannot be asked: ");
        environments(&production, &urls);
        on(&["apply", "one", "--env", "staging", "--phase", "contract"]).await.ended(0).unwrap();
        on(&contract).await.ended(0).unwrap();
        staging.done().await;
        production.done().await;
    });
}

/// What is not said, or is likely meant otherwise, is told before anything is done.
#[test]
fn what_database_is_meant_is_asked() {
    runtime().block_on(async {
        let shop = Database::with(ACCOUNTS).await.unwrap();
        environments(&shop, &[("dev", &shop, ""), ("production", &shop, "approval = { required = 2 }")]);
        schema(&shop, "CREATE TABLE something (id int);");
        let mut command = shop.command(&["status"]);
        command.env_remove("DATABASE_URL");
        let ran = oracle::finish(command, &["status"]).await;
        ran.fails(1, "no database is named");
        assert!(ran.stderr.contains("--env dev, --env production"), "{}", ran.shown());
        let made = ["plan", "--env", "dev", "--name", "other", "--manage", "all", "--assume-drop", "all"];
        let made = shop.trueup(&made).await.ended(0).unwrap();
        let asked =
            "the database has 1 table, and none of them is in the schema: is this the right database?";
        assert!(made.stdout.contains(asked), "{}", made.shown());
        // the policy of an environment can be asked without its database
        approved(&shop, "other").await;
        let offline = ["verify", "other", "--offline", "--phase", "all", "--env"];
        shop.trueup(&[&offline[..], &["dev"]].concat()).await.ended(0).unwrap();
        let ran = shop.trueup(&[&offline[..], &["production"]].concat()).await.ended(3).unwrap();
        assert!(
            ran.stdout.contains("has 1 of 2 approvals") && ran.stdout.contains("database: not compared"),
            "{}",
            ran.shown()
        );
        shop.done().await;
    });
}

/// What CI says of a pull request: whether its plan leads to its schema, and which plans it makes stale.
#[test]
fn plans_are_checked_against_the_schema() {
    runtime().block_on(async {
        let shop = Database::with(ACCOUNTS).await.unwrap();
        environments(&shop, &[("here", &shop, "")]);
        let check = async || shop.trueup(&["plan", "--check", "--env", "here"]).await;
        let table = |more: &str| format!("CREATE TABLE account (id int PRIMARY KEY, name text{more});");
        schema(&shop, &table(""));
        check().await.fails_with_output(0, "the plans lead to the schema");
        schema(&shop, &table(", more varchar(10)"));
        check().await.fails_with_output(3, "no plan leads from the database to the schema");
        shop.trueup(&["plan", "--env", "here", "--name", "one"]).await.ended(0).unwrap();
        check().await.fails_with_output(0, "the plans lead to the schema");
        // the schema was changed once more, and not planned again
        schema(&shop, &table(", more varchar(20)"));
        check().await.fails_with_output(3, "one does not end in the schema: column public.account.more");
        schema(&shop, &table(", more varchar(10)"));
        shop.execute("ALTER TABLE account ADD COLUMN more int").await;
        check().await.fails_with_output(3, "one does not fit: column public.account.more exists already");
        shop.done().await;
    });
}

/// Rows that come between the question what a rollback loses and the step that takes them away are not lost without a word: a hook
/// takes its time there, and applications write at any moment.
#[test]
fn rows_that_come_behind_the_question_are_not_lost() {
    runtime().block_on(async {
        for (change, write, what) in [
            (
                "CREATE TABLE note (id int);",
                "INSERT INTO note VALUES (1)",
                "public.note has rows now that would be lost",
            ),
            (
                "",
                "UPDATE account SET motto = 'm' WHERE id = 1",
                "public.account has rows now that would be lost",
            ),
        ] {
            let database = Database::with(ACCOUNTS).await.unwrap();
            let desired =
                format!("CREATE TABLE account (id int PRIMARY KEY, name text, motto text); {change}");
            database.plan_approved(&desired).await;
            database.trueup(&["apply", "plan"]).await.ended(0).unwrap();
            let psql = oracle::dump::pg_dump().with_file_name("psql");
            let url = oracle::url(&database.target);
            let hook = format!(
                "[hooks]\nbefore = \"\"\"'{}' -X -q '{url}' -c \\\"{write}\\\" \"\"\"\n",
                psql.display()
            );
            database.write("trueup.toml", &hook);
            // nothing is lost as it is counted, and so nobody is asked
            let back = database.trueup_unattended(&["rollback", "plan"]).await;
            assert!(matches!(back.code, Some(1 | 4)) && back.stderr.contains(what), "{}", back.shown());
            let there = "SELECT (SELECT count(*) FROM account WHERE motto = 'm')::text";
            if change.is_empty() {
                assert_eq!(database.ask(there).await, "1");
            } else {
                assert_eq!(database.ask("SELECT count(*)::text FROM note").await, "1");
            }
            database.write("trueup.toml", "");
            database
                .trueup_unattended(&["rollback", "plan"])
                .await
                .fails(3, "the rollback loses what is in the database");
            database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
            database.done().await;
        }
    });
}

/// A plan for other values is not applied here: `ready` and `deploy` say so, until one for this environment has brought the same.
#[test]
fn what_was_planned_for_another_environment_is_not_taken_for_done() {
    runtime().block_on(async {
        let dev = Database::with(ACCOUNTS).await.unwrap();
        let production = beside(&dev, ACCOUNTS).await;
        environments(&dev, &[("dev", &dev, "values = { owner = 'a' }"), ("production", &production, "values = { owner = 'b' }")]);
        schema(&dev, "CREATE TABLE account (id int PRIMARY KEY, name text, owner text NOT NULL -- @backfill using=${owner}\n);");
        dev.trueup(&["plan", "--env", "dev", "--out", "plans/1-dev"]).await.ended(0).unwrap();
        let ready = ["ready", "--code", "new", "--env", "production"];
        dev.trueup(&ready).await.fails_with_output(3, "is another environment's, and its end is not here");
        dev.trueup(&["deploy", "--env", "production"]).await.fails(3, "made for dev: ${owner} is 'a' there and 'b' here");
        dev.trueup(&["plan", "--env", "production", "--out", "plans/2-production"]).await.ended(0).unwrap();
        dev.approve("plans/2-production").await.unwrap();
        dev.trueup(&["apply", "plans/2-production", "--env", "production", "--phase", "all"]).await.ended(0).unwrap();
        dev.trueup(&ready).await.ended(0).unwrap();
        dev.trueup(&["deploy", "--env", "production"]).await.ended(0).unwrap();
        dev.done().await;
    });
}

/// What was given up in staging is not proven there, however far it came.
#[test]
fn what_was_abandoned_where_it_comes_first_is_not_promoted() {
    runtime().block_on(async {
        let staging = Database::with(ACCOUNTS).await.unwrap();
        let production = beside(&staging, ACCOUNTS).await;
        environments(
            &staging,
            &[("staging", &staging, ""), ("production", &production, "after = ['staging']")],
        );
        schema(&staging, "CREATE TABLE account (id int PRIMARY KEY, motto text);");
        staging
            .trueup(&["plan", "--env", "staging", "--out", "plan", "--assume-drop", "all"])
            .await
            .ended(0)
            .unwrap();
        staging.approve("plan").await.unwrap();
        staging.trueup(&["apply", "plan", "--env", "staging"]).await.ended(0).unwrap();
        staging
            .trueup(&["abandon", "plan", "--env", "staging", "--reason", "it is broken"])
            .await
            .ended(0)
            .unwrap();
        staging
            .trueup(&["apply", "plan", "--env", "production"])
            .await
            .fails(3, "staging comes first, and it was abandoned there");
        staging.done().await;
    });
}

/// A plan is superseded by those that change what it changes, and not by those that only know its table.
#[test]
fn a_plan_is_not_superseded_by_one_of_the_same_table() {
    runtime().block_on(async {
        let database =
            Database::with("CREATE TABLE account (id int PRIMARY KEY, d int DEFAULT 1);").await.unwrap();
        environments(&database, &[("production", &database, "")]);
        for (folder, columns) in
            [("plans/1-a", "d int DEFAULT 2, z int"), ("plans/2-b", "d int DEFAULT 1 CHECK (d > 0)")]
        {
            schema(&database, &format!("CREATE TABLE account (id int PRIMARY KEY, {columns});"));
            database.trueup(&["plan", "--env", "production", "--out", folder]).await.ended(0).unwrap();
            database.approve(folder).await.unwrap();
        }
        database
            .trueup(&["apply", "plans/2-b", "--env", "production", "--phase", "all"])
            .await
            .ended(0)
            .unwrap();
        database.execute("ALTER TABLE account ALTER d SET DEFAULT 7").await;
        database
            .trueup(&["ready", "--code", "new", "--env", "production"])
            .await
            .fails_with_output(3, "is stale, and has not run");
        database
            .trueup(&["deploy", "--env", "production"])
            .await
            .fails(3, "the plan is stale: default public.account.d changed");
        database.done().await;
    });
}

/// What a catalog does not tell of a plan's end is asked: rows that nobody filled, a counter that is behind.
#[test]
fn what_was_made_by_hand_is_asked_for_its_rows() {
    runtime().block_on(async {
        let database = Database::with("CREATE TABLE t (id int PRIMARY KEY, a text);").await.unwrap();
        database.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL)").await;
        database.write(
            "desired.sql",
            "CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a text, z text -- @backfill using=a||'z'
            );",
        );
        database.trueup(&["plan", "--schema", "desired.sql", "--out", "plan"]).await.ended(0).unwrap();
        database.execute("ALTER TABLE t ADD z text; UPDATE t SET z = a || 'z' WHERE id = 1; ALTER TABLE t ALTER id ADD GENERATED BY DEFAULT AS IDENTITY").await;
        let ran = database.trueup(&["adopt", "plan"]).await.ended(0).unwrap();
        for said in ["rows without a value for column public.t.z, which the plan would have filled: 2", "sequence"] {
            assert!(ran.stderr.contains(said), "{said}\n{}", ran.shown());
        }
        database.trueup(&["history"]).await.fails_with_output(0, "rows without a value for column public.t.z");
        database.done().await;
    });
}

/// Two plans that wait, made from one base, of which the second cannot be applied behind the first: that is said before either is.
#[test]
fn plans_that_wait_and_do_not_fit_together_are_told_apart() {
    runtime().block_on(async {
        let base = "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE o (id int);
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := ''x''; RETURN NEW; END';";
        let database = Database::with(base).await.unwrap();
        database.execute("INSERT INTO t VALUES (1, 'a')").await;
        environments(&database, &[("prod", &database, "")]);
        let trigger = "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();";
        let fill =
            |base: &str| base.replace("a text)", "a text, z text NOT NULL -- @backfill using=a||'z'\n)");
        for (name, sql) in [("one", format!("{base}{trigger}")), ("two", fill(base))] {
            schema(&database, &sql);
            database.trueup(&["plan", "--env", "prod", "--name", name]).await.ended(0).unwrap();
        }
        schema(&database, &format!("{}{trigger}", fill(base)));
        let ran = database.trueup(&["plan", "--check", "--env", "prod"]).await.ended(3).unwrap();
        assert!(ran.stdout.contains("two does not fit"), "{}", ran.shown());
        let plans = database.trueup(&["plans", "--env", "prod"]).await.ended(0).unwrap().stdout;
        assert!(plans.contains("stale") && plans.contains("waiting"), "{plans}");
        database.done().await;
    });
}
