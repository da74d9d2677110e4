"""Kinesis Video Streams: a producer by hand, everything else through boto3 and a player."""

import base64
import datetime
import io
import time
import urllib.error
import urllib.request

import av
import pytest
from botocore.exceptions import ClientError
from tests.journeys.video import Producer, put_all, recording

from lakemill.formats.matroska import EBML, SIMPLE_TAG, TAG, TAG_NAME, TAG_STRING, Fragment, Splitter, elements

RECORDING = recording(seconds=6)
FRAMES = 60


@pytest.fixture(scope="module")
def video(lakemill):
    return lakemill.client("kinesisvideo")


@pytest.fixture(scope="module")
def media(lakemill):
    return lakemill.client("kinesis-video-media")


@pytest.fixture(scope="module")
def archive(lakemill):
    return lakemill.client("kinesis-video-archived-media")


@pytest.fixture
def stream(video, request):
    name = request.node.name.split("[")[0]
    if not video.list_streams(StreamNameCondition={"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": name})[
        "StreamInfoList"
    ]:
        video.create_stream(StreamName=name, DataRetentionInHours=2, MediaType="video/h264")
    return name


def moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def refused(call, **arguments) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def fragments(payload, count: int) -> list[Fragment]:
    """The first so many of a stream that goes on. Byte by byte: more than there is would be waited for."""
    found: list[Fragment] = []
    splitter = Splitter(1 << 20)
    while len(found) < count:
        found += [event for event in splitter.feed(payload.read(1)) if isinstance(event, Fragment)]
    payload.close()
    return found


def texts(fragment: Fragment) -> dict[str, str]:
    """The tags the platform has put in front of a fragment."""
    found = {}
    for _, several in elements(fragment.tags):
        for tag in (content for id_, content in elements(several) if id_ == TAG):
            members = [dict(elements(simple)) for id_, simple in elements(tag) if id_ == SIMPLE_TAG]
            found |= {one[TAG_NAME].decode(): one[TAG_STRING].decode() for one in members if TAG_STRING in one}
    return {name: text for name, text in found.items() if name.startswith("AWS_")}


def test_streams_are_made_described_listed_changed_and_deleted(video):
    arn = video.create_stream(StreamName="cam-1", DataRetentionInHours=24, DeviceName="d", Tags={"a": "1"})["StreamARN"]
    about = video.describe_stream(StreamARN=arn)["StreamInfo"]
    assert (about["StreamName"], about["Status"], about["DataRetentionInHours"]) == ("cam-1", "ACTIVE", 24)
    assert refused(video.create_stream, StreamName="cam-1")[0] == "ResourceInUseException"
    video.tag_stream(StreamName="cam-1", Tags={"b": "2"})
    video.untag_stream(StreamARN=arn, TagKeyList=["a"])
    assert video.list_tags_for_stream(StreamName="cam-1")["Tags"] == {"b": "2"}
    change = {"StreamName": "cam-1", "CurrentVersion": about["Version"]}
    more = {"Operation": "INCREASE_DATA_RETENTION", "DataRetentionChangeInHours": 6}
    video.update_data_retention(**change, **more)
    assert refused(video.update_data_retention, **change, **more)[0] == "VersionMismatchException"
    about = video.describe_stream(StreamName="cam-1")["StreamInfo"]
    assert about["DataRetentionInHours"] == 30
    video.update_stream(StreamName="cam-1", CurrentVersion=about["Version"], MediaType="video/h265")
    video.create_stream(StreamName="cam-2")
    names = {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "cam-"}
    first = video.list_streams(StreamNameCondition=names, MaxResults=1)
    second = video.list_streams(StreamNameCondition=names, NextToken=first["NextToken"])
    found = first["StreamInfoList"] + second["StreamInfoList"]
    assert [one["StreamName"] for one in found] == ["cam-1", "cam-2"]
    assert found[0]["MediaType"] == "video/h265"
    video.delete_stream(StreamARN=arn)
    code, text = refused(video.describe_stream, StreamName="cam-1")
    assert code == "ResourceNotFoundException"
    assert "The requested stream is not found or not active" in text


@pytest.mark.parametrize(
    ("operation", "arguments", "said"),
    [
        ("create_stream", {"StreamName": "x", "KmsKeyId": "alias/mine"}, "KmsKeyId is refused"),
        ("create_stream", {"StreamName": "x", "DataRetentionInHours": 90_000}, "at most 87600"),
        ("create_stream", {"StreamName": "x", "StreamStorageConfiguration": {"DefaultStorageTier": "WARM"}}, "HOT"),
        ("get_data_endpoint", {"StreamName": "{stream}", "APIName": "GET_DASH_STREAMING_SESSION_URL"}, "is refused"),
        ("describe_stream", {}, "Either StreamName or StreamARN"),
        ("create_signaling_channel", {"ChannelName": "c"}, "does not provide kinesisvideo.CreateSignalingChannel"),
    ],
)
def test_what_is_not_there_is_refused_by_name(video, stream, operation, arguments, said):
    arguments = {name: stream if value == "{stream}" else value for name, value in arguments.items()}
    assert said in refused(getattr(video, operation), **arguments)[1]


