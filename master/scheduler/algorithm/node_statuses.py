"""What the filters say about each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.plugins.dynamic_resources import DynamicResources
from master.scheduler.plugins.protocol import Follows, Refusals

FITS, ABSENT = -1, -2


@dataclass(frozen=True)
class NodeStatuses:
    """By row: `filters` is the index of the filter that refused the node, FITS, or ABSENT where there is no node.

    `codes` are the filters' codes for the reasons, and `refusals` explain them, by the index of the filter.
    """

    filters: NDArray[np.int8]
    codes: NDArray[np.int64]
    refusals: Mapping[int, Refusals]

    def with_filter(self, index: int, refusals: Refusals | None) -> NodeStatuses:
        """The statuses after one more filter, which looks at the nodes that still fit."""
        if refusals is None:
            return self
        refused = (refusals.codes != 0) & (self.filters == FITS)
        if not refused.any():
            return self
        filters = np.where(refused, np.int8(index), self.filters)
        codes = np.where(refused, refusals.codes, self.codes)
        return NodeStatuses(filters, codes, {**self.refusals, index: refusals})

    def then(self, other: NodeStatuses) -> NodeStatuses:
        """The statuses of `other` for nodes that fit, and of `self` for all others."""
        fits = self.filters == FITS
        filters = np.where(fits, other.filters, self.filters)
        codes = np.where(fits, other.codes, self.codes)
        return NodeStatuses(filters, codes, {**other.refusals, **self.refusals})


def all_fit(count: int) -> NodeStatuses:
    """The statuses of so many rows before any filter."""
    return NodeStatuses(np.full(count, FITS, np.int8), np.zeros(count, np.int64), {})


def present_fit(nodes: Snapshot, rows: Rows) -> NodeStatuses:
    """The statuses of these rows before any filter."""
    filters = np.where(nodes.present[: nodes.size][rows], np.int8(FITS), np.int8(ABSENT))
    return NodeStatuses(filters, np.zeros(nodes.length(rows), np.int64), {})


def run_filters(
    statuses: NodeStatuses, follows: Follows, info: PodInfo, nodes: Snapshot, *, profile: Profile, rows: Rows
) -> NodeStatuses:
    """The statuses of the rows after the profile's filters that follow this."""
    for index, plugin in profile.filters_by_follows[follows]:
        if plugin is profile.devices:
            statuses = statuses.with_filter(index, _refusals_for_devices(statuses, profile.devices, info, nodes, rows))
        else:
            statuses = statuses.with_filter(index, plugin.filter(info, nodes, rows))
    return statuses


def _refusals_for_devices(
    statuses: NodeStatuses, plugin: DynamicResources, info: PodInfo, nodes: Snapshot, rows: Rows
) -> Refusals | None:
    """Looking for devices takes long: it is done on the rows alone that fit so far."""
    if not plugin.concerns(info, nodes):
        return None
    fit = np.flatnonzero(statuses.filters == FITS)
    refusals = plugin.filter(info, nodes, np.arange(nodes.size)[rows][fit]) if len(fit) else None
    if refusals is None:
        return None
    codes = np.zeros(len(statuses.filters), np.int64)
    codes[fit] = refusals.codes
    return replace(refusals, codes=codes)
