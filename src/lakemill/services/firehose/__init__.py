"""Data Firehose (https://docs.aws.amazon.com/firehose/latest/APIReference/), over the engine `delivery`."""

from lakemill.services.firehose.service import Firehose

__all__ = ["Firehose"]
