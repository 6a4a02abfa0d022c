//! Embeddings: of public ids by views of the statement's indices, of private ids by lookups of rows.

use zktorch_accumulator::setup::Setup;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::field::Fr;
use zktorch_blocks::program::{
    Advice, AxisGroup, GroupMap, Interval, Limits, Program, RowLookup, Source, TensorId, View, Visibility,
};
use zktorch_blocks::transcript::{Check, Equation, Misfit, Reject};
use zktorch_tests::enforced::enforced;
use zktorch_tests::field_witness::tensor;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, case, refuse_all};
use zktorch_tests::machine::fraction;
use zktorch_tests::toy::ProgramBuilder;
use zktorch_verifier::Verdict;

const COLUMNS: u32 = 6;
const IDS: [i64; 3] = [4, 0, 2];

/// Five rows of three weights; the rows of three public ids are public, `out[d, t] = weights[ids[t], d]`.
fn embedding() -> Program {
    let mut b = ProgramBuilder::default();
    let ids = b.tensor("ids", &[3], Source::Input(0), 3);
    b.program.tensors[ids].visibility = Visibility::Public;
    b.program.tensors[ids].interval = Interval::new(0, 4);
    let weights = b.tensor("weights", &[5, 3], Source::Weight, 3);
    let groups = vec![group(1, 0, GroupMap::Indices(ids)), group(0, 1, GroupMap::Reshape)];
    let rows = b.tensor("rows", &[3, 3], Source::View(View { source: weights, groups }), 3);
    let out = b.tensor("out", &[3, 3], Source::Advice(Advice::Copy { source: rows }), 3);
    b.program.tensors[out].visibility = Visibility::Public;
    let terms = vec![(1, rows), (-1, out)];
    let zero = b.tensor("difference", &[3, 3], Source::Linear { terms, constant: 0 }, 4);
    b.program.zeros.push(zero);
    (b.program.inputs, b.program.outputs) = (vec![ids], vec![out]);
    b.program
}

fn group(out: usize, source: usize, map: GroupMap) -> AxisGroup {
    AxisGroup { out_axes: vec![out], source_axes: vec![source], map }
}

fn fixture() -> Fixture {
    let program = embedding();
    let values: Vec<i64> = (0..15).map(|i| i * 7 % 16 - 8).collect();
    let weights = Weights::from([(tensor(&program, "weights"), values.into())]);
    Fixture::new(program, weights, &Setup::insecure(COLUMNS).expect("in range"), COLUMNS)
}

#[test]
fn the_rows_of_public_ids_are_proved() {
    let fixture = fixture();
    let proved = fixture.honest(&[IDS.to_vec()]);
    let row = |id: i64, d: i64| (3 * id + d) * 7 % 16 - 8;
    let wanted: Vec<i64> = (0..3).flat_map(|d| IDS.map(|id| row(id, d))).collect();
    assert_eq!(proved.proof.statement, [IDS.to_vec(), wanted]);
    assert_eq!(fixture.verdict(&proved.proof), Verdict::Accepted);
}

#[test]
fn the_rows_of_other_ids_are_refused() {
    let fixture = fixture();
    let refused = |lie: Lie<'_>, violated: &[Equation]| {
        let outcome = fixture.tell(&[IDS.to_vec()], &lie);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
        assert_eq!(outcome.violated, violated);
    };
    // Other rows for these ids: the difference from what is shown.
    refused(Lie::none().statement(|s| s[1][0] += 1), &[Equation::ZeroConstraint]);
    // Other ids for these rows, and the same ids in another order: the view.
    refused(Lie::none().statement(|s| s[0][0] = 3), &[Equation::WaveRounds]);
    refused(Lie::none().statement(|s| s[0].swap(0, 2)), &[Equation::WaveRounds]);
    refused(Lie::none().run("rows", |rows| rows.swap(0, 1)), &[Equation::WaveRounds]);
}

