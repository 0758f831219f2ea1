//! Printing: results to standard output, everything else to standard error.

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use super::{Format, exit::CliError};
use trueup::{
    report::{markdown, shell, text::Paint},
    visible::visible,
};

/// Prints a result. A reader that has gone away is no error.
pub fn result(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Prints what was done, in words. On a page, where names mention and link, they are a block of text.
pub fn words(format: Format, text: &str) {
    match format {
        Format::Markdown => result(&markdown::block(text)),
        Format::Text | Format::Sql | Format::Json => result(text),
    }
}

/// Prints bytes as they are, escape sequences too: what is not for people to read. It matters whether all of it
/// arrives, unless the reader has gone away.
pub fn raw(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints SQL as it is; on a terminal with what that would obey written out.
pub fn sql(text: &str) -> std::io::Result<()> {
    if std::io::stdout().is_terminal() { raw(&visible(text)) } else { raw(text) }
}

/// Prints a value for programs.
pub fn json(value: &serde_json::Value) {
    result(&format!("{value:#}"));
}

/// Prints a remark on standard error.
pub fn note(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// A path as a user would type it: below the current directory without that.
pub fn short_path(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    below.filter(|below| !below.as_os_str().is_empty()).unwrap_or(path).display().to_string()
}

/// The same as a word of a command that is to be pasted.
pub fn typed_path(path: &Path) -> String {
    shell::word(&short_path(path))
}

/// Prints what went wrong, and what to do next.
pub fn error(error: &CliError) {
    let paint = Paint(colour_on(&std::io::stderr()));
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{} {}", paint.red("error:"), visible(&error.message));
    let _ = write!(out, "{}", visible(&error.details));
    if let Some(hint) = &error.hint {
        let _ = writeln!(out, "{} {}", paint.bold("hint:"), visible(hint));
    }
}

/// Whether results are in colours.
pub fn colour() -> bool {
    colour_on(&std::io::stdout())
}

fn colour_on(stream: &(impl anstream::stream::RawStream + IsTerminal)) -> bool {
    anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// Turns the library's tracing on, as far as -v asks for it.
pub fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "trueup=info",
        2 => "trueup=debug",
        _ => "trace",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(colour_on(&std::io::stderr()))
        .with_target(false)
        .without_time()
        .init();
}
