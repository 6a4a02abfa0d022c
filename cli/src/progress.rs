//! What is said on stderr while a command works: phases on a terminal, in lines where that is asked for, notes and warnings.

use crate::outcome::{note, say, warn};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};
use zktorch_engine::Watch;
use zktorch_verdict::show::seconds;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// Errors.
    Errors,
    /// Notes and warnings too, and the phase under way on a terminal.
    Usual,
    /// Each phase in a line of its own.
    All,
}

impl Talk {
    /// By the options of the command line.
    pub fn of(verbose: bool, quiet: bool) -> Self {
        match (verbose, quiet) {
            (true, _) => Self::All,
            (false, true) => Self::Errors,
            (false, false) => Self::Usual,
        }
    }

    /// Somebody who watches.
    pub fn terminal(self) -> Terminal {
        Terminal::new(self)
    }
}

/// A line that names the phase under way, or a line a phase.
pub struct Terminal {
    talk: Talk,
    bar: ProgressBar,
    under_way: Option<(&'static str, Instant)>,
}

impl Terminal {
    fn new(talk: Talk) -> Self {
        // Indicatif hides the target itself when stderr is not a terminal.
        let target = if talk == Talk::Usual { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { talk, bar, under_way: None }
    }

    /// The phase under way is over.
    fn end(&mut self) {
        if let Some((phase, start)) = self.under_way.take().filter(|_| self.talk == Talk::All) {
            say(&format!("{phase}: {}", seconds(start.elapsed().as_secs_f64())));
        }
    }
}

impl Watch for Terminal {
    fn begin(&mut self, phase: &'static str) {
        self.end();
        self.under_way = Some((phase, Instant::now()));
        self.bar.set_message(phase);
    }

    fn detail(&mut self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    fn expect(&mut self, predicted: f64) {
        self.bar.println(format!("predicted: about {}", seconds(predicted)));
        if self.talk == Talk::All {
            say(&format!("predicted: about {}", seconds(predicted)));
        }
    }

    fn part(&mut self, done: f64) {
        if let Some((phase, _)) = self.under_way {
            self.bar.set_message(format!("{phase}, {:.0} %", 100.0 * done));
        }
    }

    fn note(&mut self, what: &str) {
        if self.talk != Talk::Errors {
            self.bar.suspend(|| note(what));
        }
    }

    fn warn(&mut self, what: &str) {
        if self.talk != Talk::Errors {
            self.bar.suspend(|| warn(what));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.end();
        self.bar.finish_and_clear();
    }
}
