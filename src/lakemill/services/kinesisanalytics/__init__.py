"""Kinesis Data Analytics, by both of its APIs (clients `kinesisanalytics`, `kinesisanalyticsv2`): SQL, and Flink.

One AWS service with two APIs over the same applications, so one folder: `v1` and `v2` hold the handlers; `parts` and
`changes` turn requests into documents of `engines/analytics`, `views` turns them back, `planning` makes plans of them.
Flink applications are the second API's alone: `flink` reads their requests, `flinkplan` makes programs of them.

https://docs.aws.amazon.com/kinesisanalytics/latest/dev/api-reference.html
https://docs.aws.amazon.com/managed-flink/latest/apiv2/Welcome.html
"""

from lakemill.services.kinesisanalytics.credentials import PATH as CREDENTIALS_PATH
from lakemill.services.kinesisanalytics.credentials import Credentials
from lakemill.services.kinesisanalytics.flinkplan import Programming
from lakemill.services.kinesisanalytics.planning import Planning
from lakemill.services.kinesisanalytics.v1 import KinesisAnalytics
from lakemill.services.kinesisanalytics.v2 import KinesisAnalyticsV2

__all__ = [
    "CREDENTIALS_PATH",
    "Credentials",
    "KinesisAnalytics",
    "KinesisAnalyticsV2",
    "Planning",
    "Programming",
]
