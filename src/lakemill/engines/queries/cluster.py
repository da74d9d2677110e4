"""The cluster that runs queries, by its URL.

    trino://host[:port]/catalog[?iceberg=catalog]
    trino+https://[user:password@]host[:port]/catalog[?iceberg=catalog&ca=file]

catalog: what the lake is called there. iceberg: what it is called there for Iceberg's tables, if that is another one.
ca: certificates to trust.
"""

import base64
import contextlib
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request

import msgspec

PORTS = {"http": 8080, "https": 443}
CATALOG = "awsdatacatalog"
STOP_S = 3.0
_NAME = re.compile(r"[A-Za-z0-9_-]*")
FORM = "trino://host[:port]/catalog or trino+https://[user:password@]host[:port]/catalog"


class ClusterUnavailable(Exception):
    """The cluster of this URL cannot be used; the text says why."""


class Cluster(msgspec.Struct, frozen=True):
    """See `lakemill.lakesql.interface.Cluster`."""

    base: str
    catalog: str
    iceberg: str = ""
    authorization: str = ""
    ca: str = ""


def open_cluster(url: str) -> Cluster | None:
    """The cluster at a URL; None for an empty one. Raises ClusterUnavailable.

    >>> open_cluster("trino://head-node/lake?iceberg=ice")
    Cluster(base='http://head-node:8080', catalog='lake', iceberg='ice', authorization='', ca='')
    """
    if not url:
        return None
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
        options = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as wrong:
        raise _wrong(str(wrong)) from None
    scheme = {"trino": "http", "trino+http": "http", "trino+https": "https"}.get(parts.scheme)
    if scheme is None or not parts.hostname or parts.fragment:
        raise _wrong(f"it is {parts.scheme or 'none'}://{parts.hostname or ''}")
    if unknown := set(options) - {"iceberg", "ca"}:
        raise _wrong(f"there is no option {sorted(unknown)[0]}")
    if parts.password is not None and scheme != "https":
        raise _wrong("Trino takes a password over https alone")
    if parts.username and parts.password is None:
        raise _wrong("there is a user without a password; Trino is told who the caller is without one")
    if "ca" in options and scheme != "https":
        raise _wrong("certificates are for https alone")
    names = [parts.path.strip("/") or CATALOG, options.get("iceberg", "")]
    for name in names:
        if not _NAME.fullmatch(name):
            raise _wrong(f"{name} is no name of a catalog")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Cluster(
        base=f"{scheme}://{host}:{port or PORTS[scheme]}",
        catalog=names[0].lower(),
        iceberg=names[1].lower(),
        authorization=_authorization(parts.username, parts.password),
        ca=_readable(options.get("ca", "")),
    )


def stop(cluster: Cluster, uri: str) -> None:
    """End a statement, if it is still under way and somebody answers; blocks."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if cluster.ca:
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=cluster.ca)))
    headers = {"User-Agent": "lakemill"}
    if cluster.authorization and uri.startswith(f"{cluster.base}/"):
        headers["Authorization"] = cluster.authorization
    request = urllib.request.Request(uri, method="DELETE", headers=headers)
    with (
        contextlib.suppress(OSError, ValueError, urllib.error.URLError),  # It ends by itself when nobody asks for it.
        urllib.request.build_opener(*handlers).open(request, timeout=STOP_S),
    ):
        pass


def _authorization(user: str | None, password: str | None) -> str:
    if password is None:
        return ""
    both = f"{urllib.parse.unquote(user or '')}:{urllib.parse.unquote(password)}"
    return "Basic " + base64.b64encode(both.encode()).decode()


def _readable(ca: str) -> str:
    try:
        if ca:
            ssl.create_default_context(cafile=ca)
    except OSError as wrong:
        raise _wrong(f"the certificates in {ca} cannot be read: {wrong}") from None
    return ca


def _wrong(reason: str) -> ClusterUnavailable:
    return ClusterUnavailable(f"the URL of a cluster for queries must be empty or {FORM}: {reason}")
