//! `trueup demo`: a shop's schema of yesterday becomes today's and is rolled back, on a throwaway server, with 200,000
//! rows in it and writers at work.
//!
//! The functions behind the commands do the work. `shop` is the example, `writers` the load, `proof` what is compared
//! before and after. Nothing is claimed at the end that was not measured, and what does not hold is an error.

mod proof;
mod shop;
mod story;
mod writers;

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::time::sleep;
use trueup::{
    apply::{self, ApplyError, Options, Outcome, Which, hooks::Hooks, preflight::Limits},
    approval::{self, Approval},
    catalog::scope::Manage,
    config::{Policy, Shaping},
    plan::PlanFile,
    planning::{self, Inputs, Planned},
    postgres::{DatabaseSettings, Scratch, ScratchDatabase, ScratchError, Session},
    report,
    run::{Retry, Stop},
    secret::Secrets,
    source::desired::Desired,
    step::Phase,
};

use super::{
    context::{Context, scratch_options},
    exit::{CliError, Exit},
    planner::planning_error,
    progress::Waiting,
};
use proof::Picture;
use story::Story;
use writers::{Release, Writers};

/// The whole story on a throwaway server: plan, approve, apply, roll back, with writers at work.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  trueup demo")]
pub struct Arguments {}

/// How long the writers work between one act and the next.
const MEANWHILE: Duration = Duration::from_millis(400);

pub async fn run(context: &Context, _: &Arguments) -> Result<Exit, CliError> {
    let story = Story::new(context.quiet());
    let waiting = Waiting::new(context.quiet());
    let scratch = Scratch::open(&scratch_options(context)?, &|what| waiting.say(what)).await;
    waiting.end();
    let scratch = scratch.map_err(scratch_error)?;
    let result = Box::pin(tell(&story, &scratch)).await;
    let closed = scratch.close().await;
    result?;
    closed.map_err(scratch_error)?;
    Ok(Exit::Done)
}

async fn tell(story: &Story, scratch: &Scratch) -> Result<(), CliError> {
    let since = Instant::now();
    story.opening();
    story.act(&format!("Yesterday's shop, on {}", scratch.describe()));
    let database = scratch.create_database(&DatabaseSettings::default()).await.map_err(scratch_error)?;
    let shop = Session::connect(database.target()).await?;
    shop::open(&shop).await?;
    let yesterday = Picture::take(&database, &shop, Release::Yesterday).await?;
    story.line(&format!("   {} rows in {}", report::number(yesterday.rows()), yesterday.tables()));
    story.line("   Four writers start: checkout, stock, reviews and accounts, each on its own connection.");
    let writers = Writers::start(database.target())?;
    writers.deploy(Release::Yesterday);
    sleep(MEANWHILE).await;

    story.act("trueup plan: from there to what schema/ says");
    let folder = Folder::make(scratch)?;
    let plan = plan(scratch, &database, &shop::desired()?, &folder).await?;
    story.plan(&plan);

    story.act("trueup apply, before anyone has approved");
    story.line(&format!("   refused: {}", refused(&database, &plan).await?));

    story.act("trueup approve --as alice --phase all --accept all");
    let mut approvals = Vec::new();
    for phase in plan.plan.phases() {
        let approval = approve(&plan, phase)?;
        story.approval(&approval);
        approvals.push(approval);
    }

    story.act("trueup apply --phase expand");
    forward(story, &database, &plan, &approvals, Phase::Expand).await?;
    writers.deploy(Release::Today);
    story.line("   and the release that says full_name is deployed beside the one that says name");
    sleep(MEANWHILE).await;
    writers.retire(Release::Yesterday).await;
    story.line("   until yesterday's release is taken away");

    story.act("trueup apply --phase contract");
    forward(story, &database, &plan, &approvals, Phase::Contract).await?;
    sleep(MEANWHILE).await;

    story.act("Is it so?");
    let (_, differences) = apply::staleness(&shop, &plan).await?;
    ensure(differences.is_empty(), "the database is not what the plan promised")?;
    nothing_to_do(scratch, &database, &shop::desired()?).await?;
    story.line("   trueup plan: nothing to do, the catalog is what schema/ says");
    let today = Picture::take(&database, &shop, Release::Today).await?;
    ensure(today.same_rows(&yesterday), "rows changed on the way to today")?;
    story.line(&format!("   {} rows are what they were", report::number(today.rows())));

    story.act("trueup rollback --phase contract");
    back(story, &database, &plan, Which::One(Phase::Contract)).await?;
    writers.deploy(Release::Yesterday);
    story.line("   and yesterday's release is deployed again beside today's");
    sleep(MEANWHILE).await;
    writers.retire(Release::Today).await;
    story.line("   until today's is taken away");

    story.act("trueup rollback");
    back(story, &database, &plan, Which::Default).await?;
    sleep(MEANWHILE).await;

    story.act("What the writers saw of all this");
    let tallies = writers.stop()?;
    for tally in &tallies {
        story.tally(tally);
    }
    let failed: u64 = tallies.iter().map(|tally| tally.failed).sum();
    ensure(failed == 0, "statements failed")?;
    let after = Picture::take(&database, &shop, Release::Yesterday).await?;
    ensure(after.same_catalog(&yesterday), "the catalog is not yesterday's")?;
    ensure(after.same_rows(&yesterday), "rows changed on the way back")?;
    let acknowledged = proof::acknowledged(&shop, &yesterday, &tallies).await?;
    story.lost(&yesterday, &after);
    story.proven(&plan, &yesterday, acknowledged, since.elapsed());
    shop.close().await;
    Ok(())
}

