"""A process that obeys: a statement is a JSON list of steps, each a question to the platform or an order.

{"ask": question, "with": {...}}        asks, and keeps the answer
{"file": name, "content": text}         writes a file of the folder
{"progress": bytes}                     tells how much it has read
{"wait": true}                          waits until it is killed
{"print": text}                         says something on its standard error
{"die": signal or exit code}            ends itself
{"outcome": {...}} or {"failed": {...}} the last message; a value "answers" is replaced by all answers, as rows
"""

import json
import os
import sys
import time
from pathlib import Path

from lakemill.formats.messages import framed, read_message


def say(message):
    sys.stdout.buffer.write(framed(message))
    sys.stdout.buffer.flush()


def carry_out(statement):
    folder = Path(statement["folder"])
    answers = []
    for step in json.loads(statement["text"].replace("$FOLDER", str(folder)).replace("$OUTPUT", statement["output"])):
        if "ask" in step:
            say(step)
            answers.append(read_message(sys.stdin.buffer.read))
        elif "file" in step:
            (folder / step["file"]).write_text(step["content"])
        elif "progress" in step:
            say({"progress": {"scanned_bytes": step["progress"]}})
        elif "wait" in step:
            time.sleep(600)
        elif "print" in step:
            print(step["print"], file=sys.stderr, flush=True)
        elif "die" in step:
            sys.stderr.write("MemoryError\n") if step.get("memory") else None
            sys.stderr.flush()
            os.kill(os.getpid(), -step["die"]) if step["die"] < 0 else os._exit(step["die"])
        elif "outcome" in step:
            if step["outcome"].get("result") == "answers":
                (folder / "answers").write_text(json.dumps(answers, default=str))
                step["outcome"]["result"] = str(folder / "answers")
            say({"outcome": {"kind": "DML", "substatement": "SELECT", "form": "csv"} | step["outcome"]})
        else:
            say(step)


while (message := read_message(sys.stdin.buffer.read)) is not None:
    carry_out(message["statement"])
