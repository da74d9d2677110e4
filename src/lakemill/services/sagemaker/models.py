"""Models: what an endpoint or a transform job serves. One container each; pipelines and multi-model are later."""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.hosting import ArtifactError, Model
from lakemill.engines.objects import BucketMissing, ObjectMissing, Objects
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources, by_creation, by_name
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.sagemaker import images
from lakemill.services.sagemaker.access import RoleAccess, check_trust
from lakemill.services.sagemaker.errors import invalid, unsupported
from lakemill.services.sagemaker.resources import MODEL, arn, scope, tags
from lakemill.services.sagemaker.tags import refuse_reserved
from lakemill.services.sagemaker.training_request import s3_location

Container = Mapping[str, Any]

CONTAINER_REFUSED = {
    "ModelPackageName": "lakemill has no model packages",
    "InferenceSpecificationName": "lakemill has no model packages",
    "MultiModelConfig": "multi-model endpoints are not available yet",
    "AdditionalModelDataSources": "a model has one data source",
    "ContainerMetricsConfig": "containers are not scraped for metrics",
}
SOURCE_REFUSED = {
    "ModelAccessConfig": "lakemill has no model hub",
    "HubAccessConfig": "lakemill has no model hub",
    "ManifestS3Uri": "model manifests are not read",
    "ETag": "the model's files are taken as they are when an instance starts",
    "ManifestEtag": "model manifests are not read",
}


