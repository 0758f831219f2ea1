//! A server to rehearse on, with databases like live's, and nothing left of either afterwards.
//!
//! Where it comes from, in this order: the server behind `--shadow-url`; programs on this machine of the wanted
//! major version; programs downloaded once into the cache.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use super::binaries::{self, Binaries};
use super::cluster::{self, Account, Cluster, SUPERUSER, SUPERUSER_ASIDE};
use super::download;
use super::locale::DatabaseSettings;
use super::options::ScratchOptions;
use super::sandbox::Sandbox;
use super::scratch_error::{ScratchError, words};
use super::session::Session;
use super::shadow::Shadow;
use super::superuser::Superuser;
use super::target::Target;
use crate::sql;

/// A server whose databases nobody will miss.
///
/// [`Scratch::close`] removes everything and says if that failed. Without it, dropping this stops a server of our
/// own just the same; on a shadow server the databases are dropped by the keeper, or by the next user.
#[derive(Debug)]
pub struct Scratch {
    /// As superuser (on a shadow server: as the role of its URL), in the maintenance database.
    admin: Arc<Session>,
    target: Target,
    system_identifier: String,
    /// How a database is made from its template.
    strategy: &'static str,
    made: Cell<u32>,
    databases: RefCell<BTreeSet<String>>,
    roles: RefCell<BTreeSet<String>>,
    /// Whether the superuser has another name, for a role of live to have its own.
    aside: Cell<bool>,
    /// The roles that databases belong to.
    owners: RefCell<BTreeSet<String>>,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Cluster(Cluster, Binaries),
    Shadow(Shadow),
}

