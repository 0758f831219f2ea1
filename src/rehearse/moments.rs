//! What others find between two batches: whatever is there before the plan and after it must be there all the time, and
//! hold. What is not is a gap.
//!
//! The looks are cheap: after a batch only those relations are looked at that it locked or that its steps are about, and
//! not at all where it can take nothing away.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::{ToSql, Type};

use super::transient;
use crate::{
    name::{Kind, ObjectId},
    postgres::Session,
    run::Batch,
    source::live::ReadError,
    step::{Missing, Observed, Operation, Promise},
};

/// One thing that others rely on: of what sort, and in words.
type Fact = (Promise, String);

/// What others rely on, by the relation, type or function whose it is.
pub(super) type Facts = BTreeMap<String, BTreeSet<Fact>>;

/// For each relation, type or function of these names what others rely on. Of checks the name counts, of foreign keys and
/// uniqueness what they say: they may be called otherwise meanwhile.
const FACTS: &str = r"
WITH wanted (name) AS (SELECT * FROM unnest($1::text[])),
r AS (SELECT name, c.oid, relkind, relacl, relowner, relrowsecurity, relispopulated
        FROM wanted JOIN pg_class c ON c.oid = to_regclass(name) WHERE name !~ '\(\)$' AND relkind <> 'c'),
a AS (SELECT r.name, r.name || '.' || quote_ident(attname) AS column, attnotnull, atthasdef, attidentity, attacl
        FROM r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped),
t AS (SELECT name, t.* FROM wanted JOIN pg_type t ON t.oid = CASE WHEN name !~ '\(\)$' THEN to_regtype(name) END
       WHERE typtype <> 'c' OR EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND c.relkind = 'c')),
f AS (SELECT quote_ident(nspname) || '.' || quote_ident(proname) || '()' AS name,
             quote_ident(nspname) || '.' || quote_ident(proname) || '(' || oidvectortypes(proargtypes) || ')' AS signature,
             proowner, proacl
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE proname = ANY ($2::text[]::name[]))
SELECT name, 'name', 'relation ' || name FROM r
UNION ALL SELECT name, 'name', 'column ' || a.column FROM a
UNION ALL SELECT name, 'name', 'function ' || signature FROM f
UNION ALL SELECT name, 'name', CASE typtype WHEN 'd' THEN 'domain ' WHEN 'e' THEN 'enum ' WHEN 'r' THEN 'range ' ELSE 'type ' END || name FROM t
UNION ALL SELECT name, 'default', 'the default of ' || name FROM t WHERE typtype = 'd' AND typdefault IS NOT NULL
UNION ALL SELECT name, 'rule', 'NOT NULL of ' || name FROM t WHERE typnotnull
UNION ALL SELECT name, 'rule', 'check ' || quote_ident(conname) || ' of ' || name FROM t JOIN pg_constraint ON contypid = t.oid AND contype = 'c'
UNION ALL SELECT name, 'rows', 'the rows of materialized view ' || name FROM r WHERE relkind = 'm' AND relispopulated
UNION ALL SELECT name, 'default', 'the default of ' || a.column FROM a WHERE atthasdef OR attidentity <> ''
UNION ALL SELECT name, 'rule', 'NOT NULL of ' || a.column FROM a WHERE attnotnull
UNION ALL SELECT name, 'rule', 'check ' || quote_ident(conname) || ' of ' || name
            FROM r JOIN pg_constraint k ON conrelid = r.oid AND contype = 'c'
UNION ALL SELECT name, 'rule', regexp_replace(pg_get_constraintdef(k.oid), '( NOT DEFERRABLE| DEFERRABLE| INITIALLY DEFERRED| NOT VALID)+$', '') || ' of ' || name
            FROM r JOIN pg_constraint k ON conrelid = r.oid AND contype IN ('f', 'x')
UNION ALL SELECT name, 'rule', 'uniqueness of ' || (SELECT string_agg(pg_get_indexdef(indexrelid, k, false), ', ' ORDER BY k) FROM generate_series(1, indnkeyatts) k)
                 || coalesce(' WHERE ' || pg_get_expr(indpred, indrelid), '') || ' in ' || name
            FROM r JOIN pg_index ON indrelid = r.oid AND indisunique AND indisvalid
