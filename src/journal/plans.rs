//! The plans that were applied: what is between its phases has to be known to who plans meanwhile.

use std::{collections::BTreeMap, path::Path};

use super::{JournalError, Position, State, layout, state};
use crate::{
    plan::{Digest, Plan, PlanFile, from_text},
    postgres::Session,
};

/// A plan that is not at its end, and not where it began.
#[derive(Debug, Clone)]
pub struct OpenPlan {
    /// Its digest.
    pub digest: Digest,
    /// The plan.
    pub plan: Plan,
    /// What is done of it.
    pub state: State,
    /// Where it stands.
    pub position: Position,
}

/// Those whose last run was not that of the last phase, or the undo of the first.
const UNFINISHED: &str = "\
SELECT p.digest, p.body FROM trueup.plan p \
  JOIN LATERAL (SELECT phase, direction, outcome FROM trueup.run r WHERE r.plan OPERATOR(pg_catalog.=) p.digest \
                 ORDER BY id DESC LIMIT 1) AS last ON true \
 WHERE NOT COALESCE(last.outcome OPERATOR(pg_catalog.=) 'done' AND last.phase OPERATOR(pg_catalog.=) \
         CASE last.direction WHEN 'apply' THEN p.phases[pg_catalog.cardinality(p.phases)] ELSE p.phases[1] END, false) \
 ORDER BY p.digest";

/// The plans that stopped part-way, or of which a phase remains, but for those that were abandoned. One of which something
/// is done and that cannot be read is an error: what is between its phases would be taken for the database's own.
pub async fn open_plans(session: &Session) -> Result<Vec<OpenPlan>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 4) {
        return Ok(Vec::new());
    }
    let mut open = Vec::new();
    for row in session.client().query(UNFINISHED, &[]).await? {
        let (digest, body): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let content = || JournalError::Content { what: "plan", value: digest.to_owned() };
        let digest: Digest = digest.parse().map_err(|_| content())?;
        let state = state(session, &digest).await?;
        if state.abandoned.is_some() {
            continue;
        }
        let plan = match from_text(Path::new("trueup.plan"), body) {
            Ok(plan) => plan,
            Err(_) if state.done.is_empty() && state.in_doubt.is_none() => continue,
            Err(error) => return Err(JournalError::Unread { digest, why: error.to_string() }),
        };
        let position = state.position(&plan);
        let remains = match position {
            Position::NotRun | Position::RolledBack => false,
            Position::Within(_) => true,
            Position::After(phase) => plan.phases().into_iter().any(|later| later > phase),
        };
        if remains {
            open.push(OpenPlan { digest, plan, state, position });
        }
    }
    Ok(open)
}

/// Every plan that is written down and can be read, by its digest.
pub async fn kept_plans(session: &Session) -> Result<BTreeMap<String, Plan>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 4) {
        return Ok(BTreeMap::new());
    }
    let mut kept = BTreeMap::new();
    for row in session.client().query("SELECT digest, body FROM trueup.plan", &[]).await? {
        let (digest, body): (String, &str) = (row.try_get(0)?, row.try_get(1)?);
        kept.extend(from_text(Path::new("trueup.plan"), body).ok().map(|plan| (digest, plan)));
    }
    Ok(kept)
}

/// A plan that is written down, by its digest.
pub async fn kept_plan(session: &Session, digest: &Digest) -> Result<Option<PlanFile>, JournalError> {
    let kept = kept_where(session, "digest OPERATOR(pg_catalog.=) $1", digest.as_str()).await?;
    Ok(kept.into_iter().next())
}

/// The plans that are written down under a name, or whose digest begins so.
pub async fn kept_plans_called(session: &Session, name: &str) -> Result<Vec<PlanFile>, JournalError> {
    const DIGITS: usize = 8;
    if name.len() >= DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let kept = kept_where(session, "pg_catalog.starts_with(digest, $1)", name).await?;
        if !kept.is_empty() {
            return Ok(kept);
        }
    }
    let kept = kept_where(session, "$1::pg_catalog.text IS NOT NULL", name).await?;
    Ok(kept.into_iter().filter(|kept| kept.plan.name == name).collect())
}

/// Of those that can be read, and whose text is what their digest is of.
async fn kept_where(session: &Session, which: &str, text: &str) -> Result<Vec<PlanFile>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 4) {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT body FROM trueup.plan WHERE {which} ORDER BY digest");
    let mut kept = Vec::new();
    for row in session.client().query(&sql, &[&text]).await? {
        let text: String = row.try_get(0)?;
        let (digest, Ok(plan)) = (Digest::of(&text), from_text(Path::new("trueup.plan"), &text)) else {
            continue;
        };
        // it has no folder, and so no approvals
        let dir = Path::new("trueup.plan").join(digest.as_str());
        kept.push(PlanFile { plan, digest, text, dir });
    }
    Ok(kept)
}

/// The digests of plans whose text is not what has them.
pub async fn changed_plans(session: &Session) -> Result<Vec<String>, JournalError> {
    if layout(session).await?.is_none_or(|layout| layout < 4) {
        return Ok(Vec::new());
    }
    let mut changed = Vec::new();
    for row in session.client().query("SELECT digest, body FROM trueup.plan ORDER BY digest", &[]).await? {
        let (digest, body): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        if Digest::of(body).as_str() != digest {
            changed.push(digest.to_owned());
        }
    }
    Ok(changed)
}

/// Writes a plan down, unless it is there.
pub(super) async fn keep(session: &Session, plan: &PlanFile) -> Result<(), JournalError> {
    let phases: Vec<&str> = plan.plan.phases().into_iter().map(super::Phase::label).collect();
    let sql = "INSERT INTO trueup.plan (digest, phases, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    session.client().execute(sql, &[&plan.digest.as_str(), &phases, &plan.text]).await?;
    Ok(())
}
