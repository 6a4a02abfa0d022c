//! A reader of serialized ONNX `TensorProto` messages (`.pb`).
//!
//! It takes float32, float64, int64, int32, uint8 and bool, from `raw_data` or from the typed field of that type.
//! Other types, external data and segments are refused; unknown fields are skipped, as protobuf asks.

use crate::tensor::{boolean, each, from_little_endian};
use crate::{ElementType, FormatError, TensorData, Values};

/// Field numbers of `TensorProto`.
mod field {
    pub(super) const DIMS: u64 = 1;
    pub(super) const DATA_TYPE: u64 = 2;
    pub(super) const SEGMENT: u64 = 3;
    pub(super) const FLOAT_DATA: u64 = 4;
    pub(super) const INT32_DATA: u64 = 5;
    pub(super) const INT64_DATA: u64 = 7;
    pub(super) const NAME: u64 = 8;
    pub(super) const RAW_DATA: u64 = 9;
    pub(super) const DOUBLE_DATA: u64 = 10;
    pub(super) const DATA_LOCATION: u64 = 14;
}

/// Reads one tensor.
pub fn parse(bytes: &[u8]) -> Result<TensorData, FormatError> {
    let mut message = Message::default();
    let mut reader = Reader { rest: bytes };
    while !reader.rest.is_empty() {
        let (number, value) = reader.field()?;
        message.take(number, value)?;
    }
    message.finish()
}

/// The value of a field by its wire type.
enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Wire<'a> {
    fn integer(self, what: &'static str) -> Result<u64, FormatError> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(FormatError::unexpected(what, "an integer", "another wire type")),
        }
    }

    fn bytes(self, what: &'static str) -> Result<&'a [u8], FormatError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(FormatError::unexpected(what, "bytes", "another wire type")),
        }
    }

    /// A repeated integer field: one element, or a packed run.
    fn integers(self, what: &'static str, into: &mut Vec<i64>) -> Result<(), FormatError> {
        match self {
            // Protobuf sign-extends a negative integer of any width to 64 bits.
            Self::Varint(value) => into.push(value as i64),
            Self::Bytes(rest) => {
                let mut run = Reader { rest };
                while !run.rest.is_empty() {
                    into.push(run.varint()? as i64);
                }
            }
            _ => {
                return Err(FormatError::unexpected(what, "integers", "another wire type"));
            }
        }
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn field(&mut self) -> Result<(u64, Wire<'a>), FormatError> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(self.array()?),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.bytes(length)?)
            }
            5 => Wire::Fixed32(self.array()?),
            other => return Err(FormatError::unsupported("wire type", other)),
        };
        Ok((key >> 3, value))
    }

    fn varint(&mut self) -> Result<u64, FormatError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FormatError::unexpected("varint", "at most 64 bits", "more"))
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], FormatError> {
        let available = self.rest.len() as u64;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (taken, rest) = split.ok_or(FormatError::Truncated { what: "field", needed: length, available })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let available = self.rest.len() as u64;
        let split = self.rest.split_first_chunk();
        let (taken, rest) = split.ok_or(FormatError::Truncated { what: "field", needed: N as u64, available })?;
        self.rest = rest;
        Ok(*taken)
    }
}

#[derive(Default)]
struct Message<'a> {
    dims: Vec<i64>,
    data_type: u64,
    name: String,
    raw: Option<&'a [u8]>,
    floats: Vec<f32>,
    doubles: Vec<f64>,
    int32s: Vec<i64>,
    int64s: Vec<i64>,
}

impl<'a> Message<'a> {
    fn take(&mut self, number: u64, value: Wire<'a>) -> Result<(), FormatError> {
        match number {
            field::DIMS => value.integers("dims", &mut self.dims)?,
            field::DATA_TYPE => self.data_type = value.integer("data_type")?,
            field::SEGMENT => {
                return Err(FormatError::unsupported("a tensor in segments", "segment"));
            }
            field::FLOAT_DATA => match value {
                Wire::Fixed32(bits) => self.floats.push(f32::from_le_bytes(bits)),
                packed => self.floats.extend(each(packed.bytes("float_data")?, f32::from_le_bytes)?),
            },
            field::INT32_DATA => value.integers("int32_data", &mut self.int32s)?,
            field::INT64_DATA => value.integers("int64_data", &mut self.int64s)?,
            field::NAME => self.name = String::from_utf8_lossy(value.bytes("name")?).into_owned(),
            field::RAW_DATA => self.raw = Some(value.bytes("raw_data")?),
            field::DOUBLE_DATA => match value {
                Wire::Fixed64(bits) => self.doubles.push(f64::from_le_bytes(bits)),
                packed => self.doubles.extend(each(packed.bytes("double_data")?, f64::from_le_bytes)?),
            },
            field::DATA_LOCATION => match value.integer("data_location")? {
                0 => {}
                other => {
                    return Err(FormatError::unsupported("data in another file, data_location", other));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<TensorData, FormatError> {
        let element = element_type(self.data_type)?;
        let shape = std::mem::take(&mut self.dims)
            .into_iter()
            .map(|axis| usize::try_from(axis).map_err(|_| FormatError::unexpected("dims", "a size", axis)))
            .collect::<Result<Vec<_>, _>>()?;
        let name = std::mem::take(&mut self.name);
        let values = match self.raw {
            Some(raw) => {
                if self.typed_len() != 0 {
                    return Err(FormatError::unexpected("data", "raw or typed", "both"));
                }
                from_little_endian(element, raw)?
            }
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
            ElementType::U8 => Values::I64(in_range(self.int32s, 0, 255)?),
            ElementType::Bool => Values::I64(self.int32s.into_iter().map(boolean).collect::<Result<_, _>>()?),
            // `element_type` names none of these.
            ElementType::F16 | ElementType::I8 | ElementType::I16 | ElementType::U16 | ElementType::U32 => {
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

fn element_type(code: u64) -> Result<ElementType, FormatError> {
    Ok(match code {
        1 => ElementType::F32,
        2 => ElementType::U8,
        6 => ElementType::I32,
        7 => ElementType::I64,
        9 => ElementType::Bool,
        11 => ElementType::F64,
        other => return Err(FormatError::unsupported("data_type", other)),
    })
}

#[cfg(test)]
mod tests;
