import signal
import subprocess
import sys

from tests.unit.warehouse.lakework import Site

SCRIPT = """
import sys
from pathlib import Path
from tests.unit.warehouse.lakework import Site

site = Site(Path(sys.argv[1]))
site.make("t", "a integer")
site.run("insert into t values (7)")
site.lake.put("s3://lake/t/one", b"".join(b"%d\\n" % number for number in range(200_000)))
site.session.execute("copy t from 's3://lake/t/' iam_role default")
print("loaded", flush=True)
sys.stdin.read()
"""


def test_a_load_that_was_not_committed_is_gone_after_a_kill(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "loaded\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    site = Site(tmp_path, new=False)
    assert site.rows("t") == [(7,)]
    site.close()
