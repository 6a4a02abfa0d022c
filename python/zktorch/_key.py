"""Verifying keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import _native
from ._binding import PathLike

__all__ = ["VerifyingKey"]

MODEL_PROOF = "model.proof"
"""What the proof about a key's weights is called, beside the key."""


class VerifyingKey:
    """What proofs of a compiled model are checked with. It has no weights.

    Whoever verifies must have it, or its digest, from somebody they trust: a proof is about the program and the weights of its key.

    Attributes
    ----------
    digest : str
        SHA-256 of the key, to be compared with what its maker says.
    model_digest : str
        SHA-256 of the commitments to the weights: the model's name.
    model_proof : bytes or None
        The proof that the committed weights are integers of their widths; without it a verdict says ``unproved``.

    Examples
    --------
    >>> len(model.verifying_key.digest)
    64
    """

    def __init__(self, data: bytes, model_proof: bytes | None = None) -> None:
        self._data = bytes(data)
        self.model_proof = model_proof
        self._native = _native.Key(self._data, model_proof, "the key")
        self.digest: str = self._native.digest
        self.model_digest: str = self._native.model_digest

    def __bytes__(self) -> bytes:
        return self._data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyingKey) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return f"<zktorch.VerifyingKey {self.digest[:16]}.. of model {self.model_digest[:16]}..>"

    @classmethod
    def load(cls, path: PathLike) -> VerifyingKey:
        """Reads a key, and the proof about its weights that lies beside it as ``model.proof``.

        Parameters
        ----------
        path : path-like
            ``verifying.key``, or the folder that it lies in.

        Returns
        -------
        VerifyingKey

        Raises
        ------
        FileError
            If it is no key.

        Examples
        --------
        >>> model.save("compiled", force=True)
        >>> zktorch.VerifyingKey.load("compiled/verifying.key") == model.verifying_key
        True
        """
        file = Path(path)
        if file.is_dir():
            file = file / "verifying.key"
        beside = file.with_name(MODEL_PROOF)
        proof = _native.read_file(str(beside), "model proof") if beside.exists() else None
        return cls(_native.read_file(str(file), "verifying key"), proof)

    def save(self, folder: PathLike, *, force: bool = False) -> None:
        """Writes ``verifying.key`` and ``model.proof``: what whoever verifies needs.

        Parameters
        ----------
        folder : path-like
            Where to; it is made if it is not there.
        force : bool
            Whether to replace keys that lie there.

        Raises
        ------
        FileError
            If a file cannot be written.

        Examples
        --------
        >>> model.verifying_key.save("for-you", force=True)
        >>> sorted(p.name for p in Path("for-you").iterdir())
        ['model.proof', 'verifying.key']
        """
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        if self.model_proof is not None:
            _native.write_file(str(path / MODEL_PROOF), self.model_proof, force)
        _native.write_file(str(path / "verifying.key"), self._data, force)

    @classmethod
    def _of(cls, key: Any) -> VerifyingKey:
        if isinstance(key, VerifyingKey):
            return key
        if isinstance(key, bytes):
            return cls(key)
        if hasattr(key, "verifying_key"):
            found = key.verifying_key
            assert isinstance(found, VerifyingKey)
            return found
        return cls.load(key)
