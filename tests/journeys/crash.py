"""Writers that never rest and remember what was acknowledged, for the journeys through crashes.

Each writer owns its keys, so there is one truth for each of them: what was acknowledged last, and the one thing that
was asked and not answered when the platform died. `step` does one thing; `check` compares everything after a restart.
"""

import json
import random
import threading
import time

import botocore.exceptions
from tests.journeys.studio import IMAGE

MIB = 1 << 20
SMALL = (0, 1, 700, 16_383, 16_384, 16_385, 200_000)
"""Around the size where bytes go into files of their own."""
LARGE = (MIB, 3 * MIB + 1, 8 * MIB, 12 * MIB)
GONE = (
    botocore.exceptions.ConnectionError,
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ResponseStreamingError,
)


def content(spec):
    """The bytes of (seed, size)."""
    return random.Random(spec[0]).randbytes(spec[1])


class Writer:
    """One client's loop."""

    rest_s = 0.0

    def __init__(self, seed, **options):
        self.draw = random.Random(seed)
        self.pending = None
        self.acknowledged = 0
        for name, value in options.items():
            setattr(self, name, value)

    def connect(self, lakemill):
        """Clients of a platform that has just started; the first time makes what is needed."""

    def step(self):
        """One write, noted in pending before and in the truth after."""
        raise NotImplementedError

    def check(self):
        """Everything there is, against the truth; settles what was pending."""
        raise NotImplementedError

    def spec(self, sizes):
        return self.draw.getrandbits(32), self.draw.choice(sizes)


class Objects(Writer):
    """Puts, copies and deletes in a bucket without versions."""

    bucket, sizes, keys = "plain", SMALL, 12

    def connect(self, lakemill):
        self.s3 = lakemill.client("s3")
        if not hasattr(self, "truth"):
            self.truth = {}
            self.prefix = f"w{self.draw.getrandbits(32)}/"

    def step(self):
        key = f"{self.prefix}{self.draw.randrange(self.keys)}"
        place = {"Bucket": self.bucket, "Key": key}
        kind = self.draw.random()
        others = sorted(self.truth.keys() - {key})
        if kind < 0.65 or not others:
            spec = self.spec(self.sizes)
            self.pending = (key, spec)
            self.s3.put_object(**place, Body=content(spec))
            self.truth[key] = spec
        elif kind < 0.8:
            source = self.draw.choice(others)
            self.pending = (key, self.truth[source])
            self.s3.copy_object(**place, CopySource={"Bucket": self.bucket, "Key": source})
            self.truth[key] = self.truth[source]
        else:
            self.pending = (key, None)
            if kind < 0.9:
                self.s3.delete_object(**place)
            else:
                self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key}]})
            self.truth.pop(key, None)

    def check(self):
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix).get("Contents", [])
        found = {one["Key"]: one["Size"] for one in listed}
        if self.pending:
            key, spec = self.pending
            body = self.read(key) if key in found else None
            if body == (None if spec is None else content(spec)):
                self.truth.pop(key, None)
                if spec:
                    self.truth[key] = spec
        assert found == {key: size for key, (_, size) in self.truth.items()}
        for key, spec in self.truth.items():
            assert self.read(key) == content(spec), f"{key} holds other bytes"

    def read(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()


class Versions(Writer):
    """Puts, deletes, and deletes for good in a versioned bucket."""

    bucket, keys, kept_max = "versioned", 4, 5

    def connect(self, lakemill):
        self.s3 = lakemill.client("s3")
        if not hasattr(self, "truth"):
            self.truth = {f"v/{number}": [] for number in range(self.keys)}
            """Versions of each key, newest first: (id, what it holds or None for a delete marker)."""

    def step(self):
        key = self.draw.choice(sorted(self.truth))
        versions, place = self.truth[key], {"Bucket": self.bucket, "Key": key}
        if len(versions) >= self.kept_max:
            chosen = self.draw.choice(versions)
            self.pending = (key, "without", chosen)
            self.s3.delete_object(**place, VersionId=chosen[0])
            versions.remove(chosen)
        elif self.draw.random() < 0.7:
            spec = self.spec((*SMALL, 2 * MIB))
            self.pending = (key, "with", spec)
            versions.insert(0, (self.s3.put_object(**place, Body=content(spec))["VersionId"], spec))
        else:
            self.pending = (key, "with", None)
            versions.insert(0, (self.s3.delete_object(**place)["VersionId"], None))

    def check(self):
        for key, versions in self.truth.items():
            listed = self.s3.list_object_versions(Bucket=self.bucket, Prefix=key)
            found = [(one["VersionId"], one["IsLatest"]) for one in listed.get("Versions", [])]
            markers = [(one["VersionId"], one["IsLatest"]) for one in listed.get("DeleteMarkers", [])]
            if self.pending and self.pending[0] == key:
                self._settle(versions, {one[0] for one in found + markers})
            assert {one[0] for one in found} == {name for name, spec in versions if spec}
            assert {one[0] for one in markers} == {name for name, spec in versions if not spec}
            assert [one[0] for one in found + markers if one[1]] == [name for name, _ in versions[:1]]
            for name, spec in versions:
                if spec:
                    body = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=name)["Body"].read()
                    assert body == content(spec), f"version {name} of {key} holds other bytes"

    def _settle(self, versions, there):
        _, how, what = self.pending
        if how == "without":
            if what[0] not in there:
                versions.remove(what)
        elif new := there - {name for name, _ in versions}:
            (name,) = new
            versions.insert(0, (name, what))


