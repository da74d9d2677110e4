"""What can go wrong between a request and a model.

HostingError
    ServerError          of one exchange with a serving process
        ServerGone       it cannot be reached, or broke off
        AnswerTooLate    no complete answer in the time allowed
        AnswerTooLarge   the answer is longer than allowed
        AnswerUnreadable the answer is not HTTP
    ArtifactError        a model's files cannot be had or are not safe to unpack
    EndpointMissing      no endpoint has this name
    EndpointBusy         it is being changed (or failed), so it cannot be changed now
    EndpointNotServing   it takes no requests in its present state
    VariantMissing       the endpoint has no variant of this name
    NoTraffic            all variants would have a weight of 0
    NoInstance           every instance of the variant is down at this moment
    StartFailed          a fleet did not come up
"""

from typing import Any


class HostingError(Exception):
    """Base."""


class ServerError(HostingError):
    """Base of what goes wrong in one exchange."""


class ServerGone(ServerError):
    """Not there, or it broke off.

    Fields: unsent, no byte of the request can have reached it; stale, it broke off without a byte of an answer on a
    connection that had been kept, so it may only have been tired of that connection.
    """

    def __init__(self, text: str, *, unsent: bool = False, stale: bool = False) -> None:
        super().__init__(text)
        self.unsent, self.stale = unsent, stale


class AnswerTooLate(ServerError):
    """Field: timeout_s."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"no complete answer within {timeout_s:g} s")
        self.timeout_s = timeout_s


class AnswerTooLarge(ServerError):
    """Fields: bytes_max, status of the answer."""

    def __init__(self, bytes_max: int, status: int) -> None:
        super().__init__(f"the answer is longer than {bytes_max} bytes")
        self.bytes_max, self.status = bytes_max, status


class AnswerUnreadable(ServerError):
    """Not HTTP."""


class ArtifactError(HostingError):
    """What is wrong with a model's files. Field: unpacking, whether they came but are no good archive."""

    def __init__(self, text: str, *, unpacking: bool = True) -> None:
        super().__init__(text)
        self.unpacking = unpacking


class EndpointMissing(HostingError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no endpoint is named {name!r}")
        self.name = name


class EndpointBusy(HostingError):
    """Fields: name, state."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"endpoint {name!r} cannot be changed while it is {state}")
        self.name, self.state = name, state


class EndpointNotServing(HostingError):
    """Fields: name, state."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"endpoint {name!r} takes no requests while it is {state}")
        self.name, self.state = name, state


class VariantMissing(HostingError):
    """Fields: endpoint, variant."""

    def __init__(self, endpoint: str, variant: str) -> None:
        super().__init__(f"endpoint {endpoint!r} has no variant {variant!r}")
        self.endpoint, self.variant = endpoint, variant


class NoTraffic(HostingError):
    """All weights would be 0."""

    def __init__(self) -> None:
        super().__init__("at least one variant must have a weight above 0")


class NoInstance(HostingError):
    """Fields: variant."""

    def __init__(self, variant: str) -> None:
        super().__init__(f"no instance of variant {variant!r} is up")
        self.variant = variant


class StartFailed(HostingError):
    """A fleet did not come up.

    Fields: kind (`unhealthy` no 200 from /ping in time, `exited` the process ended, `download` the model's files cannot
    be had, `unpack` they are no good archive, `refused` this machine cannot run it, `internal` anything else), variant,
    detail (a sentence about the cause).
    """

    def __init__(self, kind: str, variant: str, detail: str = "") -> None:
        super().__init__(f"variant {variant!r} did not start ({kind}) {detail}".rstrip())
        self.kind, self.variant, self.detail = kind, variant, detail

    def document(self) -> dict[str, Any]:
        """As kept with an endpoint."""
        return {"kind": self.kind, "variant": self.variant, "detail": self.detail}
