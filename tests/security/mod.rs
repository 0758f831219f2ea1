//! docs/security.md says what a role needs: exactly that is granted here, and it can do everything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

pub mod approvals;
mod bound;
mod evidence;
mod forged;
mod hosts;
mod owner;
mod rights;
mod sandbox;
mod secrets;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
};
use trueup::postgres::Target;

use crate::oracle::{self, Database, runtime};

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

/// A role that may create in a database, and would like to be more: what it puts in the place of the journal's tables is a
/// function that makes it a superuser, once a superuser runs it.
struct Mallory {
    database: Database,
    name: String,
}

impl Mallory {
    async fn on(major: u16) -> Self {
        let before = "CREATE TABLE ship (id int PRIMARY KEY)";
        let database = Database::with_on(oracle::server_of(Some(major)), before).await.unwrap();
        let name = format!("mallory_{}", database.target.database());
        database
            .execute(&format!(
                "CREATE ROLE {name} LOGIN; GRANT CREATE ON DATABASE {} TO {name}; GRANT ALL ON SCHEMA public TO {name}",
                database.target.database()
            ))
            .await;
        Self { database, name }
    }

    /// Does something with her own rights.
    async fn does(&self, sql: &str) {
        self.database.execute(&format!("SET ROLE {}; {sql}", self.name)).await;
    }

    /// What she has run by others, in her database or a copy of it, and not where that is rehearsed.
    fn attack(&self, schema: &str) -> String {
        format!(
            "CREATE FUNCTION {schema}.attack() RETURNS boolean LANGUAGE plpgsql AS $attack$ BEGIN
                 IF pg_catalog.current_database() LIKE 'test%' THEN EXECUTE 'ALTER ROLE {} SUPERUSER'; END IF; RETURN true;
             EXCEPTION WHEN OTHERS THEN RETURN true; END $attack$;
             CREATE FUNCTION {schema}.attack_row() RETURNS trigger LANGUAGE plpgsql AS $attack$ BEGIN
                 PERFORM {schema}.attack(); RETURN NEW; END $attack$;",
            self.name
        )
    }

    /// That she is what she was.
    async fn gained_nothing(&self, how: &str) {
        let gained = format!("SELECT rolsuper::text FROM pg_roles WHERE rolname = '{}'", self.name);
        assert_eq!(self.database.ask(&gained).await, "false", "{how}");
    }

    async fn done(self) {
        self.database.execute(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name)).await;
        self.database.done().await;
    }
}

/// The commands that read or write the journal.
const COMMANDS: [&[&str]; 8] = [
    &["status"],
    &["history"],
    &["plan", "--schema", "desired.sql", "--out", "next"],
    &["preflight", "plan"],
    &["protect"],
    &["audit"],
    &["adopt"],
    &["apply", "plan"],
];

