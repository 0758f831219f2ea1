//! Changes in, their order out.
//!
//! Every change is one or two *acts* (a replace is a drop and a create). What belongs into one statement is one
//! *unit*: a new table with its columns, defaults and constraints; a dropped table with all that goes with it. Edges
//! say which act comes before which. Units on a cycle are split where that can be done (a foreign key becomes a
//! statement of its own), then soft edges yield; a cycle that is left is an error that names its members.
//! petgraph stays in here. `edges` says which act comes before which, `sequence` puts the units in a row, `untangle` makes
//! other changes of those that cannot be.

mod edges;
mod neighbours;
mod overloads;
mod partitions;
mod sequence;
mod untangle;

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{
    algo::{tarjan_scc, toposort},
    graphmap::DiGraphMap,
};

use edges::Edges;
pub use edges::names;
pub use neighbours::Neighbours;
pub use untangle::untangle;

use crate::{
    catalog::Catalog,
    diff::{Change, Changes, How},
    kind::Object,
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
    /// The units that have to come before it, by their places in the row.
    pub after: Vec<usize>,
}

impl Unit {
    /// What a recipe does by itself, outside the row.
    pub fn apart(root: ObjectId, phase: Phase) -> Self {
        Self { act: Act::Alter, members: vec![root.clone()], root, phase, after: Vec::new() }
    }
}

/// Changes that need each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these changes need each other in a circle that cannot be split: {}", described(.members))]
pub struct Cycle {
    /// What is done to which.
    pub members: Vec<(ObjectId, Act)>,
}

type Node = (ObjectId, Act);

/// Orders changes. `phase` says when an act may run at the earliest, `wishes` what comes before what where that can be.
pub fn order(
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    phase: &dyn Fn(&Change, Act) -> Phase,
    wishes: &[(ObjectId, ObjectId)],
) -> Result<Vec<Unit>, Cycle> {
    let nodes: Vec<Node> = changes
        .values()
        .flat_map(|change| acts(change).iter().map(|act| (change.id.clone(), *act)))
        .collect();
    let index: BTreeMap<&Node, usize> = nodes.iter().enumerate().map(|(at, node)| (node, at)).collect();
    let edges = Edges::of(catalogs, changes, &nodes, &index, wishes);
    let mut wholes = wholes(changes, &nodes, &index, catalogs);
    let mut soft_yields = BTreeSet::new();
    let mut homes;
    loop {
        homes = roots(&wholes);
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
            // the mildest split first: a foreign key alone reads better than a default alone, and the partitions' keys
            // and checks belong into their tables, which are attached at once
            let far = |at: usize| {
                let object = changes.get(&nodes[at].0).and_then(|change| object_of(change, nodes[at].1));
                matches!(object, Some(Object::Constraint(constraint)) if constraint.references.is_some() || constraint.has_index() && constraint.lineage.partition)
            };
            for at in crossing.iter().copied().filter(|at| far(*at)) {
                split |= wholes[at] != at;
                wholes[at] = at;
            }
            if split {
                continue;
            }
            for kinds in [
                &[Kind::Constraint, Kind::DomainConstraint][..],
                &[Kind::Default, Kind::DomainDefault, Kind::SequenceOwner, Kind::Sequence],
                &[Kind::Index, Kind::Trigger, Kind::Rule, Kind::Policy, Kind::Statistics],
                &[Kind::Column],
            ] {
                // but a check comes with the domain that is exchanged, where it could not be added later
                let comes_with_domain = |at: usize| {
                    nodes[at].0.kind == Kind::DomainConstraint
                        && nodes[at].1 == Act::Create
                        && nodes[homes[at]].1 == Act::Alter
                };
                let splits: Vec<usize> = crossing
                    .iter()
                    .copied()
                    .filter(|at| kinds.contains(&nodes[*at].0.kind) && !comes_with_domain(*at))
                    .filter(|at| !partitions_by(changes, &nodes[*at]) && !goes_along(changes, &nodes[*at]))
                    .collect();
                for at in splits {
                    split |= wholes[at] != at;
                    wholes[at] = at;
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
                    let members = cycle.iter().map(|at| nodes[*at].clone()).collect();
                    return Err(Cycle { members });
                }
                soft_yields.extend(soft);
            }
        }
    }
    let graph = unit_graph(&edges, &homes, &soft_yields);
    Ok(sequence::sequence(changes, &nodes, &homes, &graph, phase))
}

/// Whether PostgreSQL drops it along with something else, and at no other time.
fn goes_along(changes: &Changes, (id, act): &Node) -> bool {
    *act == Act::Drop && changes.get(id).is_some_and(|change| matches!(change.how, How::Implied(..)))
}

