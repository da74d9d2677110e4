"""Puts lakemill together from settings, and runs it. The only module that knows everyone."""

import asyncio
import base64
import contextlib
import dataclasses
import hmac
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lakemill.console import overview
from lakemill.engines.analytics import Analytics
from lakemill.engines.catalog import Catalog
from lakemill.engines.delivery import Delivery
from lakemill.engines.functions import Functions
from lakemill.engines.functions.mappings import Mappings
from lakemill.engines.hosting import Hosting
from lakemill.engines.identity import Identity
from lakemill.engines.jobs import Jobs
from lakemill.engines.keys import Keys, MasterKeyUnfit
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.engines.streams import Streams
from lakemill.engines.tables import Tables
from lakemill.engines.video import Video
from lakemill.gateway.authority import Authority, write_private
from lakemill.gateway.internal import Answer
from lakemill.gateway.pipeline import Gateway
from lakemill.gateway.requestlog import RequestLog
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import SystemClock
from lakemill.ports.compute import EmbeddedCompute
from lakemill.ports.log import Log, LogUnavailable, open_log
from lakemill.ports.metadata import EmbeddedMetadata
from lakemill.services.base import HttpRequest, Service
from lakemill.services.dynamodb import DynamoDB
from lakemill.services.firehose import Firehose
from lakemill.services.glue import Glue
from lakemill.services.iam import Iam
from lakemill.services.kinesis import Kinesis
from lakemill.services.kinesisanalytics import KinesisAnalytics, KinesisAnalyticsV2, Planning
from lakemill.services.kinesisvideo import (
    HLS_PAGES,
    KinesisVideo,
    KinesisVideoArchivedMedia,
    KinesisVideoMedia,
    hls_page,
)
from lakemill.services.kms import Kms
from lakemill.services.lambda_ import CODE_PATH, Lambda, LambdaRuntime
from lakemill.services.logs import Logs
from lakemill.services.s3 import S3
from lakemill.services.sagemaker import SageMaker
from lakemill.services.sagemaker_runtime import SageMakerRuntime
from lakemill.services.sts import Sts
from lakemill.settings import Settings

SERVICES: tuple[type[Service], ...] = (
    *(S3, Iam, Sts, Logs, Kms, Lambda, DynamoDB, Kinesis, Firehose, Glue, KinesisAnalytics, KinesisAnalyticsV2),
    *(KinesisVideo, KinesisVideoMedia, KinesisVideoArchivedMedia, SageMaker, SageMakerRuntime),
)
"""Every service there is; docs and tests read this."""


CONSOLE_ROWS_MAX = 50
HOUSEKEEPING_S = 3600


class AlreadyRunning(Exception):
    """Another lakemill uses this data folder. Fields: data, holder (pid or "")."""

    def __init__(self, data: Path, holder: str) -> None:
        who = f" (process {holder})" if holder else ""
        super().__init__(f"another lakemill{who} is using {data}; stop it, or choose another folder with --data")
        self.data, self.holder = data, holder


class PortTaken(Exception):
    """Something listens on our port already. Fields: host, port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port} is in use; choose another port with --port (0 takes a free one)")
        self.host, self.port = host, port


START_REFUSALS = (AlreadyRunning, LogUnavailable, MasterKeyUnfit, PortTaken)
"""What `main` raises when people have to put something right first; the text says what."""


@dataclasses.dataclass
class App:
    """A lakemill that is put together but does not listen yet."""

    settings: Settings
    gateway: Gateway
    jobs: Jobs
    hosting: Hosting
    objects: Objects
    identity: Identity
    keys: Keys
    functions: Functions
    mappings: Mappings
    loglines: LogLines
    tables: Tables
    video: Video
    catalog: Catalog
    records: Log
    streams: Streams
    delivery: Delivery
    analytics: Analytics
    metadata: EmbeddedMetadata
    lock: FileLock
    authority: Authority
    housekeeping: asyncio.Task[None] | None = None

    async def start(self) -> list[str]:
        """Recover what an earlier run left and begin background work; says what was recovered, a sentence each."""
        recovered = list(await self.objects.recover())
        recovered += await self.jobs.start()
        recovered += await self.hosting.start()
        await self.keys.tend()
        await self.functions.start()
        await self.tables.start()
        await self.video.recover()
        self.catalog.start()
        recovered += await self.streams.recover()
        await self.mappings.start()
        recovered += await self.delivery.start()
        recovered += await self.analytics.start_all()
        self.housekeeping = asyncio.create_task(self._keep_house())
        return recovered

    async def _keep_house(self) -> None:
        """Free what is past its retention or time, rotate and delete keys when theirs has come, again and again."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            await self.loglines.expire()
            await self.keys.tend()
            await self.tables.expire()
            await self.video.expire()
            await self.streams.expire()
            await self.delivery.expire()

    async def close(self) -> None:
        """Stop background work and close the stores; jobs go on by themselves, endpoints come back at the start."""
        if self.housekeeping is not None:
            self.housekeeping.cancel()
        await self.analytics.close()
        await self.delivery.close()
        await self.catalog.close()
        await self.mappings.close()
        await self.tables.close()
        await self.functions.close()
        await self.hosting.close()
        await self.jobs.close()
        self.records.close()
        self.objects.close()
        await self.identity.uses.flush()
        self.metadata.close()
        self.lock.release()


