//! Columns that get another type where they stand: the one ALTER TABLE of each, so that those of a table can be one.

use super::{Lowering, draft::Draft};
use crate::{
    graph::{Act, Unit},
    kind::{Alter, Column, Ddl, Definition, Object, TableDdl},
    name::Pair,
    sql::Sql,
};

impl Lowering<'_> {
    /// The ALTER TABLE that gives a column another type, if that is all that the draft does, applied and rolled back.
    pub(super) fn one_alter_table(&self, unit: &Unit, draft: &Draft) -> Option<Pair<TableDdl>> {
        let change =
            self.changes.get(&unit.root).filter(|_| unit.act == Act::Alter && !self.context.alone)?;
        let (Some(Object::Column(old)), Some(Object::Column(new))) =
            (&change.object.before, &change.object.after)
        else {
            return None;
        };
        let ddl = |pair: Pair<&Column>, sql: &[Sql]| {
            let Alter::InPlace(ddl, _) = Column::alter(pair, &unit.root) else { return None };
            match self.with_using(&unit.root, &pair.after.data_type, ddl) {
                Ddl::Table(table) if sql == table.clone().into_statement().as_slice() => Some(table),
                _ => None,
            }
        };
        if old.data_type == new.data_type {
            return None;
        }
        let there = ddl(Pair::new(old, new), &draft.run.sql)?;
        Some(Pair::new(there, ddl(Pair::new(new, old), &draft.undo()?.sql)?))
    }
}
