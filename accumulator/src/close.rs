//! Closing the hidden scalars: one relaxed quadratic equation on a masked copy of all of them (HyperNova's zero-knowledge by
//! folding, ePrint 2023/573; BlindFold), and the proof that every message lies on its own slot (PROTOCOL, C1).
//!
//! With `u` the hidden scalars, `P(u) = sum_t A_t(u) B_t(u) + ell(u) + c` the constraints batched by `zeta`, and `s` uniformly
//! random, the prover opens `z = s + h u`, which satisfies `sum A_t(z, h) B_t(z, h) + h ell(z) + h^2 c = e_0 + h e_1`, where
//! `A(z, h)` is the form homogenised. That `u` is what the messages commit to, each on its slot, is the equation
//! `D z = D s + h D u` of commitments with `D` the diagonal of powers of `kappa`, one a message.

use crate::form::Form as LinearForm;
use crate::msm;
use ark_bls12_381::{G1Affine, G1Projective};
use ark_ff::{AdditiveGroup, Field};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};
use zktorch_blocks::field::{Fr, dot, eq_table, powers};
use zktorch_blocks::sumcheck::Degree;
use zktorch_blocks::transcript::{Form, Message, Piece, Product, Reject, Transcript, check};

/// Claims that a segment of hidden scalars leaves: on `z` and on `D z`.
pub const CLAIMS: usize = 2;

/// A claim `<w, form> = value` in the clear; the commitment is a combination of points.
#[derive(Clone)]
pub struct ClearClaim {
    /// Points and coefficients.
    pub commitment: Vec<(Fr, G1Affine)>,
    /// The linear form.
    pub form: LinearForm,
    /// The value.
    pub value: Fr,
    /// The vector and its blinder, on the prover's side.
    pub witness: Option<(Zeroizing<Vec<Fr>>, Fr)>,
}

/// The two generators that the verifier itself uses: `G_0` and `H`.
#[derive(Clone, Copy, Debug)]
pub struct Bases {
    /// `G_0`.
    pub first: G1Affine,
    /// `H`.
    pub blinding: G1Affine,
}

/// The constraints in one: `sum_t a_t b_t + linear = 0`.
struct Batched {
    products: Vec<Product>,
    linear: Form,
}

/// Where the scalars and messages lie.
struct Slots {
    width: usize,
    segments: usize,
    /// Position of each scalar in the concatenated segments, and its message.
    scalars: Vec<(usize, usize)>,
    /// The messages.
    messages: Vec<Message>,
}

/// What the prover keeps in mind: `s`, `u` and the blinders of their commitments.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Masks {
    u: Vec<Fr>,
    s: Vec<Fr>,
    plain: Vec<Fr>,
    weighted: Vec<Fr>,
    error: [Fr; 2],
    errors: [Fr; 2],
}

/// Proves that the hidden scalars satisfy all constraints. Returns the clear claims that are left, two a segment.
///
/// # Transcript
/// Draws `zeta`, `kappa`; sends `Com(s)` and `Com(D s)` a segment, `Com(e_0)`, `Com(e_1)`; draws `h`; sends the error term's
/// opening, the two parts of the equation, a sumcheck over the products, and the values of the linear forms. No hidden
/// message may follow.
///
/// # Soundness
/// `(constraints + messages + 2 + 3 log products + S m) / |F|`. The caller owes the decision of the claims returned.
///
/// # Errors
/// The name of the equation that fails.
pub fn close(t: &mut Transcript<'_>, bases: &Bases) -> Result<Vec<ClearClaim>, Reject> {
    let (zeta, kappa) = (t.challenge(), t.challenge());
    let batched = Batched::new(t, zeta);
    let slots = Slots::new(t);
    let weights: Vec<Fr> = powers(kappa, slots.messages.len()).into_iter().map(|k| k * kappa).collect();
    let mut masks = t.is_prover().then(|| Masks::draw(t, &batched, &slots)).flatten();
    let (plain, weighted) = mask_commitments(t, &slots, &weights, masks.as_ref())?;
    let errors = error_commitments(t, masks.as_mut())?;
    let h = t.challenge();
    let z: Option<Zeroizing<Vec<Fr>>> =
        masks.as_ref().map(|m| m.s.iter().zip(&m.u).map(|(s, u)| *s + h * u).collect::<Vec<Fr>>().into());
    let error = t.scalar("error term", masks.as_ref().map(|m| m.error[0] + h * m.error[1]))?;
    let blinder = t.scalar("error blinder", masks.as_ref().map(|m| m.errors[0] + h * m.errors[1]))?;
    let opened = msm::sum(&[errors[0], errors[1], bases.first, bases.blinding], &[Fr::ONE, h, -error, -blinder]);
    check(opened == G1Projective::ZERO, "error term opening")?;

    let products_sum = z.as_ref().map(|z| {
        batched.products.iter().map(|Product(a, b)| a.evaluate(z, h) * b.evaluate(z, h)).sum::<Fr>()
    });
    let products = t.scalar("products", products_sum)?;
    let linear = t.scalar("linear part", z.as_ref().map(|z| batched.linear.evaluate(z, Fr::ZERO)))?;
    let equation = products + h * linear + h.square() * batched.linear.constant;
    check(equation == error, "relaxed equation")?;
    let (form, target) = reduce_products(t, &batched, products, linear, h, z.as_ref().map(|z| z.as_slice()))?;

    Opening { h, slots: &slots, weights: &weights, z: z.as_ref().map(|z| z.as_slice()), masks: masks.as_ref() }.claims(
        t,
        &form,
        target,
        [&plain, &weighted],
    )
}

