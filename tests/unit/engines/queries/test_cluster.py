import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.unit.engines.queries.conftest import SCOPE, WORKER, submit, until

from lakemill.engines.queries import ClusterUnavailable, Queries, open_cluster
from lakemill.engines.queries.cluster import Cluster


def test_a_url_says_where_the_cluster_is_and_what_it_calls_the_lake():
    assert open_cluster("") is None
    found = open_cluster("trino://head")
    assert (found.base, found.catalog, found.iceberg, found.authorization) == (
        "http://head:8080",
        "awsdatacatalog",
        "",
        "",
    )
    found = open_cluster("trino+https://mill:p%40ss@head:8443/Lake?iceberg=ice")
    assert (found.base, found.catalog, found.iceberg) == ("https://head:8443", "lake", "ice")
    assert found.authorization == "Basic bWlsbDpwQHNz"
    assert open_cluster("trino://[::1]:9/x").base == "http://[::1]:9"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://head", "it is http://head"),
        ("trino://", "it is trino://"),
        ("trino://head:no", "[Pp]ort"),
        ("trino://head/a/b", "a/b is no name of a catalog"),
        ("trino://head/a'b", "is no name of a catalog"),
        ("trino://head/a?b=c", "there is no option b"),
        ("trino://me:word@head/a", "a password over https alone"),
        ("trino+https://me@head/a", "a user without a password"),
        ("trino://head/a?ca=/nowhere.pem", "certificates are for https alone"),
        ("trino+https://head/a?ca=/nowhere.pem", "/nowhere.pem cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url, reason):
    with pytest.raises(ClusterUnavailable, match=reason):
        open_cluster(url)


@pytest.fixture
def coordinator():
    """A server that notes what is asked of it; `asked` are methods, paths and the header Authorization."""

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self):
            server.asked.append((self.command, self.path, self.headers["Authorization"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.base = [], f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def made(tmp_path, metadata, objects, catalog, clock, coordinator):
    """Makes engines that have a cluster."""

    def made():
        cluster = Cluster(base=coordinator.base, catalog="lake", authorization="Basic bTpw")
        folder = tmp_path / "queries"
        return Queries(metadata, objects, catalog, clock, folder, command=[WORKER], cluster=cluster)

    return made


def beginning(coordinator, *steps):
    uris = [f"{coordinator.base}/v1/statement/{phase}/q/s/1" for phase in ("queued", "executing")]
    return [*({"ask": "began_at", "with": {"uri": uri}} for uri in uris), *steps]


async def test_what_a_statement_has_begun_there_is_ended_with_it_the_last_first(made, coordinator):
    queries = made()
    await queries.start()
    done = await submit(queries, *beginning(coordinator, {"outcome": {"result": "answers"}}))
    await queries.wait(done.id)
    assert queries.get(SCOPE, done.id).state == "SUCCEEDED" and coordinator.asked == []
    waiting = await submit(queries, *beginning(coordinator, {"progress": 7}, {"wait": True}))
    await until(lambda: queries.get(SCOPE, waiting.id).scanned_bytes == 7)
    await queries.cancel(SCOPE, waiting.id)
    assert queries.get(SCOPE, waiting.id).state == "CANCELLED"
    paths = [f"/v1/statement/{phase}/q/s/1" for phase in ("executing", "queued")]
    assert coordinator.asked == [("DELETE", path, "Basic bTpw") for path in paths]
    await queries.close()


async def test_what_an_earlier_run_has_begun_there_is_ended_at_the_start(made, coordinator):
    first = made()
    await first.start()
    left = await submit(first, *beginning(coordinator, {"progress": 7}, {"wait": True}))
    await until(lambda: first.get(SCOPE, left.id).scanned_bytes == 7)
    second = made()  # As after a crash: the first one is not asked any more.
    assert await second.start() == ["1 SQL statements that were under way have failed"]
    assert len(coordinator.asked) == 2 and second.get(SCOPE, left.id).state == "FAILED"
    await first.close()
    await second.close()
