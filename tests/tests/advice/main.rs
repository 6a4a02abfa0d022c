//! Advice that does not follow its rule, in tiny networks that the real compiler made: one prover for each way in which a
//! lowering could go wrong, refused by the check and with the violated constraints that `docs/advice.md` names.

mod activation;
mod bounds;
mod maximum;
mod net;
mod rounding;
mod softmax;

use zktorch_blocks::field::{Fr, from_i64};
use zktorch_tests::data::Data;
use zktorch_tests::lying::{Case, Lie, case};

/// The constraints do not all hold.
const EQUATION: &str = "relaxed equation";
/// Something that is looked up is no row of its table.
const LOOKUP: &[&str] = &["tree top numerator"];
/// A tensor that must vanish does not.
const ZERO: &[&str] = &["zero constraint"];
const LOOKUP_AND_ZERO: &[&str] = &["tree top numerator", "zero constraint"];

/// A lie that a lookup refuses, and nothing else.
fn missed<'l>(name: &str, lie: Lie<'l>) -> Case<'l> {
    case(name, lie, EQUATION, LOOKUP)
}

/// A lie that a zero constraint refuses, and nothing else.
fn unequal<'l>(name: &str, lie: Lie<'l>) -> Case<'l> {
    case(name, lie, EQUATION, ZERO)
}

/// Adds to one entry of a tensor, row-major over its valid box; later advice follows its rules.
fn shift(name: &str, at: usize, by: i64) -> Lie<'_> {
    Lie::none().run(name, move |v| v[at] += by)
}

/// Changes the witness, after which virtual tensors follow and advice does not.
fn witness<'l>(edit: impl Fn(&mut Data<'_>) + 'l) -> Lie<'l> {
    Lie::none().data(move |d| {
        edit(d);
        d.follow();
    })
}

/// `1 / n`.
fn fraction(n: i64) -> Fr {
    use ark_ff::Field;
    from_i64(n).inverse().expect("not zero")
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = include_str!("../../../docs/advice.md");
    let modules = [
        ("activation", include_str!("activation.rs")),
        ("maximum", include_str!("maximum.rs")),
        ("rounding", include_str!("rounding.rs")),
        ("softmax", include_str!("softmax.rs")),
    ];
    let mut named = 0;
    for (module, test) in page.split('`').filter_map(|code| code.split_once("::")) {
        let (_, source) = modules.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("no module {module}"));
        assert!(source.contains(&format!("fn {test}()")), "{module}::{test}");
        named += 1;
    }
    let tests: usize = modules.iter().map(|(_, source)| source.matches("#[test]").count()).sum();
    assert!(named >= tests, "{named} names for {tests} tests");
}
