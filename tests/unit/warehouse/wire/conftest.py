"""A port of the shared warehouse, and a client of the protocol that sends what it is told."""

import hashlib
import socket
import struct

import pytest

from lakemill.warehouse.wire.server import Server


class Raw:
    """Messages by hand."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.buffer = b""

    def startup(self, database, user="awsuser", password="Secret1234", **also):
        """The messages up to the first ReadyForQuery, or to an error."""
        words = {"user": user, "database": database, **also}
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in words.items()) + b"\0"
        self.socket.sendall(struct.pack(">II", len(body) + 8, 196608) + body)
        kind, data = self.receive()
        if kind == "E":
            return [(kind, data)]
        assert (kind, data[:4]) == ("R", b"\0\0\0\5")
        inner = hashlib.md5((password + user).encode()).hexdigest().encode()
        self.send("p", b"md5" + hashlib.md5(inner + data[4:]).hexdigest().encode() + b"\0")
        return self.until_ready()

    def send(self, kind, body=b""):
        self.socket.sendall(kind.encode() + struct.pack(">I", len(body) + 4) + body)

    def receive(self):
        """Type and body; an empty type at the end."""
        head = self.exactly(5)
        if not head:
            return "", b""
        return chr(head[0]), self.exactly(struct.unpack(">I", head[1:])[0] - 4)

    def exactly(self, size):
        while len(self.buffer) < size:
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                return b""
            self.buffer += more
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def until_ready(self):
        """Messages up to ReadyForQuery, or to the end of the connection."""
        found = []
        while True:
            kind, data = self.receive()
            if not kind:
                return found
            found.append((kind, data))
            if kind == "Z":
                return found

    def query(self, sql):
        self.send("Q", sql.encode() + b"\0")
        return self.until_ready()

    def close(self):
        self.socket.close()


def fields(data):
    """Of an ErrorResponse or NoticeResponse."""
    return {chr(field[0]): field[1:].decode() for field in data.split(b"\0") if field}


def kinds(messages):
    return "".join(kind for kind, _ in messages)


@pytest.fixture(scope="session")
def server(warehouse):
    found = Server(warehouse)
    yield found
    found.close()


@pytest.fixture
def raw(server):
    begun = []

    def begin():
        begun.append(Raw(server.port))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


@pytest.fixture
def wire(raw, database):
    """A client that is in."""
    one = raw()
    assert kinds(one.startup(database))[-1] == "Z"
    return one
