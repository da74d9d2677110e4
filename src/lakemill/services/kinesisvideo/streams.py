"""Client kinesisvideo: streams, how long they keep what they get, tags, and where to find their media."""

from typing import Any, ClassVar

from lakemill.engines.resources import page
from lakemill.engines.video import Stream
from lakemill.services.base import Call, operation
from lakemill.services.kinesisvideo.names import Answer, Request, VideoService, arn_of, invalid, scope_of

RETENTION_H_MAX = 87_600
DATA_APIS = {
    *("PUT_MEDIA", "GET_MEDIA", "LIST_FRAGMENTS", "GET_MEDIA_FOR_FRAGMENT_LIST"),
    *("GET_HLS_STREAMING_SESSION_URL", "GET_CLIP", "GET_IMAGES"),
}
TAGS_PAGE = 50


class KinesisVideo(VideoService):
    """boto3 client `kinesisvideo`."""

    name: ClassVar[str] = "kinesisvideo"

    @operation("CreateStream", refuses={"KmsKeyId": "lakemill does not encrypt fragments with keys of their own"})
    async def create_stream(self, call: Call, request: Request) -> Answer:
        _refuse_tier(request)
        retention_h = request.get("DataRetentionInHours", 0)
        if retention_h > RETENTION_H_MAX:
            raise invalid(f"DataRetentionInHours must be at most {RETENTION_H_MAX}; got {retention_h}.")
        stream = await self._video.create(
            scope_of(call),
            request["StreamName"],
            retention_h=retention_h,
            device=request.get("DeviceName"),
            media_type=request.get("MediaType"),
            tags=request.get("Tags", {}),
        )
        return {"StreamARN": arn_of(call, stream)}

    @operation("DescribeStream")
    def describe_stream(self, call: Call, request: Request) -> Answer:
        return {"StreamInfo": _described(call, self.stream(call, request))}

    @operation("ListStreams")
    def list_streams(self, call: Call, request: Request) -> Answer:
        condition = request.get("StreamNameCondition", {})
        if condition.get("ComparisonOperator", "BEGINS_WITH") != "BEGINS_WITH":
            raise invalid("ComparisonOperator must be BEGINS_WITH.")
        prefix = condition.get("ComparisonValue", "")
        found = (stream for stream in self._video.all(scope_of(call)) if stream["name"].startswith(prefix))
        part = page(
            found,
            lambda stream: (stream["name"],),
            limit=request.get("MaxResults", 10_000),
            token=request.get("NextToken"),
        )
        answer: Answer = {"StreamInfoList": [_described(call, stream) for stream in part.items]}
        return answer | ({"NextToken": part.token} if part.token else {})

    @operation("UpdateStream")
    async def update_stream(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)

        def change(document: Stream) -> None:
            document["device"] = request.get("DeviceName", document["device"])
            document["media_type"] = request.get("MediaType", document["media_type"])

        await self._video.update(scope_of(call), stream["name"], request["CurrentVersion"], change)
        return {}

    @operation("UpdateDataRetention")
    async def update_data_retention(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        hours = request["DataRetentionChangeInHours"]
        step = hours if request["Operation"] == "INCREASE_DATA_RETENTION" else -hours

        def change(document: Stream) -> None:
            after = document["retention_h"] + step
            if not 0 <= after <= RETENTION_H_MAX:
                raise invalid(f"DataRetentionInHours must stay between 0 and {RETENTION_H_MAX}; it would be {after}.")
            document["retention_h"] = after

        await self._video.update(scope_of(call), stream["name"], request["CurrentVersion"], change)
        return {}

    @operation("DeleteStream")
    async def delete_stream(self, call: Call, request: Request) -> Answer:
        stream = self.stream(call, request)
        await self._video.delete(scope_of(call), stream["name"], request.get("CurrentVersion"))
        return {}

    @operation("GetDataEndpoint")
    def get_data_endpoint(self, call: Call, request: Request) -> Answer:
        """The address the caller has reached us by."""
        self.stream(call, request)
        if request["APIName"] not in DATA_APIS:
            raise invalid(f"APIName {request['APIName']} is refused: lakemill provides {', '.join(sorted(DATA_APIS))}.")
        return {"DataEndpoint": f"{call.http.scheme}://{call.http.header('host')}"}

    # Tags

    @operation("TagStream")
    async def tag_stream(self, call: Call, request: Request) -> Answer:
        await self._video.tag(scope_of(call), self.stream(call, request)["name"], request["Tags"])
        return {}

    @operation("UntagStream")
    async def untag_stream(self, call: Call, request: Request) -> Answer:
        await self._video.untag(scope_of(call), self.stream(call, request)["name"], request["TagKeyList"])
        return {}

    @operation("ListTagsForStream")
    def list_tags_for_stream(self, call: Call, request: Request) -> Answer:
        tags = sorted(self.stream(call, request)["tags"].items())
        left = [pair for pair in tags if pair[0] > request.get("NextToken", "")]
        answer: Answer = {"Tags": dict(left[:TAGS_PAGE])}
        return answer | ({"NextToken": left[TAGS_PAGE - 1][0]} if len(left) > TAGS_PAGE else {})


def _refuse_tier(request: Request) -> None:
    if request.get("StreamStorageConfiguration", {}).get("DefaultStorageTier", "HOT") != "HOT":
        raise invalid("StreamStorageConfiguration is refused: the only DefaultStorageTier of lakemill is HOT.")


def _described(call: Call, stream: Stream) -> Answer:
    answer: dict[str, Any] = {
        "StreamName": stream["name"],
        "StreamARN": arn_of(call, stream),
        "Version": stream["version"],
        "Status": "ACTIVE",
        "CreationTime": stream["created"],
        "DataRetentionInHours": stream["retention_h"],
    }
    for member, key in (("DeviceName", "device"), ("MediaType", "media_type")):
        if stream[key] is not None:
            answer[member] = stream[key]
    return answer
