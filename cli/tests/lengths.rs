//! One model for texts of two lengths, from the command line.

mod common;

use common::{Ran, Scratch, command, compile_mlp, done, ran, zktorch};
use serde_json::json;

/// The file of the model for texts of so many tokens, or its texts.
fn file(name: &str) -> String {
    format!("{}/../models/lengths/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn compile(scratch: &Scratch, tokens: usize, more: &[&str]) -> Ran {
    let (onnx, texts) = (file(&format!("model_{tokens}.onnx")), file(&format!("texts_{tokens}.npy")));
    let out = scratch.text(&format!("of_{tokens}"));
    let words = ["compile", &onnx, "-o", &out, "--calibrate", &texts, "--task", "generate", "--format", "json"];
    zktorch(&[&words[..], more].concat())
}

#[test]
fn texts_of_two_lengths_are_of_one_model() {
    let scratch = Scratch::new();
    let long = compile(&scratch, 12, &[]);
    assert_eq!(long.code, 0, "{long:?}");
    let dir = scratch.text("of_12");
    let short = compile(&scratch, 7, &["--weights-of", &dir]);
    assert_eq!(short.code, 0, "{short:?}");
    assert_eq!(short.json()["model_digest"], long.json()["model_digest"]);
    assert_ne!(short.json()["key_digest"], long.json()["key_digest"]);

    let prompt = scratch.file("prompt.json", json!({ "input_data": [[3, 1, 4]] }).to_string());
    let mut stories = Vec::new();
    for tokens in [12, 7] {
        let [dir, proof] = [format!("of_{tokens}"), format!("{tokens}.proof")].map(|name| scratch.text(&name));
        done(&["audit", &file(&format!("model_{tokens}.onnx")), &format!("{dir}/verifying.key")]);
        let proved = done(&["prove", &dir, "--input", &prompt, "--generate", "3", "-o", &proof, "--format", "json"]);
        let story = proved.json()["outputs"][0]["data"].as_array().expect("tokens")[..3].to_vec();
        stories.push(story);
        // The first proof's verdict looks at the model proof, the second's has a note of it.
        if tokens == 7 {
            std::fs::remove_file(format!("{dir}/model.proof")).expect("it was there");
        }
        let mut verify = command(&["verify", "--key", &format!("{dir}/verifying.key"), &proof, "--format", "json"]);
        let verdict = ran(verify.env("XDG_CACHE_HOME", scratch.path("cache")).output().expect("it runs"));
        assert_eq!(verdict.code, 0, "{verdict:?}");
        assert_eq!(verdict.json()["model"], "proved");
        assert_eq!(verdict.json()["model_text"].as_str().expect("words").contains("accepted before"), tokens == 7);
    }
    assert_eq!(stories[0], stories[1], "the same integers, whatever the program's length");
}

#[test]
fn weights_of_something_else_are_refused() {
    let scratch = Scratch::new();
    assert_eq!(compile_mlp(&scratch, "mlp", &[]).code, 0);
    let mlp = scratch.text("mlp");
    compile(&scratch, 7, &["--weights-of", &mlp]).fails(2, &["different inputs", "a folder of the same model"]);
    compile(&scratch, 7, &["--weights-of", &scratch.text("none")]).fails(2, &["none", "not a folder"]);
    compile(&scratch, 7, &["--weights-of", &mlp, "--setup", "insecure:8"]).fails(2, &["cannot be used with"]);
    assert_eq!(compile(&scratch, 7, &[]).code, 0);
    // A longer text has more positions than are committed to.
    let short = scratch.text("of_7");
    let ran = compile(&scratch, 12, &["--weights-of", &short]);
    ran.fails(1, &["extent of a committed weight is 7 by the annotations, expected 12"]);
    assert!(!scratch.path("of_12").exists());
}
