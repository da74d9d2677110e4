"""Spark on Java, on this machine: its session, and S3 as the file system behind `s3://`.

    lake = Lake(boto3.client("s3"), folder)     # a bucket as a tree of files, uncommitted ones in the folder
    gateway = Gateway(lake)                     # shows it by WebHDFS, on 127.0.0.1
    launching.start(gateway.address, folder, {"spark.app.name": "etl"})
    context = SparkContext()                    # as ever

It runs in an environment of Python of its own, beside the script (see lakemill.engines.spark).
"""
