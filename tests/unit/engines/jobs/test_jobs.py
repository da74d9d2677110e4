import asyncio
import os
import threading
import time

import pytest

from lakemill.engines.jobs import Closing, JobExists, JobKind, JobLost, Jobs, LogTarget, Plan, Process
from lakemill.engines.jobs.follower import LINE_BYTES_MAX
from lakemill.engines.jobs.job import JOBS
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import SystemClock
from lakemill.ports.compute import EmbeddedCompute, RunSpec
from lakemill.ports.metadata import EmbeddedMetadata

TARGET, ERRORS = LogTarget("0/r", "group", "stream"), LogTarget("0/r", "group", "errors")


class Shell(JobKind):
    """Runs the submitted script; remembers what it was told."""

    apart = False

    def __init__(self, folder):
        self.folder = folder
        self.told = []

    def prepare(self, job):
        self.told.append("prepare")
        spec = RunSpec(
            ["/bin/sh", "-c", job.document["script"]],
            {"PATH": os.environ["PATH"]},
            self.folder / job.key,
            errors_apart=self.apart,
        )
        return Plan([Process("one", spec, TARGET, ERRORS)], job.document.get("limit_s"))

    def started(self, job):
        self.told.append("started")

    def overdue(self, job):
        self.told.append("overdue")

    def collect(self, job, outcome):
        self.told.append(("collect", outcome.ended_by, outcome.exit_code))

    def stopped(self, job):
        self.told.append("stopped")

    def fail(self, job, error):
        self.told.append(("fail", str(error)))


class Thinker(JobKind):
    """Works in its thread until it is let go."""

    def __init__(self, repeatable=False):
        self.repeatable = repeatable
        self.go = threading.Event()
        self.begun = threading.Event()
        self.told = []

    def prepare(self, job):
        return None

    def work(self, job):
        self.begun.set()
        while not self.go.is_set():
            job.check()
            time.sleep(0.01)
        self.told.append("worked")

    def stopped(self, job):
        self.told.append("stopped")

    def fail(self, job, error):
        self.told.append(("fail", type(error)))


class Platform:
    """Jobs over a folder; make another one to see a restart."""

    def __init__(self, folder, kind, **options):
        self.clock = SystemClock()
        self.metadata = EmbeddedMetadata(folder / "m.sqlite")
        self.loglines = LogLines(self.metadata, self.clock)
        self.compute = EmbeddedCompute(folder / "runs")
        self.jobs = Jobs(self.metadata, self.compute, self.loglines, self.clock, **options)
        self.kind = kind
        self.jobs.register("kind", kind)

    async def __aenter__(self):
        self.recovered = await self.jobs.start()
        return self

    async def __aexit__(self, *_):
        await self.jobs.close()
        self.metadata.close()

    async def done(self, key, timeout_s=15):
        async with asyncio.timeout(timeout_s):
            while self.jobs.under_way(key):
                await asyncio.sleep(0.005)

    async def logged(self, text, timeout_s=10):
        async with asyncio.timeout(timeout_s):
            while text not in self.log():
                await asyncio.sleep(0.01)

    def log(self):
        groups = [one["name"] for one in self.loglines.groups("0/r")]
        return [event.message for event in self.loglines.search("0/r", "group", ["stream"])] if groups else []

    async def run(self, script, **document):
        await self.jobs.submit("kind", "a", {"script": script} | document)
        await self.done("a")
        return self.kind.told


@pytest.fixture
async def platform(tmp_path):
    async with Platform(tmp_path, Shell(tmp_path)) as made:
        yield made


async def test_a_job_passes_its_steps(platform):
    assert await platform.run("exit 3") == ["prepare", "started", ("collect", "itself", 3)]


async def test_one_key_is_one_job(platform):
    await platform.jobs.submit("kind", "a", {"script": "sleep 0.3"})
    with pytest.raises(JobExists):
        await platform.jobs.submit("kind", "a", {"script": "true"})
    await platform.done("a")


async def test_a_job_submitted_in_a_transaction_begins_at_the_next_look(platform):
    jobs = platform.jobs
    await platform.metadata.transact(lambda t: jobs.submit_in(t, "kind", "a", {"script": "exit 3"}))
    jobs.look_soon()
    await platform.done("a")
    assert platform.kind.told[-1] == ("collect", "itself", 3)


