"""Runs one program in Flink: a script of its own, standard library only, so that it outlives the platform.

It is started in the run's folder, where `launch.json` says what to run (`attempt` writes it). It starts two processes
of Java: a job manager, which runs the program's `main` in Python and ends with it, and a task manager, which does the
work and is started anew when it dies. They talk over ports of 127.0.0.1 that are free now; `place.json` tells the one
where the job manager can be asked.

The exit code is the job manager's: 0 when the program and its job have finished.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

MAIN = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
WORKER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
DRIVER = "org.apache.flink.client.python.PythonDriver"
SLOT_HEAP_MIB, SLOT_MANAGED_MIB = 512, 256
"""Memory for each task that runs beside others; the second is for functions in Python and for state kept by RocksDB."""
AGAIN_S = 2.0
LOOK_S = 0.1

OPENED = ("lang", "net", "io", "nio", "lang.reflect", "text", "time", "util", "util.concurrent")
"""Packages of java.base that Flink's serialisers and Arrow look into."""

LOGGING = """\
rootLogger.level = {level}
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = {pattern}
logger.python.name = org.apache.flink.client.python.PythonDriver
logger.python.level = WARN
"""
# The driver of Python prints what the program prints, and logs it once more.
PATTERN = (
    '{"messageType":"%p","logger":"%enc{%c}{JSON}","threadName":"%enc{%t}{JSON}",'
    '"message":"%enc{%m}{JSON}","throwableInformation":"%enc{%xEx}{JSON}"}%n'
)
"""A line of the log is an object: what follows an exception stays with it."""


def free_ports(count):
    """Ports of 127.0.0.1 nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def write_whole(path, text):
    """A reader sees all of it or nothing."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    os.replace(beside, path)


def settings(launch, folder):
    """Flink's configuration: what was asked for, and what makes it a cluster of this machine alone."""
    rpc, blobs, rest, work, data = free_ports(5)
    slots = launch["parallelism"]
    local = {
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": rpc,
        "jobmanager.bind-host": "127.0.0.1",
        "blob.server.port": blobs,
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": rest,
        "rest.bind-port": rest,
        "web.submit.enable": "false",
        "taskmanager.host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.rpc.port": work,
        "taskmanager.data.port": data,
        "taskmanager.numberOfTaskSlots": slots,
        "taskmanager.cpu.cores": f"{slots}.0",
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.task.heap.size": f"{SLOT_HEAP_MIB * slots}m",
        "taskmanager.memory.task.off-heap.size": "128m",
        "taskmanager.memory.network.min": "64m",
        "taskmanager.memory.network.max": "64m",
        "taskmanager.memory.managed.size": f"{SLOT_MANAGED_MIB * slots}m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "jobmanager.memory.heap.size": "448m",
        "io.tmp.dirs": str(folder / "tmp"),
        "python.client.executable": launch["python"],
        "python.executable": launch["python"],
    }
    return {**launch["configuration"], **local}


def write_configuration(values, launch, folder):
    """Flink below 2 reads a file of an older name and form. The folder of the two files."""
    conf = folder / "conf"
    conf.mkdir(exist_ok=True)
    if launch["flink"][0] >= 2:
        text = "".join(f"{key}: {json.dumps(str(value))}\n" for key, value in values.items())
        (conf / "config.yaml").write_text(text)
    else:
        (conf / "flink-conf.yaml").write_text("".join(f"{key}: {value}\n" for key, value in values.items()))
    pattern = PATTERN.replace("\\", "\\\\")
    (conf / "log4j.properties").write_text(LOGGING.format(level=launch["log_level"], pattern=pattern))
    return conf


def java(launch, conf, heap_mib, main, arguments):
    """A command line."""
    home = pathlib.Path(launch["home"])
    jars = [*sorted((home / "lib").glob("*.jar")), *sorted((home / "opt").glob("flink-python*.jar"))]
    jars += [launch["jar"]] if launch["jar"] else []  # Flink's option for it is taken: by the driver of Python.
    return [
        launch["java"],
        f"-Xmx{heap_mib}m",
        "-XX:+UseSerialGC",
        *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED),
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
        f"-Dlog4j.configurationFile={conf / 'log4j.properties'}",
        "-cp",
        ":".join(map(str, jars)),
        main,
        "--configDir",
        str(conf),
        *arguments,
    ]


def program(launch):
    """What the job manager is to run."""
    restored = ["--fromSavepoint", launch["restore"]] if launch["restore"] else []
    lenient = ["--allowNonRestoredState"] if launch["restore"] and launch["lenient"] else []
    given = ["-pyclientexec", launch["python"], "-py", launch["main"]]
    if launch["files"]:
        given += ["-pyfs", ",".join(launch["files"])]
    return ["--job-classname", DRIVER, "--job-id", launch["job"], *restored, *lenient, *given]


def main():
    folder = pathlib.Path.cwd()
    launch = json.loads((folder / "launch.json").read_text())
    (folder / "tmp").mkdir(exist_ok=True)
    values = settings(launch, folder)
    conf = write_configuration(values, launch, folder)
    home = launch["home"]
    places = {"FLINK_HOME": home, "FLINK_OPT_DIR": f"{home}/opt", "FLINK_PLUGINS_DIR": f"{home}/plugins"}
    environment = {**os.environ, **places, "FLINK_CONF_DIR": str(conf)}
    manager = subprocess.Popen(java(launch, conf, 512, MAIN, program(launch)), env=environment)
    worker, started = None, 0.0
    write_whole(folder / "place.json", json.dumps({"port": values["rest.port"]}))
    while manager.poll() is None:
        if (worker is None or worker.poll() is not None) and time.monotonic() - started > AGAIN_S:
            command = java(launch, conf, 256 + SLOT_HEAP_MIB * launch["parallelism"], WORKER, [])
            worker, started = subprocess.Popen(command, env=environment), time.monotonic()
        time.sleep(LOOK_S)
    # What is left is ended by the supervisor, with all it started.
    sys.exit(manager.returncode if manager.returncode >= 0 else 1)


if __name__ == "__main__":
    main()
