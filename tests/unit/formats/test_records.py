import io

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lakemill.formats import jit, recordio, records
from lakemill.formats.errors import FormatError
from lakemill.formats.records import message, uniform, wire
from tests.unit.formats.conftest import cases

floats = st.floats(width=32, allow_nan=False)
matrices = st.integers(1, 6).flatmap(
    lambda d: arrays(np.float32, st.tuples(st.integers(1, 9), st.just(d)), elements=floats)
)


def record(values=(), keys=(), shape=(), label=None, kind=message.FLOAT32, extra=b""):
    """A Record's bytes in the SDK's form."""
    parts = wire.span(1, np.asarray(values, {2: "<f4", 3: "<f8"}[kind]).tobytes()) if len(values) else b""
    for number, numbers in ((2, keys), (3, shape)):
        if len(numbers):
            parts += wire.span(number, b"".join(map(wire.encode_varint, numbers)))
    data = wire.span(1, wire.span(1, b"values") + wire.span(2, wire.span(kind, parts)))
    if label is not None:
        tensor = wire.span(message.FLOAT32, wire.span(1, np.float32(label).tobytes()))
        data += wire.span(2, wire.span(1, b"values") + wire.span(2, tensor))
    return data + extra


def decoded(*payloads, **options):
    return records.decode(recordio.encode(payloads), **options)


@pytest.mark.parametrize("case", cases("records"))
def test_a_record_is_read_whatever_its_form(case, general_path):
    payload = bytes.fromhex(case["payload"])
    if "error" in case:
        with pytest.raises(FormatError) as caught:
            decoded(payload)
        assert str(caught.value) == case["error"]
        assert caught.value.record == 1
        return
    block = decoded(payload, payload)
    assert block.dense().tolist() == [case["features"]] * 2
    assert block.features.dtype == np.float32
    if "label" in case:
        assert block.labels.tolist() == [case["label"]] * 2
    else:
        assert block.labels is None


@pytest.mark.parametrize("case", [one for one in cases("records") if "error" not in one.values[0]])
def test_the_fast_path_reads_the_same(case):
    payload = bytes.fromhex(case["payload"])
    block = decoded(payload, payload, payload)
    assert block.dense().tolist() == [case["features"]] * 3
    assert (None if block.labels is None else block.labels.tolist()) == (
        [case["label"]] * 3 if "label" in case else None
    )


@given(matrices, st.data())
@settings(max_examples=60)
def test_dense_arrays_come_back(features, data):
    labels = data.draw(st.none() | arrays(np.float32, len(features), elements=floats))
    block = records.decode(records.encode(features, labels))
    assert np.array_equal(block.features, features) and block.features.flags.c_contiguous
    assert (labels is None and block.labels is None) or np.array_equal(block.labels, labels)


@given(matrices)
@settings(max_examples=60)
def test_sparse_arrays_come_back(features):
    sparse = scipy.sparse.csr_matrix(features)
    block = records.decode(records.encode(sparse, features[:, 0]))
    assert block.sparse and np.array_equal(block.dense(), features)
    assert np.array_equal(block.labels, features[:, 0])


def test_wide_sparse_arrays_come_back(general_path):
    sparse = scipy.sparse.random(300, 40_000, 0.002, "csr", np.float32, random_state=1)
    block = records.decode(records.encode(sparse))
    assert (block.features != sparse).nnz == 0
    assert block.features.has_sorted_indices
    assert block.features.indices.dtype == np.int32


def test_a_slice_of_a_sparse_array_is_written_as_what_it_is():
    sparse = scipy.sparse.random(50, 20, 0.3, "csr", np.float32, random_state=2)[7:31]
    assert (records.decode(records.encode(sparse)).features != sparse).nnz == 0


def test_dense_rows_among_sparse_ones(general_path):
    block = decoded(record([1, 2, 3]), record([9], [1], [3]), record(shape=[3]), record([4, 5, 6], shape=[3]))
    assert block.sparse
    assert block.dense().tolist() == [[1, 2, 3], [0, 9, 0], [0, 0, 0], [4, 5, 6]]


