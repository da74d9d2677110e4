"""The artifact `model_algo-1`: a zip of meta.json, symbol.json and params, as AWS's container writes it.

params is an MXNet NDArray file. Read are both known layouts, with or without the prefix `arg:`:

    sparse network   w0_weight (1,) or (1, 1)         w1_weight (d, 1)                v (d, k)
    dense network    Linear_Plus_Bias_bias (1,)       Linear_Plus_Bias_weight (1, d)  v (k, d)

Written is the first. meta.json's `training_parameters` say what the network is for; its exact content on AWS is not
public, and reading takes what it recognises. symbol.json is the network in MXNet's form, with the label `out_label`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lakemill.algorithms.artifact import read_archive, write_archive
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines.model import FactorizationModel
from lakemill.algorithms.factorization_machines.spec import BINARY, REGRESSOR
from lakemill.formats import mxnet

META, SYMBOL, PARAMS = "meta.json", "symbol.json", "params"
_OUTPUTS = {BINARY: "LogisticRegressionOutput", REGRESSOR: "LinearRegressionOutput"}


def save(model: FactorizationModel, path: Path, parameters: Mapping[str, Any]) -> None:
    """Write the artifact; parameters are the training's hyperparameters. The same model gives the same bytes."""
    arrays = {
        "arg:w0_weight": np.array([model.bias], np.float32),
        "arg:w1_weight": np.ascontiguousarray(model.linear[:, None], np.float32),
        "arg:v": np.ascontiguousarray(model.factors, np.float32),
    }
    known = {name: value for name, value in parameters.items() if value is not None}
    members = {
        META: json.dumps({"training_parameters": known}, indent=2).encode(),
        SYMBOL: json.dumps(_symbol(model.predictor_type), indent=2).encode(),
        PARAMS: mxnet.encode(arrays),
    }
    write_archive(path, members)


def load(path: Path) -> FactorizationModel:
    """Read our own artifact or one made elsewhere. Raises CustomerError."""
    members, arrays = read_archive(path, "factorization-machines", PARAMS)
    parameters = _parameters(members.get(META, b""))
    named = {name.rsplit(":", 1)[-1]: one for name, one in arrays.items()} if isinstance(arrays, dict) else {}
    bias, linear, factors = _tables(named, path.name)
    model = FactorizationModel(bias, linear, factors, _predictor_type(parameters, members.get(SYMBOL, b"")))
    if not model.finite():
        raise CustomerError(f"{path.name} holds numbers that are not finite")
    return model


def _tables(named: Mapping[str, np.ndarray], where: str) -> tuple[float, np.ndarray, np.ndarray]:
    dense = "Linear_Plus_Bias_weight" in named
    names = ("Linear_Plus_Bias_bias", "Linear_Plus_Bias_weight") if dense else ("w0_weight", "w1_weight")
    if "v" not in named or named["v"].ndim != 2:
        raise CustomerError(f"{where} holds no factors v; it has {', '.join(named) or 'no named array'}")
    factors = np.ascontiguousarray(named["v"].T if dense else named["v"], np.float32)
    # A machine without bias or without linear weights has no array for them.
    bias, linear = np.ravel(named.get(names[0], [0])), np.ravel(named.get(names[1], np.zeros(len(factors))))
    if len(bias) != 1 or len(linear) != len(factors):
        raise CustomerError(
            f"{where}: v is of {len(factors)} features, {names[1]} of {len(linear)}; {names[0]} has {len(bias)} values"
        )
    return float(bias[0]), np.asarray(linear, np.float32), factors


def _parameters(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    inner = found.get("training_parameters", found) if isinstance(found, dict) else {}
    return inner if isinstance(inner, dict) else {}


def _predictor_type(parameters: Mapping[str, Any], symbol: bytes) -> str:
    said = parameters.get("predictor_type")
    if said in _OUTPUTS:
        return str(said)
    return BINARY if b"logistic" in symbol.lower() or b"sigmoid" in symbol.lower() else REGRESSOR


def _symbol(predictor_type: str) -> dict[str, Any]:
    """f = data w1 + w0 + (|data v|^2 - data^2 v^2) / 2 and its output, as MXNet's nodes: operator, name, inputs."""
    rows = {"axis": "1", "keepdims": "True"}
    nodes: list[tuple[str, str, tuple[str, ...], dict[str, str]]] = [
        ("null", "data", (), {"__storage_type__": "2"}),
        ("null", "w1_weight", (), {}),
        ("dot", "linear", ("data", "w1_weight"), {}),
        ("null", "w0_weight", (), {}),
        ("broadcast_add", "linear_plus_bias", ("linear", "w0_weight"), {}),
        ("null", "v", (), {}),
        ("dot", "sums", ("data", "v"), {}),
        ("square", "sums_squared", ("sums",), {}),
        ("sum", "of_sums", ("sums_squared",), rows),
        ("square", "data_squared", ("data",), {}),
        ("square", "v_squared", ("v",), {}),
        ("sum", "lengths", ("v_squared",), rows),
        ("dot", "of_squares", ("data_squared", "lengths"), {}),
        ("elemwise_sub", "twice_pairs", ("of_sums", "of_squares"), {}),
        ("_mul_scalar", "pairs", ("twice_pairs",), {"scalar": "0.5"}),
        ("elemwise_add", "f", ("linear_plus_bias", "pairs"), {}),
        ("null", "out_label", (), {}),
        (_OUTPUTS[predictor_type], "out", ("f", "out_label"), {}),
    ]
    place = {name: number for number, (_, name, _, _) in enumerate(nodes)}
    made = [
        {
            "op": op,
            "name": name,
            **({"attrs": attrs} if attrs else {}),
            "inputs": [[place[one], 0, 0] for one in inputs],
        }
        for op, name, inputs, attrs in nodes
    ]
    return {
        "nodes": made,
        "arg_nodes": [number for number, (op, *_) in enumerate(nodes) if op == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[len(nodes) - 1, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10100]},
    }
