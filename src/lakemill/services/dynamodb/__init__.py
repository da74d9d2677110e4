"""DynamoDB: tables, items, conditions, indexes (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/).

tables         create, describe, update, delete tables; tags, expiry
items          get, put, update and delete an item
reads          Query and Scan
batches        several items, each for itself
transactions   several items, all or none
requests       conditions and updates in the modern and the older form (legacy), from requests
capacity       what an operation would have consumed
"""

from lakemill.services.dynamodb.service import DynamoDB

__all__ = ["DynamoDB"]
