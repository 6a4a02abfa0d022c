//! Texts of a language model, from the command line.

mod common;

use common::{Ran, Scratch, zktorch};
use serde_json::json;
use zktorch_models::zoo::Zoo;

/// A story that the model writes by itself, and how it begins.
const PROMPT: [i64; 8] = [1, 403, 407, 261, 378, 432, 383, 286];

/// The folders of the model for both tasks, its text, and files beside them.
fn compiled(zoo: &Zoo) -> (Scratch, String) {
    let scratch = Scratch::new();
    let model = zoo.model("tinystories_260k_seq32").expect("it is there");
    let onnx = model.onnx.to_str().expect("a path").to_owned();
    let text: Vec<i64> = model.read_inputs().expect("a sample")[0].values.to_f64().iter().map(|&id| id as i64).collect();
    scratch.file("text.json", json!({ "input_data": [text] }).to_string());
    scratch.file("prompt.json", json!({ "input_data": [PROMPT] }).to_string());
    let setup =
        ["--calibrate", &scratch.text("text.json"), "--setup", "insecure:12", "--model-proof", "off", "--bits", "14"];
    let sample = ["--new-tokens", "4", "--temperature", "0.8"];
    for (task, more) in
        [("generate", &["--new-tokens", "4"][..]), ("likelihood", &["--input", "private"]), ("sample", &sample)]
    {
        let out = scratch.text(task);
        let ran = zktorch(&[&["compile", &onnx, "-o", &out, "--task", task][..], &setup, more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    (scratch, onnx)
}

#[test]
fn a_language_model_goes_on_with_a_text_and_judges_it() {
    let Some(zoo) = Zoo::locate_or_skip("a_language_model_goes_on_with_a_text_and_judges_it") else { return };
    let (scratch, onnx) = compiled(&zoo);
    let [generate, likelihood] = ["generate", "likelihood"].map(|task| scratch.text(task));
    let [prompt, text, proof] = ["prompt.json", "text.json", "a.proof"].map(|file| scratch.text(file));
    let run = |words: &[&str]| zktorch(&[words, &["--format", "json"]].concat());
    let data = |ran: &Ran| ran.json()["outputs"][0]["data"].clone();

    let story = run(&["run", &generate, "--input", &prompt, "--generate", "3"]);
    assert_eq!(data(&story), json!([261, 376, 298, 298]), "a shorter completion answers its last place again");
    let proved = run(&["prove", &generate, "--input", &prompt, "--generate", "4", "-o", &proof]);
    assert_eq!(data(&proved), json!([261, 376, 298, 315]), "{proved:?}");
    let verdict = run(&["verify", "--key", &format!("{generate}/verifying.key"), &proof]).json();
    assert_eq!(verdict["verdict"], "accepted");
    assert_eq!(verdict["inputs"][1]["data"], json!([7, 8, 9, 10]));
    let shown = verdict["inputs"][0]["data"].as_array().expect("ids");
    assert_eq!(shown[8..12], [261, 376, 298, 315].map(|id| json!(id)));
    for key in [&generate, &likelihood] {
        assert_eq!(run(&["audit", &onnx, &format!("{key}/verifying.key")]).code, 0);
    }

    // The text is hidden: the proof shows which tokens count and how likely they are.
    let judged = run(&["prove", &likelihood, "--input", &text, "-o", &proof, "--force"]);
    assert_eq!(judged.code, 0, "{judged:?}");
    let verdict = run(&["verify", "--key", &format!("{likelihood}/verifying.key"), &proof]).json();
    assert_eq!((&verdict["inputs"][0]["name"], &verdict["inputs"][1]), (&json!("counted"), &json!(null)));
    let logarithm = data(&judged)[0].as_f64().expect("a number");
    assert!((-32.0..0.0).contains(&logarithm), "a story of its own is likely: {logarithm}");

    for (words, said) in [
        (&["run", &likelihood, "--input", &text, "--generate", "2"][..], "was not compiled to generate"),
        (&["run", &generate, "--input", &prompt, "--generate", "5"], "expected 1 to 4 tokens"),
        (&["run", &generate, "--input", &prompt, "--generate", "0"], "expected 1 to 4 tokens"),
        (&["run", &generate, "--input", &text, "--generate", "1"], "a text of 32 tokens, expected 1 to 31"),
        (&["run", &generate, "--input", &prompt], "input `places` is missing"),
    ] {
        let ran = run(words);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(said) || ran.stdout.contains(said), "{ran:?}");
    }
    // Words in, and words out.
    let vocabulary: serde_json::Map<String, serde_json::Value> = (0..512).map(|id| (format!("t{id}"), json!(id))).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "WhitespaceSplit" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "t0" },
    });
    let tokenizer = scratch.file("tokenizer.json", tokenizer.to_string());
    let words = scratch.file("prompt.txt", PROMPT.map(|id| format!("t{id}")).join(" ") + "\n");
    let ran =
        run(&["prove", &generate, "--input", &words, "--generate", "3", "--tokenizer", &tokenizer, "-o", &proof, "--force"]);
    assert_eq!(ran.json()["texts"]["completion"], "t261 t376 t298", "{ran:?}");
    let key = format!("{generate}/verifying.key");
    let verdict = run(&["verify", "--key", &key, &proof, "--tokenizer", &tokenizer]).json();
    assert_eq!((&verdict["verdict"], &verdict["texts"]["completion"]), (&json!("accepted"), &json!("t261 t376 t298")));
    let whole = verdict["texts"]["input_ids"].as_str().expect("a text");
    assert!(whole.starts_with("t1 t403 ") && whole.ends_with(" t286 t261 t376 t298"), "{whole}");
    let ran = run(&["run", &generate, "--input", &words, "--generate", "3"]);
    assert!(ran.code == 2 && ran.json()["error"].to_string().contains("there is no tokenizer"), "{ran:?}");
    let ran = run(&["run", &generate, "--input", &words, "--generate", "3", "--tokenizer", &prompt]);
    assert!(ran.code == 2 && ran.json()["error"].to_string().contains("cannot read"), "{ran:?}");
    // Places of one's own, and a number of tokens.
    let other = scratch.file("other.json", json!({ "input_data": [vec![1; 32], vec![7, 8, 9, 10]] }).to_string());
    let ran = run(&["run", &generate, "--input", &other, "--generate", "2"]);
    assert!(ran.code == 2 && ran.json()["error"].to_string().contains("more than a text"), "{ran:?}");
    // A text that is not the model's, with the places given.
    let ran = run(&["prove", &generate, "--input", &other, "-o", &proof, "--force"]);
    assert!(
        ran.code == 2 && (ran.stdout.contains("not the model's answer") || ran.stderr.contains("not the model's answer")),
        "{ran:?}"
    );
}

