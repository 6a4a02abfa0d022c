"""From what people have (a PyTorch module, a fitted estimator, an ONNX model) to an ONNX file."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ._arrays import Array, arrays, as_array, listed
from ._errors import InputError, ModelError, ZktorchError

__all__ = ["onnx_file"]

OPSET = 18
"""What estimators are converted to; PyTorch's exporter chooses its own."""
LARGE = 1 << 30
"""Bytes of weights that go to a file of their own: protobuf writes no message of two gigabytes."""


@contextmanager
def onnx_file(
    model: Any,
    samples: Any,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
) -> Iterator[tuple[str, str | None]]:
    """The model as an ONNX file, for as long as the context lasts; and how errors call it, if the file is not the caller's."""
    if isinstance(model, (str, os.PathLike)):
        yield os.fspath(model), None
        return
    with tempfile.TemporaryDirectory(prefix="zktorch-") as folder:
        path = Path(folder) / "model.onnx"
        if isinstance(model, bytes):
            path.write_bytes(model)
        elif hasattr(model, "SerializeToString"):
            _write_proto(model, path)
        elif _is(model, "torch.nn.modules.module.Module"):
            _export_torch(model, samples, path, input_names, output_names)
        elif hasattr(model, "fit") and (hasattr(model, "predict") or hasattr(model, "transform")):
            _convert_estimator(model, samples, path)
        else:
            kind = f"{type(model).__module__}.{type(model).__qualname__}"
            raise ModelError(
                f"a model of type `{kind}` is not known",
                "give a torch.nn.Module, a fitted estimator of scikit-learn, XGBoost or LightGBM, a path, or an onnx.ModelProto",
            )
        alone = len(list(Path(folder).iterdir())) == 1
        # Weights beside the file are found by its path.
        yield str(path), f"{type(model).__name__}" if alone else None


def _is(model: Any, name: str) -> bool:
    """Whether a class of this name is among a model's, without importing it."""
    return any(f"{kind.__module__}.{kind.__qualname__}" == name for kind in type(model).__mro__)


def _missing(package: str, extra: str, error: ImportError) -> ZktorchError:
    return ZktorchError(f"{package} is not installed: {error}", f"pip install zktorch[{extra}]")


def _write_proto(model: Any, path: Path) -> None:
    try:
        data = model.SerializeToString()
    except ValueError:
        # Protobuf writes no message of two gigabytes.
        import onnx

        onnx.save(model, path, save_as_external_data=True, location="model.onnx.data")
        return
    path.write_bytes(data)


def _export_torch(net: Any, samples: Any, path: Path, input_names: Sequence[str] | None, output_names: Sequence[str] | None) -> None:
    try:
        import torch
    except ImportError as error:
        raise _missing("PyTorch", "torch", error) from error
    if samples is None:
        raise InputError(
            "a torch.nn.Module needs sample inputs: the export runs it on the first, and ranges come from all",
            "zktorch.compile(net, some_typical_inputs), whose first axis is samples",
        )
    parameter = next(net.parameters(), None)
    kind = parameter.dtype if parameter is not None else torch.get_default_dtype()
    device = parameter.device if parameter is not None else torch.device("cpu")

    def example(array: Array) -> Any:
        tensor = torch.from_numpy(np.ascontiguousarray(array[:1]))
        return tensor.to(device=device, dtype=kind if tensor.is_floating_point() else tensor.dtype)

    if isinstance(samples, Mapping) and input_names is None:
        input_names = list(samples)
    args = tuple(example(np.atleast_1d(array)) for array in arrays(samples, list(input_names or [])))
    training = [module for module in net.modules() if module.training]
    net.eval()
    try:
        _run_exporter(net, args, path, input_names, output_names)
    finally:
        for module in training:
            module.training = True


