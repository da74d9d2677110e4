"""What is set on a stream or an account: retention, encryption, sizes, placement, commitments."""

import datetime
from typing import Any

from lakemill.engines.streams import quotas
from lakemill.engines.streams.stream import ON_DEMAND
from lakemill.services.base import Call, operation
from lakemill.services.kinesis.errors import invalid
from lakemill.services.kinesis.naming import scope_of
from lakemill.services.kinesis.part import Part


class SettingOperations(Part):
    """Settings."""

    @operation("IncreaseStreamRetentionPeriod")
    async def increase_stream_retention_period(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        hours = request["RetentionPeriodHours"]
        await self._streams.configuring.retain(*self._place(call, request), hours, longer=True)
        return {}

    @operation("DecreaseStreamRetentionPeriod")
    async def decrease_stream_retention_period(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        hours = request["RetentionPeriodHours"]
        await self._streams.configuring.retain(*self._place(call, request), hours, longer=False)
        return {}

    @operation("StartStreamEncryption")
    async def start_stream_encryption(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if request["EncryptionType"] != "KMS":
            raise invalid("EncryptionType must be KMS; StopStreamEncryption ends encryption.")
        await self._streams.configuring.encrypt(*self._place(call, request), request["KeyId"])
        return {}

    @operation("StopStreamEncryption")
    async def stop_stream_encryption(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if request["EncryptionType"] != "KMS":
            raise invalid("EncryptionType must be KMS: the encryption to be stopped.")
        stream = self._stream(call, request)
        if stream.key is not None and stream.key != request["KeyId"]:
            raise invalid(f"Stream {stream.name} is encrypted under {stream.key}, not under {request['KeyId']}.")
        if stream.key is not None:
            await self._streams.configuring.encrypt(stream.scope, stream.name, None)
        return {}

    @operation("UpdateMaxRecordSize")
    async def update_max_record_size(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        kib = request["MaxRecordSizeInKiB"]
        await self._streams.configuring.allow_size(*self._place(call, request), kib)
        return {}

    @operation("UpdateStreamRecordDistributionStrategy")
    async def update_stream_record_distribution_strategy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        evenly = request["RecordDistributionStrategy"] == "AUTO"
        await self._streams.configuring.place_evenly(*self._place(call, request), evenly)
        return {}

    # The account

    @operation("DescribeLimits")
    def describe_limits(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        streams = self._streams.registry.of(scope_of(call))
        return {
            "ShardLimit": quotas.SHARDS_MAX,
            "OpenShardCount": sum(len(stream.open) for stream in streams),
            "OnDemandStreamCount": sum(stream.mode == ON_DEMAND for stream in streams),
            "OnDemandStreamCountLimit": quotas.ON_DEMAND_STREAMS_MAX,
        }

    @operation("DescribeAccountSettings")
    def describe_account_settings(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        commitment = self._streams.commitments.of(scope_of(call))
        return {"MinimumThroughputBillingCommitment": _commitment_view(commitment)}

    @operation("UpdateAccountSettings")
    async def update_account_settings(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        enabled = request["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED"
        commitment = await self._streams.commitments.set(scope_of(call), enabled=enabled)
        return {"MinimumThroughputBillingCommitment": _commitment_view(commitment)}


def _commitment_view(commitment: dict[str, Any]) -> dict[str, Any]:
    view: dict[str, Any] = {"Status": "ENABLED" if commitment["enabled"] else "DISABLED"}
    if "started_s" in commitment:
        view["StartedAt"] = commitment["started_s"]
        earliest_s = commitment["started_s"] + datetime.timedelta(days=1).total_seconds()
        view["EarliestAllowedEndAt"] = earliest_s
    if "ended_s" in commitment:
        view["EndedAt"] = commitment["ended_s"]
    return view
