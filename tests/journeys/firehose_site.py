"""A bucket, a role and delivery streams, for journeys."""

import base64
import http.server
import io
import json
import ssl
import threading
import time
import uuid
import zipfile

WAIT_S = 20


class Endpoint:
    """A web server with TLS that plays an HTTP endpoint, Splunk and OpenSearch; or refuses all.

    records: what an HTTP endpoint got. bodies: what the others got, by path.
    """

    def __init__(self, authority, folder):
        chain, key = authority.leaf(["127.0.0.1"])
        (folder / "chain.pem").write_bytes(chain)
        (folder / "key.pem").write_bytes(key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
        endpoint = self
        self.records, self.bodies, self.refuses = [], {}, False

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                answer = json.dumps(endpoint.answer(self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(500 if endpoint.refuses else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port

    def answer(self, path, body):
        if path == "/in":
            said = json.loads(body)
            if not self.refuses:
                self.records += [base64.b64decode(one["data"]) for one in said["records"]]
            return {"requestId": said["requestId"], "timestamp": said["timestamp"]}
        self.bodies[path] = body
        if path == "/_bulk":
            bad = {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "no"}}
            documents = body.splitlines()[1::2]
            return {"items": [{"index": bad if b"bad" in one else {"status": 201}} for one in documents]}
        return {"acks": {"1": True}} if path.endswith("/ack") else {"text": "Success", "code": 0, "ackId": 1}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def trust():
    """A trust policy for the services that take the role."""
    services = ["firehose.amazonaws.com", "lambda.amazonaws.com"]
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}]}


class Site:
    """What a journey needs beside the delivery stream. Made again after a restart, it finds what was there."""

    def __init__(self, running, bucket):
        self.running, self.bucket = running, bucket
        self.firehose, self.s3, self.iam = (running.client(name) for name in ("firehose", "s3", "iam"))
        if bucket not in [one["Name"] for one in self.s3.list_buckets()["Buckets"]]:
            self.s3.create_bucket(Bucket=bucket)
            self.role = self.new_role([{"Effect": "Allow", "Action": "*", "Resource": "*"}])

    def new_role(self, statements):
        name = f"firehose-{uuid.uuid4().hex[:8]}"
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust()))
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Statement": statements}))
        return made["Role"]["Arn"]

    def allow(self, role, action):
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        self.iam.put_role_policy(
            RoleName=role.rpartition("/")[2],
            PolicyName=uuid.uuid4().hex,
            PolicyDocument=json.dumps({"Statement": [statement]}),
        )

    def bucket_configuration(self, **configuration):
        return {
            "RoleARN": self.role,
            "BucketARN": f"arn:aws:s3:::{self.bucket}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            **configuration,
        }

    def create(self, name, *, source=None, **configuration):
        self.firehose.create_delivery_stream(
            DeliveryStreamName=name,
            ExtendedS3DestinationConfiguration=self.bucket_configuration(**configuration),
            **(source or {}),
        )

    def active(self, name):
        def is_active():
            described = self.firehose.describe_delivery_stream(DeliveryStreamName=name)
            return described["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"

        self.until(is_active)
        return name

    def stream(self, name=None, **configuration):
        name = name or f"s{uuid.uuid4().hex[:8]}"
        self.create(name, **configuration)
        return self.active(name)

    def function(self, code):
        """The ARN of a function with the handler `handler`."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", code)
        made = self.running.client("lambda").create_function(
            FunctionName=f"f{uuid.uuid4().hex[:8]}",
            Runtime="python3.11",
            Role=self.role,
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        return made["FunctionArn"]

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def read(self, keys, unpack=lambda data: data):
        bodies = [self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys]
        return b"".join(unpack(body) for body in bodies)

    def wait(self, prefix, enough=bool):
        """Keys below a prefix, when they are enough."""
        return self.until(lambda: (keys := self.keys(prefix)) and enough(keys) and keys)

    def until(self, question, seconds=WAIT_S):
        """The answer, when it is one."""
        end = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < end, "it took too long"
            time.sleep(0.1)
        return answer
