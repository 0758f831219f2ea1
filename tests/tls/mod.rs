//! What the files of TLS must be: authorities that are some, and whose time has come and is not over; a key that is nobody
//! else's; revocation lists. Each case is tried with libpq (psql), too, where there is one.
#![allow(clippy::unwrap_used, clippy::panic)]

mod login;
mod revoked;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU8, Ordering},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;
use trueup::postgres::{ConnectError, Session, Target};

use crate::oracle::{own_server::OwnServer, runtime};

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A server that takes everybody, with encryption, under an address of its own.
struct Server {
    own: OwnServer,
    folder: TempDir,
    address: String,
    key: KeyPair,
}

impl Server {
    async fn of(major: u16) -> Self {
        Self::with(major, "local all all trust\nhostssl all all all trust\n").await
    }

    /// One that takes those whom these lines of pg_hba.conf take.
    async fn with(major: u16, hba: &str) -> Self {
        static NUMBER: AtomicU8 = AtomicU8::new(1);
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let address = format!("127.{}.{high}.{low}", 100 + NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::Builder::new().prefix("tup").tempdir_in("/tmp").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let key = KeyPair::generate().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        fs::write(file("server.key"), key.serialize_pem()).unwrap();
        fs::set_permissions(file("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let account = ["postgres", "nobody"].iter().find_map(|n| nix::unistd::User::from_name(n).unwrap());
        if let Some(account) = account.filter(|_| nix::unistd::geteuid().is_root()) {
            chown(file("server.key"), Some(account.uid.as_raw()), Some(account.gid.as_raw())).unwrap();
        }
        fs::write(file("server.crt"), issued(&authority("first", |_| ()), &key, |_| ())).unwrap();
        fs::write(file("hba"), hba).unwrap();
        let server = OwnServer::of(
            major,
            &[
                &format!("listen_addresses={address}"),
                "ssl=on",
                &format!("ssl_cert_file={}", file("server.crt")),
                &format!("ssl_key_file={}", file("server.key")),
                &format!("hba_file={}", file("hba")),
            ],
        )
        .await;
        Self { own: server, folder, address, key }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Has the server show this chain from now on.
    async fn shows(&self, chain: &str) {
        self.file("server.crt", chain);
        let session = Session::connect(&self.own.target).await.unwrap();
        let before = loaded(&session).await;
        session.client().batch_execute("SELECT pg_reload_conf()").await.unwrap();
        // a new session has the configuration of the server's first process
        while loaded(&Session::connect(&self.own.target).await.unwrap()).await == before {}
    }

    fn settings(&self, more: &str) -> String {
        format!("host=localhost hostaddr={} port=5432 user=postgres dbname=postgres {more}", self.address)
    }

    async fn connect(&self, more: &str) -> Result<Session, ConnectError> {
        let env = |name: &str| (name == "HOME").then(|| "/nonexistent".to_owned());
        Session::connect(&Target::resolve(Some(&self.settings(more)), &env)?).await
    }

    /// That trueup connects, or says this; and that libpq does the same.
    async fn ends(&self, what: &str, more: &str, expected: Result<(), &str>) {
        let found = self.connect(more).await.map(|_| ()).map_err(|error| error.to_string());
        match (&found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(words)) => {
                assert!(error.contains(words) && !error.contains('\n'), "{what}: {error}");
            }
            _ => panic!("{what}: {found:?}"),
        }
        if let Some(libpq) = libpq(&self.settings(more)) {
            assert_eq!(libpq, expected.is_ok(), "{what}: libpq differs");
        }
    }
}

/// When the configuration was last read.
async fn loaded(session: &Session) -> String {
    let query = "SELECT pg_conf_load_time()::text";
    session.client().query_one(query, &[]).await.unwrap().get(0)
}

/// Whether libpq connects, if there is a psql.
fn libpq(settings: &str) -> Option<bool> {
    let ran = Command::new("psql").args(["-XAtc", "SELECT 1", settings]).env("HOME", "/nonexistent").output();
    Some(ran.ok()?.status.success())
}

fn params(name: &str, change: impl Fn(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    change(&mut params);
    params
}

fn authority_params(name: &str, change: impl Fn(&mut CertificateParams)) -> CertificateParams {
    params(name, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(params);
    })
}

fn authority(name: &str, change: impl Fn(&mut CertificateParams)) -> Authority {
    CertifiedIssuer::self_signed(authority_params(name, change), KeyPair::generate().unwrap()).unwrap()
}

fn between(name: &str, above: &Authority) -> Authority {
    CertifiedIssuer::signed_by(authority_params(name, |_| ()), KeyPair::generate().unwrap(), above).unwrap()
}

fn issued(by: &Authority, key: &KeyPair, change: impl Fn(&mut CertificateParams)) -> String {
    let mut params = params("the server", |_| ());
    params.subject_alt_names = vec![rcgen::SanType::DnsName("localhost".try_into().unwrap())];
    change(&mut params);
    params.signed_by(key, by).unwrap().pem()
}

fn own(key: &KeyPair, change: impl Fn(&mut CertificateParams)) -> String {
    params("the server", change).self_signed(key).unwrap().pem()
}

fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2021, 6, 5);
}

fn future(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2039, 1, 2);
}

