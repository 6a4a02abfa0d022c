//! Random models of the supported operators: right within the stated errors, or refused for a reason; never wrong in silence.
//!
//! A thousand of them: `cargo run --release -p zktorch-tests --example random_models -- --seeds 0..1000`.

use rayon::prelude::*;
use zktorch_tests::random_models::{RandomModel, Table, chain, judge, model, sequence};

/// What becomes of some models.
fn table(models: impl IndexedParallelIterator<Item = RandomModel>) -> Table {
    let outcomes: Vec<_> = models.map(|model| (model.seed, judge(&model))).collect();
    let mut table = Table::default();
    outcomes.iter().for_each(|(seed, outcome)| table.add(*seed, outcome));
    println!("{table}");
    table
}

#[test]
fn random_models_are_right_or_refused() {
    let table = table((0..100u32).into_par_iter().map(|seed| model(u64::from(seed))));
    assert_eq!(table.of("PANIC"), 0, "{table}");
    assert_eq!(table.of("WRONG"), 0, "{table}");
    assert!(table.of("right") >= 70, "{table}");
}

#[test]
fn chains_of_functions_with_clips_are_right_or_refused() {
    let table = table((0..100u32).into_par_iter().map(|seed| chain(u64::from(seed))));
    assert_eq!(table.of("PANIC"), 0, "{table}");
    assert_eq!(table.of("WRONG"), 0, "{table}");
    assert!(table.of("right") >= 70, "{table}");
}

#[test]
fn random_recurrent_models_are_right_or_refused() {
    let table = table((0..60u32).into_par_iter().map(|seed| sequence(u64::from(seed))));
    assert_eq!(table.of("PANIC"), 0, "{table}");
    assert_eq!(table.of("WRONG"), 0, "{table}");
    assert!(table.of("right") >= 42, "{table}");
}
