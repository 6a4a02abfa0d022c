//! Writes the seeds of all fuzz targets: `cargo run --release -p zktorch-tests --example hostile_seeds -- fuzz/seeds`.

use std::path::PathBuf;
use zktorch_tests::hostile::{TARGETS, seeds};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "fuzz/seeds".into()));
    for (target, _) in TARGETS {
        std::fs::create_dir_all(root.join(target))?;
        for (name, bytes) in seeds(target) {
            std::fs::write(root.join(target).join(name), bytes)?;
        }
    }
    Ok(())
}
