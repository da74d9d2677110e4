"""A warehouse that obeys: a statement is a JSON object, an order.

{"rows": [[...]], "columns": [...]}    answers with these rows, a page for each list of rows of "pages"
{"add": text}                          appends to a database's file, at the commit
{"read": true}                         answers with that file
{"fail": [code, message]}              fails
{"wait": true}                         waits until it is cancelled
{"die": exit code}                     ends the process
{"ask": method, "with": {...}}         asks the platform, and answers with what it says
{"open": true}                         answers with what the warehouse was opened with
{"session": true}                      answers with how many statements its session has seen
"""

import itertools
import json
import os
import shutil
import socket
import sys
import threading
from pathlib import Path

from lakemill.formats.messages import framed, read_message


class Failed(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


class Warehouse:
    def __init__(self):
        self.said = threading.Lock()
        self.numbers = itertools.count(1)
        self.asked = {}
        self.running = {}
        self.sessions = {}

    def say(self, message):
        with self.said:
            sys.stdout.buffer.write(framed(message))
            sys.stdout.buffer.flush()

    def ask(self, method, arguments):
        number, event = next(self.numbers), threading.Event()
        self.asked[number] = [event, None]
        self.say({"ask": number, "method": method, "with": arguments})
        event.wait()
        answer = self.asked.pop(number)[1]
        if "refused" in answer:
            raise Failed(answer["error"]["code"], answer["error"]["message"])
        return answer["value"]

    def serve(self):
        while (message := read_message(sys.stdin.buffer.read)) is not None:
            if "call" in message:
                threading.Thread(target=self.called, args=(message,), daemon=True).start()
            else:
                waiting = self.asked[message.get("answer", message.get("refused"))]
                waiting[1] = message
                waiting[0].set()

    def called(self, message):
        try:
            value = getattr(self, message["method"])(number=message["call"], **message["with"])
            self.say({"returned": message["call"], "value": value})
        except Failed as failed:
            self.say({"failed": message["call"], "error": {"code": failed.code, "message": failed.message}})
        except Exception as wrong:
            self.say({"failed": message["call"], "error": {"code": "XX000", "message": repr(wrong)}})

    def open(self, number, warehouse):
        self.warehouse = warehouse
        self.folder = Path(warehouse["folder"])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.listening = socket.socket()
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind((warehouse["host"], warehouse["port"]))
        self.listening.listen()
        return {"port": self.listening.getsockname()[1]}

    def execute(self, number, batch):
        done, added = [], []
        session = batch.setdefault("session", "")
        self.sessions[session] = self.sessions.get(session, 0) + 1
        cancelled = self.running[batch["id"]] = threading.Event()
        for at, text in enumerate(batch["statements"]):
            self.say({"progress": number, "value": {"started": at}})
            try:
                done.append(self.one(json.loads(text), batch, at, added, cancelled))
            except Failed as failed:
                state = "ABORTED" if failed.code == "57014" else "FAILED"
                done.append({"state": state, "code": failed.code, "error": failed.message, "pid": os.getpid()})
                return done
        with (self.folder / "dev.txt").open("a") as file:
            file.write("".join(added))
            file.flush()
            os.fsync(file.fileno())
        return done

    def one(self, order, batch, at, added, cancelled):
        kind = next(iter(order))
        if kind == "fail":
            raise Failed(*order["fail"])
        if kind == "wait":
            cancelled.wait()
            raise Failed("57014", "cancelled")
        if kind == "die":
            os._exit(order["die"])
        if kind == "add":
            added.append(order["add"])
            return {"state": "FINISHED", "rows": 1, "pid": os.getpid(), "query": 7, "duration_ns": 1000}
        answers = {
            "read": lambda: [[self.text()]],
            "ask": lambda: [[json.dumps(self.ask(order["ask"], order.get("with") or {}))]],
            "open": lambda: [[json.dumps(self.warehouse)]],
            "session": lambda: [[str(self.sessions[batch["session"]])]],
            "batch": lambda: [[json.dumps(batch)]],
        }
        pages = order.get("pages") or [order["rows"] if kind == "rows" else answers[kind]()]
        path = Path(batch["folder"]) / f"{at}.jsonl"
        records = [[[field(value) for value in row] for row in page] for page in pages]
        path.write_text("".join(json.dumps({"Records": page}) + "\n" for page in records))
        return {
            "state": "FINISHED",
            "columns": order.get("columns") or [{"name": "c", "type": "varchar"}],
            "rows": sum(map(len, pages)),
            "result": path.name,
            "result_bytes": path.stat().st_size,
            "duration_ns": 1000,
            "pid": os.getpid(),
            "query": 7,
        }

    def text(self):
        path = self.folder / "dev.txt"
        return path.read_text() if path.exists() else ""

    def cancel(self, number, id):
        if id in self.running:
            self.running[id].set()
        return id in self.running

    def end_session(self, number, session):
        self.sessions.pop(session, None)

    def configure(self, number, parameters):
        self.warehouse["parameters"] = parameters

    def snapshot(self, number, folder):
        (self.folder / "dev.txt").touch()
        shutil.copy(self.folder / "dev.txt", folder)
        return (self.folder / "dev.txt").stat().st_size

    def close(self, number):
        self.listening.close()


def field(value):
    if value is None:
        return {"isNull": True}
    return {"longValue": value} if isinstance(value, int) else {"stringValue": value}


if __name__ == "__main__":
    Warehouse().serve()
