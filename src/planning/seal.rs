//! The last stage: steps, facts and hazards become a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::{Inputs, Remarks, live_names::LiveNames, secret};
use crate::{
    catalog::{Catalog, scope::Scope},
    diff::{Changes, How},
    facts::{Facts, Size},
    hazard::{self, Case, Hazard, held_locks, weighs_with_size},
    kind::Object,
    name::{Kind, ObjectId, Pair},
    plan::{
        self, Assumption, Checkpoints, FORMAT, FootprintEntry, Loose, MadeFor, Plan, PlannedStep,
        PlannedUndo, Rehearsal, StandIn, Summary, footprint_closure,
    },
    rehearse::Rehearsed,
    step::{DataCheck, LossCount, Observed, OldName, Phase, Step, Timeouts, Verb},
};

/// All that a plan is sealed from.
pub(super) struct Sealing<'a> {
    pub inputs: &'a Inputs<'a>,
    pub role: &'a str,
    pub scope: &'a Scope,
    /// Live as it reads itself.
    pub live: &'a Catalog,
    /// Live's clone, and what the plan makes of it.
    pub catalogs: Pair<&'a Catalog>,
    pub changes: &'a Changes,
    /// What changes at the end of expand, for the time until contract.
    pub forms: &'a Changes,
    pub facts: &'a Facts,
    pub live_names: &'a LiveNames,
    pub rehearsed: &'a Rehearsed,
    /// Columns that come with another value for every row, in tables that have none.
    pub of_empty: &'a BTreeSet<ObjectId>,
    /// What values of columns are computed from elsewhere, by column.
    pub read: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    pub made_for: Option<MadeFor>,
    pub old_names: Vec<OldName>,
    pub data_checks: Vec<DataCheck>,
    pub loss_counts: Vec<LossCount>,
    pub remarks: Remarks,
}

