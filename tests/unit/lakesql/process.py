"""A worker process, with a FolderLake on the other side."""

import subprocess
import sys

import msgspec

from lakemill.formats.messages import framed, read_message
from lakemill.lakesql.interface import Failure, LakeRefused, Outcome, Statement


class Process:
    def __init__(self, lake, memory_mib=512):
        self.lake, self.progress, self.killed_at = lake, [], ""
        command = [sys.executable, "-m", "lakemill.lakesql.worker", "--memory-mib", str(memory_mib)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def carry_out(self, statement: Statement) -> Outcome | Failure:
        self._send({"statement": msgspec.to_builtins(statement)})
        while (message := read_message(self.process.stdout.read)) is not None:
            if message.get("ask", "-") == self.killed_at:
                self.process.kill()
            elif "ask" in message:
                self._send(self._answer(message))
            elif "progress" in message:
                self.progress.append(message["progress"])
            elif "outcome" in message:
                return msgspec.convert(message["outcome"], Outcome)
            else:
                return msgspec.convert(message["failed"], Failure)
        raise AssertionError("the process ended")

    def _answer(self, message):
        try:
            return {"answer": self.lake.answered(message["ask"], message["with"])}
        except LakeRefused as refused:
            return {"refused": {"code": refused.code, "message": refused.message}}

    def _send(self, message):
        self.process.stdin.write(framed(message))
        self.process.stdin.flush()
