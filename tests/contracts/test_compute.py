import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from lakemill.ports.compute import ComputeRefused, EmbeddedCompute, sandbox

from .compute import ComputeContract, alive, shell, until

START_AND_DIE = """
import os, signal, sys
from pathlib import Path
from lakemill.ports.compute import EmbeddedCompute, RunSpec
compute = EmbeddedCompute(Path(sys.argv[1]))
compute.start("a", RunSpec(["/bin/sh", "-c", sys.argv[3]], {"PATH": os.environ["PATH"]}, Path(sys.argv[2])))
os.kill(os.getpid(), signal.SIGKILL)
"""


class TestEmbeddedCompute(ComputeContract):
    @pytest.fixture
    def compute(self, tmp_path):
        return EmbeddedCompute(tmp_path / "runs")

    @pytest.fixture
    def folder(self, tmp_path):
        return tmp_path / "run"

    def start_from_a_platform_that_is_killed(self, tmp_path, folder, script):
        arguments = [sys.executable, "-c", START_AND_DIE, str(tmp_path / "runs"), str(folder), script]
        assert subprocess.run(arguments).returncode == -9

    def test_a_run_outlives_the_killed_platform(self, tmp_path, folder):
        self.start_from_a_platform_that_is_killed(tmp_path, folder, "echo one; sleep 0.5; echo two; exit 7")
        again = EmbeddedCompute(tmp_path / "runs")
        assert again.poll("a").state == "running"
        assert again.wait("a", 10).exit_code == 7
        assert again.log("a").read_text() == "one\ntwo\n"

    def test_the_exit_code_is_recorded_while_no_platform_runs(self, tmp_path, folder):
        self.start_from_a_platform_that_is_killed(tmp_path, folder, "exit 9")
        until(lambda: (folder / "exit").exists())
        assert EmbeddedCompute(tmp_path / "runs").poll("a").exit_code == 9

    def test_a_run_can_be_stopped_by_a_later_platform(self, tmp_path, folder):
        self.start_from_a_platform_that_is_killed(tmp_path, folder, "exec sleep 60")
        again = EmbeddedCompute(tmp_path / "runs")
        again.stop("a")
        assert again.wait("a", 10).exit_code == -15

    def test_a_run_whose_supervisor_was_killed_is_lost_and_leaves_nothing_running(self, compute, folder):
        script = "setsid sleep 302 & echo $!; echo $$; while :; do sleep 0.05; done"
        compute.start("a", shell(folder, script))
        until(lambda: compute.log("a").read_text().count("\n") == 2)
        os.kill(compute.poll("a").pid, signal.SIGKILL)
        assert compute.wait("a", 10).state == "lost"
        pids = [int(line) for line in compute.log("a").read_text().split()]
        until(lambda: not any(alive(pid) for pid in pids))

    def test_a_run_whose_platform_died_before_the_supervisor_wrote_its_name_was_never_started(self, tmp_path, folder):
        EmbeddedCompute(tmp_path / "runs")._record("a", folder, "marker")
        for text in (None, ""):
            if text is not None:
                (folder / "supervisor").write_text(text)
            assert EmbeddedCompute(tmp_path / "runs").poll("a").state == "unknown"
        again = EmbeddedCompute(tmp_path / "runs")
        again.start("a", shell(folder, "exit 3"))
        assert again.wait("a", 10).exit_code == 3

    def test_a_launch_that_a_later_platform_gave_up_does_not_begin_when_it_comes_late(self, tmp_path, folder):
        killed, later = EmbeddedCompute(tmp_path / "runs"), EmbeddedCompute(tmp_path / "runs")
        launched = []
        killed._launch, launch = lambda *given: launched.append(given), killed._launch
        killed.start("a", shell(folder, "echo first"))
        assert later.poll("a").state == "unknown"
        with pytest.raises(RuntimeError, match="given up"):
            launch(*launched[0])
        later.start("a", shell(folder, "echo second"))
        with pytest.raises(RuntimeError, match="given up"):
            launch("b", *launched[0][1:])
        assert later.wait("a", 10).exit_code == 0
        assert later.log("a").read_text() == "second\n"

    def test_a_recycled_pid_is_never_mistaken_for_the_supervisor(self, compute, folder):
        compute.start("a", shell(folder, "sleep 60"))
        os.kill(compute.poll("a").pid, signal.SIGKILL)
        until(lambda: compute.poll("a").state == "lost")
        bystander = subprocess.Popen(["sleep", "60"])
        try:
            record = json.loads((folder / "supervisor").read_text())
            (folder / "supervisor").write_text(json.dumps(record | {"pid": bystander.pid}))
            assert compute.poll("a").state == "lost"
            compute.stop("a", 0)
            time.sleep(0.1)
            assert bystander.poll() is None
        finally:
            bystander.kill()
            bystander.wait()

    def test_starting_costs_little_and_the_end_is_noticed_at_once(self, compute, folder):
        began = time.perf_counter()
        compute.start("a", shell(folder, "exit 0"))
        assert compute.wait("a", 10).state == "exited"
        assert time.perf_counter() - began < 1.0

    def test_a_memory_limit_is_refused(self, compute, folder):
        with pytest.raises(ComputeRefused, match="memory limit"):
            compute.start("a", shell(folder, "exit 0", memory_bytes_max=1 << 30))
        assert compute.poll("a").state == "unknown"

    def test_without_bubblewrap_namespaces_give_the_network(self, compute, folder, monkeypatch):
        if not sandbox.own_network_possible():
            pytest.skip("no user namespaces here")
        monkeypatch.setattr(sandbox, "bubblewrap", lambda: None)
        self.test_without_network_there_is_only_a_loopback_of_its_own(compute, folder)

    def test_without_bubblewrap_mounts_are_refused(self, compute, folder, monkeypatch):
        monkeypatch.setattr(sandbox, "bubblewrap", lambda: None)
        with pytest.raises(ComputeRefused, match="bubblewrap"):
            compute.start("a", shell(folder, "exit 0", mounts={"/opt/ml": folder}))

    def test_without_anything_a_run_without_network_is_refused(self, compute, folder, monkeypatch):
        monkeypatch.setattr(sandbox, "bubblewrap", lambda: None)
        monkeypatch.setattr(sandbox, "own_network_possible", lambda: False)
        with pytest.raises(ComputeRefused, match="namespaces"):
            compute.start("a", shell(folder, "exit 0", network=False))

    def test_the_platform_keeps_no_zombies(self, compute, folder):
        compute.start("a", shell(folder, "exit 0"))
        compute.wait("a", 10)
        assert not [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]