#[test]
fn a_language_model_draws_by_a_seed() {
    let Some(zoo) = Zoo::locate_or_skip("a_language_model_draws_by_a_seed") else { return };
    let (scratch, onnx) = compiled(&zoo);
    let [sample, generate] = ["sample", "generate"].map(|task| scratch.text(task));
    let [key, other_key] = [&sample, &generate].map(|folder| format!("{folder}/verifying.key"));
    let [prompt, proof, greedy] = ["prompt.json", "a.proof", "b.proof"].map(|file| scratch.text(file));
    let run = |words: &[&str]| zktorch(&[words, &["--format", "json"]].concat());
    let data = |ran: &Ran| ran.json()["outputs"][0]["data"].clone();
    let drawn = |seed: &str| data(&run(&["run", &sample, "--input", &prompt, "--generate", "4", "--seed", seed]));

    // Seeds draw different stories, each the same whenever it is drawn. Which do depends on the key, which is another one at every compilation.
    let story = drawn("2");
    let other = (3..100).map(|seed| seed.to_string()).find(|seed| drawn(seed) != story).expect("another story");
    let proved = run(&["prove", &sample, "--input", &prompt, "--generate", "4", "--seed", "2", "-o", &proof]);
    assert_eq!(data(&proved), story, "{proved:?}");
    let verdict = run(&["verify", "--key", &key, &proof, "--seed", "2"]).json();
    assert_eq!((&verdict["verdict"], &verdict["outputs"][0]["data"]), (&json!("accepted"), &story));
    assert_eq!(verdict["drawn"], json!({ "seed": "2", "temperature": 0.8 }));
    assert_eq!(verdict["inputs"][1]["data"], json!([7, 8, 9, 10]));
    let text = zktorch(&["verify", "--key", &key, &proof, "--seed", "2"]).stdout;
    assert!(text.contains("at temperature 0.8, by the seed `2`"), "{text}");
    assert_eq!(run(&["audit", &onnx, &key]).json()["temperature"], json!(0.8));

    let ran = run(&["verify", "--key", &key, &proof, "--seed", &other]);
    assert!(ran.code == 1 && ran.json()["reason"] == "the proof is about what another seed draws", "{ran:?}");
    let proved = run(&["prove", &generate, "--input", &prompt, "--generate", "4", "-o", &greedy]);
    assert_eq!(proved.code, 0, "{proved:?}");
    // A text with its places, of which the same tokens are drawn.
    let text = json!({ "input_data": [verdict["inputs"][0]["data"], verdict["inputs"][1]["data"]] });
    let text = scratch.file("drawn.json", text.to_string());
    let again = run(&["prove", &sample, "--input", &text, "--seed", "2", "-o", &proof, "--force"]);
    assert_eq!(data(&again), story, "{again:?}");
    let out = scratch.text("none");
    for (words, said) in [
        (&["verify", "--key", &key, &proof][..], "draws by a seed, and none was given"),
        (&["verify", "--key", &other_key, &greedy, "--seed", "2"], "draws nothing"),
        (&["run", &sample, "--input", &prompt, "--generate", "4"], "--seed is missing"),
        (&["run", &generate, "--input", &prompt, "--generate", "4", "--seed", "2"], "not compiled to draw"),
        (&["run", &sample, "--input", &prompt, "--seed", "2"], "input `places` is missing"),
        (&["compile", &onnx, "-o", &out, "--temperature", "0.8"], "--task sample"),
        (&["compile", &onnx, "-o", &out, "--task", "sample", "--temperature", "0"], "expected a positive number"),
    ] {
        let ran = run(words);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(said) || ran.stdout.contains(said), "{ran:?}");
    }
    let ran = run(&["prove", &sample, "--input", &text, "--seed", &other, "-o", &proof, "--force"]);
    assert!(
        ran.code == 2 && (ran.stdout.contains("not the model's answer") || ran.stderr.contains("not the model's answer"))
    );
    let ran = run(&["compile", &onnx, "-o", &out, "--task", "sample", "--input", "private"]);
    assert!(ran.stderr.contains("one commitment, to prompt and completion together"), "{ran:?}");
}
