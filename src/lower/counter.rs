//! Sequences that a column counts with: whoever takes over goes on where the old one stands.
//!
//! A serial that becomes an identity column, and back, exchanges one sequence for another. The new one takes the old
//! one's position, not the greatest value that is stored: values that were given out once may be known elsewhere. A
//! column that had no sequence has nothing else than its greatest value to go on from.

use super::{Lowering, alter_table, temporary_name};
use crate::{
    catalog::Catalog,
    diff::Change,
    graph::Unit,
    kind::{Column, Ddl, Object, column::Identity, sequence::SequenceOptions},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
};

/// A sequence that counts for a column until all its rows have a value and it can be an identity column: PostgreSQL
/// would write the whole table anew to give it one.
pub(super) struct StandIn<'a> {
    column: &'a ObjectId,
    identity: &'a Identity,
    sequence: ObjectId,
    own: ObjectId,
}

impl<'a> StandIn<'a> {
    pub fn new(column: &'a ObjectId, identity: &'a Identity) -> Self {
        let sequence = ObjectId::new(Kind::Sequence, ["trueup".to_owned(), temporary_name("count", column)]);
        let own = ObjectId::new(Kind::Sequence, identity.sequence.clone());
        Self { column, identity, sequence, own }
    }

    /// The default that counts with it.
    pub fn default(&self) -> String {
        format!("pg_catalog.nextval({}::pg_catalog.regclass)", sql::literal(&self.sequence.sql()))
    }

    /// Everybody may count with it, as with the sequence of an identity column.
    pub fn create(&self) -> Vec<Sql> {
        let (name, options) = (self.sequence.sql(), &self.identity.options);
        let clauses = [vec![format!("AS {}", options.data_type)], options.clauses()].concat().join(" ");
        vec![
            Sql::new(format!("CREATE SEQUENCE {name} {clauses}")),
            Sql::new(format!("GRANT USAGE ON SEQUENCE {name} TO PUBLIC")),
        ]
    }

    pub fn drop(&self) -> Sql {
        Sql::new(format!("DROP SEQUENCE {}", self.sequence.sql()))
    }

    /// The column becomes an identity column, which goes on from here.
    pub fn hand_over(&self) -> Vec<Sql> {
        let name = self.column.sql();
        let become_identity = format!("ALTER COLUMN {name} ADD {}", self.identity.clause(self.column));
        let mut all =
            alter_table(self.column, vec![format!("ALTER COLUMN {name} DROP DEFAULT"), become_identity]);
        all.extend([take_position(&self.own, &self.sequence), self.drop()]);
        all
    }

    /// The way back: it goes on from where the column is.
    pub fn take_back(&self) -> Vec<Sql> {
        let (name, table) = (self.column.sql(), self.column.relation_sql());
        let mut all = vec![Sql::new(format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))];
        all.extend(self.create());
        all.push(take_position(&self.sequence, &self.own));
        let set = format!("ALTER COLUMN {name} SET DEFAULT {}", self.default());
        all.extend(alter_table(self.column, vec![format!("ALTER COLUMN {name} DROP IDENTITY")]));
        all.extend(alter_table(self.column, vec![set]));
        all
    }
}

