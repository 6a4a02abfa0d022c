//! Nothing half-made stays behind when the program is told to stop: a thread waits for signals, and removes what is not finished.

/// Starts the thread. Signals that are ignored stay so (`nohup`, jobs in the background of a script).
#[cfg(unix)]
pub fn watch() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| ignored >> (signal - 1) & 1 == 0);
    let Ok(mut signals) = signal_hook::iterator::Signals::new(wanted) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            zktorch_engine::remove_all(|| {
                drop(signal_hook::low_level::emulate_default_handler(signal));
                std::process::exit(128 + signal);
            });
        }
    });
}

/// Signals that the process was started to ignore, one a bit, as Linux tells; elsewhere none is known.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Other systems have no such signals.
#[cfg(not(unix))]
pub fn watch() {}
