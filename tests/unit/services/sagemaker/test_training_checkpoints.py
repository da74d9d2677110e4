"""Checkpoints in step with S3."""

import asyncio

import pytest
from training_world import FakeIdentity, World, channel

CONFIG = {"CheckpointConfig": {"S3Uri": "s3://data/kept"}}
FOLDER = "folder = base / 'checkpoints';"


@pytest.fixture
async def world(tmp_path):
    made = await World(tmp_path).start()
    yield made
    await made.close()


async def reached(world, keys, timeout_s=15):
    async with asyncio.timeout(timeout_s):
        while world.keys("kept/") != keys:
            await asyncio.sleep(0.05)


async def test_a_checkpoint_is_uploaded_while_the_job_trains_and_a_deleted_one_goes(world, tmp_path):
    script = (
        FOLDER + "(folder / 'sub').mkdir(); (folder / 'sub' / 'one').write_text('1'); pass\n"
        "while not os.path.exists(os.environ['GO']): time.sleep(0.02)\n"
        "(folder / 'sub' / 'one').unlink(); (folder / 'two').write_text('2')"
    )
    signal = str(tmp_path / "go")
    await world.create(script=script, **CONFIG, Environment={"SCRIPT": script, "GO": signal})
    await reached(world, ["kept/sub/one"])
    open(signal, "w").close()
    assert (await world.ended())["TrainingJobStatus"] == "Completed"
    assert world.keys("kept/") == ["kept/two"]


async def test_a_later_job_finds_them_where_the_first_left_them(world):
    await world.trained(
        "first", script=FOLDER + "(folder / 'a').mkdir(); (folder / 'a' / 'state').write_text('42')", **CONFIG
    )
    await world.trained("second", script=FOLDER + "print((folder / 'a' / 'state').read_text())", **CONFIG)
    assert world.log("second")[1] == ["42"]


async def test_what_was_saved_before_the_job_was_killed_is_kept(world):
    script = FOLDER + "(folder / 'state').write_text('42'); os.kill(os.getpid(), 9)"
    found = await world.trained(script=script, **CONFIG)
    assert found["FailureReason"] == "AlgorithmError: , exit code: 137"
    assert world.keys("kept/") == ["kept/state"]


async def test_the_place_may_be_another_folder(world):
    config = {"CheckpointConfig": {"S3Uri": "s3://data/kept/", "LocalPath": "/opt/ml/mine"}}
    script = "(base / 'mine' / 'x').write_text((base / 'input/config/checkpointconfig.json').read_text())"
    found = await world.trained(script=script, **config)
    assert found["CheckpointConfig"] == config["CheckpointConfig"]
    assert b'"LocalPath": "/opt/ml/mine"' in world.objects.read(world.objects.head("data", "kept/x"))


async def test_unfinished_files_stay(world):
    await world.trained(
        script=FOLDER + "(folder / '.x.partial').write_text('1'); (folder / 'x').write_text('2')", **CONFIG
    )
    assert world.keys("kept/") == ["kept/x"]


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:PutObject"])
async def test_a_role_that_may_not_fails_the_job(tmp_path, action):
    identity = FakeIdentity()
    identity.denied = [(action, "arn:aws:s3:::data" if action == "s3:ListBucket" else "arn:aws:s3:::data/kept")]
    world = await World(tmp_path, identity=identity).start()
    try:
        found = await world.trained(
            script=FOLDER + "(folder / 'x').write_text('2')",
            InputDataConfig=[channel("train", "s3://data/train/a.csv")],
            **CONFIG,
        )
        assert found["FailureReason"].startswith("ClientError: ")
    finally:
        await world.close()


async def test_a_missing_bucket_fails_the_job(world):
    found = await world.trained(CheckpointConfig={"S3Uri": "s3://gone/kept"})
    assert found["FailureReason"] == "ClientError: The bucket gone of CheckpointConfig.S3Uri does not exist"
