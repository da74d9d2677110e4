"""Folders that belong together become one table with partitions.

A table's root is the highest folder below which all data is of one kind (format and SerDe), at one depth, and alike:
two schemas are alike if they have 70 % of the columns of the larger one in common, by name and kind of type. Folders
`key=value` with the same key are held against the smaller schema, as columns are added over time; there the majority
makes the table, and what differs makes tables of its own. Elsewhere all of a folder's folders must be alike; a folder
that is the only one in its folder is a partition if its name is plainly a value, as of a date.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec

from lakemill.engines.crawling.folders import Folder, Place
from lakemill.engines.crawling.plan import Seen
from lakemill.formats.schemas import common, merged_columns

ALIKE = 0.7
_VALUE = re.compile(r"\d[\d\-_.:T]*\Z")
"""A folder's name that is plainly a value: 2024, 2024-01-31, 07."""
Looked = dict[str, list[tuple[Place, Seen]]]


@dataclasses.dataclass(slots=True)
class Leaf:
    """A folder with files of a table. names: those of the folders on the way from the root to it."""

    path: str
    count: int
    bytes: int
    seen: Seen
    names: tuple[str, ...] = ()


@dataclasses.dataclass(slots=True)
class Group:
    """Folders of one kind, so many levels below a root.

    lower: what makes the table if nothing beside the root joins it: a single folder whose name is no value.
    """

    root: Folder
    leaves: list[Leaf]
    depth: int
    seen: Seen
    lower: "Group | None" = None


@dataclasses.dataclass(slots=True)
class Found:
    """A table. file: the only file it consists of, where it shares its folder with other tables."""

    root: Folder
    seen: Seen
    keys: list[str]
    leaves: list[Leaf]
    file: Place | None = None

    @property
    def path(self) -> str:
        return self.file[0] if self.file else self.root.path

    @property
    def count(self) -> int:
        return 1 if self.file else sum([leaf.count for leaf in self.leaves])

    @property
    def bytes(self) -> int:
        return self.file[1] if self.file else sum([leaf.bytes for leaf in self.leaves])


