//! Connections to real servers: TLS, passwords, files, several hosts, and what is said when it does not work.
#![allow(clippy::unwrap_used)]

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::oracle::Database;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tokio::sync::OnceCell;
use trueup::postgres::{ConnectError, Scratch, ScratchOptions, Session, Target};

/// A server with certificates, scram and an address; and a standby beside it, whose certificate is its own authority.
pub struct Servers {
    pub folder: PathBuf,
    pub primary: u16,
    standby: u16,
    // They stop, and the folder is removed, when this process ends and closes the pipes.
    _keepers: Vec<Child>,
}

const HBA: &str = "local all postgres trust
local all ghost trust
hostssl all tls_only 127.0.0.1/32 scram-sha-256
hostssl all certified 127.0.0.1/32 cert
host all tls_only,certified 0.0.0.0/0 reject
host all all samehost scram-sha-256
";

const SETUP: &str = "CREATE ROLE app LOGIN PASSWORD 'right';
CREATE ROLE tls_only LOGIN PASSWORD 'right';
CREATE ROLE certified LOGIN;
CREATE ROLE no_login;
CREATE DATABASE shop;
CREATE DATABASE read_only;
ALTER DATABASE read_only SET default_transaction_read_only = on";

const KEEPER: &str = r#"bin=$1 data=$2 folder=$3; shift 3
"$bin/postgres" -D "$data" -k "$data" "$@" </dev/null >"$data.log" 2>&1 &
while read -r _; do :; done
kill -QUIT $!; wait $!; rm -rf "$folder""#;

pub async fn servers() -> &'static Servers {
    static SERVERS: OnceCell<Servers> = OnceCell::const_new();
    SERVERS.get_or_init(start).await
}