def test_keys_out_of_order_are_sorted_and_repeated_ones_add_up(general_path):
    block = decoded(record([1, 2, 4], [2, 0, 2], [4]))
    assert block.features.has_sorted_indices
    assert block.dense().tolist() == [[2, 0, 5, 0]]


def test_float64_and_float32_may_alternate(general_path):
    assert decoded(record([1.5]), record([2.5], kind=message.FLOAT64)).features.tolist() == [[1.5], [2.5]]


def test_values_in_several_packed_runs_are_joined(general_path):
    tensor = wire.span(1, np.float32([1, 2]).tobytes()) + wire.span(1, np.float32([3]).tobytes())
    payload = wire.span(1, wire.span(1, b"values") + wire.span(2, wire.span(2, tensor)))
    assert decoded(payload).features.tolist() == [[1, 2, 3]]


def test_labels_of_chosen_names_make_the_columns(general_path):
    def labelled(a, b):
        entries = [(b"a", a), (b"b", b)]
        tensors = [wire.span(2, wire.span(2, wire.span(1, np.float32(value).tobytes()))) for _, value in entries]
        return record([0]) + b"".join(
            wire.span(2, wire.span(1, name) + tensor) for (name, _), tensor in zip(entries, tensors, strict=True)
        )

    both = decoded(labelled(1, [2, 3]), labelled(4, [5, 6]), label_names=("b", "a"))
    assert both.labels.tolist() == [[2, 3, 1], [5, 6, 4]]
    assert decoded(labelled(1, 2), label_names=("a",)).labels.tolist() == [1]
    assert decoded(labelled(1, 2)).labels is None


@pytest.mark.parametrize(
    ("payloads", "text"),
    [
        ([record([1, 2]), record([1, 2]), record([1])], "record 3 has 1 features; the records before it have 2"),
        ([record([1], [0], [4]), record([1], [0], [5])], "record 2 has 5 features; the records before it have 4"),
        ([record([1], label=1), record([1])], "record 2 has 0 labels; the records before it have 1"),
        ([record([1], label=1), record([1], label=[1, 2])], "record 2 has 2 labels; the records before it have 1"),
        ([record([1]), record([2]), b""], "record 3 has no feature 'values'; its features are none"),
        ([record([1], [0], [4]), record([1, 2], [0, 4], [4])], "record 2 has the key 4, which is outside of"),
    ],
)
def test_what_does_not_go_together_is_named_by_record(payloads, text, general_path):
    with pytest.raises(FormatError) as caught:
        decoded(*payloads)
    assert str(caught.value).startswith(text)
    assert caught.value.record == len(payloads)


def test_damage_in_a_large_buffer_is_named(general_path):
    data = recordio.encode([record([1, 2], label=i) for i in range(20)])
    with pytest.raises(FormatError, match=r"record 20 at byte .* ends early"):
        records.decode(data[:-5])


def test_records_split_at_an_embedded_magic_are_read(general_path):
    value = np.frombuffer(recordio.MAGIC_BYTES, "<f4")[0]
    aligned = b"\x1a\x02ab"  # Four bytes of uid, so that the values are aligned.
    payloads = [aligned + record([value, 1]), aligned + record([2, 3])]
    data = b"".join(
        recordio.encode_split([b"\x22" + bytes([pad]) + bytes(pad) + one]) for one in payloads for pad in (0, 1, 2, 3)
    )
    assert recordio.encode_split(payloads) != recordio.encode(payloads) or len(data) > 0
    block = records.decode(data)
    assert block.features.tolist() == [[value, 1]] * 4 + [[2, 3]] * 4


def uniform_parts(count=5000, width=7):
    rng = np.random.default_rng(3)
    return rng.random((count, width), np.float32), rng.integers(0, 9, count).astype(np.float32)


def test_uniform_records_take_the_fast_path():
    features, labels = uniform_parts()
    data = np.frombuffer(records.encode(features, labels), np.uint8)
    fast = uniform.decode(data, ("values",), False)
    assert fast is not None and fast[2] == len(data)
    assert np.array_equal(fast[0], features) and np.array_equal(fast[1][:, 0], labels)


