"""The /opt/ml trees of a training job, one for each host: folders, configuration files, environment."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lakemill.services.sagemaker.training_request import effective_mode

GROUP = "homogeneousCluster"

PASSED_ON = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"),
    *("CUDA_VISIBLE_DEVICES", "NUMBA_CACHE_DIR", "OMP_NUM_THREADS"),
)
"""What a job's process needs of this machine. Nothing else of our environment reaches it, above all no keys."""


class JobFolder:
    """A job's folder: below it a folder for each host, one for each host's FIFO process, and a place to meet."""

    def __init__(self, folder: Path, hosts: Sequence[str]) -> None:
        self.folder = folder
        self.hosts = {host: OptMl(folder / host) for host in hosts}
        self.scratch = folder / "tmp"
        self.rendezvous = folder / "rendezvous"

    def pipes(self, host: str) -> Path:
        """The folder of the process that fills a host's FIFOs."""
        return self.folder / f"pipes-{host}"

    def make(self) -> None:
        """Empty trees, whatever was there."""
        self.remove()
        self.scratch.mkdir(parents=True)
        for tree in self.hosts.values():
            tree.make()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class OptMl:
    """A host's folder: `ml` is its /opt/ml, `tmp` its scratch space."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = folder / "ml"
        self.inputs = self.base / "input" / "data"
        self.model = self.base / "model"
        self.output = self.base / "output"
        self.output_data = self.output / "data"
        self.metrics = self.output / "metrics" / "sagemaker"

    def channel(self, name: str) -> Path:
        return self.inputs / name

    def pipe(self, name: str, number: int) -> Path:
        """The FIFO of a Pipe channel's nth pass."""
        return self.inputs / f"{name}_{number}"

    def make(self) -> None:
        for folder in (self.base / "input" / "config", self.inputs, self.model, self.output_data):
            folder.mkdir(parents=True)
        self.metrics.mkdir(parents=True)
        (self.base / "code").mkdir()
        (self.folder / "tmp").mkdir()

    def write_configuration(self, request: Mapping[str, Any], host: str, hosts: Sequence[str]) -> None:
        """hyperparameters.json, inputdataconfig.json, resourceconfig.json; checkpointconfig.json if there is one."""
        files = {
            "hyperparameters": dict(request.get("HyperParameters", {})),
            "inputdataconfig": input_data_config(request),
            "resourceconfig": resource_config(request["ResourceConfig"]["InstanceType"], host, hosts),
        }
        if "CheckpointConfig" in request:
            files["checkpointconfig"] = {"LocalPath": "/opt/ml/checkpoints"} | request["CheckpointConfig"]
        for name, value in files.items():
            (self.base / "input" / "config" / f"{name}.json").write_text(json.dumps(value))

    def failure(self) -> str | None:
        """What the algorithm wrote about its failure: the first 1024 characters."""
        try:
            with open(self.output / "failure", encoding="utf-8", errors="replace") as file:
                return file.read(1024).strip()
        except FileNotFoundError:
            return None

    def environment(self, request: Mapping[str, Any], arn: str, region: str, host: str) -> dict[str, str]:
        """The process's environment: this machine's few, the user's, then the platform's, which win."""
        scratch = str(self.folder / "tmp")
        return {
            **machine_environment(),
            "HOME": scratch,
            "TMPDIR": scratch,
            "PYTHONUNBUFFERED": "1",
            **request.get("Environment", {}),
            "TRAINING_JOB_NAME": request["TrainingJobName"],
            "TRAINING_JOB_ARN": arn,
            "AWS_REGION": region,
            "CURRENT_HOST": host,
            "SAGEMAKER_METRICS_DIRECTORY": str(self.metrics),
            "SAGEMAKER_BASE_DIR": str(self.base),
        }


def machine_environment() -> dict[str, str]:
    """What every process of a job gets of this machine's environment."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def input_data_config(request: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """inputdataconfig.json. The distribution's key differs from the API's; ContentType is absent when not given."""
    described = {}
    for channel in request.get("InputDataConfig", []):
        one = {
            "TrainingInputMode": effective_mode(request, channel),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if channel.get("ContentType"):
            one["ContentType"] = channel["ContentType"]
        described[channel["ChannelName"]] = one
    return described


def resource_config(instance_type: str, host: str, hosts: Sequence[str]) -> dict[str, Any]:
    """resourceconfig.json. Hosts are sorted as text, so algo-10 comes before algo-2."""
    hosts = sorted(hosts)
    group = {"instance_group_name": GROUP, "instance_type": instance_type, "hosts": hosts}
    return {
        "current_host": host,
        "current_instance_type": instance_type,
        "current_group_name": GROUP,
        "hosts": hosts,
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