impl Sealing<'_> {
    pub fn seal(self, steps: Vec<Step>) -> Plan {
        let footprint = self.footprint(&steps);
        let phases: BTreeSet<Phase> = steps.iter().map(|step| step.phase).collect();
        let phases: Vec<Phase> = phases.into_iter().collect();
        let checkpoints = Checkpoints::of(&footprint, &phases);
        let made = footprint.iter().filter(|entry| !entry.after.is_empty()).map(|entry| &entry.object);
        let roles = self.catalogs.after.roles_of(made);
        let summary = self.summary(&steps);
        let planned = self.planned(&steps);
        let assumptions = self.assumptions(&planned);
        Plan {
            format: FORMAT,
            name: self.inputs.name.clone(),
            created: self.inputs.created,
            author: self.inputs.author.clone(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            server_version: self.inputs.live.server_version_num(),
            target: self.inputs.from.map_or_else(
                || self.inputs.live.place().to_owned(),
                |sql| format!("no database, but the SQL of {sql}"),
            ),
            role: self.role.to_owned(),
            schemas: self.scope.schemas.iter().cloned().collect(),
            owners: self.inputs.owners,
            roles,
            checkpoints,
            summary,
            made_for: self.made_for,
            from: self.inputs.from.map(|sql| StandIn::of(sql, self.live, self.scope, self.inputs.owners)),
            rehearsal: Rehearsal {
                proven: [
                    "live rebuilt on scratch and equal",
                    "up",
                    "equal to desired",
                    "down",
                    "equal to live",
                    "up again",
                    "equal to desired again",
                ]
                .map(str::to_owned)
                .to_vec(),
                not_rehearsed: Vec::new(),
            },
            unmanaged: self.remarks.unmanaged.clone(),
            notes: self.remarks.notes.iter().cloned().chain(secret::needed(&steps)).collect(),
            data_checks: self.data_checks,
            loss_counts: self.loss_counts,
            old_names: self.old_names,
            assumptions,
            transient: self.rehearsed.transient.clone(),
            steps: planned,
            footprint,
        }
    }

    fn planned(&self, steps: &[Step]) -> Vec<PlannedStep> {
        let judged = judged(steps, self.rehearsed, self.catalogs, self.facts, &|step| self.sides(step));
        let patience = Pair::new(
            patience(steps.iter().zip(&self.rehearsed.there)),
            patience(steps.iter().zip(&self.rehearsed.back)),
        );
        let mut planned: Vec<PlannedStep> = Vec::new();
        let seen = self.rehearsed.there.iter().zip(&self.rehearsed.back).zip(judged);
        for ((id, step), ((seen, undone), Pair { before: hazards, after: undo_hazards })) in
            (1..).zip(steps).zip(seen)
        {
            let slow = seen.rewrites.iter().chain(&seen.scans);
            planned.push(PlannedStep {
                id,
                phase: step.phase,
                batch: step.batch,
                action: step.verb,
                object: step.object.clone(),
                summary: step.summary.clone(),
                operation: step.run.operation.clone(),
                sql: step.run.sql.clone(),
                with: step.with,
                timeouts: patience.before.of(step.batch, step.run.timeouts),
                rows: self.facts.most_rows(slow),
                seen: seen.clone(),
                hazards,
                undo: PlannedUndo {
                    operation: step.undo.operation.clone(),
                    sql: step.undo.sql.clone(),
                    timeouts: patience.after.of(step.batch, step.undo.timeouts),
                    seen: undone.clone(),
                    hazards: undo_hazards,
                },
            });
        }
        planned
    }

    /// What was decided by how much there is: that a table is empty, and how much the dangers that weigh with it weigh.
    fn assumptions(&self, planned: &[PlannedStep]) -> Vec<Assumption> {
        let mut all = BTreeSet::new();
        for id in self.of_empty {
            if let Some(step) = planned.iter().rev().find(|step| step.object == *id) {
                let table = id.relation_sql();
                all.insert(Assumption {
                    phase: step.phase,
                    step: step.id,
                    renamed_from: self.live_names.before(&table).cloned(),
                    table,
                    empty: true,
                    rows: None,
                    bytes: 0,
                });
            }
        }
        for step in planned.iter().filter(|step| step.hazards.iter().any(|it| weighs_with_size(&it.code))) {
            let strong = step.seen.locks.iter().filter(|lock| lock.mode.blocks_writes());
            let tables = step.seen.rewrites.iter().chain(&step.seen.scans);
            for table in tables.chain(strong.map(|lock| &lock.relation)) {
                let is_empty = |it: &Assumption| it.empty && it.table == *table;
                if let Some(size) = self.facts.relations.get(table)
                    && !all.iter().any(is_empty)
                {
                    let Size { rows, bytes } = *size;
                    all.insert(Assumption {
                        phase: step.phase,
                        step: step.id,
                        table: table.clone(),
                        renamed_from: self.live_names.before(table).cloned(),
                        empty: false,
                        rows,
                        bytes,
                    });
                }
            }
        }
        all.into_iter().collect()
    }

    /// What the step's object is on both sides of it.
    fn sides(&self, step: &Step) -> Pair<Option<&Object>> {
        let form = self.forms.get(&step.object).filter(|_| step.phase == Phase::Expand);
        let change = form.or_else(|| self.changes.get(&step.object));
        match (step.verb, change) {
            (Verb::Rename | Verb::Validate | Verb::Fill, _) | (_, None) => Pair::new(None, None),
            (Verb::Create, Some(change)) => Pair::new(None, change.object.after.as_ref()),
            (_, Some(change)) => Pair::new(change.object.before.as_ref(), change.object.after.as_ref()),
        }
    }

    fn summary(&self, steps: &[Step]) -> Summary {
        let mut summary = Summary::default();
        let forms = self.forms.iter().filter(|(id, _)| !self.changes.contains_key(*id));
        for (_, change) in self.changes.iter().chain(forms) {
            match change.how {
                How::Create => summary.create += 1,
                How::Drop => summary.drop += 1,
                How::Replace | How::Rebuild => summary.replace += 1,
                How::InPlace(_) => summary.alter += 1,
                How::Implied(..) => {}
            }
        }
        let renames = steps.iter().filter(|step| step.verb == Verb::Rename).count();
        summary.alter += u32::try_from(renames).unwrap_or(u32::MAX);
        summary
    }

    fn footprint(&self, steps: &[Step]) -> Vec<FootprintEntry> {
        let base = self.catalogs.before;
        let ends: Vec<(Phase, &Catalog)> =
            self.rehearsed.after.iter().map(|(phase, catalog)| (*phase, catalog)).collect();
        let mut touched: BTreeSet<ObjectId> = steps.iter().map(|step| step.object.clone()).collect();
        for (_, end) in &ends {
            let ids = base.objects.keys().chain(end.objects.keys());
            touched.extend(ids.filter(|id| base.objects.get(*id) != end.objects.get(*id)).cloned());
        }
        // live's edges may differ from those of its rebuilt copy: a domain's inherited default has the base type's
        let mut ids = footprint_closure(self.live, &touched);
        ids.extend(footprint_closure(base, &touched));
        for (_, end) in &ends {
            ids.extend(footprint_closure(end, &touched));
        }
        // what a value is computed from in other tables, and by which functions
        let read = || self.read.values().flatten().filter(|object| self.live.objects.contains_key(*object));
        ids.extend(read().cloned());
        let catalogs = [self.live, base].into_iter().chain(ends.iter().map(|(_, end)| *end));
        let mut needed: BTreeSet<&ObjectId> = touched.iter().chain(read()).collect();
        for catalog in catalogs {
            let verbs = || steps.iter().map(|step| (&step.object, step.verb));
            needed.extend(plan::dependents(
                catalog,
                touched.iter().filter(|object| plan::is_hard(object, verbs())),
            ));
            needed.extend(touched.iter().flat_map(|object| catalog.needs_of(object)).map(|need| &need.to));
        }
        // what a value is computed from is in no catalog
        let fills = steps
            .iter()
            .filter(|step| [&step.run, &step.undo].iter().any(|it| it.operation.backfill().is_some()));
        let filled: BTreeSet<ObjectId> = fills.filter_map(|step| step.object.relation()).collect();
        let is_read = |object: &ObjectId| {
            object.kind == Kind::Column && object.relation().is_some_and(|table| filled.contains(&table))
        };
        let independent = |object: &ObjectId| !needed.contains(object) && !is_read(object);
        let entries = ids.into_iter().map(|object| {
            let independent = independent(&object);
            FootprintEntry { independent, ..self.entry(object, &touched, &ends) }
        });
        entries.collect()
    }

    fn entry(
        &self,
        object: ObjectId,
        touched: &BTreeSet<ObjectId>,
        ends: &[(Phase, &Catalog)],
    ) -> FootprintEntry {
        let own = self.live.objects.get(&object);
        let base = self.catalogs.before.objects.get(&object);
        let changes = touched.contains(&object);
        // live's text was no fixpoint, or the way back leaves another one
        let loose = changes && own != base || self.rehearsed.reprinted.contains(&object);
        let fingerprint = |found: &Object| {
            if loose { found.without_texts().fingerprint(&object) } else { found.fingerprint(&object) }
        };
        let mut after = BTreeMap::new();
        let mut previous = base;
        for (phase, end) in ends {
            let now = end.objects.get(&object);
            match now {
                Some(new) if previous != now => {
                    _ = after.insert(*phase, plan::Change::Became(fingerprint(new)));
                }
                None if previous.is_some() => _ = after.insert(*phase, plan::Change::Gone),
                _ => {}
            }
            previous = now;
        }
        let own_table = object.relation();
        let needs = ends.iter().flat_map(|(_, end)| end.needs_of(&object)).map(|need| &need.to);
        let needs = needs.chain(self.read.get(&object).into_iter().flatten());
        let matters = |need: &&ObjectId| need.kind != Kind::Schema && Some(*need) != own_table.as_ref();
        let needs = needs.filter(|_| !after.is_empty()).filter(matters).cloned().collect();
        FootprintEntry {
            needs,
            base: own.map(|own| own.fingerprint(&object)),
            independent: false,
            after,
            ddl: own.filter(|_| changes).map(|own| own.ddl(&object)).unwrap_or_default(),
            loose: loose.then(|| Loose { base: own.map(fingerprint) }),
            object,
        }
    }
}