/// Where the plan lies while the demo lasts: in the throwaway server's own directory, which is removed even when this
/// process is killed; on a shadow server in a temporary one.
enum Folder<'a> {
    Server(&'a Path),
    Own(TempDir),
}

impl<'a> Folder<'a> {
    fn make(scratch: &'a Scratch) -> Result<Self, CliError> {
        Ok(match scratch.directory() {
            Some(directory) => Self::Server(directory),
            None => Self::Own(TempDir::new()?),
        })
    }

    fn plan(&self) -> std::path::PathBuf {
        match self {
            Self::Server(directory) => directory.join("plan"),
            Self::Own(directory) => directory.path().join("plan"),
        }
    }

    /// Who removes the server's directory may not be who writes here.
    fn hand_over(&self) -> Result<(), CliError> {
        if let Self::Server(directory) = self {
            let owner = directory.metadata()?;
            let approvals = self.plan().join("approvals");
            std::fs::create_dir_all(&approvals)?;
            for folder in [self.plan(), approvals] {
                std::os::unix::fs::chown(folder, Some(owner.uid()), Some(owner.gid()))?;
            }
        }
        Ok(())
    }
}

async fn plan(
    scratch: &Scratch,
    database: &ScratchDatabase,
    desired: &Desired,
    folder: &Folder<'_>,
) -> Result<PlanFile, CliError> {
    let Planned::Plan(plan) = planned(scratch, database, desired).await? else {
        return Err(CliError::new("the demo's plan did not come about"));
    };
    let written = report::write_plan(&folder.plan(), &plan)?;
    folder.hand_over()?;
    Ok(PlanFile::open(&written.dir)?)
}

async fn nothing_to_do(
    scratch: &Scratch,
    database: &ScratchDatabase,
    desired: &Desired,
) -> Result<(), CliError> {
    let planned = planned(scratch, database, desired).await?;
    ensure(matches!(planned, Planned::Nothing(_)), "planning again finds something to do")
}

async fn planned(
    scratch: &Scratch,
    database: &ScratchDatabase,
    desired: &Desired,
) -> Result<Planned, CliError> {
    let inputs = Inputs {
        live: database.session(),
        scratch: &scratch.into(),
        kept: None,
        from: None,
        desired,
        other: None,
        open: Vec::new(),
        manage: Manage::Declared(BTreeSet::new()),
        ignore: Vec::new(),
        owners: false,
        shaping: Shaping::default(),
        secrets: Secrets::NONE,
        assume_drop: BTreeSet::new(),
        name: shop::PLAN.to_owned(),
        author: Some("bob".to_owned()),
        created: Timestamp::now(),
        progress: &|_| (),
    };
    Box::pin(planning::plan(&inputs)).await.map_err(planning_error)
}

fn approve(plan: &PlanFile, phase: Phase) -> Result<Approval, CliError> {
    let approval = Approval {
        accepts: approval::dangers(&plan.plan, phase).into_keys().collect(),
        reason: Some("the demo".to_owned()),
        ..Approval::new(plan.digest.clone(), phase, "alice".parse()?, Timestamp::now())
    };
    approval.write(plan)?;
    Ok(approval)
}

fn options<'a>(
    database: &'a ScratchDatabase,
    plan: &'a PlanFile,
    approvals: &'a [Approval],
    policy: &'a Policy,
    which: Which,
) -> Options<'a> {
    Options {
        plan,
        target: database.target(),
        which,
        approvals,
        policy,
        after: &[],
        shaping: Shaping::NONE,
        now: Timestamp::now(),
        wait: Duration::from_secs(10),
        retry: Retry { total: Duration::from_secs(60), ..Retry::default() },
        secrets: Secrets::NONE,
        consent: apply::Consent::Accepted,
        note: None,
        old_names_accepted: false,
        stop: Stop::never(),
        quiet: Duration::ZERO,
        limits: Limits::default(),
        hooks: Hooks::default(),
        dry_run: false,
        tool: env!("CARGO_PKG_VERSION"),
    }
}

/// What is said to one who applies without an approval.
async fn refused(database: &ScratchDatabase, plan: &PlanFile) -> Result<String, CliError> {
    let policy = Policy::default();
    let options = options(database, plan, &[], &policy, Which::Default);
    match apply::apply(&options, &mut apply::Silent).await {
        Err(error @ ApplyError::Refused(_)) => Ok(error.to_string()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(CliError::new("a plan that nobody approved was applied")),
    }
}

async fn forward(
    story: &Story,
    database: &ScratchDatabase,
    plan: &PlanFile,
    approvals: &[Approval],
    phase: Phase,
) -> Result<(), CliError> {
    let policy = Policy::default();
    let options = options(database, plan, approvals, &policy, Which::One(phase));
    let outcome = apply::apply(&options, &mut story.steps()).await?;
    ensure(matches!(outcome, Outcome::Done { .. }), "there was nothing to apply")
}

async fn back(
    story: &Story,
    database: &ScratchDatabase,
    plan: &PlanFile,
    which: Which,
) -> Result<(), CliError> {
    let policy = Policy::default();
    let options = options(database, plan, &[], &policy, which);
    let outcome = apply::rollback(&options, &mut story.steps()).await?;
    ensure(matches!(outcome, Outcome::Done { .. }), "there was nothing to roll back")
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), CliError> {
    if holds {
        return Ok(());
    }
    Err(CliError::new(format!("the demo does not hold: {otherwise}"))
        .with_hint("please report this as a bug"))
}

fn scratch_error(error: ScratchError) -> CliError {
    CliError::new(error.to_string()).with_hint(error.hint())
}

/// An error of the demo's own SQL.
fn query(error: tokio_postgres::Error) -> CliError {
    let said = error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned());
    CliError::new(format!("a statement of the demo failed: {said}"))
}
