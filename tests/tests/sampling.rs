//! Tokens that a language model draws by a seed: what is proved, who is refused, and how near the draws are to the float model's.

use ndarray::{ArrayD, IxDyn};
use sha2::{Digest, Sha256};
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::{Trace, execute};
use zktorch_blocks::program::{Program, Visibility, WORDS};
use zktorch_blocks::transcript::{Check, Equation, Misfit, Reject};
use zktorch_compiler::audit::{AuditError, audit};
use zktorch_compiler::goal::Temperature;
use zktorch_compiler::{CompileError, Compiled, Goal, Misposed, Options, compile};
use zktorch_tests::enforced::enforced;
use zktorch_tests::field_witness::tensor;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::language_model::{TOKENS, VOCABULARY, causal, language_model};
use zktorch_tests::lying::Lie;
use zktorch_verifier::{Unverifiable, Verdict, seed, verify, verify_drawn};

const COLUMNS: u32 = 8;
/// Tokens that are drawn.
const NEW: usize = 4;
const SEED: &[u8] = b"beacon 4711";

fn texts() -> Vec<Vec<ArrayD<f64>>> {
    let text = |seed: usize| {
        let ids = (0..TOKENS).map(|t| ((seed * 7 + t * t * 3 + t * seed) % VOCABULARY) as f64).collect();
        vec![ArrayD::from_shape_vec(IxDyn(&[1, TOKENS]), ids).expect("of the shape")]
    };
    (0..12).map(text).collect()
}

fn goal(temperature: f64) -> Goal {
    Goal::Sample { tokens: NEW, temperature: Temperature::new(temperature).expect("positive") }
}

fn compiled(temperature: f64) -> Compiled {
    let options = Options { goal: goal(temperature), target_kl: 1e-7, ..Options::default() };
    compile(&language_model(Some(&causal), false), &texts(), &options).expect("it compiles")
}

fn run(compiled: &Compiled, ids: &[i64], places: [i64; NEW], words: &[i64]) -> Trace {
    execute(&compiled.program, &compiled.weights, &[ids.to_vec(), places.to_vec(), words.to_vec()]).expect("it runs")
}

fn answers(compiled: &Compiled, ids: &[i64], places: [i64; NEW], words: &[i64]) -> Vec<i64> {
    run(compiled, ids, places, words).values(&compiled.program, compiled.program.outputs[0]).to_vec()
}

/// A prompt with the tokens that are drawn behind it, one by one, the places that these answer to, and the words of the seed.
fn step_by_step(compiled: &Compiled, prompt: &[i64], words: &[i64]) -> [Vec<i64>; 3] {
    let mut ids = prompt.to_vec();
    while ids.len() < TOKENS {
        let filled: Vec<i64> = ids.iter().copied().cycle().take(TOKENS).collect();
        ids.push(answers(compiled, &filled, [ids.len() as i64 - 1; NEW], words)[0]);
    }
    let last = TOKENS as i64 - 2;
    let places = (0..NEW as i64).map(|n| (prompt.len() as i64 - 1 + n).min(last)).collect();
    [ids, places, words.to_vec()]
}

/// The model's keys, and a verifier with a seed.
struct Subject {
    compiled: Compiled,
    fixture: Fixture,
    words: Vec<i64>,
}

impl Subject {
    fn new(temperature: f64) -> Self {
        let compiled = compiled(temperature);
        let setup = Setup::insecure(COLUMNS).expect("in range");
        let mut fixture = Fixture::new(compiled.program.clone(), compiled.weights.clone(), &setup, COLUMNS);
        fixture.seed = Some(SEED);
        let words = seed::words(&fixture.verifying.digest().expect("it encodes"), SEED);
        Self { compiled, fixture, words }
    }

    fn step_by_step(&self, prompt: &[i64]) -> [Vec<i64>; 3] {
        step_by_step(&self.compiled, prompt, &self.words)
    }

    fn refused(&self, inputs: &[Vec<i64>], lie: &Lie<'_>, broken: &[&str], violated: &[Equation]) {
        let outcome = self.fixture.tell(inputs, lie);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert_eq!(
            (outcome.broken, outcome.violated),
            (broken.iter().map(|s| (*s).to_owned()).collect(), violated.to_vec())
        );
    }
}

