//! Published tables that do not say which row was updated: PostgreSQL refuses each UPDATE and DELETE of them (manual, "Logical
//! Replication", "Publication"). Publications, keys, indexes and tables say together which those are, so the server is asked after
//! each batch.
//!
//! It is not looked for whether the filter of a publication names a column that is no part of the replica identity, which
//! PostgreSQL refuses as well.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::{ToSql, Type};

use super::moments::{Named, index, names};
use crate::{
    catalog::Catalog,
    name::{Kind, Pair},
    postgres::Session,
    run::{Batch, Item},
    source::live::ReadError,
    step::{Observed, Operation, Unidentified},
};

/// The tables, what is refused of them, and by which publications; of all tables, or of those of these names. An update is one
/// of a partition. A list of columns has to have those of the identity, and nothing is identified by all columns if only some
/// are sent. (Schemas are published from 15 on: `pg_depend` knows of them in any version.)
const REFUSING: &str = r"
WITH t AS (SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, relnamespace, relispartition, relreplident
             FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE relkind = 'r' AND relpersistence = 'p' AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'trueup')
              AND ($1::text[] IS NULL OR c.oid = ANY (SELECT to_regclass(wanted)::oid FROM unnest($1::text[]) AS wanted) OR c.oid = ANY ($2::oid[]))),
as_part AS (SELECT t.oid, t.oid AS relation FROM t
            UNION SELECT t.oid, a.relid FROM t, pg_partition_ancestors(t.oid) AS a (relid) WHERE relispartition),
listed AS (SELECT s.oid, prpubid, (SELECT array_agg(attname) FROM pg_attribute a WHERE a.attrelid = prrelid
                                     AND attnum IN (SELECT e::int2 FROM jsonb_array_elements_text(nullif(to_jsonb(r) -> 'prattrs', 'null')) AS e)) AS columns
             FROM as_part s JOIN pg_publication_rel r ON prrelid = s.relation),
published AS (SELECT oid, prpubid, columns FROM listed
              UNION ALL SELECT t.oid, p.oid, NULL FROM t, pg_publication p WHERE puballtables
              UNION ALL SELECT s.oid, p.refobjid, NULL FROM as_part s JOIN pg_class c ON c.oid = s.relation
                JOIN pg_depend n ON n.classid = to_regclass('pg_catalog.pg_publication_namespace')
                                AND n.refclassid = 'pg_namespace'::regclass AND n.refobjid = c.relnamespace
                JOIN pg_depend p ON p.classid = n.classid AND p.objid = n.objid AND p.refclassid = 'pg_publication'::regclass),
identity AS (SELECT t.oid, array_agg(a.attname) AS columns
               FROM t JOIN pg_index i ON indrelid = t.oid AND indisvalid AND indimmediate
                                     AND (relreplident = 'd' AND indisprimary OR relreplident = 'i' AND indisreplident)
               JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY ((i.indkey::int2[])[0:indnkeyatts - 1])
              GROUP BY t.oid)
SELECT t.oid, t.name,
       CASE WHEN NOT bool_or(pubdelete) THEN 'UPDATE' WHEN NOT bool_or(pubupdate) THEN 'DELETE' ELSE 'UPDATE and DELETE' END,
       string_agg(DISTINCT quote_ident(pubname), ', ' ORDER BY quote_ident(pubname))
  FROM published JOIN t USING (oid) JOIN pg_publication p ON p.oid = prpubid LEFT JOIN identity i ON i.oid = t.oid
 WHERE (pubupdate OR pubdelete)
   AND CASE WHEN relreplident = 'f' THEN published.columns IS NOT NULL
            ELSE i.columns IS NULL OR NOT i.columns <@ coalesce(published.columns, i.columns) END
 GROUP BY t.oid, t.name";

/// A table, what is refused of it, and by which publications.
struct Refusing {
    table: String,
    refused: String,
    publications: String,
}

