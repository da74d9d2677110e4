"""A lake over WebHDFS, for Hadoop's own client in Spark.

It listens on 127.0.0.1; a secret that only this process and its Spark know is the first part of every path.
https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html
"""

import http.server
import json
import logging
import secrets
import string
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, unquote

from lakemill.sparkjvm.errors import LakeError, NotPossible, NotThere
from lakemill.sparkjvm.lake import Lake, Status

PREFIX = "/webhdfs/v1"
BLOCK_BYTES = 128 << 20
"""Spark splits files by it, into tasks."""
_CHUNK_BYTES_MAX = 64 << 20
_NO_EFFECT = ("SETPERMISSION", "SETTIMES")
"""Every writer calls them; objects have no permissions, and S3 says when they changed. Other clients of S3 for Hadoop
do nothing either."""

logger = logging.getLogger(__name__)


class Gateway:
    """Serves a lake in threads of its own until `close`."""

    def __init__(self, lake: Lake) -> None:
        self._secret = secrets.token_urlsafe(24)
        handler = type("Handler", (_Handler,), {"lake": lake, "root": f"{PREFIX}/{self._secret}/"})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, name="gateway", daemon=True).start()

    @property
    def address(self) -> str:
        """Below which buckets are."""
        return f"webhdfs://127.0.0.1:{self._server.server_address[1]}/{self._secret}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """Each task of Spark's may come at the same moment."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    lake: ClassVar[Lake]
    root: ClassVar[str]

    def do_GET(self) -> None:
        self._answer(_GET)

    def do_PUT(self) -> None:
        self._answer(_PUT)

    def do_POST(self) -> None:
        self._answer({})

    def do_DELETE(self) -> None:
        self._answer(_DELETE)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not told in the run's log."""

    def _answer(self, operations: dict[str, "Operation"]) -> None:
        where, query = decoded(self.path)
        name = query.get("op", "").upper()
        try:
            if name == "GETHOMEDIRECTORY":  # Asked for without a path.
                return self._say({"Path": "/"})
            if not where.startswith(self.root):
                raise NotThere("There is no such path")
            path = where[len(self.root) :].strip("/")
            operation = operations.get(name)
            if operation is None:
                raise NotPossible(f"{name} is not possible on s3://{path}")
            operation(self, path, query)
        except LakeError as error:
            self._refuse(error)
        except (BrokenPipeError, ConnectionResetError):  # The reader has seen enough.
            self.close_connection = True
        except Exception as error:
            logger.exception("the file system behind s3:// failed")
            self._refuse(LakeError(f"The file system behind s3:// failed: {error}"))

    def _refuse(self, error: LakeError) -> None:
        name = error.java.rpartition(".")[2]
        told = {"exception": name, "javaClassName": error.java, "message": str(error)}
        self.close_connection = True  # What was sent may not have been read to its end.
        self._say({"RemoteException": told}, error.status)

    def _say(self, document: Any, status: int = 200) -> None:
        """Without a Content-Type: to read one, Hadoop's client would need classes that Spark does not bring."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self) -> None:
        """The client asks twice: where, and then there; both is here."""
        self.send_response(307)
        target = quote(self.path.encode("latin-1"), safe=string.punctuation)  # Java takes a header for Latin-1.
        self.send_header("Location", f"http://{self.headers['Host']}{target}&data=true")
        self.send_header("Content-Length", "0")
        self.end_headers()

    # Operations

    def _status(self, path: str, query: dict[str, str]) -> None:
        self._say({"FileStatus": _document(self.lake.status(path))})

    def _list(self, path: str, query: dict[str, str]) -> None:
        self._say({"FileStatuses": {"FileStatus": [_document(one) for one in self.lake.listed(path)]}})

    def _list_whole(self, path: str, query: dict[str, str]) -> None:
        """All at once, with nothing left."""
        found = {"FileStatuses": {"FileStatus": [_document(one) for one in self.lake.listed(path)]}}
        self._say({"DirectoryListing": {"partialListing": found, "remainingEntries": 0}})

    def _summary(self, path: str, query: dict[str, str]) -> None:
        here = self.lake.status(path)
        sizes = [size for _, size in self.lake.everything(path)] if here.is_folder else [here.bytes]
        found = {"directoryCount": int(here.is_folder), "fileCount": len(sizes), "length": sum(sizes)}
        self._say({"ContentSummary": found | {"spaceConsumed": sum(sizes), "quota": -1, "spaceQuota": -1}})

    def _places(self, path: str, query: dict[str, str]) -> None:
        offset, length = int(query.get("offset", 0)), int(query.get("length", 0))
        names = {"hosts": ["localhost"], "names": ["localhost:0"], "topologyPaths": [], "cachedHosts": []}
        place = names | {"offset": offset, "length": length, "corrupt": False, "storageTypes": ["DISK"]}
        self._say({"BlockLocations": {"BlockLocation": [place]}})

    def _open(self, path: str, query: dict[str, str]) -> None:
        if "data" not in query:  # Java opens a file before it knows from where it will read.
            return self._redirect()
        length = query.get("length")
        count, blocks = self.lake.opened(
            path, int(query.get("offset", 0)), None if length in (None, "null") else int(length)
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(count))
        self.end_headers()
        for block in blocks:
            self.wfile.write(block)

    def _create(self, path: str, query: dict[str, str]) -> None:
        if "data" not in query:
            return self._redirect()
        self.lake.created(path, self._body(), overwrite=query.get("overwrite", "false") == "true")
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _make_folder(self, path: str, query: dict[str, str]) -> None:
        self.lake.make_folder(path)
        self._say({"boolean": True})

    def _rename(self, path: str, query: dict[str, str]) -> None:
        target = f"{PREFIX}{query['destination']}"
        if not target.startswith(self.root):
            raise NotPossible(f"{query['destination']} is not in the lake")
        self._say({"boolean": self.lake.rename(path, target[len(self.root) :].strip("/"))})

    def _delete(self, path: str, query: dict[str, str]) -> None:
        self._say({"boolean": self.lake.delete(path, recursive=query.get("recursive", "false") == "true")})

    def _nothing(self, path: str, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _body(self) -> Iterator[bytes]:
        """What a client sends: in chunks, or of a length that it told."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            left = int(self.headers.get("Content-Length", 0))
            while left:
                yield self._exactly(min(left, 1 << 18))
                left -= min(left, 1 << 18)
            return
        while size := int(self.rfile.readline(100).partition(b";")[0], 16):
            if size > _CHUNK_BYTES_MAX:
                raise LakeError("A chunk is too large")
            yield self._exactly(size)
            self.rfile.readline(100)
        self.rfile.readline(100)

    def _exactly(self, count: int) -> bytes:
        block = self.rfile.read(count)
        if len(block) < count:
            raise ConnectionResetError("the writer is gone")
        return block


