//! Keys of a toy program, and what the tests do with them.

use crate::toy::Toy;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::program::{Element, Program, TensorId};
use zktorch_prover::{Proved, Prover, ProvingKey, Randomness, keygen, keygen_alike};
use zktorch_verifier::key::{KeyPort, VerifyingKey};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify, verify_drawn};

/// Names for a program's inputs and outputs.
pub fn ports(program: &Program) -> [Vec<KeyPort>; 2] {
    [("in", &program.inputs), ("out", &program.outputs)].map(|(what, ids)| {
        let shape = |id: TensorId| program.tensors[id].shape.dims().to_vec();
        let port =
            |(i, &id): (usize, &TensorId)| KeyPort { name: format!("{what}{i}"), shape: shape(id), element: Element::Real };
        ids.iter().enumerate().map(port).collect()
    })
}

/// A program's keys.
pub struct Fixture {
    /// The prover's.
    pub proving: ProvingKey,
    /// The verifier's.
    pub verifying: VerifyingKey,
    /// The verifier's seed, where the program draws.
    pub seed: Option<&'static [u8]>,
}

impl Fixture {
    /// Keys on a setup, with blinders from a fixed seed.
    pub fn new(program: Program, weights: Weights, setup: &Setup, column_bits: u32) -> Self {
        let ports = ports(&program);
        let keys = keygen(program, weights, setup, column_bits, ports, &mut Randomness::insecure_seed(1));
        let (proving, verifying) = keys.expect("a good program");
        Self { proving, verifying, seed: None }
    }

    /// Keys of one more program of the model of these.
    ///
    /// # Panics
    /// If its weights are of other shapes or widths.
    pub fn alike(&self, program: Program) -> Self {
        let ports = ports(&program);
        let keys = keygen_alike(program, ports, (&self.proving, &self.verifying));
        let (proving, verifying) = keys.expect("a program of the model");
        Self { proving, verifying, seed: None }
    }

    /// Keys and an input of a toy network, on the insecure setup.
    pub fn toy(toy: &Toy, column_bits: u32) -> (Self, Vec<i64>) {
        let (weights, input) = toy.sample(3);
        let setup = Setup::insecure(column_bits).expect("in range");
        (Self::new(toy.program(), weights, &setup, column_bits), input)
    }

    /// A prover under a test seed.
    pub fn prover(&self, seed: u64) -> Prover<'_> {
        Prover::new(&self.proving, &self.verifying, Randomness::insecure_seed(seed))
    }

    /// An honest proof under a test seed.
    pub fn honest(&self, inputs: &[Vec<i64>]) -> Proved {
        self.prover(7).prove(inputs).expect("an honest run proves")
    }

    /// What the verifier says.
    pub fn verdict(&self, proof: &Proof) -> Verdict {
        let (key, generators) = (&self.verifying, Some(&self.proving.generators));
        let verdict = match self.seed {
            None => verify(key, proof, generators),
            Some(seed) => verify_drawn(key, proof, generators, seed),
        };
        verdict.expect("the key is usable")
    }
}
