"""PyIceberg's files as objects of the lake."""

import threading
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from pyiceberg.io import FileIO, InputFile, OutputFile

from lakemill.lakesql.interface import Lake, LakeRefused
from lakemill.lakesql.scans.objects import reading_refused

_ABSENT = ("NoSuchKey", "NotFound")


def normal(uri: str) -> str:
    """A location as the lake writes it.

    >>> normal("s3a://lake/t/metadata/a.json")
    's3://lake/t/metadata/a.json'
    """
    scheme, found, rest = uri.partition("://")
    return f"s3://{rest}" if found and scheme in ("s3a", "s3n") else uri


class LakeIO(FileIO):
    """Reads by fetching, writes by storing. PyIceberg asks from several threads; the lake is asked by one at a time.

    folder: where files are before they are stored.
    """

    def __init__(self, lake: Lake, folder: Path) -> None:
        super().__init__({})
        self._lake, self._folder, self._lock = lake, folder, threading.Lock()
        self._local: dict[str, str] = {}

    def new_input(self, location: str) -> InputFile:
        return _Input(self, normal(location))

    def new_output(self, location: str) -> OutputFile:
        return _Output(self, normal(location))

    def delete(self, location: str | InputFile | OutputFile) -> None:
        self.remove([location if isinstance(location, str) else location.location])

    def remove(self, locations: Iterable[str]) -> None:
        """Delete objects. Raises LakeRefused."""
        uris = [normal(one) for one in locations]
        with self._lock:
            self._lake.remove(uris)

    def paths(self, locations: Iterable[str]) -> list[str]:
        """Local files with the bytes of objects. Raises SqlFailed."""
        uris = [normal(one) for one in locations]
        with self._lock:
            absent = [uri for uri in dict.fromkeys(uris) if uri not in self._local]
            if absent:
                try:
                    self._local.update(zip(absent, self._lake.fetch(absent), strict=True))
                except LakeRefused as refused:
                    raise reading_refused(refused, absent[0]) from None
        return [self._local[uri] for uri in uris]

    def is_there(self, uri: str) -> bool:
        with self._lock:
            if uri in self._local:
                return True
            try:
                self._local[uri] = self._lake.fetch([uri])[0]
            except LakeRefused as refused:
                if refused.code in _ABSENT:
                    return False
                raise
            return True

    def modified_s(self, location: str) -> int:
        """When an object was stored, in seconds since 1970. Raises LakeRefused."""
        uri = normal(location)
        with self._lock:
            return next(one.modified_s for one in self._lake.objects(uri) if one.uri == uri)

    def fresh(self) -> Path:
        """A new file of the statement's folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"iceberg-{uuid.uuid4().hex}"

    def store(self, path: Path, uri: str) -> None:
        """Make a file an object, durable on return. Raises LakeRefused."""
        with self._lock:
            self._lake.store(str(path), normal(uri))
        self._local[normal(uri)] = str(path)


class _Input(InputFile):
    def __init__(self, io: LakeIO, location: str) -> None:
        super().__init__(location)
        self._io = io

    def _path(self) -> Path:
        return Path(self._io.paths([self.location])[0])

    def __len__(self) -> int:
        return self._path().stat().st_size

    def exists(self) -> bool:
        return self._io.is_there(self.location)

    def open(self, seekable: bool = True) -> Any:
        return self._path().open("rb")


class _Output(OutputFile):
    def __init__(self, io: LakeIO, location: str) -> None:
        super().__init__(location)
        self._io = io

    def __len__(self) -> int:
        return len(self.to_input_file())

    def exists(self) -> bool:
        return self._io.is_there(self.location)

    def to_input_file(self) -> InputFile:
        return self._io.new_input(self.location)

    def create(self, overwrite: bool = False) -> Any:
        if not overwrite and self.exists():
            raise FileExistsError(f"{self.location} is there already")
        return _Writing(self._io, self.location)


class _Writing:
    """A file that becomes an object when it is closed without an error."""

    def __init__(self, io: LakeIO, uri: str) -> None:
        self._io, self._uri, self._path = io, uri, io.fresh()
        self._file: BinaryIO = self._path.open("wb")

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self._file.closed:
            self._file.close()
            self._io.store(self._path, self._uri)

    def __enter__(self) -> "_Writing":
        return self

    def __exit__(self, kind: Any, wrong: BaseException | None, trace: Any) -> None:
        if wrong is None:
            self.close()
        else:
            self._file.close()
