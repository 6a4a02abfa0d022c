"""Exports a layer shaped like DeepSeek-V2-Lite's: `python models/export_moe.py OUT_DIR [SHAPE...]` (`small` without a shape).

Latent attention (MLA) with a causal mask and rotary positions, then a mixture of experts: the router's softmax, its best experts by TopK,
their gates scattered over all experts, all experts computed and weighed by these, and shared experts beside them.
Weights are seeded. Each goes to OUT_DIR/moe_SHAPE: model.onnx, input.json, calibration.npy, expected.json (onnxruntime's output for
input.json). Needs numpy, onnx and onnxruntime.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SEED = 11
CALIBRATION_SAMPLES = 8
EPS = 1e-6
THETA = 10000.0


@dataclass
class Shape:
    """Extents of a layer: `latent` of keys and values, `plain` and `rotary` of a head's queries and keys, `value` of its values."""

    tokens: int
    model: int
    heads: int
    latent: int
    plain: int
    rotary: int
    value: int
    experts: int
    top: int
    shared: int
    hidden: int


SHAPES = {
    "small": Shape(tokens=5, model=32, heads=2, latent=16, plain=8, rotary=4, value=8, experts=6, top=2, shared=1, hidden=12),
    "quarter": Shape(tokens=4, model=512, heads=4, latent=128, plain=32, rotary=16, value=32, experts=64, top=6, shared=2, hidden=352),
    "full": Shape(tokens=1, model=2048, heads=16, latent=512, plain=128, rotary=64, value=128, experts=64, top=6, shared=2, hidden=1408),
}


