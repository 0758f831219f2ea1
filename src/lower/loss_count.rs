//! What the rollback of a changed type loses: questions to the data, asked before it. A value is lost that is another one after
//! the conversion to the old type and back to the new one.
//!
//! A type that the plan drops is not there to be converted to: such a question fails, and the loss counts as unknown.

use std::collections::BTreeMap;

use super::{
    Context, Conversion,
    data_check::rebuilding_step,
    lossless::lost,
    stored,
    type_name::{TypeName, Types, without_collation},
};
use crate::{
    catalog::Catalog,
    diff::{Change, Changes, How},
    kind::{Alter, Column, Composite, Definition, Object, column::through_text},
    name::{Kind, ObjectId, Pair},
    sql::{self, Sql},
    step::{LossCount, Operation, Step, Verb},
};

/// The questions for the steps of a plan.
pub fn loss_counts(
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    context: &Context,
    steps: &[Step],
) -> Vec<LossCount> {
    let types = Pair::new(Types::of(catalogs.before), Types::of(catalogs.after));
    let counting = Counting { after: catalogs.after, changes, types: Pair::new(&types.before, &types.after) };
    let mut found = Vec::new();
    for change in changes.values() {
        let conversion = context.conversions.get(&change.id);
        let Some(step) = changing_step(&change.id, conversion, changes, steps) else { continue };
        let questions = counting.of_change(change, conversion).into_iter();
        found.extend(questions.map(|Question { relation, what, sql }| LossCount {
            step,
            relation,
            what,
            sql,
        }));
    }
    found
}

/// The number of the step that changes the type of an object: of a column that is converted online, the swap.
fn changing_step(
    id: &ObjectId,
    conversion: Option<&Conversion>,
    changes: &Changes,
    steps: &[Step],
) -> Option<u32> {
    let is_online = conversion.is_some_and(|conversion| conversion.online);
    let is_rebuilt = steps.iter().all(|step| step.object != *id);
    let step_of =
        if is_rebuilt { rebuilding_step(id, changes, steps).map_or(id, |step| &step.object) } else { id };
    let changes = |step: &Step| {
        let is_swap = step.run.operation == Operation::Swap;
        step.object == *step_of && step.verb != Verb::Validate && (is_swap || !is_online)
    };
    steps.iter().rposition(changes).and_then(|at| u32::try_from(at + 1).ok())
}

struct Question {
    relation: String,
    what: String,
    sql: Sql,
}

struct Counting<'a> {
    after: &'a Catalog,
    changes: &'a Changes,
    /// Before the plan and after it.
    types: Pair<&'a Types<'a>>,
}

