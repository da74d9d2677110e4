"""One entry for all record formats: a content type and bytes or files in, blocks out.

    text/csv                          csv                 label_size=0|1
    text/libsvm, text/x-libsvm        libsvm
    application/x-recordio-protobuf   recordio-protobuf
    application/x-parquet             parquet
    application/json                  json
    application/jsonlines             jsonlines

The short names in the second column are the XGBoost container's. `charset` may be any name of UTF-8 or ASCII.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO

import numpy as np

from lakemill.formats import csv, jsonrecords, records, streams
from lakemill.formats.block import Block, concatenate
from lakemill.formats.errors import FormatError, UnsupportedType
from lakemill.formats.streams import gunzip

__all__ = ["ContentType", "Options", "decode", "gunzip", "iter_blocks", "parse", "read", "supported"]

_CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")


@dataclasses.dataclass(frozen=True)
class ContentType:
    """A media type in lower case, and its parameters with names in lower case."""

    name: str
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)


def parse(text: str) -> ContentType:
    """A Content-Type header; the short names become full ones.

    >>> parse('text/csv;label_size=0; charset="utf8"')
    ContentType(name='text/csv', parameters={'label_size': '0', 'charset': 'utf8'})
    """
    name, *rest = (part.strip() for part in text.split(";"))
    pairs = (part.partition("=") for part in rest if part)
    name = name.lower()
    parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
    return ContentType(_SHORT.get(name, name), parameters)


@dataclasses.dataclass(frozen=True)
class Options:
    """How to read where the content type leaves it open.

    label_size : 0 or 1, label columns of CSV and Parquet; 0 also lets LibSVM lines go without a label
    weights : CSV has a weight behind the label
    delimiter : of CSV; None looks at the first line
    missing : an empty cell of CSV is NaN and not an error
    label_names : keys of a protobuf Record's label map
    dimension, one_based : of LibSVM, as in libsvm.decode
    """

    label_size: int = 1
    weights: bool = False
    delimiter: str | None = None
    missing: bool = False
    label_names: tuple[str, ...] = ("values",)
    dimension: int | None = None
    one_based: bool | None = False


def decode(body: bytes, content_type: str, *, label_size_default: int = 0, **options: object) -> Block:
    """The records of a body.

    Parameters
    ----------
    body : bytes-like
    content_type : str
        With parameters, as in an HTTP header.
    label_size_default : 0 or 1
        Label columns where the content type has no label_size: 1 when training, 0 in a request.
    **options
        Fields of Options.

    Raises
    ------
    UnsupportedType
        If the type or one of its parameters is not known here.
    FormatError
        If the body is not what its type says.

    >>> decode(b"1,2", "text/csv; charset=utf-8", label_size_default=0).features.tolist()
    [[1.0, 2.0]]
    """
    form, chosen = _chosen(content_type, label_size_default, options)
    return form.decode(body, chosen)


def iter_blocks(
    sources: Iterable[streams.Source], content_type: str, rows: int, label_size_default: int, **options: object
) -> Iterator[Block]:
    """The records of files (unpacked if gzipped) or streams in blocks of exactly `rows` (the last may be shorter).

    Parameters as for `decode`; memory is bounded. Raises UnsupportedType, or FormatError with the file's name.
    """
    form, chosen = _chosen(content_type, label_size_default, options)
    return form.iter_blocks(sources, rows, chosen)


def read(sources: Iterable[streams.Source], content_type: str, label_size_default: int, **options: object) -> Block:
    """All records of files or streams in one block; without sources an empty one. Raises as `iter_blocks` does."""
    form, chosen = _chosen(content_type, label_size_default, options)
    found = list(form.all_blocks(sources, chosen))
    return concatenate(found) if found else Block(np.empty((0, 0), np.float32))


def supported(content_type: str) -> bool:
    """Whether records of that type can be read."""
    return parse(content_type).name in _FORMATS


@dataclasses.dataclass(frozen=True)
class _Format:
    """How one content type is read. blocks: one stream in blocks of any size."""

    decode: Callable[[bytes, Options], Block]
    blocks: Callable[[BinaryIO, Options], Iterator[Block]]
    parameters: tuple[str, ...] = ()

    def iter_blocks(self, sources: Iterable[streams.Source], rows: int, options: Options) -> Iterator[Block]:
        return streams.rebatch(self.all_blocks(sources, options), rows)

    def all_blocks(self, sources: Iterable[streams.Source], options: Options) -> Iterator[Block]:
        return streams.all_blocks(sources, lambda stream: self.blocks(stream, options))


class _LibSVM(_Format):
    """LibSVM has to know the width of all files before it can make the first block."""

    def all_blocks(self, sources: Iterable[streams.Source], options: Options) -> Iterator[Block]:
        from lakemill.formats import libsvm

        return libsvm.all_blocks(
            sources, labels=options.label_size > 0, dimension=options.dimension, one_based=options.one_based
        )


def _decode_libsvm(body: bytes, options: Options) -> Block:
    from lakemill.formats import libsvm  # Brings scipy, which no other request waits for.

    return libsvm.decode(body, labels=options.label_size > 0, dimension=options.dimension, one_based=options.one_based)


def _decode_parquet(body: bytes, options: Options) -> Block:
    from lakemill.formats import parquet  # Brings pyarrow.

    return parquet.decode(body, options.label_size)


def _parquet_blocks(stream: BinaryIO, options: Options) -> Iterator[Block]:
    from lakemill.formats import parquet

    return parquet.blocks(stream, options.label_size)


def _no_blocks(stream: BinaryIO, options: Options) -> Iterator[Block]:
    raise NotImplementedError


def _json_blocks(stream: BinaryIO, options: Options) -> Iterator[Block]:
    # A JSON document is one value and has to be in memory as a whole.
    yield jsonrecords.decode(stream.read()).block


_FORMATS: Mapping[str, _Format] = {
    "text/csv": _Format(
        lambda body, o: csv.decode(body, o.label_size, o.weights, o.delimiter, o.missing),
        lambda stream, o: csv.blocks(stream, o.label_size, o.weights, o.delimiter, o.missing),
        ("label_size",),
    ),
    "text/libsvm": _LibSVM(_decode_libsvm, _no_blocks),
    "application/x-recordio-protobuf": _Format(
        lambda body, o: records.decode(body, o.label_names),
        lambda stream, o: records.blocks(stream, o.label_names),
    ),
    "application/x-parquet": _Format(_decode_parquet, _parquet_blocks),
    "application/json": _Format(lambda body, o: jsonrecords.decode(body).block, _json_blocks),
    "application/jsonlines": _Format(
        lambda body, o: jsonrecords.decode_lines(body).block,
        lambda stream, o: jsonrecords.blocks_of_lines(stream),
    ),
}
_SHORT = {
    "csv": "text/csv",
    "libsvm": "text/libsvm",
    "text/x-libsvm": "text/libsvm",
    "parquet": "application/x-parquet",
    "recordio-protobuf": "application/x-recordio-protobuf",
    "json": "application/json",
    "jsonlines": "application/jsonlines",
}


def _chosen(content_type: str, label_size_default: int, options: dict) -> tuple[_Format, Options]:
    parsed = parse(content_type)
    form = _FORMATS.get(parsed.name)
    if form is None:
        known = ", ".join(_FORMATS)
        raise UnsupportedType(f"content type {content_type!r} is not supported; must be one of {known}")
    for name, value in parsed.parameters.items():
        if name == "charset":
            if value.lower() not in _CHARSETS:
                raise UnsupportedType(f"charset of {parsed.name} must be utf-8; got {value!r}")
        elif name not in form.parameters:
            raise UnsupportedType(f"parameter {name!r} of content type {content_type!r} is not supported")
    return form, Options(label_size=_label_size(parsed, label_size_default), **options)


def _label_size(parsed: ContentType, default: int) -> int:
    text = parsed.parameters.get("label_size", str(default))
    if text not in ("0", "1"):
        raise FormatError(f"label_size of {parsed.name} must be 0 or 1; got {text!r}")
    return int(text)
