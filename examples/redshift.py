"""The flights that left New York in 2013, in the lake and in a warehouse at once.

The flights are Parquet files of the lake, the airlines a table of a Redshift cluster; a statement joins them, and
another leaves its answer in the lake.
"""

import json
from pathlib import Path

import awswrangler as wr
import boto3
import pandas as pd
import psycopg
import redshift_connector

BUCKET, DATABASE, CLUSTER, PASSWORD = "redshift-flights", "flown", "new-york", "Secret1234"
DATA = Path(__file__).parent / "data" / "nycflights13"
COLUMNS = ["month", "day", "carrier", "origin", "dest", "dep_delay", "arr_delay", "distance"]
AIRLINES = pd.DataFrame(
    [("UA", "United"), ("B6", "JetBlue"), ("EV", "ExpressJet"), ("DL", "Delta"), ("AA", "American")],
    columns=["carrier", "airline"],
)

# The lake: flights as Parquet, a partition a month, entered in the Glue Data Catalog.
s3 = boto3.client("s3")
if BUCKET not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=BUCKET)
wr.catalog.create_database(DATABASE, exist_ok=True)
flights = pd.read_parquet(DATA / "flights.parquet", columns=COLUMNS)
wr.s3.to_parquet(
    flights, path=f"s3://{BUCKET}/flights/", dataset=True, database=DATABASE, table="flights",
    partition_cols=["month"], mode="overwrite",
)  # fmt: skip

# A role in whose name the cluster reads and writes the lake.
iam = boto3.client("iam")
trust = {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}
may = {"Effect": "Allow", "Action": ["s3:*", "glue:*"], "Resource": "*"}
try:
    role = iam.get_role(RoleName="redshift-flights")["Role"]["Arn"]
except iam.exceptions.NoSuchEntityException:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="redshift-flights", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName="redshift-flights", PolicyName="lake", PolicyDocument=policy)

redshift = boto3.client("redshift")
if CLUSTER not in [one["ClusterIdentifier"] for one in redshift.describe_clusters()["Clusters"]]:
    redshift.create_cluster(
        ClusterIdentifier=CLUSTER, NodeType="ra3.xlplus", MasterUsername="awsuser", MasterUserPassword=PASSWORD,
        IamRoles=[role],
    )  # fmt: skip
redshift.get_waiter("cluster_available").wait(ClusterIdentifier=CLUSTER, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
place = redshift.describe_clusters(ClusterIdentifier=CLUSTER)["Clusters"][0]["Endpoint"]

with redshift_connector.connect(
    host=place["Address"], port=place["Port"], database="dev", user="awsuser", password=PASSWORD, ssl=False
) as connection:
    wr.redshift.to_sql(AIRLINES, con=connection, table="airlines", schema="public", mode="overwrite", index=False)
    cursor = connection.cursor()
    connection.autocommit = True
    cursor.execute("DROP SCHEMA IF EXISTS lake")
    cursor.execute(f"CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE '{DATABASE}' IAM_ROLE '{role}'")
    late = wr.redshift.read_sql_query(
        """
        SELECT a.airline, count(*) AS flights, median(f.arr_delay) AS median,
               avg(CASE WHEN f.arr_delay > 30 THEN 1.0 ELSE 0.0 END) AS late
        FROM lake.flights f JOIN public.airlines a ON a.carrier = f.carrier
        WHERE f.month = '7' AND f.arr_delay IS NOT NULL
        GROUP BY a.airline ORDER BY late DESC
        """,
        con=connection,
    )
    print(late.to_string(index=False, float_format="{:.3f}".format))
    question = """SELECT f.origin, f.dest, count(*) AS flights, avg(f.dep_delay * 1.0) AS delay
                  FROM lake.flights f GROUP BY f.origin, f.dest HAVING count(*) > 3000"""
    answer = wr.redshift.unload(question, path=f"s3://{BUCKET}/routes/", con=connection, iam_role=role)
    busiest = answer.sort_values("flights", ascending=False).iloc[0]
    print(
        f"busiest: {busiest.origin} to {busiest.dest}, {busiest.flights:,} flights, {float(busiest.delay):.1f} min late"
    )

expected = flights[(flights.month == 7) & flights.arr_delay.notna() & flights.carrier.isin(AIRLINES.carrier)]
assert late.flights.sum() == len(expected)

routes = flights.groupby(["origin", "dest"]).size()
assert (busiest.origin, busiest.dest, busiest.flights) == (*routes.idxmax(), routes.max())

# Clients of PostgreSQL reach the same cluster.
with psycopg.connect(
    host=place["Address"], port=place["Port"], dbname="dev", user="awsuser", password=PASSWORD, sslmode="disable"
) as connection:
    rows = connection.execute("SELECT airline FROM airlines WHERE carrier = %s", ["DL"]).fetchall()
    print("by psycopg:", rows)
