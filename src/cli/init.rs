//! `trueup init`

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use trueup::{config, dump::Dump, plan::folder, postgres::Session};

use super::{
    Global,
    context::Context,
    desired, dump,
    exit::{CliError, Exit},
    output,
};

/// Sets up trueup.toml, schema/, plans/ and a CI workflow in the current directory. What is there already stays as
/// it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --from, schema/ is what `trueup dump` writes, and a plan finds nothing to do. The database is only read.

Example:
  trueup init
  trueup init --from postgres://app@db.example/shop")]
pub struct Arguments {
    /// A live database whose schema to begin with: a URL, or an environment of the trueup.toml that is there
    #[arg(long, value_name = "URL or ENV")]
    from: Option<String>,
}

const CONFIG: &str = "\
schema = [\"schema\"]   # the desired SQL: files and folders
plans = \"plans\"       # where plans are written

# [approval]
# required = 1         # how many people must approve each phase

# [env.production]
# url_env = \"PRODUCTION_URL\"   # the variable that holds the connection URL
";

const SCHEMA: &str = "\
-- What the database should be. Any files in this folder, in any order; together they are one schema.
";

const WORKFLOW_FILE: &str = ".github/workflows/trueup.yml";

/// A check of pull requests. It needs a `trueup` on the PATH and, for what is commented out, a database.
const WORKFLOW: &str = "\
# Checks every plan of a pull request: that nobody edited it, and that it is approved.
name: trueup
on:
  pull_request:
    paths: [\"schema/**\", \"plans/**\", \"trueup.toml\"]

permissions:
  contents: read

jobs:
  plans:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      # - name: Install trueup
      #   run: put it on the PATH as you do with other tools
      - name: Verify plans
        run: |
          for plan in plans/*/plan.toml; do
            [ ! -e \"$plan\" ] || trueup verify \"$plan\" --phase all
          done
      # - name: Where the database stands
      #   run: trueup status --exit-code
      #   env:
      #     DATABASE_URL: ${{ secrets.STAGING_URL }}
";

pub async fn run(global: Global, arguments: &Arguments) -> Result<Exit, CliError> {
    for (folder, what) in [("schema", "the folder of the desired SQL"), ("plans", "the folder of plans")] {
        if Path::new(folder).is_file() {
            return Err(CliError::new(format!("{folder} is a file, and {what} should be there"))
                .with_hint("move it away, then run `trueup init` again"));
        }
    }
    let quiet = global.quiet;
    // all that may be wrong with the database is found before anything is written
    let dumped = match &arguments.from {
        Some(from) => Some(dump_of(global, from).await?),
        None => None,
    };
    let schema = Path::new("schema");
    let mut lines = Vec::new();
    create(Path::new(config::FILE), CONFIG, &mut lines)?;
    if let Some(Dumped { dump, out, .. }) = &dumped {
        let written = dump::write(out, dump)?;
        lines.push(format!("{}: {}", out.display(), dump::in_words(&written)));
    } else if schema.is_dir() {
        lines.push("schema/ is there already".to_owned());
    } else {
        fs::create_dir(schema)?;
        create(&schema.join("schema.sql"), SCHEMA, &mut lines)?;
    }
    folder::write_gitattributes(Path::new("plans"))?;
    lines.push("plans/ is ready".to_owned());
    let workflow = Path::new(WORKFLOW_FILE);
    if let Some(folder) = workflow.parent() {
        fs::create_dir_all(folder)?;
    }
    create(workflow, WORKFLOW, &mut lines)?;
    if !quiet {
        output::result(&lines.join("\n"));
        if let Some(Dumped { context, dump, .. }) = &dumped {
            dump::notes(context, dump);
            output::note(
                "next: `trueup plan --url URL` finds nothing to do; `trueup adopt --url URL` begins the journal",
            );
        } else {
            output::note("next: write the schema into schema/, then `trueup plan --url URL`");
        }
    }
    Ok(Exit::Done)
}

/// The schema of a live database, and where it is to be written.
struct Dumped {
    context: Context,
    dump: Dump,
    out: PathBuf,
}

async fn dump_of(global: Global, from: &str) -> Result<Dumped, CliError> {
    let context = Context::new(global)?;
    let target =
        if desired::check_url(from)? { context.resolve(Some(from))? } else { context.target_of(from)? };
    let session = Session::connect(&target.for_trueup()).await?;
    let dump = dump::read(&context, &session, &[]).await?;
    // the trueup.toml that is here may say where the schema is; one further up is another project's
    let said = context.config.schema.first().filter(|_| Path::new(config::FILE).exists());
    let out = said.cloned().unwrap_or_else(|| "schema".into());
    if !dump::is_file(&out) {
        trueup::dump::folder::check(&out, &dump.files())?;
    }
    Ok(Dumped { context, dump, out })
}

fn create(file: &Path, content: &str, lines: &mut Vec<String>) -> Result<(), CliError> {
    match fs::File::create_new(file) {
        Ok(mut created) => {
            created.write_all(content.as_bytes())?;
            lines.push(format!("{} written", file.display()));
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            lines.push(format!("{} is there already", file.display()));
            Ok(())
        }
        Err(error) => Err(CliError::new(format!("{}: {error}", file.display()))),
    }
}
