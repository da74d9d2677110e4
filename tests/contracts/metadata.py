"""What every metadata adapter promises. An adapter's test class inherits this and gives `metadata` and `clock`."""

import asyncio
import datetime
import threading

import pytest

from lakemill.ports.metadata import prefix_end


def put_all(metadata, table, documents):
    def work(transaction):
        for key, document in documents.items():
            transaction.put(table, key, document)

    metadata.transact_blocking(work)


class MetadataContract:
    def test_a_table_nobody_wrote_to_is_empty(self, metadata):
        assert metadata.get("things", "a") is None
        assert list(metadata.scan("things")) == []
        assert metadata.transact_blocking(lambda t: (t.get("things", "a"), list(t.scan("things")))) == (None, [])
        assert metadata.transact_blocking(lambda t: t.delete("things", "a")) is False

    @pytest.mark.parametrize(
        "document",
        [
            {"a": 1, "b": [1.5, None, True, "x"], "c": {"d": b"\x00\xff"}},
            [1, [2, {"k": "v"}]],
            "text ü 😀",
            b"bytes",
            0,
            -(2**63),
            2**64 - 1,
            1.25,
            True,
            {},
            [],
            "",
            b"",
            {"when": datetime.datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=datetime.UTC)},
        ],
    )
    def test_documents_come_back_as_they_were(self, metadata, document):
        put_all(metadata, "things", {"k": document})
        assert metadata.get("things", "k") == document
        assert list(metadata.scan("things")) == [("k", document)]

    def test_big_documents_fit(self, metadata):
        put_all(metadata, "things", {"big": b"x" * 3_000_000})
        assert metadata.get("things", "big") == b"x" * 3_000_000

    def test_put_replaces_and_delete_says_whether_there_was_one(self, metadata):
        put_all(metadata, "things", {"k": 1})
        put_all(metadata, "things", {"k": 2})
        assert metadata.get("things", "k") == 2
        assert metadata.transact_blocking(lambda t: t.delete("things", "k")) is True
        assert metadata.transact_blocking(lambda t: t.delete("things", "k")) is False
        assert metadata.get("things", "k") is None

    def test_tables_are_apart(self, metadata):
        put_all(metadata, "one", {"k": 1})
        put_all(metadata, "two", {"k": 2})
        assert (metadata.get("one", "k"), metadata.get("two", "k")) == (1, 2)

    def test_a_tables_name_must_be_an_identifier(self, metadata):
        with pytest.raises(ValueError, match="identifier"):
            metadata.get('x"; DROP TABLE things; --', "k")

    def test_keys_are_ordered_by_their_utf8_bytes(self, metadata):
        keys = ["", "a", "a/", "a0", "Z", "z", "ä", "￿", "😀", "日", "a\x01", "\x7f", "A b"]
        put_all(metadata, "things", dict.fromkeys(keys, 1))
        found = [key for key, _ in metadata.scan("things")]
        assert found == sorted(keys, key=str.encode)
        assert [key for key, _ in metadata.scan("things", reverse=True)] == found[::-1]

    def test_scan_takes_its_bounds_half_open_and_its_limit(self, metadata):
        put_all(metadata, "things", {f"k{i}": i for i in range(10)})

        def scan(*arguments, **options):
            return [value for _, value in metadata.scan("things", *arguments, **options)]

        assert scan("k3", "k6") == [3, 4, 5]
        assert scan("k8") == [8, 9]
        assert scan("k3", "k6", reverse=True) == [5, 4, 3]
        assert scan(limit=2) == [0, 1]
        assert scan(limit=2, reverse=True) == [9, 8]
        assert scan("k5", "k5") == []
        assert scan("k6", "k3") == []
        assert scan(limit=0) == []

    def test_long_scans_lose_nothing(self, metadata):
        keys = [f"{i:05d}" for i in range(1203)]
        put_all(metadata, "things", dict.fromkeys(keys, 1))
        assert [key for key, _ in metadata.scan("things")] == keys
        assert [key for key, _ in metadata.scan("things", reverse=True)] == keys[::-1]
        assert [key for key, _ in metadata.scan("things", "00100", "01100", limit=700)] == keys[100:800]
        assert [key for key, _ in metadata.scan("things", "00100", "01100", limit=700, reverse=True)] == keys[
            1099:399:-1
        ]
        assert len(metadata.transact_blocking(lambda transaction: list(transaction.scan("things", "00001")))) == 1202

    def test_a_prefix_is_a_scan(self, metadata):
        put_all(metadata, "things", dict.fromkeys(["a", "a/b", "a/c", "a0", "b"], 1))
        assert [key for key, _ in metadata.scan("things", "a/", prefix_end("a/"))] == ["a/b", "a/c"]
        assert len(list(metadata.scan("things", "", prefix_end("")))) == 5

    def test_work_sees_its_own_writes(self, metadata):
        def work(transaction):
            transaction.put("things", "a", 1)
            transaction.put("things", "b", 2)
            transaction.delete("things", "a")
            return transaction.get("things", "a"), transaction.get("things", "b"), list(transaction.scan("things"))

        assert metadata.transact_blocking(work) == (None, 2, [("b", 2)])

    def test_nobody_sees_half_a_transaction(self, metadata):
        seen = []

        def work(transaction):
            transaction.put("things", "a", 1)
            thread = threading.Thread(target=lambda: seen.append(metadata.get("things", "a")))
            thread.start()
            thread.join()
            transaction.put("things", "b", 2)

        put_all(metadata, "things", {"z": 0})
        metadata.transact_blocking(work)
        assert seen == [None]
        assert metadata.get("things", "a") == 1

    def test_what_work_raises_comes_out_and_nothing_of_it_stays(self, metadata):
        class Mine(Exception):
            pass

        error = Mine("no")

        def work(transaction):
            transaction.put("things", "a", 1)
            raise error

        with pytest.raises(Mine) as caught:
            metadata.transact_blocking(work)
        assert caught.value is error
        assert metadata.get("things", "a") is None

    async def test_one_that_fails_does_not_harm_those_beside_it(self, metadata):
        def work(number):
            def write(transaction):
                transaction.put("things", f"{number:02d}", number)
                if number % 3 == 0:
                    raise ValueError(number)
                return number

            return metadata.transact(write)

        outcomes = await asyncio.gather(*map(work, range(30)), return_exceptions=True)
        for number, outcome in enumerate(outcomes):
            assert (
                (isinstance(outcome, ValueError) and outcome.args == (number,))
                if number % 3 == 0
                else (outcome == number)
            )
        assert [value for _, value in metadata.scan("things")] == [n for n in range(30) if n % 3]

    async def test_transactions_never_run_beside_each_other(self, metadata):
        put_all(metadata, "things", {"n": 0})

        def add(transaction):
            transaction.put("things", "n", transaction.get("things", "n") + 1)

        def many():
            for _ in range(25):
                metadata.transact_blocking(add)

        threads = [threading.Thread(target=many) for _ in range(4)]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(metadata.transact(add) for _ in range(100)))
        for thread in threads:
            await asyncio.to_thread(thread.join)
        assert metadata.get("things", "n") == 200

    async def test_reads_see_everything_acknowledged_before_they_began(self, metadata):
        put_all(metadata, "things", {f"{i:03d}": 0 for i in range(50)})
        half_read = metadata.scan("things")
        next(half_read)
        for i in range(10):
            await metadata.transact(lambda transaction, i=i: transaction.put("things", "new", i))
            assert metadata.get("things", "new") == i
            assert [v for _, v in metadata.scan("things", "new")] == [i]
            assert await asyncio.to_thread(metadata.get, "things", "new") == i
        half_read.close()

    async def test_leases_belong_to_one_owner_until_they_run_out(self, metadata, clock):
        assert await metadata.acquire("reconciler", "a", 10)
        assert await metadata.acquire("reconciler", "a", 10)
        assert not await metadata.acquire("reconciler", "b", 10)
        assert await metadata.acquire("another", "b", 10)
        clock.advance(5)
        assert await metadata.acquire("reconciler", "a", 10)
        clock.advance(9)
        assert not await metadata.acquire("reconciler", "b", 10)
        clock.advance(2)
        assert await metadata.acquire("reconciler", "b", 10)
        assert not await metadata.acquire("reconciler", "a", 10)

    async def test_only_its_owner_gives_a_lease_back(self, metadata):
        assert await metadata.acquire("reconciler", "a", 10)
        await metadata.release("reconciler", "b")
        assert not await metadata.acquire("reconciler", "b", 10)
        await metadata.release("reconciler", "a")
        assert await metadata.acquire("reconciler", "b", 10)
        await metadata.release("never taken", "a")

    async def test_concurrent_callers_share_disk_flushes(self, metadata, monkeypatch):
        """128 callers cost far fewer flushes than 128; told by the time, against one caller after another."""
        loop = asyncio.get_running_loop()

        async def timed(work):
            began = loop.time()
            await work
            return loop.time() - began

        async def one_after_another():
            for i in range(32):
                await metadata.transact(lambda transaction, i=i: transaction.put("things", str(i), i))

        async def together():
            writes = [lambda transaction, i=i: transaction.put("things", str(i), i) for i in range(128)]
            await asyncio.gather(*map(metadata.transact, writes))

        await metadata.transact(lambda transaction: transaction.put("things", "warm", 1))
        alone = await timed(one_after_another()) / 32
        assert await timed(together()) / 128 < alone

    def test_a_closed_store_takes_nothing_more(self, metadata):
        put_all(metadata, "things", {"a": 1})
        metadata.close()
        metadata.close()
        with pytest.raises(RuntimeError, match="closed"):
            metadata.transact_blocking(lambda transaction: None)
