import random

import pytest

from lakemill.ports.log.index import RUN_BYTES, IndexUnusable, Runs, encode_index, read_runs, read_table

from .simulation import SimulatedDisk


def file_with(tmp_path, data):
    file = SimulatedDisk(random.Random(0)).create(tmp_path / "index")
    file.write(0, [data])
    return file


def runs_of(*blocks):
    runs = Runs()
    for block in blocks:
        runs.add(*block)
    return runs


def columns(runs):
    return list(runs.positions), list(runs.first_ms), list(runs.offsets), list(runs.ends), runs.next, runs.last_ms


def test_blocks_close_together_are_one_run():
    far = RUN_BYTES + 100
    runs = runs_of((1, 5, 10, 11, 100, 300), (6, 1, 12, 12, 500, 700), (7, 2, 13, 14, far, far + 50))
    assert columns(runs) == ([1, 7], [10, 13], [100, far], [700, far + 50], 9, 14)


def test_what_was_encoded_is_read_back_shard_by_shard(tmp_path):
    runs = {7: runs_of((1, 5, 10, 11, 100, 300)), 2: runs_of((4, 1, 1, 2, 300, 310), (5, 1, 3, 3, 99_000, 99_010))}
    file = file_with(tmp_path, encode_index(runs, 99_010))
    table, end = read_table(file)
    assert end == 99_010
    assert {shard: columns(read_runs(file, entry)) for shard, entry in table.items()} == {
        shard: columns(one) for shard, one in runs.items()
    }


def test_a_torn_or_changed_index_is_unusable(tmp_path):
    data = encode_index({0: runs_of((1, 5, 10, 11, 100, 300)), 1: runs_of((1, 1, 1, 1, 300, 400))}, 400)

    def use(data):
        file = file_with(tmp_path, data)
        for entry in read_table(file)[0].values():
            read_runs(file, entry)

    use(data)
    for size in range(len(data)):
        with pytest.raises(IndexUnusable):
            use(data[:size])
    for at in range(len(data)):
        with pytest.raises(IndexUnusable):
            use(data[:at] + bytes([data[at] ^ 64]) + data[at + 1 :])


def test_an_index_of_many_shards_is_read(tmp_path):
    runs = {shard: runs_of((1, 1, 1, 1, shard * 10, shard * 10 + 10)) for shard in range(2000)}
    table, end = read_table(file_with(tmp_path, encode_index(runs, 20_000)))
    assert (len(table), end) == (2000, 20_000)
