//! Runs that end in the middle: a trigger on the journal, which is written in the transaction of every batch, stops there
//! or waits to be killed.

use trueup::{plan::PlanFile, postgres::Session, sql};

use super::Database;

/// Right before the end of a batch: what `fault.batch`, `fault.at` and `fault.kind` of the database say happens there, to
/// real sessions.
const FAULT: &str = "
    CREATE FUNCTION trueup.fault() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.batch::text = current_setting('fault.batch', true) AND TG_OP = current_setting('fault.at', true) THEN
            IF current_setting('fault.kind') = 'terminate' THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
            ELSE
                PERFORM pg_advisory_lock_shared(4711);
            END IF;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER fault BEFORE INSERT OR UPDATE ON trueup.step FOR EACH ROW EXECUTE FUNCTION trueup.fault();";

/// Where there is a journal already.
pub async fn install(database: &Database) {
    database.execute(FAULT).await;
    hide(database, "fault").await;
}

/// Has a trigger on the journal pass for one of PostgreSQL's own, as only a superuser can: trueup refuses others.
pub async fn hide(database: &Database, trigger: &str) {
    let hide = format!("UPDATE pg_trigger SET tgisinternal = true WHERE tgname = '{trigger}'");
    database
        .execute(&format!("SET allow_system_table_mods = on; {hide}; RESET allow_system_table_mods"))
        .await;
}

/// Runs from now on stop at this writing (`INSERT`, `UPDATE`) of the journal for a batch: they `terminate` or `wait`.
pub async fn arm(database: &Database, batch: u32, on: &str, kind: &str) {
    let name = sql::ident(database.target.database());
    for (setting, value) in [("batch", batch.to_string().as_str()), ("at", on), ("kind", kind)] {
        database.execute(&format!("ALTER DATABASE {name} SET fault.{setting} = '{value}'")).await;
    }
}

pub async fn disarm(database: &Database) {
    database.execute(&format!("ALTER DATABASE {} RESET ALL", sql::ident(database.target.database()))).await;
}

/// The backend of trueup that waits for the test's advisory lock.
pub async fn waiting(watch: &Session) -> i32 {
    let query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'trueup' \
                 AND wait_event = 'advisory'";
    loop {
        if let Some(row) = watch.client().query_opt(query, &[]).await.unwrap() {
            return row.get(0);
        }
        tokio::task::yield_now().await;
    }
}

/// Runs a command to its end, killed with SIGKILL once in every batch of a plan on the way, and started again each time.
pub async fn killed_in_every_batch(database: &Database, plan: &str, arguments: &[&str]) {
    let steps = PlanFile::open(&database.path(plan)).unwrap().plan.steps;
    let mut batches: Vec<u32> = steps.iter().map(|step| step.batch).collect();
    batches.dedup();
    if arguments[0] == "rollback" {
        batches.reverse();
    }
    let watch = database.session().await;
    for batch in batches {
        arm(database, batch, "INSERT", "wait").await;
        watch.client().batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
        let mut child =
            super::command(database.folder.path(), Some(&database.target), arguments).spawn().unwrap();
        let ended = tokio::select! {
            _ = waiting(&watch) => None,
            ended = child.wait() => Some(ended.unwrap()),
        };
        if ended.is_none() {
            child.kill().await.unwrap();
        }
        disarm(database).await;
        watch.client().batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
        if ended.is_some_and(|ended| !ended.success()) {
            let again = database.trueup(arguments).await;
            panic!("{arguments:?} cannot go on at batch {batch}: {ended:?}\n{}", again.shown());
        }
    }
    watch.close().await;
    database.trueup(arguments).await.ended(0).unwrap();
}
