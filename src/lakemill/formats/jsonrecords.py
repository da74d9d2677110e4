"""JSON and JSON Lines records, as the built-in algorithms take and answer them.

A request is `{"instances": [instance, ...]}`, or one instance per line (JSON Lines). An instance is one of

    {"features": [1.5, 2]}
    {"data": {"features": {"values": [1.5, 2]}}}
    {"data": {"features": {"keys": [26, 182], "shape": [2000], "values": [1, 4]}}}

and may bring a "configuration" object beside its data, as may the request as a whole. An answer is
`{"predictions": [{"score": 0.5}, ...]}`, or the same objects one per line.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np

from lakemill.formats import streams
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError

_ROWS = 1 << 14


class _Tensor(msgspec.Struct):
    values: list[float]
    keys: list[int] | None = None
    shape: list[int] | None = None


class _Data(msgspec.Struct):
    features: _Tensor


class _Instance(msgspec.Struct):
    features: list[float] | _Tensor | None = None
    data: _Data | None = None
    configuration: dict[str, Any] | None = None

    def tensor(self) -> "list[float] | _Tensor | None":
        return self.features if self.data is None else self.data.features


class _Request(msgspec.Struct):
    instances: list[_Instance]
    configuration: dict[str, Any] | None = None


_request = msgspec.json.Decoder(_Request)
_instance = msgspec.json.Decoder(_Instance)


@dataclasses.dataclass(frozen=True)
class Instances:
    """The records of a request and what it configures.

    configuration: of the whole request. configurations: one per record; None where a record has none.
    """

    block: Block
    configuration: dict[str, Any] | None
    configurations: list[dict[str, Any] | None]


def decode(body: bytes) -> Instances:
    """An `application/json` request.

    Raises
    ------
    FormatError
        If the body is not JSON of that form, records differ in width, or keys, values and shape do not go together.
        Names the record, from 1.

    >>> decode(b'{"instances": [{"features": [1, 2]}]}').block.features.tolist()
    [[1.0, 2.0]]
    """
    try:
        request = _request.decode(_utf8(body))
    except msgspec.MsgspecError as wrong:
        raise FormatError(f"not a JSON request of instances: {wrong}") from None
    return _instances(request.instances, request.configuration)


def decode_lines(body: bytes) -> Instances:
    """An `application/jsonlines` request: one instance per line. Raises FormatError as `decode` does, naming the line.

    >>> decode_lines(b'{"features": [1, 2]}').block.features.tolist()
    [[1.0, 2.0]]
    """
    return _instances(_lines(bytes(body).split(b"\n"), 1), None)


def iter_lines(sources: Iterable[streams.Source], rows: int) -> Iterator[Block]:
    """The records of JSON Lines files in blocks of exactly `rows`. Raises FormatError with the file's name."""
    return streams.iter_blocks(sources, rows, blocks_of_lines)


def blocks_of_lines(stream: BinaryIO) -> Iterator[Block]:
    """The records of one JSON Lines stream in blocks of some thousand lines."""
    lines: list[bytes] = []
    first = 1
    for line in stream:
        lines.append(line)
        if len(lines) == _ROWS:
            yield _instances(_lines(lines, first), None).block
            first, lines = first + len(lines), []
    if block := _instances(_lines(lines, first), None).block:
        yield block


def _lines(lines: Sequence[bytes], first: int) -> list[_Instance]:
    found = []
    for number, line in enumerate(lines, first):
        if line.strip():
            try:
                found.append(_instance.decode(_utf8(line)))
            except (msgspec.MsgspecError, FormatError) as wrong:
                raise FormatError(f"line {number} is not a JSON instance: {wrong}", line=number) from None
    return found


def _utf8(body: bytes) -> bytes:
    """The body, if it is UTF-8: the decoder does not look into members that it skips. Raises FormatError."""
    try:
        if not body.isascii():
            str(body, "utf-8")
    except UnicodeDecodeError as wrong:
        raise FormatError(f"not UTF-8: {wrong.reason} at byte {wrong.start}") from None
    return body


