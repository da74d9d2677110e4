"""What is no request of HTTP/1, and what is said to that."""

import http

from lakemill.gateway.wire.answering import date

TARGET_BYTES_MAX = 64 << 10

_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n" for one in http.HTTPStatus}
_MEANING = {
    400: ("BadRequest", "An error occurred when parsing the HTTP request."),
    405: ("MethodNotAllowed", "The specified method is not allowed against this resource."),
    414: ("RequestURITooLong", f"The request's target must have at most {TARGET_BYTES_MAX} bytes."),
    431: ("RequestHeaderSectionTooLarge", "Your request header section exceeds the maximum allowed size."),
}


class Refused(Exception):
    """What comes is no request. Field: status."""

    def __init__(self, status: int) -> None:
        self.status = status


def status_line(status: int) -> str:
    """The first line of an answer."""
    return _LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"


def refusal(status: int) -> bytes:
    """The answer to what is no request, in S3's form: it has not said whom it is for."""
    code, message = _MEANING[status]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    about = f"content-type: application/xml\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    return f"{status_line(status)}{about}date: {date()}\r\n\r\n{body}".encode()


def path_of(target: bytes) -> bytes:
    """The path of a target in absolute form. Raises Refused (400) for what is none.

    >>> path_of(b"http://here:4566/bucket/key")
    b'/bucket/key'
    """
    for scheme in (b"http://", b"https://"):
        if target[: len(scheme)].lower() == scheme:
            return b"/" + target[len(scheme) :].partition(b"/")[2]
    raise Refused(400)
