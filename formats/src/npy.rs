//! A reader and a writer of NumPy's `.npy` files.
//!
//! It takes little-endian floats of 16, 32 and 64 bits, integers (all but uint64) and bool, in either order, with the header as NumPy writes it.

use crate::tensor::from_little_endian;
use crate::{ElementType, FormatError, TensorData, Values};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads one array; its name is empty.
pub fn parse(bytes: &[u8]) -> Result<TensorData, FormatError> {
    let (header, data) = split_header(bytes)?;
    let element = element_type(entry(header, "descr")?)?;
    let order = entry(header, "fortran_order")?;
    let (c, fortran) = (order.starts_with("False"), order.starts_with("True"));
    if !c && !fortran {
        return Err(FormatError::unexpected("fortran_order", "True or False", clip(order)));
    }
    let shape = shape(entry(header, "shape")?)?;
    let read = TensorData::new(String::new(), element, shape, from_little_endian(element, data)?)?;
    Ok(if fortran { row_major(read) } else { read })
}

/// Multiples of this are where the numbers of an array begin.
const ALIGNMENT: usize = 64;

/// The file of an array of 64-bit floats, row-major.
pub fn write(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}), }}", extents.trim_end());
    // The magic bytes, the version, and the length of what follows them.
    let before = MAGIC.len() + 4;
    while !(before + header.len() + 1).is_multiple_of(ALIGNMENT) {
        header.push(' ');
    }
    header.push('\n');
    // A shape takes a few hundred bytes at most.
    let length = u16::try_from(header.len()).unwrap_or(u16::MAX).to_le_bytes();
    let mut bytes = [MAGIC, &[1, 0], &length, header.as_bytes()].concat();
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// A tensor whose first axis runs fastest, with its last one running fastest.
fn row_major(tensor: TensorData) -> TensorData {
    let TensorData { shape, values, .. } = &tensor;
    let order: Vec<usize> = (0..values.len())
        .map(|position| {
            let (mut rest, mut stride, mut at) = (position, values.len(), 0);
            for &extent in shape.iter().rev() {
                stride /= extent.max(1);
                at += (rest % extent.max(1)) * stride;
                rest /= extent.max(1);
            }
            at
        })
        .collect();
    let values = match values {
        Values::F32(v) => Values::F32(order.iter().map(|&at| v[at]).collect()),
        Values::F64(v) => Values::F64(order.iter().map(|&at| v[at]).collect()),
        Values::I64(v) => Values::I64(order.iter().map(|&at| v[at]).collect()),
    };
    TensorData { values, ..tensor }
}

fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), FormatError> {
    let not_npy = || FormatError::unexpected("npy file", "the magic bytes", "something else");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(not_npy)?;
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (u64::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u64::from(u32::from_le_bytes([*a, *b, *c, *d])), rest),
        [version, ..] if *version > 3 => {
            return Err(FormatError::unsupported("npy version", version));
        }
        _ => {
            return Err(FormatError::unexpected("npy file", "a version and a header length", "its end"));
        }
    };
    let available = rest.len() as u64;
    let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (header, data) = split.ok_or(FormatError::Truncated { what: "npy header", needed: length, available })?;
    let header = str::from_utf8(header).map_err(|error| FormatError::unexpected("npy header", "text", error))?;
    Ok((header, data))
}

/// The text after `'key': `.
fn entry<'a>(header: &'a str, key: &'static str) -> Result<&'a str, FormatError> {
    let quoted = format!("'{key}':");
    match header.split_once(&quoted) {
        Some((_, value)) => Ok(value.trim_start()),
        None => Err(FormatError::unexpected("npy header", quoted, clip(header))),
    }
}

