//! A database that others have made is taken as it is: the journal begins, and says what is managed from now on. A plan whose end
//! others have brought about is taken as applied.

use std::{collections::BTreeSet, time::Duration};

use super::{
    ApplyError, aftermath,
    checklist::{self, Check},
    error::Refusal,
    lock,
};
use crate::{
    catalog::{
        Catalog,
        scope::{Manage, Scope},
    },
    config::Shaping,
    journal::{self, AdoptedState, Adoption, Position},
    kind::Object,
    lower::MOST,
    name::{Kind, ObjectId},
    plan::{
        PlanFile,
        staleness::{self, Point},
    },
    postgres::{Session, Target},
    run::{self, Stop},
    source::live,
    sql::{self, Sql},
    step::DataCheck,
};

/// What to adopt.
#[derive(Debug)]
pub struct Options<'a> {
    /// The database.
    pub target: &'a Target,
    /// The schemas to manage.
    pub manage: Manage,
    /// Patterns of objects to leave alone.
    pub ignore: &'a [String],
    /// How long to wait for another trueup in the same database.
    pub wait: Duration,
    /// The version that the journal names.
    pub tool: &'a str,
}

/// What adopting came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is written down.
    Adopted(AdoptedState),
    /// It was adopted before, and is what it was then.
    Already(Box<Adoption>),
    /// There is no object in any schema.
    Empty,
}

/// Takes a database as it is. Nothing in it is changed but the journal.
pub async fn adopt(options: &Options<'_>) -> Result<Outcome, ApplyError> {
    let session = Session::connect(&options.target.for_trueup()).await?;
    let outcome = adopt_on(&session, options).await;
    session.close().await;
    outcome
}

async fn adopt_on(session: &Session, options: &Options<'_>) -> Result<Outcome, ApplyError> {
    checklist::must::primary(session).await?;
    super::pin(session).await?;
    lock::take(session, options.wait, &Stop::never()).await?;
    let mut live = live::read(session).await?;
    live.forget_owners();
    let schemas = Scope::decide(&options.manage, &live, &Catalog::default(), options.ignore).schemas;
    let missing: BTreeSet<String> = schemas
        .iter()
        .filter(|name| !live.objects.contains_key(&ObjectId::new(Kind::Schema, [name.as_str()])))
        .cloned()
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::NoSuchSchema(missing).into());
    }
    if schemas.is_empty() {
        return Ok(Outcome::Empty);
    }
    let state = AdoptedState::of(&live, schemas, options.ignore);
    let last = journal::adoptions(session).await?.pop();
    if let Some(last) = last.filter(|last| last.state == state && last.tool == options.tool) {
        return Ok(Outcome::Already(Box::new(last)));
    }
    journal::ensure(session).await?;
    journal::record_adoption(session, &state, options.tool).await?;
    journal::reach(session, &live, &state.schemas, None, options.tool).await?;
    Ok(Outcome::Adopted(state))
}

/// Which plan to take as applied.
#[derive(Debug)]
pub struct PlanOptions<'a> {
    /// The plan.
    pub plan: &'a PlanFile,
    /// The database.
    pub target: &'a Target,
    /// What of the environment would have shaped the plan.
    pub shaping: &'a Shaping,
    /// What the journal says of how it came about.
    pub note: Option<&'a str>,
    /// How long to wait for another trueup in the same database.
    pub wait: Duration,
    /// The version that the journal names.
    pub tool: &'a str,
}

/// Writes down that a plan is applied whose end is there already: a fix by hand, a restored copy, another tool. With what is to
/// be said of its rows, which no catalog tells. None: the journal has it already.
pub async fn adopt_plan(options: &PlanOptions<'_>) -> Result<Option<Vec<Check>>, ApplyError> {
    let session = Session::connect(&options.target.for_trueup()).await?;
    let outcome = adopt_plan_on(&session, options).await;
    session.close().await;
    outcome
}

async fn adopt_plan_on(
    session: &Session,
    options: &PlanOptions<'_>,
) -> Result<Option<Vec<Check>>, ApplyError> {
    let PlanOptions { plan: file, shaping, note, wait, tool, .. } = *options;
    checklist::must::server(session, &file.plan).await?;
    super::pin(session).await?;
    lock::take(session, wait, &Stop::never()).await?;
    let state = journal::state(session, &file.digest).await?;
    if let Some(when) = state.abandoned {
        return Err(Refusal::Abandoned(when).into());
    }
    let position = state.position(&file.plan);
    let last = file.plan.phases().last().copied();
    match position {
        Position::After(phase) if Some(phase) == last => return Ok(None),
        Position::Within(phase) | Position::After(phase) => return Err(Refusal::Begun(phase).into()),
        Position::NotRun | Position::RolledBack => {}
    }
    super::fits_environment(&file.plan, shaping, position)?;
    let live = live::read_managed(session).await?;
    super::pin(session).await?;
    let differences = staleness::compare(&file.plan, &live, last.map_or(Point::Base, Point::After));
    if !differences.is_empty() {
        return Err(Refusal::NotReached(differences).into());
    }
    let mut warnings = unfilled(session, file, &live).await?;
    for phase in file.plan.phases() {
        let known = aftermath::look(session, &file.plan, phase).await;
        warnings.extend(known.into_iter().filter(|check| !warnings.contains(check)).collect::<Vec<_>>());
    }
    journal::ensure(session).await?;
    let remark = note.map_or_else(|| "adopted".to_owned(), |note| format!("adopted: {note}"));
    let said = [remark].into_iter().chain(warnings.iter().map(ToString::to_string));
    let remark = said.collect::<Vec<_>>().join("; ");
    journal::adopt(session, file, &remark, tool).await?;
    super::reach(session, &file.plan, live, tool).await?;
    Ok(Some(warnings))
}

/// Rows without a value in columns that the plan would have filled, and that may have none.
async fn unfilled(session: &Session, file: &PlanFile, live: &Catalog) -> Result<Vec<Check>, ApplyError> {
    let mut questions = Vec::new();
    for step in &file.plan.steps {
        let (Some(fill), Some(table)) = (step.operation.backfill(), step.object.relation()) else { continue };
        for name in &fill.columns {
            let path: Vec<String> = table.path.parts().iter().chain([name]).cloned().collect();
            let column = ObjectId::new(Kind::Column, path);
            // it is gone at the end, or refuses NULL
            let may = live.objects.get(&column).is_some_and(|object| match object {
                Object::Column(column) => !column.has_no_null(),
                _ => false,
            });
            let relation = column.relation_sql();
            let question = DataCheck {
                phase: step.phase,
                back: false,
                by_old_names: false,
                what: format!("rows without a value for {column}, which the plan would have filled"),
                sql: Sql::new(format!(
                    "SELECT pg_catalog.count(*), pg_catalog.min(row) FROM (SELECT found.ctid::pg_catalog.text AS row \
                     FROM ONLY {relation} AS found WHERE {} IS NULL LIMIT {MOST}) AS rows",
                    sql::ident(name)
                )),
                object: column,
                relation,
            };
            if may && !questions.contains(&question) {
                questions.push(question);
            }
        }
    }
    let rows = run::in_the_way(session, &questions).await;
    let rows =
        rows.map_err(|source| ApplyError::Query { what: "looking for rows without a value", source })?;
    let next = "fill them, unless they are to have none";
    Ok(rows.iter().map(|rows| Check::warn("rows", rows.to_string(), next)).collect())
}
