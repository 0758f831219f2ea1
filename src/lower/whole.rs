//! A whole catalog, made object by object in a database that has nothing of it.

use super::{Context, Lowering, State};
use crate::{
    catalog::Catalog,
    diff::{self, DiffError},
    graph,
    name::{ObjectId, Pair},
    sql::Sql,
    step::Phase,
};

/// The statements that create a catalog, in order, each list with the object that it is for.
pub fn creation_by_object(
    catalog: &Catalog,
    context: &Context,
) -> Result<Vec<(ObjectId, Vec<Sql>)>, DiffError> {
    let context = Context { alone: true, ..context.clone() };
    let empty = Catalog::default();
    let catalogs = Pair::new(&empty, catalog);
    let changes = diff::diff(catalogs)?;
    let units = graph::order(catalogs, &changes, &|_, _| Phase::Expand)?;
    let state = State::new(catalogs);
    let mut lowering = Lowering { catalogs, changes: &changes, context: &context, state, steps: Vec::new() };
    for unit in &units {
        lowering.forward(unit);
    }
    Ok(lowering.steps.into_iter().map(|step| (step.object, step.run.sql)).collect())
}
