"""A task run of an ML transform as a kind of job: labels and model out of the store, a process, what it left."""

import logging
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec

from lakemill.engines.identity import Identity, RoleRefused
from lakemill.engines.jobs import Again, Job, JobKind, LogTarget, Outcome, Plan, Process
from lakemill.engines.transforms import ENDED, LabelsChanged, Result, Runs, Transforms
from lakemill.engines.transforms.runs import engine_key
from lakemill.engines.workers import kept_environment
from lakemill.ports.compute import RunSpec
from lakemill.services.base import ServiceError
from lakemill.services.glue import roles
from lakemill.services.glue.mltasks import LOG_GROUP
from lakemill.services.rolekeys import Holder, RoleKeys

MODULE = "lakemill.mltransforms.worker"
STOP_GRACE_S = 2.0
INTERNAL = "Internal service error: the task run could not be brought to its end."
LOST = "The process of the task run, or the machine, stopped without a word."
MEMORY_MIB = 4096
DIALS = {
    "PrecisionRecallTradeoff": "precision_recall_tradeoff",
    "AccuracyCostTradeoff": "accuracy_cost_tradeoff",
    "EnforceProvidedLabels": "enforce_provided_labels",
}

logger = logging.getLogger(__name__)


class MLTaskWork(JobKind):
    """What the jobs engine calls, in the run's thread.

    folder: below it each run has one. endpoint, authority: where lakemill listens, and its certificate for https.
    """

    def __init__(
        self,
        transforms: Transforms,
        runs: Runs,
        identity: Identity,
        keys: RoleKeys,
        folder: Path,
        endpoint: str,
        authority: Path | None = None,
    ) -> None:
        self._transforms, self._runs, self._identity, self._keys = transforms, runs, identity, keys
        self._folder, self._endpoint, self._authority = folder, endpoint, authority

    # What the engine asks for, in this order

    def prepare(self, job: Job) -> Plan:
        document = self._document(job)
        scope, id = document["scope"], document["id"]
        transform = self._transforms.get(scope, document["transform"])
        definition = transform["definition"]
        job.note(labels=transform["labels"], key=definition["key"])
        files = Files(self._folder / engine_key(document))
        files.make()
        for name, path in ((transform["labels"], files.known_labels), (transform["model"], files.known_model)):
            if name:
                path.write_bytes(self._transforms.artifacts.read(name))
        files.task.write_bytes(msgspec.json.encode(_task(document, transform, files)))
        run = RunSpec(
            [sys.executable, "-P", "-m", MODULE, str(files.folder)],
            self._environment(document, files),
            files.folder,
            stop_grace_s=STOP_GRACE_S,
            errors_apart=True,
        )
        output, errors = (LogTarget(scope, f"{LOG_GROUP}/{name}", id) for name in ("output", "error"))
        return Plan([Process("task", run, output, errors)], definition["Timeout"] * 60.0)

    def started(self, job: Job) -> None:
        self._runs.running(job.document["scope"], job.document["name"])

    def collect(self, job: Job, outcome: Outcome) -> None:
        document = self._document(job)
        files = Files(self._folder / engine_key(document))
        if document["status"] not in ENDED:  # Otherwise a crash came between the outcome and the tidying.
            self._collect(job, document, outcome, files)
        files.remove()

    def _collect(self, job: Job, document: dict[str, Any], outcome: Outcome, files: "Files") -> None:
        transform = self._transforms.get(document["scope"], document["transform"])
        status, message = ending(outcome, files.told(), transform["definition"]["Timeout"])
        if status == "FAILED" and job.runs <= transform["definition"]["MaxRetries"]:
            raise Again
        try:
            self._end(job, status, message, self._result(job, files) if status == "SUCCEEDED" else None)
        except LabelsChanged:
            raise Again from None

    def _result(self, job: Job, files: "Files") -> Result:
        told = msgspec.json.decode(files.outcome.read_bytes())
        if told["metrics"] is not None:
            return Result(metrics=metrics(told["metrics"], told["importances"]))
        if not files.model.exists():
            return Result()
        keep = self._transforms.artifacts.keep
        return Result(
            labels=keep(files.labels),
            model=keep(files.model),
            label_count=told["label_count"],
            learned_from=job.notes["labels"],
            key=job.notes["key"],
        )

    def stopped(self, job: Job) -> None:
        document = self._document(job)
        self._end(job, "STOPPED")
        Files(self._folder / engine_key(document)).remove()

    def fail(self, job: Job, error: Exception) -> None:
        document = self._document(job)
        if isinstance(error, RoleRefused | ServiceError):
            message = str(error)
        else:
            logger.error("a task run failed for an error of lakemill's own", exc_info=error)
            message = INTERNAL
        self._end(job, "FAILED", message)
        Files(self._folder / engine_key(document)).remove()

    # How it is done

    def _environment(self, document: dict[str, Any], files: "Files") -> dict[str, str]:
        region = document["scope"].split("/")[1]
        environment = kept_environment() | {
            # A home of its own: keys that lie in ours would come before the role's.
            "HOME": str(files.home),
            "TMPDIR": str(files.home),
            "PYTHONUNBUFFERED": "1",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self._keys.variables_blocking(self.holder(document)),
        }
        if self._authority is not None:
            environment["AWS_CA_BUNDLE"] = str(self._authority)
        return environment

    def holder(self, document: dict[str, Any]) -> Holder:
        """Whom the run's program gets keys for. Raises TransformMissing."""
        scope, name = document["scope"], document["name"]
        account = scope.partition("/")[0]
        role = self._transforms.get(scope, document["transform"])["definition"]["Role"]
        arn = roles.role_arn(self._identity, account, role)
        return Holder(f"{scope}\n{name}", document["secret"], account, arn, roles.SESSION)

    def _document(self, job: Job) -> dict[str, Any]:
        return self._runs.named(job.document["scope"], job.document["name"])

    def _end(self, job: Job, status: str, message: str | None = None, result: Result | None = None) -> None:
        self._runs.end(job.document["scope"], job.document["name"], status, message, result)


