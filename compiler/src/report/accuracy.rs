//! How far outputs are from a reference: by groups of entries, each relative to its own size.
//!
//! One figure for a whole tensor hides what is small in it: beside a price of 2,757 an uncertainty of 0.009 may be wrong altogether. So
//! entries are judged in groups: each entry of a small output by itself, of a larger one each column of the last axis. The group
//! that is worst is the headline.

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use zktorch_blocks::program::Element;

use crate::Port;

/// Outputs of at most so many entries are judged entry by entry.
const SMALL: usize = 64;
/// What is smaller than this part of its tensor's largest entry is beyond the precision of the reference: it is judged by that entry.
const NOISE: f64 = 1.0 / (1 << 22) as f64;
/// How improbable it must be that a group is small by chance, before it is judged by its own size. Were its values like the others',
/// `n` of them would all be below a part `r` of the largest with probability `r^n`, and any one of `g` groups at most `g` times so: of the 50,257
/// logits of one token some are always near 0.
const CHANCE: f64 = 1.0 / (1 << 16) as f64;
/// Worst groups that the report lists.
const LISTED: usize = 8;

/// Errors of all outputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Samples that were measured.
    pub measured: usize,
    /// Samples that were given.
    pub samples: usize,
    /// The groups with the largest errors, worst first.
    pub worst: Vec<GroupError>,
    /// The largest error of any output tensor, relative to its largest entry.
    pub tensor_error: f64,
    /// Why the model could not be run as its file says, so that errors are measured against the compiler's own evaluation.
    pub unrunnable: Option<String>,
}

/// The error of a group of entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupError {
    /// The output.
    pub output: String,
    /// Which entries: an index with `:` for axes that are taken whole.
    pub entries: String,
    /// Relative error; of an output of integers the share of samples in which an entry is another.
    pub error: f64,
    /// Largest difference.
    pub difference: f64,
    /// What the difference is relative to.
    pub size: f64,
    /// Why it is.
    pub yardstick: Yardstick,
    /// The largest magnitude that the reference has in the group.
    pub reached: f64,
}

/// What an error is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Yardstick {
    /// What the group reaches, or its tensor where the group is small by accident.
    Reached,
    /// The bound that an operator sets: 1 of a probability.
    Bound,
    /// The samples: entries are integers or truth values, the same or not.
    Samples,
}

impl GroupError {
    /// The error as a sentence's part.
    pub fn describe(&self) -> String {
        let Self { output, entries, size, reached, .. } = self;
        let percent = |part: f64| format!("{:.3} %", 100.0 * part);
        let error = percent(self.error);
        match self.yardstick {
            Yardstick::Reached => format!("{error} at `{output}` {entries}, where outputs reach {size:.4}"),
            Yardstick::Bound => {
                let own = percent(relative(self.difference, *reached));
                format!(
                    "{error} of its bound {size} at `{output}` {entries}, and {own} of the {reached:.4} that is reached there"
                )
            }
            Yardstick::Samples => format!("`{output}` {entries} is another number in {error} of the samples"),
        }
    }
}

impl Accuracy {
    /// The headline: the error of the worst group.
    pub fn error(&self) -> f64 {
        self.worst.first().map_or(0.0, |group| group.error)
    }
}

/// Differences of one output, by group.
#[derive(Clone, Debug)]
struct OutputErrors {
    groups: Vec<Seen>,
    integers: bool,
}

/// What was seen of a group.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    difference: f64,
    size: f64,
    /// What entries can reach, where the operator behind all of them bounds it: a probability of 0.001 is judged as a probability.
    bound: Option<f64>,
    values: i32,
    samples_that_differ: usize,
}

impl Seen {
    /// What differences are relative to, if the largest entry of the tensor is known, and how many groups it has.
    fn scale(&self, largest: f64, groups: usize) -> f64 {
        let part = self.size / largest;
        if part > NOISE && !by_chance(part, self.values, groups) { self.size } else { largest }
    }
}

/// Whether the values of one of so many groups may all lie below this part of the largest of others by chance.
pub(crate) fn by_chance(part: f64, values: i32, groups: usize) -> bool {
    part.powi(values) * groups as f64 > CHANCE
}

/// Collects the errors of samples.
#[derive(Clone, Debug)]
pub(crate) struct Measure<'p> {
    ports: &'p [Port],
    outputs: Vec<OutputErrors>,
    measured: usize,
}

impl<'p> Measure<'p> {
    /// Nothing measured yet. `bounds` are what entries of outputs can reach by their operators, infinite where these set no bound; none of an
    /// output that has no bound at all.
    pub fn new(ports: &'p [Port], bounds: &[Option<ArrayD<f64>>]) -> Self {
        let output = |(port, bounds): (&Port, &Option<ArrayD<f64>>)| {
            let count = groups(&port.shape);
            let mut groups = vec![Seen::default(); count];
            for (entry, &bound) in bounds.iter().flatten().enumerate() {
                let known = &mut groups[entry % count].bound;
                *known = Some(known.map_or(bound, |known| known.max(bound)));
            }
            groups.iter_mut().for_each(|group| group.bound = group.bound.filter(|bound| bound.is_finite() && *bound > 0.0));
            OutputErrors { groups, integers: port.element != Element::Real }
        };
        Self { ports, outputs: ports.iter().zip(bounds).map(output).collect(), measured: 0 }
    }

