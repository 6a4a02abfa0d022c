//! `QuantizeLinear`, also of a product of numbers that were quantised: that is a product of their integers, as onnxruntime has it.

use tract_onnx::pb::NodeProto;

use super::Expanded;
use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, INT64, Setting, operand};
use super::quantised::{bounds, channels, given, kind_of, product, ratio, saturated, single, spread, windows};
use crate::import::nearest;
use crate::import::refusal::Refusal;
use crate::import::tensors;

pub(super) const RULES: &[Expanded] =
    &[("", "QuantizeLinear", &["axis", "block_size", "output_dtype", "saturate"], quantize)];

fn quantize(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let zero = given(node, 2);
    let named = attributes.int("output_dtype", 0)? as i32;
    let kind = kind_of(e, zero, if named == 0 { 2 } else { named })?;
    bounds(kind)?;
    let whole = attributes.int("block_size", 0)? == 0 && is_single(e, operand(node, 1)?);
    let factors = if whole { Factors::behind(e, operand(node, 0)?) } else { None };
    if let Some(factors) = factors {
        let nearest = factors.nearest(e, operand(node, 1)?)?;
        return saturated(e, node, &nearest, zero, kind);
    }
    let x = e.cast(operand(node, 0)?, FLOAT);
    let scale = spread(e, node, attributes, operand(node, 1)?)?;
    let zero = zero.map(|zero| spread(e, node, attributes, zero)).transpose()?;
    let nearest = e.op(nearest::NAME, &[&x, &scale], &[("over", Setting::Int(1))]);
    saturated(e, node, &nearest, zero.as_deref(), kind)
}

fn is_single(e: &Emitter, parameter: &str) -> bool {
    e.dims_of(parameter).is_some_and(|dims| dims.iter().product::<i64>() == 1)
}

/// A product of quantised numbers that nothing else uses, perhaps with a bias and the negative ones cut off.
struct Factors {
    product: NodeProto,
    first: NodeProto,
    second: NodeProto,
    bias: Option<NodeProto>,
    relu: bool,
}

impl Factors {
    /// What makes a value, if it is such a product: of a tensor with one scale, and one with a scale for each output channel.
    fn behind(e: &Emitter, value: &str) -> Option<Self> {
        let mut product = e.made_for_one(value)?;
        let relu = product.op_type == "Relu";
        if relu {
            product = e.made_for_one(product.input.first()?)?;
        }
        let axis = match product.op_type.as_str() {
            "Conv" => 0,
            "MatMul" => -1,
            _ => return None,
        };
        let quantised = |position: usize| {
            let name = product.input.get(position).filter(|name| !name.is_empty())?;
            let made = e.made_by(name).filter(|made| made.op_type == "DequantizeLinear")?;
            made.attribute.iter().all(|a| a.name != "block_size" || a.i == 0).then_some(made)
        };
        let (first, second) = (quantised(0)?, quantised(1)?);
        let rank = e.dims_of(second.input.first()?)?.len() as i64;
        let own = second.attribute.iter().find(|a| a.name == "axis").map_or(1, |a| a.i);
        let by_channel = own == axis || own == axis + rank || own + rank == axis;
        if !is_single(e, first.input.get(1)?) || !(by_channel || is_single(e, second.input.get(1)?)) {
            return None;
        }
        let bias = match product.input.get(2).filter(|name| !name.is_empty()) {
            None => None,
            Some(_) => Some(quantised(2).filter(|bias| Self::fits(e, [&first, &second, bias]) == Some(true))?),
        };
        Some(Self { product, first, second, bias, relu })
    }

    /// Whether a bias has the scale of the product, as far as the file says, and no zero point.
    fn fits(e: &Emitter, nodes: [&NodeProto; 3]) -> Option<bool> {
        let numbers = |node: &NodeProto, position: usize| {
            node.input.get(position).and_then(|name| e.tensor_of(name)).and_then(tensors::numbers)
        };
        let centred = nodes[2].input.get(2).is_none_or(|name| name.is_empty())
            || numbers(nodes[2], 2).is_none_or(|zeros| zeros.iter().all(|&zero| zero == 0.0));
        let [Some(a), Some(b), Some(c)] = nodes.map(|node| numbers(node, 1)) else { return Some(centred) };
        let near = |c: f64, b: f64| (c - a[0] * b).abs() <= 1e-6 * c.abs();
        let same = match (b.len(), c.len()) {
            (1, _) => c.iter().all(|&c| near(c, b[0])),
            (n, m) if n == m => c.iter().zip(&b).all(|(&c, &b)| near(c, b)),
            _ => false,
        };
        Some(centred && same)
    }

    /// The sums of products of integers, times the scales over that of the result, rounded.
    fn nearest(&self, e: &mut Emitter, scale: &str) -> Result<String, Refusal> {
        let Self { product: made, first, second, bias, relu } = self;
        let (a, b) = (operand(first, 0)?, operand(second, 0)?);
        let zeros = [given(first, 2), given(second, 2)];
        single(e, zeros[0])?;
        let mut by = operand(second, 1)?.to_owned();
        let mut sums = match made.op_type.as_str() {
            "Conv" => {
                by = channels(e, &by, b)?;
                windows(e, made, [a, b], zeros)?
            }
            _ => product(e, [a, b], zeros)?,
        };
        if let Some(bias) = bias {
            let bias = channels(e, operand(bias, 0)?, b)?;
            sums = e.op("Add", &[&sums, &bias], &[]);
        }
        let ratio = ratio(e, [operand(first, 1)?, &by, scale]);
        let ratio = e.cast(&ratio, FLOAT);
        let nearest = e.op(nearest::NAME, &[&sums, &ratio], &[]);
        if !relu {
            return Ok(nearest);
        }
        let zero = e.single(0, INT64);
        Ok(e.op("Max", &[&nearest, &zero], &[]))
    }
}
