//! Completions and likelihoods of language models, each in one proof: what is proved, who is refused, and which models are.

use ndarray::{ArrayD, IxDyn};
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::{ExecuteError, check_zeros, execute};
use zktorch_blocks::program::{Interval, Visibility};
use zktorch_blocks::transcript::{Check, Equation, Misfit, Reject};
use zktorch_compiler::audit::{AuditError, audit};
use zktorch_compiler::graph::{Domain, Graph};
use zktorch_compiler::ops::{Add, CumSum, Einsum, Label, Reduce, ReduceKind, Softmax, Take};
use zktorch_compiler::{CompileError, Compiled, Goal, Misposed, Options, compile};
use zktorch_prover::ProveError;
use zktorch_tests::enforced::enforced;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::language_model::{TOKENS, VOCABULARY, causal, language_model};
use zktorch_tests::lying::Lie;
use zktorch_verifier::Verdict;

const COLUMNS: u32 = 8;
/// Answers that are shown.
const NEW: usize = 4;
const GENERATION: Goal = Goal::Generation { tokens: NEW };

fn texts() -> Vec<Vec<ArrayD<f64>>> {
    let text = |seed: usize| {
        let ids = (0..TOKENS).map(|t| ((seed * 7 + t * t * 3 + t * seed) % VOCABULARY) as f64).collect();
        vec![ArrayD::from_shape_vec(IxDyn(&[1, TOKENS]), ids).expect("of the shape")]
    };
    (0..12).map(text).collect()
}

fn compiled(graph: &Graph, goal: Goal, inputs: Visibility) -> Compiled {
    let options = Options { goal, inputs, target_kl: 1e-7, ..Options::default() };
    compile(graph, &texts(), &options).expect("it compiles")
}

/// The model's keys, and its texts' inputs.
struct Subject {
    compiled: Compiled,
    fixture: Fixture,
}

impl Subject {
    fn new(graph: &Graph, goal: Goal, inputs: Visibility) -> Self {
        let compiled = compiled(graph, goal, inputs);
        let setup = Setup::insecure(COLUMNS).expect("in range");
        let fixture = Fixture::new(compiled.program.clone(), compiled.weights.clone(), &setup, COLUMNS);
        Self { compiled, fixture }
    }

    /// The answers at places of a text.
    fn answers(&self, ids: &[i64], places: [i64; NEW]) -> Vec<i64> {
        let program = &self.compiled.program;
        let trace = execute(program, &self.compiled.weights, &[ids.to_vec(), places.to_vec()]).expect("it runs");
        trace.values(program, program.outputs[0]).to_vec()
    }

    /// A prompt with the model's answers behind it, token by token, and the places that these answer to.
    fn step_by_step(&self, prompt: &[i64]) -> [Vec<i64>; 2] {
        let mut ids = prompt.to_vec();
        while ids.len() < TOKENS {
            let filled: Vec<i64> = ids.iter().copied().cycle().take(TOKENS).collect();
            ids.push(self.answers(&filled, [ids.len() as i64 - 1; NEW])[0]);
        }
        let last = TOKENS as i64 - 2;
        let places = (0..NEW as i64).map(|n| (prompt.len() as i64 - 1 + n).min(last)).collect();
        [ids, places]
    }
}

#[test]
fn a_completion_in_one_proof_is_that_of_decoding_token_by_token() {
    let graph = language_model(Some(&causal), false);
    for inputs in [Visibility::Public, Visibility::Private] {
        let subject = Subject::new(&graph, GENERATION, inputs);
        for prompt in [&[1, 4][..], &[3, 0], &[2, 2, 1], &[4]] {
            let [ids, places] = subject.step_by_step(prompt);
            let proved = subject.fixture.honest(&[ids.clone(), places.clone()]);
            assert_eq!(subject.fixture.verdict(&proved.proof), Verdict::Accepted);
            let wanted: Vec<i64> = places.iter().map(|&place| ids[place as usize + 1]).collect();
            let shown = [vec![ids], vec![places, wanted]].concat();
            let hidden = usize::from(inputs == Visibility::Private);
            assert_eq!(proved.proof.statement, shown[hidden..], "a private prompt is not shown");
        }
    }
}

