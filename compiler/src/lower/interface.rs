//! Inputs and outputs: what they must be like, and the tensors that they become.

use zktorch_blocks::program::{Interval, Scale, Visibility};

use super::{FINER, Lowering, Refusal, Value};
use crate::compile::{Like, Options};
use crate::graph::NodeId;
use crate::graph::columns::Columns;
use crate::ops::{Input, Op};

/// No integer of an input is larger, whatever samples are.
const WIDEST_INPUT: f64 = (1u64 << 48) as f64;

/// Bits of an input that is compared with constants, at most.
const WIDEST_COMPARED: i32 = 36;

/// What inputs and outputs must be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interface<'o> {
    /// Who knows the inputs.
    pub inputs: Visibility,
    /// Who knows the outputs.
    pub outputs: Visibility,
    /// Scale and interval of inputs, where these are given.
    pub inputs_like: &'o [Like],
    /// Powers of two of the columns of inputs and outputs, which the graph has taken in.
    pub columns: &'o Columns,
}

impl<'o> Interface<'o> {
    /// What the options ask for.
    pub fn of(options: &'o Options, columns: &'o Columns) -> Self {
        let Options { inputs, outputs, ref inputs_like, .. } = *options;
        Self { inputs, outputs, inputs_like, columns }
    }
}

impl Lowering<'_> {
    pub(super) fn input(&mut self, id: NodeId, n: usize) -> Result<Value, Refusal> {
        let domain = self.graph.domain(id);
        let given = self.interface.inputs_like.get(n);
        if domain.is_exact() && self.interface.columns.inputs.get(n).is_some_and(|exponents| !exponents.is_empty()) {
            return Err("its entries are integers, what it is to be like has a scale for each column".into());
        }
        let (scale, interval) = match domain.range() {
            Some(range) => (Scale(0), self.integers(id, range, given)?),
            None => given.map(|like| (like.scale, like.interval)).unwrap_or_else(|| {
                let bits = if self.is_steep(id) { self.settings.bits + FINER } else { (self.settings.bits + 2).min(16) };
                let half = 1i64 << (bits - 1);
                let magnitude = self.calibration.range(id).magnitude() * self.calibration.margin();
                let scale = crate::quantise::scale_for(magnitude, half as f64 - 1.0);
                let finer = self.calibration.finer_grid(id, scale, WIDEST_COMPARED - bits as i32);
                (scale + finer, Interval::new(-(half << finer), (half << finer) - 1))
            }),
        };
        let (name, dims) = (self.name(id), self.graph.shape(id).to_vec());
        let shown = matches!(self.graph.op(id), Op::Input(Input { shown: true, .. }));
        let visibility = if shown { Visibility::Public } else { self.interface.inputs };
        let tensor = self.builder.input(&name, &dims, interval, scale, visibility);
        match (visibility, domain.is_exact()) {
            (Visibility::Public, _) => {}
            (Visibility::Private, true) => self.builder.within(&format!("{name}.range"), tensor, interval)?,
            (Visibility::Private, false) => {
                self.builder.loose_range(&format!("{name}.range"), tensor, interval.lo, interval.hi - interval.lo + 1)?;
            }
        }
        Ok(Value { tensor, scale, depth: 0 })
    }

    /// The integers that an input may be: all that its type has, if these are few, else whatever samples need, rounded up to powers of two.
    fn integers(&self, id: NodeId, (lo, hi): (i64, i64), given: Option<&Like>) -> Result<Interval, Refusal> {
        if let Some(&Like { scale, interval, .. }) = given {
            if scale != Scale(0) {
                return Err(
                    format!("its entries are integers, what it is to be like has {scale} bits behind the point").into()
                );
            }
            let common = Interval::new(interval.lo.max(lo), interval.hi.min(hi));
            return if common.lo <= common.hi {
                Ok(common)
            } else {
                Err("what it is to be like is never an integer of its type".into())
            };
        }
        if hi - lo < 1 << 16 {
            return Ok(Interval::new(lo, hi));
        }
        let range = self.calibration.range(id);
        let largest = (range.magnitude() * self.calibration.margin()).min(WIDEST_INPUT).ceil() as i64;
        let half = 1i64 << (64 - largest.max(1).leading_zeros());
        let least = if range.lo < 0.0 { -half } else { 0 };
        Ok(Interval::new(least.max(lo), (half - 1).min(hi)))
    }

    pub(super) fn output(&mut self, id: NodeId, name: &str) -> Result<(), Refusal> {
        let value = self.value(id)?;
        if self.graph.domain(id).is_exact() && value.scale != Scale(0) {
            return Err(format!("an integer at scale {}, which is a defect of the compiler", value.scale).into());
        }
        self.builder.output(name, value.tensor, value.scale, self.interface.outputs);
        Ok(())
    }
}
