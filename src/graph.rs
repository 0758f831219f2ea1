//! Changes in, their order out.
//!
//! Every change is one or two *acts* (a replace is a drop and a create). What belongs into one statement is one
//! *unit*: a new table with its columns, defaults and constraints; a dropped table with all that goes with it. Edges
//! say which act comes before which. Units on a cycle are split where that can be done (a foreign key becomes a
//! statement of its own), then soft edges yield; a cycle that is left is an error that names its members.
//! petgraph stays in here.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

use crate::{
    catalog::{Catalog, Strength},
    diff::{Change, Changes, How},
    kind::{Object, Privileges},
    name::{Kind, ObjectId, Pair},
    step::Phase,
};

/// What is done to an object at one point of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// It goes, for good or to come back.
    Drop,
    /// It changes as it stands.
    Alter,
    /// It comes, for the first time or back.
    Create,
}

/// Acts that are one statement, or one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// What is done.
    pub act: Act,
    /// The object that the others are part of.
    pub root: ObjectId,
    /// All objects of the unit, the root too, in the order of a dump.
    pub members: Vec<ObjectId>,
    /// When it may run.
    pub phase: Phase,
}

/// Changes that need each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these changes need each other in a circle that cannot be split: {}", .members.join(", "))]
pub struct Cycle {
    /// `drop view public.a`, …
    pub members: Vec<String>,
}

type Node = (ObjectId, Act);

/// Orders changes. `phase` says when an act may run at the earliest.
pub fn order(
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    phase: &dyn Fn(&Change, Act) -> Phase,
) -> Result<Vec<Unit>, Cycle> {
    let nodes: Vec<Node> = changes
        .values()
        .flat_map(|change| acts(change).iter().map(|act| (change.id.clone(), *act)))
        .collect();
    let index: BTreeMap<&Node, usize> = nodes.iter().enumerate().map(|(at, node)| (node, at)).collect();
    let edges = Edges::of(catalogs, changes, &nodes, &index);
    let mut homes = homes(changes, &nodes, &index, catalogs);
    let mut soft_yields = BTreeSet::new();
    loop {
        let cycles = cycles(&edges, &homes, &soft_yields);
        if cycles.is_empty() {
            break;
        }
        for cycle in cycles {
            let inside: Vec<(usize, usize, bool)> = edges
                .all()
                .filter(|(from, to, _)| homes[*from] != homes[*to])
                .filter(|(from, to, _)| cycle.contains(&homes[*from]) && cycle.contains(&homes[*to]))
                .collect();
            let crossing: BTreeSet<usize> = inside.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
            let mut split = false;
            // the mildest split first: a foreign key alone reads better than a default alone
            for kinds in [&[Kind::Constraint][..], &[Kind::Default, Kind::SequenceOwner, Kind::Sequence]] {
                for at in crossing.iter().copied().filter(|at| kinds.contains(&nodes[*at].0.kind)) {
                    split |= homes[at] != at;
                    homes[at] = at;
                }
                if split {
                    break;
                }
            }
            if !split {
                let soft: Vec<(usize, usize)> = inside
                    .iter()
                    .filter(|(from, to, soft)| *soft && !soft_yields.contains(&(*from, *to)))
                    .map(|(from, to, _)| (*from, *to))
                    .collect();
                if soft.is_empty() {
                    let members = cycle.iter().map(|at| describe(&nodes[*at])).collect();
                    return Err(Cycle { members });
                }
                soft_yields.extend(soft);
            }
        }
    }
    Ok(sorted(changes, &nodes, &edges, &homes, &soft_yields, phase))
}

fn describe((id, act): &Node) -> String {
    let verb = match act {
        Act::Drop => "drop",
        Act::Alter => "alter",
        Act::Create => "create",
    };
    format!("{verb} {id}")
}

/// The acts that a change is made of.
pub fn acts(change: &Change) -> &'static [Act] {
    match change.how {
        How::Create => &[Act::Create],
        How::Drop => &[Act::Drop],
        How::InPlace(_) | How::Rebuild => &[Act::Alter],
        How::Replace => &[Act::Drop, Act::Create],
        How::Implied(_) => match (&change.object.before, &change.object.after) {
            (None, _) => &[Act::Create],
            (_, None) => &[Act::Drop],
            _ => &[Act::Alter],
        },
    }
}

