"""Parameter groups."""

import re
from typing import Any

from lakemill.engines.resources import ResourceExists, Resources
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift.errors import combination, invalid
from lakemill.services.redshift.naming import scope_of
from lakemill.services.redshift.paging import by_tags, listed, tag_list, tags_of
from lakemill.services.redshift.parameters import FAMILIES, OF_SESSIONS, PARAMETERS, problem

KIND = "warehouse-parameter-group"
DEFAULT = "default.redshift-1.0"
NAME = re.compile(r"[a-z](?:-?[a-z0-9.])*\Z")
CHANGED = (
    "Your parameter group has been updated but changes won't get applied until you reboot the associated Clusters."
)
Document = dict[str, Any]


class ParameterGroups:
    """All of them. The default ones are always there."""

    default = DEFAULT

    def __init__(self, resources: Resources) -> None:
        self.resources = resources

    def get(self, scope: str, name: str) -> Document:
        """Raises ClusterParameterGroupNotFound."""
        family = name.removeprefix("default.")
        if family in FAMILIES and name != family:
            description = f"Default parameter group for {family}"
            return {
                "name": name,
                "scope": scope,
                "family": family,
                "description": description,
                "values": {},
                "tags": {},
            }
        found = self.resources.find(KIND, scope, name.lower())
        if found is None:
            raise ServiceError("ClusterParameterGroupNotFound", f"ParameterGroup not found: {name}")
        return found

    def all(self, scope: str) -> list[Document]:
        """With the default one."""
        return [self.get(scope, DEFAULT), *self.resources.all(KIND, scope)]

    def settings(self, scope: str, name: str) -> dict[str, str]:
        """Values of all parameters. Raises ClusterParameterGroupNotFound."""
        values: dict[str, str] = self.get(scope, name)["values"]
        return {parameter: values.get(parameter, known.default) for parameter, known in PARAMETERS.items()}

    def for_sessions(self, settings: dict[str, str]) -> dict[str, str]:
        """What of that sessions begin with."""
        return {name: settings[name] for name in OF_SESSIONS}

    def applied(self, cluster: Document) -> list[Document]:
        """A ClusterParameterStatusList: what waits for a reboot."""
        details = cluster["details"]
        try:
            wanted = self.settings(cluster["scope"], details["parameter_group"])
        except ServiceError:
            return []
        return [
            {
                "ParameterName": name,
                "ParameterApplyStatus": "in-sync" if details["applied"].get(name) == value else "pending-reboot",
            }
            for name, value in wanted.items()
        ]


