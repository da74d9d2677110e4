"""Hosting with real processes (a small program), a real store and a hand-made object store."""

import asyncio
import io
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from lakemill.engines.hosting import Hosting, Launch, Model, VariantSpec
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import SystemClock
from lakemill.ports.compute import EmbeddedCompute
from lakemill.ports.metadata import EmbeddedMetadata

PROGRAM = Path(__file__).with_name("serving_program.py")
SCOPE = "000000000000/us-east-1"


def launcher(model: Model, site) -> Launch:
    environment = {**model.environment, "SAGEMAKER_BASE_DIR": str(site.base), "SAGEMAKER_BIND_TO_PORT": str(site.port)}
    return Launch([sys.executable, "-S", str(PROGRAM)], environment, ("127.0.0.1", site.port))


class ObjectsOfTests:
    """Just what hosting uses of the object store."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def download(self, bucket, key, path):
        if (bucket, key) not in self.kept:
            raise KeyError(key)
        path.write_bytes(self.kept[bucket, key])

    def listing(self, bucket, prefix=""):
        for name in sorted(key for kept, key in self.kept if kept == bucket and key.startswith(prefix)):
            yield SimpleNamespace(key=name, bucket=bucket, size=len(self.kept[bucket, name]))

    def read(self, record, offset=0, length=None):
        data = self.kept[record.bucket, record.key]
        return data[offset:] if length is None else data[offset : offset + length]

    def upload(self, bucket, key, path, content_type=None):
        self.kept[bucket, key] = Path(path).read_bytes()


def archive(files: dict[str, bytes]) -> bytes:
    """A .tar.gz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


class Bench:
    """One data folder and the lives of a platform on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = ObjectsOfTests()
        self.objects.kept["models", "m.tar.gz"] = archive({"model_algo-1": b"weights"})
        self.open()

    def open(self) -> Hosting:
        clock = SystemClock()
        self.metadata = EmbeddedMetadata(self.folder / "metadata.sqlite", clock)
        self.lines = LogLines(self.metadata, clock)
        self.compute = EmbeddedCompute(self.folder / "runs")
        self.hosting = Hosting(
            self.metadata,
            self.compute,
            self.objects,
            self.lines,
            clock,
            self.folder / "endpoints",
            launcher=launcher,
        )
        return self.hosting

    async def crash(self) -> Hosting:
        """Forget everything in memory, as kill -9 does, and open the folder anew."""
        hosting = self.hosting
        fleets = list(hosting._fleets.values())
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for fleet in fleets:
            for variant in fleet.variants.values():
                for slot in variant.slots:
                    if slot.instance:
                        slot.instance.client.close()
        self.metadata.close()
        return self.open()

    async def create(self, name="e", *specs: VariantSpec, **environment) -> dict:
        specs = specs or (spec(**environment),)
        return await self.hosting.create(SCOPE, name, "config", specs, log_group=f"/logs/{name}")

    async def settled(self, name="e", *, not_in=("creating", "updating", "deleting")) -> dict:
        for _ in range(1000):
            document = self.hosting.document(SCOPE, name)
            if document["state"] not in not_in:
                return document
            await asyncio.sleep(0.02)
        raise AssertionError(document)

    async def ask(self, body: bytes, name="e", **options):
        return await self.hosting.invoke(SCOPE, name, {"Content-Type": "text/plain"}, body, **options)

    def messages(self, name="e") -> list[str]:
        group = f"/logs/{name}"
        streams = [stream["name"] for stream in self.lines.streams(SCOPE, group)]
        return [event.message for event in self.lines.search(SCOPE, group, streams)]


def spec(name="main", count=1, weight=1.0, archive=("models", "m.tar.gz"), timeout_s=20, **environment) -> VariantSpec:
    model = Model("fake", archive=archive, environment=environment)
    return VariantSpec(name, model, count=count, weight=weight, start_timeout_s=timeout_s)


@pytest.fixture
async def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    hosting = made.hosting
    for document in list(hosting._resources.all("endpoint")):
        if document["state"] != "deleting":
            await hosting.delete(SCOPE, document["name"])
    await asyncio.gather(*hosting._works.values(), *hosting._endings, return_exceptions=True)
    await hosting.close()
    made.metadata.close()