class Layer:
    """A graph under construction."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list = []
        self.constants: list = []

    def constant(self, values: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, *shape: int) -> str:
        return self.constant(self.random.standard_normal(shape, dtype=np.float32) / np.float32(shape[-2] ** 0.5))

    def real(self, value: float) -> str:
        return self.constant(np.float32(value))

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def op(self, kind: str, *operands: str, outputs: int = 1, **attributes) -> str | list[str]:
        names = [f"{kind}_{len(self.nodes)}" + (f"_{n}" if n else "") for n in range(outputs)]
        self.nodes.append(helper.make_node(kind, operands, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def reshape(self, x: str, *shape: int) -> str:
        return self.op("Reshape", x, self.integers(*shape))

    def part(self, x: str, begin: int, end: int) -> str:
        return self.op("Slice", x, self.integers(begin), self.integers(end), self.integers(-1))

    def norm(self, x: str, extent: int) -> str:
        mean = self.op("ReduceMean", self.op("Mul", x, x), axes=[-1], keepdims=1)
        root = self.op("Sqrt", self.op("Add", mean, self.real(EPS)))
        gain = self.constant(self.random.uniform(0.5, 1.5, extent).astype(np.float32))
        return self.op("Mul", self.op("Div", x, root), gain)

    def silu(self, x: str) -> str:
        return self.op("Mul", x, self.op("Sigmoid", x))

    def rotated(self, x: str, tokens: int, extent: int) -> str:
        angles = np.outer(np.arange(tokens), THETA ** (-np.arange(0, extent, 2) / extent))
        angles = np.concatenate([angles, angles], axis=1).astype(np.float32)
        half = extent // 2
        other = self.op("Concat", self.op("Neg", self.part(x, half, extent)), self.part(x, 0, half), axis=-1)
        cos, sin = (self.op("Mul", a, self.constant(f(angles))) for a, f in ((x, np.cos), (other, np.sin)))
        return self.op("Add", cos, sin)

    def attention(self, x: str, s: Shape) -> str:
        def heads(x: str, extent: int) -> str:
            return self.op("Transpose", self.reshape(x, s.tokens, s.heads, extent), perm=[1, 0, 2])

        q = heads(self.op("MatMul", x, self.weight(s.model, s.heads * (s.plain + s.rotary))), s.plain + s.rotary)
        down = self.op("MatMul", x, self.weight(s.model, s.latent + s.rotary))
        latent = self.norm(self.part(down, 0, s.latent), s.latent)
        up = heads(self.op("MatMul", latent, self.weight(s.latent, s.heads * (s.plain + s.value))), s.plain + s.value)
        # The keys' rotary part is the same for all heads.
        key = self.rotated(self.part(down, s.latent, s.latent + s.rotary), s.tokens, s.rotary)
        query = self.rotated(self.part(q, s.plain, s.plain + s.rotary), s.tokens, s.rotary)
        plain = self.op("MatMul", self.part(q, 0, s.plain), self.op("Transpose", self.part(up, 0, s.plain), perm=[0, 2, 1]))
        rotary = self.op("MatMul", query, self.op("Transpose", key, perm=[1, 0]))
        scores = self.op("Mul", self.op("Add", plain, rotary), self.real((s.plain + s.rotary) ** -0.5))
        mask = self.constant(np.triu(np.full((s.tokens, s.tokens), np.finfo(np.float32).min, np.float32), 1))
        weights = self.op("Softmax", self.op("Add", scores, mask), axis=-1)
        read = self.op("MatMul", weights, self.part(up, s.plain, s.plain + s.value))
        read = self.reshape(self.op("Transpose", read, perm=[1, 0, 2]), s.tokens, s.heads * s.value)
        return self.op("MatMul", read, self.weight(s.heads * s.value, s.model))

    def gates(self, x: str, s: Shape) -> str:
        probabilities = self.op("Softmax", self.op("MatMul", x, self.weight(s.model, s.experts)), axis=-1)
        best, indices = self.op("TopK", probabilities, self.integers(s.top), outputs=2, axis=-1)
        nothing = self.constant(np.zeros((s.tokens, s.experts), np.float32))
        return self.op("ScatterElements", nothing, indices, best, axis=-1)

    def experts(self, x: str, s: Shape) -> str:
        gates = self.reshape(self.op("Transpose", self.gates(x, s), perm=[1, 0]), s.experts, s.tokens, 1)
        hidden = [self.op("MatMul", x, self.weight(s.experts, s.model, s.hidden)) for _ in range(2)]
        hidden = self.op("Mul", self.op("Mul", self.silu(hidden[0]), hidden[1]), gates)
        hidden = self.reshape(self.op("Transpose", hidden, perm=[1, 0, 2]), s.tokens, s.experts * s.hidden)
        down = self.random.standard_normal((s.experts * s.hidden, s.model), dtype=np.float32) / np.float32(s.hidden**0.5)
        routed = self.op("MatMul", hidden, self.constant(down))
        width = s.shared * s.hidden
        beside = [self.op("MatMul", x, self.weight(s.model, width)) for _ in range(2)]
        beside = self.op("MatMul", self.op("Mul", self.silu(beside[0]), beside[1]), self.weight(width, s.model))
        return self.op("Add", routed, beside)

    def model(self, s: Shape) -> onnx.ModelProto:
        shape = [s.tokens, s.model]
        x = self.op("Add", "x", self.attention(self.norm("x", s.model), s))
        x = self.op("Add", x, self.experts(self.norm(x, s.model), s))
        self.nodes.append(helper.make_node("Identity", [x], ["y"], name="y"))
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
        graph = helper.make_graph(self.nodes, "moe", ends[:1], ends[1:], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def export(name: str, out: Path) -> None:
    s, folder = SHAPES[name], out / f"moe_{name}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    model = Layer(SEED).model(s)
    large = sum(len(c.raw_data) for c in model.graph.initializer) > 1 << 30
    onnx.save(model, path, save_as_external_data=large, location="weights" if large else None)
    samples = np.random.default_rng(SEED + 1).standard_normal((CALIBRATION_SAMPLES + 1, s.tokens, s.model), dtype=np.float32)
    session = onnxruntime.InferenceSession(path)
    (expected,) = session.run(None, {"x": samples[0]})
    (folder / "input.json").write_text(json.dumps({"input_data": [samples[0].reshape(-1).tolist()]}))
    (folder / "expected.json").write_text(json.dumps({"output_data": [expected.reshape(-1).tolist()]}))
    np.save(folder / "calibration.npy", samples[1:])
    count = sum(int(np.prod(c.dims)) for c in model.graph.initializer)
    print(f"{name}: {count:,} parameters")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", choices=[*SHAPES, []], help=", ".join(SHAPES))
    arguments = parser.parse_args()
    for name in arguments.shapes or ["small"]:
        export(name, arguments.out)


if __name__ == "__main__":
    main()