impl Counting<'_> {
    fn of_change(&self, change: &Change, conversion: Option<&Conversion>) -> Vec<Question> {
        let (Some(before), Some(after)) = (&change.object.before, &change.object.after) else {
            return Vec::new();
        };
        let id = &change.id;
        match (before, after) {
            (Object::Column(old), Object::Column(new))
                if conversion.is_some() || matches!(change.how, How::InPlace(_)) =>
            {
                self.of_column(id, Pair::new(old, new), conversion).into_iter().collect()
            }
            (Object::Domain(old), Object::Domain(new)) => {
                self.of_type(id, |value| self.differs(value, Pair::new(&old.base, &new.base)))
            }
            (Object::Composite(old), Object::Composite(new)) => {
                self.of_type(id, |value| self.of_composite(id, Pair::new(old, new), value))
            }
            (Object::Range(old), Object::Range(new)) => self.of_type(id, |value| {
                let ends = ["lower", "upper"].map(|end| format!("pg_catalog.{end}({value})"));
                let names = Pair::new(old.subtype.as_str(), new.subtype.as_str());
                ends.iter().flat_map(|end| self.differs(end, names)).collect()
            }),
            _ => Vec::new(),
        }
    }

    fn of_column(
        &self,
        id: &ObjectId,
        Pair { before, after }: Pair<&Column>,
        conversion: Option<&Conversion>,
    ) -> Option<Question> {
        let is_stored = after.generated.is_none() && !after.facts.foreign;
        let names = Pair::new(before.data_type.as_str(), after.data_type.as_str());
        // the rows of partitions and child tables are counted with their parent's
        if !is_stored || !after.lineage.parents.is_empty() || names.before == names.after {
            return None;
        }
        let table = id.relation()?;
        let (lost, rows) = match conversion {
            Some(conversion) => self.converted(id, &table, conversion),
            None => (self.differs(&id.sql(), names).pop()?, table.sql()),
        };
        let what = format!("values of {id} that {} does not hold as they are", names.before);
        Some(Question { relation: table.sql(), what, sql: counted(&lost, &rows) })
    }

    /// The condition of a column's values that `back=` and `using=` together make others of, and the rows that it is asked of.
    fn converted(&self, id: &ObjectId, table: &ObjectId, conversion: &Conversion) -> (String, String) {
        let (column, alias) = (id.sql(), sql::ident(table.path.last()));
        let others = self.after.parts(Kind::Column, table).map(|(id, _)| id.sql());
        let others: String =
            others.filter(|other| *other != column).map(|other| format!("{other}, ")).collect();
        let Pair { before: back, after: using } = &conversion.value;
        let rows = format!(
            "(SELECT {others}({}) AS {column}, {column} AS trueup_was FROM {} AS {alias}) AS {alias}",
            back.cast,
            table.sql()
        );
        (distinct(&format!("({})", using.cast), "trueup_was", &conversion.types.after), rows)
    }

    /// For each table that stores values of a type, how many rows have one that meets one of these conditions.
    fn of_type(&self, id: &ObjectId, conditions: impl Fn(&str) -> Vec<String>) -> Vec<Question> {
        let mut by_table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for stored in stored::storing(self.after, self.types.after, id) {
            let Some(table) = stored.id.relation().filter(|_| stored.column.generated.is_none()) else {
                continue;
            };
            // what the plan brings goes before the type is what it was, and says itself what that loses
            if [stored.id, &table].into_iter().any(|id| self.comes(id)) {
                continue;
            }
            for within in &stored.within {
                let lost = conditions(&within.value);
                if !lost.is_empty() {
                    by_table.entry(table.sql()).or_default().push(within.any(&lost.join(" OR ")));
                }
            }
        }
        let question = |(relation, lost): (String, Vec<String>)| {
            let what = format!("values of {id} in {relation} that the old type does not hold as they are");
            let sql = counted(&lost.join(" OR "), &relation);
            Question { relation, what, sql }
        };
        by_table.into_iter().map(question).collect()
    }

    fn comes(&self, id: &ObjectId) -> bool {
        self.changes.get(id).is_some_and(|change| matches!(change.how, How::Create | How::Replace))
    }

    fn of_composite(&self, id: &ObjectId, pair: Pair<&Composite>, value: &str) -> Vec<String> {
        // through text, which has places and no names
        let by_place = matches!(Composite::alter(pair.inverse(), id), Alter::Rebuild);
        let mut lost = Vec::new();
        for (at, new) in pair.after.attributes.iter().enumerate() {
            let own = format!("({value}).{}", sql::ident(&new.name));
            let old = if by_place {
                pair.before.attributes.get(at).filter(|old| old.name == new.name)
            } else {
                pair.before.attributes.iter().find(|old| old.name == new.name)
            };
            match old {
                None => lost.push(format!("{own} IS DISTINCT FROM NULL")),
                Some(old) => lost.extend(self.differs(&own, Pair::new(&old.data_type, &new.data_type))),
            }
        }
        lost
    }

    /// The condition that a value of the second type is another one as the first; none where it cannot be.
    fn differs(&self, value: &str, names: Pair<&str>) -> Vec<String> {
        if lost(names.inverse(), self.types.inverse()).is_none() {
            return Vec::new();
        }
        let (old, new) =
            (plain(names.before, self.types.before, ""), plain(names.after, self.types.after, ""));
        let (back, again) = (through_text(&new, &old), through_text(&old, &new));
        let own = format!("({value})::{new}");
        vec![distinct(&format!("({own}{back}::{old}){again}::{new}"), &own, &new)]
    }
}

/// The type under a domain with its modifier: the domain may not be there when it is asked for. `array`: what stands behind it.
fn plain(data_type: &str, types: &Types<'_>, array: &str) -> String {
    let data_type = without_collation(data_type);
    if let Some(element) = data_type.strip_suffix("[]") {
        return plain(element, types, "[]");
    }
    match types.get(data_type) {
        Some(Object::Domain(domain)) => plain(&domain.base, types, array),
        _ => format!("{data_type}{array}"),
    }
}

/// Whether two values are different: as text where the type has no equality, or one that takes different values for the same, and
/// where nothing is known of it.
fn distinct(one: &str, other: &str, data_type: &str) -> String {
    const AS_TEXT: [&str; 11] =
        ["json", "xml", "point", "box", "circle", "polygon", "path", "line", "lseg", "interval", "jsonpath"];
    let name = TypeName::of(data_type.trim_end_matches("[]")).name;
    let is_text = AS_TEXT.contains(&name.as_str()) || name.starts_with("interval") || name.contains('.');
    let text = if is_text { "::pg_catalog.text" } else { "" };
    format!("({one}){text} IS DISTINCT FROM ({other}){text}")
}

fn counted(lost: &str, rows: &str) -> Sql {
    Sql::new(format!("SELECT count(*) FILTER (WHERE {lost}), count(*)::pg_catalog.text FROM {rows}"))
}
