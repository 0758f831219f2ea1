//! What planning does on scratch: desired SQL becomes a catalog, live is built anew, texts are deparsed until stable.

use std::{cell::RefCell, collections::BTreeSet};

use super::{Inputs, PlanningError, part};
use crate::{
    catalog::{Catalog, Fingerprint},
    diff::Changes,
    graph,
    kind::Object,
    lower::{self, Context},
    name::{Kind, ObjectId, Pair},
    postgres::{DatabaseSettings, Scratch, ScratchDatabase, Session, names, server_words},
    rehearse::{self, AsLive},
    run::{self, Batch, Options},
    source::{
        desired::{self, LoadErrors, MissingRoles},
        live,
        rows::Rows,
    },
    sql::{self, Sql},
    step::Step,
};

/// The role that plans where there is no live.
const NOBODY: &str = "postgres";

/// How often a text is loaded and deparsed again before it must be stable.
const ROUNDS: usize = 3;

/// What decides on somebody else's server what SQL comes to: its version and settings, who we are, and the roles.
const SETUP: &str = "\
SELECT pg_catalog.md5(pg_catalog.string_agg(fact, ',' ORDER BY fact)) FROM ( \
  SELECT pg_catalog.format('%L=%L', name, reset_val) FROM pg_catalog.pg_settings \
  UNION ALL SELECT pg_catalog.format('%L %s', rolname, rolsuper) FROM pg_catalog.pg_roles \
  UNION ALL SELECT CURRENT_USER::text \
  UNION ALL SELECT pg_catalog.version()) AS facts (fact)";

pub(super) struct Workshop<'a> {
    inputs: &'a Inputs<'a>,
    settings: DatabaseSettings,
    role: String,
    /// The zone in which live reads times that name none.
    time_zone: String,
    /// Where live's code finds what it names without a schema.
    names: String,
    /// Live's cluster, where its role may ask for it.
    identifier: String,
    /// Roles that scratch is to have when its next database is made.
    roles: RefCell<BTreeSet<String>>,
}

impl<'a> Workshop<'a> {
    /// Learns of live what scratch must share with it.
    pub async fn open(inputs: &'a Inputs<'a>, live: &Catalog) -> Result<Self, PlanningError> {
        let settings = DatabaseSettings::of(inputs.live)
            .await
            .map_err(|source| PlanningError::Query { what: "its encoding and locale", source })?;
        let mut role = text(inputs.live, "SELECT current_user::text", "its role").await?;
        if inputs.scratch.is_admin(inputs.live) && !inputs.scratch.is_shadow() {
            NOBODY.clone_into(&mut role);
        }
        // only superusers may ask; where we may not, scratch is another cluster unless it says it is not
        let identifier = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()";
        let identifier = text(inputs.live, identifier, "its identity").await.unwrap_or_default();
        let zone = "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'";
        let time_zone = text(inputs.live, zone, "its time zone").await?;
        let names = names::of_live(inputs.live);
        let names = names.await.map_err(|source| PlanningError::Query { what: "its search_path", source })?;
        Ok(Self { inputs, settings, role, time_zone, names, identifier, roles: RefCell::new(live.roles()) })
    }

