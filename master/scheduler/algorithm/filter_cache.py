"""Results of filters and scores for pods of one shape, kept from pod to pod: only what may have changed is made anew.

The arrays are never written to once a result holds them: a change makes copies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from master.scheduler.algorithm.node_statuses import FITS, NodeStatuses, all_fit, present_fit, run_filters
from master.scheduler.cache.pod_info import PodInfo, PodShape
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.protocol import Follows, Refusals, Scores

SHAPES_REMEMBERED = 64
FINGERPRINTS_REMEMBERED = 4096


@dataclass(frozen=True)
class _ResourceEvaluation:
    """What the plugins that follow resources alone say of a node: equal resources get equal results."""

    filter: int
    code: int
    refusals: Mapping[int, Refusals]
    raw: tuple[int, ...]


@dataclass(frozen=True)
class CachedEvaluation:
    """The results of all plugins but those that follow the cluster, at the snapshot's `epoch` and `change`.

    `by_node` are the statuses after the filters that follow the node's object alone, `statuses` those after all of
    them. `raw` are the scores by the place of the plugin in the profile, `total` is the weighted sum of those that need
    no normalizing. `by_resources` are results by the fingerprint of a row's resources.
    """

    epoch: int
    change: int
    by_node: NodeStatuses
    statuses: NodeStatuses
    raw: Mapping[int, Scores]
    total: Scores
    by_resources: dict[bytes, _ResourceEvaluation]


class FilterCache:
    """The results for the last SHAPES_REMEMBERED shapes."""

    def __init__(self) -> None:
        self._evaluations: OrderedDict[tuple[str, PodShape], CachedEvaluation] = OrderedDict()

    def get(self, info: PodInfo, nodes: Snapshot, profile: Profile) -> CachedEvaluation:
        """The results for the nodes as they are now."""
        key = (profile.scheduler_name, info.shape)
        before = self._evaluations.pop(key, None)
        evaluation = None
        if before is not None and before.epoch == nodes.epoch:
            rows = nodes.changed_since(before.change)
            if rows is not None:
                evaluation = _update(before, rows, info, nodes, profile) if len(rows) else before
        if evaluation is None:
            evaluation = _evaluate(info, nodes, profile)
        self._evaluations[key] = evaluation
        if len(self._evaluations) > SHAPES_REMEMBERED:
            self._evaluations.popitem(last=False)
        return evaluation


def _evaluate(info: PodInfo, nodes: Snapshot, profile: Profile) -> CachedEvaluation:
    """Asks all plugins about all rows."""
    absent = present_fit(nodes, nodes.all)
    by_node = run_filters(absent, Follows.NODE, info, nodes, profile=profile, rows=nodes.all)
    statuses = run_filters(by_node, Follows.LOAD, info, nodes, profile=profile, rows=nodes.all)
    statuses = run_filters(statuses, Follows.RESOURCES, info, nodes, profile=profile, rows=nodes.all)
    raw: dict[int, Scores] = {}
    total = np.zeros(nodes.size, np.int64)
    for place, each in enumerate(profile.scores):
        if each.plugin.follows is Follows.CLUSTER:
            continue
        scores = each.plugin.score(info, nodes, nodes.all)
        if scores is not None:
            raw[place] = scores
            if each.plugin.normalize is None:
                total += each.weight * scores
    return CachedEvaluation(nodes.epoch, nodes.changes, by_node, statuses, raw, total, {})


def _update(
    before: CachedEvaluation, rows: NDArray[np.int64], info: PodInfo, nodes: Snapshot, profile: Profile
) -> CachedEvaluation:
    """Asks the plugins that follow the pods on a node about these rows."""
    by_resources = _by_resources(before, rows, info, nodes, profile)
    part = NodeStatuses(before.by_node.filters[rows], before.by_node.codes[rows], {})
    part = run_filters(part, Follows.LOAD, info, nodes, profile=profile, rows=rows)
    changed: dict[int, dict[int, int]] = {}
    for order, place in enumerate(_scores_following(Follows.RESOURCES, before, profile)):
        changed[place] = {row: each.raw[order] for row, each in zip(rows.tolist(), by_resources, strict=True)}
    for place in _scores_following(Follows.LOAD, before, profile):
        found = profile.scores[place].plugin.score(info, nodes, rows)
        if found is not None:
            changed[place] = dict(zip(rows.tolist(), found.tolist(), strict=True))
    raw, total = dict(before.raw), before.total.copy()
    for place, values in changed.items():
        scores = raw[place] = before.raw[place].copy()
        weight = profile.scores[place].weight if profile.scores[place].plugin.normalize is None else 0
        for row, value in values.items():
            total[row] += weight * (value - scores[row])
            scores[row] = value
    statuses = _replaced(before.statuses, rows, part, by_resources)
    return CachedEvaluation(before.epoch, nodes.changes, before.by_node, statuses, raw, total, before.by_resources)


def _scores_following(follows: Follows, before: CachedEvaluation, profile: Profile) -> list[int]:
    """The places of the score plugins that follow this and gave scores."""
    return [place for place in before.raw if profile.scores[place].plugin.follows is follows]


def _by_resources(
    before: CachedEvaluation, rows: NDArray[np.int64], info: PodInfo, nodes: Snapshot, profile: Profile
) -> list[_ResourceEvaluation]:
    """The result for each of the rows; plugins are asked only about fingerprints that are new."""
    keys = [nodes.resources.fingerprint(row) for row in rows.tolist()]
    known = before.by_resources
    new = {key: row for key, row in zip(keys, rows.tolist(), strict=True) if key not in known}
    if new:
        if len(known) + len(new) > FINGERPRINTS_REMEMBERED:
            known.clear()
            new = dict(zip(keys, rows.tolist(), strict=True))
        some = np.array(list(new.values()), np.int64)
        statuses = run_filters(all_fit(len(some)), Follows.RESOURCES, info, nodes, profile=profile, rows=some)
        scores = []
        for place in _scores_following(Follows.RESOURCES, before, profile):
            found = profile.scores[place].plugin.score(info, nodes, some)
            scores.append(before.raw[place][some] if found is None else found)
        for number, key in enumerate(new):
            raw = tuple(int(each[number]) for each in scores)
            filter_, code = int(statuses.filters[number]), int(statuses.codes[number])
            known[key] = _ResourceEvaluation(filter_, code, statuses.refusals, raw)
    return [known[key] for key in keys]


def _replaced(
    statuses: NodeStatuses, rows: NDArray[np.int64], part: NodeStatuses, by_resources: list[_ResourceEvaluation]
) -> NodeStatuses:
    """The statuses with those of the rows replaced: by `part`, and by their resources where that lets them pass."""
    changed: dict[int, tuple[int, int]] = {}
    refusals = {**statuses.refusals, **part.refusals}
    parts = zip(rows.tolist(), part.filters.tolist(), part.codes.tolist(), by_resources, strict=True)
    for row, filter_, code, evaluation in parts:
        now = (filter_, code) if filter_ != FITS else (evaluation.filter, evaluation.code)
        if now != (statuses.filters[row], statuses.codes[row]):
            changed[row] = now
            refusals.update(evaluation.refusals)
    if not changed:
        return statuses
    filters, codes = statuses.filters.copy(), statuses.codes.copy()
    for row, (filter_, code) in changed.items():
        filters[row], codes[row] = filter_, code
    return NodeStatuses(filters, codes, refusals)
