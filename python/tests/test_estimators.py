"""Estimators of scikit-learn, XGBoost and LightGBM."""

from __future__ import annotations

import numpy as np
import pytest

import zktorch

sklearn = pytest.importorskip("sklearn")
pytest.importorskip("skl2onnx")

from sklearn.datasets import load_breast_cancer, load_diabetes  # noqa: E402
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

CLASSES, NUMBERS = load_breast_cancer(return_X_y=True), load_diabetes(return_X_y=True)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=300, random_state=0)),
        GradientBoostingClassifier(n_estimators=12, max_depth=3, random_state=0),
    ],
    ids=lambda e: type(e).__name__,
)
def test_classifiers(estimator) -> None:
    X, y = CLASSES[0].astype(np.float32), CLASSES[1]
    estimator.fit(X, y)
    model = zktorch.compile(estimator, X[:200])
    assert list(model.outputs) == ["label", "probabilities"]
    found = model.run(X[:200])
    agreed = (found["label"].ravel() == estimator.predict(X[:200])).mean()
    assert found["label"].dtype == np.int64 and agreed > 0.98, agreed
    proof = model.prove(X[:1])
    assert zktorch.verify(proof, model, input=X[:1])
    assert proof.outputs["label"].ravel()[0] == estimator.predict(X[:1])[0]


@pytest.mark.parametrize(
    "estimator",
    [make_pipeline(StandardScaler(), Ridge()), RandomForestRegressor(10, max_depth=4, random_state=0)],
    ids=lambda e: type(e).__name__,
)
def test_regressors(estimator) -> None:
    X, y = NUMBERS[0].astype(np.float32), NUMBERS[1]
    estimator.fit(X, y)
    model = zktorch.compile(estimator, X[:200])
    (found,) = model.run(X[:50]).values()
    wanted = estimator.predict(X[:50])
    assert np.abs(found.ravel() - wanted).max() < 0.05 * np.abs(wanted).max()
    assert zktorch.verify(model.prove(X[:1]), model)


@pytest.mark.parametrize("package", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("piped", [False, True])
def test_boosters(package: str, piped: bool) -> None:
    pytest.importorskip("onnxmltools")
    boosters = pytest.importorskip(package)
    X, y = CLASSES[0].astype(np.float32), CLASSES[1]
    kind = boosters.XGBClassifier if package == "xgboost" else boosters.LGBMClassifier
    # By default splits stand at values of samples, which rounding may move across.
    options = {"tree_method": "exact"} if package == "xgboost" else {"verbose": -1}
    booster = kind(n_estimators=10, max_depth=3, **options)
    estimator = make_pipeline(StandardScaler(), booster) if piped else booster
    estimator.fit(X, y)
    model = zktorch.compile(estimator, X[:200])
    labels = model.run(X[:100])["label"].ravel()
    assert (labels == estimator.predict(X[:100])).mean() > 0.98
    assert zktorch.verify(model.prove(X[:1]), model)


def test_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    X, y = CLASSES
    frame = pandas.DataFrame(X)
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    one, two = (zktorch.compile(estimator, given[:60], insecure_seed=1) for given in (frame, X))
    assert one.verifying_key == two.verifying_key


def test_what_is_not_fitted() -> None:
    with pytest.raises(zktorch.ModelError, match="cannot be converted"):
        zktorch.compile(LogisticRegression(), CLASSES[0][:20])
