//! Event triggers: they fire on DDL, trueup's own too.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition};
use crate::{name::{ObjectId, Pair}, sql::{self, Sql}};

/// An event trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTrigger {
    /// `ddl_command_start` and so on.
    pub event: String,
    /// Its function, qualified and quoted.
    pub function: String,
    /// The command tags it is limited to.
    pub tags: Vec<String>,
    /// `origin`, `replica`, `always` or `disabled`.
    pub enabled: String,
}

impl EventTrigger {
    fn enable(&self, id: &ObjectId) -> Sql {
        let verb = match self.enabled.as_str() {
            "disabled" => "DISABLE",
            "replica" => "ENABLE REPLICA",
            "always" => "ENABLE ALWAYS",
            _ => "ENABLE",
        };
        Sql::new(format!("ALTER EVENT TRIGGER {} {verb}", id.sql()))
    }
}

impl Definition for EventTrigger {
    const QUERY: &'static str = include_str!("event_trigger.sql");
    const ROWS: &'static str = "pg_event_trigger";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { event, function, tags, enabled } = self;
        let mut text = format!("CREATE EVENT TRIGGER {} ON {event}", id.sql());
        if !tags.is_empty() {
            let tags: Vec<String> = tags.iter().map(|tag| sql::literal(tag)).collect();
            text += &format!(" WHEN TAG IN ({})", tags.join(", "));
        }
        let mut statements = vec![Sql::new(format!("{text} EXECUTE FUNCTION {function}()"))];
        if enabled != "origin" {
            statements.push(self.enable(id));
        }
        Ddl::Statements(statements)
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP EVENT TRIGGER {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { event, function, tags, enabled: _ } = pair.after;
        if *event != pair.before.event || *function != pair.before.function || *tags != pair.before.tags {
            return Alter::Replace;
        }
        Alter::InPlace(Ddl::Statements(vec![pair.after.enable(id)]), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = ids.after.sql();
        Some(Ddl::statement(format!("ALTER EVENT TRIGGER {} RENAME TO {name}", ids.before.sql())))
    }
}
