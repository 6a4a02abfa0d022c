//! `Celu`, in which the parser forgets a factor unless `alpha` is 1: `max(x, 0) + min(alpha (exp(x / alpha) - 1), 0)` is
//! `alpha elu(x / alpha)`, which it reads right.

use super::{Known, Spelling};
use crate::import::refusal::{AttributeFault, Refusal};

/// A division, an `Elu` and a product.
pub(super) fn celu(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let alpha = s.number("alpha").unwrap_or(1.0);
    if !(alpha > 0.0 && alpha.is_finite()) {
        return Err(Refusal::Attribute { name: "alpha".to_owned(), fault: AttributeFault::Positive(alpha) });
    }
    let (x, factor) = (s.operand(0)?, s.float(alpha));
    let ratio = s.put("Div", &[&x, &factor]);
    let elu = s.put("Elu", &[&ratio]);
    let result = s.put("Mul", &[&elu, &factor]);
    s.result(0, &result);
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::arr1;
    use prost::Message;
    use tract_onnx::pb::{AttributeProto, ModelProto, OperatorSetIdProto, TypeProto, ValueInfoProto, type_proto};

    use tract_onnx::pb::{GraphProto, NodeProto};

    use crate::graph::Graph;
    use crate::import::{ImportError, ImportOptions, load_bytes};

    fn celu(alpha: f32) -> Result<Graph, ImportError> {
        spelled(alpha, "", &["y"])
    }

    /// The same under a name of the domain, and with results that are left out.
    fn spelled(alpha: f32, domain: &str, results: &[&str]) -> Result<Graph, ImportError> {
        let attribute = AttributeProto { name: "alpha".into(), r#type: 1, f: alpha, ..AttributeProto::default() };
        let node = NodeProto {
            input: vec!["x".into()],
            output: results.iter().map(|&name| name.into()).collect(),
            op_type: "Celu".into(),
            domain: domain.into(),
            attribute: vec![attribute],
            ..NodeProto::default()
        };
        let port = |name: &str| {
            let tensor = type_proto::Tensor { elem_type: 1, shape: None };
            let value = Some(type_proto::Value::TensorType(tensor));
            let kind = Some(TypeProto { value, ..TypeProto::default() });
            ValueInfoProto { name: name.into(), r#type: kind, ..ValueInfoProto::default() }
        };
        let (input, output) = (vec![port("x")], vec![port("y")]);
        let graph = Some(GraphProto { node: vec![node], input, output, name: "g".into(), ..GraphProto::default() });
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
        let bytes = ModelProto { ir_version: 7, opset_import, graph, ..ModelProto::default() }.encode_to_vec();
        load_bytes(&bytes, &ImportOptions { input_shapes: vec![vec![4]], ..ImportOptions::default() })
    }

    #[test]
    fn alpha_is_a_factor() {
        let x = arr1(&[-10.0, -0.1, 0.0, 3.0]).into_dyn();
        for alpha in [0.1f32, 1.0, 2.0] {
            let evaluation = celu(alpha).expect("it imports").evaluate(std::slice::from_ref(&x)).expect("it runs");
            let expected = |x: f64| x.max(0.0) + (f64::from(alpha) * (x / f64::from(alpha)).exp_m1()).min(0.0);
            for (got, &x) in evaluation.outputs()[0].iter().zip(&x) {
                assert!((got - expected(x)).abs() < 1e-5, "{alpha}: {got} at {x}");
            }
        }
        for (domain, results) in [("ai.onnx", &["y"][..]), ("", &["y", ""]), ("ai.onnx", &["y", ""])] {
            let evaluation = spelled(0.1, domain, results).expect("it imports").evaluate(std::slice::from_ref(&x));
            let got = evaluation.expect("it runs").outputs()[0][[0]];
            assert!((got + 0.1).abs() < 1e-5, "{got} in `{domain}` with {results:?}");
        }
        assert!(celu(-1.0).is_err_and(|e| e.to_string().contains("`alpha` is -1, expected a positive number")));
    }
}