/// The masked copy `z` of the hidden scalars, about to be claimed in the clear.
struct Opening<'a> {
    h: Fr,
    slots: &'a Slots,
    /// Powers of `kappa`, one a message.
    weights: &'a [Fr],
    z: Option<&'a [Fr]>,
    masks: Option<&'a Masks>,
}

impl Opening<'_> {
    /// The claims that `form` has the value `target` on `z`, and that `D z` is what the weighted commitments hold: two a segment.
    fn claims(
        &self,
        t: &mut Transcript<'_>,
        form: &Form,
        target: Fr,
        masks: [&[G1Affine]; 2],
    ) -> Result<Vec<ClearClaim>, Reject> {
        let slots = self.slots;
        let theta = t.challenge();
        let linear = slots.scatter(&coefficients(form, slots.scalars.len()), None);
        let support: Vec<Fr> = powers(theta, slots.segments * slots.width).into_iter().map(|p| p * theta).collect();
        let vectors = self.z.map(|z| Zeroizing::new([slots.scatter(z, None), slots.scatter(z, Some(self.weights))]));
        let values_of = |which: usize, form: &[Fr]| -> Option<Vec<Fr>> {
            let vector = vectors.as_ref()?.get(which)?;
            Some(vector.chunks(slots.width).zip(form.chunks(slots.width)).map(|(v, f)| dot(v, f)).collect())
        };
        let values = send(t, "linear forms", slots.segments, values_of(0, &linear))?;
        check(values.iter().sum::<Fr>() == target, "linear forms on z")?;
        let support_values = send(t, "slot support", slots.segments, values_of(1, &support))?;
        let omega = t.challenge();
        // <D z, q> = <z, D q>: the second form joins the first on z.
        let diagonal = slots.scatter(&vec![Fr::ONE; slots.scalars.len()], Some(self.weights));
        let joined: Vec<Fr> = linear.iter().zip(&diagonal).zip(&support).map(|((l, d), q)| *l + omega * d * q).collect();
        let blinders = t.secrets().map(|s| Zeroizing::new(s.blinders().to_vec()));
        let mut claims = Vec::with_capacity(CLAIMS * slots.segments);
        for (j, (&value, &support_value)) in values.iter().zip(&support_values).enumerate() {
            let segment = |v: &[Fr]| v.chunks(slots.width).nth(j).unwrap_or_default().to_vec();
            for (which, form, value) in [(0, &joined, value + omega * support_value), (1, &support, support_value)] {
                let mask = masks.get(which).and_then(|m| m.get(j)).map(|&c| (Fr::ONE, c));
                let messages = self.coefficients(j, which == 1).map(|(c, i)| (c, slots.messages.get(i)));
                let commitment = mask.into_iter().chain(messages.filter_map(|(c, m)| Some((c, m?.commitment)))).collect();
                let vector = vectors.as_ref().and_then(|v| v.get(which)).map(|v| Zeroizing::new(segment(v)));
                let witness = vector.zip(blinders.as_ref().and_then(|b| self.blinder(j, which, b)));
                claims.push(ClearClaim { commitment, form: LinearForm::dense(segment(form)), value, witness });
            }
        }
        Ok(claims)
    }

    /// The messages of a segment with their coefficients in the commitment to `z`, or to `D z`.
    fn coefficients(&self, segment: usize, weighted: bool) -> impl Iterator<Item = (Fr, usize)> {
        // Segments are filled one after the other.
        let messages = &self.slots.messages;
        let first = messages.partition_point(|m| m.slot.segment < segment);
        let end = messages.partition_point(|m| m.slot.segment <= segment);
        let own = messages.iter().zip(self.weights).enumerate().take(end).skip(first);
        own.map(move |(i, (_, &kappa))| (if weighted { self.h * kappa } else { self.h }, i))
    }

    /// The blinder of that commitment.
    fn blinder(&self, segment: usize, which: usize, messages: &[Fr]) -> Option<Fr> {
        let masks = self.masks?;
        let own = if which == 1 { &masks.weighted } else { &masks.plain };
        let sum: Fr = self.coefficients(segment, which == 1).filter_map(|(c, i)| Some(c * messages.get(i)?)).sum();
        Some(*own.get(segment)? + sum)
    }
}