    /// Takes in one sample: real numbers of all outputs, and what they should be.
    pub fn take(&mut self, got: &[Vec<f64>], wanted: &[ArrayD<f64>]) {
        self.measured += 1;
        for ((output, got), wanted) in self.outputs.iter_mut().zip(got).zip(wanted) {
            let count = output.groups.len();
            let mut differs = vec![false; count];
            for (entry, (&got, &wanted)) in got.iter().zip(wanted).enumerate() {
                let group = entry % count;
                let seen = &mut output.groups[group];
                let difference = (got - wanted).abs();
                // What is not a number is as wrong as can be.
                seen.difference = if difference.is_nan() { f64::INFINITY } else { seen.difference.max(difference) };
                seen.size = seen.size.max(wanted.abs());
                seen.values = seen.values.saturating_add(1);
                differs[group] |= got.round() != wanted;
            }
            output.groups.iter_mut().zip(differs).for_each(|(seen, d)| seen.samples_that_differ += usize::from(d));
        }
    }

    /// The errors, of how many samples were given.
    pub fn finish(self, samples: usize) -> Accuracy {
        let (mut worst, mut tensor_error) = (Vec::new(), 0f64);
        for (output, port) in self.outputs.iter().zip(self.ports) {
            let unbounded = output.groups.iter().filter(|group| group.bound.is_none());
            let largest = unbounded.map(|group| group.size).fold(0.0, f64::max);
            for (index, seen) in output.groups.iter().enumerate() {
                let size = seen.bound.unwrap_or_else(|| seen.scale(largest, output.groups.len()));
                let share = seen.samples_that_differ as f64 / self.measured.max(1) as f64;
                let error = if output.integers { share } else { relative(seen.difference, size) };
                if !output.integers {
                    tensor_error = tensor_error.max(relative(seen.difference, seen.bound.unwrap_or(largest)));
                }
                let yardstick = match seen.bound {
                    _ if output.integers => Yardstick::Samples,
                    Some(_) => Yardstick::Bound,
                    None => Yardstick::Reached,
                };
                let (name, entries, reached) = (port.name.clone(), entries(&port.shape, index), seen.size);
                worst.push(GroupError {
                    output: name,
                    entries,
                    error,
                    difference: seen.difference,
                    size,
                    yardstick,
                    reached,
                });
            }
        }
        worst.sort_by(|a, b| b.error.total_cmp(&a.error));
        worst.truncate(LISTED);
        Accuracy { measured: self.measured, samples, worst, tensor_error, unrunnable: None }
    }
}

/// A difference as a part of a size; any difference from nothing at all is whole.
fn relative(difference: f64, size: f64) -> f64 {
    match (difference, size) {
        (0.0, _) => 0.0,
        (d, 0.0) if d.is_finite() => 1.0,
        _ => difference / size,
    }
}

/// Groups of a tensor: entry `i` belongs to group `i` modulo their number.
fn groups(shape: &[usize]) -> usize {
    let entries: usize = shape.iter().product();
    if entries <= SMALL { entries.max(1) } else { shape.last().copied().unwrap_or(1).max(1) }
}

/// A group as an index.
fn entries(shape: &[usize], group: usize) -> String {
    let total: usize = shape.iter().product();
    let mut index = Vec::new();
    if total <= SMALL {
        let mut rest = group;
        for &extent in shape.iter().rev() {
            index.push((rest % extent.max(1)).to_string());
            rest /= extent.max(1);
        }
        index.reverse();
    } else {
        index = vec![":".to_owned(); shape.len().saturating_sub(1)];
        index.push(group.to_string());
    }
    format!("[{}]", index.join(", "))
}

#[cfg(test)]
mod tests {
    use ndarray::IxDyn;
    use zktorch_blocks::program::{Interval, Scale};

    use super::*;

    fn port(shape: &[usize], scale: i32) -> Port {
        let element = if scale == 0 { Element::Integer } else { Element::Real };
        Port {
            name: "y".into(),
            shape: shape.to_vec(),
            element,
            scale: Scale(scale),
            columns: Vec::new(),
            interval: Interval::new(-9, 9),
        }
    }

    fn measured(shape: &[usize], bound: Option<f64>, got: &[f64], wanted: &[f64]) -> Accuracy {
        let ports = [port(shape, 8)];
        let mut measure = Measure::new(&ports, &[bound.map(|bound| ArrayD::from_elem(IxDyn(shape), bound))]);
        let wanted = ArrayD::from_shape_vec(IxDyn(shape), wanted.to_vec()).expect("values of the shape");
        measure.take(&[got.to_vec()], &[wanted]);
        measure.finish(1)
    }

