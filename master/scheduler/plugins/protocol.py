"""What a plugin is: a filter refuses nodes with a reason, a score ranks those that are left. Both judge all at once."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot

MAX_SCORE = 100
Scores = NDArray[np.int64]
Normalize = Callable[[Scores], Scores]


class Follows(Enum):
    """What can change a plugin's verdict about a node, so that it is not asked again about what cannot have changed."""

    NODE = "the node's object and the pod's shape"
    LOAD = "these, and the pods that stand on the node"
    ROOM = "the pod's shape, and how much of each resource the node has and uses; nothing else of the node"
    CLUSTER = "anything else: pods on other nodes, other objects, the pod beyond its shape"


@dataclass(frozen=True)
class Refusals:
    """For each row asked about a code: 0 lets the node pass, any other stands for the reasons that `reasons` gives it.

    A code means the same whenever pods of one shape are judged. `final` holds the codes of nodes that would refuse the
    pod without any pods on them too: there preemption does not help. `whole` refuses the pod wherever: the nodes are
    not told apart.
    """

    codes: NDArray[np.int64]
    reasons: Mapping[int, tuple[str, ...]]
    final: Container[int] = frozenset()
    whole: str = ""


class Filter(Protocol):
    """A refusal is data: it never raises for a pod or node that validation let through."""

    @property
    def name(self) -> str: ...

    @property
    def follows(self) -> Follows: ...

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        """Judges these rows of the snapshot; None when the pod gives the plugin nothing to judge on any row."""


class Score(Protocol):
    """`normalize` makes 0 to MAX_SCORE of the raw scores of the nodes that are left, or is None when they are that
    already."""

    @property
    def name(self) -> str: ...

    @property
    def follows(self) -> Follows: ...

    @property
    def normalize(self) -> Normalize | None: ...

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        """A raw score for each of the rows, the higher the better; None when all are alike to it, whichever row.

        Plugins that follow the cluster are asked of the rows that passed all filters, others of any.
        """


def refuse(refused: NDArray[np.bool_], reason: str, *, final: bool) -> Refusals:
    """Refusals that have one reason."""
    return Refusals(refused.astype(np.int64), {1: (reason,)}, frozenset({1}) if final else frozenset())


def refuse_pod(nodes: Snapshot, rows: Rows, reason: str) -> Refusals:
    """Refuses the pod itself: it fits nowhere, whatever the nodes are."""
    return Refusals(np.ones(nodes.length(rows), np.int64), {1: (reason,)}, frozenset({1}), reason)


def stretched(raw: Scores) -> Scores:
    """So that the highest becomes MAX_SCORE."""
    highest = int(raw.max(initial=0))
    return raw if highest == 0 else raw * MAX_SCORE // highest


def stretched_reversed(raw: Scores) -> Scores:
    """So that the highest becomes 0."""
    return MAX_SCORE - stretched(raw)
