//! Between trueup and its server: counts the messages that trueup sends, and stops everything at one of them. What
//! happens then is the test's: the program is killed, the connection is cut, the server crashes.
//!
//! What is understood of the protocol is where a message ends (PostgreSQL manual, "Message Formats").

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::JoinHandle,
};
use trueup::postgres::Target;

/// Where the traffic stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server never gets the message.
    Before,
    /// The server gets it, and its answer never arrives.
    After,
}

/// A message to the server.
#[derive(Debug)]
pub struct Message<'a> {
    /// How many there were, this one too, on all connections.
    pub number: u64,
    /// How many of them the server answers at once; 0 for one that waits for others.
    pub round: u64,
    /// Its type: `Q` for a simple query.
    pub kind: u8,
    body: &'a [u8],
}

impl Message<'_> {
    /// The SQL of a simple query or of a statement that is prepared.
    pub fn sql(&self) -> Option<&str> {
        let mut strings = self.body.split(|byte| *byte == 0);
        let text = match self.kind {
            b'Q' => strings.next(),
            b'P' => strings.nth(1),
            _ => None,
        };
        text.and_then(|text| std::str::from_utf8(text).ok())
    }

    /// What it is, for a person.
    fn shown(&self) -> String {
        let words = self.sql().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let head: String = words.chars().take(60).collect();
        format!("{} {head}", char::from(self.kind)).trim_end().to_owned()
    }
}

type Rule = Box<dyn FnMut(&Message<'_>) -> Option<Fault> + Send>;

/// What all connections share.
struct Wire {
    rule: Mutex<Rule>,
    count: Mutex<Count>,
    /// What it was that everything stopped at.
    struck: watch::Sender<Option<String>>,
    /// Whether bytes go through.
    state: watch::Sender<Flow>,
}

/// How many messages there were.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// All of them.
    pub messages: u64,
    /// Those that the server answers at once: simple queries, and the last of what is sent together.
    pub rounds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Open,
    Stopped,
    Cut,
}

/// A proxy as long as it lives.
pub struct Proxy {
    port: u16,
    wire: Arc<Wire>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// One before this server. The rule sees every message.
    pub async fn start(
        server: &Target,
        rule: impl FnMut(&Message<'_>) -> Option<Fault> + Send + 'static,
    ) -> Self {
        let socket = server.hosts()[0].socket().expect("a server of tests has a socket");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Wire {
            rule: Mutex::new(Box::new(rule)),
            count: Mutex::default(),
            struck: watch::Sender::new(None),
            state: watch::Sender::new(Flow::Open),
        });
        let accepting = tokio::spawn(accept(listener, socket, Arc::clone(&wire)));
        Self { port, wire, accepting }
    }

    /// How trueup is told of a database behind it.
    pub fn url(&self, database: &Target) -> String {
        let (user, name) = (database.user(), database.database());
        format!("postgres://{user}@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    /// How many messages there were.
    pub fn count(&self) -> Count {
        *self.wire.count.lock().unwrap()
    }

    /// Waits until the rule has stopped everything: at which message.
    pub async fn struck(&self) -> String {
        let mut struck = self.wire.struck.subscribe();
        struck.wait_for(Option::is_some).await.unwrap().clone().unwrap()
    }

    /// Lets everything through again.
    pub fn go_on(&self) {
        self.wire.state.send_replace(Flow::Open);
    }

    /// Ends all connections, and those that come.
    pub fn cut(&self) {
        self.wire.state.send_replace(Flow::Cut);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, wire: Arc<Wire>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        let (socket, wire) = (socket.clone(), Arc::clone(&wire));
        tokio::spawn(async move {
            let mut cut = wire.state.subscribe();
            let connection = connect(client, socket, &wire);
            // either side may go away at any time
            tokio::select! {
                _ = connection => {}
                _ = cut.wait_for(|flow| *flow == Flow::Cut) => {}
            }
        });
    }
}

async fn connect(mut client: TcpStream, socket: PathBuf, wire: &Wire) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut server = UnixStream::connect(socket).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let there = async {
        // the first message has no type
        let length = from_client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        from_client.read_exact(&mut body).await?;
        wire.pass(b' ', length, &body, &mut to_server).await?;
        loop {
            let kind = from_client.read_u8().await?;
            let length = from_client.read_u32().await?;
            let mut body = vec![0; length as usize - 4];
            from_client.read_exact(&mut body).await?;
            wire.pass(kind, length, &body, &mut to_server).await?;
        }
    };
    let back = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = from_server.read(&mut buffer).await?;
            wire.flows().await;
            if read == 0 {
                return Ok::<(), std::io::Error>(());
            }
            to_client.write_all(&buffer[..read]).await?;
        }
    };
    tokio::select! {
        result = there => result,
        result = back => result,
    }
}

impl Wire {
    async fn pass(
        &self,
        kind: u8,
        length: u32,
        body: &[u8],
        server: &mut (impl AsyncWriteExt + Unpin),
    ) -> std::io::Result<()> {
        self.flows().await;
        let fault = {
            let mut count = self.count.lock().unwrap();
            count.messages += 1;
            let answered = matches!(kind, b' ' | b'Q' | b'S');
            count.rounds += u64::from(answered);
            let round = if answered { count.rounds } else { 0 };
            let message = Message { number: count.messages, round, kind, body };
            let fault = (self.rule.lock().unwrap())(&message);
            if fault.is_some() {
                self.state.send_replace(Flow::Stopped);
            }
            fault.map(|fault| (fault, message.shown()))
        };
        let mut whole = Vec::with_capacity(body.len() + 5);
        whole.extend((kind != b' ').then_some(kind));
        whole.extend(length.to_be_bytes());
        whole.extend(body);
        match fault {
            Some((Fault::After, shown)) => {
                server.write_all(&whole).await?;
                self.struck.send_replace(Some(shown));
                Ok(())
            }
            Some((Fault::Before, shown)) => {
                self.struck.send_replace(Some(shown));
                self.flows().await;
                server.write_all(&whole).await
            }
            None => server.write_all(&whole).await,
        }
    }

    /// Waits while everything is stopped.
    async fn flows(&self) {
        let _ = self.state.subscribe().wait_for(|flow| *flow != Flow::Stopped).await;
    }
}
