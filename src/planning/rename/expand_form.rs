//! What code finds between the phases of views and functions that use a column or a table by its new name: their expand
//! forms.
//!
//! An expand form is over the old name, as PostgreSQL itself prints it once the new name is taken back: a view has
//! `old AS new`. Contract's rename makes that the desired text by itself. A view that is there already shows old and new
//! columns, and loses the old ones in contract.

use std::collections::{BTreeMap, BTreeSet};

use pg_query::{
    DeparseOptions, NodeEnum,
    protobuf::{LimitOption, Node, SelectStmt, SetOperation},
};

use super::{
    super::{PlanningError, annotated, workshop::Workshop},
    Slot, slots,
};
use crate::{
    catalog::Catalog,
    diff::{self, Changes, DiffError, How},
    kind::{Object, View},
    lower::{self, Context},
    name::{Kind, ObjectId, Pair},
    sql,
    stack::with_large_stack,
    step::Step,
};

/// What comes at the end of expand, so that new code need not wait for contract.
#[derive(Default)]
pub(in crate::planning) struct ExpandForms {
    /// The steps, and their way back.
    pub steps: Vec<Step>,
    /// What they change.
    pub changes: Changes,
    /// What contract's renames make of it.
    renamed: Catalog,
}

impl ExpandForms {
    /// The catalog after all renames, with these forms in it.
    pub fn within(&self, catalog: &mut Catalog) {
        let Catalog { objects, needs, .. } = &self.renamed;
        catalog.objects.extend(objects.iter().map(|(id, object)| (id.clone(), object.clone())));
        catalog.needs.retain(|need| !objects.contains_key(&need.from));
        catalog.needs.extend(needs.iter().cloned());
    }

    /// Puts their steps behind all others of expand.
    pub fn among(&self, steps: &mut Vec<Step>) {
        let at = steps.partition_point(|step| step.phase == crate::step::Phase::Expand);
        let last = |steps: &[Step]| steps.iter().map(|step| step.batch).max().unwrap_or(0);
        let (before, own) = (last(&steps[..at]), last(&self.steps));
        for step in &mut steps[at..] {
            step.batch += own;
        }
        let forms = self.steps.iter().cloned();
        steps.splice(at..at, forms.map(|step| Step { batch: step.batch + before, ..step }));
    }
}

/// The catalogs between which the names change.
pub(in crate::planning) struct Names<'a> {
    /// Columns and tables that are renamed online, under their new names.
    pub online: BTreeSet<ObjectId>,
    /// As it is before contract: what is renamed online has its old name.
    pub expanded: &'a Catalog,
    /// As it is after all renames.
    pub renamed: &'a Catalog,
    /// As it is to be.
    pub wanted: &'a Catalog,
}

/// The expand forms of what is to use the new names. `back` takes those back.
pub(in crate::planning) async fn of(
    names: &Names<'_>,
    back: &[Step],
    context: &Context,
    workshop: &Workshop<'_>,
) -> Result<ExpandForms, PlanningError> {
    let forms = names.forms();
    if forms.is_empty() {
        return Ok(ExpandForms::default());
    }
    let ids: BTreeSet<ObjectId> = forms.keys().cloned().collect();
    let shown = names.with_new(forms);
    // a view that cannot be made with its old columns comes in contract, as it would without
    let made = match workshop.renamed(&shown, &ids, back).await {
        Ok(Pair { before, after }) => Pair::new(part(after, &ids), part(before, &ids)),
        Err(error) => {
            tracing::debug!("no expand forms: {error}");
            return Ok(ExpandForms::default());
        }
    };
    let mut expanded = names.expanded.clone();
    expanded.objects.extend(made.before.objects);
    expanded.needs.retain(|need| !ids.contains(&need.from));
    expanded.needs.extend(made.before.needs);
    let catalogs = Pair::new(names.expanded, &expanded);
    let changes = diff::diff(catalogs).map_err(DiffError::from)?;
    let steps = lower::lower(catalogs, &changes, context)?;
    Ok(ExpandForms { steps, changes, renamed: made.after })
}

/// These objects, with all that they need.
fn part(catalog: Catalog, ids: &BTreeSet<ObjectId>) -> Catalog {
    let Catalog { mut objects, mut needs, unmanaged } = catalog;
    objects.retain(|id, _| ids.contains(id));
    needs.retain(|need| ids.contains(&need.from));
    Catalog { objects, needs, unmanaged }
}

