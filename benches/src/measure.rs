//! One command in a fresh process: its time, its processor time, its peak memory, within limits.
//!
//! The kernel counts for us: `getrusage(RUSAGE_CHILDREN)` of a process that has had one child only. The harness therefore
//! starts itself once more for every command ([`WATCH`]), and that small process starts the command. (A child's peak
//! memory is never below that of its parent at the moment of the fork, so the parent has to be small.)

use crate::processes;
use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The first argument that makes the harness watch one command.
pub const WATCH: &str = "watch-one-command";
/// How often memory is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// What a command may use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Resident bytes of the process and everything it starts.
    pub bytes: u64,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// By itself, with this exit code; none if a signal ended it.
    Exit(Option<i32>),
    /// It took too long.
    Time,
    /// It took too much memory.
    Memory,
}

/// What a command used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// How it ended.
    pub ending: Ending,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Processor seconds, user and system, all threads.
    pub cpu_seconds: f64,
    /// Peak resident bytes.
    pub peak_bytes: u64,
}

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What it used.
    pub usage: Usage,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Starts commands.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The harness' executable.
    pub watcher: PathBuf,
    /// Limits of each command.
    pub limits: Limits,
    /// Where output is collected.
    pub folder: PathBuf,
}

impl Launcher {
    /// Runs a command to its end, with additions to the environment.
    ///
    /// # Errors
    /// If it cannot be started or its output not be read. A command that fails is not an error here.
    pub fn run<S: AsRef<OsStr>>(&self, program: &Path, args: &[S], env: &[(&str, String)]) -> Result<Finished> {
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| self.folder.join(name));
        let mut command = Command::new(&self.watcher);
        command.arg(WATCH).arg(self.limits.seconds.to_string()).arg(self.limits.bytes.to_string());
        command.args([stdout.as_os_str(), stderr.as_os_str(), program.as_os_str()]).args(args);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        let output = command.stdin(Stdio::null()).output().context("cannot start the watching process")?;
        if !output.status.success() {
            bail!("cannot start {}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
        }
        let usage = serde_json::from_slice(&output.stdout).context("the watching process reported nothing")?;
        let text = |path: &Path| -> Result<String> {
            let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(Finished { usage, stdout: text(&stdout)?, stderr: text(&stderr)? })
    }
}

impl Finished {
    /// The last line of standard output that is a JSON object, of a command that succeeded.
    ///
    /// # Errors
    /// If the command failed, with its own words; `what` names it.
    pub fn json(&self, what: &str, limits: &Limits) -> Result<serde_json::Value> {
        match self.usage.ending {
            Ending::Exit(Some(0)) => {}
            Ending::Time => bail!("{what}: not done after {} s", limits.seconds),
            Ending::Memory => bail!("{what}: needs more than {:.1} GiB", limits.bytes as f64 / f64::from(1 << 30)),
            Ending::Exit(Some(code)) => bail!("{what}: exit code {code}: {}", self.complaint()),
            Ending::Exit(None) => bail!("{what}: ended by a signal: {}", self.complaint()),
        }
        let objects = self.stdout.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        objects.into_iter().find(|value| value.is_object()).with_context(|| format!("{what}: no JSON on standard output"))
    }

    /// What the command said about its failure: the lines from the one that says `error`, else the last.
    fn complaint(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let from = lines.iter().position(|line| line.to_lowercase().starts_with("error"));
        let said = lines.get(from.unwrap_or(lines.len().saturating_sub(1))..).unwrap_or_default().join(" ");
        said.chars().take(LONGEST).collect()
    }
}

/// Characters of a complaint.
const LONGEST: usize = 400;

/// Watches one command: `SECONDS BYTES STDOUT STDERR PROGRAM ARGS..`. Prints its [`Usage`].
///
/// # Errors
/// If the command cannot be started.
pub fn watch(mut args: impl Iterator<Item = OsString>) -> Result<()> {
    let mut next = || args.next().context("an argument is missing");
    let number = |text: OsString| text.to_str().and_then(|t| t.parse::<f64>().ok()).context("expected a number");
    let limits = Limits { seconds: number(next()?)?, bytes: number(next()?)? as u64 };
    let [stdout, stderr] = [File::create(next()?)?, File::create(next()?)?];
    let mut command = Command::new(next()?);
    command.args(args).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    println!("{}", serde_json::to_string(&watched(command, &limits)?)?);
    Ok(())
}

fn watched(mut command: Command, limits: &Limits) -> Result<Usage> {
    let start = Instant::now();
    let mut child = command.spawn()?;
    let pid = child.id();
    let (sender, ended) = channel();
    std::thread::spawn(move || {
        let status = child.wait();
        // The other side waits for it.
        let _ = sender.send((status, start.elapsed()));
    });
    let mut limit = None;
    let (status, elapsed) = loop {
        match ended.recv_timeout(INTERVAL) {
            Ok(end) => break end,
            Err(RecvTimeoutError::Disconnected) => bail!("the command was lost"),
            Err(RecvTimeoutError::Timeout) => {
                let tree = processes::tree(pid);
                let broken = if start.elapsed().as_secs_f64() > limits.seconds {
                    Some(Ending::Time)
                } else {
                    (processes::resident(&tree) > limits.bytes).then_some(Ending::Memory)
                };
                if let Some(broken) = broken {
                    limit.get_or_insert(broken);
                    processes::end(pid);
                }
            }
        }
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    // Linux counts in kB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok(Usage {
        ending: limit.unwrap_or(Ending::Exit(status?.code())),
        seconds: elapsed.as_secs_f64(),
        cpu_seconds: seconds(usage.user_time()) + seconds(usage.system_time()),
        peak_bytes: u64::try_from(usage.max_rss()).unwrap_or(0) * unit,
    })
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 * 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(ending: Ending, stdout: &str, stderr: &str) -> Finished {
        let usage = Usage { ending, seconds: 0.0, cpu_seconds: 0.0, peak_bytes: 0 };
        Finished { usage, stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn last_object_counts() {
        let limits = Limits { seconds: 5.0, bytes: 1 << 30 };
        let good = finished(Ending::Exit(Some(0)), "noise\n{\"a\": 1}\n{\"a\": 2}\n[3]\n", "");
        assert_eq!(good.json("x", &limits).unwrap()["a"], 2);
        let silent = finished(Ending::Exit(Some(0)), "", "");
        assert!(silent.json("x", &limits).is_err());
    }

    #[test]
    fn failures_say_why() {
        let limits = Limits { seconds: 5.0, bytes: 1 << 30 };
        let said = |ending, stderr| finished(ending, "", stderr).json("prove", &limits).unwrap_err().to_string();
        assert_eq!(
            said(Ending::Exit(Some(2)), "loading\nerror: no file\n  hint: look\n"),
            "prove: exit code 2: error: no file hint: look"
        );
        assert_eq!(said(Ending::Exit(None), "a\nb\n"), "prove: ended by a signal: b");
        assert_eq!(said(Ending::Time, ""), "prove: not done after 5 s");
        assert_eq!(said(Ending::Memory, ""), "prove: needs more than 1.0 GiB");
    }
}
