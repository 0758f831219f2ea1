//! What must hold of the server and the role: nothing else is worth looking at without it.

use std::collections::BTreeSet;

use super::{
    super::{ApplyError, error::Refusal},
    Check, Finding,
};
use crate::{
    config::Policy,
    name::{Kind, ObjectId},
    plan::Plan,
    postgres::Session,
    run::Batch,
    secret::Secrets,
    source::placeholder,
    step::Verb,
};

/// The server: a primary, of the major version that the plan was rehearsed on.
pub async fn server(session: &Session, plan: &Plan) -> Result<(), ApplyError> {
    primary(session).await?;
    let (found, expected) = (u32::from(session.major()), plan.server_version / 10_000);
    if found == expected { Ok(()) } else { Err(Refusal::Version { found, expected }.into()) }
}

/// The server is one that can be written to.
pub async fn primary(session: &Session) -> Result<(), ApplyError> {
    let query = |source| ApplyError::Query { what: "asking whether the server is a standby", source };
    let row =
        session.client().query_one("SELECT pg_catalog.pg_is_in_recovery()", &[]).await.map_err(query)?;
    if row.try_get(0).map_err(query)? {
        return Err(Refusal::Standby { place: session.place().to_owned() }.into());
    }
    Ok(())
}

/// The names of the secrets that these batches need.
pub fn secrets<'b>(batches: impl Iterator<Item = &'b Batch>) -> BTreeSet<String> {
    let items = batches.flat_map(|batch| &batch.items);
    items.flat_map(|item| &item.action.sql).flat_map(|sql| placeholder::names(sql.as_str())).collect()
}

/// Whether the secrets of these names are given.
pub fn given(needed: &BTreeSet<String>, given: &Secrets) -> Result<String, Refusal> {
    let missing: Vec<String> = needed.iter().filter(|name| given.get(name).is_none()).cloned().collect();
    if !missing.is_empty() {
        return Err(Refusal::NoSecrets(missing));
    }
    Ok(format!("given: {}", needed.iter().map(String::as_str).collect::<Vec<_>>().join(", ")))
}

/// Policy may refuse connections to whoever answers.
pub fn connection(session: &Session, policy: &Policy) -> Result<(), Refusal> {
    match session.unverified().filter(|_| policy.verified_tls) {
        Some(why) => Err(Refusal::Unverified(why)),
        None => Ok(()),
    }
}

/// As which role the session works. A superuser may do more than any plan needs, and policy may refuse that.
pub async fn role(session: &Session, policy: &Policy) -> Result<Finding, ApplyError> {
    const NAME: &str = "role";
    let role = current_role(session).await?;
    Ok(match (session.is_superuser(), policy.superuser) {
        (false, _) => Finding::pass(NAME, role),
        (true, true) => Check::warn(
            NAME,
            format!("{role}, a superuser"),
            "connect as the role that owns what the plan changes, or name it in trueup.toml: [env.NAME] role = \"…\"",
        )
        .into(),
        (true, false) => Finding::of(NAME, Err(Refusal::BySuperuser { role })),
    })
}

/// Whether there are the roles that the plan names: who is granted something, whom policies are for, who owns something.
pub async fn roles(session: &Session, plan: &Plan) -> Result<String, ApplyError> {
    const MISSING: &str = "\
SELECT wanted.name FROM unnest($1::text[]) AS wanted (name) \
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname::text = wanted.name) ORDER BY 1";
    let query = |source| ApplyError::Query { what: "asking for roles", source };
    let names: Vec<&String> = plan.roles.iter().collect();
    let rows = session.client().query(MISSING, &[&names]).await.map_err(query)?;
    let missing = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>().map_err(query)?;
    if missing.is_empty() {
        let names = plan.roles.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        Ok(format!("there are: {names}"))
    } else {
        Err(Refusal::NoRole(missing).into())
    }
}

