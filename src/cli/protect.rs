//! `trueup protect`

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use trueup::{
    apply::protect::{Options, Outcome, protect},
    approval::{Approver, pinned::Pinned},
    journal,
    visible::visible_line,
};

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
    /// Who says yes to that, where the pinned policy has `required_lower`: it is pinned when enough have, within a day
    #[arg(long = "as", value_name = "NAME", requires_all = ["lower", "sign"])]
    approver: Option<String>,
    /// The SSH key to sign that with: a private one, or the public one of an agent
    #[arg(long, value_name = "KEY", requires = "approver")]
    sign: Option<PathBuf>,
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
    if policy.environment.is_none() && !context.config.env.is_empty() && !arguments.remove {
        return Err(CliError::new("a policy is pinned for an environment, and none is named")
            .with_hint("name the one that this database is: --env NAME"));
    }
    if (policy.signed || policy.required_lower > 0) && policy.allowed_signers.is_none() && !arguments.remove {
        return Err(CliError::new("policy asks for signatures, and names no keys to check them by")
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
        Some(Pinned::of(&policy).map_err(|error| CliError::new(error.to_string()))?)
    };
    let approver: Option<Approver> = arguments.approver.as_deref().map(str::parse).transpose()?;
    let options = Options {
        pinned: new.as_ref(),
        lower: arguments.lower,
        sign: approver.as_ref().zip(arguments.sign.as_deref()),
        now: Timestamp::now(),
        wait: Duration::from_secs(arguments.wait),
    };
    match protect(&context.target()?, &options).await? {
        Outcome::Already => print(context, "pinned already", new.as_ref()),
        Outcome::Pinned => print(context, "pinned", new.as_ref()),
        Outcome::Waits { by, required } => {
            let names: Vec<&str> = by.iter().map(Approver::as_str).collect();
            if context.format() == Format::Json {
                output::json(
                    &serde_json::json!({ "lowering": { "signed_by": names, "required": required } }),
                );
            } else {
                output::words(
                    context.format(),
                    &format!(
                        "not pinned yet: {} of {required} have signed it ({}); the others run the same with their --as and --sign",
                        names.len(),
                        names.join(", ")
                    ),
                );
            }
            return Ok(Exit::Refused);
        }
    }
    Ok(Exit::Done)
}

fn print(context: &Context, word: &str, pinned: Option<&Pinned>) {
    if context.format() == Format::Json {
        output::json(&serde_json::json!({ "pinned": pinned }));
        return;
    }
    let Some(policy) = pinned else { return output::result("no policy is pinned") };
    let mut rules = policy.rules();
    rules.extend(policy.allowed_signers.as_ref().map(|keys| {
        let count = keys.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        format!("{count} lines of allowed_signers")
    }));
    rules.extend(policy.revoked_keys.as_ref().map(|_| "revoked_keys".to_owned()));
    output::words(context.format(), &visible_line(&format!("{word}: {}", rules.join(", "))));
}