impl Lowering<'_> {
    /// The statements that make a column an identity column or one no longer; None for any other change.
    pub(super) fn exchange_counters(&self, unit: &Unit, change: &Change, ddl: &Ddl) -> Option<Vec<Sql>> {
        let columns = change.identity_flips()?;
        let ddl = ddl.clone().into_statements();
        let member = |catalog: &Catalog| {
            let mut sequences = unit.members.iter().filter(|id| id.kind == Kind::Sequence);
            sequences.find(|id| catalog.objects.contains_key(*id)).cloned()
        };
        match (&columns.before.identity, &columns.after.identity) {
            (None, Some(identity)) => {
                let new = ObjectId::new(Kind::Sequence, identity.sequence.clone());
                let Some(old) = member(self.catalogs.before) else {
                    let from_values = from_values(&change.id, columns.after, &new, &identity.options);
                    return Some(ddl.into_iter().chain(from_values).collect());
                };
                let (mut statements, old) = step_aside(&old, &new);
                statements.extend(ddl);
                statements.push(take_position(&new, &old));
                statements.push(Sql::new(format!("DROP SEQUENCE {}", old.sql())));
                Some(statements)
            }
            (Some(identity), None) => {
                let Some(new) = member(self.catalogs.after) else { return Some(ddl) };
                let (mut statements, old) =
                    step_aside(&ObjectId::new(Kind::Sequence, identity.sequence.clone()), &new);
                let owner = ObjectId { kind: Kind::SequenceOwner, path: new.path.clone() };
                for id in [&new, &owner] {
                    let object = self.catalogs.after.objects.get(id);
                    statements
                        .extend(object.map(|object| object.create(id).into_statements()).unwrap_or_default());
                }
                statements.push(take_position(&new, &old));
                statements.extend(ddl);
                Some(statements)
            }
            _ => None,
        }
    }

    /// What brings a new sequence past the values that a column has, once its default counts with it.
    pub(super) fn count_on(&self, default: &ObjectId) -> Option<Sql> {
        count_on(self.catalogs, default)
    }

    /// The same on the way back.
    pub(super) fn count_on_again(&self, default: &ObjectId) -> Option<Sql> {
        count_on(self.catalogs.inverse(), default)
    }
}

/// Lets go of a name that the other one is to have.
pub(super) fn step_aside(old: &ObjectId, new: &ObjectId) -> (Vec<Sql>, ObjectId) {
    if old != new {
        return (Vec::new(), old.clone());
    }
    let aside = sql::aside(old.path.last());
    let rename = Sql::new(format!("ALTER SEQUENCE {} RENAME TO {}", old.sql(), sql::ident(&aside)));
    (vec![rename], ObjectId::new(Kind::Sequence, [old.path.part(0).to_owned(), aside]))
}

pub(super) fn take_position(new: &ObjectId, old: &ObjectId) -> Sql {
    let name = sql::literal(&new.sql());
    Sql::new(format!("SELECT pg_catalog.setval({name}, last_value, is_called) FROM {}", old.sql()))
}

fn count_on(catalogs: Pair<&Catalog>, default: &ObjectId) -> Option<Sql> {
    if default.kind != Kind::Default {
        return None;
    }
    let column_id = ObjectId { kind: Kind::Column, path: default.path.clone() };
    let Some(Object::Column(before)) = catalogs.before.objects.get(&column_id) else { return None };
    let new = |id: &&ObjectId| id.kind == Kind::Sequence && !catalogs.before.objects.contains_key(*id);
    let needs = catalogs.after.needs.iter().filter(|need| need.from == *default).map(|need| &need.to);
    let sequence = needs.filter(|_| before.identity.is_none()).find(new)?;
    match (catalogs.after.objects.get(&column_id), catalogs.after.objects.get(sequence)) {
        (Some(Object::Column(column)), Some(Object::Sequence(definition))) => {
            from_values(&column_id, column, sequence, &definition.options)
        }
        _ => None,
    }
}

/// Brings a sequence past the values that the column has.
fn from_values(
    id: &ObjectId,
    column: &Column,
    sequence: &ObjectId,
    options: &SequenceOptions,
) -> Option<Sql> {
    if !["smallint", "integer", "bigint"].contains(&column.facts.plain_type.as_str()) {
        return None;
    }
    let (last, passes) = if options.increment > 0 { ("max", ">=") } else { ("min", "<=") };
    let (name, table) = (sql::literal(&sequence.sql()), id.relation_sql());
    let last = format!("{last}({})", id.sql());
    // it may stand further already, by the values of another column that counts with it
    Some(Sql::new(format!(
        "SELECT pg_catalog.setval({name}, {last}) FROM {table} HAVING {last} {passes} (SELECT last_value FROM {})",
        sequence.sql()
    )))
}
