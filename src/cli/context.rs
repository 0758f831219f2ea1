//! Where a command works: configuration, environment, database, plans.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use trueup::{
    apply::{hooks::Hooks, preflight::Limits, promotion::Before},
    approval,
    config::{self, Config, Environment, Policy, QUIET_MINUTES, Shaping},
    journal,
    plan::PlanFile,
    postgres::{ScratchOptions, Session, Target},
    report::shell,
    secret::{self, Secrets},
    toml_file,
    visible::visible_line,
};

use super::{Format, Global, desired, exit::CliError, output, paste::Said};

/// Everything that the flags, the environment and trueup.toml say.
#[derive(Debug)]
pub struct Context {
    /// trueup.toml, or its defaults.
    pub config: Config,
    /// The flags.
    pub global: Global,
    warned: Mutex<BTreeSet<String>>,
    /// What the commands in messages are completed with.
    said: Mutex<Said>,
}

impl Context {
    /// Reads trueup.toml.
    pub fn new(global: Global) -> Result<Self, CliError> {
        let here =
            env::current_dir().map_err(|error| CliError::new(format!("the current directory: {error}")))?;
        let config = Config::find(&here)?;
        let said = Said { env: global.env.clone(), ..Said::default() };
        let context = Self { config, global, warned: Mutex::default(), said: Mutex::new(said) };
        context.environment()?;
        Ok(context)
    }

    /// How to print.
    pub fn format(&self) -> Format {
        self.global.format
    }

    /// Whether only results and errors are wanted.
    pub fn quiet(&self) -> bool {
        self.global.quiet
    }

    /// The environment that --env names.
    pub fn environment(&self) -> Result<Option<&Environment>, CliError> {
        Ok(self.global.env.as_deref().map(|name| self.config.environment(name)).transpose()?)
    }

    /// Who must approve here.
    pub fn policy(&self) -> Result<Policy, CliError> {
        Ok(self.config.policy(self.global.env.as_deref())?)
    }

    /// Who works in the project, as git knows them: `git config user.email`. Nobody, where git does not say, or is not there.
    pub fn author(&self) -> Option<String> {
        let mut git = Command::new("git");
        git.args(["config", "--get", "user.email"]).stdin(Stdio::null()).stderr(Stdio::null());
        if self.config.dir.is_dir() {
            git.current_dir(&self.config.dir);
        }
        let said = git.output().ok().filter(|output| output.status.success())?;
        let email = String::from_utf8(said.stdout).ok()?.trim().to_owned();
        approval::is_person(&email).then_some(email)
    }

