import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakemill.engines.objects import rows
from lakemill.engines.objects.pages import ROWS_PASSED_MAX


async def fill(objects, bucket, keys):
    for key in keys:
        await objects.put(bucket, key, b"x")


def walk(objects, bucket, limit=1000, **options):
    """All pages put together: keys, prefixes, number of pages."""
    keys, prefixes, pages, after = [], [], 0, ""
    while True:
        page = objects.page(bucket, after=after, limit=limit, **options)
        keys += [record.key for record in page.entries]
        prefixes += page.prefixes
        pages += 1
        if page.last is None:
            return keys, prefixes, pages
        assert len(page.entries) + len(page.prefixes) == limit
        after = page.last[0]


async def test_keys_come_in_utf8_order(objects, bucket):
    keys = ["a", "a/b", "a b", "Z", "ä", "日本", "\U0001f600", "a\x00", "a\x01", "a\x02", "a\x03", "~", "a\x02\x10"]
    await fill(objects, bucket, keys)
    assert walk(objects, bucket)[0] == sorted(keys, key=str.encode)
    assert [record.key for record in objects.listing(bucket)] == sorted(keys, key=str.encode)


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_a_delimiter_rolls_keys_up(objects, bucket, limit):
    await fill(objects, bucket, ["a", "b/", "b/1", "b/2/3", "b/2/4", "c/1", "d", "e//f"])
    assert walk(objects, bucket, limit, delimiter="/")[:2] == (["a", "d"], ["b/", "c/", "e/"])
    assert walk(objects, bucket, limit, prefix="b/", delimiter="/")[:2] == (["b/", "b/1"], ["b/2/"])
    assert walk(objects, bucket, limit, prefix="b")[:2] == (["b/", "b/1", "b/2/3", "b/2/4"], [])
    assert walk(objects, bucket, limit, prefix="e/", delimiter="/")[:2] == ([], ["e//"])
    assert walk(objects, bucket, limit, delimiter="/2/")[:2] == (["a", "b/", "b/1", "c/1", "d", "e//f"], ["b/2/"])


async def test_a_page_that_ends_with_the_last_entry_is_not_truncated(objects, bucket):
    await fill(objects, bucket, ["a", "b/1", "b/2"])
    assert objects.page(bucket, delimiter="/", limit=2).last is None
    assert objects.page(bucket, limit=3).last is None
    assert objects.page(bucket, limit=2).last == ("b/1", "")
    assert objects.page(bucket, limit=0).entries == []


async def test_start_after_is_exclusive_and_hides_prefixes_not_above_it(objects, bucket):
    await fill(objects, bucket, ["a/1", "a/2", "b/1", "c"])
    assert [r.key for r in objects.page(bucket, after="a/1").entries] == ["a/2", "b/1", "c"]
    assert objects.page(bucket, after="a/1", delimiter="/").prefixes == ["b/"]
    assert objects.page(bucket, after="a", delimiter="/").prefixes == ["a/", "b/"]
    assert [r.key for r in objects.page(bucket, after="b", prefix="a/").entries] == []
    assert [r.key for r in objects.page(bucket, after="A", prefix="a/").entries] == ["a/1", "a/2"]


async def test_large_common_prefixes_are_jumped_over(objects, bucket, metadata):
    await fill(objects, bucket, ["a", "z"])
    record = metadata.get(rows.OBJECTS, rows.object_row(bucket, "a"))

    def many(transaction):
        for number in range(3 * ROWS_PASSED_MAX):
            transaction.put(rows.OBJECTS, rows.object_row(bucket, f"big/{number:06d}"), record)

    metadata.transact_blocking(many)
    assert walk(objects, bucket, 2, delimiter="/")[:2] == (["a", "z"], ["big/"])


async def test_other_buckets_stay_out_of_sight(objects, bucket):
    await objects.buckets.create("lake-2", "0", "us-east-1")
    await objects.buckets.create("lak", "0", "us-east-1")
    await fill(objects, "lake-2", ["x"])
    await fill(objects, "lak", ["y"])
    assert walk(objects, bucket) == ([], [], 1)
    assert walk(objects, "lak")[0] == ["y"]


async def test_versions_are_paged_inside_a_key(objects, bucket):
    def change(record):
        record.versioning = "Enabled"

    await objects.buckets.update(bucket, change)
    for key in ("a", "b/1", "b/2", "c"):
        for _ in range(3):
            await objects.put(bucket, key, b"x")
    await objects.delete(bucket, "c")
    expected = [(r.version_id, latest) for r, latest in objects.version_page(bucket).entries]
    assert len(expected) == 13
    found, after, sequence = [], "", None
    while True:
        page = objects.version_page(bucket, after=after, after_sequence=sequence, limit=2)
        found += [(r.version_id, latest) for r, latest in page.entries]
        if page.last is None:
            break
        after, sequence = page.last[0], page.entries[-1][0].sequence
    assert found == expected
    assert objects.version_page(bucket, delimiter="/").prefixes == ["b/"]
    assert [r.key for r, _ in objects.version_page(bucket, after="b/2").entries] == ["c"] * 4


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.text(alphabet="ab/\x00\x01\x02é", min_size=1, max_size=5), max_size=25),
    st.text(alphabet="ab/", max_size=2),
    st.sampled_from(["", "/", "a", "b/"]),
    st.integers(1, 4),
)
def test_pages_agree_with_the_plain_definition(objects, keys, prefix, delimiter, limit):
    import asyncio

    async def run():
        name = f"b{next(counter)}"
        await objects.buckets.create(name, "0", "us-east-1")
        await asyncio.gather(*(objects.put(name, key, b"") for key in keys))
        return walk(objects, name, limit, prefix=prefix, delimiter=delimiter)[:2]

    expected_keys, expected_prefixes = [], []
    for key in sorted(keys, key=str.encode):
        if key.startswith(prefix):
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            if at < 0:
                expected_keys.append(key)
            elif (common := key[: at + len(delimiter)]) not in expected_prefixes:
                expected_prefixes.append(common)
    assert asyncio.run(run()) == (expected_keys, expected_prefixes)


counter = iter(range(10**9))


@given(st.text(max_size=8), st.text(max_size=8))
def test_escaping_keeps_order_and_is_undone(one, other):
    assert rows.unescape(rows.escape(one)) == one
    assert (rows.escape(one) < rows.escape(other)) == (one < other)
    assert rows.END not in rows.escape(one)
    row = rows.object_row("b", one)
    version = rows.version_row("b", one, 7)
    assert rows.key_of(row) == rows.key_of(version) == one
    assert row < version < row + rows.AFTER
    if one < other:
        assert row + rows.AFTER <= rows.object_row("b", other)
