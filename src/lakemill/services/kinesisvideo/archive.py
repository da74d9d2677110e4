"""Client kinesis-video-archived-media: fragments that are kept, as they came, as MP4, and by HLS."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from lakemill.engines.resources import page
from lakemill.engines.video import Stream
from lakemill.engines.video.clips import check
from lakemill.engines.video.errors import ClipImpossible
from lakemill.engines.video.fragments import Kept, matroska
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kinesisvideo.hls import MASTER, select
from lakemill.services.kinesisvideo.images import Images
from lakemill.services.kinesisvideo.media import media_tags
from lakemill.services.kinesisvideo.names import (
    Answer,
    Request,
    clip_impossible,
    invalid,
    missing,
    moment_of,
    ms_of,
    scope_of,
)

CLIP_FRAGMENTS_MAX = 200
CLIP_BYTES_MAX = 100 << 20


class KinesisVideoArchivedMedia(Images):
    """boto3 client `kinesis-video-archived-media`."""

    name: ClassVar[str] = "kinesis-video-archived-media"

    @operation("ListFragments")
    async def list_fragments(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        found = await self._selected(stream, request.get("FragmentSelector"))
        part = page(
            [{"number": kept.number, "kept": kept} for kept in found],
            lambda one: (one["number"],),
            limit=request.get("MaxResults", 100),
            token=request.get("NextToken"),
        )
        answer: Answer = {"Fragments": [_described(one["kept"]) for one in part.items]}
        return answer | ({"NextToken": part.token} if part.token else {})

    async def _selected(self, stream: Stream, selector: Request | None) -> list[Kept]:
        """Fragments whose time lies in a range, both ends included; all without a selector."""
        found = await self._video.archived(stream)
        if selector is None:
            return found
        kind = selector["FragmentSelectorType"]
        limits = selector.get("TimestampRange", {})
        start, end = (ms_of(limits[name]) if name in limits else None for name in ("StartTimestamp", "EndTimestamp"))
        if start is not None and end is not None and start > end:
            raise invalid("StartTimestamp must not be later than EndTimestamp.")
        return [
            kept
            for kept in found
            if (start is None or start <= _time(kept, kind)) and (end is None or _time(kept, kind) <= end)
        ]

    @operation("GetMediaForFragmentList")
    def get_media_for_fragment_list(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        some = [self._video.fragments.get(stream["id"], number) for number in request["Fragments"]]
        return {"ContentType": "video/webm", "Payload": self._media(stream, some)}

    async def _media(self, stream: Stream, some: list[Kept]) -> AsyncIterator[bytes]:
        for kept in some:
            header = self._video.fragments.header(stream["id"], kept)
            content = await self._video.fragments.content(kept)
            yield matroska(header, kept, content, media_tags(kept))

    @operation("GetClip")
    async def get_clip(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        some = await self._selected(stream, request["ClipFragmentSelector"])
        if not some:
            raise missing_in(call, stream, "No fragments found in the stream for the clip's time range.")
        if len(some) > CLIP_FRAGMENTS_MAX:
            raise invalid(f"A clip has at most {CLIP_FRAGMENTS_MAX} fragments; the range has {len(some)}.")
        if (size := sum(kept.size for kept in some)) > CLIP_BYTES_MAX:
            raise invalid(f"A clip has at most {CLIP_BYTES_MAX} bytes; the fragments of the range have {size}.")
        try:
            return {"ContentType": "video/mp4", "Payload": await self._video.clips.clip(stream["id"], some)}
        except ClipImpossible as error:
            raise clip_impossible(error) from None

    @operation("GetHLSStreamingSessionURL")
    async def get_hls_streaming_session_url(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        mode = request.get("PlaybackMode", "LIVE")
        wish = _hls_wish(request, mode)
        kept = await self._video.archived(stream)
        some = select(kept, wish)
        if not some:
            raise missing_in(call, stream, "No fragments found in the stream for the streaming request.")
        try:
            check(self._video.fragments.header(stream["id"], some[0]))
        except ClipImpossible as error:
            raise clip_impossible(error) from None
        # Where the session begins: times and places of its fragments count from there.
        wish |= {"origin": min(one.producer_ms for one in some), "first": some[0].number}
        session = self._video.sessions.open(scope_of(call), stream["name"], request.get("Expires", 300), wish)
        url = f"{call.http.scheme}://{call.http.header('host')}{MASTER}?SessionToken={session.token}"
        return {"HLSStreamingSessionURL": url}


def missing_in(call: Call, stream: Stream, text: str) -> ServiceError:
    """The stream is there, what was looked for in it is not."""
    error = missing(call, stream["name"])
    return ServiceError(error.code, text, status=error.status)


def _hls_wish(request: Request, mode: str) -> dict[str, Any]:
    if request.get("ContainerFormat", "FRAGMENTED_MP4") != "FRAGMENTED_MP4":
        raise invalid("ContainerFormat is refused: lakemill's HLS has FRAGMENTED_MP4 only.")
    selector = request.get("HLSFragmentSelector", {})
    limits = selector.get("TimestampRange", {})
    if mode == "LIVE" and limits:
        raise invalid("TimestampRange must not be given where PlaybackMode is LIVE.")
    if mode != "LIVE" and "StartTimestamp" not in limits:
        raise invalid(f"StartTimestamp is required where PlaybackMode is {mode}.")
    if mode == "ON_DEMAND" and "EndTimestamp" not in limits:
        raise invalid("EndTimestamp is required where PlaybackMode is ON_DEMAND.")
    return {
        "mode": mode,
        "kind": selector.get("FragmentSelectorType", "SERVER_TIMESTAMP"),
        "start": ms_of(limits["StartTimestamp"]) if "StartTimestamp" in limits else None,
        "end": ms_of(limits["EndTimestamp"]) if "EndTimestamp" in limits else None,
        "discontinuities": request.get("DiscontinuityMode", "ALWAYS"),
        "times": request.get("DisplayFragmentTimestamp", "NEVER") == "ALWAYS",
        "most": request.get("MaxMediaPlaylistFragmentResults", 5 if mode == "LIVE" else 5000),
    }


def _time(kept: Kept, kind: str) -> int:
    return kept.server_ms if kind == "SERVER_TIMESTAMP" else kept.producer_ms


def _described(kept: Kept) -> Answer:
    return {
        "FragmentNumber": kept.number,
        "FragmentSizeInBytes": kept.size,
        "ProducerTimestamp": moment_of(kept.producer_ms),
        "ServerTimestamp": moment_of(kept.server_ms),
        "FragmentLengthInMilliseconds": kept.length_ms,
    }
