"""What can go wrong with the catalog.

CatalogError
    DatabaseMissing     no database has this name
    DatabaseExists      one has it already
    TableMissing        the database has no such table
    TableExists         it has one already
    VersionMissing      the table has no such version
    VersionStale        the table is not at the version the caller saw
    CurrentVersion      the present version cannot be deleted
    PartitionMissing    the table has no partition of these values
    PartitionExists     it has one already
    FunctionMissing     the database has no such function
    FunctionExists      it has one already
    StatisticsMissing   nothing was measured of this column
    PolicyMissing       the scope has no policy
    PolicyChanged       the policy is not what the caller saw
    DefinitionWrong     a definition that contradicts itself or its table
    ExpressionWrong     a condition on partitions that cannot be read
"""


class CatalogError(Exception):
    """Base. The text can be shown to the user."""


class DatabaseMissing(CatalogError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Database {name} not found.")
        self.name = name


class DatabaseExists(CatalogError):
    def __init__(self) -> None:
        super().__init__("Database already exists.")


class TableMissing(CatalogError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Table {name} not found.")
        self.name = name


class TableExists(CatalogError):
    def __init__(self) -> None:
        super().__init__("Table already exists.")


class VersionMissing(CatalogError):
    def __init__(self) -> None:
        super().__init__("Version not found.")


class VersionStale(CatalogError):
    def __init__(self) -> None:
        super().__init__("Update table failed due to concurrent updates.")


class CurrentVersion(CatalogError):
    def __init__(self) -> None:
        super().__init__("The current version of a table cannot be deleted.")


class PartitionMissing(CatalogError):
    def __init__(self) -> None:
        super().__init__("Cannot find partition.")


class PartitionExists(CatalogError):
    def __init__(self) -> None:
        super().__init__("Partition already exists.")


class FunctionMissing(CatalogError):
    def __init__(self) -> None:
        super().__init__("Function not found.")


class FunctionExists(CatalogError):
    def __init__(self) -> None:
        super().__init__("Function already exists.")


class StatisticsMissing(CatalogError):
    """Field: column."""

    def __init__(self, column: str) -> None:
        super().__init__(f"Statistics of column {column} not found.")
        self.column = column


class PolicyMissing(CatalogError):
    def __init__(self) -> None:
        super().__init__("Policy not found.")


class PolicyChanged(CatalogError):
    """A sentence says what."""


class DefinitionWrong(CatalogError):
    """A sentence says what."""


class ExpressionWrong(CatalogError):
    """A sentence says what and where."""


CODES: dict[type[Exception], str] = {
    **dict.fromkeys(
        (DatabaseMissing, TableMissing, VersionMissing, PartitionMissing, FunctionMissing, StatisticsMissing),
        "EntityNotFoundException",
    ),
    PolicyMissing: "EntityNotFoundException",
    **dict.fromkeys((DatabaseExists, TableExists, PartitionExists, FunctionExists), "AlreadyExistsException"),
    **dict.fromkeys((DefinitionWrong, ExpressionWrong, CurrentVersion, CatalogError), "InvalidInputException"),
    PolicyChanged: "ConditionCheckFailureException",
    VersionStale: "ConcurrentModificationException",
}
"""How the API of catalogs calls them: Glue's, and what processes ask of the lake."""
