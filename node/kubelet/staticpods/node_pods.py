"""All pods that the node is to run: those that the API server has bound to it, and its static ones."""

from __future__ import annotations

from collections.abc import Callable

from node.kubelet.staticpods.mirror_pods import is_mirror, stands_for
from node.kubelet.staticpods.source import StaticPods
from podlab.api.objects import Key, key
from podlab.client.informer import Change, Informer
from podlab.core.v1 import pod_pb2

Follower = Callable[[pod_pb2.Pod | None, pod_pb2.Pod | None], None]


class NodePods:
    """Mirror pods are not among them: a static pod has its mirror's status, as others have theirs of the API's copy."""

    def __init__(self, bound: Informer[pod_pb2.Pod], static_pods: StaticPods) -> None:
        self._bound = bound
        self._static = static_pods
        self._keys: dict[str, Key] = {}
        self._followers: list[Follower] = []
        self._views: dict[str, tuple[pod_pb2.Pod, pod_pb2.Pod, pod_pb2.Pod]] = {}
        """By uid: a static pod, its mirror, and what becomes of both."""
        bound.on_change(self._bound_changed)
        static_pods.on_change(self._static_changed)

    @property
    def are_known(self) -> bool:
        """Whether a pod that is not among them is not wanted here."""
        return self._bound.synced.is_set() and self._static.listed.is_set()

    def on_change(self, follower: Follower) -> None:
        """Calls `follower` with a pod as it was, and as it is; None where it is not there."""
        self._followers.append(follower)

    def list(self) -> list[pod_pb2.Pod]:
        """All of them."""
        return [pod for pod in self._bound.list() if not is_mirror(pod)] + [
            self._view(pod) for pod in self._static.list()
        ]

    def is_static(self, uid: str) -> bool:
        """Whether a file describes it."""
        return self._static.of_uid(uid) is not None

    def of_uid(self, uid: str) -> pod_pb2.Pod | None:
        """None when nobody wants it."""
        static = self._static.of_uid(uid)
        if static is not None:
            return self._view(static)
        pod = self._bound.store.get(self._keys[uid]) if uid in self._keys else None
        return pod if pod is not None and pod.metadata.uid == uid else None

    def named(self, namespace: str, name: str) -> pod_pb2.Pod | None:
        """The pod that the API has under this name."""
        pod = self._bound.get(name, namespace)
        static = self._static.at(Key.of(pod_pb2.Pod, namespace, name))
        return self._view(static) if static is not None and (pod is None or is_mirror(pod)) else pod

    def uid_in_api(self, uid: str) -> str:
        """That of the mirror, for static pods: empty while they have none."""
        static = self._static.of_uid(uid)
        if static is None:
            return uid
        mirror = self._mirror(static)
        return mirror.metadata.uid if mirror is not None else ""

    def finished(self, uid: str) -> None:
        """Nothing is left of a static pod that was to end."""
        self._views.pop(uid, None)
        self._static.finished(uid)

    def _mirror(self, static: pod_pb2.Pod) -> pod_pb2.Pod | None:
        mirror = self._bound.store.get(key(static))
        return mirror if stands_for(mirror, static) else None

    def _view(self, static: pod_pb2.Pod) -> pod_pb2.Pod:
        mirror = self._mirror(static)
        if mirror is None:
            return static
        known = self._views.get(static.metadata.uid)
        if known is not None and known[0] is static and known[1] is mirror:
            return known[2]
        view = pod_pb2.Pod()
        view.CopyFrom(static)
        view.metadata.resourceVersion = mirror.metadata.resourceVersion
        if not _was_refused(mirror):
            view.status.CopyFrom(mirror.status)
        self._views[static.metadata.uid] = static, mirror, view
        return view

    def _bound_changed(self, change: Change[pod_pb2.Pod]) -> None:
        old, new = _own(change.old), _own(change.new)
        if new is not None:
            self._keys[new.metadata.uid] = change.key
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._keys.pop(old.metadata.uid, None)
        if old is not None or new is not None:
            self._tell(old, new)
        if old is change.old and new is change.new:
            return
        static = self._static.at(change.key)
        if static is not None:
            self._tell(self._view(static), self._view(static))

    def _static_changed(self, before: pod_pb2.Pod | None, now: pod_pb2.Pod | None) -> None:
        self._tell(before, self._view(now) if now is not None else None)

    def _tell(self, before: pod_pb2.Pod | None, now: pod_pb2.Pod | None) -> None:
        for follower in self._followers:
            follower(before, now)


def _own(pod: pod_pb2.Pod | None) -> pod_pb2.Pod | None:
    return None if pod is None or is_mirror(pod) else pod


def _was_refused(mirror: pod_pb2.Pod) -> bool:
    """By a kubelet that ran before: a static pod that found no place is judged anew."""
    return mirror.status.phase == "Failed" and not mirror.status.containerStatuses
