"""Good bodies to begin with, and words that mutations may use."""

import json

import numpy as np
import scipy.sparse

from lakemill.formats import csv, libsvm, records

_TABLE = np.float32([[1, 0.5, -2.25], [0, 0, 1e-8], [3, 4e8, 0.1]])
_SPARSE = scipy.sparse.csr_matrix(_TABLE)
_ROWS = _TABLE.tolist()

SEEDS: dict[str, list[bytes]] = {
    "csv": [
        csv.encode(_TABLE),
        b"1;2\r\n3;4\r\n",
        b'"1", 2\n\n+3,-.5e3\n',
        b"\xef\xbb\xbf1\t2\n",
        b"nan,inf\n-inf,1\n",
    ],
    "libsvm": [libsvm.encode(_TABLE, _TABLE[:, 0]), b"1 qid:3 0:1 5:2 # words\n0 qid:3 1:1\n", b"0:1 2:3\n"],
    "recordio": [
        records.encode(_TABLE),
        records.encode(_TABLE, _TABLE[:, 0]),
        records.encode(_SPARSE),
        records.encode(_SPARSE, _TABLE[:, 0]),
        records.encode(_TABLE[:1]) + records.encode(_TABLE),
    ],
    "json": [
        json.dumps({"instances": [{"features": row} for row in _ROWS]}).encode(),
        json.dumps({"instances": [{"data": {"features": {"values": row}}} for row in _ROWS]}).encode(),
        b'{"instances": [{"data": {"features": {"keys": [0, 2], "shape": [4], "values": [1, 2.5]}}}]}',
    ],
    "jsonlines": [
        "\n".join(json.dumps({"features": row}) for row in _ROWS).encode(),
        b'{"data": {"features": {"keys": [1], "shape": [3], "values": [7]}}}\n{"features": [1, 2, 3]}\n',
    ],
}
WORDS: dict[str, list[bytes]] = {
    "csv": [
        b",",
        b";",
        b"\t",
        b"|",
        b" ",
        b"\n",
        b"\r\n",
        b'"',
        b"nan",
        b"inf",
        b"-",
        b"+",
        b"e",
        b".",
        b"0x1",
        b"1_0",
    ],
    "libsvm": [b":", b" ", b"\n", b"#", b"qid:", b"nan", b"-1", b"4294967296", b"1e400", b".", b"\t"],
    "recordio": [b"\x0a\x23\xd7\xce", b"values", b"\x0a", b"\x12", b"\x1a", b"\x80\x80\x80\x80\x08", b"\x0d", b"\x11"],
    "json": [
        b'"features"',
        b'"data"',
        b'"values"',
        b'"keys"',
        b'"shape"',
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"NaN",
        b"null",
    ],
    "jsonlines": [b'"features"', b"\n", b"[", b"]", b"{", b"}", b",", b"1e999", b"true", b'"1"', b"\\u0000"],
}
