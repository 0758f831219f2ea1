//! `[approval]`: what approvals must amount to before a phase is applied, and what is run around it.
//!
//! [`PolicySettings`] is what a file says of it, [`Policy`] what comes out of `[approval]` and the environment's part.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{BACKUP_HOURS, Environment, Hooks, QUIET_MINUTES};

/// `[approval]`: who must approve, as far as it is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// People who must approve each phase before `apply` and `deploy` run it.
    pub required: Option<u32>,
    /// Whether the approval of the plan's author counts. Where it does not, `plan` refuses to make a plan without an author (3).
    pub author: Option<bool>,
    /// Hours for which an approval counts after it was given. Without it: for ever, or until its own `--expires`.
    pub valid_hours: Option<u32>,
    /// People who must approve a phase that has a hazard of level warning or danger, where that is more than `required`.
    pub required_warning: Option<u32>,
    /// People who must approve a phase that has a danger, where that is more than `required`.
    pub required_danger: Option<u32>,
    /// People who must sign before `protect --lower` pins a policy that asks for less; 0: nobody.
    pub required_lower: Option<u32>,
    /// Roles of `members`: only approvals of people in one of them count. Without it: everybody's.
    pub roles: Option<BTreeSet<String>>,
    /// Roles of `members` in each of which somebody must approve; one person stands for one role.
    pub required_roles: Option<BTreeSet<String>>,
    /// By code of a danger the roles of `members` whose acceptance of it counts. Of a code that is not here: anybody's.
    pub accepted_by: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Whether `rollback` needs approvals of its own (`approve --rollback`).
    pub rollback: Option<bool>,
    /// Whether the session of a superuser may `apply` and `rollback`.
    pub superuser: Option<bool>,
    /// Whether `apply` and `rollback` need a connection whose server's certificate is checked, unless it stays on this machine.
    pub verified_tls: Option<bool>,
    /// Whether an approval counts in the database only that it names; `approve` asks for that one.
    pub bound_to_database: Option<bool>,
    /// Whether an approval counts for one run: not again, once its phase was rolled back.
    pub single_use: Option<bool>,
    /// Whether only signed approvals count (`approve --sign`).
    pub signed: Option<bool>,
    /// A file with the keys that approvers sign with, as in ssh-keygen(1), ALLOWED SIGNERS.
    pub allowed_signers: Option<PathBuf>,
    /// A file with keys that do not count any more: a list of public keys, or OpenSSH's KRL.
    pub revoked_keys: Option<PathBuf>,
    /// A file with the keys of those whose plans count, as in ssh-keygen(1), ALLOWED SIGNERS. Without it: everybody's, signed or not.
    pub planned_by: Option<PathBuf>,
    /// By role the people in it: approvers' names, or fingerprints of their keys (`SHA256:…`).
    pub members: Option<BTreeMap<String, BTreeSet<String>>>,
    /// People who may take back another one's approval.
    pub admins: Option<BTreeSet<String>>,
    /// People whose approval alone is enough in an emergency (`approve --break-glass`): names, or fingerprints of keys.
    pub break_glass: Option<BTreeSet<String>>,
}

/// Who must approve a phase before it is applied. `K` is how the keys are known: by the path of their file, or themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy<K = PathBuf> {
    /// How many people.
    pub required: u32,
    /// Whether the plan's author counts.
    pub author: bool,
    /// For how long after it was given an approval counts; None: as long as it says itself.
    pub valid_hours: Option<u32>,
    /// How many people where the phase has a hazard of level warning or above, if that is more.
    #[serde(default)]
    pub required_warning: u32,
    /// How many people where it has a danger, if that is more.
    #[serde(default)]
    pub required_danger: u32,
    /// How many people must sign before a policy that asks for less than this one is pinned; 0: nobody.
    #[serde(default)]
    pub required_lower: u32,
    /// The roles whose approvals count; None: everyone's.
    pub roles: Option<BTreeSet<String>>,
    /// The roles each of which somebody must approve in; one person stands for one of them.
    #[serde(default)]
    pub required_roles: BTreeSet<String>,
    /// By a danger's code the roles whose acceptance of it counts; for others anyone's does.
    #[serde(default)]
    pub accepted_by: BTreeMap<String, BTreeSet<String>>,
    /// Whether a rollback needs approvals of its own.
    #[serde(default)]
    pub rollback: bool,
    /// Whether a superuser's session may apply and roll back.
    #[serde(default = "yes")]
    pub superuser: bool,
    /// Whether a phase runs only over a connection that stays on this machine, or whose server's certificate is checked.
    #[serde(default)]
    pub verified_tls: bool,
    /// Whether an approval counts in the database only that it names.
    #[serde(default)]
    pub bound_to_database: bool,
    /// Whether an approval counts for one run of its phase: once that was rolled back, it does not count again.
    #[serde(default)]
    pub single_use: bool,
    /// Whether only those count that are signed by a key in `allowed_signers`.
    pub signed: bool,
    /// The keys, if there are any.
    pub allowed_signers: Option<K>,
    /// Keys that do not count any more.
    pub revoked_keys: Option<K>,
    /// Whose plans count: the keys that sign them. None: everyone's, signed or not.
    pub planned_by: Option<K>,
    /// By role who is in it: names of approvers, or fingerprints of keys (`SHA256:…`).
    #[serde(default)]
    pub members: BTreeMap<String, BTreeSet<String>>,
    /// Who may take back another one's approval.
    #[serde(default)]
    pub admins: BTreeSet<String>,
    /// Whose approval is enough in an emergency: names of approvers, or fingerprints of keys.
    #[serde(default)]
    pub break_glass: BTreeSet<String>,
    /// The environment's name, which approvals have to say; None where the database was named by a URL alone.
    pub environment: Option<String>,
    /// What is run around a phase. None in a policy that was pinned before this was.
    pub around: Option<Around>,
}

