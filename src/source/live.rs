//! STUB on this branch only: the real module comes from main.
use crate::{
    catalog::{Catalog, Dependency, Strength},
    kind::Object,
    name::ObjectId,
    postgres::Session,
};
/// Stub.
pub type ReadError = tokio_postgres::Error;
/// Stub: tables, columns, indexes and views, enough for the tests of apply.
pub async fn read(session: &Session) -> Result<Catalog, ReadError> {
    let mut catalog = Catalog::default();
    for row in session.client().query(include_str!("stub.sql"), &[]).await? {
        let id: ObjectId = row.get::<_, String>(0).parse().unwrap_or_else(|e| panic!("{e}"));
        catalog.objects.insert(id.clone(), Object { text: row.get(1) });
        for to in row.get::<_, Vec<String>>(2) {
            if let Ok(to) = to.parse() {
                catalog.needs.insert(Dependency { from: id.clone(), to, strength: Strength::Hard });
            }
        }
    }
    Ok(catalog)
}
