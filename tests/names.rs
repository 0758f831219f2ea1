//! Code of a database finds what it names without a schema where its role's sessions find it, and nothing that others put
//! there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::oracle::{Database, runtime, server_of};

/// Tables of two owners, with a trigger, a check and a default as applications write them.
const TABLES: &str = "CREATE TABLE app.own (id int PRIMARY KEY, email text CHECK (is_email(email)));
    CREATE TABLE app.theirs (id int PRIMARY KEY, email text);
    CREATE TRIGGER noted AFTER UPDATE ON app.own FOR EACH ROW EXECUTE FUNCTION app.note();
    CREATE TRIGGER noted AFTER UPDATE ON app.theirs FOR EACH ROW EXECUTE FUNCTION app.note();";

const CODE: &str = "CREATE SCHEMA app; CREATE SEQUENCE app.numbers; CREATE TABLE app.log (number bigint, what text);
    CREATE FUNCTION app.next_number() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('numbers') $$;
    CREATE FUNCTION app.is_email(of text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN EXISTS (SELECT FROM numbers) AND of LIKE '%@%'; END $$;
    CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (next_number(), TG_TABLE_NAME); RETURN NEW; END $$;";

const ROWS: &str = "INSERT INTO app.own SELECT n, 'a@' || n FROM generate_series(1, 10) n;
    INSERT INTO app.theirs SELECT n, 'a@' || n FROM generate_series(1, 10) n;";

#[test]
fn code_finds_what_it_names_on_15() {
    code_finds_what_it_names(15);
}

#[test]
fn code_finds_what_it_names_on_18() {
    code_finds_what_it_names(18);
}

fn code_finds_what_it_names(major: u16) {
    runtime().block_on(async {
        let find = "SET search_path TO app, public";
        let database =
            Database::with_on(server_of(Some(major)), &format!("{find}; {CODE}")).await.unwrap();
        // what is said of the database, and of a role, which counts more
        let name = database.target.database().to_owned();
        database.execute(&format!("ALTER DATABASE {name} {find}; ALTER ROLE writer IN DATABASE {name} SET search_path TO app")).await;
        let grants = "GRANT USAGE ON SCHEMA app TO writer; GRANT INSERT ON app.log TO writer; GRANT USAGE ON app.numbers TO writer;";
        let sql = format!("{find}; {TABLES} {ROWS} {grants} ALTER TABLE app.theirs OWNER TO writer");
        database.execute(&sql).await;
        let wanted = TABLES
            .replace("CHECK (is_email(email)))", "CHECK (app.is_email(email)), host text NOT NULL, -- @backfill using=split_part(email, '@', 2)\nnumber bigint DEFAULT app.next_number(), CHECK (app.is_email(host || email)))")
            .replace("email text);", "email text, host text NOT NULL -- @backfill using=split_part(email, '@', 2)\n);");
        database.plan_approved(&format!("{CODE} {grants} {wanted}")).await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        let noted = "SELECT string_agg(what || ' ' || count, ', ' ORDER BY what) FROM (SELECT what, count(*) FROM app.log GROUP BY 1) AS noted";
        assert_eq!(database.ask(noted).await, "own 10, theirs 10");
        assert_eq!(database.ask("SELECT count(DISTINCT number)::text FROM app.own WHERE host <> ''").await, "10");
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.execute(&format!("ALTER ROLE writer IN DATABASE {name} RESET ALL")).await;
        database.done().await;
    });
}

/// Who may create in a schema could put a function there that fits better than the one that is meant.
#[test]
fn code_finds_nothing_that_others_put_there_on_15() {
    code_finds_nothing_that_others_put_there(15);
}

#[test]
fn code_finds_nothing_that_others_put_there_on_18() {
    code_finds_nothing_that_others_put_there(18);
}

fn code_finds_nothing_that_others_put_there(major: u16) {
    runtime().block_on(async {
        let before = "CREATE TABLE log (what text); CREATE TABLE ship (id int PRIMARY KEY, name varchar(20));
            CREATE FUNCTION say(what text) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.log VALUES (what) $$;
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM say(NEW.name); RETURN NEW; END $$;
            CREATE TRIGGER noted AFTER UPDATE ON ship FOR EACH ROW EXECUTE FUNCTION note();";
        let database = Database::with_on(server_of(Some(major)), before).await.unwrap();
        database.execute("INSERT INTO ship VALUES (1, 'Ada')").await;
        database.plan_approved(&before.replace("name varchar(20)", "name varchar(20), loud text NOT NULL /* @backfill using=upper(name) */")).await;
        // and PostgreSQL's own are not to be outdone either
        let evil = "AS 'BEGIN ALTER ROLE reader SUPERUSER; RETURN NULL; END'";
        let evil = format!(
            "GRANT CREATE ON SCHEMA public TO reader; SET ROLE reader;
             CREATE FUNCTION public.say(what varchar) RETURNS void LANGUAGE plpgsql {};
             CREATE FUNCTION public.upper(what varchar) RETURNS text LANGUAGE plpgsql {evil}; RESET ROLE",
            evil.replace("RETURN NULL; ", "")
        );
        let gained = "SELECT rolsuper::text FROM pg_roles WHERE rolname = 'reader'";
        for (what, sql) in [
            ("it has put something there", evil.as_str()),
            ("it did, and may no longer", "REVOKE CREATE ON SCHEMA public FROM reader"),
            ("it may", "DROP FUNCTION public.say(varchar), public.upper(varchar); GRANT CREATE ON SCHEMA public TO reader"),
        ] {
            database.execute(sql).await;
            let looked = database.trueup(&["preflight", "plan", "--phase", "all"]).await.ended(0).unwrap();
            assert!(looked.stdout.contains("does not look into schema public"), "{what}: {}", looked.shown());
            let refused = database.trueup(&["apply", "plan", "--phase", "all"]).await;
            let shown = refused.shown();
            assert!(shown.contains("function say(character varying) does not exist"), "{what}: {shown}");
            assert!(shown.contains("REVOKE CREATE ON SCHEMA public FROM PUBLIC"), "{what}: {shown}");
            assert_eq!(database.ask(gained).await, "false", "{what}");
        }
        database.execute("REVOKE CREATE ON SCHEMA public FROM reader").await;
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT what FROM log").await, "Ada");
        database.done().await;
    });
}

/// DDL is written down by the database itself, as in the manual (38.4, Event Trigger Examples), without a schema.
#[test]
fn event_triggers_find_what_they_name_on_15() {
    event_triggers_find_what_they_name(15);
}

#[test]
fn event_triggers_find_what_they_name_on_18() {
    event_triggers_find_what_they_name(18);
}

fn event_triggers_find_what_they_name(major: u16) {
    runtime().block_on(async {
        let code = "CREATE TABLE ddl_log (tag text);
            CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ddl_log VALUES (TG_TAG); END $$;";
        // one that writes at the start lets nobody drop an index concurrently ("must be first action in transaction")
        let events = "CREATE EVENT TRIGGER log_end ON ddl_command_end EXECUTE FUNCTION log_ddl();
            CREATE EVENT TRIGGER log_drop ON sql_drop EXECUTE FUNCTION log_ddl();";
        let before = format!("{code} CREATE TABLE ship (id int PRIMARY KEY, name text, length int); {events}");
        let after = format!(
            "{code} CREATE TABLE ship (id bigint PRIMARY KEY, /* @convert using=id */ title text, /* @renamed from=name online */
             length int CHECK (length > 0), loud text NOT NULL /* @backfill using=upper(length::text) */);
             CREATE INDEX by_title ON ship (title); GRANT INSERT ON ddl_log TO writer; {events}"
        );
        let database = Database::with_on(server_of(Some(major)), &before).await.unwrap();
        database.execute("INSERT INTO ship SELECT n, 'Ship ' || n, n FROM generate_series(1, 10) n; ALTER TABLE ship OWNER TO writer; GRANT INSERT ON ddl_log TO writer").await;
        database.plan_approved(&after).await;
        database.trueup(&["preflight", "plan", "--phase", "all"]).await.ended(0).unwrap();
        database.trueup(&["apply", "plan", "--phase", "all"]).await.ended(0).unwrap();
        assert_eq!(database.ask("SELECT count(*)::text FROM ship WHERE loud = id::text").await, "10");
        assert_ne!(database.ask("SELECT count(*)::text FROM ddl_log WHERE tag = 'CREATE INDEX'").await, "0");
        database.trueup(&["verify", "plan", "--rehearse"]).await;
        database.trueup(&["audit"]).await.ended(0).unwrap();
        database.trueup(&["rollback", "plan"]).await.ended(0).unwrap();
        database.trueup(&["status"]).await.ended(0).unwrap();
        database.done().await;
    });
}
