"""A camera at the door: put a recording into Kinesis Video Streams, find its fragments, save a clip.

Needs boto3, and PyAV with NumPy for the recording. PutMedia is in no Python SDK, so it is signed and sent here.
"""

import datetime
import http.client
import io
import json
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import av
import boto3
import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

STREAM, SECONDS, RATE = "door", 6, 10
session = boto3.Session()
video = session.client("kinesisvideo")


def recording() -> bytes:
    """Somebody walks by, as Matroska with a cluster for each second."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska", options={"cluster_time_limit": "900", "live": "1"}) as out:
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.gop_size = RATE
        for at in range(SECONDS * RATE):
            picture = np.full((240, 320, 3), 60, np.uint8)
            picture[60:220, at * 4 : at * 4 + 50] = (200, 120, 80)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


def endpoint(api: str) -> str:
    return video.get_data_endpoint(StreamName=STREAM, APIName=api)["DataEndpoint"]


def put(data: bytes, start: float) -> list[dict]:
    """Send a stream that began at a time; what the service says of it."""
    place = urlsplit(endpoint("PUT_MEDIA"))
    headers = {
        "x-amzn-stream-name": STREAM,
        "x-amzn-fragment-timecode-type": "RELATIVE",
        "x-amzn-producer-start-timestamp": str(start),
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    }
    request = AWSRequest("POST", f"{place.scheme}://{place.netloc}/putMedia", headers=headers)
    SigV4Auth(session.get_credentials(), "kinesisvideo", session.region_name).add_auth(request)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.netloc)
    pieces = (data[at : at + 4096] for at in range(0, len(data), 4096))
    connection.request("POST", "/putMedia", pieces, dict(request.headers), encode_chunked=True)
    text, told = connection.getresponse().read().decode(), []
    while text:
        one, end = json.JSONDecoder().raw_decode(text)
        told.append(one)
        text = text[end:].lstrip()
    return told


if not video.list_streams(StreamNameCondition={"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": STREAM})[
    "StreamInfoList"
]:
    video.create_stream(StreamName=STREAM, DataRetentionInHours=24, MediaType="video/h264")
began = time.time()
told = put(recording(), began)
kept = [one["FragmentNumber"] for one in told if one["EventType"] == "PERSISTED"]
print(f"{len(kept)} fragments are kept, the last is {kept[-1]}")

archive = session.client("kinesis-video-archived-media", endpoint_url=endpoint("GET_CLIP"))
limits = {
    "StartTimestamp": datetime.datetime.fromtimestamp(began - 1, datetime.UTC),
    "EndTimestamp": datetime.datetime.fromtimestamp(began + SECONDS, datetime.UTC),
}
selector = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": limits}
clip = archive.get_clip(StreamName=STREAM, ClipFragmentSelector=selector)["Payload"].read()
with av.open(io.BytesIO(clip)) as played:
    print(f"the clip has {sum(1 for _ in played.decode(video=0))} frames")
path = Path(tempfile.gettempdir()) / "door.mp4"
path.write_bytes(clip)
print(f"{path} has {len(clip)} bytes")
