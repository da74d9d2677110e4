"""How the platform and a worker speak over the worker's standard input and output.

A message is its length (4 bytes, big-endian) and a document in MessagePack. Requests are answered one by one, in order:

    {"do": "open", "plan": plan, "snapshot": bytes or None}      -> {"streams": [names]}
    {"do": "push", "input": i, "records": [[data, arrival ms, key, sequence, shard], ...], "now": ms}  -> outcome
    {"do": "advance", "now": ms}                                  -> outcome
    {"do": "snapshot"}                                            -> {"snapshot": bytes}
    {"do": "check", "plan": plan}                                 -> {"streams": [names]}
    {"do": "discover", "records": [bytes, ...]}                   -> {"form": form, "rows": [[text, ...], ...]}

An outcome is {"outputs": {number: [record, ...]}, "faults": count, "samples": [text, ...]}: what each output gets, and
how many rows went to the error stream. What goes wrong is {"error": text, "kind": "code" | "schema" | "fault", "line",
"column"}.

A plan is {"code", "inputs", "references", "outputs"}:

    input       {"prefix", "count", "form", "keyed"}   count: parallel streams; keyed: records have a key and a shard
    reference   {"table", "form", "data"}              data: the bytes of its object
    output      {"stream", "format", "newline"}        newline: end each JSON object with one

A form is what `records.RecordReader` takes.
"""

import struct
from collections.abc import Callable
from typing import Any

import msgspec

LENGTH = struct.Struct(">I")
BYTES_MAX = (1 << 31) - 1

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode


def framed(message: Any) -> bytes:
    """A message as bytes. Raises ValueError beyond 2 GiB."""
    body = encode(message)
    if len(body) > BYTES_MAX:
        raise ValueError(f"a message has {len(body)} bytes; at most {BYTES_MAX} are possible")
    return LENGTH.pack(len(body)) + body


def read_message(read: Callable[[int], bytes]) -> Any:
    """The next message from a blocking `read(size)`; None at the end."""
    head = read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    body = read(size)
    return decode(body) if len(body) == size else None
