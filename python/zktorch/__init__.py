"""Prove that a neural network gave an answer, without showing its weights.

>>> import zktorch
>>> model = zktorch.compile("digits.onnx", samples)           # a torch.nn.Module, an estimator, an ONNX model
>>> proof = model.prove(x)                                    # numpy or torch
>>> verdict = zktorch.verify(proof, model.verifying_key)      # without the model
>>> bool(verdict)
True
"""

from __future__ import annotations

from ._audit import Audit, Explanation, Stripped, audit, explain, inspect, strip
from ._binding import Binding, Commitment, Committed
from ._compile import compile
from ._errors import (
    AccuracyError,
    FileError,
    InputError,
    InternalError,
    KeyMismatch,
    ModelError,
    UnsupportedModel,
    UnsupportedNode,
    ZktorchError,
    ZktorchWarning,
)
from ._key import VerifyingKey
from ._model import Model, load
from ._native import __version__
from ._ports import Port
from ._proof import Proof
from ._report import Report
from ._verify import Verdict, verify, verify_together

__all__ = [
    "AccuracyError",
    "Audit",
    "Binding",
    "Commitment",
    "Committed",
    "Explanation",
    "FileError",
    "InputError",
    "InternalError",
    "KeyMismatch",
    "Model",
    "ModelError",
    "Port",
    "Proof",
    "Report",
    "Stripped",
    "UnsupportedModel",
    "UnsupportedNode",
    "Verdict",
    "VerifyingKey",
    "ZktorchError",
    "ZktorchWarning",
    "__version__",
    "audit",
    "compile",
    "explain",
    "inspect",
    "load",
    "strip",
    "verify",
    "verify_together",
]
