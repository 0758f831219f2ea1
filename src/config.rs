//! `trueup.toml`: what a project says once so that nobody has to type it.
//!
//! ```toml
//! schema = ["schema"]            # files and folders of the desired SQL in the project, together one schema
//! plans = "plans"                # where plans are written
//!
//! [manage]
//! schemas = ["public", "billing"]   # else: those that the desired SQL uses; ["*"] is all
//! ignore = ["public.pgbench_*"]     # objects that are none of trueup's business
//! owners = false                    # whether owners are compared
//!
//! [compare]
//! ignore_options = ["pg_attver"]    # options of tables, columns and functions that the server sets by itself
//!
//! [approval]
//! required = 1                   # how many people must approve each phase
//! author = true                  # whether the plan's author may be one of them
//! valid_hours = 168              # how long an approval counts; else for ever, or as it says itself
//! required_warning = 1           # how many where the phase has a hazard of this level or above; else `required`
//! required_danger = 2            # how many where it has a danger; else `required`
//! roles = ["dba", "lead"]        # whose approvals count, by the role they approve in; else everyone's
//! required_roles = ["dba", "app"]         # somebody of each must approve; one person stands for one role
//! accepted_by = { DATA_LOSS = ["dba"] }   # whose acceptance of a danger counts, by role; else anyone's
//! rollback = false               # whether a rollback needs approvals of its own
//! superuser = false              # whether a superuser's session may apply
//! verified_tls = true            # whether only connections will do whose server's certificate is checked
//! bound_to_database = true       # whether an approval counts in the database only that it names
//! single_use = true              # whether an approval counts for one run only
//! required_lower = 2             # how many must sign before `protect --lower` pins a policy that asks for less
//! break_glass = ["alice"]        # whose approval alone is enough in an emergency
//! members = { dba = ["alice", "SHA256:…"] }   # who is in a role: approvers' names or fingerprints of keys
//! admins = ["carol"]             # who may take back another one's approval
//! revoked_keys = "revoked"       # keys that do not count any more: a list, or OpenSSH's KRL
//! signed = true                  # whether only signed ones count
//! allowed_signers = "signers"    # who signs with which keys, as ssh-keygen(1) has it
//! planned_by = "planners"        # whose signed plans count: keys, as ssh-keygen(1) has them; else everyone's, signed or not
//!
//! [hooks]                        # commands, run by sh -c in the file's folder, with what happens as JSON on their input
//! before = "./announce"          # before each phase, there and back; unless it ends with 0 nothing is changed
//! after = "./announce"           # when a phase is done
//! failure = "./page"             # when one stopped
//!
//! [env.production]
//! url_env = "PRODUCTION_URL"     # the variable with the connection URL; or url = "postgres://…"
//! role = "deployer"              # every session begins with SET ROLE; without it the user's own role applies
//! after = ["staging"]            # environments in which a plan must have been applied, and proven, before it is here
//! journal_owners = ["deployer"]  # whose journal is believed, besides one's own and a superuser's
//! direct = false                 # or true: `trueup push` applies what it plans, where nobody has to approve
//! renames = "online"             # or "instant", which it is where nothing is said
//! backfill_triggers = "skip"     # or "fire", which they do where nothing is said: the tables' own, for rows that are filled
//! quiet_minutes = 15             # how long no code may have written by an old name before contract
//! free_space = "ssh db df --output=avail -B1 /pg | tail -n 1"   # prints how many bytes the server's disk has left
//! backup = "./newest-backup"     # proves that there is one, and prints its size in bytes and its age in seconds: 73400320 3600
//! backup_hours = 24              # how old it may be
//! long_transaction_seconds = 30  # how old a transaction is when preflight warns of it
//! values = { tenant = "acme" }   # what ${tenant} stands for in annotations
//! substitute = true              # and anywhere else in the desired SQL, where it is else taken literally
//! secrets = { PG_FDW_PASSWORD = "${file:/run/secrets/fdw}" }   # or "${env:NAME}"; else TRUEUP_SECRET_PG_FDW_PASSWORD
//! approval = { required = 2 }    # over [approval], key by key
//! ```
//!
//! Everything is optional, unknown keys are errors, and paths are relative to the file, which is looked for in the
//! current directory and upward.

mod policy;
mod secret;
mod variable;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

pub use policy::{Around, Policy, PolicySettings};
use serde::{Deserialize, Serialize};

pub use secret::SecretSource;
pub use variable::is_of_requests;

use crate::toml_file::{self, TomlError};

/// How long an old name must have been quiet before contract, in minutes.
pub const QUIET_MINUTES: u32 = 15;

