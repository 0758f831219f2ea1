//! The way to a server: a socket of this machine or TCP, encrypted where `sslmode` says so, and guarded by
//! [`authentication`](super::authentication). The driver could open it by itself, but then nobody would see what a server
//! asks for.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::SslMode as DriverSsl;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Connection};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::authentication::{Guarded, Rules};
use super::target::{Host, Target};

type Rustls = <MakeRustlsConnect as MakeTlsConnect<Wire>>::TlsConnect;
type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Wire>>::Stream;
type TlsFuture<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// The driver's half of a connection, which moves the bytes.
pub(super) type Driver = Connection<Guarded<Wire>, Guarded<Encrypted>>;

/// Why a connection did not come about.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no way to the server.
    Wire(io::Error),
    /// Whatever came of it on the way.
    Driver(tokio_postgres::Error),
}

impl Failure {
    /// What the server said, if it did.
    pub fn as_db_error(&self) -> Option<&tokio_postgres::error::DbError> {
        match self {
            Self::Wire(_) => None,
            Self::Driver(error) => error.as_db_error(),
        }
    }

    /// Whether TLS was tried and did not come about.
    pub fn is_of_tls(&self) -> bool {
        match self {
            Self::Wire(_) => false,
            Self::Driver(error) => super::error::tls_problem(error).is_some(),
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

/// Where a connection goes: what a host's name has come to.
#[derive(Debug, Clone)]
pub(super) enum Address {
    Tcp(SocketAddr),
    Socket(PathBuf),
}

impl Address {
    /// Whether it is on this machine, so that nobody stands between.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Socket(_) => true,
        }
    }

    async fn open(&self) -> io::Result<Wire> {
        match self {
            Self::Socket(path) => UnixStream::connect(path).await.map(Wire::Socket),
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                // a server that has gone away is noticed some day, as by libpq
                socket2::SockRef::from(&stream).set_keepalive(true)?;
                Ok(Wire::Tcp(stream))
            }
        }
    }
}

/// Opens the way to a host: to the first of its addresses where somebody listens.
async fn open(host: &Host) -> io::Result<(Wire, Address)> {
    let addresses = match (host.socket(), host.address) {
        (Some(path), _) => vec![Address::Socket(path)],
        (None, Some(address)) => vec![Address::Tcp((address, host.port).into())],
        (None, None) => {
            let found = tokio::net::lookup_host((&*host.name, host.port)).await?;
            found.map(Address::Tcp).collect()
        }
    };
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "failed to lookup address: it has none");
    for address in addresses {
        match address.open().await {
            Ok(wire) => return Ok((wire, address)),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// A connection as the driver hands it over, and how it came about.
pub(super) struct Opened {
    pub client: Client,
    pub driver: Driver,
    pub address: Address,
    pub encrypted: bool,
}

/// Connects and logs in. Without `tls` nothing is encrypted.
pub(super) async fn connect(
    target: &Target,
    host: &Host,
    tls: Option<&MakeRustlsConnect>,
    ssl: DriverSsl,
) -> Result<Opened, Failure> {
    let (wire, address) = open(host).await.map_err(Failure::Wire)?;
    let rules = |private| Rules { required: target.require_auth.clone(), private };
    let (tls, ssl) = match tls {
        Some(tls) if !host.is_socket() => (Some(rustls(tls, host)), ssl),
        _ => (None, DriverSsl::Disable),
    };
    // The server answers the question for TLS with one byte, before its first message.
    let asks = ssl != DriverSsl::Disable && !target.direct_tls;
    let wire = Guarded::new(wire, rules(host.is_socket()), u64::from(asks));
    let encrypted = Arc::new(AtomicBool::new(false));
    let tls = Tls { connector: tls, rules: rules(true), encrypted: Arc::clone(&encrypted) };
    let (client, driver) = target.config(host, ssl).connect_raw(wire, tls).await?;
    Ok(Opened { client, driver, address, encrypted: encrypted.load(Ordering::Relaxed) })
}

/// Asks for a statement to be cancelled, at the address that a session was connected to.
pub(super) async fn cancel(
    token: &CancelToken,
    address: &Address,
    host: &Host,
    tls: Option<&MakeRustlsConnect>,
    limit: Duration,
) -> io::Result<()> {
    let asking = async {
        let wire = address.open().await?;
        let rules = Rules { required: super::authentication::RequireAuth::default(), private: true };
        let tls = tls.filter(|_| !host.is_socket()).map(|tls| rustls(tls, host));
        let tls = Tls { connector: tls, rules: rules.clone(), encrypted: Arc::default() };
        token.cancel_query_raw(Guarded::new(wire, rules, 0), tls).await.map_err(io::Error::other)
    };
    tokio::time::timeout(limit, asking).await?
}

/// TLS with the host whose name, or else whose address, the certificate must have.
fn rustls(tls: &MakeRustlsConnect, host: &Host) -> Rustls {
    let Ok(rustls) = MakeTlsConnect::<Wire>::make_tls_connect(&mut tls.clone(), &host.name());
    rustls
}

/// TLS around the connection, and the guard around TLS.
struct Tls {
    connector: Option<Rustls>,
    rules: Rules,
    encrypted: Arc<AtomicBool>,
}

impl TlsConnect<Guarded<Wire>> for Tls {
    type Stream = Guarded<Encrypted>;
    type Error = io::Error;
    type Future = TlsFuture<Self::Stream>;

    fn connect(self, wire: Guarded<Wire>) -> Self::Future {
        let Self { connector, rules, encrypted } = self;
        Box::pin(async move {
            let tls = connector.ok_or_else(|| io::Error::other("TLS is not wanted here"))?;
            let stream = tls.connect(wire.into_inner()).await?;
            encrypted.store(true, Ordering::Relaxed);
            Ok(Guarded::new(stream, rules, 0))
        })
    }
}

/// A connection without anything around it.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(TcpStream),
    Socket(UnixStream),
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Socket(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Socket(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Socket(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Socket(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
