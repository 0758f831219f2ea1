//! Plans on a real database: applied, interrupted, resumed, refused, rolled back.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support;
use std::time::Duration;

use crate::support::{
    BASE, NOW, approvals, ask, catalog, database, execute, meanwhile, on_disk, plan, runtime, step, steps,
};
use tempfile::TempDir;
use trueup::{
    apply::{
        self, ApplyError, Event, Options, Outcome, Progress, Refusal, Silent, Which, Why, hooks::Hooks,
        preflight::Limits,
    },
    approval::{Approval, Missing, Void},
    config::Policy,
    journal::{self, Direction, Ended, Position},
    plan::PlanFile,
    postgres::{Session, Target},
    run::{Retry, RunError, Stop, StopHandle},
    step::{Phase, Verb},
};

/// A database with the plan that is for it, and the approvals of it.
struct Case {
    target: Target,
    plan: PlanFile,
    approvals: Vec<Approval>,
    policy: Policy,
    which: Which,
    stop: Stop,
    wait: Duration,
    dry_run: bool,
    _dir: TempDir,
}

impl Case {
    async fn new() -> Self {
        Self::of(steps()).await
    }

    async fn of(steps: Vec<trueup::plan::PlannedStep>) -> Self {
        let plan = plan(BASE, steps).await;
        let (dir, plan) = on_disk(&plan);
        Self {
            target: database(BASE).await,
            approvals: approvals(&plan),
            plan,
            policy: Policy::default(),
            which: Which::Default,
            stop: Stop::never(),
            wait: Duration::from_secs(10),
            dry_run: false,
            _dir: dir,
        }
    }

    fn options(&self) -> Options<'_> {
        Options {
            plan: &self.plan,
            target: &self.target,
            which: self.which,
            approvals: &self.approvals,
            policy: &self.policy,
            after: &[],
            shaping: trueup::config::Shaping::NONE,
            now: NOW.parse().unwrap(),
            wait: self.wait,
            retry: Retry {
                first: Duration::from_millis(10),
                longest: Duration::from_millis(50),
                total: Duration::from_secs(1),
            },
            secrets: trueup::secret::Secrets::NONE,
            consent: trueup::apply::Consent::Accepted,
            note: None,
            old_names_accepted: false,
            stop: self.stop.clone(),
            quiet: Duration::ZERO,
            limits: Limits::default(),
            hooks: Hooks::default(),
            dry_run: self.dry_run,
            tool: "test",
        }
    }

    async fn apply(&self) -> Result<Outcome, ApplyError> {
        apply::apply(&self.options(), &mut Silent).await
    }

    async fn apply_with(&self, progress: &mut impl Progress) -> Result<Outcome, ApplyError> {
        apply::apply(&self.options(), progress).await
    }

    async fn rollback(&self) -> Result<Outcome, ApplyError> {
        apply::rollback(&self.options(), &mut Silent).await
    }

    async fn position(&self) -> Position {
        let session = Session::connect(&self.target).await.unwrap();
        journal::state(&session, &self.plan.digest).await.unwrap().position(&self.plan.plan)
    }

    async fn assert_untouched(&self) {
        assert_eq!(catalog(&self.target).await, catalog(&database(BASE).await).await);
        assert_eq!(
            ask(&self.target, "SELECT to_regnamespace('trueup')::text").await,
            "",
            "no journal either"
        );
    }
}

/// Calls back for every event.
struct On<F>(F);

impl<F: FnMut(Event<'_>)> Progress for On<F> {
    fn event(&mut self, event: Event<'_>) {
        (self.0)(event);
    }
}

