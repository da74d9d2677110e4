"""A run of a job as a kind of job: files from S3, a process, how it ended."""

import logging
import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from lakemill.engines.identity import Identity, RoleRefused, RoleRights
from lakemill.engines.jobs import Job, JobKind, LogTarget, Outcome, Plan, Process
from lakemill.engines.objects import Objects, ObjectsError
from lakemill.engines.spark import Environments
from lakemill.ports.compute import RunSpec
from lakemill.services.base import ServiceError
from lakemill.services.glue import job_arguments, job_bookmarks, job_programs, roles
from lakemill.services.glue.job_capacity import SPARK
from lakemill.services.glue.job_runs import LOG_GROUPS
from lakemill.services.glue.runs import ENDED, Runs, engine_key
from lakemill.services.rolekeys import Holder, RoleKeys

INHERITED = ("PATH", "LD_LIBRARY_PATH", "TZ")
"""Variables of this machine a script gets; nothing secret is among them."""
STOP_GRACE_S = 10.0
INTERNAL = "Internal service error: the run could not be brought to its end."
LOST = "The process of the run, or the machine, stopped without a word."

logger = logging.getLogger(__name__)


class RunFailed(Exception):
    """The user can mend it. The text is the run's ErrorMessage."""


class JobRunWork(JobKind):
    """What the jobs engine calls, in the run's thread.

    folder: below it each run has one. endpoint, authority: where lakemill listens, and its certificate for https.
    spark: where Spark on Java is, for scripts that need it.
    """

    def __init__(
        self,
        runs: Runs,
        objects: Objects,
        identity: Identity,
        keys: RoleKeys,
        folder: Path,
        endpoint: str,
        authority: Path | None = None,
        *,
        spark: Environments | None = None,
        enforce: bool = True,
    ) -> None:
        self._runs, self._objects, self._identity, self._keys = runs, objects, identity, keys
        self._folder, self._endpoint, self._authority = folder, endpoint, authority
        self._spark = spark or Environments()
        self._rights = RoleRights(identity, objects, roles.SERVICE, roles.SESSION, enforce=enforce)

    # What the engine asks for, in this order

    def prepare(self, job: Job) -> Plan:
        document = self._document(job)
        definition, id = document["definition"], document["id"]
        command = definition["Command"]["Name"]
        program = job_programs.PROGRAMS[command]
        arguments = job_arguments.effective(definition, document["given"])
        job_arguments.check(arguments, command)  # A trigger does not know for which kind of job it has some.
        files = Files(self._folder / engine_key(document))
        files.make()
        location = arguments.get(job_arguments.SCRIPT, definition["Command"]["ScriptLocation"])
        script = self._fetch(document, location, files.script)
        path = [_opened(self._fetch(document, uri, files.libraries)) for uri in job_arguments.libraries(arguments)]
        for uri in job_arguments.listed(arguments, job_arguments.FILES):
            self._fetch(document, uri, files.work)
        launch = {
            "script": str(script),
            "arguments": job_arguments.command_line(_own_arguments(document) | arguments),
            "folder": str(files.work),
            "failure": str(files.failure),
        }
        if command == SPARK:
            launch |= job_programs.spark_launch(arguments, files.temporary, files.libraries, self._spark)
        files.launch.write_bytes(msgspec.json.encode(launch))
        run = RunSpec(
            [sys.executable, "-P", str(program.runner), str(files.launch)],
            self._environment(document, files, [*path, files.libraries, *program.libraries]),
            files.folder,
            stop_grace_s=STOP_GRACE_S,
            errors_apart=True,
        )
        scope = document["scope"]
        output, errors = (LogTarget(scope, f"{LOG_GROUPS[command]}/{name}", id) for name in ("output", "error"))
        return Plan([Process("script", run, output, errors)], document["timeout_min"] * 60.0)

    def started(self, job: Job) -> None:
        self._runs.running(job.document["scope"], job.document["name"])

    def collect(self, job: Job, outcome: Outcome) -> None:
        document = self._document(job)
        files = Files(self._folder / engine_key(document))
        if document["status"] not in ENDED:  # Otherwise a crash came between the outcome and the tidying.
            self._end(job, *ending(outcome, files.told(), document["timeout_min"]))
        files.remove()

    def stopped(self, job: Job) -> None:
        self._end(job, "STOPPED")
        Files(self._folder / engine_key(self._document(job))).remove()

    def fail(self, job: Job, error: Exception) -> None:
        if isinstance(error, RunFailed | RoleRefused | ObjectsError | ServiceError):
            message = str(error)
        else:
            logger.error("a run of a job failed for an error of lakemill's own", exc_info=error)
            message = INTERNAL
        self._end(job, "FAILED", message)
        Files(self._folder / engine_key(self._document(job))).remove()

    # How it is done

    def _fetch(self, document: dict[str, Any], uri: str, folder: Path) -> Path:
        """Download an object with the role's rights, by its own name. Raises RunFailed."""
        bucket, key = job_arguments.s3_place(uri, "a file of the job")
        role, region = self._role(document), document["scope"].split("/")[1]
        resource = f"arn:aws:s3:::{bucket}/{key}"
        if refusal := self._rights.refusal(role, region, "s3:GetObject", resource):
            raise RunFailed(f"{uri} cannot be read: {refusal}")
        target = folder / key.rpartition("/")[2]
        try:
            self._objects.download(bucket, key, target)
        except ObjectsError as error:
            raise RunFailed(f"{uri} cannot be read: {error}") from error
        except OSError as error:  # The disk is full, or the name too long for a file.
            raise RunFailed(f"{uri} cannot be stored for the run: {error.strerror}") from error
        return target

    def _environment(self, document: dict[str, Any], files: "Files", path: list[Path]) -> dict[str, str]:
        region = document["scope"].split("/")[1]
        environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            # A home of its own: keys that lie in ours would come before the role's.
            "HOME": str(files.home),
            "TMPDIR": str(files.temporary),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": job_programs.python_path(*path),
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self._keys.variables_blocking(self.holder(document)),
        }
        if self._authority is not None:
            environment["AWS_CA_BUNDLE"] = str(self._authority)
        if document["definition"]["Command"]["Name"] == SPARK:
            token = self._keys.token(self.holder(document))
            environment |= job_programs.spark_variables(self._endpoint, self._authority, job_bookmarks.PATH, token)
        return environment

    def holder(self, document: dict[str, Any]) -> Holder:
        """Whom the run's program gets keys for."""
        scope, name = document["scope"], document["name"]
        account = scope.partition("/")[0]
        return Holder(f"{scope}\n{name}", document["secret"], account, self._role(document), roles.SESSION)

    def _role(self, document: dict[str, Any]) -> str:
        return roles.role_arn(self._identity, document["scope"].partition("/")[0], document["definition"]["Role"])

    def _document(self, job: Job) -> dict[str, Any]:
        return self._runs.named(job.document["scope"], job.document["name"])

    def _end(self, job: Job, status: str, message: str | None = None) -> None:
        self._runs.end(job.document["scope"], job.document["name"], status, message)


