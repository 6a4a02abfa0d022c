"""Exports language models of known shapes with seeded weights: `python models/export_language.py OUT_DIR NAME...`.

The modules are those of `blocks/`, at full size. Weights have the scales that these models are initialised with (0.02, and for
GPT-2 0.02 / sqrt(2 layers) where a residual stream is added to), so that activations are as large as in training's first steps;
texts are seeded random ids. Each goes to OUT_DIR/NAME: model.onnx (and model.onnx.data where weights are larger than a file may
be), calibration.npz, held_out.npz, input.npz (one of the held-out texts), expected.npy (onnxruntime's outputs for held_out.npz).
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from blocks import Sample, Size
from blocks.bert import Bert
from blocks.gpt2 import Gpt2
from blocks.llama import Llama
from common import Runtime, parameter_count, seed_everything
from exporters import silence, stacked

SEED = 13
OPSET = 18
DEVIATION = 0.02
CALIBRATION, HELD_OUT = 6, 2
LARGEST_FILE = 1 << 30

GPT2 = Size(length=1024, width=768, heads=12, inner=3072, vocabulary=50257, layers=12)
BERT = Size(length=512, width=768, heads=12, inner=3072, vocabulary=30522, layers=12)
TINY_LLAMA = Size(length=2048, width=2048, heads=32, keys=4, inner=5632, vocabulary=32000, layers=22)


@dataclass
class Spec:
    build: Callable[[], nn.Module]
    size: Size
    tokens: int
    kinds: bool = False

    def draw(self, random: np.random.Generator) -> Sample:
        sample = {"input_ids": random.integers(0, self.size.vocabulary, (1, self.tokens), dtype=np.int64)}
        if self.kinds:
            kept, first = random.integers(self.tokens // 2, self.tokens + 1), random.integers(1, self.tokens // 2)
            place = np.arange(self.tokens)[None]
            sample["attention_mask"] = (place < kept).astype(np.int64)
            sample["token_type_ids"] = ((first <= place) & (place < kept)).astype(np.int64)
        return sample


def gpt2(tokens: int, last: bool) -> Spec:
    return Spec(lambda: Gpt2(GPT2, last=last), GPT2, tokens)


MODELS = {
    **{f"gpt2_124m_{tokens}": gpt2(tokens, last=True) for tokens in (32, 64, 128)},
    "gpt2_124m_64_all": gpt2(64, last=False),
    "bert_base_128": Spec(lambda: Bert(BERT, pooled=False), BERT, 128, kinds=True),
    "tiny_llama_1b_1": Spec(lambda: Llama(TINY_LLAMA), TINY_LLAMA, 1),
}


def initialise(module: nn.Module, size: Size) -> nn.Module:
    """Gains and biases have noise of the same size, so that none of them can be left out."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            residual = isinstance(module, Gpt2) and name.endswith(("project.weight", "down.weight"))
            deviation = DEVIATION / (2 * size.layers) ** 0.5 if residual else DEVIATION
            gain = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(torch.randn(parameter.shape, generator=generator).mul_(deviation).add_(float(gain)))
    return module.eval()


def export(name: str, out: Path) -> None:
    seed_everything(SEED)
    spec = MODELS[name]
    module = initialise(spec.build(), spec.size)
    random = np.random.default_rng(SEED)
    samples = [spec.draw(random) for _ in range(CALIBRATION + HELD_OUT)]
    held_out = samples[CALIBRATION:]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    count = parameter_count(module)
    with silence():
        torch.onnx.export(
            module,
            tuple(map(torch.from_numpy, samples[0].values())),
            str(path),
            opset_version=OPSET,
            input_names=list(samples[0]),
            output_names=["output"],
            dynamo=True,
            external_data=4 * count > LARGEST_FILE,
        )
    with torch.no_grad():
        wanted = [module(*map(torch.from_numpy, sample.values())).numpy() for sample in held_out]
    del module
    session = Runtime(path).session
    given = [session.run(None, sample)[0] for sample in held_out]
    np.testing.assert_allclose(given, wanted, rtol=1e-3, atol=1e-3)
    np.savez(folder / "calibration.npz", **stacked(samples[:CALIBRATION]))
    np.savez(folder / "held_out.npz", **stacked(held_out))
    np.savez(folder / "input.npz", **held_out[0])
    np.save(folder / "expected.npy", np.stack(given))
    print(f"{name}: {count:,} parameters, outputs up to {max(np.abs(g).max() for g in given):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("names", nargs="+", metavar="NAME", choices=MODELS, help=", ".join(MODELS))
    arguments = parser.parse_args()
    for name in arguments.names:
        export(name, arguments.out)


if __name__ == "__main__":
    main()