#[test]
fn the_answers_are_those_of_the_float_model() {
    let graph = language_model(Some(&causal), false);
    let subject = Subject::new(&graph, GENERATION, Visibility::Public);
    for text in texts() {
        let logits = graph.evaluate(&text).expect("it runs").outputs()[0].clone();
        let ids: Vec<i64> = text[0].iter().map(|&id| id as i64).collect();
        for (place, answer) in subject.answers(&ids, [0, 1, 2, 3]).into_iter().enumerate() {
            let row: Vec<f64> = (0..VOCABULARY).map(|j| logits[[0, place, j]]).collect();
            let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(best - row[answer as usize] < 0.02, "{answer} of {row:?}");
        }
    }
}

#[test]
fn what_a_language_model_foretells_is_reported() {
    let graph = language_model(Some(&causal), false);
    let language = |target_kl| {
        let options = Options { target_kl, ..Options::default() };
        let report = compile(&graph, &texts(), &options).expect("it compiles").report;
        (report.bits, report.language.expect("it is a language model"))
    };
    let (bits, coarse) = language(0.01);
    assert!(coarse.held_out && (coarse.texts, coarse.left_out, coarse.tokens) == (3, 0, 3 * TOKENS), "{coarse:?}");
    assert!(coarse.kl_mean <= 0.01 && coarse.kl_mean <= coarse.kl_max && coarse.top1 > 0.9, "{coarse:?}");
    assert!((coarse.nll_float - coarse.nll_integer).abs() < 0.1, "{coarse:?}");
    let (more_bits, fine) = language(1e-6);
    assert!(fine.kl_mean <= 1e-6 && more_bits > bits, "{fine:?}, {bits} and {more_bits} bits");
    let mut logits_of_one = language_model(Some(&causal), false);
    let logits = logits_of_one.outputs()[0];
    let last = logits_of_one.add_inferred("last", Take { axis: 1, indices: vec![TOKENS - 1] }, &[logits]).expect("it fits");
    logits_of_one.set_output(0, last);
    let report = compile(&logits_of_one, &texts(), &Options::default()).expect("it compiles").report;
    assert_eq!(report.language, None, "nothing is said of most tokens");
}

#[test]
fn forged_completions_are_refused() {
    let subject = Subject::new(&language_model(Some(&causal), false), GENERATION, Visibility::Public);
    let [ids, places] = subject.step_by_step(&[1, 4]);
    let fixture = &subject.fixture;
    let refused = |inputs: &[Vec<i64>], lie: Lie<'_>, broken: &[&str], violated: &[Equation]| {
        let outcome = fixture.tell(inputs, &lie);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert_eq!(outcome.broken, broken);
        assert_eq!(outcome.violated, violated);
    };
    // Another token at the last place, in the text as in the answer: its logit is smaller, whichever it is.
    let last = ids[TOKENS - 1];
    for other in (0..VOCABULARY as i64).filter(|&token| token != last) {
        let forged = [&ids[..TOKENS - 1], &[other]].concat();
        let lie = Lie::none().run("completion", move |tokens| tokens[NEW - 1] = other);
        let violated = [Equation::TreeTopNumerator, Equation::ProductRounds];
        refused(&[forged, places.clone()], lie, &["completion.ahead.high"], &violated);
    }
    // The model's answer, and another token in the text.
    let forged = [&ids[..TOKENS - 1], &[(last + 1) % VOCABULARY as i64]].concat();
    refused(&[forged.clone(), places.clone()], Lie::none(), &["completion.other"], &[Equation::ZeroConstraint]);
    // The logits of another place.
    let swapped = Lie::none().run("completion.logits", |rows| rows.copy_within(0..VOCABULARY, VOCABULARY));
    let outcome = fixture.tell(&[ids.clone(), places.clone()], &swapped);
    assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
    assert!(outcome.violated.contains(&Equation::WaveRounds), "{:?}", outcome.violated);
    // An honest prover says so before it proves anything.
    let refusal = fixture.prover(1).prove(&[forged, places]).expect_err("no proof");
    let ProveError::Execute(ExecuteError::Contradiction { tensor, position }) = refusal else { panic!("{refusal}") };
    assert_eq!((tensor.as_str(), position), ("completion.other", NEW - 1));
}