/// How old a backup may be, in hours.
pub const BACKUP_HOURS: u32 = 24;

/// How old a transaction is when it counts as a long one, in seconds.
pub const LONG_TRANSACTION_SECONDS: u32 = 30;

/// The file's name.
pub const FILE: &str = "trueup.toml";

/// What trueup.toml says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Files and folders of the desired SQL, together one schema. `plan`, `status`, `diff` and `verify --reproduce` read them;
    /// `--schema` names others.
    pub schema: Vec<PathBuf>,
    /// The folder in which `plan` writes plans, and in which every command looks for them.
    pub plans: PathBuf,
    /// What is managed.
    #[serde(skip_serializing)]
    pub manage: Manage,
    /// What is compared.
    #[serde(skip_serializing)]
    pub compare: Compare,
    /// Who must approve.
    #[serde(skip_serializing)]
    pub approval: PolicySettings,
    /// What is run beside.
    #[serde(skip_serializing)]
    pub hooks: Hooks,
    /// Databases by name.
    #[serde(skip_serializing)]
    pub env: BTreeMap<String, Environment>,
    /// The folder that the paths are relative to: where the file is, or was looked for.
    #[serde(skip)]
    pub dir: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schema: Vec::new(),
            plans: "plans".into(),
            manage: Manage::default(),
            compare: Compare::default(),
            approval: PolicySettings::default(),
            hooks: Hooks::default(),
            env: BTreeMap::new(),
            dir: PathBuf::new(),
        }
    }
}

/// `[manage]`: what trueup looks after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manage {
    /// The schemas that `plan`, `status` and `dump` manage; `["*"]` is all of them. Without it: those that the desired SQL uses, and
    /// those that plans or `adopt` have managed before; `dump` writes all. `--manage` names others.
    pub schemas: Option<BTreeSet<String>>,
    /// Objects that are left alone, as patterns of their names: `public.pgbench_*`. They are neither planned, nor drift.
    pub ignore: Vec<String>,
    /// Whether owners are compared, planned and dumped.
    pub owners: bool,
}

/// `[compare]`: what is a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compare {
    /// Options of tables, columns and functions that every command leaves out: those that the server sets by itself and that this
    /// release does not know.
    pub ignore_options: BTreeSet<String>,
}

/// `[hooks]`: commands that are run beside the phases, there and back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// A command that `apply`, `deploy` and `rollback` run before each phase, in the file's folder, with JSON on its input. Unless it
    /// ends with 0 nothing of the phase is changed (3).
    pub before: Option<String>,
    /// The same when a phase is done. How it ends changes nothing.
    pub after: Option<String>,
    /// The same when a phase stopped. How it ends changes nothing.
    pub failure: Option<String>,
}

/// `[env.NAME]`: one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Environment {
    /// The connection URL. Its password may be `${file:/path}` or `${env:NAME}`; one of PGPASSWORD or .pgpass is sent to its host
    /// only if `TRUEUP_ALLOWED_HOSTS` has that host.
    pub url: Option<String>,
    /// The environment variable that holds the connection URL; `url` takes precedence. None that CI fills from a pull request.
    pub url_env: Option<String>,
    /// The role that every session of trueup takes first (`SET ROLE`). Without it: the role that connects.
    pub role: Option<String>,
    /// Environments in which a phase of a plan must be done, and proven, before `apply` and `deploy` run it here (3).
    pub after: Vec<String>,
    /// Roles whose journal is believed, besides the role that connects and superusers.
    pub journal_owners: BTreeSet<String>,
    /// Whether `trueup push` applies what it has planned at once. Refused (3) where `approval` asks for anything of anybody, and
    /// where a policy is pinned.
    pub direct: bool,
    /// How `plan` makes renames whose annotation does not say: `online` keeps both names until contract, `instant` breaks old code
    /// at once.
    pub renames: Renames,
    /// Whether the tables' own triggers fire for rows that a backfill writes. `plan` takes it into the plan.
    pub backfill_triggers: BackfillTriggers,
    /// Minutes for which no code may have written by an old name before `apply` runs the contract phase that takes it away.
    pub quiet_minutes: u32,
    /// A command that prints the bytes that are free on the server's disk, for `preflight`, `apply` and `rollback`. Without it: the
    /// file system is asked where the server runs on this machine.
    pub free_space: Option<String>,
    /// A command that proves that there is a backup: its last line is the backup's size in bytes and its age in seconds, such as
    /// `73400320 3600`. `preflight`, `apply` and `deploy` run it, and refuse without a good backup (3).
    pub backup: Option<String>,
    /// Hours that the backup may be old.
    pub backup_hours: u32,
    /// Seconds after which `preflight` warns of a transaction that is in the way.
    pub long_transaction_seconds: u32,
    /// What `${name}` stands for in annotations. `plan` takes the values that it uses into the plan; an environment with other values
    /// refuses that plan (3).
    pub values: BTreeMap<String, String>,
    /// Whether `${name}` is replaced anywhere in the desired SQL, too. Else it is taken literally there, and `plan` says so.
    pub substitute: bool,
    /// Where the secrets are that `${secret:NAME}` stands for in options of foreign data: `${env:NAME}` or `${file:path}`, never the
    /// secret itself. The variable `TRUEUP_SECRET_NAME` takes precedence.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Who must approve here: every setting of `[approval]`, over it key by key.
    #[serde(skip_serializing)]
    pub approval: PolicySettings,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            url: None,
            url_env: None,
            role: None,
            after: Vec::new(),
            journal_owners: BTreeSet::new(),
            direct: false,
            renames: Renames::default(),
            backfill_triggers: BackfillTriggers::default(),
            quiet_minutes: QUIET_MINUTES,
            free_space: None,
            backup: None,
            backup_hours: BACKUP_HOURS,
            long_transaction_seconds: LONG_TRANSACTION_SECONDS,
            values: BTreeMap::new(),
            substitute: false,
            secrets: BTreeMap::new(),
            approval: PolicySettings::default(),
        }
    }
}

