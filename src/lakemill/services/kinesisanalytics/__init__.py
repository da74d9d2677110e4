"""Kinesis Data Analytics for SQL applications, by both of its APIs (clients `kinesisanalytics`, `kinesisanalyticsv2`).

One AWS service with two APIs over the same applications, so one folder: `v1` and `v2` hold the handlers; `parts` and
`changes` turn requests into documents of `engines/analytics`, `views` turns them back, `planning` makes plans of them.

https://docs.aws.amazon.com/kinesisanalytics/latest/dev/api-reference.html
https://docs.aws.amazon.com/managed-flink/latest/apiv2/Welcome.html
"""

from lakemill.services.kinesisanalytics.planning import Planning
from lakemill.services.kinesisanalytics.v1 import KinesisAnalytics
from lakemill.services.kinesisanalytics.v2 import KinesisAnalyticsV2

__all__ = ["KinesisAnalytics", "KinesisAnalyticsV2", "Planning"]
