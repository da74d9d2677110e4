"""Delivery streams: records taken in one by one and carried to a destination in bulk.

`delivery.Delivery` is the door; `plan` says what can be asked for, `worker` carries it out, `progress` is what
survives a restart. Sinks: `bucketsink` writes objects.
"""

from lakemill.engines.delivery.bucketsink import BucketSink, plain
from lakemill.engines.delivery.delivery import ACTIVE, CREATING, DELETING, KIND, Delivery
from lakemill.engines.delivery.errors import DeliveryError, NotDirect, NotReady, StaleVersion
from lakemill.engines.delivery.plan import Channel, Hints, Load, Outcome, Plan, Processed, Sink
from lakemill.engines.delivery.prefixes import Prefix, PrefixInvalid, delivery_prefix, error_prefix
from lakemill.engines.delivery.records import Failure, Record

__all__ = [
    "ACTIVE",
    "CREATING",
    "DELETING",
    "KIND",
    "BucketSink",
    "Channel",
    "Delivery",
    "DeliveryError",
    "Failure",
    "Hints",
    "Load",
    "NotDirect",
    "NotReady",
    "Outcome",
    "Plan",
    "Prefix",
    "PrefixInvalid",
    "Processed",
    "Record",
    "Sink",
    "StaleVersion",
    "delivery_prefix",
    "error_prefix",
    "plain",
]
