//! Text search dictionaries.

use serde::{Deserialize, Serialize};

use super::{Alter, Ddl, Definition, Touch};
use crate::{
    name::{ObjectId, Pair},
    sql,
};

/// A text search dictionary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSearchDictionary {
    /// The template, qualified and quoted.
    pub template: String,
    /// The template's options as PostgreSQL keeps them: `language = 'english', stopwords = 'english'`.
    pub options: Option<String>,
}

impl Definition for TextSearchDictionary {
    const QUERY: &'static str = include_str!("text_search_dictionary.sql");
    const ROWS: &'static str = "pg_ts_dict WHERE oid >= 16384";

    fn create(&self, id: &ObjectId) -> Ddl {
        let Self { template, options } = self;
        let options = options.as_ref().map(|options| format!(", {options}")).unwrap_or_default();
        Ddl::statement(format!("CREATE TEXT SEARCH DICTIONARY {} (TEMPLATE = {template}{options})", id.sql()))
    }

    fn drop(&self, id: &ObjectId) -> Ddl {
        Ddl::statement(format!("DROP TEXT SEARCH DICTIONARY {}", id.sql()))
    }

    fn alter(pair: Pair<&Self>, id: &ObjectId) -> Alter {
        let Self { template, options } = pair.after;
        if *template != pair.before.template {
            return Alter::Replace;
        }
        let (before, after) = (settings(pair.before.options.as_deref()), settings(options.as_deref()));
        let name = |setting: &str| setting.split(" = ").next().unwrap_or_default().to_owned();
        let kept: Vec<String> = after.iter().map(|setting| name(setting)).collect();
        // an option without a value is taken away
        let gone = before.iter().map(|setting| name(setting)).filter(|name| !kept.contains(name));
        let changes: Vec<String> = gone.chain(after.iter().filter(|new| !before.contains(new)).cloned()).collect();
        Alter::InPlace(Ddl::statement(format!("ALTER TEXT SEARCH DICTIONARY {} ({})", id.sql(), changes.join(", "))), None)
    }

    fn rename(&self, ids: Pair<&ObjectId>) -> Option<Ddl> {
        let name = sql::ident(ids.after.path.last());
        Some(Ddl::statement(format!("ALTER TEXT SEARCH DICTIONARY {} RENAME TO {name}", ids.before.sql())))
    }

    fn survives(&self, touch: Touch) -> bool {
        touch < Touch::Drop
    }
}

/// `a = 'b', c = 'd'` cut at the commas between its parts.
fn settings(options: Option<&str>) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in options.unwrap_or_default().chars() {
        quoted ^= c == '\'';
        match parts.last_mut() {
            Some(_) if c == ',' && !quoted => parts.push(String::new()),
            Some(part) => part.push(c),
            None => {}
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}
