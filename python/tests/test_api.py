"""Compiling, proving and verifying as users do."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import zktorch


def test_a_first_proof(model: zktorch.Model, images: np.ndarray, labels: np.ndarray) -> None:
    proof = model.prove(images[:1])
    logits = proof.outputs["logits"]
    assert logits.shape == (1, 10) and logits.dtype == np.float64
    assert logits.argmax() == labels[0]
    assert np.array_equal(proof.outputs["logits"], model.run(images[:1])["logits"])
    verdict = zktorch.verify(proof, model.verifying_key)
    assert verdict and verdict.status == "accepted" and verdict.reason is None and verdict.warning is None
    assert np.array_equal(verdict.outputs["logits"], logits)
    assert np.abs(verdict.inputs["input"] - images[:1]).max() <= model.inputs["input"].step
    assert verdict.details["model"] == "proved"
    assert verdict.key_digest == model.verifying_key.digest


def test_the_integers_are_those_of_the_float_model(model: zktorch.Model, onnx_path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(onnx_path))
    floats = np.stack([session.run(None, {"input": image[None]})[0] for image in images])
    integers = model.run(images)["logits"]
    assert integers.shape == (360, 1, 10)
    assert (floats.argmax(-1) == integers.argmax(-1)).mean() > 0.99
    assert (integers.argmax(-1)[:, 0] == labels).mean() > 0.97
    assert np.abs(floats - integers).max() < 0.05 * np.abs(floats).max()


def test_inputs_of_every_kind(model: zktorch.Model, x: np.ndarray) -> None:
    expected = model.run(x)["logits"]
    for given in (x.astype(np.float64), x[0], x.ravel(), x.tolist(), [x], (x,), {"input": x}):
        assert np.array_equal(model.run(given)["logits"], expected)
    batch = model.run(np.concatenate([x, x, x]))["logits"]
    assert batch.shape == (3, 1, 10) and np.array_equal(batch[2], expected)
    assert model.run(x[None])["logits"].shape == (1, 1, 10)


def test_samples_of_every_kind(onnx_path: Path, samples: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "samples.npy", samples)
    onnx = pytest.importorskip("onnx")
    proto = onnx.load(onnx_path)
    expected = zktorch.compile(onnx_path, samples, insecure_seed=1)
    for source, given in [
        (onnx_path, tmp_path / "samples.npy"),
        (str(onnx_path), [samples]),
        (onnx_path.read_bytes(), {"input": samples}),
        (proto, samples.tolist()),
    ]:
        other = zktorch.compile(source, given, insecure_seed=1)
        assert other.verifying_key == expected.verifying_key


def test_a_model_is_the_same_from_its_folder(model: zktorch.Model, x: np.ndarray, tmp_path: Path) -> None:
    model.save(tmp_path / "one")
    again = zktorch.load(tmp_path / "one")
    again.save(tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert again.report.details == model.report.details
    assert again.inputs == model.inputs and again.outputs == model.outputs
    assert zktorch.verify(again.prove(x), model.verifying_key)
    with pytest.raises(zktorch.FileError, match="holds the keys of a compiled model"):
        model.save(tmp_path / "one")


def test_a_proof_survives_its_file(model: zktorch.Model, x: np.ndarray, tmp_path: Path) -> None:
    proof = model.prove(x)
    proof.save(tmp_path / "answer.proof")
    model.verifying_key.save(tmp_path / "verifier")
    key = zktorch.VerifyingKey.load(tmp_path / "verifier")
    assert key.model_proof == model.verifying_key.model_proof
    assert zktorch.verify(tmp_path / "answer.proof", tmp_path / "verifier", require="model-proof")
    assert zktorch.verify((tmp_path / "answer.proof").read_bytes(), key)
    bare = zktorch.Proof.load(tmp_path / "answer.proof")
    with pytest.raises(zktorch.ZktorchError, match="integers only"):
        _ = bare.outputs
    loaded = zktorch.Proof.load(tmp_path / "answer.proof", key)
    assert np.array_equal(loaded.outputs["logits"], proof.outputs["logits"])
    assert bytes(loaded) == bytes(proof) == bytes(bare)


def test_without_a_model_proof_the_verdict_warns(model: zktorch.Model, x: np.ndarray, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bare = zktorch.VerifyingKey(bytes(model.verifying_key))
    verdict = zktorch.verify(model.prove(x), bare)
    assert verdict and verdict.details["model"] == "unproved" and "UNPROVED" in (verdict.warning or "")
    assert zktorch.verify(model.prove(x), bare, require="model-proof").status == "rejected"


def test_the_report(model: zktorch.Model) -> None:
    report = model.report
    assert 0 < (report.output_error or 0) < 0.05
    assert report.worst[0]["output"] == "logits"
    assert report.predictions["proof_bytes"] > 500
    page = report._repr_html_()
    assert "data:image/png" in page and f"{report.output_error:.3%}" in page
    assert "logits" in str(report)


def test_progress_is_told(onnx_path: Path, samples: np.ndarray) -> None:
    phases: list[str] = []
    zktorch.compile(onnx_path, samples, progress=lambda phase, detail, done: phases.append(phase))
    assert "reading the model" in phases and "proving the weights" in phases

    def stop(phase: str, detail: str | None, done: float | None) -> None:
        raise LookupError(phase)

    with pytest.raises(LookupError, match="reading the model"):
        zktorch.compile(onnx_path, samples, progress=stop)


def test_a_bar_of_tqdm(onnx_path: Path, samples: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    pytest.importorskip("tqdm")
    monkeypatch.setattr("zktorch._progress.DELAY", 0)
    monkeypatch.setattr("zktorch._progress.PAUSE", 0)
    zktorch.compile(onnx_path, samples, progress=True)
    assert "proving the weights" in capsys.readouterr().err
    zktorch.compile(onnx_path, samples, progress=False)
    assert capsys.readouterr().err == ""


def test_two_threads_prove_at_once(model: zktorch.Model, images: np.ndarray) -> None:
    proofs: dict[int, zktorch.Proof] = {}

    def work(n: int) -> None:
        proofs[n] = model.prove(images[n : n + 1])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(proofs) == list(range(6))
    for n, proof in proofs.items():
        assert zktorch.verify(proof, model, input=images[n : n + 1])
        assert not zktorch.verify(proof, model, input=images[n + 1 : n + 2])


def test_python_goes_on_meanwhile(model: zktorch.Model, x: np.ndarray) -> None:
    async def both() -> tuple[zktorch.Proof, int]:
        proof = asyncio.ensure_future(model.prove_async(x))
        turns = 0
        while not proof.done():
            turns += 1
            await asyncio.sleep(0)
        return await proof, turns

    proof, turns = asyncio.run(both())
    assert turns > 10 and zktorch.verify(proof, model)


def test_a_cancelled_task_stops_its_work(model: zktorch.Model, x: np.ndarray) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(model.prove_async(x))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert zktorch.verify(model.prove(x), model)


def test_a_forked_process_proves(model: zktorch.Model, x: np.ndarray) -> None:
    import multiprocessing

    model.prove(x)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def child() -> None:
        there.send(bytes(model.prove(x)))

    with warnings.catch_warnings():
        # Python warns of forks beside threads: that is what is tested.
        warnings.simplefilter("ignore")
        process = context.Process(target=child)
        process.start()
    assert here.poll(60), "the child hangs"
    assert zktorch.verify(here.recv(), model)
    process.join(10)
    assert process.exitcode == 0


def test_threads_do_not_change_a_byte(model: zktorch.Model, x: np.ndarray) -> None:
    one, two = (model.prove(x, threads=n, insecure_seed=5) for n in (1, 2))
    assert bytes(one) == bytes(two)
    verdict = zktorch.verify(one, model)
    assert verdict and "seed" in (verdict.warning or "") and verdict.hidden == ["nothing"]


def test_explain_inspect_audit(model: zktorch.Model, onnx_path: Path, x: np.ndarray, tmp_path: Path) -> None:
    assert zktorch.explain(onnx_path) and "Gemm" in str(zktorch.explain(onnx_path))
    model.prove(x).save(tmp_path / "answer.proof")
    assert zktorch.inspect(tmp_path / "answer.proof")["kind"] == "proof"
    stripped = zktorch.strip(onnx_path)
    assert len(stripped.data) < onnx_path.stat().st_size / 2 and stripped.withheld
    assert zktorch.audit(stripped, model.verifying_key)
    other = zktorch.audit(onnx_path.parent.parent / "digits_cnn" / "model.onnx", model.verifying_key)
    assert not other and other.reason
    json.dumps(other.details)


def test_exceptions_travel(onnx_path: Path) -> None:
    error = zktorch.UnsupportedModel("no", "yes", [zktorch.UnsupportedNode("n", "Op", "why")])
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.what, again.hint, again.nodes) == (type(error), "no", "yes", error.nodes)
    assert str(again) == "no\n  hint: yes"
