"""Client kinesis-video-media: PutMedia (which SDKs for producers call) and GetMedia."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import msgspec

from lakemill.engines.video import Acknowledgement, Intake, Stream, Video, watching
from lakemill.engines.video.fragments import Kept
from lakemill.engines.video.intake import TIME_MS_MAX
from lakemill.engines.video.watching import Place
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, operation
from lakemill.services.kinesisvideo.names import Answer, Request, VideoService, invalid, ms_of, scope_of

# Id and code of what may be wrong with a stream that is put.
# https://docs.aws.amazon.com/kinesisvideostreams/latest/dg/API_dataplane_PutMedia.html
ERRORS = {
    "read": (4000, "STREAM_READ_ERROR"),
    "size": (4001, "MAX_FRAGMENT_SIZE_REACHED"),
    "duration": (4002, "MAX_FRAGMENT_DURATION_REACHED"),
    "order": (4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"),
    "tracks": (4005, "MORE_THAN_ALLOWED_TRACKS_FOUND"),
    "time": (4007, "INVALID_PRODUCER_TIMESTAMP"),
    "broken": (4006, "INVALID_MKV_DATA"),
    "gone": (4008, "STREAM_NOT_ACTIVE"),
    "internal": (5000, "INTERNAL_ERROR"),
}
TAG = "AWS_KINESISVIDEO_"


class KinesisVideoMedia(VideoService):
    """boto3 client `kinesis-video-media`."""

    name: ClassVar[str] = "kinesis-video-media"

    def __init__(self, video: Video, clock: Clock) -> None:
        super().__init__(video)
        self._clock = clock

    @operation("PutMedia")
    def put_media(self, call: Call, request: Request) -> Answer:
        """Reads and answers at the same time, on one connection."""
        stream = self.stream(call, request)
        start_ms = _start_ms(request) if request["FragmentTimecodeType"] == "RELATIVE" else 0
        intake = Intake(self._video, scope_of(call), stream, start_ms)
        acknowledgements = intake.acknowledgements(aiter(request["Payload"]))
        return {"ContentType": "application/json", "Payload": _written(acknowledgements)}

    @operation("GetMedia")
    def get_media(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        place = self._place(stream, request["StartSelector"])
        return {"ContentType": "video/webm", "Payload": watching.watch(self._video, stream, place, self._tags)}

    def _place(self, stream: Stream, selector: Request) -> Place:
        kind = selector["StartSelectorType"]
        members = {
            "FRAGMENT_NUMBER": "AfterFragmentNumber",
            "CONTINUATION_TOKEN": "ContinuationToken",
            "PRODUCER_TIMESTAMP": "StartTimestamp",
            "SERVER_TIMESTAMP": "StartTimestamp",
        }
        for member in {*members.values(), members.get(kind, "")} - {""}:
            if (member in selector) != (members.get(kind) == member):
                raise invalid(
                    f"StartSelectorType {kind} {'needs' if members.get(kind) == member else 'excludes'} {member}."
                )
        if kind == "NOW":
            return watching.now(self._video.fragments, stream)
        if kind == "EARLIEST":
            return watching.earliest(self._video, stream)
        if kind in ("FRAGMENT_NUMBER", "CONTINUATION_TOKEN"):
            number = selector[members[kind]]
            if not number.isdigit():
                raise invalid(f"{members[kind]} must be a fragment's number; got {number}.")
            return Place(max(number, self._video.oldest(stream)))
        at = watching.at_producer_time if kind == "PRODUCER_TIMESTAMP" else watching.at_server_time
        return at(self._video, stream, ms_of(selector["StartTimestamp"]))

    def _tags(self, kept: Kept, newest: bool) -> dict[str, str]:
        behind_ms = 0 if newest else max(0, int(self._clock.time() * 1000) - kept.server_ms)
        return media_tags(kept) | {
            f"{TAG}MILLIS_BEHIND_NOW": str(behind_ms),
            f"{TAG}CONTINUATION_TOKEN": kept.number,
        }


def media_tags(kept: Kept) -> dict[str, str]:
    """The tags that tell what a fragment is. Times are seconds with three decimals."""
    return {
        f"{TAG}FRAGMENT_NUMBER": kept.number,
        f"{TAG}SERVER_TIMESTAMP": f"{kept.server_ms / 1000:.3f}",
        f"{TAG}PRODUCER_TIMESTAMP": f"{kept.producer_ms / 1000:.3f}",
    }


def _start_ms(request: Request) -> int:
    given = request.get("ProducerStartTimestamp")
    if given is None:
        raise invalid("x-amzn-producer-start-timestamp is needed where x-amzn-fragment-timecode-type is RELATIVE.")
    try:
        start_ms = round(float(given) * 1000)
    except (ValueError, OverflowError):
        start_ms = -1
    if not 0 <= start_ms <= TIME_MS_MAX:
        raise invalid(f"x-amzn-producer-start-timestamp must be seconds since 1970; got {given}.")
    return start_ms


async def _written(acknowledgements: AsyncIterator[Acknowledgement]) -> AsyncIterator[bytes]:
    """JSON objects, back to back."""
    async for one in acknowledgements:
        told: dict[str, Any] = {"EventType": one.event}
        if one.timecode is not None:
            told["FragmentTimecode"] = one.timecode
        if one.number is not None:
            told["FragmentNumber"] = one.number
        if one.error is not None:
            told["ErrorId"], told["ErrorCode"] = ERRORS[one.error.kind]
        yield msgspec.json.encode(told)
