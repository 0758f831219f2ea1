//! Units in a row: as the edges demand, phase by phase, and so that what was dropped to come back is back soon.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{Direction, algo::toposort, graphmap::DiGraphMap};

use super::{Act, Node, Unit};
use crate::{
    diff::{Change, Changes},
    kind::Object,
    name::ObjectId,
    step::Phase,
};

type Graph = DiGraphMap<usize, ()>;

/// The units in order. The graph has no cycle.
pub(super) fn sequence(
    changes: &Changes,
    nodes: &[Node],
    homes: &[usize],
    graph: &Graph,
    phase: &dyn Fn(&Change, Act) -> Phase,
) -> Vec<Unit> {
    let mut units = units(changes, nodes, homes, phase);
    let returns = returns(changes, nodes, homes);
    settle_phases(&mut units, graph, &returns);
    let mut row =
        Row { graph, returns, missing: BTreeSet::new(), urgent: BTreeSet::new(), placed: BTreeSet::new() };
    let mut waits: BTreeMap<usize, usize> =
        units.keys().map(|at| (*at, graph.neighbors_directed(*at, Direction::Incoming).count())).collect();
    let ranks: BTreeMap<usize, Rank<'_>> =
        units.iter().map(|(at, unit)| (*at, row.rank(*at, unit))).collect();
    let free = waits.iter().filter(|(_, count)| **count == 0).map(|(at, _)| *at);
    let mut ready: BTreeSet<Rank<'_>> = free.filter_map(|at| ranks.get(&at).copied()).collect();
    let mut order = Vec::new();
    while let Some(rank) = row.next(&ready, &ranks) {
        let at = rank.at;
        ready.remove(&rank);
        row.place(at);
        for next in graph.neighbors(at) {
            if let Some(count) = waits.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    ready.extend(ranks.get(&next));
                }
            }
        }
        order.push(at);
    }
    let places: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, at)| (*at, place)).collect();
    let row = order.iter().filter_map(|at| {
        let earlier = graph.neighbors_directed(*at, Direction::Incoming);
        let after = earlier.filter_map(|from| places.get(&from).copied()).collect();
        Some(Unit { after, ..units.remove(at)? })
    });
    row.collect()
}

fn units(
    changes: &Changes,
    nodes: &[Node],
    homes: &[usize],
    phase: &dyn Fn(&Change, Act) -> Phase,
) -> BTreeMap<usize, Unit> {
    let mut units: BTreeMap<usize, Unit> = BTreeMap::new();
    for (at, (id, act)) in nodes.iter().enumerate() {
        let (root, root_act) = &nodes[homes[at]];
        let unit = units.entry(homes[at]).or_insert_with(|| Unit {
            act: *root_act,
            root: root.clone(),
            members: Vec::new(),
            phase: Phase::Expand,
            after: Vec::new(),
        });
        unit.members.push(id.clone());
        if homes[at] == at {
            unit.phase = changes.get(id).map_or(Phase::Expand, |change| phase(change, *act));
        }
    }
    units
}

/// For each unit that drops what comes back, the units that bring it back. A foreign key comes back under any name.
fn returns(changes: &Changes, nodes: &[Node], homes: &[usize]) -> BTreeMap<usize, BTreeSet<usize>> {
    let creates: BTreeMap<&ObjectId, usize> = nodes
        .iter()
        .enumerate()
        .filter(|(_, (_, act))| *act == Act::Create)
        .map(|(at, (id, _))| (id, homes[at]))
        .collect();
    let refers = |id: &ObjectId, side: fn(&Change) -> Option<&Object>| match side(changes.get(id)?)? {
        Object::Constraint(key) if key.references.is_some() => Some((id.relation(), key.definition.clone())),
        _ => None,
    };
    let references: BTreeMap<_, usize> = creates
        .iter()
        .filter_map(|(id, at)| Some((refers(id, |change| change.object.after.as_ref())?, *at)))
        .collect();
    let mut returns: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (at, (id, _)) in nodes.iter().enumerate().filter(|(_, (_, act))| *act == Act::Drop) {
        let reference = refers(id, |change| change.object.before.as_ref());
        let same = reference.and_then(|reference| references.get(&reference));
        let back: Vec<usize> = creates.get(id).into_iter().chain(same).copied().collect();
        if !back.is_empty() {
            returns.entry(homes[at]).or_default().extend(back);
        }
    }
    returns
}