@dataclasses.dataclass
class Grouping:
    """How one target is grouped.

    looked: findings by folder. combine: schemas need not be alike. roots: paths of folders that must be tables.
    table_depth: how many folders below the target a table lies, or None. notes: gets sentences for the log.
    """

    looked: Looked
    combine: bool = False
    table_depth: int | None = None
    roots: frozenset[str] = frozenset()
    notes: list[str] = dataclasses.field(default_factory=list)

    def tables(self, root: Folder) -> list[Found]:
        """The tables below a folder."""
        group, found = self._group(root, 0)
        return [*found, *([self._table(group)] if group else [])]

    def _group(self, folder: Folder, depth: int) -> tuple[Group | None, list[Found]]:
        """What can still become part of a table further up, and the tables that are complete."""
        tables: list[Found] = []
        own = self._own(folder, tables)
        children: list[Group] = []
        apart = False
        for child in folder.children.values():
            group, below = self._group(child, depth + 1)
            tables += below
            if group is not None:
                children.append(group)
            apart = apart or (group is None and bool(below))
        if self.table_depth is not None and depth < self.table_depth:
            return None, [*tables, *map(self._table, children), *([self._table(own)] if own else [])]
        forced = folder.path in self.roots or depth == self.table_depth
        group = self._united(folder, own, children, tables, forced=forced, apart=apart)
        if group is not None and forced:
            return None, [*tables, self._table(group)]
        return group, tables

    def _united(
        self,
        folder: Folder,
        own: Group | None,
        children: list[Group],
        tables: list[Found],
        *,
        forced: bool,
        apart: bool,
    ) -> Group | None:
        """One group of a folder's own files and its folders, where they go together.

        forced: they must, as far as they can. apart: other folders of it are tables already.
        """
        if not children:
            return own
        if own is not None:
            if self._mix(own, children) and not apart:
                return self._mixed(folder, own, children)
            tables += self._by_file(folder, own)
        key = _common_key([one.root.name for one in children])
        clusters = self._clusters(children, by_key=key is not None)
        chosen = clusters[0]
        if not forced and (
            (apart and key is None) or (len(clusters) > 1 and (key is None or 2 * len(chosen) <= len(children)))
        ):
            tables += map(self._table, children)
            return None
        for one in (group for cluster in clusters[1:] for group in cluster):
            self.notes.append(
                f"{one.root.path} is not like the other folders of {folder.path}; it is a table of its own"
            )
            tables.append(self._table(one))
        leaves = [
            dataclasses.replace(leaf, names=(group.root.name, *leaf.names)) for group in chosen for leaf in group.leaves
        ]
        lower = None if forced or self._reaches_up(folder, chosen, key) else chosen[0].lower or chosen[0]
        return Group(folder, leaves, chosen[0].depth + 1, merged([one.seen for one in chosen]), lower)

    def _reaches_up(self, folder: Folder, chosen: list[Group], key: str | None) -> bool:
        """Whether folders are partitions of the folder they are in; of a single one its name must be a value."""
        if len(chosen) > 1 or key is not None or self.combine or self.table_depth is not None:
            return True
        name = chosen[0].root.name
        return bool(_VALUE.match(name)) or any(folder.path.startswith(root) for root in self.roots)

    def _mix(self, own: Group, children: list[Group]) -> bool:
        """Whether files and the folders beside them are one table, without partitions."""
        keyed = _common_key([one.root.name for one in children]) is not None
        return not keyed and len(self._clusters([own, *children], by_key=False, any_depth=True)) == 1

    @staticmethod
    def _mixed(folder: Folder, own: Group, children: list[Group]) -> Group:
        leaves = [*own.leaves, *(leaf for one in children for leaf in one.leaves)]
        seen = merged([own.seen, *(one.seen for one in children)])
        count, size = sum([leaf.count for leaf in leaves]), sum([leaf.bytes for leaf in leaves])
        return Group(folder, [Leaf(folder.path, count, size, seen)], 0, seen)

    def _clusters(self, groups: Sequence[Group], *, by_key: bool, any_depth: bool = False) -> list[list[Group]]:
        """Groups that are alike together, the largest cluster first."""
        clusters: list[_Cluster] = []
        for group in groups:
            for cluster in clusters:
                if (any_depth or cluster.depth == group.depth) and cluster.takes(group.seen, by_key, self.combine):
                    cluster.add(group)
                    break
            else:
                clusters.append(_Cluster(group))
        return sorted((one.groups for one in clusters), key=len, reverse=True)

    # Files of one folder

    def _own(self, folder: Folder, tables: list[Found]) -> Group | None:
        """The group of a folder's own files; if they differ, each is a table."""
        looked = self.looked.get(folder.path, [])
        known = [(place, seen) for place, seen in looked if seen.known]
        if known and len(known) < len(looked):
            strange = sorted(place[0] for place, seen in looked if not seen.known)
            self.notes.append(f"{', '.join(strange)} left out: no classifier recognizes it")
        known = known or looked
        if not known:
            return None
        groups = [_single(folder, seen) for _, seen in known]
        clusters = self._clusters(groups, by_key=False)
        if len(clusters) == 1:
            seen = merged([one.seen for one in groups])
            return _single(folder, seen)
        if len(looked) == folder.count:
            tables += [Found(folder, seen, [], [], file=place) for place, seen in known]
            return None
        seen = merged([one.seen for one in clusters[0]])
        self.notes.append(f"{folder.path} holds files of different kinds; its table is that of most of them")
        return _single(folder, seen)

    def _by_file(self, folder: Folder, own: Group) -> list[Found]:
        looked = self.looked[folder.path]
        if len(looked) == folder.count:
            return [Found(folder, seen, [], [], file=place) for place, seen in looked if seen.known]
        return [self._table(own)]

    def _table(self, group: Group) -> Found:
        group = group.lower or group
        return Found(
            group.root, group.seen, partition_keys([one.names for one in group.leaves], group.depth), group.leaves
        )


