"""From what callers have (numpy, torch, pandas, lists) to the arrays that the native module takes, and back."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from ._errors import InputError

__all__ = ["Array", "ArrayLike", "Inputs", "arrays", "as_array"]

if TYPE_CHECKING:
    import torch

    ArrayLike = Union[npt.ArrayLike, torch.Tensor]
else:
    ArrayLike = npt.ArrayLike
"""Numpy arrays, torch tensors, data frames, nested lists of numbers."""

Array = npt.NDArray[Any]
"""What comes out: 64-bit floats of real outputs, 64-bit integers or truth values of others."""

Inputs = Union[ArrayLike, Sequence[ArrayLike], Mapping[str, ArrayLike]]
"""One array for a model of one input, else a list or tuple in the inputs' order, or a dict by their names."""


def as_array(value: Any, name: str = "input") -> Array:
    """An array of numbers or truth values.

    Parameters
    ----------
    value : array_like
        Numpy, torch (on any device, with or without gradients), pandas, or nested lists.
    name : str
        How errors call it.

    Returns
    -------
    numpy.ndarray
        Of the shape and type of the value.

    Raises
    ------
    InputError
        If it holds anything but real numbers.

    Examples
    --------
    >>> as_array([[1, 2]]).shape
    (1, 2)
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        value = value.numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"input `{name}`: nested lists of different lengths are no array") from error
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"input `{name}`: expected numbers, got Python objects that are none") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"input `{name}`: expected real numbers, got {array.dtype.name}")
    return array


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") or hasattr(value, "detach")


def listed(inputs: Any, names: Sequence[str]) -> list[Any]:
    """One value for each input, whichever way they are given.

    Parameters
    ----------
    inputs : array_like, sequence of array_like, or mapping from names to array_like
        As callers give them.
    names : sequence of str
        The inputs' names; empty if nobody knows them yet: then a mapping is taken in its own order.

    Returns
    -------
    list
        In the order of the inputs.

    Raises
    ------
    InputError
        If a mapping has other names.
    """
    if isinstance(inputs, Mapping):
        if names and set(inputs) != set(names):
            expected, got = ", ".join(f"`{n}`" for n in names), ", ".join(f"`{n}`" for n in inputs)
            raise InputError(f"the model's inputs are {expected}, the arrays are named {got}", "give each array the name of its input")
        return [inputs[name] for name in (names or list(inputs))]
    if isinstance(inputs, (list, tuple)) and inputs and all(_is_array(value) for value in inputs):
        return list(inputs)
    return [inputs]


def arrays(inputs: Any, names: Sequence[str]) -> list[Array]:
    """One array for each input, as :func:`listed`."""
    values = listed(inputs, names)
    known = list(names) if len(names) == len(values) else [str(n) for n in range(len(values))]
    return [as_array(value, name) for value, name in zip(values, known)]


def crossing(array: Array) -> tuple[list[int], bytes]:
    """An array for the native module: its shape, and floats of 64 bits in row-major order."""
    return list(array.shape), np.ascontiguousarray(array, dtype=np.float64).tobytes()


def write_npz(path: str, inputs: Mapping[str, Any]) -> str:
    """Writes arrays under their names; the path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in inputs.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, as_array(value, name), allow_pickle=False)
    return path
