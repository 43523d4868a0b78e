"""The static pods of the node: those that run, and those that wait until an older one of their name has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from node.kubelet.pod import podspec
from node.kubelet.staticpods.directory import ManifestDirectory
from podlab.api.objects import Key, key
from podlab.api.values import times
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

PERIOD_S = 1.0
Follower = Callable[[pod_pb2.Pod | None, pod_pb2.Pod | None], None]


class StaticPods:
    """`run` for ever. `tell` is told why a file cannot be run.

    A pod whose file is gone, or says something else, is shown as deleted until `finished`.
    """

    def __init__(self, directory: ManifestDirectory, tell: Callable[[str], None], period_s: float = PERIOD_S) -> None:
        self.listed = asyncio.Event()
        """Set once it is known which pods there are."""
        self._directory = directory
        self._tell_problem = tell
        self._period_s = period_s
        self._pods: dict[str, pod_pb2.Pod] = {}
        self._uids: dict[Key, str] = {}
        self._waiting: dict[Key, pod_pb2.Pod] = {}
        self._followers: list[Follower] = []
        self._unreadable = ""

    def on_change(self, follower: Follower) -> None:
        """Calls `follower` with a pod as it was, and as it is; None where it is not there."""
        self._followers.append(follower)

    def list(self) -> list[pod_pb2.Pod]:
        """All, those among them that end."""
        return list(self._pods.values())

    def of_uid(self, uid: str) -> pod_pb2.Pod | None:
        """None when no static pod has the uid."""
        return self._pods.get(uid)

    def at(self, place: Key) -> pod_pb2.Pod | None:
        """The pod of that name, which may be about to end."""
        return self._pods.get(self._uids.get(place, ""))

    async def run(self) -> None:
        """Follows the directory until cancelled."""
        while True:
            try:
                found = await asyncio.to_thread(self._directory.read)
                self.take(found.pods)
                self._unreadable = ""
                for problem in found.problems:
                    log.error("static pod that cannot be run: %s", problem)
                    self._tell_problem(problem)
            except OSError as error:
                if self._unreadable != str(error):
                    log.error("static pods cannot be read: %s", error)
                self._unreadable = str(error)
            await asyncio.sleep(self._period_s)

    def take(self, wanted: Mapping[str, pod_pb2.Pod]) -> None:
        """From now on these are wanted, by uid."""
        self._waiting.clear()
        for pod in list(self._pods.values()):
            if pod.metadata.uid not in wanted and not pod.metadata.HasField("deletionTimestamp"):
                self._show(_ending(pod))
                log.info("static pod %s ends: its manifest is gone or another", _name(pod))
        for uid, pod in wanted.items():
            present = self.at(key(pod))
            if present is None:
                log.info("static pod %s is wanted", _name(pod))
                self._show(pod)
            elif present.metadata.uid != uid or present.metadata.HasField("deletionTimestamp"):
                self._waiting[key(pod)] = pod
        self.listed.set()

    def finished(self, uid: str) -> None:
        """Nothing is left of a pod that was to end: what waited for its name begins."""
        gone = self._pods.pop(uid)
        del self._uids[key(gone)]
        self._tell(gone, None)
        successor = self._waiting.pop(key(gone), None)
        if successor is not None:
            self._show(successor)

    def _show(self, pod: pod_pb2.Pod) -> None:
        before = self._pods.get(pod.metadata.uid)
        self._pods[pod.metadata.uid] = pod
        self._uids[key(pod)] = pod.metadata.uid
        self._tell(before, pod)

    def _tell(self, before: pod_pb2.Pod | None, now: pod_pb2.Pod | None) -> None:
        for follower in self._followers:
            follower(before, now)


def _name(pod: pod_pb2.Pod) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


def _ending(pod: pod_pb2.Pod) -> pod_pb2.Pod:
    ending = pod_pb2.Pod()
    ending.CopyFrom(pod)
    ending.metadata.deletionTimestamp.CopyFrom(times.now())
    ending.metadata.deletionGracePeriodSeconds = podspec.grace_s(pod)
    return ending
