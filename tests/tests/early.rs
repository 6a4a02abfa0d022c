//! What breaks if a challenge is known too early: for each, a prover with a false witness or statement who is accepted by a verifier
//! whose challenges are known beforehand, and refused if they are hashed.

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, Zero};
use ark_serialize::CanonicalSerialize;
use std::collections::BTreeMap;
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::close::ClearClaim;
use zktorch_accumulator::decider::{Claim, Key, decide};
use zktorch_accumulator::form::Form;
use zktorch_accumulator::setup::constants::inner_product_base;
use zktorch_accumulator::setup::{Setup, VerifierSetup};
use zktorch_blocks::add::Polynomial;
use zktorch_blocks::field::{Fr, dot, from_i64, powers};
use zktorch_blocks::lookup::TAIL;
use zktorch_blocks::program::Role;
use zktorch_blocks::transcript::{Constraint, Reject, Slot, Transcript};
use zktorch_prover::Randomness;
use zktorch_tests::cure::cure;
use zktorch_tests::data::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::fraction;
use zktorch_tests::lying::{Lie, Outcome};
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;

/// Challenges known beforehand.
fn coins() -> Vec<Fr> {
    let mut random = Randomness::insecure_seed(17);
    (0..1 << 12).map(|_| random.scalar()).collect()
}

/// The challenge that is the `n`-th after the messages before the first of a label.
fn challenge(outcome: &Outcome, label: &str, n: usize) -> Fr {
    let before = outcome.log.iter().position(|e| e.label == label).expect("sent");
    outcome.draws.iter().filter(|d| d.after == before).nth(n).expect("drawn").value
}

struct Liar {
    fixture: Fixture,
    inputs: [Vec<i64>; 1],
}

impl Liar {
    fn new() -> Self {
        let (fixture, input) = Fixture::toy(&Toy::default(), 10);
        Self { fixture, inputs: [input] }
    }

    fn tell(&self, lie: &Lie<'_>) -> Outcome {
        self.fixture.tell(&self.inputs, lie)
    }

    /// The lie works if the challenges are known, and does not if they are hashed.
    fn works_if_known(&self, lie: impl Fn() -> Lie<'static>, violated: &[&str]) {
        let known = self.tell(&lie().knowing(coins()));
        assert_eq!(known.verdict, Verdict::Accepted);
        assert_eq!(known.violated, violated);
        let hashed = self.tell(&lie());
        assert_ne!(hashed.violated, [""; 0]);
        assert_eq!(hashed.reason(), &Reject::Check("relaxed equation"));
    }

    /// A lie that violates the constraints named, until a message is chosen with all later challenges in mind.
    fn cured(
        &self,
        lie: impl Fn() -> Lie<'static>,
        violated: &[&str],
        message: (&'static str, usize),
        free: impl Fn(&Outcome, usize) -> bool,
    ) {
        let first = self.tell(&lie().knowing(coins()));
        assert_eq!(first.violated, violated);
        let patch = cure(&first, message, |at| free(&first, at), |_| true).expect("a way out");
        self.works_if_known(|| lie().hidden(message.0, message.1, add(patch.clone())), &[]);
    }
}

fn add(patch: Vec<Fr>) -> impl Fn(&mut Vec<Fr>) {
    move |values| values.iter_mut().zip(&patch).for_each(|(v, p)| *v += p)
}

/// An output that the network does not have.
fn fake_output() -> Lie<'static> {
    Lie::none().statement(|s| s[0][0] += 7)
}

/// A committed activation that evaluations deny.
fn other_rows() -> Lie<'static> {
    Lie::none().data(|d: &mut Data<'_>| {
        let id = Polynomial::Tensor(tensor(d.program, "f1"));
        let mut rows = d.values[&id].clone();
        rows[2] += from_i64(9);
        d.rows.insert(id, rows);
    })
}

/// Whether a scalar of the message `tree top` is a numerator: layer `k` has `2^k` of them, and as many denominators.
fn is_numerator(at: usize) -> bool {
    let layer = (at + 3).ilog2() - 1;
    at > 0 && at + 3 - (2 << layer) < 1 << layer
}

#[test]
fn fingerprints() {
    // alpha and beta before the multiplicities: one multiplicity makes the fractions sum to zero.
    let [alpha, beta] = [coins()[0], coins()[1]];
    Liar::new().works_if_known(
        || {
            Lie::none().run("y1", |v| v[8] -= 1).data(move |d: &mut Data<'_>| {
                let excess = fraction::sum(d, [alpha, beta, beta.square()]);
                let tag = d.program.tables.iter().position(|t| t.name == "y1.rem").expect("a table") as i64 + 1;
                d.counts("y1.rem")[0] += excess * (alpha + beta.square() * from_i64(tag));
            })
        },
        &[],
    );
}

