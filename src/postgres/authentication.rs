//! What a server may ask of us before it lets us in: `require_auth`, and no password in clear text where others could listen.
//!
//! The driver answers whatever the server asks for. [`Guarded`] stands between it and the connection, reads the server's
//! first messages as they come, and fails before the driver sees a request that must not be answered. It reads no more once
//! the server has said that the user is in.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// The methods that `require_auth` names, each with the code of its request (PostgreSQL manual, "Message Formats").
const METHODS: [(&str, &[u32]); 5] = [
    ("password", &[CLEAR_TEXT]),
    ("md5", &[5]),
    ("gss", &[7, 8]),
    ("sspi", &[9]),
    ("scram-sha-256", &[10, 11, 12]),
];

const CLEAR_TEXT: u32 = 3;

/// `require_auth`: by which methods a server may have the user prove who he is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RequireAuth {
    /// As it was written; empty where nothing is asked for.
    text: String,
    /// The names of the methods that may be asked for. None: all of them.
    methods: Option<Vec<&'static str>>,
    /// Whether the server must ask for something.
    something: bool,
}

impl RequireAuth {
    /// Reads a list such as `scram-sha-256,none` or `!password,!md5`, as libpq 16 does.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut named: Vec<&'static str> = Vec::new();
        let mut negative = None;
        for part in text.split(',') {
            let (not, name) = match part.trim().strip_prefix('!') {
                Some(name) => (true, name),
                None => (false, part.trim()),
            };
            if *negative.get_or_insert(not) != not {
                return Err("methods with and without ! cannot be mixed".to_owned());
            }
            let known = METHODS.iter().map(|(name, _)| *name).chain(["none"]).find(|known| *known == name);
            let Some(known) = known else {
                let all = "password, md5, gss, sspi, scram-sha-256 or none";
                return Err(format!("\"{name}\" is none of {all}"));
            };
            if named.contains(&known) {
                return Err(format!("{known} is named twice"));
            }
            named.push(known);
        }
        let negative = negative == Some(true);
        let methods =
            METHODS.iter().map(|(name, _)| *name).filter(|name| named.contains(name) != negative).collect();
        Ok(Self {
            text: text.to_owned(),
            methods: Some(methods),
            something: named.contains(&"none") == negative,
        })
    }

    /// As it was written, if it was.
    pub fn text(&self) -> Option<&str> {
        self.methods.is_some().then_some(&*self.text)
    }
}

/// Why a server's request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It wants the password itself, and the connection is not encrypted.
    ClearText,
    /// It wants what `require_auth` does not allow.
    Method {
        /// What it wants.
        asked: String,
        /// The setting's value.
        required: String,
    },
    /// It wants nothing, and `require_auth` does not allow that.
    Nothing {
        /// The setting's value.
        required: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClearText => f.write_str(
                "the server asks for the password in clear text, and the connection is not encrypted",
            ),
            Self::Method { asked, required } => {
                write!(f, "the server asks for {asked}, which require_auth={required} does not allow")
            }
            Self::Nothing { required } => {
                write!(
                    f,
                    "the server asks for no proof of identity, which require_auth={required} does not allow"
                )
            }
        }
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ClearText => {
                "add sslmode=verify-full to the connection URL, or have the server's pg_hba.conf ask for scram-sha-256"
            }
            Self::Method { .. } | Self::Nothing { .. } => {
                "see that this is the right server; then change its pg_hba.conf, or require_auth (PGREQUIREAUTH)"
            }
        }
    }
}

/// What one connection may be asked for.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// `require_auth`.
    pub required: RequireAuth,
    /// Whether nobody can listen: TLS, or a socket of this machine.
    pub private: bool,
}

impl Rules {
    /// Decides about a request by its code. `before`: whether another one came before it.
    fn check(&self, code: u32, before: bool) -> Result<(), Refusal> {
        let required = || self.required.text.clone();
        if code == 0 {
            return if before || !self.required.something {
                Ok(())
            } else {
                Err(Refusal::Nothing { required: required() })
            };
        }
        if code == CLEAR_TEXT && !self.private {
            return Err(Refusal::ClearText);
        }
        let Some(methods) = &self.required.methods else { return Ok(()) };
        let asked = METHODS.iter().find(|(_, codes)| codes.contains(&code)).map(|(name, _)| *name);
        match asked {
            Some(asked) if methods.contains(&asked) => Ok(()),
            _ => {
                let asked = asked.map_or_else(|| format!("method {code}"), str::to_owned);
                Err(Refusal::Method { asked, required: required() })
            }
        }
    }
}

