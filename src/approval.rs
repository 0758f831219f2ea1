//! Approvals: a person's recorded yes to one plan, one phase, and named hazards.
//!
//! An approval is a file `approvals/<phase>-<approver>.toml` in the plan's folder, so it travels with the pull
//! request. It is bound to the plan's digest: one changed byte of plan.toml voids it. It covers only the phase it
//! names, and only the dangers whose codes it accepts. [`tally`] decides whether what there is suffices, by the
//! policy of the environment; it is pure, and time is given to it.

mod check;
pub mod lowering;
mod missing;
pub mod pinned;
pub mod planner;
pub mod receipt;
pub mod signature;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

pub use check::{BadDatabase, Covered, Database, Occasion, SKEW, Tally, is_in, tally};
use jiff::Timestamp;
pub use missing::{Missing, Void};
use serde::{Deserialize, Serialize};
pub use signature::{Keys, Signed};

use crate::{
    config::Policy,
    hazard::{Hazard, Level},
    plan::{Digest, Plan, PlanFile},
    step::{Direction, Phase},
    toml_file::{self, TomlError},
    visible::visible_line,
};

/// The format of approval files.
pub const FORMAT: u32 = 1;

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The format of this file: [`FORMAT`].
    pub format: u32,
    /// The digest of the plan.
    pub plan: Digest,
    /// The phase.
    pub phase: Phase,
    /// Whether it is its rollback that is approved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// Who.
    pub approver: Approver,
    /// What earlier versions took for the approver's role. It does not count: policy says who is in which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The codes of the dangers that were accepted.
    #[serde(default)]
    pub accepts: BTreeSet<String>,
    /// Why, or what was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The environments that it is for; none where the database was named by a URL alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<String>,
    /// The database that it is for, where policy asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// Whether it is to be enough alone, in an emergency.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// When.
    pub created: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The SSH signature of all of it but this, as OpenSSH writes it (`-----BEGIN SSH SIGNATURE-----` …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// What checking it came to.
    #[serde(skip)]
    pub signed: Signed,
}

/// Who took an approval back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The approver, or an admin.
    pub by: Approver,
    /// The SSH signature of the approval without its own signature, and with this but for the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// What checking it came to.
    #[serde(skip)]
    pub signed: Signed,
}

/// Who approves: a name that is also part of a file's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Approver(String);

/// A name that cannot be an approver's.
#[derive(Debug, thiserror::Error)]
#[error("\"{}\" cannot be an approver's name", visible_line(.0))]
pub struct BadApprover(String);

impl BadApprover {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        "use a login name or a mail address: letters, digits and . _ @ + - (not first), at most 100"
    }
}

impl std::str::FromStr for Approver {
    type Err = BadApprover;