def _run_exporter(
    net: Any, args: tuple[Any, ...], path: Path, input_names: Sequence[str] | None, output_names: Sequence[str] | None
) -> None:
    import torch

    own = _parameters(net, len(args)) if input_names is None else list(input_names)
    options: dict[str, Any] = {}
    weights = sum(p.numel() * p.element_size() for p in net.parameters())
    if weights < LARGE and "external_data" in inspect.signature(torch.onnx.export).parameters:
        options["external_data"] = False
    try:
        with _quietly(), torch.no_grad():
            named = _results(net(*args)) if output_names is None else list(output_names)
            torch.onnx.export(net, args, str(path), input_names=own, output_names=named, **options)
    except ImportError as error:
        raise _missing("what PyTorch's exporter needs", "torch", error) from error
    except Exception as error:
        raise ModelError(
            f"PyTorch cannot export the module: {_reason(error)}",
            "torch.onnx.export(net, ...) says more; zktorch.compile takes the path of what it writes",
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """The exporter tells its steps on standard output, and packages that it does without in the log."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _reason(error: BaseException) -> str:
    """The first line of what began it, without colours."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _results(found: Any) -> list[str] | None:
    """Names of a module's outputs, where it says them or has one."""
    if hasattr(found, "detach"):
        return ["output"]
    return [str(name) for name in found] if isinstance(found, Mapping) else None


def _parameters(net: Any, count: int) -> list[str] | None:
    """Names of the inputs, as `forward` calls them."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in inspect.signature(net.forward).parameters.values() if p.kind in kinds]
    return names[:count] if len(names) >= count else None


def _convert_estimator(estimator: Any, samples: Any, path: Path) -> None:
    try:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType
    except ImportError as error:
        raise _missing("skl2onnx", "sklearn", error) from error
    columns = getattr(estimator, "n_features_in_", None)
    if columns is None and samples is not None:
        columns = as_array(listed(samples, [])[0]).shape[-1]
    if columns is None:
        raise InputError("the estimator says not how many columns it takes", "is it fitted? give sample inputs as well")
    _register_boosters(estimator)
    options = {id(part): {"zipmap": False} for part in _parts(estimator) if hasattr(part, "predict_proba")}
    types = [("X", FloatTensorType([1, int(columns)]))]
    proto: Any
    try:
        try:
            proto = convert_sklearn(estimator, initial_types=types, target_opset={"": OPSET, "ai.onnx.ml": 3}, options=options)
        except NameError:
            # A converter without that option.
            proto = convert_sklearn(estimator, initial_types=types, target_opset={"": OPSET, "ai.onnx.ml": 3})
    except Exception as error:
        raise ModelError(
            f"{type(estimator).__name__} cannot be converted to ONNX: {_reason(error)}",
            "is it fitted? skl2onnx lists the estimators that it converts",
        ) from error
    path.write_bytes(proto.SerializeToString())


def _parts(estimator: Any) -> Iterator[Any]:
    """An estimator and all that it is made of."""
    yield estimator
    for _, step in getattr(estimator, "steps", None) or []:
        yield from _parts(step)
    for _name, part, *_ in getattr(estimator, "transformers_", None) or []:
        if not isinstance(part, str):
            yield from _parts(part)
    if hasattr(estimator, "best_estimator_"):
        yield from _parts(estimator.best_estimator_)


_REGISTERED: set[type] = set()


def _register_boosters(estimator: Any) -> None:
    """Tells skl2onnx how estimators of XGBoost and LightGBM are converted, if there are any."""
    for part in _parts(estimator):
        kind = type(part)
        package = kind.__module__.split(".")[0]
        if package not in ("xgboost", "lightgbm") or kind in _REGISTERED:
            continue
        try:
            from skl2onnx import update_registered_converter
            from skl2onnx.common.shape_calculator import (
                calculate_linear_classifier_output_shapes,
                calculate_linear_regressor_output_shapes,
            )

            if package == "xgboost":
                from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as convert
            else:
                from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as convert
        except ImportError as error:
            raise _missing("onnxmltools", "sklearn", error) from error
        classifies = hasattr(part, "predict_proba")
        update_registered_converter(
            kind,
            f"{package}{kind.__name__}",
            calculate_linear_classifier_output_shapes if classifies else calculate_linear_regressor_output_shapes,
            convert,
            options={"nocl": [True, False], "zipmap": [True, False, "columns"]} if classifies else None,
        )
        _REGISTERED.add(kind)
