"""Orders through a stream whose sensitive part only a function may read: Kinesis, KMS and Lambda together.

The shop seals each card number under a key before it puts the order into the stream. A function reads the stream, has
the right to open what the key sealed, and writes each batch to a bucket with the last four digits only.
"""

import base64
import io
import json
import sys
import time
import uuid
import zipfile

import boto3

NAME = f"orders-{uuid.uuid4().hex[:8]}"
ORDERS = 200

FUNCTION = """
import base64, json, os
import boto3

kms, s3 = boto3.client("kms"), boto3.client("s3")

def handler(event, context):
    lines = []
    for record in event["Records"]:
        order = json.loads(base64.b64decode(record["kinesis"]["data"]))
        sealed = base64.b64decode(order.pop("card"))
        card = kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"order": order["id"]})["Plaintext"].decode()
        lines.append(json.dumps({**order, "card": "*" * 12 + card[-4:]}))
    first = event["Records"][0]["eventID"].rpartition(":")[2]
    s3.put_object(Bucket=os.environ["BUCKET"], Key=f"{first}.jsonl", Body="\\n".join(lines).encode())
    print("wrote", len(lines), "orders")
"""


def role(key_arn):
    """A role for the function: it may read the stream, open what the key sealed, and write into the bucket."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = [
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key_arn},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{NAME}/*"},
    ]
    made = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(policy(trust)))
    iam.put_role_policy(RoleName=NAME, PolicyName="rights", PolicyDocument=json.dumps(policy(*rights)))
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole"
    iam.attach_role_policy(RoleName=NAME, PolicyArn=managed)
    return made["Role"]["Arn"]


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("masking.py", FUNCTION)
    return buffer.getvalue()


def main():
    kms, kinesis, s3, functions = (boto3.client(name) for name in ("kms", "kinesis", "s3", "lambda"))
    key = kms.create_key(Description="card numbers")["KeyMetadata"]
    s3.create_bucket(Bucket=NAME)
    kinesis.create_stream(StreamName=NAME, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=NAME, WaiterConfig={"Delay": 1})
    stream = kinesis.describe_stream_summary(StreamName=NAME)["StreamDescriptionSummary"]["StreamARN"]

    functions.create_function(
        FunctionName=NAME,
        Runtime=f"python3.{sys.version_info.minor}",
        Role=role(key["Arn"]),
        Handler="masking.handler",
        Code={"ZipFile": archive()},
        Environment={"Variables": {"BUCKET": NAME}},
        Timeout=60,
        MemorySize=256,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME)
    functions.create_event_source_mapping(
        FunctionName=NAME, EventSourceArn=stream, StartingPosition="TRIM_HORIZON", BatchSize=50
    )

    records = []
    for number in range(ORDERS):
        order = {"id": f"order-{number}", "amount": number % 90 + 10}
        card = f"{4000_0000_0000_0000 + number}".encode()
        sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=card, EncryptionContext={"order": order["id"]})
        order["card"] = base64.b64encode(sealed["CiphertextBlob"]).decode()
        records.append({"Data": json.dumps(order).encode(), "PartitionKey": order["id"]})
    kinesis.put_records(StreamName=NAME, Records=records)

    found = {}
    while len(found) < ORDERS:
        time.sleep(0.2)
        for one in s3.list_objects_v2(Bucket=NAME).get("Contents", []):
            text = s3.get_object(Bucket=NAME, Key=one["Key"])["Body"].read().decode()
            found |= {order["id"]: order for order in map(json.loads, text.splitlines())}
    assert found["order-7"]["card"] == "************0007"
    total = sum(order["amount"] for order in found.values())
    print(f"{len(found)} orders worth {total} in s3://{NAME}, card numbers masked: {found['order-7']['card']}")


if __name__ == "__main__":
    main()
