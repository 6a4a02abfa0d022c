//! The scale of every tensor, and which operations are carried out together.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use zktorch_blocks::program::Scale;

use super::saturation::{CLASS, Domain, REACH, WORTH, saturable};
use super::settings::Settings;
use super::{Calibration, Note, scale_for};
use crate::graph::{Graph, NodeId};
use crate::ops::{Demand, MaxPool, Op, Unary, Window, is_tiling};

/// Scales that a lowering may have.
pub(crate) const SCALES: RangeInclusive<i64> = -128..=128;

/// Bits by which the scales of parts of an output may differ.
const SHOWN: i32 = 24;

/// A max pool, the monotone function before or behind it, and the requantisation, as one.
#[derive(Clone, Debug)]
pub(crate) struct FusedPool {
    /// What is pooled: the tensor before the function.
    pub source: NodeId,
    /// The pool's windows.
    pub window: Window,
    /// Applied to the maxima.
    pub function: Option<Unary>,
}

/// Scales and fusions.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    scales: HashMap<NodeId, Scale>,
    /// By the last node of the pattern.
    pub pools: HashMap<NodeId, FusedPool>,
    /// Nodes that another node's pattern carries out.
    pub absorbed: HashSet<NodeId>,
    /// Functions that are looked up in saturating tables, and the binary logarithm of how many steps beyond their domain they meet.
    pub saturated: HashMap<NodeId, u32>,
}

impl Plan {
    /// Plans a graph.
    pub fn new(graph: &Graph, calibration: &Calibration, settings: Settings) -> Self {
        let margin = calibration.margin();
        let limit = f64::from(1u32 << (settings.bits - 1)) - 1.0;
        let mut scales: HashMap<NodeId, Scale> =
            graph.nodes().map(|(id, _)| (id, scale_for(calibration.range(id).magnitude() * margin, limit))).collect();
        let mut pools: HashMap<NodeId, FusedPool> = HashMap::new();
        let mut absorbed = HashSet::new();
        for (id, node) in graph.nodes() {
            if let Op::MaxPool(MaxPool(window)) = &node.op {
                let (last, pool) = fuse(graph, id, window, &pools, &absorbed);
                if last != id || pool.source != graph.operands(id)[0] {
                    absorbed.insert(if last == id { graph.operands(id)[0] } else { id });
                }
                // Differences share the table of the activations, half of which is negative.
                let spread = calibration.spread(id);
                let scale = scales.entry(pool.source).or_insert(Scale(0));
                if spread > 0.0 && spread.is_finite() {
                    *scale = (*scale).min(scale_for(spread * margin, limit));
                }
                pools.insert(last, pool);
            }
        }
        for (id, node) in graph.nodes() {
            let Some(Demand { rows, finest }) = node.op.operator().demand(settings) else { continue };
            let Some(&scores) = graph.operands(id).first() else { continue };
            let range = calibration.range(scores);
            let width = ((range.hi - range.lo) * margin).max(1.0);
            scales.insert(scores, scale_for(width, (rows - 2) as f64).min(finest));
        }
        let mut plan = Self { scales, pools, absorbed, saturated: HashMap::new() };
        if settings.saturates {
            plan.saturate(graph, settings);
        }
        for id in graph.order().into_iter().rev() {
            if matches!(graph.op(id), Op::Concat(_)) {
                let operands = graph.operands(id);
                // Parts that nothing but outputs take keep the bits that they have.
                let apart = if is_only_shown(graph, id) { SHOWN } else { 0 };
                if let Some(scale) = operands.iter().map(|&o| plan.origin_scale(graph, o) + apart).min() {
                    operands.iter().for_each(|&o| plan.lower_to(graph, o, scale));
                }
            }
        }
        // States are at one scale before steps and after.
        for (id, _) in graph.nodes() {
            if let Some(carry) = graph.carry(id) {
                let scale = plan.scale(id).min(plan.scale(carry));
                plan.scales.extend([(id, scale), (carry, scale)]);
            }
        }
        plan.scales.extend(graph.nodes().filter(|(_, node)| node.domain.is_exact()).map(|(id, _)| (id, Scale(0))));
        plan
    }

    /// Gives functions that end the scale at which their tables do, where that is much finer.
    fn saturate(&mut self, graph: &Graph, settings: Settings) {
        for (id, operand, function) in saturable(graph).filter(|(id, ..)| !self.pools.contains_key(id)) {
            let Some(domain) = Domain::of(function, settings) else { continue };
            let gain = domain.scale - self.scale(operand);
            if gain >= WORTH {
                // What samples reach is below `2^(bits - 1)` at the operand's own scale, hence `step << (gain + CLASS - 1)` here; twice that.
                self.saturated.insert(id, (gain.unsigned_abs() + CLASS).min(REACH));
                self.scales.extend([(id, domain.scale), (operand, domain.scale)]);
            }
        }
    }