fn a_journal_that_somebody_else_made(major: u16) {
    // each would run for a superuser who reads or writes
    const PLACES: [&str; 12] = [
        "ALTER TABLE trueup.layout RENAME TO kept; CREATE VIEW trueup.layout AS SELECT version FROM trueup.kept WHERE trueup.attack()",
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON trueup.run FOR EACH ROW EXECUTE FUNCTION trueup.attack_row()",
        "CREATE RULE r AS ON INSERT TO trueup.refusal DO ALSO SELECT trueup.attack()",
        "ALTER TABLE trueup.run ENABLE ROW LEVEL SECURITY; ALTER TABLE trueup.run FORCE ROW LEVEL SECURITY;
         CREATE POLICY p ON trueup.run USING (trueup.attack())",
        "ALTER TABLE trueup.run ALTER COLUMN tool SET DEFAULT trueup.attack()::text",
        "ALTER TABLE trueup.policy ADD CHECK (trueup.attack())",
        "CREATE FUNCTION trueup.still() RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
         CREATE INDEX ON trueup.adoption ((trueup.still())) WHERE id > 0",
        "CREATE TABLE trueup.child () INHERITS (trueup.step)",
        // the planner computes them
        "CREATE STATISTICS trueup.s ON id, plan FROM trueup.run",
        // a row of hers goes with one of the journal
        "CREATE TABLE public.fk (k boolean REFERENCES trueup.reached_at (one) ON DELETE CASCADE)",
        "GRANT TRIGGER ON trueup.adoption TO PUBLIC",
        "GRANT INSERT ON trueup.policy TO PUBLIC",
    ];
    runtime().block_on(async {
        let mallory = Mallory::on(major).await;
        let database = &mallory.database;
        let url = oracle::url(&database.target);
        let believed = format!("[env.prod]\nurl = \"{url}\"\njournal_owners = [\"{}\"]\n", mallory.name);
        database.write("desired.sql", "CREATE TABLE ship (id int PRIMARY KEY, name text);");
        database.trueup(&["plan", "--schema", "desired.sql", "--out", "plan"]).await.ended(0).unwrap();
        database.approve("plan").await.unwrap();
        let hers = oracle::url(&database.target.with_user(&mallory.name, None));
        database.trueup(&["adopt", "--url", &hers]).await.ended(0).unwrap();
        // as it is, but hers: nobody has said that she is believed
        for command in COMMANDS {
            let refused = database.trueup(command).await;
            refused.fails(3, "the journal, ");
            assert!(
                refused.stderr.contains(&format!("belongs to role \"{}\"", mallory.name)),
                "{}",
                refused.shown()
            );
        }
        // nor does a superuser become her
        let name = database.target.database();
        database.execute(&format!("ALTER DATABASE {name} SET role = {}", mallory.name)).await;
        database.trueup(&["status"]).await.fails(3, "the journal, ");
        database.execute(&format!("ALTER DATABASE {name} RESET role")).await;
        database.write("trueup.toml", &believed);
        let with_env = |command: &[&'static str]| [command, &["--env", "prod"]].concat();
        database.trueup(&with_env(&["status"])).await.ended(0).unwrap();
        mallory.does(&mallory.attack("trueup")).await;
        for place in PLACES {
            let mallorys = database.copy().await;
            let url = oracle::url(&mallorys.target);
            mallorys.write("trueup.toml", &believed.replace(&oracle::url(&database.target), &url));
            mallorys.write("desired.sql", "CREATE TABLE ship (id int PRIMARY KEY, name text);");
            let planning = ["plan", "--schema", "desired.sql", "--out", "plan"];
            mallorys.trueup(&with_env(&planning)).await.ended(0).unwrap();
            mallorys.approve("plan").await.unwrap();
            mallorys.execute(&format!("SET ROLE {}; {place}", mallory.name)).await;
            for command in COMMANDS {
                let ran = mallorys.trueup(&with_env(command)).await;
                mallory.gained_nothing(&format!("{place}\n{}", ran.shown())).await;
                ran.fails(3, "the journal, trueup.");
                assert!(ran.stderr.contains("is not what trueup made: it has"), "{}", ran.shown());
            }
            mallorys.execute(&format!("DROP OWNED BY {}", mallory.name)).await;
            mallorys.done().await;
        }
        mallory.done().await;
    });
}

#[test]
fn a_journal_that_somebody_else_made_is_not_read_on_15() {
    a_journal_that_somebody_else_made(15);
}

#[test]
fn a_journal_that_somebody_else_made_is_not_read_on_18() {
    a_journal_that_somebody_else_made(18);
}

/// Whoever owns the journal changes it in a transaction that is open while a superuser takes it over: that is seen.
#[test]
fn a_journal_that_changes_while_it_is_taken_over_is_not_written_to() {
    runtime().block_on(async {
        let mallory = Mallory::on(15).await;
        let database = &mallory.database;
        let url = oracle::url(&database.target);
        let hers = oracle::url(&database.target.with_user(&mallory.name, None));
        database.trueup(&["adopt", "--url", &hers]).await.ended(0).unwrap();
        mallory.does(&mallory.attack("trueup")).await;
        let believed = format!("[env.prod]\nurl = \"{url}\"\njournal_owners = [\"{}\"]\n", mallory.name);
        database.write("trueup.toml", &believed);
        let session = database.session().await;
        for command in [&["protect", "--env", "prod"][..], &["audit", "--env", "prod"]] {
            let open = format!(
                "BEGIN; SET LOCAL ROLE {}; CREATE TRIGGER t BEFORE INSERT ON trueup.policy \
                 FOR EACH ROW EXECUTE FUNCTION trueup.attack_row()",
                mallory.name
            );
            session.client().batch_execute(&open).await.unwrap();
            let waits = async {
                let blocked = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                               AND datname = current_database() AND query ~ 'OWNER TO|take|owner'";
                while database.ask(blocked).await == "0" {
                    tokio::task::yield_now().await;
                }
                session.client().batch_execute("COMMIT").await.unwrap();
            };
            let (ran, ()) = tokio::join!(database.trueup(command), waits);
            mallory.gained_nothing(&ran.shown()).await;
            ran.fails(3, "is not what trueup made: it has \"trigger t\"");
            session.client().batch_execute("DROP TRIGGER t ON trueup.policy").await.unwrap();
        }
        session.close().await;
        database.trueup(&["protect", "--env", "prod"]).await.ended(0).unwrap();
        mallory.done().await;
    });
}

/// A pooler that takes no `options` in the startup packet, as PgBouncer does. Returns its port, and how often it refused.
async fn pooler(server: &Target) -> (u16, Arc<AtomicUsize>) {
    let socket = server.hosts()[0].socket().expect("a server of tests has a socket");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut startup = vec![0; 4];
            client.read_exact(&mut startup).await.unwrap();
            let length = u32::from_be_bytes([startup[0], startup[1], startup[2], startup[3]]);
            startup.resize(usize::try_from(length).unwrap(), 0);
            client.read_exact(&mut startup[4..]).await.unwrap();
            if startup.windows(9).any(|part| part == b"\0options\0") {
                count.fetch_add(1, Ordering::Relaxed);
                let fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
                let length = u32::try_from(4 + fields.len()).unwrap().to_be_bytes();
                let _ = client.write_all(&[&b"E"[..], &length, fields].concat()).await;
                continue;
            }
            let mut server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move {
                server.write_all(&startup).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, refused)
}

/// The owner of a database has its sessions find her types, functions and operators before PostgreSQL's.
fn names_of_the_owners(major: u16) {
    runtime().block_on(async {
        let mallory = Mallory::on(major).await;
        let database = &mallory.database;
        database.write("desired.sql", "CREATE TABLE ship (id int PRIMARY KEY, name text);");
        database.trueup(&["plan", "--schema", "desired.sql", "--out", "plan"]).await.ended(0).unwrap();
        database.approve("plan").await.unwrap();
        let (name, role) = (database.target.database(), &mallory.name);
        database.execute(&format!("ALTER DATABASE {name} OWNER TO {role}")).await;
        mallory.does("CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC").await;
        mallory.does(&mallory.attack("evil")).await;
        for data_type in ["bool", "text", "name", "int8", "int4", "regclass"] {
            let domain = format!("CREATE DOMAIN evil.{data_type} AS pg_catalog.{data_type} CHECK (evil.attack())");
            mallory.does(&domain).await;
        }
        for (function, argument, result) in [
            ("current_setting", "text", "text"),
            ("pg_backend_pid", "", "int4"),
            ("pg_is_in_recovery", "", "bool"),
            ("to_regclass", "text", "regclass"),
        ] {
            mallory
                .does(&format!(
                    "CREATE FUNCTION evil.{function}({argument}) RETURNS pg_catalog.{result} LANGUAGE plpgsql AS
                     $f$ BEGIN PERFORM evil.attack(); RETURN NULL; END $f$"
                ))
                .await;
        }
        mallory
            .does(
                "CREATE FUNCTION evil.same(pg_catalog.name, pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS
                 $f$ BEGIN PERFORM evil.attack(); RETURN true; END $f$;
                 CREATE OPERATOR evil.= (LEFTARG = pg_catalog.name, RIGHTARG = pg_catalog.text, FUNCTION = evil.same)",
            )
            .await;
        mallory.does(&format!("ALTER DATABASE {name} SET search_path = evil, pg_catalog, public")).await;
        let (port, refused) = pooler(database.server).await;
        let pooled = format!("postgres://{}@127.0.0.1:{port}/{name}?sslmode=disable", database.target.user());
        for url in [oracle::url(&database.target), pooled] {
            for command in COMMANDS.iter().chain([&["rollback", "plan"][..]].iter()) {
                let ran = database.trueup(&[command, &["--url", &url][..]].concat()).await;
                mallory.gained_nothing(&ran.shown()).await;
                assert!(ran.code.is_some_and(|code| code != 1), "{}", ran.shown());
            }
        }
        assert!(refused.load(Ordering::Relaxed) > 0);
        database.execute(&format!("ALTER DATABASE {name} OWNER TO {}", database.target.user())).await;
        mallory.done().await;
    });
}

#[test]
fn names_mean_what_postgresql_means_from_the_first_statement_on_15() {
    names_of_the_owners(15);
}

#[test]
fn names_mean_what_postgresql_means_from_the_first_statement_on_18() {
    names_of_the_owners(18);
}

/// The role whose the journal was goes on with it, and can neither pin another policy nor have that one not found.
#[test]
fn a_policy_that_a_superuser_pins_is_his() {
    runtime().block_on(async {
        let mallory = Mallory::on(15).await;
        let database = &mallory.database;
        let hers = oracle::url(&database.target.with_user(&mallory.name, None));
        database.write("desired.sql", "CREATE TABLE ship (id int PRIMARY KEY); CREATE TABLE more (id int);");
        let planning = ["plan", "--schema", "desired.sql", "--out", "plan", "--url", &hers];
        database.trueup(&planning).await.ended(0).unwrap();
        database.trueup(&["adopt", "--url", &hers]).await.ended(0).unwrap();
        let url = oracle::url(&database.target);
        let believed = format!("[env.prod]\nurl = \"{url}\"\njournal_owners = [\"{}\"]\n", mallory.name);
        database.write("trueup.toml", &format!("[approval]\nrequired = 2\n{believed}"));
        database.trueup(&["protect", "--env", "prod"]).await.ended(0).unwrap();
        for sql in [
            "INSERT INTO trueup.policy (body) VALUES (NULL)",
            "UPDATE trueup.policy SET body = NULL",
            "ALTER TABLE trueup.policy RENAME TO gone",
            "DROP TABLE trueup.policy",
            "ALTER SCHEMA trueup RENAME TO gone",
            "CREATE TRIGGER t BEFORE INSERT ON trueup.run FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ] {
            let tried = database.try_execute(&format!("SET ROLE {}; {sql}", mallory.name)).await;
            assert!(tried.is_err(), "{sql}");
        }
        // nor by a layout that did not have it yet
        mallory.does("UPDATE trueup.layout SET version = 4").await;
        let yes = ["approve", "plan", "--phase", "all", "--accept", "all", "--env", "prod", "--as"];
        database.trueup(&[&yes[..], &["tester"]].concat()).await.ended(0).unwrap();
        database.trueup(&[&yes[..], &["another"]].concat()).await.ended(0).unwrap();
        let second = database.path("plan/approvals/expand-another.toml");
        std::fs::rename(&second, database.path("later.toml")).unwrap();
        std::fs::remove_file(database.path("trueup.toml")).unwrap();
        let refused = database.trueup(&["apply", "plan", "--url", &hers]).await.ended(3).unwrap();
        assert!(refused.shown().contains("has 1 of 2 approvals"), "{}", refused.shown());
        mallory.does("UPDATE trueup.layout SET version = 9").await;
        std::fs::rename(database.path("later.toml"), second).unwrap();
        database.trueup(&["apply", "plan", "--url", &hers]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan", "--url", &hers]).await.ended(0).unwrap();
        mallory.done().await;
    });
}
