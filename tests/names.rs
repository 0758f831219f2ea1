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