def _single(folder: Folder, seen: Seen) -> Group:
    return Group(folder, [Leaf(folder.path, folder.count, folder.bytes, seen)], 0, seen)


class _Cluster:
    def __init__(self, group: Group) -> None:
        self.groups, self.depth, self.kind = [group], group.depth, group.seen.kind
        self.columns = list(group.seen.columns)
        self._same: Any = group.seen.columns

    def takes(self, seen: Seen, by_key: bool, combine: bool) -> bool:
        if seen.kind != self.kind:
            return False
        return combine or seen.columns is self._same or alike(list(seen.columns), self.columns, evolving=by_key)

    def add(self, group: Group) -> None:
        self.groups.append(group)
        if group.seen.columns is not self._same:
            self._same = group.seen.columns
            self.columns = merged_columns([self.columns, list(group.seen.columns)])


def alike(first: list[tuple[str, str]], second: list[tuple[str, str]], *, evolving: bool = False) -> bool:
    """Whether two schemas have 70 % of their columns in common. evolving: of the smaller one's.

    >>> alike([("a", "int"), ("b", "int")], [("a", "int"), ("b", "bigint"), ("c", "string")])
    False
    """
    if not first or not second:
        return first == second
    size = min(len(first), len(second)) if evolving else max(len(first), len(second))
    return common(first, second) >= ALIKE * size


def merged(seen: Sequence[Seen]) -> Seen:
    """What several findings are together: their columns, and the compression of most."""
    first = seen[0]
    if len(seen) == 1:
        return first
    distinct = list({id(one.columns): one.columns for one in seen}.values())
    columns = distinct[0] if len(distinct) == 1 else tuple(merged_columns(list(one) for one in distinct))
    largest = max(seen, key=lambda one: len(one.columns))
    parameters = dict(largest.serde_parameters)
    if "paths" in parameters:
        paths = {path for one in seen for path in one.serde_parameters.get("paths", "").split(",")}
        parameters["paths"] = ",".join(sorted(paths - {""}))
    records, size = sum([one.records for one in seen]), sum([one.bytes for one in seen])
    compressions = [one.compression for one in seen]
    return msgspec.structs.replace(
        largest,
        columns=columns,
        serde_parameters=parameters,
        records=records,
        bytes=size,
        record_bytes=sum([one.records * one.record_bytes for one in seen]) / records if records else 0,
        compression=max(dict.fromkeys(compressions), key=compressions.count),
    )


def _common_key(names: Iterable[str]) -> str | None:
    """The key of folders `key=value`, if all have the same."""
    keys = {name.partition("=")[0].lower() if "=" in name else None for name in names}
    return keys.pop() if len(keys) == 1 else None


def partition_keys(names: Sequence[tuple[str, ...]], depth: int) -> list[str]:
    """Names of the partition keys: those of `key=value` folders, else `partition_0` and so on by their level.

    >>> partition_keys([("year=2024", "a"), ("year=2025", "b")], 2)
    ['year', 'partition_1']
    """
    keys: list[str] = []
    for level in range(depth):
        key = _common_key(one[level] for one in names)
        key = re.sub(r"[^a-z0-9_]", "_", unquote(key).lower()) if key else f"partition_{level}"
        keys.append(key if key not in keys else f"{key}_{level}")
    return keys


def partition_values(names: Sequence[str], keys: Sequence[str]) -> list[str]:
    """The values of a folder's partition keys. `key=value` gives the value, percent-decoded."""
    return [
        unquote(name.partition("=")[2]) if "=" in name and key != f"partition_{level}" else name
        for level, (name, key) in enumerate(zip(names, keys, strict=True))
    ]
