//! Programs of one model for texts of different lengths: one commitment to the weights, one model proof.

use ndarray::{ArrayD, IxDyn};
use std::sync::Arc;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::execute;
use zktorch_blocks::program::{GroupMap, Program, Role, Source, Tensor, Visibility, WORDS};
use zktorch_blocks::transcript::{Misfit, Reject};
use zktorch_compiler::audit::{AuditError, audit};
use zktorch_compiler::goal::Temperature;
use zktorch_compiler::graph::Graph;
use zktorch_compiler::ops::Add;
use zktorch_compiler::{CompileError, Compiled, Earlier, Goal, Options, Unlike, compile};
use zktorch_prover::{KeygenError, Randomness, keygen_alike, prove_model};
use zktorch_tests::fixture::{Fixture, ports};
use zktorch_tests::language_model::{TOKENS, VOCABULARY, causal, language_model_of};
use zktorch_verifier::Verdict;
use zktorch_verifier::model::{Level, verify_model};

const COLUMNS: u32 = 8;
const SHORT: usize = 3;

fn texts(tokens: usize) -> Vec<Vec<ArrayD<f64>>> {
    let text = |seed: usize| {
        let ids = (0..tokens).map(|t| ((seed * 7 + t * t * 3 + t * seed) % VOCABULARY) as f64).collect();
        vec![ArrayD::from_shape_vec(IxDyn(&[1, tokens]), ids).expect("of the shape")]
    };
    (0..12).map(text).collect()
}

fn model(tokens: usize) -> Graph {
    language_model_of(tokens, Some(&causal), false)
}

fn options(goal: Goal) -> Options {
    Options { goal, target_kl: 1e-7, ..Options::default() }
}

fn longest(goal: Goal) -> Compiled {
    compile(&model(TOKENS), &texts(TOKENS), &options(goal)).expect("it compiles")
}

fn alike(graph: &Graph, tokens: usize, earlier: &Compiled, options: Options) -> Result<Compiled, CompileError> {
    let Compiled { program, weights, .. } = earlier.clone();
    compile(graph, &texts(tokens), &Options { alike: Some(Arc::new(Earlier { program, weights })), ..options })
}

fn fixture(compiled: &Compiled) -> Fixture {
    let setup = Setup::insecure(COLUMNS).expect("in range");
    Fixture::new(compiled.program.clone(), compiled.weights.clone(), &setup, COLUMNS)
}

/// Inputs of a program: a text of so many tokens, and what is asked about it. What a completion shows is the model's answer.
fn inputs(goal: Goal, compiled: &Compiled, tokens: usize) -> Vec<Vec<i64>> {
    let text: Vec<i64> = (0..tokens as i64).map(|t| (3 * t + 1) % VOCABULARY as i64).collect();
    match goal {
        Goal::Outputs => vec![text],
        Goal::Generation { tokens } | Goal::Sample { tokens, .. } => {
            let mut all = vec![text, vec![0; tokens]];
            all.extend(matches!(goal, Goal::Sample { .. }).then(|| vec![7; WORDS]));
            all[0][1] = outputs(compiled, &all)[0];
            all
        }
        Goal::Likelihood => vec![text, (0..tokens).map(|t| i64::from(t > 0)).collect()],
    }
}

fn outputs(Compiled { program, weights, .. }: &Compiled, inputs: &[Vec<i64>]) -> Vec<i64> {
    execute(program, weights, inputs).expect("it runs").values(program, program.outputs[0]).to_vec()
}

