//! A whole catalog, made object by object in a database that has nothing of it.

use super::Context;
use crate::{
    catalog::Catalog,
    diff::{self, DiffError},
    name::{ObjectId, Pair},
    sql::Sql,
};

/// The statements that create a catalog, in order, each list with the object that it is for.
pub fn creation_by_object(
    catalog: &Catalog,
    context: &Context,
) -> Result<Vec<(ObjectId, Vec<Sql>)>, DiffError> {
    let empty = Catalog::default();
    let catalogs = Pair::new(&empty, catalog);
    let steps = super::plainly(catalogs, &diff::diff(catalogs)?, context)?;
    Ok(steps.into_iter().map(|step| (step.object, step.run.sql)).collect())
}
