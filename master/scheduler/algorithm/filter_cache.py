"""How the nodes suit pods of one shape, kept from pod to pod: only what may have changed is judged anew.

The arrays are never written to once a decision holds them: a change makes copies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo, Shape
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.protocol import Follows, Refusals, Scores

FITS, ABSENT = -1, -2
SHAPES_REMEMBERED = 64
ROOMS_REMEMBERED = 4096


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

    def then(self, other: Refused) -> Refused:
        """The nodes that were left, as the other says."""
        left = self.by == FITS
        by, codes = np.where(left, other.by, self.by), np.where(left, other.codes, self.codes)
        return Refused(by, codes, {**other.told, **self.told})


@dataclass(frozen=True)
class _Room:
    """The verdict of the plugins that follow nothing but a node's room: like rooms get like verdicts."""

    by: int
    code: int
    told: Mapping[int, Refusals]
    raw: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """By all plugins but those that follow the whole cluster.

    `raw` is by the place of the plugin in the profile, `total` the weighted sum of those that need no normalizing.
    """

    epoch: int
    change: int
    by_node: Refused
    refused: Refused
    raw: Mapping[int, Scores]
    total: Scores
    rooms: dict[bytes, _Room]


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


def filtered(
    so_far: Refused, follows: Follows, info: PodInfo, nodes: Snapshot, profile: Profile, rows: Rows
) -> Refused:
    """What the filters that follow this say besides."""
    for index, plugin in profile.in_order:
        if plugin.follows is follows:
            so_far = so_far.refuse(index, plugin.filter(info, nodes, rows))
    return so_far


def _afresh(info: PodInfo, nodes: Snapshot, profile: Profile) -> Verdict:
    absent = np.where(nodes.present[: nodes.size], np.int8(FITS), np.int8(ABSENT))
    nobody = Refused(absent, np.zeros(nodes.size, np.int64), {})
    by_node = filtered(nobody, Follows.NODE, info, nodes, profile, nodes.all)
    refused = filtered(by_node, Follows.LOAD, info, nodes, profile, nodes.all)
    refused = filtered(refused, Follows.ROOM, info, nodes, profile, nodes.all)
    raw: dict[int, Scores] = {}
    total = np.zeros(nodes.size, np.int64)
    for place, each in enumerate(profile.scores):
        if each.plugin.follows is Follows.CLUSTER:
            continue
        found = each.plugin.score(info, nodes, nodes.all)
        if found is not None:
            raw[place] = found
            if each.plugin.normalize is None:
                total += each.weight * found
    return Verdict(nodes.epoch, nodes.changes, by_node, refused, raw, total, {})


def _again(before: Verdict, rows: NDArray[np.int64], info: PodInfo, nodes: Snapshot, profile: Profile) -> Verdict:
    """Judges only these rows, and only by the plugins that follow what stands there."""
    rooms = _rooms(before, rows, info, nodes, profile)
    part = Refused(before.by_node.by[rows], before.by_node.codes[rows], {})
    part = filtered(part, Follows.LOAD, info, nodes, profile, rows)
    news: dict[int, dict[int, int]] = {}
    for order, place in enumerate(_followers(before, profile, Follows.ROOM)):
        news[place] = {row: room.raw[order] for row, room in zip(rows.tolist(), rooms, strict=True)}
    for place in _followers(before, profile, Follows.LOAD):
        found = profile.scores[place].plugin.score(info, nodes, rows)
        if found is not None:
            news[place] = dict(zip(rows.tolist(), found.tolist(), strict=True))
    raw, total = dict(before.raw), before.total.copy()
    for place, values in news.items():
        scores = raw[place] = before.raw[place].copy()
        weight = profile.scores[place].weight if profile.scores[place].plugin.normalize is None else 0
        for row, value in values.items():
            total[row] += weight * (value - scores[row])
            scores[row] = value
    refused = _replaced(before.refused, rows, part, rooms)
    return replace(before, change=nodes.changes, refused=refused, raw=raw, total=total)


def _followers(before: Verdict, profile: Profile, follows: Follows) -> list[int]:
    return [place for place in before.raw if profile.scores[place].plugin.follows is follows]


def _rooms(before: Verdict, rows: NDArray[np.int64], info: PodInfo, nodes: Snapshot, profile: Profile) -> list[_Room]:
    """Of each of the rows, judged only when no like room was."""
    keys = [nodes.resources.room(row) for row in rows.tolist()]
    new = {key: row for key, row in zip(keys, rows.tolist(), strict=True) if key not in before.rooms}
    if new:
        if len(before.rooms) + len(new) > ROOMS_REMEMBERED:
            before.rooms.clear()
            new = dict(zip(keys, rows.tolist(), strict=True))
        some = np.array(list(new.values()), np.int64)
        empty = Refused(np.full(len(some), FITS, np.int8), np.zeros(len(some), np.int64), {})
        judged = filtered(empty, Follows.ROOM, info, nodes, profile, some)
        scores = []
        for place in _followers(before, profile, Follows.ROOM):
            found = profile.scores[place].plugin.score(info, nodes, some)
            scores.append(before.raw[place][some] if found is None else found)
        for number, key in enumerate(new):
            raw = tuple(int(each[number]) for each in scores)
            before.rooms[key] = _Room(int(judged.by[number]), int(judged.codes[number]), judged.told, raw)
    return [before.rooms[key] for key in keys]


def _replaced(refused: Refused, rows: NDArray[np.int64], part: Refused, rooms: list[_Room]) -> Refused:
    changed: dict[int, tuple[int, int]] = {}
    told = {**refused.told, **part.told}
    for row, by, code, room in zip(rows.tolist(), part.by.tolist(), part.codes.tolist(), rooms, strict=True):
        now = (by, code) if by != FITS else (room.by, room.code)
        if now != (refused.by[row], refused.codes[row]):
            changed[row] = now
            told.update(room.told)
    if not changed:
        return refused
    bys, codes = refused.by.copy(), refused.codes.copy()
    for row, (by, code) in changed.items():
        bys[row], codes[row] = by, code
    return Refused(bys, codes, told)
