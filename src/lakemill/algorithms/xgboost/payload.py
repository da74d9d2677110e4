"""Request bodies -> features of a loaded model's width."""

from typing import Any

import numpy as np
import scipy.sparse

from lakemill.algorithms import serving
from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.formats import content
from lakemill.formats import csv as formats_csv
from lakemill.formats import libsvm as formats_libsvm
from lakemill.formats.errors import FormatError

LIBSVM = "text/libsvm"
_TYPES = (serving.CSV, LIBSVM, "text/x-libsvm", serving.RECORDIO)


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
            found = content.decode(request.body, kind, label_size_default=0).features
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
    return formats_csv.decode(body, missing=True).features


def libsvm(body: bytes, feature_dim: int, base: int | None) -> scipy.sparse.csr_matrix:
    """`[label] index:value ...` lines. Raises FormatError, InferenceError 400 for an index beyond the model."""
    found = formats_libsvm.decode(body, labels=False, one_based=None if base is None else bool(base)).features
    width = found.shape[1]
    # One more than the model has is let through, as AWS does; the trees do not know the column.
    if width > feature_dim + 1:
        raise InferenceError(
            400,
            f"Unable to evaluate payload provided: Feature size of libsvm inference data {width} is larger than "
            f"feature size of trained model {feature_dim}.",
        )
    if width > feature_dim:
        return found[:, :feature_dim]
    found.resize(found.shape[0], feature_dim)
    return found
