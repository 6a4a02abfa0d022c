//! `strip` and `audit`: whether a key is for a network, told without its weights.

mod common;

use common::{Ran, Scratch, zktorch};
use std::path::Path;
use zktorch_models::bundled::{self, BundledModel};
use zktorch_verifier::key::VerifyingKey;

/// A folder with `MODEL.onnx`, `MODEL.stripped.onnx` and the compiled `MODEL`.
fn prepared(options: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    let samples = scratch.file("samples.npy", bundled::DIGITS_CALIBRATION_NPY);
    for BundledModel { name, onnx, .. } in bundled::ALL {
        let model = scratch.file(&format!("{name}.onnx"), onnx);
        let mut args =
            vec!["compile", &model, "--calibrate", &samples, "--setup", "insecure:10", "--model-proof", "off", "-o"];
        let out = scratch.text(name);
        args.push(&out);
        args.extend(options);
        assert_eq!(zktorch(&args).code, 0);
        assert_eq!(zktorch(&["strip", &model, "-o", &scratch.text(&format!("{name}.stripped.onnx"))]).code, 0);
    }
    scratch
}

fn audit(scratch: &Scratch, model: &str, key: &str) -> Ran {
    zktorch(&["audit", &scratch.text(model), &scratch.text(key), "--format", "json"])
}

fn rejected(ran: &Ran, fragment: &str) {
    assert_eq!(ran.code, 1, "{ran:?}");
    let json = ran.json();
    assert_eq!(json["verdict"], "rejected");
    assert!(json["reason"].as_str().unwrap().contains(fragment), "{json}");
}

/// Writes the key of the digits CNN with a change, as `forged.key`.
fn forge(scratch: &Scratch, change: impl FnOnce(&mut VerifyingKey)) {
    let mut key = VerifyingKey::from_bytes(&std::fs::read(scratch.path("digits_cnn/verifying.key")).unwrap()).unwrap();
    change(&mut key);
    scratch.file("forged.key", key.to_bytes().unwrap());
}

#[test]
fn a_key_is_for_its_model_and_no_other() {
    for options in [&[][..], &["--input", "private", "--output", "private", "--bits", "11"]] {
        let scratch = prepared(options);
        for (name, other) in [("digits_cnn", "digits_mlp"), ("digits_mlp", "digits_cnn")] {
            for model in [format!("{name}.stripped.onnx"), format!("{name}.onnx")] {
                let ran = audit(&scratch, &model, &format!("{name}/verifying.key"));
                assert_eq!(ran.code, 0, "{ran:?}");
                assert_eq!(ran.json()["verdict"], "accepted");
            }
            let ran = audit(&scratch, &format!("{other}.stripped.onnx"), &format!("{name}/verifying.key"));
            assert_eq!((ran.code, &ran.json()["verdict"]), (1, &"rejected".into()), "{ran:?}");
        }
    }
}

#[test]
fn a_stripped_model_has_no_weights() {
    let scratch = prepared(&[]);
    for BundledModel { name, onnx: whole, .. } in bundled::ALL {
        let stripped = std::fs::read(scratch.path(&format!("{name}.stripped.onnx"))).unwrap();
        // Initialisers are raw: any 16 bytes of weights that stay would be a part of them.
        let (stripped_len, whole_len) = (stripped.len(), whole.len());
        assert!(4 * stripped_len < whole_len, "{stripped_len} of {whole_len} bytes");
        let chunks: std::collections::HashSet<&[u8]> = stripped.windows(16).collect();
        let shared = whole.chunks_exact(16).filter(|chunk| chunks.contains(chunk)).count();
        assert!(16 * shared <= stripped_len, "{shared} chunks of the whole model are in the stripped one");
        let again = zktorch(&[
            "strip",
            &scratch.text(&format!("{name}.stripped.onnx")),
            "-o",
            &scratch.text("again.onnx"),
            "--format",
            "json",
        ]);
        assert_eq!(again.json()["withheld"].as_array().unwrap().len(), 0);
        assert_eq!(std::fs::read(scratch.path("again.onnx")).unwrap(), stripped);
    }
    // It is not a model that can be compiled.
    zktorch(&["compile", &scratch.text("digits_mlp.stripped.onnx"), "-o", &scratch.text("out")])
        .fails(2, &["digits_mlp.stripped.onnx"]);
    assert!(!Path::new(&scratch.text("out")).exists());
}

