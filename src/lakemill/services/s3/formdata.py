"""multipart/form-data as it streams in: the small fields, then the file's bytes without ever holding them all."""

import re
from collections.abc import AsyncIterator

from lakemill.services.base import ServiceError

FIELDS_BYTES_MAX = 20 << 10
"""Of everything before the file."""
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(r'[;\s]name="([^"]*)"')
_FILENAME = re.compile(r'filename="([^"]*)"')


def malformed() -> ServiceError:
    text = "The body of your POST request is not well-formed multipart/form-data."
    return ServiceError("MalformedPOSTRequest", text, status=400)


class FormData:
    """One form. Ask for the fields first, then iterate the file's bytes."""

    def __init__(self, content_type: str, pieces: AsyncIterator[bytes]) -> None:
        match = _BOUNDARY.search(content_type)
        if match is None:
            raise malformed()
        self._delimiter = b"\r\n--" + match[1].encode("latin-1")
        self._pieces = pieces
        self._held = b"\r\n"  # So that the first delimiter looks like all others.
        self.filename = ""

    async def fields(self) -> dict[str, str]:
        """Everything before the file, names in lower case. Raises ServiceError MalformedPOSTRequest."""
        found: dict[str, str] = {}
        size = 0
        await self._through(self._delimiter, FIELDS_BYTES_MAX)
        while True:
            if (await self._take(2)) != b"\r\n":
                raise ServiceError("InvalidArgument", "POST requires exactly one file upload per request.", status=400)
            headers = (await self._through(b"\r\n\r\n", FIELDS_BYTES_MAX)).decode("utf-8", "replace")
            name = _NAME.search(headers)
            if name is None:
                raise malformed()
            if name[1].lower() == "file":
                filename = _FILENAME.search(headers)
                self.filename = re.split(r"[\\/]", filename[1])[-1] if filename else ""
                return found
            value = await self._through(self._delimiter, FIELDS_BYTES_MAX)
            size += len(headers) + len(value)
            if size > FIELDS_BYTES_MAX:
                text = "Your POST request fields preceding the upload file were too large."
                raise ServiceError("MaxPostPreDataLengthExceeded", text, status=400)
            found[name[1].lower()] = value.decode("utf-8", "replace")

    async def file(self) -> AsyncIterator[bytes]:
        """The file's bytes; what follows the file is read and ignored."""
        keep = len(self._delimiter)
        while True:
            at = self._held.find(self._delimiter)
            if at >= 0:
                yield self._held[:at]
                async for _ in self._pieces:
                    pass
                return
            if len(self._held) > keep:
                yield self._held[:-keep]
                self._held = self._held[-keep:]
            await self._more()

    async def _through(self, mark: bytes, most: int) -> bytes:
        """Everything up to the mark, which is passed over."""
        while (at := self._held.find(mark)) < 0:
            if len(self._held) > most:
                text = "Your POST request fields preceding the upload file were too large."
                raise ServiceError("MaxPostPreDataLengthExceeded", text, status=400)
            await self._more()
        found, self._held = self._held[:at], self._held[at + len(mark) :]
        return found

    async def _take(self, size: int) -> bytes:
        while len(self._held) < size:
            await self._more()
        found, self._held = self._held[:size], self._held[size:]
        return found

    async def _more(self) -> None:
        async for piece in self._pieces:
            self._held += piece
            return
        raise malformed()
