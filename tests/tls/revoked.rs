//! Revocation lists, and the versions of TLS.

use std::path::Path;

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd};
use trueup::postgres::{Session, Target};

use super::{Authority, Server, authority, between, issued};
use crate::oracle::runtime;

/// A list by this authority that takes these serial numbers back.
fn list(by: &Authority, revoked: &[u64], next_update: i32) -> String {
    let revoked = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2021, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2021, 1, 1),
        next_update: date_time_ymd(next_update, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(by).unwrap().pem().unwrap()
}

fn revoked_certificates_are_refused(major: u16) {
    runtime().block_on(async {
        let server = Server::of(major).await;
        let (good, other) = (authority("good", |_| ()), authority("other", |_| ()));
        let below = between("below", &good);
        let chain = issued(&good, &server.key, |params| params.serial_number = Some(SerialNumber::from(7)));
        let long = issued(&below, &server.key, |params| params.serial_number = Some(SerialNumber::from(8)))
            + &below.pem();
        let root = server.file("root.crt", &good.pem());
        let both = |one: String, two: String| one + &two;
        for (what, chain, lists, expected) in [
            ("another one is revoked", &chain, list(&good, &[6], 2040), Ok(())),
            (
                "it is revoked",
                &chain,
                list(&good, &[6, 7], 2040),
                Err("TLS failed: the server's certificate is revoked"),
            ),
            (
                "the list is of another authority",
                &chain,
                list(&other, &[7], 2040),
                Err("sslcrl has no revocation list of"),
            ),
            (
                "the list is old",
                &chain,
                list(&good, &[6], 2022),
                Err("a revocation list of sslcrl is too old"),
            ),
            (
                "one list of two is missing",
                &long,
                list(&good, &[6], 2040),
                Err("sslcrl has no revocation list of"),
            ),
            (
                "no list of two is missing",
                &long,
                both(list(&good, &[6], 2040), list(&below, &[6], 2040)),
                Ok(()),
            ),
            (
                "it is in the second list",
                &long,
                both(list(&good, &[6], 2040), list(&below, &[8], 2040)),
                Err("is revoked"),
            ),
        ] {
            server.shows(chain).await;
            let crl = server.file("root.crl", &lists);
            let more = format!("sslmode=verify-ca sslrootcert={} sslcrl={}", root.display(), crl.display());
            server.ends(what, &more, expected).await;
        }
        // trueup is stricter than libpq here, which goes on without the file
        let more =
            |crl: &Path| format!("sslmode=verify-ca sslrootcert={} sslcrl={}", root.display(), crl.display());
        for (file, words) in [
            (server.folder.path().join("nothing"), "cannot read sslcrl"),
            (root.clone(), "there is no revocation list in it (PEM)"),
        ] {
            let error = server.connect(&more(&file)).await.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let error = server.connect("sslmode=verify-ca sslcrl=/x").await.unwrap_err().to_string();
        assert_eq!(error, "sslcrl: revocation lists need a file in sslrootcert");

        // a folder, as openssl rehash leaves it
        server.shows(&chain).await;
        let folder = server.folder.path().join("lists");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("README"), "not a list").unwrap();
        let by_folder =
            format!("sslmode=verify-ca sslrootcert={} sslcrldir={}", root.display(), folder.display());
        let error = server.connect(&by_folder).await.unwrap_err().to_string();
        assert!(error.ends_with("it has no revocation list that openssl rehash has named"), "{error}");
        std::fs::write(folder.join("0a1b2c3d.r0"), list(&good, &[6], 2040)).unwrap();
        server.connect(&by_folder).await.unwrap();
        std::fs::write(folder.join("0a1b2c3d.r0"), list(&good, &[7], 2040)).unwrap();
        let error = server.connect(&by_folder).await.unwrap_err().to_string();
        assert!(error.ends_with("the server's certificate is revoked"), "{error}");

        // the variable, and the file in the home folder
        let ends = async |env: &[(&str, &str)]| {
            let env =
                |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let settings = server.settings(&format!("sslmode=verify-ca sslrootcert={}", root.display()));
            let error = Session::connect(&Target::resolve(Some(&settings), &env)?).await?;
            Ok::<_, trueup::postgres::ConnectError>(error)
        };
        let revoked = server.file("revoked.crl", &list(&good, &[7], 2040)).display().to_string();
        assert!(ends(&[("PGSSLCRL", &revoked)]).await.unwrap_err().to_string().ends_with("is revoked"));
        let home = server.folder.path().join("home");
        std::fs::create_dir_all(home.join(".postgresql")).unwrap();
        std::fs::copy(&revoked, home.join(".postgresql/root.crl")).unwrap();
        let home = home.display().to_string();
        assert!(ends(&[("HOME", &home)]).await.unwrap_err().to_string().ends_with("is revoked"));
    });
}

#[test]
fn revoked_certificates_are_refused_on_15() {
    revoked_certificates_are_refused(15);
}

#[test]
fn revoked_certificates_are_refused_on_18() {
    revoked_certificates_are_refused(18);
}

#[test]
fn the_version_of_tls_is_between_what_is_said() {
    runtime().block_on(async {
        let server = Server::of(15).await;
        for (more, expected) in [
            ("", Ok("TLSv1.3")),
            ("ssl_min_protocol_version=TLSv1", Ok("TLSv1.3")),
            ("ssl_min_protocol_version=TLSv1.3", Ok("TLSv1.3")),
            ("ssl_max_protocol_version=tlsv1.2", Ok("TLSv1.2")),
            ("ssl_min_protocol_version=TLSv1.1 ssl_max_protocol_version=TLSv1.2", Ok("TLSv1.2")),
            (
                "ssl_max_protocol_version=TLSv1.1",
                Err("ssl_max_protocol_version: trueup speaks TLSv1.2 and TLSv1.3 only"),
            ),
            (
                "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
                Err("ssl_max_protocol_version: it is below ssl_min_protocol_version"),
            ),
            (
                "ssl_min_protocol_version=SSLv3",
                Err("ssl_min_protocol_version: \"SSLv3\" is none of TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"),
            ),
        ] {
            match (server.connect(&format!("sslmode=require {more}")).await, expected) {
                (Ok(session), Ok(version)) => {
                    let query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                    assert_eq!(
                        session.client().query_one(query, &[]).await.unwrap().get::<_, &str>(0),
                        version
                    );
                }
                (Err(error), Err(words)) => assert_eq!(error.to_string(), words),
                (result, _) => panic!("{more}: {result:?}"),
            }
        }
        // what the two do not have in common
        server.own.execute("ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'").await;
        server.shows(&issued(&authority("next", |_| ()), &server.key, |_| ())).await;
        let error = server.connect("sslmode=require ssl_min_protocol_version=TLSv1.3").await.unwrap_err();
        assert!(error.to_string().contains("TLS failed"), "{error}");
        server.connect("sslmode=require").await.unwrap();
        let env = |name: &str| (name == "PGSSLMINPROTOCOLVERSION").then(|| "TLSv1.3".to_owned());
        let target = Target::resolve(Some(&server.settings("sslmode=require")), &env).unwrap();
        assert!(Session::connect(&target).await.unwrap_err().to_string().contains("TLS failed"));
    });
}

#[test]
fn tls_without_asking_for_it_first_works_from_17_on() {
    runtime().block_on(async {
        let server = Server::of(18).await;
        let session = server.connect("sslmode=require sslnegotiation=direct").await.unwrap();
        let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        assert!(session.client().query_one(query, &[]).await.unwrap().get::<_, bool>(0));
    });
}
