"""Glue's Data Catalog over `engines/catalog` (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog.html)."""

from lakemill.services.glue.etl import Etl
from lakemill.services.glue.machinelearning import MachineLearning
from lakemill.services.glue.service import Glue

__all__ = ["Etl", "Glue", "MachineLearning"]
