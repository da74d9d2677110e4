"""Roles, those linked to services, and instance profiles."""

import json
import re
import uuid
from typing import Any

from lakemill.engines.identity.holders import add_tags
from lakemill.engines.identity.people import SERVICE_LINKED_PATH
from lakemill.engines.identity.trust import pinned
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.iam.paging import by_name, page
from lakemill.services.iam.part import Part
from lakemill.services.iam.views import tag_list, tags_of

Request = dict[str, Any]
SESSION_S_MAX_DEFAULT = 3600

# What follows AWSServiceRoleFor in the names of roles linked to services.
LINKED_NAMES = {
    "sagemaker.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_SageMakerEndpoint",
    "elasticmapreduce.amazonaws.com": "EMRCleanup",
    "redshift.amazonaws.com": "Redshift",
    "autoscaling.amazonaws.com": "AutoScaling",
    "ops.emr-serverless.amazonaws.com": "AmazonEMRServerless",
}


class Roles(Part):
    """Roles and their trust."""

    @operation("CreateRole", refuses=("MaxSigninSessionDuration",))
    async def create_role(self, call: Call, request: Request) -> Request:
        path = request.get("Path", "/")
        if path.startswith(SERVICE_LINKED_PATH):
            raise ServiceError(
                "ValidationError", f"Roles under {SERVICE_LINKED_PATH} are made by CreateServiceLinkedRole."
            )
        tagged: dict[str, Any] = {}
        add_tags(tagged, tags_of(request))
        role = await self._identity.roles.create(
            call.account,
            request["RoleName"],
            path,
            trust=request["AssumeRolePolicyDocument"],
            pins=pinned(self._identity.store, request["AssumeRolePolicyDocument"]),
            description=request.get("Description", ""),
            session_s_max=request.get("MaxSessionDuration", SESSION_S_MAX_DEFAULT),
            boundary=self._boundary(call, request),
            **tagged,
        )
        return {"Role": self._views.role(call, role)}

    @operation("GetRole")
    def get_role(self, call: Call, request: Request) -> Request:
        return {"Role": self._views.role(call, self._identity.roles.named(call.account, request["RoleName"]))}

    @operation("ListRoles")
    def list_roles(self, call: Call, request: Request) -> Request:
        roles = self._identity.roles.listing(call.account, request.get("PathPrefix", "/"))
        return page(roles, request, "Roles", by_name, lambda role: self._views.role(call, role, full=False))

    @operation("UpdateRole", refuses=("MaxSigninSessionDuration", "ResetMaxSigninSessionDuration"))
    async def update_role(self, call: Call, request: Request) -> Request:
        def change(_: Any, role: Request) -> None:
            role["description"] = request.get("Description", role["description"])
            role["session_s_max"] = request.get("MaxSessionDuration", role["session_s_max"])

        await self._identity.roles.change(call.account, request["RoleName"], change)
        return {}

    @operation("UpdateRoleDescription")
    async def update_role_description(self, call: Call, request: Request) -> Request:
        def change(_: Any, role: Request) -> None:
            role["description"] = request["Description"]

        role = await self._identity.roles.change(call.account, request["RoleName"], change)
        return {"Role": self._views.role(call, role)}

    @operation("UpdateAssumeRolePolicy")
    async def update_assume_role_policy(self, call: Call, request: Request) -> Request:
        pins = pinned(self._identity.store, request["PolicyDocument"])

        def change(_: Any, role: Request) -> None:
            role["trust"], role["pins"] = request["PolicyDocument"], pins

        await self._identity.roles.change(call.account, request["RoleName"], change)
        return {}

    @operation("DeleteRole")
    async def delete_role(self, call: Call, request: Request) -> Request:
        await self._identity.roles.delete(call.account, request["RoleName"])
        return {}

    @operation("CreateServiceLinkedRole")
    async def create_service_linked_role(self, call: Call, request: Request) -> Request:
        principal = request["AWSServiceName"]
        if not re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?", principal):
            raise ServiceError("InvalidInput", f"{principal} is not the principal of a service.", status=400)
        name = "AWSServiceRoleFor" + LINKED_NAMES.get(principal, _camel(principal.split(".")[0]))
        if suffix := request.get("CustomSuffix"):
            name += f"_{suffix}"
        if self._identity.roles.find(call.account, name) is not None:
            message = f"Service role name {name} has been taken in this account, please try a different suffix."
            raise ServiceError("InvalidInput", message, status=400)
        statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
        role = await self._identity.roles.create(
            call.account,
            name,
            f"{SERVICE_LINKED_PATH}{principal}/",
            trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            pins={},
            description=request.get("Description", ""),
            session_s_max=SESSION_S_MAX_DEFAULT,
            boundary=None,
            tags={},
        )
        return {"Role": self._views.role(call, role)}

    @operation("DeleteServiceLinkedRole")
    async def delete_service_linked_role(self, call: Call, request: Request) -> Request:
        role = self._identity.roles.named(call.account, request["RoleName"])
        if not role["path"].startswith(SERVICE_LINKED_PATH):
            raise ServiceError("InvalidInput", f"{role['name']} is not a service-linked role.", status=400)
        task = f"task{role['path']}{role['name']}/{uuid.uuid4()}"
        await self._identity.roles.delete_linked(call.account, role["name"], task)
        return {"DeletionTaskId": task}

    @operation("GetServiceLinkedRoleDeletionStatus")
    def get_deletion_status(self, call: Call, request: Request) -> Request:
        if not self._identity.roles.linked_deleted(call.account, request["DeletionTaskId"]):
            raise ServiceError("NoSuchEntity", f"No deletion task {request['DeletionTaskId']} can be found.")
        return {"Status": "SUCCEEDED"}


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("-"))


