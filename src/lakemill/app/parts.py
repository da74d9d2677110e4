"""All parts, put together from settings: the only place that knows everyone."""

import asyncio
import dataclasses
import traceback

from filelock import FileLock

from lakemill.app.folder import lock
from lakemill.engines.analytics import Analytics, Programs
from lakemill.engines.catalog import Catalog
from lakemill.engines.crawling import Crawlers
from lakemill.engines.delivery import Delivery
from lakemill.engines.flink import Environments
from lakemill.engines.functions import Functions
from lakemill.engines.functions.mappings import Mappings
from lakemill.engines.hosting import Hosting
from lakemill.engines.identity import Identity
from lakemill.engines.jobs import Jobs
from lakemill.engines.keys import Keys
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Queries, open_cluster
from lakemill.engines.resources import Resources
from lakemill.engines.spark import Environments as SparkEnvironments
from lakemill.engines.streams import Streams
from lakemill.engines.tables import Tables
from lakemill.engines.video import Video
from lakemill.engines.warehouses import Warehouses
from lakemill.gateway.authority import Authority, certificate_names
from lakemill.gateway.pipeline import Gateway
from lakemill.gateway.requestlog import RequestLog
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import SystemClock
from lakemill.ports.compute import EmbeddedCompute
from lakemill.ports.log import Log, open_log
from lakemill.ports.metadata import EmbeddedMetadata
from lakemill.services.athena import Athena
from lakemill.services.base import Service
from lakemill.services.dynamodb import DynamoDB
from lakemill.services.firehose import Firehose
from lakemill.services.glue import Etl, Glue, MachineLearning
from lakemill.services.glue.job_bookmarks import PATH as BOOKMARKS_PATH
from lakemill.services.iam import Iam
from lakemill.services.kinesis import Kinesis
from lakemill.services.kinesisanalytics import (
    CREDENTIALS_PATH,
    Credentials,
    KinesisAnalytics,
    KinesisAnalyticsV2,
    Planning,
    Programming,
)
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
from lakemill.services.redshift import Redshift
from lakemill.services.redshift_data import RedshiftData
from lakemill.services.redshift_serverless import RedshiftServerless
from lakemill.services.s3 import S3
from lakemill.services.sagemaker import SageMaker
from lakemill.services.sagemaker_runtime import SageMakerRuntime
from lakemill.services.sts import Sts
from lakemill.services.warehouseaccess import namespace_arn
from lakemill.services.warehouserights import WarehouseRights
from lakemill.settings import Settings

SERVICES: tuple[type[Service], ...] = (
    *(S3, Iam, Sts, Logs, Kms, Lambda, DynamoDB, Kinesis, Firehose, Glue, Athena, KinesisAnalytics, KinesisAnalyticsV2),
    *(KinesisVideo, KinesisVideoMedia, KinesisVideoArchivedMedia, SageMaker, SageMakerRuntime),
    *(Redshift, RedshiftServerless, RedshiftData),
)
"""Every service there is; docs and tests read this."""


