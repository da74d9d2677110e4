"""Against the real SDK 2.x: what it writes is read here, what is written here it reads."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from lakemill.formats import records

PYTHON = Path(__file__).parents[3] / ".venvs" / "sdk2" / "bin" / "python"
pytestmark = [pytest.mark.sdk2, pytest.mark.skipif(not PYTHON.exists(), reason="needs .venvs/sdk2 (make sdk2)")]

SCRIPT = r"""
import json, pathlib, sys
import numpy as np
from sagemaker import serializer_utils as writers
from sagemaker.amazon.common import read_records, write_numpy_to_dense_tensor
from sagemaker.amazon.record_pb2 import Record

def write_sparse(out, rows, labels):
    # What write_spmatrix_to_sparse_tensor does, which wants scipy installed.
    for index, row in enumerate(rows):
        record, columns = Record(), np.flatnonzero(row)
        writers._write_feature_tensor("Float32", record, row[columns])
        writers._write_keys_tensor("Float32", record, columns.astype(np.uint64))
        if labels is not None:
            writers._write_label_tensor(writers._resolve_type(labels.dtype), record, labels[index])
        writers._write_shape("Float32", record, len(row))
        writers._write_recordio(out, record.SerializeToString())

folder = pathlib.Path(sys.argv[1])
made = np.load(folder / "made.npz")
dense, labels = made["dense"], made["labels"]
sparse = dense * (dense > 0.6)
LABELS = {"none": None, **{name: labels.astype(name) for name in ("float32", "float64", "int64")}}
for name, column in LABELS.items():
    for dtype in ("float32", "float64", "int64"):
        with open(folder / f"dense-{dtype}-{name}.pbr", "wb") as out:
            write_numpy_to_dense_tensor(out, (dense * 10).astype(dtype), column)
    with open(folder / f"sparse-float32-{name}.pbr", "wb") as out:
        write_sparse(out, (sparse * 10).astype(np.float32), column)

def number(record, part, name="values"):
    tensor = getattr(record, part)[name].float32_tensor
    return {"values": list(tensor.values), "keys": list(tensor.keys), "shape": list(tensor.shape)}

def read(name):
    with open(folder / name, "rb") as stream:
        return read_records(stream)

answer = {
    "dense": [[number(one, "features"), number(one, "label")] for one in read("ours-dense")],
    "sparse": [[number(one, "features"), number(one, "label")] for one in read("ours-sparse")],
    "outputs": [{name: number(one, "label", name) for name in one.label} for one in read("ours-outputs")],
}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(5)
    return {"dense": rng.random((40, 300), np.float32), "labels": rng.integers(0, 300, 40)}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory, made):
    """The folder with the SDK's files, and what the SDK reads from ours."""
    folder = tmp_path_factory.mktemp("sdk")
    np.savez(folder / "made.npz", **made)
    sparse = scipy.sparse.csr_matrix(made["dense"] * (made["dense"] > 0.6))
    (folder / "ours-dense").write_bytes(records.encode(made["dense"], made["labels"]))
    (folder / "ours-sparse").write_bytes(records.encode(sparse, made["labels"]))
    outputs = {"score": made["dense"][:, 0], "projection": made["dense"][:, :3]}
    (folder / "ours-outputs").write_bytes(records.encode_outputs(outputs))
    command = [str(PYTHON), "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("labels", ["none", "float32", "float64", "int64"])
@pytest.mark.parametrize("kind", ["dense-float32", "dense-float64", "dense-int64", "sparse-float32"])
@pytest.mark.parametrize("path", ["usual", "general"])
def test_files_of_the_sdk_are_read(exchange, made, kind, labels, path, request):
    if path == "general":
        monkeypatch = request.getfixturevalue("monkeypatch")
        monkeypatch.setattr("lakemill.formats.records.uniform.decode", lambda *_: None)
    block = records.decode((exchange[0] / f"{kind}-{labels}.pbr").read_bytes())
    wanted = made["dense"] * 10
    if kind == "dense-int64":
        wanted = wanted.astype(int)
    if kind == "sparse-float32":
        wanted = wanted * (made["dense"] > 0.6)
        assert block.sparse
    assert np.allclose(block.dense(), wanted, rtol=1e-6)
    if labels == "none":
        assert block.labels is None
    else:
        assert block.labels.tolist() == made["labels"].tolist()


def test_the_sdk_reads_our_dense_records(exchange, made):
    for (features, label), row, wanted in zip(exchange[1]["dense"], made["dense"], made["labels"], strict=True):
        assert np.float32(features["values"]).tolist() == row.tolist()
        assert features["keys"] == features["shape"] == []
        assert label["values"] == [wanted]


def test_the_sdk_reads_our_sparse_records(exchange, made):
    for (features, label), row, wanted in zip(exchange[1]["sparse"], made["dense"], made["labels"], strict=True):
        assert features["shape"] == [300]
        assert features["keys"] == np.flatnonzero(row > 0.6).tolist()
        assert np.float32(features["values"]).tolist() == row[row > 0.6].tolist()
        assert label["values"] == [wanted]


def test_the_sdk_reads_our_outputs(exchange, made):
    for found, row in zip(exchange[1]["outputs"], made["dense"], strict=True):
        assert np.float32(found["score"]["values"]).tolist() == row[:1].tolist()
        assert np.float32(found["projection"]["values"]).tolist() == row[:3].tolist()
