"""Pods as those controllers handle them that make pods: whose they are, and making and deleting each but once.

A controller gives its pods their names, so that a lost answer can be asked for (`expectations.py`). It asks `settled`,
then for `pods_of`, in that order: what was seen when it asked is in the list. It creates and deletes only when settled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from master.controllers.framework import remembered
from master.controllers.framework.adoption import adopt_and_release
from master.controllers.framework.expectations import Expectations
from master.controllers.framework.informers import Index, Informers
from master.controllers.objects.ownership import claim
from master.controllers.objects.podstate import is_being_deleted
from podlab.api import kinds
from podlab.api.objects import Key, controller_of, key, owner_kind
from podlab.api.selection import selectors
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.client.workqueue import WorkQueue
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, BadRequest, Conflict, Forbidden, Invalid, NotFound
from podlab.meta.v1 import meta_pb2

M = TypeVar("M", bound=Message)
log = logging.getLogger(__name__)

# How long an outstanding write may take to show before the API server itself is asked about it.
CONFIRM_AFTER_S = 5.0
# Looking at an owner costs about a fifth of this for each of its pods. Their changes come in crowds: one look for all.
REST_PER_POD_S = 100e-6
# Answers after which it is certain that nothing was created.
REFUSALS = (Invalid, Forbidden, BadRequest, NotFound, Conflict)


@dataclass(frozen=True)
class PodEventMessages:
    """The messages of Events, with `{owner}`, `{pod}` and `{error}`; their reasons are the same for all controllers."""

    created: str = "Created pod: {pod}"
    create_failed: str = "Error creating: {error}"
    deleted: str = "Deleted pod: {pod}"
    delete_failed: str = "Error deleting: {error}"


class PodControl(Generic[M]):
    """The pods of all owners of one kind. Adds an owner's key to `queue` when it or one of its pods changes.

    Make it before the informers run: it subscribes to the kind's and to the pods'.
    """

    def __init__(
        self,
        kind: type[M],
        client: Client,
        informers: Informers,
        recorder: EventRecorder,
        queue: WorkQueue[Key],
        *,
        words: PodEventMessages = PodEventMessages(),
        is_member: Callable[[M, pod_pb2.Pod], bool] = lambda owner, pod: True,
        finalizers: Sequence[str] = (),
    ) -> None:
        """`is_member` tells whether a pod can be the owner's for other reasons than its labels.

        Pods that are adopted get the `finalizers`; those that are made have them from their maker.
        """
        self._kind = kinds.of(kind).group_kind
        self._owners: Informer[M] = informers.of(kind)
        self._owners_by_namespace: Index[M] = Index(self._owners, lambda owner: (_metadata(owner).namespace,))
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._queue = queue
        self._words = words
        self._is_member = is_member
        self._finalizers = finalizers
        self._expectations = Expectations()
        self._owners.on_change(self._owner_changed)
        informers.pods.on_change(self._pod_changed)

    async def pods_of(self, owner: M) -> list[pod_pb2.Pod]:
        """Its pods, once those are adopted that it should have and released that it should not. Raises Conflict."""
        metadata, selector = _metadata(owner), selectors.of_pods(owner.spec.selector)  # type: ignore[attr-defined]
        candidates = [
            *self._informers.pods_by_controller.get(metadata.uid),
            *(pod for pod in self._informers.orphan_pods.get(metadata.namespace) if self._is_member(owner, pod)),
        ]
        return await adopt_and_release(self._client, owner, claim(metadata, selector, candidates), self._finalizers)

    async def settled(self, owner: M) -> bool:
        """True when the informer shows all of our writes. What it may never show is asked of the API server.

        The owner comes back to the queue when it is false.
        """
        uid, namespace = _metadata(owner).uid, _metadata(owner).namespace
        outstanding = self._expectations.outstanding(uid)
        if not outstanding:
            return True
        if not self._expectations.overdue(uid, CONFIRM_AFTER_S):
            self._queue.add_after(key(owner), CONFIRM_AFTER_S)
            return False
        for name in outstanding.created:
            found = await self._find(name, namespace)
            if found is None or not _is_controlled(found, uid):
                self._expectations.seen_created(uid, name)
        for name, pod_uid in outstanding.deleted.items():
            found = await self._find(name, namespace)
            if found is None or found.metadata.uid != pod_uid or not is_being_deleted(found):
                self._expectations.seen_deleted(uid, name)
        if self._expectations.outstanding(uid):
            self._queue.add_after(key(owner), CONFIRM_AFTER_S)
            return False
        return True

    async def create(self, owner: M, pods: Iterable[pod_pb2.Pod]) -> None:
        """Creates them, in batches that double: a template that is always refused costs one call and not hundreds.

        Creates nothing in a namespace that goes, where nothing can be. Raises the first error of a batch.
        """
        waiting = [] if self._namespace_goes(owner) else list(pods)
        size = 1
        while waiting:
            batch, waiting = waiting[:size], waiting[size:]
            self._expectations.expect_created(_metadata(owner).uid, (pod.metadata.name for pod in batch))
            await _all(self._create_one(owner, pod) for pod in batch)
            size *= 2

    async def delete(self, owner: M, pods: Iterable[pod_pb2.Pod]) -> None:
        """Deletes them at once; what is gone already is deleted. Raises the first error."""
        await _all(self._delete_one(owner, pod) for pod in pods)

    async def _create_one(self, owner: M, pod: pod_pb2.Pod) -> ApiError | None:
        uid, name, spans = _metadata(owner).uid, pod.metadata.name, self._informers.spans
        began_s = spans.now()
        try:
            made = await self._client.create(pod)
        except ApiError as error:
            if isinstance(error, REFUSALS):
                self._expectations.seen_created(uid, name)
            else:
                self._expectations.doubt(uid)
            self._record_event(owner, "Warning", "FailedCreate", self._words.create_failed, name, error)
            return error
        remembered.created(spans, made, owner, began_s)
        log.info("%s created pod %s", key(owner), name)
        self._record_event(owner, "Normal", "SuccessfulCreate", self._words.created, name)
        return None

    async def _delete_one(self, owner: M, pod: pod_pb2.Pod) -> ApiError | None:
        uid, name = _metadata(owner).uid, pod.metadata.name
        self._expectations.expect_deleted(uid, name, pod.metadata.uid)
        try:
            await self._client.delete(pod_pb2.Pod, name, pod.metadata.namespace, uid=pod.metadata.uid)
        except (NotFound, Conflict):  # gone already
            self._expectations.seen_deleted(uid, name)
            return None
        except ApiError as error:
            self._expectations.doubt(uid)
            self._record_event(owner, "Warning", "FailedDelete", self._words.delete_failed, name, error)
            return error
        log.info("%s deleted pod %s", key(owner), name)
        self._record_event(owner, "Normal", "SuccessfulDelete", self._words.deleted, name)
        return None

    def _record_event(
        self, owner: M, event_type: str, reason: str, words: str, pod: str, error: ApiError | None = None
    ) -> None:
        message = words.format(owner=_metadata(owner).name, pod=pod, error=error)
        self._recorder.event(owner, event_type, reason, message)

    def _namespace_goes(self, owner: M) -> bool:
        namespace = self._informers.namespaces.get(_metadata(owner).namespace)
        return namespace is None or namespace.metadata.HasField("deletionTimestamp")

    async def _find(self, name: str, namespace: str) -> pod_pb2.Pod | None:
        try:
            return await self._client.get(pod_pb2.Pod, name, namespace)
        except NotFound:
            return None

    def _owner_changed(self, change: Change[M]) -> None:
        old, new = change.old, change.new
        if old is not None and (new is None or _metadata(new).uid != _metadata(old).uid):
            self._expectations.forget(_metadata(old).uid)
        remembered.owner_changed(self._informers.spans, change)
        self._queue.add(change.key)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        for pod in (change.old, change.new):
            if pod is not None:
                self._enqueue_owner(pod)
        if change.new is not None:
            self._seen(change.new, present=True)
        elif change.old is not None:
            self._seen(change.old, present=False)

    def _seen(self, pod: pod_pb2.Pod, *, present: bool) -> None:
        controller = controller_of(pod.metadata)
        if controller is None or owner_kind(controller) != self._kind:
            return
        self._expectations.seen_created(controller.uid, pod.metadata.name)
        if not present or is_being_deleted(pod):
            self._expectations.seen_deleted(controller.uid, pod.metadata.name)

    def _enqueue_owner(self, pod: pod_pb2.Pod) -> None:
        controller = controller_of(pod.metadata)
        namespace = pod.metadata.namespace
        if controller is not None:
            if owner_kind(controller) == self._kind:
                rest_s = REST_PER_POD_S * self._informers.pods_by_controller.count(controller.uid)
                self._queue.add_after(Key(self._kind, namespace, controller.name), rest_s)
            return
        for owner in self._owners_by_namespace.get(namespace):
            if selectors.of_pods(owner.spec.selector).matches(pod.metadata.labels):  # type: ignore[attr-defined]
                self._queue.add(key(owner))


async def _all(writes: Iterable[Awaitable[ApiError | None]]) -> None:
    outcomes: Sequence[ApiError | None] = await asyncio.gather(*writes)
    error = next((outcome for outcome in outcomes if outcome is not None), None)
    if error is not None:
        raise error


def _is_controlled(pod: pod_pb2.Pod, uid: str) -> bool:
    """A name that a controller gives may be taken by somebody else's pod."""
    controller = controller_of(pod.metadata)
    return controller is not None and controller.uid == uid


def _metadata(owner: Message) -> meta_pb2.ObjectMeta:
    return owner.metadata  # type: ignore[attr-defined, no-any-return]
