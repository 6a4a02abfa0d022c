//! Phases on stderr, if that is a terminal.

use crate::outcome::{note, warn};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;
use zktorch_engine::Watch;

/// A line that names the phase under way.
pub struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    /// Nothing under way.
    pub fn new() -> Self {
        // Indicatif hides the target itself when stderr is not a terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }
}

impl Watch for Terminal {
    fn begin(&mut self, phase: &'static str) {
        self.bar.set_message(phase);
    }

    fn detail(&mut self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    fn note(&mut self, what: &str) {
        self.bar.suspend(|| note(what));
    }

    fn warn(&mut self, what: &str) {
        self.bar.suspend(|| warn(what));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