/// What is run and waited for around a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Around {
    /// The commands by the name of their key: `before`, `after`, `failure` of `[hooks]`, and `backup`.
    pub commands: BTreeMap<String, String>,
    /// How old a backup may be, in hours.
    pub backup_hours: u32,
    /// How long no code may have written by a name that contract takes away, in minutes.
    pub quiet_minutes: u32,
    /// Environments in which a phase must be done before. None in a policy that was pinned before this was.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<String>,
}

impl Around {
    fn of(hooks: &Hooks, env: Option<&Environment>) -> Self {
        let Hooks { before, after, failure } = hooks;
        let backup = env.and_then(|env| env.backup.clone());
        let named =
            [("before", before), ("after", after), ("failure", failure), ("backup", &backup)].into_iter();
        Self {
            commands: named.filter_map(|(name, command)| Some((name.to_owned(), command.clone()?))).collect(),
            backup_hours: env.map_or(BACKUP_HOURS, |env| env.backup_hours),
            quiet_minutes: env.map_or(QUIET_MINUTES, |env| env.quiet_minutes),
            after: env.map(|env| env.after.iter().cloned().collect()).unwrap_or_default(),
        }
    }
}

/// Names, as trueup.toml has them.
fn list(names: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn yes() -> bool {
    true
}

impl<K> Default for Policy<K> {
    fn default() -> Self {
        Self {
            required: 1,
            author: true,
            valid_hours: None,
            required_warning: 0,
            required_danger: 0,
            required_lower: 0,
            roles: None,
            required_roles: BTreeSet::new(),
            accepted_by: BTreeMap::new(),
            rollback: false,
            superuser: true,
            verified_tls: false,
            bound_to_database: false,
            single_use: false,
            signed: false,
            allowed_signers: None,
            revoked_keys: None,
            planned_by: None,
            members: BTreeMap::new(),
            admins: BTreeSet::new(),
            break_glass: BTreeSet::new(),
            environment: None,
            around: None,
        }
    }
}

impl Policy {
    /// What these settings say, the later ones over the earlier, with paths relative to `dir`.
    pub(super) fn said<'s>(settings: impl IntoIterator<Item = &'s PolicySettings>, dir: &Path) -> Self {
        let mut policy = Self::default();
        for settings in settings {
            let PolicySettings {
                required,
                author,
                valid_hours,
                required_warning,
                required_danger,
                required_lower,
                roles,
                required_roles,
                accepted_by,
                rollback,
                superuser,
                verified_tls,
                bound_to_database,
                single_use,
                signed,
                allowed_signers,
                revoked_keys,
                planned_by,
                members,
                admins,
                break_glass,
            } = settings;
            set(&mut policy.required, required.as_ref());
            set(&mut policy.author, author.as_ref());
            policy.valid_hours = valid_hours.or(policy.valid_hours);
            set(&mut policy.required_warning, required_warning.as_ref());
            set(&mut policy.required_danger, required_danger.as_ref());
            set(&mut policy.required_lower, required_lower.as_ref());
            policy.roles = roles.clone().or(policy.roles);
            set(&mut policy.required_roles, required_roles.as_ref());
            set(&mut policy.accepted_by, accepted_by.as_ref());
            set(&mut policy.rollback, rollback.as_ref());
            set(&mut policy.superuser, superuser.as_ref());
            set(&mut policy.verified_tls, verified_tls.as_ref());
            set(&mut policy.bound_to_database, bound_to_database.as_ref());
            set(&mut policy.single_use, single_use.as_ref());
            set(&mut policy.signed, signed.as_ref());
            let file = |path: &PathBuf| dir.join(path);
            policy.allowed_signers = allowed_signers.as_ref().map(file).or(policy.allowed_signers);
            policy.revoked_keys = revoked_keys.as_ref().map(file).or(policy.revoked_keys);
            policy.planned_by = planned_by.as_ref().map(file).or(policy.planned_by);
            set(&mut policy.members, members.as_ref());
            set(&mut policy.admins, admins.as_ref());
            set(&mut policy.break_glass, break_glass.as_ref());
        }
        policy
    }

    /// The same of an environment, with what is run around its phases.
    pub(super) fn in_environment(self, name: Option<&str>, hooks: &Hooks, env: Option<&Environment>) -> Self {
        Self { environment: name.map(str::to_owned), around: Some(Around::of(hooks, env)), ..self }
    }
}

