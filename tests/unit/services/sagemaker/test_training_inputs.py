"""Pipe and FastFile mode, seen by the algorithm's process."""

import asyncio
import gzip
import json

import pytest
from training_world import World, channel

from lakemill.formats import recordio

PASS = """
def read(number, name="train", size=-1):
    path = base / "input" / "data" / f"{name}_{number}"
    while not path.exists():
        time.sleep(0.005)
    with open(path, "rb", buffering=0) as fifo:
        return fifo.readall() if size < 0 else fifo.read(size)
"""
IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
K_MEANS = {
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"},
    "HyperParameters": {"k": "2", "feature_dim": "2"},
}


@pytest.fixture
async def world(tmp_path):
    made = await World(tmp_path).start()
    for name in "abc":
        await made.put(f"in/{name}", name.encode() * 3 + b"\n")
    yield made
    await made.close()


async def piped(world, script, *, status="Completed", **members):
    """What the script printed."""
    found = await world.trained(
        script=PASS + script, InputDataConfig=[channel("train", "s3://data/in/", **members)], **K_MEANS
    )
    assert found["TrainingJobStatus"] == status, found.get("FailureReason")
    assert "Downloading" not in [one["Status"] for one in found["SecondaryStatusTransitions"]]
    return world.log()[1]


class TestPipe:
    async def test_every_pass_is_a_fifo_with_all_objects(self, world):
        seen = await piped(world, "print(read(0)); print(read(1)); print(read(2))")
        assert seen == [str(b"aaa\nbbb\nccc\n")] * 3

    async def test_the_first_fifo_is_there_before_the_algorithm_and_nothing_else(self, world):
        seen = await piped(world, "print(sorted(os.listdir(base / 'input' / 'data')), flush=True)")
        assert seen == ["['train_0']"]

    async def test_a_reader_may_close_early(self, world):
        await world.put("in/d", b"d" * 5_000_000)
        seen = await piped(world, "print(read(0, size=3)); print(len(read(1))); print(read(2, size=2))")
        assert seen == ["b'aaa'", "5000012", "b'aa'"]

    async def test_a_seed_shuffles_each_pass_anew_and_always_the_same_way(self, world):
        for number in range(20):
            await world.put(f"in/x{number:02d}", b"%02d " % number)
        runs = []
        for name in ("one", "two"):
            await world.trained(
                name,
                script=PASS + "print(read(0)); print(read(1))",
                InputDataConfig=[channel("train", "s3://data/in/", ShuffleConfig={"Seed": 7})],
                **K_MEANS,
            )
            runs.append(world.log(name)[1])
        assert runs[0] == runs[1]
        first, second = runs[0]
        assert first != second
        assert sorted(first) == sorted(second)

    async def test_gzipped_objects_are_unpacked_on_the_way(self, world):
        await world.put("in/b", gzip.compress(b"BBB\n"))
        await world.put("in/a", gzip.compress(b"AAA\n"))
        await world.put("in/c", gzip.compress(b""))
        assert await piped(world, "print(read(0))", CompressionType="Gzip") == [str(b"AAA\nBBB\n")]

    async def test_what_is_no_gzip_fails_the_job_though_the_algorithm_is_content(self, world):
        found = await world.trained(
            script=PASS + "read(0)",
            InputDataConfig=[channel("train", "s3://data/in/", CompressionType="Gzip")],
            **K_MEANS,
        )
        assert found["FailureReason"].startswith("ClientError: Data of channel train could not be read: Not a gzipped")

    async def test_objects_are_wrapped_as_records(self, world):
        expected = recordio.encode([b"aaa\n", b"bbb\n", b"ccc\n"])
        assert await piped(world, "print(read(0))", RecordWrapperType="RecordIO") == [str(expected)]

    async def test_a_channel_nobody_reads_holds_nothing_up(self, world):
        assert await piped(world, "print('done')") == ["done"]

    async def test_a_manifest_is_piped_in_its_order(self, world):
        await world.put("list", json.dumps([{"prefix": "s3://data/in/"}, "c", "a"]).encode())
        channels = [channel("train", "s3://data/list", S3DataType="ManifestFile")]
        await world.trained(script=PASS + "print(read(0))", InputDataConfig=channels, **K_MEANS)
        assert world.log()[1] == [str(b"ccc\naaa\n")]

    async def test_objects_may_go_while_they_are_read(self, world):
        data = b"0123456789" * 300_000
        await world.put("big/a", data)
        script = (
            PASS + "f = open(base / 'input' / 'data' / 'train_0', 'rb'); f.read(10); print('begun', flush=True);"
            "time.sleep(0.5); print(10 + len(f.read())); f.close(); print(len(read(1)))"
        )
        await world.create(script=script, InputDataConfig=[channel("train", "s3://data/big/")], **K_MEANS)
        async with asyncio.timeout(10):
            while "begun" not in world.log()[1]:
                await asyncio.sleep(0.01)
        await world.objects.delete("data", "big/a")
        await world.ended()
        assert world.log()[1] == ["begun", "3000000", "3000000"]

    async def test_a_stream_goes_on_over_a_restart_of_the_platform(self, tmp_path):
        first = await World(tmp_path).start()
        await first.put("big/a", b"x" * 3_000_000)
        script = (
            PASS + "f = open(base / 'input' / 'data' / 'train_0', 'rb'); f.read(10); print('begun', flush=True);"
            "time.sleep(1.5); print(10 + len(f.read())); f.close(); print(len(read(1)))"
        )
        await first.create(script=script, InputDataConfig=[channel("train", "s3://data/big/")], **K_MEANS)
        async with asyncio.timeout(10):
            while "begun" not in first.log()[1]:
                await asyncio.sleep(0.01)
        await first.close()
        second = await World(tmp_path).start()
        try:
            assert (await second.ended())["TrainingJobStatus"] == "Completed"
            assert second.log()[1] == ["begun", "3000000", "3000000"]
        finally:
            await second.close()


class TestFastFile:
    async def fast(self, world, uri, script="", **changes):
        request = {"InputDataConfig": [channel("train", uri, InputMode="FastFile")]} | changes
        return await world.trained(script=script, **request)

    async def test_files_are_there_under_their_names(self, world):
        found = await self.fast(world, "s3://data/in/")
        assert "Downloading" not in [one["Status"] for one in found["SecondaryStatusTransitions"]]
        seen = json.loads(world.tar("out/job/output/model.tar.gz")["files.json"])
        assert {name: seen[f"data/train/{name}"] for name in "abc"} == {"a": "aaa\n", "b": "bbb\n", "c": "ccc\n"}

    async def test_large_objects_are_not_copied(self, world):
        await world.put("big/a", b"x" * 3_000_000)
        await self.fast(world, "s3://data/big", "print(os.stat(base / 'input/data/train/a').st_nlink)")
        assert world.log()[1] == ["2"]
        assert world.objects.read(world.objects.head("data", "big/a")) == b"x" * 3_000_000

    async def test_a_prefix_that_is_no_folder_is_refused(self, world):
        await world.put("train-2/b", b"x")
        reason = (await self.fast(world, "s3://data/trai"))["FailureReason"]
        assert "must be the whole name of a folder" in reason

    async def test_a_mode_the_algorithm_does_not_know_fails_the_job_before_it_begins(self, world):
        found = await world.trained(InputDataConfig=[channel("train", "s3://data/in/", InputMode="Pipe")])
        if found["TrainingJobStatus"] == "Failed":
            assert "'Pipe' is not one of File" in found["FailureReason"]
