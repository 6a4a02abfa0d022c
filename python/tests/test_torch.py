"""PyTorch modules."""

from __future__ import annotations

import numpy as np
import pytest

import zktorch

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
nn = torch.nn


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 10))


@pytest.fixture(scope="module")
def compiled(net, samples):
    return zktorch.compile(net, torch.from_numpy(samples), output_names=["logits"])


def test_a_module_is_what_it_says(net, compiled, images) -> None:
    x = torch.from_numpy(images[:1])
    proof = compiled.prove(x)
    net.eval()
    with torch.no_grad():
        floats = net(x).numpy()
    assert np.abs(proof.outputs["logits"] - floats).max() < 0.05 * np.abs(floats).max()
    assert zktorch.verify(proof, compiled, input=x)
    assert list(compiled.inputs) == ["input"]


def test_a_module_is_left_as_it_was(net, samples) -> None:
    net.train()
    net[1].eval()
    before = {name: p.detach().clone() for name, p in net.state_dict().items()}
    zktorch.explain(net, samples)
    assert net.training and net[4].training and not net[1].training
    assert all(torch.equal(p, before[name]) for name, p in net.state_dict().items())


def test_two_inputs_by_name(x) -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(3, 2)

        def forward(self, left, right):
            return self.line(left) + right

    torch.manual_seed(1)
    net, left, right = Sum(), torch.randn(40, 3), torch.randn(40, 2)
    by_name = zktorch.compile(net, {"left": left, "right": right})
    by_place = zktorch.compile(net, (left, right))
    assert list(by_name.inputs) == list(by_place.inputs) == ["left", "right"]
    one = by_name.run({"right": right[:1], "left": left[:1]})
    two = by_place.run([left[:1], right[:1]])
    expected = net(left[:1], right[:1]).detach().numpy()
    for found in (one, two):
        (value,) = found.values()
        assert np.abs(value - expected).max() < 0.02


def test_a_module_needs_samples(net) -> None:
    with pytest.raises(zktorch.InputError, match="needs sample inputs"):
        zktorch.compile(net)


def test_a_module_that_cannot_be_exported() -> None:
    class Odd(nn.Module):
        def forward(self, x):
            return x * float(input()) if x.sum().item() > 1e9 else torch.linalg.eig(x.reshape(2, 2))[0].abs().reshape(1, 2)

    with pytest.raises(zktorch.ModelError):
        zktorch.compile(Odd(), torch.rand(10, 4))


def test_devices_and_types(compiled, images) -> None:
    x = torch.from_numpy(images[:1])
    expected = compiled.run(x)["logits"]
    for other in (x.double(), x.clone().requires_grad_(), x.half()):
        assert np.abs(compiled.run(other)["logits"] - expected).max() < 0.05 * np.abs(expected).max()