/// The hazards of each step, there and back. `sides`: what a step's object is on both sides of it.
pub(super) fn judged<'o>(
    steps: &[Step],
    rehearsed: &Rehearsed,
    catalogs: Pair<&Catalog>,
    facts: &Facts,
    sides: &dyn Fn(&Step) -> Pair<Option<&'o Object>>,
) -> Vec<Pair<Vec<Hazard>>> {
    fn of<'s>((step, seen): (&'s Step, &'s Observed)) -> (u32, bool, &'s Observed) {
        (step.batch, step.run.is_transactional(), seen)
    }
    let there = held_locks(steps.iter().zip(&rehearsed.there).map(of));
    let back = held_locks(steps.iter().zip(&rehearsed.back).rev().map(of));
    let held = there.iter().zip(back.iter().rev());
    let seen = rehearsed.there.iter().zip(&rehearsed.back);
    let mut replaced = BTreeSet::new();
    let mut last = steps.first();
    let all = steps.iter().zip(seen).zip(held);
    all.map(|((step, (seen, undone)), (there, back))| {
        let is_part = step.run.is_nothing() && step.undo.is_nothing();
        last = if is_part { last } else { Some(step) };
        let does = last.unwrap_or(step);
        let object = sides(step);
        let case = Case { step, does, undo: false, object, catalogs, seen, held: there, facts };
        let mut hazards = hazard::judge(&case);
        // of the two steps of a replace, the one that brings it back says what is different
        let goes = step.verb == Verb::Replace && replaced.insert(&step.object);
        hazards.retain(|hazard| !goes || hazard::is_of_facts(&hazard.code));
        let (object, catalogs) = (object.inverse(), catalogs.inverse());
        let undo = Case { step, does, undo: true, object, catalogs, seen: undone, held: back, facts };
        Pair::new(hazards, hazard::judge(&undo))
    })
    .collect()
}

