//! The desired SQL that a command is given.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use trueup::source::desired::{self, Desired, SourceFile};

use super::{context::Context, exit::CliError};

/// The desired SQL of --schema or trueup.toml, checked. Empty when --schema names a database.
pub fn read_desired(context: &Context) -> Result<Desired, CliError> {
    let paths = context.schema();
    for path in paths.iter().filter_map(|path| path.to_str()) {
        if check_url(path)? {
            return Ok(Desired::default());
        }
    }
    if paths.is_empty() {
        return Err(CliError::new("no desired schema is given").with_hint(
            "name files or folders of SQL with --schema, or run `trueup init` for a trueup.toml",
        ));
    }
    // what the command line names is the user's own
    let project = context.global.schema.is_empty().then(|| context.config.project());
    read_sql(context, paths, project)
}

/// The SQL of files and folders, and of standard input where one is `-`, checked, with the values of the environment where it
/// says so. With a `project`, they must lie there.
pub fn read_sql(context: &Context, paths: Vec<PathBuf>, project: Option<&Path>) -> Result<Desired, CliError> {
    let (inputs, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| path.as_os_str() == "-");
    let mut files = if paths.is_empty() {
        Vec::new()
    } else {
        desired::read_paths(&paths, project).map_err(|e| multiline(&e.to_string()))?
    };
    if project.is_some() {
        // a plan says the same of a file wherever the project is, and from whichever of its folders it was made
        for file in &mut files {
            if let Ok(short) = Path::new(&file.name).strip_prefix(&context.config.dir) {
                file.name = short.display().to_string();
            }
        }
    }
    if !inputs.is_empty() {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        files.push(SourceFile::from_bytes("-", bytes).map_err(|error| multiline(&error.to_string()))?);
    }
    parse(context, &files)
}

/// The statements of SQL, with the values of the environment where it says so.
pub fn parse(context: &Context, files: &[SourceFile]) -> Result<Desired, CliError> {
    let wrong = |errors: desired::DesiredErrors| multiline(&errors.to_string());
    let shaping = context.shaping()?;
    if shaping.substitute {
        desired::substitute(files, &shaping.values).and_then(desired::Substituted::parse).map_err(wrong)
    } else {
        desired::parse(files).map_err(wrong)
    }
}

/// The first line is the error, the others are details.
pub fn multiline(text: &str) -> CliError {
    let (message, details) = text.split_once('\n').unwrap_or((text, ""));
    let details = if details.is_empty() { String::new() } else { format!("{details}\n") };
    CliError { details, ..CliError::new(message) }
}

/// Whether an argument names a database by its URL.
pub fn is_url(path: &str) -> bool {
    path.starts_with("postgres://") || path.starts_with("postgresql://")
}

/// The same. What looks like a URL and is none of a database is an error that does not repeat it: it may have a password.
pub fn check_url(text: &str) -> Result<bool, CliError> {
    if text.contains("://") && !is_url(text) {
        return Err(CliError::new("a URL is given that does not begin with postgres:// or postgresql://")
            .with_hint("write it as postgres://user@host:port/database"));
    }
    Ok(is_url(text))
}