#[test]
fn of_tied_tokens_the_lowest_is_the_answer() {
    // The last token's logits are the first's.
    let subject = Subject::new(&language_model(Some(&causal), true), GENERATION, Visibility::Public);
    let program = &subject.compiled.program;
    let tied = (0..3125).find_map(|n: i64| {
        let ids: Vec<i64> = (0..TOKENS as u32).map(|t| n / 5i64.pow(t % 5) % 5).collect();
        let at = subject.answers(&ids, [0, 1, 2, 3]).iter().position(|&token| token == 0)?;
        Some((ids, at as i64))
    });
    let (mut ids, place) = tied.expect("the first token is an answer somewhere");
    let inputs = |ids: &[i64]| [ids.to_vec(), vec![place; NEW]];
    ids[place as usize + 1] = 0;
    let trace = execute(program, &subject.compiled.weights, &inputs(&ids)).expect("it runs");
    assert_eq!(check_zeros(program, &trace), Ok(()));
    let last = VOCABULARY as i64 - 1;
    ids[place as usize + 1] = last;
    let lie = Lie::none().run("completion", move |tokens| tokens.fill(last));
    let outcome = subject.fixture.tell(&inputs(&ids), &lie);
    assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
    assert_eq!(outcome.broken, ["completion.ahead.high"]);
    assert_eq!(outcome.violated, [Equation::TreeTopNumerator, Equation::ProductRounds]);
}

#[test]
fn what_is_enforced_bounds_completions_and_likelihoods() {
    let graph = language_model(Some(&causal), false);
    for (goal, inputs) in
        [GENERATION, Goal::Likelihood].into_iter().flat_map(|g| [(g, Visibility::Public), (g, Visibility::Private)])
    {
        let program = compiled(&graph, goal, inputs).program;
        for (tensor, known) in program.tensors.iter().zip(&enforced(&program)) {
            let (lo, hi) = known.unwrap_or_else(|| panic!("nothing bounds `{}`", tensor.name));
            assert!(-(1 << 62) < lo && hi < 1 << 62, "`{}` in {lo}..={hi}", tensor.name);
        }
    }
}

#[test]
fn another_statement_is_another_proof() {
    let subject = Subject::new(&language_model(Some(&causal), false), GENERATION, Visibility::Public);
    let [ids, places] = subject.step_by_step(&[1, 4]);
    let honest = subject.fixture.honest(&[ids, places]).proof;
    // Ids, places and answers, each by one.
    for (list, entry) in [(0, 0), (0, 5), (1, 0), (2, 0), (2, 3)] {
        let mut other = honest.clone();
        let value = &mut other.statement[list][entry];
        *value = (*value + 1) % 5;
        let verdict = subject.fixture.verdict(&other);
        assert!(matches!(verdict, Verdict::Rejected(Reject::Check(_))), "{verdict:?}");
    }
    let mut other = honest;
    other.statement[2][0] = VOCABULARY as i64;
    let interval = Interval::new(0, VOCABULARY as i64 - 1);
    let reason = Misfit::Range { tensor: "completion".into(), value: VOCABULARY as i64, interval };
    assert_eq!(subject.fixture.verdict(&other), Verdict::Rejected(Reject::Statement(reason)));
}

