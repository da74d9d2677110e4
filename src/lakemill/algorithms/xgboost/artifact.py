"""Load the model files of an artifact: the library's own formats, and pickled Boosters of AWS's old containers.

A pickle is a program. Ours are read by an unpickler that knows one class, a stand-in for xgboost's Booster that only
keeps its state, and no function; anything else in the file is refused.
"""

import dataclasses
import io
import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost import legacy
from lakemill.algorithms.xgboost.library import XGBoostError, plain_message, xgboost

_PICKLES = (b"\x80", b"ccopy_reg\n", b"ccopyreg\n")
"""How pickles begin: protocol 2 and above, and protocol 0 of the container of xgboost 0.72."""


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


def load_model(path: str | os.PathLike[str]) -> Any:
    """The `xgboost.Booster` in a model file of any version of AWS's container, pickled ones included.

    Raises CustomerError when it is none.

    >>> import tempfile, xgboost
    >>> kept = Path(tempfile.mkdtemp()) / "xgboost-model"
    >>> trained = xgboost.train({}, xgboost.DMatrix([[0.0], [1.0]], label=[0, 1]), 3)
    >>> _ = kept.write_bytes(trained.save_raw())
    >>> load_model(kept).num_boosted_rounds()
    3
    """
    return load_file(Path(path)).booster


def load_file(path: Path) -> Loaded:
    """One model file. Raises CustomerError."""
    raw = path.read_bytes()
    attributes: dict[str, Any] = {}
    if raw.startswith(_PICKLES):
        attributes = unpickled(raw, path.name)
        raw = bytes(attributes.pop("handle"))
    return _described(_booster(raw, path.name), attributes)


def _booster(raw: bytes, name: str) -> Any:
    if legacy.is_legacy(raw):
        raw = legacy.to_json(raw)
    elif raw.startswith(b'{"Config":'):
        raw = json.dumps(json.loads(raw)["Model"]).encode()  # A snapshot of 1.3 to 1.5: settings and model.
    booster = xgboost.Booster()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The library advises to save old models anew; we cannot.
            if raw[:16].endswith(b"Config"):  # A snapshot in UBJSON, which only the library's unpickling call reads.
                booster.__setstate__({"handle": bytearray(raw)})
            else:
                booster.load_model(bytearray(raw))
    except (XGBoostError, UnicodeDecodeError) as wrong:
        raise CustomerError(f"{name} is not a model xgboost can read: {plain_message(wrong)}") from None
    return booster


def _trees_per_round(gradient_booster: dict[str, Any]) -> int:
    trees = gradient_booster.get("gbtree", gradient_booster)
    return int(trees.get("gbtree_model_param", {}).get("num_parallel_tree", 1))


def _described(booster: Any, pickled: dict[str, Any]) -> Loaded:
    learner = json.loads(booster.save_config())["learner"]
    best = booster.attr("best_iteration") or pickled.get("best_iteration")
    rounds = 0 if best is None else int(best) + 1
    if pickled.get("best_ntree_limit"):
        # Old pickles count trees, and old models do not say how many trees a round has: their rounds are trees too.
        rounds = int(pickled["best_ntree_limit"]) // _trees_per_round(learner["gradient_booster"])
    if rounds > booster.num_boosted_rounds():
        rounds = 0  # The artifact was cut to its best rounds already.
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
