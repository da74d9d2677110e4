"""An environment whose Java is a script: a job manager that answers as Flink's does, with nothing behind it.

What the manager is to do stands in the program's `main.py`: `fail` ends it with exit code 1 before there is a job,
`finish` ends it with 0 soon after, `crash` ends it with 1 once, while the job runs; `unsaved` lets it save nothing,
`slow` takes its time for it, `look` lets it print what it finds. Without any it runs on. It counts: the state it saves
is a number, one higher after each start from a saved one.
"""

import textwrap
from pathlib import Path

SCRIPT = """\
#!/usr/bin/env python3
import http.server, json, os, pathlib, shutil, sys, threading, time, urllib.request

arguments = sys.argv
if "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint" not in arguments:
    time.sleep(3600)
conf = pathlib.Path(arguments[arguments.index("--configDir") + 1])
options = dict(line.split(": ", 1) for line in (conf / "config.yaml").read_text().splitlines())
options = {key: json.loads(value) for key, value in options.items()}
job = arguments[arguments.index("--job-id") + 1]
program = pathlib.Path(arguments[arguments.index("-py") + 1])
wishes = program.read_text().split()
count = 0
if "--fromSavepoint" in arguments:
    place = arguments[arguments.index("--fromSavepoint") + 1].removeprefix("file://")
    count = int((pathlib.Path(place) / "_metadata").read_text()) + 1
print("started with", count, flush=True)
print(json.dumps({"messageType": "WARN", "logger": "l", "message": "from Flink"}), flush=True)
if "fail" in wishes:
    print("main: no such table", flush=True)
    sys.exit(1)

if "look" in wishes:
    print("properties", json.loads(pathlib.Path("/etc/flink/application_properties.json").read_text())[1:], flush=True)
    print("options", json.dumps(options, sort_keys=True), flush=True)
    url, token = (os.environ[f"AWS_CONTAINER_{name}"] for name in ("CREDENTIALS_FULL_URI", "AUTHORIZATION_TOKEN"))
    request = urllib.request.Request(url, headers={"Authorization": token})
    print("role", json.load(urllib.request.urlopen(request))["RoleArn"], flush=True)
    print("region", os.environ["AWS_REGION"], os.environ["AWS_ENDPOINT_URL"], flush=True)

def save(folder):
    folder.mkdir(parents=True)
    (folder / "_metadata").write_text(str(count))

checkpoints = pathlib.Path(options["execution.checkpointing.dir"].removeprefix("file://")) / job
saved, asked_for = {}, []

def finish(target, number, stop):
    save(target / f"savepoint-{number}")
    saved[number] = {"location": f"file:{target}/savepoint-{number}"}
    if stop:  # A job that finishes leaves no checkpoint.
        shutil.rmtree(checkpoints)
        time.sleep(0.3)
        os._exit(0)

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, body):
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        if self.path == "/jobs":
            self.answer({"jobs": [{"id": job, "status": "RUNNING"}]})
        elif self.path.endswith("/plan"):
            self.answer({"plan": {"jid": job, "nodes": []}})
        elif "/savepoints/" in self.path:
            operation = saved.get(self.path.rpartition("/")[2])
            self.answer({"status": {"id": "COMPLETED" if operation else "IN_PROGRESS"}, "operation": operation})
        else:
            self.answer({"state": "RUNNING", "status-counts": {"RUNNING": 1}})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        stop = self.path.endswith("/stop")
        target = pathlib.Path(asked["targetDirectory" if stop else "target-directory"].removeprefix("file://"))
        asked_for.append(number := str(len(asked_for)))
        if "unsaved" in wishes:
            saved[number] = {"failure-cause": {"stack-trace": "java.lang.Exception: the disk is full\\n\\tat x"}}
        else:
            threading.Timer(0.4 if "slow" in wishes else 0, finish, (target, number, stop)).start()
        self.answer({"request-id": number})

if not checkpoints.exists():
    save(checkpoints / "chk-1")
if "finish" in wishes:
    threading.Timer(0.6, os._exit, (0,)).start()
if "crash" in wishes and count == 0:
    threading.Timer(0.6, os._exit, (1,)).start()
http.server.HTTPServer(("127.0.0.1", int(options["rest.port"])), Handler).serve_forever()
"""


def environment(folder: Path, version: str = "2.3.0") -> tuple[Path, Path]:
    """Make one: (its Python, the home of its Java)."""
    packages = folder / "lib" / "python3.11" / "site-packages"
    (packages / "pyflink" / "lib").mkdir(parents=True)
    (packages / f"apache_flink-{version}.dist-info").mkdir()
    for name, text in (("python", "#!/bin/sh\n"), ("java", textwrap.dedent(SCRIPT))):
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return folder / "bin" / "python", folder
