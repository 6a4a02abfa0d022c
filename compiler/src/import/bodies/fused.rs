//! Operators that onnxruntime's optimiser makes of several, as these.

use tract_onnx::pb::AttributeProto;

use super::{Known, Spelling};
use crate::import::refusal::{AttributeFault, Refusal};

/// `FusedConv`: a convolution, a sum with another value, and a function of each entry.
pub(super) fn convolution(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let operands = [s.operand(0)?, s.operand(1)?, s.optional(2).unwrap_or_default()];
    let mut result = convolved(s, &operands);
    if let Some(other) = s.optional(3) {
        result = s.put("Add", &[&result, &other]);
    }
    let numbers = s.given("activation_params").map_or_else(Vec::new, |a| a.floats.clone());
    result = activated(s, result, &numbers)?;
    s.result(0, &result);
    Ok(())
}

fn convolved(s: &mut Spelling<'_>, operands: &[String]) -> String {
    let given = operands.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
    let operands: Vec<&str> = operands[..given].iter().map(String::as_str).collect();
    let result = s.put("Conv", &operands);
    s.inherit(&["activation", "activation_params"]);
    result
}

/// The function that an attribute names, of each entry.
fn activated(s: &mut Spelling<'_>, x: String, numbers: &[f32]) -> Result<String, Refusal> {
    let Some(name) = s.word("activation") else { return Ok(x) };
    let attributes: &[&str] = match name.as_str() {
        "Relu" | "Sigmoid" | "Tanh" => &[],
        "LeakyRelu" => &["alpha"],
        "HardSigmoid" => &["alpha", "beta"],
        "Clip" => {
            let [low, high] = numbers else { return Err(Refusal::Missing("its `Clip` lacks its bounds")) };
            let [low, high] = [*low, *high].map(|bound| s.float(bound));
            return Ok(s.put("Clip", &[&x, &low, &high]));
        }
        _ => {
            const WORDS: &[&str] = &["Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip"];
            let fault = AttributeFault::Word { got: name, words: WORDS };
            return Err(Refusal::Attribute { name: "activation".to_owned(), fault });
        }
    };
    let result = s.put(&name, &[&x]);
    attributes.iter().zip(numbers).for_each(|(name, &number)| s.with_number(name, number));
    Ok(result)
}

/// `FusedGemm`: a product and a function of each entry.
pub(super) fn gemm(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let operands: Vec<String> = s.node.input.clone();
    let product = s.put("Gemm", &operands.iter().map(String::as_str).collect::<Vec<_>>());
    s.inherit(&["activation", "activation_alpha", "activation_beta", "activation_gamma"]);
    let numbers: Vec<f32> = ["activation_alpha", "activation_beta"].into_iter().map_while(|name| s.number(name)).collect();
    let result = activated(s, product, &numbers)?;
    s.result(0, &result);
    Ok(())
}

/// `FusedMatMul`: a product of operands that are transposed, by a factor.
pub(super) fn product(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let (a, b) = (s.operand(0)?, s.operand(1)?);
    let transposed = |name: &str| s.integer(name) == Some(1);
    let left = if transposed("transA") { "ji" } else { "ij" };
    let right = if transposed("transB") { "kj" } else { "jk" };
    let mut result = if (left, right) == ("ij", "jk") {
        s.put("MatMul", &[&a, &b])
    } else {
        let result = s.put("Einsum", &[&a, &b]);
        let equation = format!("...{left},...{right}->...ik").into_bytes();
        s.attribute(AttributeProto { name: "equation".to_owned(), r#type: 3, s: equation, ..AttributeProto::default() });
        result
    };
    if let Some(alpha) = s.number("alpha").filter(|&alpha| alpha != 1.0) {
        let alpha = s.float(alpha);
        result = s.put("Mul", &[&result, &alpha]);
    }
    s.result(0, &result);
    Ok(())
}

/// `RotaryEmbedding`, whose operands stand in another order than the standard's.
pub(super) fn rotary(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    let [x, places, cosines, sines] = [s.operand(0)?, s.operand(1)?, s.operand(2)?, s.operand(3)?];
    if known.shapes.get(&places).is_none_or(|shape| shape.len() != 2) {
        return Err(Refusal::Form("its places must be an input or a constant with two axes"));
    }
    let result = s.put("RotaryEmbedding", &[&x, &cosines, &sines, &places]);
    s.inherit(&["scale", "is_packed_batching"]);
    s.result(0, &result);
    Ok(())
}

/// `NhwcConv`: a convolution of images whose last axis is that of channels.
pub(super) fn channels_last(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let (x, kernel) = (s.operand(0)?, s.operand(1)?);
    let [x, kernel] = [x, kernel].map(|x| s.transposed(&x, &[0, 3, 1, 2]));
    let bias = s.optional(2).unwrap_or_default();
    let result = convolved(s, &[x, kernel, bias]);
    let result = s.transposed(&result, &[0, 2, 3, 1]);
    s.result(0, &result);
    Ok(())
}

/// `SkipLayerNormalization` and the simplified one: the sum that is normalised is a further result.
pub(super) fn skip(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let simple = s.node.op_type == "SkipSimplifiedLayerNormalization";
    if s.wants(1) || s.wants(2) {
        return Err(Refusal::Training("its mean and its variance are results"));
    }
    let [x, skipped, scale] = [s.operand(0)?, s.operand(1)?, s.operand(2)?];
    // The simplified one has no shift, and its bias is refused before.
    let (shift, bias) = if simple { (None, None) } else { (s.optional(3), s.optional(4)) };
    let mut sum = s.put("Add", &[&x, &skipped]);
    if let Some(bias) = bias {
        sum = s.put("Add", &[&sum, &bias]);
    }
    let result = normalised(s, simple, &sum, &scale, shift.as_deref());
    s.result(0, &result);
    s.result(3, &sum);
    Ok(())
}

fn normalised(s: &mut Spelling<'_>, simple: bool, x: &str, scale: &str, shift: Option<&str>) -> String {
    let name = if simple { "SimplifiedLayerNormalization" } else { "LayerNormalization" };
    let operands: Vec<&str> = [x, scale].into_iter().chain(shift).collect();
    let result = s.put(name, &operands);
    s.with("axis", -1);
    // What onnxruntime takes for a default is not what the standard does.
    let epsilon = s.number("epsilon").unwrap_or(1e-12);
    s.with_number("epsilon", epsilon);
    result
}

/// `EmbedLayerNormalization`: rows of words, places and segments, their sum, normalised.
pub(super) fn embedding(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    if s.wants(1) || s.optional(7).is_some() {
        return Err(Refusal::Form("its mask is not supported: leave it and the index of the mask out"));
    }
    let (words, word_rows) = (s.operand(0)?, s.operand(2)?);
    let (place_rows, scale, shift) = (s.operand(3)?, s.operand(5)?, s.operand(6)?);
    let words_given = s.along(&word_rows, &words, 0);
    let places = match s.optional(8) {
        Some(places) => s.along(&place_rows, &places, 0),
        None => {
            let (first, count, axis) = (s.integers(&[0]), s.extents(&words, 1, 2), s.integers(&[0]));
            s.put("Slice", &[&place_rows, &first, &count, &axis])
        }
    };
    let mut sum = s.put("Add", &[&words_given, &places]);
    if let (Some(segments), Some(rows)) = (s.optional(1), s.optional(4)) {
        let segments = s.along(&rows, &segments, 0);
        sum = s.put("Add", &[&sum, &segments]);
    }
    let result = normalised(s, false, &sum, &scale, Some(&shift));
    s.result(0, &result);
    s.result(2, &sum);
    Ok(())
}
