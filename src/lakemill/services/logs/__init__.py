"""CloudWatch Logs: log groups, streams and their events (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/).

The work is done by engines/loglines. Subscriptions, metric filters and Insights queries are not provided yet.
"""

from lakemill.services.logs.service import Logs

__all__ = ["Logs"]
