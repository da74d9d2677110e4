"""Whole objects through a fleet."""

import gzip
import json

import pytest
from tests.unit.engines.hosting.conftest import SCOPE, spec

from lakemill.engines.hosting.batch.processing import CSV, Processing
from lakemill.engines.hosting.batch.work import Batch, Options, Stopped, Task
from lakemill.engines.hosting.fleet import Fleet
from lakemill.engines.hosting.variant import Home

WHOLE = Processing("")


class Outputs(dict):
    """Tasks over bytes, and what became of them."""

    def tasks(self, **objects: bytes) -> list[Task]:
        return [self.task(name, data) for name, data in objects.items()]

    def task(self, name: str, data: bytes, piece: int = 10) -> Task:
        def read():
            for at in range(0, len(data), piece):
                yield data[at : at + piece]

        def keep(path):
            self[name] = path.read_bytes()

        return Task(name, read, keep)


@pytest.fixture
async def through(bench, tmp_path):
    """A function that runs tasks through a new fleet."""
    fleets, said = [], []

    async def say(line):
        said.append(line)

    async def run(tasks, options=None, processing=WHOLE, stopping=lambda: False, **given):
        owner = f"batch/{len(fleets)}"
        home = Home(owner, tmp_path / owner, SCOPE, "/logs/batch")
        fleet = Fleet(bench.hosting.ground, bench.metadata, home, [spec(**given)])
        fleets.append(fleet)
        await fleet.start()
        batch = Batch(fleet.variants["main"], options or Options(), processing, tmp_path, say=say, stopping=stopping)
        return await batch.run(tasks)

    run.said = said
    yield run
    for fleet in fleets:
        await fleet.stop(0)


LINES = b"".join(b"%d,%d\n" % (n, n * n) for n in range(200))


async def test_answers_are_written_in_the_order_of_the_records(through):
    outputs = Outputs()
    options = Options("line", True, 50, concurrent_max=8, line_after_answer=True)
    report = await through(outputs.tasks(a=LINES, b=LINES[:300]), options, PREFIX=">")
    assert (report.done, report.failures) == (2, [])
    assert outputs["a"] == b"".join(b">%s\n" % line for line in LINES.split())
    assert len(outputs) == 2


async def test_single_records_are_asked_one_by_one(through, bench):
    outputs = Outputs()
    await through(outputs.tasks(a=b"x\ny\nz\n"), Options("line", False, concurrent_max=2, line_after_answer=True))
    assert outputs["a"] == b"x\ny\nz\n"


async def test_without_assembly_answers_are_joined_as_they_are(through):
    outputs = Outputs()
    await through(outputs.tasks(a=b"x\ny\n", empty=b""), Options("line", False))
    assert outputs == {"a": b"xy", "empty": b""}


async def test_a_lone_record_keeps_its_frame_where_the_content_type_means_frames(through):
    outputs = Outputs()
    frame = b"\x0a\x23\xd7\xce\x04\x00\x00\x00abcd"
    await through(outputs.tasks(a=frame * 2), Options("recordio", False))
    assert outputs["a"] == b"abcdabcd"
    await through(outputs.tasks(b=frame * 2), Options("recordio", False, framed=True))
    assert outputs["b"] == frame * 2


async def test_compressed_objects_are_opened_first(through):
    outputs = Outputs()
    data = gzip.compress(b"x\ny\n") + gzip.compress(b"z\n")
    report = await through(outputs.tasks(a=data, broken=data[:-9], plain=b"x\n"), Options("line", gunzip=True))
    assert outputs == {"a": b"x\ny\nz"}
    assert [(task.name, failure.fault) for task, failure in report.failures] == [
        ("broken", "client"),
        ("plain", "client"),
    ]


async def test_objects_that_succeed_are_kept_when_others_fail(through):
    outputs = Outputs()
    report = await through(outputs.tasks(good=b"x\n", bad=b"y\nstatus 415 no such type\nz\n"), Options("line", False))
    assert outputs == {"good": b"x"}
    ((task, failure),) = report.failures
    assert (task.name, failure.fault) == ("bad", "client")
    assert through.said == ["bad: ClientError: 415", "bad: ", "bad: Message:", "bad: no such type"]


async def test_a_servers_error_is_tried_again(through, bench, tmp_path):
    outputs = Outputs()
    report = await through(outputs.tasks(a=b"status 500 oops"), Options("none", retries=1))
    ((_, failure),) = report.failures
    assert failure.fault == "server"
    assert through.said[0] == "a: Bad HTTP status received from algorithm: 500"


async def test_a_record_that_is_too_large_fails_its_object(through):
    outputs = Outputs()
    report = await through(outputs.tasks(a=b"x" * 100, b=b"y"), Options("line", True, 50))
    assert outputs == {"b": b"y"}
    assert "larger than one request" in str(report.failures[0][1])


async def test_records_are_filtered_and_joined(through):
    outputs = Outputs()
    options = Options(
        "line", True, concurrent_max=2, line_after_answer=True, content_type="text/csv", accept="text/csv"
    )
    processing = Processing(CSV, "$[1:]", "$[0,-1]", True)
    await through(outputs.tasks(a=b"1,a\n2,b\n"), options, processing, PREFIX="p-")
    assert outputs["a"] == b"1,p-a\n2,p-b\n"


async def test_several_instances_share_the_objects(through, bench):
    outputs = Outputs()
    tasks = outputs.tasks(**{f"o{n}": b"env" for n in range(4)})
    await through(tasks, Options(), count=2)
    ports = [json.loads(outputs[f"o{n}"])["SAGEMAKER_BIND_TO_PORT"] for n in range(4)]
    assert ports[0] == ports[2] != ports[1] == ports[3]


async def test_a_batch_stops_between_requests(through):
    outputs = Outputs()
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        await through(outputs.tasks(a=LINES), Options("line", False), stopping=lambda: next(asked) > 3)
    assert outputs == {}
