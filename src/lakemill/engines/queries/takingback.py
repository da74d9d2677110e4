"""Taking back what a statement wrote."""

import asyncio
import contextlib
from typing import Any

from lakemill.engines.catalog import Catalog, DatabaseMissing, Partitions, TableMissing
from lakemill.engines.objects import BucketMissing, ObjectMissing, Objects

_PAGE = 1000


def take_back_object(objects: Objects, uri: str) -> None:
    """Remove an object if it is there; blocks."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with contextlib.suppress(BucketMissing, ObjectMissing):
        objects.head(bucket, key)
        objects.remove(bucket, key)


def remove_below(objects: Objects, location: str) -> None:
    """Remove all objects below a location, at least a folder of a bucket; blocks."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    with contextlib.suppress(BucketMissing):
        while found := list(objects.listing(bucket, prefix, "", _PAGE)):
            for one in found:
                with contextlib.suppress(ObjectMissing):
                    objects.remove(bucket, one.key)


async def take_back(catalog: Catalog, objects: Objects, scope: str, what: dict[str, Any]) -> None:
    """Remove what a statement put into the catalog before it failed, or the objects of a table that it dropped."""
    try:
        if "dropped" in what:
            database, table, location = what["dropped"]
            with contextlib.suppress(DatabaseMissing, TableMissing):
                catalog.table(scope, database, table)
                return
            await asyncio.to_thread(remove_below, objects, location)
            return
        if "table" in what:
            await catalog.delete_table(scope, *what["table"])
        elif "database" in what:
            await catalog.delete_database(scope, what["database"])
        elif "partitions" in what:
            database, table, values = what["partitions"]
            await Partitions(catalog).remove(scope, database, table, values)
    except (DatabaseMissing, TableMissing):
        return  # It had not come to that, or somebody else removed it.
