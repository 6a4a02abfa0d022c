//! The processes below one, from `/proc`. Where there is no `/proc`, a process seems to have no children and no memory.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;

/// A process and everything it has started, itself first.
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let stat = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok());
        if let (Some(pid), Some(parent)) = (pid, stat.as_deref().and_then(parent)) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(&pid) = found.get(at) {
        found.extend(children.remove(&pid).unwrap_or_default());
        at += 1;
    }
    found
}

/// The parent in a line of `/proc/PID/stat`: `pid (name) state parent ..`, where the name may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Resident bytes of some processes.
pub fn resident(pids: &[u32]) -> u64 {
    let status = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/status")).ok();
    pids.iter().filter_map(status).filter_map(|text| field(&text, "VmRSS:")).sum()
}

/// A field of `/proc/PID/status` that is in kB, in bytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Ends a process and everything below it.
pub fn end(root: u32) {
    for pid in tree(root) {
        if let Ok(pid) = i32::try_from(pid) {
            // A process that has just ended by itself is fine.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc() {
        assert_eq!(parent("17 (a (b) c) S 5 17 17 0"), Some(5));
        assert_eq!(parent("17"), None);
        assert_eq!(field("Name:\tx\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(field("Name:\tx\n", "VmRSS:"), None);
    }

    #[test]
    fn own_tree_starts_with_oneself() {
        assert_eq!(tree(std::process::id()).first(), Some(&std::process::id()));
    }
}
