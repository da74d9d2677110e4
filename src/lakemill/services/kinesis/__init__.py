"""Kinesis Data Streams over engines/streams (https://docs.aws.amazon.com/kinesis/latest/APIReference/)."""

from lakemill.services.kinesis.service import Kinesis

__all__ = ["Kinesis"]
