//! `@convert`: how the values of a column whose type changes become values of the new type, and back; and whether both
//! types are there for a while.
//!
//! PostgreSQL reads the expressions on the clone of live, in a transaction that is taken back: over a row like the
//! table's, and over one in which the column has its new type already.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    PlanningError,
    annotated::{column_of, family, in_partition_key, is_pending},
    part,
    workshop::Workshop,
};
use crate::{
    annotation::{Annotation, How as Way, Instruction},
    catalog::Catalog,
    diff::{Changes, How},
    kind::{Column, Object, column::through_text, constraint::ConstraintType},
    lower::{self, Context, Conversion, Twins, Value},
    name::{Kind, ObjectId, Pair},
    postgres::{ScratchDatabase, Session, server_words},
    sql::{self, Sql},
    step::{Action, Phase, Step, Verb},
};

/// The conversions that annotations ask for, of columns that change. `catalogs` are live's clone after the renames and what
/// is wanted, `base` is the clone as it is: there the expressions are read.
pub(super) async fn read(
    annotations: &[Annotation],
    base: &Catalog,
    catalogs: Pair<&Catalog>,
    changes: &Changes,
    clone: &Session,
    workshop: &Workshop<'_>,
) -> Result<BTreeMap<ObjectId, Conversion>, PlanningError> {
    let mut conversions = BTreeMap::new();
    let mut refused = Vec::new();
    for annotation in annotations {
        let Instruction::Convert { using, back, how } = &annotation.instruction else { continue };
        let Some(column) = column_of(annotation).filter(|column| is_pending(column, changes)) else {
            continue;
        };
        let pair = Pair::new(catalogs.before.objects.get(&column), catalogs.after.objects.get(&column));
        let (Some(Object::Column(old)), Some(Object::Column(new))) = (pair.before, pair.after) else {
            continue;
        };
        // a conversion that is done, or that another change of the column is beside
        if old.data_type == new.data_type {
            continue;
        }
        if !base.objects.contains_key(&column) {
            return Err(PlanningError::Annotation {
                at: annotation.at.to_string(),
                why: format!("@convert: {column} gets its name by the same plan; rename it in a plan before"),
            });
        }
        let reading = Reading { annotation, column: &column, old, new, catalogs, clone };
        let value = reading.values(using, back.as_deref(), workshop.time_zone()).await?;
        let online = *how != Some(Way::Instant) && reading.rewrites(&value.after).await?;
        if let Some(why) = reading.obstacle(changes).filter(|_| online) {
            refused.push(format!("{}: {column}: {why}", annotation.at));
            continue;
        }
        let types = Pair::new(old.data_type.clone(), new.data_type.clone());
        conversions.insert(column, Conversion { types, value, online });
    }
    if refused.is_empty() { Ok(conversions) } else { Err(PlanningError::NotConvertible(refused)) }
}

/// The columns that another one takes the place of, also in partitions.
pub(super) fn replaced(
    conversions: &BTreeMap<ObjectId, Conversion>,
    live: &Catalog,
) -> BTreeMap<ObjectId, How> {
    let online = conversions.iter().filter(|(_, conversion)| conversion.online);
    online.flat_map(|(id, _)| family(id, live)).map(|id| (id, How::Replace)).collect()
}