#[test]
fn a_sample_in_one_proof_is_that_of_drawing_token_by_token() {
    let subject = Subject::new(0.8);
    for prompt in [&[1, 4][..], &[3, 0], &[2, 2, 1], &[4]] {
        let inputs = subject.step_by_step(prompt);
        let proved = subject.fixture.honest(&inputs);
        assert_eq!(subject.fixture.verdict(&proved.proof), Verdict::Accepted);
        let [ids, places, words] = inputs;
        let drawn: Vec<i64> = places.iter().map(|&place| ids[place as usize + 1]).collect();
        assert_eq!(proved.proof.statement, [ids, places, words, drawn]);
    }
}

#[test]
fn a_seed_that_is_not_the_verifiers_is_refused() {
    let subject = Subject::new(0.8);
    let inputs = subject.step_by_step(&[1, 4]);
    let proof = subject.fixture.honest(&inputs).proof;
    let (key, generators) = (&subject.fixture.verifying, Some(&subject.fixture.proving.generators));
    assert_eq!(verify(key, &proof, generators), Err(Unverifiable::NoSeed));
    for other in [&b"beacon 4712"[..], b""] {
        let verdict = verify_drawn(key, &proof, generators, other);
        assert_eq!(verdict, Ok(Verdict::Rejected(Reject::Statement(Misfit::Seed))));
    }
    // The words of another seed, and those of the seed itself, which are not bound to the key.
    let digest: Vec<u8> = Sha256::digest(SEED).to_vec();
    let unbound: Vec<i64> = digest.chunks(2).map(|pair| i64::from(pair[0]) << 8 | i64::from(pair[1])).collect();
    for words in [vec![7; WORDS], unbound] {
        let inputs = step_by_step(&subject.compiled, &[1, 4], &words);
        let proof = subject.fixture.honest(&inputs).proof;
        assert_eq!(subject.fixture.verdict(&proof), Verdict::Rejected(Reject::Statement(Misfit::Seed)));
    }
    // A seed of what is not drawn.
    let greedy = Options { goal: Goal::Generation { tokens: NEW }, ..Options::default() };
    let greedy = compile(&language_model(Some(&causal), false), &texts(), &greedy).expect("it compiles");
    let setup = Setup::insecure(COLUMNS).expect("in range");
    let fixture = Fixture::new(greedy.program, greedy.weights, &setup, COLUMNS);
    let generators = Some(&fixture.proving.generators);
    assert_eq!(verify_drawn(&fixture.verifying, &proof, generators, SEED), Err(Unverifiable::NoDraws));
}

#[test]
fn forged_samples_are_refused() {
    let subject = Subject::new(0.8);
    let [ids, places, words] = subject.step_by_step(&[1, 4]);
    let last = ids[TOKENS - 1];
    let with = |ids: Vec<i64>| [ids, places.clone(), words.clone()];
    let lookup = [Equation::TreeTopNumerator, Equation::ProductRounds];
    // Another token at the last place by the same number, in the text as in the answer.
    for other in (0..VOCABULARY as i64).filter(|&token| token != last) {
        let lie = Lie::none().run("completion", move |tokens| tokens[NEW - 1] = other);
        // The number lies before a later token's part, and behind an earlier one's.
        let broken = if other > last { "completion.past.high" } else { "completion.short.high" };
        let outcome = subject.fixture.tell(&with([&ids[..TOKENS - 1], &[other]].concat()), &lie);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert!(outcome.broken.iter().any(|name| name.starts_with(broken)), "{:?}", outcome.broken);
        assert_eq!(outcome.violated, lookup);
    }
    // The token that was drawn, and another one in the text.
    let forged = with([&ids[..TOKENS - 1], &[(last + 1) % VOCABULARY as i64]].concat());
    subject.refused(&forged, &Lie::none(), &["completion.other"], &[Equation::ZeroConstraint]);
    // The numbers of other places, and numbers of one's own: the verifier has the right ones.
    for part in ["completion.high", "completion.low"] {
        for number in [0, 0x8000, 0xffff, 1 << 20] {
            let lie = Lie::none().run(part, move |words| words[NEW - 1] = number);
            let outcome = subject.fixture.tell(&with(ids.clone()), &lie);
            assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
            assert!(outcome.violated.contains(&Equation::Wave), "{:?}", outcome.violated);
        }
        let lie = Lie::none().run(part, |words| words.swap(0, NEW - 1));
        let outcome = subject.fixture.tell(&with(ids.clone()), &lie);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert!(outcome.violated.contains(&Equation::Wave), "{:?}", outcome.violated);
    }
    // What a product of the number leaves when it is rounded down, by one more and one less.
    for by in [-1, 1] {
        let lie = Lie::none().run("completion.carry", move |carries| carries[0] += by);
        let outcome = subject.fixture.tell(&with(ids.clone()), &lie);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert!(outcome.broken.iter().any(|name| name.starts_with("completion.rest")), "{:?}", outcome.broken);
        assert_eq!(outcome.violated, lookup);
    }
    // A larger sum, so that all numbers move.
    let lie = Lie::none().run("completion.total", |sums| sums[0] += 1 << 20);
    let outcome = subject.fixture.tell(&with(ids.clone()), &lie);
    assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
    assert!(outcome.violated.contains(&Equation::ZeroConstraint), "{:?}", outcome.violated);
}

