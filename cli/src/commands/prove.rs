//! `prove`: inference and a proof of it.

use super::{inside, tokenizer};
use crate::args::Prove;
use crate::outcome::Outcome;
use crate::progress::Talk;
use std::time::Instant;
use zktorch_engine::{
    Asked, Binding, CommitmentDestination, Failure, Files, Given, Model, Pending, ProveOptions, Watch, opening_of,
};

pub fn command(args: &Prove, talk: Talk) -> Result<Outcome, Failure> {
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Failure::usage(format!("cannot start {threads} threads: {e}")))?;
    }
    files(args).force(args.force).check()?;
    let pending = Pending::new(&args.output)?;
    let keep = args.keep.as_deref().map(CommitmentDestination::new).transpose()?;
    let start = Instant::now();
    let mut terminal = talk.terminal();
    terminal.begin("load");
    let model = Model::read(&args.dir)?;
    if keep.is_some() && !model.is_private() {
        return Err(Failure::file("keep commitments for", &args.dir, "no input or output of the model is private")
            .hint("a proof shows them all; compile with --input private or --output private to have some committed"));
    }
    let options = ProveOptions {
        input: args.input.as_deref().map(Given::from),
        asked: Asked { generate: args.generate, tokenizer: tokenizer(args.tokenizer.as_deref())?, seed: args.seed.clone() },
        bind: args.bind.iter().map(|path| Binding::read(path)).collect::<Result<_, _>>()?,
        check: !args.unchecked,
        test_seed: args.test_seed,
    };
    let load = start.elapsed().as_secs_f64();
    let mut proved = model.prove(&options, &mut terminal)?;
    if let Some((committed, place)) = proved.committed.as_ref().zip(keep) {
        committed.write(place)?;
    }
    pending.write(&proved.to_bytes()?)?;
    proved.phases.insert(0, ("load", load));
    proved.seconds = start.elapsed().as_secs_f64();
    drop(terminal);
    Ok(Outcome::done(proved.text(&args.output.display().to_string()), proved.json()))
}

/// What is read and written.
fn files(args: &Prove) -> Files {
    let mut files = inside(&args.dir, Files::default());
    if let Some(path) = &args.input {
        files = files.samples("--input", path);
    }
    files = args.tokenizer.iter().fold(files, |files, path| files.input("--tokenizer", path));
    for path in &args.bind {
        files = files.input("--bind", path).input("the opening of --bind", opening_of(path));
    }
    files = files.output("-o", &args.output);
    match &args.keep {
        Some(path) => CommitmentDestination::listed("--keep", path, files),
        None => files,
    }
}
