"""Bytes and records: every record format in both directions, by the block.

`content` reads any of them by its content type; `block.Block` is what comes out. `recordio`, `records`, `csv`,
`libsvm`, `jsonrecords` and `parquet` are the formats, `mxnet` is the file that several model artifacts are.
`compression` packs and unpacks, `conversion` makes Parquet and ORC files of JSON records.
"""
