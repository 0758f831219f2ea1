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
