"""What proofs show."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from typing import Any, Union

from . import _native
from ._arrays import Array, Inputs, arrays, crossing
from ._binding import Binding, Commitment, PathLike, commitments
from ._errors import FileError, InputError, ZktorchError
from ._key import VerifyingKey
from ._ports import tensors
from ._proof import Proof

__all__ = ["Verdict", "verify", "verify_together"]


class Verdict:
    """What a proof shows, or why it shows nothing. As a truth value: whether it is accepted.

    Attributes
    ----------
    status : str
        ``"accepted"``, ``"rejected"`` (the answer is no), or ``"undecided"`` (the file is no proof, or a seed is missing).
    reason : str or None
        Why it is not accepted.
    hint : str or None
        What to do about an undecided one.
    warning : str or None
        What must be known before an accepted one is trusted.
    inputs, outputs : dict of str to numpy.ndarray
        Public inputs and outputs of an accepted proof, by name.
    hidden : list of str
        What the proof does not show.
    key_digest, model_digest : str or None
        Of the key, to be compared with what its maker says.
    details : dict
        All that ``zktorch verify --format json`` prints.

    Examples
    --------
    >>> verdict = zktorch.verify(model.prove(x), model.verifying_key)
    >>> verdict.status, verdict.hidden
    ('accepted', ['weights', 'all intermediate values'])
    """

    def __init__(self, details: dict[str, Any], inputs: dict[str, Array], outputs: dict[str, Array]) -> None:
        error = details.get("error")
        self.details = details
        self.status: str = "undecided" if error else str(details["verdict"])
        self.reason: str | None = error["what"] if error else details.get("reason")
        self.hint: str | None = error["hint"] if error else None
        self.warning: str | None = details.get("warning")
        self.inputs, self.outputs = inputs, outputs
        self.hidden: list[str] = list(details.get("hidden", []))
        self.key_digest: str | None = details.get("key_digest")
        self.model_digest: str | None = details.get("model_digest")

    @property
    def accepted(self) -> bool:
        """Whether the proof shows all that was asked for."""
        return self.status == "accepted"

    def __bool__(self) -> bool:
        return self.accepted

    def __repr__(self) -> str:
        return f"<zktorch.Verdict {self.status}{'' if self.reason is None else f': {self.reason}'}>"

    def _repr_html_(self) -> str:
        # Colour is not all that tells them apart.
        mark, colour = {"accepted": ("✓", "#1a7f37"), "rejected": ("✗", "#b42318")}.get(self.status, ("?", "#8a6100"))
        said = [("reason", self.reason), ("warning", self.warning), ("hint", self.hint), ("hidden", ", ".join(self.hidden))]
        said += [("model", self.model_digest), ("key", self.key_digest)]
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in said if text)
        return f"<p style='color:{colour}'><b>{mark} {self.status}</b></p><table>{rows}</table>"


def _undecided(error: ZktorchError) -> Verdict:
    return Verdict({"error": {"what": error.what, "hint": error.hint, "exit_code": 2}}, {}, {})


def _proof_bytes(proof: Proof | bytes | PathLike) -> tuple[bytes, str]:
    if isinstance(proof, (Proof, bytes, bytearray)):
        return bytes(proof), "the proof"
    name = os.fspath(proof)
    return _native.read_bytes(name), name


Required = Union[str, Sequence[str]]


def verify(
    proof: Proof | bytes | PathLike,
    key: VerifyingKey | PathLike | Any,
    *,
    input: Inputs | None = None,
    require: Required = (),
    bind: Commitment | Binding | PathLike | Sequence[Any] | None = None,
    seed: str | None = None,
) -> Verdict:
    """Checks a proof. A bad one gives a verdict, not an exception.

    Parameters
    ----------
    proof : Proof, bytes or path-like
        Anything that is said to be a proof.
    key : VerifyingKey, path-like or Model
        The key, from somebody you trust; a path may be the folder of ``verifying.key`` and ``model.proof``.
    input : array_like, sequence or mapping, optional
        The input that the proof must be about.
    require : str or sequence of str
        What would only be warned of: ``"model-proof"``, ``"secure-setup"``, ``"public-input"``, ``"public-output"``.
    bind : Commitment, Binding or path-like, or several, optional
        Commitments that the proof must be about.
    seed : str, optional
        What draws must follow from, where the program draws.

    Returns
    -------
    Verdict
        Which is true if the proof is accepted.

    Raises
    ------
    FileError
        If the *key* or a commitment cannot be read.
    InputError
        If ``input`` is none of the model's shape, or ``require`` has an unknown word.

    Examples
    --------
    >>> proof = model.prove(x)
    >>> bool(zktorch.verify(proof, model.verifying_key, require="model-proof"))
    True
    >>> zktorch.verify(bytes(proof)[:-1], model.verifying_key).status
    'undecided'
    >>> bool(zktorch.verify(proof, model.verifying_key, input=0 * x))
    False
    """
    own = VerifyingKey._of(key)
    asked = [require] if isinstance(require, str) else list(require)
    known = None if input is None else [crossing(a) for a in arrays(input, own._native.input_names)]
    bound = commitments(bind)
    try:
        data, name = _proof_bytes(proof)
    except FileError as error:
        return _undecided(error)
    details, inputs, outputs = own._native.verify(data, name, known, asked, bound, seed)
    return Verdict(json.loads(details), tensors(inputs), tensors(outputs))


def verify_together(
    proofs: Sequence[Proof | bytes | PathLike],
    keys: Sequence[Any] | Any,
    *,
    require: Required = (),
) -> Verdict:
    """Checks several proofs, and names the private tensors that they share.

    Parameters
    ----------
    proofs : sequence of Proof, bytes or path-like
        The proofs.
    keys : VerifyingKey, Model or path-like, or a sequence of these
        One key for all, or one for each.
    require : str or sequence of str
        As of :func:`verify`; ``"shared"`` asks that shared private tensors tie all of them together.

    Returns
    -------
    Verdict
        True if all are accepted. ``details["shared"]`` names what is shared, ``details["proofs"]`` has each verdict.

    Raises
    ------
    FileError
        If a key cannot be read.
    InputError
        If there is not one key for all or one for each.

    Examples
    --------
    >>> binding = private_model.commit(x)
    >>> both = [private_model.prove(bind=binding), private_model.prove(bind=binding)]
    >>> verdict = zktorch.verify_together(both, private_model.verifying_key, require="shared")
    >>> bool(verdict)
    True
    """
    several = isinstance(keys, (list, tuple))
    own = [VerifyingKey._of(key) for key in (keys if several else [keys] * len(proofs))]
    if len(own) != len(proofs):
        raise InputError(f"{len(own)} keys for {len(proofs)} proofs: give one key for all, or one for each")
    asked = [require] if isinstance(require, str) else list(require)
    try:
        data = [_proof_bytes(proof) for proof in proofs]
    except FileError as error:
        return _undecided(error)
    named = [(d, name if name != "the proof" else f"proof {n + 1}") for n, (d, name) in enumerate(data)]
    details = _native.verify_together([key._native for key in own], named, asked)
    return Verdict(json.loads(details), {}, {})
