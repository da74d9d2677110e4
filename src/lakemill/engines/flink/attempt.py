"""One attempt to run a program: a folder, and the run of the compute port in it.

The folder is there before the run is started, so the highest number among a run's folders is the latest attempt,
whoever made it. In it: `app` (the archive's files), `shown` (what the program finds in a folder of its own),
`launch.json` and what `launcher` and the compute port write.
"""

import hashlib
import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from lakemill.engines.flink.environments import Environment
from lakemill.engines.flink.manager import JobManager
from lakemill.engines.flink.program import Program
from lakemill.ports.compute import Compute, RunSpec, RunState
from lakemill.ports.compute.sandbox import bubblewrap

LAUNCHER = Path(__file__).with_name("launcher.py")
GUIDE = Path(__file__).with_name("guide")
PREFIX = "attempt-"
GRACE_S = 1.0
SHOWN = "LAKEMILL_SHOWN"


class Attempt:
    """id: of the application. run: the number of its run. All methods block; call them from a thread."""

    def __init__(self, compute: Compute, id: str, run: int, number: int, folder: Path) -> None:
        self.id, self.run, self.number = id, run, number
        self.folder = folder / f"{PREFIX}{number}"
        self.job = hashlib.md5(f"{id}/{run}/{number}".encode()).hexdigest()
        self.run_id = f"flink-{id}-{run}-{number}"
        self._compute = compute

    @classmethod
    def latest(cls, compute: Compute, id: str, run: int, folder: Path) -> "Attempt | None":
        """The last one in a run's folder."""
        numbers = [int(one.name.removeprefix(PREFIX)) for one in folder.glob(f"{PREFIX}*")]
        return cls(compute, id, run, max(numbers), folder) if numbers else None

    def start(
        self,
        program: Program,
        environment: Environment,
        variables: dict[str, str],
        restore: Path | None,
        version: int,
    ) -> None:
        """Raises OSError, zipfile.BadZipFile, ComputeRefused."""
        app = self.folder / "app"
        app.mkdir(parents=True)
        with zipfile.ZipFile(program.archive) as archive:
            archive.extractall(app)
        variables, mounts = dict(variables), {}
        if program.shown is not None:
            place, files = program.shown
            shown = self.folder / "shown"
            shown.mkdir()
            for name, content in files.items():
                (shown / name).write_bytes(content)
            if bubblewrap():
                mounts = {place: shown}
            else:  # Python can still be led to them; programs in Java cannot.
                variables |= {"PYTHONPATH": str(GUIDE), SHOWN: f"{place}:{shown}"}
        described = self._launch(program, environment, app, restore) | {
            "version": version,
            "platform": program.platform,
        }
        (self.folder / "launch.json").write_text(json.dumps(described))
        argv = [sys.executable, "-I", "-S", str(LAUNCHER)]
        self._compute.start(self.run_id, RunSpec(argv, variables, self.folder, mounts, stop_grace_s=GRACE_S))

    def _launch(self, program: Program, environment: Environment, app: Path, restore: Path | None) -> dict[str, Any]:
        """What `launcher` reads."""
        configuration = dict(program.configuration)
        configuration["execution.checkpointing.dir"] = (self.folder.parent / "checkpoints").as_uri()
        if program.archives:
            configuration["python.archives"] = ",".join(str(app / one) for one in program.archives)
        return {
            "flink": list(environment.version),
            "home": str(environment.home),
            "java": environment.java,
            "python": str(environment.python),
            "main": str(app / program.main),
            "files": [str(app / one) for one in program.files],
            "jar": str(app / program.jar) if program.jar else None,
            "job": self.job,
            "restore": restore.as_uri() if restore else None,
            "lenient": program.lenient,
            "parallelism": program.parallelism,
            "log_level": program.log_level,
            "configuration": configuration,
        }

    def runs(self, program: Program, version: int) -> bool:
        """Whether it was started for this version of the application, on a platform that is where it was."""
        try:
            launch = json.loads((self.folder / "launch.json").read_text())
        except (OSError, ValueError):  # It was never started.
            return False
        return bool(launch.get("version") == version and launch.get("platform") == program.platform)

    def begun(self) -> float:
        """When it was started, in seconds since 1970."""
        return (self.folder / "launch.json").stat().st_mtime

    def poll(self) -> RunState:
        return self._compute.poll(self.run_id)

    def manager(self) -> JobManager | None:
        """None while the launcher has not said where."""
        try:
            return JobManager(json.loads((self.folder / "place.json").read_text())["port"], self.job)
        except OSError:
            return None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def end(self) -> None:
        """Kill it and forget it; the state it saved stays."""
        self._compute.stop(self.run_id, GRACE_S)
        self._compute.wait(self.run_id, GRACE_S + 10)
        if self.poll().state != "running":
            self._compute.forget(self.run_id)

    def sweep(self) -> None:
        """Remove what an ended attempt leaves, but not the state it saved, nor its number."""
        for name in ("app", "shown", "tmp", "conf"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
