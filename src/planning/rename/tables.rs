//! Tables that are to be renamed while code uses both names: which can be, and what is renamed along with them.

use std::collections::BTreeMap;

use super::{
    super::PlanningError,
    meet,
    online::{Online, table_of},
    slots,
};
use crate::{
    catalog::Catalog,
    kind::Object,
    lower::TableRenaming,
    name::{Kind, ObjectId, Pair},
    step::{Phase, Step},
};

/// What the recipe has to know. `catalogs` are live's clone and what it is after the renames. Of `renames` and `along`
/// the ones are taken that are in these tables: they come in contract, when the table has its name.
pub(in crate::planning) fn renamings(
    online: &[Online<'_>],
    catalogs: Pair<&Catalog>,
    major: u16,
    renames: &mut Vec<Step>,
    along: &mut Vec<Step>,
) -> Result<BTreeMap<ObjectId, TableRenaming>, PlanningError> {
    let mut renamings = BTreeMap::new();
    let mut refused = Vec::new();
    for one in online.iter().filter(|one| one.new.kind == Kind::Table) {
        if let Some(why) = obstacle(one, catalogs, major) {
            refused.push(format!("{}: {}: {why}", one.annotation.at, one.new));
            continue;
        }
        let within = |step: &mut Step| -> bool {
            step.object != one.new && table_of(&step.object, catalogs.after).as_ref() == Some(&one.new)
        };
        let taken = renames.extract_if(.., &within).chain(along.extract_if(.., &within));
        let along = taken.map(|step| Step { phase: Phase::Contract, ..step }).collect();
        renamings.insert(one.new.clone(), TableRenaming { from: one.from.clone(), along });
    }
    if refused.is_empty() { Ok(renamings) } else { Err(PlanningError::NotOnline(refused)) }
}

/// Why a view cannot have the new name until the table gets it.
fn obstacle(one: &Online<'_>, catalogs: Pair<&Catalog>, major: u16) -> Option<String> {
    let old = ObjectId::new(Kind::Table, [one.new.path.part(0), &one.from]);
    let Some(Object::Table(table)) = catalogs.before.objects.get(&old) else {
        return Some("its schema is renamed by the same plan; rename that in a plan of its own".to_owned());
    };
    let names = catalogs.after.objects.get(&one.new).map(|table| slots(&one.new, table)).unwrap_or_default();
    let mut others = catalogs.before.objects.iter().filter(|(id, _)| id.kind != Kind::Column);
    if let Some((id, _)) = others.find(|(id, object)| meet(&slots(id, object), &names)) {
        return Some(format!("{id} has the new name until then; rename or drop it in a plan before"));
    }
    if major < 15 && table.row_security {
        return Some(
            "a view before PostgreSQL 15 shows the rows that its owner may see, and row security is on"
                .to_owned(),
        );
    }
    None
}
