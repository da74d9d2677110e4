"""Custom classifiers."""

import itertools
from typing import Any

from lakemill.engines.crawling import Crawlers
from lakemill.engines.resources import ResourceExists, ResourceMissing
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import shapes

KIND = "classifier"
PAGE_MAX = 100
_MEMBERS = {"GrokClassifier": "grok", "XMLClassifier": "xml", "JsonClassifier": "json", "CsvClassifier": "csv"}


class ClassifierOperations:
    """Mixed into the service."""

    crawlers: Crawlers

    @operation("CreateClassifier")
    async def create_classifier(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        kind, given = _given(request)
        definition = shapes.definition_of(given) | {"kind": kind}
        await self._check(definition)
        scope, name = shapes.scope(call, request), given["Name"]
        document = {"definition": definition, "version": 1}
        try:
            await self.crawlers.resources.create(KIND, scope, name, document)
        except ResourceExists:
            raise ServiceError("AlreadyExistsException", f"Classifier with name {name} already exists") from None
        return {}

    @operation("UpdateClassifier")
    async def update_classifier(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        kind, given = _given(request)
        scope, name = shapes.scope(call, request), given["Name"]
        before = self._classifier(scope, name)["definition"]
        if before["kind"] != kind:
            raise shapes.invalid(f"Classifier {name} is of another kind")
        definition = before | shapes.definition_of(given)
        await self._check(definition)

        def change(document: dict[str, Any]) -> None:
            document["definition"] = definition
            document["version"] += 1

        await self.crawlers.resources.update(KIND, scope, name, change)
        return {}

    @operation("DeleteClassifier")
    async def delete_classifier(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.crawlers.resources.delete(KIND, shapes.scope(call, request), request["Name"])
        except ResourceMissing:
            raise _missing(request["Name"]) from None
        return {}

    @operation("GetClassifier")
    def get_classifier(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"Classifier": _described(self._classifier(shapes.scope(call, request), request["Name"]))}

    @operation("GetClassifiers")
    def get_classifiers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit, last = request.get("MaxResults", PAGE_MAX), shapes.after(request)
        documents = self.crawlers.resources.all(KIND, shapes.scope(call, request))
        found = list(itertools.islice((one for one in documents if one["name"] > last), limit + 1))
        token = {"NextToken": shapes.token_for(found[limit - 1]["name"])} if len(found) > limit else {}
        return {"Classifiers": [_described(one) for one in found[:limit]]} | token

    def _classifier(self, scope: str, name: str) -> dict[str, Any]:
        found = self.crawlers.resources.find(KIND, scope, name)
        if found is None:
            raise _missing(name)
        return found

    async def _check(self, definition: dict[str, Any]) -> None:
        problem = await self.crawlers.problem_of(definition)
        if problem:
            raise shapes.invalid(problem)


def _given(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    found = [(kind, request[name]) for name, kind in _MEMBERS.items() if request.get(name)]
    if len(found) != 1:
        raise shapes.invalid(f"Exactly one of {', '.join(_MEMBERS)} must be given.")
    return found[0]


def _described(document: dict[str, Any]) -> dict[str, Any]:
    definition = dict(document["definition"])
    kind = definition.pop("kind")
    member = next(name for name, one in _MEMBERS.items() if one == kind)
    times = {"CreationTime": document["created"], "LastUpdated": document["modified"], "Version": document["version"]}
    return {member: shapes.structure_of(definition) | times}


def _missing(name: str) -> ServiceError:
    return ServiceError("EntityNotFoundException", f"Classifier with name {name} does not exist")
