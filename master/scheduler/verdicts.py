"""How the nodes suit pods of one shape, kept from pod to pod: only what may have changed is judged anew.

The arrays are never written to once a decision holds them: a change makes copies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from master.scheduler.plugins.protocol import Follows, Refusals, Scores
from master.scheduler.podinfo import PodInfo, Shape
from master.scheduler.profile import Profile
from master.scheduler.snapshot import Rows, Snapshot

FITS, ABSENT = -1, -2
SHAPES_REMEMBERED = 64


@dataclass(frozen=True)
class Refused:
    """For each row the index of the filter that refused it, FITS, or ABSENT where there is no node; with the filter's
    code for the reason. `told` explains the codes of each filter that refused any."""

    by: NDArray[np.int8]
    codes: NDArray[np.int64]
    told: Mapping[int, Refusals]

    def refuse(self, index: int, verdict: Refusals | None) -> Refused:
        """The nodes that were left, judged by one more filter."""
        if verdict is None:
            return self
        refused = (verdict.codes != 0) & (self.by == FITS)
        if not refused.any():
            return self
        by = np.where(refused, np.int8(index), self.by)
        return Refused(by, np.where(refused, verdict.codes, self.codes), {**self.told, index: verdict})


@dataclass(frozen=True)
class Verdict:
    """By all plugins but those that follow the whole cluster. `raw` is by the place of the plugin in the profile."""

    epoch: int
    change: int
    by_node: Refused
    refused: Refused
    raw: Mapping[int, Scores]


class Verdicts:
    """Those about the last SHAPES_REMEMBERED shapes."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, Shape], Verdict] = OrderedDict()

    def about(self, info: PodInfo, nodes: Snapshot, profile: Profile) -> Verdict:
        """The verdict as of now."""
        at = (profile.scheduler_name, info.shape)
        before = self._known.pop(at, None)
        verdict = None
        if before is not None and before.epoch == nodes.epoch:
            rows = nodes.changed_since(before.change)
            if rows is not None:
                verdict = _again(before, rows, info, nodes, profile) if len(rows) else before
        if verdict is None:
            verdict = _afresh(info, nodes, profile)
        self._known[at] = verdict
        if len(self._known) > SHAPES_REMEMBERED:
            self._known.popitem(last=False)
        return verdict


def _afresh(info: PodInfo, nodes: Snapshot, profile: Profile) -> Verdict:
    absent = np.where(nodes.present[: nodes.size], np.int8(FITS), np.int8(ABSENT))
    nobody = Refused(absent, np.zeros(nodes.size, np.int64), {})
    by_node = filtered(nobody, Follows.NODE, info, nodes, profile, nodes.all)
    refused = filtered(by_node, Follows.LOAD, info, nodes, profile, nodes.all)
    raw: dict[int, Scores] = {}
    for place, each in enumerate(profile.scores):
        if each.plugin.follows is not Follows.CLUSTER:
            found = each.plugin.score(info, nodes, nodes.all)
            if found is not None:
                raw[place] = found
    return Verdict(nodes.epoch, nodes.changes, by_node, refused, raw)


def _again(before: Verdict, rows: NDArray[np.int64], info: PodInfo, nodes: Snapshot, profile: Profile) -> Verdict:
    """Judges only these rows, and only by the plugins that follow what stands there."""
    part = Refused(before.by_node.by[rows], before.by_node.codes[rows], {})
    part = filtered(part, Follows.LOAD, info, nodes, profile, rows)
    refused = before.refused
    if (part.by != refused.by[rows]).any() or (part.codes != refused.codes[rows]).any():
        by, codes = refused.by.copy(), refused.codes.copy()
        by[rows], codes[rows] = part.by, part.codes
        refused = Refused(by, codes, {**refused.told, **part.told})
    raw = dict(before.raw)
    for place, each in enumerate(profile.scores):
        if place in raw and each.plugin.follows is Follows.LOAD:
            found = each.plugin.score(info, nodes, rows)
            if found is not None:
                raw[place] = raw[place].copy()
                raw[place][rows] = found
    return replace(before, change=nodes.changes, refused=refused, raw=raw)


def filtered(
    so_far: Refused, follows: Follows, info: PodInfo, nodes: Snapshot, profile: Profile, rows: Rows
) -> Refused:
    """What the filters that follow this say besides."""
    for index, plugin in profile.in_order:
        if plugin.follows is follows:
            so_far = so_far.refuse(index, plugin.filter(info, nodes, rows))
    return so_far
