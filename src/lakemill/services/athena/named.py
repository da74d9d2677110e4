"""Named queries: texts that are kept."""

import hashlib
import uuid
from typing import Any

from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.services.athena.batches import checked_batch, unprocessed
from lakemill.services.athena.errors import invalid
from lakemill.services.athena.workgroups import PRIMARY, scope_of
from lakemill.services.base import Call, operation

KIND = "named-query"
PAGE_MAX = 50
_SPACE = uuid.UUID("9d4a7c1e-5d1a-4f0e-8f63-0f5a1d3b7c22")
"""Ids of requests that have a token are made from it, so that one token makes one query."""
Document = dict[str, Any]


class NamedQueryOperations:
    """Mixed into the service."""

    resources: Resources

    @operation("CreateNamedQuery")
    async def create_named_query(self, call: Call, request: Document) -> Document:
        group = request.get("WorkGroup", PRIMARY)
        self.group(call, group)
        token = request.get("ClientRequestToken")
        id = str(uuid.uuid5(_SPACE, f"{scope_of(call)}/{token}") if token else uuid.uuid4())
        document = {
            "title": request["Name"],
            "description": request.get("Description", ""),
            "database": request["Database"],
            "text": request["QueryString"],
            "group": group,
        }
        digest = hashlib.sha256(repr(sorted(document.items())).encode()).hexdigest()
        try:
            await self.resources.create(KIND, scope_of(call), id, document | {"digest": digest})
        except ResourceExists:
            if self.resources.get(KIND, scope_of(call), id)["digest"] != digest:
                raise invalid("Idempotent parameters do not match") from None
        return {"NamedQueryId": id}

    def group(self, call: Call, name: str) -> Document:
        raise NotImplementedError

    @operation("GetNamedQuery")
    def get_named_query(self, call: Call, request: Document) -> Document:
        return {"NamedQuery": _described(self._named_query(call, request["NamedQueryId"]))}

    @operation("BatchGetNamedQuery")
    def batch_get_named_query(self, call: Call, request: Document) -> Document:
        found, unknown = [], []
        for id in checked_batch("NamedQueryIds", request["NamedQueryIds"]):
            one = self.resources.find(KIND, scope_of(call), id)
            if one is None:
                unknown.append({"NamedQueryId": id} | unprocessed(_not_found(id)))
            else:
                found.append(_described(one))
        return {"NamedQueries": found, "UnprocessedNamedQueryIds": unknown}

    @operation("ListNamedQueries")
    def list_named_queries(self, call: Call, request: Document) -> Document:
        group = request.get("WorkGroup", PRIMARY)
        self.group(call, group)
        page = self.resources.page(
            KIND,
            scope_of(call),
            where=lambda one: one["group"] == group,
            descending=True,
            limit=request.get("MaxResults") or PAGE_MAX,
            token=request.get("NextToken"),
        )
        return {"NamedQueryIds": [one["name"] for one in page.items]} | (
            {"NextToken": page.token} if page.token else {}
        )

    @operation("UpdateNamedQuery")
    async def update_named_query(self, call: Call, request: Document) -> Document:
        def change(document: Document) -> None:
            document["title"], document["text"] = request["Name"], request["QueryString"]
            document["description"] = request.get("Description", document["description"])

        self._named_query(call, request["NamedQueryId"])
        await self.resources.update(KIND, scope_of(call), request["NamedQueryId"], change)
        return {}

    @operation("DeleteNamedQuery")
    async def delete_named_query(self, call: Call, request: Document) -> Document:
        try:
            await self.resources.delete(KIND, scope_of(call), request["NamedQueryId"])
        except ResourceMissing:
            raise invalid(_not_found(request["NamedQueryId"])) from None
        return {}

    def _named_query(self, call: Call, id: str) -> Document:
        found = self.resources.find(KIND, scope_of(call), id)
        if found is None:
            raise invalid(_not_found(id))
        return found


def _not_found(id: str) -> str:
    return f"NamedQuery {id} was not found"


def _described(found: Document) -> Document:
    described = {
        "Name": found["title"],
        "Database": found["database"],
        "QueryString": found["text"],
        "NamedQueryId": found["name"],
        "WorkGroup": found["group"],
    }
    return described | ({"Description": found["description"]} if found["description"] else {})