impl Batched {
    fn new(t: &Transcript<'_>, zeta: Fr) -> Self {
        let mut weight = Fr::ONE;
        let mut batched = Self { products: Vec::new(), linear: Form::ZERO };
        for constraint in t.hidden().constraints() {
            batched.products.extend(constraint.products.iter().map(|Product(a, b)| Product(a.clone() * weight, b.clone())));
            batched.linear.add_scaled(weight, &constraint.form);
            weight *= zeta;
        }
        batched
    }
}

impl Slots {
    fn new(t: &Transcript<'_>) -> Self {
        let hidden = t.hidden();
        let mut scalars = Vec::with_capacity(hidden.count());
        for (index, message) in hidden.messages().iter().enumerate() {
            let at = message.slot.segment * hidden.width() + message.slot.column;
            scalars.extend((at..at + message.slot.len).map(|position| (position, index)));
        }
        Self { width: hidden.width(), segments: hidden.segments(), scalars, messages: hidden.messages().to_vec() }
    }

    /// A segment's part of one value a scalar, message by message.
    fn pieces<'v>(&self, segment: usize, values: &'v [Fr], weights: &[Fr]) -> Vec<Piece<'v>> {
        let own = self.messages.iter().zip(weights).filter(|(m, _)| m.slot.segment == segment);
        let piece = |(m, &weight): (&Message, &Fr)| {
            let values = values.get(m.first..m.first + m.slot.len)?;
            Some(Piece { column: m.slot.column, weight, values })
        };
        own.filter_map(piece).collect()
    }

    /// One value a scalar on the concatenated segments, times the weight of its message.
    fn scatter(&self, values: &[Fr], weights: Option<&[Fr]>) -> Vec<Fr> {
        let mut vector = vec![Fr::ZERO; self.segments * self.width];
        for (&(position, message), &value) in self.scalars.iter().zip(values) {
            let weight = weights.map_or(Some(Fr::ONE), |w| w.get(message).copied()).unwrap_or_default();
            if let Some(slot) = vector.get_mut(position) {
                *slot = weight * value;
            }
        }
        vector
    }
}

impl Masks {
    /// Draws `s` and all blinders, and computes the error terms.
    fn draw(t: &mut Transcript<'_>, batched: &Batched, slots: &Slots) -> Option<Self> {
        let secrets = t.secrets()?;
        let u = secrets.scalars().to_vec();
        let s: Vec<Fr> = u.iter().map(|_| secrets.random()).collect();
        let plain = (0..slots.segments).map(|_| secrets.random()).collect();
        let weighted = (0..slots.segments).map(|_| secrets.random()).collect();
        let errors = [secrets.random(), secrets.random()];
        let mut error = [Fr::ZERO, batched.linear.evaluate(&s, Fr::ZERO)];
        for Product(a, b) in &batched.products {
            let (a_s, b_s) = (a.evaluate(&s, Fr::ZERO), b.evaluate(&s, Fr::ZERO));
            error[0] += a_s * b_s;
            error[1] += a_s * b.evaluate(&u, Fr::ONE) + a.evaluate(&u, Fr::ONE) * b_s;
        }
        Some(Self { u, s, plain, weighted, error, errors })
    }
}

