"""Athena: SQL on the lake (https://docs.aws.amazon.com/athena/latest/APIReference/) over `engines/queries`."""

from lakemill.services.athena.service import Athena

__all__ = ["Athena"]
