//! Long calls: on a thread of their own, so that other threads of Python go on, and that Ctrl-C is heard.

use crate::failure::{exception, internal};
use crate::pool::{STACK, pool};
use pyo3::prelude::*;
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use zktorch_engine::{Failure, Watch};

/// How long the caller waits between two looks for signals.
const TICK: Duration = Duration::from_millis(50);
/// How long work that was told to stop is waited for. It ends by itself later, and nobody gets what it makes.
const GRACE: Duration = Duration::from_millis(300);

/// Tells work to stop, from another thread.
#[pyclass(frozen, from_py_object, module = "zktorch._native")]
#[derive(Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Work that looks at it ends.
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What work has to say.
enum Event<T> {
    /// A phase, what it is doing, and which part of the whole is done.
    Phase(&'static str, Option<String>, Option<f64>),
    /// Something that was taken for granted.
    Note(String),
    /// Something that the user must know.
    Warning(String),
    /// The end.
    Done(Result<T, Failure>),
}

/// Hands on what work says to whoever waits for it.
struct Reporter<T> {
    to: Sender<Event<T>>,
    phase: &'static str,
    done: Option<f64>,
    /// Whether anybody wants to know phases.
    told: bool,
    cancel: Cancel,
}

impl<T> Reporter<T> {
    fn say(&self, event: Event<T>) {
        // Nobody waits any more after an interruption.
        drop(self.to.send(event));
    }

    fn tell(&self, detail: Option<&str>) {
        if self.told {
            self.say(Event::Phase(self.phase, detail.map(str::to_owned), self.done));
        }
    }
}

impl<T: Send> Watch for Reporter<T> {
    fn begin(&mut self, phase: &'static str) {
        self.phase = phase;
        self.tell(None);
    }

    fn detail(&mut self, text: &str) {
        self.tell(Some(text));
    }

    fn part(&mut self, done: f64) {
        self.done = Some(done);
        self.tell(None);
    }

    fn note(&mut self, what: &str) {
        self.say(Event::Note(what.to_owned()));
    }

    fn warn(&mut self, what: &str) {
        self.say(Event::Warning(what.to_owned()));
    }

    fn cancelled(&self) -> bool {
        self.cancel.0.load(Ordering::Relaxed)
    }
}

/// Who wants to know of work, and with how many threads it is done.
#[derive(Default)]
pub struct Terms {
    /// Called with phases.
    pub tell: Option<Py<PyAny>>,
    /// Ends the work.
    pub cancel: Cancel,
    /// All cores if left out.
    pub threads: Option<usize>,
}

/// Does work on a thread of its own and waits for it, without keeping Python's lock.
///
/// # Errors
/// The work's, what `tell` raises, and `KeyboardInterrupt`: then the work is told to stop.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    terms: Terms,
    act: impl FnOnce(&mut dyn Watch) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let Terms { tell, cancel, threads } = terms;
    let pool = pool(threads).map_err(|e| internal(py, &format!("cannot start threads: {e}")))?;
    let (to, events) = channel();
    let mut reporter = Reporter { to, phase: "", done: None, told: tell.is_some(), cancel: cancel.clone() };
    let work = move || {
        let result = pool.install(|| act(&mut reporter));
        reporter.say(Event::Done(result));
    };
    let thread = std::thread::Builder::new().name("zktorch".into()).stack_size(STACK);
    thread.spawn(work).map_err(|e| internal(py, &format!("cannot start a thread: {e}")))?;
    wait(py, events, tell.as_ref()).map_err(|(error, events)| {
        cancel.set();
        events.into_iter().for_each(|events| linger(py, events));
        error
    })
}

/// How waiting ended: with an error what is left to be heard, if the work goes on.
type Ended<T> = Result<T, (PyErr, Option<Receiver<Event<T>>>)>;

/// Waits for the end.
fn wait<T: Send>(py: Python<'_>, mut events: Receiver<Event<T>>, tell: Option<&Py<PyAny>>) -> Ended<T> {
    loop {
        let heard;
        (events, heard) = py.detach(move || {
            let heard = events.recv_timeout(TICK);
            (events, heard)
        });
        let told = match heard {
            Ok(Event::Done(result)) => return result.map_err(|failure| (exception(py, &failure), None)),
            Ok(Event::Phase(phase, detail, done)) => {
                tell.map_or(Ok(()), |tell| tell.call1(py, (phase, detail, done)).map(drop))
            }
            Ok(Event::Note(what)) => note(py, &what),
            Ok(Event::Warning(what)) => warn(py, &what),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err((internal(py, "a thread ended without a result"), None)),
        };
        if let Err(error) = told.and_then(|()| py.check_signals()) {
            return Err((error, Some(events)));
        }
    }
}

/// Waits a little for work that was told to stop.
fn linger<T: Send>(py: Python<'_>, events: Receiver<Event<T>>) {
    py.detach(move || {
        let end = Instant::now() + GRACE;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            match events.recv_timeout(left) {
                Ok(Event::Done(_)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    });
}

/// Warns as Python does.
pub fn warn(py: Python<'_>, what: &str) -> PyResult<()> {
    let category = py.import("zktorch._errors")?.getattr("ZktorchWarning")?;
    let text = CString::new(what.replace('\0', " ")).unwrap_or_default();
    // The call of whoever called the package.
    PyErr::warn(py, &category, &text, 2)
}

/// Logs what was taken for granted.
fn note(py: Python<'_>, what: &str) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", ("zktorch",))?;
    logger.call_method1("info", (what,)).map(drop)
}
