//! The harness.

use anyhow::{Context, Result, bail};
use clap::Parser;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use zktorch_benches::args::{Args, Peer};
use zktorch_benches::chart::svg;
use zktorch_benches::hiding;
use zktorch_benches::machine::Machine;
use zktorch_benches::measure::{Launcher, Limits, WATCH, watch};
use zktorch_benches::model::Sources;
use zktorch_benches::pair;
use zktorch_benches::record::{Results, Row};
use zktorch_benches::subject::{Ezkl, Plan, Subject, Zktorch};
use zktorch_benches::table::{markdown, seconds};

fn main() -> ExitCode {
    let result = match env::args_os().nth(1) {
        Some(first) if first == WATCH => watch(env::args_os().skip(2)).map(|()| true),
        Some(first) if first == hiding::COMMAND => compare(&behind_first()).map(|()| true),
        Some(first) if first == pair::COMMAND => pairs(&behind_first()).map(|()| true),
        _ => harness(&Args::parse()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The arguments behind the word that says what to do.
fn behind_first() -> Args {
    Args::parse_from(env::args_os().take(1).chain(env::args_os().skip(2)))
}

/// Measures another build and this one in turn.
fn pairs(args: &Args) -> Result<()> {
    let against = args.against.as_deref().context("name the binary of before: --against FILE")?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let out = args.out.canonicalize()?;
    let work = out.join("work");
    let plan = Plan { launcher: launcher(args, &work)?, threads: args.threads.clone(), repeat: args.repeat };
    let build = |binary| Zktorch { binary, compile_args: args.compile_arg.clone() }.without_unknown();
    let builds = [build(binary(Some(against))?), build(binary(args.zktorch.as_deref())?)];
    let all = pair::run(args, &plan, &builds, &work)?;
    let text = format!("{}\n\nMedians of {}.\n\n{}", Machine::here(command_line()), args.repeat, pair::markdown(&all));
    fs::write(out.join("pair.md"), &text)?;
    println!("{text}");
    Ok(())
}

/// Measures what hiding costs.
fn compare(args: &Args) -> Result<()> {
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let out = args.out.canonicalize()?;
    let work = out.join("work");
    let all = hiding::run(args, &launcher(args, &work)?, &binary(args.zktorch.as_deref())?, &work)?;
    let text = format!("{}\n\nMedians of {}.\n\n{}", Machine::here(command_line()), args.repeat, hiding::markdown(&all));
    fs::write(out.join("hiding.md"), &text)?;
    println!("{text}");
    Ok(())
}

/// Starts commands under the limits of the command line.
fn launcher(args: &Args, work: &Path) -> Result<Launcher> {
    let limits = Limits { seconds: args.timeout, bytes: (args.memory_limit * f64::from(1 << 30)) as u64 };
    Ok(Launcher { watcher: env::current_exe()?, limits, folder: work.join("output") })
}

/// Measures everything; whether all models went through all provers of ours.
fn harness(args: &Args) -> Result<bool> {
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let out = args.out.canonicalize()?;
    let work = out.join("work");
    let sources = Sources::new(args, &work.join("models"));
    let subjects = subjects(args)?;
    let plan = Plan { launcher: launcher(args, &work)?, threads: args.threads.clone(), repeat: args.repeat };
    let mut results = Results { machine: Machine::here(command_line()), rows: Vec::new() };
    for name in sources.expand(&args.models)? {
        for subject in &subjects {
            let row = measure(&name, subject.as_ref(), &sources, &work, &plan);
            report(&row);
            results.rows.push(row);
            write(&out, &results)?;
        }
    }
    println!("{}", markdown(&results));
    Ok(results.rows.iter().all(|row| row.failure.is_none() || !row.system.starts_with("zktorch")))
}

/// One row; every failure ends in it.
fn measure(name: &str, subject: &dyn Subject, sources: &Sources, work: &Path, plan: &Plan) -> Row {
    let mut row = Row { model: name.into(), system: subject.name(), ..Row::default() };
    let mut attempt = || -> Result<()> {
        let model = sources.find(name)?;
        row.model.clone_from(&model.name);
        (row.parameters, row.macs) = (model.parameters, model.macs);
        eprintln!("{}: {} ..", model.name, row.system);
        let folder = work.join(subject.name().replace(|c: char| !c.is_ascii_alphanumeric(), "-")).join(&model.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        subject.measure(&model, &folder, plan, &mut row)
    };
    row.failure = attempt().err().map(|error| format!("{error:#}"));
    row
}

fn report(row: &Row) {
    let proofs: Vec<String> = row.proofs.iter().map(|p| format!("{} on {}", seconds(p.usage.seconds), p.threads)).collect();
    match &row.failure {
        None => eprintln!("{}: {}: proved in {}", row.model, row.system, proofs.join(", ")),
        Some(why) => eprintln!("{}: {}: {why}", row.model, row.system),
    }
}

fn write(out: &Path, results: &Results) -> Result<()> {
    let mut json = serde_json::to_string_pretty(results)?;
    json.push('\n');
    for (name, text) in [("results.md", markdown(results)), ("results.json", json), ("results.svg", svg(results)?)] {
        fs::write(out.join(name), text).with_context(|| format!("cannot write {}", out.join(name).display()))?;
    }
    Ok(())
}

/// The command as the user typed it, as far as a process can know.
fn command_line() -> Vec<String> {
    let words = env::args().skip(1);
    let cargo = ["cargo", "run", "--release", "-p", "zktorch-benches", "--"].map(String::from);
    match env::var_os("CARGO") {
        Some(_) => cargo.into_iter().chain(words).collect(),
        None => env::args().collect(),
    }
}

fn subjects(args: &Args) -> Result<Vec<Box<dyn Subject>>> {
    let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
    if !args.peers_only {
        subjects
            .push(Box::new(Zktorch { binary: binary(args.zktorch.as_deref())?, compile_args: args.compile_arg.clone() }));
    }
    for peer in &args.peers {
        let cache = args.cache.clone().or_else(cache).context("no cache folder: set --cache")?;
        subjects.push(match peer {
            Peer::Ezkl => {
                eprintln!("installing ezkl below {} (once)", cache.display());
                Box::new(Ezkl::install(&cache)?)
            }
        });
    }
    Ok(subjects)
}

/// The user's cache folder.
fn cache() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    Some(set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?.join("zktorch-benches"))
}

/// The `zktorch` beside this program, brought up to date where cargo runs us.
fn binary(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return path.canonicalize().with_context(|| format!("cannot use {}", path.display()));
    }
    let own = env::current_exe()?;
    if let Some(cargo) = env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "-p", "zktorch", "--bin", "zktorch"]);
        let folder = own.parent().and_then(Path::file_name);
        if folder == Some(OsStr::new("release")) {
            build.arg("--release");
        }
        if !build.status().context("cannot start cargo")?.success() {
            bail!("zktorch does not build");
        }
    }
    let path = own.with_file_name(format!("zktorch{}", env::consts::EXE_SUFFIX));
    if !path.is_file() {
        bail!("no {}: build it with `cargo build --release -p zktorch`, or name it with --zktorch", path.display());
    }
    Ok(path)
}
