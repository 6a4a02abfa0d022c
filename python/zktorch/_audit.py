"""What can be said of a model without its weights."""

from __future__ import annotations

import json
import os
from typing import Any

from . import _native
from ._binding import PathLike
from ._key import VerifyingKey
from ._sources import onnx_file

__all__ = ["Audit", "Explanation", "Stripped", "audit", "explain", "inspect", "strip"]


class Audit:
    """Whether a key's program is a model. As a truth value: whether it is.

    Attributes
    ----------
    reason : str or None
        Why it is not.
    details : dict
        All that ``zktorch audit --format json`` prints: widths of weights, names that differ, digests.

    Examples
    --------
    >>> bool(zktorch.audit("digits.onnx", model.verifying_key))
    True
    """

    def __init__(self, details: dict[str, Any], text: str) -> None:
        self.details = details
        self.reason: str | None = details["reason"]
        self._text = text

    def __bool__(self) -> bool:
        return bool(self.details["verdict"] == "accepted")

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<zktorch.Audit {self.details['verdict']}{'' if self.reason is None else f': {self.reason}'}>"


def audit(architecture: Any, key: VerifyingKey | PathLike | Any) -> Audit:
    """Says whether the program of a key is the lowering of a model. The model's weights are not needed.

    Parameters
    ----------
    architecture : path-like, onnx.ModelProto, bytes or Stripped
        The model, or what :func:`strip` left of it.
    key : VerifyingKey, path-like or Model
        The key.

    Returns
    -------
    Audit

    Raises
    ------
    ModelError
        If the model cannot be read.
    FileError
        If the key cannot.

    Examples
    --------
    >>> bool(zktorch.audit(zktorch.strip("digits.onnx"), model.verifying_key))
    True
    """
    source = architecture.data if isinstance(architecture, Stripped) else architecture
    with onnx_file(source, None, None, None) as (path, name):
        details, text = _native.audit(path, name, bytes(VerifyingKey._of(key)))
    return Audit(json.loads(details), text)


class Stripped:
    """An ONNX model without its weights.

    Attributes
    ----------
    data : bytes
        The ONNX file.
    withheld, kept, structure : list of dict
        Names and shapes of tensors whose data were taken out, and of those that stayed: single numbers, and shapes, axes, indices.

    Examples
    --------
    >>> len(zktorch.strip("digits.onnx").withheld) > 0
    True
    """

    def __init__(self, data: bytes, details: dict[str, Any]) -> None:
        self.data = data
        self.withheld: list[dict[str, Any]] = details["withheld"]
        self.kept: list[dict[str, Any]] = details["kept"]
        self.structure: list[dict[str, Any]] = details["structure"]

    def __repr__(self) -> str:
        return f"<zktorch.Stripped model, {len(self.withheld)} tensors withheld>"

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Writes the ONNX file.

        Parameters
        ----------
        path : path-like
            The file to write.
        force : bool
            Whether to replace what cannot be made again, such as a key.

        Raises
        ------
        FileError
            If it cannot be written.

        Examples
        --------
        >>> zktorch.strip("digits.onnx").save("architecture.onnx")
        """
        _native.write_file(os.fspath(path), self.data, force)


def strip(model: Any) -> Stripped:
    """Takes the weights out of a model, for an audit.

    Parameters
    ----------
    model : path-like, onnx.ModelProto or bytes
        The model.

    Returns
    -------
    Stripped

    Raises
    ------
    ModelError
        If the model cannot be read.

    Examples
    --------
    >>> stripped = zktorch.strip("digits.onnx")
    >>> len(stripped.data) < Path("digits.onnx").stat().st_size
    True
    """
    with onnx_file(model, None, None, None) as (path, name):
        data, details = _native.strip(path, name)
    return Stripped(data, json.loads(details))


class Explanation:
    """What each node of a model would become, and what stands in the way. As a truth value: whether nothing does.

    Attributes
    ----------
    obstacles : list of str
        Nodes that cannot be proved, with reasons.
    details : dict
        All that ``zktorch compile --explain --format json`` prints.

    Examples
    --------
    >>> bool(zktorch.explain("digits.onnx"))
    True
    """

    def __init__(self, details: dict[str, Any], text: str) -> None:
        self.details = details
        self.obstacles: list[str] = list(details["obstacles"])
        self._text = text

    def __bool__(self) -> bool:
        return not self.obstacles

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<zktorch.Explanation: {len(self.obstacles)} obstacles>"


def explain(model: Any, samples: Any = None) -> Explanation:
    """Lists what each node of a model would become, without compiling it.

    Parameters
    ----------
    model : torch.nn.Module, estimator, path-like, onnx.ModelProto or bytes
        The model.
    samples : array_like, optional
        What a module is exported with.

    Returns
    -------
    Explanation

    Raises
    ------
    ModelError
        If the model cannot be exported or read.

    Examples
    --------
    >>> zktorch.explain("digits.onnx").obstacles
    []
    """
    with onnx_file(model, samples, None, None) as (path, name):
        details, text = _native.explain(path, name)
    return Explanation(json.loads(details), text)


def inspect(path: PathLike) -> dict[str, Any]:
    """Says what a file or folder of zktorch contains, as ``zktorch inspect --format json``.

    Parameters
    ----------
    path : path-like
        A key, a proof, a commitment, a program, a model proof, or a folder of a compiled model.

    Returns
    -------
    dict

    Raises
    ------
    FileError
        If it is none of these.

    Examples
    --------
    >>> model.save("compiled", force=True)
    >>> zktorch.inspect("compiled/verifying.key")["kind"]
    'verifying key'
    """
    found: dict[str, Any] = json.loads(_native.inspect(os.fspath(path)))
    return found
