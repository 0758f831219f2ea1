//! The files that TLS needs: authorities, the client's certificate and key, revocation lists.
//!
//! rustls takes a trust anchor as it is: it checks neither its dates nor whether it may sign. OpenSSL does both, so libpq
//! refuses an authority that has expired or is none. [`Authority`] knows what OpenSSL asks of one.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc5280::ID_KP_SERVER_AUTH;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::{Certificate, Version};

use super::error::ConnectError;
use crate::toml_file;

/// A certificate of sslrootcert.
#[derive(Debug, Clone)]
pub(super) struct Authority {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// How many authorities may stand between this one and the server's certificate, if it says so.
    pub path_length: Option<u8>,
    subject: String,
    issuer: String,
    /// Seconds since 1970.
    begins: u64,
    /// Seconds since 1970.
    ends: u64,
    signs: bool,
}

/// Why a certificate is no authority to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Its time is over.
    Expired(String),
    /// Its time has not come.
    NotYetValid(String),
    /// It is signed by another one.
    NotARoot(String),
    /// It may not sign certificates.
    NotAnAuthority,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(day) => write!(f, "expired on {day}"),
            Self::NotYetValid(day) => write!(f, "is not valid before {day}"),
            Self::NotARoot(issuer) => write!(f, "is from {issuer}, whose certificate is not in the file"),
            Self::NotAnAuthority => f.write_str("is not an authority's (CA)"),
        }
    }
}

impl Authority {
    fn new(der: CertificateDer<'static>) -> Result<Self, String> {
        let certificate = Certificate::from_der(&der).map_err(|e| e.to_string())?;
        let tbs = &certificate.tbs_certificate;
        let constraints = tbs.get::<BasicConstraints>().map_err(|e| e.to_string())?.map(|(_, value)| value);
        let usage = tbs.get::<KeyUsage>().map_err(|e| e.to_string())?.map(|(_, value)| value);
        let purposes = tbs.get::<ExtendedKeyUsage>().map_err(|e| e.to_string())?.map(|(_, value)| value);
        // As OpenSSL decides it: a certificate without constraints is an authority's if its key may sign certificates,
        // or if it is of version 1, which has no constraints.
        let authority = match (&constraints, &usage) {
            (Some(constraints), _) => constraints.ca,
            (None, Some(_)) => true,
            (None, None) => tbs.version == Version::V1,
        };
        let signs = authority
            && usage.is_none_or(|usage| usage.key_cert_sign())
            && purposes.is_none_or(|purposes| purposes.0.contains(&ID_KP_SERVER_AUTH));
        Ok(Self {
            path_length: constraints.and_then(|constraints| constraints.path_len_constraint),
            subject: tbs.subject.to_string(),
            issuer: tbs.issuer.to_string(),
            begins: tbs.validity.not_before.to_unix_duration().as_secs(),
            ends: tbs.validity.not_after.to_unix_duration().as_secs(),
            signs,
            der,
        })
    }

    /// Whose it is, such as `CN=the authority`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether it is signed by nobody else.
    pub fn is_root(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether a server that shows this certificate itself can be believed now: it may be one that signs nothing.
    pub fn fits_itself(&self, now: UnixTime) -> Result<(), Unfit> {
        let now = now.as_secs();
        if now > self.ends {
            Err(Unfit::Expired(day(self.ends)))
        } else if now < self.begins {
            Err(Unfit::NotYetValid(day(self.begins)))
        } else if self.is_root() {
            Ok(())
        } else {
            Err(Unfit::NotARoot(self.issuer.clone()))
        }
    }

    /// Whether a chain may end at it now.
    pub fn fits(&self, now: UnixTime) -> Result<(), Unfit> {
        self.fits_itself(now)?;
        if self.signs { Ok(()) } else { Err(Unfit::NotAnAuthority) }
    }
}

/// A day in UTC, such as 2026-11-30.
fn day(seconds: u64) -> String {
    let timestamp = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| format!("second {seconds}"), |at| at.strftime("%Y-%m-%d").to_string())
}

