//! `.pgpass`: passwords by host, port, database and user.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::target::Password;
use crate::toml_file;

/// The password of the first line that fits. A file that is missing, or that others may read, has none: libpq
/// ignores such a file as well, and a log line says so.
pub(super) fn look_up(file: &Path, host: &str, port: u16, database: &str, user: &str) -> Option<Password> {
    let metadata = std::fs::metadata(file).ok()?;
    if !metadata.is_file() {
        tracing::warn!("password file {} is not a plain file, so it is not used", file.display());
        return None;
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!(
            "password file {} may be read by others, so it is not used: chmod 600",
            file.display()
        );
        return None;
    }
    let text = String::from_utf8(toml_file::read_file(file).ok()?).ok()?;
    find(&text, [host, &port.to_string(), database, user]).map(Password::new)
}

fn find(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, keys) = fields.split_last()?;
        let fits =
            keys.len() == 4 && keys.iter().zip(wanted).all(|(key, wanted)| key == "*" || key == wanted);
        fits.then(|| password.clone())
    })
}

/// Five fields with colons between them; a backslash makes the next character an ordinary one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' if fields.len() < 5 => fields.push(String::new()),
            c => {
                let c = if c == '\\' { chars.next() } else { Some(c) };
                if let Some(field) = fields.last_mut() {
                    field.extend(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# comment\nother:*:*:*:no\nh:5432:db:u:a\\:b\\\\c\n*:*:*:*:rest\n";
        assert_eq!(find(text, ["h", "5432", "db", "u"]).as_deref(), Some("a:b\\c"));
        assert_eq!(find(text, ["h", "5433", "db", "u"]).as_deref(), Some("rest"));
        assert_eq!(find("h:1:db:u:p", ["h", "2", "db", "u"]), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pgpass");
        std::fs::write(&file, "*:*:*:*:p\n").unwrap();
        let look = || look_up(&file, "h", 1, "d", "u");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(look().is_none());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(look().is_some());
    }
}
