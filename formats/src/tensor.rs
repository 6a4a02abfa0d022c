//! A tensor as a file gives it.

use crate::FormatError;

/// The element type in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 64-bit integer.
    I64,
    /// 32-bit integer.
    I32,
    /// Unsigned byte.
    U8,
    /// 16-bit float.
    F16,
    /// Signed byte.
    I8,
    /// 16-bit integer.
    I16,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Boolean, a byte each.
    Bool,
}

/// The values in row-major order: floats as they are, everything else as `i64`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// From float32 and float16.
    F32(Vec<f32>),
    /// From float64.
    F64(Vec<f64>),
    /// From the integer types and booleans.
    I64(Vec<i64>),
}

impl Values {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as floats of 32 bits; what has more is rounded, integers beyond 2^24 too.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::F32(values) => values.clone(),
            Self::F64(values) => values.iter().map(|&value| value as f32).collect(),
            Self::I64(values) => values.iter().map(|&value| value as f32).collect(),
        }
    }

    /// The values as floats of 64 bits; an integer beyond 2^53 is rounded.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F32(values) => values.iter().copied().map(f64::from).collect(),
            Self::F64(values) => values.clone(),
            Self::I64(values) => values.iter().map(|&value| value as f64).collect(),
        }
    }
}

/// Shape and values of one tensor; `values.len()` is the product of `shape`.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorData {
    /// The name in the file, empty where it has none.
    pub name: String,
    /// The element type in the file.
    pub element: ElementType,
    /// The axes; none for a scalar.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Values,
}

impl TensorData {
    /// Checks that the shape holds exactly the values.
    pub(crate) fn new(name: String, element: ElementType, shape: Vec<usize>, values: Values) -> Result<Self, FormatError> {
        let wanted = element_count(&shape)?;
        if wanted != values.len() {
            return Err(FormatError::unexpected("number of values", format!("{wanted} for shape {shape:?}"), values.len()));
        }
        Ok(Self { name, element, shape, values })
    }

    /// The values cut along the first axis: one sample each, as in a calibration file. A scalar is one
    /// sample; a tensor without values has none.
    pub fn samples(&self) -> Vec<Vec<f32>> {
        let count = self.shape.first().copied().unwrap_or(1);
        let values = self.values.to_f32();
        match values.len().checked_div(count) {
            None | Some(0) => Vec::new(),
            Some(size) => values.chunks(size).map(<[f32]>::to_vec).collect(),
        }
    }
}

fn element_count(shape: &[usize]) -> Result<usize, FormatError> {
    shape
        .iter()
        .try_fold(1usize, |product, &axis| product.checked_mul(axis))
        .ok_or_else(|| FormatError::unexpected("shape", "a size that fits in memory", format!("{shape:?}")))
}

/// Little-endian bytes, as both file formats store them, to values.
pub(crate) fn from_little_endian(element: ElementType, bytes: &[u8]) -> Result<Values, FormatError> {
    Ok(match element {
        ElementType::F32 => Values::F32(each(bytes, f32::from_le_bytes)?),
        ElementType::F64 => Values::F64(each(bytes, f64::from_le_bytes)?),
        ElementType::I64 => Values::I64(each(bytes, i64::from_le_bytes)?),
        ElementType::I32 => Values::I64(each(bytes, |value| i32::from_le_bytes(value).into())?),
        ElementType::U8 => Values::I64(each(bytes, |[value]: [u8; 1]| value.into())?),
        ElementType::F16 => Values::F32(each(bytes, |value| half::f16::from_le_bytes(value).to_f32())?),
        ElementType::I8 => Values::I64(each(bytes, |value| i8::from_le_bytes(value).into())?),
        ElementType::I16 => Values::I64(each(bytes, |value| i16::from_le_bytes(value).into())?),
        ElementType::U16 => Values::I64(each(bytes, |value| u16::from_le_bytes(value).into())?),
        ElementType::U32 => Values::I64(each(bytes, |value| u32::from_le_bytes(value).into())?),
        ElementType::Bool => Values::I64(bytes.iter().map(|&value| boolean(value.into())).collect::<Result<_, _>>()?),
    })
}

/// A boolean stored as an integer.
pub(crate) fn boolean(value: i64) -> Result<i64, FormatError> {
    match value {
        0 | 1 => Ok(value),
        _ => Err(FormatError::unexpected("boolean", "0 or 1", "another value")),
    }
}

/// Elements of `N` bytes.
pub(crate) fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Result<Vec<T>, FormatError> {
    let (elements, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(FormatError::unexpected("data length", format!("a multiple of {N} bytes"), bytes.len()));
    }
    Ok(elements.iter().map(|&element| read(element)).collect())
}
