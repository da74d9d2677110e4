"""A trained model: vectors of entities, vectors of prefixes, the encoder's layers; and its file.

The file is a zip of `meta.json` and `params`, an MXNet NDArray file with names, as other built-in algorithms of AWS
write it; AWS has not published what its own IP Insights puts inside.

    entity_rows      (k,) int32, the rows that training met, in order
    entity_vectors   (k, d) float32, theirs
    entity_default   (1, d) float32, of every other row: the mean about which the others lie
    prefixes         (p,) int64, lengths (p,) int32: the known prefixes, the root first, by length and value
    prefix_vectors   (p, d) float32
    layer<i>_weight  (d, d) and layer<i>_bias (1, d) float32
"""

import dataclasses
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lakemill.algorithms.artifact import write_archive
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.ipinsights.encoder import Layer, forward
from lakemill.algorithms.ipinsights.prefixes import PrefixTree
from lakemill.formats import mxnet
from lakemill.formats.errors import FormatError

FORM = "lakemill-ipinsights-1"
SLICE = 1 << 16


@dataclasses.dataclass
class Model:
    """See the module; num_entity_vectors is the number of rows that entities are hashed into."""

    num_entity_vectors: int
    entity_rows: np.ndarray
    entity_vectors: np.ndarray
    entity_default: np.ndarray
    tree: PrefixTree
    prefix_vectors: np.ndarray
    layers: Sequence[Layer]

    def entity_embeddings(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of rows, (n, d); those that training did not meet have the default."""
        found = np.repeat(self.entity_default, len(rows), axis=0)
        if len(self.entity_rows):
            places = np.searchsorted(self.entity_rows, rows).clip(max=len(self.entity_rows) - 1)
            known = self.entity_rows[places] == rows
            found[known] = self.entity_vectors[places[known]]
        return found

    def address_embeddings(self, addresses: np.ndarray) -> np.ndarray:
        """The vectors of addresses, (n, d)."""
        nodes, places = np.unique(self.tree.nodes(addresses), return_inverse=True)
        summed = np.zeros((len(nodes), self.prefix_vectors.shape[1]), np.float32)
        for at, there in self.tree.paths(nodes):
            summed[at] += self.prefix_vectors[there]
        return forward(summed, self.layers)[places]

    def scores(self, rows: np.ndarray, addresses: np.ndarray) -> np.ndarray:
        """The dot products of pairs, (n,) float32."""
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), SLICE):
            part = slice(start, start + SLICE)
            vectors = self.entity_embeddings(rows[part]), self.address_embeddings(addresses[part])
            found[part] = np.einsum("nd,nd->n", *vectors)
        return found

    def write(self, path: Path) -> None:
        """Write the artifact."""
        meta = {
            "form": FORM,
            "num_entity_vectors": self.num_entity_vectors,
            "vector_dim": self.entity_default.shape[1],
            "num_ip_encoder_layers": len(self.layers),
        }
        arrays = {
            "entity_rows": self.entity_rows,
            "entity_vectors": self.entity_vectors,
            "entity_default": self.entity_default,
            "prefixes": self.tree.prefixes.astype(np.int64),
            "lengths": self.tree.lengths,
            "prefix_vectors": self.prefix_vectors,
        }
        for number, (weights, bias) in enumerate(self.layers):
            arrays |= {f"layer{number}_weight": weights, f"layer{number}_bias": bias}
        write_archive(path, {"meta.json": json.dumps(meta, indent=1).encode(), "params": mxnet.encode(arrays)})


def read(path: Path) -> Model:
    """Read an artifact. Raises CustomerError if it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
            meta, arrays = json.loads(packed.read("meta.json")), mxnet.decode(packed.read("params"))
        if not isinstance(meta, dict) or meta.get("form") != FORM or not isinstance(arrays, dict):
            raise CustomerError(
                f"{path.name} is an IP Insights model of a form that is not known here; AWS has not published its own. "
                "Train the model again"
            )
        return _checked(_model(meta, arrays), path.name)
    except (zipfile.BadZipFile, FormatError, KeyError, TypeError, IndexError, ValueError) as wrong:
        raise CustomerError(f"{path.name} is no IP Insights model: {wrong}") from None


def _model(meta: dict, arrays: dict[str, np.ndarray]) -> Model:
    return Model(
        int(meta["num_entity_vectors"]),
        arrays["entity_rows"],
        arrays["entity_vectors"],
        arrays["entity_default"],
        PrefixTree(arrays["prefixes"].astype(np.uint32), arrays["lengths"]),
        arrays["prefix_vectors"],
        [
            (arrays[f"layer{number}_weight"], arrays[f"layer{number}_bias"])
            for number in range(int(meta["num_ip_encoder_layers"]))
        ],
    )


def _checked(model: Model, name: str) -> Model:
    """Raises CustomerError when the arrays do not go together."""
    width = model.entity_default.shape[-1]
    shapes = [
        model.entity_default.shape == (1, width),
        model.entity_vectors.shape == (len(model.entity_rows), width),
        model.prefix_vectors.shape == (len(model.tree), width),
        *(weights.shape == (width, width) and bias.shape == (1, width) for weights, bias in model.layers),
    ]
    arrays = [model.entity_vectors, model.entity_default, model.prefix_vectors, *sum(model.layers, ())]
    if not all(shapes) or not all(np.isfinite(one).all() for one in arrays):
        raise CustomerError(f"{name} is no IP Insights model: its arrays do not go together or are not finite")
    return model
