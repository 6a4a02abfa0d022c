//! Where a measurement was made, and by which command.

use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};
use std::path::Path;
use std::process::Command;

/// The head of every table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Logical cores that this process may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Operating system and architecture.
    pub system: String,
    /// The compiler.
    pub rustc: String,
    /// The commit measured, with `+` if files differed from it.
    pub commit: String,
    /// The command, word by word.
    pub command: Vec<String>,
    /// The harness' build.
    pub profile: String,
}

impl Machine {
    /// This machine.
    pub fn here(command: Vec<String>) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: cpu(&read("/proc/cpuinfo")).unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory(&read("/proc/meminfo")),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            rustc: output("rustc", &["--version"]).unwrap_or_else(|| "unknown".into()),
            commit: commit().unwrap_or_else(|| "unknown".into()),
            command,
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.into(),
        }
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let memory = self.memory_bytes.map_or("unknown".into(), |b| format!("{:.1} GiB", b as f64 / f64::from(1 << 30)));
        let command: Vec<String> = self.command.iter().map(|word| quoted(word)).collect();
        writeln!(f, "- processor: {}, {} logical cores; memory: {memory}", self.cpu, self.cores)?;
        writeln!(f, "- {}; {}; {} build; commit {}", self.system, self.rustc, self.profile, self.commit)?;
        write!(f, "- command: `{}`", command.join(" "))
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn cpu(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

fn commit() -> Option<String> {
    let hash = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let changed = output("git", &["status", "--porcelain", "--untracked-files=no"]).is_some_and(|s| !s.is_empty());
    Some(if changed { format!("{hash}+") } else { hash })
}

/// What a command says, run in this crate's folder.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = if folder.is_dir() { folder } else { Path::new(".") };
    let output = Command::new(program).args(args).current_dir(folder).output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files() {
        assert_eq!(cpu("processor\t: 0\nmodel name\t: Some CPU: fast\n").as_deref(), Some("Some CPU: fast"));
        assert_eq!(memory("MemTotal:     1024 kB\n"), Some(1 << 20));
        assert_eq!((cpu(""), memory("")), (None, None));
    }

    #[test]
    fn words() {
        assert_eq!(quoted("--out=a/b"), "--out=a/b");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
