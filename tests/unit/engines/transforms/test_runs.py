import asyncio

import pytest

from lakemill.engines.jobs import JobKind, Jobs
from lakemill.engines.loglines import LogLines
from lakemill.engines.resources import Resources
from lakemill.engines.transforms import (
    Artifacts,
    LabelsChanged,
    NameTaken,
    NotTaught,
    Result,
    RunMissing,
    Runs,
    TooManyRuns,
    TooManyTransforms,
    TransformMissing,
    Transforms,
)
from lakemill.engines.transforms import transforms as module
from lakemill.engines.transforms.runs import KIND, RUNS_MAX_OF_TRANSFORM
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import SystemClock
from lakemill.ports.compute import EmbeddedCompute
from lakemill.ports.metadata import EmbeddedMetadata

SCOPE = "000000000000/r"


class Site:
    """Transforms whose task runs nobody drives: the jobs engine is not started."""

    def __init__(self, folder):
        self.folder, clock = folder, SystemClock()
        self.metadata = EmbeddedMetadata(folder / "m.sqlite")
        self.blobs = EmbeddedBlobs(folder / "blobs")
        jobs = Jobs(self.metadata, EmbeddedCompute(folder / "runs"), LogLines(self.metadata, clock), clock)
        jobs.register(KIND, JobKind())
        self.transforms = Transforms(Resources(self.metadata, clock), Artifacts(self.blobs))
        self.runs = Runs(self.transforms, jobs)

    async def create(self, title="same", key="id"):
        return await self.transforms.create(SCOPE, title, {"key": key}, {})

    async def start(self, transform, kind="IMPORT_LABELS", **options):
        return await self.runs.start(SCOPE, transform, kind, {"place": "s3://b/k", "replace": False}, **options)

    def artifact(self, text):
        path = self.folder / "artifact"
        path.write_text(text)
        return self.transforms.artifacts.keep(path)

    def result(self, text, learned_from=None, key="id"):
        return Result(self.artifact(f"labels {text}"), self.artifact(text), 3, learned_from, key)

    async def end(self, run, status="SUCCEEDED", message=None, result=None):
        await asyncio.to_thread(self.runs.end, SCOPE, run["name"], status, message, result)
        return self.runs.find(SCOPE, run["name"])

    async def teach(self, transform, text="model"):
        learned_from = self.transforms.get(SCOPE, transform)["labels"]
        return await self.end(await self.start(transform), result=self.result(text, learned_from))


@pytest.fixture
async def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.metadata.close()


async def test_a_transform_is_ready_once_it_has_learned(site):
    transform = await site.create()
    with pytest.raises(NotTaught):
        site.transforms.model(SCOPE, transform)
    with pytest.raises(NotTaught):
        await site.start(transform, "EVALUATION", taught=True)
    assert (await site.teach(transform))["status"] == "SUCCEEDED"
    document, model = site.transforms.model(SCOPE, transform)
    assert (document["status"], document["label_count"], document["version"], model) == ("READY", 3, 1, b"model")
    await site.teach(transform, "better")
    assert site.transforms.model(SCOPE, transform)[1] == b"better"
    assert len(list(site.blobs.names())) == 2


async def test_labels_that_came_meanwhile_are_not_lost(site):
    transform = await site.create()
    late = await site.start(transform)
    result = site.result("late")
    await site.teach(transform, "early")
    with pytest.raises(LabelsChanged):
        await site.end(late, result=result)
    labels = site.transforms.get(SCOPE, transform)["labels"]
    await site.end(late, result=site.result("both", labels))
    assert site.transforms.model(SCOPE, transform)[1] == b"both"


async def test_another_primary_key_has_to_be_learned_first(site):
    transform = await site.create()
    await site.teach(transform)
    late = await site.start(transform)
    await site.transforms.change(SCOPE, transform, None, lambda definition: {"key": "nr"})
    found = site.transforms.get(SCOPE, transform)
    assert (found["status"], found["model"], found["label_count"]) == ("NOT_READY", None, 3)
    assert site.transforms.artifacts.read(found["labels"]) == b"labels model"
    with pytest.raises(LabelsChanged):
        await site.end(late, result=site.result("old key", found["labels"]))


async def test_a_stop_that_was_acknowledged_leaves_nothing(site):
    transform = await site.create()
    run = await site.start(transform)
    assert (await site.runs.cancel(SCOPE, transform, run["id"]))["status"] == "STOPPING"
    ended = await site.end(run, result=site.result("too late"))
    assert ended["status"] == "STOPPED" and site.transforms.get(SCOPE, transform)["status"] == "NOT_READY"
    assert list(site.blobs.names()) == []


async def test_a_failure_keeps_its_reason(site):
    run = await site.start(await site.create())
    await site.end(run, "FAILED", "no such file")
    ended = await site.end(run, "FAILED", "said twice")
    assert (ended["status"], ended["message"]) == ("FAILED", "no such file")


async def test_metrics_are_no_modification(site):
    transform = await site.create()
    before = site.transforms.get(SCOPE, transform)
    await site.end(await site.start(transform, "EVALUATION"), result=Result(metrics={"F1": 1.0}))
    after = site.transforms.get(SCOPE, transform)
    assert (after["metrics"], after["modified"]) == ({"F1": 1.0}, before["modified"])


async def test_a_transform_goes_when_its_last_run_has_stopped(site):
    transform, other = await site.create(), await site.create("other")
    await site.teach(transform)
    run = await site.start(transform)
    await site.runs.delete(SCOPE, transform)
    assert site.transforms.get(SCOPE, transform)["status"] == "DELETING"
    with pytest.raises(TransformMissing):
        await site.start(transform)
    await site.end(run)
    with pytest.raises(TransformMissing):
        site.transforms.get(SCOPE, transform)
    assert site.runs.find(SCOPE, run["name"]) is None and list(site.blobs.names()) == []
    await site.runs.delete(SCOPE, other)
    assert list(site.transforms.all(SCOPE)) == []


async def test_names_and_numbers_are_limited(site, monkeypatch):
    transform = await site.create()
    with pytest.raises(NameTaken):
        await site.create()
    other = await site.create("other")
    with pytest.raises(NameTaken):
        await site.transforms.change(SCOPE, other, "same", dict)
    await site.transforms.change(SCOPE, other, "other", dict)
    monkeypatch.setattr(module, "TRANSFORMS_MAX", 2)
    with pytest.raises(TooManyTransforms, match=r"ML Transforms count \(2\) has exceeded the limit of 2 transforms."):
        await site.create("third")
    for _ in range(RUNS_MAX_OF_TRANSFORM):
        await site.start(transform)
    with pytest.raises(TooManyRuns, match=r"ML Task Runs count 3 has exceeded the transform limit of 3 task runs."):
        await site.start(transform)
    await site.start(other)
    with pytest.raises(RunMissing):
        site.runs.get(SCOPE, transform, "tsk-0")


async def test_each_round_of_questions_has_a_number(site):
    transform = await site.create()
    rounds = [(await site.start(transform, "LABELING_SET_GENERATION"))["round"] for _ in range(3)]
    assert rounds == [0, 1, 2]


async def test_files_that_no_transform_names_go_at_the_start(site):
    transform = await site.create()
    await site.teach(transform)
    lost = site.artifact("lost")
    await site.transforms.recover()
    assert lost not in site.blobs.names() and len(list(site.blobs.names())) == 2
    assert site.transforms.model(SCOPE, transform)[1] == b"model"
