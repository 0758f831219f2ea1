//! What a branch can do by its trueup.toml alone, which read-only commands of CI read: it gets no password sent to a host
//! of its own, no secret of the environment, and no command run. And whether anybody hears of a server that nobody checks.

use trueup::postgres::{Session, Target, Unverified};

use crate::{
    connect::{address, servers},
    oracle::{Database, Ran, finish, runtime, url},
};

/// Commands that connect to `[env.prod]`.
const COMMANDS: [&[&str]; 10] = [
    &["plan", "--schema", "desired.sql", "--out", "next", "--env", "prod"],
    &["verify", "plan", "--env", "prod"],
    &["diff", "prod", "desired.sql"],
    &["status", "--env", "prod"],
    &["dump", "--env", "prod"],
    &["history", "--env", "prod"],
    &["preflight", "plan", "--env", "prod"],
    &["apply", "plan", "--env", "prod"],
    &["rollback", "plan", "--env", "prod"],
    &["init", "--from", "prod"],
];

async fn in_env(database: &Database, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = database.command(arguments);
    command.env_remove("DATABASE_URL").envs(env.iter().copied());
    finish(command, arguments).await
}

fn names(database: &Database, url: &str) {
    database.write("trueup.toml", &format!("[env.prod]\nurl = '''{url}'''\n"));
}

