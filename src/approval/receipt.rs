//! Receipts: that a phase of a plan is done in an environment, for another one that comes after it and cannot ask its journal.
//!
//! `apply` writes one beside the approvals once the phase is proven, and signs it where approvals are signed. It is believed as
//! approvals are: what nobody signs, anybody may have written who may write approvals. It says what was so then: a rollback
//! takes it away where it lies, and no other copy of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ApprovalError, Keys,
    pinned::Pinned,
    signature::{self, SignError},
};
use crate::{
    config::Policy,
    plan::{Digest, PlanFile},
    step::Phase,
    toml_file::{self, TomlError},
};

/// What the signatures are for.
const NAMESPACE: &str = "trueup-receipt";

/// The format of these files.
const FORMAT: u32 = 1;

/// That a phase is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The format of this file.
    format: u32,
    /// The digest of the plan.
    pub plan: Digest,
    /// The phase.
    pub phase: Phase,
    /// Where.
    pub environment: String,
    /// In which database: `db.example:5432/shop`.
    pub database: String,
    /// When it was done.
    pub done: Timestamp,
    /// How long its runs took, in seconds.
    pub seconds: i64,
    /// The steps that took longest: the step, and how many seconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub longest: Vec<(u32, u64)>,
    /// The SSH signature of all of it but this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl Receipt {
    /// That this phase was done at a time.
    pub fn new(
        plan: &PlanFile,
        phase: Phase,
        environment: &str,
        database: &str,
        (done, seconds): (Timestamp, i64),
        longest: Vec<(u32, u64)>,
    ) -> Self {
        Self {
            format: FORMAT,
            plan: plan.digest.clone(),
            phase,
            environment: environment.to_owned(),
            database: database.to_owned(),
            // a file says no more than seconds
            done: Timestamp::from_second(done.as_second()).unwrap_or(done),
            seconds,
            longest,
            signature: None,
        }
    }

    /// Where it lies. None: nothing is called after an environment of that name.
    fn file(plan: &PlanFile, environment: &str, phase: Phase) -> Option<PathBuf> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        let is_name =
            !environment.is_empty() && !environment.starts_with('.') && environment.bytes().all(plain);
        is_name.then(|| plan.dir.join("receipts").join(format!("{environment}-{}.toml", phase.label())))
    }

    fn text(&self) -> Result<String, TomlError> {
        toml::to_string_pretty(self)
            .map_err(|error| TomlError::at(Path::new("receipt"), "", 0, error.to_string()))
    }

    /// The bytes that are signed.
    fn payload(&self) -> Result<String, TomlError> {
        Self { signature: None, ..self.clone() }.text()
    }

    /// Signs it with a private key, or by an agent with the public one.
    pub fn sign(&mut self, key: &Path) -> Result<(), SignError> {
        let payload = self.payload().map_err(ApprovalError::File)?;
        self.signature = Some(signature::signed(&payload, key, NAMESPACE)?);
        Ok(())
    }

    /// Writes it beside the approvals. None: the environment's name is none for a file.
    pub fn write(&self, plan: &PlanFile) -> Result<Option<PathBuf>, ApprovalError> {
        let Some(file) = Self::file(plan, &self.environment, self.phase) else { return Ok(None) };
        let text = self.text()?;
        let io = |source| ApprovalError::Io { path: file.clone(), source };
        fs::create_dir_all(plan.dir.join("receipts")).map_err(io)?;
        fs::write(&file, text).map_err(io)?;
        Ok(Some(file))
    }

    /// Takes it away: the phase is not done any more.
    pub fn remove(plan: &PlanFile, environment: &str, phase: Phase) -> Result<(), ApprovalError> {
        let Some(file) = Self::file(plan, environment, phase) else { return Ok(()) };
        match fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ApprovalError::Io { path: file, source })
            }
            _ => Ok(()),
        }
    }

    /// The receipt that the plan's folder has, if it has one, for this plan.
    pub fn read(plan: &PlanFile, environment: &str, phase: Phase) -> Result<Option<Self>, ApprovalError> {
        let Some(file) = Self::file(plan, environment, phase).filter(|file| file.symlink_metadata().is_ok())
        else {
            return Ok(None);
        };
        let text = toml_file::read_text(&file)?;
        let receipt: Self = toml_file::parse(&file, &text)?;
        let wrong = if receipt.format != FORMAT {
            format!("this receipt has format {}; format {FORMAT} is understood", receipt.format)
        } else if receipt.plan != plan.digest {
            "this receipt is for another plan, or this one before it was changed".to_owned()
        } else if receipt.environment != environment || receipt.phase != phase {
            "this receipt is for another environment or phase than its name says".to_owned()
        } else {
            return Ok(Some(receipt));
        };
        Err(TomlError::at(&file, &text, 0, wrong).into())
    }

    /// Who signed it, by the keys that approvals are signed with: the file's and the pinned ones, where there are any. None:
    /// policy counts unsigned approvals. Else why it does not count.
    pub fn signer(
        &self,
        pinned: Option<&Pinned>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Result<Option<String>, String>, ApprovalError> {
        if !policy.signed && pinned.is_none_or(|pinned| !pinned.signed) {
            return Ok(Ok(None));
        }
        let own = policy
            .allowed_signers
            .as_deref()
            .map(|allowed| self.signed_by(&Keys { allowed, revoked: policy.revoked_keys.as_deref() }, now));
        let files = pinned.map(Pinned::key_files).transpose()?.flatten();
        let by_pinned = files.map(|files| self.signed_by(&files.keys(), now));
        let mut signer = Err("policy counts signed ones, and names no keys".to_owned());
        for verified in [own, by_pinned].into_iter().flatten() {
            match verified {
                Ok(person) => signer = Ok(Some(person)),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(signer)
    }

    fn signed_by(&self, keys: &Keys<'_>, now: Timestamp) -> Result<String, String> {
        let Some(signature) = &self.signature else {
            return Err("it is not signed (apply --sign KEY), and policy counts what is signed".to_owned());
        };
        let payload = self.payload().map_err(|error| error.to_string())?;
        let mut why = "its key is nobody's".to_owned();
        for person in signature::people(signature, keys.allowed)? {
            let verified =
                signature::verified_since(&payload, signature, &person, keys, NAMESPACE, self.done, now);
            match verified {
                Ok(_) => return Ok(person),
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}
