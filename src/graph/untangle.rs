//! Changes that need each other in a circle as they are, but not if one that PostgreSQL would make in place is made by
//! dropping and creating: a policy that is to read a new column before the old one goes, whose type needs the old one
//! gone before it becomes the new one's.

use std::collections::BTreeMap;

use super::{Act, order};
use crate::{
    catalog::Catalog,
    diff::{self, Changes, How},
    name::{Kind, ObjectId, Pair},
    step::Phase,
};

/// What nothing is lost of when it is made anew, nor takes long.
const REPLACEABLE: &[Kind] = &[
    Kind::Policy,
    Kind::Rule,
    Kind::Trigger,
    Kind::View,
    Kind::Function,
    Kind::Default,
    Kind::DomainDefault,
];

/// The same changes, or others that can be put in order. What stays in a circle is for `order` to say.
pub fn untangle(catalogs: Pair<&Catalog>, changes: Changes, forced: &BTreeMap<ObjectId, How>) -> Changes {
    let (mut changes, mut forced) = (changes, forced.clone());
    while let Err(cycle) = order(catalogs, &changes, &|_, _| Phase::Expand, &[]) {
        let mut altered = cycle.members.iter().filter(|(id, act)| {
            *act == Act::Alter && REPLACEABLE.contains(&id.kind) && !forced.contains_key(id)
        });
        let Some((next, _)) = altered.next() else { break };
        forced.insert(next.clone(), How::Replace);
        match diff::diff_forcing(catalogs, &forced) {
            Ok(others) => changes = others,
            Err(_) => break,
        }
    }
    changes
}
