//! Programs with one and two waves, of several shapes: the honest proof is accepted, lies in every wave are refused.

use zktorch_blocks::transcript::{Check, Equation};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, case, refuse_all};
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;

#[test]
fn a_lie_in_any_wave_is_refused() {
    let base = Toy { square: true, shifts: [3, 7], ..Toy::default() };
    let toys = [
        (base.clone(), 10),
        (Toy { public_input: true, ..base.clone() }, 8),
        (Toy { square: false, shifts: [3, 4], ..base.clone() }, 5),
        (Toy { outputs: 5, ..base.clone() }, 6),
        (Toy { input: [3, 7, 5], channels: 5, kernel: [3, 2], stride: 2, outputs: 5, ..base.clone() }, 7),
        (Toy { outputs: 1, ..base }, 10),
    ];
    for (toy, columns) in toys {
        let (fixture, input) = Fixture::toy(&toy, columns);
        let inputs = [input];
        assert_eq!(fixture.tell(&inputs, &Lie::none()).verdict, Verdict::Accepted, "{toy:?}");
        let step = 1 << toy.shifts[1];
        let last = if toy.square { "x3" } else { "x2" };
        let equation = Check::MaskedSum;
        let cases = vec![
            case(
                "y2 + 1",
                Lie::none().run("y2", |v| v[0] += 1),
                equation,
                &[Equation::TreeTopNumerator, Equation::ProductRounds],
            ),
            case("fake last product", Lie::none().run(last, move |v| v[0] += step), equation, &[Equation::WaveRounds]),
            case("fake matmul", Lie::none().run("x2", |v| v[0] += 128), equation, &[Equation::WaveRounds]),
            case("fake convolution", Lie::none().run("conv", |v| v[0] += 8), equation, &[Equation::WaveRounds]),
            case(
                "public output",
                Lie::none().statement(|s| s.last_mut().expect("an output")[0] += 1),
                equation,
                &[Equation::LeafDenominator],
            ),
        ];
        refuse_all(&fixture, &inputs, &cases);
    }
}