/// What a backfill does about triggers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackfillTriggers {
    /// They fire as for any UPDATE.
    #[default]
    Fire,
    /// They do not.
    Skip,
}

/// How a rename is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Renames {
    /// Both names work until the contract phase.
    Online,
    /// At once: old code breaks.
    #[default]
    Instant,
}

impl Renames {
    /// As trueup.toml has it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Instant => "instant",
        }
    }
}

/// What of an environment shapes the plans that are made for it. Without one, the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shaping {
    /// The environment's name.
    pub environment: Option<String>,
    /// How renames are made where their annotation does not say.
    pub renames: Renames,
    /// Whether the tables' own triggers fire for rows that a backfill writes.
    pub backfill_triggers: BackfillTriggers,
    /// What `${name}` stands for in annotations.
    pub values: BTreeMap<String, String>,
    /// Whether it does so anywhere else in the desired SQL.
    pub substitute: bool,
}

impl Shaping {
    /// What the defaults are.
    pub const NONE: &Self = &Self {
        environment: None,
        renames: Renames::Instant,
        backfill_triggers: BackfillTriggers::Fire,
        values: BTreeMap::new(),
        substitute: false,
    };
}

/// An environment that trueup.toml does not have.
#[derive(Debug, thiserror::Error)]
#[error("there is no environment \"{name}\" in {}", file.display())]
pub struct UnknownEnvironment {
    /// The name that was asked for.
    pub name: String,
    /// Where it was looked for.
    pub file: PathBuf,
    /// The names that there are.
    pub known: Vec<String>,
}

impl UnknownEnvironment {
    /// What to do next.
    pub fn hint(&self) -> String {
        match toml_file::nearest(&self.name, &self.known) {
            Some(name) => format!("did you mean --env {name}?"),
            None if self.known.is_empty() => format!("add [env.{}] with url_env = \"…\" there", self.name),
            None => format!("there are: {}", self.known.join(", ")),
        }
    }
}

/// Why plans are not applied to an environment as they are made.
#[derive(Debug, thiserror::Error)]
pub enum NotDirect {
    /// trueup.toml does not say that they are.
    #[error("environment \"{0}\" is none that is pushed to")]
    Unsaid(String),
    /// It asks for approvals as well.
    #[error("environment \"{0}\" is direct, and asks for approvals: {asks}", asks = .1.join(", "))]
    Approvals(String, Vec<String>),
}

impl NotDirect {
    /// What to do next.
    pub fn hint(&self, name: &str) -> String {
        match self {
            Self::Unsaid(_) => format!(
                "write `direct = true` into [env.{name}] of trueup.toml, if it is a database of your own; else `trueup plan`"
            ),
            Self::Approvals(..) => format!(
                "take `direct` out of [env.{name}]; or, if nobody has to approve there, write approval = {{ required = 0 }} into it"
            ),
        }
    }
}

impl Config {
    /// Reads the trueup.toml in `start` or the nearest folder above it; the defaults if there is none.
    pub fn find(start: &Path) -> Result<Self, TomlError> {
        match start.ancestors().map(|dir| dir.join(FILE)).find(|file| file.is_file()) {
            Some(file) => Self::read(&file),
            None => Ok(Self { dir: start.to_owned(), ..Self::default() }),
        }
    }

