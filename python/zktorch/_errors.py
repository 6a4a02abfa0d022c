"""What can go wrong, as exceptions.

Every message is the one that the command line prints; :attr:`ZktorchError.hint` says what to do about it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AccuracyError",
    "FileError",
    "InputError",
    "InternalError",
    "KeyMismatch",
    "ModelError",
    "UnsupportedModel",
    "UnsupportedNode",
    "ZktorchError",
    "ZktorchWarning",
]


class ZktorchWarning(UserWarning):
    """Something that a user must know of a call that goes on."""


class ZktorchError(Exception):
    """Something could not be done.

    Attributes
    ----------
    what : str
        What failed, on which file, node or tensor.
    hint : str or None
        What to do about it.

    Examples
    --------
    >>> import zktorch
    >>> try:
    ...     zktorch.load("no-such-folder")
    ... except zktorch.ZktorchError as error:
    ...     print(error.hint)
    a folder made by `zktorch compile` is needed
    """

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what if hint is None else f"{what}\n  hint: {hint}")
        self.what = what
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        # Processes of a pool hand exceptions on.
        return (_again, (type(self), self.what, self.hint, {k: v for k, v in vars(self).items() if k not in ("what", "hint")}))


class ModelError(ZktorchError):
    """A model cannot be compiled.

    Examples
    --------
    >>> issubclass(zktorch.ModelError, zktorch.ZktorchError)
    True
    """


@dataclass(frozen=True)
class UnsupportedNode:
    """A node of an ONNX model that cannot be proved.

    Attributes
    ----------
    name : str
        The node's name.
    op : str
        Its operator.
    why : str
        The reason, or what to do about it.
    """

    name: str
    op: str
    why: str


class UnsupportedModel(ModelError):
    """A model has nodes that cannot be proved.

    Attributes
    ----------
    nodes : list of UnsupportedNode
        All of them.

    Examples
    --------
    >>> issubclass(zktorch.UnsupportedModel, zktorch.ModelError)
    True
    """

    nodes: list[UnsupportedNode]

    def __init__(self, what: str, hint: str | None = None, nodes: list[UnsupportedNode] | None = None) -> None:
        super().__init__(what, hint)
        self.nodes = [] if nodes is None else nodes


class AccuracyError(ModelError):
    """The integers are too far from the model on the samples.

    Attributes
    ----------
    output : str or None
        The output that is worst off.
    entries : str or None
        Which entries of it, as an index.
    error : float or None
        How far, as a part of what these entries reach.
    accepted : float or None
        The largest error that would be accepted: ``max_error``.

    Examples
    --------
    >>> issubclass(zktorch.AccuracyError, zktorch.ModelError)
    True
    """

    output: str | None = None
    entries: str | None = None
    error: float | None = None
    accepted: float | None = None


class InputError(ZktorchError, ValueError):
    """An input does not fit the model: its shape, its type, or a value that is not finite or out of range.

    Examples
    --------
    >>> issubclass(zktorch.InputError, ValueError)
    True
    """


class KeyMismatch(ZktorchError):
    """Keys, programs, proofs or commitments that do not belong together.

    Examples
    --------
    >>> issubclass(zktorch.KeyMismatch, zktorch.ZktorchError)
    True
    """


class FileError(ZktorchError, OSError):
    """A file cannot be read, written, or is not what it should be.

    Examples
    --------
    >>> issubclass(zktorch.FileError, OSError)
    True
    """

    def __str__(self) -> str:
        # That of OSError shows numbers of the system.
        return self.what if self.hint is None else f"{self.what}\n  hint: {self.hint}"


class InternalError(ZktorchError):
    """A defect of zktorch: please report it, with the call and its files.

    Examples
    --------
    >>> issubclass(zktorch.InternalError, zktorch.ZktorchError)
    True
    """


_KINDS: dict[str, type[ZktorchError]] = {
    "unsupported": UnsupportedModel,
    "model": ModelError,
    "inexact": AccuracyError,
    "input": InputError,
    "key": KeyMismatch,
    "file": FileError,
    "internal": InternalError,
}


def _again(kind: type[ZktorchError], what: str, hint: str | None, more: dict[str, Any]) -> ZktorchError:
    error = kind(what, hint)
    vars(error).update(more)
    return error


def _make(kind: str, what: str, hint: str | None, details: str) -> ZktorchError:
    """The exception for a failure of the native module, which calls this."""
    found: dict[str, Any] = json.loads(details)
    if "nodes" in found:
        found["nodes"] = [UnsupportedNode(**node) for node in found["nodes"]]
    return _again(_KINDS.get(kind, ZktorchError), what, hint, found)