class Files:
    """A run's folder; what the process reads and leaves there is in `lakemill.mltransforms.interface`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.known_labels, self.known_model = folder / "known-labels.csv", folder / "known-model"
        self.task, self.outcome, self.failure = folder / "task.json", folder / "outcome.json", folder / "failure"
        self.labels, self.model = folder / "labels.csv", folder / "model"

    def make(self) -> None:
        """An empty folder, whatever was there."""
        self.remove()
        self.home.mkdir(parents=True)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def told(self) -> str | None:
        """Why the process failed, in a line."""
        try:
            return self.failure.read_text(encoding="utf-8") or None
        except FileNotFoundError:
            return None


def _task(document: dict[str, Any], transform: dict[str, Any], files: Files) -> dict[str, Any]:
    """A `Task` of the process."""
    definition = transform["definition"]
    table = definition["InputRecordTables"][0]
    parameters = definition["Parameters"]["FindMatchesParameters"]
    return {
        "kind": document["kind"],
        "id": document["id"],
        "database": table["DatabaseName"].lower(),
        "table": table["TableName"].lower(),
        "columns": [column["Name"] for column in definition["Schema"]],
        "parameters": {"primary_key": definition["key"]} | {to: parameters[name] for name, to in DIALS.items()},
        "place": document["place"],
        "replace": document["replace"],
        "labels": str(files.known_labels) if transform["labels"] else "",
        "model": str(files.known_model) if transform["model"] else "",
        "round": document["round"],
        "memory_mib": MEMORY_MIB,
    }


def ending(outcome: Outcome, told: str | None, timeout_min: int) -> tuple[str, str | None]:
    """(status, ErrorString) of a run whose process has ended.

    >>> ending(Outcome(0, "itself"), None, 10)
    ('SUCCEEDED', None)
    """
    if outcome.ended_by == "user":
        return "STOPPED", None
    if outcome.ended_by == "time":
        return "TIMEOUT", f"The task run took longer than its timeout of {timeout_min} minutes."
    if outcome.ended_by == "loss":
        return "FAILED", LOST
    if outcome.exit_code == 0:
        return "SUCCEEDED", None
    return "FAILED", told or f"The process of the task run ended with exit code {outcome.exit_code}."


def metrics(told: dict[str, Any], importances: dict[str, float]) -> dict[str, Any]:
    """A FindMatchesMetrics."""
    return {
        "AreaUnderPRCurve": told["area_under_pr_curve"],
        "Precision": told["precision"],
        "Recall": told["recall"],
        "F1": told["f1"],
        "ConfusionMatrix": {
            "NumTruePositives": told["true_positives"],
            "NumFalsePositives": told["false_positives"],
            "NumTrueNegatives": told["true_negatives"],
            "NumFalseNegatives": told["false_negatives"],
        },
        "ColumnImportances": [
            {"ColumnName": name, "Importance": value}
            for name, value in sorted(importances.items(), key=lambda one: -one[1])
        ],
    }