/// The indexes and keys over columns that are converted online, as PostgreSQL says them of the columns beside.
pub(super) async fn twins(
    conversions: &BTreeMap<ObjectId, Conversion>,
    changes: &Changes,
    catalogs: Pair<&Catalog>,
    clone: &ScratchDatabase,
    workshop: &Workshop<'_>,
) -> Result<Twins, PlanningError> {
    let columns: BTreeSet<&ObjectId> =
        conversions.iter().filter(|(_, conversion)| conversion.online).map(|(id, _)| id).collect();
    let everywhere: BTreeSet<ObjectId> =
        columns.iter().flat_map(|column| family(column, catalogs.before)).collect();
    let over =
        |id: &ObjectId, catalog: &Catalog| catalog.needs_of(id).any(|need| everywhere.contains(&need.to));
    // that of a partitioned table is made of those of the partitions
    let is_built = |object: &Option<Object>| match object {
        Some(Object::Index(index)) => !index.partitioned,
        Some(Object::Constraint(key)) => key.has_index() && !key.lineage.partition,
        _ => false,
    };
    let changed = changes.values().filter(|change| change.how == How::Replace);
    let ids: BTreeSet<ObjectId> = changed
        .filter(|change| is_built(&change.object.before) && is_built(&change.object.after))
        .map(|change| &change.id)
        .filter(|id| over(id, catalogs.before) && over(id, catalogs.after))
        .cloned()
        .collect();
    // only their tables are built
    let is_under = |column: &&ObjectId| {
        let family = family(column, catalogs.before);
        ids.iter().any(|id| catalogs.after.needs_of(id).any(|need| family.contains(&need.to)))
    };
    let columns: BTreeSet<&ObjectId> = columns.into_iter().filter(is_under).collect();
    if columns.is_empty() {
        return Ok(Twins::new());
    }
    let there = workshop
        .renamed(catalogs.after, &ids, &steps(&columns, |id| lower::Conversion::beside(id).after))
        .await?
        .after;
    let back = workshop.after(clone, &steps(&columns, |id| lower::Conversion::beside(id).before)).await?;
    let twins = ids.into_iter().filter_map(|id| {
        let pair = Pair::new(back.objects.get(&id)?.clone(), there.objects.get(&id)?.clone());
        Some((id, pair))
    });
    Ok(twins.collect())
}

