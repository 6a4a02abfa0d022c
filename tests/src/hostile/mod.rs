//! Hostile files: for each kind of file a call that does with arbitrary bytes what the program does with a file's. The fuzz targets
//! and the replay of their corpus call these and nothing else.
//!
//! A call must not panic, hang, or allocate without bound. Files of ours end in a digest of themselves, which would stop every
//! mutation; their calls take the payload and seal it. A call asserts what must hold of what it accepts.

mod mutate;
mod seeds;

pub use mutate::{Stream, mutated};
pub use seeds::seeds;

use crate::fixture::Fixture;
use crate::tamper::{ALL, Mutation};
use crate::toy::{ProgramBuilder, Toy};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use zktorch_accumulator::setup::{Generators, Setup};
use zktorch_blocks::execute::{Weights, execute};
use zktorch_blocks::program::{Advice, Einsum, Limits, Program, Source, TensorId, Visibility};
use zktorch_compiler::audit::audit;
use zktorch_compiler::graph::Graph;
use zktorch_compiler::import::{ImportOptions, load_bytes, strip};
use zktorch_compiler::inputs::{Format, InputSpec, parse};
use zktorch_compiler::{Options, compile};
use zktorch_engine::ProgramFile;
use zktorch_models::bundled::DIGITS_MLP;
use zktorch_prover::binding::Opening;
use zktorch_prover::{Proved, Prover, ProvingKey, Randomness};
use zktorch_verifier::codec::{Kind, decode, seal};
use zktorch_verifier::commitment::Commitment;
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::model::{ModelProof, verify_model};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::size::ProofSize;
use zktorch_verifier::{Verdict, soundness, verify};

/// A call, by the name of its fuzz target.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("proof", proof),
    ("verifying_key", verifying_key),
    ("prover_files", prover_files),
    ("setup", setup),
    ("inputs", inputs),
    ("onnx", onnx),
];

/// Entries of all tensors of a program that is small enough to be run.
const SMALL: usize = 1 << 16;

/// An honest model and a proof.
pub struct Honest {
    /// The keys.
    pub fixture: Fixture,
    /// A proof with its messages.
    pub proved: Proved,
}

/// A network with all four blocks, as small as they come.
pub fn toy() -> Toy {
    Toy { input: [1, 3, 3], channels: 1, kernel: [2, 2], pad: 0, outputs: 2, ..Toy::default() }
}

/// The model that proofs are checked against.
pub static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let (fixture, input) = Fixture::toy(&toy(), 8);
    let proved = fixture.honest(std::slice::from_ref(&input));
    Honest { fixture, proved }
});

/// A product and its rounding, with an input, on few columns: a proving key holds tables of the generators, so this one is small. It
/// has one small table, for most of a proof's time goes into the tree: a call with a good key is a proof.
static PROVER: LazyLock<(Fixture, Vec<i64>)> = LazyLock::new(|| {
    let mut b = ProgramBuilder::default();
    let x = b.tensor("x", &[2], Source::Input(0), 2);
    let w = b.tensor("w", &[3, 2], Source::Weight, 2);
    let labels = [b"oi".to_vec(), b"i".to_vec(), b"o".to_vec()];
    let [lhs_labels, rhs_labels, out_labels] = labels;
    let product =
        b.tensor("product", &[3], Source::Einsum(Einsum { lhs: w, rhs: x, lhs_labels, rhs_labels, out_labels }), 6);
    let rounded = b.round("rounded", product, 3, 2);
    let copy = b.tensor("y", &[3], Source::Advice(Advice::Copy { source: rounded }), 2);
    b.program.tensors[copy].visibility = Visibility::Public;
    let terms = vec![(1, rounded), (-1, copy)];
    let difference = b.tensor("difference", &[3], Source::Linear { terms, constant: 0 }, 3);
    b.program.zeros = vec![difference];
    (b.program.inputs, b.program.outputs) = (vec![x], vec![copy]);
    let weights = Weights::from([(w, [1, -2, 3, -4, 0, 2].into())]);
    (Fixture::new(b.program, weights, &Setup::insecure(4).expect("in range"), 4), vec![3, -1])
});

/// A model and its lowering, for audits.
static COMPILED: LazyLock<(Graph, Program)> = LazyLock::new(|| {
    let graph = load_bytes(DIGITS_MLP.onnx, &ImportOptions::default()).expect("it imports");
    let program = compile(&graph, &[], &Options::default()).expect("it compiles").program;
    (graph, program)
});

/// Generators of a small transparent setup, for keys that name it.
static TRANSPARENT: LazyLock<Generators> = LazyLock::new(|| Setup::transparent(16).expect("in range").generators);

/// A proof, verified with a fixed key. After a first byte 0 the payload of its file; after any other, edits of the honest proof's
/// messages.
///
/// # Panics
/// If anything but the honest proof is accepted.
pub fn proof(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0, payload)) => {
            if let Ok(proof) = Proof::from_bytes(&seal(Kind::Proof, payload)) {
                verdict(&proof);
            }
            if let Ok(mut proof) = ModelProof::from_bytes(&seal(Kind::ModelProof, payload)) {
                let Fixture { proving, verifying, .. } = &HONEST.fixture;
                proof.model = verifying.model_digest();
                let verdict = verify_model(verifying, &proof, Some(&proving.generators)).expect("a good key");
                // The padding of dense weights needs no proof.
                assert!(
                    proof.parts.is_empty() || verdict != Verdict::Accepted,
                    "a model proof that nobody made is accepted"
                );
            }
            drop(Commitment::from_bytes(&seal(Kind::Commitment, payload)));
            drop(Opening::from_bytes(&seal(Kind::Opening, payload)));
        }
        Some((_, edits)) => verdict(&edited(edits)),
        None => {}
    }
}

