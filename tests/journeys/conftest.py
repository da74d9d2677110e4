"""A running lakemill for journeys: a process of its own with a fresh data folder, asked through public SDKs."""

import pytest
from tests.running import Lakemill

pytest.register_assert_rewrite(
    *(f"tests.journeys.{name}" for name in ("crash", "crash_objects", "crash_services", "crash_streams"))
)

UNLIMITED = ("--stream-limits", "off")
"""Tests write as fast as they can; the limits of shards have tests of their own."""


@pytest.fixture(scope="session")
def lakemill(tmp_path_factory):
    """One lakemill for all journeys of a worker; tests use names of their own."""
    with Lakemill(tmp_path_factory.mktemp("lakemill"), *UNLIMITED) as running:
        yield running


@pytest.fixture
def fresh(tmp_path):
    """A factory of lakemills for tests that restart or kill theirs: `fresh()` starts one on this test's folder."""
    started = []

    def start(*arguments, **options):
        running = Lakemill(tmp_path / "data", *UNLIMITED, *arguments, **options)
        started.append(running)
        return running.start()

    yield start
    for running in started:
        running.stop()
