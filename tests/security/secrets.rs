//! What options of foreign data keep secret stands in nothing that trueup writes or says, and still reaches the target.

use std::{fs, path::Path};

use crate::oracle::{self, Database, Ran, runtime};

/// The validator says what it is given, as those of some wrappers do.
const WRAPPER: &str = "
    CREATE FUNCTION check_options(text[], oid) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF $1::text LIKE '%refused%' THEN RAISE EXCEPTION 'what is %?', $1 USING DETAIL = $1::text; END IF;
    END $$;";

const LIVE: &str = "
    CREATE FOREIGN DATA WRAPPER w VALIDATOR check_options OPTIONS (token 'tok-hunter2', debug 'on');
    CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'db1', password 'old-hunter2');
    CREATE SERVER same FOREIGN DATA WRAPPER w OPTIONS (host 'db', dbname 'postgres://u:in-hunter2@db/x', password 'same-hunter2');
    CREATE SERVER gone FOREIGN DATA WRAPPER w OPTIONS (password 'gone-hunter2');
    CREATE FOREIGN TABLE f (a int OPTIONS (field 'A', api_key 'key-hunter2')) SERVER s OPTIONS (table_name 't');";

const DESIRED: &str = "
    CREATE FOREIGN DATA WRAPPER w VALIDATOR check_options OPTIONS (token '${secret:FOREIGN_DATA_WRAPPER_W_TOKEN}', debug 'on');
    CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'db2', password '${secret:FDW}');
    CREATE SERVER same FOREIGN DATA WRAPPER w OPTIONS (host 'db', password '${secret:SAME}');
    CREATE SERVER fresh FOREIGN DATA WRAPPER w OPTIONS (sslpassword '${secret:FRESH}');
    CREATE FOREIGN TABLE f (a int OPTIONS (field 'A', api_key '${secret:KEY}')) SERVER s OPTIONS (table_name 't2');";

const OPTIONS: &str =
    "SELECT string_agg(concat_ws(' ', srvname, srvoptions), E'\\n' ORDER BY srvname) FROM pg_foreign_server";

/// Everything that the journal has.
const JOURNAL: &str =
    "SELECT string_agg(query_to_xml(format('SELECT * FROM trueup.%I', relname), true, true, '')::text, '')
    FROM pg_class WHERE relnamespace = 'trueup'::regnamespace AND relkind = 'r'";

/// Nothing that stands in files, from here down.
fn in_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(in_files(&path));
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("hunter2") {
            found.push(path.display().to_string());
        }
    }
    found
}

struct Shop {
    database: Database,
}

impl Shop {
    async fn trueup(&self, arguments: &[&str], secrets: &[(&str, &str)]) -> Ran {
        let mut command = self.database.command(arguments);
        command.envs(secrets.iter().map(|(name, value)| (format!("TRUEUP_SECRET_{name}"), value)));
        command.env("RUST_LOG", "trace");
        let ran = oracle::finish(command, arguments).await;
        let shown = ran.shown();
        assert!(!shown.contains("hunter2"), "{arguments:?} says a secret:\n{shown}");
        let files = in_files(self.database.path(".").as_path());
        assert!(files.is_empty(), "{arguments:?} leaves a secret in {files:?}");
        ran
    }
}

