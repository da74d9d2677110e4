"""Several instances: processes that each are a host."""

import json

import pytest
from training_world import World, channel

IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
TWO = {
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
    "HyperParameters": {"k": "2", "feature_dim": "2"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 10},
}
HOST = "host = os.environ['CURRENT_HOST'];"


@pytest.fixture
async def world(tmp_path):
    made = await World(tmp_path).start()
    for name in "abcde":
        await made.put(f"in/{name}", name.encode())
    yield made
    await made.close()


async def trained(world, script="", distribution="FullyReplicated", **changes):
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/", "S3DataDistributionType": distribution}
    channels = [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]
    return await world.trained(script=HOST + script, InputDataConfig=channels, **TWO | changes)


async def test_each_host_is_a_process_that_knows_all_of_them(world):
    config = "json.loads((base / 'input/config/resourceconfig.json').read_text())"
    await trained(world, f"(base / 'model' / host).write_text(json.dumps({config}))")
    seen = {name: json.loads(text) for name, text in world.tar("out/job/output/model.tar.gz").items() if "algo" in name}
    assert {name: one["current_host"] for name, one in seen.items()} == {"algo-1": "algo-1", "algo-2": "algo-2"}
    assert all(one["hosts"] == ["algo-1", "algo-2"] for one in seen.values())


@pytest.mark.parametrize(
    ("distribution", "shares"),
    [("FullyReplicated", [list("abcde"), list("abcde")]), ("ShardedByS3Key", [list("ace"), list("bd")])],
)
async def test_every_host_gets_its_share(world, distribution, shares):
    listed = "sorted(os.listdir(base / 'input/data/train'))"
    await trained(world, f"(base / 'model' / host).write_text(json.dumps({listed}))", distribution)
    members = world.tar("out/job/output/model.tar.gz")
    assert [json.loads(members[host]) for host in ("algo-1", "algo-2")] == shares


async def test_every_host_has_a_log_stream(world):
    await trained(world, "print('I am', host)")
    streams, lines = world.log()
    assert sorted(stream.split("/")[1].rsplit("-", 1)[0] for stream in streams) == ["algo-1", "algo-2"]
    assert sorted(lines) == ["I am algo-1", "I am algo-2"]


async def test_the_host_that_failed_gives_the_reason(world):
    script = (
        "(base / 'output/failure').write_text(f'{host} broke'); time.sleep(60) if host == 'algo-1' else sys.exit(3)"
    )
    found = await trained(world, script)
    assert found["FailureReason"] == "AlgorithmError: algo-2 broke, exit code: 3"


async def test_outputs_are_put_together(world):
    await trained(world, "(base / 'output/data' / host).write_text(host)")
    assert world.tar("out/job/output/output.tar.gz") == {"algo-1": b"algo-1", "algo-2": b"algo-2"}


async def test_hosts_have_a_place_to_meet_and_share_the_cores(world):
    await trained(world, "print(os.environ['LAKEMILL_RENDEZVOUS'], os.environ['OMP_NUM_THREADS'])")
    one, two = world.log()[1]
    assert one == two
    assert one.startswith("file:///")


async def test_an_algorithm_for_one_instance_refuses_two(world, monkeypatch):
    from lakemill.algorithms import registry

    spec = registry.find("kmeans")
    monkeypatch.setattr(registry, "find", lambda name: __import__("dataclasses").replace(spec, multi_instance=False))
    found = await trained(world)
    assert found["FailureReason"] == (
        "ClientError: K-Means trains on one instance only; ResourceConfig.InstanceCount is 2"
    )


async def test_each_host_has_its_own_pipes(world):
    script = "print(host, open(base / 'input/data/train_0').read())"
    algorithm = TWO["AlgorithmSpecification"] | {"TrainingInputMode": "Pipe"}
    await trained(world, script, "ShardedByS3Key", AlgorithmSpecification=algorithm)
    assert sorted(world.log()[1]) == ["algo-1 ace", "algo-2 bd"]


async def test_a_manifest_of_one_object_leaves_a_host_without_any(world):
    await world.put("list", json.dumps([{"prefix": "s3://data/in/"}, "c"]).encode())
    source = {"S3DataDistributionType": "ShardedByS3Key"}
    given = channel("train", "s3://data/list", S3DataType="ManifestFile")
    given["DataSource"]["S3DataSource"] |= source
    await world.trained(
        script=HOST + "print(host, os.listdir(base / 'input/data/train'))", InputDataConfig=[given], **TWO
    )
    assert sorted(world.log()[1]) == ["algo-1 ['c']", "algo-2 []"]