fn done(outcome: Result<Outcome, ApplyError>) -> (Vec<Phase>, usize, Option<Phase>) {
    match outcome {
        Ok(Outcome::Done { phases, steps, next, .. }) => (phases, steps, next),
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Result<Outcome, ApplyError>) -> Refusal {
    match outcome {
        Err(ApplyError::Refused(refusal)) => *refusal,
        other => panic!("{other:?}"),
    }
}

/// Ends trueup's sessions in this database, and waits until they are gone.
async fn terminate(target: &Target, application: &str) {
    let session = Session::connect(target).await.unwrap();
    let theirs = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1 \
                  AND pid <> pg_backend_pid()";
    let end = format!("SELECT pg_terminate_backend(pid) {theirs}");
    session.client().query(&end, &[&application]).await.unwrap();
    let left = format!("SELECT count(*) {theirs}");
    while session.client().query_one(&left, &[&application]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn phase_by_phase_there_and_back() {
    runtime().block_on(async {
        let case = Case::new().await;
        assert_eq!(done(case.apply().await), (vec![Phase::Expand], 4, Some(Phase::Contract)));
        assert_eq!(case.position().await, Position::After(Phase::Expand));
        let only = async |phase| {
            apply::apply(&Options { which: Which::One(phase), ..case.options() }, &mut Silent).await
        };
        // a job that runs twice does not drop what running code uses, though that is approved
        let nothing =
            Outcome::Nothing { position: Position::After(Phase::Expand), next: Some(Phase::Contract) };
        for again in [case.apply().await, only(Phase::Expand).await] {
            assert_eq!(again.unwrap(), nothing);
        }
        assert_eq!(done(only(Phase::Contract).await), (vec![Phase::Contract], 1, None));
        let nothing = Outcome::Nothing { position: Position::After(Phase::Contract), next: None };
        assert_eq!(case.apply().await.unwrap(), nothing);

        assert_eq!(done(case.rollback().await).0, [Phase::Contract, Phase::Expand]);
        assert_eq!(case.position().await, Position::RolledBack);
        assert_eq!(catalog(&case.target).await.objects, catalog(&database(BASE).await).await.objects);
        assert!(matches!(case.rollback().await, Ok(Outcome::Nothing { position: Position::RolledBack, .. })));

        // what was rolled back may run again
        let all = apply::apply(&Options { which: Which::All, ..case.options() }, &mut Silent).await;
        assert_eq!(done(all), (vec![Phase::Expand, Phase::Contract], 5, None));

        let session = Session::connect(&case.target).await.unwrap();
        let history = journal::history(&session).await.unwrap();
        let lines: Vec<_> =
            history.iter().map(|run| (run.direction, run.phase, run.steps, run.outcome)).collect();
        let ended = Some(Ended::Done);
        assert_eq!(
            lines,
            [
                (Direction::Apply, Phase::Expand, 4, ended),
                (Direction::Apply, Phase::Contract, 1, ended),
                (Direction::Rollback, Phase::Contract, 1, ended),
                (Direction::Rollback, Phase::Expand, 4, ended),
                (Direction::Apply, Phase::Expand, 4, ended),
                (Direction::Apply, Phase::Contract, 1, ended),
            ]
        );
        assert_eq!(history[0].approvers, ["alice"]);
        assert_eq!(history[0].plan, case.plan.digest.as_str());
        let accepted = "SELECT accepts::text FROM trueup.approval a JOIN trueup.run r ON r.id = a.run \
                        WHERE phase = 'contract' AND direction = 'apply' LIMIT 1";
        assert_eq!(ask(&case.target, accepted).await, "{BREAKS_OLD_CODE,DATA_LOSS}");
        assert_eq!(
            journal::managed_schemas(&session).await.unwrap().into_iter().collect::<Vec<_>>(),
            ["app"]
        );
        let comments = "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'trueup'::regnamespace \
                        AND relkind = 'r' AND obj_description(oid, 'pg_class') IS NULL";
        assert_eq!(ask(&case.target, comments).await, "0", "every table of the journal has a comment");
    });
}

#[test]
fn a_backend_that_is_terminated_at_any_batch_is_resumed_from() {
    runtime().block_on(async {
        for killed_at in 1..=4 {
            let mut case = Case::new().await;
            case.which = Which::All;
            let target = case.target.clone();
            let stopped = case
                .apply_with(&mut On(|event: Event<'_>| {
                    if let Event::Batch(batch) = event
                        && batch.number == killed_at
                    {
                        meanwhile(|| terminate(&target, "trueup"));
                    }
                }))
                .await;
            match stopped {
                Err(ApplyError::Stopped { .. }) => {}
                other => panic!("killed at {killed_at}: {other:?}"),
            }
            let ended = done(case.apply().await);
            assert_eq!(ended.2, None, "killed at {killed_at}");
            assert_eq!(case.position().await, Position::After(Phase::Contract));
            let twice = "SELECT count(*)::text FROM (SELECT FROM trueup.step WHERE outcome = 'done' GROUP BY step HAVING count(*) > 1) t";
            assert_eq!(ask(&case.target, twice).await, "0", "nothing ran twice");
            done(case.rollback().await);
        }
    });
}

/// A transaction that CREATE INDEX CONCURRENTLY waits for.
async fn old_transaction(target: &Target) -> Session {
    let session = Session::connect(&target.with_application_name("writer")).await.unwrap();
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";
    session.client().batch_execute(snapshot).await.unwrap();
    session
}

/// A test that waits in vain fails instead.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.unwrap()
}

/// Waits until the index is being built, and ends trueup's sessions.
async fn terminate_while_building(target: &Target) {
    while ask(target, "SELECT count(*)::text FROM pg_stat_progress_create_index WHERE datname = current_database() AND command = 'CREATE INDEX CONCURRENTLY'").await == "0" {
        tokio::task::yield_now().await;
    }
    terminate(target, "trueup").await;
}

#[test]
fn an_index_that_was_left_invalid_is_built_anew() {
    runtime().block_on(async {
        let case = Case::new().await;
        let writer = old_transaction(&case.target).await;
        let (stopped, ()) = tokio::join!(case.apply(), in_time(terminate_while_building(&case.target)));
        assert!(matches!(stopped, Err(ApplyError::Stopped { .. })), "{stopped:?}");
        let invalid = "SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'app.person_email'::regclass";
        assert_eq!(ask(&case.target, invalid).await, "false");
        assert_eq!(case.position().await, Position::Within(Phase::Expand));

        writer.close().await;
        assert_eq!(done(case.apply().await).1, 2);
        assert_eq!(ask(&case.target, invalid).await, "true");
        let ends = "SELECT string_agg(outcome, ', ' ORDER BY id) FROM trueup.step WHERE step = 3";
        assert_eq!(ask(&case.target, ends).await, "not done, done");
    });
}

#[test]
fn an_index_that_was_left_invalid_is_dropped_by_a_rollback() {
    runtime().block_on(async {
        let case = Case::new().await;
        let writer = old_transaction(&case.target).await;
        let (stopped, ()) = tokio::join!(case.apply(), in_time(terminate_while_building(&case.target)));
        assert!(matches!(stopped, Err(ApplyError::Stopped { .. })), "{stopped:?}");
        writer.close().await;
        assert_eq!(done(case.rollback().await).1, 2);
        assert_eq!(catalog(&case.target).await.objects, catalog(&database(BASE).await).await.objects);
    });
}

#[test]
fn a_step_in_doubt_that_is_done_is_not_run_again() {
    runtime().block_on(async {
        let case = Case::new().await;
        done(case.apply().await);
        // as after a client that died between the statement and the journal
        let doubt = "UPDATE trueup.step SET outcome = NULL, finished = NULL WHERE step = 3; \
                     UPDATE trueup.run SET outcome = NULL, finished = NULL";
        execute(&case.target, doubt).await;
        assert_eq!(case.position().await, Position::Within(Phase::Expand));
        let oid = "SELECT 'app.person_email'::regclass::oid::text";
        let before = ask(&case.target, oid).await;
        assert_eq!(done(case.apply().await), (vec![Phase::Expand], 0, Some(Phase::Contract)));
        assert_eq!(ask(&case.target, oid).await, before);
        assert_eq!(case.position().await, Position::After(Phase::Expand));
    });
}

#[test]
fn a_lock_that_never_comes_changes_nothing_and_names_who_is_in_the_way() {
    runtime().block_on(async {
        let case = Case::new().await;
        let holder = Session::connect(&case.target.with_application_name("report")).await.unwrap();
        holder.client().batch_execute("BEGIN; LOCK TABLE app.person IN ACCESS SHARE MODE").await.unwrap();
        let mut tries = 0;
        let failed = case
            .apply_with(&mut On(|event: Event<'_>| {
                if let Event::Retrying { .. } = event {
                    tries += 1;
                }
            }))
            .await;
        let Err(ApplyError::Failed { error: RunError::Locked { step: 1, blockers, .. } }) = &failed else {
            panic!("{failed:?}")
        };
        assert!(tries >= 2);
        assert_eq!((blockers[0].pid, blockers[0].application.as_str()), (holder.backend_pid(), "report"));
        assert_eq!(blockers[0].state, "idle in transaction");
        let words = failed.unwrap_err().to_string();
        assert!(words.contains("LOCK TABLE app.person") && words.ends_with("nothing was changed"), "{words}");
        drop(holder);
        assert_eq!(case.position().await, Position::NotRun);
        assert_eq!(catalog(&case.target).await.objects, catalog(&database(BASE).await).await.objects);
        done(case.apply().await);
    });
}

