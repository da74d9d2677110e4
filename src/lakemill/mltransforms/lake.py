"""Catalog and objects as a role sees them: over the API, with the keys the environment gives.

The Lake of `lakesql.interface`, as far as reading goes and putting objects; nothing here changes the catalog.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
)

from lakemill.lakesql.interface import Document, LakeRefused, Source

PATIENCE_S, PAUSE_S = 300.0, 0.5
"""So long a request is made again: lakemill, and with it the keys of the role, may be gone for a while."""
GONE = (ConnectionError, HTTPClientError, CredentialRetrievalError, MetadataRetrievalError)
"""What is raised meanwhile."""
PIECE_BYTES = 4 << 20


class RoleLake:
    """folder: objects that are fetched go there. session: botocore's."""

    def __init__(self, folder: Path, session: Any = None) -> None:
        session = session or botocore.session.get_session()
        config = Config(retries={"mode": "standard", "total_max_attempts": 3}, s3={"addressing_style": "path"})
        self._glue = _told(session.create_client, "glue", config=config)  # This fetches the keys already.
        self._s3 = _told(session.create_client, "s3", config=config)
        self._folder = folder
        self._fetched: dict[str, str] = {}

    # The catalog

    def databases(self) -> list[Document]:
        return [one for page in self._pages("get_databases") for one in page["DatabaseList"]]

    def database(self, name: str) -> Document:
        found: Document = _told(self._glue.get_database, Name=name)["Database"]
        return found

    def tables(self, database: str) -> list[Document]:
        return [one for page in self._pages("get_tables", DatabaseName=database) for one in page["TableList"]]

    def table(self, database: str, name: str) -> Document:
        found: Document = _told(self._glue.get_table, DatabaseName=database, Name=name)["Table"]
        return found

    def partitions(self, database: str, table: str, expression: str | None) -> list[Document]:
        given = {"Expression": expression} if expression else {}
        pages = self._pages("get_partitions", DatabaseName=database, TableName=table, **given)
        return [one for page in pages for one in page["Partitions"]]

    # Objects

    def objects(self, location: str) -> Iterator[Source]:
        bucket, prefix = split(location)
        start: dict[str, str] = {}
        while True:
            page = _told(self._s3.list_objects_v2, Bucket=bucket, Prefix=prefix, **start)
            yield from (_source(bucket, one) for one in page.get("Contents", []))
            if not page["IsTruncated"]:
                return
            start = {"ContinuationToken": page["NextContinuationToken"]}

    def fetch(self, uris: list[str]) -> list[str]:
        for uri in uris:
            if uri not in self._fetched:
                self._fetched[uri] = self._downloaded(uri)
        return [self._fetched[uri] for uri in uris]

    def put(self, data: bytes, uri: str, content_type: str = "text/csv") -> None:
        """Make bytes an object. Raises LakeRefused."""
        bucket, key = split(uri)
        _told(self._s3.put_object, Bucket=bucket, Key=key, Body=data, ContentType=content_type)

    def _downloaded(self, uri: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / str(len(self._fetched))
        _told(self._copy, *split(uri), path)
        return str(path)

    def _copy(self, bucket: str, key: str, path: Path) -> None:
        body = self._s3.get_object(Bucket=bucket, Key=key)["Body"]
        with path.open("wb") as file:
            while piece := body.read(PIECE_BYTES):
                file.write(piece)

    def _pages(self, operation: str, **given: Any) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = _told(getattr(self._glue, operation), **given, **token)
            yield page
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}


def split(uri: str) -> tuple[str, str]:
    """Bucket and key.

    >>> split("s3://lake/a/b")
    ('lake', 'a/b')
    """
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def _told(ask: Callable[..., Any], *arguments: Any, **given: Any) -> Any:
    """What the API answers, once it does. Raises LakeRefused."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask(*arguments, **given)
        except ClientError as error:
            raise LakeRefused(error.response["Error"]["Code"], error.response["Error"]["Message"]) from None
        except BotoCoreError as error:
            if not isinstance(error, GONE) or time.monotonic() > end:
                raise LakeRefused("ServiceUnavailable", str(error)) from None
            time.sleep(PAUSE_S)


def _source(bucket: str, listed: dict[str, Any]) -> Source:
    modified_s = int(listed["LastModified"].timestamp())
    uri = f"s3://{bucket}/{listed['Key']}"
    return Source(uri, listed["Size"], modified_s, listed["ETag"].strip('"'), listed.get("StorageClass", "STANDARD"))