#[test]
fn a_host_that_a_branch_names_gets_no_password() {
    runtime().block_on(async {
        let port = servers().await.primary;
        let database = Database::with("CREATE TABLE t (id int)").await.unwrap();
        database.plan("CREATE TABLE t (id int, n int)").await;
        database.write("pgpass", "*:*:*:*:sesame\n");
        let pgpass = database.path("pgpass");
        std::fs::set_permissions(&pgpass, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let pgpass = pgpass.display().to_string();
        let file = format!("{}: its url names host ", database.path("trueup.toml").display());
        for (named, host) in [
            ("postgres://app@203.0.113.5/shop", "203.0.113.5"),
            ("postgres://app@db.invalid/shop?sslmode=verify-full", "db.invalid"),
            ("postgres://app@localhost,db.invalid/shop", "db.invalid"),
            ("postgres://app@localhost/shop?hostaddr=203.0.113.5", "203.0.113.5"),
            ("postgres://app@db.example.com/shop?hostaddr=203.0.113.5", "203.0.113.5"),
            ("host=db.invalid user=app dbname=shop passfile=pgpass", "db.invalid"),
            ("postgres://app:@db.invalid/shop", "db.invalid"),
        ] {
            names(&database, named);
            for command in COMMANDS {
                for secret in [("PGPASSWORD", "sesame"), ("PGPASSFILE", &pgpass)] {
                    let ran = in_env(
                        &database,
                        command,
                        &[secret, ("TRUEUP_ALLOWED_HOSTS", "db.example.com, *.example.org")],
                    )
                    .await;
                    let words = format!("{file}\"{host}\", which may not be sent a password");
                    ran.fails(1, &words);
                    assert!(ran.stderr.contains("set TRUEUP_ALLOWED_HOSTS"), "{}", ran.shown());
                    assert!(!ran.shown().contains("sesame"), "{}", ran.shown());
                }
            }
        }
        // an empty password is none of its own: .pgpass is asked
        for (named, host) in [
            ("postgres://app@db.example.com/shop?hostaddr=203.0.113.5&password=", "203.0.113.5"),
            ("postgres://app:own@db.invalid/shop?password=", "db.invalid"),
            ("host=db.invalid user=app dbname=shop password=''", "db.invalid"),
        ] {
            names(&database, named);
            for command in COMMANDS {
                let ran = in_env(&database, command, &[("PGPASSFILE", &pgpass)]).await;
                ran.fails(1, &format!("{file}\"{host}\", which may not be sent a password"));
            }
        }
        // what the environment or the command line names is theirs, and this machine is nobody else's
        let history = ["history", "--env", "prod"];
        let right = ("PGPASSWORD", "right");
        names(&database, &format!("postgres://app@127.0.0.1:{port}/shop"));
        in_env(&database, &history, &[right]).await.ended(0).unwrap();
        names(&database, "postgres:///shop?user=app");
        let there = [right, ("PGHOST", "127.0.0.1"), ("PGPORT", &port.to_string())];
        in_env(&database, &history, &there).await.ended(0).unwrap();
        // a machine without a network has no other address
        if let Some(address) = address() {
            let url = format!("postgres://app@{address}:{port}/shop");
            names(&database, &url);
            in_env(&database, &history, &[right]).await.fails(1, "may not be sent");
            in_env(&database, &history, &[right, ("TRUEUP_ALLOWED_HOSTS", &address)]).await.ended(0).unwrap();
            in_env(&database, &["history", "--url", &url], &[right]).await.ended(0).unwrap();
            in_env(&database, &["history"], &[right, ("DATABASE_URL", &url)]).await.ended(0).unwrap();
            names(&database, &url.replace("app@", "app:right@"));
            in_env(&database, &history, &[]).await.ended(0).unwrap();
            in_env(&database, &history, &[("PGPASSWORD", "sesame")]).await.ended(0).unwrap();
            database.write("trueup.toml", "[env.prod]\nurl_env = 'PROD'\n");
            in_env(&database, &history, &[right, ("PROD", &url)]).await.ended(0).unwrap();
        }
        database.done().await;
    });
}

#[test]
fn a_branch_has_no_variable_of_ci_read_as_a_url() {
    runtime().block_on(async {
        let database = Database::with("CREATE TABLE t (id int)").await.unwrap();
        database.plan("CREATE TABLE t (id int, n int)").await;
        for (variable, value, words) in [
            ("GITHUB_HEAD_REF", "host=203.0.113.5", "may fill it from what a pull request says"),
            ("CI_COMMIT_MESSAGE", "postgres://app@203.0.113.5/shop", "may fill it"),
            ("ghprbPullTitle", "postgres://app@203.0.113.5/shop", "may fill it"),
            // no other variable is a list of settings, or anything else
            ("PROD", "host=203.0.113.5", "has no URL: it must begin with postgres:// or postgresql://"),
            ("PGPASSWORD", "sesame", "has no URL"),
            ("NONE", "", "is not set"),
        ] {
            database.write("trueup.toml", &format!("[env.prod]\nurl_env = '{variable}'\n"));
            for command in COMMANDS {
                let ran = in_env(&database, command, &[("PGPASSWORD", "sesame"), (variable, value)]).await;
                ran.fails(1, &format!("environment \"prod\": the variable {variable} "));
                assert!(ran.stderr.contains(words), "{}", ran.shown());
                assert!(ran.stderr.contains("\nhint: "), "{}", ran.shown());
                assert!(!ran.shown().contains("203.0.113.5"), "{}", ran.shown());
                assert!(!ran.shown().contains("sesame"), "{}", ran.shown());
            }
        }
        database.done().await;
    });
}

#[test]
fn a_password_is_read_from_a_file_or_a_variable() {
    const PASSWORD: &str = "p@/:?#%40&= ${env:X}'\\\"";
    runtime().block_on(async {
        let servers = servers().await;
        let socket = servers.folder.join("primary");
        let admin = Target::socket(&socket, servers.primary, "postgres", "postgres");
        let admin = Session::connect(&admin).await.unwrap();
        let create = format!("CREATE ROLE tricky LOGIN PASSWORD {}", trueup::sql::literal(PASSWORD));
        admin.client().batch_execute(&create).await.unwrap();
        let database = Database::empty().await;
        let history = ["history", "--env", "prod"];
        let at = format!("127.0.0.1:{}/shop", servers.primary);
        let secret = database.write("secrets/db", &format!("{PASSWORD}\n"));
        database.write("secrets/windows", &format!("{PASSWORD}\r\n"));
        database.write("secrets/half", &PASSWORD[..5]);
        for password in [
            "${env:DB_PASSWORD}",
            "${file:secrets/db}",
            "${file:secrets/windows}",
            &format!("${{file:{}}}", secret.display()),
            "${file:secrets/half}${env:REST}",
        ] {
            names(&database, &format!("postgres://tricky:{password}@{at}?sslmode=require"));
            let env = [("DB_PASSWORD", PASSWORD), ("REST", &PASSWORD[5..])];
            in_env(&database, &history, &env).await.ended(0).unwrap();
        }
        names(
            &database,
            &format!(
                "host=127.0.0.1 port={} user=tricky password='${{file:secrets/db}}' dbname=shop",
                servers.primary
            ),
        );
        in_env(&database, &history, &[]).await.ended(0).unwrap();

        database.write("secrets/empty", "\n");
        std::fs::write(database.path("secrets/binary"), [0xff, 0xfe]).unwrap();
        for (password, words) in [
            (
                "${env:DB_PASSWORD}",
                "the url in trueup.toml: ${env:DB_PASSWORD}: the variable DB_PASSWORD is not set",
            ),
            ("${file:secrets/none}", "secrets/none: No such file"),
            ("${file:/dev/zero}", "/dev/zero: it is no regular file"),
            ("${file:secrets}", "secrets: is a directory"),
            ("${file:secrets/empty}", "${file:secrets/empty} is empty"),
            ("${file:secrets/binary}", "secrets/binary}: the text is not UTF-8"),
            ("${vault:x}", "a ${…} is neither ${file:/path} nor ${env:NAME}"),
            ("${env:X", "a ${ has no }"),
        ] {
            names(&database, &format!("postgres://tricky:{password}@{at}"));
            let ran = in_env(&database, &history, &[]).await;
            ran.fails(1, words);
        }
        names(&database, &format!("postgres://tricky:${{env:WRONG}}@{at}"));
        let ran = in_env(&database, &history, &[("WRONG", "sesame")]).await;
        ran.fails(1, "wrong password for \"tricky\"");
        assert!(!ran.shown().contains("sesame"), "{}", ran.shown());
        // a secret is sent nowhere else than a password would be, and is not looked up as a name
        for (named, words) in [
            (
                "postgres://app:${env:SECRET}@203.0.113.5/shop",
                "names host \"203.0.113.5\", which may not be sent",
            ),
            (
                "postgres://app:${file:/dev/zero}@db.invalid/shop",
                "names host \"db.invalid\", which may not be sent",
            ),
            ("postgres://app@${env:SECRET}.invalid/shop", "a ${…} stands in its host"),
            ("postgres://${env:SECRET}@127.0.0.1/shop", "a ${…} stands in its user"),
            ("postgres://app@127.0.0.1/${env:SECRET}", "a ${…} stands in its dbname"),
        ] {
            names(&database, named);
            let ran = in_env(&database, &history, &[("SECRET", "sesame")]).await;
            ran.fails(1, words);
            assert!(!ran.shown().contains("sesame"), "{}", ran.shown());
        }
        database.done().await;
    });
}

/// Whatever a password is cut into, no piece of it is a host, a database or a setting that an error shows.
#[test]
fn no_error_says_a_piece_of_a_password() {
    runtime().block_on(async {
        let database = Database::empty().await;
        for url in [
            "postgres://u:12/sesame@127.0.0.1:5600/db",
            "postgres://u:sec?sesame=a@h/db",
            "postgres://u:p@1/sesame@h/db",
            "postgres://h/db?password=sec&sesame=1",
            "host=127.0.0.1 password=sec sesame=1",
            "sesame=",
        ] {
            names(&database, url);
            for arguments in [&["history", "--url", url][..], &["history", "--env", "prod"]] {
                let ran = database.trueup(arguments).await;
                ran.fails(1, "connection ");
                assert!(!ran.shown().replace(url, "").contains("sesame"), "{}", ran.shown());
            }
        }
        for arguments in [
            &["diff", "postgresq://u:sesame@h/db", "desired.sql"][..],
            &["plan", "--schema", "postgresq://u:sesame@h/db"],
            &["init", "--from", "postgresq://u:sesame@h/db"],
        ] {
            let ran = database.trueup(arguments).await;
            ran.fails(1, "does not begin with postgres:// or postgresql://");
            assert!(!ran.stderr.contains("sesame"), "{}", ran.shown());
        }
        database.done().await;
    });
}

/// A pipe never ends, and a device fills the memory: neither is read, whatever names it.
#[test]
fn what_settings_and_folders_name_is_read_if_it_is_a_regular_file() {
    const REFUSED: &str = "it is no regular file";
    runtime().block_on(async {
        let servers = servers().await;
        let database = Database::empty().await;
        let made = |name: &str| {
            let pipe = database.write(name, "");
            std::fs::remove_file(&pipe).unwrap();
            nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
            pipe.display().to_string()
        };
        let pipe = made("pipe");
        let file = |name: &str| servers.folder.join(name).display().to_string();
        let (ca, crt) = (file("ca.crt"), file("ca.crt"));
        for odd in [&*pipe, "/dev/zero"] {
            for settings in [
                format!("sslmode=verify-ca&sslrootcert={odd}"),
                format!("sslmode=verify-ca&sslrootcert={ca}&sslcrl={odd}"),
                format!("sslmode=require&sslcert={odd}&sslkey={odd}"),
                format!("sslmode=require&sslcert={crt}&sslkey={odd}"),
                format!("servicefile={odd}&service=x"),
            ] {
                let url = format!("postgres://app:right@127.0.0.1:{}/shop?{settings}", servers.primary);
                database.trueup(&["history", "--url", &url]).await.fails(1, REFUSED);
            }
            let url = format!("postgres://app@127.0.0.1:{}/shop?passfile={odd}", servers.primary);
            database.trueup(&["history", "--url", &url]).await.fails(1, "password");
        }
        let plan = |more: &[&'static str]| [&["plan", "--out", "plan"], more].concat();
        made("schema/a.sql");
        database.trueup(&plan(&["--schema", "schema"])).await.fails(1, REFUSED);
        database.write("trueup.toml", "schema = ['schema/a.sql']\n");
        database.trueup(&plan(&[])).await.fails(1, REFUSED);
        for out in ["schema", "schema/a.sql"] {
            database.trueup(&["dump", "--out", out]).await.fails(1, REFUSED);
        }
        // a pipe that the command line names is the user's own
        let written = std::thread::spawn(move || std::fs::write(pipe, "CREATE TABLE t (id int);").unwrap());
        database.trueup(&plan(&["--schema", "pipe"])).await.ended(0).unwrap();
        written.join().unwrap();
        database.done().await;
    });
}

#[test]
fn commands_that_only_read_run_no_command_of_the_file() {
    runtime().block_on(async {
        let database = Database::with("CREATE TABLE t (id int)").await.unwrap();
        database.plan("CREATE TABLE t (id int, n int)").await;
        let canary = format!("touch {}", database.path("canary").display());
        database.write(
            "trueup.toml",
            &format!(
                "[hooks]\nbefore = '{canary}'\nafter = '{canary}'\nfailure = '{canary}'\n\
                 [env.prod]\nurl = '{}'\nfree_space = '{canary}'\nbackup = '{canary}'\n",
                url(&database.target)
            ),
        );
        for (command, code) in [
            (&["plan", "--schema", "desired.sql", "--out", "next", "--env", "prod"][..], 0),
            (&["show", "plan"], 0),
            (&["verify", "plan", "--env", "prod", "--phase", "all", "--rehearse"], 3),
            (&["status", "--env", "prod", "--schema", "desired.sql"], 0),
            (&["diff", "prod", "desired.sql"], 0),
            (&["dump", "--env", "prod"], 0),
            (&["history", "--env", "prod"], 0),
            (&["init", "--from", "prod"], 0),
        ] {
            let ran = database.trueup(command).await;
            assert!(!database.path("canary").exists(), "{}", ran.shown());
            assert_eq!(ran.code, Some(code), "{}", ran.shown());
        }
        // it would have been seen
        let ran = database.trueup(&["preflight", "plan", "--env", "prod"]).await;
        assert!(database.path("canary").exists(), "{}", ran.shown());
        database.done().await;
    });
}

#[test]
fn a_server_that_nobody_checks_is_warned_of() {
    runtime().block_on(async {
        let servers = servers().await;
        let port = servers.primary;
        let database = Database::with("CREATE TABLE t (id int)").await.unwrap();
        database.plan("CREATE TABLE t (id int, n int)").await;
        let ca = servers.folder.join("ca.crt").display().to_string();
        let other = address();
        let warned = |host: &str, mode: &str| {
            format!("warning: {host}: nobody checks that this is the right server (sslmode={mode}): add sslmode=verify-full")
        };
        let at = |host: &str, more: &str| format!("postgres://app:right@{host}:{port}/shop?{more}");
        for mode in ["disable", "prefer", "require"] {
            let ran = database.trueup(&["history", "--url", &at("127.0.0.1", &format!("sslmode={mode}"))]).await.ended(0).unwrap();
            assert_eq!(ran.stderr, "", "{}", ran.shown());
            let Some(other) = &other else { continue };
            let there = at(other, &format!("sslmode={mode}"));
            for command in [&["history"][..], &["status"], &["plan", "--schema", "desired.sql", "--out", "x"], &["apply", "plan"]] {
                let ran = database.trueup(&[command, &["--url", &there]].concat()).await;
                assert_eq!(ran.stderr.matches(&warned(other, mode)).count(), 1, "{}", ran.shown());
            }
            let quiet = database.trueup(&["history", "--quiet", "--url", &there]).await.ended(0).unwrap();
            assert_eq!(quiet.stderr, "", "{}", quiet.shown());
        }
        let Some(other) = &other else { return };
        let verified = at(other, &format!("sslmode=verify-ca&sslrootcert={ca}"));
        let ran = database.trueup(&["history", "--url", &verified]).await.ended(0).unwrap();
        assert_eq!(ran.stderr, "", "{}", ran.shown());
        let encrypted = at(other, "sslmode=require");
        let ran = database.trueup(&["preflight", "plan", "--url", &encrypted]).await;
        assert!(ran.stdout.contains("TLSv1.3, but the server's certificate is not checked"), "{}", ran.shown());
        database.write("trueup.toml", "[approval]\nverified_tls = true\n");
        for (url, why) in [
            (&at(other, "sslmode=disable"), "the connection is not encrypted, and policy says `verified_tls = true`"),
            (&encrypted, "the server's certificate is not checked, and policy says `verified_tls = true`"),
        ] {
            database.trueup(&["apply", "plan", "--url", url]).await.fails(3, why);
            let looked = database.trueup(&["preflight", "plan", "--url", url]).await.ended(3).unwrap();
            assert!(looked.stdout.contains(why), "{}", looked.shown());
        }
        let ran = database.trueup(&["apply", "plan", "--url", &verified]).await;
        assert!(!ran.stderr.contains("verified_tls"), "{}", ran.shown());
        // what policies ask of a session
        let env = |name: &str| (name == "HOME").then(|| "/nonexistent".to_owned());
        for (url, expected) in [
            (at(other, "sslmode=disable"), Some(Unverified::NotEncrypted)),
            (encrypted, Some(Unverified::NotChecked)),
            (verified, None),
            (at("127.0.0.1", "sslmode=disable"), None),
        ] {
            let session = Session::connect(&Target::resolve(Some(&url), &env).unwrap()).await.unwrap();
            assert_eq!(session.unverified(), expected, "{url}");
        }
        database.done().await;
    });
}
