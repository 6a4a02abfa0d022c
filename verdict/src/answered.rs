//! Which tokens of a text are the model's, by the places that they answer to.

use std::collections::BTreeSet;
use zktorch_blocks::goal::Goal;
use zktorch_blocks::program::Program;

/// Entries of a list of places, in runs of places that follow one another. A place that stands there again says nothing new.
pub fn runs(places: &[i64]) -> Vec<Vec<usize>> {
    let mut seen = BTreeSet::new();
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let behind = |entry: Option<&usize>| places.get(*entry?)?.checked_add(1);
    for (entry, &place) in places.iter().enumerate().filter(|(_, place)| seen.insert(**place)) {
        match runs.last_mut().filter(|run| behind(run.last()) == Some(place)) {
            Some(run) => run.push(entry),
            None => runs.push(vec![entry]),
        }
    }
    runs
}

/// The first and the last of all tokens that are the model's and stand together, counted from 0, ascending, by the values that a proof shows;
/// none where its program shows no completion.
pub fn ranges(program: &Program, statement: &[Vec<i64>]) -> Vec<[i64; 2]> {
    let goal = Goal::claimed(program);
    let places = program.inputs.get(goal.own_inputs(program.inputs.len())).filter(|_| goal.goes_on());
    let position = places.and_then(|places| program.statement().position(|other| other == *places));
    let Some(mut places) = position.and_then(|position| statement.get(position)).cloned() else { return Vec::new() };
    places.sort_unstable();
    // A token stands one behind the place that it answers to.
    let end = |entry: Option<&usize>| entry.and_then(|&entry| places.get(entry)).map_or(0, |place| place.saturating_add(1));
    runs(&places).iter().map(|run| [end(run.first()), end(run.last())]).collect()
}

/// The same in words.
pub fn text(ranges: &[[i64; 2]]) -> Option<String> {
    let one = |[first, last]: &[i64; 2]| if first == last { first.to_string() } else { format!("{first} to {last}") };
    let all: Vec<String> = ranges.iter().map(one).collect();
    let all = (!all.is_empty()).then(|| all.join(", "))?;
    Some(format!("tokens {all} of the text, counted from 0, are the model's; all others are anybody's choice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_follow_one_another_are_a_run() {
        for (places, expected) in [
            (&[][..], &[][..]),
            (&[7, 8, 9, 9, 9], &[&[0, 1, 2][..]]),
            (&[2, 3, 3, 9, 10], &[&[0, 1], &[3, 4]]),
            (&[5, 4, 3], &[&[0], &[1], &[2]]),
            (&[2, 2, 3, 2], &[&[0, 2]]),
            (&[i64::MAX, i64::MIN], &[&[0], &[1]]),
        ] {
            assert_eq!(runs(places), expected, "{places:?}");
        }
    }

    #[test]
    fn ranges_in_words() {
        assert_eq!(text(&[]), None);
        let words = text(&[[3, 3], [8, 11]]).expect("some");
        assert!(words.starts_with("tokens 3, 8 to 11 of the text"), "{words}");
    }
}
