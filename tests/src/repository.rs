//! The files of the repository, for tests that read them.

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a file, by its path relative to the root.
///
/// # Panics
/// If there is none.
pub fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

/// Files below the root that somebody wrote, of one of these kinds, by path relative to the root.
///
/// # Panics
/// If a folder cannot be read.
pub fn written(kinds: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![root()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|e| e.expect("an entry")) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if entry.file_type().expect("a type").is_dir() {
                if !name.starts_with('.') && !["target", "node_modules"].contains(&&*name) {
                    todo.push(path);
                }
            } else if path.extension().is_some_and(|e| kinds.iter().any(|kind| e == *kind)) {
                let path = path.strip_prefix(root()).expect("below").to_string_lossy().replace('\\', "/");
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Rust sources under a directory, by path relative to the root, without comments and test modules.
///
/// # Panics
/// If there is none.
pub fn sources(directory: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut todo = vec![root().join(directory)];
    while let Some(path) = todo.pop() {
        for entry in std::fs::read_dir(&path).expect("a directory").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() {
                todo.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") && entry.file_name().is_some_and(|n| n != "tests.rs") {
                let text = std::fs::read_to_string(&entry).expect("text");
                let code = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
                let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                let name = entry.strip_prefix(root()).expect("below").to_string_lossy().replace('\\', "/");
                found.push((name, code));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{directory}");
    found
}