def test_acknowledgements_come_while_the_stream_is_put(lakemill, archive, stream):
    cut = RECORDING.find(bytes.fromhex("1f43b675"), RECORDING.find(bytes.fromhex("1f43b675")) + 4)
    producer = Producer(lakemill, stream, start_s=time.time())
    producer.put(RECORDING[: cut + 20])
    first = producer.until("PERSISTED")  # The request goes on; so it is answered while it is read.
    assert producer.status == 200
    (kept,) = archive.list_fragments(StreamName=stream)["Fragments"]
    assert kept["FragmentNumber"] == first["FragmentNumber"]
    producer.put(RECORDING[cut + 20 :])
    producer.end()
    rest = list(producer.answers())
    producer.close()
    assert [one["EventType"] for one in rest[:3]] == ["BUFFERING", "RECEIVED", "PERSISTED"]
    assert all("ErrorId" not in one for one in rest)
    numbers = [first["FragmentNumber"]] + [one["FragmentNumber"] for one in rest if one["EventType"] == "PERSISTED"]
    found = [one["FragmentNumber"] for one in archive.list_fragments(StreamName=stream)["Fragments"]]
    assert found == numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"x_amzn_fragment_timecode_type": "SOMETIMES"}, "ValidationException"),
        ({"x_amzn_fragment_timecode_type": "RELATIVE"}, "InvalidArgumentException"),
        ({"start_s": 1e30}, "InvalidArgumentException"),
        ({"x_amzn_stream_name": "no-such-stream"}, "ResourceNotFoundException"),
    ],
)
def test_a_stream_that_cannot_be_put_is_refused(lakemill, stream, options, code):
    producer = Producer(lakemill, stream, **options)
    producer.end()
    list(producer.answers())
    producer.close()
    assert producer.status in (400, 404)
    assert producer.headers["x-amzn-errortype"].lower() == code.lower()


def test_a_payload_that_is_not_declared_may_be_signed_as_empty(lakemill, archive, stream):
    told = put_all(lakemill, stream, RECORDING, start_s=time.time(), declared=False)
    kept = archive.list_fragments(StreamName=stream)["Fragments"]
    assert len(kept) == sum(one["EventType"] == "PERSISTED" for one in told) > 0


def test_bytes_that_are_no_video_end_with_an_error(lakemill, stream):
    told = put_all(lakemill, stream, b"this is no video" * 10)
    assert told == [{"EventType": "ERROR", "ErrorId": 4006, "ErrorCode": "INVALID_MKV_DATA"}]


def test_a_wrong_signature_puts_nothing(lakemill, archive, stream):
    class Stranger:
        endpoint, access_key_id, secret = lakemill.endpoint, lakemill.access_key_id, "wrong"

    producer = Producer(Stranger, stream)
    producer.put(RECORDING)
    producer.end()
    list(producer.answers())
    producer.close()
    assert producer.status == 403
    assert archive.list_fragments(StreamName=stream)["Fragments"] == []


def test_media_is_watched_from_every_place(lakemill, media, archive, stream):
    start = time.time()
    put_all(lakemill, stream, RECORDING, start_s=start)
    kept = archive.list_fragments(StreamName=stream)["Fragments"]
    numbers = [one["FragmentNumber"] for one in kept]

    def watched(count, **selector):
        payload = media.get_media(StreamName=stream, StartSelector=selector)["Payload"]
        return [texts(one) for one in fragments(payload, count)]

    def begins(**selector):
        return watched(1, **selector)[0]["AWS_KINESISVIDEO_FRAGMENT_NUMBER"]

    everything = watched(len(numbers), StartSelectorType="EARLIEST")
    assert [one["AWS_KINESISVIDEO_FRAGMENT_NUMBER"] for one in everything] == numbers
    last = everything[-1]
    assert last["AWS_KINESISVIDEO_MILLIS_BEHIND_NOW"] == "0"
    assert last["AWS_KINESISVIDEO_CONTINUATION_TOKEN"] == numbers[-1]
    taken = kept[-1]["ProducerTimestamp"].timestamp()
    assert float(last["AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"]) == pytest.approx(taken, abs=0.001)
    second = numbers[1]
    assert second == begins(StartSelectorType="FRAGMENT_NUMBER", AfterFragmentNumber=numbers[0])
    assert second == begins(StartSelectorType="CONTINUATION_TOKEN", ContinuationToken=numbers[0])
    after = kept[1]["ProducerTimestamp"] + datetime.timedelta(milliseconds=100)
    assert second == begins(StartSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=after)
    assert second == begins(StartSelectorType="SERVER_TIMESTAMP", StartTimestamp=kept[1]["ServerTimestamp"])
    live = media.get_media(StreamName=stream, StartSelector={"StartSelectorType": "NOW"})["Payload"]
    told = put_all(lakemill, stream, RECORDING, start_s=start + 60)
    new = next(one["FragmentNumber"] for one in told if one["EventType"] == "PERSISTED")
    assert texts(fragments(live, 1)[0])["AWS_KINESISVIDEO_FRAGMENT_NUMBER"] == new
    code, text = refused(media.get_media, StreamName=stream, StartSelector={"StartSelectorType": "FRAGMENT_NUMBER"})
    assert code == "InvalidArgumentException"
    assert "AfterFragmentNumber" in text


