//! TLS as `sslmode` asks for it.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::ConnectError;
use super::target::{SslMode, Target};

/// The one provider of cryptography in this program.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A connector for this target: it trusts what `sslmode` and `sslrootcert` say, and shows the client's certificate.
pub(super) fn connector(target: &Target) -> Result<MakeRustlsConnect, ConnectError> {
    let failed = |problem: String| ConnectError::Tls { target: target.describe(), problem };
    let files = target.tls_files();
    let provider = provider();
    let (check, name) = match target.ssl_mode() {
        // As in libpq, an authority's file that is there is also used when only encryption was asked for.
        SslMode::Require if files.root.is_some() => (true, false),
        SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => (false, false),
        SslMode::VerifyCa => (true, false),
        SslMode::VerifyFull => (true, true),
    };
    let (inner, roots): (Option<Arc<dyn ServerCertVerifier>>, Vec<CertificateDer<'static>>) =
        match (&files.root, check) {
            (_, false) => (None, Vec::new()),
            (Some(file), true) => {
                let roots = certificates(file, "sslrootcert")?;
                let mut store = RootCertStore::empty();
                store.add_parsable_certificates(roots.iter().cloned());
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
                        .build()
                        .map_err(|e| failed(format!("{}: {e}", file.display())))?;
                (Some(verifier), roots)
            }
            (None, true) => {
                let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider))
                    .map_err(|e| failed(format!("the system's trusted authorities: {e}")))?;
                (Some(Arc::new(verifier)), Vec::new())
            }
        };
    let verifier = Verifier { inner, roots, name, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match &files.client {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate, "sslcert")?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|e| failed(format!("the key {}: {e}", key.display())))?;
            config
                .with_client_auth_cert(chain, key)
                .map_err(|e| failed(format!("the certificate {}: {e}", certificate.display())))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(file: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let text =
        std::fs::read(file).map_err(|source| ConnectError::File { what, path: file.to_owned(), source })?;
    let bad =
        |problem: String| ConnectError::Settings { origin: format!("{what} {}", file.display()), problem };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(bad("there is no certificate in it (PEM)".to_owned())),
        Ok(found) => Ok(found),
        Err(e) => Err(bad(e.to_string())),
    }
}

/// Checks as much of the server's certificate as `sslmode` asks for. Signatures are always checked.
#[derive(Debug)]
struct Verifier {
    /// Who checks the chain; nobody below `verify-ca`.
    inner: Option<Arc<dyn ServerCertVerifier>>,
    /// The certificates of `sslrootcert`: one that is the server's own needs no chain.
    roots: Vec<CertificateDer<'static>>,
    /// Whether the certificate must be for this host.
    name: bool,
    provider: Arc<CryptoProvider>,
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
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        // A self-signed certificate that `sslrootcert` holds is trusted by libpq; webpki asks for a chain.
        if self.roots.iter().any(|root| root == end_entity) {
            if self.name {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            result => result,
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
