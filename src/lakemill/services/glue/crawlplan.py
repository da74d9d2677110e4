"""From a crawler's settings to the plan of a crawl, and what settings must be."""

import json
import re
from typing import Any

from lakemill.engines.catalog import Policies
from lakemill.engines.crawling import (
    DELETE,
    DEPRECATE,
    EVERYTHING,
    LOG,
    NEW_FOLDERS,
    UPDATE,
    CrawlFailed,
    DatabaseTarget,
    Plan,
    Target,
    matcher,
)
from lakemill.engines.identity import RoleRefused, RoleRights
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Resources
from lakemill.services.base import ServiceError
from lakemill.services.glue import jdbc, roles, shapes
from lakemill.services.glue.classifiers import KIND as CLASSIFIER
from lakemill.services.glue.connections import KIND as CONNECTION

SESSION = "AWS-Crawler"
OTHER_TARGETS = {
    "MongoDBTargets": "databases are read by JDBC targets only",
    "DynamoDBTargets": "only S3 is crawled",
    "CatalogTargets": "only S3 is crawled",
    "DeltaTargets": "only S3 is crawled, and Delta's tables are not read",
    "IcebergTargets": "only S3 is crawled; Iceberg's clients write the catalog themselves",
    "HudiTargets": "only S3 is crawled, and Hudi's tables are not read",
}
_OTHER_PLACES = {
    "ConnectionName": "there are no networks to connect to",
    "EventQueueArn": "there is no SQS",
    "DlqEventQueueArn": "there is no SQS",
}
_PATH = re.compile(r"(?:s3a?://)?([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
SAMPLE_MAX = 249
_ON_CHANGE = {"UPDATE_IN_DATABASE": UPDATE, "LOG": LOG}
_ON_MISSING = {"DEPRECATE_IN_DATABASE": DEPRECATE, "DELETE_FROM_DATABASE": DELETE, "LOG": LOG}


class CrawlPlanning:
    """Makes plans. enforce: whether roles must exist, be trusted, and have their permissions."""

    def __init__(
        self, identity: Any, objects: Objects, resources: Resources, policies: Policies, *, enforce: bool = True
    ) -> None:
        self._identity = identity
        self._rights = RoleRights(identity, objects, roles.SERVICE, SESSION, enforce=enforce)
        self._resources, self._policies = resources, policies

    def role_arn(self, scope: str, role: str) -> str:
        """The ARN of a role that is given by ARN, by name, or by path and name."""
        return roles.role_arn(self._identity, scope.partition("/")[0], role)

    def check(self, scope: str, definition: dict[str, Any]) -> None:
        """Raise a ServiceError unless role and classifiers are there, and the role trusts Glue."""
        role = self.role_arn(scope, definition["Role"])
        if self._rights.enforced:
            try:
                self._rights.taken(role)
            except RoleRefused:
                raise shapes.invalid(
                    f"Service is unable to assume provided role. Please verify role's TrustPolicy: {role}"
                ) from None
        for one in definition["Targets"].get("JdbcTargets", []):
            self._database(scope, one)
        for name in definition.get("Classifiers", []):
            if self._resources.find(CLASSIFIER, scope, name) is None:
                raise shapes.invalid(f"Classifier with name {name} does not exist")

    def plan(self, document: dict[str, Any]) -> Plan:
        """The plan of a crawler. Raises CrawlFailed."""
        definition, scope = document["definition"], document["scope"]
        policy, output, grouping = _policy(definition), _output(definition), _configuration(definition)["Grouping"]
        return Plan(
            crawler=document["name"],
            scope=scope,
            database=definition["DatabaseName"].lower(),
            targets=tuple(_target(one) for one in definition["Targets"].get("S3Targets", [])),
            databases=tuple(self._crawled(scope, one) for one in definition["Targets"].get("JdbcTargets", [])),
            refusal=self._refusal(scope, self.role_arn(scope, definition["Role"])),
            table_prefix=definition.get("TablePrefix", ""),
            on_change=_ON_CHANGE[policy[0]],
            on_missing=_ON_MISSING[policy[1]],
            recrawl=NEW_FOLDERS if _recrawl(definition) == "CRAWL_NEW_FOLDERS_ONLY" else EVERYTHING,
            combine=grouping.get("TableGroupingPolicy") == "CombineCompatibleSchemas",
            level=grouping.get("TableLevelConfiguration"),
            add_columns_only=output["Tables"].get("AddOrUpdateBehavior") == "MergeNewColumns",
            inherit=output["Partitions"].get("AddOrUpdateBehavior") == "InheritFromTable",
            classifiers=tuple(self._classifier(scope, name) for name in definition.get("Classifiers", [])),
            tables_max=output["Tables"].get("TableThreshold"),
        )

    def _crawled(self, scope: str, given: dict[str, Any]) -> DatabaseTarget:
        """Raises CrawlFailed."""
        try:
            return self._database(scope, given)
        except ServiceError as error:
            raise CrawlFailed(error.message) from None

    def _database(self, scope: str, given: dict[str, Any]) -> DatabaseTarget:
        """Raises ServiceError InvalidInputException."""
        name = given["ConnectionName"]
        found = self._resources.find(CONNECTION, scope, name)
        if found is None:
            raise shapes.invalid(f"Connection with name {name} does not exist")
        return jdbc.target(given, found["definition"]["ConnectionProperties"])

    def _classifier(self, scope: str, name: str) -> dict[str, Any]:
        found = self._resources.find(CLASSIFIER, scope, name)
        if found is None:
            raise CrawlFailed(f"Classifier with name {name} does not exist")
        definition: dict[str, Any] = found["definition"]
        return definition

    def _refusal(self, scope: str, role: str) -> Any:
        region = scope.split("/")[1]

        def refusal(action: str, resource: str, context: dict[str, Any] | None = None) -> str | None:
            policy = self._policies.find(scope) if action.startswith("glue:") else None
            text = policy.text if policy else None
            return self._rights.refusal(role, region, action, resource, policy=text, context=context)

        return refusal


def check(definition: dict[str, Any]) -> None:
    """Raise a ServiceError unless settings can be honoured."""
    if not definition.get("DatabaseName"):
        raise shapes.invalid("DatabaseName must be given.")
    targets = definition["Targets"]
    shapes.refuse(targets, OTHER_TARGETS)
    places, databases = targets.get("S3Targets") or [], targets.get("JdbcTargets") or []
    if not places and not databases:
        raise shapes.invalid("At least one target must be given in Targets.")
    for one in places:
        shapes.refuse(one, _OTHER_PLACES)
        size = one.get("SampleSize")
        if size is not None and not 1 <= size <= SAMPLE_MAX:
            raise shapes.invalid(f"SampleSize must be between 1 and {SAMPLE_MAX}; got {size}.")
        matcher(_target(one).exclusions)
    for one in databases:
        jdbc.check(one)
    policy = _policy(definition)
    recrawl = _recrawl(definition)
    if databases and recrawl == "CRAWL_NEW_FOLDERS_ONLY":
        raise shapes.invalid("RecrawlBehavior CRAWL_NEW_FOLDERS_ONLY is for Amazon S3 targets only.")
    if recrawl == "CRAWL_EVENT_MODE":
        raise shapes.invalid("RecrawlBehavior CRAWL_EVENT_MODE is not supported: there is no SQS.")
    if recrawl == "CRAWL_NEW_FOLDERS_ONLY" and policy != ("LOG", "LOG"):
        raise shapes.invalid(
            "The SchemaChangePolicy for "
            "CRAWL_NEW_FOLDERS_ONLY crawler can only have LOG DeleteBehavior value and LOG UpdateBehavior value."
        )
    _configuration(definition)


def _target(given: dict[str, Any]) -> Target:
    match = _PATH.fullmatch(given.get("Path", ""))
    if not match:
        raise shapes.invalid(f"Path must be s3://bucket/prefix; got {given.get('Path', '')!r}.")
    prefix = (match[2] or "").strip("/")
    exclusions = tuple(given.get("Exclusions", []))
    return Target(match[1], f"{prefix}/" if prefix else "", exclusions, given.get("SampleSize"))


def _policy(definition: dict[str, Any]) -> tuple[str, str]:
    given = definition.get("SchemaChangePolicy", {})
    return (
        given.get("UpdateBehavior", "UPDATE_IN_DATABASE"),
        given.get("DeleteBehavior", "DEPRECATE_IN_DATABASE"),
    )


def _recrawl(definition: dict[str, Any]) -> str:
    found: str = definition.get("RecrawlPolicy", {}).get("RecrawlBehavior", "CRAWL_EVERYTHING")
    return found


def _output(definition: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _configuration(definition)["CrawlerOutput"]
    return found


_ALLOWED: dict[str, Any] = {
    "CrawlerOutput": {
        "Tables": {"AddOrUpdateBehavior": "MergeNewColumns", "TableThreshold": int},
        "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
    },
    "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas", "TableLevelConfiguration": int},
    "CreatePartitionIndex": False,
}
"""What Configuration may hold: a value, or a positive number."""


def _configuration(definition: dict[str, Any]) -> dict[str, Any]:
    """The parts of Configuration, a JSON text."""
    text = definition.get("Configuration") or '{"Version":1.0}'
    try:
        given = json.loads(text)
    except ValueError:
        raise shapes.invalid("Configuration is not JSON.") from None
    if not isinstance(given, dict) or given.get("Version") != 1.0:
        raise shapes.invalid('Configuration must be a JSON object with "Version": 1.0.')
    _hold({name: one for name, one in given.items() if name != "Version"}, _ALLOWED, "Configuration")
    output = given.get("CrawlerOutput", {})
    return {
        "CrawlerOutput": {"Tables": output.get("Tables", {}), "Partitions": output.get("Partitions", {})},
        "Grouping": given.get("Grouping", {}),
    }


def _hold(given: Any, allowed: Any, place: str) -> None:
    """Raise a ServiceError unless a value is among those that are allowed at its place."""
    if isinstance(allowed, dict):
        if not isinstance(given, dict):
            raise shapes.invalid(f"{place} must be a JSON object.")
        for name, one in given.items():
            if name not in allowed:
                raise shapes.invalid(f"{name} in {place} is not supported.")
            _hold(one, allowed[name], name)
    elif allowed is int:
        if not isinstance(given, int) or isinstance(given, bool) or given < 1:
            raise shapes.invalid(f"{place} must be a positive whole number; got {given!r}.")
    elif given != allowed:
        raise shapes.invalid(f"{place} cannot be {given!r}; it can be {allowed!r}.")
