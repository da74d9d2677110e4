"""Access keys."""

from typing import Any

from lakemill.engines.identity.keys import AccessKey
from lakemill.services.base import Call, operation
from lakemill.services.iam.paging import page
from lakemill.services.iam.part import Part

Request = dict[str, Any]


class Keys(Part):
    """A user's access keys, or the root's."""

    @operation("CreateAccessKey")
    async def create_access_key(self, call: Call, request: Request) -> Request:
        key = await self._identity.keys.create(call.account, self._owner(call, request))
        return {"AccessKey": self._metadata(key) | {"SecretAccessKey": key.secret}}

    def _metadata(self, key: AccessKey) -> Request:
        shape = {
            "AccessKeyId": key.access_key_id,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": self._views.time(key.created_s),
        }
        return {"UserName": key.user, **shape} if key.user else shape

    @operation("ListAccessKeys")
    def list_access_keys(self, call: Call, request: Request) -> Request:
        keys = self._identity.keys.listing(call.account, self._owner(call, request))
        keys.sort(key=lambda key: key.access_key_id)
        return page(keys, request, "AccessKeyMetadata", lambda key: key.access_key_id, self._metadata)

    @operation("UpdateAccessKey")
    async def update_access_key(self, call: Call, request: Request) -> Request:
        await self._identity.keys.activate(
            call.account, self._owner(call, request), request["AccessKeyId"], request["Status"] == "Active"
        )
        return {}

    @operation("DeleteAccessKey")
    async def delete_access_key(self, call: Call, request: Request) -> Request:
        await self._identity.keys.delete(call.account, self._owner(call, request), request["AccessKeyId"])
        return {}

    @operation("GetAccessKeyLastUsed")
    def get_access_key_last_used(self, call: Call, request: Request) -> Request:
        key = self._identity.keys.find(request["AccessKeyId"], call.account)
        use = self._identity.uses.last(key.access_key_id)
        last: Request = {"ServiceName": "N/A", "Region": "N/A"}
        if use is not None:
            last = {"LastUsedDate": self._views.time(use["at"]), "ServiceName": use["service"], "Region": use["region"]}
        return {"AccessKeyLastUsed": last} | ({"UserName": key.user} if key.user else {})
