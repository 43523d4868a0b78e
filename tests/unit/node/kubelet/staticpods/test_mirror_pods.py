from __future__ import annotations

from collections.abc import Callable

from node.kubelet.staticpods.mirror_pods import Create, Delete, decide, is_mirror, mirror_of, stands_for
from podlab.api.values import times
from podlab.core.v1 import node_pb2, pod_pb2

Make = Callable[..., pod_pb2.Pod]


def _node() -> node_pb2.Node:
    node = node_pb2.Node()
    node.metadata.name, node.metadata.uid = "n1", "node-uid"
    return node


def _ending(pod: pod_pb2.Pod) -> pod_pb2.Pod:
    copy = pod_pb2.Pod()
    copy.CopyFrom(pod)
    copy.metadata.deletionTimestamp.CopyFrom(times.now())
    return copy


def test_a_mirror_is_the_pod_with_its_hash_and_the_node_as_owner(static_pod: Make) -> None:
    pod = static_pod()
    mirror = mirror_of(pod, _node())
    assert mirror.metadata.annotations["kubernetes.io/config.mirror"] == pod.metadata.uid
    assert mirror.metadata.uid == ""
    (owner,) = mirror.metadata.ownerReferences
    assert (owner.apiVersion, owner.kind, owner.name, owner.uid) == ("v1", "Node", "n1", "node-uid")
    assert owner.controller
    assert not owner.blockOwnerDeletion
    assert mirror.spec == pod.spec
    assert not mirror.HasField("status")
    assert is_mirror(mirror)
    assert not is_mirror(pod)
    assert stands_for(mirror, pod)
    assert not stands_for(mirror, static_pod(image="b:1"))
    assert not stands_for(None, pod)


def test_each_static_pod_gets_a_mirror_and_there_is_nothing_more_to_do(static_pod: Make) -> None:
    pod = static_pod()
    assert list(decide([pod], [])) == [Create(pod)]
    assert list(decide([pod], [mirror_of(pod, _node())])) == []


def test_a_mirror_that_is_deleted_of_another_pod_or_of_none_is_removed(static_pod: Make) -> None:
    pod = static_pod()
    mirror, old = mirror_of(pod, _node()), mirror_of(static_pod(image="b:1"), _node())
    assert list(decide([pod], [_ending(mirror)])) == [Delete(_ending(mirror))]
    assert list(decide([pod], [old])) == [Delete(old)]
    assert list(decide([], [mirror])) == [Delete(mirror)]


def test_a_pod_that_ends_keeps_its_mirror_and_gets_no_new_one(static_pod: Make) -> None:
    pod = static_pod()
    assert list(decide([_ending(pod)], [mirror_of(pod, _node())])) == []
    assert list(decide([_ending(pod)], [])) == []


def test_a_pod_of_somebody_else_stays(static_pod: Make) -> None:
    other = pod_pb2.Pod()
    other.metadata.name, other.metadata.namespace = "web-n1", "default"
    assert list(decide([static_pod()], [other])) == []
