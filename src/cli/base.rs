//! What a plan starts from: the database, or, with `plan --from`, SQL in the place of one.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use trueup::{
    postgres::{DatabaseSettings, Scratch, ScratchDatabase, Session},
    source::desired::{self, Desired, MissingRoles, SourceFile},
    visible::visible_line,
};

use super::{
    context::{Context, scratch_options},
    desired::{multiline, parse, read_sql},
    exit::CliError,
    progress::Waiting,
};

/// Who owns what the SQL makes, where no environment says who applies.
const NOBODY: &str = "postgres";

/// What a plan starts from.
pub enum Base {
    /// A database.
    Database(Box<Session>),
    /// SQL, in a database of a throwaway server of its own.
    Sql(Box<OfSql>),
}

/// SQL in the place of a database.
pub struct OfSql {
    /// Which SQL.
    sql: String,
    database: ScratchDatabase,
    server: Scratch,
}

impl Base {
    /// A session in it.
    pub fn session(&self) -> &Session {
        match self {
            Self::Database(session) => session,
            Self::Sql(of) => of.database.session(),
        }
    }

    /// The SQL, if it is that.
    pub fn sql(&self) -> Option<String> {
        match self {
            Self::Database(_) => None,
            Self::Sql(of) => Some(of.sql.clone()),
        }
    }

    /// SQL by its path, else by a revision of git, in which it is where --schema or trueup.toml say.
    pub async fn of_sql(context: &Context, from: &str, major: Option<u16>) -> Result<Self, CliError> {
        let (sql, schema) = read(context, from)?;
        Self::of_desired(context, &schema, sql, major).await
    }

    /// SQL that was read.
    pub async fn of_desired(
        context: &Context,
        schema: &Desired,
        sql: String,
        major: Option<u16>,
    ) -> Result<Self, CliError> {
        let waiting = Waiting::new(context.quiet());
        let mut options = scratch_options(context)?;
        options.major = major;
        let server = Scratch::open(&options, &|what| waiting.say(what)).await?;
        waiting.say("loading the SQL");
        let loaded = load(context, &server, schema).await;
        waiting.end();
        match loaded {
            Ok(database) => Ok(Self::Sql(Box::new(OfSql { sql, database, server }))),
            Err(error) => {
                server.close().await?;
                Err(error)
            }
        }
    }

    /// Ends it.
    pub async fn close(self) -> Result<(), CliError> {
        match self {
            Self::Database(session) => session.close().await,
            Self::Sql(of) => {
                let OfSql { database, server, .. } = *of;
                server.drop_database(database).await?;
                server.close().await?;
            }
        }
        Ok(())
    }
}

async fn load(context: &Context, server: &Scratch, schema: &Desired) -> Result<ScratchDatabase, CliError> {
    let settings = DatabaseSettings::of(server.admin())
        .await
        .map_err(|error| CliError::new(format!("the throwaway server's encoding and locale: {error}")))?;
    let (database, missing) = if server.is_shadow() {
        (server.create_database(&settings).await?, MissingRoles::Create)
    } else {
        let role = context.environment()?.and_then(|environment| environment.role.as_deref());
        let named = schema.roles.iter().filter(|role| !role.starts_with("pg_")).cloned();
        let database = server.create_database_of(role.unwrap_or(NOBODY), named, &settings).await?;
        (database, MissingRoles::ByName)
    };
    let loaded = desired::load(database.session(), schema, missing).await;
    let loaded = loaded.map_err(|error| multiline(&error.to_string()))?;
    for role in &loaded.created_roles {
        server.track_role(role);
    }
    Ok(database)
}

/// The SQL, and what it is called.
fn read(context: &Context, from: &str) -> Result<(String, Desired), CliError> {
    if Path::new(from).exists() || from == "-" {
        return Ok((visible_line(from).into_owned(), read_sql(context, vec![PathBuf::from(from)], None)?));
    }
    let repository = Repository::of(context)?;
    let commit = repository.commit(from)?;
    let files = repository.files(&commit)?;
    let short = commit.get(..12).unwrap_or(&commit);
    Ok((format!("{} ({short})", visible_line(from)), parse(context, &files)?))
}

/// The paths of the schema, in the repository that they are in.
struct Repository {
    /// What the paths are relative to.
    dir: PathBuf,
    paths: Vec<PathBuf>,
}

