"""Empties namespaces that are being deleted, and lets them go once nothing is left in them.

https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from podlab.api.kinds import GroupKind, Kind
from podlab.api.objects import Key, condition, metadata
from podlab.client.client import Client, Deletion
from podlab.client.informer import Change
from podlab.core.v1 import namespace_pb2
from podlab.errors import ApiError
from podlab.kinds.catalog import Catalog
from podlab.kinds.strategies.namespaces import FINALIZER
from podlab.meta.v1 import meta_pb2
from podlab.v1.apiserver_pb2 import DeleteAggregatedContentResponse

log = logging.getLogger(__name__)

# Pods first and alone, for they may need all else until they have ended (KEP-5080, ordered namespace deletion); nothing
# makes them again. Then those that make others; Events tell of it to the last.
FIRST, LAST = GroupKind("", "Pod"), GroupKind("", "Event")
ORDER = (
    FIRST,
    GroupKind("apps", "Deployment"),
    GroupKind("apps", "ReplicaSet"),
    GroupKind("", "Service"),
    GroupKind("discovery.k8s.io", "EndpointSlice"),
)


# What other API servers hold is looked at so often while there is some, or while they cannot be asked.
ELSEWHERE_EVERY_S = 5.0


def is_being_deleted(namespace: namespace_pb2.Namespace) -> bool:
    """True while there is something for this controller to do."""
    return namespace.metadata.HasField("deletionTimestamp") and FINALIZER in namespace.spec.finalizers


def deletion_order(catalog: Catalog, elsewhere: Collection[GroupKind] = ()) -> list[Kind]:
    """All kinds that live in namespaces, in the order in which they are emptied; not those of other API servers, of
    which the API server sees to it."""
    rank = {kind: position for position, kind in enumerate(ORDER)}
    rank[LAST] = len(ORDER) + 1
    namespaced = (kind for kind in catalog.stored if kind.namespaced and kind.group_kind not in elsewhere)
    return sorted(namespaced, key=lambda kind: rank.get(kind.group_kind, len(ORDER)))


@dataclass(frozen=True)
class _Check:
    """A condition of the namespace: True while something is `remaining`. Each state has its reason and message."""

    type: str
    remaining: Sequence[str]
    if_some: tuple[str, str]
    if_none: tuple[str, str]


def conditions(
    old: Sequence[namespace_pb2.NamespaceCondition],
    left: Mapping[str, Sequence[Message]],
    failures: Sequence[str],
    now: float,
    elsewhere: DeleteAggregatedContentResponse | None = None,
) -> list[namespace_pb2.NamespaceCondition]:
    """What keeps the namespace: `left` are the objects still there, by resource; `failures` says what went wrong;
    `elsewhere` is what other API servers hold, once they have been asked."""
    checks = _checks(left, failures, elsewhere or DeleteAggregatedContentResponse())
    result = [kept for kept in old if kept.type not in {check.type for check in checks}]
    for check in checks:
        reason, message = check.if_some if check.remaining else check.if_none
        status = "True" if check.remaining else "False"
        known = condition(old, check.type)
        since = meta_pb2.Time(seconds=int(now))
        if known is not None and known.status == status:
            since = known.lastTransitionTime
        result.append(
            namespace_pb2.NamespaceCondition(
                type=check.type, status=status, reason=reason, message=message, lastTransitionTime=since
            )
        )
    return result


def _checks(
    left: Mapping[str, Sequence[Message]], failures: Sequence[str], elsewhere: DeleteAggregatedContentResponse
) -> tuple[_Check, ...]:
    failures = [*failures, *elsewhere.failures]
    counted = Counter(name for objects in left.values() for obj in objects for name in metadata(obj).finalizers)
    resources = [f"{resource} has {len(objects)} resource instances" for resource, objects in left.items() if objects]
    for one in elsewhere.left:
        counted.update(one.finalizers)
        resources.append(f"{one.resource} has {one.count} resource instances")
    finalizers = [f"{name} in {count} resource instances" for name, count in sorted(counted.items())]
    failed = "Failed to delete all resource types: " + ", ".join(failures)
    some_finalizers = "Some content in the namespace has finalizers remaining: " + ", ".join(finalizers)
    return (
        _Check(
            "NamespaceDeletionDiscoveryFailure",
            elsewhere.undiscovered,
            if_some=("DiscoveryFailed", _undiscovered(elsewhere.undiscovered)),
            if_none=("ResourcesDiscovered", "All resources successfully discovered"),
        ),
        _Check(
            "NamespaceDeletionContentFailure",
            failures,
            if_some=("ContentDeletionFailed", failed),
            if_none=("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ),
        _Check(
            "NamespaceContentRemaining",
            resources,
            if_some=("SomeResourcesRemain", "Some resources are remaining: " + ", ".join(resources)),
            if_none=("ContentRemoved", "All content successfully removed"),
        ),
        _Check(
            "NamespaceFinalizersRemaining",
            finalizers,
            if_some=("SomeFinalizersRemain", some_finalizers),
            if_none=("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    )


def _undiscovered(group_versions: Sequence[str]) -> str:
    stale = ", ".join(f"{one}: stale GroupVersion discovery: {one}" for one in group_versions)
    failing = f"Discovery failed for some groups, {len(group_versions)} failing"
    return f"{failing}: unable to retrieve the complete list of server APIs: {stale}"


class NamespaceController:
    """Keys are namespaces'."""

    name: Final = "namespace"

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._namespaces = informers.namespaces
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.namespaces.on_change(lambda change: self._loop.queue.add(change.key))
        self._catalog = informers.catalog
        self._elsewhere = informers.elsewhere
        informers.on_any_change(self._content_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        namespace = self._namespaces.store.get(at)
        if namespace is None or not is_being_deleted(namespace):
            return
        left: dict[str, list[Message]] = {}
        errors: list[ApiError] = []
        for kind in deletion_order(self._catalog.catalog, self._elsewhere.kinds):
            try:
                left[kind.resource] = await self._empty(kind, at.name)
            except ApiError as error:
                errors.append(error)
            if kind.group_kind == FIRST and (errors or left[kind.resource]):
                elsewhere = DeleteAggregatedContentResponse()
                break
        else:
            elsewhere = await self._client.delete_aggregated_content(at.name)
        if errors or any(left.values()) or elsewhere.ByteSize():
            await self._write_status(namespace, left, errors, elsewhere)
            if errors:
                raise errors[0]
            if elsewhere.ByteSize():  # nobody tells when something changes there
                self._loop.queue.add_after(at, ELSEWHERE_EVERY_S)
            return
        changed = namespace_pb2.Namespace()
        changed.CopyFrom(namespace)
        changed.spec.finalizers.remove(FINALIZER)
        await self._client.update(changed)
        log.info("%s is empty and may go", at)

    async def _empty(self, kind: Kind, namespace: str) -> list[Message]:
        """What is still there afterwards: objects that wait for their node or for a finalizer."""
        deleted: Sequence[Deletion[Message]] = await self._client.delete_collection(kind, namespace)
        return [one.object for one in deleted if not one.removed]

    async def _write_status(
        self,
        namespace: namespace_pb2.Namespace,
        left: Mapping[str, Sequence[Message]],
        errors: Sequence[ApiError],
        elsewhere: DeleteAggregatedContentResponse,
    ) -> None:
        told = [str(error) for error in errors]
        wanted = conditions(namespace.status.conditions, left, told, time.time(), elsewhere)
        if wanted == list(namespace.status.conditions):
            return
        changed = namespace_pb2.Namespace()
        changed.CopyFrom(namespace)
        changed.status.ClearField("conditions")
        changed.status.conditions.extend(wanted)
        await self._client.update_status(changed)

    def _content_changed(self, change: Change[Message]) -> None:
        """What is gone may have been the last; what came while it was being emptied has to go too."""
        if not change.key.namespace or (change.old is not None and change.new is not None):
            return
        namespace = self._namespaces.get(change.key.namespace)
        if namespace is not None and is_being_deleted(namespace):
            self._loop.queue.add(Key(GroupKind("", "Namespace"), "", change.key.namespace))
