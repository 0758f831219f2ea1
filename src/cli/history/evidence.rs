//! `trueup history --export` and `--verify`: the journal as evidence.

use std::path::Path;

use trueup::{
    approval::Keys,
    journal::{
        self,
        entry::{self, Entry},
        evidence,
    },
    toml_file::read_text,
    visible::visible_line,
};

use super::{
    super::{
        Format,
        context::Context,
        exit::{CliError, Exit},
        output,
    },
    Arguments,
};

/// Prints every entry, one line of JSON each.
pub async fn export(context: &Context) -> Result<Exit, CliError> {
    let session = context.connect().await?;
    for entry in entry::entries(&session).await? {
        output::result(&serde_json::json!(entry).to_string());
    }
    Ok(Exit::Done)
}

/// Checks a chain, of an export or of the database, and the signatures in it.
pub async fn verify(context: &Context, arguments: &Arguments, file: &str) -> Result<Exit, CliError> {
    let mut contradictions = Vec::new();
    let entries = if file.is_empty() {
        let session = context.connect().await?;
        let entries = entry::entries(&session).await?;
        contradictions = evidence::contradictions(&entries, &journal::history(&session).await?);
        let pinned = journal::policy(&session).await?.map(|pinned| serde_json::json!(pinned));
        let chained = entries.iter().rev().find(|entry| entry.kind == "policy");
        if chained.is_some_and(|entry| entry.body["policy"] != pinned.clone().unwrap_or_default()) {
            contradictions.push("the policy in trueup.policy is not the one that was pinned last".to_owned());
        }
        contradictions.extend(journal::changed_plans(&session).await?.into_iter().map(|plan| {
            format!("the text of plan {} in trueup.plan is not what has that digest", visible_line(&plan))
        }));
        entries
    } else {
        read(Path::new(file))?
    };
    let policy = context.policy()?;
    let signers = arguments.allowed_signers.as_ref().or(policy.allowed_signers.as_ref());
    let keys = signers.map(|file| Keys { allowed: file, revoked: None });
    let mut found = evidence::examine(&entries, keys.as_ref());
    if let Some(earlier) = &arguments.extends {
        let broken = evidence::extends(&entries, &read(earlier)?).err();
        found.problems.extend(broken.map(|broken| broken.to_string()));
    }
    found.problems.extend(contradictions);
    let good = found.problems.is_empty();
    if context.format() == Format::Json {
        output::json(&serde_json::json!({
            "ok": good, "entries": found.entries, "last": found.last, "signed": found.signed,
            "unsigned": found.unsigned, "problems": found.problems,
        }));
    } else {
        let mut lines =
            found.problems.iter().map(|problem| visible_line(problem).into_owned()).collect::<Vec<_>>();
        let last = found.last.as_ref().map(|hash| format!(", the last has hash {hash}")).unwrap_or_default();
        let whole = if good { "in one chain" } else { "not as they were written" };
        lines.push(format!(
            "{} entries, {whole}{last}; {} approvals with a good signature, {} without one that was checked",
            found.entries, found.signed, found.unsigned
        ));
        output::words(context.format(), &lines.join("\n"));
    }
    Ok(if good { Exit::Done } else { Exit::Refused })
}

/// The entries of an export.
fn read(file: &Path) -> Result<Vec<Entry>, CliError> {
    let text = read_text(file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| {
                CliError::new(format!("{}:{}: this is no entry: {error}", file.display(), at + 1))
                    .with_hint("name a file that `trueup history --export jsonl` wrote")
            })
        })
        .collect()
}