UNION ALL SELECT name, 'trigger', 'trigger ' || quote_ident(tgname) || ' of ' || name
            FROM r JOIN pg_trigger ON tgrelid = r.oid AND NOT tgisinternal AND tgenabled <> 'D'
UNION ALL SELECT name, 'policy', 'policy ' || quote_ident(polname) || ' of ' || name FROM r JOIN pg_policy ON polrelid = r.oid
UNION ALL SELECT name, 'policy', 'row security of ' || name FROM r WHERE relrowsecurity
UNION ALL SELECT name, 'trigger', 'rule ' || quote_ident(rulename) || ' of ' || name
            FROM r JOIN pg_rewrite ON ev_class = r.oid AND rulename <> '_RETURN'
UNION ALL SELECT name, 'rows', 'the rows of ' || name || ' in ' || quote_ident(pn.nspname) || '.' || quote_ident(p.relname)
            FROM r JOIN pg_inherits ON inhrelid = r.oid AND NOT inhdetachpending
            JOIN pg_class p ON p.oid = inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
UNION ALL SELECT name, 'privilege', privilege_type || ' on ' || what || ' for ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
            FROM (SELECT name, name, coalesce(relacl, acldefault('r', relowner)) FROM r
                  UNION ALL SELECT name, a.column, attacl FROM a
                  UNION ALL SELECT name, signature, coalesce(proacl, acldefault('f', proowner)) FROM f) AS granted (name, what, acl),
                 aclexplode(acl)";

/// What others rely on now, of what has these names.
pub(super) async fn look(session: &Session, names: &BTreeSet<Named>) -> Result<Facts, ReadError> {
    let failed = |source| ReadError::Query { what: "what is there between two batches".to_owned(), source };
    let functions: Vec<&str> = names.iter().filter_map(|name| name.function.as_deref()).collect();
    let names: Vec<&str> = names.iter().map(|name| name.sql.as_str()).collect();
    let names = [(&names as &(dyn ToSql + Sync), Type::TEXT_ARRAY), (&functions, Type::TEXT_ARRAY)];
    let rows = session.client().query_typed(FACTS, &names).await.map_err(failed)?;
    session.take_notices();
    let mut facts = Facts::new();
    for row in rows {
        let (of, sort, what): (String, String, String) = (
            row.try_get(0).map_err(failed)?,
            row.try_get(1).map_err(failed)?,
            row.try_get(2).map_err(failed)?,
        );
        let promise = match sort.as_str() {
            "rows" => Promise::Rows,
            "default" => Promise::Default,
            "rule" => Promise::Rule,
            "trigger" => Promise::Trigger,
            "policy" => Promise::Policy,
            "privilege" => Promise::Privilege,
            _ => Promise::Name,
        };
        facts.entry(of).or_default().insert((promise, what));
    }
    Ok(facts)
}

/// A relation, a type, or all functions of one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// `public.t`, or `public.f()` whatever its arguments are.
    sql: String,
    /// `f`, for functions.
    function: Option<String>,
}

impl Named {
    /// What a relation, or a type, is called.
    pub fn relation(&self) -> Option<&str> {
        self.function.is_none().then_some(self.sql.as_str())
    }
}

/// The relation, type or function that an object is, or is of.
fn named(id: &ObjectId) -> Option<Named> {
    let relation = |sql: String| Named { sql, function: None };
    match id.kind {
        Kind::Table
        | Kind::View
        | Kind::MaterializedView
        | Kind::Enum
        | Kind::Domain
        | Kind::Composite
        | Kind::Range => Some(relation(id.sql())),
        Kind::Attachment | Kind::DomainDefault | Kind::DomainConstraint => Some(relation(id.relation_sql())),
        Kind::Function | Kind::Aggregate => {
            let sql = format!("{}()", id.relation_sql());
            Some(Named { sql, function: Some(id.path.part(1).to_owned()) })
        }
        _ => match (id.target(), id.relation()) {
            (Some(target), _) => named(&target),
            (None, table) => table.map(|table| relation(table.sql())),
        },
    }
}

