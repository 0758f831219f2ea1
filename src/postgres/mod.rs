//! PostgreSQL as a service: where it is, a session on it, and a throwaway server.
//!
//! [`Target`] says where a database is, as libpq's users know it: URL, `PG*` variables, `.pgpass`, service files.
//! [`Session`] is one connection to it, which also hands over the notices that the server sends. [`Scratch`] is a
//! server for rehearsals, which is gone when this process is, however that ends.
//!
//! Nothing here reads the environment: `cli` hands it in. No password is ever displayed.

mod authentication;
pub mod binaries;
mod certificate;
mod cluster;
mod download;
mod error;
mod locale;
mod named_host;
pub mod names;
mod on_demand;
mod options;
mod passfile;
pub mod pinned;
mod resolve;
mod sandbox;
mod scratch_error;
mod session;
mod settings;
mod shadow;
mod superuser;
mod target;
mod throwaway;
mod tls;
mod transport;
mod words;

pub use error::ConnectError;
pub use locale::DatabaseSettings;
pub use on_demand::OnDemand;
pub use options::{Local, ScratchOptions};
pub use sandbox::{Sandbox, run_server};
pub use scratch_error::ScratchError;
pub use session::{Canceller, Notice, Session, Unverified};
pub use shadow::keep_shadow;
pub use target::{Host, Password, SessionAttrs, SslMode, Target};
pub use throwaway::{Scratch, ScratchDatabase};
pub use words::server_words;