#[test]
fn a_likelihood_is_the_sum_of_the_counted_tokens() {
    let graph = language_model(Some(&causal), false);
    for inputs in [Visibility::Public, Visibility::Private] {
        let subject = Subject::new(&graph, Goal::Likelihood, inputs);
        for (text, counted) in texts().into_iter().zip([[1, 1, 1, 1, 1, 1], [0, 1, 1, 0, 0, 1], [0; 6]]) {
            let logits = graph.evaluate(&text).expect("it runs").outputs()[0].clone();
            let ids: Vec<i64> = text[0].iter().map(|&id| id as i64).collect();
            let one = |t: usize| {
                let row: Vec<f64> = (0..VOCABULARY).map(|j| logits[[0, t - 1, j]]).collect();
                row[ids[t] as usize] - row.iter().map(|v| v.exp()).sum::<f64>().ln()
            };
            let wanted: f64 = (1..TOKENS).filter(|&t| counted[t] == 1).map(one).sum();
            let proved = subject.fixture.honest(&[ids, counted.to_vec()]);
            assert_eq!(subject.fixture.verdict(&proved.proof), Verdict::Accepted);
            let given = subject.compiled.outputs[0].dequantise(&proved.outputs[0])[0];
            assert!((given - wanted).abs() < 0.01, "{given}, not {wanted}");
        }
    }
}

#[test]
fn a_likelihood_of_other_tokens_is_refused() {
    let graph = language_model(Some(&causal), false);
    let ids: Vec<i64> = texts()[1][0].iter().map(|&id| id as i64).collect();
    let inputs = [ids, vec![1; TOKENS]];
    let expected = [
        (Visibility::Public, &[][..], &[Equation::WaveRounds][..]),
        (Visibility::Private, &["log_likelihood.picked"][..], &[Equation::TreeTopNumerator, Equation::ProductRounds][..]),
    ];
    for (visibility, broken, violated) in expected {
        let subject = Subject::new(&graph, Goal::Likelihood, visibility);
        // One token's loss is left out.
        let outcome = subject.fixture.tell(&inputs, &Lie::none().run("log_likelihood.picked", |picked| picked[2] = 0));
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert_eq!(outcome.broken, broken);
        assert_eq!(outcome.violated, violated);
    }
}

