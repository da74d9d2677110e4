"""Messages between processes."""

import asyncio
import io

import pytest

from lakemill.formats.messages import framed, read_message, receive_message

MESSAGE = {"do": "push", "records": [[b"\x00\xff", 1, "k"]], "now": 2**40, "none": None}


def test_messages_come_back_in_order_and_end():
    file = io.BytesIO(framed(MESSAGE) + framed([1]))
    assert [read_message(file.read) for _ in range(3)] == [MESSAGE, [1], None]


@pytest.mark.parametrize("cut", [1, 3, 5, len(framed(MESSAGE)) - 1])
def test_a_message_that_is_cut_off_is_the_end(cut):
    assert read_message(io.BytesIO(framed(MESSAGE)[:cut]).read) is None


async def test_a_stream_is_read_alike():
    stream = asyncio.StreamReader()
    stream.feed_data(framed(MESSAGE) + b"\x00\x00\x00\x02\xc1\xc1" + b"\x00")
    stream.feed_eof()
    assert await receive_message(stream) == MESSAGE
    with pytest.raises(ValueError, match="not a message"):
        await receive_message(stream)
    with pytest.raises(asyncio.IncompleteReadError):
        await receive_message(stream)
