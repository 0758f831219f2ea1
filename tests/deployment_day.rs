//! A deployment day, as docs/operations.md and docs/team.md tell it: one plan for dev, staging and production, which differ in policy,
//! size and values, from `plan` to `rollback`, while old code and then new code writes to production all the time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use crate::oracle::{
    self, Database, Ran, runtime,
    writers::{ROWS, Writers},
};

/// The shop with this many customers.
fn yesterday(customers: i64) -> String {
    format!(
        "CREATE TABLE customer (id bigint PRIMARY KEY, name text NOT NULL, fax int);
         INSERT INTO customer SELECT n, 'c' || n, n FROM generate_series(1, {customers}) n;
         CREATE TABLE supplier (id bigint PRIMARY KEY, fax text);
         INSERT INTO supplier SELECT n, 'f' || n FROM generate_series(1, 20) n; ANALYZE;"
    )
}

const TODAY: &str = "CREATE TABLE customer (id bigint PRIMARY KEY,
        full_name text NOT NULL, -- @renamed from=name
        region text NOT NULL -- @backfill using=${region}
    );
    CREATE INDEX customer_region ON customer (region);
    CREATE TABLE supplier (id bigint PRIMARY KEY);";

const OLD_CODE: &[&str] = &[
    "UPDATE customer SET name = 'old code ' || $2::int8 WHERE id = $1::int8",
    "INSERT INTO customer (id, name) SELECT $2::int8, 'old code' WHERE $1::int8 > 0",
];

const NEW_CODE: &[&str] = &[
    "UPDATE customer SET full_name = 'new code ' || $2::int8 WHERE id = $1::int8",
    "INSERT INTO customer (id, full_name, region) SELECT $2::int8, 'new code', 'us' WHERE $1::int8 > 0",
];

/// The project, whose files are in the folder of production's database.
struct Day {
    dev: Database,
    staging: Database,
    production: Database,
}

impl Day {
    async fn begins() -> Self {
        let customers = async |count: i64| Database::with(&yesterday(count)).await.unwrap();
        let day = Self {
            dev: customers(3).await,
            staging: customers(500).await,
            production: customers(ROWS).await,
        };
        let environment = |name: &str, database: &Database, more: &str| {
            let (url, shared) = (oracle::url(&database.target), "renames = 'online'\nquiet_minutes = 0");
            format!("[env.{name}]\nurl = \"{url}\"\n{shared}\n{more}\n")
        };
        let values = |mail: &str| format!("values = {{ region = 'eu', mail = '{mail}' }}\n");
        let production = "after = ['staging']\nbackup = 'echo 1000000 60'\n\
            approval = { required = 2, author = false, rollback = true, valid_hours = 24 }\n";
        let environments = [
            environment("dev", &day.dev, &values("dev@shop.example")),
            environment("staging", &day.staging, &(values("qa@shop.example") + "after = ['dev']")),
            environment("production", &day.production, &(values("shop@shop.example") + production)),
            "[env.gone]\nurl = 'postgres://127.0.0.1:1/shop'\n".to_owned(),
        ];
        day.production.write("trueup.toml", &format!("schema = ['schema']\n{}", environments.concat()));
        day.production.write("schema/shop.sql", TODAY);
        day
    }

    /// Runs a command line, and says how it ended.
    async fn run(&self, line: &str) -> Ran {
        let arguments: Vec<&str> = line.split(' ').collect();
        // without what other tests add to a rollback and to contract
        let mut command = self.production.command(&[]);
        command.args(&arguments).env_remove("DATABASE_URL");
        oracle::finish(command, &arguments).await
    }

    /// That it ends with this code, and says this.
    async fn says(&self, line: &str, code: i32, words: &str) {
        let ran = self.run(line).await.ended(code).unwrap();
        assert!(ran.shown().contains(words), "{words:?} is not in\n{}", ran.shown());
    }

    /// What the daily job says.
    async fn daily(&self, env: &str, code: i32, words: &str) {
        self.says(&format!("status --env {env} --exit-code"), code, words).await;
    }
}

