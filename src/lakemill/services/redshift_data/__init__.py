"""Redshift's Data API (https://docs.aws.amazon.com/redshift-data/latest/APIReference/) over `engines/warehouses`."""

from lakemill.services.redshift_data.service import RedshiftData

__all__ = ["RedshiftData"]
