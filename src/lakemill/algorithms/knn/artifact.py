"""The model on disk, as AWS lays it out: three files side by side.

    model_algo-1          the faiss index, in faiss's own format
    model_algo-1.labels   the labels of its vectors, float32
    model_algo-1.json     {"k": 10, "predictor_type": "classifier", "dimension_reduction": {"type": "sign", "seed": 3,
                          "target_dim": 10, "input_dim": 20}, "normalize": false, "version": "1.0"}

k and predictor_type may be edited by hand. How AWS makes the matrix of a seed is not public, so reductions made here
carry a "generator", and others are refused. A "feature_dim" is there when vectors were padded with zeros.
"""

import ast
import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.knn.index import cells_of
from lakemill.algorithms.knn.model import NeighborModel
from lakemill.algorithms.knn.projection import Projection
from lakemill.algorithms.knn.vectors import Preparation

GENERATOR = "lakemill-pcg64"
LABELS, METADATA = ".labels", ".json"
PREDICTORS = ("classifier", "regressor")
KINDS = ("sign", "fjlt")


def write(model: NeighborModel, file: Path, feature_dim: int) -> None:
    """Write the three files. file: the index's, `model_algo-1`."""
    prepare, reduction = model.prepare, model.prepare.projection
    described = reduction and {
        "type": reduction.kind,
        "seed": reduction.seed,
        "target_dim": reduction.target_dim,
        "input_dim": reduction.input_dim,
        "generator": GENERATOR,
    }
    metadata = {
        "k": model.k,
        "predictor_type": PREDICTORS[0] if model.classifier else PREDICTORS[1],
        "dimension_reduction": described,
        "normalize": prepare.normalize,
        "version": "1.0",
    }
    if not reduction and prepare.width != feature_dim:
        metadata["feature_dim"] = feature_dim
    faiss.write_index(model.index, str(file))
    model.labels.astype("<f4").tofile(_beside(file, LABELS))
    _beside(file, METADATA).write_text(json.dumps(metadata))


def read(folder: Path) -> tuple[NeighborModel, range]:
    """The model of a folder, ours or AWS's, and the numbers of features its records may have.

    Raises CustomerError.
    """
    files = [path for path in sorted(folder.glob(f"*{METADATA}")) if not path.name.startswith(".")]
    if not files:
        raise CustomerError("the model folder holds no model_algo-1.json beside model_algo-1 and model_algo-1.labels")
    metadata = _metadata(files[0])
    file = files[0].with_suffix("")
    index, labels = _index(file), _labels(_beside(file, LABELS))
    if len(labels) != index.ntotal:
        raise CustomerError(f"{file.name} holds {index.ntotal} vectors, and {file.name}.labels {len(labels)} labels")
    if metadata["k"] > index.ntotal:
        raise CustomerError(f"k in {files[0].name} must be at most {index.ntotal}, the vectors of the index")
    reduction = _reduction(metadata, index.d)
    prepare = Preparation(reduction, bool(metadata.get("normalize")), index.d)
    classifier = metadata["predictor_type"] == PREDICTORS[0]
    return NeighborModel(index, labels, prepare, k=metadata["k"], classifier=classifier), _widths(metadata, index)


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _metadata(path: Path) -> dict[str, Any]:
    text = path.read_text(errors="replace")
    try:
        found = json.loads(text)
    except ValueError:
        try:  # As AWS's page prints it: with Python's words for true, false and null.
            found = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            found = None
    if not isinstance(found, dict):
        raise CustomerError(f"{path.name} must be a JSON object with k and predictor_type")
    k = found.get("k")
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise CustomerError(f"k in {path.name} must be a positive integer; got {k!r}")
    if found.get("predictor_type") not in PREDICTORS:
        got = found.get("predictor_type")
        raise CustomerError(f"predictor_type in {path.name} must be classifier or regressor; got {got!r}")
    return found


def _index(file: Path) -> faiss.Index:
    if not file.is_file():
        raise CustomerError(f"the model folder holds no {file.name}, the faiss index")
    try:  # Mapped, not read: a server starts at once, and several share the pages.
        return faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as wrong:
        reason = str(wrong).rsplit("Error: ", 1)[-1]
        raise CustomerError(f"{file.name} is no faiss index: {reason}") from None


def _labels(file: Path) -> np.ndarray:
    if not file.is_file() or file.stat().st_size % 4:
        raise CustomerError(f"{file.name} must be there and hold float32 labels")
    return np.fromfile(file, "<f4").astype(np.float32, copy=False)


def _reduction(metadata: dict[str, Any], width: int) -> Projection | None:
    given = metadata.get("dimension_reduction")
    if not given:
        return None
    if not isinstance(given, dict) or given.get("generator") != GENERATOR:
        raise CustomerError(
            "the model has a dimension_reduction that was not made here; how its random matrix came about is not "
            "public, so it cannot be made again: train the model anew, or without dimension_reduction_type"
        )
    sizes: list[Any]
    kind, sizes = given.get("type"), [given.get(name) for name in ("seed", "input_dim", "target_dim")]
    if kind not in KINDS or not all(isinstance(size, int) and size >= 0 for size in sizes) or sizes[2] != width:
        raise CustomerError(f"dimension_reduction must be as it was made, with the target_dim {width}; got {given}")
    return Projection(kind, *sizes)


def _widths(metadata: dict[str, Any], index: faiss.Index) -> range:
    """Features of a record. AWS does not say how many zeros fill a vector up; there are fewer than it has parts."""
    if metadata.get("dimension_reduction"):
        known = metadata["dimension_reduction"]["input_dim"]
        return range(known, known + 1)
    if "feature_dim" in metadata:
        return range(metadata["feature_dim"], metadata["feature_dim"] + 1)
    ivf = cells_of(index)
    inner = faiss.downcast_index(ivf) if ivf else None
    parts = inner.pq.M if isinstance(inner, faiss.IndexIVFPQ) else 1
    return range(index.d - parts + 1, index.d + 1)
