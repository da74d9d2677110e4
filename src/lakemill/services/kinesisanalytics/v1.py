"""The first API: SQL only, a role with each input and output."""

import itertools
from typing import Any, ClassVar

from lakemill.engines.analytics import KIND
from lakemill.services.base import Call, operation
from lakemill.services.kinesisanalytics import arns, parts, views
from lakemill.services.kinesisanalytics.changes import update_logs, update_parts
from lakemill.services.kinesisanalytics.common import APPLICATIONS_PAGE, Applications, Document, positions_of
from lakemill.services.kinesisanalytics.errors import in_awss_words, invalid, unsupported


class KinesisAnalytics(Applications):
    """boto3 client `kinesisanalytics`."""

    name: ClassVar[str] = "kinesisanalytics"

    @operation("CreateApplication")
    async def create_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = {
            "runtime": "SQL-1_0",
            "description": request.get("ApplicationDescription", ""),
            "code": request.get("ApplicationCode", ""),
            "inputs": [parts.input_of(one) for one in request.get("Inputs", [])],
            "outputs": [parts.output_of(one) for one in request.get("Outputs", [])],
            "references": [],
            "logs": [parts.log_of(one) for one in request.get("CloudWatchLoggingOptions", [])],
        }
        made = await self._create(call, request, document)
        return {"ApplicationSummary": _summary(made)}

    @operation("DescribeApplication")
    def describe_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._get(call, request)
        detail = _summary(document) | {
            "CreateTimestamp": document["created"],
            "LastUpdateTimestamp": document["modified"],
            "InputDescriptions": views.inputs(document),
            "OutputDescriptions": views.outputs(document),
            "ReferenceDataSourceDescriptions": views.references(document),
            "CloudWatchLoggingOptionDescriptions": views.logs(document),
            "ApplicationCode": document["code"],
            "ApplicationVersionId": document["version"],
        }
        if document["description"]:
            detail["ApplicationDescription"] = document["description"]
        return {"ApplicationDetail": detail}

    def _get(self, call: Call, request: dict[str, Any]) -> Document:
        document = super()._get(call, request)
        if "flink" in document:
            raise unsupported(f"{document['name']} is a Flink application; use kinesisanalyticsv2.")
        return document

    @operation("ListApplications")
    def list_applications(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit, after = request.get("Limit", APPLICATIONS_PAGE), request.get("ExclusiveStartApplicationName", "")
        found = self.analytics.resources.all(KIND, f"{call.account}/{call.region}")
        listed = (one for one in found if one["name"] > after and "flink" not in one)
        page = list(itertools.islice(listed, limit + 1))
        summaries = [_summary(one) for one in page[:limit]]
        return {"ApplicationSummaries": summaries, "HasMoreApplications": len(page) > limit}

    @operation("UpdateApplication")
    async def update_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        update = request["ApplicationUpdate"]
        if not update:
            raise invalid("ApplicationUpdate must change something.")

        def change(document: Document) -> None:
            document["code"] = update.get("ApplicationCodeUpdate", document["code"])
            update_parts(document, update)
            update_logs(document, update.get("CloudWatchLoggingOptionUpdates", []))

        await self._change(call, request, change)
        return {}

    @operation("StartApplication")
    async def start_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._start(call, request, positions_of(request["InputConfigurations"], "Id"))
        return {}

    @operation("StopApplication")
    async def stop_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        self._get(call, request)
        with in_awss_words():
            await self.analytics.stop(f"{call.account}/{call.region}", request["ApplicationName"])
        return {}

    @operation("AddApplicationInput")
    async def add_application_input(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._add(call, request, "inputs", parts.input_of(request["Input"]))
        return {}

    @operation("AddApplicationOutput")
    async def add_application_output(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._add(call, request, "outputs", parts.output_of(request["Output"]))
        return {}

    @operation("AddApplicationReferenceDataSource")
    async def add_application_reference_data_source(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._add(call, request, "references", parts.reference_of(request["ReferenceDataSource"]))
        return {}

    @operation("AddApplicationCloudWatchLoggingOption")
    async def add_application_cloud_watch_logging_option(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._add(call, request, "logs", parts.log_of(request["CloudWatchLoggingOption"]))
        return {}

    @operation("AddApplicationInputProcessingConfiguration")
    async def add_application_input_processing_configuration(
        self, call: Call, request: dict[str, Any]
    ) -> dict[str, Any]:
        await self._process(call, request, parts.processor_of(request["InputProcessingConfiguration"]))
        return {}

    @operation("DeleteApplicationInputProcessingConfiguration")
    async def delete_application_input_processing_configuration(
        self, call: Call, request: dict[str, Any]
    ) -> dict[str, Any]:
        await self._process(call, request, None)
        return {}

    @operation("DeleteApplicationOutput")
    async def delete_application_output(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._drop(call, request, "outputs", request["OutputId"])
        return {}

    @operation("DeleteApplicationReferenceDataSource")
    async def delete_application_reference_data_source(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._drop(call, request, "references", request["ReferenceId"])
        return {}

    @operation("DeleteApplicationCloudWatchLoggingOption")
    async def delete_application_cloud_watch_logging_option(
        self, call: Call, request: dict[str, Any]
    ) -> dict[str, Any]:
        await self._drop(call, request, "logs", request["CloudWatchLoggingOptionId"])
        return {}

    @operation("DiscoverInputSchema")
    async def discover_input_schema(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        # "S3Configuration", "InputProcessingConfiguration" and "InputStartingPositionConfiguration" are read there.
        if "ResourceARN" in request and "RoleARN" not in request:
            raise invalid("RoleARN must be given with ResourceARN.")
        self._check_roles(request)
        return await self.discovery.discover(request, request.get("RoleARN"), call.region, call.account)


def _summary(document: Document) -> dict[str, Any]:
    return {
        "ApplicationName": document["name"],
        "ApplicationARN": arns.application(document["scope"], document["name"]),
        "ApplicationStatus": views.summary_status(document),
    }
