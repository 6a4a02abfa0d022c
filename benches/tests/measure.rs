//! Measures of real child processes.

use std::path::Path;
use std::time::Instant;
use zktorch_benches::measure::{Ending, Finished, Launcher, Limits};

/// Megabytes that the child of [`hoard`] holds.
const HELD: u64 = 48;

fn shell(script: &str, limits: Limits) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let launcher =
        Launcher { watcher: env!("CARGO_BIN_EXE_zktorch-benches").into(), limits, folder: folder.path().join("out") };
    launcher.run(Path::new("/bin/sh"), &["-c", script], &[("WORD", "spoken".into())]).unwrap()
}

/// A script whose second process keeps [`HELD`] MB in memory.
fn hoard(then: &str) -> String {
    let bytes = HELD * 1_000_000;
    format!("head -c {bytes} /dev/zero | (tail -c {bytes}; {then}) | wc -c")
}

#[test]
fn output_and_exit_code_are_kept() {
    let limits = Limits { seconds: 60.0, bytes: 1 << 34 };
    let finished = shell("echo $WORD; echo wrong >&2; exit 3", limits);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("spoken\n", "wrong\n"));
    assert_eq!(finished.usage.ending, Ending::Exit(Some(3)));
    assert!(finished.usage.peak_bytes < HELD * 500_000, "{:?}", finished.usage);
}

#[test]
fn the_peak_memory_of_a_grandchild_counts() {
    let finished = shell(&hoard("true"), Limits { seconds: 60.0, bytes: 1 << 34 });
    let usage = finished.usage;
    assert_eq!(usage.ending, Ending::Exit(Some(0)));
    assert!((HELD * 900_000..HELD * 4_000_000).contains(&usage.peak_bytes), "{usage:?}");
    assert!(usage.cpu_seconds > 0.0 && usage.seconds > 0.0, "{usage:?}");
}

#[test]
fn limits_end_a_command_and_its_children() {
    let start = Instant::now();
    let finished = shell("sleep 100 & sleep 100", Limits { seconds: 0.2, bytes: 1 << 34 });
    assert_eq!(finished.usage.ending, Ending::Time);
    assert!(start.elapsed().as_secs() < 50);
}

#[cfg(target_os = "linux")]
#[test]
fn a_memory_limit_ends_a_command() {
    // A shell variable holds the bytes while the shell sleeps.
    let script = format!("x=$(head -c {} /dev/zero | tr '\\0' x); sleep 60", HELD * 1_000_000);
    let finished = shell(&script, Limits { seconds: 50.0, bytes: HELD * 500_000 });
    assert_eq!(finished.usage.ending, Ending::Memory);
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let limits = Limits { seconds: 1.0, bytes: 1 << 30 };
    let folder = tempfile::tempdir().unwrap();
    let launcher = Launcher { watcher: env!("CARGO_BIN_EXE_zktorch-benches").into(), limits, folder: folder.path().into() };
    let none: [&str; 0] = [];
    assert!(launcher.run(Path::new("/no/such/program"), &none, &[]).is_err());
}