class Profiles(Part):
    """Instance profiles."""

    @operation("CreateInstanceProfile")
    async def create_instance_profile(self, call: Call, request: Request) -> Request:
        profile = await self._identity.profiles.create(
            call.account, request["InstanceProfileName"], request.get("Path", "/"), tags_of(request)
        )
        return {"InstanceProfile": self._views.profile(call, profile)}

    @operation("GetInstanceProfile")
    def get_instance_profile(self, call: Call, request: Request) -> Request:
        profile = self._identity.profiles.named(call.account, request["InstanceProfileName"])
        return {"InstanceProfile": self._views.profile(call, profile)}

    @operation("ListInstanceProfiles")
    def list_instance_profiles(self, call: Call, request: Request) -> Request:
        profiles = self._identity.profiles.listing(call.account, request.get("PathPrefix", "/"))
        return page(profiles, request, "InstanceProfiles", by_name, lambda one: self._views.profile(call, one))

    @operation("ListInstanceProfilesForRole")
    def list_instance_profiles_for_role(self, call: Call, request: Request) -> Request:
        role = self._identity.roles.named(call.account, request["RoleName"])
        profiles = self._identity.profiles.holding(call.account, role["name"])
        return page(profiles, request, "InstanceProfiles", by_name, lambda one: self._views.profile(call, one))

    @operation("DeleteInstanceProfile")
    async def delete_instance_profile(self, call: Call, request: Request) -> Request:
        await self._identity.profiles.delete(call.account, request["InstanceProfileName"])
        return {}

    @operation("AddRoleToInstanceProfile")
    async def add_role(self, call: Call, request: Request) -> Request:
        await self._identity.profiles.add_role(call.account, request["InstanceProfileName"], request["RoleName"])
        return {}

    @operation("RemoveRoleFromInstanceProfile")
    async def remove_role(self, call: Call, request: Request) -> Request:
        await self._identity.profiles.remove_role(call.account, request["InstanceProfileName"], request["RoleName"])
        return {}

    @operation("TagInstanceProfile")
    async def tag(self, call: Call, request: Request) -> Request:
        await self._identity.profiles.tag(call.account, request["InstanceProfileName"], tags_of(request))
        return {}

    @operation("UntagInstanceProfile")
    async def untag(self, call: Call, request: Request) -> Request:
        await self._identity.profiles.untag(call.account, request["InstanceProfileName"], request["TagKeys"])
        return {}

    @operation("ListInstanceProfileTags")
    def list_tags(self, call: Call, request: Request) -> Request:
        profile = self._identity.profiles.named(call.account, request["InstanceProfileName"])
        tags = sorted(tag_list(profile["tags"]), key=lambda tag: tag["Key"])
        return page(tags, request, "Tags", lambda tag: tag["Key"], dict)
