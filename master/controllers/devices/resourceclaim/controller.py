"""Makes ResourceClaims from pods' templates, tells pods of them, and frees claims that are used no longer.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from master.controllers.devices.resourceclaim import decide
from master.controllers.framework.informers import Index, Informers, controller_uid
from master.controllers.framework.loop import Loop
from podlab.api import kinds
from podlab.api.objects import Key, key
from podlab.api.pods import resourceclaims
from podlab.api.pods.podphase import is_terminal
from podlab.api.pods.resourceclaims import NotCreatedYet
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, NotFound
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim, ResourceClaimConsumerReference, ResourceClaimTemplate

log = logging.getLogger(__name__)

_CLAIMS = kinds.of(ResourceClaim).group_kind


class TemplateMissing(Exception):
    """A pod's claim cannot be made yet."""


class ResourceClaimController:
    """Keys are pods' and claims'."""

    name: Final = "resourceclaim"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder
        self._pods = informers.pods
        self._claims = informers.of(ResourceClaim)
        self._templates = informers.of(ResourceClaimTemplate)
        self._pods_by_claim = Index(self._pods, _claims_used)
        self._pods_by_template = Index(self._pods, _templates_used)
        self._claims_by_owner = Index(self._claims, controller_uid)
        self._made: dict[Key, ResourceClaim] = {}
        """Claims that the informer does not show yet."""
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._pods.on_change(self._pod_changed)
        self._claims.on_change(self._claim_changed)
        self._templates.on_change(self._template_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        if at.group_kind == _CLAIMS:
            claim = self._claims.store.get(at)
            if claim is not None:
                await self._free(at, claim)
        elif (pod := self._pods.store.get(at)) is not None and _needs_claims(pod):
            await self._supply(at, pod)

    async def _supply(self, at: Key, pod: pod_pb2.Pod) -> None:
        """The pod gets the claims that it has not, and is told of them in one write."""
        made: dict[str, str] = {}
        for wanted in pod.spec.resourceClaims:
            try:
                if (claim := await self._made_for(pod, wanted)) is not None:
                    made[wanted.name] = claim.metadata.name
            except (TemplateMissing, ApiError) as error:
                why = f"PodResourceClaim {wanted.name}: {error}"
                self._recorder.event(pod, "Warning", "FailedResourceClaimCreation", why)
                if isinstance(error, TemplateMissing):  # whose creation brings the pod back
                    return
                raise
        if made:
            statuses = [{"name": name, "resourceClaimName": claim} for name, claim in made.items()]
            patch = {"metadata": {"uid": pod.metadata.uid}, "status": {"resourceClaimStatuses": statuses}}
            await self._client.patch(pod_pb2.Pod, at.name, at.namespace, patch=patch, subresource="status")
        if pod.spec.nodeName:
            await self._reserve(pod)

    async def _made_for(self, pod: pod_pb2.Pod, wanted: pod_pb2.PodResourceClaim) -> ResourceClaim | None:
        """The claim that the pod is to be told of; None when it has it, or needs none. One that was made before the pod
        could be told of it is taken rather than a second one."""
        if not wanted.HasField("resourceClaimTemplateName") or self._has(pod, wanted):
            return None
        owned = (*self._claims_by_owner.get(pod.metadata.uid), *self._made.values())
        found = next((claim for claim in owned if decide.is_for(claim, pod, wanted.name)), None)
        if found is not None:
            return found
        name = wanted.resourceClaimTemplateName
        template = self._templates.get(name, pod.metadata.namespace)
        if template is None:
            missing = NotFound.of("resourceclaimtemplate.resource.k8s.io", name)
            raise TemplateMissing(f'resource claim template "{name}": {missing}')
        claim = await self._client.create(decide.claim_for(pod, wanted.name, template))
        if key(claim) not in self._claims.store:
            self._made[key(claim)] = claim
        log.info("%s: ResourceClaim %s made for its claim %s", key(pod), claim.metadata.name, wanted.name)
        return claim

    def _has(self, pod: pod_pb2.Pod, wanted: pod_pb2.PodResourceClaim) -> bool:
        """Whether the pod knows its claim, and that is there and its own; or needs none."""
        try:
            named = resourceclaims.named(pod, wanted)
        except NotCreatedYet:
            return False
        if named is None:
            return True
        at = Key(_CLAIMS, pod.metadata.namespace, named.name)
        claim = self._claims.store.get(at) or self._made.get(at)
        return claim is not None and not resourceclaims.why_foreign(pod, claim)

    async def _reserve(self, pod: pod_pb2.Pod) -> None:
        for named in resourceclaims.known(pod):
            claim = self._claims.get(named.name, pod.metadata.namespace)
            if claim is None or (named.own and resourceclaims.why_foreign(pod, claim)):
                continue
            if (reserved := decide.to_reserve(pod, claim)) is not None:
                await self._client.update_status(reserved)
                log.info("%s: reserved for pod %s", key(claim), pod.metadata.name)

    async def _free(self, at: Key, claim: ResourceClaim) -> None:
        """What is decided of a claim that has changed since is refused, and decided again."""
        using = [one for one in claim.status.reservedFor if resourceclaims.is_pod(one)]
        used = {one.uid for one in using if await self._is_used_by(one, at.namespace)}
        owner = self._pods.get(decide.owning_pod(claim), at.namespace)
        plan = decide.plan(claim, lambda one: one.uid in used, owner)
        if plan.status is not None:
            claim = await self._client.update_status(plan.status)
            freed = "" if claim.status.HasField("allocation") else ", and its devices are free"
            log.info("%s: %d of %d consumers are left%s", at, len(claim.status.reservedFor), len(using), freed)
        if plan.release:
            await self._client.update(decide.released(claim))
        if plan.delete:
            await self._client.delete(ResourceClaim, at.name, at.namespace, uid=claim.metadata.uid)
            log.info("%s: deleted, as its pod has ended", at)

    async def _is_used_by(self, consumer: ResourceClaimConsumerReference, namespace: str) -> bool:
        """The informer may not know yet a pod that is about to be bound: where it shows none, the API server says."""
        pod = self._pods.get(consumer.name, namespace)
        if pod is None:
            try:
                pod = await self._client.get(pod_pb2.Pod, consumer.name, namespace)
            except NotFound:
                return False
        return pod.metadata.uid == consumer.uid and not decide.is_done(pod)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        """A pod that is gone or has ended leaves its claims."""
        pod = change.new or change.old
        if pod is None or not (pod.spec.resourceClaims or pod.status.HasField("extendedResourceClaimStatus")):
            return
        if change.new is None or decide.is_done(pod):
            for named in resourceclaims.known(pod):
                self._loop.queue.add(Key(_CLAIMS, pod.metadata.namespace, named.name))
        if change.new is not None and _needs_claims(pod):
            self._loop.queue.add(change.key)

    def _claim_changed(self, change: Change[ResourceClaim]) -> None:
        self._made.pop(change.key, None)
        if change.new is not None:
            self._loop.queue.add(change.key)
        for pod in self._pods_by_claim.get((change.key.namespace, change.key.name)):
            if _needs_claims(pod):
                self._loop.queue.add(key(pod))

    def _template_changed(self, change: Change[ResourceClaimTemplate]) -> None:
        """One that is made is what pods have waited for."""
        if change.old is None:
            for pod in self._pods_by_template.get((change.key.namespace, change.key.name)):
                self._loop.queue.add(key(pod))


def _needs_claims(pod: pod_pb2.Pod) -> bool:
    return bool(pod.spec.resourceClaims) and not pod.metadata.HasField("deletionTimestamp") and not is_terminal(pod)


def _claims_used(pod: pod_pb2.Pod) -> Iterator[tuple[str, str]]:
    return ((pod.metadata.namespace, named.name) for named in resourceclaims.known(pod))


def _templates_used(pod: pod_pb2.Pod) -> Iterator[tuple[str, str]]:
    for claim in pod.spec.resourceClaims:
        if claim.HasField("resourceClaimTemplateName"):
            yield pod.metadata.namespace, claim.resourceClaimTemplateName
