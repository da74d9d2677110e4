"""Ports for warehouses."""

import socket

from lakemill.engines.warehouses.ports import Ports


def test_a_port_is_given_to_one_warehouse_and_not_again_where_it_failed():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.listen()
        assert Ports("127.0.0.1").choose("a", port) == 0
    ports = Ports("127.0.0.1")
    assert ports.choose("a", 0, port) == port
    assert ports.choose("b", port) == 0
    ports.avoid("a", port)
    assert ports.choose("a", port) == 0
    assert ports.choose("b", port) == port
    ports.give_back("b")
    ports.keep("a", port)
    assert ports.choose("a", port) == port
