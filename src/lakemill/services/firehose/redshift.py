"""Redshift as a destination: what its configuration must say, and how records get there.

The cluster is told by its port and the first part of its host: `jdbc:redshift://sales.redshift.localhost:5439/dev` (AWS
takes no URL without `.redshift.` in it). Records are put into an object; a manifest names it, and COPY loads what the
manifest names. When that has failed for as long as RetryOptions says, the manifest is left below `errors/`, for whoever
loads it by hand.

Source: https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
"""

import asyncio
import datetime
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from lakemill.engines.delivery import BucketSink, Load, Outcome
from lakemill.engines.identity import RoleRefused
from lakemill.engines.objects import BucketMissing, Objects
from lakemill.engines.warehouses import NotRunning, SqlFailed, Warehouses
from lakemill.engines.warehouses.workgroups import FAMILY, Workgroups
from lakemill.services.firehose import extended_s3, processors, s3
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
URL = re.compile(r"jdbc:(?:redshift|postgresql)://(?P<name>[^.:/]+)[^:/]*:(?P<port>\d+)/(?P<database>.+)")
RETRY_S = 3600
DAY_S = 24.0 * 3600
MANIFESTS, ERRORS = "manifests/", "errors/manifests/"
NO_SECRETS = "there is no Secrets Manager; give Username and Password"
CODES = {
    "28000": "Redshift.AuthenticationFailed",
    "28P01": "Redshift.AuthenticationFailed",
    "3D000": "Redshift.DatabaseNotFound",
    "3F000": "Redshift.TableNotFound",
    "42501": "Redshift.AccessDenied",
    "42601": "Redshift.SyntaxError",
    "42703": "Redshift.ColumnNotFound",
    "42P01": "Redshift.TableNotFound",
}
"""What Firehose calls errors, by SQLSTATE."""


def complete(config: Config) -> Config:
    """The configuration with its defaults. Raises ServiceError."""
    own = {"RetryOptions": {"DurationInSeconds": RETRY_S}, "S3BackupMode": "Disabled"}
    whole: Config = own | {"CloudWatchLoggingOptions": {"Enabled": False}} | config
    if whole.get("SecretsManagerConfiguration", {}).get("Enabled"):
        raise refused("SecretsManagerConfiguration", NO_SECRETS)
    if not whole.get("Username") or not whole.get("Password"):
        raise invalid("Username and Password must be given.")
    place = whole["S3Configuration"]
    if "!{" in place.get("Prefix", "") or place.get("ErrorOutputPrefix"):
        raise invalid("The S3Configuration of Redshift takes a plain Prefix and no ErrorOutputPrefix.")
    place = s3.complete(place)
    if place["CompressionFormat"] not in ("UNCOMPRESSED", "GZIP"):
        raise invalid(f"CompressionFormat {place['CompressionFormat']} cannot be loaded by Redshift; use GZIP.")
    s3.check_logging(whole["CloudWatchLoggingOptions"])
    processors.validate(whole)
    return extended_s3.complete_backup(whole | {"S3Configuration": place})


class Redshift:
    """The sink. stage: puts records into objects. keys: fresh keys of the stream's role, for COPY; blocks.

    now_s: the time.
    """

    error = ""
    retry_s = DAY_S  # That of the object. How long COPY is tried is decided here.

    def __init__(
        self,
        stage: BucketSink,
        objects: Objects,
        warehouses: Warehouses,
        keys: Callable[[], tuple[str, str, str | None]],
        config: Config,
        now_s: Callable[[], float],
    ) -> None:
        self._stage, self._objects, self._warehouses, self._keys = stage, objects, warehouses, keys
        self._config, self._now_s = config, now_s
        self._copy_s = float(config["RetryOptions"].get("DurationInSeconds", RETRY_S))
        self._bucket = s3.bucket_of(config["S3Configuration"])
        self._prefix = config["S3Configuration"].get("Prefix") or ""
        self._staged: dict[str, str] = {}
        """The manifest's key, by the id of a load whose object is there."""

    async def deliver(self, load: Load) -> Outcome:
        """One attempt; the object is put once."""
        if load.id not in self._staged:
            outcome = await self._stage.deliver(load)
            if outcome.remaining:
                return outcome
            self._staged[load.id] = await self._manifest(MANIFESTS, load)
        fault = await self._copied(self._staged[load.id])
        if fault is None:
            del self._staged[load.id]
            return Outcome()
        if self._now_s() - load.began_s < self._copy_s:
            return Outcome(remaining=load.records, code=fault[0], message=fault[1])
        del self._staged[load.id]
        left = await self._manifest(ERRORS, load)
        message = f"{fault[1]} What was not loaded is named in s3://{self._bucket}/{left}"
        return Outcome(code=fault[0], message=message, lost=len(load.records))

    async def _manifest(self, folder: str, load: Load) -> str:
        """Name the load's object in a manifest; its key."""
        key = self._stage.key(load)
        entry = {"url": f"s3://{self._bucket}/{key}", "mandatory": True}
        moment = datetime.datetime.fromtimestamp(load.oldest_ms / 1000, datetime.UTC)
        place = f"{folder}{moment:%Y/%m/%d/%H/}" if folder == ERRORS else f"{self._prefix}{folder}"
        name = f"{place}{key.rpartition('/')[2]}.manifest"
        await self._objects.put(self._bucket, name, _once(json.dumps({"entries": [entry]}).encode()))
        return name

    async def _copied(self, manifest: str) -> tuple[str, str] | None:
        """Load it; code and message of what keeps that from being done."""
        found = URL.match(self._config["ClusterJDBCURL"])
        assert found is not None
        warehouse = self._warehouses.at_port(int(found["port"]))
        if warehouse is None or found["name"] not in self._names(warehouse):
            return "Redshift.ConnectionFailed", f"No cluster listens at {self._config['ClusterJDBCURL']}."
        try:
            keys = await asyncio.to_thread(self._keys)
            await self._warehouses.carry_out(
                warehouse,
                found["database"],
                self._config["Username"],
                self._config["Password"],
                self._statement(manifest, keys),
            )
        except RoleRefused as refusal:
            return "Redshift.S3BucketAccessDenied", str(refusal)
        except SqlFailed as failed:
            return CODES.get(failed.code, "Redshift.DataLoadFailed"), str(failed)
        except NotRunning as fault:
            return "Redshift.ConnectionFailed", str(fault)
        except BucketMissing:
            return "S3.NoSuchBucket", f"The specified bucket does not exist: {self._bucket}"
        return None

    def _names(self, warehouse: Config) -> list[str]:
        """What the host of a warehouse's URL may begin with."""
        family, _, name = warehouse["name"].partition("/")
        if family == FAMILY:
            workgroup = Workgroups(self._warehouses).of_namespace(warehouse["scope"], name)
            return [workgroup["name"]] if workgroup else []
        return [name]

    def _statement(self, manifest: str, keys: tuple[str, str, str | None]) -> str:
        command = self._config["CopyCommand"]
        columns = f" ({command['DataTableColumns']})" if command.get("DataTableColumns") else ""
        credentials = f"aws_access_key_id={keys[0]};aws_secret_access_key={keys[1]}"
        credentials += f";token={keys[2]}" if keys[2] else ""
        place = f"s3://{self._bucket}/{manifest}".replace("'", "''")
        options = command.get("CopyOptions", "")
        return f"COPY {command['DataTableName']}{columns} FROM '{place}' CREDENTIALS '{credentials}' MANIFEST {options}"


async def _once(piece: bytes) -> AsyncIterator[bytes]:
    yield piece