/// The certificates of sslrootcert. A file in which no server could be believed now is refused.
pub(super) fn authorities(file: &Path, now: UnixTime) -> Result<Vec<Authority>, ConnectError> {
    const WHAT: &str = "sslrootcert";
    let found: Result<Vec<_>, _> = certificates(file, WHAT)?.into_iter().map(Authority::new).collect();
    let found =
        found.map_err(|problem| bad(WHAT, file, format!("a certificate in it is damaged: {problem}")))?;
    if found.iter().any(|authority| authority.fits_itself(now).is_ok()) {
        return Ok(found);
    }
    let reasons: Vec<String> = found
        .iter()
        .filter_map(|one| Some(format!("{} {}", one.subject(), one.fits_itself(now).err()?)))
        .collect();
    Err(bad(WHAT, file, format!("it has no authority to trust: {}", reasons.join("; "))))
}

/// The certificates of a file.
pub(super) fn certificates(
    file: &Path,
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(file, what)?).collect();
    match found {
        Ok(found) if found.is_empty() => Err(bad(what, file, "there is no certificate in it (PEM)")),
        Ok(found) => Ok(found),
        Err(e) => Err(bad(what, file, e.to_string())),
    }
}

/// The client's key. As for libpq, nobody else may have access to it, but root's may be read by its group.
pub(super) fn key(file: &Path) -> Result<PrivateKeyDer<'static>, ConnectError> {
    const WHAT: &str = "sslkey";
    let cannot = |source| ConnectError::File { what: WHAT, path: file.to_owned(), source };
    let metadata = std::fs::metadata(file).map_err(cannot)?;
    if !metadata.is_file() {
        return Err(bad(WHAT, file, "it is no regular file"));
    }
    let (others, may) = if metadata.uid() == 0 { (0o037, "0640") } else { (0o077, "0600") };
    if metadata.mode() & others != 0 {
        let mode = metadata.mode() & 0o7777;
        return Err(bad(WHAT, file, format!("others have access to the key (mode {mode:04o}): chmod {may}")));
    }
    PrivateKeyDer::from_pem_slice(&read(file, WHAT)?).map_err(|e| bad(WHAT, file, e.to_string()))
}

/// The revocation lists of a file, and those of a folder that `openssl rehash` has prepared.
pub(super) fn revocation_lists(
    file: Option<&Path>,
    folder: Option<&Path>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, ConnectError> {
    const FOLDER: &str = "sslcrldir";
    let mut files: Vec<(&'static str, PathBuf)> =
        file.map(|file| ("sslcrl", file.to_owned())).into_iter().collect();
    if let Some(folder) = folder {
        let cannot = |source| ConnectError::File { what: FOLDER, path: folder.to_owned(), source };
        let mut hashed = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            let ending =
                path.extension().and_then(|ending| ending.to_str()).and_then(|e| e.strip_prefix('r'));
            if ending.is_some_and(|number| number.parse::<u32>().is_ok()) {
                hashed.push((FOLDER, path));
            }
        }
        if hashed.is_empty() {
            return Err(bad(FOLDER, folder, "it has no revocation list that openssl rehash has named"));
        }
        hashed.sort();
        files.extend(hashed);
    }
    let mut lists = Vec::new();
    for (what, file) in files {
        let found: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(&read(&file, what)?).collect();
        let found = found.map_err(|e| bad(what, &file, e.to_string()))?;
        if found.is_empty() {
            return Err(bad(what, &file, "there is no revocation list in it (PEM)"));
        }
        lists.extend(found);
    }
    Ok(lists)
}

fn read(file: &Path, what: &'static str) -> Result<Vec<u8>, ConnectError> {
    toml_file::read_file(file).map_err(|source| ConnectError::File { what, path: file.to_owned(), source })
}

fn bad(what: &str, file: &Path, problem: impl Into<String>) -> ConnectError {
    ConnectError::TlsFile { what: format!("{what} {}", file.display()), problem: problem.into() }
}