async fn secrets_stay_secret(major: u16) {
    let server = oracle::server_of(Some(major));
    let database = Database::with_on(server, &format!("{WRAPPER}{LIVE}")).await.unwrap();
    let before = database.ask(OPTIONS).await;
    let shop = Shop { database };
    let none: &[(&str, &str)] = &[];
    let ok = |ran: Ran, code: i32| ran.ended(code).unwrap_or_else(|what| panic!("{what}"));

    // read: a dump, and the dump as desired SQL
    let dumped = ok(shop.trueup(&["dump"], none).await, 0).stdout;
    assert!(
        dumped.contains("password '${secret:SERVER_S_PASSWORD}'") && dumped.contains("host 'db1'"),
        "{dumped}"
    );
    let fresh = ["dump", "--out", "dumped"];
    ok(shop.trueup(&fresh, none).await, 0);

    // compare and plan: equal values do not differ, those that cannot be compared are said
    shop.database.write("desired.sql", &format!("{WRAPPER}{DESIRED}"));
    let known = [
        ("FDW", "new-hunter2"),
        ("SAME", "same-hunter2"),
        ("KEY", "key-hunter2"),
        ("FRESH", "fresh-hunter2"),
    ];
    let diff =
        ok(shop.trueup(&["diff", "-u", &oracle::url(&shop.database.target), "desired.sql"], &known).await, 0);
    assert!(diff.stdout.contains("FDW_BEFORE") && !diff.stdout.contains("SAME_BEFORE"), "{}", diff.shown());
    let plan = ["plan", "--schema", "desired.sql", "--out", "plan", "--exit-code", "--assume-drop", "all"];
    let planned = ok(shop.trueup(&plan, &known).await, 2);
    assert!(
        planned.shown().contains("FOREIGN_DATA_WRAPPER_W_TOKEN is not")
            || planned.shown().contains("the secret FOREIGN_DATA_WRAPPER_W_TOKEN"),
        "{}",
        planned.shown()
    );
    let text = fs::read_to_string(shop.database.path("plan/plan.toml")).unwrap();
    assert!(text.contains("'${secret:FDW}'") && text.contains("'${secret:FDW_BEFORE}'"), "{text}");
    assert!(!text.contains("SAME_BEFORE") && !text.contains("KEY_BEFORE"), "{text}");
    let page = fs::read_to_string(shop.database.path("plan/README.md")).unwrap();
    assert!(
        page.contains("rollback needs the secret FDW") && page.contains("'${secret:FDW_BEFORE}'"),
        "{page}"
    );
    ok(shop.trueup(&["show", "plan"], none).await, 0);
    ok(
        shop.trueup(&["approve", "plan", "--as", "alice", "--phase", "all", "--accept", "all"], none).await,
        0,
    );

    // apply: refused without the secrets, before anything is written; an answer that quotes one is not passed on
    let lacking = ok(shop.trueup(&["apply", "plan", "--phase", "all"], &known[..1]).await, 3);
    assert!(lacking.stderr.contains("nothing gives a value for the secret FRESH"), "{}", lacking.shown());
    ok(shop.trueup(&["preflight", "plan", "--phase", "all"], none).await, 3);
    ok(shop.trueup(&["verify", "plan", "--rehearse", "--phase", "all"], none).await, 0);
    let bad = [("FDW", "refused-hunter2"), known[3]];
    let refused = ok(shop.trueup(&["apply", "plan", "--phase", "all"], &bad).await, 1);
    assert!(refused.stderr.contains("words that have a secret in them"), "{}", refused.shown());
    assert_eq!(shop.database.ask(OPTIONS).await, before);
    // one secret as trueup.toml says, the others as variables
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("fdw");
    fs::write(&file, "new-hunter2\n").unwrap();
    let said = format!(
        "[env.here]\nurl_env = \"DATABASE_URL\"\nsecrets = {{ FDW = \"${{file:{}}}\" }}\n",
        file.display()
    );
    shop.database.write("trueup.toml", &said);
    let approve = ["approve", "plan", "--as", "bob", "--phase", "all", "--accept", "all", "--env", "here"];
    ok(shop.trueup(&approve, none).await, 0);
    ok(shop.trueup(&["apply", "plan", "--phase", "all", "--env", "here"], &known[1..]).await, 0);
    let after = shop.database.ask(OPTIONS).await;
    assert!(after.contains("password=new-hunter2") && after.contains("sslpassword=fresh-hunter2"), "{after}");
    assert!(after.contains("host=db2") && !after.contains("gone"), "{after}");
    let journal = shop.database.ask(JOURNAL).await;
    assert!(journal.len() > 1000 && !journal.contains("hunter2"), "{journal}");
    ok(shop.trueup(&["status", "--schema", "desired.sql", "--exit-code"], &known).await, 0);
    ok(shop.trueup(&["verify", "plan"], none).await, 0);
    ok(shop.trueup(&["history"], none).await, 0);
    let again = ["plan", "--schema", "desired.sql", "--out", "again", "--exit-code"];
    ok(shop.trueup(&again, &known).await, 0);
    // a secret that others changed is a difference for who has it
    shop.database.execute("ALTER SERVER s OPTIONS (SET password 'drift-hunter2')").await;
    ok(shop.trueup(&again, &known).await, 2);
    shop.database.execute("ALTER SERVER s OPTIONS (SET password 'new-hunter2')").await;

    // back: the old values are asked for
    let lacking = ok(shop.trueup(&["rollback", "plan"], &known).await, 3);
    assert!(
        lacking.stderr.contains("FDW_BEFORE") && lacking.stderr.contains("SERVER_GONE_PASSWORD"),
        "{}",
        lacking.shown()
    );
    let old = [
        ("FDW_BEFORE", "old-hunter2"),
        ("SERVER_GONE_PASSWORD", "gone-hunter2"),
        ("SERVER_SAME_DBNAME", "postgres://u:in-hunter2@db/x"),
    ];
    ok(shop.trueup(&["rollback", "plan"], &old).await, 0);
    let back = shop.database.ask(OPTIONS).await;
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    // options may come back in another order
    assert_eq!(sorted(&back), sorted(&before), "{back}");
    assert!(!shop.database.ask(JOURNAL).await.contains("hunter2"));
    shop.database.done().await;
}

#[test]
fn secrets_of_foreign_data_are_written_nowhere_on_15() {
    runtime().block_on(secrets_stay_secret(15));
}

#[test]
fn secrets_of_foreign_data_are_written_nowhere_on_18() {
    runtime().block_on(secrets_stay_secret(18));
}

