//! Messages are built by hand, so that every shape of field is met.

use super::*;

/// A length-delimited field.
fn bytes(number: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 0x80);
    [&[number << 3 | 2, payload.len() as u8], payload].concat()
}

/// A one-byte varint field.
fn varint(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

fn minus_one() -> Vec<u8> {
    [[0xff; 9].as_slice(), &[1]].concat()
}

#[test]
fn raw_float_with_name() {
    let raw: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let message = [varint(1, 1), varint(1, 2), varint(2, 1), bytes(8, b"x"), bytes(9, &raw)].concat();
    let tensor = parse(&message).unwrap();
    assert_eq!((tensor.name.as_str(), tensor.shape), ("x", vec![1, 2]));
    assert_eq!(tensor.values, Values::F32(vec![1.5, -2.0]));
}

#[test]
fn typed_fields() {
    let floats = [varint(2, 1), bytes(1, &[2]), bytes(4, &[0, 0, 128, 63, 0, 0, 0, 64])].concat();
    assert_eq!(parse(&floats).unwrap().values, Values::F32(vec![1.0, 2.0]));
    let single = [varint(2, 1), [vec![4 << 3 | 5], 3f32.to_le_bytes().to_vec()].concat()].concat();
    assert_eq!(parse(&single).unwrap().values, Values::F32(vec![3.0]));
    let doubles = [varint(2, 11), bytes(10, &0.25f64.to_le_bytes())].concat();
    assert_eq!(parse(&doubles).unwrap().values, Values::F64(vec![0.25]));
    let int64s = [varint(2, 7), bytes(1, &[2]), bytes(7, &[vec![5], minus_one()].concat())].concat();
    assert_eq!(parse(&int64s).unwrap().values, Values::I64(vec![5, -1]));
    let int32s = [varint(2, 6), bytes(5, &minus_one())].concat();
    assert_eq!(parse(&int32s).unwrap().values, Values::I64(vec![-1]));
    let booleans = [varint(2, 9), bytes(1, &[2]), bytes(5, &[1, 0])].concat();
    assert_eq!(parse(&booleans).unwrap().values, Values::I64(vec![1, 0]));
}

#[test]
fn raw_integers() {
    let cases: [(u8, Vec<u8>, i64); 7] = [
        (2, vec![200], 200),
        (3, vec![200], -56),
        (4, vec![1, 128], 32769),
        (5, vec![1, 128], -32767),
        (6, (-7i32).to_le_bytes().to_vec(), -7),
        (7, (1i64 << 40).to_le_bytes().to_vec(), 1 << 40),
        (9, vec![1], 1),
    ];
    for (code, raw, value) in cases {
        let tensor = parse(&[varint(2, code), bytes(9, &raw)].concat()).unwrap();
        assert_eq!(tensor.values, Values::I64(vec![value]), "data_type {code}");
        assert!(tensor.shape.is_empty());
    }
}

#[test]
fn unknown_fields_are_skipped() {
    let message = [varint(2, 2), bytes(12, b"doc"), varint(15, 1), bytes(9, &[4])].concat();
    assert_eq!(parse(&message).unwrap().values, Values::I64(vec![4]));
}

#[test]
fn refused() {
    let huge = [[0xff; 8].as_slice(), &[0x7f]].concat();
    let wide = [[0x85, 0x80, 0x80, 0x80].as_slice(), &[0x10]].concat();
    let cases: [(&str, Vec<u8>); 13] = [
        ("empty", vec![]),
        ("no type", bytes(9, &[1])),
        ("a string tensor", [varint(2, 8), bytes(6, b"a")].concat()),
        ("too few values", [varint(2, 2), varint(1, 3), bytes(9, &[1])].concat()),
        ("no values", [varint(2, 1), varint(1, 1)].concat()),
        ("half an element", [varint(2, 1), bytes(9, &[1, 2])].concat()),
        ("raw and typed", [varint(2, 2), bytes(9, &[1]), bytes(5, &[1])].concat()),
        ("a foreign typed field", [varint(2, 1), bytes(7, &[1])].concat()),
        ("a negative axis", [varint(2, 2), bytes(1, &minus_one())].concat()),
        ("an overflowing shape", [varint(2, 2), bytes(1, &[huge.clone(), huge].concat())].concat()),
        ("external data", [varint(2, 2), varint(14, 1)].concat()),
        ("an integer of more than 32 bits", [varint(2, 6), bytes(5, &wide)].concat()),
        ("a boolean of 2", [varint(2, 9), bytes(9, &[2])].concat()),
    ];
    for (what, message) in cases {
        assert!(parse(&message).is_err(), "{what} was accepted");
    }
}

#[test]
fn lengths_beyond_the_end() {
    assert!(matches!(
        parse(&[9 << 3 | 2, 0xff, 0xff, 0xff, 0x7f]),
        Err(FormatError::Unexpected { what: "TensorProto", .. })
    ));
    assert!(parse(&[0x80; 11]).is_err());
}

/// Every truncation and every changed byte of a good message gives a value or an error.
#[test]
fn damage_never_panics() {
    let raw: Vec<u8> = (0..24).collect();
    let good = [bytes(1, &[2, 3]), varint(2, 1), bytes(4, &[]), bytes(8, b"name"), bytes(9, &raw)].concat();
    parse(&good).unwrap();
    for cut in 0..good.len() {
        let _ = parse(&good[..cut]);
        for value in 0..=255 {
            let mut damaged = good.clone();
            damaged[cut] = value;
            let _ = parse(&damaged);
        }
    }
}
