//! Names of ONNX nodes behind the names of typed nodes.

use std::collections::HashSet;

/// The names that the ONNX model gives to its nodes.
pub(super) struct Names {
    onnx: HashSet<String>,
}

impl Names {
    pub(super) fn new(onnx: impl IntoIterator<Item = String>) -> Self {
        Self { onnx: onnx.into_iter().collect() }
    }

    /// The ONNX name that `typed` extends: an operator that is taken apart gives `name.part`. Only for display.
    pub(super) fn resolve(&self, typed: &str) -> String {
        let mut name = typed;
        while !self.onnx.contains(name) {
            match name.rsplit_once('.') {
                Some((shorter, _)) => name = shorter,
                None => return typed.to_owned(),
            }
        }
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_by_their_node() {
        let names = Names::new(["a.b".to_owned(), "/Relu".to_owned()]);
        assert_eq!(names.resolve("/Relu.low"), "/Relu");
        assert_eq!(names.resolve("a.b.c.d"), "a.b");
        assert_eq!(names.resolve("other.part"), "other.part");
    }
}
