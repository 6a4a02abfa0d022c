"""Commitments to private inputs and outputs, and what opens them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Union

from . import _native

__all__ = ["Binding", "Commitment", "Committed"]

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Committed:
    """A tensor that is committed to.

    Attributes
    ----------
    name : str
        As the model calls it that it was made with.
    shape : tuple of int
        Its extents.
    digest : str
        SHA-256 of its commitment, in hexadecimal.
    """

    name: str
    shape: tuple[int, ...]
    digest: str


class Commitment:
    """A hiding commitment to private tensors, which anybody may have.

    Whoever verifies asks with it whether a proof is about these tensors: ``zktorch.verify(proof, key, bind=commitment)``.

    Examples
    --------
    >>> binding = private_model.commit(x)
    >>> binding.commitment.tensors[0].name
    'input'
    """

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        found: list[dict[str, Any]] = json.loads(_native.describe_commitment(self._data, "the commitment"))
        self._tensors = [Committed(t["name"], tuple(t["shape"]), t["digest"]) for t in found]

    @property
    def tensors(self) -> list[Committed]:
        """What is committed to."""
        return list(self._tensors)

    def __bytes__(self) -> bytes:
        return self._data

    def __repr__(self) -> str:
        return f"<zktorch.Commitment to {', '.join(t.name for t in self._tensors)}>"

    @classmethod
    def load(cls, path: PathLike) -> Commitment:
        """Reads what :meth:`Binding.save` or ``zktorch commit`` wrote.

        Parameters
        ----------
        path : path-like
            The commitment's file. Its opening is not looked at.

        Returns
        -------
        Commitment

        Raises
        ------
        FileError
            If it is no commitment.

        Examples
        --------
        >>> private_model.commit(x).save("x.commitment")
        >>> zktorch.Commitment.load("x.commitment")
        <zktorch.Commitment to input>
        """
        return cls(_native.read_file(os.fspath(path), "commitment"))

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Writes the commitment alone, for whoever verifies.

        Parameters
        ----------
        path : path-like
            The file to write.
        force : bool
            Whether to replace what cannot be made again (another commitment, a key).

        Raises
        ------
        FileError
            If it cannot be written.

        Examples
        --------
        >>> private_model.commit(x).commitment.save("public.commitment")
        """
        _native.write_file(os.fspath(path), self._data, force)


class Binding:
    """A commitment with its opening, which is **secret**: it holds the values.

    Made by :meth:`Model.commit` or by a proof (:attr:`Proof.kept`); given to :meth:`Model.prove` as ``bind``, it makes the proof be about
    the very tensors that are committed to.

    Examples
    --------
    >>> binding = private_model.commit(x)
    >>> proof = private_model.prove(bind=binding)
    >>> bool(zktorch.verify(proof, private_model.verifying_key, bind=binding.commitment))
    True
    """

    def __init__(self, commitment: bytes, opening: bytes) -> None:
        self._commitment = Commitment(commitment)
        self._opening = bytes(opening)

    @property
    def commitment(self) -> Commitment:
        """What anybody may have."""
        return self._commitment

    def __repr__(self) -> str:
        return f"<zktorch.Binding of {', '.join(t.name for t in self._commitment.tensors)} (secret)>"

    @classmethod
    def load(cls, path: PathLike) -> Binding:
        """Reads a commitment and the opening beside it.

        Parameters
        ----------
        path : path-like
            The commitment; its opening is called the same with ``.opening`` behind it.

        Returns
        -------
        Binding

        Raises
        ------
        FileError
            If one of both is missing or damaged.

        Examples
        --------
        >>> private_model.commit(x).save("mine.commitment")
        >>> zktorch.Binding.load("mine.commitment")
        <zktorch.Binding of input (secret)>
        """
        name = os.fspath(path)
        return cls(_native.read_file(name, "commitment"), _native.read_file(name + ".opening", "opening"))

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Writes the commitment, and its opening beside it with ``.opening`` behind its name.

        Parameters
        ----------
        path : path-like
            Where the commitment goes.
        force : bool
            Whether to replace an older one: proofs about it can then not be made any more.

        Raises
        ------
        FileError
            If one of both cannot be written: then neither is.

        Examples
        --------
        >>> private_model.commit(x).save("again.commitment")
        >>> Path("again.commitment.opening").exists()
        True
        """
        _native.write_binding(os.fspath(path), bytes(self._commitment), self._opening, force)


def bindings(bind: Any) -> list[tuple[str, bytes, bytes]]:
    """Commitments with openings, and what errors call them."""
    found = []
    for n, one in enumerate(_several(bind)):
        name = "bind" if n == 0 else f"bind[{n}]"
        if isinstance(one, (str, os.PathLike)):
            name, one = os.fspath(one), Binding.load(one)
        found.append((name, bytes(one.commitment), one._opening))
    return found


def commitments(bind: Any) -> list[tuple[str, bytes]]:
    """Commitments alone, and what verdicts call them."""
    found = []
    for n, one in enumerate(_several(bind)):
        name = "bind" if n == 0 else f"bind[{n}]"
        if isinstance(one, (str, os.PathLike)):
            name, one = os.fspath(one), Commitment.load(one)
        if isinstance(one, Binding):
            one = one.commitment
        found.append((name, bytes(one)))
    return found


def _several(bind: Any) -> list[Any]:
    if bind is None:
        return []
    return list(bind) if isinstance(bind, (list, tuple)) else [bind]
