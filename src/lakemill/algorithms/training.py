"""What trainings over blocks of records share: checked features, `auto`, going on after a kill, several hosts.

saved = resumed(context)
for block in rest(context.channels["train"].blocks(rows), saved.facts["blocks"] if saved else 0):
    points = features(block, settings["feature_dim"], "k-means")
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lakemill.algorithms.checkpoints import Saved
from lakemill.algorithms.contract import Collective, TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.formats.block import Block


def features(block: Block, feature_dim: int, algorithm: str) -> Any:
    """A block's features, (n, feature_dim) float32, dense or csr.

    algorithm names it in messages. Raises CustomerError for another width and for numbers that are none.

    >>> features(Block(np.float32([[1, 2]])), 2, "k-means").tolist()
    [[1.0, 2.0]]
    """
    width = block.features.shape[1]
    if width != feature_dim:
        raise CustomerError(
            f"The feature dimension of the data ({width}) does not match the hyperparameter feature_dim "
            f"({feature_dim}). For text/csv without a label column say text/csv;label_size=0 as the content type"
        )
    if not np.isfinite(block.features.data if block.sparse else block.features).all():
        raise CustomerError(f"The data holds NaN or infinite values; {algorithm} needs finite numbers")
    return block.features


def auto(context: TrainingContext, name: str, value: Any) -> Any:
    """A hyperparameter's value; where it is `auto` the given one, and a line in the log about it."""
    given = context.hyperparameters[name]
    if given != "auto":
        return given
    context.log.info(f"'{name}' was set to 'auto', evaluated to {value}.")
    return value


def resumed(context: TrainingContext) -> Saved | None:
    """What an interrupted training of the same kind left, and a line in the log about it.

    Raises CustomerError if that one had another number of hosts, whose shares of the records were others.
    """
    saved = context.checkpoints.load()
    if saved is None:
        return None
    if (hosts := saved.facts.get("hosts", 1)) != context.collective.size:
        raise CustomerError(
            f"The checkpoint is of a training on {hosts} instances, and this one has {context.collective.size}; "
            "give another checkpoint S3Uri, or the same InstanceCount"
        )
    context.log.info(f"Resuming from the checkpoint of step {saved.step}")
    return saved


def save(context: TrainingContext, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Keep a state for `resumed`."""
    context.checkpoints.save(step, arrays, {"hosts": context.collective.size, **facts})


def rest(blocks: Iterable[Block], taken: int, again: Callable[[Block], None] | None = None) -> Iterator[Block]:
    """The blocks of a pass after the first `taken`, which a checkpoint has in it already.

    again is called with each of those first ones, for what is cheaper to do again than to keep. Raises CustomerError
    if there are not even so many: the data were changed.

    >>> [len(block) for block in rest([Block(np.zeros((2, 1))), Block(np.zeros((1, 1)))], 1)]
    [1]
    """
    after = iter(blocks)
    skipped = 0
    for block in itertools.islice(after, taken):
        skipped += 1
        if again:
            again(block)
    if skipped < taken:
        raise CustomerError(
            "The channel holds fewer records than the checkpoint has taken in; "
            "give the same data, or another checkpoint S3Uri"
        )
    return after


def any_host(collective: Collective, here: bool) -> bool:
    """Whether something holds on one host at least. A collective call."""
    return bool(collective.sum(np.array([here], np.int64))[0])


def stop_together(context: TrainingContext) -> bool:
    """Whether any host was asked to stop. A collective call: all hosts make it at the same points of their passes."""
    return any_host(context.collective, context.stop_requested())


def totals(collective: Collective, values: Sequence[float]) -> np.ndarray:
    """Sums over the hosts' records, (m,) float64: losses, counts. A collective call.

    Hosts that all found the very same have all read the same records (FullyReplicated): these count once.

    >>> from lakemill.algorithms.contract import SingleHost
    >>> totals(SingleHost(), [2.5, 4])
    array([2.5, 4. ])
    """
    found = collective.gather(np.array(values, np.float64))
    if all(np.array_equal(found[0], one) for one in found):
        return found[0]
    return np.sum(found, axis=0)
