"""Which nodes a pod's claims let it go to, what is promised to it there, and what it is told when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.scheduling import store
from podlab_testing.storage import claim, kept_for, storage_class, volume

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import ScheduleResult, schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.plugins import volume_binding
from podlab.api.pods.volumes import BIND_COMPLETED, NO_PROVISIONER, SELECTED_NODE
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.storage.v1.csi_pb2 import CSINode

NODES = ("n1", "n2", "n3")
ZONE = "topology.kubernetes.io/zone"
DONE = {BIND_COMPLETED: "yes"}


def pod(*claims: str, name: str = "web") -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = name, "default", f"uid-{name}"
    made.spec.containers.add(name="c", image="web:1")
    made.spec.schedulerName = "default-scheduler"
    for each in claims:
        made.spec.volumes.add(name=each).volumeSource.persistentVolumeClaim.claimName = each
    return made


def on(*names: str) -> dict[str, Any]:
    """A volume's affinity to these nodes."""
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(names)}]}]
    return {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}


def cluster(*objects: Any, zones: bool = True) -> Snapshot:
    nodes = Snapshot()
    for number, name in enumerate(NODES):
        made = Node()
        made.metadata.name = name
        made.metadata.labels["kubernetes.io/hostname"] = name
        if zones:
            made.metadata.labels[ZONE] = "ab"[number % 2]
        for resource, amount in (("cpu", "4"), ("memory", "4Gi"), ("pods", "9")):
            made.status.allocatable[resource].string = amount
        nodes.set_node(made)
    for each in objects:
        store(nodes.storage, each)
    return nodes


def decided(nodes: Snapshot, wanted: Pod) -> ScheduleResult:
    return schedule_pod(pod_info(wanted), nodes, DEFAULT_PROFILE, FilterCache())


def bound(name: str = "data", disk: str = "disk", **spec: Any) -> Any:
    return claim(name, volumeName=disk, annotations=DONE, phase="Bound", **spec)


def going(given: Any) -> Any:
    given.metadata.deletionTimestamp.seconds = 1
    return given


LATE = storage_class(delayed=True)
BY_HAND = storage_class(provisioner=NO_PROVISIONER, delayed=True)
TOPOLOGY = storage_class(delayed=True)
TOPOLOGY.allowedTopologies.add().matchLabelExpressions.add(key=ZONE, values=["b"])
OURS = {"claimRef": kept_for(uid="uid-data")}
FITS: list[tuple[str, list[Any], set[str]]] = [
    ("bound to a volume of everywhere", [bound(), volume(**OURS)], {"n1", "n2", "n3"}),
    ("bound to a volume of one node", [bound(), volume(**OURS, **on("n2"))], {"n2"}),
    ("bound to a volume of a zone", [bound(), volume(**OURS, labels={ZONE: "a"})], {"n1", "n3"}),
    ("bound to a volume of two zones", [bound(), volume(**OURS, labels={ZONE: "a__b"})], {"n1", "n2", "n3"}),
    ("to be made anywhere", [claim(), LATE], {"n1", "n2", "n3"}),
    ("to be made where it is allowed", [claim(), TOPOLOGY], {"n2"}),
    ("its node was chosen", [claim(annotations={SELECTED_NODE: "n3"}), LATE], {"n3"}),
    ("free volumes of two nodes", [claim(), BY_HAND, volume("a", **on("n1")), volume("b", **on("n3"))], {"n1", "n3"}),
    ("another's volume", [claim(), BY_HAND, volume("a", **on("n1"), claimRef=kept_for("x"))], set()),
    ("too small a volume", [claim(size="2Gi"), BY_HAND, volume("a", **on("n1"))], set()),
]


@pytest.mark.parametrize(("objects", "names"), [one[1:] for one in FITS], ids=[one[0] for one in FITS])
def test_a_pod_goes_where_its_claim_can_be_had(objects: list[Any], names: set[str]) -> None:
    result = decided(cluster(*objects), pod("data"))
    assert {result.names[row] for row in result.feasible} == names


