//! STUB on this branch only: the real module comes from main.
use serde::{Deserialize, Serialize};
use crate::{catalog::Fingerprint, name::ObjectId, sql::Sql};
/// Stub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object { /** stub */ pub text: String }
impl Object {
    /// Stub.
    pub fn fingerprint(&self, id: &ObjectId) -> Fingerprint { Fingerprint::of(format!("{id}\n{}", self.text)) }
    /// The statements that create it, for showing.
    pub fn ddl(&self, _id: &ObjectId) -> Vec<Sql> { vec![Sql::new(self.text.clone())] }
}