def test_fragments_are_listed_by_time_and_fetched_by_number(lakemill, archive, stream):
    start = time.time() - 1000
    put_all(lakemill, stream, RECORDING, start_s=start)
    pages = archive.get_paginator("list_fragments").paginate(StreamName=stream, PaginationConfig={"PageSize": 2})
    kept = [one for page in pages for one in page["Fragments"]]
    assert sum(one["FragmentLengthInMilliseconds"] for one in kept) == 6000
    limits = {"StartTimestamp": kept[1]["ProducerTimestamp"], "EndTimestamp": kept[2]["ProducerTimestamp"]}
    selector = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": limits}
    some = archive.list_fragments(StreamName=stream, FragmentSelector=selector)["Fragments"]
    assert some == kept[1:3]
    numbers = [one["FragmentNumber"] for one in reversed(some)]
    answer = archive.get_media_for_fragment_list(StreamName=stream, Fragments=numbers)
    assert answer["ContentType"] == "video/webm"
    data = answer["Payload"].read()
    some = fragments(io.BytesIO(data), len(numbers))
    assert [texts(one)["AWS_KINESISVIDEO_FRAGMENT_NUMBER"] for one in some] == numbers
    code, _ = refused(archive.get_media_for_fragment_list, StreamName=stream, Fragments=["123"])
    assert code == "ResourceNotFoundException"


def test_a_clip_has_all_frames_of_its_fragments(lakemill, archive, stream):
    start = time.time()
    put_all(lakemill, stream, RECORDING, start_s=start)
    limits = {"StartTimestamp": moment(start - 1), "EndTimestamp": moment(start + 60)}
    selector = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": limits}
    answer = archive.get_clip(StreamName=stream, ClipFragmentSelector=selector)
    assert answer["ContentType"] == "video/mp4"
    with av.open(io.BytesIO(answer["Payload"].read())) as played:
        assert "mp4" in played.format.name
        assert sum(1 for _ in played.decode(video=0)) == FRAMES
    limits = {"StartTimestamp": moment(1000), "EndTimestamp": moment(2000)}
    code, text = refused(
        archive.get_clip, StreamName=stream, ClipFragmentSelector=selector | {"TimestampRange": limits}
    )
    assert code == "ResourceNotFoundException"
    assert "No fragments found" in text


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_pictures_are_taken_at_moments(lakemill, archive, stream, format_):
    start = int(time.time()) - 500 * (format_ == "PNG")
    put_all(lakemill, stream, RECORDING, start_s=start)
    asked = {
        "StreamName": stream,
        "ImageSelectorType": "PRODUCER_TIMESTAMP",
        "StartTimestamp": moment(start),
        "EndTimestamp": moment(start + 8),
        "SamplingInterval": 1000,
        "Format": format_,
        "WidthPixels": 80,
    }
    pages = [archive.get_images(MaxResults=4, **asked)]
    pages.append(archive.get_images(MaxResults=4, NextToken=pages[0]["NextToken"], **asked))
    assert "NextToken" not in pages[1]
    images = [image for page in pages for image in page["Images"]]
    assert [image["TimeStamp"].timestamp() - start for image in images] == list(range(8))
    assert [image.get("Error") for image in images] == [None] * 6 + ["NO_MEDIA"] * 2
    with av.open(io.BytesIO(RECORDING)) as played:
        frames = list(played.decode(video=0))
    for at, image in enumerate(images[:6]):
        with av.open(io.BytesIO(base64.b64decode(image["ImageContent"]))) as opened:
            (picture,) = opened.decode(video=0)
            assert opened.streams.video[0].codec_context.name in ("mjpeg", "png")
        assert (picture.width, picture.height) == (80, 60)
        wanted = frames[10 * at].reformat(80, 60, "rgb24").to_ndarray().astype(int)
        assert abs(picture.reformat(format="rgb24").to_ndarray().astype(int) - wanted).mean() < 8
    assert "SamplingInterval must be" in refused(archive.get_images, **asked | {"SamplingInterval": 10})[1]
    assert "JPEGQuality" in refused(archive.get_images, FormatConfig={"JPEGQuality": "900"}, **asked)[1]