HOUSEKEEPING_S = 3600


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
    etl: Etl
    learning: MachineLearning
    crawlers: Crawlers
    queries: Queries
    warehouses: Warehouses
    records: Log
    streams: Streams
    delivery: Delivery
    analytics: Analytics
    sagemaker: SageMaker
    metadata: EmbeddedMetadata
    lock: FileLock
    authority: Authority
    log: RequestLog
    housekeeping: asyncio.Task[None] | None = None

    async def start(self) -> list[str]:
        """Recover what an earlier run left and begin background work; says what was recovered, a sentence each."""
        recovered = list(await self.objects.recover())
        await self.learning.transforms.recover()
        recovered += await self.jobs.start()
        recovered += await self.hosting.start()
        await self.keys.tend()
        await self.functions.start()
        await self.tables.start()
        await self.video.recover()
        self.catalog.start()
        self.etl.firing.start()
        recovered += await self.crawlers.start_all()
        recovered += await self.queries.start()
        recovered += await self.warehouses.start()
        recovered += await self.streams.recover()
        await self.mappings.start()
        recovered += await self.delivery.start()
        recovered += await self.analytics.start_all()
        self.housekeeping = asyncio.create_task(self._keep_house())
        return recovered

    async def _keep_house(self) -> None:
        """Free what is past its retention or time, rotate and delete keys when theirs has come, again and again."""
        chores = (self.loglines.expire, self.keys.tend, self.tables.expire, self.video.expire, self.streams.expire,
                  self.delivery.expire, self.queries.expire, self.warehouses.expire)  # fmt: skip
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            for chore in chores:
                try:
                    await chore()
                except Exception:  # The others have their turn all the same, and this one an hour later.
                    self.log.note(f"housekeeping failed\n{traceback.format_exc()}")

    async def close(self) -> None:
        """Stop background work and close the stores; jobs go on by themselves, endpoints come back at the start."""
        if self.housekeeping is not None:
            self.housekeeping.cancel()
        await self.analytics.close()
        await self.delivery.close()
        await self.etl.firing.close()
        await self.crawlers.close()
        await self.warehouses.close()
        await self.queries.close()
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
    held = lock(data)
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
    programs = Programs(metadata, compute, clock, data / "flink", Environments(settings.flink_programs))
    analytics = Analytics(metadata, clock, data / "analytics", streams, delivery, programs)
    credentials = Credentials(analytics, identity, settings.endpoint, enforce=enforce)
    planning = Planning(objects, streams, functions, loglines, identity, clock, enforce=enforce)
    planning.programming = Programming(programs.store, credentials, settings.endpoint, authority)
    analytics.use(planning)
    catalog = Catalog(metadata, clock)
    crawlers = Crawlers(metadata, objects, catalog, loglines, clock)
    queries = Queries(
        metadata,
        objects,
        catalog,
        clock,
        data / "queries",
        at_once=settings.queries_at_once,
        memory_mib=settings.query_memory_mib,
        cluster=open_cluster(settings.queries_url),
    )
    certificates = Authority(data)
    warehouses = Warehouses(
        metadata,
        clock,
        catalog,
        objects,
        queries.joined,
        data / "warehouses",
        host=settings.host,
        memory_mib=settings.warehouse_memory_mib,
        certificate=lambda: certificates.leaf(certificate_names(settings.host)),
    )
    warehouses.use(WarehouseRights(identity, catalog, objects, enforce=enforce), namespace_arn)
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
    etl = Etl(
        Resources(metadata, clock),
        jobs,
        objects,
        identity,
        clock,
        folder=data / "jobs",
        endpoint=settings.endpoint,
        authority=authority,
        spark=SparkEnvironments(settings.spark_programs),
        enforce=enforce,
    )
    learning = MachineLearning(
        catalog,
        jobs,
        objects,
        EmbeddedBlobs(data / "transforms"),
        identity,
        folder=data / "jobs",
        endpoint=settings.endpoint,
        authority=authority,
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
        warehouses=warehouses,
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
        Glue(catalog, crawlers, etl, learning, identity, objects, enforce=enforce),
        Athena(queries, catalog, objects, identity, enforce=enforce),
        KinesisAnalytics(analytics, planning),
        KinesisAnalyticsV2(analytics, planning),
        KinesisVideo(video),
        KinesisVideoMedia(video, clock),
        KinesisVideoArchivedMedia(video),
        sagemaker,
        SageMakerRuntime(hosting, clock),
        Redshift(warehouses, settings.address),
        RedshiftServerless(warehouses, settings.address),
        RedshiftData(warehouses),
    ]
    log = RequestLog(settings.log_format, enabled=settings.log_requests)
    gateway = Gateway(services, identity, metadata, clock, settings, log)
    gateway.internal.add(CODE_PATH, lambda_.downloads.answer)
    gateway.internal.add(CREDENTIALS_PATH, credentials.answer)
    gateway.internal.add(etl.keys.path, etl.keys.answer)
    gateway.internal.add(BOOKMARKS_PATH, etl.bookmarks.answer)
    gateway.internal.add(learning.keys.path, learning.keys.answer)
    for page in HLS_PAGES:
        gateway.internal.add(page, lambda http: hls_page(video, http))
    return App(
        settings=settings,
        gateway=gateway,
        jobs=jobs,
        hosting=hosting,
        objects=objects,
        identity=identity,
        keys=keys,
        functions=functions,
        mappings=lambda_.mappings,
        loglines=loglines,
        tables=tables,
        video=video,
        catalog=catalog,
        etl=etl,
        learning=learning,
        crawlers=crawlers,
        queries=queries,
        warehouses=warehouses,
        records=records,
        streams=streams,
        delivery=delivery,
        analytics=analytics,
        sagemaker=sagemaker,
        metadata=metadata,
        lock=held,
        authority=certificates,
        log=log,
    )
