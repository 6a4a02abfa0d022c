"""What is refused, and in which words: those of the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zktorch


def command(*words: object) -> subprocess.CompletedProcess[str]:
    """The command line of the package."""
    return subprocess.run([sys.executable, "-m", "zktorch", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def compiled(model: zktorch.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refusals") / "compiled"
    model.save(folder)
    return folder


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.full((1, 1, 8, 8), np.nan), "not finite"),
        (np.full((1, 1, 8, 8), np.inf), "not finite"),
        (np.full((1, 1, 8, 8), 1e6), "outside"),
        (np.zeros((1, 1, 8, 9)), "expects shape [1, 1, 8, 8]"),
        (np.zeros(7), "expects 64 values"),
        (np.zeros((0,)), "expects 64 values"),
        (np.zeros((2, 1, 8, 8)), "expected one sample"),
    ],
)
def test_bad_inputs(model: zktorch.Model, compiled: Path, tmp_path: Path, value: np.ndarray, said: str) -> None:
    with pytest.raises(zktorch.InputError, match=said.replace("[", r"\[").replace("]", r"\]")) as caught:
        model.prove(value)
    np.save(tmp_path / "x.npy", value)
    made = command("prove", compiled, "--input", tmp_path / "x.npy", "-o", tmp_path / "p.proof")
    assert made.returncode != 0
    # The command line names the file as well.
    tail = caught.value.what.split("input `input`")[-1]
    assert tail in made.stderr, (tail, made.stderr)


@pytest.mark.parametrize("value", [np.zeros((1, 1, 8, 8), complex), np.array([["a"]]), [[1], [1, 2]], object(), np.array([None]), "text"])
def test_what_is_no_array_of_numbers(model: zktorch.Model, value: object) -> None:
    with pytest.raises(zktorch.InputError):
        model.prove(value)  # type: ignore[arg-type]


def test_names_of_inputs(model: zktorch.Model, x: np.ndarray) -> None:
    with pytest.raises(zktorch.InputError, match="the model's inputs are `input`, the arrays are named `image`"):
        model.run({"image": x})
    with pytest.raises(zktorch.InputError, match="has 1 inputs"):
        model.run([x, x])


def test_unsupported_nodes(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, float_type = onnx.helper, onnx.TensorProto.FLOAT
    x, y = (helper.make_tensor_value_info(n, float_type, [1, 4]) for n in "xy")
    nodes = [
        helper.make_node("Nothing", ["x"], ["h"], name="first", domain="nobody"),
        helper.make_node("Nowhere", ["h"], ["y"], name="second", domain="nobody"),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("nobody", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    with pytest.raises(zktorch.UnsupportedModel) as caught:
        zktorch.compile(tmp_path / "m.onnx")
    assert [node.name for node in caught.value.nodes] == ["first", "second"]
    assert all(node.why for node in caught.value.nodes)
    made = command("compile", tmp_path / "m.onnx", "-o", tmp_path / "c")
    assert made.returncode == 1 and caught.value.what in made.stderr
    assert f"hint: {caught.value.hint}" in made.stderr
    assert not zktorch.explain(tmp_path / "m.onnx")


def test_a_model_that_is_too_inexact(onnx_path: Path, samples: np.ndarray) -> None:
    with pytest.raises(zktorch.AccuracyError, match="too far from the model's") as caught:
        zktorch.compile(onnx_path, samples, bits=8, max_error=1e-5)
    assert caught.value.hint and "--max-error" in caught.value.hint
    assert (caught.value.output, caught.value.accepted) == ("logits", 1e-5) and (caught.value.error or 0) > 1e-5


def test_files_that_are_none(onnx_path: Path, tmp_path: Path, model: zktorch.Model) -> None:
    (tmp_path / "noise").write_bytes(np.random.default_rng(1).bytes(4000))
    with pytest.raises(zktorch.FileError, match="noise"):
        zktorch.compile(tmp_path / "noise", np.zeros((1, 2)))
    with pytest.raises(zktorch.FileError, match="no-such"):
        zktorch.compile(tmp_path / "no-such.onnx")
    with pytest.raises(zktorch.FileError, match="noise"):
        zktorch.VerifyingKey.load(tmp_path / "noise")
    with pytest.raises(zktorch.FileError, match="noise"):
        zktorch.Proof.load(tmp_path / "noise")
    with pytest.raises(zktorch.ZktorchError):
        zktorch.VerifyingKey(b"")
    with pytest.raises(zktorch.FileError, match="not a folder"):
        zktorch.load(tmp_path / "noise")
    with pytest.raises(zktorch.ModelError, match="not known"):
        zktorch.compile(object())


def test_nothing_precious_is_overwritten(model: zktorch.Model, x: np.ndarray, tmp_path: Path) -> None:
    model.verifying_key.save(tmp_path)
    with pytest.raises(zktorch.FileError, match="cannot be made again"):
        model.prove(x).save(tmp_path / "verifying.key")
    model.prove(x).save(tmp_path / "verifying.key", force=True)


def test_tampered_proofs_give_verdicts(model: zktorch.Model, x: np.ndarray) -> None:
    proof = bytes(model.prove(x))
    rng = np.random.default_rng(7)
    seen = set()
    for _ in range(60):
        data = bytearray(proof)
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        verdict = zktorch.verify(bytes(data), model)
        assert not verdict and verdict.reason
        seen.add(verdict.status)
    assert "undecided" in seen
    for bad in (b"", b"noise", proof[:-1], proof + b"0", bytes(3_000_000)):
        verdict = zktorch.verify(bad, model)
        assert verdict.status == "undecided" and verdict.reason and "?" in verdict._repr_html_()


def test_a_proof_of_something_else(model: zktorch.Model, private_model: zktorch.Model, x: np.ndarray, tmp_path: Path) -> None:
    foreign = zktorch.verify(model.prove(x), private_model)
    assert foreign.status == "rejected" and "✗" in foreign._repr_html_()
    assert zktorch.verify(tmp_path / "no-such.proof", model).status == "undecided"
    with pytest.raises(zktorch.InputError, match="nonsense"):
        zktorch.verify(model.prove(x), model, require="nonsense")


def test_mixed_files(model: zktorch.Model, private_model: zktorch.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "a")
    private_model.save(tmp_path / "b")
    (tmp_path / "a" / "verifying.key").write_bytes((tmp_path / "b" / "verifying.key").read_bytes())
    with pytest.raises(zktorch.KeyMismatch, match="another"):
        zktorch.load(tmp_path / "a")


def test_the_command_line(compiled: Path, tmp_path: Path, x: np.ndarray) -> None:
    assert command("--version").stdout.startswith("zktorch ")
    assert command("--version").stdout.split()[1] == zktorch.__version__
    usage = command("compile")
    assert usage.returncode == 2 and "required" in usage.stderr
    found = command("inspect", compiled, "--format", "json")
    assert found.returncode == 0 and json.loads(found.stdout)["kind"] == "compiled model"
    np.save(tmp_path / "x.npy", x)
    words = f"{sys.executable} -m zktorch run {compiled} --input {tmp_path}/x.npy | head -c 6"
    piped = subprocess.run(words, shell=True, capture_output=True, text=True, check=True)
    assert piped.stdout == "logits" and piped.stderr == ""
