"""Crawlers and their schedules."""

import itertools
import statistics
from typing import Any

from lakemill.engines.crawling import KIND, READY, Crawlers
from lakemill.engines.resources import ResourceExists, ResourceMissing
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import crawls, shapes
from lakemill.services.glue.crawlplan import OTHER_TARGETS, CrawlPlanning, check

PAGE_MAX = 100
NO_SECURITY = {"CrawlerSecurityConfiguration": "there are no security configurations"}
_LAST = {"COMPLETED": "SUCCEEDED", "STOPPED": "CANCELLED", "FAILED": "FAILED"}
_SETTINGS = (
    *("Role", "Targets", "DatabaseName", "Description", "Classifiers", "RecrawlPolicy", "SchemaChangePolicy"),
    *("LineageConfiguration", "TablePrefix", "Configuration", "LakeFormationConfiguration"),
)


class CrawlerOperations:
    """Mixed into the service."""

    crawlers: Crawlers
    planning: CrawlPlanning

    @operation("CreateCrawler", refuses=NO_SECURITY)
    async def create_crawler(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        definition = _settings(request)
        scope = shapes.scope(call, request)
        check(definition)
        self.planning.check(scope, definition)
        try:
            await self.crawlers.create(scope, request["Name"], definition, request.get("Schedule"), request.get("Tags"))
        except ResourceExists:
            raise ServiceError(
                "AlreadyExistsException", f"Crawler with name {request['Name']} already exists"
            ) from None
        return {}

    @operation("UpdateCrawler", refuses=NO_SECURITY)
    async def update_crawler(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = shapes.scope(call, request)

        def change(definition: dict[str, Any]) -> dict[str, Any]:
            changed = definition | _settings(request)
            check(changed)
            self.planning.check(scope, changed)
            return changed

        try:
            await self.crawlers.update(scope, request["Name"], change, request.get("Schedule"))
        except ResourceMissing:
            raise missing(request["Name"]) from None
        return {}

    @operation("DeleteCrawler")
    async def delete_crawler(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.crawlers.delete(shapes.scope(call, request), request["Name"])
        except ResourceMissing:
            raise missing(request["Name"]) from None
        return {}

    @operation("GetCrawler")
    def get_crawler(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"Crawler": self._described(self._crawler(call, request, request["Name"]))}

    @operation("GetCrawlers")
    def get_crawlers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found, token = self._page(call, request)
        return {"Crawlers": [self._described(one) for one in found]} | token

    @operation("ListCrawlers")
    def list_crawlers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found, token = self._page(call, request, request.get("Tags"))
        return {"CrawlerNames": [one["name"] for one in found]} | token

    @operation("BatchGetCrawlers")
    def batch_get_crawlers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, names = shapes.scope(call, request), request["CrawlerNames"]
        found = {name: self.crawlers.resources.find(KIND, scope, name) for name in names}
        return {
            "Crawlers": [self._described(one) for one in found.values() if one is not None],
            "CrawlersNotFound": [name for name, one in found.items() if one is None],
        }

    # Crawls

    @operation("StartCrawler")
    async def start_crawler(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.crawlers.start(shapes.scope(call, request), request["Name"])
        except ResourceMissing:
            raise missing(request["Name"]) from None
        return {}

    @operation("StopCrawler")
    async def stop_crawler(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.crawlers.stop(shapes.scope(call, request), request["Name"])
        except ResourceMissing:
            raise missing(request["Name"]) from None
        return {}

    @operation("GetCrawlerMetrics")
    def get_crawler_metrics(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        names = request.get("CrawlerNameList")
        if names:
            return {"CrawlerMetricsList": [self._metrics(self._crawler(call, request, name)) for name in names]}
        found, token = self._page(call, request)
        return {"CrawlerMetricsList": [self._metrics(one) for one in found]} | token

    @operation("ListCrawls")
    def list_crawls(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, limit = request["CrawlerName"], request.get("MaxResults", 20)
        document = self._crawler(call, request, name)
        wanted = crawls.filters(request.get("Filters", []))
        newest = self.crawlers.history.newest(document["scope"], name)
        if last := shapes.after(request):
            newest = itertools.islice(itertools.dropwhile(lambda one: one["id"] != last, newest), 1, None)
        found = list(itertools.islice((one for one in newest if wanted(one)), limit + 1))
        token = {"NextToken": shapes.token_for(found[limit - 1]["id"])} if len(found) > limit else {}
        return {"Crawls": [crawls.described(one, name) for one in found[:limit]]} | token

    # Schedules

    @operation("UpdateCrawlerSchedule")
    async def update_crawler_schedule(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name = shapes.scope(call, request), request["CrawlerName"]
        try:
            await self.crawlers.reschedule(scope, name, request.get("Schedule", ""))
        except ResourceMissing:
            raise missing(name) from None
        return {}

    @operation("StartCrawlerSchedule")
    async def start_crawler_schedule(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.crawlers.start_schedule(shapes.scope(call, request), request["CrawlerName"])
        except ResourceMissing:
            raise missing(request["CrawlerName"]) from None
        return {}

    @operation("StopCrawlerSchedule")
    async def stop_crawler_schedule(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.crawlers.stop_schedule(shapes.scope(call, request), request["CrawlerName"])
        except ResourceMissing:
            raise missing(request["CrawlerName"]) from None
        return {}

    # Within

    def _crawler(self, call: Call, request: dict[str, Any], name: str) -> dict[str, Any]:
        found = self.crawlers.resources.find(KIND, shapes.scope(call, request), name)
        if found is None:
            raise missing(name)
        return found

    def _page(
        self, call: Call, request: dict[str, Any], tags: dict[str, str] | None = None
    ) -> tuple[list[dict[str, Any]], dict[str, str]]:
        limit, last = min(request.get("MaxResults", PAGE_MAX), PAGE_MAX), shapes.after(request)
        documents = (
            one
            for one in self.crawlers.resources.all(KIND, shapes.scope(call, request))
            if one["name"] > last and (not tags or tags.items() <= one["tags"].items())
        )
        found = list(itertools.islice(documents, limit + 1))
        token = {"NextToken": shapes.token_for(found[limit - 1]["name"])} if len(found) > limit else {}
        return found[:limit], token

    def _elapsed_s(self, document: dict[str, Any]) -> float:
        crawl = document["crawl"]
        return (self.crawlers.clock.now() - crawl["start"]).total_seconds() if crawl else 0.0

    def _described(self, document: dict[str, Any]) -> dict[str, Any]:
        """A Crawler."""
        schedule, last = document["schedule"], document["last"]
        answer = {
            "Name": document["name"],
            "Classifiers": [],
            "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
            "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
            "LakeFormationConfiguration": {"UseLakeFormationCredentials": False, "AccountId": ""},
            **document["definition"],
            "State": document["state"],
            "CrawlElapsedTime": int(self._elapsed_s(document) * 1000),
            "CreationTime": document["created"],
            "LastUpdated": document["updated"],
            "Version": document["version"],
        }
        answer["Targets"] = _all_targets(answer["Targets"])
        policy = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"}
        answer["SchemaChangePolicy"] = policy | answer.get("SchemaChangePolicy", {})
        if schedule:
            state = "SCHEDULED" if schedule["running"] else "NOT_SCHEDULED"
            answer["Schedule"] = {"ScheduleExpression": schedule["expression"], "State": state}
        if last:
            place = {"LogGroup": crawls.LOG_GROUP, "LogStream": document["name"], "MessagePrefix": last["id"]}
            answer["LastCrawl"] = {"Status": _LAST[last["state"]], "StartTime": last["start"]} | place
            if last.get("error"):
                answer["LastCrawl"]["ErrorMessage"] = last["error"]
        return answer

    def _metrics(self, document: dict[str, Any]) -> dict[str, Any]:
        runtimes, elapsed_s = document["runtimes_s"], self._elapsed_s(document)
        median_s = statistics.median(runtimes) if runtimes else 0.0
        running = document["state"] != READY
        return {
            "CrawlerName": document["name"],
            "TimeLeftSeconds": max(0.0, median_s - elapsed_s) if running else 0.0,
            "StillEstimating": running and not runtimes,
            "LastRuntimeSeconds": runtimes[-1] if runtimes else 0.0,
            "MedianRuntimeSeconds": median_s,
            "TablesCreated": document["totals"]["created"],
            "TablesUpdated": document["totals"]["updated"],
            "TablesDeleted": document["totals"]["deleted"],
        }


def _all_targets(given: dict[str, Any]) -> dict[str, Any]:
    """Targets as Glue tells them: lists of every kind, most of them empty."""
    kinds = ("S3Targets", "JdbcTargets")
    ours = {kind: [{"Exclusions": []} | one for one in given.get(kind, [])] for kind in kinds}
    return {kind: [] for kind in OTHER_TARGETS} | ours


def missing(name: str) -> ServiceError:
    return ServiceError("EntityNotFoundException", f"Crawler entry with name {name} does not exist")


def _settings(request: dict[str, Any]) -> dict[str, Any]:
    """What a request says of a crawler's settings."""
    formation = dict.fromkeys(("UseLakeFormationCredentials", "AccountId"), shapes.LAKE_FORMATION)
    shapes.refuse(request.get("LakeFormationConfiguration") or {}, formation)
    if request.get("LineageConfiguration", {}).get("CrawlerLineageSettings") == "ENABLE":
        raise shapes.invalid("CrawlerLineageSettings ENABLE is not supported: there is no lineage.")
    return {name: request[name] for name in _SETTINGS if name in request}
