"""The second API: a runtime and one role for each application, numbered versions that can be described."""

import hashlib
from typing import Any, ClassVar

from lakemill.engines.analytics import KIND
from lakemill.engines.resources import TokenMangled, by_name, page
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kinesisanalytics import arns, flink, parts, views
from lakemill.services.kinesisanalytics.changes import update_logs, update_parts
from lakemill.services.kinesisanalytics.common import APPLICATIONS_PAGE, Document, positions_of
from lakemill.services.kinesisanalytics.errors import in_awss_words, invalid, refused
from lakemill.services.kinesisanalytics.settings import check_runtime, code_of, only_sql, updated_code
from lakemill.services.kinesisanalytics.v2flink import FlinkOperations, described

FLINK_ONLY = "it is for Apache Flink applications; a SQL application has none"


class KinesisAnalyticsV2(FlinkOperations):
    """boto3 client `kinesisanalyticsv2`."""

    name: ClassVar[str] = "kinesisanalyticsv2"

    @operation("CreateApplication")
    async def create_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        runtime = request["RuntimeEnvironment"]
        if request.get("ApplicationMode", "STREAMING") != "STREAMING":
            raise refused(f"ApplicationMode={request['ApplicationMode']}", "it is for Zeppelin notebooks")
        document = {
            "runtime": runtime,
            "role": request["ServiceExecutionRole"],
            "description": request.get("ApplicationDescription", ""),
            "logs": [parts.log_of(one) for one in request.get("CloudWatchLoggingOptions", [])],
        }
        if flink.is_flink(runtime):
            document |= await self._flink_document(call, request)
        else:
            document |= _sql_document(request)
        return {"ApplicationDetail": _detail(await self._create(call, request, document))}

    @operation("DescribeApplication")
    async def describe_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._get(call, request)
        detail = _detail(document)
        if request.get("IncludeAdditionalDetails") and (plan := await self.analytics.job_plan(document)):
            configuration = detail["ApplicationConfigurationDescription"]
            configuration["FlinkApplicationConfigurationDescription"]["JobPlanDescription"] = plan
        return {"ApplicationDetail": detail}

    @operation("ListApplications")
    def list_applications(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit, token = request.get("Limit", APPLICATIONS_PAGE), request.get("NextToken")
        try:
            found = self.analytics.resources.page(
                KIND, f"{call.account}/{call.region}", sort=by_name, limit=limit, token=token
            )
        except TokenMangled:
            raise ServiceError("InvalidRequestException", "NextToken is not valid.") from None
        answer: dict[str, Any] = {"ApplicationSummaries": [_summary(one) for one in found.items]}
        return answer | ({"NextToken": found.token} if found.token else {})

    @operation("DescribeApplicationVersion")
    def describe_application_version(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"ApplicationVersionDetail": _detail(self._at_version(call, request))}

    def _at_version(self, call: Call, request: dict[str, Any]) -> Document:
        self._get(call, request)
        scope, name, version = (
            f"{call.account}/{call.region}",
            request["ApplicationName"],
            request["ApplicationVersionId"],
        )
        try:
            return self.analytics.version(scope, name, version)
        except Exception:
            message = f"Application {name} has no version {version}."
            raise ServiceError("ResourceNotFoundException", message) from None

    @operation("ListApplicationVersions")
    def list_application_versions(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        present = self._get(call, request)
        every = self.analytics.versions(present["scope"], present["name"])
        try:
            found = page(
                every,
                lambda one: (one["version"],),
                descending=True,
                limit=request.get("Limit", APPLICATIONS_PAGE),
                token=request.get("NextToken"),
            )
        except TokenMangled:
            raise invalid("NextToken is not valid.") from None
        running = present["version"]
        summaries = [
            {
                "ApplicationVersionId": one["version"],
                "ApplicationStatus": views.summary_status(present) if one["version"] == running else "READY",
            }
            for one in found.items
        ]
        answer: dict[str, Any] = {"ApplicationVersionSummaries": summaries}
        return answer | ({"NextToken": found.token} if found.token else {})

    @operation("UpdateApplication")
    async def update_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        present = self._get(call, request)
        if "flink" in present:
            return {"ApplicationDetail": _detail(await self._update_flink(call, request, present))}
        if "RunConfigurationUpdate" in request:
            raise refused("RunConfigurationUpdate", FLINK_ONLY)
        update = request.get("ApplicationConfigurationUpdate", {})
        only_sql(update, "ApplicationConfigurationUpdate")
        if "RuntimeEnvironmentUpdate" in request:
            check_runtime(request["RuntimeEnvironmentUpdate"], "RuntimeEnvironmentUpdate")

        def change(document: Document) -> None:
            document["code"] = updated_code(document["code"], update.get("ApplicationCodeConfigurationUpdate"))
            document["role"] = request.get("ServiceExecutionRoleUpdate", document.get("role"))
            update_parts(document, update.get("SqlApplicationConfigurationUpdate", {}))
            update_logs(document, request.get("CloudWatchLoggingOptionUpdates", []))

        return {"ApplicationDetail": _detail(await self._change(call, request, change))}

    def _version(self, call: Call, request: dict[str, Any]) -> int | None:
        """By number or by token, where the operation has both."""
        given = request.get("CurrentApplicationVersionId")
        token = request.get("ConditionalToken")
        if (given is None) == (token is None):
            raise invalid("Exactly one of CurrentApplicationVersionId and ConditionalToken must be given.")
        if token is None:
            return given
        present = self._get(call, request)
        if token != _token(present):
            message = "ConditionalToken is not that of the application's current version."
            raise ServiceError("ConcurrentModificationException", message)
        return present["version"]

    @operation("StartApplication")
    async def start_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._get(call, request)
        if "flink" in document:
            await self._start_flink(call, request, document)
            return {}
        run = request.get("RunConfiguration", {})
        for member in ("FlinkRunConfiguration", "ApplicationRestoreConfiguration"):
            if member in run:
                raise refused(f"RunConfiguration.{member}", FLINK_ONLY)
        starts = positions_of(run.get("SqlRunConfigurations", []), "InputId")
        if not starts and self.analytics.stood(document):
            starts = {one["id"]: views.POSITIONS["LAST_STOPPED_POINT"] for one in document["inputs"]}
        await self._start(call, request, starts)
        return {}

    @operation("StopApplication")
    async def stop_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        force = bool(request.get("Force"))
        if force and "flink" not in self._get(call, request):
            raise refused("Force", "only Apache Flink applications can be stopped by force")
        with in_awss_words():
            await self.analytics.stop(f"{call.account}/{call.region}", request["ApplicationName"], force=force)
        return {}

    # Parts

    @operation("AddApplicationInput")
    async def add_application_input(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        made = await self._add(call, request, "inputs", parts.input_of(request["Input"]))
        return _changed(made) | {"InputDescriptions": views.inputs(made)}

    @operation("AddApplicationOutput")
    async def add_application_output(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        made = await self._add(call, request, "outputs", parts.output_of(request["Output"]))
        return _changed(made) | {"OutputDescriptions": views.outputs(made)}

    @operation("AddApplicationReferenceDataSource")
    async def add_application_reference_data_source(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        made = await self._add(call, request, "references", parts.reference_of(request["ReferenceDataSource"]))
        return _changed(made) | {"ReferenceDataSourceDescriptions": views.references(made)}

    @operation("AddApplicationCloudWatchLoggingOption")
    async def add_application_cloud_watch_logging_option(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        made = await self._add(call, request, "logs", parts.log_of(request["CloudWatchLoggingOption"]))
        return _changed(made) | {"CloudWatchLoggingOptionDescriptions": views.logs(made)}

    @operation("AddApplicationInputProcessingConfiguration")
    async def add_application_input_processing_configuration(
        self, call: Call, request: dict[str, Any]
    ) -> dict[str, Any]:
        processor = parts.processor_of(request["InputProcessingConfiguration"])
        made = await self._process(call, request, processor)
        told = {"InputId": request["InputId"], "InputProcessingConfigurationDescription": views.processing(processor)}
        return _changed(made) | told

    @operation("DeleteApplicationInputProcessingConfiguration")
    async def delete_application_input_processing_configuration(
        self, call: Call, request: dict[str, Any]
    ) -> dict[str, Any]:
        return _changed(await self._process(call, request, None))

    @operation("DeleteApplicationOutput")
    async def delete_application_output(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return _changed(await self._drop(call, request, "outputs", request["OutputId"]))

    @operation("DeleteApplicationReferenceDataSource")
    async def delete_application_reference_data_source(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return _changed(await self._drop(call, request, "references", request["ReferenceId"]))

    @operation("DeleteApplicationCloudWatchLoggingOption")
    async def delete_application_cloud_watch_logging_option(
        self, call: Call, request: dict[str, Any]
    ) -> dict[str, Any]:
        made = await self._drop(call, request, "logs", request["CloudWatchLoggingOptionId"])
        return _changed(made) | {"CloudWatchLoggingOptionDescriptions": views.logs(made)}

    @operation("DiscoverInputSchema")
    async def discover_input_schema(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        # "ResourceARN", "S3Configuration", "InputStartingPositionConfiguration": see `discovery`.
        self._check_roles(request)
        return await self.discovery.discover(request, request["ServiceExecutionRole"], call.region, call.account)

    # What is not provided, or not for SQL

    @operation(
        "AddApplicationVpcConfiguration", refuses={"VpcConfiguration": "programs work on this machine's network"}
    )
    def add_application_vpc_configuration(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("VpcConfiguration is required, and refused")

    @operation(
        "CreateApplicationPresignedUrl",
        refuses={"UrlType": "Flink's own pages are not served", "SessionExpirationDurationInSeconds": ""},
    )
    def create_application_presigned_url(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("UrlType is required, and refused")

    @operation("RollbackApplication")
    def rollback_application(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if "flink" in self._get(call, request):
            what = f"RollbackApplication (CurrentApplicationVersionId={request['CurrentApplicationVersionId']})"
            raise refused(what, "a change is not taken back; update to the code of an earlier version")
        message = "RollbackApplication is not supported for SQL applications; update to the code of an earlier version."
        raise ServiceError("UnsupportedOperationException", message)


def _summary(document: Document) -> dict[str, Any]:
    return {
        "ApplicationName": document["name"],
        "ApplicationARN": arns.application(document["scope"], document["name"]),
        "ApplicationStatus": views.summary_status(document),
        "ApplicationVersionId": document["version"],
        "RuntimeEnvironment": document["runtime"],
        "ApplicationMode": "STREAMING",
    }


def _changed(document: Document) -> dict[str, Any]:
    return {
        "ApplicationARN": arns.application(document["scope"], document["name"]),
        "ApplicationVersionId": document["version"],
    }


def _token(document: Document) -> str:
    """ConditionalToken."""
    return hashlib.sha256(f"{document['id']}:{document['version']}".encode()).hexdigest()


def _detail(document: Document) -> dict[str, Any]:
    """ApplicationDetail."""
    detail = _summary(document) | {
        "CreateTimestamp": document["created"],
        "LastUpdateTimestamp": document["modified"],
        "ConditionalToken": _token(document),
        "ApplicationConfigurationDescription": described(document) if "flink" in document else _sql_described(document),
        "CloudWatchLoggingOptionDescriptions": views.logs(document),
    }
    if document.get("role"):
        detail["ServiceExecutionRole"] = document["role"]
    if document["description"]:
        detail["ApplicationDescription"] = document["description"]
    return detail


def _sql_document(request: dict[str, Any]) -> Document:
    """What is kept of a SQL application alone. Raises a ServiceError."""
    check_runtime(request["RuntimeEnvironment"], "RuntimeEnvironment")
    configuration = request.get("ApplicationConfiguration", {})
    only_sql(configuration, "ApplicationConfiguration")
    sql = configuration.get("SqlApplicationConfiguration", {})
    return {
        "code": code_of(configuration.get("ApplicationCodeConfiguration")),
        "inputs": [parts.input_of(one) for one in sql.get("Inputs", [])],
        "outputs": [parts.output_of(one) for one in sql.get("Outputs", [])],
        "references": [parts.reference_of(one) for one in sql.get("ReferenceDataSources", [])],
    }


def _sql_described(document: Document) -> Document:
    """ApplicationConfigurationDescription."""
    code = document["code"].encode()
    content = {"TextContent": document["code"], "CodeMD5": hashlib.md5(code).hexdigest(), "CodeSize": len(code)}
    return {
        "SqlApplicationConfigurationDescription": {
            "InputDescriptions": views.inputs(document),
            "OutputDescriptions": views.outputs(document),
            "ReferenceDataSourceDescriptions": views.references(document),
        },
        "ApplicationCodeConfigurationDescription": {
            "CodeContentType": "PLAINTEXT",
            "CodeContentDescription": content,
        },
    }
