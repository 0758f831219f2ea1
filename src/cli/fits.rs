//! `trueup plan --check`: for a pull request.

use trueup::{
    apply::roster::{PlanState, Roster},
    planning::{self, Inputs},
    postgres::Session,
    source::desired::Desired,
    visible::visible_line,
};

use super::{
    Format,
    context::Context,
    exit::{CliError, Exit},
    output,
    planner::{self, Wanted},
};

/// Whether the newest plan ends in the schema, and which plans that wait do not fit any more: for a pull request.
pub async fn run(
    context: &Context,
    live: &Session,
    desired: &Desired,
    managed: &[String],
) -> Result<Exit, CliError> {
    let plans = context.plans()?;
    let roster = Roster::read(live, &plans, &context.shaping()?).await?;
    let mut wrong = Vec::new();
    for entry in &roster.entries {
        if let PlanState::Stale(differences) = &entry.plan_state {
            let name = visible_line(&entry.plan.plan.name);
            wrong.push(format!("{name} does not fit: {}", trueup::apply::in_short(differences)));
        }
    }
    let newest = roster.waiting().max_by_key(|entry| entry.plan.plan.created);
    let wanted = Wanted::to_compare(context, live, managed).await?;
    if let Some(newest) = newest {
        let plan = &newest.plan.plan;
        let work = async |inputs: &Inputs<'_>| planning::not_as_desired(inputs, plan).await;
        let objects = planner::with_inputs(context, live, desired, wanted, work).await?;
        if let Some(first) = objects.first() {
            let more =
                if objects.len() > 1 { format!(", and {} more", objects.len() - 1) } else { String::new() };
            let (name, first) = (visible_line(&plan.name), first.to_string());
            wrong.push(format!("{name} does not end in the schema: {}{more}", visible_line(&first)));
        }
    } else if !planner::is_reached(context, live, desired, wanted).await? {
        wrong.push("no plan leads from the database to the schema".to_owned());
    }
    let fits = wrong.is_empty();
    if context.format() == Format::Json {
        output::json(&serde_json::json!({ "ok": fits, "wrong": wrong }));
    } else if fits {
        output::words(context.format(), "the plans lead to the schema");
    } else {
        output::words(context.format(), &wrong.join("\n"));
        output::note("hint: plan again, and delete what does not fit");
    }
    Ok(if fits { Exit::Done } else { Exit::Refused })
}