#[test]
fn a_token_without_weight_is_never_drawn() {
    // At this temperature what lies 0.9 below the largest logit has an exponential below 2^-25.
    let subject = Subject::new(0.05);
    let [ids, places, words] = subject.step_by_step(&[1, 4]);
    let trace = run(&subject.compiled, &ids, places.clone().try_into().expect("as many"), &words);
    let weights = trace.values(&subject.compiled.program, tensor(&subject.compiled.program, "completion.exp"));
    let of_last = &weights[(NEW - 1) * VOCABULARY..];
    let without: Vec<i64> = (0..VOCABULARY as i64).filter(|&token| of_last[token as usize] == 0).collect();
    assert!(!without.is_empty() && !without.contains(&ids[TOKENS - 1]), "{of_last:?}");
    for other in without {
        let lie = Lie::none().run("completion", move |tokens| tokens[NEW - 1] = other);
        let forged = [&ids[..TOKENS - 1], &[other]].concat();
        let outcome = subject.fixture.tell(&[forged, places.clone(), words.clone()], &lie);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert_eq!(outcome.violated, [Equation::TreeTopNumerator, Equation::ProductRounds]);
    }
}

#[test]
fn another_statement_is_another_proof() {
    let subject = Subject::new(0.8);
    let inputs = subject.step_by_step(&[1, 4]);
    let honest = subject.fixture.honest(&inputs).proof;
    // The prompt, the text behind it, places and answers, each by one.
    for (list, entry) in [(0, 0), (0, 1), (0, 4), (1, 0), (3, 0), (3, 3)] {
        let mut other = honest.clone();
        let value = &mut other.statement[list][entry];
        *value = (*value + 1) % 5;
        let verdict = subject.fixture.verdict(&other);
        assert!(matches!(verdict, Verdict::Rejected(Reject::Check(_))), "{verdict:?}");
    }
    let mut other = honest;
    other.statement[2][WORDS - 1] ^= 1;
    assert_eq!(subject.fixture.verdict(&other), Verdict::Rejected(Reject::Statement(Misfit::Seed)));
}

/// The number in `[0, 1)` that a seed and a text give, by the definition.
fn number(words: &[i64], text: &[i64]) -> f64 {
    let mut bytes = b"zktorch/v1/draw".to_vec();
    words.iter().for_each(|&word| bytes.extend((word as u16).to_be_bytes()));
    text.iter().for_each(|token| bytes.extend(token.to_le_bytes()));
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    f64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])) / f64::from(u32::MAX)
}