impl Repository {
    fn of(context: &Context) -> Result<Self, CliError> {
        let (dir, paths) = if context.global.schema.is_empty() {
            (context.config.dir.clone(), context.config.schema.clone())
        } else {
            (std::env::current_dir()?, context.global.schema.clone())
        };
        if paths.is_empty() {
            return Err(CliError::new("no desired schema is given, so that nothing says where it is in git")
                .with_hint("name files or folders of SQL with --schema, or in trueup.toml"));
        }
        Ok(Self { dir, paths })
    }

    /// What git answers.
    fn git(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Vec<u8>, String> {
        let mut git = Command::new("git");
        git.current_dir(&self.dir).args(arguments).stdin(Stdio::piped());
        git.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = git.spawn().map_err(|error| error.to_string())?;
        let stdin = running.stdin.take();
        // what it says is read meanwhile: it would wait for that
        let answer = std::thread::scope(|scope| {
            scope.spawn(move || {
                if let (Some(mut stdin), Some(input)) = (stdin, input) {
                    // what it does not read, it does not want
                    drop(stdin.write_all(input));
                }
            });
            running.wait_with_output()
        });
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        Err(said.lines().next().unwrap_or("it failed").to_owned())
    }

    fn commit(&self, from: &str) -> Result<String, CliError> {
        let named = format!("{from}^{{commit}}");
        let wrong = |said: String| {
            let from = visible_line(from);
            CliError::new(format!(
                "--from {from}: there is no such path, and git knows no such revision: {said}"
            ))
            .with_hint("name a file or folder of SQL, or a branch, a tag or a commit: --from origin/main")
        };
        let said = self.git(&["rev-parse", "--verify", "--end-of-options", &named], None);
        let said = said.map_err(|said| wrong(visible_line(&said).into_owned()))?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// The SQL at a commit: the files that the paths name, and all `*.sql` below the folders, in the order of their names.
    fn files(&self, commit: &str) -> Result<Vec<SourceFile>, CliError> {
        let failed = |said: String| CliError::new(format!("git: {}", visible_line(&said)));
        let mut blobs: Vec<(String, String)> = Vec::new();
        for path in &self.paths {
            let named = path.to_str().filter(|path| !path.starts_with('/')).ok_or_else(|| {
                CliError::new(format!("{} is not in the repository", path.display()))
                    .with_hint("name the schema by a path that is relative to the project")
            })?;
            let listed = self.git(&["ls-tree", "-r", "-z", commit, "--", named], None).map_err(failed)?;
            let listed = String::from_utf8_lossy(&listed).into_owned();
            let before = blobs.len();
            for entry in listed.split('\0').filter(|entry| !entry.is_empty()) {
                let Some((about, name)) = entry.split_once('\t') else { continue };
                let mut about = about.split(' ');
                let (mode, blob) = (about.next().unwrap_or_default(), about.nth(1).unwrap_or_default());
                // neither links nor other repositories
                let is_file = mode.starts_with("100");
                let is_named = Path::new(name) == normal(path);
                let hidden = Path::new(name).components().any(|part| {
                    part.as_os_str().as_encoded_bytes().starts_with(b".") && part.as_os_str() != ".."
                });
                let is_sql = Path::new(name).extension().is_some_and(|it| it.eq_ignore_ascii_case("sql"));
                let new = !blobs.iter().any(|(_, known)| known == name);
                if is_file && new && (is_named || is_sql && !hidden) {
                    blobs.push((blob.to_owned(), name.to_owned()));
                }
            }
            if blobs.len() == before {
                return Err(CliError::new(format!("there is no SQL at {} in {commit}", path.display())));
            }
        }
        let asked: String = blobs.iter().map(|(blob, _)| format!("{blob}\n")).collect();
        let told = self.git(&["cat-file", "--batch"], Some(asked.as_bytes())).map_err(failed)?;
        let mut rest = &told[..];
        let mut files = Vec::new();
        for (_, name) in blobs {
            let (text, behind) =
                contents(rest).ok_or_else(|| failed(format!("the answer for {name} is cut off")))?;
            rest = behind;
            let file = SourceFile::from_bytes(name, text.to_vec());
            files.push(file.map_err(|error| multiline(&error.to_string()))?);
        }
        Ok(files)
    }
}

/// A path without `./` in it.
fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| part.as_os_str() != ".").collect()
}

/// The first object of what `git cat-file --batch` says, `OID TYPE SIZE⏎CONTENTS⏎`, and what is behind it.
fn contents(said: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = said.iter().position(|byte| *byte == b'\n')?;
    let size: usize = str::from_utf8(&said[..end]).ok()?.rsplit(' ').next()?.parse().ok()?;
    let (text, rest) = said[end + 1..].split_at_checked(size)?;
    Some((text, rest.strip_prefix(b"\n")?))
}
