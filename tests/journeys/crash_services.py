"""Writers of everything else: users, log events, jobs, an endpoint."""

import json
import time

import botocore.exceptions
from tests.journeys.crash import Writer
from tests.journeys.studio import IMAGE


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
