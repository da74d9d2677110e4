"""How the three clients find a stream, and what they say when something is wrong."""

import datetime
from typing import Any, ClassVar

from lakemill.engines.resources import TokenMangled, TooManyTags
from lakemill.engines.video import Stream, Video
from lakemill.engines.video import errors as video_errors
from lakemill.services.base import Call, Need, Service, ServiceError

Request = dict[str, Any]
Answer = dict[str, Any]


class VideoService(Service):
    """Base of the three."""

    iam_prefix: ClassVar[str] = "kinesisvideo"
    errors: ClassVar = {
        video_errors.StreamMissing: "ResourceNotFoundException",
        video_errors.FragmentMissing: "ResourceNotFoundException",
        video_errors.StreamExists: "ResourceInUseException",
        video_errors.VersionStale: "VersionMismatchException",
        video_errors.NothingKept: "NoDataRetentionException",
        TokenMangled: "InvalidArgumentException",
        TooManyTags: "TagsPerResourceExceededLimitException",
    }

    def __init__(self, video: Video) -> None:
        self._video = video

    def needs(self, call: Call, request: Request) -> list[Need]:
        if not {"StreamName", "StreamARN"} & set(request):
            return [Need(f"kinesisvideo:{call.operation}")]
        try:
            arn = arn_of(call, self.stream(call, request))
        except (ServiceError, video_errors.StreamMissing):
            arn = request.get("StreamARN") or call.arn(f"stream/{request.get('StreamName')}/*", "kinesisvideo")
        return [Need(f"kinesisvideo:{call.operation}", arn)]

    def stream(self, call: Call, request: Request) -> Stream:
        """The stream a request names. Raises ServiceError, StreamMissing."""
        name, arn = request.get("StreamName"), request.get("StreamARN")
        if name is None and arn is None:
            raise invalid("Either StreamName or StreamARN must be specified.")
        if arn is not None:
            parts = arn.split(":", 5)
            kind, _, rest = parts[-1].partition("/")
            if len(parts) < 6 or kind != "stream" or name not in (None, rest.partition("/")[0]):
                raise invalid(f"StreamARN {arn} is not the ARN of the stream.")
            name = rest.partition("/")[0]
        assert name is not None
        try:
            stream = self._video.named(scope_of(call), name)
        except video_errors.StreamMissing:
            raise missing(call, name) from None
        if arn is not None and arn != arn_of(call, stream):
            raise missing(call, name)
        return stream


def scope_of(call: Call) -> str:
    return f"{call.account}/{call.region}"


def arn_of(call: Call, stream: Stream) -> str:
    created_ms = round(stream["created"].timestamp() * 1000)
    return call.arn(f"stream/{stream['name']}/{created_ms}", "kinesisvideo")


def missing(call: Call, name: str) -> ServiceError:
    return ServiceError(
        "ResourceNotFoundException",
        f"The requested stream is not found or not active. Stream: {name} under account {call.account} not found.",
        status=404,
    )


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidArgumentException", message, status=400)


def ms_of(moment: datetime.datetime) -> int:
    """Unix time in milliseconds."""
    return round(moment.timestamp() * 1000)


def moment_of(ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC)


CLIP_ERRORS = {
    "codec": "UnsupportedStreamMediaTypeException",
    "private": "MissingCodecPrivateDataException",
    "frames": "InvalidMediaFrameException",
}


def clip_impossible(error: video_errors.ClipImpossible) -> ServiceError:
    if error.kind == "player":
        return ServiceError("NotImplementedException", f"{error}.", status=501)
    return ServiceError(CLIP_ERRORS[error.kind], str(error))