/// The names that steps are about, or lock.
pub(super) fn names<'s>(
    steps: impl IntoIterator<Item = (&'s ObjectId, Option<&'s Observed>)>,
) -> BTreeSet<Named> {
    let mut names = BTreeSet::new();
    for (object, seen) in steps {
        names.extend(named(object));
        names.extend(
            seen.into_iter()
                .flat_map(|seen| &seen.locks)
                .map(|lock| Named { sql: lock.relation.clone(), function: None }),
        );
    }
    names
}

/// Whether nothing can be gone after it.
fn takes_nothing(batch: &Batch) -> bool {
    batch.items.iter().all(|item| {
        let operation = &item.action.operation;
        matches!(
            operation,
            Operation::Nothing | Operation::Validate | Operation::Backfill(_) | Operation::BuildIndex { .. }
        )
    })
}

/// Whether something can be there after it that was not.
fn makes_something(batch: &Batch) -> bool {
    batch.items.iter().any(|item| {
        let operation = &item.action.operation;
        !matches!(
            operation,
            Operation::Nothing | Operation::Validate | Operation::Backfill(_) | Operation::DropIndex { .. }
        )
    })
}

/// What others find while the steps run in one direction.
pub(super) struct Moments<'a> {
    /// What they find at the beginning.
    start: &'a Facts,
    /// What they find after batches, of what these make a difference to; with the last step of each.
    looks: Vec<(u32, BTreeSet<String>, Facts)>,
    /// What something is missing of.
    lacking: BTreeSet<String>,
    /// What relations had after some batch.
    parts: BTreeSet<ObjectId>,
}

impl<'a> Moments<'a> {
    /// Before the first batch.
    pub fn new(start: &'a Facts) -> Self {
        Self { start, looks: Vec::new(), lacking: BTreeSet::new(), parts: BTreeSet::new() }
    }

    /// Looks at what others find after this batch. `seen` is what each step did.
    pub async fn after(
        &mut self,
        session: &Session,
        batch: &Batch,
        seen: &[Observed],
    ) -> Result<(), ReadError> {
        let takes_nothing = takes_nothing(batch);
        let mut names = names(batch.items.iter().map(|item| (&item.object, seen.get(index(item.step)))));
        if makes_something(batch) {
            self.parts.extend(transient::parts(session, &names).await?);
        }
        names.retain(|Named { sql, .. }| {
            self.start.contains_key(sql) && (!takes_nothing || self.lacking.contains(sql))
        });
        let Some(last) = batch.items.last().filter(|_| !names.is_empty()) else { return Ok(()) };
        let found = look(session, &names).await?;
        let names: BTreeSet<String> = names.into_iter().map(|name| name.sql).collect();
        for (name, facts) in names.iter().filter_map(|name| Some((name, self.start.get(name)?))) {
            if found.get(name).is_some_and(|found| facts.is_subset(found)) {
                self.lacking.remove(name);
            } else {
                self.lacking.insert(name.clone());
            }
        }
        self.looks.push((last.step, names, found));
        Ok(())
    }

    /// Says of each step what is missing after it, that is there at the beginning and at the end. Returns what relations
    /// had meanwhile.
    pub fn finish(self, end: &Facts, seen: &mut [Observed]) -> BTreeSet<ObjectId> {
        let mut missing: BTreeMap<&Fact, u32> = BTreeMap::new();
        let nothing = BTreeSet::new();
        for (step, names, found) in &self.looks {
            for name in names {
                let (start, end) = (self.start.get(name), end.get(name));
                let found = found.get(name).unwrap_or(&nothing);
                let promised =
                    start.into_iter().flatten().filter(|fact| end.is_some_and(|end| end.contains(*fact)));
                for fact in promised {
                    if !found.contains(fact) {
                        missing.entry(fact).or_insert(*step);
                    } else if let Some(since) = missing.remove(fact)
                        && let Some(seen) = seen.get_mut(index(since))
                    {
                        let (promise, what) = fact.clone();
                        seen.missing.push(Missing { what, promise, until: *step });
                    }
                }
            }
        }
        self.parts
    }
}

/// Where the step with this number is in the draft.
pub(super) fn index(step: u32) -> usize {
    usize::try_from(step).unwrap_or(1).saturating_sub(1)
}
