//! The integers of an input.

use crate::failure::Failure;
use crate::given::Given;
use crate::watch::Phases;
use zktorch_compiler::inputs::Sample;
use zktorch_compiler::{InputError, Port};
use zktorch_verdict::{Tensor, show};

/// The one input that is given, as integers.
pub(crate) fn integers(given: &Given, ports: &[Port], phases: &mut Phases<'_>) -> Result<Vec<Vec<i64>>, Failure> {
    of_sample(given, &given.sample(ports)?, ports, phases)
}

/// The integers of a sample of what is given.
pub(crate) fn of_sample(
    given: &Given,
    sample: &Sample,
    ports: &[Port],
    phases: &mut Phases<'_>,
) -> Result<Vec<Vec<i64>>, Failure> {
    let integers = quantise(ports, sample).map_err(|e| given.unfit(e))?;
    for ((port, values), integers) in ports.iter().zip(sample).zip(&integers) {
        let values: Vec<f64> = values.iter().copied().collect();
        lost(port, &values, integers).into_iter().for_each(|what| phases.warn(&what));
    }
    Ok(integers)
}

/// Inputs of more entries are looked at by columns of their last axis.
const SMALL: usize = 64;

/// Says which entries (of a large input: columns) are not 0 but count as 0, if any.
fn lost(port: &Port, values: &[f64], integers: &[i64]) -> Option<String> {
    let small = values.len() <= SMALL;
    let groups = if small { values.len() } else { port.shape.last().copied().unwrap_or(1) }.max(1);
    let (mut given, mut counts) = (vec![false; groups], vec![false; groups]);
    for (position, (&value, &integer)) in values.iter().zip(integers).enumerate() {
        given[position % groups] |= value != 0.0;
        counts[position % groups] |= integer != 0;
    }
    let lost: Vec<usize> = (0..groups).filter(|&group| given[group] && !counts[group]).collect();
    let first = *lost.first()?;
    let place = if small { format!("entry {}", show::place(first, &port.shape)) } else { format!("column {first}") };
    let more = if lost.len() > 1 { format!(" and {} more count", lost.len() - 1) } else { " counts".to_owned() };
    Some(format!(
        "input `{}`: {place}{more} as 0, though not 0: the program knows numbers in steps of {} there",
        port.name,
        show::number(port.step(first))
    ))
}

/// The integers of an input.
pub(crate) fn quantise(ports: &[Port], sample: &Sample) -> Result<Vec<Vec<i64>>, InputError> {
    ports.iter().zip(sample).map(|(port, array)| port.quantise(&array.iter().copied().collect::<Vec<f64>>())).collect()
}

/// Named tensors of integers.
pub(crate) fn tensors(ports: &[Port], values: &[Vec<i64>]) -> Vec<Tensor> {
    ports.iter().zip(values).map(|(port, values)| Tensor::of(port, values.clone())).collect()
}
