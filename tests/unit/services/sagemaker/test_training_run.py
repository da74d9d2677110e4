import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_world import FakeIdentity, World, channel

from lakemill.services.sagemaker import metrics
from lakemill.services.sagemaker.training_reasons import failure_reason

DEAF_FOR_A_WHILE = """
def end(*_):
    (base / "model" / "saved").write_text("in time")
    print("stopping"); sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready"); time.sleep(60)
"""


@pytest.fixture
async def world(tmp_path):
    made = await World(tmp_path).start()
    yield made
    await made.close()


async def given(world, **changes):
    """What the process saw."""
    await world.trained(**changes)
    return json.loads(world.tar("out/job/output/model.tar.gz")["files.json"])


async def until_logged(world, text, timeout_s=10):
    async with asyncio.timeout(timeout_s):
        while text not in world.log()[1]:
            await asyncio.sleep(0.02)


class TestGiven:
    async def test_the_configuration_files_are_as_aws_writes_them(self, world):
        seen = await given(
            world,
            HyperParameters={"num_round": "5", "eta": "0.2"},
            InputDataConfig=[channel("train", "s3://data/train/", ContentType="text/csv")],
        )
        assert json.loads(seen["config/hyperparameters.json"]) == {"num_round": "5", "eta": "0.2"}
        assert json.loads(seen["config/inputdataconfig.json"]) == {
            "train": {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
                "ContentType": "text/csv",
            }
        }
        assert json.loads(seen["config/resourceconfig.json"]) == {
            "current_host": "algo-1",
            "current_instance_type": "ml.m5.xlarge",
            "current_group_name": "homogeneousCluster",
            "hosts": ["algo-1"],
            "instance_groups": [
                {
                    "instance_group_name": "homogeneousCluster",
                    "instance_type": "ml.m5.xlarge",
                    "hosts": ["algo-1"],
                }
            ],
            "network_interface_name": "eth0",
        }
        assert seen["data/train/a.csv"] == "1,2\n"

    async def test_the_environment_holds_the_users_and_the_platforms_but_none_of_our_own(self, world, monkeypatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
        environment = (await given(world, Environment={"MINE": "x", "TRAINING_JOB_NAME": "not this"}))["environment"]
        assert environment["MINE"] == "x"
        assert environment["TRAINING_JOB_NAME"] == "job"
        assert environment["TRAINING_JOB_ARN"].endswith(":training-job/job")
        assert environment["AWS_REGION"] == "us-east-1"
        assert environment["CURRENT_HOST"] == "algo-1"
        assert "AWS_SECRET_ACCESS_KEY" not in environment

    async def test_an_isolated_job_has_no_network(self, world):
        script = "import socket; print('interfaces', [name for _, name in socket.if_nameindex()])"
        found = await world.trained(script=script, EnableNetworkIsolation=True)
        if found["TrainingJobStatus"] == "Failed":
            assert found["FailureReason"].startswith("CapacityError: ")
            pytest.skip(found["FailureReason"])
        assert "interfaces ['lo']" in world.log()[1]
        assert found["EnableNetworkIsolation"] is True


class TestOutcome:
    async def test_a_model_is_packed_and_its_place_told(self, world):
        script = "(base / 'model' / 'deep').mkdir(); (base / 'model' / 'deep' / 'w').write_bytes(b'123')"
        found = await world.trained(script=script)
        assert found["ModelArtifacts"] == {"S3ModelArtifacts": "s3://data/out/job/output/model.tar.gz"}
        packed = world.tar("out/job/output/model.tar.gz")
        assert sorted(packed) == ["deep", "deep/w", "files.json"]
        assert packed["deep/w"] == b"123"
        assert world.keys("out/") == ["out/job/output/model.tar.gz"]

    async def test_output_data_makes_an_output_archive(self, world):
        await world.trained(script="(base / 'output' / 'data' / 'report.txt').write_text('fine')")
        assert world.tar("out/job/output/output.tar.gz") == {"report.txt": b"fine"}

    async def test_without_compression_the_model_is_a_tree_of_objects(self, world):
        output = {"S3OutputPath": "s3://data", "CompressionType": "NONE"}
        found = await world.trained(script="(base / 'model' / 'a').write_text('1')", OutputDataConfig=output)
        assert found["ModelArtifacts"] == {"S3ModelArtifacts": "s3://data/job/output/model/"}
        assert world.keys("job/") == ["job/output/model/a", "job/output/model/files.json"]

    async def test_the_failure_file_becomes_the_reason(self, world):
        script = "(base / 'output' / 'failure').write_text('k must be small\\n'); sys.exit(2)"
        found = await world.trained(script=script)
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Failed", "Failed")
        assert found["FailureReason"] == "AlgorithmError: k must be small, exit code: 2"
        assert "ModelArtifacts" not in found
        assert world.tar("out/job/output/output.tar.gz") == {"failure": b"k must be small\n"}

    async def test_a_customers_error_keeps_its_kind(self, world):
        script = "(base / 'output' / 'failure').write_text('ClientError: no such column'); sys.exit(1)"
        assert (await world.trained(script=script))["FailureReason"] == "ClientError: no such column, exit code: 1"

    async def test_a_failure_without_words(self, world):
        assert (await world.trained(script="sys.exit(3)"))["FailureReason"] == "AlgorithmError: , exit code: 3"

    async def test_a_killed_process_counts_as_a_container_would(self, world):
        found = await world.trained(script="os.kill(os.getpid(), 9)")
        assert found["FailureReason"] == "AlgorithmError: , exit code: 137"

    async def test_a_failure_file_with_exit_0_is_no_failure(self, world):
        found = await world.trained(script="(base / 'output' / 'failure').write_text('x')")
        assert found["TrainingJobStatus"] == "Completed"

    def test_the_reason_keeps_its_length_and_its_exit_code(self):
        reason = failure_reason("x" * 2000, 1)
        assert len(reason) == 1024
        assert reason.endswith("x, exit code: 1")

    async def test_nothing_of_a_finished_job_stays_behind(self, world, tmp_path):
        await world.trained()
        for _ in range(500):  # The job has ended before its folders are removed.
            left = [*(tmp_path / "jobs").rglob("ml"), *(tmp_path / "runs").iterdir()]
            if not left:
                break
            await asyncio.sleep(0.02)
        assert left == []


class TestRefusedByTheAlgorithm:
    async def reason(self, world, **changes):
        found = await world.trained(**changes)
        assert found["TrainingJobStatus"] == "Failed"
        assert "Training" not in [one["Status"] for one in found["SecondaryStatusTransitions"]]
        return found["FailureReason"]

    async def test_an_unknown_hyperparameter(self, world):
        reason = await self.reason(world, HyperParameters={"num_round": "1", "nope": "1"})
        assert reason == "ClientError: Additional properties are not allowed ('nope' was unexpected)"

    async def test_a_missing_hyperparameter(self, world):
        assert "'num_round' is a required property" in await self.reason(world, HyperParameters={})

    async def test_a_missing_channel(self, world):
        reason = await self.reason(world, InputDataConfig=None)
        assert reason.startswith("ClientError: ")
        assert "'train' is a required property" in reason

    async def test_an_unknown_channel(self, world):
        channels = [channel("train", "s3://data/train/"), channel("training", "s3://data/train/")]
        assert "'training' was unexpected" in await self.reason(world, InputDataConfig=channels)


class TestRights:
    async def denied(self, tmp_path, *pairs, **changes):
        identity = FakeIdentity()
        identity.denied = list(pairs)
        world = await World(tmp_path, identity=identity).start()
        try:
            return await world.trained(**changes), world
        finally:
            await world.close()

    async def test_a_role_that_may_not_list(self, tmp_path):
        found, _ = await self.denied(tmp_path, ("s3:ListBucket", "arn:aws:s3:::data"))
        assert found["FailureReason"].startswith("ClientError: Data download failed: No S3 objects found")
        assert "s3:ListBucket" in found["FailureReason"]

    async def test_a_role_that_may_not_read(self, tmp_path):
        found, _ = await self.denied(tmp_path, ("s3:GetObject", "arn:aws:s3:::data/train/"))
        assert "s3://data/train/a.csv" in found["FailureReason"]
        assert "is not authorized to perform: s3:GetObject" in found["FailureReason"]

    async def test_a_role_that_may_not_write_fails_the_job_before_it_trains(self, tmp_path):
        found, _ = await self.denied(tmp_path, ("s3:PutObject", "arn:aws:s3:::data/out/job/output/model.tar.gz"))
        assert found["FailureReason"].startswith("ClientError: Artifact upload failed: ")
        assert found["SecondaryStatusTransitions"][-2]["Status"] == "Starting"

    async def test_a_missing_output_bucket(self, world):
        found = await world.trained(OutputDataConfig={"S3OutputPath": "s3://nowhere/x"})
        assert found["FailureReason"].startswith("ClientError: Artifact upload failed: ")


class TestStop:
    async def test_a_stopped_job_keeps_what_it_saved(self, world):
        await world.create(script=DEAF_FOR_A_WHILE)
        await until_logged(world, "ready")
        began = time.monotonic()
        await world.ask("StopTrainingJob", TrainingJobName="job")
        assert (await world.ask("DescribeTrainingJob", TrainingJobName="job"))["TrainingJobStatus"] in (
            "Stopping",
            "Stopped",
        )
        found = await world.ended()
        assert time.monotonic() - began < 10
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "Stopped")
        assert [one["Status"] for one in found["SecondaryStatusTransitions"]][-2:] == ["Stopping", "Stopped"]
        assert world.tar("out/job/output/model.tar.gz")["saved"] == b"in time"
        assert "FailureReason" not in found

    async def test_a_job_that_runs_too_long_is_stopped_not_failed(self, world):
        found = await world.trained(script=DEAF_FOR_A_WHILE, StoppingCondition={"MaxRuntimeInSeconds": 1})
        assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
        assert world.tar("out/job/output/model.tar.gz")["saved"] == b"in time"

    async def test_a_job_stopped_at_once_never_trains_or_stops_early(self, world):
        await world.create(script="time.sleep(60)")
        await world.ask("StopTrainingJob", TrainingJobName="job")
        await world.ask("StopTrainingJob", TrainingJobName="job")
        assert (await world.ended())["TrainingJobStatus"] == "Stopped"


