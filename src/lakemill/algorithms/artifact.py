"""Model files: one MXNet NDArray file, or a zip with such a file among others.

k-means, PCA and LDA have the first kind, linear learner, factorization machines and IP Insights the second.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def write_archive(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a zip of members that are not compressed. The same members give the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def read_archive(path: Path, algorithm: str, ending: str) -> tuple[dict[str, bytes], Any]:
    """Members of a zip by their base names, and the arrays of the one whose name ends so: a list, or by name.

    Raises CustomerError if it is no zip or has no such member.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            members = {name.rsplit("/", 1)[-1]: archive.read(name) for name in archive.namelist()}
        return members, mxnet.decode(next(content for name, content in members.items() if name.endswith(ending)))
    except (OSError, zipfile.BadZipFile, FormatError, StopIteration) as wrong:
        said = str(wrong) or f"no {ending} member"
        raise CustomerError(f"{path.name} is not an artifact of {algorithm}: {said}") from None
