//! What a server may ask for before it lets one in: `require_auth`, and never a password in clear text where others could
//! listen. libpq of 16 and later says the same, where there is a psql of that beside the tests' pg_dump.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use trueup::postgres::{Session, Target};

use super::Server;
use crate::oracle::runtime;

const HBA: &str = "local all postgres trust
local all clear password
host all scram all scram-sha-256
host all md5 all md5
host all clear all password
host all open all trust
";

const ROLES: &str = "CREATE ROLE scram LOGIN PASSWORD 'right'; CREATE ROLE clear LOGIN PASSWORD 'right'; CREATE ROLE open LOGIN;
    SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'right'";

/// Whether libpq 16 or later connects, if there is one.
fn libpq(settings: &str) -> Option<bool> {
    let psql = Path::new(&std::env::var_os("TRUEUP_TEST_PG_DUMP")?).with_file_name("psql");
    let version = Command::new(&psql).arg("--version").output().ok()?.stdout;
    let version = String::from_utf8(version).unwrap();
    let major: u32 = version.split([' ', '.']).find_map(|word| word.parse().ok())?;
    let ran = Command::new(psql).args(["-XAtwc", "SELECT 1", settings]).env("HOME", "/nonexistent").output();
    (major >= 16).then_some(ran.ok()?.status.success())
}

fn only_what_require_auth_names_is_answered(major: u16) {
    runtime().block_on(async {
        let server = Server::with(major, HBA).await;
        server.own.execute(ROLES).await;
        let cases = [
            ("scram", "scram-sha-256", Ok(())),
            ("scram", "scram-sha-256,md5", Ok(())),
            ("scram", "!none", Ok(())),
            ("scram", "!password,!md5,!none", Ok(())),
            ("scram", "md5", Err("the server asks for scram-sha-256, which require_auth=md5 does not allow")),
            (
                "scram",
                "!scram-sha-256",
                Err("the server asks for scram-sha-256, which require_auth=!scram-sha-256"),
            ),
            (
                "scram",
                "none",
                Err("the server asks for scram-sha-256, which require_auth=none does not allow"),
            ),
            ("md5", "md5", Ok(())),
            (
                "md5",
                "scram-sha-256",
                Err("the server asks for md5, which require_auth=scram-sha-256 does not allow"),
            ),
            ("md5", "!md5", Err("the server asks for md5, which require_auth=!md5 does not allow")),
            ("open", "none", Ok(())),
            ("open", "scram-sha-256,none", Ok(())),
            ("open", "!password", Ok(())),
            ("open", "!none", Err("asks for no proof of identity, which require_auth=!none does not allow")),
            (
                "open",
                "scram-sha-256",
                Err("asks for no proof of identity, which require_auth=scram-sha-256 does not"),
            ),
            ("open", "gss,sspi", Err("asks for no proof of identity, which require_auth=gss,sspi does not")),
            ("open", "md5,!none", Err("require_auth: methods with and without ! cannot be mixed")),
            ("open", "none,none", Err("require_auth: none is named twice")),
            ("open", "magic", Err("require_auth: \"magic\" is none of")),
        ];
        for (user, required, expected) in cases {
            for mode in ["disable", "prefer", "require"] {
                let settings = |mode: &str| {
                    let login = format!("user={user} password=right sslmode={mode} require_auth={required}");
                    server.settings("").replace("user=postgres", &login)
                };
                let found = connect(&settings(mode)).await;
                match (&found, expected) {
                    (Ok(()), Ok(())) => {}
                    (Err(error), Err(words)) => assert!(error.contains(words), "{user} {required}: {error}"),
                    _ => panic!("{user} {required} {mode}: {found:?}"),
                }
                if let Some(libpq) = libpq(&settings("disable")).filter(|_| mode == "disable") {
                    assert_eq!(libpq, expected.is_ok(), "{user} {required}: libpq differs");
                }
            }
        }
        // with TLS, a password in clear text is one of the methods
        for (required, expected) in [("password", true), ("!password", false), ("scram-sha-256", false)] {
            let login = format!("user=clear password=right sslmode=require require_auth={required}");
            let found = connect(&server.settings("").replace("user=postgres", &login)).await;
            assert_eq!(found.is_ok(), expected, "{required}: {found:?}");
        }
        // the variable
        let env = |name: &str| (name == "PGREQUIREAUTH").then(|| "scram-sha-256".to_owned());
        let settings = server.settings("").replace("user=postgres", "user=open");
        let error = Session::connect(&Target::resolve(Some(&settings), &env).unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("no proof of identity"), "{error}");
        assert!(error.hint().contains("PGREQUIREAUTH"));
    });
}

async fn connect(settings: &str) -> Result<(), String> {
    let env = |name: &str| (name == "HOME").then(|| "/nonexistent".to_owned());
    let target = Target::resolve(Some(settings), &env).map_err(|error| error.to_string())?;
    Session::connect(&target).await.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn only_what_require_auth_names_is_answered_on_15() {
    only_what_require_auth_names_is_answered(15);
}

#[test]
fn only_what_require_auth_names_is_answered_on_18() {
    only_what_require_auth_names_is_answered(18);
}

/// Hands everything on to a server, and keeps what clients said.
fn listener(server: String) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let keeps = Arc::clone(&heard);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            let keeps = Arc::clone(&keeps);
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    keeps.lock().unwrap().extend_from_slice(&buffer[..count]);
                    server.write_all(&buffer[..count]).unwrap();
                }
                let _ = server.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    (port, heard)
}

fn no_password_is_sent_in_clear_text(major: u16) {
    runtime().block_on(async {
        let server = Server::with(major, HBA).await;
        server.own.execute(ROLES).await;
        let (port, heard) = listener(format!("{}:5432", server.address));
        let settings = |mode: &str| {
            format!("host=127.0.0.1 port={port} user=clear password=right dbname=postgres sslmode={mode}")
        };
        for mode in ["disable", "allow"] {
            let error = connect(&settings(mode)).await.unwrap_err();
            let words = "the server asks for the password in clear text, and the connection is not encrypted";
            assert_eq!(error, format!("clear@127.0.0.1:{port}/postgres: {words}"));
        }
        for mode in ["prefer", "require"] {
            connect(&settings(mode)).await.unwrap();
        }
        let heard = heard.lock().unwrap().clone();
        let has = |text: &[u8]| heard.windows(text.len()).any(|part| part == text);
        assert!(has(b"user\0clear\0"), "the listener hears what is said");
        assert!(!has(b"right"), "the password was sent");
        // a socket of this machine has no listeners
        let socket = server.own.target.hosts()[0].name();
        connect(&format!("host={socket} user=clear password=right dbname=postgres")).await.unwrap();
    });
}

#[test]
fn no_password_is_sent_in_clear_text_on_15() {
    no_password_is_sent_in_clear_text(15);
}

#[test]
fn no_password_is_sent_in_clear_text_on_18() {
    no_password_is_sent_in_clear_text(18);
}
