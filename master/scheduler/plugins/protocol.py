"""What a plugin is: a filter refuses nodes with a reason, a score ranks the others. Both look at all nodes at once.

Plugins of users import this module (docs/scheduler-plugins.md): its path and names stay.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot

MAX_SCORE = 100
Scores = NDArray[np.int64]
Normalize = Callable[[Scores], Scores]


class PluginError(Exception):
    """A plugin cannot judge any node for a pod, for a reason that the pod's owner can mend. The message is theirs."""


class Follows(Enum):
    """What a plugin's result about a node depends on: the plugin is asked again only when that changed."""

    NODE = "the node's object and the pod's shape"
    LOAD = "these, and the pods on the node"
    RESOURCES = "the pod's shape, and how much of each resource the node has and its pods request"
    ROOM = RESOURCES  # the older name
    CLUSTER = "anything else: pods on other nodes, other objects, the pod beyond its shape"


@dataclass(frozen=True)
class Refusals:
    """A code for each row: with 0 the node passes, with any other it is refused for what `reasons` gives for the code.

    A code has one meaning for all pods of a shape. `final` holds the codes of nodes that refuse the pod even when they
    are empty, so that preemption does not help. `whole` is the reason when the pod itself is refused, on all nodes.
    """

    codes: NDArray[np.int64]
    reasons: Mapping[int, tuple[str, ...]]
    final: Container[int] = frozenset()
    whole: str = ""


class Filter(Protocol):
    """A refusal is data: a filter never raises for a pod or node that is valid."""

    @property
    def name(self) -> str: ...

    @property
    def follows(self) -> Follows: ...

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        """Filters these rows of the snapshot; None when the plugin has nothing to say about the pod on any row."""


class Score(Protocol):
    """`normalize` turns the raw scores of the nodes that passed into 0 to MAX_SCORE.

    It is None when raw scores are that already.
    """

    @property
    def name(self) -> str: ...

    @property
    def follows(self) -> Follows: ...

    @property
    def normalize(self) -> Normalize | None: ...

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        """A raw score for each of the rows, the higher the better; None when all rows are equal.

        Plugins that follow the cluster are asked about the rows that passed all filters, others about any rows.
        """


def is_filter(plugin: object) -> TypeGuard[Filter]:
    """Whether the plugin filters."""
    return hasattr(plugin, "filter")


def is_score(plugin: object) -> TypeGuard[Score]:
    """Whether the plugin scores."""
    return hasattr(plugin, "score")


def refuse(refused: NDArray[np.bool_], reason: str, *, final: bool) -> Refusals:
    """Refusals for one reason."""
    return Refusals(refused.astype(np.int64), {1: (reason,)}, frozenset({1}) if final else frozenset())


def refuse_pod(nodes: Snapshot, rows: Rows, reason: str) -> Refusals:
    """Refuses the pod itself, on all nodes."""
    return Refusals(np.ones(nodes.length(rows), np.int64), {1: (reason,)}, frozenset({1}), reason)


def stretched(raw: Scores) -> Scores:
    """Scaled so that the highest score becomes MAX_SCORE."""
    highest = int(raw.max(initial=0))
    return raw if highest == 0 else raw * MAX_SCORE // highest


def stretched_reversed(raw: Scores) -> Scores:
    """Scaled so that the highest score becomes 0, and 0 becomes MAX_SCORE."""
    return MAX_SCORE - stretched(raw)