    /// Reads one file.
    pub fn read(file: &Path) -> Result<Self, TomlError> {
        let mut config: Self = toml_file::parse(file, &toml_file::read_text(file)?)?;
        file.parent().unwrap_or(Path::new("")).clone_into(&mut config.dir);
        Ok(config)
    }

    /// The paths of the desired SQL.
    pub fn schema_paths(&self) -> Vec<PathBuf> {
        self.schema.iter().map(|path| self.dir.join(path)).collect()
    }

    /// The folder in which the desired SQL must lie that the file names: the nearest one from it upward that has `.git`, else
    /// the file's own.
    pub fn project(&self) -> &Path {
        self.dir.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&self.dir)
    }

    /// The folder of plans.
    pub fn plans_dir(&self) -> PathBuf {
        self.dir.join(&self.plans)
    }

    /// An environment by its name.
    pub fn environment(&self, name: &str) -> Result<&Environment, UnknownEnvironment> {
        self.env.get(name).ok_or_else(|| UnknownEnvironment {
            name: name.to_owned(),
            file: self.dir.join(FILE),
            known: self.env.keys().cloned().collect(),
        })
    }

    /// What of an environment shapes its plans; without one, the defaults.
    pub fn shaping(&self, env: Option<&str>) -> Result<Shaping, UnknownEnvironment> {
        let Some(name) = env else { return Ok(Shaping::default()) };
        let environment = self.environment(name)?;
        Ok(Shaping {
            environment: Some(name.to_owned()),
            renames: environment.renames,
            backfill_triggers: environment.backfill_triggers,
            values: environment.values.clone(),
            substitute: environment.substitute,
        })
    }

    /// The policy under which plans are applied to an environment as they are made; or what keeps them from it.
    pub fn direct(&self, name: &str) -> Result<Result<Policy, NotDirect>, UnknownEnvironment> {
        let environment = self.environment(name)?;
        if !environment.direct {
            return Ok(Err(NotDirect::Unsaid(name.to_owned())));
        }
        let policy = self.policy(Some(name))?;
        let required = environment.approval.required.or(self.approval.required).unwrap_or_default();
        let mut asks: Vec<String> =
            (required > 0).then(|| format!("required = {required}")).into_iter().collect();
        // who has to approve, and how; whose session applies is another matter
        let alone = Policy { required: 1, superuser: true, verified_tls: false, ..policy.clone() };
        let asked = Policy::<PathBuf>::default().asks();
        asks.extend(alone.asks().into_iter().filter(|rule| !asked.contains(rule)));
        if !asks.is_empty() {
            return Ok(Err(NotDirect::Approvals(name.to_owned(), asks)));
        }
        Ok(Ok(Policy {
            superuser: policy.superuser,
            verified_tls: policy.verified_tls,
            environment: policy.environment,
            ..Policy::default()
        }))
    }

    /// Who must approve for an environment; without one, what `[approval]` says.
    pub fn policy(&self, env: Option<&str>) -> Result<Policy, UnknownEnvironment> {
        let environment = env.map(|name| self.environment(name)).transpose()?;
        let settings = [Some(&self.approval), environment.map(|it| &it.approval)];
        let policy = Policy::said(settings.into_iter().flatten(), &self.dir);
        Ok(policy.in_environment(env, &self.hooks, environment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, TomlError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        std::fs::write(&file, text).unwrap();
        Config::read(&file)
    }

    #[test]
    fn the_documented_file_is_understood() {
        let documented: String = include_str!("config.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start_matches(' ')))
            .collect();
        let config = read(&documented).unwrap();
        let production = config.environment("production").unwrap();
        assert_eq!(production.renames, Renames::Online);
        assert_eq!(config.policy(None).unwrap().required, 1);
        let policy = config.policy(Some("production")).unwrap();
        assert_eq!((policy.required, policy.valid_hours), (2, Some(168)));
        assert_eq!(config.environment("prodction").unwrap_err().hint(), "did you mean --env production?");
    }

    #[test]
    fn unknown_keys_are_refused_where_they_stand() {
        let error = read("schema = []\n[env.x]\nurl-env = 'A'\n").unwrap_err();
        assert!(error.to_string().ends_with("trueup.toml:3:1: unknown key `url-env`"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("did you mean `url_env`?"));
    }

    #[test]
    fn the_file_is_found_upward() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(dir.path().join(FILE), "plans = 'p'").unwrap();
        assert_eq!(Config::find(&deep).unwrap().plans_dir(), dir.path().join("p"));
    }
}
