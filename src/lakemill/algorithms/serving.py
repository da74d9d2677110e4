"""From a request body to arrays and back: what the record-shaped algorithms share when they serve.

A subclass of RecordPredictor says which outputs it has for a block of records; everything else (content types, Accept,
feature counts, wrappers, errors) is here, after the shared facts of AWS's built-in algorithms:

- requests: JSON (`{"instances": [...]}`), JSON Lines, CSV, RecordIO-protobuf, dense or sparse;
- answers: `{"predictions": [{...}, ...]}`, the same objects one per line, CSV, or one protobuf Record per input with
  each output as a float32 tensor in `label`;
- order of the answers = order of the records.
"""

import abc
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lakemill.algorithms.contract import InferenceError, InferenceRequest, InferenceResponse
from lakemill.formats import content, jsonrecords, records
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError

JSON = "application/json"
JSONLINES = "application/jsonlines"
CSV = "text/csv"
RECORDIO = "application/x-recordio-protobuf"

Outputs = Mapping[str, np.ndarray]
"""Name of an output -> (n,) or (n, k) array. Integer arrays print as integers, others as floats."""


class RecordPredictor(abc.ABC):
    """Answers /invocations for a model that maps records to named outputs.

    Subclasses set `feature_dim` and implement `outputs`. environment: the container's environment variables; read are
    SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT and SAGEMAKER_BATCH.
    """

    wrapper = "predictions"
    """The key around the list in a JSON answer."""
    request_types: tuple[str, ...] = (JSON, JSONLINES, CSV, RECORDIO)
    response_types: tuple[str, ...] = (JSON, JSONLINES, RECORDIO)
    default_accept = JSON
    batch_default_accept: str | None = None
    """Used instead of default_accept in a transform job, where that differs."""
    label_size_default = 0
    """Label columns in a CSV request that names no label_size."""
    feature_dim: int

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        environment = {} if environment is None else environment
        self.batch = is_batch(environment)
        fallback = (self.batch and self.batch_default_accept) or self.default_accept
        self._default_accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or fallback

    @abc.abstractmethod
    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        """The model's outputs for n records; options are the parameters of Accept, e.g. `{"verbose": "true"}`."""

    def invoke(self, request: InferenceRequest) -> InferenceResponse:
        """Answer one request. Raises InferenceError: 400 bad records, 406 Accept, 415 type or unparsable body."""
        accept, options = negotiate(request.accept, self.response_types, self._default_accept)
        block = self.decode(request)
        return InferenceResponse(encode(self.outputs(block, options), accept, self.wrapper), accept)

    def decode(self, request: InferenceRequest) -> Block:
        """The request's records, with the width the model was trained on."""
        block = decode_body(request, self.request_types, self.label_size_default)
        check_features(block, self.feature_dim)
        return block

    def execution_parameters(self) -> dict[str, Any]:
        return execution_parameters()


def is_batch(environment: Mapping[str, str]) -> bool:
    """Whether this container works for a transform job."""
    return environment.get("SAGEMAKER_BATCH", "").lower() not in ("", "false", "0")


def execution_parameters() -> dict[str, Any]:
    """What GET /execution-parameters answers; one transform per processor."""
    return {"MaxConcurrentTransforms": os.cpu_count() or 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """A header's media type in lower case and its parameters.

    >>> media_type("Text/CSV; label_size=1")
    ('text/csv', {'label_size': '1'})
    """
    head, *rest = value.split(";")
    parameters = {}
    for part in rest:
        name, equals, text = part.partition("=")
        if equals:
            parameters[name.strip().lower()] = text.strip().strip('"')
    return head.strip().lower(), parameters


def negotiate(accept: str, supported: Sequence[str], default: str) -> tuple[str, dict[str, str]]:
    """The media type to answer with and Accept's parameters for it. Raises InferenceError 406.

    The highest q wins, then the client's order. Nothing, `*/*` and a matching `type/*` mean the default (or the first
    supported type of that family).

    >>> negotiate("text/plain, application/json;q=0.5", ["application/json"], "application/json")
    ('application/json', {})
    """
    if not accept.strip():
        accept = default
    wishes = []
    for place, one in enumerate(accept.split(",")):
        name, parameters = media_type(one)
        quality = _quality(parameters.pop("q", "1"))
        if name and quality > 0:
            wishes.append((-quality, place, name, parameters))
    for _, _, name, parameters in sorted(wishes, key=lambda wish: wish[:2]):
        found = _supported(name, supported, default)
        if found:
            return found, parameters
    raise InferenceError(406, f"Accept type {accept} is not supported; must be one of {', '.join(supported)}")


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _supported(name: str, supported: Sequence[str], default: str) -> str | None:
    if name in ("*/*", "*"):
        name, _ = media_type(default)
    if name.endswith("/*"):
        family = name[:-1]
        if default.startswith(family) and default in supported:
            return default
        return next((one for one in supported if one.startswith(family)), None)
    return name if name in supported else None


def decode_body(request: InferenceRequest, supported: Sequence[str], label_size_default: int = 0) -> Block:
    """A request body's records. Raises InferenceError: 415 for the type or an unparsable body, 400 for no records."""
    name, _ = media_type(request.content_type)
    if name not in supported:
        named = f"Content type {request.content_type!r} is not supported" if name else "The request has no Content-Type"
        raise InferenceError(415, f"{named}; must be one of {', '.join(supported)}")
    if not request.body.strip():
        raise InferenceError(400, "The request body is empty; it must hold at least one record")
    try:
        block = content.decode(request.body, request.content_type, label_size_default=label_size_default)
    except FormatError as wrong:
        raise InferenceError(415, f"Unable to parse the body as {name}: {wrong}") from None
    if not len(block):
        raise InferenceError(400, "The request holds no records")
    return block


def check_features(block: Block, feature_dim: int) -> None:
    """Raises InferenceError 400 when the records' width is not the model's or a value is not a finite number."""
    width = block.features.shape[1]
    if width != feature_dim:
        raise InferenceError(400, f"The model expects {feature_dim} features per record; got {width}")
    values = block.features.data if block.sparse else block.features
    if not np.isfinite(values).all():
        raise InferenceError(400, "Every feature must be a finite number; got NaN or infinity")


def encode(outputs: Outputs, accept: str, wrapper: str = "predictions") -> bytes:
    """The outputs of n records as a response body of type `accept`."""
    return _ENCODERS[accept](outputs, wrapper)


def _encode_csv(outputs: Outputs) -> bytes:
    columns = [np.asarray(column) for column in outputs.values()]
    flat = [column.reshape(len(column), -1).T.tolist() for column in columns]
    rows = zip(*(values for column in flat for values in column), strict=True)
    return "".join(",".join(map(repr, row)) + "\n" for row in rows).encode()


_ENCODERS: Mapping[str, Callable[[Outputs, str], bytes]] = {
    JSON: jsonrecords.encode,
    JSONLINES: lambda outputs, wrapper: jsonrecords.encode_lines(outputs),
    CSV: lambda outputs, wrapper: _encode_csv(outputs),
    RECORDIO: lambda outputs, wrapper: records.encode_outputs(outputs),
}