TOLD: list[tuple[list[Any], str]] = [
    ([], 'persistentvolumeclaim "data" not found'),
    ([going(claim())], 'persistentvolumeclaim "data" is being deleted'),
    (
        [claim(volumeName="disk", annotations=DONE, phase="Lost")],
        'persistentvolumeclaim "data" bound to non-existent persistentvolume "disk"',
    ),
    ([bound()], "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"),
    ([claim(), storage_class()], "pod has unbound immediate PersistentVolumeClaims"),
    ([claim(storageClassName="")], "pod has unbound immediate PersistentVolumeClaims"),
    ([claim()], "pod has unbound immediate PersistentVolumeClaims"),
    ([claim(), BY_HAND], "3 node(s) didn't find available persistent volumes to bind"),
    ([bound(), volume(**OURS, **on("gone"))], "3 node(s) had volume node affinity conflict"),
    ([bound(), volume(**OURS, labels={ZONE: "c"})], "3 node(s) had no available volume zone"),
]


@pytest.mark.parametrize(("objects", "told"), TOLD, ids=[one[1] for one in TOLD])
def test_a_pod_that_fits_nowhere_is_told_why_in_kubernetes_words(objects: list[Any], told: str) -> None:
    assert decided(cluster(*objects), pod("data")).message == f"0/3 nodes are available: {told}."


def test_nodes_without_zones_take_volumes_of_any() -> None:
    nodes = cluster(bound(), volume(**OURS, labels={ZONE: "c"}), zones=False)
    assert decided(nodes, pod("data")).node_name


def own(pod_name: str) -> Pod:
    """A pod with an ephemeral volume `data`."""
    made = pod(name=pod_name)
    made.spec.volumes.add(name="data").volumeSource.ephemeral.SetInParent()
    return made


def owned(owner: Pod) -> Any:
    made = bound(f"{owner.metadata.name}-data", f"disk-{owner.metadata.name}")
    made.metadata.ownerReferences.add(kind="Pod", uid=owner.metadata.uid, controller=True)
    return made


def test_an_ephemeral_volume_is_the_claim_of_that_pod_and_no_others() -> None:
    first, second = own("a"), own("b")
    kept = {"claimRef": kept_for("a-data", "uid-a-data")}
    nodes = cluster(owned(first), volume("disk-a", **kept, **on("n2")))
    assert decided(nodes, first).node_name == "n2"
    told = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "b-data"'
    assert decided(nodes, second).message == f"0/3 nodes are available: {told}."
    stranger = bound("b-data")
    store(nodes.storage, stranger)
    told = "PVC default/b-data was not created for pod default/b (pod is not owner)"
    assert decided(nodes, second).message == f"0/3 nodes are available: {told}."


def test_a_claim_for_one_pod_is_not_given_to_a_second() -> None:
    alone = bound(accessModes=["ReadWriteOncePod"])
    nodes = cluster(alone, volume(**OURS, accessModes=["ReadWriteOncePod"]))
    first = pod_info(pod("data"))
    nodes.add_pod(first, "n1")
    told = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    assert decided(nodes, pod("data", name="second")).message == f"0/3 nodes are available: 3 {told}."
    nodes.remove_pod(first.uid)
    assert decided(nodes, pod("data", name="second")).node_name


def test_what_is_promised_to_one_pod_is_not_promised_to_another() -> None:
    nodes = cluster(claim("a"), claim("b"), BY_HAND, volume("x", **on("n1")))
    first = pod_info(pod("a"))
    planned = volume_binding.pod_volumes(first, nodes, "n1")
    assert (planned.static_bindings, planned.dynamic_provisions) == (((("default", "a"), "x"),), ())
    nodes.storage.reserve(first.uid, planned)
    assert not decided(nodes, pod("b", name="second")).node_name
    nodes.storage.unreserve(first.uid)
    assert decided(nodes, pod("b", name="second")).node_name == "n1"