class Multipart(Writer):
    """Uploads in parts, carried on after a crash where they were."""

    bucket = "plain"

    def connect(self, lakemill):
        self.s3 = lakemill.client("s3")
        if not hasattr(self, "done"):
            self.done, self.upload, self.count = {}, None, 0

    def step(self):
        if self.upload is None:
            key = f"parts/{self.count}"
            self.pending, self.count = ("begin", key), self.count + 1
            name = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
            self.upload, self.parts = {"Bucket": self.bucket, "Key": key, "UploadId": name}, []
        elif len(self.parts) < 2:
            spec = self.spec((5 * MIB,) if not self.parts else (1, 300_000))
            self.pending = ("part", spec)
            number = len(self.parts) + 1
            etag = self.s3.upload_part(**self.upload, PartNumber=number, Body=content(spec))["ETag"]
            self.parts.append((spec, etag))
        elif self.draw.random() < 0.2:
            self.pending = ("abort", None)
            self.s3.abort_multipart_upload(**self.upload)
            self.upload = None
        else:
            self.pending = ("complete", None)
            self._complete()

    def _complete(self):
        parts = [{"PartNumber": number, "ETag": etag} for number, (_, etag) in enumerate(self.parts, 1)]
        self.s3.complete_multipart_upload(**self.upload, MultipartUpload={"Parts": parts})
        self.done[self.upload["Key"]] = [spec for spec, _ in self.parts]
        self.upload = None
        if len(self.done) > 3:
            key = next(iter(self.done))
            self.pending = ("drop", key)
            self.s3.delete_object(Bucket=self.bucket, Key=key)
            del self.done[key]

    def check(self):
        what, detail = self.pending or (None, None)
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="parts/").get("Contents", [])
        found = {one["Key"] for one in listed}
        if what == "drop" and detail not in found:
            del self.done[detail]
        uploads = {one["UploadId"] for one in self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])}
        if self.upload and what == "abort" and self.upload["UploadId"] not in uploads:
            self.upload = None
        elif self.upload and what == "complete":
            assert (self.upload["UploadId"] in uploads) != (self.upload["Key"] in found)
            self._complete()  # Whether or not it was done already: asking again says the same.
            found = set(self.done)
        elif self.upload:
            self._check_parts()
        assert found == set(self.done)
        for key, specs in self.done.items():
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            assert body == b"".join(map(content, specs)), f"{key} holds other bytes"

    def _check_parts(self):
        listed = self.s3.list_parts(**self.upload).get("Parts", [])
        etags = [one["ETag"] for one in listed]
        assert etags[: len(self.parts)] == [etag for _, etag in self.parts]
        for etag in etags[len(self.parts) :]:
            assert self.pending[0] == "part"
            self.parts.append((self.pending[1], etag))


