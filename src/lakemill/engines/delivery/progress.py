"""How far a stream's delivery has come, as it is kept to go on after a restart.

`mark` is where the source goes on: everything before it is delivered. What of the records after it is delivered
already is told per partition: the last sequence of each shard. So a restart reads some records again and passes over
those that have arrived; only what was on its way at a crash arrives twice.
"""

import collections
from typing import Any

from lakemill.engines.delivery.rows import Rows

UNSEEN = 1 << 62


class Progress:
    """The progress of one stream.

    document: as `document()` gave it, or None at the very beginning. stable: whether records come to the same
    partitions as then. If not, what was delivered after the mark comes again: better twice than never.
    """

    def __init__(self, document: dict[str, Any] | None, *, stable: bool = True) -> None:
        kept = document or {"mark": None, "delivered": {}}
        self.mark = kept["mark"]
        self._marks: collections.deque[tuple[int, Any]] = collections.deque()
        self._delivered = {
            partition: {shard: int(sequence) for shard, sequence in shards.items()}
            for partition, shards in (kept["delivered"] if stable else {}).items()
        }
        self._last_batch = dict.fromkeys(self._delivered, 0)
        self._behind = {partition: set(shards) for partition, shards in self._delivered.items()}
        """Shards of a partition that have not come back to where an earlier run's deliveries ended."""
        self._batches = 0

    def read(self, mark: Any) -> int:
        """A batch was read, and after it the source goes on at this mark; its number."""
        self._batches += 1
        self._marks.append((self._batches, mark))
        return self._batches

    @property
    def batches(self) -> int:
        """Number of the last batch."""
        return self._batches

    def fresh(self, partition: str, records: Rows, batch: int) -> Rows:
        """Those of the records that an earlier run did not deliver."""
        if partition not in self._behind:
            return records
        known = self._delivered[partition]
        self._last_batch[partition] = batch
        lasts = [last for part in records.parts for last in part.last().items()]
        self._behind[partition] -= {shard for shard, sequence in lasts if sequence >= known.get(shard, UNSEEN)}
        if not self._behind[partition]:
            del self._behind[partition]
        left = [part.after(known) for part in records.parts]
        return Rows([part for part in left if part is not None])

    def delivered(self, partition: str, last: dict[str, int], batch: int) -> None:
        """A buffer arrived: per shard its last sequence, and the number of the batch that had it."""
        known = self._delivered.setdefault(partition, {})
        for shard, sequence in last.items():
            known[shard] = max(known.get(shard, -1), sequence)
        self._last_batch[partition] = batch

    def advance(self, held_from: int | None) -> None:
        """Everything of batches before held_from is delivered (None: everything that was read)."""
        limit = held_from if held_from is not None else self._batches + 1
        while self._marks and self._marks[0][0] < limit:
            self.mark = self._marks.popleft()[1]
        for partition in [one for one, batch in self._last_batch.items() if batch < limit and one not in self._behind]:
            del self._delivered[partition], self._last_batch[partition]

    def document(self) -> dict[str, Any]:
        """What is to be kept."""
        delivered = {
            partition: {shard: str(sequence) for shard, sequence in shards.items()}
            for partition, shards in self._delivered.items()
        }
        return {"mark": self.mark, "delivered": delivered}
