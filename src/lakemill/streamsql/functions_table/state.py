"""An operator's state as bytes: a line of JSON that lists the arrays, then their bytes one after the other."""

import json
from typing import Any

import numpy as np


def pack(arrays: dict[str, np.ndarray], facts: Any = None) -> bytes:
    """The same arrays and facts (anything JSON can hold) give the same bytes.

    >>> arrays, facts = unpack(pack({"a": np.arange(3)}, {"seen": 5}))
    >>> arrays["a"].tolist(), facts
    ([0, 1, 2], {'seen': 5})
    """
    held = {name: np.asarray(array) for name, array in sorted(arrays.items())}
    listed = {name: [array.dtype.str, array.shape] for name, array in held.items()}
    head = json.dumps({"arrays": listed, "facts": facts}, separators=(",", ":")).encode()
    return b"\n".join([head, b"".join(array.tobytes() for array in held.values())])


def unpack(state: bytes) -> tuple[dict[str, np.ndarray], Any]:
    """What `pack` was given; arrays may be written to."""
    head, _, body = state.partition(b"\n")
    told, arrays, start = json.loads(head), {}, 0
    for name, (dtype, shape) in told["arrays"].items():
        size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(body[start : start + size], dtype).reshape(shape).copy()
        start += size
    return arrays, told["facts"]
