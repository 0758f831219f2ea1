//! `trueup approve`

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use trueup::{
    approval::{self, Approval, Approver, Database, Revocation, Signed, signature::SignError},
    config::Policy,
    journal,
    plan::{Plan, PlanFile},
    step::{Direction, Phase},
    toml_file::nearest,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
    sign_off::Standing,
};

/// Records your approval of a plan, phase by phase, as files in the plan's folder.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  trueup approve plans/20261120-tier --as alice --phase contract --accept DATA_LOSS --expires 7d"
)]
pub struct Arguments {
    /// The plan's folder, its plan.toml, or its name
    plan: PathBuf,
    /// Who approves: a login name or mail address
    #[arg(long = "as", value_name = "NAME")]
    approver: String,
    /// What is approved
    #[arg(long, value_enum, default_value_t = Phases::Expand)]
    phase: Phases,
    /// Approve the rollback of it, where policy asks for that
    #[arg(long)]
    rollback: bool,
    /// Take the approval back; sign it where policy counts signed ones
    #[arg(long, conflicts_with_all = ["accept", "reason", "expires"])]
    revoke: bool,
    /// Who takes it back, if not the approver: one of the `admins`
    #[arg(long, value_name = "NAME", requires = "revoke")]
    by: Option<String>,
    /// Dangers that are accepted, by code; all: those that there are
    #[arg(long, value_name = "CODE,…", value_delimiter = ',')]
    accept: Vec<String>,
    /// No more: trueup.toml says who is in which role
    #[arg(long, hide = true)]
    role: Option<String>,
    /// Why, or what was looked at
    #[arg(long)]
    reason: Option<String>,
    /// Sign it with this SSH key: a private one, or the public one of an agent
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Enough alone, for four hours, if `break_glass` of policy has you: for emergencies. The journal tells it
    #[arg(long, conflicts_with = "revoke", requires = "reason")]
    break_glass: bool,
    /// The database that it is for, as SYSTEM_IDENTIFIER/NAME; else the one of --env or --url, where policy asks for one
    #[arg(long, value_name = "DATABASE", conflicts_with = "revoke")]
    database: Option<Database>,
    /// Until when: 12h, 7d, a date or a timestamp
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
}

/// Phases on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phases {
    /// Old and new code both work afterwards
    Expand,
    /// Needs the old code gone
    Contract,
    /// Every phase that the plan has
    All,
}