#[test]
fn a_lock_that_comes_at_a_later_try_is_waited_for() {
    runtime().block_on(async {
        let case = Case::new().await;
        let holder = Session::connect(&case.target.with_application_name("report")).await.unwrap();
        holder.client().batch_execute("BEGIN; LOCK TABLE app.person IN ACCESS SHARE MODE").await.unwrap();
        let target = case.target.clone();
        let applied = case
            .apply_with(&mut On(|event: Event<'_>| {
                if let Event::Retrying { .. } = event {
                    meanwhile(|| terminate(&target, "report"));
                }
            }))
            .await;
        assert_eq!(done(applied).1, 4);
    });
}

#[test]
fn a_second_apply_at_once_is_refused_and_told_who_is_at_work() {
    runtime().block_on(async {
        let case = Case::new().await;
        let mut second = None;
        let options = Options { wait: Duration::ZERO, ..case.options() };
        let first = case
            .apply_with(&mut On(|event: Event<'_>| {
                if let Event::Batch(batch) = event
                    && batch.number == 2
                {
                    second = Some(meanwhile(|| async { apply::apply(&options, &mut Silent).await }));
                }
            }))
            .await;
        done(first);
        let Refusal::Busy(Some(holder)) = refused(second.unwrap()) else { panic!() };
        assert_eq!(holder.application, "trueup");
    });
}