/// Where in the server's first messages a connection is.
#[derive(Debug)]
struct Reader {
    rules: Rules,
    /// Bytes of the message that are still to come, and do not matter.
    skip: u64,
    /// What has come of its head: the type, the length, and the code of a request.
    head: Vec<u8>,
    /// Whether a request was let through.
    asked: bool,
    done: bool,
}

impl Reader {
    const HEAD: usize = 5;
    const REQUEST: usize = 9;

    /// Reads what came. Nothing of it may be used if this fails.
    fn read(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while !self.done && !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
                self.skip -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            let (byte, rest) = (bytes[0], &bytes[1..]);
            self.head.push(byte);
            bytes = rest;
            let request = self.head[0] == b'R';
            if self.head.len() < if request { Self::REQUEST } else { Self::HEAD } {
                continue;
            }
            let number = |at: usize| self.head[at..at + 4].iter().fold(0, |n: u32, b| n << 8 | u32::from(*b));
            let read = self.head.len() as u64 - 1;
            self.skip = u64::from(number(1)).saturating_sub(read);
            if request {
                let code = number(Self::HEAD);
                self.rules.check(code, self.asked)?;
                self.asked = true;
                self.done = code == 0;
            }
            self.head.clear();
        }
        Ok(())
    }
}

/// A connection on which nothing is answered that must not be.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    inner: S,
    reader: Reader,
}

impl<S> Guarded<S> {
    /// A connection on which the server's messages begin after this many bytes.
    pub fn new(inner: S, rules: Rules, after: u64) -> Self {
        Self { inner, reader: Reader { rules, skip: after, head: Vec::new(), asked: false, done: false } }
    }

    /// The connection itself.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.inner).poll_read(context, buffer);
        if !this.reader.done
            && let Poll::Ready(Ok(())) = result
            && let Err(refusal) = this.reader.read(&buffer.filled()[before..])
        {
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::other(refusal)));
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Guarded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(required: &str, private: bool, bytes: &[u8]) -> Result<(), Refusal> {
        let rules = Rules { required: RequireAuth::parse(required).unwrap(), private };
        // however the bytes come, the answer is the same
        let results = [1, 2, 3, 7, bytes.len()].map(|size| {
            let mut reader =
                Reader { rules: rules.clone(), skip: 0, head: Vec::new(), asked: false, done: false };
            bytes.chunks(size).try_for_each(|part| reader.read(part))
        });
        assert!(results.iter().all(|result| *result == results[0]));
        results[0].clone()
    }

    fn request(code: u8, rest: &[u8]) -> Vec<u8> {
        let length = u8::try_from(8 + rest.len()).unwrap();
        [&[b'R', 0, 0, 0, length, 0, 0, 0, code], rest].concat()
    }

    #[test]
    fn lists_mean_what_they_mean_to_libpq() {
        for (text, problem) in [
            ("md5,!password", "methods with and without ! cannot be mixed"),
            ("md5,md5", "md5 is named twice"),
            ("kerberos", "\"kerberos\" is none of password, md5, gss, sspi, scram-sha-256 or none"),
            ("", "\"\" is none of password, md5, gss, sspi, scram-sha-256 or none"),
        ] {
            assert_eq!(RequireAuth::parse(text).unwrap_err(), problem, "{text}");
        }
        let (ok, md5, scram) = (request(0, &[]), request(5, b"salt"), request(10, b"SCRAM-SHA-256\0\0"));
        for (required, bytes, fine) in [
            ("none", &ok, true),
            ("none", &md5, false),
            ("!none", &ok, false),
            ("!none", &scram, true),
            ("scram-sha-256", &scram, true),
            ("scram-sha-256", &ok, false),
            ("scram-sha-256, none", &ok, true),
            ("scram-sha-256", &md5, false),
            ("!md5", &md5, false),
            ("!md5", &ok, true),
            ("!md5,!none", &ok, false),
            ("md5", &[md5.clone(), ok.clone()].concat(), true),
        ] {
            assert_eq!(reads(required, true, bytes).is_ok(), fine, "{required}");
        }
    }

    #[test]
    fn messages_that_stand_before_a_request_hide_none() {
        let notice = [&b"N\0\0\0\x0dR\0\0\0\x08"[..], &[0, 0, 0, 0]].concat();
        let clear = request(3, &[]);
        assert_eq!(reads("!none", false, &[notice, clear].concat()), Err(Refusal::ClearText));
        // what comes after the user is in is nobody's business
        assert_eq!(reads("none", false, &[request(0, &[]), request(3, &[])].concat()), Ok(()));
    }
}
