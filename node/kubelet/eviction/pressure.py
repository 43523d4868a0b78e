"""The loop that keeps a node alive when it runs short: reclaims what nobody needs, then evicts one pod after another.

What is decided stands in `thresholds.py` and `ranking.py`.
https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from node.kubelet.cri.runtime import RuntimeFailure
from node.kubelet.eviction import messages, ranking, thresholds
from node.kubelet.eviction.pod_uses import PodUses
from node.kubelet.eviction.signal_reader import SignalReader
from node.kubelet.eviction.signals import SIGNALS, Levels
from node.kubelet.eviction.thresholds import Pressure, Threshold
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.settings import EvictionSettings
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

PERIOD_S = 10.0
# A pod that a hard threshold ends gets no time: the node has none.
HARD_GRACE_S = 1
# Before another pod is evicted, the first one is given time to be gone.
GONE_WITHIN_S = 30.0
LOOKED_EVERY_S = 0.5


@dataclass(frozen=True)
class EvictionEffects:
    """What is done about pressure. `pods` are those that may be evicted; `end` ends one with an outcome, within a grace
    period or its own; `reclaim` frees what no pod uses; `tell` records an Event of the node."""

    pods: Callable[[], list[pod_pb2.Pod]]
    end: Callable[[str, PodOutcome, int | None], None]
    is_gone: Callable[[str], bool]
    reclaim: Sequence[Callable[[], Awaitable[None]]]
    tell: Callable[[str, str, str], None]
    count: Callable[[str], None]
    """Counts an eviction by its signal."""


class NodePressure:
    """`run` for ever. `conditions` are those of the node that are true now."""

    def __init__(
        self, settings: EvictionSettings, reader: SignalReader, uses: PodUses, period_s: float = PERIOD_S
    ) -> None:
        """Raises SettingsError."""
        self._thresholds = thresholds.of_settings(settings)
        self._settings = settings
        self._reader = reader
        self._uses = uses
        self._period_s = period_s
        self._pressure = Pressure()
        self._changed: list[Callable[[], None]] = []

    @property
    def conditions(self) -> frozenset[str]:
        return frozenset(self._pressure.seen)

    def on_change(self, handler: Callable[[], None]) -> None:
        """Calls `handler` when the conditions have changed."""
        self._changed.append(handler)

    async def run(self, effects: EvictionEffects) -> None:
        while True:
            try:
                evicted = await self.sync(effects)
                if evicted:
                    await _until_gone(evicted, effects)
            except (OSError, RuntimeFailure) as error:
                log.warning("what is left of the node's resources cannot be read: %s", error)
            await asyncio.sleep(self._period_s)

    async def sync(self, effects: EvictionEffects) -> str:
        """One look; the uid of the pod that was evicted, if one was. Raises OSError, RuntimeFailure."""
        levels = await self._look()
        if not self._pressure.due:
            return ""
        first = self._pressure.due[0]
        resource = SIGNALS[first.signal].resource
        effects.tell("Warning", "EvictionThresholdMet", messages.attempting(resource))
        if SIGNALS[first.signal].is_of_disk:
            for reclaim in effects.reclaim:
                await reclaim()
            levels = await self._look()
            if not self._pressure.due:
                log.info("%s was reclaimed without evicting a pod", resource)
                return ""
            first = self._pressure.due[0]
        return await self._evict(first, levels, effects)

    async def _look(self) -> Levels:
        before = self.conditions
        levels = await self._reader.read()
        transition_s = self._settings.pressure_transition_period_s
        self._pressure = thresholds.step(self._pressure, self._thresholds, levels, time.monotonic(), transition_s)
        if self.conditions != before:
            log.info("node conditions that are true now: %s", ", ".join(sorted(self.conditions)) or "none")
            for handler in self._changed:
                handler()
        return levels

    async def _evict(self, threshold: Threshold, levels: Levels, effects: EvictionEffects) -> str:
        resource = SIGNALS[threshold.signal].resource
        order = ranking.ranked(await self._uses.read(effects.pods(), resource), resource)
        if not order:
            log.warning("%s is short, and there is no pod that may be evicted", resource)
            return ""
        use, grace_s = order[0], HARD_GRACE_S
        if not threshold.is_hard:
            grace_s = min(self._settings.max_pod_grace_period_s, use.pod.spec.terminationGracePeriodSeconds)
        message = messages.node_was_low(threshold, levels.get(threshold.signal), use.containers)
        log.warning("pod %s/%s is evicted: %s", use.pod.metadata.namespace, use.pod.metadata.name, message)
        outcome = PodOutcome("Failed", messages.EVICTED, message, disrupts=True)
        effects.count(threshold.signal)
        effects.end(use.pod.metadata.uid, outcome, grace_s)
        return use.pod.metadata.uid


async def _until_gone(uid: str, effects: EvictionEffects) -> None:
    for _ in range(int(GONE_WITHIN_S / LOOKED_EVERY_S)):
        if effects.is_gone(uid):
            return
        await asyncio.sleep(LOOKED_EVERY_S)
