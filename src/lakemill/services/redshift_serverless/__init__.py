"""Redshift Serverless (https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/) over
`engines/warehouses`."""

from lakemill.services.redshift_serverless.service import RedshiftServerless

__all__ = ["RedshiftServerless"]
