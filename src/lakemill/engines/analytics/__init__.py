"""Applications over streams, in SQL or for Flink: `engine` is the door, `plan` says what can be asked for.

SQL runs in worker processes (`lakemill.streamsql`), one for each running application; programs for Flink in
`engines/flink`, with `programs` between.
"""

from lakemill.engines.analytics.engine import KIND, PARTS, Analytics, part_of
from lakemill.engines.analytics.errors import (
    AnalyticsError,
    ApplicationBusy,
    CodeInvalid,
    PartMissing,
    SchemaUndetected,
    SnapshotMissing,
    StaleVersion,
    Unreachable,
    WorkerFailed,
)
from lakemill.engines.analytics.plan import Input, Output, Place, Plan, Raw, Reference
from lakemill.engines.analytics.programs import CUSTOM, LATEST, SKIP, SNAPSHOT, Programs
from lakemill.engines.analytics.runner import LAST
from lakemill.engines.analytics.sinks import batches
from lakemill.engines.analytics.sources import NOW, OLDEST, Source

__all__ = [
    "CUSTOM",
    "KIND",
    "LAST",
    "LATEST",
    "NOW",
    "OLDEST",
    "PARTS",
    "SKIP",
    "SNAPSHOT",
    "Analytics",
    "AnalyticsError",
    "ApplicationBusy",
    "CodeInvalid",
    "Input",
    "Output",
    "PartMissing",
    "Place",
    "Plan",
    "Programs",
    "Raw",
    "Reference",
    "SchemaUndetected",
    "SnapshotMissing",
    "Source",
    "StaleVersion",
    "Unreachable",
    "WorkerFailed",
    "batches",
    "part_of",
]
