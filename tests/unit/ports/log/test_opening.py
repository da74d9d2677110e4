import sys

import pytest

from lakemill.ports.clock import ManualClock
from lakemill.ports.log import EmbeddedLog, LogUnavailable, open_log


def test_an_empty_url_is_the_log_in_the_folder(tmp_path):
    log = open_log("", tmp_path, ManualClock())
    assert isinstance(log, EmbeddedLog)
    log.close()


@pytest.mark.parametrize("url", ["file:///logs", "kafka", "localhost:9092"])
def test_another_url_is_refused_by_what_it_must_be(url, tmp_path):
    with pytest.raises(LogUnavailable, match="must be empty or kafka://host:port"):
        open_log(url, tmp_path, ManualClock())


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("confluent_kafka", "lakemill.ports.log.kafka"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(LogUnavailable, match=r"pip install 'lakemill\[kafka\]'"):
        open_log("kafka://127.0.0.1:9", tmp_path, ManualClock())
