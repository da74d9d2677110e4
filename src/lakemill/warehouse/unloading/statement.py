"""UNLOAD, taken apart: `UNLOAD ('query') TO 's3://prefix' authorization [options]`.

Options come in any order. One that is not known is a syntax error; one that cannot be honoured is refused by its name.
"""

import dataclasses

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.loading import authorization
from lakemill.warehouse.loading.words import Words

MIB = 1 << 20
FILE_BYTES_MIN, FILE_BYTES_MAX = 5 * MIB, int(6.2 * 1024) * MIB
GROUP_BYTES = 32 * MIB
_UNITS = {"MB": MIB, "GB": 1024 * MIB}
_TEXT_ONLY = ("DELIMITER", "FIXEDWIDTH", "ADDQUOTES", "ESCAPE", "NULL", "HEADER")
_PACKINGS = ("GZIP", "BZIP2", "ZSTD")
_NOT_WITH = {
    "PARQUET": (*_TEXT_ONLY, *_PACKINGS),
    "JSON": _TEXT_ONLY,
    "CSV": ("FIXEDWIDTH", "ADDQUOTES", "ESCAPE"),
    "TEXT": (),
}


@dataclasses.dataclass
class Unload:
    """What an UNLOAD says.

    query : str
        Of the rows.
    prefix : str
        s3://bucket/..., to which names of files are glued.
    format : str
        TEXT, CSV, PARQUET or JSON.
    widths : list of (name or number from 0, int)
        Of FIXEDWIDTH.
    keys : list of str
        Of PARTITION BY.
    given : set of str
        Options that stand there; VERBOSE and INCLUDE too.
    """

    query: str
    prefix: str
    authorization: Authorization = dataclasses.field(default_factory=Authorization)
    format: str = "TEXT"
    delimiter: str = ""
    widths: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    null: str = ""
    keys: list[str] = dataclasses.field(default_factory=list)
    parallel: bool = True
    file_bytes_max: int = FILE_BYTES_MAX
    group_bytes: int = GROUP_BYTES
    extension: str | None = None
    region: str = ""
    given: set[str] = dataclasses.field(default_factory=set)

    @property
    def packing(self) -> str:
        """GZIP, BZIP2, ZSTD or empty."""
        return next((one for one in _PACKINGS if one in self.given), "")


def parse(text: str) -> Unload:
    """Raises SqlFailed: 42601 for what is no UNLOAD, 0A000 and XX000 for what cannot be."""
    words = Words(text)
    words.expect("UNLOAD", "(")
    query = words.string()
    words.expect(")", "TO")
    unload = Unload(query, words.string())
    found: Authorization | None = None
    while not words.ended():
        told = authorization.take(words, found)
        if told is None:
            _option(words, unload)
        found = told or found
    _check(unload)
    unload.authorization = authorization.checked(found)
    return unload


def _option(words: Words, unload: Unload) -> None:
    if words.take("FORMAT"):
        words.take("AS")
        if words.peek() not in ("CSV", "PARQUET", "JSON"):
            raise words.wrong()
    name = words.peek()
    handler = _HANDLERS.get(name)
    if handler is None:
        raise words.wrong()
    words.take(name)
    if name in unload.given:
        raise SqlFailed("42601", "conflicting or redundant options")
    unload.given.add(name)
    handler(words, unload)


def _flag(words: Words, unload: Unload) -> None:
    return None


def _csv(words: Words, unload: Unload) -> None:
    _set_format(unload, "CSV")


def _parquet(words: Words, unload: Unload) -> None:
    _set_format(unload, "PARQUET")


def _json(words: Words, unload: Unload) -> None:
    _set_format(unload, "JSON")


def _set_format(unload: Unload, name: str) -> None:
    if unload.format != "TEXT":
        raise SqlFailed("42601", f"conflicting or redundant options: {unload.format} and {name}")
    unload.format = name


def _partition(words: Words, unload: Unload) -> None:
    words.expect("BY")
    unload.keys = words.names()
    if words.take("INCLUDE"):
        unload.given.add("INCLUDE")


def _manifest(words: Words, unload: Unload) -> None:
    if words.take("VERBOSE"):
        unload.given.add("VERBOSE")


def _delimiter(words: Words, unload: Unload) -> None:
    words.take("AS")
    text = words.string()
    text = {"\\t": "\t", "\\\\": "\\"}.get(text, text)
    if text.startswith("\\") and text[1:].isdecimal() and len(text) <= 4:
        text = chr(int(text[1:], 8))
    if len(text) != 1 or not text.isascii() or text in "\r\n":
        raise SqlFailed("XX000", "UNLOAD delimiter must be a single ASCII character")
    unload.delimiter = text


