from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from node.kubelet.staticpods.directory import ManifestDirectory
from node.kubelet.staticpods.mirror_pods import mirror_of
from node.kubelet.staticpods.node_pods import NodePods
from node.kubelet.staticpods.source import StaticPods
from podlab.api.objects import key
from podlab.client.absent import AbsentServer
from podlab.client.informer import Change, Informer
from podlab.core.v1 import node_pb2, pod_pb2

Make = Callable[..., pod_pb2.Pod]
Told = list[tuple[str, str]]


class _Api(Informer[pod_pb2.Pod]):
    """Told by the test what the API server has."""

    def __init__(self) -> None:
        super().__init__(AbsentServer(), pod_pb2.Pod)

    def has(self, pod: pod_pb2.Pod) -> None:
        at = key(pod)
        change = Change(at, self.store.get(at), pod)
        self.store[at] = pod
        for handler in self._handlers:
            handler(change)


def _node_pods(tmp_path: Path) -> tuple[NodePods, _Api, StaticPods, Told]:
    api, static, told = _Api(), StaticPods(ManifestDirectory(tmp_path, "n1"), lambda _: None), []
    pods = NodePods(api, static)
    pods.on_change(lambda old, new: told.append((old.metadata.uid if old else "", new.metadata.uid if new else "")))
    return pods, api, static, told


def _mirror(pod: pod_pb2.Pod, phase: str = "Running") -> pod_pb2.Pod:
    node = node_pb2.Node()
    node.metadata.name = "n1"
    mirror = mirror_of(pod, node)
    mirror.metadata.uid, mirror.metadata.resourceVersion = "a-mirror", "7"
    mirror.status.phase = phase
    return mirror


def _of_api(name: str = "api", uid: str = "an-uid") -> pod_pb2.Pod:
    pod = pod_pb2.Pod()
    pod.metadata.name, pod.metadata.namespace, pod.metadata.uid = name, "default", uid
    return pod


def test_static_pods_have_the_status_of_their_mirrors_which_are_no_pods_themselves(
    tmp_path: Path, static_pod: Make
) -> None:
    (pods, api, static, told), pod = _node_pods(tmp_path), static_pod()
    uid = pod.metadata.uid
    static.take({uid: pod})
    assert (pods.list(), pods.uid_in_api(uid)) == ([pod], "")
    api.has(_mirror(pod))
    (seen,) = pods.list()
    assert (seen.metadata.uid, seen.metadata.resourceVersion, seen.status.phase) == (uid, "7", "Running")
    assert pods.named("default", "web-n1") is seen is pods.of_uid(uid)
    assert pods.uid_in_api(uid) == "a-mirror"
    assert told == [("", uid), (uid, uid)]


def test_pods_of_the_api_are_as_they_are_there(tmp_path: Path) -> None:
    pods, api, _, told = _node_pods(tmp_path)
    api.has(_of_api())
    assert pods.list() == [_of_api()] == [pods.named("default", "api")]
    assert pods.of_uid("an-uid") == _of_api()
    assert (pods.uid_in_api("an-uid"), pods.is_static("an-uid")) == ("an-uid", False)
    api.has(_of_api(uid="its-heir"))
    assert (pods.of_uid("an-uid"), pods.of_uid("its-heir")) == (None, _of_api(uid="its-heir"))
    assert told == [("", "an-uid"), ("an-uid", "its-heir")]


def test_a_pod_of_the_api_with_a_static_pods_name_is_another_pod(tmp_path: Path, static_pod: Make) -> None:
    (pods, api, static, _), pod = _node_pods(tmp_path), static_pod()
    static.take({pod.metadata.uid: pod})
    api.has(_of_api("web-n1"))
    assert pods.of_uid("an-uid") == _of_api("web-n1") == pods.named("default", "web-n1")
    assert pods.of_uid(pod.metadata.uid) == pod


def test_a_refusal_by_a_kubelet_that_ran_before_is_forgotten(tmp_path: Path, static_pod: Make) -> None:
    (pods, api, static, _), pod = _node_pods(tmp_path), static_pod()
    static.take({pod.metadata.uid: pod})
    api.has(_mirror(pod, "Failed"))
    assert pods.list()[0].status.phase == "Pending"


def test_nothing_is_unwanted_before_files_and_api_are_known(tmp_path: Path) -> None:
    pods, api, static, _ = _node_pods(tmp_path)
    api.synced.set()
    assert not pods.are_known
    static.take({})
    assert pods.are_known
