//! `commit`: private inputs, before there is a proof.

use crate::args::Commit;
use crate::binding::{PendingBinding, private};
use crate::failure::Failure;
use crate::folder::{self, ProgramFile};
use crate::outcome::Outcome;
use crate::pipeline::read_input;
use crate::place;
use serde_json::{Value, json};
use zktorch_prover::Randomness;
use zktorch_prover::binding::{Opened, Opening, commit, draw};
use zktorch_verdict::{describe, show};
use zktorch_verifier::commitment::{Commitment, Committed};

pub fn command(args: &Commit) -> Result<Outcome, Failure> {
    let files = place::Files::default().samples("--input", &args.input);
    let files = folder::ALL.iter().fold(files, |files, name| files.input("DIR", args.dir.join(name)));
    PendingBinding::listed("-o", &args.output, files).force(args.force).check()?;
    let pending = PendingBinding::new(&args.output)?;
    let file = ProgramFile::read(&args.dir)?;
    let (proving, verifying) = (file.proving_key(&args.dir)?, file.verifying_key(&args.dir)?);
    let inputs = read_input(&args.input, &file.inputs)?;
    let failed = |e: &dyn std::fmt::Display| Failure::undecided(e.to_string());
    let mut randomness = Randomness::from_os().map_err(|e| failed(&e))?;
    let mut commitment = Commitment { setup: verifying.setup.clone(), tensors: Vec::new() };
    let mut opening = Opening { tensors: Vec::new() };
    for (n, id, port) in private(&file, &file.program.inputs, &file.inputs) {
        let blinders = draw(&verifying, id, &mut randomness).map_err(|e| failed(&e))?;
        let rows = commit(&proving, &verifying, id, &inputs[n], &blinders).map_err(|e| failed(&e))?;
        let (name, shape, columns) = (port.name.clone(), port.shape.clone(), port.columns.clone());
        commitment.tensors.push(Committed { name, shape, scale: port.scale, columns, rows });
        opening.tensors.push(Opened::new(inputs[n].clone(), &blinders));
    }
    if commitment.tensors.is_empty() {
        return Err(
            Failure::file("commit to inputs of", &args.dir, "all of them are public").hint("compile with --input private")
        );
    }
    pending.write(&commitment, &opening)?;
    let line = |c: &Committed| ("committed", format!("{} [{}]: {}", c.name, show::shape(&c.shape), show::hex(&c.digest())));
    let lines: Vec<(&str, String)> = commitment.tensors.iter().map(line).collect();
    let tensors: Vec<Value> = commitment.tensors.iter().map(describe::committed).collect();
    Ok(Outcome::done(show::lines(&lines), json!({ "tensors": tensors })))
}