/// Verifies a proof, of which nothing but the prover's word on its randomness may differ from the honest one's if it is accepted.
fn verdict(proof: &Proof) {
    let honest = &HONEST.proved.proof;
    if HONEST.fixture.verdict(proof) == Verdict::Accepted {
        assert_eq!(&Proof { seeded: honest.seeded, ..proof.clone() }, honest, "a proof that nobody made is accepted");
    }
}

/// The honest proof with edits of three bytes each: what is done, and to which message.
fn edited(edits: &[u8]) -> Proof {
    let Proved { proof, messages: log, .. } = &HONEST.proved;
    let (edits, _) = edits.as_chunks::<3>();
    let mut bytes = proof.bytes.clone();
    let mut done = BTreeSet::new();
    for [what, high, low] in edits {
        let mutation = ALL[usize::from(*what) % ALL.len()];
        let index = usize::from(u16::from_be_bytes([*high, *low])) % log.len();
        // A mutation reads honest messages at their places: one a message, and the end of it once one of these moves others.
        if !mutation.applies(log[index].kind) || !done.insert(index) {
            continue;
        }
        bytes = mutation.apply(&bytes, log, index).unwrap_or(bytes);
        if matches!(mutation, Mutation::Swap) || bytes.len() != proof.bytes.len() {
            break;
        }
    }
    Proof { bytes, ..proof.clone() }
}

/// The payload of a verifying key's file: decoded, checked, described, and used on proofs that fit it as far as they can.
pub fn verifying_key(payload: &[u8]) {
    let Ok(key) = VerifyingKey::from_bytes(&seal(Kind::VerifyingKey, payload)) else { return };
    let generators = &*TRANSPARENT;
    let Ok(relation) = Relation::new(&key) else { return };
    let _refused = audit(&COMPILED.0, &key.program);
    let size = ProofSize::of(&relation, key.setup.decider());
    if let Ok(size) = &size {
        assert!(soundness::bits(&soundness::shares(&relation, size), &key.setup) <= 128.0);
    }
    let honest = &HONEST.proved.proof;
    let scales = key.program.outputs.iter().map(|&id| key.program.tensors[id].scale).collect();
    let mut proof = Proof { key: relation.digest, scales, ..honest.clone() };
    let _refused = verify(&key, &proof, Some(generators));
    // The shortest message that decodes is the identity; it gets a proof as far as the first scalar.
    let mut identity = [0u8; 48];
    identity[0] = 0xc0;
    proof.bytes = identity.repeat(1 << 10);
    let public: Vec<_> = key.program.statement().map(|id| &key.program.tensors[id]).collect();
    if public.iter().map(|t| t.shape.len()).sum::<usize>() <= SMALL {
        proof.statement = public.iter().map(|t| vec![0.clamp(t.interval.lo, t.interval.hi); t.shape.len()]).collect();
        let _refused = verify(&key, &proof, Some(generators));
    }
}

/// The payloads of the files that a prover reads, told apart by the first byte: a program, which is checked and run, or a proving
/// key, which is used with the honest verifying key.
pub fn prover_files(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0, payload)) => {
            if let Ok(file) = decode::<ProgramFile>(Kind::Program, &seal(Kind::Program, payload)) {
                run(&file.program);
            }
        }
        Some((_, payload)) => {
            if let Ok(key) = ProvingKey::from_bytes(&seal(Kind::ProvingKey, payload)) {
                let (fixture, input) = &*PROVER;
                let randomness = Randomness::insecure_seed(7);
                let _refused = Prover::new(&key, &fixture.verifying, randomness).prove(std::slice::from_ref(input));
            }
        }
        None => {}
    }
}

/// Runs a program on zeros, if it is well formed and small.
fn run(program: &Program) {
    if program.validate(&Limits::default()).is_err() {
        return;
    }
    let volume = program.tensors.iter().fold(0usize, |sum, t| sum.saturating_add(t.shape.len()));
    if volume <= SMALL {
        let zeros = |id: TensorId| vec![0i64; program.tensors[id].shape.len()];
        let weights: Weights = program.tensors.ids().map(|id| (id, zeros(id).into())).collect();
        let inputs: Vec<Vec<i64>> = program.inputs.iter().map(|&id| zeros(id)).collect();
        let _refused = execute(program, &weights, &inputs);
    }
}

/// A file of powers of tau.
pub fn setup(file: &[u8]) {
    let _refused = Setup::import(file, 4);
}

/// A file with inputs, its format by the first byte, for models of one and of two inputs.
pub fn inputs(bytes: &[u8]) {
    let Some((format, file)) = bytes.split_first() else { return };
    let format = Format::ALL[usize::from(*format) % Format::ALL.len()];
    let spec = |name: &str, shape: &[usize]| InputSpec { name: name.into(), shape: shape.to_vec() };
    for inputs in [vec![spec("x", &[1, 2, 3])], vec![spec("a", &[2]), spec("b", &[1, 4])]] {
        for sample in parse(format, file, &inputs).into_iter().flatten() {
            for (array, input) in sample.iter().zip(&inputs) {
                assert_eq!(array.shape(), input.shape);
                assert!(array.iter().all(|v| v.is_finite()));
            }
        }
    }
}

/// An ONNX file: imported, stripped of its weights, and audited.
pub fn onnx(file: &[u8]) {
    if let Ok(graph) = load_bytes(file, &ImportOptions::default()) {
        graph.validate().expect("what the importer hands out is a graph");
    }
    let _refused = strip(file, None);
    if let Ok(graph) = load_bytes(file, &ImportOptions { withheld: Some(SMALL), ..ImportOptions::default() }) {
        graph.validate().expect("what the importer hands out is a graph");
        let _refused = audit(&graph, &COMPILED.1);
    }
}