def _fixed_width(words: Words, unload: Unload) -> None:
    words.take("AS")
    text = words.string()
    for piece in text.split(","):
        name, _, width = piece.rpartition(":")
        if not width.strip().isdecimal() or int(width) < 1:
            raise SqlFailed("XX000", f"Invalid fixedwidth specification: {text}")
        unload.widths.append((name.strip().lower(), int(width)))


def _null(words: Words, unload: Unload) -> None:
    words.take("AS")
    unload.null = words.string()


def _parallel(words: Words, unload: Unload) -> None:
    if words.take("OFF") or words.take("FALSE"):
        unload.parallel = False
    elif not words.take("ON"):
        words.take("TRUE")


def _size(words: Words, what: str) -> int:
    words.take("AS")
    number = words.decimal()
    unit = next((size for name, size in _UNITS.items() if words.take(name)), MIB)
    if number <= 0:
        raise SqlFailed("XX000", f"{what} must be greater than 0")
    return int(number * unit)


def _file_size(words: Words, unload: Unload) -> None:
    unload.file_bytes_max = _size(words, "MAXFILESIZE")
    if not FILE_BYTES_MIN <= unload.file_bytes_max <= int(6.2 * 1024 * MIB):
        raise SqlFailed("XX000", "MAXFILESIZE must be between 5 MB and 6.2 GB")


def _group_size(words: Words, unload: Unload) -> None:
    unload.group_bytes = _size(words, "ROWGROUPSIZE")
    if not 32 * MIB <= unload.group_bytes <= 128 * MIB:
        raise SqlFailed("XX000", "ROWGROUPSIZE must be between 32 MB and 128 MB")


def _region(words: Words, unload: Unload) -> None:
    words.take("AS")
    unload.region = words.string()


def _extension(words: Words, unload: Unload) -> None:
    words.take("AS")
    unload.extension = words.string()


def _encrypted(words: Words, unload: Unload) -> None:
    """Without a key it asks for what S3 does by itself with all objects."""
    words.take("AUTO")


def _key(words: Words, unload: Unload) -> None:
    raise SqlFailed("0A000", "UNLOAD with KMS_KEY_ID is not supported: nothing is encrypted at rest")


def _master_key(words: Words, unload: Unload) -> None:
    raise SqlFailed("0A000", "UNLOAD with MASTER_SYMMETRIC_KEY is not supported")


_FLAGS = ("HEADER", "ADDQUOTES", "ESCAPE", "ALLOWOVERWRITE", "CLEANPATH", *_PACKINGS)
_HANDLERS = {
    **{name: _flag for name in _FLAGS},
    "CSV": _csv, "PARQUET": _parquet, "JSON": _json, "PARTITION": _partition, "MANIFEST": _manifest,
    "DELIMITER": _delimiter, "FIXEDWIDTH": _fixed_width, "NULL": _null, "PARALLEL": _parallel,
    "MAXFILESIZE": _file_size, "ROWGROUPSIZE": _group_size, "REGION": _region, "EXTENSION": _extension,
    "ENCRYPTED": _encrypted, "KMS_KEY_ID": _key, "MASTER_SYMMETRIC_KEY": _master_key,
}  # fmt: skip


def _check(unload: Unload) -> None:
    given = unload.given
    for name in _NOT_WITH[unload.format]:
        if name in given:
            raise SqlFailed("XX000", f"{name} is not supported for UNLOAD to {unload.format}")
    if {"ALLOWOVERWRITE", "CLEANPATH"} <= given:
        raise SqlFailed("XX000", "ALLOWOVERWRITE and CLEANPATH cannot be specified together")
    if len([one for one in _PACKINGS if one in given]) > 1:
        raise SqlFailed("42601", "conflicting or redundant options")
    if "FIXEDWIDTH" in given:
        for name in ("DELIMITER", "HEADER", "ADDQUOTES", "ESCAPE"):
            if name in given:
                raise SqlFailed("XX000", f"{name} is not supported with FIXEDWIDTH")
    if "ROWGROUPSIZE" in given and unload.format != "PARQUET":
        raise SqlFailed("XX000", "ROWGROUPSIZE is supported for UNLOAD to PARQUET only")
    if not unload.prefix.startswith("s3://") or len(unload.prefix) < 8:
        raise SqlFailed("XX000", f"The destination must be in S3: s3://bucket/prefix, not '{unload.prefix}'")
    unload.delimiter = unload.delimiter or ("," if unload.format == "CSV" else "|")
