"""Redshift's clusters (https://docs.aws.amazon.com/redshift/latest/APIReference/) over `engines/warehouses`."""

from lakemill.services.redshift.service import Redshift

__all__ = ["Redshift"]