/// Whether CREATE TABLE cannot be without the column: rows are told apart by it.
fn partitions_by(changes: &Changes, (id, act): &Node) -> bool {
    let table = id.relation().filter(|_| *act == Act::Create && id.kind == Kind::Column);
    let table = table.and_then(|table| changes.get(&table)?.object.after.as_ref());
    matches!(table, Some(Object::Table(table)) if table.partition_by.as_ref().is_some_and(|by| by.contains(id.path.last())))
}

/// `drop view public.a, create …`
fn described(members: &[Node]) -> String {
    let describe = |(id, act): &Node| match act {
        Act::Drop => format!("drop {id}"),
        Act::Alter => format!("alter {id}"),
        Act::Create => format!("create {id}"),
    };
    members.iter().map(describe).collect::<Vec<_>>().join(", ")
}

/// An order of steps that breaks what one of them waits for: a fault of who made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{later}` would come before `{earlier}`, which has to be done by then")]
pub struct OutOfOrder {
    /// What has to come first.
    pub earlier: String,
    /// What comes before it.
    pub later: String,
}

/// The acts that a change is made of.
pub fn acts(change: &Change) -> &'static [Act] {
    acts_of(&change.how)
}

fn acts_of(how: &How) -> &'static [Act] {
    match how {
        How::Create => &[Act::Create],
        How::Drop => &[Act::Drop],
        How::InPlace(_) | How::Rebuild => &[Act::Alter],
        How::Replace => &[Act::Drop, Act::Create],
        How::Implied(_, how) => acts_of(how),
    }
}

/// For each node the one that it is part of, and comes or goes with; itself if it is part of none.
fn wholes(
    changes: &Changes,
    nodes: &[Node],
    index: &BTreeMap<&Node, usize>,
    catalogs: Pair<&Catalog>,
) -> Vec<usize> {
    let mut wholes: Vec<usize> = (0..nodes.len()).collect();
    let find = |id: &ObjectId, act: Act| index.get(&(id.clone(), act)).copied();
    for (at, (id, act)) in nodes.iter().enumerate() {
        let Some(change) = changes.get(id) else { continue };
        if let How::Implied(by, _) = &change.how {
            if let Some(home) = find(by, *act) {
                wholes[at] = home;
            }
            continue;
        }
        // a domain that is exchanged has its checks from the start: columns may keep them from being added later
        let unproven =
            matches!(object_of(change, *act), Some(Object::DomainConstraint(check)) if !check.validated);
        if id.kind == Kind::DomainConstraint && !(*act == Act::Create && unproven) {
            let domain = object_of(change, *act).and_then(|object| object.part_of(id));
            let rebuilt =
                domain.filter(|domain| changes.get(domain).is_some_and(|domain| domain.how == How::Rebuild));
            if let Some(home) = rebuilt.and_then(|domain| find(&domain, Act::Alter)) {
                wholes[at] = home;
                continue;
            }
        }
        // a column that counts with one sequence and then with another takes both with it
        let side = if *act == Act::Drop { catalogs.before } else { catalogs.after };
        if let Some(column) = counted_with(side, id)
            .filter(|column| changes.get(column).and_then(Change::identity_flips).is_some())
        {
            wholes[at] = find(&column, Act::Alter).unwrap_or(at);
            continue;
        }
        let Some(object) = object_of(change, *act) else { continue };
        // within CREATE TABLE, NOT VALID would mean nothing: there are no rows
        let unproven = match object {
            Object::Constraint(constraint) => !constraint.validated,
            Object::DomainConstraint(constraint) => !constraint.validated,
            _ => false,
        };
        let whole = match (act, id.kind) {
            (Act::Create, Kind::Constraint | Kind::DomainConstraint) if unproven => None,
            (
                Act::Create,
                Kind::Column
                | Kind::Default
                | Kind::DomainDefault
                | Kind::Constraint
                | Kind::DomainConstraint
                | Kind::ToastOptions
                | Kind::IdentitySequence,
            )
            | (Act::Drop, _) => object.part_of(id).filter(|_| !held_by_foreign_key(catalogs.before, object)),
            _ => None,
        };
        // an index is no part of another any more when the partition is detached
        let detached = match (act, object) {
            (Act::Drop, Object::IndexAttachment(attachment)) => find(&attachment.partition(), Act::Drop),
            _ => None,
        };
        // the default of a column that comes with its parent's is said by itself
        let whole = whole.filter(|whole| {
            let by = changes.get(whole).map(|change| &change.how);
            !(*act == Act::Create && matches!(by, Some(How::Implied(by, _)) if by.kind == Kind::Column))
        });
        // only CREATE TABLE says anything of the TOAST table
        let whole = whole
            .filter(|whole| *act == Act::Drop || id.kind != Kind::ToastOptions || whole.kind == Kind::Table);
        if let Some(home) = detached.or_else(|| whole.and_then(|whole| find(&whole, *act))) {
            wholes[at] = home;
        }
        // a partition's index goes with the partitioned index that it is attached to, unless the partition is detached
        if let (Act::Drop, Some(attachment)) = (act, catalogs.before.attachment_of(id))
            && wholes[at] == at
            && !changes.contains_key(&attachment.partition())
            && let Some(home) = find(&attachment.parent_id(), Act::Drop)
        {
            wholes[at] = home;
        }
        // an owned sequence goes with its column
        if let (Act::Drop, Object::SequenceOwner(owner)) = (act, object) {
            let column = ObjectId::new(Kind::Column, owner.column.clone());
            let sequence = ObjectId { kind: Kind::Sequence, path: id.path.clone() };
            let only_owner = catalogs.before.objects.contains_key(&sequence);
            if let (Some(column), Some(sequence), true) =
                (find(&column, Act::Drop), find(&sequence, Act::Drop), only_owner)
            {
                wholes[sequence] = column;
                wholes[at] = column;
            }
        }
    }
    rebuilt_together(changes, index, catalogs, &mut wholes);
    wholes
}

