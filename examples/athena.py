"""The flights that left New York in 2013 as a table of the lake, asked with SQL.

awswrangler writes them to S3 as Parquet, a partition a month, and enters the table in the catalog; Athena then reads
only the partitions and columns that a question needs.
"""

from pathlib import Path

import awswrangler as wr
import boto3
import pandas as pd
import pyathena

BUCKET, DATABASE = "athena-flights", "new_york"
FLIGHTS = Path(__file__).parent / "data" / "nycflights13" / "flights.parquet"
COLUMNS = ["month", "day", "carrier", "origin", "dest", "dep_delay", "arr_delay", "distance"]

s3 = boto3.client("s3")
if BUCKET not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=BUCKET)
wr.catalog.create_database(DATABASE, exist_ok=True)

flights = pd.read_parquet(FLIGHTS, columns=COLUMNS)
wr.s3.to_parquet(
    flights,
    path=f"s3://{BUCKET}/flights/",
    dataset=True,
    database=DATABASE,
    table="flights",
    partition_cols=["month"],
    mode="overwrite",
)
print(f"{len(flights):,} flights in {len(wr.catalog.get_partitions(DATABASE, 'flights'))} partitions")


def ask(question: str, **how) -> pd.DataFrame:
    """The answer as a frame, and what it took."""
    answer = wr.athena.read_sql_query(question, database=DATABASE, s3_output=f"s3://{BUCKET}/results/", **how)
    if isinstance(answer, pd.DataFrame) and getattr(answer, "query_metadata", None):
        statistics = answer.query_metadata["Statistics"]
        print(f"{statistics['DataScannedInBytes'] / 1e3:,.0f} kB read in {statistics['TotalExecutionTimeInMillis']} ms")
    return answer


late = ask(
    """
    SELECT carrier, count(*) AS flights, approx_percentile(arr_delay, 0.5) AS median,
           avg(CASE WHEN arr_delay > 30 THEN 1e0 ELSE 0e0 END) AS late
    FROM flights
    WHERE month = 7 AND arr_delay IS NOT NULL
    GROUP BY carrier
    HAVING count(*) > 1000
    ORDER BY late DESC
    """,
    ctas_approach=False,
)
print(late.to_string(index=False, float_format="{:.3f}".format))

worst = ask(
    """
    WITH days AS (
        SELECT month, day, origin, avg(dep_delay) AS delay,
               rank() OVER (PARTITION BY origin ORDER BY avg(dep_delay) DESC) AS place
        FROM flights GROUP BY month, day, origin
    )
    SELECT origin, format('%02d-%02d', month, day) AS day, round(delay) AS minutes
    FROM days WHERE place = 1 ORDER BY origin
    """
)
print("worst days:", ", ".join(f"{one.origin} {one.day} ({one.minutes:.0f} min)" for one in worst.itertuples()))

# The same by PyAthena, as any database of Python's.
with pyathena.connect(s3_staging_dir=f"s3://{BUCKET}/results/", schema_name=DATABASE).cursor() as cursor:
    question = "SELECT dest, count(*) FROM flights WHERE carrier = %(carrier)s GROUP BY 1 ORDER BY 2 DESC LIMIT 3"
    cursor.execute(question, {"carrier": "UA"})
    united = cursor.fetchall()
print("United flies to", ", ".join(f"{dest} ({count:,})" for dest, count in united))
assert dict(united) == flights[flights.carrier == "UA"].groupby("dest").size().nlargest(3).to_dict()

expected = flights[(flights.month == 7) & flights.arr_delay.notna()].groupby("carrier").size()
assert dict(zip(late.carrier, late.flights, strict=True)) == expected[expected > 1000].to_dict()
