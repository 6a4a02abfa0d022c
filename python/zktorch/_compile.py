"""From a model to a program of integers and its keys."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Literal, Union

from . import _native
from ._arrays import Inputs, arrays, crossing, write_npz
from ._binding import PathLike
from ._errors import InputError
from ._key import VerifyingKey
from ._model import Model
from ._progress import Progress, Watcher
from ._sources import onnx_file

__all__ = ["compile"]

Private = Union[None, Literal["input", "output"], Sequence[Literal["input", "output"]]]


def compile(
    model: Any,
    samples: Inputs | PathLike | Sequence[PathLike] | None = None,
    *,
    private: Private = None,
    bits: int | None = None,
    max_error: float | None = None,
    setup: str = "auto",
    task: Literal["outputs", "generate", "sample", "likelihood"] = "outputs",
    new_tokens: int | None = None,
    temperature: float | None = None,
    target_kl: float | None = None,
    input_like: VerifyingKey | Model | PathLike | None = None,
    input_shapes: Sequence[Sequence[int]] | None = None,
    weights_of: Model | PathLike | None = None,
    model_proof: bool = True,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    progress: Progress = None,
    insecure_seed: int | None = None,
) -> Model:
    """Turns a model into a program of integers that can be proved, and makes its keys.

    Parameters
    ----------
    model : torch.nn.Module, estimator, path-like, onnx.ModelProto or bytes
        The model. A module is exported in evaluation mode; an estimator (of scikit-learn, XGBoost, LightGBM, or a pipeline of these) must
        be fitted.
    samples : array_like, sequence or mapping of array_like, path-like, optional
        Typical inputs, some tens: the first axis is samples. One array for a model of one input, else a list in the inputs' order or a
        dict by name. They choose scales and widths, and errors are measured on them.
    private : {"input", "output"} or both, optional
        What proofs hide behind a commitment.
    bits : int, optional
        Bits of activations, 8 to 16. Left out: the fewest that keep the error small.
    max_error : float, optional
        The largest error of an output that is accepted, as a part of what it reaches: 0.05 (5 %) if left out.
    setup : str
        ``"auto"``, ``"ethereum"`` (small proofs; one honest participant of a public ceremony), ``"transparent"`` (nothing to trust), or the
        path of a file with powers of tau.
    task : {"outputs", "generate", "sample", "likelihood"}
        What proofs show of a language model.
    new_tokens : int, optional
        Tokens that one proof can show, of a text that is gone on with.
    temperature : float, optional
        What logits are divided by, if tokens are drawn.
    target_kl : float, optional
        The divergence of a language model's predictions that is good enough, in nats a token.
    input_like : VerifyingKey, Model or path-like, optional
        A model whose outputs are this one's inputs: they get the same scale, so that proofs can share the tensor.
    input_shapes : sequence of shapes, optional
        Of inputs that an ONNX file leaves open.
    weights_of : Model or path-like, optional
        The same model, compiled for a longer text: this one shares its commitments.
    model_proof : bool
        Whether to prove that the committed weights are integers of their widths.
    input_names, output_names : sequence of str, optional
        What a module's inputs and outputs shall be called.
    progress : bool or callable, optional
        A bar (needs tqdm), none, or a function that gets the phase and what it is doing. By default a bar where somebody watches.
    insecure_seed : int, optional
        For tests: all randomness follows from it, and **hides nothing**.

    Returns
    -------
    Model

    Raises
    ------
    UnsupportedModel
        If nodes of the model cannot be proved: :attr:`UnsupportedModel.nodes` lists them all.
    AccuracyError
        If the integers stay too far from the model.
    ModelError
        If it cannot be exported, read or compiled for another reason.
    InputError
        If samples do not fit the model.

    Examples
    --------
    >>> model = zktorch.compile("digits.onnx", samples)
    >>> model.inputs["input"].shape
    (1, 1, 8, 8)
    """
    asked = [private] if isinstance(private, str) else list(private or [])
    if unknown := [word for word in asked if word not in ("input", "output")]:
        raise InputError(f"private: expected `input` or `output`, got `{unknown[0]}`")
    like = None if input_like is None else bytes(VerifyingKey._of(input_like))
    with ExitStack() as stack:
        files, given = _samples(model, samples, stack)
        options = _native.Options(
            private_input="input" in asked,
            private_output="output" in asked,
            bits=bits,
            max_error=max_error,
            setup=setup,
            task=task,
            new_tokens=new_tokens,
            temperature=temperature,
            target_kl=target_kl,
            input_like=like,
            input_shapes=[[int(n) for n in shape] for shape in input_shapes or []],
            weights_of=None if weights_of is None else _folder(weights_of, stack),
            model_proof=model_proof,
            seed=insecure_seed,
        )
        in_memory = samples if given or isinstance(samples, Mapping) else None
        path, name = stack.enter_context(onnx_file(model, in_memory, input_names, output_names))
        watcher = stack.enter_context(Watcher(progress))
        return Model(_native.Compiled.compile(path, name, files, given, options, watcher.tell))


def _samples(model: Any, samples: Any, stack: ExitStack) -> tuple[list[str], list[tuple[list[int], bytes]]]:
    """Files of samples, or samples in memory in the order of the inputs."""
    if samples is None:
        return [], []
    # A module's inputs get the names and the order of a mapping; those of other models have names, which a file can bear.
    if isinstance(samples, Mapping) and not hasattr(model, "forward"):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zktorch-"))
        return [write_npz(os.path.join(folder, "samples.npz"), samples)], []
    paths: list[Any] = list(samples) if isinstance(samples, (list, tuple)) else [samples]
    if paths and all(isinstance(path, (str, os.PathLike)) for path in paths):
        return [os.fspath(path) for path in paths], []
    return [], [crossing(array) for array in arrays(samples, [])]


def _folder(model: Model | PathLike, stack: ExitStack) -> str:
    """A folder of a compiled model."""
    if not isinstance(model, Model):
        return os.fspath(model)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zktorch-"))
    model.save(folder)
    return folder
