//! Threads that proofs are made with: a pool for each number of threads, and for each process.
//!
//! A process that was forked has the memory of a pool and none of its threads: work given to it would wait for ever. So each pool knows its process.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::sync::{Arc, Mutex, PoisonError};

/// Of a thread, in bytes: what a program's main thread usually has.
pub const STACK: usize = 8 << 20;

/// A pool with its process and the threads that it was asked to have; 0 for all cores.
struct Known {
    process: u32,
    threads: usize,
    pool: Arc<ThreadPool>,
}

static POOLS: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// The pool of this process with so many threads; all cores if none is said.
pub fn pool(threads: Option<usize>) -> Result<Arc<ThreadPool>, ThreadPoolBuildError> {
    let (process, threads) = (std::process::id(), threads.unwrap_or(0));
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    // Dropping those of a parent would wait for threads that are not here.
    pools.extract_if(.., |known| known.process != process).for_each(std::mem::forget);
    if let Some(known) = pools.iter().find(|known| known.threads == threads) {
        return Ok(known.pool.clone());
    }
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build()?);
    pools.push(Known { process, threads, pool: pool.clone() });
    Ok(pool)
}