#[test]
fn one_model_proof_is_good_for_programs_of_all_lengths_and_questions() {
    let goals = [Goal::Outputs, Goal::Generation { tokens: 1 }, Goal::Likelihood];
    for of in goals {
        let long = longest(of);
        let keys = fixture(&long);
        let mut randomness = Randomness::insecure_seed(3);
        let proof = prove_model(&keys.proving, &keys.verifying, Level::Widths, &mut randomness, &mut |_, _| ());
        let proof = proof.expect("honest weights prove");
        let lengths = goals.into_iter().flat_map(|goal| [2, SHORT, TOKENS].map(|tokens| (goal, tokens)));
        for (goal, tokens) in lengths.filter(|&(goal, tokens)| (goal, tokens) != (of, TOKENS)) {
            // Whether a text is shown is no matter of the model.
            let inputs_are = if tokens == SHORT { Visibility::Private } else { Visibility::Public };
            let options = Options { inputs: inputs_are, ..options(goal) };
            let short = alike(&model(tokens), tokens, &long, options).expect("it compiles");
            assert_eq!(audit(&model(tokens), &short.program).expect("the model's"), []);
            let own = keys.alike(short.program.clone());
            assert_eq!(own.verifying.model_digest(), keys.verifying.model_digest());
            assert_ne!(own.verifying.digest(), keys.verifying.digest());
            assert_eq!(verify_model(&own.verifying, &proof, Some(&own.proving.generators)), Ok(Verdict::Accepted));
            let proved = own.honest(&inputs(goal, &short, tokens));
            assert_eq!(own.verdict(&proved.proof), Verdict::Accepted, "{goal:?} {tokens}");
            let other = Verdict::Rejected(Reject::Statement(Misfit::Key));
            assert_eq!(keys.verdict(&proved.proof), other, "a proof is of its program alone");
        }
    }
}

#[test]
fn a_shorter_text_gets_the_integers_that_it_gets_in_a_longer_one() {
    let long = longest(Goal::Outputs);
    let text = inputs(Goal::Outputs, &long, TOKENS);
    let all = outputs(&long, &text);
    for tokens in 2..TOKENS {
        let short = alike(&model(tokens), tokens, &long, options(Goal::Outputs)).expect("it compiles");
        assert_eq!(outputs(&short, &[text[0][..tokens].to_vec()]), all[..tokens * VOCABULARY]);
        assert!(short.report.language.expect("it is a language model").kl_mean < 1e-6);
    }
}

#[test]
fn a_shorter_text_is_drawn_as_a_longer_one() {
    let goal = |temperature| Goal::Sample { tokens: 1, temperature: Temperature::new(temperature).expect("positive") };
    let long = longest(goal(0.8));
    let short = alike(&model(SHORT), SHORT, &long, options(goal(0.8))).expect("it compiles");
    let [all, front] = [(&long, TOKENS), (&short, SHORT)].map(|(compiled, tokens)| inputs(goal(0.8), compiled, tokens));
    for word in 0..40 {
        let drawn = |compiled, text: &[i64]| outputs(compiled, &[text.to_vec(), vec![1], vec![word; WORDS]]);
        assert_eq!(drawn(&short, &front[0]), drawn(&long, &[&front[0], &all[0][SHORT..]].concat()));
    }
    // A program at another temperature is another one, on the same weights.
    let hot = alike(&model(SHORT), SHORT, &long, options(goal(2.0))).expect("it compiles");
    for (program, temperature) in [(&short.program, 0.8), (&hot.program, 2.0)] {
        assert_eq!(Goal::claimed(program), goal(temperature));
        assert_eq!(audit(&model(SHORT), program).expect("the model's"), []);
    }
}

#[test]
fn tables_by_position_are_committed_once_and_looked_at_from_the_front() {
    let long = longest(Goal::Outputs);
    let short = alike(&model(SHORT), SHORT, &long, options(Goal::Outputs)).expect("it compiles").program;
    let weights = |program: &Program| -> Vec<Vec<usize>> {
        program.tensors.iter().filter(|t| t.role() == Role::Weight).map(|t| t.shape.dims().to_vec()).collect()
    };
    assert_eq!(weights(&short), weights(&long.program));
    let fronts: Vec<&Tensor> = short.tensors.iter().filter(|t| t.name.ends_with(".front")).collect();
    assert_eq!(
        fronts.iter().map(|t| t.shape.dims()[0]).collect::<Vec<_>>(),
        [SHORT],
        "positions alone are by the text's length"
    );
}

