"""What the second API does for Flink applications alone: making and changing them, and their snapshots."""

import asyncio
import secrets
from typing import Any

from lakemill.engines.analytics import CUSTOM, LATEST, SKIP
from lakemill.engines.flink import FlinkMissing
from lakemill.engines.resources import TokenMangled, page
from lakemill.services.base import Call, operation
from lakemill.services.kinesisanalytics import flink, flinkcode
from lakemill.services.kinesisanalytics.changes import update_logs
from lakemill.services.kinesisanalytics.common import APPLICATIONS_PAGE, Applications, Document
from lakemill.services.kinesisanalytics.errors import in_awss_words, invalid, refused

RESTORES = {
    "SKIP_RESTORE_FROM_SNAPSHOT": SKIP,
    "RESTORE_FROM_LATEST_SNAPSHOT": LATEST,
    "RESTORE_FROM_CUSTOM_SNAPSHOT": CUSTOM,
}


class FlinkOperations(Applications):
    """Base of the second API's service."""

    # For the handlers

    def _check_runtime(self, runtime: str, member: str) -> None:
        """Raise a ServiceError unless this version of Flink can run here."""
        flink.check_version(runtime, member)
        try:
            self.analytics.programs.environments.find(flink.version_of(runtime))
        except FlinkMissing as missing:
            raise refused(f"{member}={runtime}", str(missing)) from None

    async def _flink_document(self, call: Call, request: Document) -> Document:
        """What a new application keeps. Raises a ServiceError."""
        self._check_runtime(request["RuntimeEnvironment"], "RuntimeEnvironment")
        configuration = request.get("ApplicationConfiguration", {})
        flink.check_members(configuration, "ApplicationConfiguration")
        if "ApplicationCodeConfiguration" not in configuration:
            raise invalid("ApplicationCodeConfiguration must be given for a Flink application.")
        groups = flink.groups(configuration.get("EnvironmentProperties"), [])
        settings = flink.configured(configuration.get("FlinkApplicationConfiguration", {}))
        self._check_roles(request)
        role, given = request["ServiceExecutionRole"], configuration["ApplicationCodeConfiguration"]
        store = self.analytics.programs.store
        archive, code = await flinkcode.taken(self.planning, store, call.region, role, given, groups)
        return {
            "flink": {"code": code, "settings": settings, "properties": groups},
            "archive": archive,
            "restore": {"type": LATEST},
            "saves": flink.saves(configuration.get("ApplicationSnapshotConfiguration"), "", before=True),
            "secret": secrets.token_urlsafe(32),
        }

    async def _update_flink(self, call: Call, request: dict[str, Any], present: Document) -> Document:
        """The application's next version. Raises a ServiceError."""
        runtime = str(request.get("RuntimeEnvironmentUpdate", present["runtime"]))
        if not flink.is_flink(runtime):
            raise refused(f"RuntimeEnvironmentUpdate={runtime}", "a Flink application stays one")
        self._check_runtime(runtime, "RuntimeEnvironmentUpdate")
        update = request.get("ApplicationConfigurationUpdate", {})
        flink.check_members(update, "ApplicationConfigurationUpdate", "Update")
        restore = None
        if "RunConfigurationUpdate" in request:
            if present["status"] != "running":
                reason = "the application does not run; give RunConfiguration to StartApplication"
                raise refused("RunConfigurationUpdate", reason)
            restore = restore_of(request["RunConfigurationUpdate"], "RunConfigurationUpdate")
            with in_awss_words():
                self.analytics.programs.origin(present, restore)
        self._check_roles(request)
        was = present["flink"]
        role = str(request.get("ServiceExecutionRoleUpdate", present["role"]))
        groups = flink.groups(update.get("EnvironmentPropertyUpdates"), was["properties"])
        settings = flink.configured(update.get("FlinkApplicationConfigurationUpdate", {}), "Update", was["settings"])
        saves = flink.saves(update.get("ApplicationSnapshotConfigurationUpdate"), "Update", before=present["saves"])
        archive, code = present["archive"], was["code"]
        if "ApplicationCodeConfigurationUpdate" in update:
            store, given = self.analytics.programs.store, update["ApplicationCodeConfigurationUpdate"]
            archive, code = await flinkcode.taken(
                self.planning, store, call.region, role, given, groups, "Update", code
            )
        elif groups != was["properties"]:
            kept = self.analytics.programs.store.archive(archive)
            flink.check_archive(await asyncio.to_thread(kept.read_bytes), groups)

        def change(document: Document) -> None:
            document |= {"runtime": runtime, "role": role, "saves": saves, "archive": archive}
            document["flink"] = {"code": code, "settings": settings, "properties": groups}
            document["restore"] = restore or {"type": LATEST}
            update_logs(document, request.get("CloudWatchLoggingOptionUpdates", []))

        return await self._change(call, request, change)

    async def _start_flink(self, call: Call, request: Document, present: Document) -> None:
        run = request.get("RunConfiguration", {})
        if "SqlRunConfigurations" in run:
            raise refused("RunConfiguration.SqlRunConfigurations", "it is for SQL applications")
        self._check_runtime(present["runtime"], "RuntimeEnvironment")
        with in_awss_words(starting=True):
            restore = restore_of(run, "RunConfiguration")
            await self.analytics.start(present["scope"], present["name"], {}, restore)

    def _flink_get(self, call: Call, request: Document) -> Document:
        """The application, which must be one for Flink."""
        document = self._get(call, request)
        if "flink" not in document:
            raise invalid(f"{document['name']} is a SQL application, which has no snapshots.")
        return document

    # Snapshots

    @operation("CreateApplicationSnapshot")
    async def create_application_snapshot(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._flink_get(call, request)
        if not document["saves"]:
            raise invalid("Snapshots are not enabled for the application (SnapshotsEnabled).")
        with in_awss_words():
            await self.analytics.snapshot(document["scope"], document["name"], request["SnapshotName"])
        return {}

    @operation("DescribeApplicationSnapshot")
    def describe_application_snapshot(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._flink_get(call, request)
        with in_awss_words():
            return {"SnapshotDetails": snapshot(self.analytics.programs.snapshot(document, request["SnapshotName"]))}

    @operation("ListApplicationSnapshots")
    def list_application_snapshots(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._flink_get(call, request)
        try:
            found = page(
                self.analytics.programs.snapshots(document),
                lambda one: (one["created"].timestamp(), one["name"]),
                descending=True,
                limit=request.get("Limit", APPLICATIONS_PAGE),
                token=request.get("NextToken"),
            )
        except TokenMangled:
            raise invalid("NextToken is not valid.") from None
        answer: dict[str, Any] = {"SnapshotSummaries": [snapshot(one) for one in found.items]}
        return answer | ({"NextToken": found.token} if found.token else {})

    @operation("DeleteApplicationSnapshot")
    async def delete_application_snapshot(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._flink_get(call, request)
        with in_awss_words():
            found = self.analytics.programs.snapshot(document, request["SnapshotName"])
            if int(request["SnapshotCreationTimestamp"].timestamp()) != int(found["created"].timestamp()):
                raise invalid("SnapshotCreationTimestamp does not match the snapshot's.")
            if found["status"] == "creating":
                raise invalid(f"The snapshot {found['snapshot']} is being created.")
            await self.analytics.programs.delete_snapshot(document, found)
        return {}


def restore_of(run: Document, where: str) -> Document:
    """How a run begins, by a RunConfiguration(Update). Raises a ServiceError."""
    given = run.get("ApplicationRestoreConfiguration", {})
    kind = given.get("ApplicationRestoreType", "RESTORE_FROM_LATEST_SNAPSHOT")
    if "SnapshotArn" in given:
        raise refused(f"{where}.SnapshotArn", "snapshots are those of one application; give SnapshotName")
    if (kind == "RESTORE_FROM_CUSTOM_SNAPSHOT") != ("SnapshotName" in given):
        raise invalid("SnapshotName must be given for RESTORE_FROM_CUSTOM_SNAPSHOT, and for nothing else.")
    lenient = bool(run.get("FlinkRunConfiguration", {}).get("AllowNonRestoredState"))
    named = {"name": given["SnapshotName"]} if "SnapshotName" in given else {}
    return {"type": RESTORES[kind], "lenient": lenient, **named}


def snapshot(one: Document) -> Document:
    """SnapshotDetails."""
    return {
        "SnapshotName": one["snapshot"],
        "SnapshotStatus": str(one["status"]).upper(),
        "ApplicationVersionId": one["version"],
        "SnapshotCreationTimestamp": one["created"],
        "RuntimeEnvironment": one["runtime"],
    }


def described(document: Document) -> Document:
    """ApplicationConfigurationDescription."""
    kept, code = document["flink"], document["flink"]["code"]
    content: Document = {"CodeMD5": code["md5"], "CodeSize": code["size"]}
    if code["place"] is not None:
        content["S3ApplicationCodeLocationDescription"] = code["place"]
    settings = {f"{name}Description": dict(value) for name, value in kept["settings"].items()}
    parallelism = settings["ParallelismConfigurationDescription"]
    parallelism["CurrentParallelism"] = parallelism["Parallelism"]
    told: Document = {
        "ApplicationCodeConfigurationDescription": {"CodeContentType": "ZIPFILE", "CodeContentDescription": content},
        "FlinkApplicationConfigurationDescription": settings,
        "EnvironmentPropertyDescriptions": {"PropertyGroupDescriptions": kept["properties"]},
        "ApplicationSnapshotConfigurationDescription": {"SnapshotsEnabled": document["saves"]},
    }
    if restore := document.get("restore"):
        kinds = {ours: theirs for theirs, ours in RESTORES.items()}
        named = {"SnapshotName": restore["name"]} if "name" in restore else {}
        told["RunConfigurationDescription"] = {
            "ApplicationRestoreConfigurationDescription": {"ApplicationRestoreType": kinds[restore["type"]], **named},
            "FlinkRunConfigurationDescription": {"AllowNonRestoredState": bool(restore.get("lenient"))},
        }
    return told
