"""Users and groups."""

from typing import Any

from lakemill.engines.identity.holders import add_tags
from lakemill.services.base import Call, operation
from lakemill.services.iam.paging import by_name, page
from lakemill.services.iam.part import Part
from lakemill.services.iam.views import tags_of

Request = dict[str, Any]


class Users(Part):
    """Users."""

    @operation("CreateUser")
    async def create_user(self, call: Call, request: Request) -> Request:
        tagged: dict[str, Any] = {}
        add_tags(tagged, tags_of(request))
        user = await self._identity.users.create(
            call.account,
            request["UserName"],
            request.get("Path", "/"),
            boundary=self._boundary(call, request),
            groups=[],
            keys=[],
            **tagged,
        )
        return {"User": self._views.user(call, user)}

    @operation("GetUser")
    def get_user(self, call: Call, request: Request) -> Request:
        owner = self._owner(call, request)
        if owner is None:
            return {"User": {"Path": "/", "UserId": call.account, "Arn": call.principal.arn, **self._since(call)}}
        return {"User": self._views.user(call, self._identity.users.named(call.account, owner))}

    def _since(self, call: Call) -> dict[str, Any]:
        """An account's root is as old as its oldest key."""
        keys = self._identity.keys.listing(call.account, None)
        return {"CreateDate": self._views.time(min(key.created_s for key in keys))} if keys else {}

    @operation("ListUsers")
    def list_users(self, call: Call, request: Request) -> Request:
        users = self._identity.users.listing(call.account, request.get("PathPrefix", "/"))
        return page(users, request, "Users", by_name, lambda user: self._views.user(call, user, full=False))

    @operation("UpdateUser")
    async def update_user(self, call: Call, request: Request) -> Request:
        await self._identity.users.rename(
            call.account, request["UserName"], request.get("NewUserName"), request.get("NewPath")
        )
        return {}

    @operation("DeleteUser")
    async def delete_user(self, call: Call, request: Request) -> Request:
        await self._identity.users.delete(call.account, request["UserName"])
        return {}


class Groups(Part):
    """Groups and who is in them."""

    @operation("CreateGroup")
    async def create_group(self, call: Call, request: Request) -> Request:
        group = await self._identity.groups.create(call.account, request["GroupName"], request.get("Path", "/"))
        return {"Group": self._views.group(call, group)}

    @operation("GetGroup")
    def get_group(self, call: Call, request: Request) -> Request:
        group = self._identity.groups.named(call.account, request["GroupName"])
        members = self._identity.groups.members(call.account, group["name"])
        users = page(members, request, "Users", by_name, lambda user: self._views.user(call, user, full=False))
        return {"Group": self._views.group(call, group), **users}

    @operation("ListGroups")
    def list_groups(self, call: Call, request: Request) -> Request:
        groups = self._identity.groups.listing(call.account, request.get("PathPrefix", "/"))
        return page(groups, request, "Groups", by_name, lambda group: self._views.group(call, group))

    @operation("ListGroupsForUser")
    def list_groups_for_user(self, call: Call, request: Request) -> Request:
        groups = sorted(self._identity.groups.of(call.account, request["UserName"]), key=by_name)
        return page(groups, request, "Groups", by_name, lambda group: self._views.group(call, group))

    @operation("UpdateGroup")
    async def update_group(self, call: Call, request: Request) -> Request:
        await self._identity.groups.rename(
            call.account, request["GroupName"], request.get("NewGroupName"), request.get("NewPath")
        )
        return {}

    @operation("DeleteGroup")
    async def delete_group(self, call: Call, request: Request) -> Request:
        await self._identity.groups.delete(call.account, request["GroupName"])
        return {}

    @operation("AddUserToGroup")
    async def add_user_to_group(self, call: Call, request: Request) -> Request:
        await self._identity.groups.add(call.account, request["GroupName"], request["UserName"])
        return {}

    @operation("RemoveUserFromGroup")
    async def remove_user_from_group(self, call: Call, request: Request) -> Request:
        await self._identity.groups.remove(call.account, request["GroupName"], request["UserName"])
        return {}