impl Scratch {
    /// Opens one. `progress` is told, in a few words each, about what takes longer: downloads, the first `initdb`.
    pub async fn open(options: &ScratchOptions, progress: &dyn Fn(&str)) -> Result<Self, ScratchError> {
        if let Some(major) = options.major.filter(|major| !binaries::SUPPORTED.contains(major)) {
            return Err(ScratchError::Unsupported(major));
        }
        if let Some(target) = &options.shadow {
            let admin = Session::connect(target).await?;
            if let Some(wanted) = options.major.filter(|major| *major != admin.major()) {
                let place = admin.place().to_owned();
                return Err(ScratchError::ShadowMajor { place, found: admin.major(), wanted });
            }
            let shadow = Shadow::open(&admin, options.shadow_keeper.as_deref()).await?;
            return Self::on(
                admin,
                target.ignoring_options(&options.ignored_options),
                Origin::Shadow(shadow),
            )
            .await;
        }
        options.check_cache()?;
        let account = Account::for_programs()?;
        reachable(&options.cache_dir, account.as_ref())?;
        let mut failed = None;
        for found in options.local.find(options.major) {
            match Self::start(found, options, account.as_ref(), progress).await {
                Ok(scratch) => return Ok(scratch),
                // An installation may be broken or incomplete; another one may do.
                Err(error @ (ScratchError::Initdb { .. } | ScratchError::Start { .. })) => {
                    tracing::debug!("{error}");
                    failed = failed.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        match download::binaries(options, progress) {
            Ok(found) => Self::start(found, options, account.as_ref(), progress).await,
            Err(error) => Err(failed.unwrap_or(error)),
        }
    }

    async fn start(
        found: Binaries,
        options: &ScratchOptions,
        account: Option<&Account>,
        progress: &dyn Fn(&str),
    ) -> Result<Self, ScratchError> {
        let template = cluster::template(&found, &options.cache_dir, account, progress)?;
        let (cluster, target, admin) = Cluster::start(&found, &template, options, account).await?;
        Self::on(admin, target.ignoring_options(&options.ignored_options), Origin::Cluster(cluster, found))
            .await
    }

    async fn on(admin: Session, target: Target, origin: Origin) -> Result<Self, ScratchError> {
        let system_identifier = value(&admin, IDENTIFIER).await?.unwrap_or_default();
        // half the work, and two checkpoints, which cost nothing where nothing is synced
        let synced = value(&admin, "SHOW fsync").await?.is_none_or(|fsync| fsync != "off");
        let strategy = if admin.major() >= 15 && !synced { " STRATEGY file_copy" } else { "" };
        Ok(Self {
            admin: Arc::new(admin),
            target,
            system_identifier,
            strategy,
            made: Cell::new(0),
            databases: RefCell::default(),
            roles: RefCell::default(),
            aside: Cell::new(false),
            owners: RefCell::default(),
            origin,
        })
    }

    /// The server as the role that made the databases, which is a superuser unless a shadow URL says otherwise.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The session that makes the databases.
    pub fn admin(&self) -> &Session {
        &self.admin
    }

    /// The server's major version.
    pub fn major(&self) -> u16 {
        self.admin.major()
    }

    /// The cluster's identifier: what tells a scratch server from live.
    pub fn system_identifier(&self) -> &str {
        &self.system_identifier
    }

    /// Where the server comes from, for people to read.
    pub fn describe(&self) -> String {
        match &self.origin {
            Origin::Cluster(_, binaries) => {
                format!("PostgreSQL {} from {}", binaries.version, binaries.directory.display())
            }
            Origin::Shadow(_) => format!("shadow server {}", self.admin.place()),
        }
    }

    /// Whether a session is one of a server of our own: of its socket, whatever the server says that it is.
    pub fn is_place_of(&self, session: &Session) -> bool {
        !self.is_shadow() && session.target().hosts() == self.target.hosts()
    }

    /// What separates a server of our own from the machine.
    pub fn sandbox(&self) -> Option<Sandbox> {
        match &self.origin {
            Origin::Cluster(cluster, _) => Some(cluster.sandbox()),
            Origin::Shadow(_) => None,
        }
    }

    /// Whether this is somebody else's server, where other databases and roles are to be left alone.
    pub fn is_shadow(&self) -> bool {
        matches!(self.origin, Origin::Shadow(_))
    }

    /// The superuser that SQL runs as, if this is somebody else's server and that is so.
    pub fn superuser_of_shadow(&self) -> Option<&str> {
        (self.is_shadow() && self.admin.is_superuser()).then(|| self.target.user())
    }

    /// The programs of a server of our own.
    pub fn binaries(&self) -> Option<&Binaries> {
        match &self.origin {
            Origin::Cluster(_, binaries) => Some(binaries),
            Origin::Shadow(_) => None,
        }
    }

    /// The private directory of a server of our own: its socket and its log are there.
    pub fn directory(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Cluster(cluster, _) => Some(cluster.directory()),
            Origin::Shadow(_) => None,
        }
    }

    /// Makes an empty database with these settings and connects to it.
    pub async fn create_database(
        &self,
        settings: &DatabaseSettings,
    ) -> Result<ScratchDatabase, ScratchError> {
        self.create(settings, None).await
    }

    /// The same on a server of our own, for this role: it owns the database, and the session is its own. It is no superuser,
    /// but a member of the other roles that are made with it, and may read everything; what PostgreSQL lets only
    /// superusers do is done by [`Session::execute`].
    pub async fn create_database_of(
        &self,
        role: &str,
        others: impl IntoIterator<Item = String>,
        settings: &DatabaseSettings,
    ) -> Result<ScratchDatabase, ScratchError> {
        self.step_aside().await?;
        for other in others {
            self.create_role(&other).await?;
        }
        self.create_role(role).await?;
        self.owners.borrow_mut().insert(role.to_owned());
        let mut granted = vec!["pg_read_all_data".to_owned()];
        granted.extend(self.roles.borrow().difference(&self.owners.borrow()).map(|role| sql::ident(role)));
        let (owner, granted) = (sql::ident(role), granted.join(", "));
        let made = format!("ALTER ROLE {owner} LOGIN BYPASSRLS; GRANT {granted} TO {owner}");
        self.act(&made, "make the role of its databases").await?;
        let ScratchDatabase { name, session, locale_fallback } = self.create(settings, Some(role)).await?;
        let confined = self.sandbox().is_some_and(|sandbox| sandbox != Sandbox::None);
        let superuser = Superuser::new(Arc::clone(&self.admin), role, confined);
        let session = session.with_superuser(superuser);
        if self.major() < 15 {
            let public = format!("ALTER SCHEMA public OWNER TO {owner}");
            let given = session.execute(&public).await;
            given.map_err(|source| ScratchError::Query { what: public, source })?;
        }
        Ok(ScratchDatabase { name, session, locale_fallback })
    }

    async fn create(
        &self,
        settings: &DatabaseSettings,
        owner: Option<&str>,
    ) -> Result<ScratchDatabase, ScratchError> {
        let number = self.made.get() + 1;
        self.made.set(number);
        let name = match &self.origin {
            Origin::Cluster(..) => format!("scratch_{number}"),
            Origin::Shadow(shadow) => shadow.database(number),
        };
        let mut fallback = None;
        let belongs = owner.map(|owner| format!(" OWNER {}", sql::ident(owner))).unwrap_or_default();
        let create = |settings: &DatabaseSettings| {
            format!("{}{}{belongs}", settings.create(&name, self.major()), self.strategy)
        };
        self.databases.borrow_mut().insert(name.clone());
        if let Err(error) = self.admin.client().batch_execute(&create(settings)).await {
            if !is_about_locale(&error) {
                return Err(ScratchError::Query { what: format!("create database {name}"), source: error });
            }
            let mut plain = settings.with_plain_locale();
            let mut result = self.admin.client().batch_execute(&create(&plain)).await;
            if result.is_err() && plain.locale_provider != "libc" {
                plain = plain.with_plain_locale();
                result = self.admin.client().batch_execute(&create(&plain)).await;
            }
            result
                .map_err(|source| ScratchError::Query { what: format!("create database {name}"), source })?;
            fallback = Some(words(&error));
        }
        let mut target = self.target.with_database(&name);
        if let Some(user) = owner.or(self.aside.get().then_some(SUPERUSER_ASIDE)) {
            target = target.with_user(user, None);
        }
        let mut session = Session::connect(&target).await?;
        // the server's code can put another socket in the place of its own
        if value(&session, IDENTIFIER).await?.as_deref() != Some(self.system_identifier()) {
            return Err(ScratchError::Start { reason: "its socket leads to another server".to_owned() });
        }
        session.prepare_queries();
        Ok(ScratchDatabase { name, session, locale_fallback: fallback })
    }

    /// Gives the superuser a name that no role of live has. It cannot do so itself.
    async fn step_aside(&self) -> Result<(), ScratchError> {
        const HELPER: &str = "trueup_helper";
        if self.aside.get() {
            return Ok(());
        }
        let what = "name its superuser";
        self.act(&format!("CREATE ROLE {HELPER} LOGIN SUPERUSER"), what).await?;
        let helper = Session::connect(&self.target.with_user(HELPER, None)).await?;
        let renamed = helper
            .client()
            .batch_execute(&format!("ALTER ROLE {SUPERUSER} RENAME TO {SUPERUSER_ASIDE}"))
            .await;
        helper.close().await;
        renamed.map_err(|source| ScratchError::Query { what: what.to_owned(), source })?;
        self.aside.set(true);
        // who connects as it by way of dblink is refused once it is connected, and a trigger would have fired by then
        let off = if self.major() >= 17 {
            format!("; ALTER ROLE {SUPERUSER_ASIDE} SET event_triggers TO off")
        } else {
            String::new()
        };
        self.act(&format!("DROP ROLE {HELPER}{off}; SET lock_timeout = '10s'"), what).await
    }

    async fn act(&self, statements: &str, what: &str) -> Result<(), ScratchError> {
        let done = self.admin.client().batch_execute(statements).await;
        done.map_err(|source| ScratchError::Query { what: what.to_owned(), source })
    }

    /// Drops a database before the end.
    pub async fn drop_database(&self, database: ScratchDatabase) -> Result<(), ScratchError> {
        let ScratchDatabase { name, session, .. } = database;
        session.close().await;
        self.drop_by_name(&name).await
    }

    async fn drop_by_name(&self, name: &str) -> Result<(), ScratchError> {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql::ident(name));
        let result = self.admin.client().batch_execute(&statement).await;
        result.map_err(|source| ScratchError::Query { what: format!("drop database {name}"), source })?;
        self.databases.borrow_mut().remove(name);
        Ok(())
    }

    /// Makes a role that may not log in, unless there is one of that name; it is dropped at the end. Says whether
    /// it was made.
    pub async fn create_role(&self, name: &str) -> Result<bool, ScratchError> {
        if self.aside.get() && name == SUPERUSER_ASIDE {
            return Err(ScratchError::SuperusersName(name.to_owned()));
        }
        let role = sql::ident(name);
        match self.admin.client().batch_execute(&format!("CREATE ROLE {role} NOLOGIN")).await {
            Ok(()) => {}
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_OBJECT) => return Ok(false),
            Err(source) => return Err(ScratchError::Query { what: format!("create role {name}"), source }),
        }
        self.track_role(name);
        if let Origin::Shadow(shadow) = &self.origin {
            shadow.mark_role(&self.admin, name).await?;
        }
        Ok(true)
    }

