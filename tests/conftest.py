"""What all tests share."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Tests run side by side on few cores, where threads that wait for each other take many times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no fault of the code. Every day has the same examples; `make test-all` looks for others.
settings.register_profile("lakemill", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("lakemill")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays: looking through it for garbage again and again costs seconds in each worker."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first: one that came last would be waited for by idle workers."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
