//! ONNX's conformance cases as integers; `tests/examples/conformance.rs` makes a table of them.

use rayon::prelude::*;
use zktorch_models::node_cases;
use zktorch_models::zoo::Zoo;
use zktorch_tests::conformance::{Line, Table, judge, prove, setup};

/// At least so many are right; raise it with the operators.
const RIGHT: usize = 891;
/// One in so many is proved, if it is right.
const PROVED: usize = 30;

#[test]
fn onnx_node_tests_are_right_or_refused() {
    let Some(zoo) = Zoo::locate_or_skip("onnx_node_tests_are_right_or_refused") else { return };
    let archive = node_cases::archive(&zoo);
    if !archive.exists() {
        eprintln!("SKIPPED onnx_node_tests_are_right_or_refused: no {}", archive.display());
        return;
    }
    let mut cases = node_cases::read(&archive).expect("an archive");
    cases.retain(|case| case.is_usual() && !case.is_expanded());
    let setup = setup();
    let lines: Vec<Line> = cases
        .par_iter()
        .enumerate()
        .map(|(at, case)| {
            let (fate, compiled) = judge(case);
            let proved = compiled.filter(|_| at % PROVED == 3).map(|case| prove(&case, &setup));
            Line { name: case.name.clone(), expanded: false, fate, proved }
        })
        .collect();
    lines.iter().for_each(|line| println!("{line}"));
    let table = Table::of(&lines);
    println!("\n{table}");
    assert_eq!((table.wrong, table.panics, table.unproved), (0, 0, 0), "wrong, panics, proofs that failed");
    assert!(table.proved >= 25, "{} proved", table.proved);
    assert!(table.right >= RIGHT, "{} right", table.right);
}
