//! `trueup init`

use std::{fs, io::Write, path::Path};

use trueup::{config, plan::folder};

use super::{
    Global,
    exit::{CliError, Exit},
    output,
};

/// Sets up trueup.toml, schema/, plans/ and a CI workflow in the current directory. What is there already stays as
/// it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup init")]
pub struct Arguments {}

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
      - uses: actions/checkout@v4
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

pub fn run(global: &Global, _: &Arguments) -> Result<Exit, CliError> {
    for (folder, what) in [("schema", "the folder of the desired SQL"), ("plans", "the folder of plans")] {
        if Path::new(folder).is_file() {
            return Err(CliError::new(format!("{folder} is a file, and {what} should be there"))
                .with_hint("move it away, then run `trueup init` again"));
        }
    }
    let mut lines = Vec::new();
    create(Path::new(config::FILE), CONFIG, &mut lines)?;
    let schema = Path::new("schema");
    if schema.is_dir() {
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
    if !global.quiet {
        output::result(&lines.join("\n"));
        output::note("next: write the schema into schema/, then `trueup plan --url …`");
    }
    Ok(Exit::Done)
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
