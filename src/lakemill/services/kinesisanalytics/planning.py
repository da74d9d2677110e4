"""From an application's document to what its runner does, with the rights of its roles."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from lakemill.engines.analytics import Input, Output, Plan, Reference, Unreachable
from lakemill.engines.flink import Program
from lakemill.engines.functions import Functions
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import BucketMissing, ObjectMissing, Objects
from lakemill.engines.streams import Streams
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Transaction
from lakemill.services.kinesisanalytics import arns
from lakemill.services.kinesisanalytics.access import RoleAccess
from lakemill.services.kinesisanalytics.flinkplan import Programming
from lakemill.services.kinesisanalytics.functions import FunctionOutput, Invoker, Preprocessor
from lakemill.services.kinesisanalytics.parts import form_of

READS = {"stream": ("kinesis:GetShardIterator", "kinesis:GetRecords"), "delivery": ("firehose:DescribeDeliveryStream",)}
WRITES = {"stream": "kinesis:PutRecords", "delivery": "firehose:PutRecordBatch", "function": "lambda:InvokeFunction"}
REFERENCE_BYTES_MAX = 1 << 30
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
LOG_STREAM = "kinesis-analytics-log-stream"


class Planning:
    """Makes plans; the engine's Planner. enforce: whether roles must exist, be trusted, and have their permissions."""

    def __init__(
        self,
        objects: Objects,
        streams: Streams,
        functions: Functions,
        loglines: LogLines,
        identity: Any,
        clock: Clock,
        *,
        enforce: bool = True,
    ) -> None:
        self.objects, self.functions, self.loglines, self.clock = objects, functions, loglines, clock
        self.access = RoleAccess(identity, objects, streams, enforce=enforce)
        self.programming: Programming | None = None
        """Who makes programs of Flink applications; given once it is made."""

    def __call__(self, document: dict[str, Any]) -> Plan | Program:
        application = _Application(self, document)
        if "flink" in document:
            assert self.programming is not None
            return self.programming.program(document, application.say, application.keep)
        return application.plan()


class _Application:
    """One application while its plan is made."""

    def __init__(self, planning: Planning, document: dict[str, Any]) -> None:
        self._planning, self._document = planning, document
        self._scope: str = document["scope"]
        self._region = self._scope.split("/")[1]
        self._arn = arns.application(self._scope, document["name"])

    def plan(self) -> Plan:
        document = self._document
        return Plan(
            code=document["code"],
            inputs=[self._input(one) for one in document["inputs"]],
            references=[self._reference(one) for one in document["references"]],
            outputs=[self._output(one) for one in document["outputs"]],
            say=self.say,
        )

    def _refusal(self, role: str | None, resource: str, *actions: str) -> Any:
        """Why the part's role, or else the application's, may not do one of these, when asked."""
        access, region, role = self._planning.access, self._region, role or self._document.get("role")

        def refusal() -> str | None:
            reasons = (access.refusal(role, region, action, resource) for action in actions)
            return next((reason for reason in reasons if reason is not None), None)

        return refusal

    def _input(self, one: dict[str, Any]) -> Input:
        source, processor = one["source"], one["processor"]
        process = None
        if processor is not None:
            process = Preprocessor(self._invoker(processor), self._arn, source["resource"], source["kind"])
        return Input(
            id=one["id"],
            place=arns.place(source["kind"], source["resource"]),
            prefix=one["prefix"],
            count=one["count"],
            form=form_of(one["schema"]),
            refusal=self._refusal(source["role"], source["resource"], *READS[source["kind"]]),
            process=process,
        )

    def _invoker(self, target: dict[str, Any]) -> Invoker:
        refusal = self._refusal(target["role"], target["resource"], WRITES["function"])
        return Invoker(self._planning.functions, target["resource"], refusal)

    def _output(self, one: dict[str, Any]) -> Output:
        target = one["target"]
        kind, resource = target["kind"], target["resource"]
        refusal = self._refusal(target["role"], resource, WRITES[kind])
        if kind == "function":
            send = FunctionOutput(self._invoker(target), self._arn)
            return Output(one["stream"], one["format"], refusal, send=send)
        return Output(one["stream"], one["format"], refusal, place=arns.place(kind, resource))

    def _reference(self, one: dict[str, Any]) -> Reference:
        bucket, key = arns.bucket(one["bucket"]), one["key"]
        refusal = self._refusal(one["role"], f"{one['bucket']}/{key}", "s3:GetObject")
        objects = self._planning.objects

        def load() -> bytes:
            if (reason := refusal()) is not None:
                raise Unreachable(f"reference data s3://{bucket}/{key}: {reason}")
            try:
                record = objects.head(bucket, key)
                if record.size > REFERENCE_BYTES_MAX:
                    raise Unreachable(f"reference data s3://{bucket}/{key} has more than 1 GB")
                return objects.read(record)
            except (BucketMissing, ObjectMissing):
                raise Unreachable(f"reference data s3://{bucket}/{key} does not exist") from None

        return Reference(one["table"], form_of(one["schema"]), load)

    async def say(self, level: str, message: str) -> None:
        """To the log stream of its logging option; errors, where it has none, to a group of its own."""
        planning, now_ms = self._planning, int(self._planning.clock.time() * 1000)
        places = self._places()
        if not places and level == "ERROR":
            places = [(self._scope, f"/aws/kinesis-analytics/{self._document['name']}", LOG_STREAM)]
        for scope, group, stream in places:
            line = json.dumps(self._line(messageType=level, message=message))
            await planning.loglines.put(scope, group, stream, [(now_ms, line)])

    def keep(self, lines: Sequence[tuple[int, str]]) -> Callable[[Transaction], None]:
        """What puts lines a program logged, (ms since 1970, text), into the log stream of its logging option.

        Flink's own are objects already, in AWS's words; those of the program are text.
        """
        told = [(moment, json.dumps(self._line(**_said(text)))) for moment, text in lines]
        places = self._places()

        def put(transaction: Transaction) -> None:
            for scope, group, stream in places:
                self._planning.loglines.put_in(transaction, scope, group, stream, told)

        return put

    def _places(self) -> list[tuple[str, str, str]]:
        """Log streams of its logging options that its role may write to: (scope, group, stream)."""
        return [
            arns.log_stream(one["resource"])
            for one in self._document["logs"]
            if self._refusal(one["role"], one["resource"], "logs:PutLogEvents")() is None
        ]

    def _line(self, **said: str) -> dict[str, str]:
        return {
            "applicationARN": self._arn,
            "applicationVersionId": str(self._document["version"]),
            "messageSchemaVersion": "1",
            **said,
        }


def _said(text: str) -> dict[str, str]:
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if isinstance(told, dict) and told.get("messageType") in LEVELS:
        return {name: str(value) for name, value in told.items() if value != ""}
    return {"messageType": "INFO", "message": text}
