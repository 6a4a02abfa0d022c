//! What a verdict says of a completion whose places are not those of a story: a prover chooses them.

mod common;

use common::{Scratch, done, zktorch};
use serde_json::json;

fn file(name: &str) -> String {
    format!("{}/../models/lengths/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_verdict_says_which_tokens_are_the_models() {
    let scratch = Scratch::new();
    let (dir, proof) = (scratch.text("dir"), scratch.text("a.proof"));
    let task = ["--task", "generate", "--new-tokens", "5", "--setup", "insecure:10", "--model-proof", "off"];
    let (onnx, texts) = (file("model_12.onnx"), file("texts_12.npy"));
    done(&[&["compile", &onnx, "-o", &dir, "--calibrate", &texts][..], &task].concat());
    let key = format!("{dir}/verifying.key");
    let vocabulary: serde_json::Map<String, serde_json::Value> = (0..32).map(|id| (format!("t{id}"), json!(id))).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "WhitespaceSplit" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "t0" },
    });
    let tokenizer = scratch.file("tokenizer.json", tokenizer.to_string());
    let verdicts = || {
        let words = ["verify", "--key", &key, &proof, "--tokenizer", &tokenizer];
        (done(&words).stdout, done(&[&words[..], &["--format", "json"]].concat()).json())
    };

    let prompt = scratch.file("prompt.json", json!({ "input_data": [[3, 1, 4]] }).to_string());
    done(&["prove", &dir, "--input", &prompt, "--generate", "4", "-o", &proof]);
    let (text, json) = verdicts();
    assert_eq!(json["answered"], json!([[3, 6]]));
    assert!(text.contains("tokens 3 to 6 of the text, counted from 0, are the model's; all others are anybody's"), "{text}");
    let ids: Vec<i64> = serde_json::from_value(json["inputs"][0]["data"].clone()).expect("ids");
    let word = |place: usize| format!("t{}", ids[place]);
    assert_eq!(json["texts"]["completion"], [3, 4, 5, 6].map(word).join(" "));

    // Whoever knows the prompt compares it.
    let compared = |words: &[&str]| zktorch(&[&["verify", "--key", &key, &proof, "--input"], words].concat());
    let words = scratch.file("prompt.txt", "t3 t1 t4\n");
    for input in [&[prompt.as_str()][..], &[words.as_str(), "--tokenizer", tokenizer.as_str()]] {
        let ran = compared(input);
        assert!(ran.code == 0 && ran.stdout.contains("same input"), "{ran:?}");
    }
    let longer = "the model's tokens do not begin behind";
    for (ids, said) in [
        (vec![3, 1, 5], "entry [0, 2] of"),
        (vec![3, 1], longer),
        (ids[..4].to_vec(), longer),
        (vec![3; 13], "none that the model takes"),
        (vec![], "none that the model takes"),
    ] {
        let other = scratch.file("other.json", json!({ "input_data": [ids] }).to_string());
        let ran = compared(&[&other]);
        assert!(ran.code == 1 && ran.stdout.contains(said), "{ids:?} {ran:?}");
    }
    let all = scratch.file("all.json", json!({ "input_data": [ids, [2, 3, 4, 5, 5]] }).to_string());
    assert_eq!(compared(&[&all]).code, 0);

    // Answers picked from the story, in another order, would read as another one.
    let picked = json!({ "input_data": [ids, [5, 2, 3, 3, 2]] });
    let picked = scratch.file("picked.json", picked.to_string());
    done(&["prove", &dir, "--input", &picked, "-o", &proof, "--force"]);
    let (text, json) = verdicts();
    assert_eq!(json["answered"], json!([[3, 4], [6, 6]]));
    assert!(text.contains("tokens 3 to 4, 6 of the text"), "{text}");
    assert_eq!(json["texts"]["completion"], format!("{} [..] {} {}", word(6), word(3), word(4)));
    let ran = compared(&[&prompt]);
    assert!(ran.code == 1 && ran.stdout.contains("and follow one another: tokens 3 to 4, 6 of the text"), "{ran:?}");
}