def _instances(instances: list[_Instance], configuration: dict[str, Any] | None) -> Instances:
    tensors = [instance.tensor() for instance in instances]
    return Instances(_block(tensors), configuration, [instance.configuration for instance in instances])


def _block(tensors: Sequence[list[float] | _Tensor | None]) -> Block:
    rows = [_checked(number, tensor) for number, tensor in enumerate(tensors, 1)]
    if not rows:
        return Block(np.empty((0, 0), np.float32))
    width = rows[0][2]
    for number, row in enumerate(rows, 1):
        if row[2] != width:
            message = f"record {number} has {row[2]} features; the records before it have {width}"
            raise FormatError(message, record=number)
    if all(keys is None for _, keys, _ in rows):
        return Block(np.array([values for values, _, _ in rows], np.float32).reshape(len(rows), width))
    from scipy import sparse  # Dense requests never wait for scipy.

    columns = [range(width) if keys is None else keys for _, keys, _ in rows]
    starts = np.concatenate([[0], np.cumsum([len(keys) for keys in columns])])
    numbers = np.array([value for values, _, _ in rows for value in values], np.float32)
    indices = np.array([key for keys in columns for key in keys], np.int32)
    features = sparse.csr_matrix((numbers, indices, starts), shape=(len(rows), width))
    features.sort_indices()
    return Block(features)


Row = tuple[list[float], list[int] | None, int]
"""Values, keys (None if dense), width."""


def _checked(number: int, tensor: list[float] | _Tensor | None) -> Row:
    if tensor is None:
        raise FormatError(f'record {number} has neither "features" nor "data.features"', record=number)
    if isinstance(tensor, list):
        return tensor, None, len(tensor)
    values, keys, shape = tensor.values, tensor.keys, tensor.shape
    wrong = _disagreement(values, keys, shape)
    if wrong:
        raise FormatError(f"record {number} {wrong}", record=number)
    if keys or (not values and shape):
        return values, keys or [], math.prod(shape or [])
    return values, None, len(values)


def _disagreement(values: list[float], keys: list[int] | None, shape: list[int] | None) -> str | None:
    width = math.prod(shape) if shape else 0
    if keys and len(keys) != len(values):
        return f"has {len(keys)} keys for {len(values)} values"
    if keys and not shape:
        return "is sparse (it has keys) and names no shape"
    if keys and not (min(keys) >= 0 and max(keys) < width):
        return f"has a key from {min(keys)} to {max(keys)} that is outside of its shape {shape}"
    if shape and values and not keys and width != len(values):
        return f"has {len(values)} values for the shape {shape}, which needs {width}"
    if shape and not 0 <= width < 1 << 31:
        return f"has the shape {shape}, which is wider than can be read"
    return None


def encode(outputs: Mapping[str, Any], wrapper: str = "predictions") -> bytes:
    """An `application/json` answer.

    Parameters
    ----------
    outputs : name -> (n,) array (a number per record), (n, k) array (a list per record) or list of n anything
        Integers print as integers. NaN and infinity, which JSON does not have, become null.
    wrapper : str
        The key around the list: `predictions`, or `projections` (PCA) or `scores` (Random Cut Forest).

    >>> encode({"score": np.float32([0.5]), "near": np.float32([[1, 2]])})
    b'{"predictions":[{"score":0.5,"near":[1.0,2.0]}]}'
    """
    return msgspec.json.encode({wrapper: list(_answers(outputs))})


def encode_lines(outputs: Mapping[str, Any]) -> bytes:
    """An `application/jsonlines` answer: one object per line.

    >>> encode_lines({"score": np.float32([0.5, 1])})
    b'{"score":0.5}\\n{"score":1.0}\\n'
    """
    return msgspec.json.Encoder().encode_lines(_answers(outputs))


def _answers(outputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    columns = [
        column.tolist() if isinstance(column, np.ndarray) else map(_plain, column) for column in outputs.values()
    ]
    names = list(outputs)
    return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
