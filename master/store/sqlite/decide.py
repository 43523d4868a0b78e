"""How many commits become a group, and what it does to the keys it names. Pure: the writer knows how keys stand, and
writes after.

Commits of a group are judged in order, each against what the earlier ones of the same group left. A commit that
fails leaves no trace; the others are not touched by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from master.store.contract import Change, Limits, Put
from master.store.errors import Mismatch
from master.store.operations import Operations

SEVERAL = 3
"""So many commits at once wait for each other, to share a transaction, which costs as much as ten commits in it."""

OPERATIONS_BITS = 16
"""A log row's id is its revision followed by this many bits of its place in the commit, so ids sort as history."""

LIMITS = Limits(operations=1 << OPERATIONS_BITS, value_bytes=256 << 20)
"""Of a commit. Ids have room for so many rows, and SQLite takes at most 10^9 bytes as one value, which the values of
all commits of a transaction are joined to."""


class Gathering:
    """How many commits the next group waits for: writers that were lately under way at once are likely to come again at
    about the same time. Compare PostgreSQL's commit_delay."""

    __slots__ = ("_lately", "awaited")

    def __init__(self) -> None:
        self.awaited = 1
        """Once so many have gathered, none is missing."""
        self._lately = 0

    def sent(self, unanswered: int) -> None:
        """A group goes to the writer; so many commits are under way then, its own among them."""
        self._lately = max(unanswered, self._lately // 2)
        self.awaited = self._lately if self._lately >= SEVERAL else 1


# These two are made for every change. They are not frozen, as that would triple what making one costs.
@dataclass(slots=True)
class Standing:
    """Where a key's value is: the log row that wrote it."""

    row: int
    create_revision: int


@dataclass(slots=True)
class LogRow:
    """A change, the id it gets in the log, and the id of the row that held the key before it."""

    row: int
    previous_row: int | None
    change: Change


@dataclass(slots=True)
class Verdict:
    """The outcome of a group: a result per commit, the rows to append, and how the keys stand afterwards."""

    revision: int
    results: list[int | Mismatch] = field(default_factory=list)
    rows: list[LogRow] = field(default_factory=list)
    standing: dict[str, Standing | None] = field(default_factory=dict)
    """Of the keys that were changed: None is gone."""


def decide(commits: Sequence[Operations], before: Mapping[str, Standing], revision: int) -> Verdict:
    """Judge `commits` in order on top of `before`, which holds every existing key they name."""
    verdict = Verdict(revision)
    for operations in commits:
        rows = _rows(operations, before, verdict.standing, verdict.revision + 1)
        if isinstance(rows, Mismatch):
            verdict.results.append(rows)
            continue
        if rows:
            verdict.revision += 1
            verdict.rows += rows
            for row in rows:
                change = row.change
                gone = change.value is None
                verdict.standing[change.key] = None if gone else Standing(row.row, change.create_revision)
        verdict.results.append(verdict.revision)
    return verdict


def _rows(
    operations: Operations, before: Mapping[str, Standing], changed: Mapping[str, Standing | None], revision: int
) -> list[LogRow] | Mismatch:
    """What a commit appends, or the first of its expectations that fails. It names no key twice."""
    rows: list[LogRow] = []
    for operation in operations:
        key = operation.key
        standing = changed[key] if key in changed else before.get(key)
        found = 0 if standing is None else standing.row >> OPERATIONS_BITS
        if operation.expected is not None and found != operation.expected:
            return Mismatch(key, operation.expected, found)
        value = operation.value if isinstance(operation, Put) else None
        if standing is not None:
            change, previous = Change(revision, key, value, standing.create_revision), standing.row
        elif value is not None:
            change, previous = Change(revision, key, value, revision), None
        else:
            continue  # gone already
        rows.append(LogRow(revision << OPERATIONS_BITS | len(rows), previous, change))
    return rows
