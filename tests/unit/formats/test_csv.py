import io
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lakemill.formats import csv, streams
from lakemill.formats.errors import FormatError
from tests.unit.formats.conftest import cases


@pytest.fixture(params=["small", "large"])
def either_reader(request, monkeypatch):
    """Plain Python for everything, or pyarrow for everything."""
    size = -1 if request.param == "large" else 1 << 60
    monkeypatch.setattr(csv, "SMALL_BYTES", size)
    monkeypatch.setattr(csv, "_WARM_BYTES", size)


@pytest.mark.parametrize("case", cases("csv"))
def test_text_is_read_or_refused_naming_the_place(case, either_reader):
    options = {name: case[name] for name in ("label_size", "weights", "delimiter", "missing") if name in case}
    if "error" in case:
        with pytest.raises(FormatError) as caught:
            csv.decode(case["text"].encode(), **options)
        assert str(caught.value) == case["error"]
        return
    block = csv.decode(case["text"].encode(), **options)
    assert block.features.dtype == np.float32 and block.features.flags.c_contiguous
    assert len(block) == len(case["rows"])
    if case["rows"]:
        assert np.array_equal(block.features, np.float32(case["rows"]), equal_nan=True)
    assert (block.labels.tolist() if "labels" in case else block.labels) == case.get("labels")
    assert (block.weights.tolist() if "weight" in case else block.weights) == case.get("weight")


@given(arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=st.floats(width=32)))
@settings(max_examples=60)
def test_what_is_written_comes_back(rows):
    text = csv.encode(rows)
    assert np.array_equal(csv.decode(text).features, rows, equal_nan=True)


def test_much_is_written_and_comes_back():
    rows = np.random.default_rng(1).normal(size=(3000, 4)).astype(np.float32)
    assert np.array_equal(csv.decode(csv.encode(rows)).features, rows)


def test_integers_and_columns_are_written_as_such():
    assert csv.encode(np.array([1, 2])) == b"1\n2\n"
    assert csv.encode([[1, 0.5]], delimiter=";") == b"1.0;0.5\n"
    with pytest.raises(ValueError, match="one or two dimensions; got 3"):
        csv.encode(np.zeros((1, 1, 1)))


@pytest.mark.parametrize("rows", [1, 13, 5000])
def test_blocks_have_exactly_the_rows_asked_for_across_files(tmp_path, rows, monkeypatch):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (700,))
    table = np.random.default_rng(2).random((500, 4), np.float32)
    for name, part in (("a.csv", table[:200]), ("b.csv", table[:0]), ("c.csv", table[200:])):
        (tmp_path / name).write_bytes(csv.encode(part).rstrip(b"\n"))
    found = list(csv.iter_blocks([tmp_path / name for name in ("a.csv", "b.csv", "c.csv")], rows, label_size=1))
    assert {len(one) for one in found[:-1]} <= {rows}
    assert np.array_equal(np.concatenate([one.features for one in found]), table[:, 1:])
    assert np.array_equal(np.concatenate([one.labels for one in found]), table[:, 0])


def test_an_error_deep_in_a_file_names_file_line_and_column(tmp_path, monkeypatch):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (64,))
    path = tmp_path / "part-0.csv"
    path.write_bytes(b"1,2\n" * 1000 + b"3,oops\n" + b"1,2\n" * 10)
    with pytest.raises(FormatError, match=r"^part-0.csv: line 1001, column 2: 'oops' is not a number$") as caught:
        list(csv.iter_blocks([path], 10))
    assert (caught.value.line, caught.value.column) == (1001, 2)


def test_an_error_deep_in_a_large_text_is_found_without_reading_it_all_slowly():
    text = b"1,2\n" * 200_000 + b"3,oops\n"
    tracemalloc.start()
    with pytest.raises(FormatError, match="line 200001, column 2"):
        csv.decode(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20  # Lists for one part of the text, not for all of it.


def test_a_line_longer_than_a_piece_is_read(monkeypatch):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (16,))
    table = np.arange(100, dtype=np.float32).reshape(2, 50)
    assert np.array_equal(next(csv.iter_blocks([io.BytesIO(csv.encode(table))], 2)).features, table)


def test_a_small_body_does_not_load_pyarrow():
    program = "import sys; from lakemill.formats import csv; csv.decode(b'1,2'); sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class TestFoundByFuzzing:
    def test_a_bare_carriage_return_ends_a_line_everywhere(self):
        assert csv.decode(b"1,2\r3,4").features.tolist() == [[1, 2], [3, 4]]
        with pytest.raises(FormatError, match="line 2 has 2 columns"):
            csv.decode(b"1.0,0.5,-2.25\n0.0,1\r\r,1e-08\n")

    def test_a_byte_order_mark_is_one_at_the_very_start_only(self, monkeypatch):
        monkeypatch.setattr(streams.Pieces.__init__, "__defaults__", (8,))
        with pytest.raises(FormatError, match="is not a number"):
            list(csv.iter_blocks([io.BytesIO(b"1\n2\n3\n4\n\xef\xbb\xbf5\n6\n")], 2))

    def test_blank_pieces_do_not_decide_the_delimiter(self, monkeypatch):
        monkeypatch.setattr(streams.Pieces.__init__, "__defaults__", (8,))
        (block,) = csv.iter_blocks([io.BytesIO(b"\n" * 20 + b"1;2\n3;4\n")], 5)
        assert block.features.tolist() == [[1, 2], [3, 4]]
