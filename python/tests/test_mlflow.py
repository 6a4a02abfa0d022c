"""The flavour, on a store of files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zktorch

mlflow = pytest.importorskip("mlflow")


@pytest.mark.filterwarnings("ignore")
def test_models_and_proofs_are_kept(model: zktorch.Model, x: np.ndarray, tmp_path: Path, monkeypatch) -> None:
    import zktorch.mlflow

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("proofs", artifact_location=(tmp_path / "artefacts").as_uri())
    mlflow.set_experiment("proofs")
    with mlflow.start_run() as run:
        info = zktorch.mlflow.log_model(model, name="digits")
        proof = model.prove(x)
        zktorch.mlflow.log_proof(proof, zktorch.verify(proof, model), name="first")
        zktorch.mlflow.log_verifying_key(model)
    again = zktorch.mlflow.load_model(info.model_uri)
    assert again.verifying_key == model.verifying_key
    assert zktorch.verify(again.prove(x), model)
    predicted = mlflow.pyfunc.load_model(info.model_uri).predict(x)
    assert np.array_equal(predicted["logits"], proof.outputs["logits"])
    kept = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="first"))
    key = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="verifier")
    assert zktorch.verify(kept / "answer.proof", key, require="model-proof")
    assert json.loads((kept / "verdict.json").read_text())["verdict"] == "accepted"
    data = mlflow.get_run(run.info.run_id).data
    assert data.tags["zktorch.first"] == "accepted"
    assert data.metrics["first_bytes"] == len(proof)
    assert data.tags["zktorch.key_digest"] == model.verifying_key.digest
