//! A reader of serialized ONNX `TensorProto` messages (`.pb`).
//!
//! It takes float32, float64, bool, and integers of 8 to 64 bits but uint32 and uint64, from `raw_data` or from the typed field of that
//! type.
//! Other types, external data and segments are refused; unknown fields are skipped, as protobuf asks.

use prost::Message as _;

use crate::tensor::{boolean, from_little_endian};
use crate::{ElementType, FormatError, TensorData, Values};

/// What is read of a `TensorProto`. Integers of 32 bits are read as they stand in the file, with 64, so that those that do not fit are
/// refused and not cut.
#[derive(Clone, PartialEq, prost::Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int64, tag = "2")]
    data_type: i64,
    #[prost(message, optional, tag = "3")]
    segment: Option<()>,
    #[prost(float, repeated, tag = "4")]
    floats: Vec<f32>,
    #[prost(int64, repeated, tag = "5")]
    int32s: Vec<i64>,
    #[prost(int64, repeated, tag = "7")]
    int64s: Vec<i64>,
    // A text, which need not be UTF-8 for the tensor to be read.
    #[prost(bytes = "vec", tag = "8")]
    name: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "9")]
    raw: Option<Vec<u8>>,
    #[prost(double, repeated, tag = "10")]
    doubles: Vec<f64>,
    #[prost(int64, tag = "14")]
    data_location: i64,
}

/// Reads one tensor.
pub fn parse(bytes: &[u8]) -> Result<TensorData, FormatError> {
    let message = TensorProto::decode(bytes);
    message.map_err(|error| FormatError::unexpected("TensorProto", "a protobuf message", error))?.finish()
}

impl TensorProto {
    fn finish(self) -> Result<TensorData, FormatError> {
        if self.segment.is_some() {
            return Err(FormatError::unsupported("a tensor in segments", "segment"));
        }
        if self.data_location != 0 {
            return Err(FormatError::unsupported("data in another file, data_location", self.data_location));
        }
        let element = element_type(self.data_type)?;
        let size = |&axis: &i64| usize::try_from(axis).map_err(|_| FormatError::unexpected("dims", "a size", axis));
        let shape = self.dims.iter().map(size).collect::<Result<Vec<_>, _>>()?;
        let name = String::from_utf8_lossy(&self.name).into_owned();
        let values = match &self.raw {
            Some(_) if self.typed_len() != 0 => return Err(FormatError::unexpected("data", "raw or typed", "both")),
            Some(raw) => from_little_endian(element, raw)?,
            None => self.typed(element)?,
        };
        TensorData::new(name, element, shape, values)
    }

    fn typed_len(&self) -> usize {
        self.floats.len() + self.doubles.len() + self.int32s.len() + self.int64s.len()
    }

    /// The typed field that goes with the element type; the others have to be empty.
    fn typed(self, element: ElementType) -> Result<Values, FormatError> {
        let total = self.typed_len();
        let values = match element {
            ElementType::F32 => Values::F32(self.floats),
            ElementType::F64 => Values::F64(self.doubles),
            ElementType::I64 => Values::I64(self.int64s),
            ElementType::I32 => Values::I64(in_range(self.int32s, i32::MIN.into(), i32::MAX.into())?),
            ElementType::U8 => Values::I64(in_range(self.int32s, 0, u8::MAX.into())?),
            ElementType::I8 => Values::I64(in_range(self.int32s, i8::MIN.into(), i8::MAX.into())?),
            ElementType::U16 => Values::I64(in_range(self.int32s, 0, u16::MAX.into())?),
            ElementType::I16 => Values::I64(in_range(self.int32s, i16::MIN.into(), i16::MAX.into())?),
            ElementType::Bool => Values::I64(self.int32s.into_iter().map(boolean).collect::<Result<_, _>>()?),
            // `element_type` names none of these.
            ElementType::F16 | ElementType::U32 => {
                return Err(FormatError::unsupported("data in a typed field of", format!("{element:?}")));
            }
        };
        if values.len() != total {
            return Err(FormatError::unexpected("data", format!("the field of {element:?} alone"), "another typed field"));
        }
        Ok(values)
    }
}

fn in_range(values: Vec<i64>, low: i64, high: i64) -> Result<Vec<i64>, FormatError> {
    match values.iter().position(|value| !(low..=high).contains(value)) {
        Some(at) => Err(FormatError::unexpected("int32_data", format!("{low}..={high}"), format!("another value at {at}"))),
        None => Ok(values),
    }
}

fn element_type(code: i64) -> Result<ElementType, FormatError> {
    Ok(match code {
        1 => ElementType::F32,
        2 => ElementType::U8,
        3 => ElementType::I8,
        4 => ElementType::U16,
        5 => ElementType::I16,
        6 => ElementType::I32,
        7 => ElementType::I64,
        9 => ElementType::Bool,
        11 => ElementType::F64,
        other => return Err(FormatError::unsupported("data_type", other)),
    })
}

#[cfg(test)]
mod tests;
