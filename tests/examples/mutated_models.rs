//! Imports, strips and audits mutated ONNX files for a while: those of a folder and the fuzz targets' seeds.
//!
//!     (ulimit -v 2097152; cargo run --release -p zktorch-tests --example mutated_models -- SECONDS SEED [FOLDER])
//!
//! Under a limit of address space an allocation beyond it ends the process; the file that did it is left as `mutated.onnx` in the
//! system's folder for temporary files. Edits are of single bytes mostly, or of one number of the file: its integers are what shapes,
//! axes and sizes are made of.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zktorch_tests::hostile::{Stream, mutated, onnx, seeds};

/// Longest file that is mutated.
const SMALL: u64 = 1 << 14;

/// All small ONNX files below a folder.
fn below(folder: &Path, files: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            below(&path, files);
        } else if path.extension().is_none_or(|e| e == "onnx") && path.metadata().is_ok_and(|m| m.len() < SMALL) {
            files.push(std::fs::read(&path).expect("a file"));
        }
    }
}

/// A file with one byte changed, which most often is a number.
fn nudged(stream: &mut Stream, file: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..1 + stream.next(2) {
        let at = stream.next(bytes.len());
        let values = [0, 1, 2, 3, 7, 8, 16, 24, 64, 127, 128, 255, stream.next(256) as u8];
        bytes[at] = values[stream.next(values.len())];
    }
    bytes
}

fn main() {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().and_then(|s| s.parse().ok()).expect("seconds");
    let seed: u64 = args.next().and_then(|s| s.parse().ok()).expect("a seed");
    let mut files: Vec<Vec<u8>> =
        seeds("onnx").into_iter().map(|(_, file)| file).filter(|file| (file.len() as u64) < SMALL).collect();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/onnx"), &mut files);
    if let Some(folder) = args.next() {
        below(Path::new(&folder), &mut files);
    }
    // What is contained need not be told.
    std::panic::set_hook(Box::new(|_| ()));
    let (mut stream, begin) = (Stream::new(seed), Instant::now());
    let (mut count, mut slowest) = (0u64, Duration::ZERO);
    let place = std::env::temp_dir().join("mutated.onnx");
    while begin.elapsed() < Duration::from_secs(seconds) {
        let file = &files[stream.next(files.len())];
        let other = &files[stream.next(files.len())];
        let edited = if stream.next(3) == 0 { mutated(&mut stream, file, other) } else { nudged(&mut stream, file) };
        std::fs::write(&place, &edited).expect("room for a file");
        let start = Instant::now();
        onnx(&edited);
        if start.elapsed() > slowest {
            slowest = start.elapsed();
            std::fs::write(std::env::temp_dir().join("slowest.onnx"), &edited).expect("room for a file");
        }
        count += 1;
    }
    println!("{count} files out of {}, the slowest in {:.2} s", files.len(), slowest.as_secs_f64());
}
