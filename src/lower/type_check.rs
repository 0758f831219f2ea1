//! Rows with values of a type that the type will refuse, wherever in a column they are: see [`super::data_check`].

use super::{
    data_check::{Looking, Question},
    stored,
    type_name::{TypeName, Types, without_collation},
};
use crate::{
    diff::{Change, How},
    kind::{Alter, Composite, Definition, Domain, Enum, Object, Range, column::through_text},
    name::{Kind, ObjectId, Pair},
    sql,
};

impl Looking<'_> {
    /// What is asked where a type changes that columns store.
    pub(super) fn of_type_change(&self, change: &Change) -> Vec<Question> {
        let id = &change.id;
        match (&change.object.before, &change.object.after) {
            _ if change.how == How::Replace => Vec::new(),
            (Some(Object::Enum(before)), Some(Object::Enum(after))) => self.of_enum(id, before, after),
            (Some(Object::Domain(before)), Some(Object::Domain(after))) => {
                self.of_base(id, Pair::new(before, after))
            }
            (Some(Object::Composite(before)), Some(Object::Composite(after))) => {
                self.of_composite(id, Pair::new(before, after))
            }
            (Some(Object::Range(before)), Some(Object::Range(after))) => {
                self.of_range(id, Pair::new(before, after))
            }
            _ => Vec::new(),
        }
    }

    /// Values that a new check of a domain refuses.
    pub(super) fn of_domain(&self, id: &ObjectId, condition: &str) -> Vec<Question> {
        let domain = ObjectId::new(Kind::Domain, [id.path.part(0), id.path.part(1)]);
        let what = |column: &str, table: &ObjectId| {
            format!("values that {} refuses in {column} of {table}", id.sql())
        };
        // VALUE is a name like others outside of a domain
        let violated =
            |value: &str| format!("(SELECT ({condition}) FROM (SELECT {value}) AS tested (value)) IS FALSE");
        self.of_stored(&domain, what, violated)
    }

    fn of_enum(&self, id: &ObjectId, before: &Enum, after: &Enum) -> Vec<Question> {
        let gone = before.labels.iter().filter(|label| !after.labels.contains(label));
        let labels: Vec<String> = gone.map(|label| sql::literal(label)).collect();
        if labels.is_empty() {
            return Vec::new();
        }
        let goes = |value: &str| format!("({value})::pg_catalog.text IN ({})", labels.join(", "));
        self.of_stored(id, |column, table| format!("a label that goes in {column} of {table}"), goes)
    }

    /// Values that do not become values of another base type.
    fn of_base(&self, id: &ObjectId, pair: Pair<&Domain>) -> Vec<Question> {
        let Pair { before, after } = pair;
        if before.base == after.base {
            return Vec::new();
        }
        let (old, new) = (TypeName::of(&before.base).name, TypeName::of(&after.base).name);
        let through = through_text(&old, &new);
        let refused = |value: &str| fails(&format!("({value})::{}{through}::{}", before.base, after.base));
        self.of_stored(id, |column, table| refused_in(&after.base, column, table), refused)
    }

    /// Values that do not become values with these attributes. They are read again from their text, where each attribute has its
    /// place.
    fn of_composite(&self, id: &ObjectId, pair: Pair<&Composite>) -> Vec<Question> {
        let Pair { before, after } = pair;
        if !matches!(Composite::alter(pair, id), Alter::Rebuild) {
            return Vec::new();
        }
        if before.attributes.len() != after.attributes.len() {
            // "Too few columns", "Too many columns"
            let what = |column: &str, table: &ObjectId| {
                format!("values that do not become {} with other attributes in {column} of {table}", id.sql())
            };
            return self.of_stored(id, what, |value| format!("({value})::pg_catalog.text IS NOT NULL"));
        }
        let pairs = before.attributes.iter().zip(&after.attributes);
        let changed = pairs.filter(|(old, new)| old.data_type != new.data_type);
        let questions = changed.flat_map(|(old, new)| {
            let data_type = without_collation(&new.data_type);
            let refused = |value: &str| {
                let text = format!("(({value}).{})::pg_catalog.text", sql::ident(&old.name));
                let too_long = too_long(&text, data_type).map(|long| format!(" OR {long}"));
                format!("{}{}", fails(&format!("{text}::{data_type}")), too_long.unwrap_or_default())
            };
            self.of_stored(id, |column, table| refused_in(data_type, column, table), refused)
        });
        questions.collect()
    }

    /// Values that do not become ranges over another type.
    fn of_range(&self, id: &ObjectId, pair: Pair<&Range>) -> Vec<Question> {
        let data_type = &pair.after.subtype;
        if *data_type == pair.before.subtype {
            return Vec::new();
        }
        let refused = |value: &str| {
            let ends = ["lower", "upper"]
                .map(|end| fails(&format!("pg_catalog.{end}({value})::pg_catalog.text::{data_type}")));
            ends.join(" OR ")
        };
        self.of_stored(id, |column, table| refused_in(data_type, column, table), refused)
    }

    /// A question for each column that stores values of a type, about each of them.
    fn of_stored(
        &self,
        data_type: &ObjectId,
        what: impl Fn(&str, &ObjectId) -> String,
        condition: impl Fn(&str) -> String,
    ) -> Vec<Question> {
        let mut found = Vec::new();
        for stored in stored::storing(self.before, &Types::of(self.before), data_type) {
            let Some(table) = stored.id.relation().filter(|table| self.has_rows(table)) else { continue };
            if self.keeps_type(stored.id, &stored.column.base_type) {
                let any = stored.within.iter().map(|within| within.any(&condition(&within.value)));
                let any = any.collect::<Vec<_>>().join(" OR ");
                found.push(self.query(&table, what(&stored.id.sql(), &table), &any));
            }
        }
        found
    }

    /// Whether a column is still of the type when that changes.
    fn keeps_type(&self, column: &ObjectId, data_type: &str) -> bool {
        let Some(change) = self.changes.get(column) else { return true };
        let after =
            matches!(&change.object.after, Some(Object::Column(after)) if after.base_type == data_type);
        after && matches!(change.how, How::InPlace(_) | How::Implied(..) | How::Rebuild)
    }
}

fn refused_in(data_type: &str, column: &str, table: &ObjectId) -> String {
    format!("values that do not become {data_type} in {column} of {table}")
}

/// The value is computed for each row. Where it can be, this is false.
fn fails(value: &str) -> String {
    format!("((({value}) IS NULL) IS NULL)")
}

/// What is too long for a type as PostgreSQL reads it, where a cast would cut it.
fn too_long(text: &str, data_type: &str) -> Option<String> {
    let data_type = TypeName::of(data_type);
    let length = data_type.length().filter(|_| data_type.name.starts_with("character"))?;
    Some(format!("pg_catalog.length(pg_catalog.rtrim({text})) > {length}"))
}
