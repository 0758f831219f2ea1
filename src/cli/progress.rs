//! How a run goes on, for the one who waits.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trueup::{
    apply::{Event, Progress},
    journal::Direction,
    report::text::Paint,
    run::{Place, StopHandle},
    visible::visible_line,
};

use super::output;

/// A line for each step; on a terminal also what is being done, once that takes longer than a second.
pub struct Shown {
    quiet: bool,
    paint: Paint,
    bar: ProgressBar,
    since: Instant,
    filling: Filling,
}

/// How often a backfill says how far it is where there is no terminal.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// The backfill that runs: since when, and from where.
struct Filling {
    step: u32,
    began: Instant,
    from: i64,
    said: Instant,
}

impl Filling {
    fn none() -> Self {
        let now = Instant::now();
        Self { step: 0, began: now, from: 0, said: now }
    }

    /// `1200000 of about 5000000 visited, 1199990 filled, 85000/s, about 45 s left`
    fn how_far(&mut self, step: u32, place: &Place) -> String {
        if self.step != step {
            // what the first batch did took as long as it took: the rate begins behind it
            *self = Self { step, from: place.visited, ..Self::none() };
        }
        let total = place.total.filter(|total| *total > place.visited);
        let of = total.map(|total| format!(" of about {total}")).unwrap_or_default();
        let mut text = format!("{}{of} visited, {} filled", place.visited, place.changed);
        let millis = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let rate = (place.visited - self.from).saturating_mul(1000).checked_div(millis).unwrap_or_default();
        if rate > 0 && millis >= 1000 {
            text += &format!(", {rate}/s");
            if let Some(total) = total {
                text += &format!(", about {} left", short((total - place.visited) / rate));
            }
        }
        text
    }
}

/// Seconds for people.
fn short(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

impl Shown {
    /// Shows nothing yet.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Self {
            quiet,
            paint: Paint(!quiet && output::colour()),
            bar,
            since: Instant::now(),
            filling: Filling::none(),
        }
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
                let how_far = self.filling.how_far(item.step, place);
                self.bar.set_message(format!("{what}: {how_far}"));
                // where nobody sees the bar, the log says from time to time that it goes on
                if !std::io::stderr().is_terminal() && self.filling.said.elapsed() >= SAY_EVERY {
                    self.filling.said = Instant::now();
                    self.line(&format!("  … step {}: {how_far}", item.step));
                }
            }
            Event::HeldUp { item, why } => {
                self.line(&format!("  {} step {} waits: {why}", self.paint.yellow("…"), item.step));
            }
            Event::Warnings(warnings) => {
                for warning in warnings {
                    self.line(&format!("  {} {warning}", self.paint.yellow("!")));
                }
            }
            Event::Glass(by) => self.line(&format!(
                "  {} approvals are missing, and {by} broke the glass",
                self.paint.yellow("!")
            )),
            Event::Costs(costs) => {
                for cost in costs {
                    let cost = visible_line(&cost.to_string()).into_owned();
                    self.line(&format!("  {} {cost}", self.paint.red("loses")));
                }
            }
            Event::OldNames(uses) => uses.iter().for_each(|used| self.line(&format!("  {used}"))),
            Event::Hook(why) => {
                self.line(&format!("  {} a hook ended with {}", self.paint.yellow("!"), visible_line(why)));
            }
            Event::Comparing => self.doing("comparing the catalog with the plan".to_owned()),
        }
    }

    fn accepts(&mut self) -> bool {
        self.end();
        says_yes("roll back all the same?")
    }
}

/// Asks whoever sits before the terminal. Nobody there is a no.
pub fn says_yes(question: &str) -> bool {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return false;
    }
    output::note(&format!("{question} Only \"yes\" does:"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backfill_says_how_fast_it_is_and_how_long_it_will_take() {
        let began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let mut filling = Filling { step: 3, began, from: 0, said: began };
        let place = Place { visited: 1000, changed: 900, total: Some(5000), ..Place::default() };
        let text = filling.how_far(3, &place);
        assert!(text.starts_with("1000 of about 5000 visited, 900 filled, "), "{text}");
        assert!(
            ["100/s, about 40 s left", "99/s, about 40 s left"].iter().any(|end| text.ends_with(end)),
            "{text}"
        );
        // more than was counted: nobody knows how long
        let text = filling.how_far(3, &Place { visited: 6000, ..place.clone() });
        assert!(text.starts_with("6000 visited") && !text.contains("left"), "{text}");
        // the next one begins anew
        assert_eq!(filling.how_far(4, &place), "1000 of about 5000 visited, 900 filled");
        assert_eq!([short(90), short(600), short(90_000)], ["90 s", "10 min", "25 h"]);
    }
}