fn set<T: Clone>(value: &mut T, said: Option<&T>) {
    if let Some(said) = said {
        value.clone_from(said);
    }
}

impl<K> Policy<K> {
    /// The roles that approvals must be by.
    pub fn roles_asked_for(&self) -> impl Iterator<Item = &String> {
        self.roles.iter().flatten().chain(&self.required_roles).chain(self.accepted_by.values().flatten())
    }

    /// The same with the keys known in another way.
    pub fn with_keys<L>(
        self,
        allowed_signers: Option<L>,
        revoked_keys: Option<L>,
        planned_by: Option<L>,
    ) -> Policy<L> {
        Policy {
            required: self.required,
            author: self.author,
            valid_hours: self.valid_hours,
            required_warning: self.required_warning,
            required_danger: self.required_danger,
            required_lower: self.required_lower,
            roles: self.roles,
            required_roles: self.required_roles,
            accepted_by: self.accepted_by,
            rollback: self.rollback,
            superuser: self.superuser,
            verified_tls: self.verified_tls,
            bound_to_database: self.bound_to_database,
            single_use: self.single_use,
            signed: self.signed,
            allowed_signers,
            revoked_keys,
            planned_by,
            members: self.members,
            admins: self.admins,
            break_glass: self.break_glass,
            environment: self.environment,
            around: self.around,
        }
    }

    /// Its rules, as trueup.toml has them, and what is run around a phase.
    pub fn rules(&self) -> Vec<String> {
        let environment = self.environment.as_ref().map(|name| format!("environment = \"{name}\""));
        let around = self.around.iter().flat_map(|around| {
            let commands = around.commands.iter().map(|(name, command)| format!("{name} = \"{command}\""));
            let times = [
                format!("backup_hours = {}", around.backup_hours),
                format!("quiet_minutes = {}", around.quiet_minutes),
            ];
            let after = (!around.after.is_empty()).then(|| format!("after = {}", list(&around.after)));
            commands.chain(times).chain(after)
        });
        environment.into_iter().chain(self.asks()).chain(around).collect()
    }

    /// What it asks of approvals, as trueup.toml has it; of what asks for nothing only the first ones.
    pub fn asks(&self) -> Vec<String> {
        let table = |rows: &BTreeMap<String, BTreeSet<String>>| {
            let rows: Vec<String> =
                rows.iter().map(|(name, names)| format!("{name} = {}", list(names))).collect();
            format!("{{ {} }}", rows.join(", "))
        };
        let said = |asks: bool, rule: String| asks.then_some(rule);
        [
            Some(format!("required = {}", self.required)),
            said(
                self.required_warning > self.required,
                format!("required_warning = {}", self.required_warning),
            ),
            said(self.required_danger > self.required, format!("required_danger = {}", self.required_danger)),
            said(self.required_lower > 0, format!("required_lower = {}", self.required_lower)),
            Some(format!("author = {}", self.author)),
            self.valid_hours.map(|hours| format!("valid_hours = {hours}")),
            self.roles.as_ref().map(|roles| format!("roles = {}", list(roles))),
            said(!self.required_roles.is_empty(), format!("required_roles = {}", list(&self.required_roles))),
            said(!self.accepted_by.is_empty(), format!("accepted_by = {}", table(&self.accepted_by))),
            said(self.rollback, "rollback = true".to_owned()),
            said(!self.superuser, "superuser = false".to_owned()),
            said(self.verified_tls, "verified_tls = true".to_owned()),
            said(self.bound_to_database, "bound_to_database = true".to_owned()),
            said(self.single_use, "single_use = true".to_owned()),
            Some(format!("signed = {}", self.signed)),
            said(self.planned_by.is_some(), "plans must be signed".to_owned()),
            said(!self.members.is_empty(), format!("members = {}", table(&self.members))),
            said(!self.admins.is_empty(), format!("admins = {}", list(&self.admins))),
            said(!self.break_glass.is_empty(), format!("break_glass = {}", list(&self.break_glass))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