/// What comes after a contract step is contract, too; and nothing is missing between the phases.
fn settle_phases(
    units: &mut BTreeMap<usize, Unit>,
    graph: &Graph,
    returns: &BTreeMap<usize, BTreeSet<usize>>,
) {
    let Ok(order) = toposort(graph, None) else { return };
    loop {
        let before: Vec<Phase> = units.values().map(|unit| unit.phase).collect();
        for at in &order {
            let earlier = graph.neighbors_directed(*at, Direction::Incoming);
            let latest = earlier.filter_map(|from| units.get(&from).map(|unit| unit.phase)).max();
            if let (Some(unit), Some(latest)) = (units.get_mut(at), latest) {
                unit.phase = unit.phase.max(latest);
            }
        }
        for (drop, creates) in returns {
            let together = creates.iter().chain([drop]);
            let latest = together.clone().filter_map(|at| units.get(at).map(|unit| unit.phase)).max();
            for at in together {
                if let (Some(unit), Some(latest)) = (units.get_mut(at), latest) {
                    unit.phase = latest;
                }
            }
        }
        if units.values().map(|unit| unit.phase).eq(before) {
            return;
        }
    }
}

/// The order of what may come next when nothing is missing: what makes something missing last; otherwise that of a
/// dump, with what frees the way before what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    phase: Phase,
    makes_missing: bool,
    act: Act,
    root: &'a ObjectId,
    at: usize,
}

/// The row so far.
struct Row<'a> {
    graph: &'a Graph,
    returns: BTreeMap<usize, BTreeSet<usize>>,
    /// Units that bring back what is missing now.
    missing: BTreeSet<usize>,
    /// Those, and all that must come before them.
    urgent: BTreeSet<usize>,
    placed: BTreeSet<usize>,
}

impl Row<'_> {
    fn rank<'u>(&self, at: usize, unit: &'u Unit) -> Rank<'u> {
        let makes_missing = self.returns.contains_key(&at);
        Rank { phase: unit.phase, makes_missing, act: unit.act, root: &unit.root, at }
    }

    /// Of what may come in this phase, what brings back the missing first; views when nothing else can come: who reads one
    /// locks it before what it is over, and so does the way back.
    fn next<'u>(&self, ready: &BTreeSet<Rank<'u>>, ranks: &BTreeMap<usize, Rank<'u>>) -> Option<Rank<'u>> {
        let first = *ready.first()?;
        let urgent = self.urgent.iter().filter_map(|at| ranks.get(at));
        let urgent = urgent.filter(|rank| rank.phase == first.phase && ready.contains(*rank));
        Some(
            urgent
                .copied()
                .min_by_key(|rank| (rank.act, rank.act != Act::Drop && rank.root.kind.is_view(), rank.root))
                .unwrap_or(first),
        )
    }

    fn place(&mut self, at: usize) {
        self.placed.insert(at);
        self.missing.remove(&at);
        if let Some(creates) = self.returns.get(&at) {
            self.missing.extend(creates.iter().copied());
        }
        self.urgent.clear();
        let mut next: Vec<usize> = self.missing.iter().copied().collect();
        while let Some(unit) = next.pop() {
            if self.urgent.insert(unit) {
                let earlier = self.graph.neighbors_directed(unit, Direction::Incoming);
                next.extend(earlier.filter(|from| !self.placed.contains(from)));
            }
        }
    }
}
