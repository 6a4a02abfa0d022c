"""Private inputs, and two models that share a tensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zktorch


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Ten logits to two numbers."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    w = np.random.default_rng(3).normal(size=(10, 2)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["logits", "w"], ["score"])],
        "second",
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, 10])],
        [helper.make_tensor_value_info("score", onnx.TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return bytes(model.SerializeToString())


def test_two_models_share_a_private_tensor(onnx_path: Path, samples: np.ndarray, x: np.ndarray, second: bytes) -> None:
    first = zktorch.compile(onnx_path, samples, private=("input", "output"))
    between = first.run(samples)["logits"]
    last = zktorch.compile(second, between, private="input", input_like=first)
    one = first.prove(x)
    assert one.inputs == {} and one.kept is not None
    two = last.prove(bind=one.kept)
    together = zktorch.verify_together([one, two], [first, last], require="shared")
    assert together and len(together.details["shared"]) == 1
    assert together.details["proofs"][1]["verdict"] == "accepted"
    stranger = last.prove(first.run(x)["logits"])
    assert zktorch.verify(stranger, last)
    apart = zktorch.verify_together([one, stranger], [first, last], require="shared")
    assert apart.status == "rejected" and "nothing ties" in (apart.reason or "")
    with pytest.raises(zktorch.InputError, match="2 keys for 1 proofs"):
        zktorch.verify_together([one], [first, last])
    bad = zktorch.verify_together([one, b"noise"], [first, last])
    assert bad.status == "undecided"


def test_a_private_input_is_not_shown(private_model: zktorch.Model, x: np.ndarray) -> None:
    binding = private_model.commit(x)
    proof = private_model.prove(bind=binding)
    verdict = zktorch.verify(proof, private_model, bind=binding.commitment)
    assert verdict and verdict.inputs == {} and any("input" in what for what in verdict.hidden)
    assert zktorch.verify(proof, private_model, require="public-input").status == "rejected"
    other = private_model.commit(0 * x)
    assert zktorch.verify(proof, private_model, bind=other).status == "rejected"
    with pytest.raises(zktorch.ZktorchError, match="not the committed one"):
        private_model.prove(0 * x, bind=binding)
    assert "secret" in repr(binding) and str(x.sum()) not in repr(binding)


def test_what_cannot_be_committed(model: zktorch.Model, x: np.ndarray) -> None:
    with pytest.raises(zktorch.ZktorchError, match="all of them are public"):
        model.commit(x)
    assert model.prove(x).kept is None
