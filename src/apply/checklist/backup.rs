//! Whether there is a backup: a command of the environment says so, run by `sh -c`, and how large and how old it is.

use std::time::Duration;

use super::Check;
use crate::facts::in_units;

const NAME: &str = "backup";
const NEXT: &str = "make one that works; nothing was changed";

/// Runs the command. It ends with 0 if there is a backup, and prints its size in bytes and its age in seconds.
pub(super) async fn prove(command: &str, oldest: Duration) -> Check {
    let output = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(std::process::Stdio::null())
        .output()
        .await;
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim().lines().last().map_or_else(String::new, |line| format!(": {line}"));
            return Check::fail(
                NAME,
                format!("the command that proves it ended with {}{said}", output.status),
                NEXT,
            );
        }
        Err(error) => return Check::fail(NAME, format!("the command that proves it: {error}"), NEXT),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.trim().lines().last().unwrap_or_default();
    let Some((size, age)) = size_and_age(line) else {
        let next = "have it print the size in bytes and the age in seconds in its last line: 73400320 3600";
        return Check::fail(NAME, format!("the command that proves it printed {line:?}"), next);
    };
    let what = format!("{} bytes ({}), {} s old ({})", size, in_units(size), age.as_secs(), hours(age));
    if size == 0 {
        Check::fail(NAME, "it is empty", NEXT)
    } else if age > oldest {
        Check::fail(NAME, format!("{what}, and {} at most are asked for", hours(oldest)), NEXT)
    } else {
        Check::pass(NAME, what)
    }
}

fn size_and_age(line: &str) -> Option<(u64, Duration)> {
    let mut words = line.split_whitespace();
    let (size, age) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some((size, Duration::from_secs(age)))
}

fn hours(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    if minutes < 120 { format!("{minutes} min") } else { format!("{} h", minutes / 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_prints_is_two_numbers() {
        assert_eq!(size_and_age("7 60"), Some((7, Duration::from_secs(60))));
        for wrong in ["", "7", "7 60 1", "-7 60", "7 1.5", "7G 60"] {
            assert_eq!(size_and_age(wrong), None, "{wrong}");
        }
    }
}
