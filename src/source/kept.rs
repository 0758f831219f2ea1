//! Elaborated desired schemas, kept from one plan to the next: loading a large one takes seconds, reading one back does
//! not.
//!
//! The name of an entry is a fingerprint of everything that its contents depend on, so that an entry is either right or
//! not found; nothing is ever brought up to date. What cannot be read, or was written by somebody else, is not there.
//! A cache that cannot be written is no error.

use std::{
    collections::BTreeSet,
    fs, io,
    io::{Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{live, rows::Rows};
use crate::catalog::{Catalog, Fingerprint};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// The size of all files.
    bytes: u64,
    /// Each plan looks at every entry to find the oldest.
    entries: usize,
}

/// Some hundred schemas of a thousand tables each.
const LIMIT: Limit = Limit { bytes: 64 << 20, entries: 500 };

/// A folder with one file for each elaborated schema.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// The one in a user's cache.
    pub fn within(cache: &Path) -> Self {
        Self { folder: cache.join("catalogs") }
    }

    /// The catalog that was kept under this key, without options of these names.
    pub fn get(&self, key: &Fingerprint, ignored_options: &BTreeSet<String>) -> Option<Catalog> {
        let file = fs::File::open(self.path(key)).ok()?;
        let own = file.metadata().ok()?.uid() == nix::unistd::geteuid().as_raw();
        if !own {
            return None;
        }
        let mut bytes = Vec::new();
        // the end of the stream has a checksum: half of one is none
        GzDecoder::new(file).read_to_end(&mut bytes).ok()?;
        let mut rows: Rows = serde_json::from_slice(&bytes).ok()?;
        live::assemble(&mut rows, ignored_options).ok()
    }

    /// Keeps what was read, and throws out what is oldest when there is too much.
    pub fn put(&self, key: &Fingerprint, rows: &Rows) {
        if let Err(error) = self.write(key, rows).and_then(|()| self.make_room(LIMIT)) {
            tracing::debug!("{}: {error}", self.folder.display());
        }
    }

    fn path(&self, key: &Fingerprint) -> PathBuf {
        self.folder.join(format!("{key}.json.gz"))
    }

    fn write(&self, key: &Fingerprint, rows: &Rows) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // beside its final place and renamed, so that nobody sees half of one
        let unfinished = tempfile::NamedTempFile::new_in(&self.folder)?;
        let mut packed = GzEncoder::new(unfinished, Compression::fast());
        packed.write_all(&serde_json::to_vec(rows)?)?;
        packed.finish()?.persist(self.path(key))?;
        Ok(())
    }

    fn make_room(&self, limit: Limit) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let Ok(about) = entry.metadata() else { continue };
            files.push((about.modified()?, entry.path(), about.len()));
        }
        files.sort();
        let (mut bytes, mut entries) = (files.iter().map(|(.., size)| size).sum::<u64>(), files.len());
        for (_, path, freed) in files {
            if bytes <= limit.bytes && entries <= limit.entries {
                break;
            }
            match fs::remove_file(path) {
                // another plan makes room as well
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => (bytes, entries) = (bytes - freed, entries - 1),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let json = r#"{"kinds":[["schema",[{"address":[1,2,0],"path":["app"],"json":"{}"}]]],
            "aliases":[],"dependencies":[],"unmanaged":[["operator app.+","1"]]}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_was_kept_is_found_under_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::within(folder.path());
        let (key, other) = (Fingerprint::of("a"), Fingerprint::of("b"));
        assert_eq!(kept.get(&key, &BTreeSet::new()), None);
        kept.put(&key, &rows());
        assert_eq!(kept.get(&key, &BTreeSet::new()), live::assemble(&mut rows(), &BTreeSet::new()).ok());
        assert!(kept.get(&key, &BTreeSet::new()).is_some_and(|catalog| catalog.objects.len() == 1));
        assert_eq!(kept.get(&other, &BTreeSet::new()), None);
        assert_eq!(fs::read_dir(folder.path().join("catalogs")).unwrap().count(), 1);
    }

    #[test]
    fn an_entry_of_a_server_that_keeps_options_of_its_own_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::within(folder.path());
        let catalog = |options: &str| {
            let view = format!(r#"{{"definition":"SELECT 1","columns":[],"options":[{options}]}}"#);
            let json = serde_json::json!({
                "kinds": [["view", [{ "address": [1, 2, 0], "path": ["app", "v"], "json": view }]]],
                "aliases": [], "dependencies": [], "unmanaged": [],
            });
            let (key, rows) = (Fingerprint::of(options), serde_json::from_value(json).unwrap());
            kept.put(&key, &rows);
            kept.get(&key, &BTreeSet::from(["srv_map".to_owned()])).unwrap()
        };
        let plain = catalog(r#""security_barrier=true""#);
        let updated = catalog(r#""pg_next=7","security_barrier=true","srv_map=1""#);
        assert_eq!(plain, updated);
        let id = plain.objects.keys().next().unwrap();
        assert_eq!(plain.fingerprint(id), updated.fingerprint(id));
    }

    #[test]
    fn a_damaged_entry_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::within(folder.path());
        let key = Fingerprint::of("a");
        kept.put(&key, &rows());
        let whole = fs::read(kept.path(&key)).unwrap();
        fs::write(kept.path(&key), &whole[..whole.len() - 4]).unwrap();
        assert_eq!(kept.get(&key, &BTreeSet::new()), None);
        fs::write(kept.path(&key), "something else").unwrap();
        assert_eq!(kept.get(&key, &BTreeSet::new()), None);
        kept.put(&key, &rows());
        assert!(kept.get(&key, &BTreeSet::new()).is_some());
    }

    #[test]
    fn the_oldest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::within(folder.path());
        let keys = ["a", "b", "c"].map(Fingerprint::of);
        for (age, key) in (0..3).rev().zip(&keys) {
            kept.put(key, &rows());
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(10 - age);
            fs::File::options().append(true).open(kept.path(key)).unwrap().set_modified(time).unwrap();
        }
        let left = || keys.each_ref().map(|key| kept.get(key, &BTreeSet::new()).is_some());
        let one = fs::metadata(kept.path(&keys[0])).unwrap().len();
        kept.make_room(Limit { bytes: one * 2, ..LIMIT }).unwrap();
        assert_eq!(left(), [false, true, true]);
        kept.make_room(Limit { entries: 1, ..LIMIT }).unwrap();
        assert_eq!(left(), [false, false, true]);
    }
}
