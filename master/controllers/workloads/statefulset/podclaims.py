"""Makes the claims of a StatefulSet's pods, and writes who they go with."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from master.controllers.framework.informers import Informers
from master.controllers.workloads.statefulset.identity import claim_names, claims_for
from master.controllers.workloads.statefulset.retention import is_stale, retained
from podlab.api.objects import key
from podlab.apps.v1 import statefulset_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Informer
from podlab.core.v1 import pod_pb2, volume_pb2
from podlab.errors import AlreadyExists, ApiError

log = logging.getLogger(__name__)


class PodClaims:
    """The claims of all StatefulSets."""

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder
        self._claims: Informer[volume_pb2.PersistentVolumeClaim] = informers.of(volume_pb2.PersistentVolumeClaim)

    def blocked(self, stateful_set: statefulset_pb2.StatefulSet, pod: str) -> bool:
        """Whether the pod has to wait: a claim of its name is about to go with the pod that was there before."""
        return any(is_stale(pod, "", claim) for claim in self._known(stateful_set, pod))

    async def make(self, stateful_set: statefulset_pb2.StatefulSet, pod: str) -> None:
        """Creates those claims of the pod that are missing. Raises ApiError when one cannot be."""
        known = {claim.metadata.name for claim in self._known(stateful_set, pod)}
        for wanted in claims_for(stateful_set, pod):
            name = wanted.metadata.name
            if name in known:
                continue
            about = f"Claim {name} Pod {pod} in StatefulSet {stateful_set.metadata.name}"
            try:
                await self._client.create(wanted)
            except AlreadyExists:  # made before, and not seen yet
                continue
            except ApiError as error:
                failed = f"create {about} failed error: {error}"
                self._recorder.event(stateful_set, "Warning", "FailedCreate", failed)
                raise
            log.info("%s created claim %s", key(stateful_set), name)
            self._recorder.event(stateful_set, "Normal", "SuccessfulCreate", f"create {about} success")

    async def retain(self, stateful_set: statefulset_pb2.StatefulSet, pods: Iterable[pod_pb2.Pod]) -> None:
        """Gives the claims the owners that the retention policy asks for. Raises Conflict on a stale view."""
        for pod in pods:
            for claim in self._known(stateful_set, pod.metadata.name):
                wanted = retained(stateful_set, pod, claim)
                if wanted is not None:
                    await self._client.update(wanted)
                    log.info("%s changed the owners of claim %s", key(stateful_set), claim.metadata.name)

    def _known(self, stateful_set: statefulset_pb2.StatefulSet, pod: str) -> list[volume_pb2.PersistentVolumeClaim]:
        names = claim_names(stateful_set, pod).values()
        found = (self._claims.get(name, stateful_set.metadata.namespace) for name in names)
        return [claim for claim in found if claim is not None]
