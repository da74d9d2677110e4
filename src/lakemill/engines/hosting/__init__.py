"""Hosting: models behind endpoints, and batches of objects through models.

`endpoints.Hosting` keeps named fleets of serving processes, `routes` finds the one for a request; `fleet`, `variant`,
`slot` and `instance` keep the processes up; `client` is the hop to them; `batch` runs whole objects through a fleet.
"""

from lakemill.engines.hosting.client import Answer, StreamedAnswer
from lakemill.engines.hosting.endpoints import ENDPOINT, INSTANCES_MAX, Hosting
from lakemill.engines.hosting.errors import (
    AnswerTooLarge,
    AnswerTooLate,
    AnswerUnreadable,
    ArtifactError,
    EndpointBusy,
    EndpointMissing,
    EndpointNotServing,
    HostingError,
    NoInstance,
    NoTraffic,
    ServerError,
    ServerGone,
    StartFailed,
    VariantMissing,
)
from lakemill.engines.hosting.routes import ANSWER_S, BODY_BYTES_MAX
from lakemill.engines.hosting.serving import Launch, Model, Site
from lakemill.engines.hosting.variant import VariantSpec

__all__ = [
    "ANSWER_S",
    "BODY_BYTES_MAX",
    "ENDPOINT",
    "INSTANCES_MAX",
    "Answer",
    "AnswerTooLarge",
    "AnswerTooLate",
    "AnswerUnreadable",
    "ArtifactError",
    "EndpointBusy",
    "EndpointMissing",
    "EndpointNotServing",
    "Hosting",
    "HostingError",
    "Launch",
    "Model",
    "NoInstance",
    "NoTraffic",
    "ServerError",
    "ServerGone",
    "Site",
    "StartFailed",
    "StreamedAnswer",
    "VariantMissing",
    "VariantSpec",
]
