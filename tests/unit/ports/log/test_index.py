import random

import pytest

from lakemill.ports.log.index import EXTENT_BYTES, Extents, IndexUnusable, encode_index, read_extents, read_table

from .simulation import SimulatedDisk


def file_with(tmp_path, data):
    file = SimulatedDisk(random.Random(0)).create(tmp_path / "index")
    file.write(0, [data])
    return file


def extents_of(*blocks):
    extents = Extents()
    for block in blocks:
        extents.add(*block)
    return extents


def columns(extents):
    return (
        list(extents.positions),
        list(extents.first_ms),
        list(extents.offsets),
        list(extents.ends),
        extents.next,
        extents.last_ms,
    )


def test_blocks_close_together_are_one_run():
    far = EXTENT_BYTES + 100
    extents = extents_of((1, 5, 10, 11, 100, 300), (6, 1, 12, 12, 500, 700), (7, 2, 13, 14, far, far + 50))
    assert columns(extents) == ([1, 7], [10, 13], [100, far], [700, far + 50], 9, 14)


def test_what_was_encoded_is_read_back_shard_by_shard(tmp_path):
    extents = {
        7: extents_of((1, 5, 10, 11, 100, 300)),
        2: extents_of((4, 1, 1, 2, 300, 310), (5, 1, 3, 3, 99_000, 99_010)),
    }
    file = file_with(tmp_path, encode_index(extents, 99_010))
    table, end = read_table(file)
    assert end == 99_010
    assert {shard: columns(read_extents(file, entry)) for shard, entry in table.items()} == {
        shard: columns(one) for shard, one in extents.items()
    }


def test_a_torn_or_changed_index_is_unusable(tmp_path):
    data = encode_index({0: extents_of((1, 5, 10, 11, 100, 300)), 1: extents_of((1, 1, 1, 1, 300, 400))}, 400)

    def use(data):
        file = file_with(tmp_path, data)
        for entry in read_table(file)[0].values():
            read_extents(file, entry)

    use(data)
    for size in range(len(data)):
        with pytest.raises(IndexUnusable):
            use(data[:size])
    for at in range(len(data)):
        with pytest.raises(IndexUnusable):
            use(data[:at] + bytes([data[at] ^ 64]) + data[at + 1 :])


def test_an_index_of_many_shards_is_read(tmp_path):
    extents = {shard: extents_of((1, 1, 1, 1, shard * 10, shard * 10 + 10)) for shard in range(2000)}
    table, end = read_table(file_with(tmp_path, encode_index(extents, 20_000)))
    assert (len(table), end) == (2000, 20_000)
