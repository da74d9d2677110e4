import gzip
import io
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakemill.formats import content, csv, libsvm, records
from lakemill.formats.errors import FormatError, UnsupportedType

TABLE = np.float32([[1, 0.5, 2], [0, 1.5, 3], [1, 2.5, 4]])


def parquet_bytes():
    out = io.BytesIO()
    pq.write_table(pa.table({str(i): TABLE[:, i] for i in range(3)}), out)
    return out.getvalue()


def json_lines():
    return b"".join(json.dumps({"features": row}).encode() + b"\n" for row in TABLE[:, 1:].tolist())


BODIES = {
    "text/csv": csv.encode(TABLE),
    "csv": csv.encode(TABLE),
    "text/csv; label_size=1;charset=UTF-8": csv.encode(TABLE),
    "text/csv;label_size=0": csv.encode(TABLE[:, 1:]),
    "text/libsvm": libsvm.encode(TABLE[:, 1:], TABLE[:, 0]),
    "text/x-libsvm": libsvm.encode(TABLE[:, 1:], TABLE[:, 0]),
    "libsvm": libsvm.encode(TABLE[:, 1:], TABLE[:, 0]),
    "application/x-parquet": parquet_bytes(),
    "parquet": parquet_bytes(),
    "Application/X-RecordIO-Protobuf": records.encode(TABLE[:, 1:], TABLE[:, 0]),
    "recordio-protobuf": records.encode(TABLE[:, 1:], TABLE[:, 0]),
    "application/jsonlines": json_lines(),
    "application/json": b'{"instances":[%s]}' % json_lines().strip().replace(b"\n", b","),
}
UNLABELLED = ("text/csv;label_size=0", "application/jsonlines", "application/json")


@pytest.mark.parametrize("kind", BODIES)
def test_every_type_is_read_from_bodies_and_from_files(kind, tmp_path):
    body = BODIES[kind]
    (tmp_path / "one").write_bytes(body)
    (tmp_path / "two.gz").write_bytes(gzip.compress(body))
    files = [tmp_path / "one", tmp_path / "two.gz"]
    blocks = list(content.iter_blocks(files, kind, 4, label_size_default=1))
    assert [len(one) for one in blocks] == [4, 2]
    for block, wanted in (
        (content.decode(body, kind, label_size_default=1), TABLE),
        (content.read(files, kind, label_size_default=1), np.vstack([TABLE, TABLE])),
        (blocks[0], np.vstack([TABLE, TABLE])[:4]),
    ):
        assert block.dense().tolist() == wanted[:, 1:].tolist()
        assert (block.labels is None) if kind in UNLABELLED else (block.labels.tolist() == wanted[:, 0].tolist())


def test_requests_have_no_label_unless_they_say_so():
    assert content.decode(b"1,2", "text/csv").features.tolist() == [[1, 2]]
    assert content.decode(b"1,2", "text/csv;label_size=1").labels.tolist() == [1]
    assert content.decode(b"0:1", "text/libsvm").dense().tolist() == [[1]]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("image/png", "content type 'image/png' is not supported; must be one of text/csv, "),
        ("", "content type '' is not supported"),
        ("text/csv;charset=utf-16", "charset of text/csv must be utf-8; got 'utf-16'"),
        ("text/csv;header=present", "parameter 'header' of content type 'text/csv;header=present' is not supported"),
        ("application/json;label_size=1", "parameter 'label_size' of content type"),
    ],
)
def test_what_is_not_known_is_refused_by_name(kind, message):
    with pytest.raises(UnsupportedType) as caught:
        content.decode(b"1", kind)
    assert str(caught.value).startswith(message)
    assert content.supported(kind) == (kind.partition(";")[0] in ("text/csv", "application/json"))


def test_a_label_size_other_than_0_and_1_is_refused():
    with pytest.raises(FormatError, match="label_size of text/csv must be 0 or 1; got '2'"):
        content.decode(b"1,2", "text/csv;label_size=2")


def test_options_reach_the_reader():
    block = content.decode(b"1;0.5;", "text/csv", label_size_default=1, weights=True, delimiter=";", missing=True)
    assert block.weights.tolist() == [0.5] and np.isnan(block.features).all()
    with pytest.raises(TypeError, match="unexpected keyword argument 'wieghts'"):
        content.decode(b"1", "text/csv", wieghts=True)


def test_nothing_is_an_empty_block(tmp_path):
    for kind in BODIES:
        if "json" not in kind or "jsonlines" in kind:
            if "parquet" not in kind:
                assert len(content.decode(b"", kind, label_size_default=1)) == 0
            assert len(content.read([], kind, label_size_default=1)) == 0
            assert list(content.iter_blocks([], kind, 5, label_size_default=1)) == []


def test_gzip_is_unpacked_where_it_is_and_refused_where_it_is_broken(tmp_path):
    assert content.gunzip(gzip.compress(b"1,2")) == content.gunzip(b"1,2") == b"1,2"
    with pytest.raises(FormatError, match="starts as gzip but does not unpack"):
        content.gunzip(b"\x1f\x8bxx")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 1000)[:-9])
    with pytest.raises(FormatError, match=r"^a.csv.gz: the file starts as gzip but does not unpack"):
        content.read([tmp_path / "a.csv.gz"], "text/csv", label_size_default=0)


def test_rows_must_be_positive():
    with pytest.raises(ValueError, match="rows must be a positive integer; got 0"):
        list(content.iter_blocks([io.BytesIO(b"1")], "text/csv", 0, label_size_default=0))


def test_the_entry_loads_nothing_heavy_but_numpy():
    program = (
        "import sys; from lakemill.formats import content; content.decode(b'1,2', 'text/csv');"
        "sys.exit(', '.join({'numba', 'scipy', 'pyarrow'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
