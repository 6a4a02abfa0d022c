//! Every model of the zoo: whether it compiles, proves and verifies, and how far it is from onnxruntime:
//! `cargo run --release -p zktorch-tests --example zoo`.
//!
//! Each model is compiled with the sample that comes with it. `--filter TEXT` takes models with this in their names, `--large` those of more
//! than 30 MB too, `--no-proofs` only compiles and executes, `--format json` prints JSON, and `--table FILE` writes the page.

use std::time::Instant;

use serde::Serialize;
use zktorch_models::node_cases::Tensors;
use zktorch_models::zoo::{Zoo, ZooModel};
use zktorch_tests::conformance::{Case, Proved, prove};

/// Bytes of a file, beyond which a model is large.
const LARGE: u64 = 30_000_000;
/// An output may be so far off.
const ENOUGH: f64 = 0.05;

/// What became of a model.
#[derive(Serialize)]
struct Line {
    name: String,
    parameters: u64,
    /// The error of reals, and how many integers and booleans are others; or why it is refused.
    compiled: Result<(f64, usize), String>,
    compile_seconds: f64,
    proved: Option<Result<Proved, String>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|at| arguments.get(at + 1));
    let filter = after("--filter").cloned().unwrap_or_default();
    let zoo = Zoo::locate().expect("a zoo: set ZKTORCH_ZOO");
    let mut lines = Vec::new();
    for model in zoo.models().expect("a zoo").iter().filter(|model| model.name.contains(&filter)) {
        let bytes = std::fs::metadata(&model.onnx).expect("a file").len();
        if bytes > LARGE && !has("--large") {
            eprintln!("{}: left out, it is large (--large)", model.name);
            continue;
        }
        let line = one(model, !has("--no-proofs"));
        eprintln!("{}", row(&line));
        lines.push(line);
    }
    if after("--format").is_some_and(|format| format == "json") {
        println!("{}", serde_json::to_string(&lines).expect("JSON"));
    } else {
        print!("{}", page(&lines));
    }
    if let Some(file) = after("--table") {
        std::fs::write(file, page(&lines)).expect("a file that can be written");
    }
}

fn one(model: &ZooModel, proofs: bool) -> Line {
    let start = Instant::now();
    let case = tensors(model).and_then(|tensors| {
        let bytes = std::fs::read(&model.onnx).map_err(|e| e.to_string())?;
        Case::compile(&bytes, &tensors, ENOUGH)
    });
    let compile_seconds = start.elapsed().as_secs_f64();
    let compiled = case.as_ref().map_err(Clone::clone).and_then(Case::off);
    let proved = case.ok().filter(|_| proofs).map(|case| prove(&case, &case.setup()));
    Line { name: model.name.clone(), parameters: model.meta.params_float, compiled, compile_seconds, proved }
}

fn tensors(model: &ZooModel) -> Result<Tensors, String> {
    let inputs = model.read_inputs().map_err(|e| e.to_string())?;
    Ok(Tensors { inputs, outputs: model.read_outputs().map_err(|e| e.to_string())? })
}

fn row(line: &Line) -> String {
    let Line { name, parameters, compiled, compile_seconds, proved } = line;
    let found = match compiled {
        Ok((error, 0)) => format!("{:.2} %", 100.0 * error),
        Ok((error, others)) => format!("{:.2} %, {others} integers differ", 100.0 * error),
        Err(reason) => format!("refused: {}", reason.replace('|', "\\|").chars().take(300).collect::<String>()),
    };
    let proof = match proved {
        None => " | ".to_owned(),
        Some(Ok(Proved { bytes, seconds })) => format!("{seconds:.1} s | {bytes}"),
        Some(Err(reason)) => format!("not proved: {reason} | "),
    };
    format!("| {name} | {parameters} | {found} | {compile_seconds:.1} s | {proof} |")
}

fn page(lines: &[Line]) -> String {
    let rows: String = lines.iter().map(|line| row(line) + "\n").collect();
    format!(
        "# The zoo\n\n\
         Made by `cargo run --release -p zktorch-tests --example zoo -- --large --table benches/results/zoo.md`.\n\
         Each model is compiled with the one sample that comes with it, proved and verified; the error is that of the worst entry against \
         onnxruntime,\nrelative to the largest entry of its output. The setup is an insecure one, which costs what others cost.\n\n\
         | model | parameters | error | compiled in | proved in | bytes |\n|---|---|---|---|---|---|\n{rows}"
    )
}