#[test]
fn the_point_below_the_tree_top() {
    Liar::new().cured(
        || Lie::none().run("y1", |v| v[8] += 1),
        &["tree top numerator"],
        ("tree top", 0),
        |_, at| is_numerator(at),
    );
}

#[test]
fn rounds_of_the_tree() {
    // Numerators that make the root zero move the error to the first layer that has rounds.
    let liar = Liar::new();
    let lie = || Lie::none().run("y1", |v| v[8] += 1);
    let first = liar.tell(&lie().knowing(coins()));
    let root = |c: &Constraint| c.label == "tree top numerator";
    let patch = cure(&first, ("tree top", 0), is_numerator, root).expect("a way out");
    liar.cured(|| lie().hidden("tree top", 0, add(patch.clone())), &["tree rounds"], ("tree rounds", 0), |_, _| true);
}

#[test]
fn the_line_between_children() {
    // A last round that keeps its sum is followed by children whose errors cancel at the point below.
    let bump = || Lie::none().hidden("tree rounds", 0, |v| v[2] += from_i64(1));
    let numerators = 2 << TAIL;
    Liar::new().cured(bump, &["tree layer"], ("tree children", 0), move |_, at| at < numerators);
}

#[test]
fn the_weights_of_a_wave() {
    // The two results of matmuls, told so that the leaves agree and the batched claim stays what it is.
    let program = Toy::default().program();
    Liar::new().cured(
        fake_output,
        &["leaf denominator"],
        ("leaf values", 0),
        |outcome, at| matches!(outcome.answers[at].0, Polynomial::Tensor(id) if program.tensors[id].role() == Role::Virtual),
    );
}

#[test]
fn rounds_of_a_wave() {
    Liar::new().cured(|| Lie::none().run("x2", |v| v[0] += 32), &["wave rounds"], ("wave rounds", 0), |_, _| true);
}

#[test]
fn the_weights_of_claims() {
    Liar::new().cured(other_rows, &["masked value"], ("leaf values", 0), |_, _| true);
}

#[test]
fn the_fold() {
    for level in 0..4 {
        Liar::new().cured(other_rows, &["masked value"], ("cross terms", level), |_, _| true);
    }
}

#[test]
fn the_mask() {
    Liar::new().cured(other_rows, &["masked value"], ("mask value", 0), |_, _| true);
}

#[test]
fn the_batching_of_constraints() {
    // The value of the mask, whose constraint is the last, makes up for whatever else does not hold.
    let liar = Liar::new();
    let first = liar.tell(&fake_output().knowing(coins()));
    assert_eq!(first.violated, ["leaf denominator"]);
    let zeta = powers(challenge(&first, "mask of hidden scalars", 0), first.constraints.len());
    let residual: Fr = first
        .constraints
        .iter()
        .zip(&zeta)
        .filter(|(c, _)| c.label == "leaf denominator")
        .map(|(c, z)| *z * c.form.evaluate(&first.scalars, Fr::ONE))
        .sum();
    let patch = -residual * zeta.last().and_then(Fr::inverse).expect("random");
    liar.works_if_known(|| fake_output().hidden("mask value", 0, add(vec![patch])), &["leaf denominator", "masked value"]);
}

#[test]
fn the_weights_of_slots() {
    // Two late messages rewrite an early one: their strays add up to the change, and with the weights to the weighted change.
    let liar = Liar::new();
    let program = Toy::default().program();
    let first = liar.tell(&fake_output().knowing(coins()));
    let free =
        |at: usize| matches!(first.answers[at].0, Polynomial::Tensor(id) if program.tensors[id].role() == Role::Virtual);
    let patch = cure(&first, ("leaf values", 0), free, |_| true).expect("a way out");
    let number = |label: &str| first.messages.iter().rposition(|m| m.label == label).expect("a message");
    let (early, late, last) = (number("leaf values"), number("cross terms"), number("mask value"));
    let weights = powers(challenge(&first, "mask of hidden scalars", 1), last + 2);
    let [early_weight, late_weight, last_weight] = [early, late, last].map(|n| weights[n + 1]);
    let share = (early_weight - last_weight) * (late_weight - last_weight).inverse().expect("random");
    let slot = first.messages[early].slot;
    let delta: BTreeMap<usize, (Slot, Fr)> = patch
        .iter()
        .enumerate()
        .filter(|(_, d)| !d.is_zero())
        .map(|(at, &d)| (first.messages[early].first + at, (Slot { column: slot.column + at, len: 1, ..slot }, d)))
        .collect();
    let scaled = |by: Fr| delta.values().map(|(s, d)| (s.column, by * d)).collect::<Vec<_>>();
    let (moved, taken) = (scaled(share), scaled(-share));
    let level = first.messages.iter().filter(|m| m.label == "cross terms").count() - 1;
    let lie = || {
        let (moved, taken) = (moved.clone(), taken.clone());
        let lie = fake_output().off_slot(delta.clone());
        lie.stray("cross terms", level, move |_, _| moved.clone()).stray("mask value", 0, move |_, _| taken.clone())
    };
    assert_eq!(liar.tell(&lie().knowing(coins())).verdict, Verdict::Accepted);
    assert_eq!(liar.tell(&lie()).reason(), &Reject::Check("relaxed equation"));
}