#[test]
fn draws_are_those_of_the_float_model_but_for_the_edges() {
    let graph = language_model(Some(&causal), false);
    for temperature in [0.3, 0.8, 2.5] {
        let compiled = compiled(temperature);
        let (mut counts, mut wanted, mut edges) = ([0usize; VOCABULARY], [0.0; VOCABULARY], 0);
        for seed in 0..500i64 {
            let text = &texts()[seed as usize % 12];
            let logits = graph.evaluate(text).expect("it runs").outputs()[0].clone();
            let ids: Vec<i64> = text[0].iter().map(|&id| id as i64).collect();
            let words: Vec<i64> = (0..WORDS as i64).map(|n| (seed * 7919 + n * 104_729) % 65_536).collect();
            for (place, drawn) in answers(&compiled, &ids, [0, 2, 3, 4], &words).into_iter().enumerate() {
                let place = [0, 2, 3, 4][place];
                let row: Vec<f64> = (0..VOCABULARY).map(|j| (logits[[0, place, j]] / temperature).exp()).collect();
                let sum: f64 = row.iter().sum();
                let u = number(&words, &ids[..=place]);
                let mut upto = 0.0;
                let ends: Vec<f64> = row.iter().map(|e| (upto += e / sum, upto).1).collect();
                let float = ends.iter().position(|&end| end > u).unwrap_or(VOCABULARY - 1);
                counts[drawn as usize] += 1;
                row.iter().zip(&mut wanted).for_each(|(e, wanted)| *wanted += e / sum);
                if float as i64 != drawn {
                    edges += 1;
                    let nearest = ends.iter().map(|end| (end - u).abs()).fold(1.0, f64::min);
                    assert!(nearest < 1e-3, "{u} at {ends:?} draws {drawn}");
                }
            }
        }
        // Two of 2000 draws lie so near an edge.
        assert!(edges <= 2, "{edges} at {temperature}");
        // Tokens come as often as they are likely: within five standard deviations.
        for (count, wanted) in counts.iter().zip(wanted) {
            assert!((*count as f64 - wanted).abs() <= 5.0 * wanted.sqrt() + 1.0, "{counts:?}, expected {wanted:?}");
        }
    }
}

#[test]
fn what_is_enforced_bounds_samples() {
    let program = compiled(0.8).program;
    for (tensor, known) in program.tensors.iter().zip(&enforced(&program)) {
        let (lo, hi) = known.unwrap_or_else(|| panic!("nothing bounds `{}`", tensor.name));
        assert!(-(1 << 62) < lo && hi < 1 << 62, "`{}` in {lo}..={hi}", tensor.name);
    }
}

#[test]
fn an_audit_tells_temperatures_apart() {
    let graph = language_model(Some(&causal), false);
    let [mild, hot] = [0.8, 1.25].map(|temperature| compiled(temperature).program);
    assert_eq!((Goal::claimed(&mild), Goal::claimed(&hot)), (goal(0.8), goal(1.25)));
    assert!(audit(&graph, &mild).is_ok() && audit(&graph, &hot).is_ok());
    let named =
        |program: &Program| program.tables.iter().find(|t| t.name.contains("temperature")).expect("a table").name.clone();
    let mut lying = hot.clone();
    lying.tables.iter_mut().filter(|t| t.name == named(&hot)).for_each(|t| t.name = named(&mild));
    assert_eq!(Goal::claimed(&lying), goal(0.8));
    assert!(matches!(audit(&graph, &lying), Err(AuditError::Differs(_))));
    // Numbers of another text, and the same number for all that is asked.
    use zktorch_blocks::program::Source;
    let low = tensor(&mild, "completion.low");
    for (other, word) in [("places", 1), ("ids", 0)] {
        let mut loose = mild.clone();
        let other = tensor(&mild, other);
        if let Source::Draws(draws) = &mut loose.tensors[low].source {
            (draws.text, draws.word) = (other, word);
        }
        assert!(matches!(audit(&graph, &loose), Err(AuditError::Differs(_))));
    }
    for loosened in [|p: &mut Program| _ = p.zeros.pop(), |p: &mut Program| _ = p.lookups.pop()] {
        let mut loose = mild.clone();
        loosened(&mut loose);
        assert!(matches!(audit(&graph, &loose), Err(AuditError::Differs(_))));
    }
}

#[test]
fn a_private_text_is_not_sampled() {
    let options = Options { goal: goal(0.8), inputs: Visibility::Private, ..Options::default() };
    let refused = compile(&language_model(Some(&causal), false), &texts(), &options);
    assert!(matches!(refused, Err(CompileError::Goal(Misposed::Hidden))));
    let long =
        Options { goal: Goal::Sample { tokens: TOKENS, temperature: Temperature::new(1.0).expect("positive") }, ..options };
    let refused = compile(&language_model(Some(&causal), false), &texts(), &long);
    assert!(matches!(refused, Err(CompileError::Goal(Misposed::Long { tokens: TOKENS, room: TOKENS }))));
    for no in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Temperature::new(no), None);
    }
}
