//! Runs as they go: what is begun, what is done, how it ended.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{Direction, Ended, JournalError, RowId, RunId, entry, plans, together};
use crate::{
    approval::{Approver, Covered},
    plan::{Digest, PlanFile, PlannedStep},
    postgres::Session,
    run::Batch,
    step::Phase,
};

/// What a run begins with.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// The phase.
    pub phase: Phase,
    /// Which way.
    pub direction: Direction,
    /// The approvals that let it run.
    pub covered: &'a Covered,
    /// What was said of a backup.
    pub backup: Option<&'a str>,
    /// What who runs it says of it.
    pub note: Option<&'a str>,
    /// What was accepted of the moment: what it loses, that old names are in use.
    pub accepted: &'a [String],
}

/// Begins a run, and writes down the approvals that it has.
pub async fn begin(
    session: &Session,
    file: &PlanFile,
    beginning: &Beginning<'_>,
    tool: &str,
) -> Result<RunId, JournalError> {
    let written = async {
        plans::keep(session, file).await?;
        insert(session, file, beginning, tool).await
    };
    together(session, written).await
}

/// Writes that a plan is done which others have brought about: each phase as a run that is at its end. To be called under the
/// advisory lock.
pub async fn adopt(session: &Session, file: &PlanFile, remark: &str, tool: &str) -> Result<(), JournalError> {
    let written = async {
        plans::keep(session, file).await?;
        for phase in file.plan.phases() {
            let covered = Covered::default();
            let direction = Direction::Apply;
            let beginning = Beginning {
                phase,
                direction,
                covered: &covered,
                backup: None,
                note: Some(remark),
                accepted: &[],
            };
            let run = insert(session, file, &beginning, tool).await?;
            let steps: Vec<&PlannedStep> =
                file.plan.steps.iter().filter(|step| step.phase == phase).collect();
            for batch in Batch::forward(&steps) {
                batch_done(session, run, &batch, &BTreeMap::new()).await?;
            }
            ended(session, run, Ended::Done, Some(remark)).await?;
        }
        Ok(())
    };
    together(session, written).await
}

async fn insert(
    session: &Session,
    file: &PlanFile,
    beginning: &Beginning<'_>,
    tool: &str,
) -> Result<RunId, JournalError> {
    let client = session.client();
    let PlanFile { plan, digest, .. } = file;
    let Beginning { phase, direction, covered, backup, note, accepted } = *beginning;
    let run = "INSERT INTO trueup.run (plan, name, phase, direction, schemas, tool, backup, glass, backend_start) \
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, backend_start FROM pg_catalog.pg_stat_activity \
               WHERE pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() RETURNING id";
    let (phase, direction) = (phase.label(), direction.label());
    let glass = covered.glass.as_ref().map(Approver::as_str);
    let row = client
        .query_one(
            run,
            &[&digest.as_str(), &plan.name, &phase, &direction, &plan.schemas, &tool, &backup, &glass],
        )
        .await?;
    let id: i64 = row.try_get(0)?;
    let insert = "INSERT INTO trueup.approval (run, approver, role, accepts, reason, created, expires, body, digest, key) \
                  VALUES ($1, $2, $3, $4, $5, $6::text::timestamptz, $7::text::timestamptz, $8, $9, $10)";
    let mut chained = Vec::new();
    for approval in &covered.approvals {
        let accepts: Vec<&String> = approval.accepts.iter().collect();
        let (created, expires) =
            (approval.created.to_string(), approval.expires.map(|expires| expires.to_string()));
        let body = approval.text().map_err(|error| JournalError::Approval(error.to_string()))?;
        let digest = approval.digest();
        let (digest, key) = (digest.as_ref().map(Digest::as_str), approval.signed.key());
        client
            .execute(
                insert,
                &[
                    &id,
                    &approval.approver.as_str(),
                    &approval.role,
                    &accepts,
                    &approval.reason,
                    &created,
                    &expires,
                    &body,
                    &digest,
                    &key,
                ],
            )
            .await?;
        chained.push(json!({ "body": body, "key": key }));
    }
    let body = json!({
        "run": id, "plan": digest, "name": plan.name, "phase": phase, "direction": direction, "tool": tool,
        "backup": backup, "approvals": chained, "glass": glass, "note": note, "accepted": accepted,
    });
    entry::add(session, "run", &body).await?;
    Ok(RunId(id))
}

