"""The catalog as information_schema tells of it."""

from lakemill.lakesql.interface import Document, Lake, LakeRefused


class LakeCatalog:
    """What the caller may see. See `dialects.information.Catalog`."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def databases(self) -> list[str]:
        """Their names. Raises LakeRefused."""
        return [found["Name"] for found in self._lake.databases()]

    def tables(self, database: str) -> list[tuple[str, bool, list[tuple[str, str]]]]:
        """Name, whether it is a view, and columns with their Hive types. Raises LakeRefused."""
        try:
            found = self._lake.tables(database)
        except LakeRefused as refused:
            if refused.code == "EntityNotFoundException":  # It was dropped a moment ago.
                return []
            raise
        return [(one["Name"], one.get("TableType") == "VIRTUAL_VIEW", _columns(one)) for one in found]


def _columns(table: Document) -> list[tuple[str, str]]:
    columns = [*table.get("StorageDescriptor", {}).get("Columns", []), *table.get("PartitionKeys", [])]
    shown = [one for one in columns if (one.get("Parameters") or {}).get("iceberg.field.current") != "false"]
    return [(column["Name"], column.get("Type", "string")) for column in shown]
