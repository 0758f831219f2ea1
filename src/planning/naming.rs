//! What a plan renames, and the catalog that the rest of it is planned from: the one after all renames, with what comes
//! in expand over the old names.

use std::collections::BTreeMap;

use super::{
    Inputs, PlanningError, extension, proven,
    rename::{
        self,
        expand_form::{self, ExpandForms, Names},
    },
    workshop::Workshop,
};
use crate::{
    annotation::Annotation,
    catalog::{Catalog, scope::Scope},
    lower::{Context, Renaming, TableRenaming},
    name::{ObjectId, Pair},
    postgres::ScratchDatabase,
    step::Step,
};

/// Where names are read and tried.
pub(super) struct Naming<'a> {
    pub inputs: &'a Inputs<'a>,
    pub workshop: &'a Workshop<'a>,
    pub scope: &'a Scope,
    /// The clone of live.
    pub clone: &'a ScratchDatabase,
    /// What it is, within the scope.
    pub base: &'a Catalog,
    pub context: &'a Context,
}

/// The names as they are to be.
pub(super) struct Named {
    /// What is renamed at once, as the first steps of the plan.
    pub steps: Vec<Step>,
    /// All renames, as if nobody used the old names.
    pub all: Vec<Step>,
    /// Whether one was made as the environment says, since its annotation does not.
    pub by_default: bool,
    /// Columns that have both names for a while.
    pub columns: BTreeMap<ObjectId, Renaming>,
    /// Tables that have.
    pub tables: BTreeMap<ObjectId, TableRenaming>,
    /// What comes over the old names before contract.
    pub forms: ExpandForms,
    /// The catalog after all of that.
    pub catalog: Catalog,
}

impl Naming<'_> {
    /// Settles the names. `wanted` keeps what is proven of them.
    pub async fn settle(
        &self,
        annotations: &[Annotation],
        updates: Vec<extension::Update>,
        wanted: &mut Catalog,
    ) -> Result<Named, PlanningError> {
        let Self { inputs, workshop, scope, clone, base, context } = *self;
        let mut renames = rename::asked(annotations, base, wanted, inputs.shaping.renames)?;
        let by_default = renames.by_default;
        let others = rename::attached(base, wanted).into_iter();
        let attached: Vec<Step> =
            others.filter(|step| renames.steps.iter().all(|other| other.object != step.object)).collect();
        renames.steps.extend(attached);
        let moves = extension::moves(base, wanted, &renames.steps);
        renames.steps.splice(..0, moves);
        renames.steps.splice(..0, updates.into_iter().map(extension::Update::step));
        let mut renamed = None;
        if !renames.steps.is_empty() {
            renamed = Some(workshop.after(clone, &renames.steps).await?.within(scope));
        }
        let mut along = rename::along(&renames.steps, Pair::new(renamed.as_ref().unwrap_or(base), wanted));
        let mut all = renames.steps.clone();
        all.extend(along.iter().cloned());
        let named = Pair::new(base, renamed.as_ref().unwrap_or(base));
        let columns =
            rename::online::renamings(&renames.online, named, wanted, &mut along, clone.session()).await?;
        if all.len() > renames.steps.len() {
            renamed = Some(workshop.after(clone, &all).await?.within(scope));
        }
        let mut steps = renames.steps.clone();
        steps.retain(|step| !renames.is_online(step));
        let named = Pair::new(base, renamed.as_ref().unwrap_or(base));
        let tables =
            rename::tables::renamings(&renames.online, named, context.major, &mut steps, &mut along)?;
        steps.extend(along);
        let back = renames.back();
        let mut catalog = renamed.unwrap_or_else(|| base.clone());
        proven::keep(&catalog, wanted);
        let mut forms = ExpandForms::default();
        if !back.is_empty() {
            let online = columns.keys().chain(tables.keys()).cloned().collect();
            let expanded = workshop.after(clone, &steps).await?.within(scope);
            let names = Names { online, expanded: &expanded, renamed: &catalog, wanted };
            forms = expand_form::of(&names, &back, context, workshop).await?;
        }
        forms.within(&mut catalog);
        Ok(Named { steps, all, by_default, columns, tables, forms, catalog })
    }
}
