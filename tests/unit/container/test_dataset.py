"""Channels: which files, in which order, of which type."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.spec import AlgorithmSpec, Channel
from lakemill.container.dataset import open_channels, records_below, typed
from lakemill.container.layout import Layout
from lakemill.formats.errors import FormatError

CSV = ("application/x-recordio-protobuf", "text/csv;label_size=0")
SPEC = AlgorithmSpec(
    name="toy", title="Toy", summary="", repositories=("toy",), hyperparameters=(),
    channels=(Channel("train", True, CSV, input_modes=("File", "Pipe")), Channel("test", False, CSV)),
    request_types=(), response_types=(),
)  # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "input" / "config").mkdir(parents=True)
    return Layout(tmp_path)


def configure(layout: Layout, files: dict[str, bytes] | None = None, channel: str = "train", **config: str) -> None:
    (layout.base / "input" / "config" / "inputdataconfig.json").write_text(json.dumps({channel: config}))
    for name, data in (files or {}).items():
        path = layout.channel(channel) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_files_come_in_the_order_of_their_keys_and_hidden_ones_not_at_all(tmp_path: Path) -> None:
    for name in ("b/2", "b.csv", "a/10", "a/9", ".x", "_SUCCESS", "c/_tmp/1", "a-b/1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    found = [path.relative_to(tmp_path).as_posix() for path in records_below(tmp_path, "text/csv")]
    assert found == ["a-b/1", "a/10", "a/9", "b.csv", "b/2"]
    assert "c/_tmp/1" in [path.relative_to(tmp_path).as_posix() for path in records_below(tmp_path, "image/jpeg")]


def test_the_specs_parameters_hold_unless_the_channel_says_otherwise() -> None:
    channel = SPEC.channels[0]
    assert typed(channel, "text/csv") == ("text/csv", {"label_size": "0"})
    assert typed(channel, "Text/CSV; label_size=1") == ("text/csv", {"label_size": "1"})
    assert typed(channel, None) == ("application/x-recordio-protobuf", {})


def test_records_are_read_over_all_files(layout: Layout) -> None:
    configure(layout, {"a.csv": b"1,2\n3,4\n", "b.csv": b"5,6\n"}, ContentType="text/csv")
    train = open_channels(SPEC, layout)["train"]
    assert train.read().features.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert [len(block) for block in train.blocks(2)] == [2, 1]
    assert [len(block) for block in train.blocks(2)] == [2, 1]


@pytest.mark.parametrize(
    ("channel", "files", "config", "said"),
    [
        ("test", {"a": b"1\n"}, {}, "'train' is a required channel"),
        ("train", {}, {}, "Channel train is empty"),
        ("train", {"a": b""}, {}, "Channel train is empty"),
        ("train", {"_SUCCESS": b"x"}, {}, "Channel train is empty"),
        ("train", {"a": b"1\n"}, {"ContentType": "audio/mpeg"}, "audio/mpeg of channel train is not supported"),
    ],
)
def test_a_channel_that_cannot_be_used_is_named(
    layout: Layout, channel: str, files: dict, config: dict, said: str
) -> None:
    configure(layout, files, channel, **config)
    with pytest.raises(CustomerError, match=said):
        open_channels(SPEC, layout)


def test_an_unknown_channel_is_refused(layout: Layout) -> None:
    config = {"train": {}, "holdout": {}}
    (layout.base / "input" / "config" / "inputdataconfig.json").write_text(json.dumps(config))
    (layout.channel("train")).mkdir(parents=True)
    (layout.channel("train") / "a").write_bytes(b"1\n")
    with pytest.raises(CustomerError, match="'holdout' is not one of toy"):
        open_channels(SPEC, layout)


def test_each_pass_over_a_pipe_reads_the_next_fifo(layout: Layout) -> None:
    configure(layout, None, ContentType="text/csv", TrainingInputMode="Pipe")
    train = open_channels(SPEC, layout)["train"]
    layout.pipe("train", 0).parent.mkdir(parents=True, exist_ok=True)

    def platform() -> None:
        for number, data in enumerate((b"1,2\n3,4\n", b"5,6\n")):
            os.mkfifo(layout.pipe("train", number))
            layout.pipe("train", number).write_bytes(data)

    writer = threading.Thread(target=platform)
    writer.start()
    found = [[block.features.tolist() for block in train.blocks(1)] for _ in range(2)]
    writer.join(5)
    assert train.streamed and train.files == []
    assert found == [[[[1, 2]], [[3, 4]]], [[[5, 6]]]]


def test_options_of_the_format_are_handed_on(layout: Layout) -> None:
    configure(layout, {"a": b"1,0.5,\n"}, ContentType="text/csv;label_size=1")
    train = open_channels(SPEC, layout)["train"]
    for block in (train.read(missing=True, weights=True), next(train.blocks(5, missing=True, weights=True))):
        assert block.weights.tolist() == [0.5] and np.isnan(block.features).all()
    with pytest.raises(FormatError, match="the cell is empty"):
        train.read()


def test_a_host_may_have_no_records_of_a_channel(layout: Layout) -> None:
    configure(layout, {".keep": b""}, ContentType="text/csv")
    (layout.base / "input" / "config" / "resourceconfig.json").write_text(
        json.dumps({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})
    )
    assert list(open_channels(SPEC, layout)["train"].blocks(10)) == []


def test_a_mode_the_channel_does_not_know_is_refused(layout: Layout) -> None:
    config = {"train": {"ContentType": "text/csv"}, "test": {"TrainingInputMode": "Pipe"}}
    configure(layout, {"a": b"1\n"})
    (layout.base / "input" / "config" / "inputdataconfig.json").write_text(json.dumps(config))
    with pytest.raises(CustomerError, match="cannot be read in Pipe mode"):
        open_channels(SPEC, layout)
