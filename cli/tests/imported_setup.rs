//! `--setup FILE`: the Ethereum ceremony's points as a powers-of-tau file, whole and spoilt.

mod common;

use common::{Ran, Scratch, names, zktorch};
use std::path::Path;
use zktorch_accumulator::setup::constants::{ethereum_tau, ethereum_tau_squared};
use zktorch_accumulator::setup::import::to_container;
use zktorch_accumulator::setup::{Setup, second_group_powers};
use zktorch_blocks::field::from_i64;
use zktorch_models::bundled;

/// Bytes of the container's head and of a point in `G1`.
const HEAD: usize = 32;
const POINT: usize = 96;

/// The first powers of the ceremony, in our container.
fn ceremony(powers: usize) -> Vec<u8> {
    let g1 = Setup::ethereum().unwrap().generators.g;
    let one = second_group_powers(from_i64(1), 1)[0];
    to_container(&g1[..powers], &[one, ethereum_tau(), ethereum_tau_squared()]).unwrap()
}

/// The numbers of a container as the JSON of the consensus specifications, points uncompressed.
fn json(container: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let split = container.len() - 3 * 2 * POINT;
    let texts = |bytes: &[u8], size| bytes.chunks(size).map(|p| format!("0x{}", hex(p))).collect::<Vec<_>>();
    let (g1, g2) = (texts(&container[HEAD..split], POINT), texts(&container[split..], 2 * POINT));
    serde_json::json!({ "g1_monomial": g1, "g1_lagrange": [], "g2_monomial": g2 }).to_string()
}

fn compile(scratch: &Scratch, setup: &str) -> Ran {
    let model = scratch.file("mlp.onnx", bundled::DIGITS_MLP.onnx);
    zktorch(&["compile", &model, "-o", &scratch.text("out"), "--force", "--bits", "9", "--setup", setup, "--format", "json"])
}

#[test]
fn a_ceremony_s_file_proves_and_verifies() {
    let scratch = Scratch::new();
    let container = ceremony(1024);
    let files = [("powers.bin", container.clone()), ("powers.json", json(&container).into_bytes())];
    for (name, bytes) in files {
        let compiled = compile(&scratch, &scratch.file(name, bytes));
        assert_eq!(compiled.code, 0, "{compiled:?}");
        let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
        let (dir, proof) = (scratch.text("out"), scratch.text("proof"));
        // The keys hold all that is needed of the file.
        std::fs::remove_file(scratch.path(name)).unwrap();
        let proved = zktorch(&["prove", &dir, "--input", &input, "-o", &proof]);
        assert_eq!(proved.code, 0, "{proved:?}");
        let verdict = zktorch(&["verify", "--key", &format!("{dir}/verifying.key"), &proof, "--format", "json"]);
        let verdict = verdict.json();
        assert_eq!((&verdict["verdict"], &verdict["warning"]), (&"accepted".into(), &serde_json::Value::Null));
        // Whose powers they are can be seen.
        let (name, tau) = verdict["setup"]["name"].as_str().unwrap().split_once(", tau ").unwrap();
        assert!(name.contains("imported powers of tau") && tau == "d090841a4137b1ecfc662c4cc1465d83)", "{verdict}");
        assert!(
            verdict["setup"]["trust"].as_str().unwrap().contains("imported file") && verdict["setup"]["insecure"] == false
        );
        // Of the proof and the model proof together; `inspect` says it of a key before there is any.
        assert!(verdict["soundness_bits"].as_u64().unwrap() >= 115);
        let key = zktorch(&["inspect", &format!("{dir}/verifying.key"), "--format", "json"]).json();
        assert_eq!(key["soundness_bits"], verdict["soundness_bits"]);
    }
}

#[test]
fn spoilt_files_are_refused() {
    let scratch = Scratch::new();
    let good = ceremony(512);
    let at = |power: usize| HEAD + power * POINT..HEAD + (power + 1) * POINT;
    let second_group = HEAD + 512 * POINT;
    let spoil = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        edit(&mut bytes);
        bytes
    };
    let cut = |end: usize| good[..end].to_vec();
    let text = json(&good);
    let cases = [
        ("a cut container", cut(good.len() - 1), "truncated"),
        ("a cut head", cut(20), "truncated"),
        ("a container with more behind it", spoil(&|b| b.push(0)), "extra bytes"),
        ("another magic", spoil(&|b| b[0] ^= 1), "not a setup file"),
        ("cut JSON", text.as_bytes()[..text.len() - 2].to_vec(), "not a setup file"),
        ("too few powers", ceremony(100), "100 generators in G1, 256 are needed"),
        ("powers that begin elsewhere", spoil(&|b| b.copy_within(at(1), HEAD)), "first power in G1"),
        ("no point of the curve", spoil(&|b| b[at(7).end - 1] ^= 1), "power 7 in G1"),
        ("another power", spoil(&|b| b.copy_within(at(9), at(8).start)), "not successive powers"),
        (
            "the second power in G2 twice",
            spoil(&|b| b.copy_within(second_group + 192..second_group + 384, second_group + 384)),
            "G2",
        ),
    ];
    for (name, bytes, message) in cases {
        let ran = compile(&scratch, &scratch.file("powers.bin", bytes));
        assert!(ran.stderr.contains(message), "{name}: {ran:?}");
        ran.fails(2, &["powers.bin", message]);
        assert_eq!(names(Path::new(&scratch.text(""))), ["mlp.onnx", "powers.bin"], "{name}");
    }
}