/// Which act comes before which, by position in the list of nodes; true for soft ones.
struct Edges(BTreeMap<(usize, usize), bool>);

impl Edges {
    fn all(&self) -> impl Iterator<Item = (usize, usize, bool)> + '_ {
        self.0.iter().map(|((from, to), soft)| (*from, *to, *soft))
    }

    fn of(
        catalogs: Pair<&Catalog>,
        changes: &Changes,
        nodes: &[Node],
        index: &BTreeMap<&Node, usize>,
    ) -> Self {
        let mut edges = Self(BTreeMap::new());
        let find =
            |id: &ObjectId, act: Act| changes.get(id).and_then(|_| index.get(&(id.clone(), act)).copied());
        let mut before = |first: Option<usize>, second: Option<usize>, soft: bool| {
            let (Some(first), Some(second)) = (first, second) else { return };
            if first != second {
                edges.0.entry((first, second)).and_modify(|known| *known &= soft).or_insert(soft);
            }
        };
        let needed: BTreeSet<(&ObjectId, &ObjectId)> =
            catalogs.after.needs.iter().map(|n| (&n.from, &n.to)).collect();
        for need in &catalogs.before.needs {
            if !changes.contains_key(&need.from) || !changes.contains_key(&need.to) {
                continue;
            }
            let soft = need.strength == Strength::Soft;
            let (user, used) = (&need.from, &need.to);
            before(find(user, Act::Drop), find(used, Act::Drop), soft);
            before(find(user, Act::Drop), find(used, Act::Alter), soft);
            before(find(user, Act::Alter), find(used, Act::Drop), soft);
            if !needed.contains(&(user, used)) {
                before(find(user, Act::Alter), find(used, Act::Alter), soft);
            }
        }
        for need in &catalogs.after.needs {
            if !changes.contains_key(&need.from) || !changes.contains_key(&need.to) {
                continue;
            }
            let soft = need.strength == Strength::Soft;
            let (user, used) = (&need.from, &need.to);
            for first in [Act::Create, Act::Alter] {
                for second in [Act::Create, Act::Alter] {
                    before(find(used, first), find(user, second), soft);
                }
            }
        }
        for (id, _) in nodes.iter().filter(|(_, act)| *act == Act::Drop) {
            before(find(id, Act::Drop), find(id, Act::Create), false);
        }
        free_names(changes, &find, &mut before);
        // a foreign key that comes back takes whichever key fits: the one that goes must be gone by then
        for need in &catalogs.before.needs {
            let foreign_key = matches!(changes.get(&need.from), Some(Change { how: How::Replace, .. }) if need.from.kind == Kind::Constraint);
            if foreign_key && matches!(changes.get(&need.to), Some(Change { how: How::Drop, .. })) {
                before(find(&need.to, Act::Drop), find(&need.from, Act::Create), false);
            }
        }
        for change in changes.values() {
            special(change, changes, &find, &mut before);
        }
        edges
    }
}

type Find<'a> = dyn Fn(&ObjectId, Act) -> Option<usize> + 'a;
type Before<'a> = dyn FnMut(Option<usize>, Option<usize>, bool) + 'a;

/// A name is freed before it is used again.
fn free_names(changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let mut freed: BTreeMap<(&str, String), Vec<&ObjectId>> = BTreeMap::new();
    for change in changes.values() {
        if let (Some(object), Some(_)) = (&change.object.before, find(&change.id, Act::Drop)) {
            for name in names(&change.id, object) {
                freed.entry(name).or_default().push(&change.id);
            }
        }
    }
    for change in changes.values() {
        if let (Some(object), Some(create)) = (&change.object.after, find(&change.id, Act::Create)) {
            for name in names(&change.id, object) {
                for other in freed.get(&name).into_iter().flatten().filter(|other| ***other != change.id) {
                    before(find(other, Act::Drop), Some(create), false);
                }
            }
        }
    }
}

