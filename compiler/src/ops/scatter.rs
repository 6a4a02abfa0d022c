//! Entries that are put where indices say, made of views, choices, sums and products (docs/lowerings.md, section 24).

use ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::ops::array::{ScatterElements, ScatterNd, ScatterReduction};

use super::gather_nd::{coordinates, known_indices, strides};
use super::index::indices as counted;
use super::mark::marks;
use super::operator::Imports;
use super::top_k::{axis_last, restored};
use super::{Add, Concat, Einsum, Label, Max, Min, Mul, Op, Pad, Reduce, ReduceKind, Select, Take, TopK};
use crate::graph::{Domain, NodeId};
use crate::import::{Import, Refusal, Site, Translator, to_integers};

/// Of nodes that stand for other operators.
pub(super) const IMPORT: Imports =
    &[Import::Named("ScatterElements", elements), Import::Named("ScatterNd", of_several_axes)];

/// How often one entry may be written to by indices that are constants.
const ROUNDS: usize = 64;

/// At one index each along an axis.
fn elements(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let ScatterElements { axis, reduction } = site.op::<ScatterElements>()?.clone();
    let (data, updates) = (t.operand(site, 0)?, t.operand(site, 2)?);
    let (whole, shape) = (t.graph.shape(data).to_vec(), t.graph.shape(updates).to_vec());
    let extent = *whole.get(axis).ok_or(Refusal::OutOfRange("the axis"))?;
    if let Some(list) = t.known(site, 1) {
        let list = known_indices(&to_integers(list)?, extent)?;
        let (own, steps) = (strides(&shape), strides(&whole));
        let place = |(flat, index): (usize, usize)| {
            let on = |a: usize| if a == axis { index } else { flat / own[a] % shape[a] };
            (0..shape.len()).map(|a| on(a) * steps[a]).sum()
        };
        let places: Vec<usize> = list.into_iter().enumerate().map(place).collect();
        return by_views(t, site, reduction, &places, whole.len());
    }
    if (0..shape.len()).any(|a| a != axis && shape[a] != whole[a]) {
        return Err(Refusal::Form("indices that depend on inputs must have all entries of the other axes"));
    }
    let indices = t.operand(site, 1)?;
    let (indices, order) = axis_last(t, site, indices, axis)?;
    let ([data, updates], rank) = ([data, updates].map(|x| axis_last(t, site, x, axis)), shape.len());
    let (data, updates) = (data?.0, updates?.0);
    let rows: usize = t.graph.shape(data)[..rank - 1].iter().product();
    let count = shape[axis];
    let z = marks(t, site, indices, extent)?;
    let distinct = places(t, z) == Some(count);
    let z = t.reshape(site, z, &[rows, count, extent]);
    let moved = t.graph.shape(data).to_vec();
    let data = t.reshape(site, data, &[rows, extent, 1]);
    let updates = t.reshape(site, updates, &[rows, count, 1]);
    let empty = t.uniform(site, 0) == Some(0.0);
    let written = Written { z, data, updates, distinct, empty }.reduced(t, site, reduction)?;
    let written = t.reshape(site, written, &moved);
    restored(t, site, written, &order)
}

