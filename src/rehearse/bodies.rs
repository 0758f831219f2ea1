//! The bodies of functions, which PostgreSQL keeps as text: what they name may be gone, and nothing says so before
//! they are called.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::{
    catalog::Catalog,
    kind::Object,
    postgres::{Session, server_words},
    source::live::ReadError,
};

/// Those that are text, and how to have them looked at as CREATE FUNCTION would. Names are found as in most databases:
/// in the function's own schema, then in public.
const BODIES: &str = "\
SELECT p.oid, l.lanname::text, pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)), \
       pg_catalog.format('%I, public', n.nspname) \
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
 WHERE l.lanname = ANY ($1) AND p.prosqlbody IS NULL AND p.prokind IN ('f', 'p', 'w') \
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'trueup') \
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e \
                    WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e') \
 ORDER BY 3";

/// In which languages they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// In SQL: what they name is looked up.
    Sql,
    /// In PL/pgSQL as well, of which PostgreSQL reads no more than the syntax.
    Any,
}

impl Language {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Sql => &["sql"],
            Self::Any => &["sql", "plpgsql"],
        }
    }
}

/// How CREATE FUNCTION would look at one.
fn look(validator: &str) -> String {
    format!(
        "SELECT pg_catalog.set_config('search_path', $2, true), \
                pg_catalog.set_config('check_function_bodies', 'on', true), pg_catalog.{validator}($1)"
    )
}

/// Whether there may be any.
pub(super) fn are_in(catalog: &Catalog) -> bool {
    catalog.objects.values().any(|object| matches!(object, Object::Function(it) if it.language == "sql"))
}

/// The functions whose bodies PostgreSQL does not take, and why.
pub async fn broken(session: &Session, languages: Language) -> Result<BTreeMap<String, String>, ReadError> {
    let failed = |source| ReadError::Query { what: "the bodies of functions".to_owned(), source };
    let client = session.client();
    let bodies = client.query(BODIES, &[&languages.names()]).await.map_err(failed)?;
    if bodies.is_empty() {
        return Ok(BTreeMap::new());
    }
    let prepared = async |validator| client.prepare(&look(validator)).await.map_err(failed);
    let sql = prepared("fmgr_sql_validator").await?;
    let plpgsql = match languages {
        Language::Sql => None,
        Language::Any => prepared("plpgsql_validator").await.ok(),
    };
    // each is a transaction of its own, and all are sent at once
    let looked = bodies.iter().map(async |body| {
        let (oid, language): (u32, &str) = (body.try_get(0)?, body.try_get(1)?);
        let (name, path): (String, String) = (body.try_get(2)?, body.try_get(3)?);
        let look = if language == "sql" { Some(&sql) } else { plpgsql.as_ref() };
        let Some(look) = look else { return Ok((name, None)) };
        Ok((name, client.query(look, &[&oid, &path]).await.err()))
    });
    let mut broken = BTreeMap::new();
    for looked in join_all(looked).await {
        let (name, error) = looked.map_err(failed)?;
        if let Some(error) = error {
            if session.is_closed() {
                return Err(failed(error));
            }
            broken.insert(name, server_words(&error));
        }
    }
    Ok(broken)
}
