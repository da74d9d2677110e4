"""A serving process for tests: http.server, told by its environment how to behave.

BEHAVIOUR: `well` (default) | `sick` (/ping says 500) | `exit` (ends at once with 3) | `late` (healthy after LATE_S)
`POST /invocations` answers by the body: `echo ...` back, `die` ends the process, `slow <s>` waits, `status <n> text`,
`headers` (what was received, as JSON), `chunks` (a chunked answer in three pieces), `model` (the model's files), `env`.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BEHAVIOUR = os.environ.get("BEHAVIOUR", "well")
BEGAN = time.monotonic()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/execution-parameters":
            text = os.environ.get("EXECUTION_PARAMETERS")
            self.answer(200 if text else 404, (text or "").encode())
            return
        late = BEHAVIOUR == "late" and time.monotonic() - BEGAN < float(os.environ["LATE_S"])
        self.answer(500 if BEHAVIOUR == "sick" or late else 200, b"\n")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        print("got", len(body), flush=True)
        word, _, rest = body.partition(b" ")
        if word == b"die":
            os._exit(9)
        elif word == b"slow":
            time.sleep(float(rest))
            self.answer(200, b"at last")
        elif word == b"status":
            number, _, text = rest.partition(b" ")
            self.answer(int(number), text)
        elif word == b"headers":
            given = {name.lower(): value for name, value in self.headers.items()}
            self.answer(200, json.dumps(given).encode(), {"X-Amzn-SageMaker-Custom-Attributes": "seen=1"})
        elif word == b"chunks":
            self.chunks(rest)
        elif word == b"model":
            base = Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model"
            names = sorted(p.relative_to(base).as_posix() for p in base.rglob("*") if p.is_file())
            self.answer(200, json.dumps(names).encode())
        elif word == b"env":
            self.answer(200, json.dumps(dict(os.environ)).encode())
        else:
            prefix = os.environ.get("PREFIX", "").encode()
            self.answer(200, b"\n".join(prefix + line for line in body.split(b"\n")))

    def chunks(self, rest):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"6\r\npart-%d\r\n" % number)
            self.wfile.flush()
            time.sleep(0.2)
            if rest == b"broken":
                os._exit(9)
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, status, body, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    if BEHAVIOUR == "exit":
        print("no model here", flush=True)
        sys.exit(3)
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
    server.daemon_threads = True
    print("serving", flush=True)
    server.serve_forever()