class TestLog:
    async def test_lines_arrive_in_order_with_tabs_as_aws_ships_them(self, world):
        await world.trained(
            script="print('a\\tb'); print('', flush=True); print('err', file=sys.stderr); print('end', end='')"
        )
        (stream,), lines = world.log()
        assert stream.startswith("job/algo-1-")
        assert lines == ["a#011b", "err", "end"]

    async def test_lines_are_shipped_while_the_job_trains(self, world):
        await world.create(script=DEAF_FOR_A_WHILE)
        await until_logged(world, "ready")
        assert (await world.ask("DescribeTrainingJob", TrainingJobName="job"))["SecondaryStatus"] == "Training"
        await world.ask("StopTrainingJob", TrainingJobName="job")
        await world.ended()

    async def test_metrics_are_read_out_of_the_lines(self, world):
        script = (
            "for i in range(3): print(f'[{i}]\\ttrain-rmse:{0.5 - i / 10:.5f}\\tvalidation-rmse:{0.6 - i / 10:.5f}')"
        )
        found = await world.trained(script=script)
        finals = {one["MetricName"]: one["Value"] for one in found["FinalMetricDataList"]}
        assert finals == {"train:rmse": 0.3, "validation:rmse": 0.4}
        key = "000000000000/us-east-1/training-job/job"
        values = [value for _, value in metrics.series(world.metadata, key, "validation:rmse")]
        assert values == [0.6, 0.5, 0.4]


