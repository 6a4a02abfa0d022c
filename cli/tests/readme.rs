//! The commands of README, run as they stand there.

mod common;

use common::{Scratch, command, one_node, ran};
use zktorch_models::bundled;

#[test]
fn the_commands_of_readme_work() {
    let scratch = Scratch::new();
    scratch.file("model.onnx", bundled::DIGITS_MLP.onnx);
    scratch.file("calibration.npy", bundled::DIGITS_CALIBRATION_NPY);
    scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    // It goes on with the ten scores.
    scratch.file("next.onnx", one_node("Relu", &[1, 10]));
    let readme = include_str!("../../README.md");
    let lines: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("    zktorch ")).collect();
    let mut last = String::new();
    for line in &lines {
        let words: Vec<&str> = line.split(" #").next().unwrap_or_default().split_whitespace().collect();
        let ran = ran(command(&words).current_dir(scratch.path("")).output().unwrap());
        assert_eq!(ran.code, 0, "zktorch {line}: {ran:?}");
        last.push_str(&ran.stdout);
    }
    let done = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    assert!(done("compile") == 3 && done("prove") == 3 && done("verify") >= 2 && done("audit") == 1, "{lines:?}");
    assert!(last.contains("is input x of next.proof") && last.contains("audit") && !last.contains("UNPROVED"), "{last}");
}