#[test]
fn a_stale_plan_is_refused_with_the_objects_named() {
    runtime().block_on(async {
        let cases = [
            ("ALTER TABLE app.person ALTER COLUMN email DROP NOT NULL", "column app.person.email changed"),
            ("ALTER TABLE app.person ADD COLUMN tier int", "column app.person.tier exists already"),
            ("ALTER TABLE app.person DROP COLUMN legacy", "column app.person.legacy is missing"),
            ("CREATE VIEW app.late AS SELECT legacy FROM app.person", "view app.late was added since"),
            ("CREATE INDEX late ON app.person (legacy)", "index app.late was added since"),
        ];
        let case = Case::new().await;
        for (change, named) in cases {
            let target = database(&format!("{BASE} {change};")).await;
            let outcome = apply::apply(&Options { target: &target, ..case.options() }, &mut Silent).await;
            let refusal = refused(outcome);
            let Refusal::Stale(differences) = &refusal else { panic!("{refusal}") };
            assert_eq!(refusal.to_string(), format!("the plan is stale: {named}"));
            assert!(!differences[0].diff.is_empty(), "{change}");
            assert_eq!(ask(&target, "SELECT to_regnamespace('trueup')::text").await, "");
        }
        // what the plan has nothing to do with may change
        execute(&case.target, "ALTER TABLE app.other ADD COLUMN x int").await;
        done(case.apply().await);
    });
}

#[test]
fn a_plan_for_another_database_is_stale() {
    runtime().block_on(async {
        let case = Case::new().await;
        let elsewhere = database("CREATE TABLE public.t (id int)").await;
        let outcome = apply::apply(&Options { target: &elsewhere, ..case.options() }, &mut Silent).await;
        assert!(matches!(refused(outcome), Refusal::Stale(_)));
    });
}

#[test]
fn drift_after_a_phase_stops_the_next() {
    runtime().block_on(async {
        let mut case = Case::new().await;
        done(case.apply().await);
        execute(
            &case.target,
            "UPDATE app.person SET tier = 'free'; ALTER TABLE app.person ALTER COLUMN tier SET NOT NULL",
        )
        .await;
        case.which = Which::One(Phase::Contract);
        assert!(refused(case.apply().await).to_string().contains("column app.person.tier changed"));
        case.which = Which::Default;
        assert!(refused(case.rollback().await).to_string().contains("column app.person.tier changed"));
    });
}

