//! What is kept between runs, in the user's cache folder. That something cannot be kept is no reason to stop.

use crate::files::Pending;
use std::path::PathBuf;

/// The path of a kept file.
pub fn path(name: &str) -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("zktorch").join(name))
}

/// Keeps bytes for the next time.
pub fn keep(name: &str, bytes: &[u8]) {
    if let Some(path) = path(name) {
        let made = path.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok());
        if made && let Ok(pending) = Pending::new(&path) {
            drop(pending.write(bytes));
        }
    }
}
