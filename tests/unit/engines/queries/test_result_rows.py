"""Pages of results."""

import pytest

from lakemill.engines.queries import rows

TEXT = '"id","text"\n"1","a, ""b""\nc"\n"2",\n"3",""\n"4","é"\n'.encode()
ROWS = [["id", "text"], ["1", 'a, "b"\nc'], ["2", None], ["3", ""], ["4", "é"]]


def pages(text, form, limit):
    at, found = 0, []
    while at is not None:
        some, at = rows.page(lambda begin, length: text[begin : begin + length], len(text), form, at, limit)
        found.append(some)
    return found


@pytest.mark.parametrize("block", [1, 3, 16, 1 << 18])
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_pages_are_the_whole_wherever_blocks_end(monkeypatch, block, limit):
    monkeypatch.setattr(rows, "BLOCK_BYTES", block)
    found = pages(TEXT, "csv", limit)
    assert [row for some in found for row in some] == ROWS
    assert all(len(some) == limit for some in found[:-1])


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_lines_are_rows_of_one_field(limit):
    found = pages(b"a\tb\n\nlast", "txt", limit)
    assert [row for some in found for row in some] == [["a\tb"], [""], ["last"]]


def test_an_empty_result_has_no_rows():
    assert rows.page(lambda begin, length: b"", 0, "txt", 0, 10) == ([], None)


def test_what_is_no_result_is_told():
    text = b'"never closed'
    with pytest.raises(ValueError, match="byte 0"):
        rows.page(lambda begin, length: text, len(text), "csv", 0, 10)