    /// Drops this role at the end, too. For roles that were made by other means than [`Scratch::create_role`].
    pub fn track_role(&self, name: &str) {
        self.roles.borrow_mut().insert(name.to_owned());
    }

    /// Drops the databases and the tracked roles, and stops the server if it is ours. Sessions on it end.
    pub async fn close(self) -> Result<(), ScratchError> {
        if let Origin::Shadow(_) = self.origin {
            let databases = self.databases.borrow().clone();
            for name in databases {
                self.drop_by_name(&name).await?;
            }
            let roles = self.roles.borrow().clone();
            for name in roles {
                let statement = format!("DROP ROLE IF EXISTS {}", sql::ident(&name));
                match self.admin.client().batch_execute(&statement).await {
                    // Another scratch on the same server uses it meanwhile, and will leave it to the next.
                    Err(error) if error.code() == Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {}
                    Err(source) => {
                        return Err(ScratchError::Query { what: format!("drop role {name}"), source });
                    }
                    Ok(()) => {}
                }
            }
        }
        let Self { admin, origin, .. } = self;
        // a database's session may still have it
        if let Some(admin) = Arc::into_inner(admin) {
            admin.close().await;
        }
        drop(origin);
        Ok(())
    }
}

const IDENTIFIER: &str = "SELECT system_identifier FROM pg_catalog.pg_control_system()";

