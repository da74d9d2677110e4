"""`lakemill doctor`: what is missing on this machine, and the command that mends it."""

import importlib.util
import shutil
import subprocess
import sys
from typing import Any

from lakemill.settings import load

# Modules by the extra that brings them, and what they are for.
EXTRAS = {
    "algorithms": (("numpy", "scipy", "pyarrow", "numba", "sklearn", "xgboost", "faiss"), "the tabular algorithms"),
    "deep": (("torch",), "the deep-learning algorithms"),
}


def examine() -> list[dict[str, Any]]:
    """Findings: what, ok, optional, mend."""
    findings = [
        {
            "what": f"Python {sys.version_info.major}.{sys.version_info.minor} (3.11 or newer is needed)",
            "ok": sys.version_info >= (3, 11),
            "optional": False,
            "mend": "install Python 3.11",
        }
    ]
    for extra, (modules, purpose) in EXTRAS.items():
        absent = [name for name in modules if importlib.util.find_spec(name) is None]
        findings.append(
            {
                "what": f"{purpose}: {', '.join(absent or modules)}",
                "ok": not absent,
                "optional": True,
                "mend": f"pip install 'lakemill[{extra}]'",
            }
        )
    findings += [*_flink(), _spark()]
    findings.append(
        {
            "what": "network isolation of jobs (bubblewrap, Linux)",
            "ok": _isolates(),
            "optional": True,
            "mend": "apt-get install bubblewrap (Debian); without it EnableNetworkIsolation is refused",
        }
    )
    return findings


def _flink() -> list[dict[str, Any]]:
    """One for each version of Flink that can be had."""
    from lakemill.app import flink_environments  # It loads the platform, which the rest does not need.

    return [
        {
            "what": f"Flink applications {name}: PyFlink in an environment of its own, and Java",
            "ok": lacking is None,
            "optional": True,
            "mend": lacking or "",
        }
        for name, lacking in flink_environments(load()).items()
    ]


def _spark() -> dict[str, Any]:
    """Spark jobs that Sail cannot run."""
    from lakemill.app import spark_on_java

    lacking = spark_on_java(load())
    what = "Spark jobs with RDDs, MLlib or ORC: PySpark in an environment of its own, and Java"
    return {"what": what, "ok": lacking is None, "optional": True, "mend": lacking or ""}


def _isolates() -> bool:
    program = shutil.which("bwrap")
    if program is None:
        return False
    command = [program, "--unshare-net", "--dev-bind", "/", "/", "true"]
    return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
