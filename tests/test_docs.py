"""The pages people read: generated ones are current, everything has its page, links lead somewhere, examples run."""

import ast
import dataclasses
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
import yaml

from lakemill.algorithms import registry
from lakemill.app import SERVICES
from lakemill.cli.main import app, up
from lakemill.settings import Settings, variable
from tests.running import Lakemill

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "examples" / "README.md"])
COMMANDS = set(typer.main.get_command(app).commands)

SERVICE_PAGES = {
    "iam": "iam-sts",
    "sts": "iam-sts",
    "sagemaker-runtime": "sagemaker",
    "redshift-data": "redshift",
    "redshift-serverless": "redshift",
    "kinesisanalytics": "kinesis-analytics",
    "kinesisanalyticsv2": "kinesis-analytics",
    "kinesisvideo": "kinesis-video",
    "kinesis-video-media": "kinesis-video",
    "kinesis-video-archived-media": "kinesis-video",
}
"""Page below docs/services of a service that shares one; the others' pages have their names."""

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```[^\n]*\n.*?^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"^<!-- run -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^<!-- output -->\n```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SOURCE = re.compile(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.(?:py|md))`")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def headings(page: str) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", (DOCS / page).read_text(), re.MULTILINE))


# What comes from the code


def test_generated_pages_are_current():
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_on_its_page(field):
    row = f"| `{field.name}` | `{variable(field.name)}` |"
    assert row in (DOCS / "reference" / "settings.md").read_text()
    assert field.metadata["doc"].endswith(".")


def test_every_setting_is_an_option():
    assert inspect.signature(up).parameters.keys() == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_its_heading(command):
    assert f"lakemill {command}" in headings("reference/commands.md")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_has_its_page_and_its_operations(service):
    page = DOCS / "services" / f"{SERVICE_PAGES.get(service.name, service.name)}.md"
    assert "## What is refused, and why" in page.read_text()
    assert service.name in headings("coverage.md")


@pytest.mark.parametrize("spec", registry.specs(), ids=lambda spec: spec.name)
def test_every_algorithm_has_its_page_and_its_hyperparameters(spec):
    assert (DOCS / "algorithms" / f"{spec.name}.md").exists()
    assert spec.name in headings("reference/hyperparameters.md")


# What pages say


def nav_pages(entry: object) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    below = entry.values() if isinstance(entry, dict) else entry
    return [page for one in below for page in nav_pages(one)]  # type: ignore[union-attr]


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text().replace("!!python/name:", "")  # A name of mkdocs' own; a string will do.
    listed = nav_pages(yaml.safe_load(text)["nav"])
    assert len(listed) == len(set(listed))
    assert set(listed) == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{target} is not there"
        if anchor:
            anchors = {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in _headings(found)}
            assert anchor in anchors, f"{target}: there is no such heading"


def _headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)


GUIDES = {"docs/add-a-service.md", "docs/add-an-algorithm.md"}
"""These name files that their reader is to make."""


@pytest.mark.parametrize("page", [page for page in PAGES if name(page) not in GUIDES], ids=name)
def test_files_that_are_named_exist(page):
    for path in SOURCE.findall(page.read_text()):
        places = [ROOT / path, ROOT / "src" / "lakemill" / path, ROOT / "src" / "lakemill" / "gateway" / path]
        places.append(ROOT / "src" / "lakemill" / "engines" / path)
        assert any(place.exists() for place in places), f"there is no {path}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_pages_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for block in SHELL.findall(page.read_text()):
        for line in block.splitlines():
            for made in re.findall(r"^make ([a-z-]+)", line):
                assert made in targets, line
            for command in re.findall(r"(?:^|\$\(|&& )lakemill ([a-z]+)", line):
                assert command in COMMANDS, line


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_in_pages_can_be_read(page):
    for block in PYTHON.findall(page.read_text()):
        ast.parse(block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_fit_the_page(page):
    if "Made by" in page.read_text():
        return
    for number, line in enumerate(page.read_text().splitlines(), 1):
        assert len(line) <= 130 or line.startswith(("|", "User: ")), f"line {number} is too long"


def test_the_changelog_begins_with_what_is_unreleased():
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text().splitlines()[2]


# What pages show runs


@pytest.fixture(scope="module")
def lakemill(tmp_path_factory):
    with Lakemill(tmp_path_factory.mktemp("docs")) as running:
        yield running


@pytest.mark.parametrize("page", [page for page in PAGES if RUN.search(page.read_text())], ids=name)
@pytest.mark.long
def test_examples_run_and_print_what_the_page_says(lakemill, page, tmp_path):
    text = page.read_text()
    program = tmp_path / "program.py"
    program.write_text("\n".join(RUN.findall(text)))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "AWS_ENDPOINT_URL": lakemill.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": lakemill.access_key_id,
        "AWS_SECRET_ACCESS_KEY": lakemill.secret,
    }
    done = subprocess.run(
        [sys.executable, str(program)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    if shown := OUTPUT.search(text):
        # Scores may differ in their last digits from one processor to another.
        assert rounded(done.stdout) == rounded(shown[1])


def rounded(text: str) -> str:
    return re.sub(r"\d\.\d{4,}", lambda found: f"{float(found[0]):.3f}", text)


def test_the_idea_in_one_file_runs():
    program = DOCS / "mini.py"
    assert len(program.read_text().splitlines()) <= 300
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    keys, predictions = (ast.literal_eval(line) for line in done.stdout.splitlines())
    assert keys == ["models/towns/output/model.json", "train/points.csv"]
    assert {one["closest_cluster"] for one in predictions} == {0, 1}
    assert all(one["distance_to_cluster"] < 1 for one in predictions)


def test_the_idea_in_one_file_refuses_what_it_does_not_know():
    check = """
import boto3, mini
from botocore.exceptions import ClientError

at = f"http://127.0.0.1:{mini.start().server_port}"

def s3(secret):
    keys = {"aws_access_key_id": mini.KEY_ID, "aws_secret_access_key": secret}
    return boto3.client("s3", endpoint_url=at, region_name="us-east-1", **keys)

for call in (
    lambda: s3("wrong").create_bucket(Bucket="b"),
    lambda: s3(mini.SECRET).list_objects_v2(Bucket="b"),
    lambda: s3(mini.SECRET).put_bucket_tagging(Bucket="b", Tagging={"TagSet": []}),
):
    try:
        call()
    except ClientError as error:
        print(error.response["Error"]["Code"])
"""
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=DOCS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["SignatureDoesNotMatch", "NoSuchBucket", "NotImplemented"], done.stderr


@pytest.mark.long
def test_the_site_builds(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
