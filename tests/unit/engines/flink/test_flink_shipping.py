"""Lines of a log are kept once each, and what was kept takes no room."""

import pytest

from lakemill.engines.flink import shipping
from lakemill.engines.flink.shipping import Shipping
from lakemill.ports.clock import SystemClock
from lakemill.ports.metadata import EmbeddedMetadata


@pytest.fixture
def metadata(tmp_path):
    made = EmbeddedMetadata(tmp_path / "m.sqlite", SystemClock())
    yield made
    made.close()


async def test_lines_are_kept_once_whole_and_in_order(tmp_path, metadata):
    log, kept = tmp_path / "log", []

    def keep(lines):
        return lambda transaction: kept.extend(text for _, text in lines)

    def begun():
        return Shipping(metadata, SystemClock(), "flink-a-1-1", log, keep)

    assert await begun().ship() == ""
    log.write_text("one\n\ntwo\nthr")
    assert await begun().ship() == "two"
    with log.open("a") as file:
        file.write("ee\nfo")
    one = begun()
    assert await one.ship() == "three"
    assert await one.ship() == ""
    assert await one.ship(ended=True) == "fo"
    assert kept == ["one", "two", "three", "fo"]
    await shipping.forget(metadata, "b")
    assert metadata.get(shipping.TABLE, "flink-a-1-1") is not None
    await shipping.forget(metadata, "a")
    assert metadata.get(shipping.TABLE, "flink-a-1-1") is None


async def test_what_was_shipped_takes_no_room_on_the_disk(tmp_path, metadata):
    log = tmp_path / "log"
    log.write_text("x" * 99 + "\n" + ("y" * 99 + "\n") * 40_000)
    before, size = log.stat().st_blocks, log.stat().st_size
    kept = []

    def keep(lines):
        return lambda transaction: kept.extend(lines)

    one = Shipping(metadata, SystemClock(), "flink-a-1-1", log, keep)
    await one.ship()
    with log.open("a") as file:
        file.write("end\n")
    assert await one.ship() == "end"
    assert len(kept) == 40_002
    assert log.stat().st_size == size + 4
    if log.stat().st_blocks == before:
        pytest.skip("this file system makes no holes")
    assert log.stat().st_blocks < before / 2
