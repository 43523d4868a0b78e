from __future__ import annotations

from podlab_testing import builtin_kinds
from podlab_testing.referring_pods import user_pod

from master.apiserver.authorization.node_graph import NodeGraph
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.core.v1 import volume_pb2
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1 import resourceslice_pb2

SLICES = KindWindow(builtin_kinds.named("ResourceSlice"))
ATTACHMENTS = KindWindow(builtin_kinds.named("VolumeAttachment"))


def test_a_node_uses_what_its_pods_use_as_long_as_they_are_there() -> None:
    window = KindWindow(builtin_kinds.named("Pod"))
    window.load({}, 1)
    bindings = NodeGraph(window, KindWindow(builtin_kinds.named("PersistentVolume")), SLICES, ATTACHMENTS)
    key = f"{window.prefix}team/web"
    asked = ("n1", "secrets", "team", "in-volume")
    assert bindings.node_of("team", "web") is None
    window.apply(key, user_pod().SerializeToString(), 2)
    assert (bindings.node_of("team", "web"), bindings.uses(*asked)) == ("", False)
    window.apply(key, user_pod("n1").SerializeToString(), 3)
    assert (bindings.node_of("team", "web"), bindings.uses(*asked)) == ("n1", True)
    assert not bindings.uses("n2", "secrets", "team", "in-volume")
    other = user_pod("n1")
    other.metadata.name = "other"
    window.apply(f"{window.prefix}team/other", other.SerializeToString(), 4)
    window.apply(key, None, 5)
    assert bindings.uses(*asked)
    window.apply(f"{window.prefix}team/other", None, 6)
    assert (bindings.node_of("team", "other"), bindings.uses(*asked)) == (None, False)


def test_a_pod_that_changes_before_anybody_asks_counts_once_and_one_that_goes_counts_no_more() -> None:
    window = KindWindow(builtin_kinds.named("Pod"))
    window.load({}, 1)
    graph = NodeGraph(window, KindWindow(builtin_kinds.named("PersistentVolume")), SLICES, ATTACHMENTS)
    key, asked = f"{window.prefix}team/web", ("n1", "secrets", "team", "in-volume")
    for revision in (2, 3):
        window.apply(key, user_pod("n1").SerializeToString(), revision)
    assert graph.uses(*asked)
    changed = user_pod("n1")
    del changed.spec.volumes[:]
    window.apply(key, changed.SerializeToString(), 4)
    assert not graph.uses(*asked)
    window.apply(key, user_pod("n1").SerializeToString(), 5)
    window.apply(key, None, 6)
    assert (graph.node_of("team", "web"), graph.uses(*asked)) == (None, False)


def test_a_node_uses_the_volume_whose_claim_its_pod_uses() -> None:
    pods, volumes = KindWindow(builtin_kinds.named("Pod")), KindWindow(builtin_kinds.named("PersistentVolume"))
    pods.load({}, 1)
    volumes.load({}, 1)
    bindings = NodeGraph(pods, volumes, SLICES, ATTACHMENTS)
    asked = ("n1", "persistentvolumes", "", "disk")
    assert not bindings.uses(*asked)
    disk = volume_pb2.PersistentVolume(metadata=meta_pb2.ObjectMeta(name="disk"))
    volumes.apply(f"{volumes.prefix}disk", disk.SerializeToString(), 2)
    pods.apply(f"{pods.prefix}team/web", user_pod("n1").SerializeToString(), 3)
    assert not bindings.uses(*asked)
    disk.spec.claimRef.namespace, disk.spec.claimRef.name = "team", "claim"
    volumes.apply(f"{volumes.prefix}disk", disk.SerializeToString(), 4)
    assert bindings.uses(*asked)
    assert not bindings.uses("n2", *asked[1:])


def test_a_node_uses_the_slices_of_its_own_devices() -> None:
    pods, slices = KindWindow(builtin_kinds.named("Pod")), KindWindow(builtin_kinds.named("ResourceSlice"))
    for window in (pods, slices):
        window.load({}, 1)
    graph = NodeGraph(pods, KindWindow(builtin_kinds.named("PersistentVolume")), slices, ATTACHMENTS)
    offered = resourceslice_pb2.ResourceSlice(metadata=meta_pb2.ObjectMeta(name="gpus"))
    offered.spec.nodeName = "n1"
    slices.apply(f"{slices.prefix}gpus", offered.SerializeToString(), 2)
    assert [graph.uses(node, "resourceslices", "", "gpus") for node in ("n1", "n2")] == [True, False]
    assert not graph.uses("n1", "resourceslices", "", "none")
