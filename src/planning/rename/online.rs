//! Columns that are to be renamed while code uses both names: which can be, and what the recipe has to know of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{PlanningError, annotated};
use crate::{
    annotation::Annotation,
    catalog::Catalog,
    kind::{Column, Index, Object, Trigger, index_body::IndexBody},
    lower::{Renaming, Twin, temporary_name},
    name::{Kind, ObjectId, Pair},
    postgres::{Session, server_words},
    step::{Phase, Step},
};

/// A column or a table that gets its name online.
pub(in crate::planning) struct Online<'a> {
    /// What asks for it.
    pub annotation: &'a Annotation,
    /// It under its new name; a column in its table under the table's new name.
    pub new: ObjectId,
    /// The name that it has.
    pub from: String,
}

/// What the recipe has to know. `catalogs` are live's clone and what it is after the renames; `along` what is renamed
/// with the columns, which the ones take whose tables have it in `wanted`.
pub(in crate::planning) async fn renamings(
    online: &[Online<'_>],
    catalogs: Pair<&Catalog>,
    wanted: &Catalog,
    along: &mut Vec<Step>,
    clone: &Session,
) -> Result<BTreeMap<ObjectId, Renaming>, PlanningError> {
    let mut renamings = BTreeMap::new();
    let mut refused = Vec::new();
    for one in online {
        let Some(Object::Column(column)) = catalogs.after.objects.get(&one.new) else { continue };
        let obstacle =
            one.obstacle(column, catalogs).or_else(|| one.obstacle_of_triggers(online, catalogs.after));
        if let Some(why) = obstacle {
            refused.push(format!("{}: {}: {why}", one.annotation.at, one.new));
            continue;
        }
        let volatile = is_volatile(one, column, catalogs.after, clone).await?;
        let mine = |step: &Step| table_of(&step.object, wanted) == one.new.relation();
        let (taken, rest): (Vec<Step>, Vec<Step>) = std::mem::take(along).into_iter().partition(mine);
        *along = rest;
        let along = taken.into_iter().map(|step| Step { phase: Phase::Contract, ..step }).collect();
        let (twins, fires) = (one.twins(online, catalogs), one.triggers(catalogs));
        let renaming = Renaming { from: one.from.clone(), volatile, twins, fires, along };
        renamings.insert(one.new.clone(), renaming);
    }
    if refused.is_empty() { Ok(renamings) } else { Err(PlanningError::NotOnline(refused)) }
}

impl Online<'_> {
    fn table(&self, catalog: &Catalog) -> Option<ObjectId> {
        self.new.relation().filter(|table| catalog.objects.contains_key(table))
    }

    /// Why both names cannot be there at once.
    fn obstacle(&self, column: &Column, catalogs: Pair<&Catalog>) -> Option<String> {
        let Pair { before: base, after: renamed } = catalogs;
        let table = self.table(renamed);
        let Some(Object::Table(definition)) = table.as_ref().and_then(|table| renamed.objects.get(table))
        else {
            return Some("only columns of tables can have two names".to_owned());
        };
        let table = table?;
        if !base.objects.contains_key(&table) {
            return Some(
                "its table is renamed by the same plan; rename that in a plan of its own".to_owned(),
            );
        }
        if column.generated.is_some() {
            return Some("it is a generated column, which nobody writes".to_owned());
        }
        if definition.of_type.is_some() {
            return Some("the columns of a typed table are those of its type".to_owned());
        }
        if column.facts.foreign {
            return Some("the values of a foreign table are elsewhere".to_owned());
        }
        if !column.lineage.parents.is_empty() {
            return Some("it comes from a parent, where it has to be renamed".to_owned());
        }
        if annotated::in_partition_key(definition, &self.new) {
            return Some("it is in the partition key".to_owned());
        }
        if base.objects.contains_key(&self.new) {
            return Some("there is a column of that name; drop it in a plan before".to_owned());
        }
        None
    }

    /// Why triggers of its tables cannot have it under two names.
    fn obstacle_of_triggers(&self, online: &[Online<'_>], catalog: &Catalog) -> Option<String> {
        let family = self.family(catalog);
        let tables: BTreeSet<ObjectId> = family.iter().filter_map(ObjectId::relation).collect();
        let triggers = catalog.objects.iter().filter_map(|(id, object)| match object {
            Object::Trigger(trigger) if id.relation().is_some_and(|on| tables.contains(&on)) => {
                Some((id, trigger))
            }
            _ => None,
        });
        for (id, trigger) in triggers {
            let name = id.path.last();
            if name <= "!!trueup~" || name >= "~trueup" {
                return Some(format!(
                    "the trigger {} would fire before or after all that keep it equal",
                    id.sql()
                ));
            }
            if !self.fires(id, trigger, &family, catalog) {
                continue;
            }
            if trigger.constraint {
                return Some(format!(
                    "the constraint trigger {} fires on UPDATE OF it, and PostgreSQL cannot replace one",
                    id.sql()
                ));
            }
            let other = online
                .iter()
                .find(|other| other.new != self.new && uses(id, &other.family(catalog), catalog));
            if let Some(other) = other {
                return Some(format!(
                    "the trigger {} fires on UPDATE OF it and uses {}; rename that in a plan of its own",
                    id.sql(),
                    other.new
                ));
            }
            let of_partition =
                |other: &ObjectId| other.kind == Kind::PartitionTrigger && other.path.last() == name;
            if catalog.objects.keys().any(of_partition) {
                return Some(format!(
                    "the trigger {} fires on UPDATE OF it, and otherwise in a partition than in the whole",
                    id.sql()
                ));
            }
        }
        None
    }

    /// Whether the trigger fires on UPDATE OF it, in its table or one below.
    fn fires(&self, id: &ObjectId, trigger: &Trigger, family: &[ObjectId], catalog: &Catalog) -> bool {
        trigger.update_of.iter().any(|name| name == self.new.path.last()) && uses(id, family, catalog)
    }

    /// The triggers that fire on UPDATE OF it, by the old name and by the new one.
    fn triggers(&self, catalogs: Pair<&Catalog>) -> Vec<(ObjectId, Pair<Trigger>)> {
        let family = self.family(catalogs.after);
        let found = catalogs.after.objects.iter().filter_map(|(id, object)| {
            let (Object::Trigger(new), Some(Object::Trigger(old))) =
                (object, catalogs.before.objects.get(id))
            else {
                return None;
            };
            let fires = self.fires(id, new, &family, catalogs.after);
            fires.then(|| (id.clone(), Pair::new(old.clone(), new.clone())))
        });
        found.collect()
    }

    /// A replacement, on the other name and without UNIQUE, for each index that uses the column. Several renamed columns of one
    /// index share its replacement, which is built with the last of them: the one with the greatest id in expand, the one with
    /// the least id when contract is rolled back.
    fn twins(&self, online: &[Online<'_>], catalogs: Pair<&Catalog>) -> Pair<Vec<Twin>> {
        let mut twins = Pair::new(Vec::new(), Vec::new());
        let others = online.iter().filter(|other| other.new != self.new);
        let others: Vec<(&ObjectId, Vec<ObjectId>)> =
            others.map(|other| (&other.new, other.family(catalogs.after))).collect();
        let columns: Vec<ObjectId> = self.family(catalogs.after);
        for (id, object) in &catalogs.after.objects {
            let uses_of = |columns: &[ObjectId]| uses(id, columns, catalogs.after);
            let pair = match (object, catalogs.before.objects.get(id)) {
                (Object::Index(new), Some(Object::Index(old)))
                    if !new.partitioned && new.valid && uses_of(&columns) =>
                {
                    Pair::new(new.clone(), old.clone())
                }
                (Object::Constraint(new), Some(Object::Constraint(old)))
                    if new.has_index() && uses_of(&columns) =>
                {
                    let Some(table) = id.relation() else { continue };
                    if catalogs.after.is_partitioned(&table) {
                        continue;
                    }
                    Pair::new(plain(id, &new.columns), plain(id, &old.columns))
                }
                _ => continue,
            };
            let twin = |index: &Index| {
                let id = ObjectId::new(Kind::Index, [id.path.part(0), &temporary_name("twin", id)]);
                let body = IndexBody { nulls_not_distinct: false, ..index.body.clone() };
                let index = Index {
                    options: index.options.clone(),
                    tablespace: index.tablespace.clone(),
                    ..Index::plain(index.table.clone(), body)
                };
                Twin { id, index }
            };
            let shared = others.iter().filter(|(_, columns)| uses_of(columns));
            let shared: Vec<&ObjectId> = shared.map(|(other, _)| *other).collect();
            // before contract the other name is the new one, on the way back it is the old one
            if shared.iter().all(|other| **other < self.new) {
                twins.before.push(twin(&pair.before));
            }
            if shared.iter().all(|other| **other > self.new) {
                twins.after.push(twin(&pair.after));
            }
        }
        twins
    }

    fn family(&self, catalog: &Catalog) -> Vec<ObjectId> {
        annotated::family(&self.new, catalog)
    }
}

/// Whether an object needs one of these columns.
fn uses(id: &ObjectId, columns: &[ObjectId], catalog: &Catalog) -> bool {
    catalog.needs_of(id).any(|need| columns.contains(&need.to))
}

/// A plain index on some columns of a table.
fn plain(constraint: &ObjectId, columns: &[String]) -> Index {
    let table = constraint.path.parts()[..2].to_vec();
    Index::plain(table, IndexBody::btree(columns, &[]))
}

/// The table that an object is part of, or is an index or a sequence of.
pub(super) fn table_of(id: &ObjectId, catalog: &Catalog) -> Option<ObjectId> {
    let of_column = |column: &[String]| Some(ObjectId::new(Kind::Table, column.get(..2)?.to_vec()));
    let owner = ObjectId { kind: Kind::SequenceOwner, path: id.path.clone() };
    match (catalog.objects.get(id), catalog.objects.get(&owner)) {
        (Some(Object::Index(index)), _) => Some(index.relation()),
        (Some(Object::IdentitySequence(sequence)), _) => of_column(&sequence.column),
        (Some(Object::Sequence(_)), Some(Object::SequenceOwner(owner))) => of_column(&owner.column),
        _ => id.relation(),
    }
}

/// Whether the default is another value for each row: then PostgreSQL writes a table anew that gets a column with it
/// (ALTER TABLE, Notes).
async fn is_volatile(
    one: &Online<'_>,
    column: &Column,
    catalog: &Catalog,
    clone: &Session,
) -> Result<bool, PlanningError> {
    let default = ObjectId { kind: Kind::Default, path: one.new.path.clone() };
    let Some(Object::Default(default)) = catalog.objects.get(&default) else { return Ok(false) };
    let file = "SELECT pg_catalog.pg_relation_filenode('pg_temp.trueup_probe'::pg_catalog.regclass)::text";
    let add = format!(
        "ALTER TABLE pg_temp.trueup_probe ADD COLUMN value {} DEFAULT {}",
        column.facts.plain_type, default.expression
    );
    let client = clone.client();
    let probe = async {
        client
            .batch_execute(
                "BEGIN; SET LOCAL search_path TO public; CREATE TEMPORARY TABLE pg_temp.trueup_probe ()",
            )
            .await?;
        let before: String = client.query_one(file, &[]).await?.try_get(0)?;
        client.batch_execute(&add).await?;
        let after: String = client.query_one(file, &[]).await?.try_get(0)?;
        Ok(before != after)
    };
    let probed: Result<bool, tokio_postgres::Error> = probe.await;
    let _ = client.batch_execute("ROLLBACK").await;
    probed.map_err(|error| PlanningError::Annotation {
        at: one.annotation.at.to_string(),
        why: format!("the default of {}: {}", one.new, server_words(&error)),
    })
}
