"""A fitted matcher as a file: a NumPy archive (.npz) without pickled objects.

about            JSON: version, parameters, the kinds of columns, numbers of the matcher
m, u, chance     FellegiSunter
tree             the booster in XGBoost's UBJSON, bytes
left, right      keys of the labelled pairs, text, with match and probability
"""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lakemill.matching.errors import ArtifactError
from lakemill.matching.fellegi_sunter import LEVELS, FellegiSunter
from lakemill.matching.matcher import Matcher
from lakemill.matching.model import Model, Seen

VERSION = 1


def save(path: str | Path, parameters: dict[str, Any], model: Model) -> None:
    """Write the file, whole or not at all."""
    matcher, seen = model.matcher, model.seen
    about: dict[str, Any] = {
        "version": VERSION,
        "parameters": parameters,
        "kinds": model.kinds,
        "share": model.prior.share,
        "left": seen.left.to_pylist(),
        "right": seen.right.to_pylist(),
    }
    if matcher is not None:
        about["matcher"] = {"slope": matcher.slope, "shift": matcher.shift, "rounds": matcher.rounds,
                            "calibration": list(matcher.calibration)}  # fmt: skip
    arrays: dict[str, Any] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "m": model.prior.m, "u": model.prior.u, "chance": model.prior.chance,
        "tree": np.frombuffer(b"" if matcher is None else matcher.tree, np.uint8),
        "match": seen.match, "probability": seen.probability,
    }  # fmt: skip
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    part = Path(f"{path}.part")
    with part.open("wb") as file:
        file.write(buffer.getvalue())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(source: str | Path | bytes) -> tuple[dict[str, Any], Model]:
    """Parameters and model of a file, or of its bytes. Raises ArtifactError for what is none; OSError if it cannot be
    read."""
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    name = "The model" if isinstance(source, bytes) else str(source)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(arrays["about"].tobytes())
        if about["version"] != VERSION:
            raise ArtifactError(f"{name} is of version {about['version']}; this reads version {VERSION}")
        return about["parameters"], _model(about, arrays)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(f"{name} is no fitted matcher: {error}") from None


def _model(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    shape = (len(about["kinds"]), LEVELS)
    if arrays["m"].shape != shape or arrays["u"].shape != shape or arrays["chance"].shape != shape[:1]:
        raise ValueError("its weights do not fit its columns")
    left, right = pa.array(about["left"], pa.string()), pa.array(about["right"], pa.string())
    if not len(left) == len(right) == len(arrays["match"]) == len(arrays["probability"]):
        raise ValueError("its labels do not fit each other")
    matcher = None
    if "matcher" in about:
        kept = about["matcher"]
        calibration = (float(kept["calibration"][0]), float(kept["calibration"][1]))
        tree = arrays["tree"].tobytes()
        matcher = Matcher(float(kept["slope"]), float(kept["shift"]), int(kept["rounds"]), tree, calibration)
        matcher.check()
    prior = FellegiSunter(arrays["m"], arrays["u"], float(about["share"]), arrays["chance"])
    seen = Seen(left, right, arrays["match"].astype(bool), arrays["probability"])
    return Model(about["kinds"], prior, matcher, seen)
