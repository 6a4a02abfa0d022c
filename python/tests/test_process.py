"""Signals, memory, time, and what the module was compiled for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import zktorch

RUNS = int(os.environ.get("ZKTORCH_PROOFS", "150"))
"""Proofs that must not grow the process; `python/README.md` names a run of 1,000."""

BUSY = """
import sys, time
import numpy as np
import zktorch
model = zktorch.load(sys.argv[1])
x = np.load(sys.argv[2])
print("ready", flush=True)
try:
    {work}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    # The process is as good as new.
    assert zktorch.verify(model.prove(x), model)
    print("again", flush=True)
"""

WORK = {
    "compiling": "zktorch.compile(sys.argv[3], np.concatenate([np.random.default_rng(0).random((20000, 1, 8, 8))]))",
    "proving": "while True: model.prove(x)",
    "running a batch": "model.run(np.repeat(x, 100_000, axis=0))",
}


def heed_ctrl_c() -> None:
    """Whoever runs the tests in the background has it ignored, and a process hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize("work", WORK)
def test_ctrl_c_is_heard_within_a_second(work: str, model: zktorch.Model, x: np.ndarray, onnx_path: Path, tmp_path: Path) -> None:
    model.save(tmp_path / "compiled")
    np.save(tmp_path / "x.npy", x)
    script = BUSY.format(work=WORK[work])
    words = [sys.executable, "-c", script, str(tmp_path / "compiled"), str(tmp_path / "x.npy"), str(onnx_path)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.7)
    assert process.poll() is None, "the work was over before anybody could interrupt it"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    assert time.monotonic() - start < 1.0
    assert process.stdout.readline() == "again\n"
    process.kill()
    process.wait()


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_ctrl_c_ends_the_command_line(model: zktorch.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "compiled")
    # It waits for an input that never comes.
    os.mkfifo(tmp_path / "input.npy")
    words = [sys.executable, "-m", "zktorch", "run", str(tmp_path / "compiled"), "--input", str(tmp_path / "input.npy")]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, preexec_fn=heed_ctrl_c)
    time.sleep(1.0)
    assert process.poll() is None, process.stderr and process.stderr.read()
    process.send_signal(signal.SIGINT)
    assert process.wait(2) == -signal.SIGINT


def resident() -> int:
    """Bytes of memory of this process."""
    psutil = pytest.importorskip("psutil")
    return int(psutil.Process().memory_info().rss)


def test_memory_does_not_grow(model: zktorch.Model, x: np.ndarray) -> None:
    for _ in range(RUNS // 3):
        model.prove(x)
    before = resident()
    for _ in range(RUNS):
        assert zktorch.verify(model.prove(x), model)
    grown = resident() - before
    # A proof that stayed would be 7 MB at a thousand; a trace more.
    assert grown < 4 << 20, f"{grown / 2**20:.1f} MiB more after {RUNS} proofs"


def test_the_module_takes_no_instructions_for_granted() -> None:
    """A wheel runs on processors without AVX-512, and finds out at run time what there is."""
    allowed = set() if os.environ.get("ZKTORCH_NATIVE") != "1" else {"sse4.2", "avx", "avx2", "bmi2", "adx", "avx512f", "avx512ifma"}
    assert set(zktorch._native.target_features()) <= allowed


def test_nothing_else_is_imported() -> None:
    """numpy is all that the package needs."""
    script = "import sys, zktorch; print(' '.join(m for m in sys.modules if '.' not in m))"
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(made.stdout.split())
    assert not loaded & {"torch", "onnx", "skl2onnx", "matplotlib", "tqdm", "mlflow", "pandas", "sklearn"}
    assert {"zktorch", "numpy"} <= loaded
