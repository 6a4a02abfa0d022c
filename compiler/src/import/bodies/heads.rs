//! Attention as onnxruntime's optimiser writes it, as the standard's.

use super::{INT64, Known, Spelling};
use crate::import::refusal::Refusal;

/// `com.microsoft.Attention`: queries, keys and values are one product, one beside the other.
pub(super) fn packed(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    if s.wants(1) || s.optional(4).is_some() || s.optional(6).is_some() {
        return Err(Refusal::Form("keys and values of the past are not supported: give all of them in one pass"));
    }
    let heads = s.integer("num_heads").ok_or(Refusal::Missing("it lacks `num_heads`"))?;
    let sizes = s.given("qkv_hidden_sizes").map_or_else(Vec::new, |a| a.ints.clone());
    let (x, weights) = (s.operand(0)?, s.operand(1)?);
    let mut all = s.put("MatMul", &[&x, &weights]);
    if let Some(bias) = s.optional(2) {
        all = s.put("Add", &[&all, &bias]);
    }
    let sizes = match sizes.as_slice() {
        &[q, k, v] => [q, k, v],
        _ => match known.shapes.get(&weights).map(Vec::as_slice) {
            Some(&[_, width]) if width % 3 == 0 => [width / 3; 3],
            _ => return Err(Refusal::Variable("its weights must be a constant")),
        },
    };
    let mut start = 0;
    let parts = sizes.map(|size| {
        start += size;
        s.part(&all, start - size, start, 2)
    });
    let mask = masks(s, s.optional(3), s.optional(5), known)?;
    attended(s, parts, heads, mask, s.integer("unidirectional") == Some(1))
}

/// `MultiHeadAttention`.
pub(super) fn several(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    if s.node.output.len() > 1 || s.optional(6).is_some() || s.optional(7).is_some() {
        return Err(Refusal::Form("keys and values of the past are not supported: give all of them in one pass"));
    }
    let heads = s.integer("num_heads").ok_or(Refusal::Missing("it lacks `num_heads`"))?;
    let given = (s.optional(1), s.optional(2));
    let (Some(k), Some(v)) = given else {
        return Err(Refusal::Form("queries, keys and values in one tensor are not supported: give three"));
    };
    let mut parts = [s.operand(0)?, k, v];
    if parts.iter().any(|x| known.shapes.get(x).is_some_and(|shape| shape.len() != 3)) {
        return Err(Refusal::Form("it takes queries, keys and values with three axes"));
    }
    if let Some(bias) = s.optional(3) {
        let Some(&[width]) = known.shapes.get(&bias).map(Vec::as_slice) else {
            return Err(Refusal::Variable("its bias must be a constant"));
        };
        // Queries and keys have one size, which that of values need not be: it is in no attribute.
        if width % 3 != 0 {
            return Err(Refusal::Form("it takes queries, keys and values of one size if it has a bias"));
        }
        for (n, part) in (0..).zip(&mut parts) {
            let own = s.part(&bias, n * (width / 3), (n + 1) * (width / 3), 0);
            *part = s.put("Add", &[part, &own]);
        }
    }
    let mask = masks(s, s.optional(4), s.optional(5), known)?;
    attended(s, parts, heads, mask, s.integer("unidirectional") == Some(1))
}

/// A mask of padding, and numbers that are added, as one that is added.
fn masks(
    s: &mut Spelling<'_>,
    padding: Option<String>,
    added: Option<String>,
    known: &Known,
) -> Result<Option<String>, Refusal> {
    let Some(padding) = padding else { return Ok(added) };
    if known.shapes.get(&padding).is_none_or(|shape| shape.len() != 2) {
        return Err(Refusal::Form("its mask of padding must be an input or a constant with two axes"));
    }
    let none = s.scalar(0);
    let padding = s.cast(&padding, INT64);
    let kept = s.put("Greater", &[&padding, &none]);
    let axes = s.integers(&[1, 2]);
    let kept = s.put("Unsqueeze", &[&kept, &axes]);
    let added = added.unwrap_or_else(|| s.float(0.0));
    let low = s.float(f32::MIN);
    Ok(Some(s.put("Where", &[&kept, &added, &low])))
}

fn attended(
    s: &mut Spelling<'_>,
    [q, k, v]: [String; 3],
    heads: i64,
    mask: Option<String>,
    causal: bool,
) -> Result<(), Refusal> {
    let operands: Vec<&str> = [&q, &k, &v].into_iter().chain(&mask).map(String::as_str).collect();
    let result = s.put("Attention", &operands);
    s.with("q_num_heads", heads);
    s.with("kv_num_heads", heads);
    s.with("is_causal", i64::from(causal));
    if let Some(scale) = s.number("scale").filter(|&scale| scale != 0.0) {
        s.with_number("scale", scale);
    }
    s.result(0, &result);
    Ok(())
}