    /// Puts everything that samples say of some nodes to `decide`, with what is allowed; it may know better.
    pub fn decide<E>(
        &mut self,
        graph: &Graph,
        of: impl Fn(NodeId) -> bool,
        settings: Settings,
        mut decide: impl FnMut(Note, RangeInclusive<i64>, i64) -> Result<i64, E>,
    ) -> Result<(), E> {
        for (id, _) in graph.nodes().filter(|&(id, node)| of(id) && !node.domain.is_exact()) {
            let scale = decide(Note::ActivationScale, SCALES, self.scale(id).0.into())?;
            self.scales.insert(id, Scale(scale as i32));
        }
        let functions =
            saturable(graph).filter(|(id, _, f)| of(*id) && settings.saturates && Domain::of(f, settings).is_some());
        for (id, ..) in functions {
            let known = self.saturated.remove(&id).unwrap_or(0);
            let reach = decide(Note::Reach, 0..=REACH.into(), known.into())?;
            if reach > 0 {
                self.saturated.insert(id, reach as u32);
            }
        }
        Ok(())
    }

    /// The scale of a node's tensor when it is brought to the width of activations.
    pub fn scale(&self, id: NodeId) -> Scale {
        self.scales.get(&id).copied().unwrap_or_default()
    }

    /// The node whose requantisation sets the scale of this one's values.
    fn origin(&self, graph: &Graph, id: NodeId) -> NodeId {
        let next = graph.operands(id).first().copied().filter(|_| graph.op(id).nature().keeps_scale);
        next.map_or(id, |next| self.origin(graph, next))
    }

    fn origin_scale(&self, graph: &Graph, id: NodeId) -> Scale {
        self.scale(self.origin(graph, id))
    }

    fn lower_to(&mut self, graph: &Graph, id: NodeId, scale: Scale) {
        let origin = self.origin(graph, id);
        for id in [id, origin] {
            let known = self.scales.entry(id).or_insert(scale);
            *known = (*known).min(scale);
        }
        if matches!(graph.op(origin), Op::Concat(_)) {
            for operand in graph.operands(origin) {
                self.lower_to(graph, operand, scale);
            }
        }
    }

    /// The scale at which the accumulator of a node will be requantised, less what lies between; `None` if it reaches an
    /// output as it is.
    pub fn sink(&self, graph: &Graph, id: NodeId) -> Option<Scale> {
        let mut current = id;
        let mut gained = 0;
        loop {
            let users = graph.users(current);
            let linear = users.iter().find(|&&(user, _)| graph.op(user).nature().linear);
            match (users.first(), linear) {
                (None, _) => return None,
                (Some(_), Some(&(user, _))) => {
                    gained += gain(graph, current, user);
                    current = user;
                }
                (Some(_), None) => return Some(self.scale(current) - gained),
            }
        }
    }
}

/// Whether a node's entries are outputs as they are, and nothing else is computed from them.
pub(crate) fn is_only_shown(graph: &Graph, id: NodeId) -> bool {
    let moved = |user: NodeId| graph.op(user).nature().layout || matches!(graph.op(user), Op::Concat(_));
    graph.users(id).into_iter().all(|(user, _)| moved(user) && is_only_shown(graph, user))
}

/// Bits of scale that an exact mean adds.
fn gain(graph: &Graph, operand: NodeId, user: NodeId) -> i32 {
    let count = graph.op(user).operator().averaged(graph.shape(operand));
    if count.is_power_of_two() { count.trailing_zeros() as i32 } else { 0 }
}

/// The pattern around a max pool, and its last node; a function belongs to one pool.
fn fuse(
    graph: &Graph,
    id: NodeId,
    window: &Window,
    pools: &HashMap<NodeId, FusedPool>,
    absorbed: &HashSet<NodeId>,
) -> (NodeId, FusedPool) {
    let free = |function: NodeId| !pools.contains_key(&function) && !absorbed.contains(&function);
    let source = graph.operands(id)[0];
    let plain = FusedPool { source, window: window.clone(), function: None };
    if let Op::Unary(f) = graph.op(source)
        && f.is_monotone()
        && graph.uses(source) == 1
        && free(source)
        && is_tiling(window)
    {
        return (id, FusedPool { source: graph.operands(source)[0], function: Some(f.clone()), ..plain });
    }
    if let ([(user, _)], 1) = (&graph.users(id)[..], graph.uses(id))
        && let Op::Unary(f) = graph.op(*user)
        && f.is_monotone()
        && free(*user)
    {
        return (*user, FusedPool { function: Some(f.clone()), ..plain });
    }
    (id, plain)
}