def test_pods_that_share_a_claim_go_to_the_node_that_was_promised_to_the_first() -> None:
    nodes = cluster(claim(), LATE)
    first = pod_info(pod("data"))
    nodes.storage.reserve(first.uid, volume_binding.pod_volumes(first, nodes, "n2"))
    assert decided(nodes, pod("data", name="second")).node_name == "n2"


_sizes = st.integers(min_value=1, max_value=5)
_volumes = st.lists(st.tuples(_sizes, st.sets(st.sampled_from(NODES), min_size=1)), max_size=6)


@given(wanted=st.lists(_sizes, min_size=1, max_size=4), there=_volumes)
def test_each_claim_gets_a_volume_of_its_own_that_the_node_reaches_and_that_is_large_enough(
    wanted: list[int], there: list[tuple[int, set[str]]]
) -> None:
    claims = [claim(f"c{number}", f"{size}Gi") for number, size in enumerate(wanted)]
    disks = [volume(f"v{number}", f"{size}Gi", **on(*names)) for number, (size, names) in enumerate(there)]
    nodes = cluster(BY_HAND, *claims, *disks)
    wanting = pod(*(one.metadata.name for one in claims))
    result = decided(nodes, wanting)
    for name in NODES:
        sizes = sorted((size for size, names in there if name in names), reverse=True)
        # The largest claim needs the largest volume, the next the next: then all have one.
        possible = len(sizes) >= len(wanted) and all(
            have >= want for have, want in zip(sizes, sorted(wanted, reverse=True), strict=False)
        )
        row = nodes.row(name)
        assert (row in result.feasible) is possible
        if possible:
            kept = dict(volume_binding.pod_volumes(pod_info(wanting), nodes, name).static_bindings)
            assert len(set(kept.values())) == len(wanted)
            for (_, of), disk in kept.items():
                size, names = there[int(disk[1:])]
                assert size >= wanted[int(of[1:])]
                assert name in names


def _of_driver(name: str, handle: str = "") -> list[Any]:
    """A claim and its volume, which driver a.io has."""
    disk = volume(f"pv-{name}", claimRef=kept_for(name, uid=f"uid-{name}"))
    disk.spec.persistentVolumeSource.Clear()
    disk.spec.persistentVolumeSource.csi.driver = "a.io"
    disk.spec.persistentVolumeSource.csi.volumeHandle = handle or name
    return [bound(name, f"pv-{name}"), disk]


def _feasible(nodes: Snapshot, wanted: Pod) -> set[str]:
    result = decided(nodes, wanted)
    return {result.names[row] for row in result.feasible}


def test_no_node_gets_more_volumes_of_a_driver_than_it_takes() -> None:
    nodes = cluster(*_of_driver("a"), *_of_driver("b"), *_of_driver("c"), *_of_driver("again", "a"))
    for name, most in (("n1", 1), ("n2", 2)):
        told = CSINode()
        told.spec.drivers.add(name="a.io", nodeID=name).allocatable.count = most
        told.spec.drivers.add(name="b.io", nodeID=name).allocatable.count = 0
        nodes.storage.set_drivers(name, told)
    for node in ("n1", "n2"):
        nodes.add_pod(pod_info(pod("a", name=f"on-{node}")), node)
    assert _feasible(nodes, pod("b")) == {"n2", "n3"}
    assert _feasible(nodes, pod("b", "c")) == {"n3"}
    assert _feasible(nodes, pod("again")) == {"n1", "n2", "n3"}  # the same volume is attached once
    assert _feasible(nodes, pod()) == {"n1", "n2", "n3"}
    nodes.storage.set_drivers("n1", None)
    assert _feasible(nodes, pod("b", "c")) == {"n1", "n3"}
    nodes.remove_node("n1")
    nodes.remove_node("n3")
    nodes.storage.set_drivers("n2", told)
    told_why = decided(nodes, pod("b", "c")).message
    assert told_why == "0/1 nodes are available: 1 node(s) exceed max volume count."
