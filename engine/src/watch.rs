//! Who watches long work: it is told what is done, and may want no more of it.

use crate::failure::{Failure, Kind};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// Who watches long work. Nothing needs to be done about what is told.
pub trait Watch {
    /// A phase begins, and the one before ends.
    fn begin(&mut self, _phase: &'static str) {}

    /// What the phase under way is doing.
    fn detail(&mut self, _text: &str) {}

    /// How many seconds the work is predicted to take, of which some may have passed.
    fn expect(&mut self, _seconds: f64) {}

    /// How much of the work is done, from 0 to 1, by the time that all of it was predicted to take.
    fn part(&mut self, _done: f64) {}

    /// What was taken for granted.
    fn note(&mut self, _what: &str) {}

    /// What a user must know of work that goes on.
    fn warn(&mut self, _what: &str) {}

    /// Whether the work should end without a result. It is asked whenever something is told.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {}

/// What unwinds where work is cancelled: there is no result to hand through, and what was reserved is given up as it is left.
struct Cancelled;

/// What is told to whoever watches, and the seconds of all phases.
pub struct Phases<'w> {
    watch: &'w mut dyn Watch,
    started: Instant,
    current: Option<(&'static str, Instant)>,
    past: Vec<(&'static str, f64)>,
}

impl<'w> Phases<'w> {
    /// Nothing under way.
    pub fn new(watch: &'w mut dyn Watch) -> Self {
        Self { watch, started: Instant::now(), current: None, past: Vec::new() }
    }

    /// A phase begins, and the one before ends.
    pub fn begin(&mut self, name: &'static str) {
        self.end();
        self.watch.begin(name);
        self.current = Some((name, Instant::now()));
        self.look();
    }

    /// What the phase under way is doing.
    pub fn detail(&mut self, text: &str) {
        self.watch.detail(text);
        self.look();
    }

    /// How many seconds the work is predicted to take.
    pub fn expect(&mut self, seconds: f64) {
        self.watch.expect(seconds);
        self.look();
    }

    /// How much of the work is done.
    pub fn part(&mut self, done: f64) {
        self.watch.part(done.clamp(0.0, 1.0));
        self.look();
    }

    /// What was taken for granted.
    pub fn note(&mut self, what: &str) {
        self.watch.note(what);
    }

    /// What a user must know.
    pub fn warn(&mut self, what: &str) {
        self.watch.warn(what);
    }

    /// Leaves the work if nobody wants it any more.
    fn look(&self) {
        if self.watch.cancelled() {
            resume_unwind(Box::new(Cancelled));
        }
    }

    fn end(&mut self) {
        if let Some((name, start)) = self.current.take() {
            self.past.push((name, start.elapsed().as_secs_f64()));
        }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Ends the last phase; the seconds of all phases.
    pub fn finish(&mut self) -> Vec<(&'static str, f64)> {
        self.end();
        std::mem::take(&mut self.past)
    }
}

/// Does something that may be cancelled, or meet a defect: nothing unwinds out of it.
///
/// # Errors
/// Those of what is done, [`Kind::Cancelled`], and [`Kind::Internal`] for a panic.
pub fn guarded<T>(act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|payload| {
        if payload.is::<Cancelled>() {
            return Err(Failure::new(Kind::Cancelled, "cancelled"));
        }
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        Err(Failure::internal(format!("internal error: {}", text.unwrap_or("no description")))
            .hint("this is a defect of zktorch; please report it with the command and its files"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wants no more after some phases.
    struct Impatient(usize);

    impl Watch for Impatient {
        fn begin(&mut self, _phase: &'static str) {
            self.0 = self.0.saturating_sub(1);
        }

        fn cancelled(&self) -> bool {
            self.0 == 0
        }
    }

    #[test]
    fn work_ends_when_nobody_wants_it() {
        let mut begun = 0;
        let work = |watch: &mut dyn Watch, begun: &mut usize| {
            let mut phases = Phases::new(watch);
            for name in ["one", "two", "three"] {
                phases.begin(name);
                *begun += 1;
            }
            Ok(phases.finish().len())
        };
        assert_eq!(guarded(|| work(&mut Impatient(2), &mut begun)).map_err(|e| e.kind()), Err(Kind::Cancelled));
        assert_eq!(begun, 1);
        assert_eq!(guarded(|| work(&mut Silent, &mut begun)), Ok(3));
    }

    #[test]
    fn a_defect_is_a_failure() {
        let failure = guarded(|| -> Result<(), Failure> { std::panic::resume_unwind(Box::new("seven")) }).unwrap_err();
        assert_eq!((failure.kind(), failure.what()), (Kind::Internal, "internal error: seven"));
    }
}
