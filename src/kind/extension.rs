//! Extensions. Their members belong to them and are not objects of ours.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{name::{ObjectId, Pair}, sql};

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// The schema that its members are in.
    pub schema: String,
    /// Whether that schema can be changed.
    pub relocatable: bool,
    /// Its version.
    #[serde(default, skip_serializing)]
    pub version: Version,
}

/// An extension's version is whatever the server installs, and no difference: it changes only when asked.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The one that is installed.
    pub installed: String,
    /// Whether the desired SQL names one.
    #[serde(default)]
    pub asked: bool,
}

impl PartialEq for Version {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Version {}

impl Definition for Extension {
    const QUERY: &'static str = include_str!("extension.sql");
    const ROWS: &'static str = "pg_extension WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        // one that cannot be moved afterwards is put somewhere all the same, and there is no schema to fall back on
        let Version { installed, asked } = &self.version;
        let version = if *asked { format!(" VERSION {}", sql::literal(installed)) } else { String::new() };
        Ddl::statement(format!("CREATE EXTENSION {} SCHEMA {}{version}", id.sql(), sql::ident(&self.schema)))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP EXTENSION {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { schema, relocatable, version: _ } = pair.after;
        if *relocatable && pair.before.relocatable {
            let ddl = format!("ALTER EXTENSION {} SET SCHEMA {}", id.sql(), sql::ident(schema));
            return Alter::InPlace(Ddl::statement(ddl), None);
        }
        Alter::Replace
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }
}
