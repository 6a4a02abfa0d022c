//! ONNX's conformance cases as integers: `cargo run --release -p zktorch-tests --example conformance`.
//!
//! It takes the cases of `$ZKTORCH_ZOO/onnx-node-tests`, or of `--cases PATH` (an archive, or the folder `backend/test/data/node` of the
//! `onnx` package), of those the ones whose tensors are float32, int32, int64 or bool. Each is compiled with its own input as the sample,
//! executed and compared: integers and booleans exactly, floats within 1 % of the largest entry. A line a case, then the totals.
//!
//! - `--filter TEXT`: cases with this in their names; `--every N`: each N-th; `--all`: of every type that is read
//! - `--prove N`: proves and verifies so many of the right ones, spread over all
//! - `--threads N`, `--format json`, `--quiet` (no lines of right cases), `--table FILE` (the totals, as a page)

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use rayon::prelude::*;
use zktorch_models::node_cases::{self, NodeCase};
use zktorch_models::zoo::Zoo;
use zktorch_tests::conformance::{Case, Fate, Line, Table, judge, prove, setup};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|at| arguments.get(at + 1));
    let number = |flag: &str| after(flag).map(|text| text.parse::<usize>().expect("a number"));
    if let Some(threads) = number("--threads") {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("the first pool");
    }
    let path = after("--cases").map(PathBuf::from);
    let path = path.unwrap_or_else(|| node_cases::archive(&Zoo::locate().expect("a zoo: set ZKTORCH_ZOO")));
    let filter = after("--filter").cloned().unwrap_or_default();
    let cases = node_cases::read(&path).unwrap_or_else(|error| panic!("{error}"));
    let mut cases: Vec<NodeCase> = cases.into_iter().filter(|c| c.name.contains(&filter)).collect();
    cases.retain(|case| has("--all") || case.is_usual());
    let cases: Vec<NodeCase> = cases.into_iter().step_by(number("--every").unwrap_or(1)).collect();
    std::panic::set_hook(Box::new(|_| ()));

    let judged: Vec<(Line, Option<Case>)> = cases
        .par_iter()
        .map(|case| {
            let (fate, compiled) = judge(case);
            (Line { name: case.name.clone(), expanded: case.is_expanded(), fate, proved: None }, compiled)
        })
        .collect();
    let (mut lines, compiled): (Vec<Line>, Vec<Option<Case>>) = judged.into_iter().unzip();
    let right: Vec<usize> = (0..lines.len()).filter(|&n| compiled[n].is_some() && !lines[n].expanded).collect();
    let wanted = number("--prove").unwrap_or(0).min(right.len());
    let chosen: Vec<usize> = (0..wanted).map(|n| right[n * right.len() / wanted]).collect();
    let setup = setup();
    let proofs: BTreeMap<usize, _> =
        chosen.par_iter().map(|&n| (n, prove(compiled[n].as_ref().expect("it is right"), &setup))).collect();
    proofs.into_iter().for_each(|(n, proof)| lines[n].proved = Some(proof));

    let tables = [false, true].map(|expanded| Table::of(lines.iter().filter(|line| line.expanded == expanded)));
    let bad = tables.iter().any(|table| table.wrong + table.panics + table.unproved > 0);
    if after("--format").is_some_and(|format| format == "json") {
        let json = serde_json::json!({ "lines": lines, "cases": tables[0], "expanded": tables[1] });
        println!("{json}");
    } else {
        let shown = lines.iter().filter(|line| !has("--quiet") || !matches!(line.fate, Fate::Right(_)));
        shown.for_each(|line| println!("{line}"));
        print!("\n{}", page(&arguments, &tables));
    }
    if let Some(file) = after("--table") {
        std::fs::write(file, page(&arguments, &tables)).expect("a file that can be written");
    }
    if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn page(arguments: &[String], [cases, expanded]: &[Table; 2]) -> String {
    let arguments = arguments.join(" ");
    format!(
        "# ONNX's conformance cases\n\n\
         Made by `cargo run --release -p zktorch-tests --example conformance -- {arguments}`.\n\
         Each case whose tensors are float32, int32, int64 or bool is compiled to integers with its own input as the sample, executed and \
         compared:\nintegers and booleans are exact, floats within 1 % of the largest entry.\n\n\
         ## Cases\n\n{cases}\n## The same with functions written out\n\n{expanded}"
    )
}
