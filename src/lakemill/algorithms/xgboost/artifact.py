"""Load the model files of an artifact: the library's own formats, and pickled Boosters of AWS's old containers.

A pickle is a program. Ours are read by an unpickler that knows one class, a stand-in for xgboost's Booster that only
keeps its state, and no function; anything else in the file is refused.
"""

import dataclasses
import io
import json
import pickle
from pathlib import Path
from typing import Any

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost.library import XGBoostError, plain_message, xgboost


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A model and what serving must know of it.

    rounds: how many rounds to predict with; 0 for all. libsvm_base: whether its LibSVM training data counted columns
    from 0 or 1; None for a model trained elsewhere.
    """

    booster: Any
    objective: str
    feature_dim: int
    class_count: int
    linear: bool
    rounds: int = 0
    libsvm_base: int | None = None


def load_folder(folder: Path) -> list[Loaded]:
    """Every model file of a folder, by name. Raises CustomerError if there is none or one cannot be read."""
    files = sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise CustomerError(f"No model file in {folder}; expected xgboost-model")
    return [load_file(path) for path in files]


def load_file(path: Path) -> Loaded:
    """One model file. Raises CustomerError."""
    raw = path.read_bytes()
    attributes: dict[str, Any] = {}
    # Protocol 2 and above begin with this byte; no model format does.
    if raw[:1] == b"\x80":
        attributes = unpickled(raw, path.name)
        raw = bytes(attributes.pop("handle"))
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(raw))
    except XGBoostError as wrong:
        raise CustomerError(f"{path.name} is not a model xgboost can read: {plain_message(wrong)}") from None
    return _described(booster, attributes)


def _described(booster: Any, pickled: dict[str, Any]) -> Loaded:
    learner = json.loads(booster.save_config())["learner"]
    best = booster.attr("best_iteration") or pickled.get("best_iteration")
    rounds = 0
    if best is not None and int(best) < booster.num_boosted_rounds():
        rounds = int(best) + 1
    base = booster.attr("lakemill_libsvm_base")
    return Loaded(
        booster=booster,
        objective=learner["objective"]["name"],
        feature_dim=booster.num_features(),
        class_count=int(learner["learner_model_param"]["num_class"]),
        linear=learner["gradient_booster"]["name"] == "gblinear",
        rounds=rounds,
        libsvm_base=None if base is None else int(base),
    )


class _PickledBooster:
    """Stands in for xgboost.core.Booster: keeps the state and runs nothing."""

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("xgboost.core", "Booster"):
            return _PickledBooster
        if module in ("builtins", "__builtin__") and name == "bytearray":
            return bytearray
        if (module, name) in (("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor")):
            return _reconstruct
        if (module, name) in (("builtins", "object"), ("__builtin__", "object")):
            return object
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise CustomerError(
            f"The pickled model needs {module}.{name}; only a pickled xgboost Booster is read, because a pickle can "
            "run any code. Save the model with Booster.save_model instead"
        )


def _reconstruct(cls: Any, base: Any, state: Any) -> Any:
    if cls is not _PickledBooster or base is not object:
        raise CustomerError("The pickled model holds something else than an xgboost Booster")
    return _PickledBooster()


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise CustomerError("The pickled model holds text where bytes belong")
    return text.encode("latin-1")


def unpickled(raw: bytes, name: str) -> dict[str, Any]:
    """The state of a pickled Booster: `handle` (the model's bytes) and attributes. Raises CustomerError."""
    try:
        found = _Unpickler(io.BytesIO(raw), encoding="latin-1").load()
    except CustomerError:
        raise
    except Exception as wrong:
        raise CustomerError(f"{name} is not a readable pickle: {wrong}") from None
    state = getattr(found, "state", None)
    if not isinstance(found, _PickledBooster) or not isinstance(state, dict) or not state.get("handle"):
        raise CustomerError(f"{name} is a pickle, but not of a trained xgboost Booster")
    handle = state["handle"]
    return {**state, "handle": handle.encode("latin-1") if isinstance(handle, str) else handle}
