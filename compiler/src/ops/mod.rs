//! The operators: one file for each or for a close family, with all that there is to know of it.
//!
//! An operator's file has its meaning in floats, its shape, its domain, its range, its import from tract's typed model, and the program that it
//! becomes. Adding one is a file and a word in the list below (`docs/add-an-operator.md`).

mod label;
mod operator;
mod regroup;
mod scatter;
mod shape;
mod window;

use std::fmt;

pub use label::Label;
pub(crate) use operator::{Demand, Nature, Operator, Ranges};
pub(crate) use regroup::reshape_groups;
pub use shape::Misfit;
pub use window::Window;
pub(crate) use window::is_tiling;

/// Declares the files of operators, and makes one enum of what they hold.
macro_rules! operators {
    ($($file:ident: $($op:ident),+;)+) => {
        $(pub(crate) mod $file;)+
        $(pub use $file::{$($op),+};)+

        /// What a node computes from its operands. Axes count from 0; every shape is known.
        #[derive(Clone)]
        pub enum Op {
            $($(#[doc = concat!("See [`", stringify!($op), "`].")] $op($op),)+)+
        }

        $($(impl From<$op> for Op {
            fn from(op: $op) -> Self {
                Self::$op(op)
            }
        })+)+

        impl Op {
            /// The operator as what all have in common.
            pub(crate) fn operator(&self) -> &dyn Operator {
                match self {
                    $($(Self::$op(op) => op,)+)+
                }
            }
        }

        /// How each file's operators are imported.
        pub(crate) const IMPORTS: &[operator::Imports] = &[$($file::IMPORT,)+ scatter::IMPORT];
    };
}

operators! {
    leaf: Input, Constant;
    conv: Conv;
    einsum: Einsum;
    sum: Add, Sub;
    product: Mul;
    division: Div;
    whole: Whole;
    power: Power;
    bitwise: Bitwise;
    column_scale: ColumnScale;
    extremum: Max, Min;
    choice: Compare, Select;
    logic: Logic;
    unary: Unary;
    prelu: PRelu;
    max_pool: MaxPool;
    average_pool: AveragePool;
    reduce: Reduce;
    top_k: TopK, IndexOf;
    norm: Norm;
    root: Root;
    softmax: Softmax;
    masked_softmax: MaskedSoftmax;
    log_softmax: LogSoftmax;
    reshape: Reshape;
    transpose: Transpose;
    concat: Concat;
    slice: Slice;
    pad: Pad;
    broadcast: Broadcast;
    take: Take;
    mix: Mix;
    gather: Gather;
    index: Index;
    gather_nd: GatherNd;
    mark: Mark;
    greedy: Greedy;
    likelihood: Likelihood;
    sample: Sample;
    cum_sum: CumSum;
    descent: Descent;
    nearest: Nearest;
    recurrence: States, Carry;
}

pub use choice::Comparison;
pub(crate) use einsum::several;
pub use logic::Connective;
pub use mix::Row;
pub(crate) use recurrence::is_handed_on;
pub use reduce::ReduceKind;

impl Op {
    /// The op's name in errors and reports.
    pub fn name(&self) -> &'static str {
        self.operator().name()
    }

    pub(crate) fn nature(&self) -> Nature {
        self.operator().nature()
    }

    /// Whether each entry of the result follows from the entries at its own place, of operands of its shape.
    pub(crate) fn goes_by_entry(&self) -> bool {
        matches!(
            self,
            Self::Add(_)
                | Self::Sub(_)
                | Self::Mul(_)
                | Self::Div(_)
                | Self::Max(_)
                | Self::Min(_)
                | Self::Whole(_)
                | Self::Power(_)
                | Self::Bitwise(_)
                | Self::Nearest(_)
                | Self::Compare(_)
                | Self::Select(_)
                | Self::Logic(_)
                | Self::Unary(_)
                | Self::Root(_)
                | Self::PRelu(_)
                | Self::ColumnScale(_)
        )
    }
}

/// The name, and of a constant its shape: constants are weights, and an op's parameters may be.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Constant(Constant(value)) => write!(f, "Constant {:?}", value.shape()),
            other => f.write_str(other.name()),
        }
    }
}
