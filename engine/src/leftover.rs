//! What is on the disk and not finished, so that somebody who ends the process can remove it.
//!
//! Destructors do not run when a signal ends a process. What is made on the disk before it is done is therefore listed here; whoever waits for
//! signals calls [`remove_all`], and then lets the signal do what it always does.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something on the disk that is not finished.
#[derive(Clone, Debug)]
pub enum Leftover {
    /// A file.
    File(PathBuf),
    /// A folder with all that is in it.
    Tree(PathBuf),
    /// A folder that holds a place, if it is still empty.
    Empty(PathBuf),
}

/// All that is unfinished, by number.
static UNFINISHED: Mutex<Vec<(u64, Leftover)>> = Mutex::new(Vec::new());

/// Held while things are renamed: a signal waits for the end of it.
static CALM: Mutex<u64> = Mutex::new(0);

fn locked<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    // What a panicking thread left is still a list.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something that a signal does not interrupt. Calls must not be nested.
pub fn undisturbed<T>(act: impl FnOnce() -> T) -> T {
    let _calm = locked(&CALM);
    act()
}

/// An entry of the list; dropped when the thing is finished or gone.
#[derive(Debug)]
pub struct Listed(u64);

/// Makes something unfinished and lists it, with no signal in between.
pub fn make<T>(
    make: impl FnOnce() -> std::io::Result<T>,
    leftover: impl FnOnce(&T) -> Leftover,
) -> std::io::Result<(T, Listed)> {
    let mut next = locked(&CALM);
    let made = make()?;
    *next += 1;
    locked(&UNFINISHED).push((*next, leftover(&made)));
    Ok((made, Listed(*next)))
}

impl Drop for Listed {
    fn drop(&mut self) {
        locked(&UNFINISHED).retain(|(n, _)| *n != self.0);
    }
}

fn remove(leftover: &Leftover) {
    // The process ends: there is nobody to tell.
    drop(match leftover {
        Leftover::File(path) => std::fs::remove_file(path),
        Leftover::Tree(path) => std::fs::remove_dir_all(path),
        Leftover::Empty(path) => std::fs::remove_dir(path),
    });
}

/// Removes all that is unfinished, for a process that ends with `end`: nothing is renamed or made any more.
pub fn remove_all(end: impl FnOnce()) {
    let _calm = locked(&CALM);
    let unfinished = locked(&UNFINISHED);
    unfinished.iter().for_each(|(_, leftover)| remove(leftover));
    end();
}