#[test]
fn an_id_beyond_the_vocabulary_is_no_statement() {
    let fixture = fixture();
    let honest = fixture.honest(&[IDS.to_vec()]).proof;
    for id in [-1, 5, i64::MIN, 1 << 40] {
        let mut other = honest.clone();
        other.statement[0][1] = id;
        let reason = Misfit::Range { tensor: "ids".into(), value: id, interval: Interval::new(0, 4) };
        assert_eq!(fixture.verdict(&other), Verdict::Rejected(Reject::Statement(reason)));
    }
}

#[test]
fn indices_that_are_hidden_or_beyond_the_axis_make_no_program() {
    let invalid = |edit: &dyn Fn(&mut Program, TensorId), words: &str| {
        let mut program = embedding();
        let ids = tensor(&program, "ids");
        edit(&mut program, ids);
        let why = program.validate(&Limits::default()).expect_err(words).to_string();
        assert!(why.contains(words), "{why}");
    };
    invalid(&|p, ids| p.tensors[ids].visibility = Visibility::Private, "indices `ids` are not public");
    invalid(&|p, ids| p.tensors[ids].interval.hi = 5, "indices in [0, 5] into an axis of 5");
    invalid(&|p, ids| p.tensors[ids].interval.lo = -1, "indices in [-1, 4] into an axis of 5");
    invalid(&|p, ids| p.tensors[ids].shape.0 = vec![2], "2 indices, expected 3");
    let redirect = |p: &mut Program, to: TensorId| {
        let Some(Source::View(view)) = p.tensors.iter_mut().map(|t| &mut t.source).nth(2) else { panic!("a view") };
        view.groups[0].map = GroupMap::Indices(to);
    };
    invalid(&|p, _| redirect(p, TensorId(3)), "names tensor 3, which is not an earlier one");
    invalid(&|p, _| redirect(p, TensorId(1)), "indices `weights` are not public");
}

/// The same of hidden ids: two tables of five and of four rows, the second of which has the first's rows, but for one entry.
fn hidden() -> (Program, Weights) {
    let mut b = ProgramBuilder::default();
    let ids = b.tensor("ids", &[3], Source::Input(0), 3);
    let mut outputs = Vec::new();
    let mut weights = Weights::new();
    for (n, extent) in [(1, 5), (2, 4)] {
        let source = b.tensor(&format!("weights{n}"), &[extent, 3], Source::Weight, 3);
        let rule = Advice::Rows { source, indices: ids };
        let rows = b.tensor(&format!("rows{n}"), &[3, 3], Source::Advice(rule), 3);
        b.program.row_lookups.push(RowLookup { indices: ids, rows, source });
        let out = b.tensor(&format!("out{n}"), &[3, 3], Source::Advice(Advice::Copy { source: rows }), 3);
        b.program.tensors[out].visibility = Visibility::Public;
        let terms = vec![(1, rows), (-1, out)];
        let zero = b.tensor(&format!("difference{n}"), &[3, 3], Source::Linear { terms, constant: 0 }, 4);
        b.program.zeros.push(zero);
        outputs.push(out);
        let values: Vec<i64> = (0..3 * extent as i64).map(|i| i * 7 % 16 - 8 + i64::from(n == 2 && i == 7)).collect();
        weights.insert(source, values.into());
    }
    (b.program.inputs, b.program.outputs) = (vec![ids], outputs);
    (b.program, weights)
}

const HIDDEN: [i64; 3] = [3, 0, 2];

fn hidden_fixture() -> Fixture {
    let (program, weights) = hidden();
    Fixture::new(program, weights, &Setup::insecure(COLUMNS).expect("in range"), COLUMNS)
}