impl Names<'_> {
    /// What can come in expand, each as it is between the phases, by the new names.
    fn forms(&self) -> BTreeMap<ObjectId, Object> {
        let Ok(changes) = diff::diff(Pair::new(self.renamed, self.wanted)) else { return BTreeMap::new() };
        let taken: BTreeSet<Slot> = self
            .expanded
            .objects
            .iter()
            .filter(|(id, _)| id.kind != Kind::Column)
            .flat_map(|(id, object)| slots(id, object))
            .collect();
        let users = self.users(&changes);
        let mut forms: BTreeMap<ObjectId, Object> = users
            .iter()
            .filter_map(|id| {
                let form = match (&changes.get(id)?.how, self.wanted.objects.get(id)?) {
                    (
                        How::Create,
                        new @ (Object::View(_) | Object::MaterializedView(_) | Object::Function(_)),
                    )
                    | (How::InPlace(_), new @ Object::View(_)) => new.clone(),
                    // a body that is text says the old names as long as old code calls it
                    (How::InPlace(_), Object::Function(new)) if new.source.is_empty() => {
                        Object::Function(new.clone())
                    }
                    (How::Replace, Object::View(after)) => match self.renamed.objects.get(id)? {
                        Object::View(before) => Object::View(both(before, after)?),
                        _ => return None,
                    },
                    _ => return None,
                };
                Some((id.clone(), form))
            })
            .collect();
        // what is part of them, or said about them
        loop {
            let comes = |id: &&ObjectId| !forms.contains_key(*id) && changes[*id].how == How::Create;
            let parts: Vec<ObjectId> =
                changes.keys().filter(comes).filter(|id| self.is_of(id, &forms)).cloned().collect();
            if parts.is_empty() {
                break;
            }
            forms.extend(parts.into_iter().map(|id| {
                let object = self.wanted.objects[&id].clone();
                (id, object)
            }));
        }
        // one that waits for contract has those wait that need it
        loop {
            let known = forms.len();
            let ready = |id: &ObjectId, form: &Object| {
                let there = self.expanded.objects.contains_key(id);
                let free = there || !slots(id, form).iter().any(|slot| taken.contains(slot));
                free && self.is_ready(id, &forms, &users, &changes, &taken, &mut BTreeSet::new())
            };
            let ready: BTreeSet<ObjectId> =
                forms.iter().filter(|(id, form)| ready(id, form)).map(|(id, _)| id.clone()).collect();
            forms.retain(|id, _| ready.contains(id));
            if forms.len() == known {
                return forms;
            }
        }
    }

    /// What there is at the end of expand, by the new names: nothing is gone yet.
    fn with_new(&self, forms: BTreeMap<ObjectId, Object>) -> Catalog {
        let mut catalog = self.wanted.clone();
        catalog.objects.extend(self.renamed.objects.iter().map(|(id, object)| (id.clone(), object.clone())));
        catalog.objects.extend(forms);
        catalog.needs.extend(self.renamed.needs.iter().cloned());
        catalog
    }

    /// Everything that is to use a new name, directly or not, and the views that cannot go back without that. The body
    /// of a function that mentions a table may mention its columns.
    fn users(&self, changes: &Changes) -> BTreeSet<ObjectId> {
        let mut users: BTreeSet<ObjectId> = BTreeSet::new();
        let mut open: Vec<ObjectId> =
            self.online.iter().flat_map(|id| annotated::family(id, self.wanted)).collect();
        let tables: BTreeSet<ObjectId> = open.iter().filter_map(ObjectId::relation).collect();
        open.extend(self.online.iter().filter(|id| id.kind == Kind::Table).cloned());
        let bodies = self.wanted.needs.iter().filter(|need| need.from.kind == Kind::Function);
        open.extend(bodies.filter(|need| tables.contains(&need.to)).map(|need| need.from.clone()));
        while let Some(id) = open.pop() {
            if !users.insert(id.clone()) {
                continue;
            }
            open.extend(self.wanted.needs.iter().filter(|need| need.to == id).map(|need| need.from.clone()));
            let widened = |id: &&ObjectId| {
                id.kind == Kind::View
                    && changes.get(*id).is_some_and(|change| matches!(change.how, How::InPlace(_)))
            };
            open.extend(self.wanted.needs_of(&id).map(|need| &need.to).filter(widened).cloned());
        }
        users
    }

    /// Whether it is nothing by itself, but of one of these.
    fn is_of(&self, id: &ObjectId, forms: &BTreeMap<ObjectId, Object>) -> bool {
        let target = id.target().unwrap_or_else(|| id.clone());
        let of_view = |form: &&ObjectId| {
            let index = match self.wanted.objects.get(&target) {
                Some(Object::Index(index)) => index.table == form.path.parts(),
                _ => false,
            };
            form.kind.is_view() && (id.is_of_relation(form) || index)
        };
        forms.contains_key(&target) || forms.keys().any(|form| of_view(&form))
    }

    /// Whether all that it needs is there at the end of expand.
    fn is_ready(
        &self,
        id: &ObjectId,
        forms: &BTreeMap<ObjectId, Object>,
        users: &BTreeSet<ObjectId>,
        changes: &Changes,
        taken: &BTreeSet<Slot>,
        seen: &mut BTreeSet<ObjectId>,
    ) -> bool {
        let needs: Vec<&ObjectId> = self.wanted.needs_of(id).map(|need| &need.to).collect();
        needs.into_iter().all(|need| {
            if self.online.contains(need) || forms.contains_key(need) || !seen.insert(need.clone()) {
                return true;
            }
            let Some(change) = changes.get(need) else { return true };
            match &change.how {
                How::InPlace(_) => matches!(need.kind, Kind::Table | Kind::Schema),
                How::Create | How::Implied(..) => {
                    let Some(object) = self.wanted.objects.get(need) else { return false };
                    !users.contains(need)
                        && !slots(need, object).iter().any(|slot| taken.contains(slot))
                        && self.is_ready(need, forms, users, changes, taken, seen)
                }
                _ => false,
            }
        })
    }
}

