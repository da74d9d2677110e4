"""GetImages: a picture every so many milliseconds."""

import base64
import binascii

from lakemill.engines.video.errors import ClipImpossible
from lakemill.engines.video.pictures import Moment, moments
from lakemill.services.base import Call, operation
from lakemill.services.kinesisvideo.names import (
    Answer,
    Request,
    VideoService,
    clip_impossible,
    invalid,
    moment_of,
    ms_of,
)

INTERVAL_MS, INTERVAL_MS_MIN = 3000, 200
CONTENT_CHARACTERS_MAX = 6_291_456
PAGE_CHARACTERS_MAX = 32 << 20


class Images(VideoService):
    """A part of the client kinesis-video-archived-media."""

    @operation("GetImages")
    async def get_images(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        times, after = _times(request)
        quality = _quality(request)
        by_server = request["ImageSelectorType"] == "SERVER_TIMESTAMP"
        several = moments(await self._video.archived(stream), times, by_server=by_server)
        size = {"width": request.get("WidthPixels"), "height": request.get("HeightPixels")}
        try:
            made = await self._video.pictures.of(stream["id"], several, request["Format"], **size, quality=quality)
        except ClipImpossible as error:
            raise clip_impossible(error) from None
        images: list[Answer] = []
        characters = 0
        for at, (moment, picture) in enumerate(zip(several, made, strict=True)):
            images.append(_image(moment, picture))
            characters += len(images[-1].get("ImageContent", ""))
            if characters > PAGE_CHARACTERS_MAX and at + 1 < len(times):
                after = times[at + 1]
                break
        return {"Images": images} | ({"NextToken": _token(after)} if after is not None else {})


def _image(moment: Moment, picture: bytes | None) -> Answer:
    answer: Answer = {"TimeStamp": moment_of(moment.ms)}
    if moment.kept is None:
        return answer | {"Error": "NO_MEDIA"}
    content = base64.b64encode(picture).decode() if picture is not None else ""
    if not 0 < len(content) <= CONTENT_CHARACTERS_MAX:
        return answer | {"Error": "MEDIA_ERROR"}
    return answer | {"ImageContent": content}


def _times(request: Request) -> tuple[list[int], int | None]:
    """The moments of this page, and the first of the next (None if there is none)."""
    start, end = ms_of(request["StartTimestamp"]), ms_of(request["EndTimestamp"])
    step = request.get("SamplingInterval", INTERVAL_MS)
    if step < INTERVAL_MS_MIN:
        raise invalid(f"SamplingInterval must be at least {INTERVAL_MS_MIN} ms; got {step}.")
    if end < start:
        raise invalid("StartTimestamp must not be later than EndTimestamp.")
    if "NextToken" in request:
        start = _opened(request["NextToken"])
    after = start + request.get("MaxResults", 100) * step
    return list(range(start, min(after, max(end, start + 1)), step)), after if after < end else None


def _quality(request: Request) -> int | None:
    text = request.get("FormatConfig", {}).get("JPEGQuality")
    if text is None:
        return None
    if request["Format"] != "JPEG" or not text.isdigit() or not 1 <= int(text) <= 100:
        raise invalid(f"JPEGQuality must be 1 to 100, and Format JPEG; got {text} for {request['Format']}.")
    return int(text)


def _token(ms: int) -> str:
    return base64.b64encode(str(ms).encode()).decode()


def _opened(token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise invalid("NextToken is none of ours.") from None
