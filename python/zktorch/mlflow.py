"""Compiled models, proofs and verdicts in MLflow.

The flavour keeps the folder of a compiled model among a run's artefacts. **It contains the weights** (``proving.key``); what
whoever verifies needs is logged by :func:`log_verifying_key`.

>>> import mlflow, zktorch.mlflow
>>> mlflow.set_tracking_uri(tracking_store)
>>> with mlflow.start_run():
...     info = zktorch.mlflow.log_model(model, name="digits")
...     proof = model.prove(x)
...     logged = zktorch.mlflow.log_proof(proof, zktorch.verify(proof, model), name="first")
>>> zktorch.mlflow.load_model(info.model_uri).verifying_key == model.verifying_key
True
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow import pyfunc
from mlflow.models import Model as LoggedModel
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.tracking.artifact_utils import _download_artifact_from_uri

from . import __version__
from ._key import VerifyingKey
from ._model import Model, load
from ._proof import Proof
from ._verify import Verdict

__all__ = ["FLAVOR_NAME", "load_model", "log_model", "log_proof", "log_verifying_key", "save_model"]

FLAVOR_NAME = "zktorch"
FOLDER = "compiled"
"""Where the compiled model's folder lies in the flavour's."""


def get_default_pip_requirements() -> list[str]:
    """What a model of this flavour needs to be loaded.

    Returns
    -------
    list of str

    Examples
    --------
    >>> zktorch.mlflow.get_default_pip_requirements()[0].split("==")[0]
    'zktorch'
    """
    return [f"zktorch=={__version__}"]


def save_model(zk_model: Model, path: str | os.PathLike[str], mlflow_model: Any = None, **_: Any) -> None:
    """Writes a compiled model in MLflow's format.

    Parameters
    ----------
    zk_model : Model
        The compiled model.
    path : path-like
        A folder that does not exist yet.
    mlflow_model : mlflow.models.Model, optional
        What MLflow knows of the model.

    Raises
    ------
    FileError
        If the folder cannot be written.

    Examples
    --------
    >>> zktorch.mlflow.save_model(model, "saved")
    >>> zktorch.mlflow.load_model("saved").verifying_key == model.verifying_key
    True
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    zk_model.save(folder / FOLDER)
    known = LoggedModel() if mlflow_model is None else mlflow_model
    (folder / "requirements.txt").write_text("\n".join(get_default_pip_requirements()) + "\n")
    known.add_flavor(FLAVOR_NAME, zktorch_version=__version__, data=FOLDER, key_digest=zk_model.verifying_key.digest)
    pyfunc.add_to_model(known, loader_module="zktorch.mlflow", data=FOLDER)
    known.save(str(folder / MLMODEL_FILE_NAME))


def log_model(zk_model: Model, name: str, **options: Any) -> Any:
    """Logs a compiled model as an artefact of the current run.

    Parameters
    ----------
    zk_model : Model
        The compiled model.
    name : str
        Its name among the artefacts.
    **options
        Those of ``mlflow.models.Model.log``, such as ``registered_model_name``.

    Returns
    -------
    mlflow.models.model.ModelInfo
        Its ``model_uri`` is what :func:`load_model` takes.

    Examples
    --------
    >>> with mlflow.start_run():
    ...     info = zktorch.mlflow.log_model(model, name="again")
    >>> info.flavors["zktorch"]["data"]
    'compiled'
    """
    import sys

    return LoggedModel.log(artifact_path=None, name=name, flavor=sys.modules[__name__], zk_model=zk_model, **options)


def load_model(model_uri: str) -> Model:
    """Loads a compiled model that was logged or saved.

    Parameters
    ----------
    model_uri : str
        Where it is, as MLflow says: ``runs:/ID/NAME``, ``models:/NAME/1``, or a folder.

    Returns
    -------
    Model

    Raises
    ------
    FileError
        If its files are missing or damaged.

    Examples
    --------
    >>> zktorch.mlflow.save_model(model, "loadable")
    >>> list(zktorch.mlflow.load_model("loadable").outputs)
    ['logits']
    """
    return load(Path(_download_artifact_from_uri(artifact_uri=model_uri)) / FOLDER)


def log_verifying_key(key: VerifyingKey | Model, name: str = "verifier") -> None:
    """Logs what whoever verifies needs: ``verifying.key`` and ``model.proof``.

    Parameters
    ----------
    key : VerifyingKey or Model
        The key.
    name : str
        The folder among the run's artefacts.

    Examples
    --------
    >>> with mlflow.start_run():
    ...     zktorch.mlflow.log_verifying_key(model)
    """
    with tempfile.TemporaryDirectory() as folder:
        VerifyingKey._of(key).save(folder)
        mlflow.log_artifacts(folder, name)
    mlflow.set_tag("zktorch.key_digest", VerifyingKey._of(key).digest)


def log_proof(proof: Proof, verdict: Verdict | None = None, name: str = "proof") -> str:
    """Logs a proof, and what was said of it, as artefacts of the current run.

    Parameters
    ----------
    proof : Proof
        The proof.
    verdict : Verdict, optional
        What :func:`zktorch.verify` said of it: its word becomes a tag, its details a JSON file.
    name : str
        The folder among the run's artefacts.

    Returns
    -------
    str
        The proof's path among the artefacts.

    Examples
    --------
    >>> with mlflow.start_run():
    ...     zktorch.mlflow.log_proof(proof)
    'proof/answer.proof'
    """
    with tempfile.TemporaryDirectory() as folder:
        proof.save(Path(folder) / "answer.proof")
        if verdict is not None:
            text = json.dumps(verdict.details, indent=1)
            (Path(folder) / "verdict.json").write_text(text)
            mlflow.set_tag(f"zktorch.{name}", verdict.status)
        mlflow.log_artifacts(folder, name)
    mlflow.log_metric(f"{name}_bytes", len(proof))
    if proof.seconds is not None:
        mlflow.log_metric(f"{name}_seconds", proof.seconds)
    return f"{name}/answer.proof"


class _Predictor:
    """What MLflow calls a python function: it runs the integers."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, inputs: Any, params: dict[str, Any] | None = None) -> Any:
        """Outputs by name."""
        return self._model.run(inputs)


def _load_pyfunc(path: str) -> _Predictor:
    return _Predictor(load(path))
