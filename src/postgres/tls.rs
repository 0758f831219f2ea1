//! TLS as `sslmode` asks for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::certificate::{self, Authority, Unfit};
use super::error::ConnectError;
use super::target::{Checked, Target};

/// The one provider of cryptography in this program.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The versions of TLS that may be spoken. There are only 1.2 and 1.3 in rustls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TlsVersions {
    tls12: bool,
    tls13: bool,
}

impl Default for TlsVersions {
    fn default() -> Self {
        Self { tls12: true, tls13: true }
    }
}

impl TlsVersions {
    /// Reads `ssl_min_protocol_version` and `ssl_max_protocol_version`; what is wrong comes with the setting's name.
    pub fn parse(min: Option<&str>, max: Option<&str>) -> Result<Self, (&'static str, String)> {
        let number = |(name, text): (&'static str, Option<&str>)| {
            let known = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
            let Some(text) = text else { return Ok(None) };
            match known.iter().position(|known| known.eq_ignore_ascii_case(text)) {
                Some(number) => Ok(Some(number)),
                None => Err((name, format!("\"{text}\" is none of TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"))),
            }
        };
        let (low, high) = (number((MIN, min))?.unwrap_or(0), number((MAX, max))?.unwrap_or(3));
        if high < low {
            return Err((MAX, format!("it is below {MIN}")));
        }
        if high < 2 {
            return Err((MAX, "trueup speaks TLSv1.2 and TLSv1.3 only".to_owned()));
        }
        Ok(Self { tls12: low <= 2, tls13: high >= 3 })
    }

    /// The settings that say the same.
    pub fn settings(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let min = (!self.tls12).then_some((MIN, "TLSv1.3"));
        min.into_iter().chain((!self.tls13).then_some((MAX, "TLSv1.2")))
    }

    fn versions(self) -> Vec<&'static SupportedProtocolVersion> {
        [(self.tls12, &TLS12), (self.tls13, &TLS13)]
            .into_iter()
            .filter_map(|(on, version)| on.then_some(version))
            .collect()
    }
}

const MIN: &str = "ssl_min_protocol_version";
const MAX: &str = "ssl_max_protocol_version";

/// A connector for this target: it trusts what `sslmode` and `sslrootcert` say, and shows the client's certificate.
pub(super) fn connector(target: &Target) -> Result<MakeRustlsConnect, ConnectError> {
    let failed = |problem: String| ConnectError::Tls { target: target.describe(), problem };
    let files = target.tls_files();
    let provider = provider();
    let checked = target.checked();
    let roots = match (&files.root, checked) {
        (_, Checked::Nothing) => Roots::Anybody,
        (Some(file), _) => Roots::File(RootFile {
            path: file.clone(),
            authorities: certificate::authorities(file, UnixTime::now())?,
            revoked: certificate::revocation_lists(files.crl.as_deref(), files.crl_dir.as_deref())?,
        }),
        (None, _) => {
            let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider))
                .map_err(|e| failed(format!("the system's trusted authorities: {e}")))?;
            Roots::System(Arc::new(verifier))
        }
    };
    let verifier = Verifier { roots, name: checked == Checked::Name, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&target.tls_versions.versions())
        .map_err(|e| failed(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &files.client {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificate::certificates(certificate, "sslcert")?;
            config
                .with_client_auth_cert(chain, certificate::key(key)?)
                .map_err(|e| failed(format!("the certificate {}: {e}", certificate.display())))?
        }
    };
    if target.direct_tls {
        // a server that is spoken to in TLS at once asks which protocol follows
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

/// Who checks the server's certificate.
#[derive(Debug)]
enum Roots {
    /// Nobody, below `verify-ca`.
    Anybody,
    /// The system, with its authorities.
    System(Arc<dyn ServerCertVerifier>),
    /// The authorities of sslrootcert.
    File(RootFile),
}

/// `sslrootcert`, and what `sslcrl` takes back of it.
#[derive(Debug)]
struct RootFile {
    path: PathBuf,
    authorities: Vec<Authority>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
}

/// The server's chain ends at a certificate of sslrootcert that is no authority to trust.
#[derive(Debug)]
struct UnfitAuthority {
    file: PathBuf,
    subject: String,
    unfit: Unfit,
}

impl fmt::Display for UnfitAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sslrootcert {}: {} {}", self.file.display(), self.subject, self.unfit)
    }
}

impl std::error::Error for UnfitAuthority {}

/// Checks as much of the server's certificate as `sslmode` asks for. Signatures are always checked.
#[derive(Debug)]
struct Verifier {
    roots: Roots,
    /// Whether the certificate must be for this host.
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// A chain that ends at any one authority of the file is good. Each is asked by itself, so that an authority that has
    /// expired spoils none of the others, and is named where the chain ends there.
    fn by_file(
        &self,
        file: &RootFile,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // A self-signed certificate that `sslrootcert` holds is trusted by libpq; webpki asks for a chain.
        if let Some(own) = file.authorities.iter().find(|one| one.is_root() && one.der == *end_entity) {
            own.fits_itself(now).map_err(|unfit| file.unfit(own, unfit))?;
            if !file.revoked.is_empty() {
                return Err(CertificateError::UnknownRevocationStatus.into());
            }
            if self.name {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let mut refusal = None;
        for authority in &file.authorities {
            let between = file.between(authority, intermediates);
            match (
                self.by_authority(file, authority, end_entity, &between, server_name, now),
                authority.fits(now),
            ) {
                (Ok(verified), Ok(())) => return Ok(verified),
                (Ok(_), Err(unfit)) => refusal = Some(file.unfit(authority, unfit)),
                (Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)), _) => {}
                (Err(error), _) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or(CertificateError::UnknownIssuer.into()))
    }

    fn by_authority(
        &self,
        file: &RootFile,
        authority: &Authority,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut store = RootCertStore::empty();
        store.add(authority.der.clone())?;
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&self.provider));
        let builder = match file.revoked.as_slice() {
            [] => builder,
            // As OpenSSL does: of each certificate of the chain it must be known, and by a list that is still good.
            lists => builder.with_crls(lists.iter().cloned()).enforce_revocation_expiration(),
        };
        let verifier = builder.build().map_err(|e| Error::General(e.to_string()))?;
        self.without_name(verifier.verify_server_cert(end_entity, intermediates, server_name, &[], now))
    }

    /// The name is checked last, so that what is only for another host is good in all else.
    fn without_name(&self, result: Result<ServerCertVerified, Error>) -> Result<ServerCertVerified, Error> {
        match result {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }
}

impl RootFile {
    /// What may stand between an authority and the server's certificate: what the server shows and the file has, and no
    /// more of it than the authority allows. (webpki does not ask the authority. Servers show their chain in its order.)
    fn between<'a>(&'a self, authority: &Authority, shown: &[CertificateDer<'a>]) -> Vec<CertificateDer<'a>> {
        let of_file = self.authorities.iter().filter(|one| !one.is_root() && one.der != authority.der);
        let all = shown.iter().cloned().chain(of_file.map(|one| one.der.clone()));
        all.take(authority.path_length.map_or(usize::MAX, usize::from)).collect()
    }

    fn unfit(&self, authority: &Authority, unfit: Unfit) -> Error {
        let error =
            UnfitAuthority { file: self.path.clone(), subject: authority.subject().to_owned(), unfit };
        CertificateError::Other(OtherError(Arc::new(error))).into()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.roots {
            Roots::Anybody => Ok(ServerCertVerified::assertion()),
            Roots::System(system) => self.without_name(system.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )),
            Roots::File(file) => self.by_file(file, end_entity, intermediates, server_name, now),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