def build(settings: Settings) -> App:
    """Put the parts together. Raises AlreadyRunning."""
    data = settings.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    lock = _lock(data)
    clock = SystemClock()
    metadata = EmbeddedMetadata(data / "metadata.sqlite", clock)
    compute = EmbeddedCompute(data / "runs")
    keys = Keys(metadata, clock, data / "master.key")
    loglines = LogLines(metadata, clock)
    objects = Objects(metadata, EmbeddedBlobs(data / "blobs"), clock)
    identity = Identity(metadata, clock, settings.account)
    tables = Tables(metadata, clock)
    video = Video(metadata, EmbeddedBlobs(data / "video"), clock, data / "clips")
    records = open_log(settings.log_url, data / "log", clock)
    streams = Streams(
        metadata, records, clock, keys=keys, limited=settings.stream_limits == "on", settle_ms=settings.stream_settle_ms
    )
    delivery = Delivery(metadata, records, clock, streams, keys)
    enforce = settings.auth == "on"
    authority = data / "ca.pem" if settings.tls else None
    runtime = LambdaRuntime(identity, clock, settings.endpoint, data, authority, enforce=enforce)
    functions = Functions(metadata, loglines, clock, data / "functions", runtime)
    analytics = Analytics(metadata, clock, data / "analytics", streams, delivery)
    planning = Planning(objects, functions, loglines, identity, clock, enforce=enforce)
    analytics.use(planning)
    catalog = Catalog(metadata, clock)
    jobs = Jobs(metadata, compute, loglines, clock)
    hosting = Hosting(metadata, compute, objects, loglines, clock, data / "endpoints")
    sagemaker = SageMaker(
        metadata=metadata,
        jobs=jobs,
        objects=objects,
        identity=identity,
        loglines=loglines,
        hosting=hosting,
        clock=clock,
        folder=data / "jobs",
        enforce=enforce,
    )
    firehose = Firehose(
        delivery=delivery,
        streams=streams,
        objects=objects,
        loglines=loglines,
        identity=identity,
        functions=functions,
        keys=keys,
        clock=clock,
        catalog=catalog,
        authority=data / "ca.pem",
        enforce=enforce,
    )
    lambda_ = Lambda(functions, streams, objects, identity, clock, settings.endpoint, enforce=enforce)
    services: list[Service] = [
        S3(objects, identity, clock, auth=settings.auth, account=settings.account),
        Iam(identity, clock),
        Sts(identity, clock),
        Logs(loglines, clock),
        Kms(keys, identity),
        lambda_,
        DynamoDB(tables),
        Kinesis(streams),
        firehose,
        Glue(catalog),
        KinesisAnalytics(analytics, planning),
        KinesisAnalyticsV2(analytics, planning),
        KinesisVideo(video),
        KinesisVideoMedia(video, clock),
        KinesisVideoArchivedMedia(video),
        sagemaker,
        SageMakerRuntime(hosting, clock),
    ]
    log = RequestLog(settings.log_format, enabled=settings.log_requests)
    gateway = Gateway(services, identity, metadata, clock, settings, log)
    app = App(
        settings,
        gateway,
        jobs,
        hosting,
        objects,
        identity,
        keys,
        functions,
        lambda_.mappings,
        loglines,
        tables,
        video,
        catalog,
        records,
        streams,
        delivery,
        analytics,
        metadata,
        lock,
        Authority(data),
    )
    gateway.internal.add(CODE_PATH, lambda_.downloads.answer)
    for page in HLS_PAGES:
        gateway.internal.add(page, lambda http: hls_page(video, http))
    gateway.internal.add("/_lakemill/", lambda http: _console(app, sagemaker, http))
    return app


def _lock(data: Path) -> FileLock:
    path = data / "lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = (data / "pid").read_text().strip() if (data / "pid").exists() else ""
        raise AlreadyRunning(data, holder) from None
    (data / "pid").write_text(str(os.getpid()))
    return lock


def root_key(app: App) -> tuple[str, str]:
    """Access key id and secret of the account's root, made at the first start and kept in DATA/credentials (0600)."""
    key = app.identity.root_key()
    path = app.settings.data.resolve() / "credentials"
    text = f"[default]\naws_access_key_id = {key.access_key_id}\naws_secret_access_key = {key.secret}\n"
    if not path.exists() or path.read_text() != text:
        write_private(path, text.encode())
    return key.access_key_id, key.secret


