"""The process that fills the FIFOs of a host."""

import json
import subprocess
import sys
import time


def test_a_failure_is_told_before_the_reader_sees_the_end(tmp_path):
    broken = tmp_path / "broken"
    broken.write_bytes(b"this is no gzip")
    plan, failure = tmp_path / "plan.json", tmp_path / "failure"
    channel = {"files": [str(broken)], "gzip": True, "wrap": False, "seed": None}
    plan.write_text(json.dumps({"folder": str(tmp_path), "failure": str(failure), "channels": {"train": channel}}))
    feeding = subprocess.Popen([sys.executable, "-m", "lakemill.container.pipes", str(plan)])
    while not (tmp_path / "train_0").exists():
        assert feeding.poll() is None
        time.sleep(0.01)
    with open(tmp_path / "train_0", "rb") as pipe:
        assert pipe.read() == b""
    assert failure.read_text().startswith("ClientError: Data of channel train could not be read: Not a gzipped")
    assert feeding.wait(10) == 1
