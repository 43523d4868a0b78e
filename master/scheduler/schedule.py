"""Which node a pod goes to: a pure function of the pod and a snapshot, and the table that explains it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.plugins.protocol import Filter, Refusals, Score, Scores
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot


@dataclass(frozen=True)
class Decision:
    """`node_name` is empty when no node fits; then `message` says why, in Kubernetes' words.

    `refused_by` holds for each row the index of the filter that refused it, or -1; `scores` for each plugin that had a
    preference the scores of the rows in `feasible`.
    """

    node_name: str
    message: str
    names: Sequence[str]
    rows: NDArray[np.int64]
    feasible: NDArray[np.int64]
    refused_by: NDArray[np.int8]
    refusals: Mapping[int, Refusals]
    scores: Mapping[str, Scores]
    totals: Scores


def schedule(info: PodInfo, nodes: Snapshot, filters: Sequence[Filter], scores: Sequence[Score]) -> Decision:
    """Judges every node; ties are broken by a generator seeded with the pod's uid, so a decision can be replayed."""
    refused_by: NDArray[np.int8] = np.full(nodes.size, -1, np.int8)
    fits = nodes.present[: nodes.size].copy()
    refusals: dict[int, Refusals] = {}
    for index, plugin in enumerate(filters):
        verdict = plugin.filter(info, nodes)
        if verdict is None:
            continue
        refused = fits & (verdict.codes != 0)
        if refused.any():
            refusals[index] = verdict
            refused_by[refused] = index
            fits &= ~refused
    feasible: NDArray[np.int64] = np.flatnonzero(fits)
    given, totals = _score(info, nodes, scores, feasible)
    rows: NDArray[np.int64] = np.flatnonzero(nodes.present[: nodes.size])
    chosen = _choose(feasible, totals, info.pod.metadata.uid)
    return Decision(
        node_name="" if chosen is None else nodes.names[chosen],
        message="" if chosen is not None else _message(nodes.count, refused_by, refusals),
        names=nodes.names,
        rows=rows,
        feasible=feasible,
        refused_by=refused_by,
        refusals=refusals,
        scores=given,
        totals=totals,
    )


def _score(
    info: PodInfo, nodes: Snapshot, scores: Sequence[Score], feasible: NDArray[np.int64]
) -> tuple[dict[str, Scores], Scores]:
    totals = np.zeros(len(feasible), np.int64)
    given: dict[str, Scores] = {}
    if len(feasible) == 0:
        return given, totals
    for plugin in scores:
        found = plugin.score(info, nodes, feasible)
        if found is not None:
            given[plugin.name] = found
            totals += plugin.weight * found
    return given, totals


def _choose(feasible: NDArray[np.int64], totals: Scores, uid: str) -> int | None:
    if len(feasible) == 0:
        return None
    best = feasible[totals == totals.max()]
    return int(random.Random(uid).choice(best))  # noqa: S311 - fairness, not secrecy


def _message(count: int, refused_by: NDArray[np.int8], refusals: Mapping[int, Refusals]) -> str:
    if count == 0:
        return "no nodes available to schedule pods"
    reasons: Counter[str] = Counter()
    for index, verdict in refusals.items():
        codes, counts = np.unique(verdict.codes[refused_by == index], return_counts=True)
        for code, times in zip(codes.tolist(), counts.tolist(), strict=True):
            for reason in verdict.reasons[code]:
                reasons[reason] += times
    told = sorted(f"{times} {reason}" for reason, times in reasons.items())
    return f"0/{count} nodes are available: {', '.join(told)}."