/// Scalars that look random.
fn random(n: usize) -> Vec<Fr> {
    coins().into_iter().skip(100).take(n).collect()
}

/// A claim that the zero vector, committed in the identity, has the inner product one with a form: the decider of a false claim.
fn decide_one(key: &Key<'_>, t: &mut Transcript<'_>) -> Result<(), Reject> {
    let form = Form::eq(random(3));
    let claim = Claim { commitment: G1Projective::zero(), form: &form, value: from_i64(1) };
    decide(t, key, 3, &claim, None)
}

fn scalar(x: Fr) -> Vec<u8> {
    let mut bytes = Vec::new();
    x.serialize_compressed(&mut bytes).expect("a vector takes all");
    bytes
}

fn point(x: G1Projective) -> Vec<u8> {
    let mut bytes = Vec::new();
    x.into_affine().serialize_compressed(&mut bytes).expect("a vector takes all");
    bytes
}

#[test]
fn the_point_of_the_kzg_decider() {
    // W = 0. With S = c the equation -z c - c/z = 2 has a solution, and nothing is left to divide. On the Ethereum ceremony's key.
    let key = VerifierSetup::Ethereum.key(None).expect("embedded");
    let z = random(9)[8];
    let c = -from_i64(2) * (z + z.inverse().expect("random")).inverse().expect("random");
    let proof = [scalar(Fr::zero()), point(G1Affine::generator() * c), scalar(-z * c), point(G1Projective::zero())].concat();
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof).tossed(vec![z])), Ok(()));
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof)), Err(Reject::Check("decider pairing")));
}

#[test]
fn rounds_of_the_inner_product() {
    // One left point takes away the value.
    let setup = Setup::transparent(8).expect("in range");
    let key = setup.verifier.key(Some(&setup.generators)).expect("its own generators");
    let (scale, x) = (random(9)[7], random(9)[8]);
    let left = inner_product_base() * (-scale * x.inverse().expect("random"));
    let (nothing, no_scalar) = (point(G1Projective::zero()), scalar(Fr::zero()));
    let proof = [no_scalar.clone(), point(left), nothing.repeat(5), no_scalar].concat();
    let coins = vec![scale, x, from_i64(3), from_i64(5)];
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof).tossed(coins)), Ok(()));
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof)), Err(Reject::Check("ipa final")));
}

#[test]
fn the_clear_fold() {
    // Two claims on vectors, the first of a false value: the cross term makes up for it.
    let (r, [w1, w2, f1, f2]) = (random(1)[0], [0, 1, 2, 3].map(|i| random(20)[4 * i..4 * i + 4].to_vec()));
    let claims = |wrong: Fr| {
        let claim = |w: &[Fr], f: &[Fr], value| ClearClaim {
            commitment: Vec::new(),
            form: Form::dense(f.to_vec()),
            value,
            witness: Some((w.to_vec().into(), Fr::zero())),
        };
        vec![claim(&w1, &f1, dot(&w1, &f1) + wrong), claim(&w2, &f2, dot(&w2, &f2))]
    };
    let is_true = |c: &ClearClaim| c.witness.as_ref().is_some_and(|(w, _)| dot(w, &c.form.to_dense(4)) == c.value);
    let honest = dot(&w1, &f2) + dot(&w2, &f1);
    let wrong = from_i64(9);
    let folded = |cross: Fr, known: bool| {
        let proof = scalar(cross);
        let t = Transcript::verifier("", 1, &proof);
        let mut t = if known { t.tossed(vec![r]) } else { t };
        // The witnesses tell whether the claim is true; what is sent is read.
        fold_clear(&mut t, 4, claims(wrong)).expect("one scalar")
    };
    let cure = honest - wrong * r.inverse().expect("random");
    assert!(!is_true(&folded(honest, true)) && is_true(&folded(cure, true)));
    assert!(!is_true(&folded(honest, false)) && !is_true(&folded(cure, false)));
}
