"""Starting a warehouse's process, and answering what it asks."""

import asyncio
import contextlib
import inspect
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lakemill.engines.queries.lake import Rights
from lakemill.engines.warehouses.credentials import Credentials
from lakemill.engines.warehouses.document import Document
from lakemill.engines.warehouses.errors import Refused
from lakemill.engines.warehouses.lakes import Lakes
from lakemill.engines.warehouses.ports import Ports
from lakemill.engines.warehouses.process import MODULE, WarehouseProcess

OPENING_S = 120.0
Authorise = Callable[[Document, Document | None], tuple[Rights, str]]
"""The rights that an `Authorization` gives in a warehouse, and who works then. Raises Refused."""


class Setup(msgspec.Struct, kw_only=True):
    """What all warehouses share."""

    folder: Path
    """A folder for each is in it, by its id."""
    lakes: Lakes
    credentials: Credentials
    ports: Ports
    certificate: str = ""
    """PEM file with key and chain."""
    memory_mib: int = 2048
    threads: int = msgspec.field(default_factory=lambda: os.cpu_count() or 1)
    command: Sequence[str] = ("-m", MODULE)
    arn: Callable[[Document], str] = lambda document: str(document["id"])
    """What a warehouse is called in its messages."""
    authorise: Authorise | None = None

    def place(self, id: str) -> Path:
        """The folder of a warehouse."""
        return self.folder / id


async def launched(setup: Setup, current: Callable[[], Document]) -> tuple[WarehouseProcess, int]:
    """A process in which the warehouse is open, and where it listens. current: its document, whenever it is asked for.

    Raises NotRunning, SqlFailed, OSError.
    """
    document = current()
    id, place = document["id"], setup.place(document["id"])
    scratch = place / "scratch"
    await asyncio.to_thread(_emptied, place, scratch)
    asked = setup.ports.choose(id, document["listening"], document["port"])
    process = await WarehouseProcess.start(setup.memory_mib, Answers(setup, current).answer, setup.command)
    account, _, region = document["scope"].partition("/")
    warehouse = {
        "folder": str(place / "data"),
        "scratch": str(scratch),
        "database": document["database"],
        "master": document["master"],
        "host": setup.ports.host,
        "port": asked,
        "certificate": setup.certificate,
        "require_ssl": document["require_ssl"],
        "memory_mib": setup.memory_mib,
        "threads": setup.threads,
        "parameters": document["parameters"],
        "account": account,
        "region": region,
        "namespace": setup.arn(document),
    }
    try:
        async with asyncio.timeout(OPENING_S):
            opened = await process.call("open", {"warehouse": warehouse})
    except BaseException:
        setup.ports.avoid(id, asked)
        with contextlib.suppress(asyncio.CancelledError):
            await process.kill()
        raise
    setup.ports.keep(id, opened["port"])
    return process, opened["port"]


def _emptied(place: Path, scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    place.chmod(0o700)


class Answers:
    """Answers the questions of one process (`interface.Platform`)."""

    QUESTIONS = ("credentials", "begin", "lake", "end")

    def __init__(self, setup: Setup, current: Callable[[], Document]) -> None:
        self._setup, self._current = setup, current
        self._id, self._scope = current()["id"], current()["scope"]

    async def answer(self, method: str, arguments: Document) -> Any:
        """Raises Refused."""
        if method not in self.QUESTIONS:
            raise Refused("InvalidInputException", f"There is no question {method}.")
        asked: Callable[..., Awaitable[Any]] = getattr(self, f"_{method}")
        try:
            inspect.signature(asked).bind(**arguments)
        except TypeError as wrong:
            raise Refused("InvalidInputException", f"{method}: {wrong}") from None
        return await asked(**arguments)

    async def _credentials(self, user: str, database: str) -> list[Document]:
        found = [msgspec.to_builtins(one) for one in self._setup.credentials.of(self._id, user, database)]
        answer = [one | {"superuser": False} for one in found]
        document = self._current()
        if user == document["master"]:
            answer.append({"verifier": document["verifier"], "superuser": True, "auto_create": False})
        return [{"name": user, "groups": []} | one for one in answer]

    async def _begin(self, authorization: Document | None) -> Document:
        if self._setup.authorise is None:
            raise Refused("AccessDeniedException", "There is no lake here.")
        rights, by = self._setup.authorise(self._current(), authorization)
        scratch = self._setup.place(self._id) / "scratch"
        return await self._setup.lakes.begin(self._id, self._scope, scratch, rights, by)

    async def _lake(self, lake: str, question: str, arguments: Document) -> Any:
        return await self._setup.lakes.answer(self._id, lake, question, arguments)

    async def _end(self, lake: str, keep: bool) -> None:
        await self._setup.lakes.end(self._id, lake, keep=keep)
