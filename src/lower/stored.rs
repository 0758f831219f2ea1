//! Where values of a type are stored: in columns of it, and within the arrays, domains, composite types, ranges and multiranges
//! that columns are of.

use super::type_name::{TypeName, Types, without_collation};
use crate::{
    catalog::Catalog,
    kind::{Column, Object},
    name::{Kind, ObjectId},
    sql,
};

/// How deep types are looked into.
const DEEPEST: u32 = 16;

/// Values of a type within the value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Within {
    /// The arrays and multiranges to take apart, in this order, as FROM has them.
    from: Vec<String>,
    /// One of the values.
    pub value: String,
}

impl Within {
    /// Whether one of the values of a row meets a condition.
    pub fn any(&self, condition: &str) -> String {
        if self.from.is_empty() {
            return format!("({condition})");
        }
        format!("EXISTS (SELECT FROM {} WHERE {condition})", self.from.join(", "))
    }

    fn with_value(&self, value: String) -> Self {
        Self { from: self.from.clone(), value }
    }

    /// Its elements, one by one.
    fn elements(&self) -> Self {
        let at = self.from.len() + 1;
        let lateral = if self.from.is_empty() { "" } else { "LATERAL " };
        let unnest =
            format!("{lateral}(SELECT pg_catalog.unnest({})) AS trueup_u{at} (trueup_v{at})", self.value);
        let from = self.from.iter().cloned().chain([unnest]).collect();
        Self { from, value: format!("trueup_u{at}.trueup_v{at}") }
    }
}

/// A column that stores values of a type.
pub(super) struct Stored<'c> {
    pub id: &'c ObjectId,
    pub column: &'c Column,
    pub within: Vec<Within>,
}

/// The columns that store values of a type. Those of partitions and child tables are asked with their parent's.
pub(super) fn storing<'c>(catalog: &'c Catalog, types: &Types<'c>, data_type: &ObjectId) -> Vec<Stored<'c>> {
    let descent = Descent { types, wanted: data_type.sql() };
    let columns = catalog.of_kind(Kind::Column);
    columns
        .filter_map(|(id, object)| {
            let Object::Column(column) = object else { return None };
            // a type of PostgreSQL's own is made of no other one
            let asked =
                !column.facts.foreign && column.lineage.parents.is_empty() && column.base_type.contains('.');
            let mut within = Vec::new();
            if asked {
                descent.descend(
                    &column.base_type,
                    &Within { from: Vec::new(), value: id.sql() },
                    DEEPEST,
                    &mut within,
                );
            }
            (!within.is_empty()).then_some(Stored { id, column, within })
        })
        .collect()
}

struct Descent<'a> {
    types: &'a Types<'a>,
    wanted: String,
}

impl Descent<'_> {
    fn descend(&self, data_type: &str, at: &Within, depth: u32, found: &mut Vec<Within>) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let data_type = without_collation(data_type);
        if data_type == self.wanted {
            found.push(at.clone());
            return;
        }
        if let Some(element) = data_type.strip_suffix("[]") {
            return self.descend(element, &at.elements(), depth, found);
        }
        let value = &at.value;
        let mut ends = |subtype: &str, at: &Within| {
            for end in ["lower", "upper"] {
                let end = at.with_value(format!("pg_catalog.{end}({})", at.value));
                self.descend(subtype, &end, depth, found);
            }
        };
        match self.types.get(&TypeName::of(data_type).name) {
            Some(Object::Domain(domain)) => {
                let base = at.with_value(format!("({value})::{}", without_collation(&domain.base)));
                self.descend(&domain.base, &base, depth, found);
            }
            Some(Object::Composite(composite)) => {
                for attribute in &composite.attributes {
                    let own = at.with_value(format!("({value}).{}", sql::ident(&attribute.name)));
                    self.descend(&attribute.data_type, &own, depth, found);
                }
            }
            Some(Object::Range(range)) => ends(&range.subtype, at),
            _ => match self.types.range_of(data_type) {
                Some((name, _)) if name == self.wanted => found.push(at.elements()),
                Some((_, range)) => ends(&range.subtype, &at.elements()),
                None => {}
            },
        }
    }
}