def test_a_codec_that_mp4_does_not_hold_is_refused(lakemill, archive, stream):
    start = time.time()
    put_all(lakemill, stream, recording(seconds=1, codec="mpeg4"), start_s=start)
    limits = {"StartTimestamp": moment(start - 1), "EndTimestamp": moment(start + 60)}
    selector = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": limits}
    code, text = refused(archive.get_clip, StreamName=stream, ClipFragmentSelector=selector)
    assert code == "UnsupportedStreamMediaTypeException"
    assert "V_MPEG4/ISO/ASP" in text


def media_times(url: str, media: str, places: list[int]) -> list[float]:
    """When the pieces at these places of a media playlist begin, fetched in this order."""
    folder, lines = url.rpartition("/")[0], media.splitlines()
    (beginning,) = (line.split('"')[1] for line in lines if line.startswith("#EXT-X-MAP"))
    pieces = [line for line in lines if not line.startswith("#")]
    found = []
    for at in places:
        data = b"".join(urllib.request.urlopen(f"{folder}/{part}").read() for part in (beginning, pieces[at]))
        with av.open(io.BytesIO(data)) as played:
            frame = next(played.decode(video=0))
            found.append(float(frame.pts * frame.time_base))
    return found


def test_a_player_plays_a_session(lakemill, archive, stream):
    start = time.time()
    put_all(lakemill, stream, RECORDING, start_s=start)
    limits = {"StartTimestamp": moment(start - 1), "EndTimestamp": moment(start + 60)}
    wish = {
        "StreamName": stream,
        "PlaybackMode": "ON_DEMAND",
        "HLSFragmentSelector": {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": limits},
        "DiscontinuityMode": "ON_DISCONTINUITY",
        "DisplayFragmentTimestamp": "ALWAYS",
    }
    url = archive.get_hls_streaming_session_url(**wish)["HLSStreamingSessionURL"]
    with av.open(url) as played:
        times = [float(frame.pts * frame.time_base) for frame in played.decode(video=0)]
    assert len(times) == FRAMES
    assert [times[at] - times[0] for at in range(FRAMES)] == pytest.approx([at / 10 for at in range(FRAMES)], abs=0.002)
    media = urllib.request.urlopen(url.replace("Master", "Media")).read().decode()
    assert "#EXT-X-ENDLIST" in media
    assert "#EXT-X-PROGRAM-DATE-TIME" in media
    assert "#EXT-X-DISCONTINUITY" not in media
    assert media_times(url, media, [4, 1]) == pytest.approx([4.0, 1.0])  # Wherever a player begins.
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url[:-3])
    assert caught.value.code == 403
    live = archive.get_hls_streaming_session_url(StreamName=stream)["HLSStreamingSessionURL"]
    media = urllib.request.urlopen(live.replace("Master", "Media")).read().decode()
    assert media.count("#EXTINF") == 5
    assert "#EXT-X-ENDLIST" not in media
    assert (
        "ContainerFormat is refused"
        in refused(archive.get_hls_streaming_session_url, StreamName=stream, ContainerFormat="MPEG_TS")[1]
    )


def test_a_stream_that_keeps_nothing_has_no_archive(lakemill, video, archive):
    video.create_stream(StreamName="forgetful")
    told = put_all(lakemill, "forgetful", RECORDING, start_s=time.time())
    assert {one["EventType"] for one in told} == {"BUFFERING", "RECEIVED"}
    code, _ = refused(archive.list_fragments, StreamName="forgetful")
    assert code in ("NoDataRetentionException", "ResourceNotFoundException")


def test_what_was_acknowledged_is_there_after_a_crash(fresh):
    first = fresh()
    first.client("kinesisvideo").create_stream(StreamName="kept", DataRetentionInHours=1)
    told = put_all(first, "kept", RECORDING, start_s=time.time())
    first.kill()
    again = fresh().client("kinesis-video-archived-media")
    found = [one["FragmentNumber"] for one in again.list_fragments(StreamName="kept")["Fragments"]]
    assert found == [one["FragmentNumber"] for one in told if one["EventType"] == "PERSISTED"]
    data = again.get_media_for_fragment_list(StreamName="kept", Fragments=found)["Payload"].read()
    assert data.count(EBML.to_bytes(4, "big")) == len(found)
