"""Hosts that meet: processes with gloo between them."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from lakemill.algorithms.contract import SingleHost
from lakemill.container.collective import meeting
from lakemill.container.layout import Hosts

PROGRAM = """
import json, sys
import numpy as np
from lakemill.container.collective import meeting
from lakemill.container.layout import Hosts
hosts = tuple(json.loads(sys.argv[2]))
with meeting(Hosts(sys.argv[1], hosts)) as together:
    rank = together.rank
    {script}
"""


class Host:
    def __init__(self, folder: Path, name: str, hosts: list[str], script: str) -> None:
        program = PROGRAM.format(script=textwrap.indent(textwrap.dedent(script), "    ").strip())
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, name, json.dumps(hosts)],
            env={"PATH": "/usr/bin:/bin", "LAKEMILL_RENDEZVOUS": (folder / "meet").as_uri()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def together(folder: Path, script: str, count: int = 2) -> list[object]:
    names = [f"algo-{number + 1}" for number in range(count)]
    hosts = [Host(folder, name, names, script) for name in names]
    found = []
    for host in hosts:
        code, out, err = host.end()
        assert code == 0, err
        found.append(json.loads(out))
    return found


def test_one_host_meets_nobody_and_loads_no_torch() -> None:
    with meeting(Hosts()) as alone:
        assert isinstance(alone, SingleHost)
        assert alone.sum(np.arange(3)).tolist() == [0, 1, 2]
        assert (alone.gather("x"), alone.broadcast(4)) == (["x"], 4)
    program = "from lakemill.container import collective; import sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("count", [2, 3])
def test_sums_gathers_and_broadcasts(tmp_path: Path, count: int) -> None:
    script = """
        own = np.full((2, 2), rank + 1.0)
        total = together.sum(own)
        print(json.dumps({
            "rank": rank, "size": together.size, "own": own.tolist(), "total": total.tolist(),
            "integers": together.sum(np.int64(2**40)).item(), "scalar": together.sum(np.float32(rank)).item(),
            "gathered": [one["v"].tolist() for one in together.gather({"v": np.arange(rank)})],
            "first": together.broadcast(f"from {rank}"),
        }))
    """
    found = together(tmp_path, script, count)
    for rank, one in enumerate(found):
        assert one == {
            "rank": rank,
            "size": count,
            "own": [[rank + 1.0] * 2] * 2,
            "total": [[count * (count + 1) / 2] * 2] * 2,
            "integers": count * 2**40,
            "scalar": count * (count - 1) / 2,
            "gathered": [list(range(other)) for other in range(count)],
            "first": "from 0",
        }


def test_a_lost_host_is_an_error_to_the_others(tmp_path: Path) -> None:
    script = """
        together.sum(np.ones(1))
        print("met", flush=True)
        import time
        time.sleep(60 if rank == 1 else 0)
        together.sum(np.ones(1))
    """
    one, two = (Host(tmp_path, name, ["algo-1", "algo-2"], script) for name in ("algo-1", "algo-2"))
    assert two.process.stdout is not None
    assert two.process.stdout.readline() == "met\n"
    began = time.monotonic()
    two.process.send_signal(signal.SIGKILL)
    code, _, err = one.end()
    assert code == 1
    assert "InternalError: Another host of the job is lost" in err
    assert time.monotonic() - began < 30
    two.process.communicate()