/// The columns under the names of those beside.
fn steps(columns: &BTreeSet<&ObjectId>, name: impl Fn(&ObjectId) -> String) -> Vec<Step> {
    let rename = |id: &ObjectId, from: &str, to: &str| {
        let (table, from, to) = (id.relation_sql(), sql::ident(from), sql::ident(to));
        Action::catalog(vec![Sql::new(format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"))])
    };
    let step = |id: &&ObjectId| {
        let (own, beside) = (id.path.last(), name(id));
        Step {
            phase: Phase::Expand,
            verb: Verb::Rename,
            object: (*id).clone(),
            summary: String::new(),
            run: rename(id, own, &beside),
            undo: rename(id, &beside, own),
            batch: 1,
            with: None,
        }
    };
    columns.iter().map(step).collect()
}

/// One annotation on its column.
struct Reading<'a> {
    annotation: &'a Annotation,
    column: &'a ObjectId,
    old: &'a Column,
    new: &'a Column,
    catalogs: Pair<&'a Catalog>,
    clone: &'a Session,
}

impl Reading<'_> {
    fn wrong(&self, why: String) -> PlanningError {
        PlanningError::Annotation { at: self.annotation.at.to_string(), why: format!("@convert: {why}") }
    }

    /// Both ways. Without `back=` a cast leads back, if there is one.
    async fn values(
        &self,
        using: &str,
        back: Option<&str>,
        time_zone: &str,
    ) -> Result<Pair<Value>, PlanningError> {
        let (old, new) = (&self.old.data_type, &self.new.data_type);
        let there = self.value(using, false, time_zone).await;
        let after = there.map_err(|why| self.wrong(format!("using={using}: {why}")))?;
        let missing =
            |why: String| self.wrong(format!("say with back=… how {new} becomes {old} again: {why}"));
        let before = if let Some(back) = back {
            let before = self.value(back, true, time_zone).await;
            before.map_err(|why| self.wrong(format!("back={back}: {why}")))?
        } else {
            // only a cast has a cast as its way back
            let cast = |from: &Column, to: &Column| {
                let through = through_text(&from.facts.plain_type, &to.facts.plain_type);
                format!("{}{through}", self.column.sql())
            };
            let plain = self.read(&cast_to(new, &cast(self.old, self.new)), false).await;
            if plain.is_ok_and(|plain| plain == after.cast) {
                self.value(&cast(self.new, self.old), true, time_zone).await.map_err(missing)?
            } else {
                return Err(missing(format!("using={using} is no cast of the column")));
            }
        };
        Ok(Pair::new(before, after))
    }

    /// An expression over a row of the table, as a value of the column: with its old type if it is converted, else with
    /// its new one.
    async fn value(&self, expression: &str, converted: bool, time_zone: &str) -> Result<Value, String> {
        let to = if converted { self.old } else { self.new };
        let cast = self.read(&cast_to(&to.data_type, expression), converted).await?;
        let settings = self.settings(&cast, converted, time_zone).await;
        let assigned = self.read(expression, converted).await?;
        if self.is_assigned(&assigned, to, converted).await.is_ok() {
            return Ok(Value { cast, assigned, settings });
        }
        // there is only a cast that has to be asked for: to the type as such, and a length is none of its
        let assigned = self.read(&cast_to(&to.facts.plain_type, expression), converted).await?;
        let has_length = to.facts.plain_type != to.data_type;
        if has_length && matches!(to.facts.plain_type.trim_end_matches("[]"), "bit" | "character") {
            return Err(format!("this has to be cast to {}, which may cut it", to.data_type));
        }
        self.is_assigned(&assigned, to, converted).await?;
        Ok(Value { cast, assigned, settings })
    }

    /// The expression as PostgreSQL says it, with every name qualified but those of columns: what stands behind USING is
    /// read again for each inheritor. It may hold neither sub-selects nor sets, and a check may hold what is left.
    async fn read(&self, expression: &str, converted: bool) -> Result<String, String> {
        let client = self.clone.client();
        let (begin, row) = (self.row(converted), self.row_name());
        let check = format!(
            "{begin}; ALTER TABLE {row} ADD COLUMN trueup_probe integer; \
             ALTER TABLE {row} ALTER COLUMN trueup_probe TYPE boolean USING ({expression}) IS NULL; \
             ALTER TABLE {row} ADD CONSTRAINT trueup_said CHECK (({expression}) IS NOT NULL); \
             SET LOCAL search_path TO ''"
        );
        let words = |error: tokio_postgres::Error| server_words(&error);
        let read = async {
            client.batch_execute(&check).await.map_err(words)?;
            let said = "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
                        WHERE conname = 'trueup_said' AND conrelid = $1::text::regclass";
            let text: String =
                client.query_one(said, &[&row]).await.and_then(|row| row.try_get(0)).map_err(words)?;
            let said = text.strip_prefix('(').and_then(|text| text.strip_suffix(" IS NOT NULL)"));
            said.map(str::to_owned).ok_or_else(|| "the expression cannot be read back".to_owned())
        };
        let said = read.await;
        self.take_back().await;
        said
    }

    /// Whether PostgreSQL assigns it to a column of the type, and says which values do not fit instead of cutting them.
    async fn is_assigned(&self, said: &str, to: &Column, converted: bool) -> Result<(), String> {
        let alter = format!("{}; {}", self.row(converted), self.alter(to, said));
        let assigned = self.clone.client().batch_execute(&alter).await;
        self.take_back().await;
        assigned.map_err(|error| server_words(&error))
    }

    /// What the value hangs on, where it is not always the same.
    async fn settings(&self, said: &str, converted: bool, time_zone: &str) -> Vec<(&'static str, String)> {
        let client = self.clone.client();
        let (begin, row) = (self.row(converted), self.row_name());
        let index = format!("CREATE INDEX ON {row} ((({said}) IS NULL))");
        let immutable = client.batch_execute(&format!("{begin}; {index}")).await.is_ok();
        self.take_back().await;
        let settings = [("TimeZone", time_zone), ("DateStyle", "ISO, MDY"), ("IntervalStyle", "postgres")];
        let settings = if immutable { &[][..] } else { &settings[..] };
        settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    /// Whether PostgreSQL would write every row anew, or read it, to change the type so.
    async fn rewrites(&self, value: &Value) -> Result<bool, PlanningError> {
        let row = self.row_name();
        let file = format!(
            "SELECT pg_catalog.pg_relation_filenode({}::pg_catalog.regclass)::text",
            sql::literal(&row)
        );
        let alter = self.alter(self.new, &value.assigned);
        let client = self.clone.client();
        let probe = async {
            client.batch_execute(&self.row(false)).await?;
            let before: String = client.query_one(&file, &[]).await?.try_get(0)?;
            client.batch_execute(&alter).await?;
            let after: String = client.query_one(&file, &[]).await?.try_get(0)?;
            Ok::<_, tokio_postgres::Error>(before != after)
        };
        let probed = probe.await;
        self.take_back().await;
        probed.map_err(|error| self.wrong(server_words(&error)))
    }

    /// Begins a transaction in which there is a table like the column's, and the new type.
    fn row(&self, converted: bool) -> String {
        // event triggers find what they name, too
        let search = format!("SET LOCAL search_path TO {}, public", sql::ident(self.column.path.part(0)));
        let mut all = vec!["BEGIN".to_owned(), search];
        all.extend(self.new_types().iter().map(|sql| sql.as_str().to_owned()));
        let row = self.row_name();
        all.push(format!("CREATE TEMPORARY TABLE {row} (LIKE {})", self.column.relation_sql()));
        if converted {
            all.push(self.alter(self.new, "NULL"));
        }
        all.join("; ")
    }

    /// Gives the column of the table another type.
    fn alter(&self, to: &Column, using: &str) -> String {
        let (row, column, to) = (self.row_name(), self.column.sql(), type_of(to));
        format!("ALTER TABLE {row} ALTER COLUMN {column} TYPE {to} USING {using}")
    }

    /// A table that is called as the column's is.
    fn row_name(&self) -> String {
        sql::qualified(&["pg_temp", self.column.path.part(1)])
    }

    /// What creates the types that the column needs and that are not there yet.
    fn new_types(&self) -> Vec<Sql> {
        let Pair { before, after } = self.catalogs;
        let needed = after.needs_of(self.column).map(|need| &need.to).filter(|id| id.relation().is_none());
        let mut part =
            part::with_needs(after, needed.filter(|id| id.kind != Kind::Table && id.kind != Kind::Schema));
        part.retain(|id| !before.objects.contains_key(id));
        let mut wanted = before.clone();
        wanted.objects.extend(after.only(&part).objects);
        wanted.needs.extend(after.needs.iter().filter(|need| part.contains(&need.from)).cloned());
        let catalogs = Pair::new(before, &wanted);
        let changes = crate::diff::diff(catalogs);
        let statements = changes.ok().and_then(|changes| {
            let context = Context { major: self.clone.major(), ..Context::default() };
            lower::statements(catalogs, &changes, &context).ok()
        });
        statements.unwrap_or_default()
    }

    async fn take_back(&self) {
        if !self.clone.is_closed() {
            // nothing of it is to stay
            let _ = self.clone.client().batch_execute("ROLLBACK").await;
        }
    }

    /// Why both types cannot be there at once.
    fn obstacle(&self, changes: &Changes) -> Option<String> {
        let Pair { before: live, after: wanted } = self.catalogs;
        let table = self.column.relation()?;
        let Some(Object::Table(definition)) = live.objects.get(&table) else {
            return Some("its table is not there under this name; rename it in a plan of its own".to_owned());
        };
        let (old, new) = (self.old, self.new);
        let attachment = ObjectId { kind: Kind::Attachment, path: table.path.clone() };
        if live.objects.contains_key(&attachment) || !definition.inherits.is_empty() {
            return Some(
                "its table is a partition or an inheritor; say it of the whole, or of the parent".to_owned(),
            );
        }
        let family = family(self.column, live);
        let is_partition = |copy: &ObjectId| {
            let attachment = ObjectId::new(Kind::Attachment, copy.path.parts()[..2].to_vec());
            live.objects.contains_key(&attachment)
        };
        let tables: Vec<_> = family.iter().map(|copy| copy.path.parts()[..2].to_vec()).collect();
        for copy in &family[1..] {
            // a partition's column counts with the whole's sequence
            let said = |id: &ObjectId, catalog: &Catalog| match catalog.objects.get(id) {
                Some(Object::Column(column)) => Some(Column { identity: None, ..column.clone() }),
                _ => None,
            };
            let alike = |catalog: &Catalog| said(copy, catalog) == said(self.column, catalog);
            let only_from_here = |catalog: &Catalog| match catalog.objects.get(copy) {
                Some(Object::Column(Column { lineage, .. })) => {
                    lineage.inherited && lineage.parents.iter().all(|parent| tables.contains(parent))
                }
                _ => false,
            };
            if !(is_partition(copy) || only_from_here(live) && only_from_here(wanted)) {
                return Some(format!("{copy} is not only what it has from there"));
            }
            if !alike(live) || !alike(wanted) {
                return Some(format!("{copy} is not what it is in the whole"));
            }
            let counts = |catalog: &Catalog| matches!(catalog.objects.get(copy), Some(Object::Column(column)) if column.identity.is_some());
            if counts(live) || counts(wanted) {
                return Some(format!("{copy} has an identity of its own"));
            }
        }
        if in_partition_key(definition, self.column) {
            return Some("it may be in the partition key".to_owned());
        }
        if definition.of_type.is_some() || old.facts.foreign {
            return Some("the columns of this table are decided elsewhere".to_owned());
        }
        if old.generated.is_some() || new.generated.is_some() {
            return Some("PostgreSQL computes it".to_owned());
        }
        let domains = wanted
            .needs_of(self.column)
            .filter(|need| need.to.kind == Kind::Domain && !new.base_type.ends_with("[]"));
        if let Some(domain) = domains.map(|need| &need.to).find(|domain| refuses(domain, wanted)) {
            return Some(format!(
                "{domain} refuses values, and PostgreSQL writes a table anew that gets a column of it"
            ));
        }
        if old.identity.is_some() != new.identity.is_some() {
            return Some(
                "it becomes an identity column, or ceases to be one; do that in a plan of its own".to_owned(),
            );
        }
        for catalog in [live, wanted] {
            let users = catalog.needs.iter().filter(|need| family.contains(&need.to)).map(|need| &need.from);
            for user in users {
                let own = user.relation().is_some_and(|table| catalog.is_partitioned(&table));
                let scans = own && self.clone.major() < 18;
                let why = obstacle_of(user, catalog)
                    .or_else(|| obstacle_in_partitions(user, catalog).filter(|_| scans));
                if why.is_some() {
                    return why;
                }
            }
        }
        let triggers = live
            .objects
            .keys()
            .filter(|id| id.kind == Kind::Trigger && id.relation().as_ref() == Some(&table));
        for trigger in triggers {
            if trigger.path.last() >= "~trueup" {
                return Some(format!(
                    "the trigger {} would fire after the one that keeps it up",
                    trigger.sql()
                ));
            }
        }
        let renamed =
            changes.get(&table).is_some_and(|change| matches!(change.how, How::Replace | How::Drop));
        renamed.then(|| "its table is replaced by the same plan".to_owned())
    }
}

fn cast_to(data_type: &str, expression: &str) -> String {
    format!("({expression})::{data_type}")
}

/// The type as ALTER COLUMN has it.
fn type_of(column: &Column) -> String {
    let collate = column.collation.as_ref().map(|name| format!(" COLLATE {name}")).unwrap_or_default();
    format!("{}{collate}", column.data_type)
}

/// Whether a domain, or one that it is made of, refuses any value of its type.
fn refuses(domain: &ObjectId, catalog: &Catalog) -> bool {
    let own =
        |id: &ObjectId| id.kind == Kind::DomainConstraint && id.path.parts().starts_with(domain.path.parts());
    let not_null = matches!(catalog.objects.get(domain), Some(Object::Domain(domain)) if domain.not_null);
    let under = catalog.needs_of(domain).map(|need| &need.to).filter(|id| id.kind == Kind::Domain);
    not_null || catalog.objects.keys().any(own) || under.into_iter().any(|domain| refuses(domain, catalog))
}

/// Why a foreign key of a partitioned table does not: before PostgreSQL 18 it could only come with a scan.
fn obstacle_in_partitions(user: &ObjectId, catalog: &Catalog) -> Option<String> {
    let Some(Object::Constraint(key)) = catalog.objects.get(user) else { return None };
    (key.contype == ConstraintType::ForeignKey).then(|| {
        format!("{user} is over it, of a partitioned table, and PostgreSQL before 18 adds none NOT VALID")
    })
}

/// Why what is over a column does not let another one take its place.
fn obstacle_of(user: &ObjectId, catalog: &Catalog) -> Option<String> {
    match catalog.objects.get(user)? {
        Object::Column(column) if column.generated.as_ref().is_some_and(|generated| generated.stored) => {
            Some(format!("{user} is computed from it, and would be computed anew under a strong lock"))
        }
        Object::Constraint(key)
            if key.contype == ConstraintType::Exclusion || key.has_index() && key.facts.temporal =>
        {
            Some(format!("{user} has no other way than to be built under a strong lock"))
        }
        _ => None,
    }
}