/// The names that an object takes, with the namespace that each is unique in.
fn names(id: &ObjectId, object: &Object) -> Vec<(&'static str, String)> {
    let full = id.path.parts().join("\0");
    match object {
        Object::Table(_) | Object::View(_) | Object::MaterializedView(_) | Object::Composite(_) => {
            vec![("relation", full.clone()), ("type", full)]
        }
        Object::Sequence(_) | Object::Index(_) => vec![("relation", full)],
        Object::Enum(_) | Object::Domain(_) => vec![("type", full)],
        Object::Range(range) => {
            vec![("type", full), ("type", format!("{}\0{}", id.path.part(0), range.multirange))]
        }
        Object::Function(_) | Object::Aggregate(_) => vec![("routine", full)],
        Object::Constraint(constraint) if constraint.has_index() => {
            vec![("relation", format!("{}\0{}", id.path.part(0), id.path.last()))]
        }
        Object::Column(column) => {
            column.identity.iter().map(|identity| ("relation", identity.sequence.join("\0"))).collect()
        }
        _ => Vec::new(),
    }
}

/// Orders that no dependency records.
fn special(change: &Change, changes: &Changes, find: &Find<'_>, before: &mut Before<'_>) {
    let create = find(&change.id, Act::Create);
    match change.id.kind {
        // a partition is complete, its keys and indexes too, before it is attached
        Kind::Attachment => {
            for other in changes.values() {
                let of_partition = |id: &ObjectId| id.path.parts().starts_with(change.id.path.parts());
                let index = match other.object.after.as_ref() {
                    Some(Object::Index(index)) => index.table == change.id.path.parts(),
                    _ => matches!(other.id.kind, Kind::Column | Kind::Constraint) && of_partition(&other.id),
                };
                if index && !is_inherited(other) {
                    before(find(&other.id, Act::Create), create, false);
                    before(find(&other.id, Act::Alter), create, false);
                }
            }
        }
        // a table's REVOKE takes along what its columns were granted
        Kind::Privileges => {
            let Some(target) = change.id.target().filter(|target| target.kind == Kind::Column) else {
                return;
            };
            let Some(table) = target.relation() else { return };
            let table = ObjectId::about(Kind::Privileges, &table);
            let side = |object: &Option<Object>| match object {
                Some(Object::Privileges(privileges)) => Some(privileges.clone()),
                _ => None,
            };
            let (old, new) = (side(&change.object.before), side(&change.object.after));
            let grants = Privileges::grants_more(old.as_ref(), new.as_ref());
            for act in [Act::Drop, Act::Alter, Act::Create] {
                for own in [Act::Drop, Act::Alter, Act::Create] {
                    let (own, table) = (find(&change.id, own), find(&table, act));
                    if grants { before(table, own, false) } else { before(own, table, false) }
                }
            }
        }
        // default privileges change when everything is created, so that it is created under those of live
        Kind::DefaultPrivileges => {
            for other in changes
                .values()
                .filter(|other| !matches!(other.id.kind, Kind::DefaultPrivileges | Kind::EventTrigger))
            {
                for own in [Act::Drop, Act::Alter, Act::Create] {
                    before(find(&other.id, Act::Create), find(&change.id, own), false);
                }
            }
        }
        // event triggers fire on DDL: they come last and go first
        Kind::EventTrigger => {
            for other in changes.values().filter(|other| other.id.kind != Kind::EventTrigger) {
                for act in [Act::Drop, Act::Alter, Act::Create] {
                    before(find(&other.id, act), create, true);
                    before(find(&change.id, Act::Drop), find(&other.id, act), true);
                }
            }
        }
        _ => {}
    }
}

fn is_inherited(change: &Change) -> bool {
    matches!(change.how, How::Implied(_))
}

