//! `Attention`, as the products, the mask and the softmax by which the standard defines it.
//!
//! Whether a mask has bits or is added follows from what makes it.

use super::{BOOL, FLOAT, INT64, Known, Spelling};
use crate::import::refusal::Refusal;

/// What the last result of an attention is.
const RAW: i64 = 0;
const CAPPED: i64 = 1;
const BIASED: i64 = 2;

/// The nodes of an attention.
pub(super) fn attention(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    let heads = match (s.integer("q_num_heads"), s.integer("kv_num_heads")) {
        (Some(asked), Some(shared)) => Some((asked, shared)),
        (None, None) => None,
        _ => return Err(Refusal::Form("it needs the number of heads of queries and of keys, or of neither")),
    };
    let [mut q, mut k, mut v] = [s.operand(0)?, s.operand(1)?, s.operand(2)?];
    if let Some((asked, shared)) = heads {
        [q, k, v] = [(q, asked), (k, shared), (v, shared)].map(|(x, heads)| s.split(&x, heads));
    }
    let past = match (s.optional(4), s.optional(5)) {
        (None, None) => None,
        (Some(keys), Some(values)) => Some((keys, values)),
        _ => return Err(Refusal::Missing("it has keys of the past without values, or values without keys")),
    };
    if let Some((keys, values)) = &past {
        [k, v] = [s.joined(&[keys.clone(), k], 2), s.joined(&[values.clone(), v], 2)];
    }
    s.result(1, &k);
    s.result(2, &v);
    let [k, v] = [s.repeated(&q, &k), s.repeated(&q, &v)];
    let scores = s.scores(&q, &k);
    let shown = |s: &mut Spelling<'_>, mode: i64, value: &str| {
        if s.integer("qk_matmul_output_mode").unwrap_or(RAW) == mode {
            s.result(3, value);
        }
    };
    shown(s, RAW, &scores);
    let mut scores = s.capped(scores);
    shown(s, CAPPED, &scores);
    let causal = s.integer("is_causal") == Some(1);
    let mask = s.optional(3);
    let (boolean, places) = (mask.as_ref().is_some_and(|mask| known.booleans.contains(mask)), s.optional(6));
    if s.wants(3) && s.integer("qk_matmul_output_mode") == Some(BIASED) && (causal || boolean || places.is_some()) {
        return Err(Refusal::Form("its scores with the mask are a result, where the mask makes them minus infinity"));
    }
    if let Some(mask) = mask {
        let mask = if places.is_some() { s.widened(&mask, &k, boolean) } else { mask };
        scores = if boolean { s.kept(&mask, &scores) } else { s.put("Add", &[&scores, &mask]) };
    }
    if causal {
        let kept = s.causal(&q, &scores, past.as_ref().map(|(keys, _)| keys.as_str()), places.as_deref());
        scores = s.kept(&kept, &scores);
    }
    if let Some(places) = &places {
        let all = s.counted(&k);
        let places = s.shaped(places, &[-1, 1, 1, 1]);
        let kept = s.put("Less", &[&all, &places]);
        scores = s.kept(&kept, &scores);
    }
    shown(s, BIASED, &scores);
    let weights = s.put("Softmax", &[&scores]);
    s.with("axis", -1);
    shown(s, 3, &weights);
    let mut result = s.put("MatMul", &[&weights, &v]);
    if heads.is_some() {
        result = s.transposed(&result, &[0, 2, 1, 3]);
        result = s.shaped(&result, &[0, 0, -1]);
    }
    s.result(0, &result);
    Ok(())
}

