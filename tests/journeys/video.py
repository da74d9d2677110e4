"""What tests of video share: a real recording, and a producer that puts it while it reads the acknowledgements."""

import io
import json
import socket
from collections.abc import Iterator
from fractions import Fraction
from urllib.parse import urlsplit

import av
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import numpy as np


def recording(seconds: int = 4, rate: int = 10, codec: str = "libx264", *, reordered: bool = False) -> bytes:
    """A Matroska stream with a cluster that begins with a key frame for each second, as a camera sends it.

    reordered: frames are coded in another order than they are shown in.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="matroska", options={"cluster_time_limit": "950", "live": "1"}) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.gop_size = rate
        if codec == "libx264":
            stream.options = {"x264-params": "scenecut=0"} | ({} if reordered else {"tune": "zerolatency"})
        for at in range(seconds * rate):
            picture = np.full((120, 160, 3), at * 7 % 255, np.uint8)
            picture[:, : at * 3 % 160] = 200
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


class Producer:
    """One PutMedia connection, by hand: no Python SDK offers it."""

    def __init__(
        self, lakemill, stream: str, *, start_s: float | None = None, declared: bool = True, **headers: str
    ) -> None:
        """start_s: when the stream's time is 0; without it, its times say so themselves.
        declared: say UNSIGNED-PAYLOAD, as opposed to signing an empty body."""
        place = urlsplit(lakemill.endpoint)
        fields = {
            "x-amzn-stream-name": stream,
            "x-amzn-fragment-timecode-type": "ABSOLUTE" if start_s is None else "RELATIVE",
        }
        if declared:
            fields["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
        if start_s is not None:
            fields["x-amzn-producer-start-timestamp"] = str(start_s)
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = botocore.awsrequest.AWSRequest("POST", f"{lakemill.endpoint}/putMedia", headers=fields)
        key = botocore.credentials.Credentials(lakemill.access_key_id, lakemill.secret)
        botocore.auth.SigV4Auth(key, "kinesisvideo", "us-east-1").add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        self._socket = socket.create_connection((place.hostname, place.port))
        self._socket.settimeout(20)
        text = "\r\n".join(["POST /putMedia HTTP/1.1", f"Host: {place.netloc}", "Transfer-Encoding: chunked", *lines])
        self._socket.sendall(text.encode() + b"\r\n\r\n")
        self._file = self._socket.makefile("rb")
        self.status = 0
        self._buffer = b""

    def put(self, data: bytes) -> None:
        """A piece of the stream."""
        self._socket.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        """The stream is over."""
        self._socket.sendall(b"0\r\n\r\n")

    def answers(self) -> Iterator[dict]:
        """Acknowledgements (or the error), one by one as they come."""
        if not self.status:
            self.status = int(self._file.readline().split()[1])
            self.headers = dict(
                iter(lambda: tuple(self._file.readline().decode().strip().lower().split(": ", 1)), ("",))
            )
        if "content-length" in self.headers:
            yield json.loads(self._file.read(int(self.headers["content-length"])))
            return
        while size := int(self._file.readline() or b"0", 16):
            self._buffer += self._file.read(size)
            self._file.readline()
            while self._buffer:
                try:
                    one, end = json.JSONDecoder().raw_decode(self._buffer.decode())
                except json.JSONDecodeError:
                    break
                self._buffer = self._buffer[end:]
                yield one

    def until(self, event: str) -> dict:
        """The next acknowledgement of this kind."""
        return next(one for one in self.answers() if one["EventType"] == event)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def put_all(lakemill, stream: str, data: bytes, **options) -> list[dict]:
    """All of a recording; every acknowledgement."""
    producer = Producer(lakemill, stream, **options)
    try:
        for at in range(0, len(data), 1000):
            producer.put(data[at : at + 1000])
        producer.end()
        return list(producer.answers())
    finally:
        producer.close()
