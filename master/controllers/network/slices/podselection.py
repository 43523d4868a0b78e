"""The pods that Services select: which they are, and which Services a change of a pod is about."""

from __future__ import annotations

from collections.abc import Iterable

from master.controllers.framework.informers import Informers, labels
from master.controllers.network.slices.endpoints import relevant
from podlab.api.objects import Key, key
from podlab.api.selection import selectors
from podlab.client.informer import Change
from podlab.client.workqueue import WorkQueue
from podlab.core.v1 import pod_pb2, service_pb2


class PodSelection:
    """Adds to `queue`, after `delay_s`, the Services whose endpoints a pod's change is about.

    Make it before the informers run.
    """

    def __init__(self, informers: Informers, queue: WorkQueue[Key], *, delay_s: float = 0.0) -> None:
        self._informers = informers
        self._queue = queue
        self._delay_s = delay_s
        informers.pods.on_change(self._pod_changed)

    def pods(self, service: service_pb2.Service) -> list[pod_pb2.Pod]:
        """Those that it selects."""
        selector = selectors.from_labels(service.spec.selector)
        by_label, at = self._informers.pods_by_label, service.metadata.namespace
        wanted = [(at, name, value) for name, value in service.spec.selector.items()]
        found = by_label.get(min(wanted, key=by_label.count)) if wanted else []
        return [pod for pod in found if selector.matches(pod.metadata.labels)]

    def changed(self, pods: Iterable[pod_pb2.Pod]) -> None:
        """Something about these pods changed that shows in endpoints."""
        for pod in pods:
            for label in labels(pod):
                for service in self._informers.services_by_label.get(label):
                    if selectors.from_labels(service.spec.selector).matches(pod.metadata.labels):
                        self._queue.add_after(key(service), self._delay_s)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        old, new = change.old, change.new
        if old is not None and new is not None and relevant(old) == relevant(new):
            return
        self.changed(pod for pod in (old, new) if pod is not None)