async def _console(app: App, sagemaker: SageMaker, http: HttpRequest) -> Answer:
    """The overview page; like everything else it is for those who know the root key (HTTP basic authentication)."""
    if app.settings.auth != "off" and not _knows_root_key(app, http.header("authorization") or ""):
        challenge = [("www-authenticate", 'Basic realm="lakemill: access key id and secret of the root key"')]
        return 401, challenge, b"The console asks for the root key: its id as the user, its secret as the password.\n"

    def rows(kind: str) -> list[dict[str, object]]:
        documents = sorted(sagemaker.resources.all(kind), key=lambda one: one["created"], reverse=True)
        return [
            {"name": one["name"], "status": one.get("status", ""), "created": f"{one['created']:%Y-%m-%d %H:%M:%S}"}
            for one in documents[:CONSOLE_ROWS_MAX]
        ]

    buckets: list[dict[str, object]] = [
        {"name": one.name} for one in app.objects.buckets.owned_by(app.settings.account)
    ]
    streams: list[dict[str, object]] = [
        {"name": one.name, "status": f"{len(one.open)} shards", "created": f"{one.created:%Y-%m-%d %H:%M:%S}"}
        for one in app.streams.registry.everywhere()[:CONSOLE_ROWS_MAX]
    ]
    sections: dict[str, list[dict[str, object]]] = {
        "Endpoints": rows("endpoint"),
        "Training jobs": rows("training-job"),
        "Transform jobs": rows("transform-job"),
        "Models": rows("model"),
        "Buckets": buckets,
        "Streams": streams,
    }
    page = await asyncio.to_thread(overview, f"lakemill at {app.settings.host}:{app.settings.port}", sections)
    return 200, [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")], page


def _knows_root_key(app: App, authorization: str) -> bool:
    key = app.identity.root_key()
    expected = base64.b64encode(f"{key.access_key_id}:{key.secret}".encode()).decode()
    return hmac.compare_digest(authorization.encode(), f"Basic {expected}".encode())


@contextlib.contextmanager
def _listening(settings: Settings):
    """A bound socket's port, checked before anything is started."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            raise PortTaken(settings.host, settings.port) from None
        port = probe.getsockname()[1]
    yield port


Said = Callable[[dict[str, object]], None]


async def run(settings: Settings, say: Said) -> None:
    """Serve until SIGINT or SIGTERM. say gets {"endpoint", "console", "access_key_id", "recovered", ...} once ready."""
    told_to_stop = _told_to_stop()  # Before anything is started: a signal during the start ends in order too.
    with _listening(settings) as port:
        app = build(dataclasses.replace(settings, port=port))
        try:
            key_id, _ = root_key(app)
            recovered = await app.start()
            server, serving = await _serve(app, port)
            endpoint = app.settings.endpoint
            (settings.data / "endpoint").write_text(endpoint)
            say(
                {
                    "endpoint": endpoint,
                    "console": f"{endpoint}/_lakemill/",
                    "access_key_id": key_id,
                    "data": str(settings.data.resolve()),
                    "recovered": recovered,
                }
            )
            await told_to_stop.wait()
            app.streams.close()  # Subscriptions would hold the server for minutes.
            server.stop()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(serving), timeout=10)
        finally:
            await app.close()


async def _serve(app: App, port: int):
    """Start granian inside this event loop; returns when it accepts connections."""
    from granian.constants import HTTPModes, Interfaces, SSLProtocols
    from granian.server.embed import Server

    settings = app.settings
    options: dict[str, Any] = {}
    if settings.tls:
        folder = settings.data.resolve()
        chain, key = app.authority.leaf(_names(settings.host))
        (folder / "server.pem").write_bytes(chain)
        write_private(folder / "server.key", key)
        options = {
            "ssl_cert": folder / "server.pem",
            "ssl_key": folder / "server.key",
            "ssl_protocol_min": SSLProtocols.tls12,
        }
    server = Server(
        app.gateway,
        address=settings.host,
        port=port,
        interface=Interfaces.ASGINL,  # No lifespan events: `run` starts and stops the parts.
        http=HTTPModes.auto,
        websockets=False,
        backlog=2048,
        log_enabled=False,
        **options,
    )
    serving = asyncio.create_task(server.serve())
    for _ in range(500):
        if serving.done():
            serving.result()
        try:
            _, writer = await asyncio.open_connection(settings.host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return server, serving
    raise RuntimeError(f"the server did not begin to listen on {settings.host}:{port}")


def _names(host: str) -> list[str]:
    return sorted({"localhost", "127.0.0.1", "*.s3.localhost", host} - {"0.0.0.0", "::"})


def _told_to_stop() -> asyncio.Event:
    """Set by SIGINT or SIGTERM from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except (NotImplementedError, RuntimeError):  # Windows, or not the main thread (tests).
            if threading.current_thread() is threading.main_thread():
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop


def main(settings: Settings, say: Said) -> None:
    """`run` on the fastest event loop there is."""
    if sys.platform == "win32":
        asyncio.run(run(settings, say))
    else:
        import uvloop

        uvloop.run(run(settings, say))
