"""An analytics engine on a folder, begun again at will, with a planner that needs no service."""

import asyncio

from lakemill.engines.analytics import Analytics, Input, Output, Place, Plan, Reference, Unreachable
from lakemill.engines.delivery import Delivery
from lakemill.engines.streams import Put, Start, Streams
from lakemill.ports.clock import SystemClock
from lakemill.ports.log import EmbeddedLog
from lakemill.ports.metadata import EmbeddedMetadata

HERE = "000000000000/us-east-1"
CODE = """
CREATE STREAM "D" ("k" VARCHAR(8), "seen" BIGINT);
CREATE PUMP "P" AS INSERT INTO "D" SELECT STREAM "k", COUNT(*) OVER W FROM "S_001" WINDOW W AS (ROWS 999 PRECEDING);
"""
FORM = {"format": "JSON", "row_path": "$", "columns": [{"name": "k", "type": "VARCHAR(8)", "mapping": "$.k"}]}
DOCUMENT = {"code": CODE, "inputs": [{"from": "in"}], "outputs": [{"to": "out", "stream": "D"}]}


class Site:
    """refusal: what sources and destinations answer when asked whether they may be used."""

    def __init__(self, folder):
        self.folder, self.said, self.refusal = folder, [], None

    async def begin(self):
        clock = SystemClock()
        self.metadata = EmbeddedMetadata(self.folder / "m.sqlite", clock)
        self.log = EmbeddedLog(self.folder / "log", clock)
        self.streams = Streams(self.metadata, self.log, clock)
        self.delivery = Delivery(self.metadata, self.log, clock, self.streams)
        self.analytics = Analytics(self.metadata, clock, self.folder / "analytics", self.streams, self.delivery)
        self.analytics.use(self.plan)
        return await self.analytics.start_all()

    async def end(self):
        await self.analytics.close()
        self.streams.close()
        self.log.close()
        self.metadata.close()

    def plan(self, document):
        async def say(level, message):
            self.said.append((level, message))

        def load():
            raise Unreachable("the object does not exist")

        return Plan(
            document["code"],
            [
                Input(one.get("id", ""), Place("stream", HERE, one["from"]), "S", 1, FORM, lambda: self.refusal)
                for one in document["inputs"]
            ],
            [Reference(one["table"], FORM, load) for one in document["references"]],
            [
                Output(one["stream"], "JSON", lambda: None, Place("stream", HERE, one["to"]))
                for one in document["outputs"]
            ],
            say,
        )

    async def put(self, *keys, name="in"):
        await self.streams.put(HERE, name, [Put("p", b'{"k": "%s"}' % key.encode()) for key in keys])

    async def rows(self, count, name="out"):
        """At least so many records of a stream, from its beginning."""
        reader, found = self.streams.reader(HERE, name, Start.horizon()), []
        async with asyncio.timeout(30):
            while len(found) < count:
                found += [record.data.decode() for record in await reader.read(wait_s=0.1)]
        return found

    async def status(self, name, wanted):
        async with asyncio.timeout(30):
            while (document := self.analytics.get(HERE, name))["status"] != wanted:
                await asyncio.sleep(0.02)
        return document


async def until(question):
    async with asyncio.timeout(30):
        while not question():
            await asyncio.sleep(0.02)
