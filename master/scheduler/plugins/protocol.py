"""What a plugin is: a filter refuses nodes with a reason, a score ranks those that are left. Both judge all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot

MAX_SCORE = 100
Scores = NDArray[np.int64]


@dataclass(frozen=True)
class Refusals:
    """For each row a code: 0 lets the node pass, any other stands for the reasons that `reasons` gives it."""

    codes: NDArray[np.int64]
    reasons: Mapping[int, tuple[str, ...]]


class Filter(Protocol):
    """A refusal is data: it never raises for a pod or node that validation let through."""

    name: str

    def filter(self, info: PodInfo, nodes: Snapshot) -> Refusals | None:
        """Judges every row of the snapshot; None when the pod gives the plugin nothing to judge."""


class Score(Protocol):
    """`weight` is Kubernetes' default weight of the plugin."""

    name: str
    weight: int

    def score(self, info: PodInfo, nodes: Snapshot, rows: NDArray[np.int64]) -> Scores | None:
        """0 to MAX_SCORE for each of the rows, the higher the better; None when all are alike to it."""


def refuse(refused: NDArray[np.bool_], reason: str) -> Refusals:
    """Refusals that have one reason."""
    return Refusals(refused.astype(np.int64), {1: (reason,)})


def normalize(raw: Scores, *, reverse: bool = False) -> Scores:
    """Stretches raw scores so that the highest becomes MAX_SCORE; reversed, so that the highest becomes 0."""
    highest = int(raw.max(initial=0))
    if highest == 0:
        return np.full_like(raw, MAX_SCORE if reverse else 0)
    scaled = raw * MAX_SCORE // highest
    return MAX_SCORE - scaled if reverse else scaled
