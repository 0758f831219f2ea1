//! Code of a database has the rights of its owner, whoever plans and applies.

use trueup::postgres::Session;

use crate::oracle::{self, Database, runtime};

/// Who owns a table in somebody else's database, and every function that its columns, checks, triggers and indexes call.
struct Mallory {
    database: Database,
    name: String,
}

/// Functions that try to get more than their owner has: to be a superuser, and to read what only `vault`'s reader may.
const FUNCTIONS: &str = "
CREATE FUNCTION m.attack() RETURNS void LANGUAGE plpgsql AS $$
DECLARE way text;
BEGIN
    -- not where it is rehearsed
    IF current_database() NOT LIKE 'test%' THEN RETURN; END IF;
    FOREACH way IN ARRAY ARRAY['SELECT 1', 'RESET ROLE', 'SET ROLE postgres', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION postgres'] LOOP
        BEGIN
            EXECUTE way;
            EXECUTE 'ALTER ROLE $mallory SUPERUSER';
        EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN
            EXECUTE way;
            INSERT INTO others.loot SELECT secret FROM others.vault;
        EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP;
    BEGIN INSERT INTO others.ran VALUES (current_user); EXCEPTION WHEN OTHERS THEN NULL; END;
END $$;
CREATE FUNCTION m.attack_text(value text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM m.attack(); RETURN value; END $$;
CREATE FUNCTION m.attack_check(value text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM m.attack(); RETURN true; END $$;
CREATE FUNCTION m.attack_int() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM m.attack(); RETURN 1; END $$;
CREATE FUNCTION m.attack_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM m.attack(); RETURN NEW; END $$;
CREATE DOMAIN m.label AS text CHECK (m.attack_check(VALUE));";

const BEFORE: &str = "
CREATE TABLE m.ship (id int PRIMARY KEY, name text, host text, port int, tag m.label);
CREATE TRIGGER attack BEFORE INSERT OR UPDATE ON m.ship FOR EACH ROW EXECUTE FUNCTION m.attack_row();";

/// A data check, a CHECK, a backfill under a trigger, a default, a rewrite with a generated column, another domain's check.
const AFTER: &str = "
CREATE TABLE m.ship (id int PRIMARY KEY, name text, host text, port text /* @convert using=m.attack_text(port::text) back=port::int instant */,
    tag m.label, berth int DEFAULT m.attack_int(),
    tier text NOT NULL, -- @backfill using=upper(name)
    loud text GENERATED ALWAYS AS (m.attack_text(name)) STORED,
    CONSTRAINT named CHECK (m.attack_check(name))
);
CREATE UNIQUE INDEX by_host ON m.ship (m.attack_text(host));
CREATE TRIGGER attack BEFORE INSERT OR UPDATE ON m.ship FOR EACH ROW EXECUTE FUNCTION m.attack_row();";

impl Mallory {
    async fn on(major: u16) -> Self {
        let database = Database::with_on(oracle::server_of(Some(major)), "").await.unwrap();
        let name = format!("mallory_{}", database.target.database());
        database
            .execute(&format!(
                "CREATE ROLE {name} LOGIN; CREATE SCHEMA m AUTHORIZATION {name};
                 CREATE SCHEMA others; GRANT USAGE ON SCHEMA others TO PUBLIC;
                 CREATE TABLE others.vault (secret text); INSERT INTO others.vault VALUES ('treasure');
                 CREATE TABLE others.loot (secret text); CREATE TABLE others.ran (role text);
                 GRANT INSERT ON others.loot, others.ran TO PUBLIC"
            ))
            .await;
        let mallory = Self { database, name };
        mallory.does(&format!("{}{BEFORE}", mallory.functions())).await;
        // rows are there before the trigger is
        let rows = "ALTER TABLE m.ship DISABLE TRIGGER attack; INSERT INTO m.ship (id, name, host, port)
            SELECT n, 'ship', 'host ' || n, n FROM generate_series(1, 20) n; ALTER TABLE m.ship ENABLE TRIGGER attack";
        mallory.does(rows).await;
        mallory.gained_nothing("the setup").await;
        mallory
    }

    fn functions(&self) -> String {
        FUNCTIONS.replace("$mallory", &self.name)
    }

    /// Does something as herself: a superuser who only took her role would be attacked here already.
    async fn does(&self, sql: &str) {
        let session = Session::connect(&self.database.target.with_user(&self.name, None)).await.unwrap();
        session.client().batch_execute(sql).await.unwrap();
        session.close().await;
    }

    async fn gained_nothing(&self, when: &str) {
        let gained = format!("SELECT rolsuper::text FROM pg_roles WHERE rolname = '{}'", self.name);
        assert_eq!(self.database.ask(&gained).await, "false", "a superuser after {when}");
        assert_eq!(
            self.database.ask("SELECT count(*)::text FROM others.loot").await,
            "0",
            "what others read after {when}"
        );
        let ran =
            self.database.ask("SELECT COALESCE(string_agg(DISTINCT role, ', '), '') FROM others.ran").await;
        assert!(ran.is_empty() || ran == self.name, "run as {ran} after {when}");
    }

    fn desired(&self, after: &str) -> String {
        format!("CREATE SCHEMA m; {}{after}", self.functions())
    }
}

fn nothing_is_gained_of_who_applies(major: u16) {
    runtime().block_on(async {
        let mallory = Mallory::on(major).await;
        let Mallory { database, name } = &mallory;
        let deployer = format!("deployer_{}", database.target.database());
        database
            .execute(&format!(
                "CREATE ROLE {deployer} LOGIN; GRANT {name} TO {deployer}; GRANT SELECT ON others.vault TO {deployer};
                 GRANT CREATE ON DATABASE {} TO {deployer}; GRANT TRUNCATE ON others.ran TO {name}",
                database.target.database()
            ))
            .await;
        let url = oracle::url(&database.target);
        let as_deployer = url.replace("user=postgres", &format!("user={deployer}"));
        let as_deployer = as_deployer.replacen("postgres@", &format!("{deployer}@"), 1);
        database.write("trueup.toml", &format!("[env.role]\nurl = \"{url}\"\nrole = \"{deployer}\"\n"));
        database.write("desired.sql", &mallory.desired(AFTER));
        // a superuser, a member of the owning role, and a superuser who takes that member's role
        for (way, url, env) in [("root", &url, None), ("member", &as_deployer, None), ("role", &url, Some("role"))] {
            let run = async |arguments: &[&str], code: i32| {
                let mut all = arguments.to_vec();
                all.extend(env.iter().flat_map(|env| ["--env", env]));
                let mut command = database.command(&all);
                if env.is_none() {
                    command.env("DATABASE_URL", url);
                }
                let ran = oracle::finish(command, &all).await.ended(code).unwrap();
                mallory.gained_nothing(&format!("{way}: {}", arguments.join(" "))).await;
                ran
            };
            run(&["plan", "--schema", "desired.sql", "--out", way, "--exit-code", "--manage", "m"], 2).await;
            run(&["approve", way, "--as", "alice", "--phase", "all", "--accept", "all"], 0).await;
            let looked = run(&["preflight", way, "--phase", "all"], 0).await;
            let warned = looked.stdout.contains("a superuser");
            assert_eq!(warned, way == "root", "{}", looked.shown());
            run(&["apply", way, "--phase", "all"], 0).await;
            // the attack did run, where rows were written
            let ran = database.ask("SELECT (count(*) > 0)::text FROM others.ran").await;
            assert_eq!(ran, "true", "nothing of hers ran: {way}");
            run(&["rollback", way], 0).await;
            database.execute("TRUNCATE others.ran").await;
            let applied = database.ask("SELECT string_agg(DISTINCT role, ', ') FROM trueup.run").await;
            // who connected
            let role = if way == "member" { &deployer } else { "postgres" };
            assert!(applied.contains(role), "{applied}");
            database.execute("DROP SCHEMA trueup CASCADE").await;
        }
        mallory.database.done().await;
    });
}

#[test]
fn nothing_is_gained_of_who_applies_on_15() {
    nothing_is_gained_of_who_applies(15);
}

#[test]
fn nothing_is_gained_of_who_applies_on_18() {
    nothing_is_gained_of_who_applies(18);
}

/// Before 18 a deferred trigger has the rights of who commits: a superuser's commit is not had by it.
fn a_deferred_trigger(major: u16) {
    runtime().block_on(async {
        let mallory = Mallory::on(major).await;
        let database = &mallory.database;
        let deferred = "CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON m.ship DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION m.attack_row();";
        mallory.does(deferred.trim_end_matches(';')).await;
        let after = "CREATE TABLE m.ship (id int PRIMARY KEY, name text, host text, port int, tag m.label,
                tier text NOT NULL /* @backfill using=upper(name) */);
            CREATE TRIGGER attack BEFORE INSERT OR UPDATE ON m.ship FOR EACH ROW EXECUTE FUNCTION m.attack_row();";
        database.write("desired.sql", &mallory.desired(&format!("{after}{deferred}")));
        let plan = ["plan", "--schema", "desired.sql", "--out", "plan", "--manage", "m"];
        database.trueup(&plan).await.ended(0).unwrap();
        database.approve("plan").await.unwrap();
        let ran = database.trueup(&["apply", "plan", "--phase", "all"]).await;
        if major < 18 {
            let ran = ran.ended(4).unwrap();
            let why = "a superuser's COMMIT would fire the deferred trigger later of m.ship";
            assert!(ran.stderr.contains(why), "{}", ran.shown());
            mallory.gained_nothing("the apply").await;
            database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        } else {
            ran.ended(0).unwrap();
        }
        mallory.gained_nothing("all").await;
        mallory.database.done().await;
    });
}

#[test]
fn a_deferred_trigger_is_not_fired_by_a_superuser_on_15() {
    a_deferred_trigger(15);
}

#[test]
fn a_deferred_trigger_has_its_own_rights_on_18() {
    a_deferred_trigger(18);
}

/// Policy may want no superuser; a role that is taken is none, whatever it is called.
#[test]
fn a_policy_refuses_superusers() {
    runtime().block_on(async {
        let database = Database::with("CREATE TABLE t (id int)").await.unwrap();
        let role = format!("deploy er\\\"{}", database.target.database());
        let quoted = format!("\"deploy er\\\"\"{}\"", database.target.database());
        database
            .execute(&format!(
                "CREATE ROLE {quoted}; ALTER TABLE t OWNER TO {quoted}; GRANT ALL ON SCHEMA public TO {quoted};
                 GRANT CREATE ON DATABASE {} TO {quoted}",
                database.target.database()
            ))
            .await;
        database.plan_approved("CREATE TABLE t (id int, name text)").await;
        let url = oracle::url(&database.target);
        let environments = format!(
            "[env.plain]\nurl = \"{url}\"\napproval = {{ superuser = false }}\n\
             [env.role]\nurl = \"{url}\"\nrole = '{role}'\napproval = {{ superuser = false }}\n"
        );
        let journal = format!("journal_owners = ['{role}']\n");
        let environments = environments.replacen("[env.plain]\n", &format!("[env.plain]\n{journal}"), 1);
        database.write("trueup.toml", &environments);
        let refused = "role \"postgres\" is a superuser, and policy says `superuser = false`";
        database.trueup(&["preflight", "plan", "--env", "plain"]).await.ended(3).unwrap();
        database.trueup(&["apply", "plan", "--env", "plain"]).await.fails(3, refused);
        database.trueup(&["apply", "plan", "--env", "role"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan", "--env", "plain"]).await.fails(3, refused);
        let owner = "SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = 'trueup.run'::regclass";
        assert_eq!(database.ask(owner).await, role);
        database.trueup(&["rollback", "plan", "--env", "role"]).await.ended(0).unwrap();
        database.done().await;
    });
}
