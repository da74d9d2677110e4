"""Tables of the catalog as relations of DuckDB: which objects they are made of, and how each format is read."""