Operation = Callable[[_Handler, str, dict[str, str]], None]
_GET: dict[str, Operation] = {
    "GETFILESTATUS": _Handler._status,
    "LISTSTATUS": _Handler._list,
    "LISTSTATUS_BATCH": _Handler._list_whole,
    "GETCONTENTSUMMARY": _Handler._summary,
    "GETFILEBLOCKLOCATIONS": _Handler._places,
    "OPEN": _Handler._open,
}
_PUT: dict[str, Operation] = {
    "CREATE": _Handler._create,
    "MKDIRS": _Handler._make_folder,
    "RENAME": _Handler._rename,
    **dict.fromkeys(_NO_EFFECT, _Handler._nothing),
}
_DELETE: dict[str, Operation] = {"DELETE": _Handler._delete}


def decoded(target: str) -> tuple[str, dict[str, str]]:
    """(path, parameters by their names in lower case) of a request's target, as http.server gives it.

    Java escapes only some of what is not ASCII; the rest is UTF-8, which http.server takes for Latin-1.

    >>> decoded("/a%20b/k=\\xc3\\xbc%253A?op=RENAME&destination=%2Fc+d")
    ('/a b/k=ü%3A', {'op': 'RENAME', 'destination': '/c d'})
    """
    path, _, query = target.encode("latin-1").decode("utf-8").partition("?")
    parameters = parse_qs(query, keep_blank_values=True)
    return unquote(path), {name.lower(): values[0] for name, values in parameters.items()}


def _document(status: Status) -> dict[str, Any]:
    return {
        "pathSuffix": status.name,
        "type": "DIRECTORY" if status.is_folder else "FILE",
        "length": status.bytes,
        "modificationTime": status.modified,
        "accessTime": 0,
        "blockSize": 0 if status.is_folder else BLOCK_BYTES,
        "replication": 0 if status.is_folder else 1,
        "permission": "777" if status.is_folder else "666",
        "owner": "",
        "group": "",
        "fileId": 0,
        "childrenNum": 0,
        "storagePolicy": 0,
    }
