use std::path::PathBuf;

use ndarray::Array;
use ndarray_npy::{NpzWriter, WriteNpyExt};
use tempfile::TempDir;

use super::*;

fn spec(name: &str, shape: &[usize]) -> InputSpec {
    InputSpec { name: name.to_owned(), shape: shape.to_vec() }
}

fn file(folder: &TempDir, name: &str, contents: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, contents).unwrap();
    path
}

fn json(contents: &str, inputs: &[InputSpec]) -> Result<Vec<Sample>, SampleProblem> {
    let folder = TempDir::new().unwrap();
    read(&file(&folder, "x.json", contents.as_bytes()), inputs).map_err(|e| e.problem)
}

#[test]
fn json_takes_flat_and_nested_arrays_and_several_samples() {
    let x = [spec("x", &[1, 2, 2])];
    let single = json(r#"{"input_data": [[1, 2, 3, 4.5]]}"#, &x).unwrap();
    assert_eq!((single.len(), single[0][0].shape()), (1, &[1, 2, 2][..]));
    assert_eq!(single[0][0][[0, 1, 1]], 4.5);
    assert_eq!(json(r#"{"input_data": [[[1, 2], [3, 4.5]]]}"#, &x).unwrap(), single);
    let two = json(r#"{"input_data": [[1, 2, 3, 4.5, 5, 6, 7, 8]]}"#, &x).unwrap();
    assert_eq!((two.len(), &two[0]), (2, &single[0]));
    assert_eq!(json(r#"{"input_data": [[[[1, 2], [3, 4.5]], [[5, 6], [7, 8]]]]}"#, &x).unwrap(), two);
    let pair = json(r#"{"input_data": [[1, 2], [3]]}"#, &[spec("a", &[1, 2]), spec("b", &[1])]).unwrap();
    assert_eq!((pair.len(), pair[0].len()), (1, 2));
}

#[test]
fn json_that_does_not_fit_is_refused() {
    let x = [spec("x", &[1, 4])];
    let problem = |text: &str| json(text, &x).unwrap_err();
    assert!(matches!(problem(r#"{"input_data": [[1, 2, 3]]}"#), SampleProblem::Length { expected: 4, got: 3, .. }));
    assert!(matches!(problem(r#"{"input_data": [[]]}"#), SampleProblem::Length { got: 0, .. }));
    assert!(matches!(problem(r#"{"input_data": [[[1, 2], [3, 4]]]}"#), SampleProblem::Shape { .. }));
    assert!(matches!(problem(r#"{"input_data": [[1], [2]]}"#), SampleProblem::Count { expected: 1, got: 2, .. }));
    assert!(matches!(
        problem(r#"{"input_data": [[1, 2, 3, 4, 5, 6, 1e300, 8]]}"#),
        SampleProblem::NotFinite { sample: 1, position: 2, .. }
    ));
    for text in
        ["", "[1]", r#"{"input_data": [1, 2]}"#, r#"{"input_data": [[1, "a"]]}"#, r#"{"input_data": [[[1], [2, 3]]]}"#]
    {
        assert!(matches!(problem(text), SampleProblem::Malformed { .. }), "{text}");
    }
    let counts = json(r#"{"input_data": [[1, 2], [3]]}"#, &[spec("a", &[1]), spec("b", &[1])]).unwrap_err();
    assert!(matches!(counts, SampleProblem::SampleCount { expected: 2, got: 1, .. }));
}

#[test]
fn npy_and_npz_hold_samples() {
    let folder = TempDir::new().unwrap();
    let array = Array::from_iter((0..12).map(f64::from)).into_shape_with_order((3, 2, 2)).unwrap();
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).unwrap();
    let samples = read(&file(&folder, "x.npy", &bytes), &[spec("x", &[1, 2, 2])]).unwrap();
    assert_eq!((samples.len(), samples[2][0][[0, 1, 1]]), (3, 11.0));

    let path = folder.path().join("x.npz");
    let mut writer = NpzWriter::new(std::fs::File::create(&path).unwrap());
    writer.add_array("b", &array).unwrap();
    writer.add_array("a", &Array::from_vec(vec![7i64, 8, 9])).unwrap();
    writer.finish().unwrap();
    let named = read(&path, &[spec("a", &[1]), spec("b", &[2, 2])]).unwrap();
    assert_eq!((named.len(), named[1][0][[0]], named[1][1][[0, 1]]), (3, 8.0, 5.0));
    let ordered = read(&path, &[spec("first", &[1, 2, 2]), spec("second", &[1])]).unwrap();
    assert_eq!(ordered[1][1][[0]], 8.0);
}

#[test]
fn an_archive_that_unpacks_to_much_more_is_refused() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = NpzWriter::new_compressed(&mut bytes);
    writer.add_array("x", &Array::<f32, _>::zeros(1 << 23)).unwrap();
    writer.finish().unwrap();
    let bytes = bytes.into_inner();
    assert!(bytes.len() < 1 << 20);
    let error = parse(Format::Npz, &bytes, &[spec("x", &[1 << 23])]).unwrap_err();
    assert!(error.to_string().contains("too large for its size"), "{error}");
}

#[test]
fn unreadable_files_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let x = [spec("x", &[1])];
    for (name, contents) in [("x.npy", "no"), ("x.npz", "no"), ("x.pb", "\u{ff}")] {
        let error = read(&file(&folder, name, contents.as_bytes()), &x).unwrap_err();
        assert!(matches!(error.problem, SampleProblem::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(name));
    }
    let unknown = read(&file(&folder, "x.csv", b"1"), &x).unwrap_err();
    assert!(matches!(unknown.problem, SampleProblem::UnknownFormat));
    let missing = read(&folder.path().join("none.json"), &x).unwrap_err();
    assert!(matches!(missing.problem, SampleProblem::Read(_)));
}
