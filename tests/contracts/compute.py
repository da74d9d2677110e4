"""What every compute adapter promises. An adapter's test class inherits this and gives `compute` and `folder`."""

import os
import sys
import time
from pathlib import Path

import pytest

from lakemill.ports.compute import ComputeRefused, RunSpec

PATH = {"PATH": os.environ["PATH"]}


def shell(folder: Path, script: str, **options) -> RunSpec:
    return RunSpec(["/bin/sh", "-c", script], options.pop("environment", PATH), folder, **options)


def python(folder: Path, script: str, **options) -> RunSpec:
    return RunSpec([sys.executable, "-u", "-c", script], PATH, folder, **options)


def until(condition, timeout_s=10.0):
    """Wait for something to become true."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
    return found


class ComputeContract:
    def test_a_run_ends_with_its_exit_code(self, compute, folder):
        compute.start("a", shell(folder, "exit 3"))
        assert compute.wait("a", 10).state == "exited"
        assert compute.poll("a").exit_code == 3

    def test_a_command_killed_by_a_signal_has_a_negative_code(self, compute, folder):
        compute.start("a", shell(folder, "kill -11 $$"))
        assert compute.wait("a", 10).exit_code == -11

    def test_a_command_that_does_not_exist_exits_with_127_and_says_so_in_the_log(self, compute, folder):
        compute.start("a", RunSpec(["/no/such/program"], PATH, folder))
        assert compute.wait("a", 10).exit_code == 127
        assert "/no/such/program" in compute.log("a").read_text()

    def test_the_log_holds_stdout_and_stderr_in_order(self, compute, folder):
        compute.start("a", shell(folder, "for i in 1 2 3; do echo out $i; echo err $i >&2; done"))
        compute.wait("a", 10)
        assert compute.log("a").read_text().split("\n")[:-1] == [f"{k} {i}" for i in (1, 2, 3) for k in ("out", "err")]

    def test_stderr_has_a_log_of_its_own_if_the_run_wants_that(self, compute, folder):
        compute.start("a", shell(folder, "echo out; echo err >&2; /no/such/program", errors_apart=True))
        compute.wait("a", 10)
        assert compute.log("a").read_text() == "out\n"
        assert compute.error_log("a").read_text().startswith("err\n")

    def test_the_log_can_be_read_while_the_run_goes_on(self, compute, folder):
        compute.start("a", shell(folder, "echo first; sleep 30"))
        assert until(lambda: compute.log("a").read_text()) == "first\n"
        assert compute.poll("a").state == "running"
        compute.stop("a", 0)
        assert compute.wait("a", 10).state == "exited"

    def test_the_command_sees_its_environment_only_and_works_in_its_folder(self, compute, folder, monkeypatch):
        monkeypatch.setenv("LAKEMILL_TEST_SECRET", "hidden")
        script = "pwd; echo ${LAKEMILL_TEST_SECRET:-nothing}; echo $GIVEN"
        compute.start("a", shell(folder, script, environment={**PATH, "GIVEN": "x y"}))
        compute.wait("a", 10)
        assert compute.log("a").read_text() == f"{folder.resolve()}\nnothing\nx y\n"

    def test_waiting_gives_up_after_the_timeout(self, compute, folder):
        compute.start("a", shell(folder, "sleep 30"))
        began = time.monotonic()
        assert compute.wait("a", 0.2).state == "running"
        assert 0.15 < time.monotonic() - began < 2
        compute.stop("a", 0)
        compute.wait("a", 10)

    def test_stop_lets_the_command_finish_within_the_grace(self, compute, folder):
        script = (
            "import signal, sys, time\n"
            "def end(*_): print('saved'); sys.exit(5)\n"
            "signal.signal(signal.SIGTERM, end); print('ready'); time.sleep(30)"
        )
        compute.start("a", python(folder, script))
        until(lambda: "ready" in compute.log("a").read_text())
        compute.stop("a")
        compute.stop("a")
        assert compute.wait("a", 10).exit_code == 5
        assert compute.log("a").read_text() == "ready\nsaved\n"

    def test_a_command_deaf_to_sigterm_is_killed_after_the_grace(self, compute, folder):
        compute.start("a", shell(folder, "trap '' TERM; echo ready; while :; do sleep 0.05; done"))
        until(lambda: "ready" in compute.log("a").read_text())
        began = time.monotonic()
        compute.stop("a", 0.4)
        assert compute.wait("a", 10).exit_code == -9
        assert 0.35 < time.monotonic() - began < 5

    def test_all_descendants_die_with_the_run(self, compute, folder):
        # One in the background, one in a session of its own.
        script = "sleep 300 & echo $!; setsid sleep 301 & sleep 0.1; pgrep -f '^sleep 301' || echo 0; exit 0"
        compute.start("a", shell(folder, script))
        assert compute.wait("a", 10).exit_code == 0
        pids = [int(line) for line in compute.log("a").read_text().split()]
        assert len(pids) >= 2
        until(lambda: not any(alive(pid) for pid in pids))

    def test_the_same_run_cannot_be_started_twice(self, compute, folder):
        compute.start("a", shell(folder, "exit 0"))
        compute.wait("a", 10)
        with pytest.raises(ValueError, match="started before"):
            compute.start("a", shell(folder, "exit 0"))

    def test_a_run_nobody_started_is_unknown(self, compute):
        assert compute.poll("never").state == "unknown"
        compute.stop("never")

    def test_a_forgotten_run_is_unknown_and_its_folder_stays(self, compute, folder):
        compute.start("a", shell(folder, "echo x"))
        compute.wait("a", 10)
        compute.forget("a")
        assert compute.poll("a").state == "unknown"
        assert (folder / "log").read_text() == "x\n"

    def test_stopping_an_ended_run_changes_nothing(self, compute, folder):
        compute.start("a", shell(folder, "exit 0"))
        compute.wait("a", 10)
        compute.stop("a")
        assert compute.poll("a").exit_code == 0

    def test_a_run_id_may_hold_any_character(self, compute, folder):
        compute.start("000000000000/us-east-1/job: ü#1", shell(folder, "exit 4"))
        assert compute.wait("000000000000/us-east-1/job: ü#1", 10).exit_code == 4

    def test_without_network_there_is_only_a_loopback_of_its_own(self, compute, folder):
        script = (
            "import socket\n"
            "print(sorted(name for _, name in socket.if_nameindex()))\n"
            "server = socket.create_server(('127.0.0.1', 0))\n"
            "socket.create_connection(server.getsockname(), 2); print('loopback works')"
        )
        try:
            compute.start("a", python(folder, script, network=False))
        except ComputeRefused as refused:
            pytest.skip(str(refused))
        compute.wait("a", 10)
        assert compute.log("a").read_text() == "['lo']\nloopback works\n"

    def test_a_mount_is_seen_at_its_path_and_only_by_the_run(self, compute, folder):
        source = folder / "ml"
        source.mkdir(parents=True)
        (source / "in").write_text("given")
        script = "cat /opt/ml-lakemill-test/in; echo made > /opt/ml-lakemill-test/out; ls /usr > /dev/null && echo fine"
        try:
            compute.start("a", shell(folder, script, mounts={"/opt/ml-lakemill-test": source}))
        except ComputeRefused as refused:
            pytest.skip(str(refused))
        assert compute.wait("a", 10).exit_code == 0
        assert compute.log("a").read_text() == "givenfine\n"
        assert (source / "out").read_text() == "made\n"
        assert not Path("/opt/ml-lakemill-test").exists()

    def test_stop_reaches_a_command_inside_a_sandbox(self, compute, folder):
        script = "trap 'echo saved; exit 6' TERM; echo ready; while :; do sleep 0.02; done"
        try:
            compute.start("a", shell(folder, script, network=False))
        except ComputeRefused as refused:
            pytest.skip(str(refused))
        until(lambda: "ready" in compute.log("a").read_text())
        compute.stop("a")
        assert compute.wait("a", 10).exit_code == 6


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
