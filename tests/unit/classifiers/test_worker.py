"""The process that looks at files, through its messages."""

import io
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from lakemill.formats.messages import framed, read_message


def answers(*requests):
    command = [sys.executable, "-m", "lakemill.classifiers.worker", "--memory-mib", "1024"]
    done = subprocess.run(command, input=b"".join(map(framed, requests)), capture_output=True, check=True, timeout=60)
    source = io.BytesIO(done.stdout)
    return [read_message(source.read) for _ in requests]


def test_it_looks_at_files_and_checks_classifiers():
    target = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), target)
    data = target.getvalue()
    damaged = data[:20] + b"\xff" * (len(data) - 28) + data[-8:]
    samples = [["a", len(data), data, b""], ["b", 4, b"1,2\n", b""], ["c", len(damaged), damaged, b""]]
    long = ["d", 1 << 20, b"PAR1", b"\x00\x00\x08\x00PAR1"]
    first, second, third = answers(
        {"samples": [*samples, long], "custom": []},
        {"check": {"kind": "json", "name": "x", "json_path": "$.a[*]"}},
        {"check": {"kind": "grok", "name": "x", "classification": "x", "grok_pattern": "%{NOPE:a}"}},
    )
    findings = first["findings"]
    assert findings[0]["columns"] == [["a", "bigint"]]
    assert findings[1]["classification"] == "UNKNOWN"
    assert "error" in findings[2]
    assert findings[3] == {"more": {"head": 0, "tail": (8 << 16) + 8}}
    assert second == {"problem": ""}
    assert third == {"problem": "No pattern is named NOPE in the grok pattern."}
