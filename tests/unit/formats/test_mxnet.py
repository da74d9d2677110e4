import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as xnp

from lakemill.formats import mxnet
from lakemill.formats.errors import FormatError
from tests.unit.formats.conftest import cases

dtypes = st.sampled_from(["<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8"])
some = dtypes.flatmap(lambda dtype: xnp.arrays(dtype, xnp.array_shapes(max_dims=4, max_side=3, min_side=0)))


@pytest.mark.parametrize("case", cases("mxnet"))
def test_files_of_every_age_are_read(case):
    data = bytes.fromhex(case["bytes"])
    if "error" in case:
        with pytest.raises(FormatError) as caught:
            mxnet.decode(data)
        assert str(caught.value) == case["error"]
        return
    found = mxnet.decode(data)
    assert (list(found) if "names" in case else None) == case.get("names")
    arrays = list(found.values()) if isinstance(found, dict) else found
    assert [{"dtype": str(one.dtype), "values": one.tolist()} for one in arrays] == case["arrays"]
    if case.get("canonical"):
        assert mxnet.encode(found) == data


@given(st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=9), some, min_size=1, max_size=3))
@settings(max_examples=60)
def test_arrays_come_back(arrays):
    found = mxnet.decode(mxnet.encode(arrays))
    assert type(found) is type(arrays)
    pairs = (
        zip(found.values(), arrays.values(), strict=True)
        if isinstance(arrays, dict)
        else zip(found, arrays, strict=True)
    )
    for one, wanted in pairs:
        assert one.dtype == wanted.dtype and one.shape == wanted.shape
        assert one.tobytes() == wanted.tobytes()
        assert one.flags.writeable


def test_a_file_is_written_and_read(tmp_path):
    mxnet.write(tmp_path / "model_algo-1", {"mean": np.float32([[1, 2]]).T})
    assert mxnet.read(tmp_path / "model_algo-1")["mean"].tolist() == [[1], [2]]
    (tmp_path / "bad").write_bytes(b"x" * 20)
    with pytest.raises(FormatError, match=r"^bad: not an MXNet NDArray file"):
        mxnet.read(tmp_path / "bad")


def test_arrays_without_a_form_in_the_file_are_not_written():
    with pytest.raises(ValueError, match="got 1 dimensions of bool"):
        mxnet.encode([np.array([True])])
    with pytest.raises(ValueError, match="got 0 dimensions of float32"):
        mxnet.encode([np.float32(1)])


def test_big_endian_arrays_are_turned():
    assert mxnet.decode(mxnet.encode([np.array([1, 2], ">i4")]))[0].tolist() == [1, 2]


def by_rows(shape, places, rows):
    """An array stored by rows, as NDArray::Save writes it."""
    rows = np.float32(rows)
    head = struct.pack("<IiI2q", 0xF993FAC9, 1, 2, *rows.shape) + struct.pack("<I2qiii", 2, *shape, 1, 0, 0)
    aux = struct.pack("<iIq", 6, 1, len(places))
    body = head + aux + rows.tobytes() + np.int64(places).tobytes()
    return struct.pack("<QQQ", 0x112, 0, 1) + body + struct.pack("<QQ", 1, 1) + b"v"


def test_an_array_stored_by_rows_comes_out_whole():
    found = mxnet.decode(by_rows((4, 2), [1, 3], [[1, 2], [3, 4]]))
    assert found["v"].tolist() == [[0, 0], [1, 2], [0, 0], [3, 4]]


def test_rows_beyond_the_array_are_refused():
    with pytest.raises(FormatError, match="damaged"):
        mxnet.decode(by_rows((4, 2), [1, 4], [[1, 2], [3, 4]]))
