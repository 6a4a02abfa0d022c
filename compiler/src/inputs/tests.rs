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
}

/// An archive of one-element arrays.
fn archive(arrays: &[(&str, f32)]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = NpzWriter::new(&mut bytes);
    for (name, value) in arrays {
        writer.add_array(*name, &Array::from_vec(vec![*value])).unwrap();
    }
    writer.finish().unwrap();
    bytes.into_inner()
}

#[test]
fn arrays_are_inputs_by_name_and_never_by_their_place_in_the_file() {
    let inputs = [spec("x", &[1]), spec("y", &[1])];
    let parse = |arrays: &[(&str, f32)]| parse(Format::Npz, &archive(arrays), &inputs);
    let values = |arrays: &[(&str, f32)]| parse(arrays).unwrap()[0].iter().map(|a| a[[0]]).collect::<Vec<f64>>();
    assert_eq!(values(&[("y", 2.0), ("x", 1.0)]), [1.0, 2.0]);
    assert_eq!(values(&[("other", 3.0), ("y", 2.0), ("x", 1.0)]), [1.0, 2.0]);
    assert_eq!(values(&[("arr_1", 2.0), ("arr_0", 1.0)]), [1.0, 2.0]);
    let refused: [&[(&str, f32)]; 4] = [
        &[("u", 1.0), ("xx", 2.0)],
        &[("x", 1.0), ("z", 2.0)],
        &[("x", 1.0), ("arr_0", 1.0), ("arr_1", 2.0)],
        &[("arr_0", 1.0), ("arr_1", 2.0), ("arr_2", 3.0)],
    ];
    for arrays in refused {
        let problem = parse(arrays).unwrap_err();
        assert!(matches!(problem, SampleProblem::Names { .. }), "{problem}");
        assert!(problem.to_string().contains("`x`, `y`") && problem.to_string().contains(arrays[1].0), "{problem}");
    }
    let single = |arrays: &[(&str, f32)]| super::parse(Format::Npz, &archive(arrays), &inputs[..1]);
    assert_eq!(single(&[("image", 4.0)]).unwrap()[0][0][[0]], 4.0);
    assert!(matches!(single(&[("image", 4.0), ("label", 5.0)]).unwrap_err(), SampleProblem::Names { .. }));
}

/// A serialized tensor of one float.
fn proto(name: &str, value: f32) -> Vec<u8> {
    let raw = value.to_le_bytes();
    [&[8, 1, 16, 1, 66, name.len() as u8], name.as_bytes(), &[74, 4], &raw].concat()
}

#[test]
fn folders_of_tensors() {
    let folder = TempDir::new().unwrap();
    let inputs = [spec("x", &[1]), spec("y", &[1])];
    let read =
        || read(folder.path(), &inputs).map(|s| s[0].iter().map(|a| a[[0]]).collect::<Vec<f64>>()).map_err(|e| e.problem);
    let problem = read().unwrap_err();
    assert!(problem.to_string().contains("no input_0.pb"), "{problem}");
    let write = |first: &str, second: &str| {
        file(&folder, "input_0.pb", &proto(first, 1.0));
        file(&folder, "input_1.pb", &proto(second, 2.0));
    };
    for (first, second, values) in
        [("x", "y", [1.0, 2.0]), ("", "", [1.0, 2.0]), ("a", "y", [1.0, 2.0]), ("y", "x", [2.0, 1.0])]
    {
        write(first, second);
        assert_eq!(read().unwrap(), values, "{first} {second}");
    }
    write("y", "z");
    assert!(matches!(read().unwrap_err(), SampleProblem::Names { .. }));
    write("y", "y");
    assert!(matches!(read().unwrap_err(), SampleProblem::Names { .. }));
}

#[test]
fn no_error_has_a_value_of_the_file() {
    let inputs = [spec("x", &[2])];
    let secret = "73501.25";
    for text in [
        format!("[[{secret}, \"{secret}\"]]"),
        format!("[{secret}]"),
        format!("[[[{secret}], {secret}]]"),
        format!("[[{secret}, {secret}e99]]"),
    ] {
        let problem = json(&format!("{{\"input_data\": {text}}}"), &inputs).unwrap_err();
        assert!(!problem.to_string().contains("73501"), "{problem}");
    }
    for bytes in [b"\x08\x01\x10\x02\x2a\x02\xff\x02".to_vec(), b"\x08\x01\x10\x09\x4a\x01\x49".to_vec()] {
        let problem = parse(Format::TensorProto, &bytes, &[spec("x", &[1])]);
        assert!(problem.is_err_and(|p| !p.to_string().contains("73") && !p.to_string().contains("383")));
    }
}

#[cfg(unix)]
#[test]
fn devices_are_no_files() {
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("x.json")).unwrap();
    let problem = read(&folder.path().join("x.json"), &[spec("x", &[1])]).unwrap_err();
    assert!(problem.to_string().contains("a device"), "{problem}");
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

#[test]
fn what_is_written_is_read_by_others() {
    use ndarray_npy::{NpzReader, ReadNpyExt};
    let array = |shape: &[usize]| super::Array {
        shape: shape.to_vec(),
        values: (0..shape.iter().product()).map(|n| n as f64 / 8.0).collect(),
    };
    let all = [array(&[2, 3]), array(&[5]), array(&[]), array(&[1, 0, 2])];
    for own in &all {
        let bytes = npy::write(&own.shape, &own.values);
        let read = ArrayD::<f64>::read_npy(bytes.as_slice()).unwrap();
        assert_eq!((read.shape(), read.iter().copied().collect::<Vec<_>>()), (own.shape.as_slice(), own.values.clone()));
        assert!((bytes.len() - own.values.len() * 8).is_multiple_of(64));
        assert_eq!(npy::parse(&bytes).unwrap().shape, own.shape);
    }
    let bytes = to_npz([("a", &all[0]), ("b/c", &all[1])]).unwrap();
    let mut archive = NpzReader::new(std::io::Cursor::new(bytes)).unwrap();
    let read: ArrayD<f64> = archive.by_name("b/c").unwrap();
    assert_eq!(read.iter().copied().collect::<Vec<_>>(), all[1].values);
    assert!(to_npz([("a", &all[0]), ("a", &all[1])]).is_err());
}

#[test]
fn folders_of_samples_are_read_in_the_order_that_people_count() {
    let root = tempfile::tempdir().unwrap();
    let inputs = [InputSpec { name: "x".into(), shape: vec![2] }];
    for n in [10, 9, 1] {
        std::fs::write(root.path().join(format!("s{n}.npy")), npy::write(&[1, 2], &[f64::from(n), 0.0])).unwrap();
    }
    // Two samples in one file, and what is none.
    std::fs::write(root.path().join("t.npy"), npy::write(&[2, 2], &[20.0, 0.0, 21.0, 0.0])).unwrap();
    std::fs::write(root.path().join("README"), "text").unwrap();
    let order: Vec<f64> = read(root.path(), &inputs).unwrap().iter().map(|sample| sample[0][0]).collect();
    assert_eq!(order, [1.0, 9.0, 10.0, 20.0, 21.0]);
    std::fs::write(root.path().join("u.npy"), npy::write(&[3], &[0.0; 3])).unwrap();
    assert!(read(root.path(), &inputs).unwrap_err().to_string().contains("u.npy"));
}
