"""Reading the model files of a folder: what the algorithms whose model is one MXNet NDArray file share."""

from pathlib import Path

import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.formats import mxnet
from lakemill.formats.errors import FormatError


def read_arrays(model_dir: Path, title: str) -> tuple[str, list[np.ndarray] | dict[str, np.ndarray]]:
    """The name of a folder's model file and its arrays, a list or by name. title: e.g. `K-Means`, for messages.

    The file is the first one called `model...`, as on AWS (`model_algo-1`), else the first one at all. Raises
    CustomerError if there is none or it is no NDArray file.
    """
    files = sorted(path for path in model_dir.iterdir() if path.is_file() and not path.name.startswith("."))
    named = [path for path in files if path.name.startswith("model")] or files
    if not named:
        raise CustomerError(f"the model folder holds no file; a model of {title} is one NDArray file, model_algo-1")
    try:
        return named[0].name, mxnet.read(named[0])
    except FormatError as error:
        raise CustomerError(f"{named[0].name} is no {title} model: {error}") from None