async def test_system_metrics_are_written_when_profiling_is_asked_for(world):
    profiler = {"S3OutputPath": "s3://data/out", "DisableProfiler": False, "ProfilingIntervalInMilliseconds": 100}
    found = await world.trained(script="time.sleep(0.5)", ProfilerConfig=profiler)
    assert found["ProfilingStatus"] == "Enabled"
    keys = world.keys("out/job/profiler-output/system/incremental/")
    text = "".join(world.objects.read(world.objects.head("data", key)).decode() for key in keys)
    events = [json.loads(line) for line in text.splitlines()]
    assert {event["NodeId"] for event in events} == {"algo-1"}
    assert {event["Dimension"] for event in events} == {"CPUUtilization", "MemoryUsedPercent"}
    assert len({event["Timestamp"] for event in events}) >= 3


async def test_training_adds_little_to_the_programs_own_time(world):
    await world.trained("warm")
    began = time.perf_counter()
    await world.trained("timed")
    assert time.perf_counter() - began < 10


class TestRetries:
    async def lose(self, world, tmp_path):
        await until_logged(world, "ready")
        (supervisor,) = await TestRestart.appears(tmp_path, "jobs/**/supervisor")
        os.kill(json.loads(supervisor.read_text())["pid"], signal.SIGKILL)

    async def test_a_lost_job_is_tried_again_as_often_as_asked(self, world, tmp_path):
        script = "print('ready'); print('[0]\\ttrain-rmse:0.5'); time.sleep(0.6)"
        await world.create(script=script, RetryStrategy={"MaximumRetryAttempts": 1})
        await self.lose(world, tmp_path)
        found = await world.ended()
        assert found["TrainingJobStatus"] == "Completed"
        statuses = [one["Status"] for one in found["SecondaryStatusTransitions"]]
        assert statuses[:5] == ["Starting", "Downloading", "Training", "Restarting", "Downloading"]
        assert world.log()[1].count("ready") == 2
        key = "000000000000/us-east-1/training-job/job"
        assert len(metrics.series(world.metadata, key, "train:rmse")) == 2

    async def test_without_a_strategy_it_is_tried_once(self, world, tmp_path):
        await world.create(script="print('ready'); time.sleep(60)")
        await self.lose(world, tmp_path)
        assert (await world.ended())["FailureReason"].startswith("InternalServerError: ")

    async def test_an_algorithms_failure_is_never_tried_again(self, world):
        found = await world.trained(script="sys.exit(1)", RetryStrategy={"MaximumRetryAttempts": 3})
        assert [one["Status"] for one in found["SecondaryStatusTransitions"]].count("Training") == 1


