//! Exchanging a type under the columns that store it: the old one steps aside, a new one takes its name, the columns
//! change over, the old one goes. Whatever else needs it was dropped before and comes back afterwards.

use super::Lowering;
use crate::{
    diff::Change,
    kind::Object,
    name::{Kind, ObjectId},
    sql::{self, Sql},
};

impl Lowering<'_> {
    pub(super) fn rebuild(&self, change: &Change) -> Vec<Sql> {
        let (Some(before), Some(after)) = (&change.object.before, &change.object.after) else {
            return Vec::new();
        };
        let id = &change.id;
        let name = id.sql();
        let columns = self.columns_of_type(id);
        let mut statements = Vec::new();
        if columns.is_empty() {
            statements.extend(before.drop(id).into_statements());
            statements.extend(after.create(id).into_statements());
            return statements;
        }
        let aside = ObjectId::new(id.kind, [id.path.part(0).to_owned(), name_aside(id.path.last())]);
        if let Some(rename) = before.rename(crate::name::Pair::new(id, &aside)) {
            statements.extend(rename.into_statements());
        }
        statements.extend(after.create(id).into_statements());
        for (column, data_type) in columns {
            let array = if data_type.ends_with("[]") { "[]" } else { "" };
            let column_name = column.sql();
            statements.push(Sql::new(format!(
                "ALTER TABLE {} ALTER COLUMN {column_name} TYPE {name}{array} USING {column_name}::text{array}::{name}{array}",
                column.relation_sql()
            )));
        }
        statements.extend(before.drop(&aside).into_statements());
        statements
    }

    /// The columns that store the type before and after, with their types.
    fn columns_of_type(&self, id: &ObjectId) -> Vec<(&ObjectId, &str)> {
        let name = sql::qualified(id.path.parts());
        let stores = |object: Option<&Object>| match object {
            Some(Object::Column(column)) => {
                column.base_type.trim_end_matches("[]") == name && !column.lineage.inherited
            }
            _ => false,
        };
        let after = &self.catalogs.after.objects;
        self.catalogs
            .before
            .objects
            .iter()
            .filter(|(column, object)| {
                column.kind == Kind::Column && stores(Some(object)) && stores(after.get(*column))
            })
            .filter_map(|(column, object)| match object {
                Object::Column(definition) => Some((column, definition.data_type.as_str())),
                _ => None,
            })
            .collect()
    }
}

/// Another name, no longer than PostgreSQL takes: it would cut off just what makes it another.
fn name_aside(name: &str) -> String {
    const LONGEST: usize = 63;
    const SUFFIX: &str = "__trueup_old";
    let end = (0..=name.len().min(LONGEST - SUFFIX.len())).rev().find(|at| name.is_char_boundary(*at));
    format!("{}{SUFFIX}", &name[..end.unwrap_or(0)])
}
