//! What is dropped and created anew keeps its owner.
//!
//! PostgreSQL gives what is created to the role that creates it. So a SECURITY DEFINER function that is replaced would have that
//! role's rights from then on, a view would read with them, and a materialized view would be refreshed with them. Owners are
//! different from environment to environment: where a plan does not manage them, they are what they were.

use std::collections::BTreeMap;

use tokio_postgres::Error;

use super::{Item, Options};
use crate::{
    kind::{Definition, Owner},
    lower::temporary_name,
    name::{Kind, ObjectId},
    postgres::Session,
};

/// The roles that objects belong to, other than the session's.
pub type Owners = BTreeMap<ObjectId, String>;

/// An object that belongs to another role than this one ($1), and may be given to it: by a superuser, or by a member of it where
/// it may create in the schema. It is a relation ($2), a type ($3), or a function, by its schema, name and arguments ($4 to $6).
const OTHERS: &str = "\
SELECT FROM (SELECT c.relowner AS owner, c.relnamespace AS namespace FROM pg_catalog.pg_class c
              WHERE c.oid = pg_catalog.to_regclass($2)
             UNION ALL SELECT t.typowner, t.typnamespace FROM pg_catalog.pg_type t WHERE t.oid = pg_catalog.to_regtype($3)
             UNION ALL SELECT p.proowner, p.pronamespace FROM pg_catalog.pg_proc p
               JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
              WHERE n.nspname = $4 AND p.proname = $5
                AND $6 = (SELECT coalesce(pg_catalog.string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.at), '')
                            FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a(type, at))) AS it,
     pg_catalog.pg_roles o, pg_catalog.pg_roles u
 WHERE o.rolname = $1 AND u.rolname = session_user AND it.owner <> o.oid
   AND (u.rolsuper OR pg_catalog.pg_has_role(u.oid, o.oid, 'MEMBER')
                      AND pg_catalog.has_schema_privilege(o.oid, it.namespace, 'CREATE'))";

/// The role that the object belonged to, or another one of its name: a view may become a materialized view, and a function get
/// other arguments.
fn role_of<'a>(owners: &'a Owners, id: &ObjectId) -> Option<&'a String> {
    let namesake = if RELATIONS.contains(&id.kind) {
        RELATIONS.iter().find_map(|kind| owners.get(&ObjectId { kind: *kind, path: id.path.clone() }))
    } else if ROUTINES.contains(&id.kind) {
        let name: Vec<String> = id.path.parts()[..2].to_vec();
        ROUTINES.iter().find_map(|kind| {
            let (other, role) = owners.range(ObjectId { kind: *kind, path: name.clone().into() }..).next()?;
            (other.kind == *kind && other.path.parts().starts_with(&name)).then_some(role)
        })
    } else {
        None
    };
    owners.get(id).or(namesake)
}

const RELATIONS: [Kind; 3] = [Kind::Table, Kind::View, Kind::MaterializedView];
const ROUTINES: [Kind; 2] = [Kind::Function, Kind::Aggregate];

/// Gives the item's object back to its owner, if it exists and belongs to another role now.
pub(super) async fn keep(session: &Session, options: &Options<'_>, item: &Item) -> Result<(), Error> {
    let role = options.owners.and_then(|owners| role_of(owners, &item.object));
    let Some(role) = role else { return Ok(()) };
    let id = &item.object;
    let (mut relation, mut kind, mut function) = (None, None, [None; 3]);
    match id.kind {
        Kind::View | Kind::MaterializedView | Kind::Table | Kind::Sequence => {
            relation = Some(id.sql());
        }
        Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range => kind = Some(id.sql()),
        Kind::Function | Kind::Aggregate => function = [0, 1, 2].map(|at| Some(id.path.part(at))),
        _ => return Ok(()),
    }
    let [schema, name, arguments] = function;
    let client = session.client();
    let others = client.query_opt(OTHERS, &[role, &relation, &kind, &schema, &name, &arguments]).await?;
    if others.is_some() {
        let owner = Owner { role: role.clone() };
        for give in owner.create(&ObjectId::about(Kind::Owner, id)).into_statements() {
            client.batch_execute(give.as_str()).await?;
        }
    }
    Ok(())
}

/// The owner of the materialized view whose replacement the item builds.
pub(super) fn of_replaced_view<'a>(options: &Options<'a>, item: &Item) -> Option<&'a str> {
    let replaced = |id: &ObjectId| {
        let view = ObjectId { kind: Kind::MaterializedView, path: id.path.clone() };
        RELATIONS.contains(&id.kind)
            && id.path.part(0) == item.object.path.part(0)
            && ["new", "old"].iter().any(|what| temporary_name(what, &view) == item.object.path.last())
    };
    options.owners?.iter().find(|(id, _)| replaced(id)).map(|(_, role)| &**role)
}