impl Spelling<'_> {
    /// Heads beside each other, as an axis of their own before that of places.
    pub(super) fn split(&mut self, x: &str, heads: i64) -> String {
        let split = self.shaped(x, &[0, 0, heads, -1]);
        self.transposed(&split, &[0, 2, 1, 3])
    }

    /// Heads of keys or values, each as often as there are heads of queries for it.
    pub(super) fn repeated(&mut self, q: &str, x: &str) -> String {
        let [asked, heads, rest] = [self.extents(q, 1, 2), self.extents(x, 1, 2), self.extents(x, 2, 4)];
        let (batch, times, axis) = (self.extents(x, 0, 1), self.put("Div", &[&asked, &heads]), self.integers(&[2]));
        let apart = self.put("Unsqueeze", &[x, &axis]);
        let wide = self.concatenated(&[&batch, &heads, &times, &rest]);
        let repeated = self.put("Expand", &[&apart, &wide]);
        let joined = self.concatenated(&[&batch, &asked, &rest]);
        self.put("Reshape", &[&repeated, &joined])
    }

    /// Products of queries and keys, scaled.
    pub(super) fn scores(&mut self, q: &str, k: &str) -> String {
        let k = self.transposed(k, &[0, 1, 3, 2]);
        let scores = self.put("MatMul", &[q, &k]);
        self.scaled(&scores, q)
    }

    /// A value by the stated scale, or by the root of the size of queries.
    pub(super) fn scaled(&mut self, x: &str, q: &str) -> String {
        if let Some(scale) = self.number("scale").filter(|&scale| scale != 0.0 || self.node.op_type == "Attention") {
            let scale = self.float(scale);
            return self.put("Mul", &[x, &scale]);
        }
        let width = self.extents(q, 3, 4);
        let width = self.cast(&width, FLOAT);
        let root = self.put("Sqrt", &[&width]);
        self.put("Div", &[x, &root])
    }

    /// Scores that a tangent keeps from becoming large.
    fn capped(&mut self, scores: String) -> String {
        let Some(cap) = self.number("softcap").filter(|&cap| cap > 0.0) else { return scores };
        let cap = self.float(cap);
        let small = self.put("Div", &[&scores, &cap]);
        let tangent = self.put("Tanh", &[&small]);
        self.put("Mul", &[&tangent, &cap])
    }

    /// Scores where a mask is true, and else what has no weight.
    fn kept(&mut self, mask: &str, scores: &str) -> String {
        let none = self.float(f32::MIN);
        self.put("Where", &[mask, scores, &none])
    }

    /// A mask for as many keys as there are: further ones have no weight.
    fn widened(&mut self, mask: &str, k: &str, boolean: bool) -> String {
        let (want, have) = (self.extents(k, 2, 3), self.put("Shape", &[mask]));
        self.with("start", -1);
        let (zero, axis) = (self.integers(&[0]), self.integers(&[-1]));
        let more = self.put("Sub", &[&want, &have]);
        let pads = self.concatenated(&[&zero, &more]);
        let fill = if boolean { self.boolean(false) } else { self.float(f32::MIN) };
        self.put("Pad", &[mask, &pads, &fill, &axis])
    }

    /// The numbers of the keys.
    fn counted(&mut self, k: &str) -> String {
        let (count, first, step) = (self.extents(k, 2, 3), self.scalar(0), self.scalar(1));
        let none = self.integers(&[]);
        let count = self.put("Reshape", &[&count, &none]);
        self.put("Range", &[&first, &count, &step])
    }

    /// Which keys are not after a query: the last query is beside the last key of the past and the present.
    fn causal(&mut self, q: &str, scores: &str, past: Option<&str>, places: Option<&str>) -> String {
        if let Some(places) = places {
            let (keys, queries) = (self.extents(scores, 3, 4), self.extents(q, 2, 3));
            let (first, step, none) = (self.scalar(0), self.scalar(1), self.integers(&[]));
            let [keys, count] = [&keys, &queries].map(|extent| self.put("Reshape", &[extent, &none]));
            let [keys, own] = [keys, count].map(|count| self.put("Range", &[&first, &count, &step]));
            let own = self.shaped(&own, &[-1, 1]);
            let places = self.cast(places, INT64);
            let places = self.shaped(&places, &[-1, 1, 1, 1]);
            let before = self.put("Sub", &[&places, &queries]);
            let last = self.put("Add", &[&own, &before]);
            return self.put("LessOrEqual", &[&keys, &last]);
        }
        let shape = self.extents(scores, 2, 4);
        let one = self.float(1.0);
        let ones = self.put("Expand", &[&one, &shape]);
        let lower = match past {
            Some(past) => {
                let none = self.integers(&[]);
                let before = self.extents(past, 2, 3);
                let before = self.put("Reshape", &[&before, &none]);
                self.put("Trilu", &[&ones, &before])
            }
            None => self.put("Trilu", &[&ones]),
        };
        self.with("upper", 0);
        self.cast(&lower, BOOL)
    }
}
