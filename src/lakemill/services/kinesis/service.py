"""The service: its parts, its permissions, its errors."""

from typing import Any, ClassVar

from lakemill.engines.streams import Streams
from lakemill.services.base import Call, Need, Service
from lakemill.services.kinesis import permissions
from lakemill.services.kinesis.consumers import ConsumerOperations
from lakemill.services.kinesis.errors import CODES
from lakemill.services.kinesis.records import RecordOperations
from lakemill.services.kinesis.settings import SettingOperations
from lakemill.services.kinesis.shards import ShardOperations
from lakemill.services.kinesis.streams import StreamOperations
from lakemill.services.kinesis.tagging import TagOperations

PARTS = (StreamOperations, ShardOperations, RecordOperations, ConsumerOperations, SettingOperations, TagOperations)


class Kinesis(Service):
    """boto3 client `kinesis`. Its operations stand in the parts."""

    name: ClassVar[str] = "kinesis"
    errors: ClassVar = CODES

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self.parts = [part(streams) for part in PARTS]

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return permissions.needs(self._streams, call, request)