/// The role that the session has.
pub async fn current_role(session: &Session) -> Result<String, ApplyError> {
    let query = |source| ApplyError::Query { what: "asking for the role", source };
    let row = session.client().query_one("SELECT current_user::text", &[]).await.map_err(query)?;
    row.try_get(0).map_err(query)
}

/// The role: owner, or member of the owner, of every relation that a step changes, with CREATE where it creates.
pub async fn privileges(session: &Session, plan: &Plan) -> Result<(), ApplyError> {
    let query = |source| ApplyError::Query { what: "asking for the role's privileges", source };
    let mut relations = BTreeSet::new();
    let mut schemas = BTreeSet::new();
    for step in &plan.steps {
        let object = step.object.target().unwrap_or_else(|| step.object.clone());
        if let Some(relation) = relation(&object) {
            relations.insert((relation.path.part(0).to_owned(), relation.path.part(1).to_owned()));
        }
        if matches!(step.action, Verb::Create | Verb::Replace) && has_own_name_in_schema(object.kind) {
            schemas.extend(object.schema().map(str::to_owned));
        }
    }
    let (namespaces, names): (Vec<String>, Vec<String>) = relations.into_iter().unzip();
    let schemas: Vec<String> = schemas.into_iter().collect();
    let rows = session.client().query(LACKING, &[&namespaces, &names, &schemas]).await.map_err(query)?;
    let mut lacking = Vec::new();
    let fills = plan
        .steps
        .iter()
        .flat_map(|step| [step.operation.backfill(), step.undo.operation.backfill()])
        .flatten();
    if fills.into_iter().any(|backfill| backfill.skip_triggers)
        && !may_skip_triggers(session).await.map_err(query)?
    {
        lacking.push(
            "may not set session_replication_role, by which the plan's backfills skip triggers (15+: GRANT SET ON PARAMETER)"
                .to_owned(),
        );
    }
    for row in rows {
        lacking.push(row.try_get(0).map_err(query)?);
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let role = session.client().query_one("SELECT CURRENT_USER::text", &[]).await.map_err(query)?;
    Err(Refusal::Privilege { role: role.try_get(0).map_err(query)?, lacking }.into())
}

/// PostgreSQL lets superusers set it, and from 15 on whom it was granted to.
async fn may_skip_triggers(session: &Session) -> Result<bool, tokio_postgres::Error> {
    let granted = "pg_catalog.has_parameter_privilege('session_replication_role', 'SET')";
    let query = format!(
        "SELECT {}",
        if session.major() >= 15 { granted } else { "pg_catalog.current_setting('is_superuser') = 'on'" }
    );
    session.client().query_one(&query, &[]).await?.try_get(0)
}

/// Relations that are there and not ours, and schemas that are there and closed to us. What is not there yet is
/// either made by the plan or missed by the staleness check.
const LACKING: &str = "\
SELECT pg_catalog.format('does not own %s %I.%I (its owner is %I)', \
         CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' ELSE 'table' END, \
         n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner)) \
  FROM unnest($1::text[], $2::text[]) AS wanted(schema, name) \
  JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema \
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name \
 WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') \
UNION ALL \
SELECT pg_catalog.format('may not create in schema %I (its owner is %I)', n.nspname, pg_catalog.pg_get_userbyid(n.nspowner)) \
  FROM pg_catalog.pg_namespace n \
 WHERE n.nspname = ANY ($3::text[]) AND NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE') \
ORDER BY 1";

/// The relation that must be owned for a change of this object.
pub fn relation(object: &ObjectId) -> Option<ObjectId> {
    match object.kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::Sequence | Kind::Index => {
            Some(object.clone())
        }
        _ => object.relation(),
    }
}

fn has_own_name_in_schema(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Table
            | Kind::View
            | Kind::MaterializedView
            | Kind::Sequence
            | Kind::Index
            | Kind::Function
            | Kind::Aggregate
            | Kind::Enum
            | Kind::Domain
            | Kind::Composite
            | Kind::Range
            | Kind::Collation
            | Kind::Statistics
    )
}
