"""The program in a worker process: loads the handler once, then answers one event after the other.

Run by its path, with an interpreter that need not know lakemill, so it uses the standard library only. It speaks the
frames of engines/functions/frames.py on its standard input and output; handlers get a standard input that is empty, and
what they print goes to standard error. The shapes of errors, the context and the form of log lines are Lambda's Python
runtime's (https://docs.aws.amazon.com/lambda/latest/dg/python-context.html, python-exceptions.html and
python-logging.html).
"""

import decimal
import importlib
import json
import logging
import os
import queue
import struct
import sys
import threading
import time
import traceback

LENGTHS = struct.Struct(">II")
RESPONSE_BYTES_MAX = 6_291_556


class Failure(Exception):
    """What is wrong before or after the handler's own work. type is as Lambda names it."""

    def __init__(self, type, message, trace=()):
        super().__init__(message)
        self.type, self.message, self.trace = type, message, list(trace)


class Context:
    """What a handler gets beside its event."""

    def __init__(self, header):
        self._deadline_ms = header["deadline_ms"]
        self.aws_request_id = header["id"]
        self.invoked_function_arn = header["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        self.client_context = ClientContext.of(header.get("client_context"))

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class Identity:
    """Nobody signs in through Cognito here."""

    cognito_identity_id = None
    cognito_identity_pool_id = None


class ClientContext:
    """What the caller's application says about itself: `client`, `custom`, `env`."""

    def __init__(self, client, custom, env):
        self.client, self.custom, self.env = client, custom, env

    @classmethod
    def of(cls, sent):
        if not sent:
            return None
        client = type("Client", (), dict(sent["client"])) if sent.get("client") else None
        return cls(client, sent.get("custom"), sent.get("env"))


class RequestFilter(logging.Filter):
    """Gives every record the id of the request it belongs to."""

    current = ""

    def filter(self, record):
        record.aws_request_id = self.current
        return True


def load(handler):
    """The handler of `module.function`."""
    module_name, _, function_name = handler.rpartition(".")
    if not module_name:
        raise Failure(
            "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Failure("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        where = f'  File "{error.filename}" Line {error.lineno}\n    {(error.text or "").rstrip()}\n'
        raise Failure(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [where]
        ) from error
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Failure(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from None


def encoded(value):
    """A result as JSON."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=_number)
        data = text.encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError) as error:
        raise Failure("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    if len(data) > RESPONSE_BYTES_MAX:
        raise Failure(
            "Function.ResponseSizeTooLarge",
            f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).",
        )
    return data


def _number(value):
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def answer(handler, header, payload):
    """The header and payload of the answer to one event."""
    try:
        try:
            event = json.loads(payload or b"null")
        except ValueError as error:
            raise Failure("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
        return {"outcome": "answered"}, encoded(handler(event, Context(header)))
    except Exception as error:
        return failed(error, header["id"])


def failed(error, request_id):
    """The same for an event that ended in an exception; it is printed, too."""
    if isinstance(error, Failure):
        kind, message, trace = error.type, error.message, error.trace
    else:
        frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename != __file__]
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(frames)
    printed = [f"[ERROR] {kind}: {message}" if kind else f"[ERROR] {message}"]
    if trace:
        printed += ["Traceback (most recent call last):", *(line.rstrip("\n").replace("\n", "\r") for line in trace)]
    print("\r".join(printed).replace("\n", "\r"), flush=True)
    document = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    return {"outcome": "failed", "type": kind, "message": message}, json.dumps(document).encode()


class Channel:
    """Frames to and from the platform."""

    def __init__(self):
        self._incoming = os.fdopen(os.dup(0), "rb")
        self._outgoing = os.fdopen(os.dup(1), "wb")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout, sys.stderr = (
            os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
            for number in (1, 2)
        )
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        """Events into the queue. When the platform is gone, so is this process, whatever the handler does."""
        while True:
            lengths = self._incoming.read(LENGTHS.size)
            if len(lengths) < LENGTHS.size:
                os._exit(0)
            head, body = LENGTHS.unpack(lengths)
            self._queue.put((json.loads(self._incoming.read(head)), self._incoming.read(body)))

    def next(self):
        return self._queue.get()

    def send(self, request_id, header, payload):
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.write(2, b"\x00" + request_id.encode() + b"\n")
        head = json.dumps(header | {"pid": os.getpid(), "peak_mib": peak_mib()}).encode()
        self._outgoing.write(LENGTHS.pack(len(head), len(payload)) + head + payload)
        self._outgoing.flush()


def peak_mib():
    """The most memory this process has had, in MiB."""
    try:
        with open("/proc/self/status") as status:
            line = next(one for one in status if one.startswith("VmHWM"))
        return int(line.split()[1]) >> 10
    except (OSError, StopIteration):
        import resource

        unit = 20 if sys.platform == "darwin" else 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> unit


def set_up_logging(requests):
    """The root logger as Lambda sets it up; a handler of the user's may replace it."""
    logging.Formatter.converter = time.gmtime
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(requests)
    logging.getLogger().addHandler(handler)


def main():
    channel = Channel()
    requests = RequestFilter()
    set_up_logging(requests)
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]  # In place of this program's own folder.
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:
        channel.send("", *failed(error, ""))
        return
    channel.send("", {"outcome": "ready"}, b"")
    while True:
        header, payload = channel.next()
        requests.current = header["id"]
        channel.send(header["id"], *answer(handler, header, payload))


if __name__ == "__main__":
    main()
