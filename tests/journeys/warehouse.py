"""A cluster of a running lakemill, for journeys."""

import json
import time

import redshift_connector

PASSWORD = "Secret123"
WAIT_S = 120


class Cluster:
    """Its clients. name: of the cluster; it is made by `make`."""

    def __init__(self, lakemill, name, **keys):
        self.lakemill, self.name = lakemill, name
        self.redshift, self.data = lakemill.client("redshift"), lakemill.client("redshift-data", **keys)

    def make(self, **given):
        wanted = {"NodeType": "ra3.xlplus", "MasterUsername": "awsuser", "MasterUserPassword": PASSWORD}
        self.redshift.create_cluster(ClusterIdentifier=self.name, **wanted | given)
        return self.ready()

    def ready(self):
        self.until(lambda: self.about["ClusterStatus"] == "available")
        return self

    @property
    def about(self):
        return self.redshift.describe_clusters(ClusterIdentifier=self.name)["Clusters"][0]

    @staticmethod
    def until(holds):
        end = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.05)

    def start(self, *texts, **given):
        """Hand statements in; the answer."""
        where = {"ClusterIdentifier": self.name, "Database": "dev", "DbUser": "awsuser"}
        if "SessionId" in given:
            where = {}
        asked = {"WaitTimeSeconds": 30} | where | given
        asked = {name: value for name, value in asked.items() if value is not None}
        if len(texts) == 1:
            return self.data.execute_statement(Sql=texts[0], **asked)
        return self.data.batch_execute_statement(Sqls=list(texts), **asked)

    def done(self, *texts, **given):
        """The statement once it has ended."""
        id = self.start(*texts, **given)["Id"]
        while (found := self.data.describe_statement(Id=id, WaitTimeSeconds=30))["Status"] not in ENDED:
            pass
        return found

    def rows(self, text, **given):
        """Plain rows of a query."""
        found = self.done(text, **given)
        assert found["Status"] == "FINISHED", found["Error"]
        return self.result(found["Id"])

    def result(self, id):
        pages = self.data.get_paginator("get_statement_result").paginate(Id=id)
        return [tuple(plain(field) for field in row) for page in pages for row in page["Records"]]

    def connect(self, user="awsuser", password=PASSWORD, **given):
        place = self.about["Endpoint"]
        given = {"ssl": False, "database": "dev"} | given
        return redshift_connector.connect(
            host=place["Address"], port=place["Port"], user=user, password=password, **given
        )


ENDED = ("FINISHED", "FAILED", "ABORTED")


def plain(field):
    return None if "isNull" in field else next(iter(field.values()))


def role(lakemill, name, *actions, service="redshift.amazonaws.com"):
    """A role that a service takes; its ARN."""
    iam = lakemill.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    allow(iam.put_role_policy, {"RoleName": name}, *[(action, "*") for action in actions])
    return made["Role"]["Arn"]


def allow(put, holder, *allowed):
    """Let a holder do (action, resource)."""
    statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
    put(**holder, PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
