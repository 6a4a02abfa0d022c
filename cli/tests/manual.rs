//! Completions, manual pages, and how much is said.

mod common;

use common::{Scratch, compile_mlp, done, names, shared, zktorch};

#[test]
fn shells_complete_every_command() {
    for (shell, word) in
        [("bash", "complete -F"), ("zsh", "#compdef zktorch"), ("fish", "complete -c zktorch"), ("powershell", "Register")]
    {
        let script = done(&["completions", shell]).stdout;
        assert!(script.contains(word), "{shell}: {script}");
        for known in ["compile", "verify", "--calibrate", "--require", "--format"] {
            assert!(script.contains(known.trim_start_matches("--")), "{shell}: {known}");
        }
    }
    zktorch(&["completions", "cmd"]).fails(2, &["bash"]);
}

#[test]
fn there_is_a_manual() {
    let page = done(&["man"]).stdout;
    assert!(page.contains(".TH zktorch 1") && page.contains("EXIT CODES") || page.contains("Exit codes"), "{page}");
    let scratch = Scratch::new();
    let dir = scratch.text("man1");
    done(&["man", &dir]);
    let pages = names(&scratch.path("man1"));
    assert!(pages.len() >= 11 && pages.contains(&"zktorch.1".to_owned()), "{pages:?}");
    let compile = std::fs::read_to_string(scratch.path("man1/zktorch-compile.1")).unwrap();
    assert!(compile.contains("calibrate") && !compile.contains("test\\-seed"), "{compile}");
}

#[test]
fn a_command_says_as_much_as_it_is_asked_to() {
    let scratch = Scratch::new();
    let usual = compile_mlp(&scratch, "usual", &[]);
    assert_eq!((usual.code, usual.stderr.as_str()), (0, ""));
    let loud = compile_mlp(&scratch, "loud", &["-v"]);
    for phase in ["reading the model: ", "quantising: ", "committing to the weights: ", "proving the weights: "] {
        assert!(loud.stderr.contains(phase), "{loud:?}");
    }
    // An input that counts as 0 is warned of, unless nobody wants to hear it.
    let row = format!(r#"{{"input_data": [[{}]]}}"#, vec!["1e-9"; 64].join(", "));
    let small = scratch.file("small.json", row);
    let run = |more: &[&str]| done(&[&["run", &shared().dir(), "--input", &small], more].concat());
    assert!(run(&[]).stderr.contains("warning: input") && run(&["-v"]).stderr.contains("running: "));
    assert_eq!(run(&["--quiet"]).stderr, "");
    assert_eq!(run(&["-q"]).stdout, run(&[]).stdout);
    zktorch(&["run", &shared().dir(), "--input", "nothing.json", "-q"]).fails(2, &["error: ", "nothing.json"]);
    zktorch(&["run", &shared().dir(), "--input", &small, "-q", "-v"]).fails(2, &["cannot be used with"]);
}
