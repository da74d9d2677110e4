"""The command line against a running lakemill."""

import configparser
import json
import os
import subprocess
import sys
import time

import httpx
import pytest
from tests.journeys.firehose_site import Site
from tests.running import Lakemill


def command(*arguments, expect=0, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "lakemill", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_env_prints_exports_a_shell_understands(lakemill):
    script = f'eval "$({sys.executable} -m lakemill env --data {lakemill.data})"; echo "$AWS_ENDPOINT_URL $AWS_REGION"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == f"{lakemill.endpoint} us-east-1\n"
    assert json.loads(command("env", "--data", lakemill.data, "--json"))["AWS_SECRET_ACCESS_KEY"] == lakemill.secret


def test_env_writes_a_profile_beside_the_others(lakemill, tmp_path):
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    credentials.write_text("[other]\naws_access_key_id = AKIAOTHER\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    command("env", "--data", lakemill.data, "--profile", "mill", **files)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([config, credentials])
    assert parser["profile mill"]["endpoint_url"] == lakemill.endpoint
    assert parser["mill"]["aws_access_key_id"] == lakemill.access_key_id
    assert parser["other"]["aws_access_key_id"] == "AKIAOTHER"
    assert credentials.stat().st_mode & 0o077 == 0


def test_status_says_up_with_what_there_is_and_down_with_what_to_do(lakemill, tmp_path):
    site = Site(lakemill, "cli-status")
    delivery, function = site.stream(), site.function("def handler(event, context): pass").rpartition(":")[2]
    lakemill.client("kinesisanalytics").create_application(ApplicationName="cli-status")
    facts = json.loads(command("status", "--data", lakemill.data, "--json"))
    assert facts["up"]
    assert "cli-status" in facts["buckets"]
    assert delivery in facts["delivery_streams"] and function in facts["functions"]
    assert {"name": "cli-status", "status": "READY"} in facts["applications"]
    assert "up" in command("status", "--data", lakemill.data)
    assert "nobody answers" in command("status", "--data", lakemill.data, "--port", 1, expect=1)
    assert "lakemill up --data" in command("status", "--data", tmp_path, expect=1)


def test_logs_of_something_unknown_names_what_lists_them(lakemill):
    assert "lakemill status lists them" in command("logs", "no-such-job", "--data", lakemill.data, expect=1)


def test_run_gives_the_programs_exit_code_and_reaches_hard_coded_hosts(lakemill):
    program = (
        "import boto3, sys\n"
        "sts = boto3.client('sts', endpoint_url='https://sts.eu-west-1.amazonaws.com', region_name='eu-west-1')\n"
        "print(sts.get_caller_identity()['Arn'])\n"
        "sys.exit(7)\n"
    )
    said = command("run", "--data", lakemill.data, "--", sys.executable, "-c", program, expect=7)
    assert "arn:aws:iam::000000000000:root" in said
    assert "no program" in command("run", "--data", lakemill.data, "--", "no-such-program", expect=127)


def test_run_leaves_other_hosts_alone(lakemill):
    """A TLS server that is not AWS's is reached directly: its own certificate is seen, not one of ours."""
    program = (
        "import os, socket, threading, urllib.parse\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "def echo():\n"
        "    peer, _ = server.accept()\n"
        "    peer.sendall(b'seen:' + peer.recv(100))\n"
        "    peer.close()\n"
        "threading.Thread(target=echo).start()\n"
        "proxy = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])\n"
        "client = socket.create_connection((proxy.hostname, proxy.port))\n"
        "port = server.getsockname()[1]\n"
        "client.sendall(f'CONNECT 127.0.0.1:{port} HTTP/1.1\\r\\n\\r\\n'.encode())\n"
        "assert b' 200 ' in client.recv(1000)\n"
        "client.sendall(b'\\x16\\x03\\x01 hello')\n"
        "print(client.recv(100))\n"
    )
    assert r"b'seen:\x16\x03\x01 hello'" in command("run", "--data", lakemill.data, "--", sys.executable, "-c", program)


def test_doctor_and_algorithms_speak_to_people_and_programs():
    assert all(finding["ok"] for finding in json.loads(command("doctor", "--json")) if not finding["optional"])
    assert "local_lloyd_tol" in command("algorithms", "kmeans")
    assert {one["name"] for one in json.loads(command("algorithms", "--json"))} >= {"kmeans", "pca", "xgboost"}
    assert "there are: " in command("algorithms", "no-such", expect=1)


@pytest.mark.parametrize(("name", "value"), [("--port", "70000"), ("--auth", "maybe"), ("--account", "12")])
def test_a_setting_that_makes_no_sense_is_named(tmp_path, name, value):
    assert f"setting {name.strip('-')}" in command("up", "--data", tmp_path / "d", name, value, expect=1)


def test_http_2_with_prior_knowledge_is_spoken_in_clear_text(lakemill):
    with httpx.Client(http1=False, http2=True) as client:
        answer = client.get(f"{lakemill.endpoint}/_lakemill/health")
    assert (answer.http_version, answer.json()["status"]) == ("HTTP/2", "ok")


def test_tls_serves_sdks_and_signed_trailers(tmp_path):
    with Lakemill(tmp_path / "data", "--tls") as running:
        assert running.endpoint.startswith("https://")
        program = (
            "import boto3\n"
            "s3 = boto3.client('s3')\n"
            "s3.create_bucket(Bucket='tls')\n"
            "s3.put_object(Bucket='tls', Key='a b/ü', Body=b'x' * 300_000)\n"
            "print(len(s3.get_object(Bucket='tls', Key='a b/ü')['Body'].read()))\n"
        )
        assert "300000" in command("run", "--data", running.data, "--", sys.executable, "-c", program)


def test_the_console_is_for_those_who_know_the_root_key(lakemill):
    page = f"{lakemill.endpoint}/_lakemill/"
    assert httpx.get(page).status_code == 401
    stream = Site(lakemill, f"console-{time.time_ns()}").stream()
    shown = httpx.get(page, auth=(lakemill.access_key_id, lakemill.secret))
    assert (shown.status_code, "console-" in shown.text) == (200, True)
    assert f'<td>{stream}</td><td class="good">active</td>' in shown.text


class TestTrain:
    @pytest.fixture
    def points(self, tmp_path):
        path = tmp_path / "points.csv"
        path.write_text("".join(f"{x},{y},{x * y % 7}\n" for x in range(20) for y in range(20)))
        return path

    def test_a_local_file_becomes_a_model_in_one_line(self, lakemill, points):
        said = command("train", "kmeans", points, "--k", 4, "--test", points, "--data", lakemill.data)
        assert "#quality_metric: host=algo-1, train msd <loss>=" in said
        assert '"feature_dim": "3"' in said
        assert "Completed in" in said
        model = said.strip().rsplit(" ", 1)[1]
        bucket, key = model.removeprefix("s3://").split("/", 1)
        assert lakemill.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0

    def test_programs_read_json_and_wait_or_not(self, lakemill, points):
        arguments = ("train", "pca", points, "--num-components=2", "--mini_batch_size", 50, "--data", lakemill.data)
        found = json.loads(command(*arguments, "--json", "--instances", 2))
        assert (found["status"], found["metrics"]["train:progress"]) == ("Completed", 100.0)
        assert json.loads(command(*arguments, "--json", "--no-wait", "--name", "later")) == {"job": "later"}
        assert "Docker entrypoint" in command("logs", "later", "--follow", "--data", lakemill.data)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["kmeanz", "FILE", "--k", "2"], "no built-in algorithm is called kmeanz"),
            (["kmeans", "FILE"], "'k' is a required property"),
            (["kmeans", "FILE", "--k", "none"], "hyperparameter k must be an integer"),
            (["kmeans", "FILE", "--k", "2", "--colour", "red"], "'colour' was unexpected"),
            (["kmeans", "FILE", "--k"], "--k has no value"),
            (["kmeans", "FILE", "k=3"], "is no hyperparameter"),
            (["kmeans", "no/such/file", "--k", "2"], "there is no no/such/file"),
            (["kmeans", "s3://no-such-bucket-here/x", "--k", "2"], "cannot be listed"),
            (["kmeans", "FILE", "--k", "2", "--validation", "FILE"], "has no channel validation"),
            (["kmeans", __file__, "--k", "2"], "say which with --content-type"),
            (["kmeans", "FILE", "--k", "2", "--mode", "Tape"], "the job was refused"),
            (["kmeans", "FILE", "--k", "500"], "fewer than k=500"),
        ],
    )
    def test_a_mistake_is_told_in_a_sentence(self, lakemill, points, arguments, says):
        given = [str(points) if one == "FILE" else one for one in arguments]
        assert says in command("train", *given, "--data", lakemill.data, expect=1)
