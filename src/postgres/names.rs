//! Where code of a database finds what it names without a schema.
//!
//! Statements of a plan name everything with its schema and run with an empty `search_path`, so that nobody's objects are
//! meant but PostgreSQL's. What they fire, event triggers too, was written for applications: a trigger says
//! `INSERT INTO log`, a default `nextval('numbers')`. Such code gets the `search_path` that sessions of the role have whose rights it has (ALTER ROLE and
//! ALTER DATABASE … SET; else PostgreSQL's own default), as far as that role alone decides what is in it: schemas in which
//! somebody may create, or owns a function or an operator, who cannot act as that role are left out. `pg_catalog` comes
//! first, and `pg_temp` last (PostgreSQL manual, 5.9.6 and CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely").

use tokio_postgres::Error;

use super::Session;
use crate::sql;

/// The role ($1, else the session's own), and what its sessions have in this database: what is said of both counts more
/// than what is said of the role, and that more than what is said of the database.
const SETTING: &str = "\
SELECT r.rolname::pg_catalog.text,
       (SELECT pg_catalog.substr(s.setting, 13)
          FROM pg_catalog.pg_db_role_setting d CROSS JOIN LATERAL pg_catalog.unnest(d.setconfig) AS s (setting)
         WHERE d.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
           AND d.setrole IN (0, r.oid) AND pg_catalog.starts_with(s.setting, 'search_path=')
         ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1)
  FROM pg_catalog.pg_roles r WHERE r.rolname = COALESCE($1::pg_catalog.text, current_user::pg_catalog.text)";

/// PostgreSQL's default (manual, 20.11.1).
const DEFAULT: &str = "\"$user\", public";

/// Schemas ($2) that the role ($1) may use, in their order, and whether nobody puts anything into them who cannot act as the
/// role anyway. Who owns the database stands behind `pg_database_owner`.
pub const SCHEMAS: &str = "\
SELECT n.nspname::pg_catalog.text,
       NOT EXISTS (
       SELECT FROM (SELECT n.nspowner
                    UNION SELECT g.grantee FROM pg_catalog.aclexplode(n.nspacl) AS g WHERE g.privilege_type = 'CREATE'
                    UNION SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
                    UNION SELECT o.oprowner FROM pg_catalog.pg_operator o WHERE o.oprnamespace = n.oid) AS puts (role)
        WHERE puts.role = 0
           OR NOT pg_catalog.pg_has_role(
                CASE WHEN puts.role = 'pg_database_owner'::pg_catalog.regrole
                     THEN (SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                     ELSE puts.role END, $1::pg_catalog.text::pg_catalog.name, $3))
  FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS wanted (name, at)
  JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.name
 WHERE pg_catalog.has_schema_privilege($1::pg_catalog.text::pg_catalog.name, n.oid, 'USAGE')
 ORDER BY wanted.at";

/// What follows `SET search_path TO` for code that has the rights of this role, or of the session's own. None: nothing but
/// PostgreSQL's own names.
pub async fn path(session: &Session, role: Option<&str>) -> Result<Option<String>, Error> {
    let Looked { trusted, .. } = look(session, role).await?;
    Ok(Some(rendered(&trusted)).filter(|_| !trusted.is_empty()))
}

/// Whether DDL fires code: event triggers that are not trueup's.
pub const EVENTS: &str = "\
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_event_trigger e
      JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE e.evtenabled <> 'D' AND n.nspname <> 'trueup')";

/// Whether DDL of this session fires code of the database.
pub async fn fires(session: &Session) -> Result<bool, Error> {
    session.client().query_one(EVENTS, &[]).await?.try_get(0)
}

/// What stands before DDL within a transaction, so that event triggers find what they name.
pub async fn before_ddl(session: &Session) -> Result<String, Error> {
    let path = if fires(session).await? { path(session, None).await? } else { None };
    Ok(path.map(|path| format!("SET LOCAL search_path TO {path}; ")).unwrap_or_default())
}

/// The schemas of a role's `search_path`.
#[derive(Debug, Default)]
pub struct Looked {
    /// The role.
    pub role: String,
    /// Those that its code looks into.
    pub trusted: Vec<String>,
    /// Those that it does not look into, although sessions of the role do.
    pub left_out: Vec<String>,
}

/// What code that has the rights of this role, or of the session's own, looks into.
pub async fn look(session: &Session, role: Option<&str>) -> Result<Looked, Error> {
    let Some((role, schemas)) = setting(session, role).await? else { return Ok(Looked::default()) };
    let may = if session.major() >= 16 { "SET" } else { "MEMBER" };
    let mut looked = Looked::default();
    for row in session.client().query(SCHEMAS, &[&role, &schemas, &may]).await? {
        let list = if row.try_get(1)? { &mut looked.trusted } else { &mut looked.left_out };
        list.push(row.try_get(0)?);
    }
    Ok(Looked { role, ..looked })
}

/// The whole path of the session's role: for a clone of the database, where nobody else puts anything anywhere.
pub async fn of_live(live: &Session) -> Result<String, Error> {
    let schemas = setting(live, None).await?.map(|(_, schemas)| schemas);
    Ok(rendered(&schemas.unwrap_or_default()))
}

async fn setting(session: &Session, role: Option<&str>) -> Result<Option<(String, Vec<String>)>, Error> {
    let row = session.client().query_opt(SETTING, &[&role]).await?;
    let Some(row) = row else { return Ok(None) };
    let (role, said): (String, Option<&str>) = (row.try_get(0)?, row.try_get(1)?);
    let named = names(said.unwrap_or(DEFAULT)).into_iter();
    let named = named.map(|name| if name == "$user" { role.clone() } else { name });
    let schemas = named.filter(|name| !matches!(name.as_str(), "" | "pg_catalog" | "pg_temp")).collect();
    Ok(Some((role, schemas)))
}

fn rendered(schemas: &[String]) -> String {
    let named = schemas.iter().map(|schema| sql::ident(schema));
    let all: Vec<String> =
        ["pg_catalog".to_owned()].into_iter().chain(named).chain(["pg_temp".to_owned()]).collect();
    all.join(", ")
}

/// The names in a list as settings have it: quoted, or folded to lower case.
fn names(list: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let (mut quoted, mut rest) = (false, list.chars().peekable());
    while let Some(c) = rest.next() {
        let Some(name) = names.last_mut() else { break };
        match c {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => name.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => names.push(String::new()),
            c if quoted => name.push(c),
            c if c.is_whitespace() => {}
            c => name.extend(c.to_lowercase()),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_postgresql_reads_them() {
        assert_eq!(names("\"$user\", public"), ["$user", "public"]);
        assert_eq!(names("App,\"A \"\"b\"\",c\" ,\"\""), ["app", "A \"b\",c", ""]);
        assert_eq!(rendered(&["a b".to_owned(), "c".to_owned()]), "pg_catalog, \"a b\", c, pg_temp");
    }
}
