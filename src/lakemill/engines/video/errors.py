"""What can go wrong with video.

VideoError
    StreamMissing       no stream of this scope has the name
    StreamExists        one has it already
    VersionStale        the stream has changed since the version that was given
    FragmentMissing     the stream has no such fragment (any more)
    NothingKept         the stream keeps nothing, so there is nothing to look up
    ClipImpossible      the fragments cannot be made into a clip
    IntakeStopped       what arrives cannot go on; kind says why
"""


class VideoError(Exception):
    """Base."""


class StreamMissing(VideoError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no stream is named {name}")
        self.name = name


class StreamExists(VideoError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a stream is named {name} already")
        self.name = name


class VersionStale(VideoError):
    """Fields: given, current."""

    def __init__(self, given: str, current: str) -> None:
        super().__init__(f"the stream's version is {current}, not {given}")
        self.given, self.current = given, current


class FragmentMissing(VideoError):
    """Field: number."""

    def __init__(self, number: str) -> None:
        super().__init__(f"there is no fragment {number}")
        self.number = number


class NothingKept(VideoError):
    """The stream keeps nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the stream {name} keeps no fragments")


class ClipImpossible(VideoError):
    """Field: kind.

    "codec": one that MP4 does not hold. "private": its description is missing. "frames": they cannot be read.
    "player": what would make the clip is not installed.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class IntakeStopped(VideoError):
    """Field: kind: "broken", "size", "duration", "order", "tracks", "time", "read", "gone", "internal"."""

    def __init__(self, kind: str, message: str, timecode: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.timecode = kind, timecode