async fn start() -> Servers {
    let options = ScratchOptions::from_env(&|name| std::env::var_os(name));
    let scratch = Scratch::open(&options, &|_| {}).await.unwrap();
    let bin = scratch.binaries().unwrap().directory.clone();
    let folder = tempfile::Builder::new().prefix("tup").tempdir_in("/tmp").unwrap().keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    certificates(&folder);
    let root = nix::unistd::geteuid().is_root();
    let account = ["postgres", "nobody"].iter().find_map(|n| nix::unistd::User::from_name(n).unwrap());
    let account = account.filter(|_| root).map(|user| (user.uid.as_raw(), user.gid.as_raw()));
    let run = |program: &Path| {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = account {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/");
        command
    };
    for entry in
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).chain([folder.clone()])
    {
        if let Some((uid, gid)) = account {
            chown(entry, Some(uid), Some(gid)).unwrap();
        }
    }

    let mut ports = [0; 2];
    let mut keepers = Vec::new();
    for (at, name) in ["primary", "standby"].into_iter().enumerate() {
        let data = folder.join(name);
        let mut initdb = run(&bin.join("initdb"));
        initdb.args([
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ]);
        assert!(initdb.arg(&data).stdout(Stdio::null()).status().unwrap().success());
        if name == "primary" {
            std::fs::write(data.join("pg_hba.conf"), HBA).unwrap();
        } else {
            std::fs::write(data.join("standby.signal"), "").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut keeper = run(Path::new("/bin/sh"));
        keeper.args(["-c", KEEPER, "keeper"]).args([&bin, &data, &folder]);
        let file = |name: &str| folder.join(name).display().to_string();
        for setting in [
            "listen_addresses=0.0.0.0".to_owned(),
            format!("port={port}"),
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", file(&format!("{name}.crt"))),
            format!("ssl_key_file={}", file(&format!("{name}.key"))),
            format!("ssl_ca_file={}", file("ca.crt")),
        ] {
            keeper.args(["-c", &setting]);
        }
        keepers.push(keeper.stdin(Stdio::piped()).process_group(0).spawn().unwrap());
        ports[at] = port;
        let target = Target::socket(&data, port, "postgres", "postgres");
        let began = std::time::Instant::now();
        let session = loop {
            match Session::connect(&target).await {
                Ok(session) => break session,
                Err(error) => assert!(
                    began.elapsed().as_secs() < 30,
                    "{error}: {}",
                    std::fs::read_to_string(data.with_extension("log")).unwrap()
                ),
            }
        };
        if name == "primary" {
            for statement in SETUP.split(";\n") {
                session.client().batch_execute(statement).await.unwrap();
            }
        }
    }
    scratch.close().await.unwrap();
    Servers { folder, primary: ports[0], standby: ports[1], _keepers: keepers }
}

fn certificates(folder: &Path) {
    let write = |name: &str, pem: &str| {
        std::fs::write(folder.join(name), pem).unwrap();
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let ca = authority("the authority");
    write("ca.crt", &ca.pem());
    write("other.crt", &authority("another authority").pem());
    for (name, subject, usage) in [
        ("primary", "localhost", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", "certified", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([subject.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, subject);
        params.extended_key_usages.push(usage);
        write(&format!("{name}.crt"), &params.signed_by(&key, &ca).unwrap().pem());
        write(&format!("{name}.key"), &key.serialize_pem());
    }
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    write("standby.crt", &own.cert.pem());
    write("standby.key", &own.signing_key.serialize_pem());
}

async fn connect_in(url: &str, env: &[(&str, &str)]) -> Result<Session, ConnectError> {
    let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Session::connect(&Target::resolve(Some(url), &env)?).await
}

async fn connect(url: &str) -> Result<Session, ConnectError> {
    // No files of whoever runs the tests.
    connect_in(url, &[("HOME", "/nonexistent")]).await
}

async fn error(url: &str) -> ConnectError {
    let error = connect(url).await.unwrap_err();
    let shown = format!("{error} {} {error:?}", error.hint());
    assert!(!shown.contains("right") && !shown.contains("wrong1"), "a password is shown: {shown}");
    assert!(!error.to_string().contains('\n') && !error.hint().is_empty());
    error
}

async fn encrypted(session: &Session) -> bool {
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    session.client().query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn passwords_are_checked() {
    let port = servers().await.primary;
    let session = connect(&format!("postgres://app:right@127.0.0.1:{port}/shop")).await.unwrap();
    assert_eq!(session.place(), format!("app@127.0.0.1:{port}/shop"));
    assert!(!session.is_superuser() && !session.is_standby() && session.backend_pid() > 0);
    let error = error(&format!("postgres://app:wrong1@127.0.0.1:{port}/shop")).await;
    assert_eq!(error.to_string(), format!("app@127.0.0.1:{port}/shop: wrong password for \"app\""));
    let error = connect(&format!("postgres://app@127.0.0.1:{port}/shop")).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoPassword { .. }), "{error}");
    assert!(error.hint().contains("PGPASSWORD"));
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let servers = servers().await;
    let (port, data) = (servers.primary, servers.folder.join("primary"));
    let unknown = error(&format!("postgres://app:right@127.0.0.1:{port}/warehouse")).await;
    assert!(unknown.to_string().ends_with("/warehouse: database \"warehouse\" does not exist"), "{unknown}");

    let role = error(&format!("host={} port={port} user=ghost", data.display())).await;
    assert!(matches!(role, ConnectError::UnknownRole { .. }), "{role}");
    assert!(role.to_string().ends_with("role \"ghost\" does not exist"), "{role}");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = error(&format!("postgres://app@{closed}/shop")).await;
    assert_eq!(refused.to_string(), format!("app@{closed}/shop: connection refused"));

    let socket = error("postgres://app@/shop?host=/nonexistent").await;
    assert!(socket.to_string().ends_with("there is no socket /nonexistent/.s.PGSQL.5432"), "{socket}");

    let host = error("postgres://app@no-such-host.invalid/shop").await;
    assert!(host.to_string().ends_with("host \"no-such-host.invalid\" not found"), "{host}");

    // This one takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let late = error(&format!("postgres://app@{address}/shop?connect_timeout=1")).await;
    assert_eq!(late.to_string(), format!("app@{address}/shop: no answer within 1 s"));
}

#[tokio::test]
async fn sslmode_means_what_it_means_to_libpq() {
    let servers = servers().await;
    let port = servers.primary;
    let file = |name: &str| servers.folder.join(name).display().to_string();
    let (ca, other) = (file("ca.crt"), file("other.crt"));
    for (login, parameters, expected) in [
        ("app:right@127.0.0.1", "sslmode=disable".to_owned(), Ok(false)),
        ("app:right@127.0.0.1", "sslmode=allow".to_owned(), Ok(false)),
        ("app:right@127.0.0.1", "sslmode=prefer".to_owned(), Ok(true)),
        ("app:right@127.0.0.1", "sslmode=require".to_owned(), Ok(true)),
        ("app:right@127.0.0.1", "sslmode=require&channel_binding=require".to_owned(), Ok(true)),
        ("tls_only:right@127.0.0.1", "sslmode=allow".to_owned(), Ok(true)),
        ("tls_only:right@127.0.0.1", "sslmode=disable".to_owned(), Err("pg_hba.conf rejects connection")),
        // The certificate is for localhost.
        ("app:right@127.0.0.1", format!("sslmode=verify-ca&sslrootcert={ca}"), Ok(true)),
        ("app:right@localhost", format!("sslmode=verify-full&sslrootcert={ca}"), Ok(true)),
        ("app:right@127.0.0.1", format!("sslmode=verify-full&sslrootcert={ca}"), Err("another host name")),
        (
            "app:right@localhost",
            format!("sslmode=verify-ca&sslrootcert={other}"),
            Err("authority that is trusted"),
        ),
        (
            "app:right@localhost",
            format!("sslmode=require&sslrootcert={other}"),
            Err("authority that is trusted"),
        ),
        // The system trusts other authorities.
        ("app:right@localhost", "sslmode=verify-full".to_owned(), Err("TLS failed")),
        ("app:right@localhost", "sslrootcert=system".to_owned(), Err("TLS failed")),
        ("app:right@localhost", "sslmode=verify-ca&sslrootcert=/nonexistent".to_owned(), Err("cannot read")),
    ] {
        // One address: that of localhost may also be ::1, where nobody listens.
        let login = login.replace("@localhost", &format!("@localhost:{port}"));
        let login = login.replace("@127.0.0.1", &format!("@127.0.0.1:{port}"));
        let url = format!("postgres://{login}/shop?hostaddr=127.0.0.1&{parameters}");
        match (connect(&url).await, expected) {
            (Ok(session), Ok(expected)) => assert_eq!(encrypted(&session).await, expected, "{url}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{url}: {error}"),
            (Ok(_), Err(expected)) => panic!("{url}: connected, though {expected}"),
            (Err(error), Ok(_)) => panic!("{url}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_trusted_where_it_is_named() {
    let servers = servers().await;
    let root = servers.folder.join("standby.crt");
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/postgres?sslmode=verify-full&sslrootcert={}",
        servers.standby,
        root.display()
    );
    assert!(encrypted(&connect(&url).await.unwrap()).await);
}

#[tokio::test]
async fn a_client_is_known_by_its_certificate() {
    let servers = servers().await;
    let file = |name: &str| servers.folder.join(name).display().to_string();
    let base = format!("postgres://certified@127.0.0.1:{}/shop?sslmode=require", servers.primary);
    let url = format!("{base}&sslcert={}&sslkey={}", file("client.crt"), file("client.key"));
    assert!(encrypted(&connect(&url).await.unwrap()).await);
    let error = error(&base).await;
    assert!(matches!(error, ConnectError::NotAllowed { .. }), "{error}");
    assert!(error.hint().contains("sslcert"));
}

#[tokio::test]
async fn a_server_without_tls_says_so() {
    let options = ScratchOptions::from_env(&|name| std::env::var_os(name));
    let scratch = Scratch::open(&options, &|_| {}).await.unwrap();
    // On a socket TLS is neither offered nor needed.
    let host = scratch.target().hosts()[0].name();
    let url = format!("host={host} user=postgres sslmode=require");
    connect(&url).await.unwrap();

    // A server that answers the question for TLS with no.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 8]).unwrap();
        stream.write_all(b"N").unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    let error = error(&format!("postgres://app@{address}/shop?sslmode=require")).await;
    assert!(error.to_string().ends_with("TLS failed: the server does not offer it"), "{error}");
    answer.join().unwrap();
}

#[tokio::test]
async fn files_in_the_home_folder_are_read() {
    let port = servers().await.primary;
    let home = tempfile::tempdir().unwrap();
    let pgpass = home.path().join(".pgpass");
    std::fs::write(&pgpass, format!("127.0.0.1:{port}:shop:app:right\n")).unwrap();
    let services = home.path().join(".pg_service.conf");
    std::fs::write(services, format!("[shop]\nhost=127.0.0.1\nport={port}\nuser=app\ndbname=shop\n"))
        .unwrap();
    let env = [("HOME", home.path().to_str().unwrap()), ("PGSERVICE", "shop")];
    std::fs::set_permissions(&pgpass, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = connect_in("postgres://", &env).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoPassword { .. }), "{error}");
    std::fs::set_permissions(&pgpass, std::fs::Permissions::from_mode(0o600)).unwrap();
    let session = connect_in("postgres://", &env).await.unwrap();
    assert_eq!(session.target().describe(), format!("app@127.0.0.1:{port}/shop"));
}

#[tokio::test]
async fn of_several_hosts_the_one_that_suits_is_taken() {
    let servers = servers().await;
    let (primary, standby) = (servers.primary, servers.standby);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // The standby lets anyone in; the primary wants the password.
    let hosts = |list: &[u16], database: &str, wanted: &str| {
        let hosts = vec!["127.0.0.1"; list.len()].join(",");
        let ports = list.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let login = "user=postgres password=right";
        format!("host={hosts} port={ports} {login} dbname={database} target_session_attrs={wanted}")
    };
    let socket = servers.folder.join("primary");
    let admin = Session::connect(&Target::socket(&socket, primary, "postgres", "postgres")).await.unwrap();
    admin.client().batch_execute("ALTER ROLE postgres PASSWORD 'right'").await.unwrap();

    let both = [closed, standby, primary];
    for (list, database, wanted, port) in [
        (&both[..], "postgres", "any", Some(standby)),
        (&both, "postgres", "primary", Some(primary)),
        (&both, "postgres", "read-write", Some(primary)),
        (&both, "postgres", "standby", Some(standby)),
        (&both, "postgres", "read-only", Some(standby)),
        (&[primary, standby], "postgres", "prefer-standby", Some(standby)),
        (&[closed, primary], "postgres", "prefer-standby", Some(primary)),
        (&[primary], "read_only", "read-only", Some(primary)),
        (&[primary], "read_only", "read-write", None),
        (&[primary], "postgres", "standby", None),
        (&[closed, standby], "postgres", "primary", None),
    ] {
        let url = hosts(list, database, wanted);
        match (connect(&url).await, port) {
            (Ok(session), Some(port)) => {
                assert_eq!(session.place(), format!("postgres@127.0.0.1:{port}/{database}"));
            }
            (Err(ConnectError::SessionAttrs { wanted: named, .. }), None) => assert_eq!(named, wanted),
            (result, _) => panic!("{url}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn a_statement_is_cancelled_over_tls() {
    let port = servers().await.primary;
    let url = format!("postgres://app:right@127.0.0.1:{port}/shop?sslmode=require");
    let session = connect(&url).await.unwrap();
    let watcher = connect(&url).await.unwrap();
    let canceller = session.canceller();
    let running = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'";
    let cancel = async {
        while watcher.client().query_one(running, &[&session.backend_pid()]).await.unwrap().get::<_, i64>(0)
            == 0
        {}
        canceller.cancel().await.unwrap();
    };
    let (result, ()) = tokio::join!(session.client().batch_execute("SELECT pg_sleep(60)"), cancel);
    assert_eq!(result.unwrap_err().code(), Some(&tokio_postgres::error::SqlState::QUERY_CANCELED));
}

/// The address that this machine has for others, if it has one. Nothing is sent.
pub fn address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}

#[tokio::test]
async fn preflight_says_whether_the_connection_is_encrypted() {
    let port = servers().await.primary;
    let database = Database::with("CREATE TABLE t (id int)").await.unwrap();
    database.plan("CREATE TABLE t (id int, n int)").await;
    let connection = async |host: &str, mode: &str| {
        let url = format!("postgres://app:right@{host}:{port}/shop?sslmode={mode}");
        let ran = database.trueup(&["preflight", "plan", "--url", &url, "--format", "json"]).await;
        let found: serde_json::Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.shown()));
        let check =
            found["checks"].as_array().unwrap().iter().find(|check| check["name"] == "connection").cloned();
        check.unwrap_or_else(|| panic!("{}", ran.shown()))
    };
    let there = format!("app@127.0.0.1:{port}/shop");
    let encrypted = connection("127.0.0.1", "require").await;
    assert_eq!(
        (&encrypted["verdict"], &encrypted["what"]),
        (&"pass".into(), &format!("{there}, TLSv1.3").into())
    );
    let local = connection("127.0.0.1", "disable").await;
    assert_eq!(
        (&local["verdict"], &local["what"]),
        (&"pass".into(), &format!("{there}, on this machine").into())
    );
    // a machine without a network has nobody who could listen
    if let Some(address) = address() {
        let clear = connection(&address, "disable").await;
        assert_eq!(
            (&clear["verdict"], &clear["what"], &clear["next"]),
            (
                &"warn".into(),
                &format!("app@{address}:{port}/shop, not encrypted").into(),
                &"add sslmode=verify-full to the connection URL".into()
            )
        );
    }
}
