"""The supervisor of one run: a script of its own, standard library only, started with `python -I -S`.

It reads the launch (JSON) from standard input, leaves the platform's session and becomes nobody's child, so that it
outlives the platform. In the run's folder it keeps:

    supervisor   {"pid", "marker"}; locked (flock) as long as it lives. The kernel lets the lock go with the process,
                 so a held lock is the one sure sign of life, whoever has the pid by now
    wanted       the marker of the launch that is to begin. The platform writes it before, and takes it away when it
                 gives up a launch that a killed platform may have left on its way; both look under the lock
    log          everything the command prints, stdout and stderr in order
    errors       what it prints on stderr, if the launch wants that apart
    stop         written by whoever wants the end: {"grace_s"}
    exit         {"exit_code", "ended"}; written beside, flushed, renamed: it is whole or it is not there

When the command ends, whatever it left running is killed, as the end of a container would. If the supervisor itself is
killed, the kernel kills the command (PR_SET_PDEATHSIG).

It answers on standard output with one line: `ok`, or `error <why>`; then the starter may go.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CLONE_NEWUSER, CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x10000000, 0x40000000, 0x8914, 1
LINUX = sys.platform == "linux"


def write_whole(path, value):
    """Write JSON so that a reader, and a crash, sees all of it or nothing."""
    beside = f"{path}.{os.getpid()}"
    with open(beside, "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(beside, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def prctl(option, value):
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def own_network():
    """Leave the machine's network for an empty one with a loopback (user and network namespaces). Raises OSError."""
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sh14x", b"lo", IFF_UP)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, up)


def descendants(root):
    """Processes below root, by /proc (where there is one)."""
    parents = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                parents[int(name)] = int(fields[1])
    found, front = [], [root]
    while front:
        front = [pid for pid, parent in parents.items() if parent in front]
        found += front
    return found


def kill_all(group):
    """SIGKILL to the command's group and to every descendant, until none is left."""
    for _ in range(200):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        left = descendants(os.getpid())
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap(None)
        if not left:
            return
        time.sleep(0.005)


def reap(wanted):
    """Collect dead children without waiting; the wait status of `wanted` if it is among them."""
    status = None
    while True:
        try:
            pid, one = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == wanted:
            status = one


def start(launch, log, errors, info):
    """Fork and exec the command in a session of its own; its pid."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(127)
        os.setsid()
        os.chdir(launch["folder"])
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(errors, 2)
        if info is not None:
            os.set_inheritable(info, True)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        if launch["own_network"]:
            own_network()
        argv = [str(info) if one == "{info}" else one for one in launch["argv"]]
        os.execvpe(argv[0], argv, launch["environment"])
    except OSError as error:
        os.write(2, f"{launch['argv'][0]}: {error.strerror}\n".encode())
        os._exit(127 if error.errno == errno.ENOENT else 126)
    finally:
        os._exit(127)


def wanted(folder, marker):
    """Whether this launch is still the one that is to begin."""
    try:
        with open(os.path.join(folder, "wanted")) as file:
            return file.read() == marker
    except FileNotFoundError:
        return False


def open_log(folder, name):
    return os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def inner_pid(reading):
    """The pid of the command inside a sandbox, which the sandbox tells on its info descriptor; None if it died."""
    text = b""
    while piece := os.read(reading, 4096):
        text += piece
        try:
            return json.loads(text)["child-pid"]
        except ValueError:
            continue
    return None


def wait(pid, told, folder, grace_default_s, signals):
    """Until the command ends; forwards SIGTERM to `told`, kills everything after the grace. Its wait status."""
    deadline = None
    while True:
        status = reap(pid)
        if status is not None:
            return status
        timeout = 3600.0 if deadline is None else max(0.0, deadline - time.monotonic())
        got = signal.sigtimedwait(signals, timeout) if LINUX else poll_signal(signals, timeout)
        if got is not None and got.si_signo == signal.SIGTERM:
            grace_s = grace(folder, grace_default_s)
            fresh = time.monotonic() + grace_s
            if deadline is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(told, signal.SIGTERM)
            deadline = fresh if deadline is None else min(deadline, fresh)
        elif deadline is not None and time.monotonic() >= deadline:
            status = reap(pid)
            if status is not None:
                return status
            kill_all(pid)
            return status_of(pid)


def status_of(pid):
    """The wait status of a killed child; SIGKILL if kill_all reaped it already."""
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return int(signal.SIGKILL)


def poll_signal(signals, timeout):
    """sigtimedwait for systems without it: look every 20 ms."""
    until = time.monotonic() + min(timeout, 0.02)
    while time.monotonic() < until:
        pending = signal.sigpending() & set(signals)
        if pending:
            number = signal.sigwait(pending)
            return type("Got", (), {"si_signo": number})
        time.sleep(0.005)
    return None


def grace(folder, default_s):
    try:
        with open(os.path.join(folder, "stop")) as file:
            return float(json.load(file)["grace_s"])
    except (OSError, ValueError, KeyError, TypeError):
        return default_s


def main():
    launch = json.load(sys.stdin)
    folder = launch["folder"]
    # Nobody's child and no session of the platform's: the first fork ends when the second has everything in place.
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        answer = b""
        while piece := os.read(reading, 4096):
            answer += piece
        os.write(1, answer or b"error the supervisor died at once\n")
        os._exit(0)
    os.close(reading)
    os.setsid()
    signals = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        lock = os.open(os.path.join(folder, "supervisor"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)  # Someone who looks holds it for a moment at most.
        if not wanted(folder, launch["marker"]):
            raise OSError(errno.ECANCELED, "the launch was given up")
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        os.ftruncate(lock, 0)
        os.write(lock, json.dumps({"pid": os.getpid(), "marker": launch["marker"]}).encode())
        os.fsync(lock)
        log = errors = open_log(folder, "log")
        if launch["errors_apart"]:
            errors = open_log(folder, "errors")
        info_reading, info = os.pipe() if launch["sandboxed"] else (None, None)
        pid = start(launch, log, errors, info)
        told = pid
        if info is not None:
            os.close(info)
            told = inner_pid(info_reading) or pid
    except OSError as error:
        os.write(writing, f"error {error}\n".encode())
        os._exit(1)
    os.write(writing, b"ok\n")
    os.close(writing)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    status = wait(pid, told, folder, launch["grace_s"], signals)
    kill_all(pid)
    code = int(os.waitstatus_to_exitcode(status))
    if launch["sandboxed"] and code > 128:
        code = 128 - code  # A sandbox tells a signal as 128 + its number, as a shell does.
    os.fsync(log)
    os.fsync(errors)
    write_whole(os.path.join(folder, "exit"), {"exit_code": code, "ended": time.time()})


if __name__ == "__main__":
    if sys.argv[1:] == ["--probe-network"]:
        own_network()
    else:
        main()