    /// The policies under which something is approved or planned: that of --env or --url, else those of all environments.
    pub fn policies(&self) -> Result<Vec<Policy>, CliError> {
        let named = self.global.env.is_some() || self.global.url.is_some();
        if named || self.config.env.is_empty() {
            return Ok(vec![self.policy()?]);
        }
        let all = self.config.env.keys().map(|name| self.config.policy(Some(name)));
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// The paths of the desired SQL: --schema, else trueup.toml.
    pub fn schema(&self) -> Vec<PathBuf> {
        if self.global.schema.is_empty() { self.config.schema_paths() } else { self.global.schema.clone() }
    }

    /// The database: --url, the environment's, DATABASE_URL, the PG* variables.
    pub fn target(&self) -> Result<Target, CliError> {
        match (&self.global.url, self.global.env.as_deref()) {
            (None, Some(name)) => self.target_of(name),
            (None, None) if !self.config.env.is_empty() && !self.names_a_database() => {
                let names: Vec<&str> = self.config.env.keys().map(String::as_str).collect();
                Err(CliError::new("no database is named").with_hint(format!(
                    "trueup.toml has environments: --env {}",
                    visible_line(&names.join(", --env "))
                )))
            }
            (None, None) => self.resolve(variable("DATABASE_URL").as_deref()),
            (Some(url), _) => {
                let target = self.resolve(Some(url))?;
                Ok(match self.environment()? {
                    Some(environment) => of_environment(&target, environment),
                    None => target,
                })
            }
        }
    }

    /// The environments that come before the one that --env names.
    pub fn after(&self) -> Result<Vec<Before>, CliError> {
        let names = self.environment()?.map(|environment| environment.after.as_slice()).unwrap_or_default();
        // one that is not there at all is a mistake; one whose URL is not known here cannot be asked
        let before = |name: &String| {
            self.config.environment(name)?;
            let target = self.target_of(name).map_err(|error| error.message);
            Ok(Before { environment: name.clone(), target })
        };
        names.iter().map(before).collect()
    }

    /// The database of an environment of trueup.toml.
    pub fn target_of(&self, name: &str) -> Result<Target, CliError> {
        let environment = self.config.environment(name)?;
        let target = match (&environment.url, &environment.url_env) {
            (Some(url), _) => {
                let file = self.config.dir.join(config::FILE);
                self.known(Target::resolve_in(&file, url, &variable)?)
            }
            (None, Some(from)) => self.resolve(Some(&url_in(name, from)?))?,
            (None, None) => {
                return Err(CliError::new(format!("environment \"{name}\" has no url"))
                    .with_hint(format!("add url_env = \"…\" to [env.{name}] in trueup.toml")));
            }
        };
        Ok(of_environment(&target, environment))
    }

    /// What a URL and the environment point to.
    pub fn resolve(&self, url: Option<&str>) -> Result<Target, CliError> {
        Ok(self.known(Target::resolve(url, &variable)?))
    }

    /// A target as this project sees it. Says, once, when nobody will check whether it is the right server.
    fn known(&self, target: Target) -> Target {
        self.warn_of(&target);
        target.ignoring_options(&self.config.compare.ignore_options)
    }

    /// Warns of hosts outside this machine whose certificate is not checked, once of each.
    pub fn warn_of(&self, target: &Target) {
        for host in target.unverified_hosts().filter(|_| !self.quiet()) {
            let warning = format!(
                "warning: {}: nobody checks that this is the right server (sslmode={}): add sslmode=verify-full to the \
                 connection URL",
                visible_line(&host.name()),
                target.ssl_mode().as_str()
            );
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.insert(warning.clone()) {
                output::note(&warning);
            }
        }
    }

    /// Whether the user said, in any way, which database.
    pub fn names_a_database(&self) -> bool {
        self.global.url.is_some()
            || self.global.env.is_some()
            || ["DATABASE_URL", "PGDATABASE", "PGHOST", "PGSERVICE"]
                .iter()
                .any(|name| variable(name).is_some())
    }

    /// What of the environment shapes plans.
    pub fn shaping(&self) -> Result<Shaping, CliError> {
        Ok(self.config.shaping(self.global.env.as_deref())?)
    }

    /// The secrets that are given: TRUEUP_SECRET_NAME, else as the environment of trueup.toml says. If there are any, the hosts
    /// that trueup.toml names must be such that may be sent them.
    pub fn secrets(&self) -> Result<Secrets, CliError> {
        let environment = self.environment()?;
        let given = env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            Some((name.strip_prefix(secret::VARIABLE)?.to_owned(), value))
        });
        let given: BTreeMap<String, String> = given.filter(|(_, value)| !value.is_empty()).collect();
        let said = environment.map(|environment| &environment.secrets);
        let has_any = !given.is_empty() || said.is_some_and(|said| !said.is_empty());
        if let Some(url) = environment.and_then(|environment| environment.url.as_ref())
            && has_any
            && self.global.url.is_none()
        {
            Target::check_secrets_in(&self.config.dir.join(config::FILE), url, &variable)?;
        }
        let mut secrets = BTreeMap::new();
        for (name, source) in said.into_iter().flatten() {
            if !secret::is_name(name) {
                let name = visible_line(name);
                return Err(CliError::new(format!("trueup.toml: a secret cannot be called `{name}`"))
                    .with_hint("its name begins with A-Z, and has A-Z, 0-9 and _ only"));
            }
            let value = source.read(&self.config.dir, &variable).map_err(|error| {
                CliError::new(format!("the secret {name}, {source}: {error}")).with_hint(
                    "write the secret into that file, or take it out of [env.….secrets] in trueup.toml",
                )
            })?;
            secrets.extend(value.map(|value| (name.clone(), value)));
        }
        secrets.extend(given);
        Ok(secrets.into_iter().collect())
    }

    /// How long nobody may have written by a name that contract takes away.
    pub fn quiet_time(&self) -> Result<Duration, CliError> {
        let minutes = self.environment()?.map_or(QUIET_MINUTES, |environment| environment.quiet_minutes);
        Ok(Duration::from_secs(60 * u64::from(minutes)))
    }

    /// What the environment says about its surroundings.
    pub fn limits(&self) -> Result<Limits<'_>, CliError> {
        let mut limits = Limits::default();
        if let Some(environment) = self.environment()? {
            limits.free_space = environment.free_space.as_deref();
            limits.backup = environment.backup.as_deref();
            limits.backup_age = Duration::from_secs(u64::from(environment.backup_hours) * 3600);
            limits.long_transaction = Duration::from_secs(environment.long_transaction_seconds.into());
        }
        Ok(limits)
    }

    /// What is run beside the phases.
    pub fn hooks(&self) -> Hooks<'_> {
        Hooks { commands: Some((&self.config.hooks, &self.config.dir)) }
    }

    /// A session on the database.
    pub async fn connect(&self) -> Result<Session, CliError> {
        Ok(Session::connect(&self.target()?.for_trueup()).await?)
    }

    /// A message with the commands in it completed: the plan that was opened last, the environment.
    pub fn completed(&self, text: &str) -> String {
        self.said().complete(text)
    }

    /// Says which phase is rolled back, where one was named.
    pub fn rolls_back(&self, phase: &'static str) {
        self.said().rollback_phase = Some(phase);
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A plan by its folder, its plan.toml, or its name: the folder's, with the date before it or without, or its own.
    pub fn plan(&self, named: &Path) -> Result<PlanFile, CliError> {
        let found = self.find_plan(named)?;
        self.said().plan = Some(output::typed_path(&found.dir));
        Ok(found)
    }

    fn find_plan(&self, named: &Path) -> Result<PlanFile, CliError> {
        if named.exists() {
            return Ok(PlanFile::open(named)?);
        }
        let by_name = self.config.plans_dir().join(named);
        if by_name.exists() {
            return Ok(PlanFile::open(&by_name)?);
        }
        // a path that is not there is no name
        let name = named.components().next_back().map(|last| last.as_os_str().to_string_lossy().into_owned());
        let (Some(name), 1) = (name, named.components().count()) else { return Ok(PlanFile::open(named)?) };
        let folders = self.plan_folders()?;
        let undated = |folder: &PathBuf| {
            let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match folder.split_once('-') {
                Some((date, rest)) if date.len() == 8 && date.bytes().all(|c| c.is_ascii_digit()) => {
                    rest.to_owned()
                }
                _ => folder,
            }
        };
        let meant: Vec<&PathBuf> = folders.iter().filter(|folder| undated(folder) == name).collect();
        match *meant {
            [folder] => Ok(PlanFile::open(folder)?),
            [] => {
                // its page calls it by the name that it has itself, whatever its folder is called by now
                let opened = folders.iter().filter_map(|folder| PlanFile::open(folder).ok());
                let mut own = opened.filter(|opened| opened.plan.name == name);
                if let (Some(found), None) = (own.next(), own.next()) {
                    return Ok(found);
                }
                let names: Vec<String> = folders.iter().map(undated).collect();
                let hint = match toml_file::nearest(&name, &names) {
                    Some(name) => format!("did you mean {}?", visible_line(&name)),
                    None if names.is_empty() => "`trueup plan` writes plans there".to_owned(),
                    None => "`trueup plans` lists them".to_owned(),
                };
                let (name, dir) = (visible_line(&name), output::short_path(&self.config.plans_dir()));
                Err(CliError::new(format!("there is no plan {name}, here or in {dir}")).with_hint(hint))
            }
            _ => {
                let folders =
                    meant.iter().map(|folder| output::short_path(folder)).collect::<Vec<_>>().join(", ");
                let name = visible_line(&name);
                Err(CliError::new(format!("{name} names several plans: {folders}"))
                    .with_hint("write the whole name of the folder"))
            }
        }
    }

    /// The same; a plan that ran, and whose folder is gone or never was, out of the database's journal, by its name or the
    /// beginning of its digest.
    pub async fn plan_or_kept(&self, named: &Path) -> Result<PlanFile, CliError> {
        let missing = match self.plan(named) {
            Err(error) if !named.exists() && !self.config.plans_dir().join(named).exists() => error,
            found => return found,
        };
        let (Some(name), 1) = (named.to_str(), named.components().count()) else { return Err(missing) };
        // what is wrong with the database is not what was asked
        let Ok(session) = self.connect().await else { return Err(missing) };
        let mut kept = journal::kept_plans_called(&session, name).await?;
        session.close().await;
        match (kept.pop(), kept.len()) {
            (None, _) => Err(missing),
            (Some(plan), 0) => {
                output::note(&format!("note: {} is taken from the journal", visible_line(name)));
                Ok(plan)
            }
            (Some(last), _) => {
                let digests = kept.iter().chain([&last]).map(|plan| plan.digest.short().to_owned());
                let digests = digests.collect::<Vec<_>>().join(", ");
                Err(CliError::new(format!("the journal has several plans called {}", visible_line(name)))
                    .with_hint(format!("write the digest of one instead: {digests}")))
            }
        }
    }

    /// The folders of all plans, in the order of their names.
    fn plan_folders(&self) -> Result<Vec<PathBuf>, CliError> {
        let mut folders: Vec<PathBuf> = match std::fs::read_dir(self.config.plans_dir()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        };
        folders.retain(|folder| folder.join("plan.toml").is_file());
        folders.sort();
        Ok(folders)
    }

    /// Every plan of the project.
    pub fn plans(&self) -> Result<Vec<PlanFile>, CliError> {
        self.plan_folders()?.iter().map(|folder| PlanFile::open(folder).map_err(CliError::from)).collect()
    }

    /// ` --env NAME`, where that was said: for commands that are to be pasted.
    pub fn env_flag(&self) -> String {
        self.global.env.as_ref().map(|name| format!(" --env {}", shell::word(name))).unwrap_or_default()
    }
}

