"""Inputs and outputs of a compiled model, and tensors of a proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import Array

__all__ = ["Port", "tensors"]


@dataclass(frozen=True)
class Port:
    """An input or output of a compiled model.

    Attributes
    ----------
    name : str
        As the ONNX model calls it.
    shape : tuple of int
        Extents of one sample.
    element : str
        ``"real"``, ``"integer"`` or ``"boolean"``.
    private : bool
        Whether a proof hides it behind a commitment.
    low, high : float
        The smallest and the largest number that it can be (of columns of different scale: the first).
    step : float
        How far apart the numbers lie that the program tells from each other.

    Examples
    --------
    >>> model.inputs["input"].shape
    (1, 1, 8, 8)
    """

    name: str
    shape: tuple[int, ...]
    element: str
    private: bool
    low: float
    high: float
    step: float

    @classmethod
    def _of(cls, found: dict[str, Any]) -> Port:
        return cls(**{**found, "shape": tuple(found["shape"])})

    def _array(self, shape: list[int], data: bytes) -> Array:
        """An array of this port's numbers, from floats."""
        kind: type = {"real": np.float64, "boolean": np.bool_}.get(self.element, np.int64)
        array: Array = np.frombuffer(data, dtype=np.float64).reshape(shape).astype(kind)
        return array


Tensor = tuple[str, list[int], str, bytes]
"""A tensor as the native module gives it: name, shape, element, and numbers of 64 bits (floats if it is real, else integers)."""


def tensors(found: list[Tensor]) -> dict[str, Array]:
    """Arrays by name, from what the native module gives."""
    return {name: _array(shape, element, data) for name, shape, element, data in found}


def _array(shape: list[int], element: str, data: bytes) -> Array:
    array: Array = np.frombuffer(data, dtype=np.float64 if element == "real" else np.int64).reshape(shape)
    return array.astype(np.bool_) if element == "boolean" else array.copy()