class People(Writer):
    """Users with a policy and a key, made and removed."""

    rest_s = 0.01

    def connect(self, lakemill):
        self.lakemill, self.iam = lakemill, lakemill.client("iam")
        if not hasattr(self, "users"):
            self.users, self.count = {}, 0

    def step(self):
        if len(self.users) > 4:
            name, (key, _) = next(iter(self.users.items()))
            self.pending = (name, "gone")
            self.iam.delete_access_key(UserName=name, AccessKeyId=key)
            self.iam.delete_user_policy(UserName=name, PolicyName="p")
            self.iam.delete_user(UserName=name)
            del self.users[name]
        else:
            name, self.count = f"user-{self.count}", self.count + 1
            self.pending = (name, "there")
            self.iam.create_user(UserName=name)
            statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
            key = self.iam.create_access_key(UserName=name)["AccessKey"]
            self.users[name] = (key["AccessKeyId"], key["SecretAccessKey"])

    def check(self):
        if self.pending:
            name, _ = self.pending
            self.users.pop(name, None)  # It may be half-way: three calls make a user, three remove one.
            self._remove(name)
        assert {one["UserName"] for one in self.iam.list_users()["Users"]} == set(self.users)
        for key, secret in self.users.values():
            assert self.lakemill.client("s3", access_key=key, secret=secret).list_buckets()["Buckets"]

    def _remove(self, name):
        try:
            for key in self.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
                self.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
            for policy in self.iam.list_user_policies(UserName=name)["PolicyNames"]:
                self.iam.delete_user_policy(UserName=name, PolicyName=policy)
            self.iam.delete_user(UserName=name)
        except self.iam.exceptions.NoSuchEntityException:
            pass


class Lines(Writer):
    """Log events, three at a time."""

    rest_s = 0.005
    place = {"logGroupName": "crash", "logStreamName": "lines"}

    def connect(self, lakemill):
        self.logs = lakemill.client("logs")
        if not hasattr(self, "count"):
            self.count = 0
            self.logs.create_log_group(logGroupName="crash")
            self.logs.create_log_stream(**self.place)

    def step(self):
        now = int(time.time() * 1000)
        self.pending = self.count
        events = [{"timestamp": now, "message": f"{self.count}-{number}"} for number in range(3)]
        self.logs.put_log_events(**self.place, logEvents=events)
        self.count += 1

    def check(self):
        found, token = [], {}
        while True:
            page = self.logs.get_log_events(**self.place, startFromHead=True, **token)
            if not page["events"]:
                break
            found += [event["message"] for event in page["events"]]
            token = {"nextToken": page["nextForwardToken"]}
        if self.pending == self.count and f"{self.count}-0" in found:
            self.count += 1
        assert found == [f"{batch}-{number}" for batch in range(self.count) for number in range(3)]


