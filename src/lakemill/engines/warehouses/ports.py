"""Ports for warehouses: the one asked for, if it is free on this machine, else any other."""

import socket


class Ports:
    """Gives each warehouse a port of its own. host: where they listen."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._taken: dict[int, str] = {}
        self._unlucky: set[tuple[str, int]] = set()

    def choose(self, id: str, *wanted: int) -> int:
        """The first of these ports that nobody has; 0 for any, if there is none."""
        self.give_back(id)
        for port in wanted:
            if port and port not in self._taken and (id, port) not in self._unlucky and self._is_free(port):
                self._taken[port] = id
                return port
        return 0

    def keep(self, id: str, port: int) -> None:
        """The warehouse listens there now."""
        self._taken[port] = id
        self._unlucky = {one for one in self._unlucky if one[0] != id}

    def avoid(self, id: str, port: int) -> None:
        """It could not listen there: somebody else was faster, perhaps. Another one is chosen the next time."""
        self.give_back(id)
        self._unlucky.add((id, port))

    def give_back(self, id: str) -> None:
        """It listens no more."""
        self._taken = {port: owner for port, owner in self._taken.items() if owner != id}

    def _is_free(self, port: int) -> bool:
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, port))
            except OSError:
                return False
        return True