/// Those that refuse now: among all, or among those of these names and object ids.
async fn look(
    session: &Session,
    names: Option<&BTreeSet<Named>>,
    oids: &[u32],
) -> Result<BTreeMap<u32, Refusing>, ReadError> {
    let failed = |source| ReadError::Query {
        what: "which published tables have no replica identity".to_owned(),
        source,
    };
    let names = names.map(|names| names.iter().filter_map(Named::relation).collect::<Vec<&str>>());
    let asked = [(&names as &(dyn ToSql + Sync), Type::TEXT_ARRAY), (&oids, Type::OID_ARRAY)];
    let rows = session.client().query_typed(REFUSING, &asked).await.map_err(failed)?;
    session.take_notices();
    let refusing = rows.iter().map(|row| {
        let (table, refused, publications) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        Ok((row.try_get(0)?, Refusing { table, refused, publications }))
    });
    refusing.collect::<Result<_, _>>().map_err(failed)
}

/// Which tables refuse writes while the steps run in one direction.
pub(super) struct Identities {
    /// The tables that are there at the beginning.
    known: BTreeSet<String>,
    /// Those of them that refuse then.
    refused: BTreeSet<String>,
    /// Whether there are publications at either end: else nothing is looked at.
    published: bool,
    /// Those that refuse now, by their object ids, and since which step; none if they did at the beginning.
    refusing: BTreeMap<u32, (Option<u32>, Refusing)>,
    found: Vec<(u32, Unidentified)>,
}

impl Identities {
    /// Before the first batch. `catalogs`: those at the beginning and at the end.
    pub async fn begin(session: &Session, catalogs: Pair<&Catalog>) -> Result<Self, ReadError> {
        let publishes = |catalog: &Catalog| catalog.of_kind(Kind::Publication).next().is_some();
        let published = publishes(catalogs.before) || publishes(catalogs.after);
        let refusing = if published { look(session, None, &[]).await? } else { BTreeMap::new() };
        Ok(Self {
            known: catalogs.before.of_kind(Kind::Table).map(|(id, _)| id.sql()).collect(),
            refused: refusing.values().map(|it| it.table.clone()).collect(),
            published,
            refusing: refusing.into_iter().map(|(oid, it)| (oid, (None, it))).collect(),
            found: Vec::new(),
        })
    }

    /// Looks at the tables that a batch is about, or at all where publications change. `seen` is what each step did.
    pub async fn after(
        &mut self,
        session: &Session,
        batch: &Batch,
        seen: &[Observed],
    ) -> Result<(), ReadError> {
        let does = |item: &&Item| item.action.operation != Operation::Nothing;
        let Some(last) = batch.items.iter().rfind(does).map(|item| item.step).filter(|_| self.published)
        else {
            return Ok(());
        };
        let publishes = batch.items.iter().any(|item| is_publication(item.object.kind));
        let names = names(batch.items.iter().map(|item| (&item.object, seen.get(index(item.step)))));
        let oids: Vec<u32> = self.refusing.keys().copied().collect();
        let found = look(session, (!publishes).then_some(&names), &oids).await?;
        for oid in oids.into_iter().filter(|oid| !found.contains_key(oid)) {
            // one that has only come is nobody's before the plan is done
            if let Some((Some(step), it)) = self.refusing.remove(&oid)
                && self.known.contains(&it.table)
            {
                self.found.push((step, unidentified(it, Some(last))));
            }
        }
        for (oid, it) in found {
            let about = |item: &Item| is_publication(item.object.kind) || is_of(item, &it.table);
            let step =
                batch.items.iter().rfind(|item| does(item) && about(item)).map_or(last, |item| item.step);
            let since = (!self.refused.contains(&it.table)).then_some(step);
            self.refusing.entry(oid).or_insert((since, it));
        }
        Ok(())
    }

    /// Says of each step which tables refuse writes from then on.
    pub fn finish(self, seen: &mut [Observed]) {
        let lasting = self.refusing.into_values();
        let lasting = lasting.filter_map(|(since, it)| Some((since?, unidentified(it, None))));
        for (step, unidentified) in self.found.into_iter().chain(lasting) {
            if let Some(seen) = seen.get_mut(index(step)) {
                seen.unidentified.push(unidentified);
            }
        }
    }
}

fn unidentified(refusing: Refusing, until: Option<u32>) -> Unidentified {
    let Refusing { table, refused, publications } = refusing;
    Unidentified { table, refused, publications, until }
}

fn is_publication(kind: Kind) -> bool {
    matches!(kind, Kind::Publication | Kind::PublishedTable | Kind::PublishedSchema)
}

fn is_of(item: &Item, table: &str) -> bool {
    let object = &item.object;
    object.sql() == table || object.relation().is_some_and(|relation| relation.sql() == table)
}
