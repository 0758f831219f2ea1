//! Exchanging types, and collations, under the columns that have them: the old ones step aside, new ones take their names, the columns
//! change over in one rewrite a table, the old ones go. Whatever else needs them was dropped before and comes back
//! afterwards.

use std::collections::BTreeMap;

use super::Lowering;
use crate::{
    diff::How,
    graph::{self, Unit},
    kind::{Column, Object, column::through_text},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
};

/// A column that stores one of the types, or has one of the collations, before and after.
struct Stored<'a> {
    column: &'a ObjectId,
    data_type: &'a str,
    collation: Option<&'a str>,
    /// The type behind the column's, under any domains, on both sides.
    plain: Pair<&'a str>,
}

impl Lowering<'_> {
    /// The types of one unit, each exchanged: those that need others of them after these.
    pub(super) fn rebuild(&self, unit: &Unit) -> Vec<Sql> {
        let rebuilt =
            |id: &&ObjectId| matches!(self.changes.get(*id), Some(change) if change.how == How::Rebuild);
        let types: Vec<&ObjectId> = unit.members.iter().filter(rebuilt).collect();
        let Pair { before, after } = self.catalogs;
        let gone = graph::by_need(before, &types).into_iter().rev();
        let gone = gone.filter_map(|id| before.objects.get(id).map(|object| (id, object)));
        let come = graph::by_need(after, &types).into_iter();
        let come: Vec<Sql> = come
            .filter_map(|id| after.objects.get(id).map(|object| (id, object)))
            .flat_map(|(id, object)| {
                let mut sql = match object {
                    Object::Domain(domain) => vec![domain.create_with(id, None, &self.checks_of(id))],
                    _ => object.create(id).into_statements(),
                };
                sql.extend(self.take_back(id));
                sql
            })
            .collect();
        let stored = self.columns_of_types(&types);
        // the functions that make ranges do not step aside with their type: the values wait as text
        let by_text = types.iter().any(|id| id.kind == Kind::Range);
        let mut statements = Vec::new();
        if stored.is_empty() || by_text {
            statements.extend(change_columns(&stored, |column| {
                let array = array_of(column.data_type);
                format!("text{array} USING {}::text{array}", column.column.sql())
            }));
            statements.extend(gone.flat_map(|(id, object)| object.drop(id).into_statements()));
            statements.extend(come);
            statements.extend(change_columns(&stored, |column| column.back("")));
            statements.extend(stored.iter().flat_map(|stored| self.uncomment_parts(stored.column)));
            return statements;
        }
        let mut drops = Vec::new();
        for (id, object) in gone {
            let aside = ObjectId::new(id.kind, [id.path.part(0).to_owned(), sql::aside(id.path.last())]);
            let rename = object.rename(Pair::new(id, &aside)).map(crate::kind::Ddl::into_statements);
            statements.extend(rename.unwrap_or_default());
            drops.extend(object.drop(&aside).into_statements());
        }
        statements.extend(come);
        statements.extend(change_columns(&stored, |column| {
            column.back(through_text(column.plain.before, column.plain.after))
        }));
        statements.extend(drops);
        statements.extend(stored.iter().flat_map(|stored| self.uncomment_parts(stored.column)));
        statements
    }

    /// The proven checks of a domain, as CREATE DOMAIN has them.
    fn checks_of(&self, domain: &ObjectId) -> Vec<String> {
        let first = ObjectId { kind: Kind::DomainConstraint, path: domain.path.clone() };
        let all = self.catalogs.after.objects.range(first..);
        let all = all.take_while(|(id, _)| id.path.parts().starts_with(domain.path.parts()));
        all.filter_map(|(id, object)| match object {
            Object::DomainConstraint(check) if check.validated => Some(check.element(id)),
            _ => None,
        })
        .collect()
    }

    /// The columns that store one of these types, or have one of these collations, before and after, in the order of a dump. What partitions and
    /// inheritors have follows their parent.
    fn columns_of_types(&self, types: &[&ObjectId]) -> Vec<Stored<'_>> {
        let Pair { before, after } = self.catalogs;
        let mut names: Vec<String> = types.iter().map(|id| sql::qualified(id.path.parts())).collect();
        let sides = types.iter().flat_map(|id| [(id, before.objects.get(id)), (id, after.objects.get(id))]);
        names.extend(sides.filter_map(|(id, object)| match object {
            Some(Object::Range(range)) => Some(sql::qualified(&[id.path.part(0), &range.multirange])),
            _ => None,
        }));
        let both = before.objects.iter().filter_map(|(id, object)| match (object, after.objects.get(id)) {
            (Object::Column(old), Some(Object::Column(new))) => Some((id, old, new)),
            _ => None,
        });
        both.filter(|(_, old, new)| {
            let has = |column: &Column| {
                let base_type = column.base_type.trim_end_matches("[]");
                names.iter().any(|name| name == base_type || Some(name) == column.collation.as_ref())
            };
            !old.lineage.inherited && has(old) && has(new)
        })
        .map(|(column, old, new)| Stored {
            column,
            data_type: &old.data_type,
            collation: old.collation.as_deref(),
            plain: Pair::new(old.facts.plain_type.as_str(), new.facts.plain_type.as_str()),
        })
        .collect()
    }
}

impl Stored<'_> {
    /// What follows TYPE when the column gets its type back, which is another by then.
    fn back(&self, through: &str) -> String {
        let Self { column, data_type, collation, plain: _ } = self;
        let collate = collation.map(|name| format!(" COLLATE {name}")).unwrap_or_default();
        format!("{data_type}{collate} USING {}{through}::{data_type}", column.sql())
    }
}

/// One ALTER TABLE for each table, however many of its columns change.
fn change_columns(columns: &[Stored<'_>], to: impl Fn(&Stored<'_>) -> String) -> Vec<Sql> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for stored in columns {
        let clause = format!("ALTER COLUMN {} TYPE {}", stored.column.sql(), to(stored));
        tables.entry(stored.column.relation_sql()).or_default().push(clause);
    }
    let alter =
        |(table, clauses)| crate::kind::TableDdl { table, clauses, ..Default::default() }.into_statement();
    tables.into_iter().filter_map(alter).collect()
}

fn array_of(data_type: &str) -> &'static str {
    if data_type.ends_with("[]") { "[]" } else { "" }
}
