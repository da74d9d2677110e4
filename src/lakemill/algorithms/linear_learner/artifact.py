"""The artifact `model_algo-1`: a zip of four members, as AWS's container writes it.

additional-params.json   what the numbers mean: predictor_type, threshold, number of classes and features
manifest.json            which member is which
mx-mod-symbol.json       the network: one fully connected layer and its output
mx-mod-0000.params       MXNet NDArray dict with arg:fc0_weight (k, d) and arg:fc0_bias (k,)

Only the NDArray names are publicly known; the JSON members' content is not, so reading takes what it recognises.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lakemill.algorithms.artifact import read_archive, write_archive
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner.model import BINARY, MULTICLASS, REGRESSOR, LinearModel
from lakemill.algorithms.linear_learner.thresholds import NEUTRAL
from lakemill.formats import mxnet

PARAMETERS, SYMBOL = "mx-mod-0000.params", "mx-mod-symbol.json"
ADDITIONAL, MANIFEST = "additional-params.json", "manifest.json"

_OUTPUT_LAYERS = {
    REGRESSOR: "LinearRegressionOutput",
    BINARY: "LogisticRegressionOutput",
    MULTICLASS: "SoftmaxOutput",
}
_THRESHOLD_KEYS = ("threshold", "binary_classifier_threshold", "decision_threshold", "cutoff", "score_threshold")


def save(model: LinearModel, path: Path, extra: Mapping[str, Any] | None = None) -> None:
    """Write the artifact; extra goes into additional-params.json. The same model gives the same bytes."""
    additional = {
        "predictor_type": model.predictor_type,
        "loss": model.loss,
        "threshold": model.threshold,
        "num_classes": len(model.bias) if model.predictor_type == MULTICLASS else 1,
        "feature_dim": model.dim,
        **(extra or {}),
    }
    manifest = {"Model": {"Symbol": SYMBOL, "Parameters": PARAMETERS, "Additional": ADDITIONAL}, "Engine": "MXNet"}
    arrays = {
        "arg:fc0_weight": np.ascontiguousarray(model.weights, np.float32),
        "arg:fc0_bias": np.ascontiguousarray(model.bias, np.float32),
    }
    members = {
        ADDITIONAL: json.dumps(additional, indent=2).encode(),
        MANIFEST: json.dumps(manifest, indent=2).encode(),
        SYMBOL: json.dumps(_symbol(model), indent=2).encode(),
        PARAMETERS: mxnet.encode(arrays),
    }
    write_archive(path, members)


def load(path: Path) -> LinearModel:
    """Read our own artifact or one made elsewhere. Raises CustomerError."""
    members, arrays = read_archive(path, "linear-learner", ".params")
    weights, bias = _arrays(arrays, path)
    facts = dict(_facts(members.get(ADDITIONAL)))
    kind = _predictor_type(facts, members.get(SYMBOL, b""), len(bias))
    cut = next((facts[name] for name in _THRESHOLD_KEYS if isinstance(facts.get(name), int | float)), NEUTRAL)
    loss = "hinge_loss" if "hinge" in str(facts.get("loss", "")) else "auto"
    return LinearModel(weights, bias, kind, float(cut), loss)


def _arrays(arrays: Any, path: Path) -> tuple[np.ndarray, np.ndarray]:
    named = {name.rsplit(":", 1)[-1]: array for name, array in arrays.items()} if isinstance(arrays, Mapping) else {}
    if "fc0_weight" not in named:
        raise CustomerError(f"{path.name} holds no fc0_weight; it has {', '.join(named) or 'no named array'}")
    weights = np.asarray(named["fc0_weight"], np.float32)
    weights = weights.reshape(len(weights), -1) if weights.ndim > 1 else weights[None, :]
    bias = np.asarray(named.get("fc0_bias", np.zeros(len(weights))), np.float32).ravel()
    if len(bias) != len(weights):
        raise CustomerError(f"{path.name}: fc0_weight has {len(weights)} rows but fc0_bias {len(bias)}")
    return weights, bias


def _facts(content: bytes | None) -> Iterator[tuple[str, Any]]:
    """Every name and plain value of the JSON, however deep; numbers and lists of one written as text are understood."""
    try:
        waiting = [json.loads(content or b"{}")]
    except ValueError:
        return
    while waiting:
        one = waiting.pop()
        for name, value in one.items() if isinstance(one, dict) else ():
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            if isinstance(value, dict):
                waiting.append(value)
            elif isinstance(value, str):
                yield name, _number(value)
            else:
                yield name, value


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _predictor_type(facts: Mapping[str, Any], symbol: bytes, rows: int) -> str:
    if facts.get("predictor_type") in _OUTPUT_LAYERS:
        return str(facts["predictor_type"])
    found = next((kind for kind, layer in _OUTPUT_LAYERS.items() if layer.encode() in symbol), None)
    if found:
        return found
    if rows > 1 or b"softmax" in symbol.lower():
        return MULTICLASS
    return BINARY if b"sigmoid" in symbol.lower() or b"logistic" in symbol.lower() else REGRESSOR


def _symbol(model: LinearModel) -> dict[str, Any]:
    """The network in MXNet's JSON form."""
    variables = ["data", "fc0_weight", "fc0_bias"]
    hidden = {"num_hidden": str(len(model.bias))}
    nodes = [
        *({"op": "null", "name": name, "inputs": []} for name in variables),
        {"op": "FullyConnected", "name": "fc0", "attrs": hidden, "inputs": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]},
        {"op": "null", "name": "out_label", "inputs": []},
        {"op": _OUTPUT_LAYERS[model.predictor_type], "name": "out", "inputs": [[3, 0, 0], [4, 0, 0]]},
    ]
    return {
        "nodes": nodes,
        "arg_nodes": [0, 1, 2, 4],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[len(nodes) - 1, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10100]},
    }
