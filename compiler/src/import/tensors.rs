//! What the tensors of an ONNX file hold.

use std::borrow::Cow;

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataLocation;

/// A type of entries that is read, by the number that ONNX gives to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Floats of so many bytes.
    Float(usize),
    /// The upper half of a float of four bytes.
    Bfloat,
    /// Signed integers of so many bytes.
    Signed(usize),
    /// Unsigned integers of so many bytes.
    Unsigned(usize),
    Bool,
}

impl Element {
    pub fn of(data_type: i32) -> Option<Self> {
        Some(match data_type {
            1 => Self::Float(4),
            2 => Self::Unsigned(1),
            3 => Self::Signed(1),
            4 => Self::Unsigned(2),
            5 => Self::Signed(2),
            6 => Self::Signed(4),
            7 => Self::Signed(8),
            9 => Self::Bool,
            10 => Self::Float(2),
            11 => Self::Float(8),
            12 => Self::Unsigned(4),
            13 => Self::Unsigned(8),
            16 => Self::Bfloat,
            _ => return None,
        })
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::Float(bytes) | Self::Signed(bytes) | Self::Unsigned(bytes) => bytes,
            Self::Bfloat => 2,
            Self::Bool => 1,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::Float(_) | Self::Bfloat)
    }
}

/// ONNX's name of a type of entries.
pub(super) fn type_name(data_type: i32) -> String {
    const NAMES: [&str; 24] = [
        "undefined",
        "float32",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "float64",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "uint4",
        "int4",
        "float4e2m1",
    ];
    let name = usize::try_from(data_type).ok().and_then(|n| NAMES.get(n));
    name.map_or_else(|| format!("number {data_type}"), |name| (*name).to_owned())
}

pub(super) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// Entries of a tensor's shape.
pub(super) fn entries(tensor: &TensorProto) -> Option<usize> {
    tensor.dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(usize::try_from(dim).ok()?))
}

/// Whether entries stand in the file itself.
pub(super) fn has_data(tensor: &TensorProto) -> bool {
    let TensorProto { raw_data, float_data, double_data, int32_data, int64_data, uint64_data, string_data, .. } = tensor;
    !(raw_data.is_empty()
        && float_data.is_empty()
        && double_data.is_empty()
        && int32_data.is_empty()
        && int64_data.is_empty()
        && uint64_data.is_empty()
        && string_data.is_empty())
}

/// Takes the entries out.
pub(super) fn forget(tensor: &mut TensorProto) {
    *tensor = TensorProto {
        dims: std::mem::take(&mut tensor.dims),
        data_type: tensor.data_type,
        name: std::mem::take(&mut tensor.name),
        ..TensorProto::default()
    };
}

/// The entries as ONNX's raw data has them: little endian, one after the other. `None` for types that are not read, and where the
/// entries are not as many as the shape says.
pub(super) fn raw(tensor: &TensorProto) -> Option<Cow<'_, [u8]>> {
    let bytes = Element::of(tensor.data_type)?.bytes();
    let cut = |wide: Vec<[u8; 8]>| wide.iter().flat_map(|w| w[..bytes].to_vec()).collect::<Vec<u8>>();
    let raw = if !tensor.raw_data.is_empty() {
        Cow::Borrowed(tensor.raw_data.as_slice())
    } else {
        Cow::Owned(match Element::of(tensor.data_type)? {
            Element::Float(4) => tensor.float_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Element::Float(8) => tensor.double_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Element::Signed(8) => tensor.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Element::Unsigned(4 | 8) => cut(tensor.uint64_data.iter().map(|v| v.to_le_bytes()).collect()),
            _ => cut(tensor.int32_data.iter().map(|&v| i64::from(v).to_le_bytes()).collect()),
        })
    };
    (Some(raw.len()) == entries(tensor)?.checked_mul(bytes)).then_some(raw)
}

/// The entries as numbers, as near as a `f64` comes.
pub(super) fn numbers(tensor: &TensorProto) -> Option<Vec<f64>> {
    let element = Element::of(tensor.data_type)?;
    let raw = raw(tensor)?;
    Some(raw.chunks_exact(element.bytes()).map(|bytes| number(element, bytes)).collect())
}

/// The row-major number of the first entry that is as asked; none if no entry is, or none can be read.
pub(super) fn position(tensor: &TensorProto, mut wanted: impl FnMut(f64) -> bool) -> Option<(usize, f64)> {
    let element = Element::of(tensor.data_type)?;
    let raw = raw(tensor)?;
    let entries = raw.chunks_exact(element.bytes()).map(|bytes| number(element, bytes)).enumerate();
    entries.into_iter().find(|(_, value)| wanted(*value))
}

