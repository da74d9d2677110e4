"""Where a function's archive can be fetched: a link that is good for ten minutes, for whoever has it."""

import asyncio
import hashlib
import hmac
import secrets
from urllib.parse import parse_qs

from lakemill.engines.functions import Functions
from lakemill.ports.blobs import BlobMissing
from lakemill.ports.clock import Clock
from lakemill.services.base import HttpRequest

PATH = "/_lakemill/functions/code"
GOOD_S = 600

Answer = tuple[int, list[tuple[str, str]], bytes]


class Downloads:
    """Makes the links, and answers them. They end with the platform process, whose secret they are signed with."""

    def __init__(self, functions: Functions, clock: Clock, endpoint: str) -> None:
        self._functions, self._clock, self._endpoint = functions, clock, endpoint
        self._secret = secrets.token_bytes(32)

    def location(self, code: str) -> str:
        """The link to an archive, by its hash."""
        until = str(int(self._clock.time()) + GOOD_S)
        return f"{self._endpoint}{PATH}?code={code}&until={until}&signature={self._signature(code, until)}"

    def _signature(self, code: str, until: str) -> str:
        return hmac.new(self._secret, f"{code} {until}".encode(), hashlib.sha256).hexdigest()

    async def answer(self, http: HttpRequest) -> Answer:
        """The archive, or a refusal."""
        query = {name: values[0] for name, values in parse_qs(http.query_string.decode("latin-1")).items()}
        code, until = query.get("code", ""), query.get("until", "")
        text = [("content-type", "text/plain")]
        if not hmac.compare_digest(self._signature(code, until).encode(), query.get("signature", "").encode()):
            return 403, text, b"This link is none of ours.\n"
        if int(until) < self._clock.time():
            return 403, text, b"This link has expired; ask for the function again.\n"
        try:
            archive = await asyncio.to_thread(self._functions.code.archive, code)
        except BlobMissing:
            return 404, text, b"This code is not kept any more.\n"
        return 200, [("content-type", "application/zip")], archive