#[test]
fn approvals_must_fit_plan_phase_time_and_dangers() {
    runtime().block_on(async {
        let mut case = Case::new().await;
        let good = case.approvals[0].clone();
        let first = |case: &Case, outcome| match refused(outcome) {
            Refusal::NotApproved { missing, .. } => {
                assert!(case.plan.dir.exists());
                missing
            }
            other => panic!("{other}"),
        };

        case.approvals.clear();
        let missing = first(&case, case.apply().await);
        assert_eq!(missing[0].to_string(), "phase expand is not approved");

        let (_dir, other) = on_disk(&trueup::plan::Plan { name: "other".into(), ..case.plan.plan.clone() });
        case.approvals = vec![Approval { plan: other.digest.clone(), ..good.clone() }];
        let missing = first(&case, case.apply().await);
        assert!(matches!(missing[1], Missing::Void { why: Void::OtherPlan(_), .. }), "{missing:?}");

        case.approvals =
            vec![Approval { expires: Some("2026-11-21T11:59:59Z".parse().unwrap()), ..good.clone() }];
        let missing = first(&case, case.apply().await);
        assert_eq!(
            missing[1].to_string(),
            "the approval by alice does not count: it expired at 2026-11-21T11:59:59Z"
        );

        case.approvals = vec![Approval { phase: Phase::Contract, ..good.clone() }];
        let missing = first(&case, case.apply().await);
        assert!(matches!(missing[1], Missing::Void { why: Void::OtherPhase(Phase::Contract), .. }));

        case.approvals = vec![good.clone()];
        case.policy.required = 2;
        let missing = first(&case, case.apply().await);
        assert_eq!(missing[0].to_string(), "phase expand has 1 of 2 approvals");
        case.policy.required = 1;
        case.assert_untouched().await;

        done(case.apply().await);
        case.which = Which::One(Phase::Contract);
        case.approvals = vec![Approval { phase: Phase::Contract, accepts: [].into(), ..good }];
        let missing = first(&case, case.apply().await);
        assert_eq!(missing[0].to_string(), "BREAKS_OLD_CODE is not accepted (step 5)");
        assert_eq!(missing[1].to_string(), "DATA_LOSS is not accepted (step 5)");
        assert_eq!(case.position().await, Position::After(Phase::Expand));
    });
}

/// The first things that the plan and its journal would make.
const NOTHING: &str = "SELECT concat(to_regnamespace('trueup')::text, to_regclass('app.note')::text)";

#[test]
fn a_role_needs_to_own_what_it_changes_and_little_more() {
    runtime().block_on(async {
        let case = Case::new().await;
        let role = format!("owner_{}", case.target.database());
        let database = case.target.database().to_owned();
        execute(&case.target, &format!("CREATE ROLE {role} LOGIN; REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO {role}; GRANT USAGE ON SCHEMA app TO {role}")).await;
        let target = case.target.with_user(&role, None);
        let options = Options { target: &target, ..case.options() };
        let apply = async || apply::apply(&options, &mut Silent).await;

        let refusal = refused(apply().await).to_string();
        assert!(refusal.contains("does not own table app.person (its owner is"), "{refusal}");
        assert!(refusal.contains("may not create in schema app"), "{refusal}");
        assert_eq!(ask(&case.target, NOTHING).await, "");

        execute(&case.target, &format!("ALTER SCHEMA app OWNER TO {role}; ALTER TABLE app.person OWNER TO {role}; ALTER VIEW app.people OWNER TO {role}; ALTER TABLE app.other OWNER TO {role}")).await;
        let error = apply().await.unwrap_err();
        assert!(matches!(&error, ApplyError::Refused(why) if matches!(**why, Refusal::Journal(_))), "{error}");
        assert!(error.hint().unwrap().contains(&format!("CREATE SCHEMA trueup AUTHORIZATION {role}")));
        assert_eq!(ask(&case.target, NOTHING).await, "");

        execute(&case.target, &format!("CREATE SCHEMA trueup AUTHORIZATION {role}")).await;
        done(apply().await);
        done(apply::rollback(&Options { target: &target, ..case.options() }, &mut Silent).await);
    });
}