fn number(element: Element, bytes: &[u8]) -> f64 {
    let mut wide = [0u8; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let unsigned = u64::from_le_bytes(wide);
    let unused = 64 - 8 * bytes.len() as u32;
    match element {
        Element::Float(4) => f64::from(f32::from_bits(unsigned as u32)),
        Element::Float(8) => f64::from_bits(unsigned),
        Element::Float(_) => half(unsigned as u16),
        Element::Bfloat => f64::from(f32::from_bits((unsigned as u32) << 16)),
        Element::Signed(_) => (((unsigned << unused) as i64) >> unused) as f64,
        Element::Unsigned(_) | Element::Bool => unsigned as f64,
    }
}

/// A float of two bytes.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        0 => mantissa * 2f64.powi(-24),
        _ => (1024.0 + mantissa) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// The entries of a tensor of 64-bit or 32-bit integers.
pub(super) fn integers(tensor: &TensorProto) -> Option<Vec<i64>> {
    let Some(Element::Signed(bytes @ (4 | 8))) = Element::of(tensor.data_type) else { return None };
    let raw = raw(tensor)?;
    let one = |entry: &[u8]| match bytes {
        8 => entry.first_chunk().map(|b| i64::from_le_bytes(*b)),
        _ => entry.first_chunk().map(|b| i64::from(i32::from_le_bytes(*b))),
    };
    raw.chunks_exact(bytes).map(one).collect()
}

/// A vector of 64-bit integers.
pub(super) fn vector(name: &str, values: &[i64]) -> TensorProto {
    let dims = vec![values.len() as i64];
    TensorProto { name: name.to_owned(), dims, data_type: 7, int64_data: values.to_vec(), ..TensorProto::default() }
}

/// Whether a tensor is one number, or the same number everywhere. Zero and minus zero are two.
pub(super) fn is_uniform(tensor: &TensorProto) -> bool {
    let (Some(element), Some(raw)) = (Element::of(tensor.data_type), raw(tensor)) else { return false };
    let mut chunks = raw.chunks_exact(element.bytes());
    let first = chunks.next();
    chunks.all(|chunk| Some(chunk) == first)
}

/// The place of an entry by its row-major number.
pub(super) fn place(dims: &[i64], flat: usize) -> Vec<usize> {
    let mut rest = flat;
    let mut place: Vec<usize> = dims
        .iter()
        .rev()
        .map(|&dim| {
            let dim = usize::try_from(dim).unwrap_or(1).max(1);
            let digit = rest % dim;
            rest /= dim;
            digit
        })
        .collect();
    place.reverse();
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_all_types_are_read() {
        let tensor = |data_type, raw: &[u8]| TensorProto {
            data_type,
            dims: vec![2],
            raw_data: raw.to_vec(),
            ..TensorProto::default()
        };
        assert_eq!(numbers(&tensor(10, &[0, 0x3c, 0, 0xc0])).unwrap(), [1.0, -2.0]);
        assert_eq!(numbers(&tensor(10, &[1, 0, 0, 0x7c])).unwrap(), [2f64.powi(-24), f64::INFINITY]);
        assert_eq!(numbers(&tensor(16, &[0x80, 0x3f, 0, 0xc0])).unwrap(), [1.0, -2.0]);
        assert_eq!(numbers(&tensor(3, &[255, 127])).unwrap(), [-1.0, 127.0]);
        assert_eq!(numbers(&tensor(2, &[255, 127])).unwrap(), [255.0, 127.0]);
        assert_eq!(numbers(&tensor(5, &[254, 255, 0, 1])).unwrap(), [-2.0, 256.0]);
        assert_eq!(numbers(&tensor(5, &[254, 255, 0])), None, "an entry is cut");
        let listed = TensorProto { data_type: 3, dims: vec![2], int32_data: vec![-1, 3], ..TensorProto::default() };
        assert_eq!((raw(&listed).unwrap().into_owned(), numbers(&listed).unwrap()), (vec![255, 3], vec![-1.0, 3.0]));
        assert_eq!(integers(&vector("v", &[-1, i64::MAX])).unwrap(), [-1, i64::MAX]);
        assert!(is_uniform(&tensor(3, &[7, 7])) && !is_uniform(&tensor(3, &[7, 8])));
        assert_eq!(place(&[2, 3, 4], 23), [1, 2, 3]);
    }
}
