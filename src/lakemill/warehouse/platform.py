"""The platform as the process of a warehouse asks it."""

import itertools
import queue
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse.interface import Authorization, Document

GONE = "08006"
"""The SQLSTATE of what fails because the platform is no longer there."""


class Login(msgspec.Struct):
    """What a user of the platform may show to connect."""

    name: str
    """The database's user whom the client becomes."""
    verifier: str
    superuser: bool = False
    auto_create: bool = False
    groups: list[str] = []


class Platform:
    """`interface.Platform`; threads ask at the same time."""

    def __init__(self, send: Callable[[Document], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[Document | None]] = {}
        self._turn = threading.Lock()
        self._gone = False

    def credentials(self, user: str, database: str) -> list[Login]:
        """Raises LakeRefused."""
        return msgspec.convert(self.ask("credentials", user=user, database=database), list[Login])

    def begin(self, authorization: Authorization | None) -> Document:
        """Begin to work in the lake: {"lake", "folder"}. Raises LakeRefused."""
        return self.ask("begin", authorization=None if authorization is None else msgspec.to_builtins(authorization))

    def lake(self, lake: str, question: str, arguments: Document) -> Any:
        """A question of `lakesql.interface.Lake`. Raises LakeRefused."""
        return self.ask("lake", lake=lake, question=question, arguments=arguments)

    def end(self, lake: str, keep: bool) -> None:
        """Keep or take back what was stored since `begin`. Raises LakeRefused."""
        self.ask("end", lake=lake, keep=keep)

    def ask(self, method: str, **arguments: Any) -> Any:
        """Ask, and wait for the answer. Raises LakeRefused, and SqlFailed where the platform is gone."""
        number, answers = next(self._numbers), queue.SimpleQueue[Document | None]()
        with self._turn:
            if self._gone:
                raise SqlFailed(GONE, "the platform is gone")
            self._waiting[number] = answers
        self._send({"ask": number, "method": method, "with": arguments})
        answer = answers.get()
        if answer is None:
            raise SqlFailed(GONE, "the platform is gone")
        if "refused" in answer:
            raise LakeRefused(answer["error"]["code"], answer["error"]["message"])
        return answer.get("value")

    def answered(self, message: Document) -> None:
        """An answer has come."""
        with self._turn:
            answers = self._waiting.pop(message["answer"] if "answer" in message else message.get("refused", 0), None)
        if answers is not None:
            answers.put(message)

    def gone(self) -> None:
        """No answer will come any more."""
        with self._turn:
            self._gone, waiting, self._waiting = True, self._waiting, {}
        for answers in waiting.values():
            answers.put(None)