    #[test]
    fn a_small_entry_beside_a_large_one_is_judged_by_its_own_size() {
        let accuracy = measured(&[1, 2], None, &[2757.5, 0.0], &[2757.0, 0.009]);
        assert_eq!((accuracy.error(), accuracy.worst[0].entries.as_str()), (1.0, "[0, 1]"));
        assert!(accuracy.tensor_error < 0.001);
    }

    #[test]
    fn columns_of_a_large_output_are_groups() {
        let wanted: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 100.0 } else { 1.0 }).collect();
        let mut got = wanted.clone();
        got[51] += 0.25;
        let accuracy = measured(&[50, 2], None, &got, &wanted);
        assert_eq!((accuracy.error(), accuracy.worst[0].entries.as_str()), (0.25, "[:, 1]"));
    }

    #[test]
    fn a_value_near_zero_among_others_is_no_small_group() {
        assert!(measured(&[2], None, &[8.0, 0.02], &[8.0, 0.01]).error() < 0.002);
        let ports = [port(&[2], 8)];
        let mut measure = Measure::new(&ports, &[None]);
        for _ in 0..4 {
            let wanted = ArrayD::from_shape_vec(IxDyn(&[2]), vec![8.0, 0.01]).expect("two values");
            measure.take(&[vec![8.0, 0.02]], &[wanted]);
        }
        assert_eq!(measure.finish(4).error(), 1.0);
    }

    #[test]
    fn some_of_many_columns_are_near_zero() {
        let wanted: Vec<f64> = (0..50_000).map(|i| f64::from(i) / 50_000.0).collect();
        let got: Vec<f64> = wanted.iter().map(|value| value + 0.001).collect();
        assert!(measured(&[1, 50_000], None, &got, &wanted).error() < 0.0011);
    }

    #[test]
    fn probabilities_are_judged_as_such_and_zeros_by_their_tensor() {
        assert!(measured(&[2], Some(1.0), &[0.999, 0.001], &[1.0, 0.0]).error() < 0.0011);
        assert_eq!(measured(&[2], None, &[8.0, 0.5], &[8.0, 0.0]).error(), 0.0625);
        assert_eq!(measured(&[1], None, &[0.5], &[0.0]).error(), 1.0);
        assert!(measured(&[1], None, &[0.5], &[f64::NAN]).error().is_infinite());
    }

    #[test]
    fn probabilities_beside_boxes_are_judged_as_such() {
        let ports = [port(&[40, 2], 8)];
        let bounds = ArrayD::from_shape_fn(IxDyn(&[40, 2]), |at| if at[1] == 1 { 1.0 } else { f64::INFINITY });
        let mut measure = Measure::new(&ports, &[Some(bounds)]);
        let wanted = ArrayD::from_shape_fn(IxDyn(&[40, 2]), |at| if at[1] == 1 { 0.05 } else { 8.0 });
        let got: Vec<f64> = wanted.iter().map(|value| value + 0.01).collect();
        measure.take(&[got], &[wanted]);
        let accuracy = measure.finish(1);
        let of = |at: usize| (accuracy.worst[at].yardstick, accuracy.worst[at].size);
        assert_eq!((of(0), of(1)), ((Yardstick::Bound, 1.0), (Yardstick::Reached, 8.0)));
        assert!((accuracy.error() - 0.01).abs() < 1e-9, "{accuracy}");
    }

    #[test]
    fn errors_are_worded_by_what_they_are_relative_to() {
        let text = |accuracy: Accuracy| accuracy.worst[0].describe();
        let said = text(measured(&[1], Some(1.0), &[0.0625], &[0.125]));
        assert_eq!(said, "6.250 % of its bound 1 at `y` [0], and 50.000 % of the 0.1250 that is reached there");
        assert_eq!(text(measured(&[1], None, &[3.0], &[4.0])), "25.000 % at `y` [0], where outputs reach 4.0000");
        let ports = [port(&[1], 0)];
        let mut measure = Measure::new(&ports, &[Some(ArrayD::from_elem(IxDyn(&[1]), 1.0))]);
        measure.take(&[vec![1.0]], &[ArrayD::from_elem(IxDyn(&[1]), 0.0)]);
        let accuracy = measure.finish(1);
        assert_eq!(accuracy.worst[0].describe(), "`y` [0] is another number in 100.000 % of the samples");
        assert!(!accuracy.to_string().contains("of the largest output"), "{accuracy}");
    }

    #[test]
    fn integers_differ_or_do_not() {
        let ports = [port(&[1], 0)];
        let mut measure = Measure::new(&ports, &[None]);
        let label = |v: f64| [ArrayD::from_elem(IxDyn(&[1]), v)];
        for (got, wanted) in [(3.0, 3.0), (3.0, 3.0), (7.0, 3.0), (2.0, 2.0)] {
            measure.take(&[vec![got]], &label(wanted));
        }
        assert_eq!(measure.finish(4).error(), 0.25);
    }
}
