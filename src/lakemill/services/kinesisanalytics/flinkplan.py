"""From the document of a Flink application to the program that `engines/flink` runs.

What a program finds is what AWS gives it: its properties in `/etc/flink/application_properties.json`, the keys of its
role by the protocol of containers, and lakemill's endpoint in AWS_ENDPOINT_URL.

https://docs.aws.amazon.com/managed-flink/latest/java/how-python-programming.html
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakemill.engines.flink import Keep, Program, Say, Store
from lakemill.services.kinesisanalytics.credentials import Credentials
from lakemill.services.kinesisanalytics.flink import options_of, split, version_of

SHOWN, PROPERTIES = "/etc/flink", "application_properties.json"
INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME")
"""Variables of this machine a program gets; nothing secret is among them."""


class Programming:
    """endpoint: where lakemill listens. authority: the CA certificate for https."""

    def __init__(self, store: Store, credentials: Credentials, endpoint: str, authority: Path | None = None) -> None:
        self.store, self._credentials = store, credentials
        self._endpoint, self._authority = endpoint, authority

    def program(self, document: dict[str, Any], say: Say, keep: Keep) -> Program:
        """say, keep: where its messages and lines of its log go."""
        flink, options = document["flink"], options_of(document["flink"]["properties"])
        settings = flink["settings"]

        async def environment() -> Mapping[str, str]:
            return await self._environment(document)

        return Program(
            version=version_of(document["runtime"]),
            archive=self.store.archive(document["archive"]),
            main=options["python"],
            environment=environment,
            say=say,
            keep=keep,
            files=split(options.get("pyFiles")),
            archives=split(options.get("pyArchives")),
            jar=options.get("jarfile"),
            parallelism=settings["ParallelismConfiguration"]["Parallelism"],
            log_level=settings["MonitoringConfiguration"]["LogLevel"],
            configuration=_configuration(settings),
            shown=(SHOWN, {PROPERTIES: json.dumps(flink["properties"], indent=2).encode()}),
            platform=self._endpoint,
            good_s=self._credentials.good_s,
            lenient=bool(document.get("restore", {}).get("lenient")),
        )

    async def _environment(self, document: dict[str, Any]) -> dict[str, str]:
        region = document["scope"].split("/")[1]
        environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **await self._credentials.variables(document),
        }
        if self._authority is not None:
            environment["AWS_CA_BUNDLE"] = str(self._authority)
        return environment


def _configuration(settings: dict[str, Any]) -> dict[str, str]:
    """Flink's options. As AWS has it, state is kept by RocksDB, and a job that fails is started again for ever."""
    checkpoint, parallelism = settings["CheckpointConfiguration"], settings["ParallelismConfiguration"]["Parallelism"]
    found = {
        "parallelism.default": str(parallelism),
        "state.backend.type": "rocksdb",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": str(2**31 - 1),
        "restart-strategy.fixed-delay.delay": "10 s",
    }
    if checkpoint["CheckpointingEnabled"]:
        found |= {
            "execution.checkpointing.interval": f"{checkpoint['CheckpointInterval']} ms",
            "execution.checkpointing.min-pause": f"{checkpoint['MinPauseBetweenCheckpoints']} ms",
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        }
    return found