#[test]
fn an_audit_tells_a_shorter_program_from_another_model() {
    for goal in [Goal::Outputs, Goal::Generation { tokens: 1 }] {
        let long = longest(goal);
        let short = alike(&model(SHORT), SHORT, &long, options(goal)).expect("it compiles").program;
        assert_eq!(audit(&model(SHORT), &short).expect("the model's"), []);
        for other in [model(SHORT + 1), language_model_of(SHORT, Some(&|_, key| key == 0), false)] {
            let error = audit(&other, &short).expect_err("another model");
            assert!(matches!(error, AuditError::Differs(_) | AuditError::Lower(_) | AuditError::Goal(_)), "{error}");
        }
        // A view of other rows than the first, which would give tokens other positions.
        let mut moved = short.clone();
        let front = moved.tensors.iter_mut().find(|t| t.name.ends_with(".front")).expect("positions");
        let Source::View(view) = &mut front.source else { panic!("a view") };
        for group in &mut view.groups {
            if let GroupMap::Affine { offset, .. } = &mut group.map {
                *offset += 1;
            }
        }
        assert!(matches!(audit(&model(SHORT), &moved), Err(AuditError::Differs(_))));
        // Extents that no committed tensor has.
        for (at, extent) in short.annotations.iter().enumerate().filter(|(_, note)| **note == TOKENS as i64) {
            for forged in [extent + 1, 1 << 40, SHORT as i64 - 1, -1, i64::MAX] {
                let mut key = short.clone();
                key.annotations[at] = forged;
                assert!(audit(&model(SHORT), &key).is_err(), "{at} {forged}");
            }
        }
    }
}

#[test]
fn what_is_not_the_same_model_is_refused() {
    let long = longest(Goal::Outputs);
    let refused = |graph: &Graph, tokens, options| alike(graph, tokens, &long, options).err().expect("refused").to_string();
    let own = || options(Goal::Outputs);
    // Other weights, in one column of the head.
    let tied = language_model_of(SHORT, Some(&causal), true);
    let error = refused(&tied, SHORT, own());
    assert!(
        error.contains("other integers are committed to as `logits.weight`") && error.contains("is it the same model?"),
        "{error}"
    );
    // A text that is longer than the committed table.
    let longer = model(TOKENS + 1);
    let error = refused(&longer, TOKENS + 1, own());
    assert!(error.contains("extent of a committed weight is 6 by the annotations, expected 7"), "{error}");
    // A model of other inputs.
    let mut sum = Graph::new();
    let x = sum.add_input("x", &[1, SHORT]);
    let twice = sum.add_inferred("y", Add, &[x, x]).expect("shapes fit");
    sum.add_output("y", twice);
    let error = refused(&sum, SHORT, own());
    assert!(error.contains("6 more weights are committed to than the model has; hint: is it the same model?"), "{error}");
    let two = |graph: &mut Graph| graph.add_input("z", &[1, SHORT]);
    two(&mut sum);
    let samples: Vec<_> = texts(SHORT).into_iter().map(|text| [text.clone(), text].concat()).collect();
    let Compiled { program, weights, .. } = long.clone();
    let earlier = Some(Arc::new(Earlier { program, weights }));
    let error = compile(&sum, &samples, &Options { alike: earlier, ..own() }).err();
    assert!(matches!(error, Some(CompileError::Unlike(Unlike::Inputs))), "{error:?}");
    // Keys for weights of other shapes.
    let keys = fixture(&long);
    let other = compile(&model(SHORT), &texts(SHORT), &own()).expect("it compiles").program;
    let made = keygen_alike(other.clone(), ports(&other), (&keys.proving, &keys.verifying));
    assert_eq!(made.err(), Some(KeygenError::Model));
}
