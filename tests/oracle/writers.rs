//! Code that uses a database while it changes: sessions that write all the time, each statement prepared.

use std::{
    io::Cursor,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::SinkExt;
use tokio::{sync::mpsc, task::JoinHandle, time::MissedTickBehavior};
use trueup::postgres::Session;

use super::Database;

/// How many rows are there before they begin: with the numbers from 1 on.
pub const ROWS: i64 = 20_000;

/// How many sessions each group has.
const WRITERS: u8 = 4;

/// What a writer may wait: `lock_timeout` of a step, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(4);

/// How often each of them goes through its statements: an application that leaves the server something to do beside.
const PACE: Duration = Duration::from_millis(20);

/// What a group of writers did.
#[derive(Debug, Default)]
struct Tally {
    statements: u64,
    failures: Vec<String>,
    longest: Duration,
}

/// Sessions that write until they are told to stop.
pub struct Writers {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Tally>>,
    /// What they had executed when they were let go on: everything once.
    begun: u64,
}

impl Writers {
    /// [`WRITERS`] of them, each of which has executed everything once. Each statement gets two numbers that no other one gets
    /// at that time: of a row that is there, and of one that is new.
    pub async fn start(database: &Database, statements: &'static [&'static str], first: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (first_round, mut all_through) = mpsc::channel::<()>(1);
        let mut tasks = Vec::new();
        for writer in 0..WRITERS {
            let session = database.session().await;
            let stop = stop.clone();
            let mut first_round = Some(first_round.clone());
            tasks.push(tokio::spawn(async move {
                let mut tally = Tally::default();
                let mut prepared = Vec::new();
                for sql in statements.iter().filter(|sql| !sql.starts_with("COPY")) {
                    prepared.push(session.client().prepare(sql).await.unwrap());
                }
                let mut round = 0_i64;
                let mut pace = tokio::time::interval(PACE);
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !stop.load(Ordering::Relaxed) {
                    pace.tick().await;
                    round += 1;
                    let (there, new) = (
                        (round * 7919 + i64::from(writer)) % ROWS + 1,
                        first + i64::from(writer) * 1_000_000 + round,
                    );
                    let mut prepared = prepared.iter();
                    for sql in statements {
                        let began = Instant::now();
                        let result = if sql.starts_with("COPY") {
                            copy(&session, sql, new).await
                        } else {
                            session.client().execute(prepared.next().unwrap(), &[&there, &new]).await
                        };
                        tally.longest = tally.longest.max(began.elapsed());
                        tally.statements += 1;
                        // of two that update the same rows in another order PostgreSQL ends one: neither is to blame
                        if let Err(error) = result {
                            tally.failures.push(format!("{sql}: {}", super::words(&error)));
                        }
                    }
                    drop(first_round.take());
                }
                session.close().await;
                tally
            }));
        }
        // nothing is sent: it ends when nobody is in the first round any more
        drop(first_round);
        assert_eq!(all_through.recv().await, None);
        Self { stop, tasks, begun: u64::from(WRITERS) * statements.len() as u64 }
    }

    /// Fails if any of their statements did.
    pub async fn end(self, who: &str) {
        self.end_but(who, |_| false).await;
    }

    /// Fails if any of their statements did, but for failures that the plan announces.
    pub async fn end_but(self, who: &str, announced: fn(&str) -> bool) {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        for task in self.tasks {
            let tally = task.await.unwrap();
            all.statements += tally.statements;
            all.longest = all.longest.max(tally.longest);
            all.failures.extend(tally.failures);
        }
        let failed = all.failures.len();
        all.failures.retain(|failure| !announced(failure));
        eprintln!(
            "{who}: {} statements, {failed} failed, {} of them announced, the longest took {:?}",
            all.statements,
            failed - all.failures.len(),
            all.longest
        );
        assert!(all.statements > self.begun, "{who} wrote nothing meanwhile");
        assert!(all.failures.is_empty(), "{who}: {} failed, such as {}", all.failures.len(), all.failures[0]);
        assert!(all.longest < PATIENCE, "{who}: a statement took {:?}", all.longest);
    }
}

/// Copies one row, of a number and a text.
async fn copy(session: &Session, sql: &str, new: i64) -> Result<u64, tokio_postgres::Error> {
    let mut sink = std::pin::pin!(session.client().copy_in(sql).await?);
    sink.send(Cursor::new(format!("{}\tcopied {new}\n", -new))).await?;
    sink.finish().await
}
