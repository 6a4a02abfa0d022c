"""Every public function has an example, and all of them hold."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import shutil
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import zktorch


def modules() -> Iterator[types.ModuleType]:
    for found in pkgutil.iter_modules(zktorch.__path__, "zktorch."):
        if found.name.split(".")[-1] in ("_native", "__main__"):
            continue
        if found.name == "zktorch.mlflow":
            try:
                import mlflow  # noqa: F401
            except ImportError:
                continue
        yield importlib.import_module(found.name)
    yield zktorch


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for module in modules() for test in finder.find(module, module.__name__)]
    return [test for test in found if test.examples]


@pytest.fixture
def names(model, private_model, samples, x, onnx_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(onnx_path, "digits.onnx")
    store = f"sqlite:///{tmp_path}/mlflow.db"
    found = {"zktorch": zktorch, "np": np, "Path": Path, "tracking_store": store}
    return found | {"model": model, "private_model": private_model, "samples": samples, "x": x}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_example(test: doctest.DocTest, names: dict[str, object]) -> None:
    if ".mlflow" in test.name:
        import mlflow

        mlflow.set_tracking_uri(names["tracking_store"])
        names |= {"mlflow": mlflow, "proof": names["model"].prove(names["x"])}
    test.globs.update(names)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    result = runner.run(test)
    assert result.attempted > 0 and result.failed == 0


def public() -> Iterator[tuple[str, object]]:
    for module in modules():
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing
            elif inspect.isclass(thing) and thing.__module__.startswith("zktorch"):
                yield f"{module.__name__}.{name}", thing
                for own, member in vars(thing).items():
                    plain = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
                    if inspect.isfunction(plain) and not own.startswith("_"):
                        yield f"{module.__name__}.{name}.{own}", plain


PRIVATE = {"Watcher", "Progress", "arrays", "onnx_file", "ZktorchWarning", "Committed", "UnsupportedNode", "tensors"}


@pytest.mark.parametrize(("name", "thing"), [pytest.param(n, t, id=n) for n, t in public()])
def test_every_public_function_has_an_example(name: str, thing: object) -> None:
    if name.split(".")[-1] in PRIVATE:
        return
    text = inspect.getdoc(thing)
    assert text and ">>>" in text, name
