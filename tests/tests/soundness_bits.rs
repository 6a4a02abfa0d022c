//! At least 115 bits are left of every proof and every model proof, whatever the model, the columns and the setup.

use ndarray::{ArrayD, IxDyn};
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_blocks::digest::GeneratorsDigest;
use zktorch_blocks::program::{Program, Source, Table, Visibility};
use zktorch_compiler::import::{ImportOptions, load_bytes, load_path};
use zktorch_compiler::{Options, compile};
use zktorch_models::bundled;
use zktorch_models::zoo::Zoo;
use zktorch_tests::fixture::ports;
use zktorch_tests::toy::ProgramBuilder;
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::model::{self, Level};
use zktorch_verifier::size::ProofSize;
use zktorch_verifier::soundness;

/// Setups that may be trusted, and columns that keys have on them, in binary logarithm.
fn setups() -> Vec<(VerifierSetup, Vec<u32>)> {
    vec![
        (VerifierSetup::Ethereum, vec![8, 12]),
        (VerifierSetup::Transparent { columns: 1 << 15, generators: GeneratorsDigest::default() }, vec![10, 15]),
        (VerifierSetup::Imported { columns: 1 << 16, tau: Vec::new() }, vec![8, 16]),
    ]
}

/// Requires the bits of a program's proofs and of its model proof together.
fn has_bits(name: &str, program: &Program) {
    for (setup, columns) in setups() {
        for column_bits in columns {
            let relation = Relation::blank(program, column_bits).expect("few rows");
            let size = ProofSize::of(&relation, setup.decider()).expect("little work");
            let [inputs, outputs] = ports(program);
            let (program, setup) = (program.clone(), setup.clone());
            let key = VerifyingKey { program, setup, column_bits, model_rows: Vec::new(), inputs, outputs };
            let model = model::shares(&key, Level::Widths).expect("little work");
            let own = soundness::shares(&relation, &size);
            assert!(!model.is_empty() && model.len().is_multiple_of(own.len()), "a share of each phase of each part");
            let all = [own, model].concat();
            let (statistical, bits) = (soundness::statistical_bits(&all), soundness::bits(&all, &key.setup));
            assert!(statistical >= 180.0 && bits >= 115.0, "{name}, 2^{column_bits} columns: {statistical}, {bits}");
        }
    }
}

#[test]
fn shipped_models_keep_115_bits() {
    for shipped in bundled::ALL {
        let graph = load_bytes(shipped.onnx, &ImportOptions::default()).expect("it imports");
        let compiled = compile(&graph, &[], &Options::default()).expect("it compiles");
        has_bits(shipped.name, &compiled.program);
    }
}

#[test]
fn models_of_the_zoo_keep_115_bits() {
    let Some(zoo) = Zoo::locate_or_skip("models_of_the_zoo_keep_115_bits") else { return };
    for name in ["mnist_cnn_ms", "resnet20_cifar10"] {
        let model = zoo.model(name).expect("it is there");
        let graph = load_path(&model.onnx, &ImportOptions::default()).expect("it imports");
        let input = model.read_inputs().expect("a sample")[0].values.to_f64();
        let shape = graph.shape(graph.inputs()[0]).to_vec();
        let samples = vec![vec![ArrayD::from_shape_vec(IxDyn(&shape), input).expect("an input")]];
        has_bits(name, &compile(&graph, &samples, &Options::default()).expect("it compiles").program);
    }
}

/// A hundred million weights in a hundred layers, of which each looks up 2^24 values.
#[test]
fn models_larger_than_any_that_is_proved_keep_115_bits() {
    let mut b = ProgramBuilder::default();
    let range = b.table(Table::range("range", 0, 1 << 16));
    let x = b.tensor("x", &[1 << 24], Source::Fill(0), 8);
    for _ in 0..100 {
        b.tensor("w", &[1000, 1000], Source::Weight, 20);
        b.lookup(&[x], range);
    }
    let y = b.tensor("y", &[], Source::Input(0), 3);
    b.program.tensors[y].visibility = Visibility::Public;
    (b.program.inputs, b.program.outputs) = (vec![y], vec![y]);
    has_bits("larger than any", &b.program);
}
