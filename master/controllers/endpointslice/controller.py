"""The EndpointSlice controller: follows pods and Services, and writes slices as soon as a pod's readiness changes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from master.controllers.endpointslice.decide import Plan, decide, is_ours
from master.controllers.endpointslice.endpoints import is_managed, relevant, wanted
from master.controllers.expectations import Expectations
from master.controllers.informers import Informers
from master.controllers.loop import Loop
from podlab.api import selectors
from podlab.api.labels import SERVICE_NAME_LABEL
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2, service_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import ApiError, NotFound

log = logging.getLogger(__name__)

# How long a slice that was made may take to show before the API server itself is asked about it.
CONFIRM_AFTER_S = 5.0


class EndpointSliceController:
    """Keys are Services'."""

    name: Final = "endpointslice"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._informers = informers
        self._expectations = Expectations()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.services.on_change(self._service_changed)
        informers.pods.on_change(self._pod_changed)
        informers.slices.on_change(self._slice_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        service = self._informers.services.store.get(at)
        if service is None or not is_managed(service) or not await self._all_seen(service):
            return
        selector = selectors.from_labels(service.spec.selector)
        pods = [
            pod for pod in self._informers.pods_by_namespace.get(at.namespace) if selector.matches(pod.metadata.labels)
        ]
        present = self._informers.slices_by_service.get((at.namespace, at.name))
        await self._carry_out(service, decide(service, wanted(service, pods), filter(is_ours, present)))

    async def _carry_out(self, service: service_pb2.Service, plan: Plan) -> None:
        for changed in plan.update:
            await self._client.update(changed)
            log.info("%s: %s has %d endpoints", key(service), key(changed), len(changed.endpoints))
        for fresh in plan.create:
            await self._create(service, fresh)
        for spare in plan.delete:
            metadata = spare.metadata
            try:
                await self._client.delete(type(spare), metadata.name, metadata.namespace, uid=metadata.uid)
            except NotFound:
                continue
            log.info("%s: %s is no longer needed", key(service), key(spare))

    async def _create(self, service: service_pb2.Service, fresh: endpointslice_pb2.EndpointSlice) -> None:
        uid = service.metadata.uid
        self._expectations.expect_created(uid, (fresh.metadata.name,))
        try:
            await self._client.create(fresh)
        except ApiError:
            self._expectations.doubt(uid)
            raise
        log.info("%s: %s made with %d endpoints", key(service), key(fresh), len(fresh.endpoints))

    async def _all_seen(self, service: service_pb2.Service) -> bool:
        """True when the informer shows every slice that we made."""
        uid = service.metadata.uid
        if not self._expectations.overdue(uid, CONFIRM_AFTER_S):
            waiting = bool(self._expectations.outstanding(uid))
            if waiting:
                self._loop.queue.add_after(key(service), CONFIRM_AFTER_S)
            return not waiting
        for name in self._expectations.outstanding(uid).created:
            try:
                await self._client.get(endpointslice_pb2.EndpointSlice, name, service.metadata.namespace)
            except NotFound:
                self._expectations.seen_created(uid, name)
        if not self._expectations.outstanding(uid):
            return True
        self._loop.queue.add_after(key(service), CONFIRM_AFTER_S)
        return False

    def _service_changed(self, change: Change[service_pb2.Service]) -> None:
        if change.old is not None and (change.new is None or change.new.metadata.uid != change.old.metadata.uid):
            self._expectations.forget(change.old.metadata.uid)
        self._loop.queue.add(change.key)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        old, new = change.old, change.new
        if old is not None and new is not None and relevant(old) == relevant(new):
            return
        self._enqueue_selecting([pod for pod in (old, new) if pod is not None], change.key.namespace)

    def _enqueue_selecting(self, pods: Iterable[pod_pb2.Pod], namespace: str) -> None:
        pods = list(pods)
        for service in self._informers.services_by_namespace.get(namespace):
            selector = selectors.from_labels(service.spec.selector)
            if not selector.is_empty and any(selector.matches(pod.metadata.labels) for pod in pods):
                self._loop.queue.add(key(service))

    def _slice_changed(self, change: Change[endpointslice_pb2.EndpointSlice]) -> None:
        for endpoints in (change.old, change.new):
            if endpoints is None or not is_ours(endpoints):
                continue
            for owner in endpoints.metadata.ownerReferences:
                self._expectations.seen_created(owner.uid, endpoints.metadata.name)
            service = endpoints.metadata.labels.get(SERVICE_NAME_LABEL, "")
            self._loop.queue.add(Key("Service", change.key.namespace, service))