async def test_standard_error_goes_to_a_stream_of_its_own_if_the_process_wants_that(platform):
    script = "echo out; echo err >&2; printf end >&2"
    platform.kind.apart = True
    await platform.run(script)
    assert platform.log() == ["out"]
    found = platform.loglines.search("0/r", "group", ["errors"])
    assert [event.message for event in found] == ["err", "end"]


async def test_what_is_written_beside_stays_only_if_all_stays(platform):
    def refuse(transaction):
        transaction.put("other", "x", 1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await platform.jobs.submit("kind", "a", {"script": "true"}, also=refuse)
    assert platform.metadata.get("other", "x") is None
    assert not platform.jobs.under_way("a")


async def test_an_error_in_a_step_fails_the_job(platform, monkeypatch):
    def broken(job):
        raise ValueError("no data")

    monkeypatch.setattr(platform.kind, "prepare", broken)
    assert await platform.run("true") == [("fail", "no data")]


async def test_stopping_reaches_the_process(platform):
    await platform.jobs.submit("kind", "a", {"script": "echo ready; exec sleep 60"})
    await platform.logged("ready")
    assert await platform.jobs.stop("a") is True
    await platform.done("a")
    assert platform.kind.told[-1] == ("collect", "user", -15)
    assert await platform.jobs.stop("a") is False


async def test_the_time_limit_stops_the_process(platform):
    told = await platform.run("exec sleep 60", limit_s=0.3)
    assert told[-2:] == ["overdue", ("collect", "time", -15)]


async def test_jobs_wait_for_their_turn(tmp_path):
    async with Platform(tmp_path, Shell(tmp_path), concurrent_max=1) as platform:
        for key in "abc":
            await platform.jobs.submit("kind", key, {"script": "true"})
        for key in "abc":
            await platform.done(key)
        assert platform.kind.told == ["prepare", "started", ("collect", "itself", 0)] * 3


async def test_a_job_waiting_for_its_turn_is_stopped_at_once(tmp_path):
    async with Platform(tmp_path, Shell(tmp_path), concurrent_max=1) as platform:
        await platform.jobs.submit("kind", "a", {"script": "echo ready; exec sleep 60"})
        await platform.logged("ready")
        await platform.jobs.submit("kind", "b", {"script": "sleep 60"})
        await platform.jobs.stop("b")
        await platform.done("b", 2)
        assert platform.kind.told == ["prepare", "started", "stopped"]
        assert platform.jobs.under_way("a")
        await platform.jobs.stop("a")
        await platform.done("a")
        await platform.jobs.submit("kind", "c", {"script": "true"})  # The turn came back.
        await platform.done("c")


class TestLog:
    async def test_all_lines_are_shipped_in_order(self, platform):
        await platform.run("seq 1 5000; printf 'no newline'")
        assert platform.log() == [*map(str, range(1, 5001)), "no newline"]

    async def test_more_than_a_reading_is_shipped_whole(self, platform):
        await platform.run("seq 1 200000")
        assert platform.log() == [str(i) for i in range(1, 200_001)]

    async def test_a_process_that_never_stops_printing_can_be_stopped(self, platform):
        await platform.jobs.submit("kind", "a", {"script": "while :; do echo line; done", "limit_s": 0.3})
        await platform.done("a", 30)
        assert platform.kind.told[-1] == ("collect", "time", -15)

    async def test_a_line_without_end_is_cut(self, platform):
        await platform.run(f"head -c {LINE_BYTES_MAX + 10} /dev/zero | tr '\\0' x; echo; echo next")
        assert [len(line) for line in platform.log()] == [LINE_BYTES_MAX, 10, 4]

    async def test_bytes_that_are_no_text_do_no_harm(self, platform):
        await platform.run("printf 'a\\377b\\r\\n\\n'; echo c")
        assert platform.log() == ["a\ufffdb", "c"]

    async def test_what_is_observed_is_written_with_the_position(self, platform, monkeypatch):
        def observe(job, lines):
            return lambda transaction: [transaction.put("seen", f"{line.offset:06d}", line.text) for line in lines]

        monkeypatch.setattr(platform.kind, "observe", observe)
        await platform.run("echo one; echo two")
        assert list(platform.metadata.scan("seen")) == [("000000", "one"), ("000004", "two")]


class Crew(Shell):
    """Runs several scripts at once: {name: script}; those whose name begins with `server` serve."""

    def prepare(self, job):
        self.told.append("prepare")
        processes = []
        for name, script in job.document["scripts"].items():
            spec = RunSpec(["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]}, self.folder / job.key / name)
            log = LogTarget("0/r", "group", name)
            processes.append(Process(name, spec, log, serves=name.startswith("server")))
        return Plan(processes, job.document.get("limit_s"))

    def collect(self, job, outcome):
        self.told.append((outcome.process, outcome.ended_by, outcome.exit_code))


class TestSeveralProcesses:
    @pytest.fixture
    async def crew(self, tmp_path):
        async with Platform(tmp_path, Crew(tmp_path)) as made:
            yield made

    async def run(self, crew, scripts, **document):
        await crew.jobs.submit("kind", "a", {"scripts": scripts} | document)
        await crew.done("a")
        return crew.kind.told[-1]

    async def test_the_job_ends_when_all_have_ended(self, crew):
        assert await self.run(crew, {"one": "true", "two": "sleep 0.4; echo last"}) == ("one", "itself", 0)
        assert [event.message for event in crew.loglines.search("0/r", "group", ["two"])] == ["last"]

    async def test_when_one_fails_the_others_are_stopped(self, crew):
        assert await self.run(crew, {"one": "exec sleep 60", "two": "exit 4"}) == ("two", "itself", 4)

    async def test_one_that_serves_is_told_to_stop_at_the_end(self, crew):
        assert await self.run(crew, {"server": "exec sleep 60", "one": "sleep 0.2"}) == ("one", "itself", 0)

    async def test_one_that_serves_and_fails_fails_the_job(self, crew):
        assert await self.run(crew, {"server": "exit 5", "one": "true"}) == ("server", "itself", 5)

    async def test_a_time_limit_stops_all(self, crew):
        told = await self.run(crew, {"server": "exec sleep 60", "one": "exec sleep 60", "two": "true"}, limit_s=0.3)
        assert told == ("one", "time", -15)

    async def test_all_are_attached_to_again(self, crew, tmp_path):
        scripts = {"one": "echo 1; sleep 0.8; echo 2", "two": "echo 3; sleep 0.8; echo 4"}
        await crew.jobs.submit("kind", "a", {"scripts": scripts})
        async with asyncio.timeout(10):
            while len(list(crew.loglines.groups("0/r"))) == 0:
                await asyncio.sleep(0.01)
        await crew.jobs.close()
        crew.metadata.close()
        async with Platform(tmp_path, Crew(tmp_path)) as second:
            await second.done("a")
            found = [[e.message for e in second.loglines.search("0/r", "group", [name])] for name in ("one", "two")]
            assert found == [["1", "2"], ["3", "4"]]
            assert second.kind.told == ["started", ("one", "itself", 0)]

    async def test_a_run_that_was_started_in_part_is_ended_and_begun_anew(self, crew, tmp_path):
        await crew.jobs.submit("kind", "a", {"scripts": {"one": "sleep 60", "two": "true"}})
        async with asyncio.timeout(10):
            while "started" not in crew.kind.told:
                await asyncio.sleep(0.01)
        await crew.jobs.close()
        crew.compute.wait("a/1/two", 5)
        crew.compute.forget("a/1/two")
        state = crew.metadata.get(JOBS, "a")
        document = {"scripts": {"one": "true", "two": "true"}}
        await crew.metadata.transact(lambda t: t.put(JOBS, "a", state | {"document": document}))
        crew.metadata.close()
        async with Platform(tmp_path, Crew(tmp_path)) as second:
            await second.done("a")
            assert second.kind.told == ["prepare", "started", ("one", "itself", 0)]
            assert second.compute.poll("a/1/one").state == "unknown"


class TestRestart:
    async def test_a_running_process_is_attached_to_again(self, tmp_path):
        async with Platform(tmp_path, Shell(tmp_path)) as first:
            await first.jobs.submit("kind", "a", {"script": "echo one; sleep 0.8; echo two"})
            await first.logged("one")
        async with Platform(tmp_path, Shell(tmp_path)) as second:
            assert second.recovered == ["kind a: still running, attached to it again"]
            await second.done("a")
            assert second.kind.told == ["started", ("collect", "itself", 0)]
            assert second.log() == ["one", "two"]

    async def test_a_stop_wanted_while_no_platform_ran_is_done_at_the_start(self, tmp_path):
        async with Platform(tmp_path, Shell(tmp_path)) as first:
            await first.jobs.submit("kind", "a", {"script": "echo one; exec sleep 60"})
            await first.logged("one")
            await first.jobs.close()
            await first.jobs.stop("a")
        async with Platform(tmp_path, Shell(tmp_path)) as second:
            await second.done("a")
            assert second.kind.told[-1] == ("collect", "user", -15)

    async def test_a_lost_process_is_told_as_a_loss(self, tmp_path):
        async with Platform(tmp_path, Shell(tmp_path)) as first:
            await first.jobs.submit("kind", "a", {"script": "echo one; sleep 60"})
            await first.logged("one")
        first.compute.stop("a/1/one", 0)
        first.compute.wait("a/1/one", 5)
        (tmp_path / "a" / "exit").unlink()
        async with Platform(tmp_path, Shell(tmp_path)) as second:
            assert second.recovered == ["kind a: lost, its process is gone"]
            await second.done("a")
            assert second.kind.told[-1] == ("collect", "loss", None)

    async def test_a_run_that_was_recorded_but_never_started_is_begun_anew(self, tmp_path):
        async with Platform(tmp_path, Shell(tmp_path)) as platform:
            await platform.jobs.close()
            await platform.jobs.submit("kind", "a", {"script": "true"})
            process = {
                "name": "one",
                "run": "a/1/one",
                "serves": False,
                "logs": {"log": {"position": 0, "target": None}},
            }
            changes = {"step": "running", "processes": [process], "runs": 1, "started": 0.0}
            state = platform.metadata.get(JOBS, "a") | changes
            await platform.metadata.transact(lambda t: t.put(JOBS, "a", state))
        async with Platform(tmp_path, Shell(tmp_path)) as second:
            await second.done("a")
            assert second.kind.told == ["prepare", "started", ("collect", "itself", 0)]

    async def test_a_job_that_was_cut_off_while_its_files_were_removed_does_not_run_again(self, tmp_path):
        class Removing(Shell):
            def collect(self, job, outcome):
                super().collect(job, outcome)
                for name in ("log", "exit", "supervisor"):
                    (self.folder / "a" / name).unlink()
                raise Closing

        async with Platform(tmp_path, Removing(tmp_path)) as first:
            await first.jobs.submit("kind", "a", {"script": "echo one; exit 3"})
            async with asyncio.timeout(10):
                while len(first.kind.told) < 3:
                    await asyncio.sleep(0.01)
        async with Platform(tmp_path, Shell(tmp_path)) as second:
            assert second.recovered == ["kind a: ended before, its results are collected"]
            await second.done("a")
            assert second.kind.told == [("collect", "itself", 3)]
            assert second.log() == ["one"]

    async def test_shipping_goes_on_where_it_was_left(self, tmp_path):
        async with Platform(tmp_path, Shell(tmp_path)) as first:
            await first.jobs.submit("kind", "a", {"script": "printf 'one\\ntw'; sleep 0.8; echo o"})
            await first.logged("one")
            assert first.metadata.get(JOBS, "a")["processes"][0]["logs"]["log"]["position"] == 4
        async with Platform(tmp_path, Shell(tmp_path)) as second:
            await second.done("a")
            assert second.log() == ["one", "two"]

    @pytest.mark.parametrize(("repeatable", "told"), [(True, ["worked"]), (False, [("fail", JobLost)])])
    async def test_work_without_a_process_is_repeated_only_if_it_may_be(self, tmp_path, repeatable, told):
        first_kind = Thinker(repeatable)
        async with Platform(tmp_path, first_kind) as first:
            await first.jobs.submit("kind", "a", {})
            await asyncio.to_thread(first_kind.begun.wait, 5)
        kind = Thinker(repeatable)
        kind.go.set()
        async with Platform(tmp_path, kind) as second:
            await second.done("a")
        assert (first_kind.told, kind.told) == ([], told)


async def test_work_gives_way_to_a_stop(tmp_path):
    async with Platform(tmp_path, Thinker()) as platform:
        await platform.jobs.submit("kind", "a", {})
        await asyncio.to_thread(platform.kind.begun.wait, 5)
        await platform.jobs.stop("a")
        await platform.done("a")
        assert platform.kind.told == ["stopped"]


async def test_a_job_leased_by_another_platform_is_left_alone(tmp_path):
    async with Platform(tmp_path, Shell(tmp_path), owner="one") as platform:
        assert await platform.metadata.acquire("job/a", "two", 60)
        await platform.jobs.submit("kind", "a", {"script": "true"})
        await asyncio.sleep(0.2)
        assert platform.kind.told == []
        assert platform.jobs.under_way("a")
