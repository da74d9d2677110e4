"""The agent at work: a thread for each flow."""

import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session

from lakemill.agent.checkpoints import Checkpoint, Checkpoints, FileId
from lakemill.agent.config import AgentConfig, Flow
from lakemill.agent.records import Splitter, fitted
from lakemill.agent.sender import Refused, Sender
from lakemill.agent.tail import Tail, Tailed

LOOK_EVERY_S = 1.0
REPORT_EVERY_S = 30.0
NAMESPACE = "AWSKinesisAgent"

Say = Callable[[str], None]


@dataclasses.dataclass
class Batch:
    """Records that wait to be sent, and how far each file will be when they are."""

    began: float
    records: list[bytes] = dataclasses.field(default_factory=list)
    size: int = 0
    ends: dict[FileId, Checkpoint] = dataclasses.field(default_factory=dict)


class FlowRun:
    """One flow: read, process, gather, send, write down how far."""

    def __init__(self, flow: Flow, client: Any, checkpoints: Checkpoints, stop: threading.Event, say: Say) -> None:
        self.flow, self._checkpoints, self._stop, self._say = flow, checkpoints, stop, say
        self.sender = Sender(flow, client, sleep=stop.wait)
        self._tail = Tail(
            flow.file_pattern,
            checkpoints.of(flow.id),
            from_start=flow.from_start,
            header_lines=flow.skip_header_lines,
        )
        self._splitter = Splitter(flow.start_pattern)
        self._batch: Batch | None = None
        self.parsed_records = self.parsed_bytes = self.left_out = 0
        self.refused: str | None = None
        # Files that are there already are followed from here, also if the agent ends before anything is sent.
        checkpoints.write(flow.id, {one.id: Checkpoint(one.path, one.offset) for one in self._tail.files.values()})

    def run(self, *, once: bool = False) -> None:
        """Until told to stop; with once, until everything that is there has been sent."""
        looked = time.monotonic()
        try:
            while not self._stop.is_set():
                found = sum(self._take(one, flush=once) for one in list(self._tail.files.values()))
                if self._batch and ((once and not found) or self._is_due(self._batch)):
                    self._send()
                if not found:
                    if once:
                        return
                    self._stop.wait(self.flow.poll_ms / 1000)
                if time.monotonic() - looked > LOOK_EVERY_S:
                    looked = time.monotonic()
                    self._look()
            if self._batch:
                self._send()
        except Refused as refused:
            self.refused = str(refused)
            self._say(f"{self.flow.id} ends: {refused}")
        finally:
            self._tail.close()

    def _look(self) -> None:
        """A file that is gone is forgotten only when all of it has been sent."""
        for gone in self._tail.look():
            if not (self._batch and gone in self._batch.ends) or self._send():
                self._checkpoints.forget(self.flow.id, gone)

    def _take(self, tailed: Tailed, *, flush: bool) -> int:
        """Records from one file into batches; how many bytes were used up.

        The last record of several lines is whole when flush says so, or when the file has been quiet for a while.
        """
        data, used = self._tail.read(tailed), 0
        quiet = tailed.quiet_polls * self.flow.poll_ms > self.flow.buffer_age_ms
        records = self._splitter.split(data, flush=flush or quiet)
        if not records and len(data) > self.sender.record_limit:  # It has no end yet and is too long already.
            records = [data]
        for record in records:
            used += len(record)
            self.parsed_records += 1
            self.parsed_bytes += len(record)
            tailed.offset += len(record)
            self._add(record, tailed)
        return used

    def _add(self, record: bytes, tailed: Tailed) -> None:
        if self._batch is None:
            self._batch = Batch(time.monotonic())
        processed = self.flow.processing.apply(record)
        if processed is None:
            self.left_out += 1
        else:
            processed = fitted(processed, self.sender.record_limit, self.flow.truncated_terminator)
            if not self._joined(processed):
                full = len(self._batch.records) >= self.flow.buffer_records
                if full or (self._batch.records and self._batch.size + len(processed) > self.flow.buffer_bytes):
                    self._send()
                    self._batch = Batch(time.monotonic())
                self._batch.records.append(processed)
            self._batch.size += len(processed)
        self._batch.ends[tailed.id] = Checkpoint(tailed.path, tailed.offset)

    def _joined(self, record: bytes) -> bool:
        """Whether the record went into the one before it (aggregatedRecordSizeBytes)."""
        assert self._batch is not None
        records = self._batch.records
        if not records or len(records[-1]) + len(record) > self.flow.aggregated_bytes:
            return False
        if self._batch.size + len(record) > self.flow.buffer_bytes:
            return False
        records[-1] += record
        return True

    def _is_due(self, batch: Batch) -> bool:
        return (time.monotonic() - batch.began) * 1000 >= self.flow.buffer_age_ms

    def _send(self) -> bool:
        """Send the batch and write down how far that is; False if told to stop before it was taken."""
        batch, self._batch = self._batch, None
        if batch is None:
            return True
        if not self.sender.send(batch.records, self._stop.is_set):
            return False
        self._checkpoints.write(self.flow.id, batch.ends)
        return True


