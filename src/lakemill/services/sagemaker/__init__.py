"""SageMaker: training jobs, models, endpoints and transform jobs of the built-in algorithms.

API reference: https://docs.aws.amazon.com/sagemaker/latest/APIReference/
"""

from pathlib import Path
from typing import Any, ClassVar

from lakemill.engines.hosting import Hosting
from lakemill.engines.jobs import Jobs
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Resources
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata
from lakemill.services.base import Call, Need, Service
from lakemill.services.sagemaker import permissions
from lakemill.services.sagemaker.endpoint_configs import EndpointConfigs
from lakemill.services.sagemaker.endpoints import Endpoints
from lakemill.services.sagemaker.errors import ERRORS
from lakemill.services.sagemaker.models import Models
from lakemill.services.sagemaker.tags import Tags
from lakemill.services.sagemaker.training import JOB, Training
from lakemill.services.sagemaker.training_run import Launcher, TrainingRun, container
from lakemill.services.sagemaker.transform import JOB as TRANSFORM
from lakemill.services.sagemaker.transform import Transforms
from lakemill.services.sagemaker.transform_run import TransformRun

__all__ = ["SageMaker"]


class SageMaker(Training, Models, EndpointConfigs, Endpoints, Transforms, Tags, Service):
    """boto3 client `sagemaker`.

    folder: where jobs work. launcher: algorithm name -> command that trains it. enforce: whether roles must exist,
    trust SageMaker and have the rights their jobs need (False where lakemill decides no permissions).
    """

    name: ClassVar[str] = "sagemaker"
    errors: ClassVar = ERRORS

    def __init__(
        self,
        *,
        metadata: Metadata,
        jobs: Jobs,
        objects: Objects,
        identity: Any,
        loglines: LogLines,
        hosting: Hosting,
        clock: Clock,
        folder: Path,
        launcher: Launcher = container,
        enforce: bool = True,
    ) -> None:
        self.resources = Resources(metadata, clock)
        self.jobs, self.objects, self.identity, self.hosting = jobs, objects, identity, hosting
        self.loglines, self.clock, self.enforce = loglines, clock, enforce
        run = TrainingRun(self.resources, objects, identity, clock, folder, launcher=launcher, enforce=enforce)
        jobs.register(JOB, run)
        batch = TransformRun(self.resources, objects, identity, hosting, folder / "transform", enforce=enforce)
        jobs.register(TRANSFORM, batch)
        if hosting is not None:
            hosting.authorise_with(self.may_read_model)

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return permissions.needs(call, request, self.resources)