/// For each node the one whose unit it is in: itself, unless it is part of what comes or goes with it.
fn homes(
    changes: &Changes,
    nodes: &[Node],
    index: &BTreeMap<&Node, usize>,
    catalogs: Pair<&Catalog>,
) -> Vec<usize> {
    let mut homes: Vec<usize> = (0..nodes.len()).collect();
    let find = |id: &ObjectId, act: Act| index.get(&(id.clone(), act)).copied();
    for (at, (id, act)) in nodes.iter().enumerate() {
        let Some(change) = changes.get(id) else { continue };
        if let How::Implied(by) = &change.how {
            if let Some(home) = find(by, *act) {
                homes[at] = home;
            }
            continue;
        }
        let object = match act {
            Act::Drop => change.object.before.as_ref(),
            Act::Create => change.object.after.as_ref(),
            Act::Alter => None,
        };
        let Some(object) = object else { continue };
        // within CREATE TABLE, NOT VALID would mean nothing: there are no rows
        let unproven = matches!(object, Object::Constraint(constraint) if !constraint.validated);
        let whole = match (act, id.kind) {
            (Act::Create, Kind::Constraint) if unproven => None,
            (Act::Create, Kind::Column | Kind::Default | Kind::Constraint) | (Act::Drop, _) => {
                object.part_of(id)
            }
            _ => None,
        };
        if let Some(home) = whole.and_then(|whole| find(&whole, *act)) {
            homes[at] = home;
        }
        // an owned sequence goes with its column
        if let (Act::Drop, Object::SequenceOwner(owner)) = (act, object) {
            let column = ObjectId::new(Kind::Column, owner.column.clone());
            let sequence = ObjectId { kind: Kind::Sequence, path: id.path.clone() };
            let only_owner = catalogs.before.objects.contains_key(&sequence);
            if let (Some(column), Some(sequence), true) =
                (find(&column, Act::Drop), find(&sequence, Act::Drop), only_owner)
            {
                homes[sequence] = column;
                homes[at] = column;
            }
        }
    }
    for at in 0..homes.len() {
        let mut root = at;
        while homes[root] != root {
            root = homes[root];
        }
        homes[at] = root;
    }
    homes
}

fn unit_graph(
    edges: &Edges,
    homes: &[usize],
    soft_yields: &BTreeSet<(usize, usize)>,
) -> DiGraphMap<usize, ()> {
    let mut graph = DiGraphMap::new();
    for home in homes {
        graph.add_node(*home);
    }
    for (from, to, _) in edges.all().filter(|(from, to, _)| !soft_yields.contains(&(*from, *to))) {
        if homes[from] != homes[to] {
            graph.add_edge(homes[from], homes[to], ());
        }
    }
    graph
}

/// The units that stand on cycles, cycle by cycle.
fn cycles(edges: &Edges, homes: &[usize], soft_yields: &BTreeSet<(usize, usize)>) -> Vec<BTreeSet<usize>> {
    tarjan_scc(&unit_graph(edges, homes, soft_yields))
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| component.into_iter().collect())
        .collect()
}

/// The units in order: what is ready first by phase, then as related statements stay together.
fn sorted(
    changes: &Changes,
    nodes: &[Node],
    edges: &Edges,
    homes: &[usize],
    soft_yields: &BTreeSet<(usize, usize)>,
    phase: &dyn Fn(&Change, Act) -> Phase,
) -> Vec<Unit> {
    let graph = unit_graph(edges, homes, soft_yields);
    let mut units: BTreeMap<usize, Unit> = BTreeMap::new();
    for (at, (id, act)) in nodes.iter().enumerate() {
        let (root, root_act) = &nodes[homes[at]];
        let unit = units.entry(homes[at]).or_insert_with(|| Unit {
            act: *root_act,
            root: root.clone(),
            members: Vec::new(),
            phase: Phase::Expand,
        });
        unit.members.push(id.clone());
        if homes[at] == at {
            unit.phase = changes.get(id).map_or(Phase::Expand, |change| phase(change, *act));
        }
    }
    let mut waits: BTreeMap<usize, usize> = units
        .keys()
        .map(|at| (*at, graph.neighbors_directed(*at, petgraph::Direction::Incoming).count()))
        .collect();
    let key = |at: usize, units: &BTreeMap<usize, Unit>| {
        units.get(&at).map(|unit| (unit.phase, rank(unit), unit.root.clone(), at))
    };
    let mut ready: BTreeSet<_> =
        waits.iter().filter(|(_, count)| **count == 0).filter_map(|(at, _)| key(*at, &units)).collect();
    let mut order = Vec::new();
    while let Some((phase, _, _, at)) = ready.pop_first() {
        for next in graph.neighbors(at) {
            if let Some(unit) = units.get_mut(&next) {
                unit.phase = unit.phase.max(phase);
            }
            if let Some(count) = waits.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    ready.extend(key(next, &units));
                }
            }
        }
        order.push(at);
    }
    order.into_iter().filter_map(|at| units.remove(&at)).collect()
}

/// What goes frees the way for what comes; otherwise the order of a dump.
fn rank(unit: &Unit) -> (Act, Kind) {
    (unit.act, unit.root.kind)
}