/// A branch names its own host, with a password of its own, and the secrets of foreign data by their names or files.
#[test]
fn a_host_that_a_branch_names_gets_no_secret() {
    const SECRETS: &str = "[env.prod.secrets]\nFDW = \"${file:/dev/zero}\"\n";
    runtime().block_on(async {
        let database = Database::with("CREATE TABLE t (id int)").await.unwrap();
        database.plan("CREATE TABLE t (id int, n int)").await;
        let run = async |url: &str, more: &str, arguments: &[&str], env: &[(&str, &str)]| {
            database.write("trueup.toml", &format!("[env.prod]\nurl = '{url}'\n{more}"));
            let mut command = database.command(arguments);
            command.env_remove("DATABASE_URL").envs(env.iter().copied());
            oracle::finish(command, arguments).await
        };
        let given = ("TRUEUP_SECRET_FDW", "hunter2");
        let commands = ["apply", "rollback", "preflight"].map(|verb| [verb, "plan", "--env", "prod"]);
        for (url, host) in [
            ("postgres://app:own@203.0.113.5/shop", "203.0.113.5"),
            ("postgres://app@db.invalid/shop", "db.invalid"),
            ("postgres://app:own@db.example.com/shop?hostaddr=203.0.113.5", "203.0.113.5"),
        ] {
            for arguments in &commands {
                let refused =
                    format!("names host \"{host}\", which may not be sent secrets of this environment");
                for (more, env) in [(SECRETS, &[][..]), ("", &[given])] {
                    let allowed = ("TRUEUP_ALLOWED_HOSTS", "db.example.com");
                    let ran = run(url, more, arguments, &[env, &[allowed]].concat()).await;
                    ran.fails(1, &refused);
                    assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
                }
            }
        }
        // a host that is allowed is asked, and so is this machine, and any without secrets
        let at = "postgres://app:own@db.invalid/shop";
        let allowed = ("TRUEUP_ALLOWED_HOSTS", "db.invalid");
        run(at, "", &commands[2], &[given, allowed]).await.fails(1, "db.invalid:5432/shop: ");
        run(at, "", &commands[2], &[]).await.fails(1, "db.invalid:5432/shop: ");
        let here = run(&oracle::url(&database.target), "", &commands[2], &[given]).await;
        assert!(here.stderr.is_empty() && here.code != Some(1), "{}", here.shown());
        database.done().await;
    });
}

#[test]
fn a_secret_in_desired_sql_is_refused_and_not_repeated() {
    runtime().block_on(async {
        let database = Database::empty().await;
        database.write(
            "desired.sql",
            "CREATE FOREIGN DATA WRAPPER w;\nCREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'x',\n  password 'hunter2');",
        );
        let ran = database.trueup(&["plan", "--schema", "desired.sql"]).await;
        assert_eq!(ran.code, Some(1), "{}", ran.shown());
        let said = ran.shown();
        assert!(said.contains("desired.sql:3:12: the value of option password"), "{said}");
        assert!(said.contains("${secret:NAME}") && !said.contains("hunter2"), "{said}");
        database.done().await;
    });
}

/// trueup.toml of a branch names files of the machine as desired SQL: an error would repeat a word of them.
#[test]
fn a_branch_has_no_file_read_outside_the_project() {
    runtime().block_on(async {
        let database = Database::empty().await;
        let elsewhere = tempfile::tempdir().unwrap();
        let secret = elsewhere.path().join("db.sql");
        fs::write(&secret, "hunter2 ' ;").unwrap();
        let plan: &[&str] = &["plan", "--out", "plan"];
        database.write("schema/a.sql", "CREATE TABLE t (id int);");
        let link = database.path("schema/b.sql");
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        for named in [secret.display().to_string(), "schema".to_owned(), "schema/b.sql".to_owned()] {
            database.write("trueup.toml", &format!("schema = ['{named}']\n"));
            for command in [plan, &["status"]] {
                let ran = database.trueup(command).await;
                ran.fails(1, "it lies outside the project (");
                assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
            }
        }
        // the nearest folder with .git is the project
        fs::remove_file(&link).unwrap();
        database.write("sub/trueup.toml", "schema = ['../schema']\n");
        let below = async || {
            let mut command = database.command(plan);
            command.current_dir(database.path("sub"));
            oracle::finish(command, plan).await
        };
        fs::create_dir(database.path("sub/.git")).unwrap();
        below().await.fails(1, "it lies outside the project (");
        fs::remove_dir(database.path("sub/.git")).unwrap();
        fs::create_dir(database.path(".git")).unwrap();
        below().await.ended(0).unwrap();
        // what the command line names is the user's own, and so is a pipe
        let file = secret.display().to_string();
        database.trueup(&[plan, &["--schema", &file]].concat()).await.fails(1, "db.sql:1:9: ");
        database.done().await;
    });
}
