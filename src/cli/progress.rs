//! How a run goes on, for the one who waits.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trueup::{
    apply::{Event, Progress},
    journal::Direction,
    report::text::Paint,
    run::StopHandle,
    visible::visible_line,
};

use super::output;

/// A line for each step; on a terminal also what is being done, once that takes longer than a second.
pub struct Shown {
    quiet: bool,
    paint: Paint,
    bar: ProgressBar,
    since: Instant,
}

impl Shown {
    /// Shows nothing yet.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Self { quiet, paint: Paint(!quiet && output::colour()), bar, since: Instant::now() }
    }

    fn doing(&mut self, what: String) {
        self.since = Instant::now();
        if self.quiet {
            return;
        }
        self.bar.finish_and_clear();
        // the draw target of a bar is nothing but a terminal's
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        bar.set_style(self.bar.style());
        self.bar = bar.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if !bar.is_finished() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(Duration::from_millis(120));
            }
        });
    }

    fn line(&self, text: &str) {
        if !self.quiet {
            self.bar.finish_and_clear();
            output::note(text);
        }
    }

    /// Takes away what is on the terminal.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Shown {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Phase { phase, direction, steps, resumed } => {
                let verb = match (direction, resumed) {
                    (Direction::Apply, false) => "applying",
                    (Direction::Apply, true) => "going on with",
                    (Direction::Rollback, _) => "rolling back",
                };
                let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
                self.line(&format!("{verb} {}: {steps}", self.paint.bold(phase.label())));
            }
            Event::Batch(batch) => {
                let first = batch.items.first().map(|item| visible_line(&item.summary).into_owned());
                self.doing(first.unwrap_or_default());
            }
            Event::Done(batch) => {
                let took = self.since.elapsed();
                let took = if took.as_millis() >= 100 {
                    format!("  {:.1} s", took.as_secs_f64())
                } else {
                    String::new()
                };
                // what is only there for the other direction did nothing
                let items: Vec<_> = batch.items.iter().filter(|item| !item.action.sql.is_empty()).collect();
                let last = items.len().saturating_sub(1);
                for (index, item) in items.into_iter().enumerate() {
                    let took = if index == last { self.paint.dim(&took) } else { String::new() };
                    self.line(&format!(
                        "  {} {:>3} {}{took}",
                        self.paint.green("✔"),
                        item.step,
                        visible_line(&item.summary)
                    ));
                }
            }
            Event::Retrying { item, tries, pause, blockers } => {
                let who: String = blockers
                    .iter()
                    .flat_map(|blocker| ["; in the way: ".to_owned(), blocker.to_string()])
                    .collect();
                self.line(&format!(
                    "  {} step {}: no lock at try {tries}{who}; again in {:.1} s",
                    self.paint.yellow("…"),
                    item.step,
                    pause.as_secs_f64()
                ));
            }
            Event::Filled { item, place } => {
                let what = visible_line(&item.summary);
                let (visited, changed) = (place.visited, place.changed);
                self.bar.set_message(format!("{what}: {visited} visited, {changed} filled"));
            }
            Event::HeldUp { item, why } => {
                self.line(&format!("  {} step {} waits: {why}", self.paint.yellow("…"), item.step));
            }
            Event::Warnings(warnings) => {
                for warning in warnings {
                    self.line(&format!("  {} {warning}", self.paint.yellow("!")));
                }
            }
            Event::OldNames(uses) => uses.iter().for_each(|used| self.line(&format!("  {used}"))),
            Event::Hook(why) => {
                self.line(&format!("  {} a hook ended with {}", self.paint.yellow("!"), visible_line(why)));
            }
            Event::Comparing => self.doing("comparing the catalog with the plan".to_owned()),
        }
    }
}

/// Asks the run to stop at Ctrl-C or SIGTERM; the second time to cancel the statement that runs, too; the third time the
/// process ends at once.
pub fn stop_at_signals(handle: StopHandle) {
    tokio::spawn(async move {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            return;
        };
        for time in 0.. {
            tokio::select! {
                result = tokio::signal::ctrl_c() => if result.is_err() { return },
                _ = terminate.recv() => {}
            }
            match time {
                0 => {
                    output::note(
                        "stopping at the next safe point; once more to cancel the statement that runs",
                    );
                    handle.stop();
                }
                1 => {
                    output::note("cancelling the statement that runs; once more to stop at once");
                    handle.cancel();
                }
                _ => {
                    // what is cut off here is found out about by the next apply
                    output::note("stopped at once; run the same command again to go on");
                    std::process::exit(super::exit::Exit::Stopped as i32);
                }
            }
        }
    });
}

/// One thing after another that is waited for: shown on a terminal once it all takes longer than a second.
pub struct Waiting {
    bar: ProgressBar,
}

impl Waiting {
    /// Shows nothing for a second.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        if !quiet {
            let shown = bar.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if !shown.is_finished() {
                    shown.set_draw_target(ProgressDrawTarget::stderr());
                    shown.enable_steady_tick(Duration::from_millis(120));
                }
            });
        }
        Self { bar }
    }

    /// What is being done now.
    pub fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Takes it away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
