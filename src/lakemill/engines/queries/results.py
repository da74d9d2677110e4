"""Results as objects: the answer, what its columns are, the list of what was written.

<prefix><id>.csv, .txt                 the answer; beside it .csv.metadata, .txt.metadata
<prefix>tables/<id>-manifest.csv       for a table made by a query: the objects it consists of, a line each; beside
                                       it tables/<id>.metadata
<prefix><id>-manifest.csv              for other statements that write; beside it <id>.metadata

Where a request has no prefix, the answer is kept by lakemill itself.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from lakemill.engines.objects import BucketMissing
from lakemill.engines.queries.errors import Refused
from lakemill.engines.queries.execution import Document, Execution
from lakemill.engines.queries.kept import Kept
from lakemill.engines.queries.objectside import Files, split

CONTENT_TYPES = {"csv": "text/csv", "txt": "text/plain"}
PLAIN = "application/octet-stream"


class WritingRefused(Exception):
    """Results cannot be put where they should be; a sentence says why."""


class Results:
    """Keeps the results of one execution."""

    def __init__(self, files: Files, rights: Any, kept: Kept) -> None:
        self._files, self._rights, self._kept = files, rights, kept

    async def keep(self, execution: Execution, outcome: Document) -> None:
        """Store what the outcome tells of, and enter where it is. Durable on return. Raises WritingRefused."""
        if not execution.request.prefix:
            await self._keep_here(execution, outcome)
            return
        given: list[tuple[str, Path, str | None]] = []
        place = f"{execution.request.prefix}{execution.id}"
        folder = self._files.folder
        if outcome.get("manifest") is not None:
            if execution.substatement == "CREATE_TABLE_AS_SELECT":
                place = f"{execution.request.prefix}tables/{execution.id}"
            execution.location, execution.manifest = place, f"{place}-manifest.csv"
            lines = "".join(f"{uri}\n" for uri in outcome["manifest"])
            given.append((execution.manifest, _file(folder, "manifest.csv", lines.encode()), CONTENT_TYPES["csv"]))
            described = f"{place}.metadata"
        else:
            execution.form = outcome["form"] or "txt"
            execution.location = f"{place}.{execution.form}"
            result = self._files.own(outcome["result"]) if outcome.get("result") else _file(folder, "empty", b"")
            execution.result_bytes = result.stat().st_size
            given.append((execution.location, result, CONTENT_TYPES[execution.form]))
            described = f"{execution.location}.metadata"
        columns = msgspec.json.encode({"columns": execution.columns})
        given.append((described, _file(folder, "metadata", columns), PLAIN))
        await self._put_all(given)

    async def _keep_here(self, execution: Execution, outcome: Document) -> None:
        if outcome.get("manifest") is None:
            execution.form = outcome["form"] or "txt"
            folder = self._files.folder
            result = self._files.own(outcome["result"]) if outcome.get("result") else _file(folder, "empty", b"")
            execution.result_bytes = result.stat().st_size
            await asyncio.to_thread(self._kept.take, execution.id, result)

    async def _put_all(self, given: list[tuple[str, Path, str | None]]) -> None:
        for uri, _, _ in given:
            try:
                self._rights.object("write", *split(uri))
            except Refused:
                raise WritingRefused(_denied(uri)) from None
        try:
            await self._files.put(given)
        except BucketMissing:
            raise WritingRefused(f"The S3 location provided to save your query results is invalid: {uri}") from None


def _file(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}"
    path.write_bytes(content)
    return path


def _denied(uri: str) -> str:
    return (
        f"Access denied when writing output to url: {uri} . Please ensure you are allowed to access the S3 bucket. "
        "If you are encrypting query results with KMS key, please ensure you are allowed to access your KMS key"
    )