#[test]
fn a_deployment_day_from_dev_to_production_and_back() {
    runtime().block_on(async {
        let day = Day::begins().await;
        let before = day.production.dump().await;

        // dev: planned, reviewed, approved, applied
        day.daily("dev", 2, "NEEDS_MIGRATION").await;
        day.says("plan --env dev --name full-name --author carol", 0, "rehearsed: ").await;
        day.says("verify full-name --env dev", 3, "phase expand is not approved").await;
        day.says("deploy --env dev", 3, "phase expand is not approved").await;
        day.says("approve full-name --as alice --phase all --accept all", 0, "alice approves contract").await;
        day.says("verify full-name --env dev --phase all --rehearse --reproduce", 0, "approved by alice")
            .await;
        day.says("preflight full-name --env dev", 0, "pass  approvals").await;
        day.says("deploy --env dev", 0, "full-name: expand applied").await;
        day.says("ready --code new --env dev", 0, "ready: new code works").await;
        day.says("deploy --env dev --phase contract", 0, "full-name: contract applied").await;
        day.daily("dev", 0, "SAFE: full-name is applied, and the database is as desired").await;

        // staging comes before production, and two must approve there
        day.says("deploy --env production", 3, "staging comes first, and its phase expand is not done there")
            .await;
        day.says("deploy --env staging", 0, "full-name: expand applied").await;
        day.daily("staging", 6, "PARTIAL_MIGRATION").await;
        day.says("verify full-name --env production", 3, "phase expand has 1 of 2 approvals").await;
        day.says("preflight full-name --env production", 3, "phase expand has 1 of 2 approvals").await;
        day.says("deploy --env production", 3, "phase expand has 1 of 2 approvals").await;
        // who made it does not count there
        day.says("approve full-name --as carol --phase all --accept all", 0, "carol approves").await;
        day.says("verify full-name --env production", 3, "phase expand has 1 of 2 approvals").await;
        day.says("approve full-name --as bob --phase all --accept all", 0, "bob approves").await;
        day.says("verify full-name --env production --phase all", 0, "contract: approved by alice, bob")
            .await;
        day.says("preflight full-name --env production", 0, "pass  backup").await;
        day.daily("production", 2, "NEEDS_MIGRATION: full-name has not been applied").await;

        // expand, while old code writes; then new code is rolled out
        let old = Writers::start(&day.production, OLD_CODE, 10_000_000).await;
        day.says("ready --code new --env production", 3, "not ready: new code fails").await;
        day.says("deploy --env production", 0, "full-name: expand applied").await;
        day.daily("production", 6, "PARTIAL_MIGRATION: full-name: phase expand applied, contract remains")
            .await;
        day.says("ready --code new --env production", 0, "ready: new code works").await;
        day.says("ready --code old --env production", 0, "ready: old code works").await;
        let new = Writers::start(&day.production, NEW_CODE, 20_000_000).await;
        let both =
            "SELECT count(*)::text FROM customer WHERE full_name IS DISTINCT FROM name OR region IS NULL";
        assert_eq!(day.production.ask(both).await, "0");

        // contract, while new code writes; a reader of another table is in the way of its end
        let contract = "deploy --env production --phase contract --lock-retries 0";
        day.says(contract, 3, "staging comes first, and its phase contract is not done there").await;
        day.says("deploy --env staging --phase contract", 0, "full-name: contract applied").await;
        old.end("old code until contract").await;
        day.says("preflight full-name --env production --phase contract", 0, "pass  promotion").await;
        let reader = day.production.session().await;
        reader.client().batch_execute("BEGIN; LOCK TABLE supplier IN ACCESS SHARE MODE").await.unwrap();
        day.says(contract, 4, "phase contract: ").await;
        day.daily("production", 4, "PARTIAL_MIGRATION: full-name: part-way through phase contract").await;
        reader.client().batch_execute("ROLLBACK").await.unwrap();
        reader.close().await;
        day.says(contract, 0, "full-name: contract applied").await;
        day.daily("production", 0, "SAFE: full-name is applied, and the database is as desired").await;
        day.says("deploy --env production", 0, "expand: 0 plans applied").await;
        day.says("ready --code old --env production", 3, "not ready: old code fails").await;

        // the mornings after
        day.production.execute("ALTER TABLE supplier ADD COLUMN note text").await;
        day.daily("production", 5, "DRIFTED").await;
        day.production.execute("ALTER TABLE supplier DROP COLUMN note").await;
        day.daily("production", 0, "SAFE").await;
        day.daily("gone", 1, "ERROR: ").await;
        day.says("diff staging production --exit-code", 0, "No difference").await;

        // back: contract while new code writes, then the old code is deployed, then expand
        let back = "rollback full-name --env production --phase";
        day.says(&format!("{back} contract"), 3, "phase contract has 0 of 2 approvals").await;
        day.says("verify full-name --env production --rollback", 3, "contract: ").await;
        for name in ["alice", "bob"] {
            let approve =
                format!("approve full-name --as {name} --phase all --rollback --accept all --env production");
            day.says(&approve, 0, "the rollback of contract").await;
        }
        day.says("verify full-name --env production --rollback", 0, "contract: approved by alice, bob").await;
        day.says("preflight full-name --env production --rollback", 0, "pass  approvals").await;
        day.says(
            &format!("{back} contract"),
            0,
            "the values of column public.customer.fax did not come back",
        )
        .await;
        day.daily("production", 6, "PARTIAL_MIGRATION: full-name: phase expand applied").await;
        day.says("ready --code old --env production", 0, "ready: old code works").await;
        let old = Writers::start(&day.production, OLD_CODE, 30_000_000).await;
        new.end("new code until it is taken back").await;
        day.says(&format!("{back} expand"), 0, "full-name: expand rolled back").await;
        old.end("old code until the evening").await;
        before.must_equal(&day.production.dump().await, "production is not what it was").await.unwrap();
        let wrote = "SELECT (count(*) > 0)::text FROM customer WHERE name LIKE 'new code%'";
        assert_eq!(day.production.ask(wrote).await, "true");
        // what was taken back is not applied again by the deploy job, and the schema still asks for it
        day.says("deploy --env production", 0, "expand: 0 plans applied").await;
        day.daily("production", 2, "NEEDS_MIGRATION").await;
        day.says("plans --env production", 0, "rolled back").await;
        day.says("history --env production --verify", 0, "").await;
        for database in [day.dev, day.staging, day.production] {
            database.done().await;
        }
    });
}