/// A target as an environment wants it.
fn of_environment(target: &Target, environment: &Environment) -> Target {
    target.trusting(&environment.journal_owners).with_role(environment.role.as_deref())
}

/// The URL in the variable that an environment names. Nothing else counts as one: trueup.toml comes with the branch, and
/// could name any variable.
fn url_in(environment: &str, from: &str) -> Result<String, CliError> {
    let shown = visible_line(from);
    let wrong =
        |what: &str| CliError::new(format!("environment \"{environment}\": the variable {shown} {what}"));
    if config::is_of_requests(from) {
        return Err(wrong("is none for url_env: CI may fill it from what a pull request says")
            .with_hint("call the variable otherwise, such as url_env = \"PRODUCTION_URL\""));
    }
    let as_url = format!("export {shown}=postgres://user@host/database");
    match variable(from) {
        Some(value) if desired::is_url(value.trim_start()) => Ok(value),
        Some(_) => {
            Err(wrong("has no URL: it must begin with postgres:// or postgresql://").with_hint(as_url))
        }
        None => Err(wrong("is not set").with_hint(as_url)),
    }
}

/// A variable of the environment; an empty one says nothing.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where throwaway databases come from: --shadow-url, else a server of our own.
pub fn scratch_options(context: &Context) -> Result<ScratchOptions, CliError> {
    let mut options = ScratchOptions::from_env(&|name| env::var_os(name));
    options.ignored_options.clone_from(&context.config.compare.ignore_options);
    let own =
        env::current_exe().map_err(|error| CliError::new(format!("the path of this program: {error}")))?;
    options.launcher = Some(own.clone());
    options.untrusted = context.global.untrusted;
    options.allow_unpinned = context.global.allow_unpinned;
    options.check_cache()?;
    if options.untrusted && context.global.shadow_url.is_some() {
        return Err(CliError::new(
            "--untrusted: SQL that is not trusted does not run on the server of --shadow-url",
        )
        .with_hint("leave one of the two out, or unset TRUEUP_SHADOW_URL"));
    }
    if let Some(url) = &context.global.shadow_url {
        let shadow = Target::resolve(Some(url), &variable)?;
        context.warn_of(&shadow);
        options.shadow = Some(shadow);
        options.shadow_keeper = Some(vec![own.into_os_string(), "keep-shadow".into()]);
    }
    Ok(options)
}
