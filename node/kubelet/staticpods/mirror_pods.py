"""Mirror pods: what the API server is shown of static pods, under their names.

https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-mirror
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from node.kubelet.staticpods.source import StaticPods
from podlab.api.objects import Key, key
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.client.client import Client
from podlab.client.informer import Informer
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

RETRY_S = 3.0


@dataclass(frozen=True)
class Create:
    """The static pod is not shown yet."""

    pod: pod_pb2.Pod


@dataclass(frozen=True)
class Delete:
    """It stands for nothing, for another pod than now runs, or somebody deletes it: it is made anew."""

    mirror: pod_pb2.Pod


def is_mirror(pod: pod_pb2.Pod) -> bool:
    """Whether a pod of the API stands for one that its node runs from a file."""
    return MIRROR_ANNOTATION in pod.metadata.annotations


def stands_for(mirror: pod_pb2.Pod | None, static: pod_pb2.Pod) -> bool:
    """Whether this is what the API is shown of the static pod."""
    return mirror is not None and mirror.metadata.annotations.get(MIRROR_ANNOTATION) == static.metadata.uid


def mirror_of(static: pod_pb2.Pod, node: node_pb2.Node) -> pod_pb2.Pod:
    """What the API server is given: the node owns it."""
    mirror = pod_pb2.Pod(metadata=static.metadata, spec=static.spec)
    metadata = mirror.metadata
    metadata.annotations[MIRROR_ANNOTATION] = static.metadata.uid
    for field in ("uid", "resourceVersion", "generation", "creationTimestamp", "ownerReferences"):
        metadata.ClearField(field)
    metadata.ownerReferences.add(
        apiVersion="v1", kind="Node", name=node.metadata.name, uid=node.metadata.uid, controller=True
    )
    return mirror


def decide(statics: Iterable[pod_pb2.Pod], of_api: Iterable[pod_pb2.Pod]) -> Iterator[Create | Delete]:
    """What is to be done that each static pod has its mirror. One that ends keeps its own until it has ended. A pod of
    somebody else that has its name stays."""
    wanted = {key(pod): pod for pod in statics}
    present = {key(pod): pod for pod in of_api}
    for place, mirror in present.items():
        if is_mirror(mirror) and _is_outdated(mirror, wanted.get(place)):
            yield Delete(mirror)
    for place, pod in wanted.items():
        if place not in present and not pod.metadata.HasField("deletionTimestamp"):
            yield Create(pod)


def _is_outdated(mirror: pod_pb2.Pod, static: pod_pb2.Pod | None) -> bool:
    return static is None or not stands_for(mirror, static) or mirror.metadata.HasField("deletionTimestamp")


class MirrorPods:
    """`run` for ever: level-triggered, woken by changes of files and API."""

    def __init__(
        self,
        client: Client,
        static_pods: StaticPods,
        bound: Informer[pod_pb2.Pod],
        node: Callable[[], node_pb2.Node | None],
        retry_s: float = RETRY_S,
    ) -> None:
        self._client = client
        self._static_pods = static_pods
        self._bound = bound
        self._node = node
        self._retry_s = retry_s
        self._changed = asyncio.Event()
        self._failing: dict[Key, str] = {}
        static_pods.on_change(lambda _before, _now: self._changed.set())
        bound.on_change(lambda change: self._look_at(change.old, change.new))

    async def run(self) -> None:
        """Until cancelled. Mirrors are judged once both files and API are known."""
        await self._static_pods.listed.wait()
        await self._bound.synced.wait()
        while True:
            self._changed.clear()
            done = await self.sync()
            try:
                async with asyncio.timeout(None if done else self._retry_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def sync(self) -> bool:
        """Whether all is as it is to be."""
        done = True
        for action in list(decide(self._static_pods.list(), self._bound.list())):
            done &= await self._try(action)
        return done

    def _look_at(self, old: pod_pb2.Pod | None, new: pod_pb2.Pod | None) -> None:
        """Names of static pods may become free, too."""
        pod = new or old
        if pod is not None and (is_mirror(pod) or self._static_pods.at(key(pod)) is not None):
            self._changed.set()

    async def _try(self, action: Create | Delete) -> bool:
        pod = action.pod if isinstance(action, Create) else action.mirror
        place = key(pod)
        try:
            await self._do(action)
        except (NotFound, Conflict, AlreadyExists) as error:
            if not (isinstance(action, Delete) or isinstance(error, AlreadyExists)):
                self._failed(place, error)
                return False
            log.debug("mirror pod %s: %s", place, error)  # gone already or there already, which the watch will tell
        except ApiError as error:
            self._failed(place, error)
            return False
        self._failing.pop(place, None)
        return True

    def _failed(self, place: Key, error: ApiError) -> None:
        """The pod runs all the same."""
        if self._failing.get(place) != str(error):
            log.warning("mirror pod %s/%s: %s; will be tried again", place.namespace, place.name, error)
        self._failing[place] = str(error)

    async def _do(self, action: Create | Delete) -> None:
        if isinstance(action, Delete):
            metadata = action.mirror.metadata
            await self._client.delete(
                pod_pb2.Pod, metadata.name, metadata.namespace, grace_period_s=0, uid=metadata.uid
            )
            return
        node = self._node()
        if node is None:
            raise NotFound.of("nodes", action.pod.spec.nodeName)
        await self._client.create(mirror_of(action.pod, node))
