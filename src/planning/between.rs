//! Plans that are between their phases: what they will still change is no difference, and nobody else's to change.

use std::collections::BTreeSet;

use super::{PlanningError, annotated::column_of};
use crate::{
    annotation::Annotation,
    catalog::Catalog,
    journal::{OpenPlan, Position},
    name::ObjectId,
    plan::{
        Plan,
        staleness::{self, How, Point},
    },
    step::Phase,
};

/// A plan and the phase that it has reached.
pub(super) type Between<'a> = (&'a Plan, Phase);

/// The plans that wait for their last phase. One that stopped part-way leaves nothing that could be planned for.
pub(super) fn phases(open: &[OpenPlan]) -> Result<Vec<Between<'_>>, PlanningError> {
    let each = open.iter().map(|OpenPlan { plan, position, .. }| match position {
        Position::After(phase) => Ok((plan, *phase)),
        _ => Err(PlanningError::PartWay(plan.name.clone())),
    });
    each.collect()
}

/// Refuses where what the plans have made is not there any more, or is something else: what is planned for it would be wrong.
pub(super) fn refuse_broken(plans: &[Between<'_>], live: &Catalog) -> Result<(), PlanningError> {
    let mut wrong = Vec::new();
    for (plan, reached) in plans {
        let made = |object: &ObjectId| {
            let of_it = plan.footprint.iter().find(|entry| entry.object == *object);
            of_it.is_some_and(|entry| entry.after.range(..=*reached).next().is_some())
        };
        let found = staleness::compare(plan, live, Point::After(*reached)).into_iter();
        let found = found.filter(|one| matches!(one.how, How::Missing | How::Changed) && made(&one.object));
        wrong
            .extend(found.map(|one| format!("{} {}, which {} made", one.object, one.how.label(), plan.name)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(PlanningError::Broken(wrong)) }
}

/// Makes what the plans will still change in what is wanted into what it is: they bring it there. `stable` is what is
/// wanted with its texts as PostgreSQL prints them the second time.
pub(super) fn settle(
    plans: &[Between<'_>],
    live: &Catalog,
    wanted: &mut Catalog,
    stable: &Catalog,
) -> Result<(), PlanningError> {
    let mut settled: BTreeSet<ObjectId> = BTreeSet::new();
    let mut wrong = Vec::new();
    for (plan, reached) in plans {
        let last = plan.phases().last().copied();
        let still = |entry: &&crate::plan::FootprintEntry| entry.after.keys().any(|phase| phase > reached);
        for entry in plan.footprint.iter().filter(still) {
            let end = entry.expected(last);
            let meant = [&*wanted, stable].into_iter().any(|wanted| entry.actual(wanted).as_ref() == end);
            if meant {
                settled.insert(entry.object.clone());
            } else {
                wrong.push(format!("{} is still to be changed by {}", entry.object, plan.name));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(PlanningError::Overlaps(wrong));
    }
    for id in &settled {
        match live.objects.get(id) {
            Some(object) => wanted.objects.insert(id.clone(), object.clone()),
            None => wanted.objects.remove(id),
        };
    }
    let Catalog { objects: there, needs, .. } = wanted;
    needs.retain(|need| !settled.contains(&need.from) && there.contains_key(&need.to));
    let theirs =
        live.needs.iter().filter(|need| settled.contains(&need.from) && there.contains_key(&need.to));
    needs.extend(theirs.cloned());
    Ok(())
}

/// The annotations but for those that the plans act on already.
pub(super) fn left(annotations: &[Annotation], plans: &[Between<'_>]) -> Vec<Annotation> {
    let columns: BTreeSet<ObjectId> =
        plans.iter().flat_map(|(plan, _)| &plan.old_names).map(|name| name.column.clone()).collect();
    let acted_on =
        |annotation: &&Annotation| column_of(annotation).is_some_and(|column| columns.contains(&column));
    annotations.iter().filter(|annotation| !acted_on(annotation)).cloned().collect()
}

/// Refuses what would make the remaining phases of the plans stale.
pub(super) fn refuse_overlaps(
    plans: &[Between<'_>],
    base: &Catalog,
    expected: &Catalog,
) -> Result<(), PlanningError> {
    let mut wrong = Vec::new();
    for (plan, reached) in plans {
        let differ = |catalog: &Catalog| -> BTreeSet<ObjectId> {
            let found = staleness::compare(plan, catalog, Point::After(*reached)).into_iter();
            found.map(|difference| difference.object).collect()
        };
        let before = differ(base);
        let new = differ(expected).into_iter().filter(|object| !before.contains(object));
        wrong.extend(new.map(|object| format!("{object} belongs to what {} still changes", plan.name)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(PlanningError::Overlaps(wrong)) }
}