/// `Com(s)` of every segment, then `Com(D s)`.
fn mask_commitments(
    t: &mut Transcript<'_>,
    slots: &Slots,
    weights: &[Fr],
    masks: Option<&Masks>,
) -> Result<(Vec<G1Affine>, Vec<G1Affine>), Reject> {
    let points: Option<Vec<[G1Affine; 2]>> = t.secrets().zip(masks).map(|(secrets, masks)| {
        let blinders = masks.plain.iter().zip(&masks.weighted).map(|(&plain, &weighted)| [plain, weighted]);
        let commit = |(j, blinders)| secrets.commit_pieces(slots.width, &slots.pieces(j, &masks.s, weights), blinders);
        blinders.enumerate().map(commit).collect()
    });
    let mut send = |label, which: usize| -> Result<Vec<G1Affine>, Reject> {
        let mine = |j: usize| points.as_ref().and_then(|p| p.get(j)?.get(which)).copied();
        (0..slots.segments).map(|j| t.point(label, mine(j))).collect()
    };
    Ok((send("mask of hidden scalars", 0)?, send("weighted mask of hidden scalars", 1)?))
}

fn error_commitments(t: &mut Transcript<'_>, masks: Option<&mut Masks>) -> Result<[G1Affine; 2], Reject> {
    let points = masks.and_then(|m| {
        let secrets = t.secrets()?;
        Some([secrets.commit_vector(&m.error[..1], m.errors[0]), secrets.commit_vector(&m.error[1..], m.errors[1])])
    });
    Ok([t.point("error commitment", points.map(|p| p[0]))?, t.point("error commitment", points.map(|p| p[1]))?])
}

/// A clear sumcheck over the products. Returns a form whose linear part on `z` has the value returned.
fn reduce_products(
    t: &mut Transcript<'_>,
    batched: &Batched,
    products: Fr,
    linear: Fr,
    h: Fr,
    z: Option<&[Fr]>,
) -> Result<(Form, Fr), Reject> {
    let rounds = batched.products.len().next_power_of_two().trailing_zeros();
    let size = 1usize << rounds;
    let mut tables: Option<Zeroizing<[Vec<Fr>; 2]>> = z.map(|z| {
        let mut a: Vec<Fr> = batched.products.iter().map(|p| p.0.evaluate(z, h)).collect();
        let mut b: Vec<Fr> = batched.products.iter().map(|p| p.1.evaluate(z, h)).collect();
        a.resize(size, Fr::ZERO);
        b.resize(size, Fr::ZERO);
        Zeroizing::new([a, b])
    });
    let mut claim = products;
    let mut point = Vec::new();
    for _ in 0..rounds {
        let ends = tables.as_deref().map(|[a, b]| {
            let half = a.len() / 2;
            let ((a0, a1), (b0, b1)) = (a.split_at(half), b.split_at(half));
            let leading = a0.iter().zip(a1).zip(b0.iter().zip(b1)).map(|((a0, a1), (b0, b1))| (*a1 - a0) * (*b1 - b0)).sum();
            (dot(a0, b0), leading)
        });
        let at_zero = t.scalar("product rounds", ends.map(|e: (Fr, Fr)| e.0))?;
        let leading = t.scalar("product rounds", ends.map(|e| e.1))?;
        let r = t.challenge();
        claim = dot(&Degree::Two.interpolation(&[r]), &[at_zero, claim - at_zero, leading]);
        if let Some(tables) = &mut tables {
            for table in tables.iter_mut() {
                let high = table.split_off(table.len() / 2);
                table.iter_mut().zip(high).for_each(|(l, h)| *l += r * (h - *l));
            }
        }
        point.push(r);
    }
    let last = |j: usize| tables.as_ref().and_then(|t| t.get(j)?.first().copied());
    let (a, b) = (t.scalar("product factors", last(0))?, t.scalar("product factors", last(1))?);
    check(a * b == claim, "product sumcheck")?;
    let weights = eq_table(&point);
    let side = |pick: fn(&Product) -> &Form| Form::combine(weights.iter().copied().zip(batched.products.iter().map(pick)));
    let (form_a, form_b) = (side(|p| &p.0), side(|p| &p.1));
    let (t1, t2) = (t.challenge(), t.challenge());
    let target = linear + t1 * (a - h * form_a.constant) + t2 * (b - h * form_b.constant);
    let mut form = batched.linear.clone();
    form.add_scaled(t1, &form_a);
    form.add_scaled(t2, &form_b);
    Ok((form, target))
}

/// The coefficients of a form, dense.
fn coefficients(form: &Form, count: usize) -> Vec<Fr> {
    let mut dense = vec![Fr::ZERO; count];
    for &(index, c) in &form.terms {
        if let Some(slot) = dense.get_mut(index) {
            *slot += c;
        }
    }
    dense
}

fn send(t: &mut Transcript<'_>, label: &'static str, n: usize, values: Option<Vec<Fr>>) -> Result<Vec<Fr>, Reject> {
    (0..n).map(|i| t.scalar(label, values.as_ref().and_then(|v| v.get(i)).copied())).collect()
}
