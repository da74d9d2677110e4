"""Models of xgboost before 2.0, as AWS's containers up to 1.7-1 saved them, into JSON that today's library reads.

The library wrote this binary form up to 2.x and has forgotten it in 3.1; it is not documented outside its source. All
numbers are little-endian, a string or a vector is a u64 length and its items:

    ["binf"]                      four bytes that some versions put in front
    learner      136 bytes        f32 base_score, u32 features, i32 classes, i32 has attributes, i32 has metrics,
                                  u32 major, u32 minor version (0 before 1.0), the rest reserved
    string objective, string booster
    gbtree, dart:
        160 bytes                 i32 trees, i32 parallel trees (roots before 1.0), the rest reserved
        per tree 148 bytes        i32 roots, i32 nodes, i32 deleted nodes, i32 depth, i32 features, i32 leaf vector size
            per node 20 bytes     i32 parent, i32 left, i32 right (-1: none), u32 feature (top bit: missing goes left),
                                  f32 threshold or leaf value
            per node 16 bytes     f32 gain, f32 hessian, f32 weight, i32 leaf children
        i32 x trees               output group (class) of each tree
        vector f32                weight of each tree (dart only)
    gblinear:
        136 bytes reserved, vector f32 of weights (features x groups, then the biases)
    vector of string pairs        attributes, if there are any

A pickled Booster of 1.0 to 1.2 wraps it: `CONFIG-offset:`, i64 length of the model, the model, JSON settings.
"""

import json
import struct
from typing import Any

import numpy as np

from lakemill.algorithms.errors import CustomerError

_SNAPSHOT = b"CONFIG-offset:"
_NODE = np.dtype([("parent", "<i4"), ("left", "<i4"), ("right", "<i4"), ("feature", "<u4"), ("value", "<f4")])
_STATISTIC = np.dtype([("gain", "<f4"), ("hessian", "<f4"), ("weight", "<f4"), ("leaves", "<i4")])
_ROOT_PARENT = 2147483647
_BOOSTERS = ("gbtree", "dart", "gblinear")


class _Reader:
    """Takes fields off the front of a buffer. Raises CustomerError when it ends too early."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._raw):
            raise CustomerError("The model file ends too early: it is damaged or no xgboost model")
        piece = self._raw[self._at : self._at + size]
        self._at += size
        return piece

    def integers(self, count: int, size: int) -> tuple[int, ...]:
        """The first `count` i32 of a struct of `size` bytes."""
        return struct.unpack_from(f"<{count}i", self.take(size))

    def length(self) -> int:
        return int(struct.unpack("<Q", self.take(8))[0])

    def text(self) -> str:
        return self.take(self.length()).decode("utf-8", "replace")

    def array(self, dtype: Any, count: int) -> np.ndarray:
        return np.frombuffer(self.take(np.dtype(dtype).itemsize * count), dtype)

    def vector(self) -> np.ndarray:
        return self.array("<f4", self.length())


def is_legacy(raw: bytes) -> bool:
    """Whether the bytes are in the old form: what today's library writes begins with `{`."""
    return raw[:4] == b"binf" or raw.startswith(_SNAPSHOT) or (len(raw) >= 136 and _plain_header(raw))


def _plain_header(raw: bytes) -> bool:
    """Without `binf` the objective's name, 136 bytes on, is the mark."""
    length = int.from_bytes(raw[136:144], "little")
    name = raw[144 : 144 + length]
    return 3 <= length <= 40 and name.isascii() and b":" in name


def to_json(raw: bytes) -> bytes:
    """The same model as JSON for `Booster.load_model`. Raises CustomerError."""
    if raw.startswith(_SNAPSHOT):
        start = len(_SNAPSHOT) + 8
        size = int.from_bytes(raw[len(_SNAPSHOT) : start], "little")
        raw = raw[start : start + size]
        if raw[:1] == b"{":
            return raw
    reader = _Reader(raw.removeprefix(b"binf"))
    header = reader.take(136)
    base_score, features, classes, has_attributes, _, major, _ = struct.unpack_from("<fIiiiII", header)
    objective, booster = reader.text(), reader.text()
    if booster not in _BOOSTERS:
        raise CustomerError(f"The model's booster is {booster!r}; readable are {', '.join(_BOOSTERS)}")
    gradient_booster = _linear(reader) if booster == "gblinear" else _trees(reader, booster, max(classes, 1), major)
    attributes = dict((reader.text(), reader.text()) for _ in range(reader.length())) if has_attributes else {}
    # Before 1.0 the base score was kept behind the link function already.
    score = base_score if major >= 1 else _mean_of(objective, base_score)
    learner = {
        "attributes": {name: text for name, text in attributes.items() if not name.startswith("SAVED_PARAM_")},
        "feature_names": [],
        "feature_types": [],
        "gradient_booster": gradient_booster,
        "learner_model_param": {
            "base_score": repr(float(score)),
            "boost_from_average": "1",
            "num_class": str(classes),
            "num_feature": str(features),
            "num_target": "1",
        },
        "objective": _objective(objective, classes),
    }
    return json.dumps({"version": [1, 7, 6], "learner": learner}).encode()


