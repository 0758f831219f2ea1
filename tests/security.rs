//! docs/security.md says what a role needs: exactly that is granted here, and it can do everything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle;
use crate::oracle::{Database, runtime};

/// The SQL of the page: a block that begins with this.
fn grants(fence: &str) -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md")).unwrap();
    let (_, rest) = page.split_once(&format!("```{fence}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

const BEFORE: &str =
    "SET ROLE owner_N; CREATE SCHEMA shop; CREATE TABLE shop.ship (id int PRIMARY KEY, name text NOT NULL);
    INSERT INTO shop.ship SELECT n, 'ship ' || n FROM generate_series(1, 100) n; RESET ROLE;";
const AFTER: &str = "CREATE SCHEMA shop;
    CREATE TABLE shop.ship (id int PRIMARY KEY, title text NOT NULL, -- @renamed from=name online
        tier text NOT NULL -- @backfill using=upper(id::text)
    );
    CREATE INDEX by_title ON shop.ship (title);
    CREATE TABLE shop.cargo (ship int REFERENCES shop.ship);
    CREATE VIEW shop.names AS SELECT title FROM shop.ship;
    CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql RETURN 1;";

/// `N` keeps the roles of one way apart from those of the other: roles belong to the server.
async fn everything(fence: &str, number: &str) {
    let database = Database::with(&format!("CREATE ROLE owner_{number}")).await.unwrap();
    let name = database.target.database().to_owned();
    database.execute(&format!("GRANT CREATE ON DATABASE {name} TO owner_{number}")).await;
    database.execute(&BEFORE.replace("owner_N", &format!("owner_{number}"))).await;
    database.execute(&format!("REVOKE CREATE ON DATABASE {name} FROM owner_{number}")).await;
    let grants = grants(fence)
        .replace("deployer", &format!("deployer_{number}"))
        .replace("owner", &format!("owner_{number}"))
        .replace(&format!("TO owner_{number} TO"), "TO")
        .replace("DATABASE app", &format!("DATABASE {name}"));
    database.execute(&grants).await;
    let before = database.dump().await;

    let url = oracle::url(&database.target).replacen("postgres@", &format!("deployer_{number}@"), 1);
    let url = url.replace("user=postgres", &format!("user=deployer_{number}"));
    assert!(url.contains(&format!("deployer_{number}")), "{url}");
    let trueup = async |arguments: &[&str], code: i32| {
        let mut command = database.command(arguments);
        command.env("DATABASE_URL", &url);
        oracle::finish(command, arguments).await.ended(code).unwrap()
    };
    database.write("desired.sql", AFTER);
    let plan = ["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code", "--manage", "shop"];
    trueup(&plan, 2).await;
    trueup(&["approve", "plan", "--as", "alice", "--phase", "all", "--accept", "all"], 0).await;
    trueup(&["preflight", "plan", "--phase", "all"], 0).await;
    trueup(&["verify", "plan", "--phase", "all"], 0).await;
    trueup(&["apply", "plan", "--phase", "expand"], 0).await;
    trueup(&["apply", "plan", "--phase", "contract"], 0).await;
    let applied = trueup(&["history"], 0).await;
    assert!(applied.stdout.contains(&format!("deployer_{number}")), "{}", applied.shown());
    trueup(&["status", "--schema", "desired.sql"], 0).await;
    trueup(&["protect"], 0).await;
    trueup(&["rollback", "plan"], 0).await;
    before.must_equal(&database.dump().await, "the rollback does not lead back").await.unwrap();
    trueup(&["adopt", "--manage", "shop"], 0).await;
    trueup(&["dump"], 0).await;
    database.done().await;
}

#[test]
fn a_role_with_these_grants_can_do_everything() {
    runtime().block_on(everything("sql", "a"));
}

#[test]
fn a_role_that_has_the_schema_made_for_it_can_too() {
    runtime().block_on(everything("sql alternative", "b"));
}
