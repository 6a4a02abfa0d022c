"""Two models that ezkl has examples of, made anew so that both provers get one: an LSTM over five steps, and boosted trees.

    recurrent_and_trees.py DIR

makes `DIR/lstm5`, `DIR/trees` and `DIR/trees_as_products`, each with `model.onnx`, `input.json`, `expected.json` and `calibration.npy`, for

    cargo run --release -p zktorch-benches -- --models DIR/lstm5 DIR/trees_as_products --peers ezkl --threads 2 --out target/bench

`trees` has ONNX's own operator, and `trees_as_products` the same trees as converters write them for runtimes that have none: three products
with two comparisons between them. Needs `numpy` and `onnx`; weights and trees are seeded, not trained: what a proof costs does not depend on it.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

STEPS, FEATURES, HIDDEN = 5, 3, 3
TREES, DEPTH, COLUMNS = 20, 3, 4


def tensor(name, values):
    return numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)


def model(nodes, tensors, inputs, outputs, domains=(("", 17),)):
    ports = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in p] for p in (inputs, outputs)]
    graph = helper.make_graph(nodes, "model", *ports, initializer=tensors)
    imports = [helper.make_opsetid(domain, version) for domain, version in domains]
    made = helper.make_model(graph, opset_imports=imports, ir_version=8)
    onnx.checker.check_model(made)
    return made


def lstm(random):
    draw = lambda *shape: random.uniform(-0.6, 0.6, shape)
    tensors = [
        tensor("w", draw(1, 4 * HIDDEN, FEATURES)),
        tensor("r", draw(1, 4 * HIDDEN, HIDDEN)),
        tensor("b", draw(1, 8 * HIDDEN)),
    ]
    node = helper.make_node("LSTM", ["x", "w", "r", "b"], ["y"], hidden_size=HIDDEN)
    return model([node], tensors, [("x", [STEPS, 1, FEATURES])], [("y", [STEPS, 1, 1, HIDDEN])])


def grown(random):
    """Full trees: of every inner node a feature and a threshold, and a vote of every leaf."""
    inner, leaves = 2**DEPTH - 1, 2**DEPTH
    features = random.integers(0, COLUMNS, (TREES, inner))
    thresholds = random.uniform(-0.8, 0.8, (TREES, inner)).astype(np.float32)
    return features, thresholds, random.uniform(-0.2, 0.2, (TREES, leaves)).astype(np.float32)


def trees(features, thresholds, votes):
    inner, total = features.shape[1], 2 * features.shape[1] + 1
    lists = {name: [] for name in ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids", "values", "modes")}
    for tree in range(TREES):
        for node in range(total):
            leaf = node >= inner
            lists["treeids"].append(tree)
            lists["nodeids"].append(node)
            lists["featureids"].append(0 if leaf else int(features[tree, node]))
            lists["truenodeids"].append(0 if leaf else 2 * node + 1)
            lists["falsenodeids"].append(0 if leaf else 2 * node + 2)
            lists["values"].append(0.0 if leaf else float(thresholds[tree, node]))
            lists["modes"].append("LEAF" if leaf else "BRANCH_LEQ")
    leaves = [(tree, inner + leaf, float(votes[tree, leaf])) for tree in range(TREES) for leaf in range(inner + 1)]
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        target_treeids=[t for t, _, _ in leaves],
        target_nodeids=[n for _, n, _ in leaves],
        target_ids=[0] * len(leaves),
        target_weights=[w for _, _, w in leaves],
        **{f"nodes_{name}": values for name, values in lists.items()},
    )
    return model([node], [], [("x", [1, COLUMNS])], [("y", [1, 1])], (("", 17), ("ai.onnx.ml", 3)))


def products(features, thresholds, votes):
    """`[x A <= t] C = d` chooses a leaf of each tree: C counts the answers on the way to it."""
    inner = features.shape[1]
    asked = np.zeros((COLUMNS, TREES * inner))
    asked[features.reshape(-1), np.arange(TREES * inner)] = 1
    paths, yes = np.zeros((TREES * inner, TREES * (inner + 1))), np.zeros(TREES * (inner + 1))
    for tree in range(TREES):
        for leaf in range(inner + 1):
            node, column = inner + leaf, tree * (inner + 1) + leaf
            while node:
                parent, left = (node - 1) // 2, node % 2 == 1
                paths[tree * inner + parent, column] = 1 if left else -1
                yes[column] += left
                node = parent
    tensors = [
        tensor("asked", asked),
        tensor("thresholds", thresholds.reshape(1, -1)),
        tensor("paths", paths),
        tensor("yes", yes.reshape(1, -1)),
        tensor("votes", votes.reshape(-1, 1)),
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "asked"], ["own"]),
        helper.make_node("LessOrEqual", ["own", "thresholds"], ["answers"]),
        helper.make_node("Cast", ["answers"], ["bits"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["bits", "paths"], ["counts"]),
        helper.make_node("Equal", ["counts", "yes"], ["reached"]),
        helper.make_node("Cast", ["reached"], ["leaves"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["leaves", "votes"], ["y"]),
    ]
    return model(nodes, tensors, [("x", [1, COLUMNS])], [("y", [1, 1])])


def write(folder, made, samples):
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(made, folder / "model.onnx")
    run = ReferenceEvaluator(made)
    (folder / "input.json").write_text(json.dumps({"input_data": [samples[0].reshape(-1).tolist()]}))
    expected = run.run(None, {"x": samples[0]})[0]
    (folder / "expected.json").write_text(json.dumps({"output_data": [expected.reshape(-1).tolist()]}))
    np.save(folder / "calibration.npy", np.stack(samples))
    return expected


def main():
    out, random = Path(sys.argv[1]), np.random.default_rng(20261129)
    sequence = [random.uniform(-1, 1, (STEPS, 1, FEATURES)).astype(np.float32) for _ in range(16)]
    write(out / "lstm5", lstm(random), sequence)
    # On a grid of sixteenths, which no threshold is on: both ways of writing the trees decide alike.
    rows = [(random.integers(-16, 17, (1, COLUMNS)) / 16).astype(np.float32) for _ in range(16)]
    grove = grown(random)
    first, second = (write(out / name, made(*grove), rows) for name, made in (("trees", trees), ("trees_as_products", products)))
    assert np.allclose(first, second), (first, second)


if __name__ == "__main__":
    main()