/// A view with the columns that it has and, behind them, those that it is to have: if it is the same otherwise.
fn both(before: &View, after: &View) -> Option<View> {
    let read = || {
        let (old, new) = (Query::read(&before.definition)?, Query::read(&after.definition)?);
        let same_rows = old.rest == new.rest && before.options == after.options;
        if !same_rows || old.texts.len() != before.columns.len() || new.texts.len() != after.columns.len() {
            return None;
        }
        let (mut targets, mut columns) = (old.targets.clone(), before.columns.clone());
        for ((column, target), text) in after.columns.iter().zip(&new.targets).zip(&new.texts) {
            let kept = before.columns.iter().position(|old| name(old) == name(column));
            let can_be = match kept {
                Some(at) => before.columns[at] == *column && old.texts[at] == *text,
                None => !old.is_grouped() || old.texts.contains(text),
            };
            if !can_be {
                return None;
            }
            if kept.is_none() {
                targets.push(target.clone());
                columns.push(column.clone());
            }
        }
        let definition = old.select(targets).deparse(DeparseOptions::default()).ok()?;
        Some(View { definition, columns, options: before.options.clone() })
    };
    with_large_stack(read).ok().flatten()
}

/// The name in what is said of a view's column.
fn name(column: &str) -> &str {
    sql::find_outside(column, " ").map_or(column, |end| &column[..end])
}

/// A view's query.
struct Query {
    select: SelectStmt,
    targets: Vec<Node>,
    /// What each target computes, whatever it is called.
    texts: Vec<String>,
    /// All but the targets.
    rest: String,
}

impl Query {
    fn read(definition: &str) -> Option<Self> {
        let parsed = pg_query::parse(definition, 0).ok()?;
        let statement = parsed.protobuf.stmts.into_iter().next()?.stmt?.node?;
        let NodeEnum::SelectStmt(mut select) = statement else { return None };
        if select.op() != SetOperation::SetopNone || select.target_list.is_empty() {
            return None;
        }
        let targets = std::mem::take(&mut select.target_list);
        let mut query = Self { select: *select, targets, texts: Vec::new(), rest: String::new() };
        query.rest = query.select(Vec::new()).deparse(DeparseOptions::default()).ok()?;
        query.texts = query.targets.iter().map(text).collect::<Option<_>>()?;
        Some(query)
    }

    fn select(&self, target_list: Vec<Node>) -> NodeEnum {
        NodeEnum::SelectStmt(Box::new(SelectStmt { target_list, ..self.select.clone() }))
    }

    /// Whether what is shown decides which rows there are.
    fn is_grouped(&self) -> bool {
        !self.select.distinct_clause.is_empty() || !self.select.group_clause.is_empty()
    }
}

/// What a target computes, whatever it is called.
fn text(target: &Node) -> Option<String> {
    let mut target = target.clone();
    if let Some(NodeEnum::ResTarget(target)) = &mut target.node {
        target.name.clear();
    }
    let select = SelectStmt {
        target_list: vec![target],
        op: SetOperation::SetopNone.into(),
        limit_option: LimitOption::Default.into(),
        ..SelectStmt::default()
    };
    NodeEnum::SelectStmt(Box::new(select)).deparse(DeparseOptions::default()).ok()
}
