"""DataFormatConversionConfiguration: JSON records to Parquet or ORC, by the schema of a table in Glue's catalogue."""

from typing import Any

from lakemill.engines.catalog import Catalog, DatabaseMissing, TableMissing, VersionMissing
from lakemill.engines.delivery.bucketsink import Encode, NotEncodable
from lakemill.engines.delivery.columns import Columns, HiveJson, OpenX, Serde, columnar
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.services.firehose.access import RoleAccess
from lakemill.services.firehose.errors import invalid, refused

Config = dict[str, Any]
PARQUET = {
    "Compression": "compression",
    "BlockSizeBytes": "block_bytes",
    "PageSizeBytes": "page_bytes",
    "EnableDictionaryCompression": "dictionary",
    "WriterVersion": "writer",
}
ORC = {
    "Compression": "compression",
    "StripeSizeBytes": "stripe_bytes",
    "BlockSizeBytes": "block_bytes",
    "RowIndexStride": "row_index_stride",
    "PaddingTolerance": "padding_tolerance",
    "BloomFilterColumns": "bloom_columns",
    "BloomFilterFalsePositiveProbability": "bloom_false_positives",
    "DictionaryKeyThreshold": "dictionary_threshold",
    "FormatVersion": "format_version",
}


def enabled(config: Config) -> bool:
    """Whether a destination's configuration asks for it."""
    conversion = config.get("DataFormatConversionConfiguration")
    return conversion is not None and conversion.get("Enabled", True)


def validate(config: Config) -> None:
    """Raises ServiceError for what is wrong or not provided."""
    conversion = config["DataFormatConversionConfiguration"]
    for member in ("SchemaConfiguration", "InputFormatConfiguration", "OutputFormatConfiguration"):
        if member not in conversion:
            raise invalid(f"{member} must be given when DataFormatConversionConfiguration is enabled.")
    for member in ("RoleARN", "DatabaseName", "TableName"):
        if member not in conversion["SchemaConfiguration"]:
            raise invalid(f"SchemaConfiguration must have {member}.")
    if config["CompressionFormat"] != "UNCOMPRESSED":
        raise invalid("CompressionFormat must be UNCOMPRESSED when data format conversion is enabled.")
    if not 64 <= config["BufferingHints"].get("SizeInMBs", 128) <= 128:
        raise invalid("BufferingHints.SizeInMBs must be from 64 to 128 when data format conversion is enabled.")
    version = conversion["SchemaConfiguration"].get("VersionId", "LATEST")
    if version != "LATEST" and not version.isdigit():
        raise invalid(f"SchemaConfiguration.VersionId must be LATEST or a number; got {version}.")
    serde_of(conversion)
    output_of(conversion)


def serde_of(conversion: Config) -> Serde:
    """How records are read."""
    deserializer = conversion["InputFormatConfiguration"].get("Deserializer", {})
    if len(deserializer) != 1:
        raise invalid("Deserializer must be exactly one of OpenXJsonSerDe and HiveJsonSerDe.")
    if "HiveJsonSerDe" in deserializer:
        return HiveJson(tuple(deserializer["HiveJsonSerDe"].get("TimestampFormats", ())))
    options = deserializer["OpenXJsonSerDe"]
    return OpenX(
        options.get("CaseInsensitive", True),
        options.get("ConvertDotsInJsonKeysToUnderscores", False),
        options.get("ColumnToJsonKeyMappings", {}),
    )


def output_of(conversion: Config) -> tuple[str, Config]:
    """Parquet or Orc, and the options of its writer."""
    serializer = conversion["OutputFormatConfiguration"].get("Serializer", {})
    if len(serializer) != 1:
        raise invalid("Serializer must be exactly one of ParquetSerDe and OrcSerDe.")
    if "ParquetSerDe" in serializer:
        options = serializer["ParquetSerDe"]
        if options.get("MaxPaddingBytes"):
            raise refused("ParquetSerDe.MaxPaddingBytes", "row groups are not padded to a block of HDFS")
        return "Parquet", {name: options[member] for member, name in PARQUET.items() if member in options}
    options = serializer["OrcSerDe"]
    if options.get("EnablePadding"):
        raise refused("OrcSerDe.EnablePadding", "stripes are not padded to a block of HDFS")
    return "Orc", {name: options[member] for member, name in ORC.items() if member in options}


class Schema:
    """The table of a configuration."""

    def __init__(self, catalog: Catalog, access: RoleAccess, scope: str, config: Config) -> None:
        self._catalog, self._access, self._config = catalog, access, config
        account, region = scope.split("/")
        self.account, self.region = config.get("CatalogId", account), config.get("Region", region)

    @property
    def described(self) -> Config:
        """As records that failed name it."""
        return {
            "catalogId": self.account,
            "databaseName": self._config["DatabaseName"],
            "tableName": self._config["TableName"],
            "region": self.region,
            "versionId": self._config.get("VersionId", "LATEST"),
        }

    def columns(self) -> Columns:
        """The table's columns now. Raises NotEncodable."""
        database, table = self._config["DatabaseName"], self._config["TableName"]
        resource = f"arn:aws:glue:{self.region}:{self.account}:table/{database}/{table}"
        reason = self._access.refusal(self._config["RoleARN"], self.region, "glue:GetTableVersions", resource)
        if reason is not None:
            raise NotEncodable("DataFormatConversion.AccessDenied", reason)
        version = self._config.get("VersionId", "LATEST")
        try:
            found = self._catalog.table(
                f"{self.account}/{self.region}", database, table, None if version == "LATEST" else version
            )
        except (DatabaseMissing, TableMissing, VersionMissing) as missing:
            raise NotEncodable("DataFormatConversion.EntityNotFound", str(missing)) from None
        return [(column.name, column.type) for column in found.columns]


def encoding(pool: WorkerPool, schema: Schema, conversion: Config) -> Encode:
    """Records to a file of the format asked for."""
    kind, options = output_of(conversion)
    return columnar(
        pool, schema.columns, serde_of(conversion), kind, options, lambda code: f"DataFormatConversion.{code}"
    )


def extension(conversion: Config) -> str:
    """What names of its objects end with."""
    return "." + output_of(conversion)[0].lower()
