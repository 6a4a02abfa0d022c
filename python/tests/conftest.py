"""What tests share: the bundled digits, compiled once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zktorch

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Notes of accepted model proofs go to a folder of the test's own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def onnx_path() -> Path:
    """A digit classifier."""
    return MODELS / "digits_mlp" / "model.onnx"


@pytest.fixture(scope="session")
def samples() -> np.ndarray:
    """64 images, 1x8x8 each."""
    return np.load(MODELS / "digits_calibration.npy")


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """360 held-out images."""
    return np.load(MODELS / "digits_test" / "images.npy")


@pytest.fixture(scope="session")
def labels() -> np.ndarray:
    """What these show."""
    return np.load(MODELS / "digits_test" / "labels.npy")


@pytest.fixture(scope="session")
def x(images: np.ndarray) -> np.ndarray:
    """One image, a nine."""
    return images[:1]


@pytest.fixture(scope="session")
def model(onnx_path: Path, samples: np.ndarray) -> zktorch.Model:
    """The classifier, compiled."""
    return zktorch.compile(onnx_path, samples)


@pytest.fixture(scope="session")
def private_model(onnx_path: Path, samples: np.ndarray) -> zktorch.Model:
    """The same with hidden inputs."""
    return zktorch.compile(onnx_path, samples, private="input")
