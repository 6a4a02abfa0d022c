"""Proofs."""

from __future__ import annotations

import os

from . import _native
from ._arrays import Array
from ._binding import Binding, PathLike
from ._errors import ZktorchError
from ._key import VerifyingKey
from ._ports import tensors

__all__ = ["Proof"]


class Proof:
    """A proof that a committed model gave an output.

    Attributes
    ----------
    outputs : dict of str to numpy.ndarray
        The outputs that were proved, by name, private ones among them if this process made the proof: floats of 64 bits for real outputs
        (the exact values of the integers), integers or truth values otherwise.
    inputs : dict of str to numpy.ndarray
        The public inputs, as the model's integers have them: rounded to its steps.
    kept : Binding or None
        Commitments to private inputs and outputs with their openings (secret), for other proofs to be bound to. Not saved with the proof.
    seconds : float or None
        What proving took.

    Examples
    --------
    >>> proof = model.prove(x)
    >>> proof.outputs["logits"].shape
    (1, 10)
    >>> len(proof) < 10_000
    True
    """

    def __init__(
        self,
        data: bytes,
        *,
        outputs: dict[str, Array] | None = None,
        inputs: dict[str, Array] | None = None,
        kept: Binding | None = None,
        seconds: float | None = None,
        phases: dict[str, float] | None = None,
    ) -> None:
        self._data = bytes(data)
        self._outputs, self._inputs = outputs, inputs
        self.kept = kept
        self.seconds = seconds
        self.phases = phases or {}

    def _shown(self, found: dict[str, Array] | None) -> dict[str, Array]:
        if found is None:
            raise ZktorchError(
                "a proof that was read from a file has integers only: its key says what they stand for",
                "Proof.load(path, key), or verify it: the verdict has inputs and outputs",
            )
        return found

    @property
    def outputs(self) -> dict[str, Array]:
        """The outputs by name."""
        return self._shown(self._outputs)

    @property
    def inputs(self) -> dict[str, Array]:
        """The public inputs by name."""
        return self._shown(self._inputs)

    def __bytes__(self) -> bytes:
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"<zktorch.Proof of {len(self._data):,} bytes>"

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Writes the file that ``zktorch prove`` would write.

        Parameters
        ----------
        path : path-like
            The file to write; a proof that lies there is replaced.
        force : bool
            Whether to replace what cannot be made again, such as a key.

        Raises
        ------
        FileError
            If it cannot be written.

        Examples
        --------
        >>> model.prove(x).save("answer.proof")
        """
        _native.write_file(os.fspath(path), self._data, force)

    @classmethod
    def load(cls, path: PathLike, key: VerifyingKey | PathLike | None = None) -> Proof:
        """Reads a proof. It is not verified.

        Parameters
        ----------
        path : path-like
            The file.
        key : VerifyingKey or path-like, optional
            Its key, for :attr:`inputs` and :attr:`outputs`, which are then what the file *says*.

        Returns
        -------
        Proof

        Raises
        ------
        FileError
            If it is no proof.
        KeyMismatch
            If it was made for another key.

        Examples
        --------
        >>> model.prove(x).save("answer.proof")
        >>> zktorch.Proof.load("answer.proof", model.verifying_key).outputs["logits"].shape
        (1, 10)
        """
        data = _native.read_file(os.fspath(path), "proof")
        if key is None:
            return cls(data)
        inputs, outputs = _native.public_values(data, bytes(VerifyingKey._of(key)))
        return cls(data, inputs=tensors(inputs), outputs=tensors(outputs))