/// How many relations each batch keeps others from writing to.
struct Patience(BTreeMap<u32, BTreeSet<String>>);

fn patience<'s>(steps: impl Iterator<Item = (&'s Step, &'s Observed)>) -> Patience {
    let mut batches: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for (step, seen) in steps {
        let strong = seen.locks.iter().filter(|lock| lock.mode.blocks_writes());
        batches.entry(step.batch).or_default().extend(strong.map(|lock| lock.relation.clone()));
    }
    Patience(batches)
}

impl Patience {
    /// The least that a lock is waited for.
    const LEAST: u32 = 300;

    /// The most that each of several is waited for: less than `deadlock_timeout` (1 s, PostgreSQL manual, 20.12), so that it
    /// is never the other one who is ended where two wait for each other.
    const MOST_OF_SEVERAL: u32 = 800;

    /// `lock_timeout` counts for each lock, and whoever wants one that is held already waits for all of them: together
    /// they are to take no longer than one may.
    fn of(&self, batch: u32, timeouts: Timeouts) -> Timeouts {
        let locks = self.0.get(&batch).and_then(|locks| u32::try_from(locks.len()).ok()).unwrap_or(1);
        match timeouts.lock_ms {
            lock_ms if lock_ms == 0 || locks <= 1 => timeouts,
            lock_ms => {
                let each = (lock_ms / locks).clamp(Self::LEAST, Self::MOST_OF_SEVERAL);
                Timeouts { lock_ms: each.min(lock_ms), ..timeouts }
            }
        }
    }
}
