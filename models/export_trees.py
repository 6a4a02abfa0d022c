"""Writes a seeded ensemble of boosted trees as an ONNX file, with samples and what onnxruntime says of them.

    python export_trees.py FOLDER [--trees 500] [--depth 6] [--features 30] [--seed 1]

Complete trees of one depth: features and thresholds are drawn, and so are the votes of the leaves, which fall off as those of boosting do.
Needs `onnx`, `numpy` and `onnxruntime`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper


def ensemble(trees, depth, features, random):
    """Two classes, with one score for both."""
    inner, nodes = 2**depth - 1, 2 ** (depth + 1) - 1
    ids = np.tile(np.arange(nodes), trees)
    leaf = ids >= inner
    child = np.where(leaf, 0, 2 * ids + 1)
    owner = np.repeat(np.arange(trees), nodes)
    thresholds = np.where(leaf, 0, random.normal(size=ids.size)).astype(np.float32)
    votes = random.normal(size=ids.size) * 0.3 / np.sqrt(1 + owner)
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["x"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        nodes_treeids=owner.tolist(),
        nodes_nodeids=ids.tolist(),
        nodes_featureids=np.where(leaf, 0, random.integers(0, features, ids.size)).tolist(),
        nodes_modes=["LEAF" if end else "BRANCH_LT" for end in leaf],
        nodes_values=thresholds.tolist(),
        nodes_truenodeids=child.tolist(),
        nodes_falsenodeids=np.where(leaf, 0, child + 1).tolist(),
        class_treeids=owner[leaf].tolist(),
        class_nodeids=ids[leaf].tolist(),
        class_ids=[0] * int(leaf.sum()),
        class_weights=votes[leaf].astype(np.float32).tolist(),
        classlabels_int64s=[0, 1],
        base_values=[0.0],
        post_transform="LOGISTIC",
    )
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, features])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 2]),
        ],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 17)], ir_version=8
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    for name, default in [("trees", 500), ("depth", 6), ("features", 30), ("seed", 1)]:
        arguments.add_argument(f"--{name}", type=int, default=default)
    given = arguments.parse_args()
    random = np.random.default_rng(given.seed)
    model = ensemble(given.trees, given.depth, given.features, random)
    given.folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, given.folder / "model.onnx")
    samples = random.normal(size=(64, 1, given.features)).astype(np.float32)
    np.save(given.folder / "calibration.npy", samples)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    said = [session.run(None, {"x": sample}) for sample in samples]
    (given.folder / "input.json").write_text(json.dumps({"input_data": [samples[0].ravel().tolist()]}))
    expected = [{"label": int(label[0]), "probabilities": shown.ravel().tolist()} for label, shown in said]
    (given.folder / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
