"""The pages of an HLS session: a master playlist, a media playlist, a beginning, and a piece for each fragment.

Whoever knows the session's token may read them, as on AWS. A piece is a fragment as `moof mdat`, moved to its time in
the playlist (RFC 8216; ISO/IEC 14496-12).
"""

from typing import Any
from urllib.parse import parse_qs

from lakemill.engines.video import Video
from lakemill.engines.video.errors import VideoError
from lakemill.engines.video.fragments import Kept
from lakemill.engines.video.sessions import Session
from lakemill.services.base import HttpRequest
from lakemill.services.kinesisvideo.names import moment_of

FOLDER = "/_lakemill/hls/"
MASTER, MEDIA = f"{FOLDER}getHLSMasterPlaylist.m3u8", f"{FOLDER}getHLSMediaPlaylist.m3u8"
BEGINNING, PIECE = f"{FOLDER}getMP4InitFragment.mp4", f"{FOLDER}getMP4MediaFragment.mp4"
HLS_PAGES = (MASTER, MEDIA, BEGINNING, PIECE)
Page = tuple[int, list[tuple[str, str]], bytes]
ANYBODY = [("access-control-allow-origin", "*"), ("cache-control", "no-store")]
GAP_MS = 100
"""Fragments this far apart follow each other without a break."""


def select(kept: list[Kept], wish: dict[str, Any]) -> list[Kept]:
    """The fragments of a playlist, by their time."""
    by_server = wish["kind"] == "SERVER_TIMESTAMP"
    some = sorted(kept, key=lambda one: (one.server_ms if by_server else one.producer_ms, one.number))
    if wish["start"] is not None:
        some = [one for one in some if (one.server_ms if by_server else one.producer_ms) >= wish["start"]]
    if wish["end"] is not None:
        some = [one for one in some if (one.server_ms if by_server else one.producer_ms) <= wish["end"]]
    return some[-wish["most"] :] if wish["mode"] == "LIVE" else some[: wish["most"]]


async def hls_page(video: Video, http: HttpRequest) -> Page:
    """Whichever page of a session is asked for."""
    query = {name: values[0] for name, values in parse_qs(http.query_string.decode("latin-1")).items()}
    session = video.sessions.find(query.get("SessionToken", ""))
    if session is None:
        return 403, [("content-type", "text/plain"), *ANYBODY], b"The session token is unknown or has expired.\n"
    path = http.raw_path.decode("latin-1")
    try:
        if path == MASTER:
            return await _master(video, session)
        if path == MEDIA:
            return await _media(video, session)
        return await _mp4(video, session, query.get("FragmentNumber", ""), beginning=path == BEGINNING)
    except VideoError as error:
        return 404, [("content-type", "text/plain"), *ANYBODY], f"{error}\n".encode()


def _playlist(lines: list[str]) -> Page:
    return 200, [("content-type", "application/x-mpegURL"), *ANYBODY], ("\n".join(lines) + "\n").encode()


async def _fragments(video: Video, session: Session) -> list[Kept]:
    stream = video.named(session.scope, session.stream)
    return select(await video.archived(stream), session.wish)


async def _master(video: Video, session: Session) -> Page:
    some = await _fragments(video, session)
    ms = max(1, sum(kept.length_ms for kept in some))
    bandwidth = max(1, sum(kept.size for kept in some) * 8000 // ms)
    media = f"{MEDIA.rpartition('/')[2]}?SessionToken={session.token}"
    return _playlist(["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-STREAM-INF:BANDWIDTH={bandwidth}", media])


async def _media(video: Video, session: Session) -> Page:
    some, wish = await _fragments(video, session), session.wish
    longest = max((kept.length_ms for kept in some), default=1000)
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{-(-longest // 1000)}"]
    lines += {"ON_DEMAND": ["#EXT-X-PLAYLIST-TYPE:VOD"], "LIVE_REPLAY": ["#EXT-X-PLAYLIST-TYPE:EVENT"]}.get(
        wish["mode"], []
    )
    sequence = await _sequence(video, session, some)
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{sequence}")
    before: Kept | None = None
    for kept in some:
        if before is None or kept.header != before.header:
            if before is not None:
                lines.append("#EXT-X-DISCONTINUITY")
            lines.append(f'#EXT-X-MAP:URI="{_uri(BEGINNING, session, kept)}"')
        elif _breaks(before, kept, wish["discontinuities"]):
            lines.append("#EXT-X-DISCONTINUITY")
        if wish["times"]:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{moment_of(kept.producer_ms).isoformat(timespec='milliseconds')}")
        lines += [f"#EXTINF:{kept.length_ms / 1000:.3f},", _uri(PIECE, session, kept)]
        before = kept
    return _playlist([*lines, *(["#EXT-X-ENDLIST"] if wish["mode"] == "ON_DEMAND" else [])])


async def _sequence(video: Video, session: Session, some: list[Kept]) -> int:
    """The place of the first fragment among all: it grows while a live playlist moves on."""
    if session.wish["mode"] != "LIVE" or not some:
        return 1
    stream = video.named(session.scope, session.stream)
    first = session.wish["first"]
    return 1 + sum(first <= kept.number < some[0].number for kept in await video.archived(stream))


def _breaks(before: Kept, kept: Kept, mode: str) -> bool:
    if mode == "ALWAYS":
        return True
    gap = kept.producer_ms - before.producer_ms - before.length_ms
    return mode == "ON_DISCONTINUITY" and abs(gap) > GAP_MS


def _uri(page: str, session: Session, kept: Kept) -> str:
    return f"{page.rpartition('/')[2]}?FragmentNumber={kept.number}&SessionToken={session.token}"


async def _mp4(video: Video, session: Session, number: str, *, beginning: bool) -> Page:
    stream = video.named(session.scope, session.stream)
    kept = video.fragments.get(stream["id"], number)
    # Where the fragment stands in the session: pieces follow each other in time.
    later_s = max(0.0, (kept.producer_ms - session.wish["origin"]) / 1000)
    first, piece = await video.clips.piece(stream["id"], kept, later_s)
    return 200, [("content-type", "video/mp4"), *ANYBODY], first if beginning else piece


__all__ = ["HLS_PAGES", "MASTER", "hls_page", "select"]
