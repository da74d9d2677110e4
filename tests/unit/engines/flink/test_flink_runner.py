"""A runner over a Flink that is a script: keys that end, and what cannot be started."""

import asyncio
import io
import zipfile

import pytest

from lakemill.engines.flink import Environments, Program, Runner
from lakemill.ports.clock import SystemClock
from lakemill.ports.compute import EmbeddedCompute
from lakemill.ports.metadata import EmbeddedMetadata
from tests import flink_fake


class Site:
    def __init__(self, folder):
        self.folder, self.said, self.lines, self.events = folder, [], [], []
        self.metadata = EmbeddedMetadata(folder / "m.sqlite", SystemClock())
        self.compute = EmbeddedCompute(folder / "runs")
        self.python, _ = flink_fake.environment(folder / "flink")

    def runner(self, text="", **options):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as opened:
            opened.writestr("main.py", text)
        (self.folder / "a.zip").write_bytes(content.getvalue())

        async def environment():
            return {"PATH": "/usr/bin:/bin"}

        async def say(level, message):
            self.said.append((level, message))

        def keep(lines):
            return lambda transaction: self.lines.extend(line for _, line in lines)

        async def opened():
            self.events.append("opened")

        async def ended():
            self.events.append("ended")

        return Runner(
            self.compute,
            self.metadata,
            Environments([self.python]),
            SystemClock(),
            "app",
            1,
            1,
            Program((2, 3), self.folder / "a.zip", "main.py", environment, say, keep, **options),
            self.folder / "run-1",
            None,
            opened,
            ended,
            running=False,
        )


@pytest.fixture
def site(tmp_path, monkeypatch):
    made = Site(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "flink"))
    yield made
    made.metadata.close()


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_program_whose_keys_end_starts_anew_from_its_last_checkpoint(site):
    runner = site.runner(good_s=2.0)
    task = asyncio.create_task(runner.run())
    await until(lambda: "started with 1" in site.lines)
    assert ("INFO", "The program starts anew from its last checkpoint, with fresh keys.") in site.said
    await until(lambda: site.events.count("opened") == 2)
    runner.stop()
    await task
    assert "ended" not in site.events


async def test_an_archive_that_cannot_be_read_ends_the_run_with_a_reason(site):
    runner = site.runner()
    (site.folder / "a.zip").write_bytes(b"no zip file")
    await runner.run()
    assert site.events == ["ended"]
    assert site.said == [("ERROR", "the program cannot be started: File is not a zip file")]


async def test_a_program_that_ends_by_itself_is_told_after_its_last_line_was_kept(site):
    await site.runner("finish").run()
    assert site.events[-1] == "ended"
    assert "started with 0" in site.lines
    assert ("INFO", "The program has finished.") in site.said


async def test_an_environment_that_is_gone_is_a_fault_with_the_command(site):
    runner = site.runner()
    site.python.parent.parent.rename(site.folder / "elsewhere")
    await runner.run()
    (level, message), *_ = site.said
    assert level == "ERROR"
    assert "pip install apache-flink==2.3.0" in message