/// Why a model cannot be asked for a completion.
fn refusal(graph: &Graph) -> Misposed {
    let options = Options { goal: GENERATION, max_error: 1.0, ..Options::default() };
    match compile(graph, &texts(), &options) {
        Err(CompileError::Goal(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it compiles"),
    }
}

#[test]
fn models_that_look_ahead_are_refused() {
    let shifted = |query: usize, key: usize| key <= query + 1;
    let all = |_: usize, _: usize| true;
    let reversed = |query: usize, key: usize| key >= query;
    let masks: [Option<&dyn Fn(usize, usize) -> bool>; 4] = [None, Some(&shifted), Some(&all), Some(&reversed)];
    for mask in masks {
        let why = refusal(&language_model(mask, false)).to_string();
        assert!(why.contains("not causal: node `attention` (Softmax) lets what is said"), "{why}");
    }
    // What is done to the logits of a causal model.
    let behind = |edit: &dyn Fn(&mut Graph)| {
        let mut graph = language_model(Some(&causal), false);
        edit(&mut graph);
        refusal(&graph).to_string()
    };
    let onto = |graph: &mut Graph, op: zktorch_compiler::ops::Op| {
        let logits = graph.outputs()[0];
        let node = graph.add_inferred("after", op, &[logits]).expect("shapes fit");
        graph.set_output(0, node);
        node
    };
    let why = behind(&|graph| _ = onto(graph, Softmax { axes: vec![1] }.into()));
    assert!(why.contains("node `after` (Softmax) lets"), "{why}");
    let why = behind(&|graph| _ = onto(graph, CumSum { axis: 1, exclusive: false, reverse: true }.into()));
    assert!(why.contains("node `after` (CumSum) moves tokens"), "{why}");
    let why = behind(&|graph| _ = onto(graph, Take { axis: 1, indices: vec![1, 2, 3, 4, 5, 0] }.into()));
    assert!(why.contains("node `after` (Take) moves tokens"), "{why}");
    let why = behind(&|graph| {
        let logits = graph.outputs()[0];
        let mean = onto(graph, Reduce { kind: ReduceKind::Mean, axes: vec![1] }.into());
        let mean = graph.add("mean", zktorch_compiler::ops::Broadcast, &[mean], &[1, TOKENS, VOCABULARY]);
        let sum = graph.add_inferred("sum", Add, &[logits, mean]).expect("shapes fit");
        graph.set_output(0, sum);
    });
    assert!(why.contains("node `after` (ReduceMean) lets"), "{why}");
    // Weights that happen to be triangular: nobody sees those of a key.
    let why = behind(&|graph| {
        let band = ArrayD::from_shape_fn(IxDyn(&[TOKENS, TOKENS]), |at| f64::from(u8::from(at[1] <= at[0])));
        let band = graph.add_constant("band", band);
        let logits = graph.outputs()[0];
        let labels = |text: &str| text.bytes().map(Label).collect::<Vec<_>>();
        let mix = Einsum { lhs: labels("qk"), rhs: labels("bkv"), out: labels("bqv") };
        let mixed = graph.add_inferred("mixed", mix, &[band, logits]).expect("labels fit");
        graph.set_output(0, mixed);
    });
    assert!(why.contains("node `mixed` (Einsum) lets"), "{why}");
    // A sum of what came before is causal.
    let mut graph = language_model(Some(&causal), false);
    onto(&mut graph, CumSum { axis: 1, exclusive: false, reverse: false }.into());
    compiled(&graph, GENERATION, Visibility::Public);
}

#[test]
fn models_of_no_text_are_refused() {
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[1, TOKENS]);
    graph.add_output("y", x);
    assert!(matches!(refusal(&graph), Misposed::Text(got) if got.contains("`x`")));
    let mut graph = language_model(Some(&causal), false);
    graph.add_input_of(Domain::Boolean, "attention_mask", &[1, TOKENS]);
    assert!(matches!(refusal(&graph), Misposed::Text(got) if got.contains("attention_mask")));
    let mut graph = language_model(Some(&causal), false);
    let logits = graph.outputs()[0];
    let last = graph.add_inferred("last", Take { axis: 1, indices: vec![TOKENS - 1] }, &[logits]).expect("shapes fit");
    graph.set_output(0, last);
    assert!(matches!(refusal(&graph), Misposed::Logits { tokens: TOKENS, .. }));
    let options = Options { goal: Goal::Generation { tokens: TOKENS }, ..Options::default() };
    let long = compile(&language_model(Some(&causal), false), &texts(), &options);
    assert!(matches!(long, Err(CompileError::Goal(Misposed::Long { tokens: TOKENS, room: TOKENS }))));
}

#[test]
fn an_audit_tells_a_causal_model_from_another() {
    let graph = language_model(Some(&causal), false);
    for goal in [GENERATION, Goal::Likelihood] {
        let program = compiled(&graph, goal, Visibility::Public).program;
        assert!(audit(&graph, &program).is_ok(), "{goal:?}");
        let shifted = |query: usize, key: usize| key <= query + 1;
        let ahead = audit(&language_model(Some(&shifted), false), &program);
        assert!(matches!(ahead, Err(AuditError::Goal(Misposed::NotCausal(_)))), "{ahead:?}");
        // A mask that is causal, and another one.
        let narrow = |query: usize, key: usize| key <= query && key + 2 >= query;
        let other = audit(&language_model(Some(&narrow), false), &program);
        assert!(matches!(other, Err(AuditError::Differs(_))), "{other:?}");
        // A program that asks less: its answers are held to nothing.
        let mut loose = program.clone();
        loose.zeros.pop();
        assert!(matches!(audit(&graph, &loose), Err(AuditError::Differs(_))));
        let mut loose = program;
        loose.lookups.pop();
        assert!(matches!(audit(&graph, &loose), Err(AuditError::Differs(_))));
    }
}