class ParameterGroupOperations:
    """Mixed into the service."""

    groups: ParameterGroups

    def clusters_with(self, scope: str, detail: str, value: str) -> list[str]:
        raise NotImplementedError

    @operation("CreateClusterParameterGroup")
    async def create_cluster_parameter_group(self, call: Call, request: Document) -> Document:
        name, family = request["ParameterGroupName"].lower(), request["ParameterGroupFamily"]
        if not NAME.match(name) or len(name) > 255 or name.startswith("default."):
            raise invalid(f"The parameter ParameterGroupName is not a valid identifier: {name}")
        if family not in FAMILIES:
            raise invalid(f"ParameterGroupFamily {family} is not a valid parameter group family.")
        document = {"family": family, "description": request["Description"], "values": {}}
        try:
            made = await self.groups.resources.create(KIND, scope_of(call), name, document, tags_of(request))
        except ResourceExists:
            message = f"Parameter group {name} already exists"
            raise ServiceError("ClusterParameterGroupAlreadyExists", message) from None
        return {"ClusterParameterGroup": _group(made)}

    @operation("DescribeClusterParameterGroups")
    def describe_cluster_parameter_groups(self, call: Call, request: Document) -> Document:
        if name := request.get("ParameterGroupName"):
            return {"ParameterGroups": [_group(self.groups.get(scope_of(call), name))]}
        found = filter(by_tags(request), self.groups.all(scope_of(call)))
        return listed(found, request, "ParameterGroups", _group)

    @operation("DescribeClusterParameters")
    def describe_cluster_parameters(self, call: Call, request: Document) -> Document:
        values = self.groups.get(scope_of(call), request["ParameterGroupName"])["values"]
        source = request.get("Source")
        if source not in (None, "user", "engine-default"):
            raise invalid(f"Invalid Source {source}; allowed: user, engine-default.")
        shown = [one for one in _parameters(values) if source in (None, one["Source"])]
        return _page(shown, request)

    @operation("DescribeDefaultClusterParameters")
    def describe_default_cluster_parameters(self, call: Call, request: Document) -> Document:
        family = request["ParameterGroupFamily"]
        if family not in FAMILIES:
            raise invalid(f"ParameterGroupFamily {family} is not a valid parameter group family.")
        return {"DefaultClusterParameters": {"ParameterGroupFamily": family} | _page(_parameters({}), request)}

    @operation("ModifyClusterParameterGroup")
    async def modify_cluster_parameter_group(self, call: Call, request: Document) -> Document:
        given = {}
        for one in request["Parameters"]:
            name, value = one.get("ParameterName", ""), one.get("ParameterValue", "")
            if wrong := problem(name, value):
                raise invalid(wrong)
            if one.get("ApplyType", "static") != "static":
                raise invalid(f"The parameter {name} can only be applied at a reboot.")
            given[name] = value
        return await self._changed(call, request["ParameterGroupName"], lambda values: values.update(given))

    @operation("ResetClusterParameterGroup")
    async def reset_cluster_parameter_group(self, call: Call, request: Document) -> Document:
        named = [one.get("ParameterName", "") for one in request.get("Parameters") or []]
        everything = request.get("ResetAllParameters", False)
        if everything == bool(named):
            raise combination("Either ResetAllParameters or Parameters must say what to reset.")
        for name in named:
            if name not in PARAMETERS:
                raise invalid(f"Could not find parameter with name: {name}")

        def change(values: dict[str, str]) -> None:
            for name in list(values) if everything else named:
                values.pop(name, None)

        return await self._changed(call, request["ParameterGroupName"], change)

    async def _changed(self, call: Call, name: str, change: Any) -> Document:
        self._own(call, name)
        await self.groups.resources.update(
            KIND, scope_of(call), name.lower(), lambda document: change(document["values"])
        )
        return {"ParameterGroupName": name, "ParameterGroupStatus": CHANGED}

    @operation("DeleteClusterParameterGroup")
    async def delete_cluster_parameter_group(self, call: Call, request: Document) -> None:
        name = request["ParameterGroupName"].lower()
        self._own(call, name)
        if used := self.clusters_with(scope_of(call), "parameter_group", name):
            message = f"The parameter group {name} is used by the cluster {used[0]}."
            raise ServiceError("InvalidClusterParameterGroupState", message)
        await self.groups.resources.delete(KIND, scope_of(call), name)

    def _own(self, call: Call, name: str) -> None:
        """Raise unless it is there and may be changed."""
        self.groups.get(scope_of(call), name)
        if name.startswith("default."):
            message = "Default parameter groups cannot be modified or deleted."
            raise ServiceError("InvalidClusterParameterGroupState", message)


def _group(document: Document) -> Document:
    return {
        "ParameterGroupName": document["name"],
        "ParameterGroupFamily": document["family"],
        "Description": document["description"],
        "Tags": tag_list(document["tags"]),
    }


def _parameters(values: dict[str, str]) -> list[Document]:
    return [
        {
            "ParameterName": name,
            "ParameterValue": values.get(name, known.default),
            "Description": known.description,
            "Source": "user" if name in values else "engine-default",
            "DataType": known.type,
            "ApplyType": "static",
            "IsModifiable": not known.reason,
            **({"AllowedValues": known.allowed} if known.allowed else {}),
        }
        for name, known in PARAMETERS.items()
    ]


def _page(shown: list[Document], request: Document) -> Document:
    named = [{"name": one["ParameterName"], "shown": one} for one in shown]
    return listed(named, request, "Parameters", lambda one: dict(one["shown"]))
