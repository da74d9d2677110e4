"""DiscoverInputSchema: a sample of records, and the schema that fits them."""

import time
from typing import Any

from lakemill.engines.analytics import LAST, Analytics, Raw, SchemaUndetected, Unreachable
from lakemill.engines.objects import BucketMissing, ObjectMissing
from lakemill.services.base import ServiceError
from lakemill.services.kinesisanalytics import arns
from lakemill.services.kinesisanalytics.errors import in_awss_words, invalid
from lakemill.services.kinesisanalytics.functions import Invoker, Preprocessor
from lakemill.services.kinesisanalytics.parts import processor_of, schema_of
from lakemill.services.kinesisanalytics.planning import READS, WRITES, Planning
from lakemill.services.kinesisanalytics.views import POSITIONS

SAMPLE_RECORDS, SAMPLE_BYTES = 200, 1 << 20
WAIT_S = 10.0
"""How long records are waited for."""
SHOWN_MAX = 50


class Discovery:
    def __init__(self, analytics: Analytics, planning: Planning) -> None:
        self._analytics, self._planning = analytics, planning

    async def discover(self, request: dict[str, Any], role: str | None, region: str, account: str) -> dict[str, Any]:
        """The answer to a DiscoverInputSchema of either API. role: with whose rights."""
        if ("ResourceARN" in request) == ("S3Configuration" in request):
            raise invalid("Exactly one of ResourceARN and S3Configuration must be given.")
        if "S3Configuration" in request:
            raw: list[Raw] = [[self._object(request["S3Configuration"], role, region), 0, "", "", ""]]
            kind, resource = "object", ""
        else:
            resource = request["ResourceARN"]
            kind = "delivery" if arns.read(resource).service == "firehose" else "stream"
            raw = await self._sample(kind, resource, request, role, region)
        processed = raw
        if configuration := request.get("InputProcessingConfiguration"):
            processed = await self._processed(raw, kind, resource, configuration, role, region, account)
        told = {"RawInputRecords": _texts(raw), "ProcessedInputRecords": _texts(processed)}
        try:
            with in_awss_words():
                sample = [record[0] for record in processed if len(record) == 5]
                form, rows = await self._analytics.checker.discover(sample)
        except SchemaUndetected as error:
            raise ServiceError("UnableToDetectSchemaException", f"{error}.", fields=told) from None
        found = {"InputSchema": schema_of(form), "ParsedInputRecords": rows[:SHOWN_MAX], "RawInputRecords": _texts(raw)}
        return found | ({"ProcessedInputRecords": _texts(processed)} if processed is not raw else {})

    def _allow(self, role: str | None, region: str, resource: str, *actions: str) -> None:
        for action in actions:
            if (reason := self._planning.access.refusal(role, region, action, resource)) is not None:
                raise invalid(f"The role may not read {resource}: {reason}")

    def _object(self, told: dict[str, Any], role: str | None, region: str) -> bytes:
        """The first whole lines of an object."""
        bucket, key = arns.bucket(told["BucketARN"]), told["FileKey"]
        self._allow(told.get("RoleARN", role), region, f"{told['BucketARN']}/{key}", "s3:GetObject")
        try:
            record = self._planning.objects.head(bucket, key)
            data = self._planning.objects.read(record, 0, min(record.size, SAMPLE_BYTES))
        except (BucketMissing, ObjectMissing):
            raise invalid(f"The object s3://{bucket}/{key} does not exist.") from None
        return data if record.size <= SAMPLE_BYTES else data[: data.rfind(b"\n") + 1] or data

    async def _sample(
        self, kind: str, resource: str, request: dict[str, Any], role: str | None, region: str
    ) -> list[Raw]:
        told = request.get("InputStartingPositionConfiguration", {}).get("InputStartingPosition")
        if told is None:
            raise invalid("InputStartingPositionConfiguration must be given with ResourceARN.")
        start = POSITIONS[told]
        if start == LAST:
            raise invalid("InputStartingPosition=LAST_STOPPED_POINT has no meaning where no application reads.")
        self._allow(role, region, resource, *READS[kind])
        try:
            source = self._analytics.sources.open(arns.place(kind, resource), start)
            found: list[Raw] = []
            ends = time.monotonic() + WAIT_S
            while not found and (left_s := ends - time.monotonic()) > 0:
                found = await source.read(min(left_s, 1.0))
        except Unreachable as error:
            raise invalid(f"{str(error).rstrip('.')}.") from None
        return found[:SAMPLE_RECORDS]

    async def _processed(
        self,
        raw: list[Raw],
        kind: str,
        resource: str,
        configuration: dict[str, Any],
        role: str | None,
        region: str,
        account: str,
    ) -> list[Raw]:
        target = processor_of(configuration)
        own = target["role"] or role

        def refusal() -> str | None:
            return self._planning.access.refusal(own, region, WRITES["function"], target["resource"])

        invoker = Invoker(self._planning.functions, target["resource"], refusal)
        application = arns.application(f"{account}/{region}", "schema-discovery")
        try:
            return await Preprocessor(invoker, application, resource, kind)(raw)
        except Unreachable as error:
            raise invalid(f"{error}.") from None


def _texts(records: list[Raw]) -> list[str]:
    return [record[0].decode(errors="replace") for record in records[:SHOWN_MAX]]
