"""OpenSearch: bulk requests, names of indices, and what becomes of each document."""

import json

import pytest

from lakemill.engines.delivery.web import WebClient
from lakemill.services.firehose.search import Search, complete


def sink(server, **configuration):
    whole = {"ClusterEndpoint": server.url, "IndexName": "logs", "S3Configuration": {}, **configuration}
    return Search(WebClient(), 42, complete(whole))


def results(*statuses):
    """An answer with these statuses, and an error where it is one."""

    async def answer(request, body):
        items = [
            {"index": {"status": status} | ({"error": {"type": "bad", "reason": "no"}} if status >= 300 else {})}
            for status in statuses
        ]
        return 200, {}, json.dumps({"errors": True, "items": items}).encode()

    return answer


async def test_documents_are_sent_in_bulk_with_ids_that_stay(server, load):
    server.answer = results(201, 200)
    outcome = await sink(server, IndexRotationPeriod="OneHour").deliver(load(b'{"a":1}\n', b'{"a":2}'))
    assert (outcome.remaining, outcome.failures) == ([], [])
    request, body = server.requests[0]
    assert (request.path, request.headers["Content-Type"]) == ("/_bulk", "application/x-ndjson")
    lines = [json.loads(line) for line in body.splitlines()]
    assert lines[1::2] == [{"a": 1}, {"a": 2}]
    assert lines[0] == {"index": {"_index": "logs-2016-02-25-15", "_id": "4200000000000000000001.0"}}


@pytest.mark.parametrize(
    ("period", "name"),
    [
        ("NoRotation", "logs"),
        ("OneHour", "logs-2016-02-25-15"),
        ("OneDay", "logs-2016-02-25"),
        ("OneWeek", "logs-2016-w08"),
        ("OneMonth", "logs-2016-02"),
    ],
)
def test_an_index_is_named_with_its_time(load, period, name):
    class Nowhere:
        url = "http://127.0.0.1:1"

    assert sink(Nowhere(), IndexRotationPeriod=period).index(load(b"{}").records[0]) == name


async def test_each_document_is_judged_by_itself(server, load):
    server.answer = results(201, 429, 400)
    outcome = await sink(server).deliver(given := load(b'{"a":1}', b'{"a":2}', b'{"a":3}'))
    assert outcome.remaining == [given.records[1]]
    assert [(one.record, one.code, one.message) for one in outcome.failures] == [(given.records[2], "400", "bad: no")]
    assert (outcome.code, outcome.message) == ("429", "bad: no")


async def test_what_is_no_document_is_not_sent(server, load):
    server.answer = results(201)
    outcome = await sink(server).deliver(given := load(b'{"a":\n1}', b"[1]", b'{"a":1}'))
    assert [one.record for one in outcome.failures] == given.records[:2]
    assert outcome.failures[0].code == "OS.InvalidRecord"
    assert len(server.requests[0][1].splitlines()) == 2


async def test_a_cluster_that_is_busy_is_asked_again(server, load):
    async def answer(request, body):
        return 503, {}, b"busy"

    server.answer = answer
    outcome = await sink(server).deliver(given := load(b"{}"))
    assert (outcome.remaining, outcome.code) == (given.records, "OS.Status503")


async def test_ids_can_be_left_to_the_cluster_and_a_user_in_the_address_is_sent(server, load):
    server.answer = results(201)
    server.url = server.url.replace("://", "://me:p%40ss@")
    await sink(server, DocumentIdOptions={"DefaultDocumentIdFormat": "NO_DOCUMENT_ID"}).deliver(load(b"{}"))
    request, body = server.requests[0]
    assert "_id" not in json.loads(body.splitlines()[0])["index"]
    assert request.headers["Authorization"] == "Basic bWU6cEBzcw=="
