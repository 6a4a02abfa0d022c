"""Files of the package and of the command line are the same bytes, and each reads the other's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zktorch

SEED = 11


def command(*words: object) -> str:
    made = subprocess.run([sys.executable, "-m", "zktorch", *map(str, words)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def both(onnx_path: Path, samples: np.ndarray, x: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same made twice: `cli/` and `python/`."""
    root = tmp_path_factory.mktemp("both")
    np.save(root / "samples.npy", samples)
    np.save(root / "x.npy", x)
    seed = ("--test-seed", SEED)
    for name in ("cli", "python"):
        (root / name).mkdir()
    options = ("--calibrate", root / "samples.npy", "--input", "private", "--output", "private")
    command("compile", onnx_path, "-o", root / "cli/compiled", *options, *seed)
    command("commit", root / "cli/compiled", "--input", root / "x.npy", "-o", root / "cli/x.commitment", *seed)
    made = ("-o", root / "cli/answer.proof", "--keep", root / "cli/kept.commitment")
    command("prove", root / "cli/compiled", "--bind", root / "cli/x.commitment", *made, *seed)
    command("strip", onnx_path, "-o", root / "cli/stripped.onnx")

    model = zktorch.compile(onnx_path, samples, private=("input", "output"), insecure_seed=SEED)
    model.save(root / "python/compiled")
    binding = model.commit(x, insecure_seed=SEED)
    binding.save(root / "python/x.commitment")
    proof = model.prove(bind=binding, insecure_seed=SEED)
    proof.save(root / "python/answer.proof")
    assert proof.kept is not None
    proof.kept.save(root / "python/kept.commitment")
    zktorch.strip(onnx_path).save(root / "python/stripped.onnx")
    return root


def test_they_are_the_same_bytes(both: Path) -> None:
    def files(name: str) -> dict[str, bytes]:
        root = both / name
        return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}

    cli, python = files("cli"), files("python")
    assert list(cli) == list(python)
    assert len(cli) == 11, list(cli)
    assert [name for name in cli if cli[name] != python[name]] == []


def test_each_reads_the_others(both: Path, x: np.ndarray) -> None:
    cli, python = both / "cli", both / "python"
    fresh = both / "fresh.proof"
    command("prove", python / "compiled", "--bind", python / "x.commitment", "-o", fresh)
    said = command("verify", "--key", python / "compiled/verifying.key", fresh, "--bind", python / "x.commitment")
    assert said.startswith("accepted")
    model = zktorch.load(cli / "compiled")
    binding = zktorch.Binding.load(cli / "x.commitment")
    assert zktorch.verify(fresh, model, bind=binding)
    assert zktorch.verify(cli / "answer.proof", cli / "compiled", bind=cli / "x.commitment")
    assert zktorch.verify(model.prove(x, bind=cli / "x.commitment"), model, bind=binding)
    assert not zktorch.verify(model.prove(x), model, bind=binding)


def test_an_opening_is_nobody_elses(both: Path) -> None:
    path = both / "python/x.commitment.opening"
    assert path.stat().st_mode & 0o077 == 0
    assert (both / "python/compiled/proving.key").stat().st_mode & 0o077 == 0