impl Phases {
    /// Those that are meant.
    pub fn of(self, plan: &Plan) -> Vec<Phase> {
        match self {
            Phases::Expand => vec![Phase::Expand],
            Phases::Contract => vec![Phase::Contract],
            Phases::All => plan.phases(),
        }
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<Exit, CliError> {
    let opened = context.plan(&arguments.plan)?;
    super::verify::check_page(&opened)?;
    let approver: Approver = arguments.approver.parse()?;
    let now = Timestamp::now();
    let expires = arguments.expires.as_deref().map(|text| until(text, now)).transpose()?;
    let there = opened.plan.phases();
    let phases = arguments.phase.of(&opened.plan);
    if let Some(missing) = phases.iter().find(|phase| !there.contains(phase)) {
        let words: Vec<&str> = there.iter().map(|phase| phase.label()).collect();
        return Err(CliError::new(format!("the plan has no phase {}", missing.label()))
            .with_hint(format!("it has: {}", words.join(", "))));
    }
    if arguments.role.is_some() {
        return Err(CliError::new("--role: who is in which role is not the approver's to say")
            .with_hint("in trueup.toml: [approval] members = { dba = [\"alice\", \"SHA256:…\"] }"));
    }
    let direction = if arguments.rollback { Direction::Rollback } else { Direction::Apply };
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    if arguments.revoke {
        return revoke(context, &opened, &approver, &phases, direction, now, arguments);
    }
    let dangers: BTreeMap<Phase, BTreeMap<String, Vec<u32>>> =
        phases.iter().map(|phase| (*phase, approval::dangers_of(&opened.plan, *phase, direction))).collect();
    let acceptable: BTreeMap<Phase, BTreeSet<String>> =
        phases.iter().map(|phase| (*phase, approval::acceptable(&opened.plan, *phase, direction))).collect();
    let accepted = accepted(&arguments.accept, &acceptable)?;
    let policies = context.policies()?;
    let environments: BTreeSet<String> =
        policies.iter().filter_map(|policy| policy.environment.clone()).collect();
    let database = database(context, arguments, &policies).await?;

    let mut approvals = Vec::new();
    for phase in dangers.keys() {
        let mut approval = Approval {
            rollback: arguments.rollback,
            accepts: acceptable[phase].intersection(&accepted).cloned().collect(),
            reason: arguments.reason.clone(),
            environments: environments.clone(),
            database: database.clone(),
            break_glass: arguments.break_glass,
            expires,
            ..Approval::new(opened.digest.clone(), *phase, approver.clone(), now)
        };
        if let Some(key) = &arguments.sign {
            approval.sign(key).map_err(not_signed)?;
        }
        approvals.push(approval);
    }
    let mut written = Vec::new();
    for approval in approvals {
        let file = approval.write(&opened)?;
        let dangers = dangers[&approval.phase].keys();
        let open: Vec<&String> = dangers.filter(|code| !accepted.contains(*code)).collect();
        written.push((approval, file, open));
    }
    let standing = |policy| Standing::of(&opened, policy, &approver, &phases, direction);
    let needed = policies.iter().filter(|policy| direction == Direction::Apply || policy.rollback);
    let standings: Vec<Standing> = needed.map(standing).collect::<Result<_, _>>()?;
    if context.format() == Format::Json {
        let counts: Vec<_> = standings.iter().map(Standing::json).collect();
        let list: Vec<_> = written
            .iter()
            .map(|(approval, file, open)| {
                serde_json::json!({ "approval": approval, "file": file, "not_accepted": open, "standing": counts })
            })
            .collect();
        output::json(&serde_json::Value::from(list));
        return Ok(Exit::Done);
    }
    for policy in &policies {
        let of = policy.environment.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        output::note(&visible_line(&format!("policy{of}: {}", policy.asks().join(", "))));
    }
    for (approval, file, open) in &written {
        let codes: Vec<&str> = approval.accepts.iter().map(String::as_str).collect();
        let accepting = if codes.is_empty() {
            String::new()
        } else {
            format!(", accepting {}", visible_line(&codes.join(", ")))
        };
        let names = approval.environments.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let place = if names.is_empty() { String::new() } else { format!(" in {}", visible_line(&names)) };
        output::words(
            context.format(),
            &format!(
                "{approver} {} {}{}{place}{accepting}: {}",
                if approval.break_glass { "breaks the glass for" } else { "approves" },
                if approval.rollback { "the rollback of " } else { "" },
                approval.phase.label(),
                file.display()
            ),
        );
        for code in open {
            output::note(&format!("note: {0} is not accepted; --accept {0} would", visible_line(code)));
        }
    }
    for standing in &standings {
        output::words(context.format(), &standing.line());
    }
    let others = context.config.env.len().saturating_sub(environments.len());
    if context.global.env.is_some() && others > 0 {
        output::note("note: it counts there alone; without --env it is for every environment of trueup.toml");
    }
    Ok(Exit::Done)
}

/// The database that the approval is for, where it is said or policy asks for one.
async fn database(
    context: &Context,
    arguments: &Arguments,
    policies: &[Policy],
) -> Result<Option<Database>, CliError> {
    if arguments.database.is_some() || !policies.iter().any(|policy| policy.bound_to_database) {
        return Ok(arguments.database.clone());
    }
    if !context.names_a_database() {
        return Err(CliError::new("policy counts approvals for one database, and none is named").with_hint(
            "name it by --env or --url; or by --database, as `trueup preflight` prints it where it can be reached",
        ));
    }
    let session = context.connect().await?;
    Ok(Some(journal::database(&session).await?))
}

fn not_signed(error: SignError) -> CliError {
    CliError::new(error.to_string())
        .with_hint("nothing was written; name a key of OpenSSH, and have its ssh-keygen (9.1 or later) here")
}

/// Writes into the approvals that they do not count any more. Deleted ones could come back with the next merge.
fn revoke(
    context: &Context,
    plan: &PlanFile,
    approver: &Approver,
    phases: &[Phase],
    direction: Direction,
    now: Timestamp,
    arguments: &Arguments,
) -> Result<Exit, CliError> {
    let by: Approver = arguments.by.as_deref().unwrap_or(approver.as_str()).parse()?;
    if context.policy()?.signed && arguments.sign.is_none() {
        return Err(CliError::new(
            "policy counts signed approvals, and so only what is signed takes one back",
        )
        .with_hint("name your key: --sign KEY"));
    }
    let mut revoked = Vec::new();
    for phase in phases {
        let Some(approval) = Approval::find(plan, approver, *phase, direction)? else { continue };
        let revocation = Some(Revocation { by: by.clone(), signature: None, signed: Signed::No });
        let mut approval = Approval { revoked: approval.revoked.or(Some(now)), revocation, ..approval };
        if let Some(key) = &arguments.sign {
            approval.sign_revocation(key).map_err(not_signed)?;
        }
        revoked.push((approval.write(plan)?, *phase));
    }
    if revoked.is_empty() {
        return Err(CliError::new(format!("there is no approval by {approver} to take back"))
            .with_hint("`trueup verify PLAN` lists those that there are"));
    }
    if context.format() == Format::Json {
        let list = revoked.iter().map(|(file, phase)| serde_json::json!({ "revoked": phase, "file": file }));
        output::json(&list.collect::<Vec<_>>().into());
        return Ok(Exit::Done);
    }
    for (file, phase) in &revoked {
        let file = file.display();
        output::words(
            context.format(),
            &format!("{approver} does not approve {} any more: {file}", phase.label()),
        );
    }
    Ok(Exit::Done)
}

/// The codes, each of which must be a danger of what is approved.
pub fn accepted(
    given: &[String],
    acceptable: &BTreeMap<Phase, BTreeSet<String>>,
) -> Result<BTreeSet<String>, CliError> {
    let known: BTreeSet<String> = acceptable.values().flatten().cloned().collect();
    if given.iter().any(|code| code == "all") {
        return Ok(known);
    }
    for code in given {
        if !known.contains(code) {
            let list: Vec<String> = known.into_iter().collect();
            let hint = match nearest(code, &list) {
                Some(near) => format!("did you mean {near}?"),
                None if list.is_empty() => "there is nothing to accept: leave --accept away".to_owned(),
                None => format!("to accept are: {}", list.join(", ")),
            };
            return Err(CliError::new(format!("{} is no danger of what is approved", visible_line(code)))
                .with_hint(hint));
        }
    }
    Ok(given.iter().cloned().collect())
}

/// `12h`, `7d`, `2026-12-01` (its end, in UTC) or a timestamp; in the future.
fn until(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    let hours = |count: &str, each: i64| {
        count.parse::<i64>().ok()?.checked_mul(each).filter(|hours| (1..=876_000).contains(hours))
    };
    let after = |hours: i64| now.checked_add(SignedDuration::from_hours(hours)).ok();
    let end = if let Some(days) = text.strip_suffix('d') {
        hours(days, 24).and_then(after)
    } else if let Some(count) = text.strip_suffix('h') {
        hours(count, 1).and_then(after)
    } else if let Ok(date) = text.parse::<civil::Date>() {
        date.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok().map(|end| end.timestamp())
    } else {
        text.parse().ok()
    };
    let wrong = |what: &str| {
        CliError::new(format!("--expires {}: {what}", visible_line(text)))
            .with_hint("write 12h, 7d, 2026-12-01 or 2026-12-01T12:00:00Z")
    };
    let end = end.ok_or_else(|| wrong("this is no time"))?;
    if end <= now {
        return Err(wrong("this is over already"));
    }
    Ok(Timestamp::from_second(end.as_second()).unwrap_or(end))
}
