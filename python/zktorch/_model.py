"""Compiled models, and what is done with them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from . import _native
from ._arrays import Array, Inputs, arrays, crossing
from ._binding import Binding, PathLike, bindings
from ._key import VerifyingKey
from ._ports import Port, tensors
from ._progress import Progress, Watcher
from ._proof import Proof
from ._report import Report

__all__ = ["Model", "load"]


def load(folder: PathLike) -> Model:
    """Reads a folder that :meth:`Model.save` or ``zktorch compile`` wrote.

    Parameters
    ----------
    folder : path-like
        With ``program.zkc``, ``proving.key`` and ``verifying.key``; ``model.proof`` and ``report.json`` may be absent.

    Returns
    -------
    Model

    Raises
    ------
    FileError
        If a file is missing or damaged.
    KeyMismatch
        If files of different compilations are mixed.

    Examples
    --------
    >>> model.save("compiled", force=True)
    >>> zktorch.load("compiled").verifying_key == model.verifying_key
    True
    """
    return Model(_native.Compiled.load(os.fspath(folder)))


class Model:
    """A compiled model with its keys: it runs and proves. It contains the weights, and is for whoever proves alone.

    Attributes
    ----------
    inputs, outputs : dict of str to Port
        Names, shapes, ranges.
    report : Report
        What was compiled and how exact it is; shown with plots in notebooks.
    verifying_key : VerifyingKey
        For whoever verifies.

    Examples
    --------
    >>> sorted(model.outputs)
    ['logits']
    """

    def __init__(self, native: _native.Compiled) -> None:
        self._native = native
        self._inputs = {port.name: port for port in map(Port._of, native.inputs())}
        self._outputs = {port.name: port for port in map(Port._of, native.outputs())}
        self._key: VerifyingKey | None = None

    @property
    def inputs(self) -> dict[str, Port]:
        """The model's inputs by name."""
        return dict(self._inputs)

    @property
    def outputs(self) -> dict[str, Port]:
        """The model's outputs by name."""
        return dict(self._outputs)

    @property
    def report(self) -> Report:
        """What was compiled, and how exact it is."""
        return Report(self._native.report(), self._native.report_text())

    @property
    def verifying_key(self) -> VerifyingKey:
        """What proofs are checked with, together with the proof about the weights."""
        if self._key is None:
            self._key = VerifyingKey(self._native.verifying_key(), self._native.model_proof())
        return self._key

    def __repr__(self) -> str:
        ports = [", ".join(f"{p.name}{list(p.shape)}" for p in group.values()) for group in (self._inputs, self._outputs)]
        return f"<zktorch.Model {ports[0]} -> {ports[1]}>"

    def _repr_html_(self) -> str:
        return self.report._repr_html_()

    def save(self, folder: PathLike, *, force: bool = False) -> None:
        """Writes the folder that ``zktorch compile`` would write.

        Parameters
        ----------
        folder : path-like
            A new or empty folder.
        force : bool
            Whether to write into one that is not empty, and to replace the keys in it: proofs made with them are not accepted by
            these.

        Raises
        ------
        FileError
            If files cannot be written, or the folder is not empty.

        Examples
        --------
        >>> model.save("compiled", force=True)
        >>> sorted(p.name for p in Path("compiled").iterdir())
        ['model.proof', 'program.zkc', 'proving.key', 'report.json', 'verifying.key']
        """
        self._native.save(os.fspath(folder), force)

    def run(self, inputs: Inputs, *, generate: int | None = None, seed: str | None = None, progress: Progress = None) -> dict[str, Array]:
        """Runs the integer program, without a proof.

        Parameters
        ----------
        inputs : array_like, sequence or mapping
            One sample, or a batch of them: an axis more in front, or the first axis in the place of one of extent 1.
        generate, seed
            As of :meth:`prove`.
        progress : bool or callable, optional
            As of :func:`compile`.

        Returns
        -------
        dict of str to numpy.ndarray
            Outputs by name; of a batch with an axis in front, for samples.

        Raises
        ------
        InputError
            If an input does not fit.

        Examples
        --------
        >>> model.run(x)["logits"].shape
        (1, 10)
        >>> model.run(samples)["logits"].shape
        (64, 1, 10)
        """
        given = arrays(inputs, self._own_names(generate))
        count = self._samples(given)
        if generate is not None or seed is not None or count is None:
            return tensors(self._native.run([crossing(array) for array in given], generate, seed))
        ports = self._inputs.values()
        split = [array.reshape(count, *port.shape) for array, port in zip(given, ports)]
        with Watcher(progress) as watcher:
            made = self._native.run_batch(count, [crossing(array) for array in split], watcher.tell)
        return {port.name: port._array([count, *port.shape], data) for port, data in zip(self._outputs.values(), made)}

    def _samples(self, given: list[Array]) -> int | None:
        """How many samples arrays hold, if all have an axis for them: one more, or one in the place of an axis of extent 1."""

        def samples(array: Array, shape: tuple[int, ...]) -> int | None:
            own = [int(n) for n in array.shape]
            if own[1:] == list(shape):
                return own[0]
            dense, rest, expected = ([n for n in extents if n != 1] for extents in (own, own[1:], shape))
            return own[0] if dense != expected and rest == expected and len(own) > 1 else None

        counts = {samples(array, port.shape) for array, port in zip(given, self._inputs.values())}
        return counts.pop() if len(counts) == 1 and len(given) == len(self._inputs) else None

    def prove(
        self,
        inputs: Inputs | None = None,
        *,
        bind: Binding | PathLike | Sequence[Any] | None = None,
        generate: int | None = None,
        seed: str | None = None,
        check: bool = True,
        threads: int | None = None,
        progress: Progress = None,
        insecure_seed: int | None = None,
    ) -> Proof:
        """Runs the program on one sample, and proves it.

        Other threads go on meanwhile, and ``KeyboardInterrupt`` comes within a second.

        Parameters
        ----------
        inputs : array_like, sequence or mapping, optional
            One sample. Not needed if all inputs are bound. Of a language model that goes on with a text: the prompt's token ids.
        bind : Binding or path-like, or several, optional
            Commitments to private inputs, with openings, that the proof shall be about.
        generate : int, optional
            Tokens to go on with, for a model that was compiled to generate.
        seed : str, optional
            What draws follow from, where the program draws.
        check : bool
            Whether to verify the proof before it is handed out.
        threads : int, optional
            Threads to use; all cores if left out.
        progress : bool or callable, optional
            As of :func:`compile`.
        insecure_seed : int, optional
            For tests: blinders follow from it, and the proof **hides nothing**. It is marked, and verdicts say so.

        Returns
        -------
        Proof

        Raises
        ------
        InputError
            If the input does not fit the model.
        KeyMismatch
            If a commitment fits no input.

        Examples
        --------
        >>> proof = model.prove(x)
        >>> int(proof.outputs["logits"].argmax())
        9
        """
        return self._prove(inputs, bind, generate, seed, check, threads, progress, insecure_seed, None)

    def _prove(
        self,
        inputs: Any,
        bind: Any,
        generate: int | None,
        seed: str | None,
        check: bool,
        threads: int | None,
        progress: Progress,
        insecure_seed: int | None,
        cancel: _native.Cancel | None,
    ) -> Proof:
        given = None if inputs is None else [crossing(a) for a in arrays(inputs, self._own_names(generate))]
        bound = bindings(bind)
        with Watcher(progress) as watcher:
            made = self._native.prove(given, bound, generate, seed, check, threads, insecure_seed, watcher.tell, cancel)
        kept = None if made.kept is None else Binding(*made.kept)
        return Proof(
            made.proof,
            outputs=tensors(made.outputs),
            inputs={name: array for name, array in tensors(made.inputs).items() if not self._inputs[name].private},
            kept=kept,
            seconds=made.seconds,
            phases=dict(made.phases),
        )

    def _own_names(self, generate: int | None) -> list[str]:
        """Names of inputs that a caller gives: of a text that is gone on with, only the text."""
        names = list(self._inputs)
        return names[:1] if generate is not None else names

    async def prove_async(
        self,
        inputs: Inputs | None = None,
        *,
        bind: Binding | PathLike | Sequence[Any] | None = None,
        generate: int | None = None,
        seed: str | None = None,
        check: bool = True,
        threads: int | None = None,
        insecure_seed: int | None = None,
    ) -> Proof:
        """As :meth:`prove`, in a thread of its own. When the task is cancelled, so is the work.

        Parameters
        ----------
        inputs : array_like, sequence or mapping, optional
            One sample.
        bind, generate, seed, check, threads, insecure_seed
            As of :meth:`prove`.

        Returns
        -------
        Proof

        Raises
        ------
        InputError, KeyMismatch
            As of :meth:`prove`.

        Examples
        --------
        >>> import asyncio
        >>> proof = asyncio.run(model.prove_async(x))
        >>> bool(zktorch.verify(proof, model))
        True
        """
        cancel = _native.Cancel()
        try:
            return await asyncio.to_thread(self._prove, inputs, bind, generate, seed, check, threads, False, insecure_seed, cancel)
        except asyncio.CancelledError:
            cancel.set()
            raise

    def commit(self, inputs: Inputs, *, insecure_seed: int | None = None) -> Binding:
        """Commits to private inputs, so that several proofs can be about them.

        Parameters
        ----------
        inputs : array_like, sequence or mapping
            One sample: all inputs, public ones too.
        insecure_seed : int, optional
            For tests: blinders follow from it, and the commitment **hides nothing**.

        Returns
        -------
        Binding
            The commitment, for anybody, and its opening, which is secret.

        Raises
        ------
        InputError
            If an input does not fit.
        KeyMismatch
            If no input is private.

        Examples
        --------
        >>> private_model.commit(x)
        <zktorch.Binding of input (secret)>
        """
        given = [crossing(a) for a in arrays(inputs, list(self._inputs))]
        return Binding(*self._native.commit(given, insecure_seed))
