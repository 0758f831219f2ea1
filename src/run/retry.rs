//! Trying again, and being asked to stop.

use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;

/// How often and how long to try for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The pause after the first try; it doubles with each.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// Waiting and pausing together, before giving up.
    pub total: Duration,
}

impl Retry {
    /// One try only.
    pub const NONE: Self = Self { first: Duration::ZERO, longest: Duration::ZERO, total: Duration::ZERO };
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(10),
            total: Duration::from_secs(60),
        }
    }
}

/// The tries of one batch.
pub(super) struct Tries {
    retry: Retry,
    spent: Duration,
    count: u32,
}

impl Tries {
    pub(super) fn new(retry: Retry) -> Self {
        Self { retry, spent: Duration::ZERO, count: 0 }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Counts a try that waited for `lock_ms`; how long to pause before the next, if there is to be one.
    pub(super) fn pause(&mut self, lock_ms: u32) -> Option<Duration> {
        let grown = self.retry.first.saturating_mul(1 << self.count.min(16)).min(self.retry.longest);
        self.count += 1;
        // between half of it and all of it: two that wait for each other do not meet again
        let pause = grown.mul_f64(rand::rng().random_range(0.5..=1.0));
        self.spent += Duration::from_millis(u64::from(lock_ms)) + pause;
        (self.spent < self.retry.total).then_some(pause)
    }
}

/// How urgently somebody asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Not,
    /// At the next safe point.
    Soon,
    /// The statement that runs is to be cancelled.
    Now,
}

/// Asks whoever runs to stop.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<Asked>);

impl StopHandle {
    /// A handle, and what to give to the run.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(Asked::Not);
        (Self(sender), Stop(Some(receiver)))
    }

    /// Asks for it at the next safe point.
    pub fn stop(&self) {
        self.0.send_if_modified(|asked| {
            let first = *asked == Asked::Not;
            *asked = (*asked).max(Asked::Soon);
            first
        });
    }

    /// Asks to cancel the statement that runs, too.
    pub fn cancel(&self) {
        self.0.send_replace(Asked::Now);
    }
}

/// Whether somebody asked to stop.
#[derive(Debug, Clone)]
pub struct Stop(Option<watch::Receiver<Asked>>);

impl Stop {
    /// Nobody will.
    pub fn never() -> Self {
        Self(None)
    }

    /// Whether somebody did.
    pub fn requested(&self) -> bool {
        self.0.as_ref().is_some_and(|receiver| *receiver.borrow() > Asked::Not)
    }

    /// Waits until the statement that runs is to be cancelled; for ever, if nobody asks for that.
    pub async fn cancelled(&self) {
        if let Some(receiver) = &self.0
            && receiver.clone().wait_for(|asked| *asked == Asked::Now).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Waits; whether somebody asked meanwhile, which ends the wait.
    pub async fn requested_within(&self, wait: Duration) -> bool {
        let Some(receiver) = &self.0 else {
            tokio::time::sleep(wait).await;
            return false;
        };
        let mut receiver = receiver.clone();
        let asked = receiver.wait_for(|asked| *asked > Asked::Not);
        // an error is that nobody is left who could ask
        match tokio::time::timeout(wait, asked).await {
            Ok(Ok(_)) => true,
            Ok(Err(_)) => {
                tokio::time::sleep(wait).await;
                false
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut tries = Tries::new(Retry { longest: Duration::from_secs(1), ..Retry::default() });
        let pauses: Vec<Duration> = std::iter::from_fn(|| tries.pause(2_000)).collect();
        assert!(pauses[0] >= Duration::from_millis(100) && pauses[0] <= Duration::from_millis(200));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(1)));
        assert!((19..30).contains(&pauses.len()), "{}", pauses.len());
        assert_eq!(Tries::new(Retry::NONE).pause(0), None);
    }
}
