"""Policies, boundaries and tags: the same operations on users, groups and roles."""

from typing import Any

from lakemill.engines.identity.holders import Holders
from lakemill.services.base import Call, operation
from lakemill.services.iam.paging import page
from lakemill.services.iam.part import Part
from lakemill.services.iam.views import encoded, tag_list, tags_of

Request = dict[str, Any]


def policies_of(word: str, plural: str) -> type[Part]:
    """The operations on the policies of `User`, `Group` or `Role`."""
    name = f"{word}Name"

    class PolicyOperations(Part):
        def _holders(self) -> Holders:
            holders: Holders = getattr(self._identity, plural)
            return holders

        @operation(f"Put{word}Policy")
        async def put_policy(self, call: Call, request: Request) -> Request:
            await self._holders().put_inline(
                call.account, request[name], request["PolicyName"], request["PolicyDocument"]
            )
            return {}

        @operation(f"Get{word}Policy")
        def get_policy(self, call: Call, request: Request) -> Request:
            holder = self._holders().named(call.account, request[name])
            text = self._holders().inline(call.account, request[name], request["PolicyName"])
            return {name: holder["name"], "PolicyName": request["PolicyName"], "PolicyDocument": encoded(text)}

        @operation(f"Delete{word}Policy")
        async def delete_policy(self, call: Call, request: Request) -> Request:
            await self._holders().delete_inline(call.account, request[name], request["PolicyName"])
            return {}

        @operation(f"List{word}Policies")
        def list_policies(self, call: Call, request: Request) -> Request:
            holder = self._holders().named(call.account, request[name])
            return page(sorted(holder["inline"]), request, "PolicyNames", str, str)

        @operation(f"Attach{word}Policy")
        async def attach_policy(self, call: Call, request: Request) -> Request:
            self._identity.policies.attachable(request["PolicyArn"], call.account)
            await self._holders().attach(call.account, request[name], request["PolicyArn"])
            return {}

        @operation(f"Detach{word}Policy")
        async def detach_policy(self, call: Call, request: Request) -> Request:
            await self._holders().detach(call.account, request[name], request["PolicyArn"])
            return {}

        @operation(f"ListAttached{word}Policies")
        def list_attached_policies(self, call: Call, request: Request) -> Request:
            holder = self._holders().named(call.account, request[name])
            attached = self._views.attached(holder, request.get("PathPrefix", "/"))
            attached.sort(key=lambda one: one["PolicyArn"])
            return page(attached, request, "AttachedPolicies", lambda one: one["PolicyArn"], dict)

    return PolicyOperations


def bounds_and_tags_of(word: str, plural: str) -> type[Part]:
    """The operations on the boundary and the tags of `User` or `Role`."""
    name = f"{word}Name"

    class BoundAndTagOperations(Part):
        @operation(f"Put{word}PermissionsBoundary")
        async def put_boundary(self, call: Call, request: Request) -> Request:
            await getattr(self._identity, plural).bound(call.account, request[name], self._boundary(call, request))
            return {}

        @operation(f"Delete{word}PermissionsBoundary")
        async def delete_boundary(self, call: Call, request: Request) -> Request:
            await getattr(self._identity, plural).bound(call.account, request[name], None)
            return {}

        @operation(f"Tag{word}")
        async def tag(self, call: Call, request: Request) -> Request:
            await getattr(self._identity, plural).tag(call.account, request[name], tags_of(request))
            return {}

        @operation(f"Untag{word}")
        async def untag(self, call: Call, request: Request) -> Request:
            await getattr(self._identity, plural).untag(call.account, request[name], request["TagKeys"])
            return {}

        @operation(f"List{word}Tags")
        def list_tags(self, call: Call, request: Request) -> Request:
            holder = getattr(self._identity, plural).named(call.account, request[name])
            tags = sorted(tag_list(holder["tags"]), key=lambda tag: tag["Key"])
            return page(tags, request, "Tags", lambda tag: tag["Key"], dict)

    return BoundAndTagOperations
