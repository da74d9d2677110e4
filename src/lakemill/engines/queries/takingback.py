"""Taking back what a statement wrote."""

import contextlib
from typing import Any

from lakemill.engines.catalog import Catalog, DatabaseMissing, Partitions, TableMissing
from lakemill.engines.objects import BucketMissing, ObjectMissing, Objects


def take_back_object(objects: Objects, uri: str) -> None:
    """Remove an object if it is there; blocks."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with contextlib.suppress(BucketMissing, ObjectMissing):
        objects.head(bucket, key)
        objects.remove(bucket, key)


async def take_back(catalog: Catalog, scope: str, what: dict[str, Any]) -> None:
    """Remove what a statement put into the catalog before it failed."""
    try:
        if "table" in what:
            await catalog.delete_table(scope, *what["table"])
        elif "database" in what:
            await catalog.delete_database(scope, what["database"])
        elif "partitions" in what:
            database, table, values = what["partitions"]
            await Partitions(catalog).remove(scope, database, table, values)
    except (DatabaseMissing, TableMissing):
        return  # It had not come to that, or somebody else removed it.
