"""Glue's structures and the catalog's definitions: the same words in two spellings, and what Glue adds to an answer."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from lakemill.engines import catalog
from lakemill.engines.catalog import CatalogError, Database, Partition, Table
from lakemill.engines.catalog.spelling import definition_of, structure_of
from lakemill.engines.crawling import (
    CrawlerNotRunning,
    CrawlerRunning,
    CrawlerStopping,
    GlobInvalid,
    NoSchedule,
    SchedulerNotRunning,
    SchedulerRunning,
)
from lakemill.engines.resources import Page, ResourceMissing, TooManyTags
from lakemill.engines.schedules import ScheduleWrong
from lakemill.engines.transforms import (
    NameTaken,
    NotTaught,
    RunEnded,
    RunMissing,
    TooManyRuns,
    TooManyTransforms,
    TransformMissing,
)
from lakemill.services.base import Call, ServiceError

CODES: dict[type[Exception], str] = {
    **catalog.CODES,
    ResourceMissing: "EntityNotFoundException",
    CrawlerRunning: "CrawlerRunningException",
    CrawlerNotRunning: "CrawlerNotRunningException",
    CrawlerStopping: "CrawlerStoppingException",
    NoSchedule: "NoScheduleException",
    SchedulerRunning: "SchedulerRunningException",
    SchedulerNotRunning: "SchedulerNotRunningException",
    **dict.fromkeys((ScheduleWrong, GlobInvalid, TooManyTags, RunEnded), "InvalidInputException"),
    **dict.fromkeys((TransformMissing, RunMissing), "EntityNotFoundException"),
    NameTaken: "AlreadyExistsException",
    NotTaught: "MLTransformNotReadyException",
    TooManyTransforms: "ResourceNumberLimitExceededException",
    TooManyRuns: "ConcurrentRunsExceededException",
}
__all__ = ["definition_of", "structure_of"]
"""Others of this service take them from here."""
LAKE_FORMATION = "there is no Lake Formation"
DEFAULT_PERMISSIONS = [
    {"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]},
]


def database(call: Call, found: Database) -> dict[str, Any]:
    """A Database."""
    return structure_of(found.definition) | {
        "CreateTime": found.created,
        "CreateTableDefaultPermissions": DEFAULT_PERMISSIONS,
        "CatalogId": call.account,
    }


def table(call: Call, found: Table) -> dict[str, Any]:
    """A Table."""
    answer = {"Retention": 0} | structure_of(found.definition)
    if "StorageDescriptor" in answer:
        answer["StorageDescriptor"] = _storage(answer["StorageDescriptor"])
    answer |= {
        "DatabaseName": found.database,
        "CreateTime": found.created,
        "UpdateTime": found.updated,
        "IsRegisteredWithLakeFormation": False,
        "CatalogId": call.account,
        "VersionId": str(found.version),
        "IsMultiDialectView": False,
    }
    return answer | ({"CreatedBy": found.created_by} if found.created_by else {})


def partitions(
    call: Call, request: dict[str, Any], found: Sequence[Partition], *, columns: bool = True
) -> list[dict[str, Any]]:
    """Partitions of the table the request names, with their columns or without."""
    ours = {
        "DatabaseName": request["DatabaseName"].lower(),
        "TableName": request["TableName"].lower(),
        "CatalogId": call.account,
    }
    lists: dict[int, Any] = {}  # Most partitions share one list of columns; it is made once.
    made = []
    for one in found:
        storage = one.definition.get("storage_descriptor")
        answer = structure_of({name: part for name, part in one.definition.items() if name != "storage_descriptor"})
        if storage is not None:
            rest = {name: part for name, part in storage.items() if name != "columns"}
            answer["StorageDescriptor"] = descriptor = _storage(structure_of(rest))
            if columns and (given := storage.get("columns")) is not None:
                if id(given) not in lists:
                    lists[id(given)] = structure_of(given)
                descriptor["Columns"] = lists[id(given)]
        made.append(answer | ours | {"CreationTime": one.created})
    return made


def _storage(descriptor: dict[str, Any]) -> dict[str, Any]:
    defaults = {"Compressed": False, "NumberOfBuckets": 0, "SortColumns": [], "StoredAsSubDirectories": False}
    return defaults | descriptor


def detail(error: CatalogError) -> dict[str, str]:
    """An ErrorDetail, of one item of a batch."""
    return {"ErrorCode": CODES[type(error)], "ErrorMessage": str(error)}


def invalid(message: str) -> ServiceError:
    """InvalidInputException."""
    return ServiceError("InvalidInputException", message)


def refuse(structure: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """Refuse members of a structure that are not honoured, by their names."""
    for name, reason in reasons.items():
        if structure.get(name):
            raise invalid(f"{name} is not supported: {reason}.")


def refuse_storage(structure: Mapping[str, Any]) -> None:
    """Refuse what is not honoured in the StorageDescriptor of a table or partition."""
    refuse(structure.get("StorageDescriptor") or {}, {"SchemaReference": "there is no schema registry"})


def scope(call: Call, request: Mapping[str, Any]) -> str:
    """The caller's catalog; another account's is not there."""
    asked = request.get("CatalogId") or call.account
    if asked != call.account:
        raise ServiceError("EntityNotFoundException", f"Catalog {asked} not found.")
    return f"{call.account}/{call.region}"


def token_for(after: str) -> str:
    """A paging token that means "after this"."""
    return base64.urlsafe_b64encode(after.encode()).decode()


def next_token(found: Page) -> dict[str, str]:
    """The token of the page after this one, if there is one."""
    return {"NextToken": found.token} if found.token else {}


def after(request: Mapping[str, Any]) -> str:
    """What the request's paging token means, "" without one."""
    token = request.get("NextToken") or ""
    try:
        return base64.b64decode(token.encode(), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("The NextToken is not valid.") from None
