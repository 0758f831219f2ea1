//! Whether there is room: what is written anew or built needs about as much again as it has.

use std::path::Path;

use super::Check;
use crate::{facts::in_units, postgres::Session};

/// From here on not to know is worth a warning.
const MUCH: u64 = 1 << 30;

/// Compares what is needed with what there is, which a command prints in bytes, run by `sh -c`; without one the file
/// system is asked, where the server runs on this machine.
pub(super) async fn look(session: &Session, needed: u64, command: Option<&str>) -> Check {
    const NAME: &str = "disk";
    let free = match command {
        Some(command) => asked(command).await,
        None => local(session).await.ok_or_else(|| "the server's disk cannot be seen from here".to_owned()),
    };
    match free {
        Ok(free) if needed > free => Check::fail(
            NAME,
            format!("about {} are needed, and {} are free", in_units(needed), in_units(free)),
            "make room first",
        ),
        Ok(free) if needed > free / 2 => Check::warn(
            NAME,
            format!("about {} are needed of the {} that are free", in_units(needed), in_units(free)),
            "watch the disk, or make room first",
        ),
        Ok(free) => {
            Check::pass(NAME, format!("about {} are needed, {} are free", in_units(needed), in_units(free)))
        }
        Err(why) if needed >= MUCH || command.is_some() => Check::warn(
            NAME,
            format!("about {} are needed; {why}", in_units(needed)),
            "see to it that they are free; `free_space` of the environment is a command that says how much is",
        ),
        Err(why) => Check::pass(NAME, format!("about {} are needed; {why}", in_units(needed))),
    }
}

async fn asked(command: &str) -> Result<u64, String> {
    let output = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(|error| format!("free_space: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match said.trim().parse() {
        Ok(free) if output.status.success() => Ok(free),
        _ if output.status.success() => {
            Err(format!("free_space printed {:?}, which is no number of bytes", said.trim()))
        }
        _ => Err(format!("free_space: {}", output.status)),
    }
}

/// Where the server runs on this machine and says where its files are.
async fn local(session: &Session) -> Option<u64> {
    const WHERE: &str = "\
SELECT pg_catalog.current_setting('data_directory') \
 WHERE pg_catalog.inet_server_addr() IS NULL AND pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')";
    let row = session.client().query_opt(WHERE, &[]).await.ok()??;
    let directory: String = row.try_get(0).ok()?;
    let found = nix::sys::statvfs::statvfs(Path::new(&directory)).ok()?;
    // the width of these differs from system to system
    #[allow(clippy::unnecessary_cast)]
    Some(found.blocks_available() as u64 * found.fragment_size() as u64)
}
