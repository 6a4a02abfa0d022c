//! Commitments to private inputs, before there is a proof.

use crate::binding::{Committed, private};
use crate::failure::{Failure, Kind};
use crate::given::Given;
use crate::input::integers;
use crate::model::Model;
use crate::watch::{Phases, Watch, guarded};
use zktorch_prover::Entropy;
use zktorch_prover::binding::{Opened, Opening, commit, draw};
use zktorch_verifier::commitment::{Commitment, Committed as Tensor};

impl Model {
    /// Commits to the private ones among the inputs.
    ///
    /// # Errors
    /// If none is private, or an input does not fit.
    pub fn commit(&self, given: &Given, test_seed: Option<u64>, watch: &mut dyn Watch) -> Result<Committed, Failure> {
        guarded(|| {
            let mut phases = Phases::new(watch);
            phases.begin("committing");
            let Self { file, proving, verifying, .. } = self;
            let inputs = integers(given, &file.inputs, &mut phases)?;
            let mut randomness = entropy(test_seed).randomness().map_err(Failure::internal)?;
            let mut commitment = Commitment { setup: verifying.setup.clone(), tensors: Vec::new() };
            let mut opening = Opening { tensors: Vec::new() };
            for (n, id, port) in private(file, &file.program.inputs, &file.inputs) {
                let blinders = draw(verifying, id, &mut randomness).map_err(Failure::internal)?;
                let rows = commit(proving, verifying, id, &inputs[n], &blinders).map_err(Failure::internal)?;
                let (name, shape, columns) = (port.name.clone(), port.shape.clone(), port.columns.clone());
                commitment.tensors.push(Tensor { name, shape, scale: port.scale, columns, rows });
                opening.tensors.push(Opened::new(inputs[n].clone(), &blinders));
            }
            if commitment.tensors.is_empty() {
                return Err(Failure::new(Kind::Usage, "cannot commit to inputs of the model: all of them are public")
                    .hint("compile with --input private"));
            }
            Ok(Committed { commitment, opening })
        })
    }
}

/// Where blinders come from.
pub(crate) fn entropy(test_seed: Option<u64>) -> Entropy {
    test_seed.map_or(Entropy::System, Entropy::TestSeed)
}
