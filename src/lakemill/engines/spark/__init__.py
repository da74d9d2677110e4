"""Where Spark on Java is: `environments` finds it."""

from lakemill.engines.spark.environments import COMMAND, Environment, Environments, SparkMissing

__all__ = ["COMMAND", "Environment", "Environments", "SparkMissing"]
