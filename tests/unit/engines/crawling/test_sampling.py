"""Files are looked at one by one where some of them end the process; more of a file is read where it is asked for."""

import asyncio

import pytest

from lakemill.engines.crawling import CrawlFailed, Plan, Target
from lakemill.engines.crawling.folders import Tree
from lakemill.engines.crawling.sampling import HEAD_BYTES, SAMPLES_MAX, TAIL_BYTES, Sampler
from lakemill.engines.objects import Listed, ObjectMissing, ObjectRecord


class Bucket:
    """Objects that are what their keys say, of a size."""

    def __init__(self, size=10):
        self.size, self.reads = size, []

    def head(self, bucket, key):
        if "gone" in key:
            raise ObjectMissing(bucket, key)
        return ObjectRecord(key=key, size=self.size)

    def read(self, record, offset=0, length=None):
        self.reads.append((record.key, offset, length))
        data = (b"PAR1" if "parquet" in record.key else b"text") + bytes(self.size - 4)
        return data[offset:] if length is None else data[offset : offset + length]


class Worker:
    """Finds `json` in everything, dies of what is `deadly`, and asks for more of what is `long`."""

    def __init__(self):
        self.asked = []

    async def ask(self, samples, custom):
        self.asked.append([sample[0] for sample in samples])
        if any("deadly" in sample[0] for sample in samples):
            raise CrawlFailed("the process that reads files ended with signal SIGKILL")
        return {"findings": [self.finding(*sample) for sample in samples]}

    def finding(self, key, size, head, tail):
        if "long" in key and len(head) < size:
            return {"more": {"head": 4 * len(head), "tail": 0}}
        return {"classification": "json", "columns": [["a", "int"]], "records": len(head) + len(tail)}


def looked_at(*keys, bucket=None, refused=None, halted=lambda: None):
    tree = Tree("", "", lambda path: False)
    tree.take(Listed(key, 10) for key in sorted(keys))
    plan = Plan("c", "s", "d", (), lambda action, resource, context=None: refused)
    worker = Worker()
    sampler = Sampler(plan, bucket or Bucket(), worker, halted)
    folders = [folder for folder in tree.root.walk() if folder.files]
    found = asyncio.run(sampler.look(Target("b", ""), folders))
    kinds = {place[0]: seen for looked in found.values() for place, seen in looked}
    return kinds, sampler.notes, worker.asked


def test_a_file_that_ends_the_process_is_unknown_and_the_others_are_not():
    found, notes, asked = looked_at("t/a", "t/deadly", "t/z")
    kinds = {key: seen.classification for key, seen in found.items()}
    assert kinds == {"t/a": "json", "t/deadly": "UNKNOWN", "t/z": "json"}
    assert notes == ["s3://b/t/deadly cannot be read: the process that reads files ended with signal SIGKILL"]
    assert asked == [["t/a", "t/deadly", "t/z"], ["t/a"], ["t/deadly"], ["t/z"]]


def test_an_object_that_is_no_more_is_passed_over():
    assert list(looked_at("t/a", "t/gone")[0]) == ["t/a"]


def test_only_the_ends_of_parquet_are_read():
    bucket = Bucket(1 << 20)
    found, _, _ = looked_at("t/x.parquet", bucket=bucket)
    assert bucket.reads == [("t/x.parquet", 0, HEAD_BYTES), ("t/x.parquet", (1 << 20) - TAIL_BYTES, TAIL_BYTES)]
    assert found["t/x.parquet"].records == 16 + TAIL_BYTES


def test_more_is_read_until_it_is_too_much():
    assert looked_at("t/long", bucket=Bucket(4 << 20))[0]["t/long"].records == 4 << 20
    found, notes, _ = looked_at("t/long", bucket=Bucket(64 << 20))
    assert found["t/long"].classification == "UNKNOWN"
    assert "too long to be understood" in notes[0]


def test_a_file_that_may_not_be_read_fails_the_crawl():
    with pytest.raises(CrawlFailed, match="Access denied to s3://b/t/a"):
        looked_at("t/a", refused="It may not.")


def test_equal_findings_are_kept_once():
    found, _, _ = looked_at("t/a", "u/a")
    assert found["t/a"].columns is found["u/a"].columns


def test_it_can_be_halted_between_batches():
    class Halt(Exception):
        pass

    def halted():
        raise Halt

    with pytest.raises(Halt):
        looked_at("t/a", halted=halted)


def test_of_very_many_folders_few_files_each_are_looked_at():
    keys = [f"{folder}/{number}" for folder in range(SAMPLES_MAX // 3) for number in range(5)]
    found, _, _ = looked_at(*keys)
    assert len(found) == SAMPLES_MAX // 3 * 3
