"""Request bodies -> features of a loaded model's width."""

from typing import Any

import numpy as np
import scipy.sparse

from lakemill.algorithms import serving
from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.formats import content
from lakemill.formats.errors import FormatError

LIBSVM = "text/libsvm"
_TYPES = (serving.CSV, LIBSVM, "text/x-libsvm", serving.RECORDIO)
_DELIMITERS = (b",", b";", b"\t", b"|", b" ")


def features(request: InferenceRequest, feature_dim: int, libsvm_base: int | None) -> Any:
    """(n, feature_dim) float32, dense (NaN: missing) or CSR (absent: missing).

    libsvm_base: what LibSVM columns count from; None to take 1 when no index is 0. Raises InferenceError: 415 for an
    unknown type or an unparsable body, 400 for a wrong number of features.
    """
    kind, _ = serving.media_type(request.content_type)
    kind = kind or LIBSVM
    if kind not in _TYPES:
        raise InferenceError(415, f"Content type {request.content_type} is not supported; must be one of {_TYPES}")
    try:
        if kind == serving.CSV:
            found: Any = csv(request.body)
        elif kind == serving.RECORDIO:
            found = content.decode(request.body, kind).features
        else:
            return libsvm(request.body, feature_dim, libsvm_base)
    except FormatError as wrong:
        raise InferenceError(
            415, f"Loading {kind} data failed with Exception, please ensure data is in {kind} format: {wrong}"
        ) from None
    _check_width(kind, found.shape[1], feature_dim)
    return found


def _check_width(kind: str, width: int, feature_dim: int) -> None:
    if width != feature_dim:
        raise InferenceError(
            400,
            f"Unable to evaluate payload provided: Feature size of {kind} inference data {width} is not consistent "
            f"with feature size of trained model {feature_dim}.",
        )


def csv(body: bytes) -> np.ndarray:
    """Rows of numbers; an empty field is missing. The delimiter is looked for in the first line. Raises FormatError."""
    if b"\n" not in body.strip():
        try:
            # One record of plain numbers, the commonest request by far: ten times quicker than the general reader.
            return np.array([list(map(float, body.split(b",")))], np.float32)
        except ValueError:
            pass
    first = body.lstrip().partition(b"\n")[0]
    delimiter = next((one for one in _DELIMITERS if one in first.strip()), b",")
    if delimiter != b",":
        body = body.replace(delimiter, b",")
    return content.decode(body, serving.CSV, label_size_default=0).dense()


def libsvm(body: bytes, feature_dim: int, base: int | None) -> scipy.sparse.csr_matrix:
    """`[label] index:value ...` lines. Raises FormatError, InferenceError 400 for an index beyond the model."""
    indices, values, ends = _libsvm_entries(body)
    if base is None:
        base = 1 if len(indices) and indices.min() >= 1 else 0
    indices = indices - base
    if len(indices) and indices.min() < 0:
        raise FormatError("index 0 in data whose columns count from 1")
    # One more than the model has is let through, as AWS does: the column cannot matter to the trees.
    if len(indices) and indices.max() > feature_dim:
        raise InferenceError(
            400,
            f"Unable to evaluate payload provided: Feature size of libsvm inference data {indices.max() + 1} is larger "
            f"than feature size of trained model {feature_dim}.",
        )
    keep = indices < feature_dim
    counts = np.concatenate([[0], np.cumsum(keep)])
    pointers = counts[np.concatenate([[0], ends])]
    return scipy.sparse.csr_matrix((values[keep], indices[keep], pointers), shape=(len(ends), feature_dim))


def _libsvm_entries(body: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Column numbers (int64), values (float32) and the end of each row in them."""
    indices: list[int] = []
    values: list[float] = []
    ends = []
    for number, line in enumerate(body.splitlines(), 1):
        tokens = line.split()
        if not tokens:
            continue
        # A first token without a colon is a label; `label:weight` cannot be told from a feature.
        for token in tokens[0 if b":" in tokens[0] else 1 :]:
            name, _, text = token.partition(b":")
            try:
                indices.append(int(name))
                values.append(float(text))
            except ValueError:
                raise FormatError(f"line {number}: {token[:40].decode('latin-1')!r} is not index:value") from None
        ends.append(len(indices))
    if not ends:
        raise FormatError("no records")
    return np.array(indices, np.int64), np.array(values, np.float32), np.array(ends, np.int64)