class Files:
    """A run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script, self.libraries, self.work = folder / "script", folder / "libraries", folder / "work"
        self.home, self.temporary = folder / "home", folder / "tmp"
        self.launch, self.failure = folder / "launch.json", folder / "failure"

    def make(self) -> None:
        """Empty folders, whatever was there."""
        self.remove()
        for folder in (self.script, self.libraries, self.work, self.home, self.temporary):
            folder.mkdir(parents=True)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def told(self) -> str | None:
        """What the script raised, in a line."""
        try:
            return self.failure.read_text(encoding="utf-8") or None
        except FileNotFoundError:
            return None


def ending(outcome: Outcome, told: str | None, timeout_min: int) -> tuple[str, str | None]:
    """(state, ErrorMessage) of a run whose process has ended.

    >>> ending(Outcome(0, "itself"), None, 10)
    ('SUCCEEDED', None)
    >>> ending(Outcome(-9, "itself"), None, 10)
    ('FAILED', 'Command failed with exit code 137')
    """
    code = outcome.exit_code
    if outcome.ended_by == "user":
        return "STOPPED", None
    if outcome.ended_by == "time":
        return "TIMEOUT", f"The run was stopped at its timeout of {timeout_min} minutes."
    if code is None:
        return "FAILED", LOST
    if code == 0:
        return "SUCCEEDED", None
    return "FAILED", told or f"Command failed with exit code {code if code > 0 else 128 - code}"


def _opened(library: Path) -> Path:
    """What is put on the script's path for a library: wheels and eggs are unpacked."""
    if library.suffix == ".py":
        return library.parent
    if library.suffix == ".zip":
        return library
    unpacked = library.with_name(f"{library.name}.d")
    try:
        with zipfile.ZipFile(library) as archive:
            archive.extractall(unpacked)
    except zipfile.BadZipFile as error:
        raise RunFailed(f"{library.name} cannot be unpacked: {error}") from error
    return unpacked


def _own_arguments(document: dict[str, Any]) -> dict[str, str]:
    workflow = {"--WORKFLOW_NAME": document["workflow"], "--WORKFLOW_RUN_ID": document["origin"]}
    return {"--JOB_NAME": document["job"], "--JOB_RUN_ID": document["id"]} | (workflow if document["workflow"] else {})
