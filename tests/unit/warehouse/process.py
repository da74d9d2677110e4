"""The process of a warehouse, spoken to as the platform does."""

import contextlib
import hashlib
import itertools
import queue
import subprocess
import sys
import threading

from lakemill.formats.messages import framed, read_message


class Failed(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class Worker:
    """Made with what it is to open; `awsuser` may in with the password Secret1234."""

    def __init__(self, folder, memory_mib=512, **options):
        command = [sys.executable, "-m", "lakemill.warehouse.worker", "--memory-mib", str(memory_mib)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.progress = []
        self._results = folder / "results"
        self._results.mkdir(parents=True, exist_ok=True)
        self._numbers, self._waiting, self._turn = itertools.count(1), {}, threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()
        places = {"folder": str(folder / "data"), "scratch": str(folder / "scratch")}
        warehouse = places | {"memory_mib": memory_mib, "threads": 1} | options
        self.port = self.call("open", warehouse=warehouse)["port"]

    def call(self, method, **arguments):
        return self.begin(method, **arguments)()

    def begin(self, method, **arguments):
        """A function that waits for the outcome of a call."""
        number, answers = next(self._numbers), queue.SimpleQueue()
        self._waiting[number] = answers
        self._send({"call": number, "method": method, "with": arguments})

        def outcome():
            message = answers.get(timeout=60)
            if "failed" in message:
                raise Failed(message["error"])
            return message["value"]

        return outcome

    def execute(self, *statements, **options):
        """The outcomes of a batch for the Data API."""
        return self.call("execute", batch=self.batch(*statements, **options))

    def batch(self, *statements, **options):
        batch = {"id": "one", "database": "dev", "user": "awsuser", "statements": list(statements)}
        return batch | {"folder": str(self._results)} | options

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.process.wait(20)

    def _send(self, message):
        with self._turn:
            self.process.stdin.write(framed(message))
            self.process.stdin.flush()

    def _read(self):
        while (message := read_message(self.process.stdout.read)) is not None:
            if "ask" in message:
                self._answer(message)
            elif "progress" in message:
                self.progress.append(message["value"])
            else:
                self._waiting.pop(message.get("returned", message.get("failed"))).put(message)

    def _answer(self, message):
        if message["method"] != "credentials":
            error = {"code": "AccessDenied", "message": "there is no lake"}
            self._send({"refused": message["ask"], "error": error})
            return
        user = message["with"]["user"]
        verifier = hashlib.md5(f"Secret1234{user}".encode()).hexdigest()
        login = {"name": user, "verifier": verifier, "superuser": True, "auto_create": False, "groups": []}
        self._send({"answer": message["ask"], "value": [login] if user == "awsuser" else []})
