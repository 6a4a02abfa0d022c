//! Phases on stderr, if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// A line that names the phase under way, and the seconds of all phases so far.
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
    current: Option<(&'static str, Instant)>,
    phases: Vec<(&'static str, f64)>,
}

impl Progress {
    /// Nothing under way.
    pub fn new() -> Self {
        // Indicatif hides the target itself when stderr is not a terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, started: Instant::now(), current: None, phases: Vec::new() }
    }

    /// A phase begins, and the one before ends.
    pub fn begin(&mut self, name: &'static str) {
        self.end();
        self.bar.set_message(name);
        self.current = Some((name, Instant::now()));
    }

    /// What the phase under way is doing.
    pub fn detail(&mut self, text: String) {
        self.bar.set_message(text);
    }

    /// Writes something else on stderr.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    fn end(&mut self) {
        if let Some((name, start)) = self.current.take() {
            self.phases.push((name, start.elapsed().as_secs_f64()));
        }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Ends the last phase and clears the line; the seconds of all phases.
    pub fn finish(mut self) -> Vec<(&'static str, f64)> {
        self.end();
        std::mem::take(&mut self.phases)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