@pytest.mark.parametrize("place", [0, 4, 8, 9, 12, 20, 23, 52, 66])
def test_one_different_byte_among_thousands_of_records_is_noticed(place):
    features, labels = uniform_parts()
    data = bytearray(records.encode(features, labels))
    frame = len(data) // len(features)
    data[4321 * frame + place] ^= 1
    assert uniform.decode(np.frombuffer(data, np.uint8), ("values",), False) is None


def test_uniform_records_may_differ_in_their_uid():
    payloads = [record([i, 2], label=i, extra=wire.span(3, b"%04d" % i)) for i in range(50)]
    data = np.frombuffer(recordio.encode(payloads), np.uint8)
    features, labels, _ = uniform.decode(data, ("values",), False)
    assert features[:, 0].tolist() == labels[:, 0].tolist() == list(range(50))


def int_labelled(label):
    tensor = wire.span(message.INT32, wire.span(1, wire.encode_varint(label)))
    return record([label / 2]) + wire.span(2, wire.span(1, b"values") + wire.span(2, tensor))


def test_int32_labels_of_one_byte_take_the_fast_path():
    data = np.frombuffer(recordio.encode(map(int_labelled, range(128))), np.uint8)
    assert uniform.decode(data, ("values",), False)[1][:, 0].tolist() == list(range(128))


def test_int32_labels_of_two_bytes_are_read_too():
    assert decoded(*map(int_labelled, (1, 200))).labels.tolist() == [1, 200]
    assert decoded(*map(int_labelled, (300, 200))).labels.tolist() == [300, 200]


@pytest.mark.parametrize("rows", [1, 7, 64, 1000])
@pytest.mark.parametrize("kind", ["dense", "sparse", "varying"])
def test_blocks_have_exactly_the_rows_asked_for_across_files(tmp_path, rows, kind, monkeypatch):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (512,))
    features = scipy.sparse.random(211, 9, 0.4, "csr", np.float32, random_state=4)
    labels = np.arange(211, dtype=np.float32)
    paths = []
    for number, part in enumerate([slice(0, 100), slice(100, 100), slice(100, 211)]):
        some = features[part] if kind == "sparse" else features[part].toarray()
        data = records.encode(some, labels[part])
        if kind == "varying":
            data = recordio.encode(
                [bytes(one) + wire.span(3, b"x" * (i % 5)) for i, one in enumerate(recordio.frames(data))]
            )
        paths.append(tmp_path / f"{number}.pbr")
        paths[-1].write_bytes(data)
    found = list(records.iter_blocks(paths, rows))
    assert [len(one) for one in found] == [rows] * (211 // rows) + [211 % rows] * (211 % rows > 0)
    assert np.array_equal(np.concatenate([one.dense() for one in found]), features.toarray())
    assert np.array_equal(np.concatenate([one.labels for one in found]), labels)


def test_a_record_larger_than_a_piece_is_read(monkeypatch):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (64,))
    features = np.arange(500, dtype=np.float32).reshape(2, 250)
    assert np.array_equal(next(records.iter_blocks([io.BytesIO(records.encode(features))], 2)).features, features)


def test_blocks_stay_what_they_were_when_more_is_read(monkeypatch):
    monkeypatch.setattr("lakemill.formats.streams.Pieces.__init__.__defaults__", (256,))
    features = np.arange(400, dtype=np.float32).reshape(100, 4)
    found = list(records.iter_blocks([io.BytesIO(records.encode(features))], 3))
    assert np.array_equal(np.concatenate([one.features for one in found]), features)


def test_an_error_in_a_file_names_file_and_record(tmp_path):
    good, bad = tmp_path / "a.pbr", tmp_path / "b.pbr"
    good.write_bytes(recordio.encode([record([1, 2])]))
    bad.write_bytes(recordio.encode([record([1, 2]), record([1])]))
    with pytest.raises(FormatError, match=r"^b.pbr: record 2 has 1 features") as caught:
        list(records.iter_blocks([good, bad], 1))
    assert (caught.value.file, caught.value.record) == ("b.pbr", 2)