class Jobs(Writer):
    """Training jobs and, with a model, transform jobs; a few at a time."""

    rest_s = 0.5

    def connect(self, lakemill):
        self.sagemaker = lakemill.client("sagemaker")
        self.s3 = lakemill.client("s3")
        if not hasattr(self, "names"):
            self.names, self.count, self.lost = {}, 0, set()

    def step(self):
        if sum(self._status(*one)[0] == "InProgress" for one in self.names.items()) >= 3:
            return
        kind = self.draw.choice(("training", "training", "transform"))
        name, self.count = f"{kind}-{self.count}", self.count + 1
        self.pending = (name, kind)
        self._train(name) if kind == "training" else self._transform(name)
        self.names[name] = kind

    def _train(self, name):
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.studio.bucket}/train/"}
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn=self.studio.role,
            HyperParameters={"num_round": str(self.draw.choice((5, 300))), "objective": "binary:logistic"},
            InputDataConfig=[
                {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
            ],
            OutputDataConfig={"S3OutputPath": f"s3://{self.studio.bucket}/jobs"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            StoppingCondition={"MaxRuntimeInSeconds": 300},
        )

    def _transform(self, name):
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.studio.bucket}/in/"}}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=self.studio.model_name,
            TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
            TransformOutput={"S3OutputPath": f"s3://{self.studio.bucket}/out/{name}", "AssembleWith": "Line"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )

    def _status(self, name, kind):
        if kind == "training":
            found = self.sagemaker.describe_training_job(TrainingJobName=name)
            return found["TrainingJobStatus"], found.get("FailureReason")
        found = self.sagemaker.describe_transform_job(TransformJobName=name)
        return found["TransformJobStatus"], found.get("FailureReason")

    def check(self):
        if self.pending and self.pending[0] not in self.names:
            name, kind = self.pending
            try:
                self._status(name, kind)
            except botocore.exceptions.ClientError as error:
                assert "not" in str(error).lower(), error
            else:
                self.names[name] = kind
        for name, kind in self.names.items():
            self._status(name, kind)

    def ended(self, timeout_s):
        """What became of them all: {name: (status, reason)}."""
        deadline = time.monotonic() + timeout_s
        while True:
            states = {name: self._status(name, kind) for name, kind in self.names.items()}
            if all(status != "InProgress" for status, _ in states.values()):
                return states
            assert time.monotonic() < deadline, states
            time.sleep(0.2)


class Endpoints(Writer):
    """One endpoint that is made, changed and deleted."""

    rest_s = 0.2
    name = "passing"

    def connect(self, lakemill):
        self.sagemaker, self.runtime = lakemill.client("sagemaker"), lakemill.client("sagemaker-runtime")
        if not hasattr(self, "wanted"):
            self.wanted = False

    def step(self):
        state = self._state()
        if state is None:
            assert not self.wanted
            self.pending = ("there", None)
            self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName="m")
            self.wanted = True
        elif state == "InService":
            body = self.runtime.invoke_endpoint(EndpointName=self.name, ContentType="text/csv", Body=b"0.9,0.8")
            assert float(body["Body"].read()) > 0.9
            if self.draw.random() < 0.5:
                self.sagemaker.update_endpoint(EndpointName=self.name, EndpointConfigName="m")
            else:
                self.pending = ("gone", None)
                self.sagemaker.delete_endpoint(EndpointName=self.name)
                self.wanted = False
        else:
            assert state in ("Creating", "Updating", "Deleting"), state

    def check(self):
        state = self._state()
        if self.pending:
            self.wanted = state not in (None, "Deleting")
        if self.wanted:
            assert state in ("Creating", "Updating", "InService"), state
        else:
            assert state in (None, "Deleting"), state

    def _state(self):
        try:
            return self.sagemaker.describe_endpoint(EndpointName=self.name)["EndpointStatus"]
        except self.sagemaker.exceptions.ClientError as error:
            assert "Could not find endpoint" in str(error), error
            return None

    def settled(self):
        """Delete it and wait until it is gone."""
        for _ in range(300):
            state = self._state()
            if state is None:
                return
            if state in ("InService", "Failed"):
                assert state != "Failed"
                self.sagemaker.delete_endpoint(EndpointName=self.name)
            time.sleep(0.1)
        raise AssertionError(f"{self.name} stays {state}")


class Load:
    """All writers at once, each in a thread."""

    def __init__(self, *writers):
        self.writers = writers
        self.faults = []

    def connect(self, lakemill):
        for writer in self.writers:
            writer.connect(lakemill)

    def go(self):
        self._halt = False
        self._threads = [threading.Thread(target=self._run, args=(writer,)) for writer in self.writers]
        for thread in self._threads:
            thread.start()

    def halt(self):
        """Wait for all to notice; they stop by themselves when the platform is gone."""
        self._halt = True
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a request hangs"
        assert self.faults == []

    def _run(self, writer):
        try:
            while not self._halt:
                writer.pending = None
                writer.step()
                writer.pending = None
                writer.acknowledged += 1
                time.sleep(writer.rest_s)
        except GONE:
            pass
        except Exception as fault:
            self.faults.append((type(writer).__name__, writer.pending, fault))

    def check(self):
        for writer in self.writers:
            writer.check()
            writer.pending = None
