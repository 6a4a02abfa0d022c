//! `LinearAttention`: a matrix of products of keys and values that each step adds to, and which queries read, step by step.

use super::{Known, Spelling};
use crate::import::refusal::{AttributeFault, Refusal};

/// Steps that are written out.
const MOST: i64 = 64;

/// One after the other, as the standard says.
pub(super) fn attention(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    let heads = |name| s.integer(name).ok_or(Refusal::Missing("it lacks a number of heads"));
    let (asked, shared) = (heads("q_num_heads")?, heads("kv_num_heads")?);
    let [q, k, v] = [s.operand(0)?, s.operand(1)?, s.operand(2)?];
    let Some(&[_, steps, _]) = [&q, &k, &v].into_iter().find_map(|x| known.shapes.get(x)).map(Vec::as_slice) else {
        return Err(Refusal::Variable(
            "its queries, its keys or its values must be an input, which says how many steps there are",
        ));
    };
    if !(1..=MOST).contains(&steps) {
        return Err(Refusal::OutOfRange("the number of its steps, of which 64 are supported,"));
    }
    let rule = s.word("update_rule").unwrap_or_else(|| "gated_delta".to_owned());
    let (gated, corrected) = (rule.starts_with("gated"), rule.ends_with("delta"));
    let decay = s.optional(4).filter(|_| gated);
    let share = s.optional(5).filter(|_| corrected);
    if decay.is_some() != gated || share.is_some() != corrected || s.optional(4).is_some() != gated {
        let fault = AttributeFault::Word { got: rule, words: &["linear", "gated", "delta", "gated_delta"] };
        return Err(Refusal::Attribute { name: "update_rule".to_owned(), fault });
    }
    let [q, k, v] = [(q, asked), (k, shared), (v, shared)].map(|(x, heads)| s.split(&x, heads));
    let decay = decay.map(|decay| {
        let decay = s.split(&decay, shared);
        s.put("Exp", &[&decay])
    });
    let share = share.map(|share| {
        let share = s.shaped(&share, &[0, 0, -1, 1]);
        s.transposed(&share, &[0, 2, 1, 3])
    });
    let mut state = s.optional(3);
    let mut read = Vec::new();
    for step in 0..steps {
        let mut at = |x: &str| s.part(x, step, step + 1, 2);
        let (asks, key, mut value) = (at(&q), at(&k), at(&v));
        let (decay, share) = (decay.as_deref().map(&mut at), share.as_deref().map(&mut at));
        if let (Some(decay), Some(before)) = (&decay, &state) {
            let decay = s.transposed(decay, &[0, 1, 3, 2]);
            state = Some(s.put("Mul", &[before, &decay]));
        }
        if let Some(share) = &share {
            if let Some(before) = &state {
                let known = s.put("MatMul", &[&key, before]);
                value = s.put("Sub", &[&value, &known]);
            }
            value = s.put("Mul", &[&value, share]);
        }
        let column = s.transposed(&key, &[0, 1, 3, 2]);
        let product = s.put("Mul", &[&column, &value]);
        let now = state.map_or_else(|| product.clone(), |before| s.put("Add", &[&before, &product]));
        let wide = if asked == shared { now.clone() } else { s.repeated(&asks, &now) };
        read.push(s.put("MatMul", &[&asks, &wide]));
        state = Some(now);
    }
    let all = s.joined(&read, 2);
    let scaled = s.scaled(&all, &q);
    let result = s.transposed(&scaled, &[0, 2, 1, 3]);
    let result = s.shaped(&result, &[0, 0, -1]);
    s.result(0, &result);
    s.result(1, &state.unwrap_or_default());
    Ok(())
}
