"""Applications of streaming SQL over streams: `engine` is the door, `plan` says what can be asked for.

The SQL itself runs in worker processes (`lakemill.streamsql`), one for each running application.
"""

from lakemill.engines.analytics.engine import KIND, PARTS, Analytics, part_of
from lakemill.engines.analytics.errors import (
    AnalyticsError,
    ApplicationBusy,
    CodeInvalid,
    PartMissing,
    SchemaUndetected,
    StaleVersion,
    Unreachable,
    WorkerFailed,
)
from lakemill.engines.analytics.plan import Input, Output, Place, Plan, Raw, Reference
from lakemill.engines.analytics.runner import LAST
from lakemill.engines.analytics.sinks import batches
from lakemill.engines.analytics.sources import NOW, OLDEST, Source

__all__ = [
    "KIND",
    "LAST",
    "NOW",
    "OLDEST",
    "PARTS",
    "Analytics",
    "AnalyticsError",
    "ApplicationBusy",
    "CodeInvalid",
    "Input",
    "Output",
    "PartMissing",
    "Place",
    "Plan",
    "Raw",
    "Reference",
    "SchemaUndetected",
    "Source",
    "StaleVersion",
    "Unreachable",
    "WorkerFailed",
    "batches",
    "part_of",
]
