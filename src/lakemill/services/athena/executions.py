"""Executions of statements: started, stopped, told about."""

from typing import Any

from lakemill.engines.objects import BucketMissing, Objects
from lakemill.engines.queries import Execution, ExecutionMissing, Queries, Request
from lakemill.services.athena import shapes
from lakemill.services.athena.batches import checked_batch, unprocessed
from lakemill.services.athena.catalogs import CATALOG, checked_catalog
from lakemill.services.athena.errors import invalid
from lakemill.services.athena.paging import opened, sealed
from lakemill.services.athena.prepared import Prepared
from lakemill.services.athena.workgroups import PRIMARY, checked_result, is_managed, prefix_of, scope_of
from lakemill.services.base import Call, operation
from lakemill.services.lakerights import LakeRights

QUERY_BYTES_MAX = 262_144
PAGE_MAX = 50
REUSE_MINUTES = 60
NO_LOCATION = (
    "No output location provided. An output location is required either through the Workgroup result configuration "
    "setting or as an API input."
)
Document = dict[str, Any]


class ExecutionOperations:
    """Mixed into the service."""

    queries: Queries
    objects: Objects
    prepared: Prepared

    @operation("StartQueryExecution", refuses={"EngineConfiguration": "there is no Spark"})
    async def start_query_execution(self, call: Call, request: Document) -> Document:
        name = request.get("WorkGroup", PRIMARY)
        group = self.group(call, name)
        if group["state"] != "ENABLED":
            raise invalid(f"WorkGroup {name} is disabled.")
        text = request["QueryString"]
        if len(text.encode()) > QUERY_BYTES_MAX:
            raise invalid(f"QueryString must have at most {QUERY_BYTES_MAX} bytes.")
        context = request.get("QueryExecutionContext") or {}
        checked_catalog(context.get("Catalog", CATALOG))
        result = self._result_configuration(request.get("ResultConfiguration") or {}, group["configuration"])
        plan = self.prepared.plan(scope_of(call), name, text, request.get("ExecutionParameters") or [])
        asked = Request(
            scope=scope_of(call),
            group=name,
            text=text,
            database=context.get("Database", "default").strip("`"),
            parameters=request.get("ExecutionParameters") or [],
            prefix=prefix_of(result["OutputLocation"]) if result else "",
            token=request.get("ClientRequestToken", ""),
            scan_bytes_max=group["configuration"].get("BytesScannedCutoffPerQuery"),
            reuse_s=_reuse_s(request.get("ResultReuseConfiguration") or {}),
            body=plan.body,
            body_parameters=plan.parameters,
            options={"location": "enforced"} if _enforces_location(group["configuration"]) else {},
            details={
                "context": context,
                "result": result,
                "reuse": request.get("ResultReuseConfiguration"),
                "engine": group["configuration"].get("EngineVersion", "AUTO"),
            },
        )
        rights = self.rights(call)
        execution = await self.queries.submit(asked, rights, call.principal.arn, plan.local)
        return {"QueryExecutionId": execution.id}

    def group(self, call: Call, name: str) -> Document:
        raise NotImplementedError

    def rights(self, call: Call) -> LakeRights:
        raise NotImplementedError

    def _result_configuration(self, given: Document, configuration: Document) -> Document:
        """What holds of a statement's and its workgroup's. Raises InvalidRequestException."""
        checked_result(given)
        if is_managed(configuration):
            if given.get("OutputLocation"):
                raise invalid("OutputLocation cannot be specified for a workgroup with managed query results.")
            return {}
        own = configuration.get("ResultConfiguration") or {}
        enforced = configuration.get("EnforceWorkGroupConfiguration", False)
        result = dict(own) if enforced else own | given
        if not result.get("OutputLocation"):
            raise invalid(NO_LOCATION)
        bucket = prefix_of(result["OutputLocation"]).removeprefix("s3://").partition("/")[0]
        try:
            owner = self.objects.buckets.named(bucket).owner
        except BucketMissing:
            raise invalid(f"Unable to verify/create output bucket {bucket}") from None
        if result.get("ExpectedBucketOwner", owner) != owner:
            raise invalid(f"Bucket {bucket} does not belong to {result['ExpectedBucketOwner']}")
        return result

    @operation("StopQueryExecution")
    async def stop_query_execution(self, call: Call, request: Document) -> Document:
        await self.queries.cancel(scope_of(call), request["QueryExecutionId"])
        return {}

    @operation("GetQueryExecution")
    def get_query_execution(self, call: Call, request: Document) -> Document:
        return {"QueryExecution": shapes.execution(self._named(call, request))}

    @operation("BatchGetQueryExecution")
    def batch_get_query_execution(self, call: Call, request: Document) -> Document:
        ids = checked_batch("QueryExecutionIds", request["QueryExecutionIds"])
        found, unknown = [], []
        for id in ids:
            try:
                found.append(shapes.execution(self.queries.get(scope_of(call), id)))
            except ExecutionMissing as missing:
                unknown.append({"QueryExecutionId": id} | unprocessed(str(missing)))
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": unknown}

    @operation("ListQueryExecutions")
    def list_query_executions(self, call: Call, request: Document) -> Document:
        group, limit = request.get("WorkGroup", PRIMARY), request.get("MaxResults") or PAGE_MAX
        self.group(call, group)
        rows = self.queries.listed(scope_of(call), group, opened(request.get("NextToken")), limit + 1)
        token = {"NextToken": sealed(rows[limit - 1][1])} if len(rows) > limit else {}
        return {"QueryExecutionIds": [id for id, _ in rows[:limit]]} | token

    @operation("GetQueryRuntimeStatistics")
    def get_query_runtime_statistics(self, call: Call, request: Document) -> Document:
        return {"QueryRuntimeStatistics": shapes.runtime(self._named(call, request))}

    def _named(self, call: Call, request: Document) -> Execution:
        return self.queries.get(scope_of(call), request["QueryExecutionId"])


def _enforces_location(configuration: Document) -> bool:
    own = configuration.get("ResultConfiguration") or {}
    return bool(configuration.get("EnforceWorkGroupConfiguration") and own.get("OutputLocation"))


def _reuse_s(configuration: Document) -> int | None:
    """How old a reused answer may be; None for none."""
    by_age = configuration.get("ResultReuseByAgeConfiguration") or {}
    return int(by_age.get("MaxAgeInMinutes", REUSE_MINUTES)) * 60 if by_age.get("Enabled") else None