#[test]
fn the_rows_of_hidden_ids_are_proved() {
    let fixture = hidden_fixture();
    let proved = fixture.honest(&[HIDDEN.to_vec()]);
    let row = |n: i64, id: i64, d: i64| (3 * id + d) * 7 % 16 - 8 + i64::from(n == 2 && 3 * id + d == 7);
    let wanted = [1, 2].map(|n| HIDDEN.iter().flat_map(|&id| [0, 1, 2].map(|d| row(n, id, d))).collect::<Vec<i64>>());
    assert_eq!(proved.proof.statement, wanted);
    assert_eq!(fixture.verdict(&proved.proof), Verdict::Accepted);
    let reference = fixture.tell(&[HIDDEN.to_vec()], &Lie::none());
    assert_eq!(reference.proof.bytes, proved.proof.bytes, "the reference prover and the fast one agree");
    assert!(enforced(&hidden().0).iter().all(Option::is_some), "every tensor is bounded");
}

#[test]
fn rows_that_are_not_those_of_hidden_ids_are_refused() {
    let fixture = hidden_fixture();
    let off = |name: &'static str, index: [usize; 2]| Lie::none().data(move |d| *d.at(name, &index) += Fr::from(1u64));
    // What is said of an index and its row, and of the multiplicity of a row in the first table's padding.
    let told = |id: u64, row: Option<u64>, padded: Option<usize>| {
        Lie::none().data(move |d| {
            *d.at("ids", &[0]) = Fr::from(id);
            (0..3).for_each(|j| *d.at("rows1", &[0, j]) = row.map_or(Fr::from(0u64), Fr::from));
            (0..3).for_each(|j| *d.at("rows2", &[0, j]) = Fr::from(0u64));
            d.derive_virtual();
            let counts = Polynomial::RowMultiplicity(tensor(d.program, "weights1"));
            padded.into_iter().for_each(|row| d.values.get_mut(&counts).expect("counted")[row] += Fr::from(1u64));
        })
    };
    let tree = &[Equation::TreeTopNumerator, Equation::ProductRounds][..];
    let shown = &[Equation::TreeTopNumerator, Equation::ZeroConstraint, Equation::ProductRounds][..];
    let counted = |row: usize| {
        Lie::none().data(move |d| {
            let counts = Polynomial::RowMultiplicity(tensor(d.program, "weights1"));
            d.values.get_mut(&counts).expect("counted")[row] += Fr::from(1u64);
        })
    };
    refuse_all(
        &fixture,
        &[HIDDEN.to_vec()],
        &[
            case("one entry off", off("rows1", [1, 2]), Check::MaskedSum, shown),
            case("junk behind a row", off("rows1", [1, 3]), Check::MaskedSum, shown),
            case("junk behind all rows", off("rows1", [3, 0]), Check::MaskedSum, shown),
            case("an index behind all", Lie::none().data(|d| *d.at("ids", &[3]) = Fr::from(1u64)), Check::MaskedSum, tree),
            case(
                "rows of the other table",
                Lie::none().run("rows1", |rows| {
                    rows.iter_mut()
                        .skip(6)
                        .take(3)
                        .zip([-8 + 42 % 16, -8 + 49 % 16 + 1, -8 + 56 % 16])
                        .for_each(|(v, w)| *v = w)
                }),
                Check::MaskedSum,
                tree,
            ),
            case(
                "another id for these rows",
                Lie::none().data(|d| *d.at("ids", &[0]) = Fr::from(1u64)),
                Check::MaskedSum,
                tree,
            ),
            case("a row of zeros at index 0", told(0, None, Some(5)), Check::MaskedSum, shown),
            case("a row of zeros behind the vocabulary", told(5, None, Some(5)), Check::MaskedSum, shown),
            case(
                "an id that is no integer",
                Lie::none().data(|d| *d.at("ids", &[0]) += fraction(2)),
                Check::MaskedSum,
                tree,
            ),
            case("a row that is counted once more", counted(1), Check::MaskedSum, tree),
            case("a row of padding that is counted", counted(6), Check::MaskedSum, tree),
        ],
    );
}
