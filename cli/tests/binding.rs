//! Commitments to private inputs and outputs as a user meets them: an input committed before, a chain of two models.

mod common;

use common::{Ran, Scratch, compile_mlp, one_node, one_node_of, zktorch};
use zktorch_models::bundled;
use zktorch_prover::binding::Opening;
use zktorch_verifier::commitment::Commitment;

const PRIVATE: &[&str] = &["--input", "private", "--output", "private"];

fn done(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran
}

#[test]
fn a_proof_is_about_an_input_that_was_committed_before() {
    let scratch = Scratch::new();
    done(compile_mlp(&scratch, "mlp", PRIVATE));
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let [dir, committed, proof] = ["mlp", "x.commitment", "proof"].map(|name| scratch.text(name));
    let key = format!("{dir}/verifying.key");
    let made = done(zktorch(&["commit", &dir, "--input", &input, "-o", &committed, "--format", "json"])).json();
    let digest = &made["tensors"][0]["digest"];
    // From the opening alone, and beside the file that it came from.
    for more in [vec!["--bind", &committed], vec!["--bind", &committed, "--input", &input]] {
        done(zktorch(&[&["prove", &dir, "-o", &proof], more.as_slice()].concat()));
        let verdict = done(zktorch(&["verify", "--key", &key, &proof, "--bind", &committed, "--format", "json"])).json();
        assert_eq!((&verdict["commitments"][0]["role"], &verdict["commitments"][0]["digest"]), (&"input".into(), digest));
    }
    assert_eq!(done(zktorch(&["inspect", &committed, "--format", "json"])).json()["tensors"][0]["digest"], *digest);
    done(zktorch(&["inspect", &format!("{committed}.opening")]));

    // A proof that is about another commitment to the same input.
    done(zktorch(&["prove", &dir, "--input", &input, "-o", &proof]));
    let refused = zktorch(&["verify", "--key", &key, &proof, "--bind", &committed, "--format", "json"]);
    assert_eq!((refused.code, &refused.json()["verdict"]), (1, &"rejected".into()));
    assert!(refused.json()["reason"].as_str().unwrap().contains("x.commitment"), "{refused:?}");

    // Another input than the committed one, and openings that are none of it.
    let zeros = scratch.file("zeros.json", format!(r#"{{"input_data": [[{}]]}}"#, ["0"; 64].join(",")));
    zktorch(&["prove", &dir, "--input", &zeros, "--bind", &committed, "-o", &proof])
        .fails(2, &["zeros.json", "not the committed one"]);
    let other = scratch.text("other.commitment");
    done(zktorch(&["commit", &dir, "--input", &zeros, "-o", &other]));
    std::fs::copy(scratch.path("other.commitment.opening"), scratch.path("x.commitment.opening")).unwrap();
    zktorch(&["prove", &dir, "--bind", &committed, "-o", &proof]).fails(2, &["x.commitment.opening", "does not open"]);
    std::fs::remove_file(scratch.path("x.commitment.opening")).unwrap();
    zktorch(&["prove", &dir, "--bind", &committed, "-o", &proof]).fails(2, &["x.commitment.opening"]);
}

#[test]
fn the_output_of_one_model_is_the_input_of_another() {
    let scratch = Scratch::new();
    done(compile_mlp(&scratch, "first", PRIVATE));
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let [first, second, kept, one, two] =
        ["first", "second", "kept", "one.proof", "two.proof"].map(|name| scratch.text(name));
    let proved =
        done(zktorch(&["prove", &first, "--input", &input, "--keep", &kept, "-o", &one, "--format", "json"])).json();
    let samples = scratch.file("scores.json", format!(r#"{{"input_data": [{}]}}"#, proved["outputs"][0]["data"]));

    let model = scratch.file("relu.onnx", one_node("Relu", &[1, 10]));
    let key = format!("{first}/verifying.key");
    let compile = ["compile", &model, "-o", &second, "--setup", "insecure:9", "--input", "private", "--calibrate", &samples];
    done(zktorch(&[compile.as_slice(), &["--input-like", &key]].concat()));
    done(zktorch(&["prove", &second, "--bind", &kept, "-o", &two]));
    let keys = ["--key", &key, "--key", &format!("{second}/verifying.key")];
    let ran = done(zktorch(&[["verify"].as_slice(), &keys, &[&one, &two, "--format", "json"]].concat()));
    let verdict = ran.json();
    assert_eq!((&verdict["verdict"], verdict["proofs"].as_array().unwrap().len()), (&"accepted".into(), 2));
    let [shared] = verdict["shared"].as_array().unwrap().as_slice() else { panic!("{verdict}") };
    let shared = shared.as_str().unwrap();
    assert!(shared.contains("output") && shared.contains("one.proof") && shared.contains("is input x of"), "{shared}");

    // Fresh blinders: nothing ties the proofs to each other.
    done(zktorch(&["prove", &first, "--input", &input, "-o", &one]));
    let ran = done(zktorch(&[["verify"].as_slice(), &keys, &[&one, &two]].concat()));
    assert!(ran.stdout.contains("nothing ties these proofs"), "{ran:?}");
    zktorch(&["verify", "--key", &key, "--key", &key, &one]).fails(2, &["2 keys for 1 proof"]);
}

#[test]
fn what_cannot_be_bound_is_refused() {
    let scratch = Scratch::new();
    done(compile_mlp(&scratch, "public", &[]));
    done(compile_mlp(&scratch, "private", PRIVATE));
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let [public, private, committed, proof] = ["public", "private", "c", "proof"].map(|name| scratch.text(name));
    zktorch(&["commit", &public, "--input", &input, "-o", &committed]).fails(2, &["public", "--input private"]);
    done(zktorch(&["commit", &private, "--input", &input, "-o", &committed]));
    zktorch(&["prove", &public, "--bind", &committed, "-o", &proof]).fails(2, &["no private input fits"]);
    zktorch(&["prove", &private, "-o", &proof]).fails(2, &["--input"]);
    let model = scratch.file("relu.onnx", one_node("Relu", &[1, 9]));
    let key = format!("{private}/verifying.key");
    zktorch(&["compile", &model, "-o", &scratch.text("out"), "--input-like", &key]).fails(2, &["1x10", "1x9"]);
    assert!(!scratch.path("proof").exists() && !scratch.path("out").exists());
}

#[test]
fn inputs_that_were_committed_together_cannot_be_exchanged() {
    let scratch = Scratch::new();
    let model = scratch.file("sum.onnx", one_node_of("Sub", &["left", "right"], &[1, 3]));
    let input = scratch.file("input.json", r#"{"input_data": [[0.5, 0.25, 0.125], [-0.5, -0.25, 0]]}"#);
    let [dir, committed, proof] = ["sum", "c", "proof"].map(|name| scratch.text(name));
    done(zktorch(&["compile", &model, "-o", &dir, "--setup", "insecure:9", "--input", "private"]));
    done(zktorch(&["commit", &dir, "--input", &input, "-o", &committed]));
    let key = format!("{dir}/verifying.key");
    let verify = || zktorch(&["verify", "--key", &key, &proof, "--bind", &committed, "--format", "json"]);
    done(zktorch(&["prove", &dir, "--bind", &committed, "-o", &proof]));
    let verdict = done(verify()).json();
    let tie = |name: &str| format!("input {name} is {name} of {committed}");
    assert_eq!((&verdict["bound"][0], &verdict["bound"][1]), (&tie("left").into(), &tie("right").into()));

    // A prover who takes one for the other.
    let mut swapped = Commitment::from_bytes(&std::fs::read(&committed).unwrap()).unwrap();
    let opening = std::fs::read(format!("{committed}.opening")).unwrap();
    let [one, two] = swapped.tensors.as_mut_slice() else { panic!("two inputs") };
    std::mem::swap(&mut one.name, &mut two.name);
    let other = scratch.file("swapped", swapped.to_bytes().unwrap());
    scratch.file("swapped.opening", &opening);
    done(zktorch(&["prove", &dir, "--bind", &other, "-o", &proof]));
    let refused = verify();
    assert_eq!((refused.code, &refused.json()["reason"]), (1, &format!("the proof is not about all of {committed}").into()));
    // What bears other names may be anything, and the verdict says what it is.
    swapped.tensors.iter_mut().zip(["first", "second"]).for_each(|(c, name)| c.name = name.into());
    scratch.file("swapped", swapped.to_bytes().unwrap());
    let verdict = done(zktorch(&["verify", "--key", &key, &proof, "--bind", &other, "--format", "json"])).json();
    assert_eq!(verdict["bound"][0], format!("input right is first of {other}"));

    // One committed tensor is one input, and the one of its name.
    swapped.tensors.truncate(1);
    swapped.tensors[0].name = "right".into();
    scratch.file("swapped", swapped.to_bytes().unwrap());
    let mut half = Opening::from_bytes(&opening).unwrap();
    half.tensors.truncate(1);
    scratch.file("swapped.opening", half.to_bytes().unwrap());
    zktorch(&["prove", &dir, "--bind", &other, "-o", &proof]).fails(2, &["not all inputs are bound"]);

    // A commitment to nothing says nothing.
    swapped.tensors.clear();
    scratch.file("swapped", swapped.to_bytes().unwrap());
    zktorch(&["verify", "--key", &key, &proof, "--bind", &other]).fails(2, &["commits to nothing"]);
}
