//! An allocator that gives out 1 GiB and then nothing, which ends the process: libFuzzer's own limit needs a sanitizer.

use std::alloc::System;

#[global_allocator]
static ALLOCATOR: cap::Cap<System> = cap::Cap::new(System, 1 << 30);
