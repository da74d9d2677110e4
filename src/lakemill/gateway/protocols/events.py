"""Event stream members by the model: events out of an async iterator into frames, frames into events.

A handler gives (and takes) dicts of one event: `{"Records": {"Payload": b"..."}}`. A ServiceError raised underway
becomes the stream's exception frame, the only way left to say so once the status is sent.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from lakemill.gateway import eventstream
from lakemill.services.base import ServiceError

if TYPE_CHECKING:
    from botocore.model import StructureShape

EncodeBody = Callable[[Any], bytes]
DecodeBody = Callable[[bytes], Any]
BodyOf = Callable[[Any, list[str]], tuple[EncodeBody, DecodeBody]]
"""How the protocol writes and reads a structure (of some of its members) as a payload."""


class _Event:
    """One kind of event, compiled."""

    def __init__(self, name: str, shape: StructureShape, body_of: BodyOf, content_type: str) -> None:
        self.name = name
        self.shape = shape
        self.headers_of = [n for n, m in shape.members.items() if m.serialization.get("eventheader")]
        self.payload: str = next((n for n, m in shape.members.items() if m.serialization.get("eventpayload")), "")
        rest = [n for n in shape.members if n not in self.headers_of and n != self.payload]
        self.kind = shape.members[self.payload].type_name if self.payload else "structure"
        if self.payload and self.kind == "structure":
            inner = shape.members[self.payload]
            self.encode_body, self.decode_body = body_of(inner, list(inner.members))
        else:
            self.encode_body, self.decode_body = body_of(shape, rest)
        self.empty = not rest and not self.payload
        types = {"blob": "application/octet-stream", "string": "text/plain"}
        self.content_type = types.get(self.kind, content_type)

    def frame(self, value: dict[str, Any]) -> bytes:
        headers: dict[str, Any] = {":message-type": "event", ":event-type": self.name}
        payload = self._payload(value)
        if payload:
            headers[":content-type"] = self.content_type
        headers |= {name: value[name] for name in self.headers_of if value.get(name) is not None}
        return eventstream.encode(headers, payload)

    def _payload(self, value: dict[str, Any]) -> bytes:
        if self.kind == "blob":
            return bytes(value.get(self.payload) or b"")
        if self.kind == "string":
            return (value.get(self.payload) or "").encode()
        if self.empty:
            return b""
        return self.encode_body(value.get(self.payload) or {} if self.payload else value)

    def value(self, frame: eventstream.Frame) -> dict[str, Any]:
        out = {name: frame.headers[name] for name in self.headers_of if name in frame.headers}
        if self.kind == "blob":
            out[self.payload] = frame.payload
        elif self.kind == "string":
            out[self.payload] = frame.payload.decode()
        elif self.payload:
            out[self.payload] = self.decode_body(frame.payload)
        elif not self.empty:
            out |= self.decode_body(frame.payload)
        return out


class EventCodec:
    """The event stream member of an operation."""

    def __init__(self, shape: StructureShape, body_of: BodyOf, content_type: str) -> None:
        self._events = {name: _Event(name, member, body_of, content_type) for name, member in shape.members.items()}
        self._content_type = content_type
        self._error_body = body_of(None, [])[0]

    def initial(self, payload: bytes) -> bytes:
        """The frame that carries an RPC answer's other members."""
        headers = {":message-type": "event", ":event-type": "initial-response", ":content-type": self._content_type}
        return eventstream.encode(headers, payload)

    async def encode(self, events: AsyncIterable[dict[str, Any]], first: bytes = b"") -> AsyncIterator[bytes]:
        """Frames of a handler's events. Closing this closes the handler's iterator too."""
        if first:
            yield first
        closing: Any = contextlib.aclosing(events) if hasattr(events, "aclose") else contextlib.nullcontext(events)
        try:
            async with closing as each:
                async for event in each:
                    ((name, value),) = event.items()
                    yield self._events[name].frame(value)
        except ServiceError as error:
            yield self._exception(error)

    def _exception(self, error: ServiceError) -> bytes:
        event = self._events.get(error.code) or next(
            (e for e in self._events.values() if e.shape.name == error.code), None
        )
        if event is None:
            headers = {":message-type": "error", ":error-code": error.code, ":error-message": error.message}
            return eventstream.encode(headers)
        text = "Message" if "Message" in event.shape.members else "message"
        headers = {":message-type": "exception", ":exception-type": event.name, ":content-type": self._content_type}
        return eventstream.encode(headers, event.encode_body({text: error.message, **error.fields}))

    async def decode(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
        """A request's events. Raises ServiceError ValidationException for frames that cannot be read."""
        try:
            async for frame in eventstream.frames(pieces):
                event = self._events.get(frame.headers.get(":event-type", ""))
                if event is not None:
                    yield {event.name: event.value(frame)}
        except eventstream.FrameBroken as error:
            raise ServiceError("ValidationException", f"The event stream cannot be read: {error}.") from None
