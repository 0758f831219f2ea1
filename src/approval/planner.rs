//! Who made a plan: the signature beside plan.toml.
//!
//! A plan says what its rehearsal saw (locks, scans, what was missing between batches), and policy rests on that. Where
//! `planned_by` names keys, a plan counts only if one of them signed its bytes: `trueup plan --sign KEY`, or
//! `ssh-keygen -Y sign -n trueup-plan -f KEY plan.toml`.

use std::{fs, io, path::Path};

use jiff::Timestamp;

use super::{
    Keys,
    signature::{self, SignError},
};
use crate::{plan::PlanFile, toml_file};

/// What the signatures are for: that of an approval does not count here.
const NAMESPACE: &str = "trueup-plan";

/// Why a plan could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// There is no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It cannot be written.
    #[error("plan.toml.sig: {0}")]
    Write(#[from] io::Error),
}

/// Signs a plan's bytes with a private key, or by an agent with the public one.
pub fn sign(plan: &PlanFile, key: &Path) -> Result<(), NotSigned> {
    let signature = signature::signed(&plan.text, key, NAMESPACE)?;
    Ok(fs::write(plan.signature(), signature)?)
}

/// Who signed the plan, by a key that is theirs at this time; else why it does not count.
pub fn signer(plan: &PlanFile, keys: &Keys<'_>, now: Timestamp) -> Result<String, String> {
    let file = plan.signature();
    let signature = match toml_file::read_file(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("it is not signed (plan --sign KEY)".to_owned());
        }
        read => read.map_err(|error| format!("{}: {error}", file.display()))?,
    };
    let signature = String::from_utf8_lossy(&signature);
    let mut why = "its key is nobody's".to_owned();
    for person in signature::people(&signature, keys.allowed)? {
        match signature::verified(&plan.text, &signature, &person, keys, NAMESPACE, now) {
            Ok(_) => return Ok(person),
            Err(error) => why = error,
        }
    }
    Err(why)
}
