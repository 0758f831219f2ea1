//! Which statements have PostgreSQL run code of the database: checks, conversions, defaults, bounds. A plan's word is not taken
//! for it, since by that they run with the rights of who owns the table, and not of who applies.

use super::{NO_OTHER_ROW, Name, PlannedStep, RETYPED, Said, Side, What, Words, is_made};
use crate::{
    name::{Kind, ObjectId},
    sql::Sql,
    step::{Operation, Verb},
};

/// Clauses of ALTER TABLE that compute something for rows that are there.
const CLAUSES: &[&str] = &[
    "VALIDATE CONSTRAINT <one>",
    "ALTER COLUMN <one> TYPE ***",
    "ADD COLUMN <one> … DEFAULT ***",
    "ADD COLUMN <one> … GENERATED ALWAYS AS ( … ) ***",
    "ADD CONSTRAINT <one> CHECK|EXCLUDE|FOREIGN ***",
];

/// What of these computes nothing yet, or only what PostgreSQL itself has functions for.
const HARMLESS: &[&str] = &[
    "ADD CONSTRAINT <one> … NOT VALID",
    "ADD CONSTRAINT <one> … NOT ENFORCED",
    "ADD COLUMN <one> … DEFAULT nextval ( ' :: regclass ) ***",
];

/// Statements about domains that ask the rows of their tables.
const OF_DOMAINS: &[&str] =
    &["ALTER DOMAIN <it> VALIDATE CONSTRAINT <one>", "ALTER DOMAIN <it> ADD CONSTRAINT <one> CHECK ***"];

/// The table or the domain whose code a statement runs.
pub fn code_of(sql: &Sql) -> Option<ObjectId> {
    let words = Words::of(sql.as_str());
    if let Some(found) = words.find("DO ***") {
        let body = Words::of(words.part(found.rest.first()?).quoted()?);
        return table(body.find(NO_OTHER_ROW)?.names.into_iter().next()?);
    }
    match Said::read(sql)?.what {
        What::Table { name, clauses } => {
            clauses.iter().any(|(_, _, clause)| computes(clause)).then(|| table(name))?
        }
        What::Object { words, .. } => {
            let found = OF_DOMAINS.iter().find_map(|it| words.find(it))?;
            let domain = ObjectId::new(Kind::Domain, found.names.into_iter().next()?);
            words.find("ALTER DOMAIN … NOT VALID").is_none().then_some(domain)
        }
        What::Other => None,
    }
}

fn table(name: Name) -> Option<ObjectId> {
    (name.len() == 2).then(|| ObjectId::new(Kind::Table, name))
}

fn computes(clause: &Words<'_>) -> bool {
    let is = |patterns: &[&str]| patterns.iter().any(|it| clause.find(it).is_some());
    // a value that waits as text until its type is another one
    let waits = || {
        let found = clause.find(RETYPED);
        found
            .and_then(|it| it.rest.get(1).map(|cast| clause.part(cast).normal()))
            .is_some_and(|cast| cast == "text")
    };
    is(CLAUSES) && !is(HARMLESS) && !waits()
}

impl Side<'_> {
    /// The first statement by which a table becomes a partition of one that the operation does not name: its owner's code
    /// computes the bounds.
    pub(super) fn unnamed_parent<'s>(
        &self,
        operation: &Operation,
        all: &'s [Said<'s>],
    ) -> Option<&'s Said<'s>> {
        all.iter().find(|said| {
            let parent = match &said.what {
                What::Table { name, clauses } => {
                    let attaches = clauses.iter().any(|(_, _, it)| it.find("ATTACH PARTITION ***").is_some());
                    attaches.then(|| name.clone())
                }
                What::Object { words, .. } => words
                    .find("CREATE [ UNLOGGED ] [ FOREIGN ] TABLE <it> PARTITION OF <it> ***")
                    .and_then(|found| found.names.into_iter().nth(1)),
                What::Other => None,
            };
            parent.is_some_and(|parent| {
                !is_made(all, "TABLE", &parent) && !self.is_new(&parent) && !attaches(operation, &parent)
            })
        })
    }

    /// Whether another step has made the table by then.
    fn is_new(&self, table: &Name) -> bool {
        let verb = if self.undo { Verb::Drop } else { Verb::Create };
        let makes = |step: &PlannedStep| {
            step.object.kind == Kind::Table
                && [verb, Verb::Replace].contains(&step.action)
                && step.object.path.parts() == table.as_slice()
        };
        if self.undo { self.later.iter().any(makes) } else { self.earlier.iter().any(makes) }
    }
}

/// Whether the operation says that tables become partitions of this one.
fn attaches(operation: &Operation, parent: &Name) -> bool {
    match operation {
        Operation::Attach { parents } => parents.iter().any(|it| it.path.parts() == parent.as_slice()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_code_a_statement_runs() {
        let of = |sql: &str| code_of(&Sql::new(sql)).map(|id| id.to_string());
        let t = Some("table public.t".to_owned());
        for sql in [
            "ALTER TABLE public.t VALIDATE CONSTRAINT a",
            "ALTER TABLE ONLY public.t DROP COLUMN a, ADD CONSTRAINT b CHECK (public.f(c))",
            "ALTER TABLE public.t ADD COLUMN c integer DEFAULT public.f()",
            "ALTER TABLE public.t ALTER COLUMN c TYPE public.d USING c::text::public.d",
            "DO $$BEGIN IF EXISTS (SELECT FROM public.t AS x WHERE pg_catalog.record_image_ne(ROW(f(x.a)), ROW(x.a))) \
             THEN RAISE EXCEPTION USING MESSAGE = 'x'; END IF; END$$",
        ] {
            assert_eq!(of(sql), t, "{sql}");
        }
        for sql in [
            "ALTER TABLE public.t ADD CONSTRAINT b CHECK (public.f(c)) NOT VALID",
            "ALTER TABLE public.t ADD COLUMN c integer DEFAULT nextval('public.s'::regclass) NOT NULL",
            "ALTER TABLE public.t ALTER COLUMN c TYPE text USING c::text",
            "ALTER TABLE public.t ADD COLUMN c integer",
            "ALTER DOMAIN public.d ADD CONSTRAINT a CHECK (f(VALUE)) NOT VALID",
            "CREATE TABLE public.t (a integer)",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
        let domain = of("ALTER DOMAIN public.d VALIDATE CONSTRAINT a");
        assert_eq!(domain.as_deref(), Some("domain public.d"));
    }
}