/// One value of one row, as text.
pub(super) async fn value(session: &Session, query: &str) -> Result<Option<String>, ScratchError> {
    let messages = session.client().simple_query(query).await;
    let messages = messages.map_err(|source| ScratchError::Query { what: query.to_owned(), source })?;
    Ok(messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// The server's operating system, or its build, does not have the locale.
fn is_about_locale(error: &tokio_postgres::Error) -> bool {
    let Some(db) = error.as_db_error() else { return false };
    let message = db.message();
    [SqlState::WRONG_OBJECT_TYPE, SqlState::INVALID_PARAMETER_VALUE, SqlState::FEATURE_NOT_SUPPORTED]
        .contains(db.code())
        && ["locale", "collation", "ICU"].iter().any(|word| message.contains(word))
}

fn reachable(cache: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    use std::os::unix::fs::MetadataExt;
    let Some(account) = account else { return Ok(()) };
    cluster::make_folder(cache).map_err(|source| ScratchError::Cache { path: cache.to_owned(), source })?;
    let enter = |dir: &Path| {
        std::fs::metadata(dir).is_ok_and(|meta| {
            let (owner, group) = (meta.uid() == account.uid, meta.gid() == account.gid);
            let bit = if owner {
                0o100
            } else if group {
                0o010
            } else {
                0o001
            };
            meta.mode() & bit != 0
        })
    };
    if cache.ancestors().filter(|dir| !dir.as_os_str().is_empty()).all(enter) {
        return Ok(());
    }
    Err(ScratchError::CacheUnreachable { user: account.name.clone(), path: cache.to_owned() })
}

/// A database on a scratch server, and a session in it.
#[derive(Debug)]
pub struct ScratchDatabase {
    name: String,
    session: Session,
    locale_fallback: Option<String>,
}

impl ScratchDatabase {
    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session for what needs it mutable.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, for further sessions.
    pub fn target(&self) -> &Target {
        self.session.target()
    }

    /// The server's words, if the locale asked for is not installed there and a plain one was taken instead.
    pub fn locale_fallback(&self) -> Option<&str> {
        self.locale_fallback.as_deref()
    }
}