#[test]
fn another_program_is_told_by_what_differs() {
    use zktorch_blocks::program::{GroupMap, Source};
    let scratch = prepared(&[]);
    let against = |fragment: &str| rejected(&audit(&scratch, "digits_cnn.stripped.onnx", "forged.key"), fragment);

    // A convolution sees the image shifted by a pixel.
    forge(&scratch, |key| {
        let views = key.program.tensors.iter_mut().filter_map(|t| match &mut t.source {
            Source::View(view) => Some(view),
            _ => None,
        });
        let mut offsets = views.flat_map(|view| &mut view.groups).filter_map(|group| match &mut group.map {
            GroupMap::Affine { offset, .. } => Some(offset),
            _ => None,
        });
        *offsets.next().unwrap() -= 1;
    });
    against("tensor ");
    // A lookup is left out: the prover would be free there.
    forge(&scratch, |key| drop(key.program.lookups.pop()));
    against("lookup ");
    // A constraint too.
    forge(&scratch, |key| {
        key.program.lookups.remove(0);
    });
    against("lookup 0");
}

#[test]
fn names_do_not_count_but_are_told() {
    let scratch = prepared(&[]);
    let accepted = |fragment: &str| {
        let key = scratch.text("forged.key");
        let ran = zktorch(&["audit", &scratch.text("digits_cnn.stripped.onnx"), &key]);
        assert!(ran.code == 0 && ran.stdout.contains("only names differ") && ran.stdout.contains(fragment), "{ran:?}");
        audit(&scratch, "digits_cnn.stripped.onnx", "forged.key").json()["other_names"].clone()
    };
    // Tensors of the program, as by another exporter.
    forge(&scratch, |key| key.program.tensors.iter_mut().for_each(|t| t.name = format!("/main/{}", t.name)));
    let told = accepted("of the program have other names");
    assert!(told["tensors"].as_u64().unwrap() > 10 && told["ports"].as_array().unwrap().is_empty(), "{told}");
    // An output, with a line of its own making.
    forge(&scratch, |key| key.outputs[0].name = "y\n  audit  accepted".into());
    let told = accepted("is called `y\\n  audit  accepted` in the key");
    assert_eq!(told["ports"][0]["what"], "output");
    // What bears the name of something else is taken for it.
    forge(&scratch, |key| key.outputs[0].name = key.inputs[0].name.clone());
    rejected(&audit(&scratch, "digits_cnn.stripped.onnx", "forged.key"), "the model's outputs are");
}

#[test]
fn annotations_are_held_to_what_a_compiler_writes() {
    let scratch = prepared(&[]);
    let against = |change: &dyn Fn(&mut Vec<i64>), fragment: &str| {
        forge(&scratch, |key| change(&mut key.program.annotations));
        rejected(&audit(&scratch, "digits_cnn.stripped.onnx", "forged.key"), fragment);
    };
    against(&|notes| notes.clear(), "not compiled from a model");
    against(&|notes| notes[0] = 3, "settings");
    against(&|notes| notes.truncate(notes.len() - 1), "the annotations end before the ");
    against(&|notes| notes.push(0), "has use for");
    against(&|notes| notes[6] = i64::MAX, "expected -128 to 128");
    // Every single decision matters, or is one of the many scales that nothing came to ask for.
    let count = VerifyingKey::from_bytes(&std::fs::read(scratch.path("digits_cnn/verifying.key")).unwrap())
        .unwrap()
        .program
        .annotations
        .len();
    let mut felt = 0;
    for n in 0..count {
        forge(&scratch, |key| key.program.annotations[n] += 1);
        let ran = audit(&scratch, "digits_cnn.stripped.onnx", "forged.key");
        assert!(ran.code < 2, "{n}: {ran:?}");
        felt += usize::from(ran.code == 1);
    }
    assert!(2 * felt > count, "{felt} of {count}");
}

#[test]
fn what_is_no_model_or_no_key_is_refused() {
    let scratch = prepared(&[]);
    let nonsense = scratch.file("nonsense", "nonsense");
    let key = scratch.text("digits_cnn/verifying.key");
    zktorch(&["audit", &nonsense, &key]).fails(2, &["nonsense", "not a valid ONNX model"]);
    zktorch(&["audit", &scratch.text("digits_cnn.onnx"), &nonsense]).fails(2, &["nonsense"]);
    zktorch(&["audit", &scratch.text("digits_cnn.onnx"), &scratch.text("digits_cnn/proving.key")])
        .fails(2, &["proving key"]);
    zktorch(&["strip", &nonsense, "-o", &scratch.text("out.onnx")]).fails(2, &["nonsense"]);
    zktorch(&["strip", &scratch.text("digits_cnn.onnx"), "-o", &scratch.text("none/out.onnx")]).fails(2, &["cannot write"]);
    assert!(!scratch.names().contains(&"out.onnx".to_owned()));
}
