//! `trueup dump`

use std::path::{Path, PathBuf};

use trueup::{
    catalog::{
        Catalog,
        scope::{Manage, Scope},
    },
    diff::DiffError,
    dump::{Dump, folder},
    postgres::Session,
    source::live::{self, ReadError},
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output, planner,
};

/// Writes the live database's schema as desired SQL: loading it and planning finds nothing to do. Roles and owners are
/// not in it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A stream or a .sql file is in an order that psql can load into an empty database. The files of a folder refer to each
other as they please, which trueup untangles and psql does not. What is there already is written over only where it is
as trueup dump wrote it.

Example:
  trueup dump --env production --out schema
  trueup dump | psql -v ON_ERROR_STOP=1 -d empty")]
pub struct Arguments {
    /// Where to: a file if it ends in .sql, else a folder with one file for each object; without it, standard output
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// The schemas to dump; else all, or those of [manage] in trueup.toml
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    manage: Vec<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let session = context.connect().await?;
    let dump = read(context, &session, &arguments.manage).await?;
    let out = arguments.out.as_deref().filter(|out| out.as_os_str() != "-");
    let Some(out) = out else {
        output::sql(&dump.stream())?;
        notes(context, &dump);
        return Ok(Exit::Done);
    };
    let written = write(out, &dump)?;
    if context.format() == Format::Json {
        output::json(&serde_json::json!({
            "out": out, "written": written.written, "unchanged": written.unchanged, "removed": written.removed,
            "unmanaged": dump.unmanaged, "missing": dump.missing, "roles": dump.roles,
        }));
    } else if !context.quiet() {
        output::words(context.format(), &format!("{}: {}", out.display(), in_words(&written)));
    }
    notes(context, &dump);
    Ok(Exit::Done)
}

/// Writes a dump to a file or a folder.
pub fn write(out: &Path, dump: &Dump) -> Result<folder::Written, CliError> {
    if is_file(out) {
        folder::write_file(out, &dump.stream())?;
        Ok(folder::Written { written: 1, ..folder::Written::default() })
    } else {
        Ok(folder::write(out, &dump.files())?)
    }
}

/// Whether a dump to this path is one file.
pub fn is_file(out: &Path) -> bool {
    !out.is_dir() && out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// Dumps a database.
pub async fn read(context: &Context, session: &Session, manage: &[String]) -> Result<Dump, CliError> {
    let mut live = live::read(session).await?;
    if !context.config.manage.owners {
        live.forget_owners();
    }
    let manage = planner::said_to_manage(context, manage).unwrap_or(Manage::All);
    let scope = Scope::decide(&manage, &live, &Catalog::default(), &context.config.manage.ignore);
    Ok(Dump::of(&live, &scope, session.major())?)
}

/// What was done, as people say it.
pub fn in_words(written: &folder::Written) -> String {
    let count = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 file {what}")),
        n => Some(format!("{n} files {what}")),
    };
    let parts = [
        count(written.written, "written"),
        count(written.unchanged, "unchanged"),
        count(written.removed, "removed"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "there is nothing to dump".to_owned() } else { parts.join(", ") }
}

/// What is not in it.
pub fn notes(context: &Context, dump: &Dump) {
    if context.quiet() {
        return;
    }
    for what in &dump.missing {
        output::note(&format!("note: left out, and needed by what is dumped: {}", visible_line(what)));
    }
    if !dump.unmanaged.is_empty() {
        let list = dump.unmanaged.join(", ");
        output::note(&format!("note: left out, since trueup does not manage it: {}", visible_line(&list)));
    }
}

impl From<ReadError> for CliError {
    fn from(error: ReadError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<DiffError> for CliError {
    fn from(error: DiffError) -> Self {
        Self::new(format!("the objects cannot be put in order: {error}"))
            .with_hint("please report this with the schema: what exists can be created")
    }
}

impl From<folder::FolderError> for CliError {
    fn from(error: folder::FolderError) -> Self {
        let exit = match error {
            folder::FolderError::Io { .. } => Exit::Error,
            folder::FolderError::Occupied { .. } | folder::FolderError::Exists(_) => Exit::Refused,
        };
        Self { exit, hint: error.hint(), ..Self::new(error.to_string()) }
    }
}