    fn from_str(name: &str) -> Result<Self, BadApprover> {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '+' | '-');
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if first && name.len() <= 100 && name.chars().all(fine) {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadApprover(name.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for Approver {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Approver {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The person, however the name is written.
    fn person(&self) -> String {
        person(&self.0)
    }
}

/// What a login name and a mail address of the same person have in common: `Bob.Ross+work@example.com` is `bobross`. Of two
/// people whom it takes for one, one counts.
fn person(name: &str) -> String {
    let local = name.split('@').next().unwrap_or_default();
    let local = local.split('+').next().unwrap_or_default();
    local.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a name is one that approvers can be told apart from.
pub fn is_person(name: &str) -> bool {
    !person(name).is_empty()
}

impl std::fmt::Display for Approver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why approvals cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// A file is not as trueup writes it.
    #[error(transparent)]
    File(#[from] TomlError),
    /// A file's name and what is in it are of two minds.
    #[error("{}: this is the approval of phase {phase} by {approver}", file.display())]
    Name {
        /// Which file.
        file: PathBuf,
        /// The phase that it says.
        phase: &'static str,
        /// The approver that it says.
        approver: Approver,
    },
    /// The approval has no bytes.
    #[error("the approval by {approver} cannot be written as TOML: {source}")]
    Unwritable {
        /// Whose.
        approver: Approver,
        /// What the writer said.
        source: toml::ser::Error,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn at(path: &Path) -> impl Fn(io::Error) -> ApprovalError + '_ {
    move |source| ApprovalError::Io { path: path.to_owned(), source }
}

impl Approval {
    /// A yes that accepts nothing, holds until it is taken back, and names no environment.
    pub fn new(plan: Digest, phase: Phase, approver: Approver, created: Timestamp) -> Self {
        Self {
            format: FORMAT,
            plan,
            phase,
            rollback: false,
            approver,
            role: None,
            accepts: BTreeSet::new(),
            reason: None,
            environments: BTreeSet::new(),
            database: None,
            break_glass: false,
            // a file says no more than seconds
            created: Timestamp::from_second(created.as_second()).unwrap_or(created),
            expires: None,
            signature: None,
            revoked: None,
            revocation: None,
            signed: Signed::No,
        }
    }

    fn file_name(&self) -> String {
        let way = if self.rollback { "rollback-" } else { "" };
        format!("{way}{}-{}.toml", self.phase.label(), self.approver)
    }

    /// The file's text.
    pub fn text(&self) -> Result<String, ApprovalError> {
        toml::to_string_pretty(self)
            .map_err(|source| ApprovalError::Unwritable { approver: self.approver.clone(), source })
    }

    /// The SHA-256 of what is signed; None: it has no bytes.
    pub fn digest(&self) -> Option<Digest> {
        self.payload().ok().map(|payload| Digest::of(&payload))
    }

    /// Writes it into the plan's folder, over an earlier one by the same person for the same phase.
    pub fn write(&self, plan: &PlanFile) -> Result<PathBuf, ApprovalError> {
        let text = self.text()?;
        let dir = plan.approvals();
        fs::create_dir_all(&dir).map_err(at(&dir))?;
        let file = dir.join(self.file_name());
        let mut fresh = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(&dir)
            .map_err(at(&dir))?;
        io::Write::write_all(&mut fresh, text.as_bytes()).map_err(at(&file))?;
        fresh.persist(&file).map_err(|error| at(&file)(error.error))?;
        Ok(file)
    }

    /// The one by this person that a plan's folder has, for a phase and a direction.
    pub fn find(
        plan: &PlanFile,
        approver: &Approver,
        phase: Phase,
        direction: Direction,
    ) -> Result<Option<Self>, ApprovalError> {
        let wanted = |approval: &Self| {
            approval.approver == *approver
                && approval.phase == phase
                && approval.rollback == (direction == Direction::Rollback)
        };
        Ok(read_all(plan)?.into_iter().find(wanted))
    }

    /// Reads one file.
    pub fn read(file: &Path) -> Result<Self, ApprovalError> {
        let text = toml_file::read_text(file)?;
        let approval: Self = toml_file::parse(file, &text)?;
        if approval.format != FORMAT {
            let problem =
                format!("this approval has format {}; format {FORMAT} is understood", approval.format);
            return Err(TomlError::at(file, &text, 0, problem).into());
        }
        if file.file_name().is_none_or(|name| name != approval.file_name().as_str()) {
            let Self { phase, approver, .. } = approval;
            return Err(ApprovalError::Name { file: file.to_owned(), phase: phase.label(), approver });
        }
        Ok(approval)
    }
}

/// Reads all approvals in a plan's folder, in the order of their names, and checks their signatures, if policy names the
/// keys. Other files than `*.toml` are ignored.
pub fn read_checked(
    plan: &PlanFile,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Approval>, ApprovalError> {
    let mut approvals = read_all(plan)?;
    if let Some(allowed) = &policy.allowed_signers {
        let keys = Keys { allowed, revoked: policy.revoked_keys.as_deref() };
        for approval in &mut approvals {
            approval.verify(&keys, &policy.admins, now);
        }
    }
    Ok(approvals)
}

/// Reads all approvals in a plan's folder, in the order of their names. Other files than `*.toml` are ignored.
pub fn read_all(plan: &PlanFile) -> Result<Vec<Approval>, ApprovalError> {
    let dir = plan.approvals();
    let entries = match fs::read_dir(&dir) {
        // Git does not keep empty folders
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(at(&dir))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(at(&dir))?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    files.iter().map(|file| Approval::read(file)).collect()
}

/// The dangers of a phase: each code, and the steps that have it. These must be accepted.
pub fn dangers(plan: &Plan, phase: Phase) -> BTreeMap<String, Vec<u32>> {
    dangers_of(plan, phase, Direction::Apply)
}

/// The same of a phase one way or the other.
pub fn dangers_of(plan: &Plan, phase: Phase, direction: Direction) -> BTreeMap<String, Vec<u32>> {
    let mut dangers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (step, hazard) in hazards(plan, phase, direction).filter(|(_, hazard)| hazard.level == Level::Danger)
    {
        let steps = dangers.entry(hazard.code.clone()).or_default();
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    dangers
}

fn hazards(plan: &Plan, phase: Phase, direction: Direction) -> impl Iterator<Item = (u32, &Hazard)> {
    let steps = plan.steps.iter().filter(move |step| step.phase == phase);
    steps.flat_map(move |step| {
        let hazards = if direction == Direction::Rollback { &step.undo.hazards } else { &step.hazards };
        hazards.iter().map(|hazard| (step.id, hazard))
    })
}

/// All codes that an approval of a phase can accept: its dangers.
pub fn acceptable(plan: &Plan, phase: Phase, direction: Direction) -> BTreeSet<String> {
    dangers_of(plan, phase, direction).into_keys().collect()
}
