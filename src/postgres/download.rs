//! PostgreSQL from the registry, checked and unpacked into the cache.

/// Where the registry is, unless told otherwise.
pub(super) const REGISTRY: &str = "https://registry.npmjs.org";

use super::binaries::Binaries;
use super::throwaway::{ScratchError, ScratchOptions};

pub(super) fn binaries(options: &ScratchOptions, _progress: &dyn Fn(&str)) -> Result<Binaries, ScratchError> {
    Err(ScratchError::NotInstalled { major: options.major })
}