fn authorities_are_what_openssl_takes_for_some(major: u16) {
    runtime().block_on(async {
        let server = Server::of(major).await;
        let key = &server.key;
        let good = authority("good", |_| ());
        let old = authority("old", expired);
        let early = authority("early", future);
        let nobody = authority("nobody", |params| params.is_ca = IsCa::ExplicitNoCa);
        let plain = authority("plain", |params| params.is_ca = IsCa::NoCa);
        let by_usage = authority("by usage", |params| {
            params.is_ca = IsCa::NoCa;
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        });
        let no_signer =
            authority("no signer", |params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
        let for_clients = authority("for clients", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        });
        let short = authority("short", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
        let (below_good, below_short) = (between("below good", &good), between("below short", &short));
        let chain = |by: &Authority| issued(by, key, |_| ());
        let chain_through = |by: &Authority| issued(by, key, |_| ()) + &by.pem();
        let (own_good, own_old) = (own(key, |_| ()), own(key, expired));
        let cases = [
            ("one that is good", chain(&good), good.pem(), Ok(())),
            ("an old one beside it", chain(&good), old.pem() + &good.pem(), Ok(())),
            (
                "an old one",
                chain(&old),
                old.pem(),
                Err("it has no authority to trust: CN=old expired on 2021-06-05"),
            ),
            ("the old one of two", chain(&old), good.pem() + &old.pem(), Err("CN=old expired on 2021-06-05")),
            ("one of the future", chain(&early), early.pem(), Err("CN=early is not valid before 2039-01-02")),
            ("one that is none", chain(&nobody), nobody.pem(), Err("CN=nobody is not an authority's (CA)")),
            ("one that says nothing", chain(&plain), plain.pem(), Err("CN=plain is not an authority's (CA)")),
            ("one by its usage", chain(&by_usage), by_usage.pem(), Ok(())),
            (
                "one that may not sign",
                chain(&no_signer),
                no_signer.pem(),
                Err("CN=no signer is not an authority's (CA)"),
            ),
            (
                "one of clients",
                chain(&for_clients),
                for_clients.pem(),
                Err("CN=for clients is not an authority's (CA)"),
            ),
            ("one between", chain_through(&below_good), good.pem(), Ok(())),
            (
                "one between that only the file has",
                chain(&below_good),
                good.pem() + &below_good.pem(),
                Ok(()),
            ),
            (
                "one between alone",
                chain(&below_good),
                below_good.pem(),
                Err("CN=below good is from CN=good, whose certificate is not in the file"),
            ),
            (
                "one too many between",
                chain_through(&below_short),
                short.pem(),
                Err("authority that is trusted"),
            ),
            ("none between", chain(&short), short.pem(), Ok(())),
            ("the server's own", own_good.clone(), own_good, Ok(())),
            (
                "the server's own of old",
                own_old.clone(),
                own_old + &good.pem(),
                Err("CN=the server expired on"),
            ),
            (
                "the server's, which another one signed",
                chain(&good),
                chain(&good),
                Err("it has no authority to trust"),
            ),
            ("another one", chain(&good), authority("good", |_| ()).pem(), Err("TLS failed")),
        ];
        for (what, chain, root, expected) in cases {
            server.shows(&chain).await;
            let root = server.file("root.crt", &root);
            for mode in ["verify-ca", "require"] {
                let more = format!("sslmode={mode} sslrootcert={}", root.display());
                server.ends(&format!("{what}, {mode}"), &more, expected).await;
            }
        }
    });
}

#[test]
fn authorities_are_what_openssl_takes_for_some_on_15() {
    authorities_are_what_openssl_takes_for_some(15);
}

#[test]
fn authorities_are_what_openssl_takes_for_some_on_18() {
    authorities_are_what_openssl_takes_for_some(18);
}

fn a_key_is_nobody_elses(major: u16) {
    runtime().block_on(async {
        let server = Server::of(major).await;
        let client = KeyPair::generate().unwrap();
        let good = authority("good", |_| ());
        server.shows(&issued(&good, &server.key, |_| ())).await;
        let certificate = server.file("client.crt", &issued(&good, &client, |_| ()));
        let key = server.file("client.key", &client.serialize_pem());
        let more = |key: &Path| {
            format!("sslmode=require sslcert={} sslkey={}", certificate.display(), key.display())
        };
        let roots = nix::unistd::geteuid().is_root();
        for (mode, expected) in [
            (0o600, Ok(())),
            (0o400, Ok(())),
            (
                0o640,
                if roots { Ok(()) } else { Err("others have access to the key (mode 0640): chmod 0600") },
            ),
            (0o660, Err("others have access to the key (mode 0660): chmod 06")),
            (0o644, Err("others have access to the key (mode 0644): chmod 06")),
            (0o604, Err("others have access to the key (mode 0604): chmod 06")),
        ] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            server.ends(&format!("{mode:o}"), &more(&key), expected).await;
        }
        // what is root's may be read by its group; what is another's by nobody
        if roots {
            chown(&key, Some(65_534), None).unwrap();
            fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
            server.ends("another's", &more(&key), Err("(mode 0640): chmod 0600")).await;
        }
        server.ends("a folder", &more(server.folder.path()), Err("it is no regular file")).await;
        // where nothing is encrypted no key is looked at
        let socket = server.own.target.hosts()[0].name();
        let env = |_: &str| None;
        let url = format!("host={socket} user=postgres {}", more(Path::new("/nonexistent")));
        Session::connect(&Target::resolve(Some(&url), &env).unwrap()).await.unwrap();
    });
}

#[test]
fn a_key_is_nobody_elses_on_15() {
    a_key_is_nobody_elses(15);
}

#[test]
fn a_key_is_nobody_elses_on_18() {
    a_key_is_nobody_elses(18);
}
