"""The canonical request: what both sides of a signature must spell alike.

It is, joined by newlines: method, path, query, one `name:value` line per signed header, an empty line, the signed
headers' names, the payload's hash. S3 takes the path exactly as it came over the wire; every other service takes it
without dot segments and doubled slashes, percent-encoded once more. Clients that send a path, query or host in another
spelling than they sign (a proxy in between may do that too) get a second try with the spelling of the specification;
it means the same request, so nothing is lost by it.
"""

from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

from lakemill.gateway.sigclaim import Claim
from lakemill.services.base import HttpRequest


def headers_of(http: HttpRequest) -> dict[str, str]:
    """Headers by name; those that came more than once joined by commas, each trimmed. Not to be changed."""
    first = http.first_headers()
    if len(first) == len(http.headers):
        return first
    headers: dict[str, str] = {}
    for name, value in http.headers:
        headers[name] = f"{headers[name].strip()},{value.strip()}" if name in headers else value
    return headers


def spellings(http: HttpRequest, claim: Claim, headers: dict[str, str]) -> Iterator[str]:
    """Path, query and header lines, a line each: as sent first, then as the specification spells the same."""
    raw_path = http.raw_path.decode("latin-1") or "/"
    raw_query = http.query_string.decode("latin-1")
    s3 = claim.service == "s3"
    path = raw_path if s3 or raw_path == "/" else quote_path(normalise_path(raw_path))
    query = _canonical_query(raw_query, claim.presigned) if raw_query else ""
    lines = _header_lines(claim.signed_headers, headers)
    yield f"{path}\n{query}\n{lines}"
    paths = [path]
    if s3:  # Elsewhere %2F inside a path segment means something else than a slash.
        paths.append(quote(unquote_to_bytes(http.raw_path), safe="/~"))
    queries = [query, _canonical_query(_respelled(raw_query), claim.presigned)]
    if claim.presigned and claim.session_token is not None:
        queries += [_without(known, "X-Amz-Security-Token") for known in queries]
    hosts = [lines]
    host = headers.get("host", "")
    if host.endswith((":80", ":443")):
        hosts.append(_header_lines(claim.signed_headers, headers | {"host": host.rsplit(":", 1)[0]}))
    tried = {f"{path}\n{query}\n{lines}"}
    for variant in (f"{p}\n{q}\n{h}" for p in paths for q in queries for h in hosts):
        if variant not in tried:
            tried.add(variant)
            yield variant


def _header_lines(names: tuple[str, ...], headers: dict[str, str]) -> str:
    lines = []
    for name in names:
        value = headers.get(name)
        if value is None:
            value = headers.get("host", "") if name == ":authority" else ""
        elif " " in value or "\t" in value:
            value = " ".join(value.split())
        lines.append(f"{name}:{value}\n")
    return "".join(lines)


def _canonical_query(query: str, presigned: bool) -> str:
    if not query:
        return ""
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if presigned and name == "X-Amz-Signature":
            continue
        pairs.append((name, value))
    if len(pairs) > 1:
        pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _respelled(query: str) -> str:
    """Every name and value decoded (a plus sign is a space, as for the handlers) and encoded again."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ").encode("latin-1")), safe="-_.~")


def _without(query: str, name: str) -> str:
    return "&".join(pair for pair in query.split("&") if not pair.startswith(f"{name}="))


def quote_path(path: str) -> str:
    """Percent-encode a path that is already encoded, as every service but S3 signs it.

    >>> quote_path("/endpoints/a%3Ab/x~")
    '/endpoints/a%253Ab/x~'
    """
    return path if path == "/" else quote(path.encode("latin-1"), safe="/~")


def normalise_path(path: str) -> str:
    """Without dot segments and doubled slashes.

    >>> normalise_path("/a//./b/../c/")
    '/a/c/'
    """
    if path == "/" or ("//" not in path and "/." not in path):
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    tail = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + tail