class TestRestart:
    """The platform is a child process that is killed; the jobs' processes live on."""

    SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from training_world import World
async def main():
    world = await World(Path(sys.argv[2])).start()
    await world.create(script=sys.argv[3])
    await world.reaches("Training")
    while "one" not in world.log()[1]:
        await asyncio.sleep(0.02)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""

    def killed(self, tmp_path, script):
        here = str(Path(__file__).parent)
        done = subprocess.run(
            [sys.executable, "-c", self.SCRIPT, here, str(tmp_path), script], capture_output=True, text=True
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

    async def test_a_job_that_still_trains_is_taken_up_again(self, tmp_path):
        self.killed(tmp_path, "print('one'); time.sleep(1.5); print('two')")
        world = await World(tmp_path).start()
        try:
            assert world.recovered == [
                "training 000000000000/us-east-1/training-job/job: still running, attached to it again"
            ]
            found = await world.ended()
            assert found["TrainingJobStatus"] == "Completed"
            assert world.log()[1] == ["one", "two"]
            assert "files.json" in world.tar("out/job/output/model.tar.gz")
        finally:
            await world.close()

    async def test_a_job_that_ended_meanwhile_is_collected(self, tmp_path):
        self.killed(tmp_path, "print('one'); time.sleep(0.3); print('two')")
        (exit_file,) = await self.appears(tmp_path, "jobs/**/exit")
        assert json.loads(exit_file.read_text())["exit_code"] == 0
        world = await World(tmp_path).start()
        try:
            assert "ended meanwhile" in world.recovered[0]
            assert (await world.ended())["TrainingJobStatus"] == "Completed"
            assert world.log()[1] == ["one", "two"]
        finally:
            await world.close()

    async def test_a_job_whose_process_vanished_fails_with_a_reason(self, tmp_path):
        self.killed(tmp_path, "print('one'); time.sleep(60)")
        (supervisor,) = await self.appears(tmp_path, "jobs/**/supervisor")
        os.kill(json.loads(supervisor.read_text())["pid"], signal.SIGKILL)
        await asyncio.sleep(0.2)
        world = await World(tmp_path).start()
        try:
            found = await world.ended()
            assert found["TrainingJobStatus"] == "Failed"
            assert found["FailureReason"].startswith("InternalServerError: We encountered an internal error.")
        finally:
            await world.close()

    CRASH_AT = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from training_world import World
async def main():
    world = await World(Path(sys.argv[2])).start()
    left, write = int(sys.argv[3]), world.metadata.transact_blocking
    def counted(work):
        nonlocal left
        done = write(work)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    world.metadata.transact_blocking = counted
    await world.create(script=sys.argv[4])
    await asyncio.sleep(30)
asyncio.run(main())
"""

    @pytest.mark.parametrize("writes", [1, 3, 4, 5, 7, 8, 9])
    async def test_a_crash_after_any_write_changes_nothing_of_the_outcome(self, tmp_path, writes):
        script = "print('[0]\\ttrain-rmse:0.5', flush=True); time.sleep(0.25); print('two')"
        arguments = [str(Path(__file__).parent), str(tmp_path), str(writes), script]
        done = subprocess.run([sys.executable, "-c", self.CRASH_AT, *arguments], capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL, done.stderr
        world = await World(tmp_path).start()
        try:
            found = await world.ended()
            assert [one["Status"] for one in found["SecondaryStatusTransitions"]] == [
                "Starting",
                "Downloading",
                "Training",
                "Uploading",
                "Completed",
            ]
            assert world.log()[1] == ["[0]#011train-rmse:0.5", "two"]
            assert len(metrics.series(world.metadata, "000000000000/us-east-1/training-job/job", "train:rmse")) == 1
            assert world.keys("out/") == ["out/job/output/model.tar.gz"]
        finally:
            await world.close()

    async def test_closing_leaves_the_process_running_and_the_next_start_finds_it(self, tmp_path):
        world = await World(tmp_path).start()
        await world.create(script="print('one'); time.sleep(1); print('two')")
        await until_logged(world, "one")
        await world.close()
        world = await World(tmp_path).start()
        try:
            assert (await world.ended())["TrainingJobStatus"] == "Completed"
            assert world.log()[1] == ["one", "two"]
        finally:
            await world.close()

    @staticmethod
    async def appears(folder, pattern):
        async with asyncio.timeout(10):
            while not (found := list(folder.glob(pattern))):
                await asyncio.sleep(0.02)
        return found