def test_files_of_different_width_are_refused(tmp_path):
    for name, width in (("a.pbr", 3), ("b.pbr", 4)):
        (tmp_path / name).write_bytes(records.encode(np.zeros((2, width), np.float32)))
    with pytest.raises(FormatError, match=r"b.pbr: the records have 4 features; those before have 3"):
        list(records.iter_blocks([tmp_path / "a.pbr", tmp_path / "b.pbr"], 10))


def test_nothing_is_no_records():
    assert len(records.decode(b"")) == 0
    assert list(records.iter_blocks([io.BytesIO(b"")], 5)) == []


def test_shapes_that_do_not_go_together_are_not_written():
    with pytest.raises(ValueError, match="two dimensions; got 1"):
        records.encode(np.zeros(3))
    with pytest.raises(ValueError, match="one label per record; got 2 for 3"):
        records.encode(np.zeros((3, 1)), np.zeros(2))


@pytest.mark.parametrize(
    "outputs",
    [
        {"score": np.float32([0.5, 1.5])},
        {"score": np.float32([[0.1, 0.9], [0.7, 0.3]]), "predicted_label": np.array([1, 0])},
        {"labels": [[1, 2, 3], [4]], "score": [1.0, 2.0]},
        {"nothing": np.empty((2, 0), np.float32), "score": np.float32([1, 2])},
    ],
)
def test_outputs_come_back_by_name(outputs):
    found = records.decode_outputs(records.encode_outputs(outputs))
    assert len(found) == 2
    for i, one in enumerate(found):
        assert list(one) == list(outputs)
        for name, column in outputs.items():
            assert one[name].dtype == np.float32
            assert one[name].tolist() == np.atleast_1d(np.float32(column[i])).tolist()


def test_outputs_must_agree_in_their_number():
    with pytest.raises(ValueError, match=r"one entry per record; got \{'a': 1, 'b': 2\}"):
        records.encode_outputs({"a": [1], "b": [1, 2]})


def test_features_of_several_names_come_as_arrays():
    tokens = [wire.span(1, wire.span(1, name) + wire.span(2, wire.span(7, wire.span(1, bytes(ids)))))
              for name, ids in ((b"source", [4, 5, 6]), (b"target", [7]))]  # fmt: skip
    (found,) = records.decode_features(recordio.encode([b"".join(tokens)]))
    assert {name: one.tolist() for name, one in found.items()} == {"source": [4, 5, 6], "target": [7]}
    assert found["source"].dtype == np.int32


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused(payload):
    with pytest.MonkeyPatch.context() as patch:
        outcomes = []
        for size in (0, 1 << 60):
            patch.setattr(jit, "COLD_BYTES", size)
            patch.setattr(jit, "WARM_BYTES", size)
            try:
                block = decoded(payload)
                outcomes.append((block.dense().tobytes(), None if block.labels is None else block.labels.tobytes()))
            except FormatError as wrong:
                outcomes.append(str(wrong))
    assert outcomes[0] == outcomes[1]


VALID = record([1, 2], [0, 300], [500], label=7, extra=wire.span(3, b"id"))


@given(st.integers(0, len(VALID) - 1), st.integers(0, 255))
@settings(max_examples=300)
def test_a_damaged_record_is_read_alike_by_both_codes(place, byte):
    payload = bytearray(VALID)
    payload[place] = byte
    test_any_bytes_are_read_or_refused.hypothesis.inner_test(bytes(payload))


@pytest.mark.parametrize(
    "tag", [b"\x8a\x80\x80\x80\x80\x00", b"\xff\xff\xff\xff\xff\x01", b"\x82\x80\x80\x80\x80\x80\x01"]
)
def test_a_tag_of_more_bits_than_a_field_number_has_is_refused(tag, general_path):
    good = records.encode(np.float32([[1, 2]]))
    payload = good[8 : 8 + int.from_bytes(good[4:8], "little")]
    with pytest.raises(FormatError, match="is not a protobuf Record"):
        records.decode(recordio.encode([payload, payload + tag + b"\x00"]))