/// For each node the one whose unit it is in: what it is part of, and that in turn. What is split off takes along what is
/// part of it.
fn roots(wholes: &[usize]) -> Vec<usize> {
    let root = |mut at: usize| {
        while wholes[at] != at {
            at = wholes[at];
        }
        at
    };
    (0..wholes.len()).map(root).collect()
}

/// What goes or comes.
fn object_of(change: &Change, act: Act) -> Option<&Object> {
    match act {
        Act::Drop => change.object.before.as_ref(),
        Act::Create => change.object.after.as_ref(),
        Act::Alter => None,
    }
}

/// The column that owns a sequence.
fn counted_with(catalog: &Catalog, id: &ObjectId) -> Option<ObjectId> {
    if !matches!(id.kind, Kind::Sequence | Kind::SequenceOwner) {
        return None;
    }
    match catalog.objects.get(&ObjectId { kind: Kind::SequenceOwner, path: id.path.clone() }) {
        Some(Object::SequenceOwner(owner)) => Some(ObjectId::new(Kind::Column, owner.column.clone())),
        _ => None,
    }
}

/// Types that are made of each other are exchanged together.
fn rebuilt_together(
    changes: &Changes,
    index: &BTreeMap<&Node, usize>,
    catalogs: Pair<&Catalog>,
    homes: &mut [usize],
) {
    let rebuilt = |id: &ObjectId| {
        let change = changes.get(id).filter(|change| change.how == How::Rebuild)?;
        index.get(&(change.id.clone(), Act::Alter)).copied()
    };
    let mut graph: DiGraphMap<usize, ()> = DiGraphMap::new();
    for need in catalogs.before.needs.iter().chain(&catalogs.after.needs) {
        if let (Some(from), Some(to)) = (rebuilt(&need.from), rebuilt(&need.to)) {
            graph.add_edge(from, to, ());
            graph.add_edge(to, from, ());
        }
    }
    for together in tarjan_scc(&graph) {
        let home = together.iter().copied().min().unwrap_or_default();
        for at in together {
            homes[at] = home;
        }
    }
}

/// Whether it is a partition that a foreign key refers to as part of the whole: that must be detached before it goes.
fn held_by_foreign_key(catalog: &Catalog, object: &Object) -> bool {
    let Object::Attachment(attachment) = object else { return false };
    let refers = |object: &Object| matches!(object, Object::Constraint(key) if key.references.as_ref() == Some(&attachment.parent));
    let up = ObjectId::new(Kind::Attachment, attachment.parent.clone());
    catalog.objects.values().any(refers)
        || catalog.objects.get(&up).is_some_and(|whole| held_by_foreign_key(catalog, whole))
}

/// These objects, each after those of them that it needs.
pub fn by_need<'t>(catalog: &Catalog, ids: &[&'t ObjectId]) -> Vec<&'t ObjectId> {
    let mut graph: DiGraphMap<&'t ObjectId, ()> = DiGraphMap::new();
    for id in ids {
        graph.add_node(id);
    }
    let all: BTreeSet<&'t ObjectId> = ids.iter().copied().collect();
    let known = |id: &ObjectId| all.get(id).copied();
    for need in &catalog.needs {
        if let (Some(from), Some(to)) = (known(&need.from), known(&need.to)) {
            graph.add_edge(to, from, ());
        }
    }
    toposort(&graph, None).unwrap_or_else(|_| ids.to_vec())
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