fn element_type(value: &str) -> Result<ElementType, FormatError> {
    let quoted = value.strip_prefix('\'').and_then(|value| value.split_once('\''));
    Ok(match quoted.map(|(name, _)| name) {
        Some("<f4") => ElementType::F32,
        Some("<f8") => ElementType::F64,
        Some("<i8") => ElementType::I64,
        Some("<i4") => ElementType::I32,
        Some("<u4") => ElementType::U32,
        Some("<f2") => ElementType::F16,
        Some("<i2") => ElementType::I16,
        Some("<u2") => ElementType::U16,
        Some("|i1") => ElementType::I8,
        Some("|u1") => ElementType::U8,
        Some("|b1") => ElementType::Bool,
        other => {
            let how = "convert it with x.astype(numpy.float32)";
            return Err(FormatError::unsupported("npy element type", format!("{} ({how})", clip(other.unwrap_or(value)))));
        }
    })
}

fn shape(value: &str) -> Result<Vec<usize>, FormatError> {
    let wrong = || FormatError::unexpected("npy shape", "a tuple of sizes", clip(value));
    let inner = value.strip_prefix('(').and_then(|value| value.split_once(')')).ok_or_else(wrong)?.0;
    let axes = inner.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    axes.map(|axis| axis.parse().map_err(|_| wrong())).collect()
}

/// The start of a text, for an error message.
fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn good() {
        let data: Vec<u8> = [1i64, -2].iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = parse(&file("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }  \n", &data)).unwrap();
        assert_eq!((tensor.shape, tensor.values), (vec![2], Values::I64(vec![1, -2])));
        let scalar = parse(&file("{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", &0.5f64.to_le_bytes()));
        assert_eq!(scalar.unwrap().values, Values::F64(vec![0.5]));
        // What NumPy writes for [1.5, -2] in other types.
        let cases: [(&str, &[u8], Values); 5] = [
            ("<f2", &[0x00, 0x3e, 0x00, 0xc0], Values::F32(vec![1.5, -2.0])),
            ("|i1", &[1, 0xfe], Values::I64(vec![1, -2])),
            ("<i2", &[1, 0, 0xfe, 0xff], Values::I64(vec![1, -2])),
            ("<u2", &[1, 0, 0xfe, 0xff], Values::I64(vec![1, 0xfffe])),
            ("<u4", &[1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff], Values::I64(vec![1, 0xffff_fffe])),
        ];
        for (name, data, values) in cases {
            let header = format!("{{'descr': '{name}', 'fortran_order': False, 'shape': (2,), }}\n");
            assert_eq!(parse(&file(&header, data)).unwrap().values, values, "{name}");
        }
        let refused = parse(&file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", &[0; 4])).unwrap_err();
        assert!(refused.to_string().contains("astype(numpy.float32)"), "{refused}");
    }

    #[test]
    fn the_first_axis_may_run_fastest() {
        let data: Vec<u8> = [0i64, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21].iter().flat_map(|v| v.to_le_bytes()).collect();
        let tensor = parse(&file("{'descr': '<i8', 'fortran_order': True, 'shape': (2, 3, 2), }\n", &data)).unwrap();
        assert_eq!(
            (tensor.shape, tensor.values),
            (vec![2, 3, 2], Values::I64(vec![0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21]))
        );
        let vector = parse(&file("{'descr': '<i8', 'fortran_order': True, 'shape': (12,), }\n", &data)).unwrap();
        assert_eq!(vector.values, Values::I64(vec![0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21]));
    }

    #[test]
    fn refused() {
        let cases = [
            ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8),
            ("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 5),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }", 4),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4),
            ("{'descr': '<f4', 'fortran_order': False, }", 4),
        ];
        for (header, length) in cases {
            assert!(parse(&file(header, &vec![0; length])).is_err(), "{header} with {length} bytes was accepted");
        }
    }

    #[test]
    fn damage_never_panics() {
        let good = file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n", &[0; 8]);
        parse(&good).unwrap();
        for cut in 0..good.len() {
            assert!(parse(&good[..cut]).is_err());
            for value in 0..=255 {
                let mut damaged = good.clone();
                damaged[cut] = value;
                let _ = parse(&damaged);
            }
        }
    }
}