class Agent:
    """All flows of a configuration.

    config: what `read_config` gives. endpoint: of lakemill, used where the configuration names none (None: AWS's own).
    credentials: (access key id, secret) where the configuration has none. say: gets the agent's own lines.
    """

    def __init__(
        self,
        config: AgentConfig,
        checkpoint_file: Path,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        credentials: tuple[str, str] | None = None,
        verify: str | None = None,
        say: Say = print,
    ) -> None:
        self._config, self._endpoint, self._say, self._verify = config, endpoint, say, verify
        self._region = config.region or region
        self._credentials = credentials
        self._stop = threading.Event()
        self._checkpoints = Checkpoints(config.checkpoint_file or checkpoint_file)
        self._session = self._signed()
        self.flows = [FlowRun(flow, self._client_of(flow), self._checkpoints, self._stop, say) for flow in config.flows]

    def run(self, *, once: bool = False) -> None:
        """Follow the files until `stop`; with once, send what is there and return."""
        began = time.monotonic()
        threads = [threading.Thread(target=one.run, kwargs={"once": once}, name=one.flow.id) for one in self.flows]
        for thread in threads:
            thread.start()
        reported = began
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.05)
            if time.monotonic() - reported > REPORT_EVERY_S:
                reported = time.monotonic()
                self._report(reported - began)
        self._report(time.monotonic() - began)
        self._checkpoints.close()

    def stop(self) -> None:
        """Send what was read, and end."""
        self._stop.set()

    def _report(self, up_s: float) -> None:
        records, size = (sum(getattr(one, name) for one in self.flows) for name in ("parsed_records", "parsed_bytes"))
        sent = sum(one.sender.sent_records for one in self.flows)
        left_out = sum(one.left_out for one in self.flows)
        skipped = f", {left_out} left out as not of their format" if left_out else ""
        self._say(f"{records} records read ({size} bytes), {sent} sent{skipped}; up for {up_s:.0f} s")
        if self._config.emit_metrics and self._config.cloudwatch_endpoint:
            self._emit()

    def _emit(self) -> None:
        """The agent's metrics to CloudWatch, where the configuration names an endpoint of it."""
        names = {"BytesSent": "sent_bytes", "RecordSendAttempts": "attempts", "RecordSendErrors": "errors",
                 "ServiceErrors": "service_errors"}  # fmt: skip
        data = [
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "Destination", "Value": one.flow.id}],
                "Value": float(getattr(one.sender, attribute)),
            }
            for one in self.flows
            for metric, attribute in names.items()
        ]
        try:
            client = self._client("cloudwatch", self._config.cloudwatch_endpoint)
            client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except Exception as error:  # Records matter more than metrics.
            self._say(f"metrics were not taken: {error}")

    def _client_of(self, flow: Flow) -> Any:
        if flow.to_stream:
            return self._client("kinesis", self._config.kinesis_endpoint)
        return self._client("firehose", self._config.firehose_endpoint)

    def _client(self, service: str, endpoint: str | None) -> Any:
        return self._session.create_client(
            service,
            region_name=self._region,
            endpoint_url=endpoint or self._endpoint,
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
            verify=self._verify,
        )

    def _signed(self) -> Any:
        """A session with the configured keys, in the configured role."""
        config, session = self._config, botocore.session.Session()
        keys = (config.access_key_id, config.secret) if config.access_key_id else self._credentials
        if keys:
            session.set_credentials(*keys)
        if not config.role_arn:
            return session
        self._session = session
        external = {"ExternalId": config.role_external_id} if config.role_external_id else {}
        answer = self._client("sts", config.sts_endpoint).assume_role(
            RoleArn=config.role_arn, RoleSessionName="lakemill-agent", DurationSeconds=43_200, **external
        )["Credentials"]
        assumed = botocore.session.Session()
        assumed.set_credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        return assumed
