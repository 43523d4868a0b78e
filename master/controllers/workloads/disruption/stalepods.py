"""Takes the condition DisruptionTarget back from pods that were to go and were not deleted in the end."""

from __future__ import annotations

import logging
import time
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.objects.podconditions import DISRUPTION_TARGET, set_condition
from master.controllers.workloads.disruption.staleness import stale_in_s
from podlab.api.objects import Key
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)


class StalePodDisruptionController:
    """Keys are pods'. Time is a trigger here: a pod is looked at when its condition grows stale."""

    name: Final = "stale-pod-disruption"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._informers = informers
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        pod = self._informers.pods.store.get(at)
        wait_s = stale_in_s(pod, time.time()) if pod is not None else None
        if pod is None or wait_s is None:
            return
        if wait_s > 0:
            self._loop.queue.add_after(at, wait_s)
            return
        changed = pod_pb2.Pod()
        changed.CopyFrom(pod)
        set_condition(changed.status, DISRUPTION_TARGET, "False", now=time.time())
        await self._client.update_status(changed)
        log.info("%s was to go and stays: its condition %s is taken back", at, DISRUPTION_TARGET)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        if change.new is not None and stale_in_s(change.new, time.time()) is not None:
            self._loop.queue.add(change.key)
