"""One training in one process: configuration in, artifact out, exit code 0; or a failure file and exit code 1."""

import json
import os
import signal
import threading
import traceback
from collections.abc import Mapping
from typing import Any

from lakemill.algorithms.checkpoints import EVERY_S, Checkpoints
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import AlgorithmFailure, CustomerError
from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.container.collective import meeting
from lakemill.container.dataset import open_channels
from lakemill.container.entrypoint import load_function
from lakemill.container.layout import Layout
from lakemill.container.trainlog import StandardTrainingLog
from lakemill.formats.errors import FormatError


def train(spec: AlgorithmSpec, environment: Mapping[str, str] = os.environ) -> int:
    """Train as the files below the base folder say. Returns the exit code; never raises.

    SIGTERM asks the algorithm to stop, from here on for good: one that comes when all is done must not look like a
    failure.
    """
    layout = Layout.from_environment(environment)
    log = StandardTrainingLog(spec.title, layout.hosts().current)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    try:
        _train(spec, layout, log, stopping)
        return 0
    except (CustomerError, FormatError) as wrong:
        log.error(f"Customer Error: {wrong}")
        return _failed(layout, f"{CustomerError.prefix}: {wrong}")
    except Exception as wrong:
        traceback.print_exc()
        prefix = wrong.prefix if isinstance(wrong, AlgorithmFailure) else AlgorithmFailure.prefix
        text = str(wrong) if isinstance(wrong, AlgorithmFailure) else f"{type(wrong).__name__}: {wrong}"
        log.error(f"{prefix}: {text}")
        return _failed(layout, f"{prefix}: {text}")


def _train(spec: AlgorithmSpec, layout: Layout, log: StandardTrainingLog, stopping: threading.Event) -> None:
    log.raw("Docker entrypoint called with argument(s): train")
    layout.make()
    given = layout.hyperparameters()
    _print_configuration(spec, layout, log, given)
    hyperparameters = spec.validate(given)
    hosts = layout.hosts()
    if len(hosts.all) > 1 and not spec.multi_instance:
        raise CustomerError(f"{spec.title} trains on one instance; the job has {len(hosts.all)}")
    channels = open_channels(spec, layout)
    fit = load_function(spec.train)
    folder = layout.checkpoints()
    purpose = {"algorithm": spec.name, "hosts": len(hosts.all)}
    purpose |= {name: str(value) for name, value in hyperparameters.items()}
    every_s = float(os.environ.get("LAKEMILL_CHECKPOINT_EVERY_S") or EVERY_S)
    with meeting(hosts) as collective:
        fit(
            TrainingContext(
                hyperparameters=hyperparameters,
                channels=channels,
                model_dir=layout.model,
                output_dir=layout.output_data,
                log=log,
                host=hosts.current,
                hosts=hosts.all,
                collective=collective,
                checkpoints=Checkpoints(folder, hosts.current, purpose, collective.gather, every_s),
                checkpoint_dir=folder,
                given=frozenset(given),
                stopping=stopping,
            )
        )


def _print_configuration(spec: AlgorithmSpec, layout: Layout, log: StandardTrainingLog, given: dict[str, str]) -> None:
    default = {one.name: _as_text(one.default) for one in spec.hyperparameters if one.default is not None}
    log.info(f"Reading default configuration from {spec.name}/default-input.json: {json.dumps(default)}")
    log.info(f"Merging with provided configuration from {layout.hyperparameters_file}: {json.dumps(given)}")
    log.info(f"Final configuration: {json.dumps({**default, **given})}")


def _as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | bool) else str(value)


def _failed(layout: Layout, text: str) -> int:
    layout.failure_file.parent.mkdir(parents=True, exist_ok=True)
    layout.failure_file.write_text(text + "\n")
    return 1
