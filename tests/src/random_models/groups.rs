//! How far entries of outputs may be off: by columns of the last axis, each relative to its own size.

use ndarray::ArrayD;
use zktorch_blocks::program::Element;
use zktorch_compiler::{Compiled, Port};

/// How much larger an error may be than the largest that the report found on its samples: fresh ones are drawn alike, so that
/// theirs are of the same kind, but a maximum over few samples is no bound.
const FACTOR: f64 = 3.0;
/// What the reference's own floats of 32 bits may lose, as a part of the output's largest entry.
const SINGLE: f64 = 1.0 / (1 << 20) as f64;

/// What is allowed for each entry of each output.
pub struct Groups(Vec<Vec<f64>>);

impl Groups {
    /// From the stated error and the sizes that columns have over all samples.
    pub fn new(compiled: &Compiled, expected: &[Vec<ArrayD<f64>>]) -> Self {
        let one = |(index, port): (usize, &Port)| {
            let entries: usize = port.shape.iter().product();
            let extent = port.shape.last().copied().unwrap_or(1).max(1);
            let mut sizes = vec![0f64; extent];
            for output in expected.iter().map(|outputs| &outputs[index]) {
                output.iter().enumerate().for_each(|(at, v)| sizes[at % extent] = sizes[at % extent].max(v.abs()));
            }
            let largest = sizes.iter().copied().fold(0.0, f64::max);
            let bound = bound(compiled, port, largest);
            let steps = port.dequantise(&vec![1; entries]);
            let allowed = |entry: usize| {
                let size = sizes[entry % extent].max(bound);
                let exact = port.element != Element::Real && stated(compiled) == 0.0;
                if exact { 0.5 } else { FACTOR * stated(compiled) * size + steps[entry].abs() + SINGLE * largest }
            };
            (0..entries).map(allowed).collect()
        };
        Self(compiled.outputs.iter().enumerate().map(one).collect())
    }

    /// How far an entry of an output may be off.
    pub fn allowed(&self, output: usize, entry: usize) -> f64 {
        self.0[output][entry]
    }
}

/// The error that the report states: that of the worst group.
pub fn stated(compiled: &Compiled) -> f64 {
    compiled.report.output_error.unwrap_or(0.0)
}

/// The size by which the report judges all columns of an output alike, as it does with probabilities; else 0.
fn bound(compiled: &Compiled, port: &Port, largest: f64) -> f64 {
    let accuracy = compiled.report.accuracy.iter().flat_map(|accuracy| &accuracy.worst);
    let sizes: Vec<f64> = accuracy.filter(|group| group.output == port.name).map(|group| group.size).collect();
    match sizes[..] {
        [first, .., last] if first == last && first >= largest => first,
        [only] if only > largest => only,
        _ => 0.0,
    }
}
