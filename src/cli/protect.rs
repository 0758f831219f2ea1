//! `trueup protect`

use std::{collections::BTreeSet, time::Duration};

use trueup::{apply::protect::protect, approval::pinned::Pinned, journal, visible::visible_line};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
};

/// Pins the environment's policy in its database, with the keys that sign: from then on the stricter of it and
/// trueup.toml holds, so that no pull request can lower it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup protect --env production")]
pub struct Arguments {
    /// Print what is pinned, and change nothing
    #[arg(long, conflicts_with_all = ["remove", "lower"])]
    show: bool,
    /// Pin nothing any more
    #[arg(long)]
    remove: bool,
    /// Also where that asks for less than what is pinned
    #[arg(long)]
    lower: bool,
    /// Seconds to wait for another trueup in the same database
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    if arguments.show {
        let session = context.connect().await?;
        let pinned = journal::policy(&session).await?;
        print(context, "pinned", pinned.as_ref());
        return Ok(Exit::Done);
    }
    let policy = context.policy()?;
    if policy.signed && policy.allowed_signers.is_none() && !arguments.remove {
        return Err(CliError::new("policy counts signed approvals, and names no keys to check them by")
            .with_hint(
                "in trueup.toml: [approval] allowed_signers = \"FILE\" (ssh-keygen(1), ALLOWED SIGNERS)",
            ));
    }
    if let Some(role) = policy.roles_asked_for().find(|role| !policy.members.contains_key(*role))
        && !arguments.remove
    {
        return Err(CliError::new(format!(
            "policy asks for role \"{}\", and says of nobody that he is in it",
            visible_line(role)
        ))
        .with_hint("in trueup.toml: [approval] members = { ROLE = [\"NAME\"] }"));
    }
    let new = if arguments.remove {
        None
    } else {
        Some(Pinned::of(&policy).map_err(|error| {
            let file = policy.allowed_signers.unwrap_or_default();
            CliError::new(format!("{}: {error}", file.display()))
        })?)
    };
    let wait = Duration::from_secs(arguments.wait);
    let before = protect(&context.target()?, new.as_ref(), arguments.lower, wait).await?;
    print(context, if before == new { "pinned already" } else { "pinned" }, new.as_ref());
    Ok(Exit::Done)
}

fn print(context: &Context, word: &str, pinned: Option<&Pinned>) {
    if context.format() == Format::Json {
        output::json(&serde_json::json!({ "pinned": pinned }));
        return;
    }
    let Some(Pinned {
        required,
        author,
        valid_hours,
        required_warning,
        required_danger,
        roles,
        accepted_by,
        rollback,
        superuser,
        signed,
        allowed_signers,
        revoked_keys,
        members,
        admins,
    }) = pinned
    else {
        return output::result("no policy is pinned");
    };
    let list = |roles: &BTreeSet<String>| roles.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut rules = vec![format!("required = {required}")];
    for (name, count) in [("required_warning", required_warning), ("required_danger", required_danger)] {
        rules.extend((count > required).then(|| format!("{name} = {count}")));
    }
    rules.push(format!("author = {author}"));
    rules.extend(valid_hours.map(|hours| format!("valid_hours = {hours}")));
    rules.extend(roles.as_ref().map(|roles| format!("roles = [{}]", list(roles))));
    rules.extend(accepted_by.iter().map(|(code, roles)| format!("{code} accepted by [{}]", list(roles))));
    rules.extend(rollback.then(|| "rollback = true".to_owned()));
    rules.extend((!superuser).then(|| "superuser = false".to_owned()));
    rules.push(format!("signed = {signed}"));
    rules.extend(allowed_signers.as_ref().map(|keys| {
        let count = keys.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        format!("{count} lines of allowed_signers")
    }));
    rules.extend(revoked_keys.as_ref().map(|_| "revoked_keys".to_owned()));
    rules.extend(members.iter().map(|(role, members)| format!("{role} = [{}]", list(members))));
    rules.extend((!admins.is_empty()).then(|| format!("admins = [{}]", list(admins))));
    output::result(&visible_line(&format!("{word}: {}", rules.join(", "))));
}
