"""Flink applications when lakemill ends and comes back: one program, its state, whatever it was doing."""

import os
import time

import pytest
from tests.journeys import flink
from tests.journeys.flink import Application, processes

from lakemill.ports.compute.sandbox import bubblewrap


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return flink.scripted(tmp_path_factory.mktemp("flink"))


def test_a_killed_lakemill_finds_its_program_again_and_there_is_one(fresh, options):
    arguments, rest = options
    first = fresh(*arguments, **rest)
    application = Application(first, "found", "")
    application.start()
    (before,) = processes(first)
    first.kill()
    second = fresh(*arguments, **rest, port=first.port)
    application.lakemill = second
    application.wait("RUNNING")
    assert processes(second) == [before]
    application.stop()
    assert processes(second) == []
    assert [one["SnapshotStatus"] for one in application.snapshots()] == ["READY"]
    assert application.said().count("started with 0") == 1


@pytest.mark.skipif(not bubblewrap(), reason="no folder can be laid over the machine's without bubblewrap")
def test_a_lakemill_that_comes_back_at_another_port_starts_the_program_anew_with_that(fresh, options):
    arguments, rest = options
    first = fresh(*arguments, **rest)
    application = Application(first, "moved", "look")
    application.start()
    first.kill()
    application.lakemill = second = fresh(*arguments, **rest)
    application.until(f"region us-east-1 {second.endpoint}")
    application.until("started with 1")
    assert len(processes(second)) == 1


def test_a_program_that_died_with_lakemill_starts_again_from_its_checkpoint(fresh, options):
    arguments, rest = options
    first = fresh(*arguments, **rest)
    application = Application(first, "again", "")
    application.start()
    first.kill()
    for pid in processes(first):
        os.kill(pid, 9)
    application.lakemill = fresh(*arguments, **rest)
    application.until("started with 1")
    application.wait("RUNNING")
    assert len(processes(application.lakemill)) == 1


def test_an_ordinary_stop_of_lakemill_ends_the_program_and_the_next_start_goes_on(fresh, options):
    arguments, rest = options
    first = fresh(*arguments, **rest)
    application = Application(first, "stops", "")
    application.start()
    first.stop()
    assert processes(first) == []
    application.lakemill = fresh(*arguments, **rest)
    application.until("started with 1")
    application.wait("RUNNING")


@pytest.mark.parametrize("after_s", [0.1, 0.6])
def test_a_lakemill_killed_while_an_application_stops_stops_it_with_its_state_when_it_is_back(fresh, options, after_s):
    arguments, rest = options
    first = fresh(*arguments, **rest)
    application = Application(first, "stopping", "slow")
    application.start()
    application.client.stop_application(ApplicationName="stopping")
    time.sleep(after_s)
    first.kill()
    application.lakemill = fresh(*arguments, **rest, port=first.port)
    application.wait("READY")
    assert processes(application.lakemill) == []
    assert "READY" in [one["SnapshotStatus"] for one in application.snapshots()]
    application.start()
    application.until("started with 1")


@pytest.mark.parametrize("after_s", [0.25, 0.8])
def test_a_lakemill_killed_while_an_application_changes_goes_on_with_the_new_version_and_its_state(
    fresh, options, after_s
):
    arguments, rest = options
    first = fresh(*arguments, **rest)
    application = Application(first, "changing", "slow")
    application.start()
    code = {"CodeContentUpdate": {"ZipFileContentUpdate": flink.archive(main="look")}}
    application.client.update_application(
        ApplicationName="changing",
        CurrentApplicationVersionId=1,
        ApplicationConfigurationUpdate={"ApplicationCodeConfigurationUpdate": code},
    )
    time.sleep(after_s)
    first.kill()
    application.lakemill = fresh(*arguments, **rest, port=first.port)
    application.until("properties")
    application.wait("RUNNING")
    application.until("started with 1")
    assert len(processes(application.lakemill)) == 1
