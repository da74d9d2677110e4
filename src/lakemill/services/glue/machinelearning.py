"""ML transforms and their task runs, put together; and what each operation on them must be allowed."""

from pathlib import Path
from typing import Any

from lakemill.engines.catalog import Catalog
from lakemill.engines.identity import Identity
from lakemill.engines.jobs import Jobs
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Resources
from lakemill.engines.transforms import ENDED, Artifacts, Runs, TransformMissing, Transforms
from lakemill.engines.transforms.runs import KIND
from lakemill.ports.blobs import Blobs
from lakemill.services.base import Call, Need, pass_role
from lakemill.services.glue import roles
from lakemill.services.glue.mltask_work import MLTaskWork
from lakemill.services.glue.mltasks import MLTaskOperations
from lakemill.services.glue.mltransforms import MLTransformOperations
from lakemill.services.rolekeys import Holder, RoleKeys

CREDENTIALS_PATH = "/_lakemill/glue/ml-credentials"
PULL = "PullLatestMLTransformModel"


class MachineLearning:
    """What Glue has beside its catalog to match records.

    blobs: where labels and models are kept. The others are as for `Etl`.
    """

    def __init__(
        self,
        catalog: Catalog,
        jobs: Jobs,
        objects: Objects,
        blobs: Blobs,
        identity: Identity,
        *,
        folder: Path,
        endpoint: str,
        authority: Path | None = None,
        enforce: bool = True,
    ) -> None:
        self._identity = identity
        self.transforms = Transforms(Resources(catalog.metadata, catalog.clock), Artifacts(blobs))
        self._runs = runs = Runs(self.transforms, jobs)
        self.keys = RoleKeys(CREDENTIALS_PATH, roles.SERVICE, self._holder, identity, endpoint, enforce=enforce)
        self._work = MLTaskWork(self.transforms, runs, identity, self.keys, folder, endpoint, authority)
        jobs.register(KIND, self._work)
        self.parts = (
            MLTransformOperations(self.transforms, runs, catalog, identity, enforce=enforce),
            MLTaskOperations(self.transforms, runs, objects, identity, enforce=enforce),
        )
        self._operations = {
            getattr(type(part), name).operation
            for part in self.parts
            for name in dir(type(part))
            if hasattr(getattr(type(part), name), "operation")
        }

    def _holder(self, id: str) -> Holder | None:
        """The run whose program shows a token; one that has ended gets no keys."""
        scope, _, name = id.partition("\n")
        document = self._runs.find(scope, name)
        if document is None or document["status"] in ENDED:
            return None
        try:
            return self._work.holder(document)
        except TransformMissing:
            return None

    def knows(self, operation: str) -> bool:
        """Whether an operation is one on ML transforms or their task runs."""
        return operation in self._operations

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        """The operation on the transform; and to pass the role of one that is made or changed."""
        action = "glue:UseMLTransforms" if call.operation == PULL else f"glue:{call.operation}"
        resource = call.arn(f"mlTransform/{request.get('TransformId', '*')}")
        found = [Need(action, resource)]
        if request.get("Role"):
            role = roles.role_arn(self._identity, call.account, request["Role"])
            found.append(pass_role(role, roles.SERVICE, resource))
        return found
