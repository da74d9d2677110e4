"""Columns of an answer, made into what JSON or CBOR takes.

Structures of msgspec are made from columns in one call and written quickly. But if they have long binary data, nearly
all of the time goes into base64. So JSON with such data is put together here from columns of text: pybase64 uses the
processor's vectors.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pybase64

from lakemill.services.base import Columns

LONG_BYTES = 256
"""Binary data is long if it has more bytes, on average."""

_encode = msgspec.json.encode


def json_columns(kinds: Mapping[str, str]) -> Callable[[Columns], Any]:
    """What makes Columns into something that msgspec writes as JSON. kinds: by member, the type of its shape."""

    def write(columns: Columns) -> Any:
        if not columns.gaps:
            blobs = [values for name, values in columns.members.items() if kinds[name] == "blob"]
            if sum([sum(map(len, values)) for values in blobs]) > LONG_BYTES * len(columns):
                strings = [values for name, values in columns.members.items() if kinds[name] == "string"]
                if all(map(is_plain, strings)):
                    return json_text(columns, kinds)
        return structures(columns)

    return write


def dict_columns(moments: Mapping[str, Callable[[Any], Any]]) -> Callable[[Columns], list[dict[str, Any]]]:
    """What makes Columns into dicts. moments: by member, what a timestamp becomes."""

    def write(columns: Columns) -> list[dict[str, Any]]:
        items: list[Any] = msgspec.to_builtins(structures(columns), builtin_types=(bytes,))
        for name in moments.keys() & columns.members.keys():
            values = columns.members[name]
            made = {value: moments[name](value) for value in set(values)}  # Neighbours often have the same time.
            for item, value in zip(items, values, strict=True):
                item[name] = made[value]
        return items

    return write


def structures(columns: Columns) -> list[Any]:
    """One of msgspec for each."""
    kind = _structure((*columns.members, *columns.constants))
    return list(map(kind, *columns.members.values(), *map(itertools.repeat, columns.constants.values())))


@functools.cache
def _structure(names: tuple[str, ...]) -> Callable[..., Any]:
    return msgspec.defstruct("Structure", names, gc=False)


def is_plain(values: Sequence[str]) -> bool:
    """Whether these texts are ASCII and JSON escapes nothing in them.

    >>> is_plain(["a", "b c"]), is_plain(["a", 'say "b"']), is_plain(["ä"])
    (True, False, False)
    """
    joined = "".join(values)
    return joined.isascii() and len(_encode(joined)) == len(joined) + len('""')


def json_text(columns: Columns, kinds: Mapping[str, str]) -> msgspec.Raw:
    """One structure or more, whose texts are plain.

    >>> bytes(json_text(Columns({"Id": ["a", "b"], "At": [1.5, 2]}, {"Ok": True}), {"Id": "string", "At": "timestamp"}))
    b'[{"Id":"a","At":1.5,"Ok":true},{"Id":"b","At":2,"Ok":true}]'
    """
    count = len(columns)
    step = 2 * len(columns.members) + 1
    pieces = [""] * (step * count)
    before = "{"
    for at, (name, values) in enumerate(columns.members.items()):
        quote = '"' if kinds[name] in ("blob", "string") else ""
        if kinds[name] == "blob":
            values = list(map(pybase64.b64encode_as_string, values))
        elif not quote:
            values = _encode(list(values))[1:-1].decode().split(",")
        pieces[2 * at :: step] = [f'{before}"{name}":{quote}'] * count
        pieces[2 * at + 1 :: step] = values
        before = quote + ","
    constants = "," + _encode(columns.constants)[1:-1].decode() if columns.constants else ""
    end = quote + constants + "}"
    pieces[step - 1 :: step] = [end + ","] * count
    pieces[0], pieces[-1] = "[" + pieces[0], end + "]"
    return msgspec.Raw("".join(pieces))