class Models:
    """Mixin. Needs self.resources, self.objects, self.identity, self.enforce."""

    resources: Resources
    objects: Objects
    identity: Any
    enforce: bool

    @operation(
        "CreateModel",
        refuses={"VpcConfig": "lakemill has no VPCs; EnableNetworkIsolation cuts the network off"},
    )
    async def create_model(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        container = container_of(request)
        refuse_reserved(tags(request))
        spec = images.algorithm_of(container["Image"], "Image")
        if not request.get("ExecutionRoleArn"):
            raise invalid("ExecutionRoleArn is required: the model's data is read with the rights of that role.")
        self._check_data(container, request["ExecutionRoleArn"], call.region)
        name, here = request["ModelName"], scope(call)
        document = {
            "containers": "Containers" if "Containers" in request else "PrimaryContainer",
            "container": dict(container),
            "algorithm": spec.name,
            "role": request["ExecutionRoleArn"],
            "isolated": request.get("EnableNetworkIsolation", False),
        }
        try:
            await self.resources.create(MODEL, here, name, document, tags(request))
        except ResourceExists:
            raise invalid(f'Cannot create already existing model "{arn(here, MODEL, name)}".') from None
        return {"ModelArn": arn(here, MODEL, name)}

    @operation("DescribeModel")
    def describe_model(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = named_model(self.resources, scope(call), request["ModelName"])
        container = {"Mode": "SingleModel", "Environment": {}} | document["container"]
        several = document["containers"] == "Containers"
        return {
            "ModelName": document["name"],
            "ModelArn": arn(document["scope"], MODEL, document["name"]),
            "ExecutionRoleArn": document["role"],
            "EnableNetworkIsolation": document["isolated"],
            "CreationTime": document["created"],
            document["containers"]: [container] if several else container,
        }

    @operation("ListModels")
    def list_models(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = listing(self.resources, MODEL, call, request)
        models = [
            {
                "ModelName": one["name"],
                "ModelArn": arn(one["scope"], MODEL, one["name"]),
                "CreationTime": one["created"],
            }
            for one in found.items
        ]
        return {"Models": models} | ({"NextToken": found.token} if found.token else {})

    @operation("DeleteModel")
    async def delete_model(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["ModelName"], scope(call)
        try:
            await self.resources.delete(MODEL, here, name)
        except ResourceMissing:
            raise missing(MODEL, here, name) from None
        return {}

    def _check_data(self, container: Container, role: str, region: str) -> None:
        """The role exists, trusts us, and may read the model's data, which is there."""
        if self.enforce:
            check_trust(self.identity, role)
        source = data_of(container)
        if source is None:
            return
        uri, bucket, key, is_archive = source
        access = RoleAccess(self.identity, self.objects, role, enforce=self.enforce, region=region)
        refusal = _refusal(access, bucket, key, is_archive)
        if refusal:
            raise invalid(
                f'Could not access model data at {uri}. Please ensure that the role "{role}" exists and that its '
                'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
                '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the '
                f"object is located in {region}. {refusal}"
            )
        try:
            if is_archive:
                self.objects.head(bucket, key)
                return
            if next(iter(self.objects.listing(bucket, key, limit=1)), None) is not None:
                return
        except (BucketMissing, ObjectMissing):
            pass
        raise invalid(f"Could not find model data at {uri}.")

    def may_read_model(self, model: Model, bucket: str, key: str) -> None:
        """What hosting asks before it reads a model's files. Raises ArtifactError."""
        region = model.environment["AWS_REGION"]
        access = RoleAccess(self.identity, self.objects, model.principal, enforce=self.enforce, region=region)
        if refusal := access.refusal("s3:GetObject", bucket, key):
            raise ArtifactError(refusal, unpacking=False)


def _refusal(access: RoleAccess, bucket: str, key: str, is_archive: bool) -> str | None:
    if is_archive:
        return access.refusal("s3:GetObject", bucket, key)
    return access.refusal("s3:ListBucket", bucket, context={"s3:prefix": key})


def container_of(request: Mapping[str, Any]) -> Container:
    """The one container of a CreateModel. Raises a ServiceError for what is not honoured."""
    primary, several = request.get("PrimaryContainer"), request.get("Containers")
    if (primary is None) == (not several):
        raise invalid("Exactly one of PrimaryContainer and Containers must be given.")
    if several and len(several) > 1:
        raise unsupported("Containers", "inference pipelines of several containers are not available yet; give one")
    if request.get("InferenceExecutionConfig", {}).get("Mode", "Serial") != "Serial":
        raise unsupported(
            "InferenceExecutionConfig", "Mode=Direct needs several containers, which is not available yet"
        )
    container = primary if primary is not None else several[0]  # type: ignore[index]
    _check_container(container)
    return container


def _check_container(container: Container) -> None:
    for member, reason in CONTAINER_REFUSED.items():
        if container.get(member):
            raise unsupported(member, reason)
    if not container.get("Image"):
        raise invalid("A container must have an Image.")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise unsupported(
            "Mode=MultiModel", "multi-model endpoints are not available yet; create one model per artifact"
        )
    if container.get("ImageConfig", {}).get("RepositoryAccessMode", "Platform") != "Platform":
        raise unsupported("ImageConfig", "no image is pulled, so no private registry either")
    data_of(container)


def data_of(container: Container) -> tuple[str, str, str, bool] | None:
    """(uri, bucket, key or prefix, whether it is a .tar.gz) of a container's model data, None if it has none."""
    url, source = container.get("ModelDataUrl"), container.get("ModelDataSource", {}).get("S3DataSource")
    if url and source:
        raise invalid("ModelDataUrl and ModelDataSource cannot both be given.")
    if url:
        return (url, *s3_location(url, "ModelDataUrl"), True)
    if source is None:
        return None
    for member, reason in SOURCE_REFUSED.items():
        if source.get(member):
            raise unsupported(f"ModelDataSource.S3DataSource.{member}", reason)
    uri, kind, compression = source["S3Uri"], source["S3DataType"], source["CompressionType"]
    is_archive = compression == "Gzip"
    if is_archive != (kind == "S3Object"):
        raise invalid(
            "ModelDataSource: S3DataType must be S3Object when CompressionType is Gzip, and S3Prefix when it is None; "
            f"got {kind} with {compression}."
        )
    if not is_archive and not uri.endswith("/"):
        raise invalid(f"ModelDataSource: an S3Prefix must end with a forward slash; got {uri}.")
    return (uri, *s3_location(uri, "S3Uri"), is_archive)


def served(document: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Model:
    """A model's document as what hosting serves; further environment wins over the model's own."""
    container, region = document["container"], document["scope"].split("/")[1]
    source = data_of(container)
    archive = source[1:3] if source and source[3] else None
    prefix = source[1:3] if source and not source[3] else None
    return Model(
        algorithm=document["algorithm"],
        image=container["Image"],
        archive=archive,
        prefix=prefix,
        environment={"AWS_REGION": region, **container.get("Environment", {}), **(environment or {})},
        isolated=document["isolated"],
        principal=document["role"],
    )


def named_model(resources: Resources, here: str, name: str) -> dict[str, Any]:
    """The document. Raises the ServiceError that SDKs probe for."""
    try:
        return resources.get(MODEL, here, name)
    except ResourceMissing:
        raise missing(MODEL, here, name) from None


KIND_NAMES = {"endpoint-config": "endpoint configuration"}


def missing(kind: str, here: str, name: str) -> ServiceError:
    """`Could not find model "arn:..."`."""
    return invalid(f'Could not find {KIND_NAMES.get(kind, kind)} "{arn(here, kind, name)}".')


def listing(resources: Resources, kind: str, call: Call, request: Mapping[str, Any], **more: Any) -> Any:
    """A page of a kind, by the members that all lists of hosting share. more: `where`, and further `sorts`."""
    also, sorts = more.get("where", lambda document: True), SORTS | more.get("sorts", {})

    def matches(document: dict[str, Any]) -> bool:
        return (
            request.get("NameContains", "").lower() in document["name"].lower()
            and request.get("CreationTimeAfter", document["created"]) <= document["created"]
            and request.get("CreationTimeBefore", document["created"]) >= document["created"]
            and also(document)
        )

    return resources.page(
        kind,
        scope(call),
        where=matches,
        sort=sorts[request.get("SortBy", "CreationTime")],
        descending=request.get("SortOrder", "Descending") == "Descending",
        limit=request.get("MaxResults", 10),
        token=request.get("NextToken"),
    )


SORTS = {"Name": by_name, "CreationTime": by_creation}
