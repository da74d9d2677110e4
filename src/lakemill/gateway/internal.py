"""Pages of lakemill's own: `/_lakemill/health` (also `/_localstack/health`), the console, credentials for containers.

Health exercises the stores: it writes and reads a document and looks at the free disk space, so a green answer
means that work can really be done.
"""

import shutil
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

import lakemill
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata
from lakemill.services.base import HttpRequest
from lakemill.settings import Settings

Answer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, body."""
Page = Callable[[HttpRequest], Awaitable[Answer]]

DISK_FREE_BYTES_MIN = 64 << 20


class Internal:
    """Routes by exact path; other parts add theirs with `add`."""

    def __init__(self, names: list[str], metadata: Metadata, clock: Clock, settings: Settings) -> None:
        self._names = names
        self._metadata = metadata
        self._clock = clock
        self._settings = settings
        self._pages: dict[str, Page] = {}
        for path in ("/_lakemill/health", "/_localstack/health", "/_localstack/info"):
            self.add(path, self._health)

    def add(self, path: str, page: Page) -> None:
        """Serve a page under a path that starts with /_lakemill/ or /_localstack/."""
        self._pages[path] = page

    def page(self, raw_path: bytes) -> Page | None:
        """The page of a path; _missing for an unknown path of ours, None for everyone else's."""
        if not raw_path.startswith((b"/_lakemill", b"/_localstack")):
            return None
        return self._pages.get(raw_path.decode("latin-1"), self._missing)

    async def _missing(self, http: HttpRequest) -> Answer:
        known = ", ".join(sorted(self._pages))
        return 404, [("content-type", "text/plain")], f"no such page; there are: {known}\n".encode()

    async def _health(self, http: HttpRequest) -> Answer:
        checks = {"metadata": await self._check_metadata(), "disk": self._check_disk()}
        well = all(state == "ok" for state in checks.values())
        state = "running" if well else "error"
        body: dict[str, Any] = {
            "status": "ok" if well else "error",
            "version": lakemill.__version__,
            "edition": "lakemill",
            "checks": checks,
            "services": dict.fromkeys(sorted(self._names), state),
        }
        return (200 if well else 503), [("content-type", "application/json")], msgspec.json.encode(body)

    async def _check_metadata(self) -> str:
        stamp = self._clock.time()
        try:
            await self._metadata.transact(lambda t: t.put("health", "last", stamp))
            return "ok" if self._metadata.get("health", "last") == stamp else "reads are behind"
        except Exception as error:  # Whatever is wrong with the store is what the page is there to say.
            return str(error)

    def _check_disk(self) -> str:
        free = shutil.disk_usage(self._settings.data).free
        return "ok" if free >= DISK_FREE_BYTES_MIN else f"only {free} bytes free in {self._settings.data}"
