//! A writer of tiny ONNX models: the few protobuf messages that tests need.

/// A serialized message under construction.
#[derive(Clone, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn integer(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, &value.0)
    }
}

/// An extent of a declared shape.
pub(super) enum Dim {
    Fixed(i64),
    Symbol(&'static str),
}

/// A float model; nodes and tensors in any order.
#[derive(Default)]
pub(super) struct Model(Message);

impl Model {
    /// An input of the given shape.
    pub(super) fn input(self, name: &str, shape: &[Dim]) -> Self {
        self.input_of(1, name, shape)
    }

    /// An input of an element type, by ONNX's number.
    pub(super) fn input_of(self, kind: i64, name: &str, shape: &[Dim]) -> Self {
        Self(self.0.message(11, value_info(kind, name, Some(shape))))
    }

    /// An output of unknown shape.
    pub(super) fn output(self, name: &str) -> Self {
        Self(self.0.message(12, value_info(1, name, None)))
    }

    /// A node without attributes.
    pub(super) fn node(self, op: &str, name: &str, inputs: &[&str], output: &str) -> Self {
        self.node_with(op, name, inputs, output, &[])
    }

    /// A node with attributes that are integers.
    pub(super) fn node_with(self, op: &str, name: &str, inputs: &[&str], output: &str, attributes: &[(&str, i64)]) -> Self {
        let node = inputs.iter().fold(Message::default(), |node, input| node.bytes(1, input.as_bytes()));
        let node = node.bytes(2, output.as_bytes()).bytes(3, name.as_bytes()).bytes(4, op.as_bytes());
        let attribute = |node: Message, (name, value): &(&str, i64)| {
            node.message(5, Message::default().bytes(1, name.as_bytes()).integer(3, *value).integer(20, 2))
        };
        Self(self.0.message(1, attributes.iter().fold(node, attribute)))
    }

    /// Integers of 64 bits.
    pub(super) fn integers(self, name: &str, shape: &[i64], values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self(self.0.message(5, tensor(7, name, shape).bytes(9, &raw)))
    }

    /// A weight.
    pub(super) fn weight(self, name: &str, shape: &[i64], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self(self.0.message(5, tensor(1, name, shape).bytes(9, &raw)))
    }

    /// A weight whose data is in another file.
    pub(super) fn external_weight(self, name: &str, shape: &[i64], location: &str) -> Self {
        let entry = Message::default().bytes(1, b"location").bytes(2, location.as_bytes());
        Self(self.0.message(5, tensor(1, name, shape).message(13, entry).integer(14, 1)))
    }

    /// The file's bytes.
    pub(super) fn encode(self) -> Vec<u8> {
        let opset = Message::default().bytes(1, b"").integer(2, 13);
        let graph = self.0.bytes(2, b"graph");
        Message::default().integer(1, 8).message(8, opset).message(7, graph).0
    }
}

fn tensor(kind: i64, name: &str, shape: &[i64]) -> Message {
    let dims = shape.iter().fold(Message::default(), |message, &dim| message.integer(1, dim));
    dims.integer(2, kind).bytes(8, name.as_bytes())
}

fn value_info(kind: i64, name: &str, shape: Option<&[Dim]>) -> Message {
    let mut tensor = Message::default().integer(1, kind);
    if let Some(shape) = shape {
        let dims = shape.iter().fold(Message::default(), |message, dim| {
            message.message(
                1,
                match dim {
                    Dim::Fixed(extent) => Message::default().integer(1, *extent),
                    Dim::Symbol(name) => Message::default().bytes(2, name.as_bytes()),
                },
            )
        });
        tensor = tensor.message(2, dims);
    }
    Message::default().bytes(1, name.as_bytes()).message(2, Message::default().message(1, tensor))
}
