//! Indexes and keys that are built CONCURRENTLY beside the ones that are there, and take their places in one transaction:
//! over a column that another one takes the place of, and in the partitions of a table whose index or key is replaced.

use super::{
    Lowering,
    index::{build, rename, replacement},
    key::Built,
    with_relation,
};
use crate::{
    graph::Unit,
    kind::Object,
    name::{ObjectId, Pair},
    sql::Sql,
    step::{Action, Verb},
};

/// An index or a key that is built beside the one that is there.
pub(super) struct Prebuilt {
    /// What its index is called until it has its place.
    pub id: ObjectId,
    pub build: Action,
    pub discard: Action,
    /// What makes the one that is wanted out of it.
    pub adopt: Vec<Sql>,
}

impl Prebuilt {
    /// None for what PostgreSQL builds in no other way than plainly.
    pub fn of(id: &ObjectId, object: &Object, what: &str) -> Option<Self> {
        let beside = replacement(id, what);
        let discard = Action::drop_index_if_exists(beside.clone());
        let (build, adopt) = match object {
            Object::Index(index) if !index.partitioned => {
                let adopt = std::iter::once(rename(&beside, id)).chain(index.settings(id)).collect();
                (build(&beside, index), adopt)
            }
            Object::Constraint(key) if key.has_index() => {
                let built = Built::of(id, key, beside.path.last())?;
                let adopt =
                    built.adopt.into_iter().flat_map(|clause| super::alter_table(id, vec![clause])).collect();
                (built.build, adopt)
            }
            _ => return None,
        };
        Some(Self { id: beside, build, discard, adopt })
    }
}

impl Lowering<'_> {
    /// An index or key goes whose successor is built already, as it is itself on the way back.
    pub(super) fn drop_prebuilt(&mut self, unit: &Unit) -> bool {
        let id = &unit.root;
        let Some(Pair { before, .. }) = self.prebuilt.get(id) else { return false };
        let (Some(back), run) = (Prebuilt::of(id, before, "old"), before.drop(id).into_statements()) else {
            return false;
        };
        let summary = format!("drop {}", with_relation(id));
        self.push(unit, Verb::Replace, summary, Action::catalog(run), Action::catalog(back.adopt));
        true
    }

    /// Its successor takes its place.
    pub(super) fn adopt_prebuilt(&mut self, unit: &Unit) -> bool {
        let id = &unit.root;
        let Some(Pair { after, .. }) = self.prebuilt.get(id) else { return false };
        let (Some(next), undo) = (Prebuilt::of(id, after, "new"), self.drop_again(id, after)) else {
            return false;
        };
        let summary = format!("make {} of what was built", with_relation(id));
        self.push(unit, Verb::Replace, summary, Action::catalog(next.adopt), Action::catalog(undo));
        true
    }
}
