//! Two schemas side by side, wherever they come from: databases, SQL, what a plan makes of a database.
//!
//! Nothing is planned here: the catalogs are read, and made comparable as planning makes them. Two databases that
//! differ in nothing but what PostgreSQL prints differently the second time need scratch for that, others do not.

use std::collections::BTreeSet;

use super::{
    Inputs, PlanningError, proven,
    secret::{self, Values},
    workshop::Workshop,
};
use crate::{
    catalog::{Catalog, scope::Manage},
    config::Shaping,
    name::Pair,
    plan::{Plan, PlannedStep},
    postgres::{OnDemand, Scratch, Session},
    secret::Secrets,
    source::{desired::Desired, live},
    step::Step,
};

/// Where a schema comes from.
pub enum Side<'a> {
    /// A database as it is.
    Database(&'a Session),
    /// Desired SQL.
    Sql(&'a Desired),
    /// A database as it will be when a plan is done.
    Planned {
        /// The database as it is.
        on: &'a Session,
        /// The plan.
        plan: &'a Plan,
        /// The steps of it that are done there already.
        done: BTreeSet<u32>,
    },
}

impl Side<'_> {
    /// The database that it is about.
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Database(session) | Self::Planned { on: session, .. } => Some(session),
            Self::Sql(_) => None,
        }
    }
}

/// Reads both sides where neither needs scratch. None: one does.
pub async fn read_databases(sides: Pair<&Side<'_>>) -> Result<Option<Pair<Catalog>>, PlanningError> {
    let (Side::Database(before), Side::Database(after)) = (sides.before, sides.after) else {
        return Ok(None);
    };
    let mut catalogs = Pair::new(live::read(before).await?, live::read(after).await?);
    catalogs.before.forget_owners();
    catalogs.after.forget_owners();
    let values = Pair::new(
        Values::of_database(before, &catalogs.before).await?,
        Values::of_database(after, &catalogs.after).await?,
    );
    secret::settle(Pair::new(&mut catalogs.before, &mut catalogs.after), values.as_ref());
    Ok(if differ_in_text_alone(catalogs.as_ref()) { None } else { Some(catalogs) })
}

/// Reads both sides with the help of scratch, and with the secrets that are given. With what is said of it: why texts may differ that mean the same.
pub async fn read(
    sides: Pair<&Side<'_>>,
    scratch: &Scratch,
    secrets: &Secrets,
    progress: &dyn Fn(&str),
) -> Result<(Pair<Catalog>, Vec<String>), PlanningError> {
    // SQL is elaborated in a database like the other side's
    let like = sides.before.session().or(sides.after.session()).unwrap_or(scratch.admin());
    let nothing = Desired::default();
    let on_demand = OnDemand::from(scratch);
    let all = Pair::new(
        inputs(sides.before, like, &nothing, &on_demand, secrets, progress),
        inputs(sides.after, like, &nothing, &on_demand, secrets, progress),
    );
    let (mut before, before_shop) = read_side(sides.before, &all.before).await?;
    let (mut after, after_shop) = read_side(sides.after, &all.after).await?;
    let values =
        Pair::new(values(sides.before, &before, secrets).await?, values(sides.after, &after, secrets).await?);
    let mut notes = secret::settle(Pair::new(&mut before, &mut after), values.as_ref());
    match (sides.before, sides.after) {
        (Side::Sql(_), Side::Database(_)) => proven::keep(&after, &mut before),
        (Side::Database(_), Side::Sql(_)) => proven::keep(&before, &mut after),
        _ => {}
    }
    if differ_in_text_alone(Pair::new(&before, &after)) {
        progress("comparing");
        for (side, catalog, shop) in
            [(sides.before, &mut before, before_shop), (sides.after, &mut after, after_shop)]
        {
            if matches!(side, Side::Planned { .. }) {
                continue;
            }
            match shop.normalised(catalog, &Catalog::default()).await {
                Ok(stable) => *catalog = Catalog { unmanaged: catalog.unmanaged.clone(), ..stable },
                // what cannot be built anew can still be compared as it is
                Err(error @ (PlanningError::Rebuild { .. } | PlanningError::ServerOptions { .. })) => {
                    notes.push(format!("texts that mean the same may show as different: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok((Pair::new(before, after), notes))
}

/// What the workshop is told of a side.
fn inputs<'a>(
    side: &'a Side<'_>,
    like: &'a Session,
    nothing: &'a Desired,
    scratch: &'a OnDemand<'a>,
    secrets: &'a Secrets,
    progress: &'a dyn Fn(&str),
) -> Inputs<'a> {
    Inputs {
        live: side.session().unwrap_or(like),
        scratch,
        kept: None,
        from: None,
        desired: if let Side::Sql(desired) = side { desired } else { nothing },
        other: None,
        open: Vec::new(),
        manage: Manage::All,
        ignore: Vec::new(),
        owners: false,
        shaping: Shaping::default(),
        secrets,
        assume_drop: BTreeSet::new(),
        name: String::new(),
        author: None,
        created: jiff::Timestamp::UNIX_EPOCH,
        progress,
    }
}

/// Where the values of a side's secrets are.
async fn values<'s>(
    side: &Side<'_>,
    catalog: &Catalog,
    secrets: &'s Secrets,
) -> Result<Values<'s>, PlanningError> {
    Ok(match side {
        Side::Sql(_) => Values::Given(secrets),
        Side::Database(session) => Values::of_database(session, catalog).await?,
        Side::Planned { on, .. } => Values::Planned(secret::read(on, catalog).await?, secrets),
    })
}

async fn read_side<'a>(
    side: &Side<'_>,
    inputs: &'a Inputs<'a>,
) -> Result<(Catalog, Workshop<'a>), PlanningError> {
    let progress = inputs.progress;
    progress("reading the database");
    let live = inputs.compared(live::read(inputs.live).await?);
    let mut shop = Workshop::open(inputs, &live).await?;
    let catalog = match side {
        Side::Database(_) => live,
        Side::Sql(_) => {
            progress("loading the SQL");
            shop.elaborate(&live).await?
        }
        Side::Planned { plan, done, .. } => {
            progress("running the plan on scratch");
            let (clone, _) = shop.clone_of(&live, true).await?;
            let left = plan.steps.iter().filter(|step| !done.contains(&step.id));
            let steps: Vec<Step> = left.map(PlannedStep::to_step).collect();
            let end = shop.after(&clone, &steps).await?;
            inputs.scratch.get().await?.drop_database(clone).await?;
            Catalog { unmanaged: live.unmanaged, ..end }
        }
    };
    Ok((catalog, shop))
}

/// Whether some object differs only in texts that PostgreSQL deparses, which may mean the same.
fn differ_in_text_alone(catalogs: Pair<&Catalog>) -> bool {
    catalogs.before.objects.iter().any(|(id, old)| {
        let new = catalogs.after.objects.get(id);
        new.is_some_and(|new| old != new && old.without_texts() == new.without_texts())
    })
}
