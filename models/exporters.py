"""Writes transformer blocks with both exporters of PyTorch: `python models/exporters.py OUT_DIR [BLOCK...]`.

OUT_DIR/BLOCK gets `calibration.npz` (8 samples), `held_out.npz` (4 more), `expected.npy` (torch's outputs for these), and
EXPORTER-OPSET.onnx for each exporter and operator set; OUT_DIR/BLOCK/refused.json says which the exporter itself did not write,
and why. Weights and samples are seeded.
"""

import argparse
import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator

from blocks import Block, Sample, bert, gpt2, layers, llama, settle, swin, t5, vit
from common import Runtime, seed_everything, write_json

SEED = 12
OPSETS = (13, 17, 18, 23)
CALIBRATION, HELD_OUT = 8, 4
BLOCKS = layers.BLOCKS | bert.BLOCKS | gpt2.BLOCKS | llama.BLOCKS | t5.BLOCKS | swin.BLOCKS | vit.BLOCKS


class Refused(Exception):
    """The exporter does not write this."""


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Drops what exporters print, which in part is not Python that does it."""
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def write(module: torch.nn.Module, sample: Sample, dynamo: bool, opset: int, path: Path) -> None:
    """One file with its weights inside."""
    arguments = tuple(torch.from_numpy(values) for values in sample.values())
    try:
        with silence():
            torch.onnx.export(
                module,
                arguments,
                str(path),
                opset_version=opset,
                input_names=list(sample),
                output_names=["output"],
                dynamo=dynamo,
                external_data=False,
            )
    except Exception as error:
        raise Refused(first_line(error)) from error
    written = next(o.version for o in onnx.load(str(path)).opset_import if o.domain in ("", "ai.onnx"))
    if written != opset:
        path.unlink()
        raise Refused(f"written in operator set {written} instead")


def agree(path: Path, samples: list[Sample], expected: np.ndarray) -> None:
    """What was written must be what torch computes, by onnxruntime or, where that does not run it, by ONNX's own evaluator."""
    names = {port.name for port in onnx.load(str(path)).graph.input}
    fed = [{name: values for name, values in sample.items() if name in names} for sample in samples]
    try:
        given = [Runtime(path).session.run(None, sample)[0] for sample in fed]
    except Exception:
        try:
            given = [ReferenceEvaluator(str(path)).run(None, sample)[0] for sample in fed]
        except Exception as error:
            raise Refused(f"what it wrote does not run: {first_line(error)}") from error
    for given, wanted in zip(given, expected):
        off = np.abs(given - wanted).max() / np.abs(wanted).max()
        if not off < 1e-4:
            raise Refused(f"what it wrote is {off:.1e} off")


def stacked(samples: list[Sample]) -> Sample:
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def export(name: str, block: Block, out: Path) -> None:
    seed_everything(SEED)
    module = settle(block.build(), SEED)
    random = np.random.default_rng(SEED)
    samples = [block.draw(random) for _ in range(CALIBRATION + HELD_OUT)]
    held_out = samples[CALIBRATION:]
    with torch.no_grad():
        outputs = [module(*map(torch.from_numpy, sample.values())).numpy() for sample in held_out]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "calibration.npz", **stacked(samples[:CALIBRATION]))
    np.savez(folder / "held_out.npz", **stacked(held_out))
    np.save(folder / "expected.npy", np.stack(outputs))
    refused = {}
    for exporter, dynamo in (("torchscript", False), ("dynamo", True)):
        for opset in OPSETS:
            path = folder / f"{exporter}-{opset}.onnx"
            try:
                write(module, samples[0], dynamo, opset, path)
                agree(path, held_out, np.stack(outputs))
            except Refused as error:
                refused[path.stem] = str(error)
                path.unlink(missing_ok=True)
    write_json(folder / "refused.json", refused, indent=2)
    print(f"{name}: {2 * len(OPSETS) - len(refused)} files", *(f"no {file}: {why}" for file, why in refused.items()), sep="\n  ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", choices=[[], *BLOCKS], metavar="BLOCK", default=[])
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    for name in options.names or BLOCKS:
        export(name, BLOCKS[name], options.out)


if __name__ == "__main__":
    main()
