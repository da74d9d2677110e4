import datetime
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakemill.formats import parquet
from lakemill.formats.errors import FormatError


def written(columns, **options):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def test_numbers_of_every_kind_become_float32():
    block = parquet.decode(
        written(
            {
                "target": pa.array([1, 0, 1], pa.int64()),
                "real": pa.array([0.5, None, 2.5], pa.float64()),
                "half": pa.array(np.float16([1, 2, 3])),
                "small": pa.array([1, 2, None], pa.int8()),
                "yes": pa.array([True, False, None]),
                "price": pa.array([1, 2, None], pa.decimal128(5, 2)),
            }
        )
    )
    assert block.labels.tolist() == [1, 0, 1]
    nan = float("nan")
    wanted = np.float32([[0.5, 1, 1, 1, 1], [nan, 2, 2, 0, 2], [2.5, 3, nan, nan, nan]])
    assert np.array_equal(block.features, wanted, equal_nan=True)
    assert block.features.dtype == np.float32


def test_all_columns_are_features_without_a_label():
    block = parquet.decode(written({"a": [1.0], "b": [2.0]}), label_size=0)
    assert block.labels is None and block.features.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("column", "kind"),
    [(["x"], "string"), ([[1.0]], "list<element: double>"), ([datetime.date(2026, 1, 1)], "date32[day]")],
)
def test_columns_that_hold_no_numbers_are_refused_by_name(column, kind):
    with pytest.raises(FormatError) as caught:
        parquet.decode(written({"target": [1], "city": column}))
    assert str(caught.value) == f"column 2 ('city') must hold numbers; its type is {kind}"


@pytest.mark.parametrize("rows", [1, 17, 1000])
def test_blocks_have_exactly_the_rows_asked_for_across_files(tmp_path, rows):
    table = np.random.default_rng(1).random((300, 3), np.float32)
    for name, part in (("a", table[:110]), ("b", table[110:])):
        columns = {str(i): part[:, i] for i in range(3)}
        (tmp_path / name).write_bytes(written(columns, row_group_size=50))
    found = list(parquet.iter_blocks([tmp_path / "a", tmp_path / "b"], rows))
    assert [len(one) for one in found] == [rows] * (300 // rows) + [300 % rows] * (300 % rows > 0)
    assert np.array_equal(np.concatenate([one.features for one in found]), table[:, 1:])
    assert np.array_equal(np.concatenate([one.labels for one in found]), table[:, 0])


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"1,2,3\n" * 10)
    with pytest.raises(FormatError, match=r"^x: not a Parquet file that can be read: "):
        list(parquet.iter_blocks([tmp_path / "x"], 5))


def test_a_label_alone_is_refused():
    with pytest.raises(FormatError, match="1 columns holds no features"):
        parquet.decode(written({"a": [1]}))


class Fifo(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_a_stream_that_cannot_seek_may_be_several_files():
    marked = written({"0": [0.0] * 9, "1": np.frombuffer(b"PAR1PAR1" * 9, np.float64)}, compression="none")
    assert marked.count(b"PAR1PAR1") > 1
    found = list(parquet.blocks(Fifo(marked + written({"0": [1.0], "1": [2.0]}))))
    assert [len(block) for block in found] == [9, 1]
    assert found[1].labels.tolist() == [1] and found[1].features.tolist() == [[2]]
    assert list(parquet.blocks(Fifo(b""))) == []


def test_a_stream_that_breaks_off_is_refused():
    whole = written({"0": [1.0], "1": [2.0]})
    with pytest.raises(FormatError, match="not a Parquet file"):
        list(parquet.blocks(Fifo(whole + whole[:-5])))
