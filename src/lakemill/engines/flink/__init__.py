"""Programs in Python for Apache Flink: found, run as processes beside the platform, saved and restored.

`environments` finds Flink, `program` says what can be asked for, `runner` keeps one program running; `attempt` is one
start of its processes (`launcher`), `manager` asks them, `store` and `states` know the folders, `shipping` the log.
"""

from lakemill.engines.flink.environments import PINS, Environments, Version, command
from lakemill.engines.flink.errors import FlinkError, FlinkMissing, SnapshotFailed
from lakemill.engines.flink.program import Keep, Program, Say
from lakemill.engines.flink.runner import Runner
from lakemill.engines.flink.store import Store

__all__ = [
    "PINS",
    "Environments",
    "FlinkError",
    "FlinkMissing",
    "Keep",
    "Program",
    "Runner",
    "Say",
    "SnapshotFailed",
    "Store",
    "Version",
    "command",
]
