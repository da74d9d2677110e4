"""Where files go: their names, what is there already, and the manifest."""

import json
from collections.abc import Sequence
from typing import Any

from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake, LakeRefused
from lakemill.lakesql.types import Type
from lakemill.warehouse.loading import sources
from lakemill.warehouse.unloading.files import Piece
from lakemill.warehouse.unloading.statement import Unload

_ENDS = {"GZIP": ".gz", "BZIP2": ".bz2", "ZSTD": ".zst", "": ""}


def uri(unload: Unload, piece: Piece) -> str:
    """Of a file.

    >>> from pathlib import Path
    >>> uri(Unload("", "s3://b/out/x_", format="PARQUET"), Piece(Path(), "d=1/", 2))
    's3://b/out/x_d=1/0000_part_02.parquet'
    """
    name = f"0000_part_{piece.number:02d}" if unload.parallel else f"{piece.number:03d}"
    end = ".parquet" if unload.format == "PARQUET" else _ENDS[unload.packing]
    if unload.extension is not None:
        end = f".{unload.extension.removeprefix('.')}"
    return f"{unload.prefix}{piece.folder}{name}{end}"


def check(lake: Lake, unload: Unload) -> None:
    """Raises SqlFailed where something is there that is not to be overwritten."""
    if {"ALLOWOVERWRITE", "CLEANPATH"} & unload.given:
        return
    if next(sources.listed(lake, unload.prefix), None) is not None:
        raise SqlFailed(
            "XX000",
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually "
            "removing the target files in S3, or using the ALLOWOVERWRITE option.",
            detail=sources.detail(unload.prefix, 8001),
        )


def clean(lake: Lake, unload: Unload, pieces: Sequence[Piece]) -> None:
    """CLEANPATH: remove what is below the prefix, or below the folders that get files. Raises SqlFailed."""
    if "CLEANPATH" not in unload.given:
        return
    folders = {piece.folder for piece in pieces} if unload.keys else {""}
    for folder in sorted(folders):
        there = [one.uri for one in sources.listed(lake, unload.prefix + folder)]
        try:
            if there:
                lake.remove(there)
        except LakeRefused as wrong:
            raise sources.refused(wrong, unload.prefix) from None


def manifest(unload: Unload, pieces: Sequence[Piece], columns: Sequence[tuple[str, Type]]) -> bytes:
    """The document of MANIFEST."""
    verbose = "VERBOSE" in unload.given
    entries: list[dict[str, Any]] = []
    for piece in pieces:
        meta = {"content_length": piece.size} | ({"record_count": piece.rows} if verbose else {})
        entries.append({"url": uri(unload, piece), "meta": meta})
    document: dict[str, Any] = {"entries": entries}
    if verbose:
        document["schema"] = {"elements": [{"name": name, "type": _type(type)} for name, type in columns]}
        document["meta"] = {
            "content_length": sum(piece.size for piece in pieces),
            "record_count": sum(piece.rows for piece in pieces),
        }
        document["author"] = {"name": "Amazon Redshift", "version": "1.0.0"}
    return json.dumps(document, indent=2).encode() + b"\n"


def _type(type: Type) -> dict[str, Any]:
    found: dict[str, Any] = {"base": names.shown(type, arguments=False)}
    if type.name in ("varchar", "char") and type.args:
        found["max_length"] = type.args[0]
    if type.name == "decimal":
        found |= {"precision": type.args[0], "scale": type.args[1]}
    return found