    /// The role that plans, and that is expected to apply.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Live's time zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// What a rehearsal has from live's sessions.
    pub fn as_live(&self) -> AsLive<'_> {
        AsLive { time_zone: &self.time_zone, names: &self.names }
    }

    /// Whether scratch is live's own cluster, with live's roles. Where there is no live, scratch stands in for it, and
    /// has no roles of anybody's.
    fn is_same_cluster(&self, scratch: &Scratch) -> bool {
        let same = if scratch.is_shadow() {
            self.identifier == scratch.system_identifier()
        } else {
            scratch.is_place_of(self.inputs.live)
        };
        same && !self.inputs.scratch.is_admin(self.inputs.live)
    }

    /// An empty database in which live's role is the one that creates.
    async fn database(&self) -> Result<ScratchDatabase, PlanningError> {
        let scratch = self.inputs.scratch.get().await?;
        let same_cluster = self.is_same_cluster(scratch);
        let roles = self.roles.take().into_iter().filter(|_| !same_cluster);
        let database = if same_cluster || scratch.is_shadow() {
            for role in roles {
                scratch.create_role(&role).await?;
            }
            let database = scratch.create_database(&self.settings).await?;
            let own = text(database.session(), "SELECT current_user::text", "its role").await?;
            if own != self.role && !same_cluster && database.session().is_superuser() {
                scratch.create_role(&self.role).await?;
                let role = sql::ident(&self.role);
                let act = format!("ALTER ROLE {role} SUPERUSER; SET SESSION AUTHORIZATION {role}");
                execute(database.session(), &act, "the role on scratch").await?;
            }
            database
        } else {
            scratch.create_database_of(&self.role, roles, &self.settings).await?
        };
        // what is read as a time means the same here as on live, whatever resets the session's settings
        let zone = sql::literal(&self.time_zone);
        let set = format!("ALTER DATABASE {} SET TimeZone TO {zone}", sql::ident(database.name()));
        execute(scratch.admin(), &set, "the time zone on scratch").await?;
        execute(database.session(), &format!("SET TimeZone TO {zone}"), "the time zone on scratch").await?;
        Ok(database)
    }

    /// What is compared of what the desired SQL means.
    pub async fn elaborate(&mut self, live: &Catalog) -> Result<Catalog, PlanningError> {
        Ok(self.inputs.compared(self.elaborate_all(live).await?))
    }

    /// What the desired SQL means. Where it refers to schemas and extensions of live that it does not declare, those
    /// are loaded first.
    async fn elaborate_all(&mut self, live: &Catalog) -> Result<Catalog, PlanningError> {
        if let Some(other) = self.inputs.other {
            return Ok(live::read(other).await?);
        }
        let key = self.key().await?;
        let kept = key.as_ref().zip(self.inputs.kept);
        let ignored = self.inputs.live.ignored_options();
        if let Some(catalog) = kept.and_then(|(key, kept)| kept.get(key, ignored)) {
            self.roles.get_mut().extend(catalog.roles());
            return Ok(catalog);
        }
        let scratch = self.inputs.scratch.get().await?;
        let same_cluster = self.is_same_cluster(scratch);
        let missing = if same_cluster {
            MissingRoles::Refuse
        } else if scratch.is_shadow() {
            MissingRoles::Create
        } else {
            let named = self.inputs.desired.roles.iter().filter(|role| !role.starts_with("pg_"));
            self.roles.get_mut().extend(named.cloned());
            MissingRoles::ByName
        };
        let database = self.database().await?;
        let session = database.session();
        match desired::load(session, self.inputs.desired, missing).await {
            Ok(loaded) => {
                track(scratch, &loaded.created_roles);
                let mut rows = live::rows(session).await?;
                let catalog = live::assemble(&mut rows, ignored)?;
                if let Some((key, kept)) = kept {
                    kept.put(key, &rows);
                }
                scratch.drop_database(database).await?;
                Ok(catalog)
            }
            Err(error @ LoadErrors::Rejected { .. }) => {
                if let LoadErrors::Rejected { created_roles, .. } = &error {
                    track(scratch, created_roles);
                }
                let context = Self::context(live, &live::read_scratch(session).await?);
                scratch.drop_database(database).await?;
                if context.objects.is_empty() {
                    return Err(error.into());
                }
                let database = self.database().await?;
                self.build(database.session(), &context).await?;
                let result = desired::load(database.session(), self.inputs.desired, missing).await;
                // what is still wrong was wrong before, too
                result.map_err(|_| error)?;
                let catalog = live::read(database.session()).await?;
                scratch.drop_database(database).await?;
                Ok(catalog)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What the desired catalog depends on, if all of that is known. What refers to objects of live that it does not
    /// declare fails to load, and is never kept.
    async fn key(&self) -> Result<Option<Fingerprint>, PlanningError> {
        if self.inputs.kept.is_none() {
            return Ok(None);
        }
        let server = if self.inputs.scratch.is_shadow() {
            // somebody else's may be set up anew at any time
            let scratch = self.inputs.scratch.get().await?;
            let setup = text(scratch.admin(), SETUP, "how scratch is set up").await?;
            format!("{} {setup} {}", scratch.system_identifier(), self.is_same_cluster(scratch))
        } else {
            let programs = self.inputs.scratch.programs();
            if programs.is_empty() {
                return Ok(None);
            }
            format!("{programs:?}")
        };
        let mut extensions = String::new();
        if self.inputs.desired.has_extensions() {
            let query = "SELECT pg_catalog.string_agg(name || ' ' || default_version, ',' ORDER BY name) \
                         FROM pg_catalog.pg_available_extensions";
            let scratch = self.inputs.scratch.get().await?;
            extensions = text(scratch.admin(), query, "the extensions on scratch").await?;
        }
        let Self { settings, role, time_zone, .. } = self;
        let version = env!("CARGO_PKG_VERSION");
        let (desired, queries) = (self.inputs.desired.fingerprint(), Rows::version());
        Ok(Some(Fingerprint::of(format!(
            "{version}\0{queries}\0{server}\0{settings:?}\0{role}\0{time_zone}\0{extensions}\0{desired}"
        ))))
    }

    /// Of live: extensions and schemas that the desired SQL did not make.
    fn context(live: &Catalog, made: &Catalog) -> Catalog {
        let declared: BTreeSet<&str> = made
            .objects
            .keys()
            .filter(|id| id.kind != Kind::Schema || id.path.last() != "public")
            .filter_map(ObjectId::schema)
            .collect();
        live.filtered(|id| match id.schema() {
            Some(schema) => schema != "public" && !declared.contains(schema),
            None => id.kind == Kind::Extension && !made.objects.contains_key(id),
        })
    }

    /// Live, built anew from its catalog, and what that database says it is. `prove`: it must say the same, but for
    /// texts that PostgreSQL prints differently the second time.
    pub async fn clone_of(
        &self,
        catalog: &Catalog,
        prove: bool,
    ) -> Result<(ScratchDatabase, Catalog), PlanningError> {
        match self.rebuild(catalog, prove).await {
            Err(error @ PlanningError::Rebuild { .. }) => {
                Err(self.options_of_the_server(catalog).await?.unwrap_or(error))
            }
            result => result,
        }
    }

    /// Whether a catalog cannot be rebuilt for nothing but options that the server sets by itself: scratch refuses them, or
    /// has others after they were set.
    async fn options_of_the_server(&self, catalog: &Catalog) -> Result<Option<PlanningError>, PlanningError> {
        let mut ignored = BTreeSet::new();
        loop {
            let wanted = catalog.without_options(&ignored);
            let database = self.database().await?;
            let found = match self.build(database.session(), &wanted).await {
                Err(PlanningError::Rebuild { why }) => wanted.options_unknown_in(&why),
                Err(error) => return Err(error),
                Ok(()) => {
                    let read = live::read_scratch(database.session()).await?.without_options(&ignored);
                    let (read, wanted) = (read.without_texts(), wanted.without_texts());
                    if read.objects == wanted.objects {
                        self.inputs.scratch.get().await?.drop_database(database).await?;
                        return Ok(PlanningError::server_options(catalog, &ignored));
                    }
                    wanted.options_other_than(&read)
                }
            };
            self.inputs.scratch.get().await?.drop_database(database).await?;
            let known = ignored.len();
            ignored.extend(found);
            if ignored.len() == known {
                return Ok(None);
            }
        }
    }

    async fn rebuild(
        &self,
        catalog: &Catalog,
        prove: bool,
    ) -> Result<(ScratchDatabase, Catalog), PlanningError> {
        let mut wanted = catalog.clone();
        let mut rounds = 0;
        loop {
            let database = self.database().await?;
            self.build(database.session(), &wanted).await?;
            let read = live::read_scratch(database.session()).await?;
            rounds += 1;
            if read.objects == wanted.objects {
                return Ok((database, read));
            }
            if prove {
                let wrong = rehearse::differences(&read.without_texts(), &wanted.without_texts());
                if !wrong.is_empty() {
                    return Err(PlanningError::Rebuild { why: wrong.join("; ") });
                }
            }
            if rounds > ROUNDS {
                let why = rehearse::differences(&read, &wanted).join("; ");
                return Err(PlanningError::Rebuild { why: format!("its texts do not become stable: {why}") });
            }
            self.inputs.scratch.get().await?.drop_database(database).await?;
            wanted = read;
        }
    }

    /// The desired catalog with its texts as PostgreSQL prints them when they are stable. Those that are as in a
    /// catalog that was deparsed until stable are, so that only the others are loaded, with what they need.
    pub async fn normalised(&self, wanted: &Catalog, stable: &Catalog) -> Result<Catalog, PlanningError> {
        let other = wanted.objects.iter().filter(|(id, object)| stable.objects.get(*id) != Some(*object));
        let texts: Vec<&ObjectId> =
            other.filter(|(_, object)| object.has_texts()).map(|(id, _)| id).collect();
        if texts.is_empty() {
            return Ok(wanted.clone());
        }
        let (database, mut read) = self.clone_of_part(wanted, texts.into_iter()).await?;
        for (id, object) in &mut read.objects {
            // without the partitions beside it a default one takes more
            if let (Object::Attachment(read), Some(Object::Attachment(all))) =
                (object, wanted.objects.get(id))
            {
                read.implied = all.implied.clone();
            }
        }
        self.inputs.scratch.get().await?.drop_database(database).await?;
        let mut catalog = wanted.clone();
        catalog.objects.extend(read.objects);
        catalog.needs.extend(read.needs);
        Ok(catalog)
    }

    /// The catalog after these steps, which are undone again.
    pub async fn after(&self, clone: &ScratchDatabase, steps: &[Step]) -> Result<Catalog, PlanningError> {
        self.run(clone, steps).await?;
        let catalog = live::read_scratch(clone.session()).await?;
        self.undo(clone, steps).await?;
        Ok(catalog)
    }

    /// Runs these steps on a clone.
    pub async fn run(&self, clone: &ScratchDatabase, steps: &[Step]) -> Result<(), PlanningError> {
        let session = clone.session();
        let pinned = run::settings::pin(session, run::settings::Place::Rehearsal).await;
        pinned.map_err(|source| PlanningError::Query { what: "its settings", source })?;
        self.set_zone(session).await?;
        self.run_all(clone, &Batch::forward(steps)).await
    }

    /// Undoes them.
    pub async fn undo(&self, clone: &ScratchDatabase, steps: &[Step]) -> Result<(), PlanningError> {
        self.run_all(clone, &Batch::backward(steps)).await
    }

    async fn run_all(&self, clone: &ScratchDatabase, batches: &[Batch]) -> Result<(), PlanningError> {
        let failed = |source| rehearse::RehearsalError::Run { direction: "on the way there", source };
        let options = Options::single().finding(&self.names);
        for batch in batches {
            run::run(clone.session(), batch, &options, &mut run::Unobserved).await.map_err(failed)?;
        }
        Ok(())
    }

    /// These objects with all that they need, built anew.
    async fn clone_of_part<'c>(
        &self,
        catalog: &'c Catalog,
        ids: impl Iterator<Item = &'c ObjectId>,
    ) -> Result<(ScratchDatabase, Catalog), PlanningError> {
        let part = catalog.only(&part::with_needs(catalog, ids));
        match self.clone_of(&part, true).await {
            Ok(made) => Ok(made),
            // part of a schema may not stand by itself
            Err(error) => {
                tracing::debug!("{error}");
                self.clone_of(catalog, true).await
            }
        }
    }

    /// What these objects of a catalog would be after these steps, and what they are before them as PostgreSQL says it.
    pub async fn renamed(
        &self,
        catalog: &Catalog,
        ids: &BTreeSet<ObjectId>,
        steps: &[Step],
    ) -> Result<Pair<Catalog>, PlanningError> {
        let known = ids.iter().filter_map(|id| catalog.objects.get_key_value(id).map(|(id, _)| id));
        let (database, read) = self.clone_of_part(catalog, known).await?;
        let renamed = self.after(&database, steps).await?;
        self.inputs.scratch.get().await?.drop_database(database).await?;
        Ok(Pair::new(read, renamed))
    }

    /// Fills those materialized views of a clone that others read which come or change: what was never filled cannot
    /// be read. A query that fails there says so when it is needed.
    pub async fn fill(&self, clone: &ScratchDatabase, catalogs: Pair<&Catalog>, changes: &Changes) {
        let changed: Vec<&ObjectId> = changes.keys().filter(|id| id.kind == Kind::MaterializedView).collect();
        let mut read = BTreeSet::new();
        for catalog in [catalogs.before, catalogs.after] {
            let there = changed.iter().copied().filter(|id| catalog.objects.contains_key(*id));
            read.extend(part::with_needs(catalog, there));
        }
        self.fill_these(clone, catalogs.before, read).await;
    }

    /// Fills all materialized views of a clone.
    pub async fn fill_all(&self, clone: &ScratchDatabase, catalog: &Catalog) {
        self.fill_these(clone, catalog, catalog.objects.keys().cloned().collect()).await;
    }

    async fn fill_these(&self, clone: &ScratchDatabase, catalog: &Catalog, read: BTreeSet<ObjectId>) {
        // one may read the other by way of a view
        let read: Vec<&ObjectId> = read.iter().filter(|id| catalog.objects.contains_key(*id)).collect();
        let views = graph::by_need(catalog, &read);
        for id in views.into_iter().filter(|id| id.kind == Kind::MaterializedView) {
            let refresh = format!("REFRESH MATERIALIZED VIEW {}", id.sql());
            if let Err(error) = clone.session().client().batch_execute(&refresh).await {
                tracing::debug!("{id} is not filled on scratch: {}", server_words(&error));
            }
        }
    }

    /// Live's time zone, which reading a catalog resets.
    pub async fn set_zone(&self, session: &Session) -> Result<(), PlanningError> {
        let set = format!("SET TimeZone TO {}", sql::literal(&self.time_zone));
        execute(session, &set, "the time zone on scratch").await
    }

    /// Makes an empty database into one that has this catalog.
    async fn build(&self, session: &Session, catalog: &Catalog) -> Result<(), PlanningError> {
        let (role, major) = (self.role.clone(), session.major());
        let context = Context { role, major, alone: true, rowless: true, ..Context::default() };
        let public = ObjectId::new(Kind::Schema, ["public"]);
        let has_public = catalog.objects.contains_key(&public);
        let mut statements = vec![
            Sql::new("SET search_path TO ''"),
            Sql::new("SET check_function_bodies TO off"),
            // a schema that came after the first reading would have the server plan every query again
            Sql::new("CREATE SCHEMA trueup"),
        ];
        if !has_public {
            statements.push(Sql::new("DROP SCHEMA public"));
        }
        statements.extend(own_functions(catalog));
        statements.extend(own_sequences(catalog));
        let made = Sql::new("CREATE SCHEMA public");
        statements.extend(lower::creation(catalog, &context)?.into_iter().filter(|sql| *sql != made));
        // a schema may come with its extension
        run_all(session, &statements).await
    }
}

/// The sequences that columns count with while a plan is between its phases: the schema that they are in is never read.
fn own_sequences(catalog: &Catalog) -> Vec<Sql> {
    const BEGIN: &str = "nextval('trueup.";
    let used = catalog.objects.values().filter_map(|object| match object {
        Object::Default(default) => {
            let rest = &default.expression[default.expression.find(BEGIN)? + BEGIN.len()..];
            Some(&rest[..rest.find('\'')?])
        }
        _ => None,
    });
    let used: BTreeSet<&str> = used.collect();
    used.into_iter().map(|name| Sql::new(format!("CREATE SEQUENCE trueup.{name}"))).collect()
}

/// What triggers of plans between their phases call: the schema that it is in is never read.
fn own_functions(catalog: &Catalog) -> Vec<Sql> {
    let called = catalog.objects.values().filter_map(|object| match object {
        Object::Trigger(trigger) => {
            let at = trigger.definition.rfind(" EXECUTE FUNCTION trueup.")? + " EXECUTE FUNCTION ".len();
            Some(&trigger.definition[at..])
        }
        _ => None,
    });
    let called: BTreeSet<&str> = called.collect();
    let create = |function: &str| {
        Sql::new(format!(
            "CREATE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        ))
    };
    called.into_iter().map(create).collect()
}

/// Runs statements one after the other, all in one transaction.
async fn run_all(session: &Session, statements: &[Sql]) -> Result<(), PlanningError> {
    if session.execute_all(statements).await.is_ok() {
        return Ok(());
    }
    // again, to say which one it was
    for sql in statements {
        session.execute(sql.as_str()).await.map_err(|error| {
            let said = server_words(&error);
            PlanningError::Rebuild { why: format!("`{sql}`: {said}") }
        })?;
    }
    Ok(())
}

/// Roles that loading made go with scratch.
fn track(scratch: &Scratch, roles: &[String]) {
    for role in roles {
        scratch.track_role(role);
    }
}

/// A catalog in which the managed part has become another.
pub(super) fn with(all: &Catalog, managed: &Catalog, wanted: &Catalog) -> Catalog {
    let mut objects = all.objects.clone();
    objects.retain(|id, _| !managed.objects.contains_key(id));
    objects.extend(wanted.objects.iter().map(|(id, object)| (id.clone(), object.clone())));
    let needs = all.needs.union(&wanted.needs).cloned().collect();
    Catalog { objects, needs, unmanaged: all.unmanaged.clone() }
}

async fn text(session: &Session, query: &str, what: &'static str) -> Result<String, PlanningError> {
    let rows = session.client().query_typed(query, &[]).await;
    let rows = rows.map_err(|source| PlanningError::Query { what, source })?;
    Ok(rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default())
}

async fn execute(session: &Session, statement: &str, what: &'static str) -> Result<(), PlanningError> {
    let result = session.client().batch_execute(statement).await;
    result.map_err(|source| PlanningError::Query { what, source })
}
