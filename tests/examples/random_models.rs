//! Judges random models: `cargo run --release -p zktorch-tests --example random_models -- --seeds 0..1000`.
//!
//! `--chains` takes chains of functions of one entry alone and `--sequences` models with recurrent layers, `--show SEED` prints a model and its outcome, and `--write FOLDER` writes the
//! files of the seeds, with inputs and tract's outputs, for a comparison with other runtimes. Each batch of models runs in a process
//! of its own, which is ended when one takes too long.

use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use zktorch_tests::random_models::{Outcome, RandomModel, Table, chain, judge, model, sequence, write};

/// Seconds for one model.
const PATIENCE: u64 = 60;

/// A model of a seed.
type Make = fn(u64) -> RandomModel;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|at| arguments.get(at + 1));
    let kinds: [(&str, Make); 2] = [("--chains", chain), ("--sequences", sequence)];
    let kind = kinds.into_iter().find(|(flag, _)| arguments.iter().any(|a| a == flag));
    let make = kind.map_or(model as Make, |(_, make)| make);
    let seeds = after("--seeds").map_or(0..1000, |text| range(text));
    if let Some(seed) = after("--show") {
        return show(&make(seed.parse().expect("a seed")));
    }
    if let Some(folder) = after("--write") {
        return seeds.for_each(|seed| write(&make(seed), Path::new(folder)).expect("a folder that can be written to"));
    }
    if arguments.iter().any(|a| a == "--child") {
        return seeds.for_each(|seed| println!("{seed}\t{}", serde_json::to_string(&judge(&make(seed))).expect("JSON")));
    }
    print!("{}", all(seeds, kind.map(|(flag, _)| flag)));
}

fn range(text: &str) -> Range<u64> {
    let (from, to) = text.split_once("..").expect("FROM..TO");
    from.parse().expect("a number")..to.parse().expect("a number")
}

fn show(model: &RandomModel) {
    model.feeds.iter().for_each(|feed| println!("{feed:?}"));
    model.listing.iter().for_each(|line| println!("{line}"));
    println!("{:?}", judge(model));
}

/// Two processes at a time, each over every second seed.
fn all(seeds: Range<u64>, flag: Option<&'static str>) -> Table {
    let middle = seeds.start + (seeds.end - seeds.start) / 2;
    let halves = [seeds.start..middle, middle..seeds.end];
    let workers = halves.map(|half| std::thread::spawn(move || batch(half, flag)));
    let mut table = Table::default();
    for (seed, outcome) in workers.into_iter().flat_map(|worker| worker.join().expect("a worker")) {
        match outcome {
            Ok(outcome) => table.add(seed, &outcome),
            Err(how) => table.lost(seed, how),
        }
    }
    table
}

type Found = (u64, Result<Outcome, &'static str>);

fn batch(mut seeds: Range<u64>, flag: Option<&'static str>) -> Vec<Found> {
    let mut found = Vec::new();
    while !seeds.is_empty() {
        let (mut child, lines) = start(&seeds, flag);
        while !seeds.is_empty() {
            let line = lines.recv_timeout(Duration::from_secs(PATIENCE));
            let outcome = match &line {
                Ok(line) => parse(line).map(Ok),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Some(Err("HANG")),
                Err(_) => Some(Err("ABORT")),
            };
            let Some(outcome) = outcome else { continue };
            if !matches!(&outcome, Ok(Outcome::Right)) {
                eprintln!("{}: {outcome:?}", seeds.start);
            }
            let lost = outcome.is_err();
            found.push((seeds.start, outcome));
            seeds.start += 1;
            if lost {
                break;
            }
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    found
}

fn parse(line: &str) -> Option<Outcome> {
    serde_json::from_str(line.split_once('\t')?.1).ok()
}

fn start(seeds: &Range<u64>, flag: Option<&'static str>) -> (Child, Receiver<String>) {
    let program = std::env::current_exe().expect("a path");
    let mut command = Command::new(program);
    command.args(["--child", "--seeds", &format!("{}..{}", seeds.start, seeds.end)]);
    command.args(flag);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a process");
    let (sender, lines) = channel();
    let output = child.stdout.take().expect("piped");
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    (child, lines)
}
