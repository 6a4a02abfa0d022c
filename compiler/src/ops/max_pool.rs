//! Maxima of windows (docs/lowerings.md, section 11).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::cnn::MaxPool as TractMaxPool;
use zktorch_blocks::program::{AxisGroup, GroupMap, Interval, TensorId};

use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one};
use super::window::{Window, affine_map, check_layout, is_tiling, pool, pooled};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("MaxPool", import)];

/// Maximum over windows of the trailing spatial axes of `[N, C, spatial..]`; padding takes no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool(pub Window);

/// Maximum of windows.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<TractMaxPool>()?;
    check_layout(&op.pool_spec)?;
    let x_shape = t.operand_shape(site, 0)?;
    let window = Window::of(&op.pool_spec, &x_shape, &site.shape)?;
    let x = t.operand(site, 0)?;
    t.add(site, MaxPool(window), &[x])
}

impl Operator for MaxPool {
    fn name(&self) -> &'static str {
        "MaxPool"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        pooled(&self.0, one(operands)?)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let Some(x) = operands.first() else { return empty() };
        // A window without entries gives negative infinity.
        pool(&self.0, x, shape, |entries| entries.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature { layout: false, linear: false, keeps_scale: true, rounds: true }
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        at.fused_pool(id)
    }
}

impl Lowering<'_> {
    /// A max pool with the function around it: pool first, then apply the function to the maxima.
    pub(crate) fn fused_pool(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let pool = self.plan.pools.get(&id).cloned().ok_or("its pool was not planned")?;
        let value = self.value(pool.source)?;
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        let domain = self.signed();
        let wide = !(domain.contains(lo) && domain.contains(hi)) && value.scale > self.plan.scale(pool.source);
        let name = self.name(id);
        let out = &self.graph.shape(id)[2..].to_vec();
        let m = if wide && is_tiling(&pool.window) {
            let shift = value.scale - self.plan.scale(pool.source);
            let x = self.max_window(&format!("{name}.window"), value.tensor, &pool.window, out)?;
            let m = self.rounded_max(&name, x, pool.window.rank(), shift, self.plan.scale(pool.source))?;
            if pool.function.is_none() {
                self.builder.loose_range(&format!("{name}.max"), m.tensor, domain.lo, domain.hi - domain.lo + 1)?;
            }
            m
        } else {
            let value = self.narrow(pool.source)?;
            let x = self.max_window(&format!("{name}.window"), value.tensor, &pool.window, out)?;
            let axes: Vec<usize> = (0..pool.window.rank()).collect();
            let m = Value { tensor: self.attained_max(&name, x, &axes)?, depth: 0, ..value };
            match pool.function {
                Some(_) => self.fit(&name, m, self.plan.scale(pool.source))?,
                None => m,
            }
        };
        match pool.function {
            Some(function) => self.apply(id, m, function),
            None => Ok(m),
        }
    }

    /// `[N, C, H..]` as `[k.., N, C, oh..]`, slots in the padding replaced by others of the same window.
    fn max_window(&mut self, name: &str, x: TensorId, window: &Window, out: &[usize]) -> Result<TensorId, Refusal> {
        let source = self.builder.dims(x).to_vec();
        let rank = window.rank();
        let dims: Vec<usize> = window.kernel.iter().chain(&source[..2]).chain(out).copied().collect();
        let mut groups = vec![pass(rank, 0), pass(rank + 1, 1)];
        for axis in 0..rank {
            let map = tap_map(window, axis, out[axis], source[2 + axis])?;
            groups.push(AxisGroup { out_axes: vec![rank + 2 + axis, axis], source_axes: vec![2 + axis], map });
        }
        Ok(self.builder.view(name, x, &dims, groups))
    }
}

/// Taps of a window along an axis, slots in the padding replaced by the window's first valid slot.
fn tap_map(window: &Window, axis: usize, out: usize, extent: usize) -> Result<GroupMap, Refusal> {
    let taps = 0..window.kernel[axis];
    let source = |p: usize, t: usize| window.source(axis, p, t, extent);
    if (0..out).all(|p| taps.clone().all(|t| source(p, t).is_some())) {
        return Ok(affine_map(window, axis, out, extent));
    }
    let mut list = Vec::new();
    for p in 0..out {
        let first = taps.clone().find_map(|t| source(p, t)).ok_or("a window lies in the padding altogether")?;
        list.extend(taps.clone().map(|t| u32::try_from(source(p, t).unwrap_or(first)).ok()));
    }
    Ok(GroupMap::List(list))
}
