"""SQL on the lake, in a process of its own: one statement at a time, in the dialect of its product.

    dialects/    from Trino's, Hive's and Redshift's SQL to DuckDB's, and the functions DuckDB lacks
    ddl/         Hive's statements about databases, tables and partitions: parsed and carried out
    scans/       tables of the catalog as relations of DuckDB: file formats, SerDes, partitions
    results/     answers in the forms clients read
    worker.py    the process; interface.py: what it and the platform say to each other

The process has no rights of its own: what it may see of catalog and lake, the platform hands it.
"""
