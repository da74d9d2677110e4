"""Input data of a training job: for each host its share of the channels, as files or for its FIFOs."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lakemill.services.sagemaker.channels import Channels, Share
from lakemill.services.sagemaker.opt_ml import OptMl
from lakemill.services.sagemaker.training_request import Request, effective_mode


def deliver(
    request: Request, inputs: Channels, share: Share, tree: OptMl, pipe_folder: Path, check: Callable[[], None]
) -> None:
    """Bring a host's share of all channels; `check` is called between objects. Raises ClientFailure.

    Of Pipe channels the objects go below pipe_folder, with `plan.json` for the process that sends them
    (lakemill.container.pipes); their first FIFO is made here, since it is there before the algorithm starts.
    """
    piped = {}
    for channel in request.get("InputDataConfig", []):
        name, mode = channel["ChannelName"], effective_mode(request, channel)
        if mode == "Pipe":
            piped[name] = _sending(channel, inputs.stock(channel, pipe_folder / "objects" / name, check, share))
            os.mkfifo(tree.pipe(name, 0), 0o600)
        else:
            inputs.fetch(channel, tree.channel(name), check, share, link=mode == "FastFile")
    if piped:
        plan = {"folder": str(tree.inputs), "failure": str(pipe_folder / "failure"), "channels": piped}
        (pipe_folder / "plan.json").write_text(json.dumps(plan))


def _sending(channel: Mapping[str, Any], files: list[Path]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in files],
        "gzip": channel.get("CompressionType", "None") == "Gzip",
        "wrap": channel.get("RecordWrapperType", "None") == "RecordIO",
        "seed": channel.get("ShuffleConfig", {}).get("Seed"),
    }