/// Ends a run.
pub async fn finish(
    session: &Session,
    run: RunId,
    ended: Ended,
    remark: Option<&str>,
) -> Result<(), JournalError> {
    together(session, self::ended(session, run, ended, remark)).await
}

async fn ended(
    session: &Session,
    run: RunId,
    ended: Ended,
    remark: Option<&str>,
) -> Result<(), JournalError> {
    let outcome = ended.label();
    let sql = "UPDATE trueup.run SET finished = pg_catalog.clock_timestamp(), outcome = $2, remark = $3 WHERE id = $1";
    session.client().execute(sql, &[&run.0, &outcome, &remark]).await?;
    entry::add(session, "end", &json!({ "run": run.0, "outcome": outcome, "remark": remark })).await
}

/// Writes that a batch's steps are done; to be called in its transaction, as the last of it. `ends`: how long after its begin
/// each step was done, as far as that is known.
pub async fn batch_done(
    session: &Session,
    run: RunId,
    batch: &Batch,
    ends: &BTreeMap<u32, Duration>,
) -> Result<(), JournalError> {
    let steps: Vec<i32> = batch.steps().map(u32::cast_signed).collect();
    let mut last = Duration::ZERO;
    let ends: Vec<i64> = batch
        .steps()
        .map(|step| {
            last = ends.get(&step).copied().unwrap_or(last);
            i64::try_from(last.as_micros()).unwrap_or(i64::MAX)
        })
        .collect();
    let sql = "INSERT INTO trueup.step (run, step, batch, started, finished, outcome) \
               SELECT $1, done.step, $3, pg_catalog.now() + COALESCE(pg_catalog.lag(done.at) OVER (ORDER BY done.number), 0) * interval '1 microsecond', \
                      pg_catalog.now() + done.at * interval '1 microsecond', 'done' \
                 FROM ROWS FROM (pg_catalog.unnest($2::int4[]), pg_catalog.unnest($4::int8[])) WITH ORDINALITY AS done (step, at, number)";
    session.client().execute(sql, &[&run.0, &steps, &batch.number.cast_signed(), &ends]).await?;
    entry::add(session, "batch", &json!({ "run": run.0, "batch": batch.number, "steps": steps })).await
}

/// Writes that a step outside a transaction is about to start.
pub async fn step_started(
    session: &Session,
    run: RunId,
    batch: u32,
    step: u32,
) -> Result<RowId, JournalError> {
    let sql = "INSERT INTO trueup.step (run, step, batch) VALUES ($1, $2, $3) RETURNING id";
    let written = async {
        let row =
            session.client().query_one(sql, &[&run.0, &step.cast_signed(), &batch.cast_signed()]).await?;
        entry::add(session, "step", &json!({ "run": run.0, "batch": batch, "step": step })).await?;
        Ok(RowId(row.try_get(0)?))
    };
    together(session, written).await
}

/// Writes how a step outside a transaction ended, and these others that are done with it.
pub async fn step_ended(session: &Session, row: RowId, done: bool, also: &[u32]) -> Result<(), JournalError> {
    let outcome = if done { "done" } else { "not done" };
    let steps: Vec<i32> = also.iter().filter(|_| done).map(|step| step.cast_signed()).collect();
    let sql = "WITH ended AS ( \
                 UPDATE trueup.step SET finished = pg_catalog.clock_timestamp(), outcome = $2 WHERE id = $1 \
                 RETURNING run, step, batch, finished, outcome), \
               others AS ( \
                 INSERT INTO trueup.step (run, step, batch, finished, outcome) \
                 SELECT e.run, also.step, e.batch, e.finished, e.outcome FROM ended e, unnest($3::int4[]) AS also (step)) \
               SELECT run, step FROM ended";
    let written = async {
        let row = session.client().query_one(sql, &[&row.0, &outcome, &steps]).await?;
        let (run, step): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
        let body = json!({ "run": run, "step": step, "outcome": outcome, "also": steps });
        entry::add(session, "step", &body).await
    };
    together(session, written).await
}