/// Parts at indices of several axes, which stand on the indices' last axis.
fn of_several_axes(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let reduction = site.op::<ScatterNd>()?.reduction;
    let (data, updates) = (t.operand(site, 0)?, t.operand(site, 2)?);
    let whole = t.graph.shape(data).to_vec();
    let depth = t.operand_shape(site, 1)?.last().copied().unwrap_or(0);
    let Some(outer) = whole.get(..depth).filter(|_| depth > 0) else {
        return Err(Refusal::OutOfRange("an axis of the indices"));
    };
    let steps = strides(outer);
    if let Some(list) = t.known(site, 1) {
        let mut places = Vec::new();
        for index in to_integers(list)?.chunks(depth) {
            let mut place = 0;
            for ((index, &extent), step) in index.iter().zip(outer).zip(&steps) {
                place += known_indices(&[*index], extent)?[0] * step;
            }
            places.push(place);
        }
        return by_views(t, site, reduction, &places, depth);
    }
    let (extent, rest) = (outer.iter().product(), whole[depth..].iter().product());
    let all = coordinates(t, site, outer)?;
    let count = t.graph.shape(all[0]).iter().product();
    let mut place = None;
    for (index, &step) in all.into_iter().zip(&steps) {
        let shape = t.graph.shape(index).to_vec();
        let constant = t.graph.add_constant_of(
            Domain::ANY,
            site.name.clone(),
            ArrayD::from_elem(IxDyn(&vec![1; shape.len()]), step as f64),
        );
        let constant = t.broadcast(site, constant, &shape);
        let term = if step == 1 { index } else { t.add(site, Mul, &[index, constant])? };
        place = Some(place.map_or(Ok(term), |sum| t.add(site, Add, &[sum, term]))?);
    }
    let place = place.ok_or(Refusal::OutOfRange("an axis of the indices"))?;
    let place = t.reshape(site, place, &[count]);
    let place = counted(t, site, place, extent)?;
    let z = marks(t, site, place, extent)?;
    let z = t.reshape(site, z, &[1, count, extent]);
    let data = t.reshape(site, data, &[1, extent, rest]);
    let updates = t.reshape(site, updates, &[1, count, rest]);
    let empty = t.uniform(site, 0) == Some(0.0);
    let written = Written { z, data, updates, distinct: false, empty }.reduced(t, site, reduction)?;
    Ok(t.reshape(site, written, &whole))
}

/// At constant places behind so many axes of the data: views of data and updates, one for each time that an entry is written to.
fn by_views(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    reduction: ScatterReduction,
    places: &[usize],
    axes: usize,
) -> Result<NodeId, Refusal> {
    let (data, updates) = (t.operand(site, 0)?, t.operand(site, 2)?);
    let (outer, rest) = t.graph.shape(data).split_at(axes);
    let (extent, width) = (outer.iter().product::<usize>(), rest.iter().product());
    let (data, updates) = (t.reshape(site, data, &[extent, width]), t.reshape(site, updates, &[places.len(), width]));
    let mut writers: Vec<Vec<usize>> = vec![Vec::new(); extent];
    for (n, &place) in places.iter().enumerate() {
        writers[place].push(n);
    }
    if reduction == ScatterReduction::None {
        // The last one counts.
        writers.iter_mut().for_each(|all| *all = all.split_off(all.len().saturating_sub(1)));
    }
    let rounds = writers.iter().map(Vec::len).max().unwrap_or(0);
    if rounds > ROUNDS {
        return Err(Refusal::Form("so many updates of one entry are not supported"));
    }
    let mut result = data;
    for round in 0..rounds {
        let both = match writers.iter().all(|all| all.len() > round) {
            true => None,
            // Entries that are not written to stay what they are.
            false => Some(match reduction {
                ScatterReduction::Add => neutral(t, site, updates, 0.0)?,
                ScatterReduction::Mul => neutral(t, site, updates, 1.0)?,
                _ => t.add(site, Concat { axis: 0 }, &[updates, data])?,
            }),
        };
        let own = |place: usize| match reduction {
            ScatterReduction::Add | ScatterReduction::Mul => places.len(),
            _ => places.len() + place,
        };
        let indices = writers.iter().enumerate().map(|(place, all)| all.get(round).copied().unwrap_or_else(|| own(place)));
        let written = t.add(site, Take { axis: 0, indices: indices.collect() }, &[both.unwrap_or(updates)])?;
        result = match reduction {
            ScatterReduction::None => written,
            ScatterReduction::Add => t.add(site, Add, &[result, written])?,
            ScatterReduction::Mul => t.add(site, Mul, &[result, written])?,
            ScatterReduction::Max => t.add(site, Max, &[result, written])?,
            ScatterReduction::Min => t.add(site, Min, &[result, written])?,
        };
    }
    Ok(t.reshape(site, result, &site.shape))
}

