"""From the SQL of AWS products to DuckDB: `athena` is the door to Athena's."""