#[test]
fn a_plan_that_was_rehearsed_on_another_version_is_refused() {
    runtime().block_on(async {
        let mut case = Case::new().await;
        case.plan.plan.server_version += 10_000;
        assert!(matches!(refused(case.apply().await), Refusal::Version { .. }));
        case.assert_untouched().await;
    });
}

#[test]
fn who_asks_to_stop_is_told_where_it_stands() {
    runtime().block_on(async {
        let mut case = Case::new().await;
        let (handle, stop) = StopHandle::new();
        case.stop = stop;
        let stopped = case
            .apply_with(&mut On(|event: Event<'_>| {
                if let Event::Done(_) = event {
                    handle.stop();
                }
            }))
            .await;
        let Err(ApplyError::Stopped { why: Why::Asked, standing }) = &stopped else { panic!("{stopped:?}") };
        assert_eq!((standing.done, standing.steps), (2, 4));
        assert_eq!(stopped.unwrap_err().to_string(), "stopped as asked; phase expand: 2 of 4 steps are done");
        case.stop = Stop::never();
        case.dry_run = true;
        let Ok(Outcome::WouldRun(batches)) = case.apply().await else { panic!() };
        assert_eq!(batches.iter().map(|batch| batch.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(case.position().await, Position::Within(Phase::Expand), "a dry run runs nothing");
        case.dry_run = false;
        assert_eq!(done(case.apply().await).1, 2);
    });
}

#[test]
fn a_step_that_fails_stops_leaves_no_invalid_index_and_can_be_undone() {
    runtime().block_on(async {
        let mut steps = steps();
        steps[2] = step(
            Phase::Expand,
            2,
            Verb::Create,
            "index app.person_legacy",
            "CREATE UNIQUE INDEX CONCURRENTLY person_legacy ON app.person (legacy)",
            "DROP INDEX CONCURRENTLY app.person_legacy",
        );
        let unique = BASE.replace("'x' FROM", "n::text FROM");
        let (_dir, plan) = on_disk(&support::plan(&unique, steps).await);
        let case = Case { approvals: approvals(&plan), plan, ..Case::new().await };
        let stopped = case.apply().await;
        let Err(ApplyError::Stopped { why: Why::Run(error), standing }) = &stopped else {
            panic!("{stopped:?}")
        };
        assert!(error.to_string().contains("could not create unique index"), "{error}");
        assert_eq!((standing.done, standing.in_doubt), (2, None));
        assert_eq!(ask(&case.target, "SELECT to_regclass('app.person_legacy')::text").await, "");
        assert!(matches!(case.apply().await, Err(ApplyError::Stopped { .. })), "and again");
        assert_eq!(done(case.rollback().await).1, 2);
        assert_eq!(catalog(&case.target).await.objects, catalog(&database(BASE).await).await.objects);
    });
}

#[test]
fn one_phase_can_be_rolled_back_and_only_the_last_first() {
    runtime().block_on(async {
        let mut case = Case::new().await;
        case.which = Which::One(Phase::Contract);
        assert!(matches!(refused(case.apply().await), Refusal::PhaseBefore(Phase::Expand)));
        case.which = Which::All;
        done(case.apply().await);
        case.which = Which::One(Phase::Expand);
        assert!(matches!(refused(case.rollback().await), Refusal::PhaseAfter(Phase::Contract)));
        case.which = Which::One(Phase::Contract);
        assert_eq!(done(case.rollback().await).0, [Phase::Contract]);
        assert_eq!(case.position().await, Position::After(Phase::Expand));
    });
}

#[test]
fn a_result_that_is_not_the_rehearsed_one_is_not_called_done() {
    runtime().block_on(async {
        let case = Case::new().await;
        let target = case.target.clone();
        let stopped = case
            .apply_with(&mut On(|event: Event<'_>| {
                if let Event::Done(batch) = event
                    && batch.number == 3
                {
                    meanwhile(|| execute(&target, "DROP VIEW app.tiers"));
                }
            }))
            .await;
        let Err(ApplyError::Stopped { why: Why::Differs(differences), .. }) = &stopped else {
            panic!("{stopped:?}")
        };
        assert_eq!(differences[0].object.to_string(), "view app.tiers");
        assert_eq!(case.position().await, Position::Within(Phase::Expand));
    });
}
