"""What can go wrong with delivery streams.

DeliveryError
    NotDirect      records cannot be put into a stream that has a source of its own
    StaleVersion   the stream was changed since
    NotReady       the stream is being made or deleted
    SourceRefused  its source may not be read
"""


class DeliveryError(Exception):
    """Base; the text says what."""


class NotDirect(DeliveryError):
    """Fields: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the delivery stream {name!r} takes its records from a source of its own")
        self.name = name


class StaleVersion(DeliveryError):
    """Fields: given, current."""

    def __init__(self, given: str, current: str) -> None:
        super().__init__(f"the version is {current}, not {given}")
        self.given, self.current = given, current


class NotReady(DeliveryError):
    """Fields: name, status."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(f"the delivery stream {name!r} is {status}")
        self.name, self.status = name, status


class SourceRefused(DeliveryError):
    """The text says why."""