def _mean_of(objective: str, margin: float) -> float:
    if objective in ("reg:logistic", "binary:logistic", "binary:logitraw"):
        return 1.0 / (1.0 + float(np.exp(-np.float64(margin))))
    if objective in ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"):
        return float(np.exp(np.float64(margin)))
    return margin


def _objective(name: str, classes: int) -> dict[str, Any]:
    """The settings an objective looks for; what it does not know it ignores. They matter for training only."""
    return {
        "name": name,
        "reg_loss_param": {"scale_pos_weight": "1"},
        "poisson_regression_param": {"max_delta_step": "0.7"},
        "tweedie_regression_param": {"tweedie_variance_power": "1.5"},
        "softmax_multiclass_param": {"num_class": str(classes)},
        "lambda_rank_param": {},
        "pseudo_huber_param": {"huber_slope": "1"},
        "aft_loss_param": {"aft_loss_distribution": "normal", "aft_loss_distribution_scale": "1"},
    }


def _linear(reader: _Reader) -> dict[str, Any]:
    reader.take(136)
    weights = reader.vector().tolist()
    return {"name": "gblinear", "model": {"weights": weights, "boosted_rounds": 0}}


def _trees(reader: _Reader, booster: str, groups: int, major: int) -> dict[str, Any]:
    count, parallel = reader.integers(2, 160)
    if major < 1:
        parallel = 1  # It counted roots then; rounds matter only for a best iteration, which 0.x kept as trees.
    trees = [_tree(reader, number) for number in range(count)]
    model = {
        "gbtree_model_param": {"num_trees": str(count), "num_parallel_tree": str(max(parallel, 1))},
        "tree_info": reader.array("<i4", count).tolist(),
        "trees": trees,
    }
    per_round = groups * max(parallel, 1)
    model["iteration_indptr"] = [*range(0, count, per_round), count]
    if booster == "gbtree":
        return {"name": "gbtree", "model": model}
    return {"name": "dart", "gbtree": {"name": "gbtree", "model": model}, "weight_drop": reader.vector().tolist()}


def _tree(reader: _Reader, number: int) -> dict[str, Any]:
    _, count, _, _, features, leaf_vector = reader.integers(6, 148)
    nodes, statistics = reader.array(_NODE, count), reader.array(_STATISTIC, count)
    if leaf_vector:
        reader.vector()
    kept = _reachable(nodes)
    place = np.full(count + 1, -1)  # The last entry answers for "no child".
    place[kept] = np.arange(len(kept))
    nodes, statistics = nodes[kept], statistics[kept]
    parents = np.where(nodes["parent"] < 0, nodes["parent"] & 0x7FFFFFFF, nodes["parent"])
    parents = np.where(np.arange(len(kept)) == 0, _ROOT_PARENT, place[np.minimum(parents, count)])
    leaf = nodes["left"] < 0
    return {
        "id": number,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(features),
            "num_nodes": str(len(kept)),
            "size_leaf_vector": "1",
        },
        "base_weights": statistics["weight"].tolist(),
        "loss_changes": statistics["gain"].tolist(),
        "sum_hessian": statistics["hessian"].tolist(),
        "parents": parents.tolist(),
        "left_children": place[nodes["left"]].tolist(),
        "right_children": place[np.where(leaf, -1, nodes["right"])].tolist(),
        "split_indices": np.where(leaf, 0, nodes["feature"] & 0x7FFFFFFF).tolist(),
        "split_conditions": nodes["value"].tolist(),
        "default_left": np.where(leaf, 0, nodes["feature"] >> 31).tolist(),
        "split_type": [0] * len(kept),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
    }


def _reachable(nodes: np.ndarray) -> np.ndarray:
    """Node numbers from the root down, in rising order: pruned nodes stay in the file. Raises CustomerError."""
    level, seen = [0], []
    while level:
        seen += level
        children = nodes[level]
        children = children[children["left"] >= 0]
        level = [*children["left"].tolist(), *children["right"].tolist()]
        if len(seen) > len(nodes) or any(not 0 <= one < len(nodes) for one in level):
            raise CustomerError("A tree of the model does not hang together: the file is damaged")
    return np.array(sorted(seen))