/// A tensor with one more part behind the others, of one number.
fn neutral(t: &mut Translator<'_>, site: &Site<'_>, x: NodeId, value: f64) -> Result<NodeId, Refusal> {
    t.add(site, Pad { begin: vec![0, 0], end: vec![1, 0], value }, &[x])
}

/// How many places of one order there are behind bits: of these no two are the same entry.
fn places(t: &Translator<'_>, z: NodeId) -> Option<usize> {
    match t.graph.op(z) {
        Op::TopK(TopK { top, .. }) => Some(*top),
        Op::Reshape(_) => places(t, *t.graph.operands(z).first()?),
        _ => None,
    }
}

/// What is written to: bits `z[b, k, e]` that mark where update `[b, k, r]` goes in data `[b, e, r]`.
struct Written {
    z: NodeId,
    data: NodeId,
    updates: NodeId,
    /// Whether no two updates go to one entry.
    distinct: bool,
    /// Whether the data is 0.
    empty: bool,
}

impl Written {
    fn reduced(self, t: &mut Translator<'_>, site: &Site<'_>, reduction: ScatterReduction) -> Result<NodeId, Refusal> {
        let Self { z, data, updates, distinct, empty } = self;
        let shape = t.graph.shape(data).to_vec();
        match reduction {
            ScatterReduction::Add => {
                let placed = self.placed(t, site)?;
                if empty { Ok(placed) } else { t.add(site, Add, &[data, placed]) }
            }
            ScatterReduction::None if empty && distinct => self.placed(t, site),
            ScatterReduction::None => {
                let placed = self.placed(t, site)?;
                let hits = t.add(site, Reduce { kind: ReduceKind::Sum, axes: vec![1] }, &[z])?;
                let hits = t.reshape(site, hits, &[shape[0], shape[1], 1]);
                // ONNX leaves open what two updates of one entry make: there is no proof of that.
                let hits = counted(t, site, hits, 2)?;
                let hits = t.broadcast(site, hits, &shape);
                t.add(site, Select, &[hits, placed, data])
            }
            ScatterReduction::Mul | ScatterReduction::Max | ScatterReduction::Min => {
                let count = t.graph.shape(z)[1];
                let all = [shape[0], count, shape[1], shape[2]];
                let spread = |t: &mut Translator<'_>, x: NodeId, shape: [usize; 4]| {
                    let x = t.reshape(site, x, &shape);
                    t.broadcast(site, x, &all)
                };
                let hits = spread(t, z, [all[0], count, all[2], 1]);
                let new = spread(t, updates, [all[0], count, 1, all[3]]);
                let old = match reduction {
                    ScatterReduction::Mul => {
                        let one = ArrayD::from_elem(IxDyn(&[1; 4]), 1.0);
                        let one = t.graph.add_constant_of(t.graph.domain(data), site.name.clone(), one);
                        t.broadcast(site, one, &all)
                    }
                    _ => spread(t, data, [all[0], 1, all[2], all[3]]),
                };
                let each = t.add(site, Select, &[hits, new, old])?;
                let (made, op) = match reduction {
                    ScatterReduction::Mul => (super::product::along(t, site, each, &[1])?, Op::from(Mul)),
                    ScatterReduction::Max => {
                        (t.add(site, Reduce { kind: ReduceKind::Max, axes: vec![1] }, &[each])?, Max.into())
                    }
                    _ => (t.add(site, Reduce { kind: ReduceKind::Min, axes: vec![1] }, &[each])?, Min.into()),
                };
                let made = t.reshape(site, made, &shape);
                t.add(site, op, &[data, made])
            }
        }
    }

    /// The updates at their places, added up, and 0 elsewhere.
    fn placed(&self, t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
        let [lhs, rhs, out] = [[0, 1, 2], [0, 1, 3], [0, 2, 3]].map(Label::of);
        t.add(site, Einsum { lhs, rhs, out }, &[self.z, self.updates])
    }
}
