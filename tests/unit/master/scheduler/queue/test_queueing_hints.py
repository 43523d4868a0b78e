"""Which events can undo the refusals of which plugins."""

import pytest
from podlab_testing import allocations
from podlab_testing.scheduling import (
    Fields,
    node,
    pod,
    pod_affinity,
    pod_anti_affinity,
    pod_term,
    spread,
    spread_constraint,
)

from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from master.scheduler.queue.queueing_hints import EVENTS_TO_REGISTER, is_worth_requeuing, plugins_registered_for
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

GPU = "example.com/gpu"


def info(**given: object) -> PodInfo:
    return pod_info(pod(given))


def gone(available: dict[str, int] | None = None, *, lowest_priority: int = 0, **given: object) -> ClusterEvent:
    return ClusterEvent(
        EventKind.ASSIGNED_POD_DELETE, pod=info(**given), available=available, lowest_priority=lowest_priority
    )


def placed(**given: object) -> ClusterEvent:
    return ClusterEvent(EventKind.ASSIGNED_POD_ADD, pod=info(**given))


def relabelled(before: str, after: str) -> ClusterEvent:
    return ClusterEvent(
        EventKind.ASSIGNED_POD_UPDATE, pod=info(labels={"app": after}), old_pod=info(labels={"app": before})
    )


def changed(kind: EventKind, text: str, before: str = "") -> ClusterEvent:
    return ClusterEvent(kind, node=node(text), old_node=node(before) if before else None)


def added(text: str, **available: int) -> ClusterEvent:
    return ClusterEvent(EventKind.NODE_ADD, node=node(text), available=available or None)


WEB, DB = {"labels": {"app": "web"}}, {"labels": {"app": "db"}}
DISK = {"nodeSelector": {"disk": "ssd"}}
NEAR, APART = pod_affinity(pod_term()), pod_anti_affinity(pod_term())
FOUR = {"cpu": 4000, "memory": 8 << 30, "pods": 110}
LABELS, TAINTS, DELETE = EventKind.NODE_LABELS, EventKind.NODE_TAINTS, EventKind.NODE_DELETE
ALLOCATABLE = EventKind.NODE_ALLOCATABLE
CASES: list[tuple[str, str, Fields, ClusterEvent, bool]] = [
    ("a taint that is not tolerated", "TaintToleration", {}, added("a !k:NoSchedule"), False),
    ("one that is", "TaintToleration", {"tolerations": [{"operator": "Exists"}]}, added("a !k:NoSchedule"), True),
    ("a soft one", "TaintToleration", {}, changed(TAINTS, "a !k:PreferNoSchedule"), True),
    ("a node that is still cordoned", "NodeUnschedulable", {}, added("a cordoned"), False),
    ("a node that is not", "NodeUnschedulable", {}, added("a"), True),
    ("who had the port", "NodePorts", {"port": 80}, gone(port=80), True),
    ("who had another", "NodePorts", {"port": 80}, gone(port=81), False),
    ("a label that the pod asks for", "NodeAffinity", DISK, changed(LABELS, "a disk=ssd", "a"), True),
    ("a label that it does not ask for", "NodeAffinity", DISK, changed(LABELS, "a disk=hdd", "a"), False),
    ("a new node without the label", "NodeAffinity", DISK, added("a"), False),
    ("a new node large enough", "NodeResourcesFit", {"cpu": "4"}, added("a", **FOUR), True),
    ("one that is too small", "NodeResourcesFit", {"cpu": "4001m"}, added("a", **FOUR), False),
    ("one that offers nothing of it", "NodeResourcesFit", {"ephemeral-storage": "1"}, added("a", **FOUR), False),
    ("a resource that a profile may ignore", "NodeResourcesFit", {GPU: 1}, added("a", **FOUR), True),
    ("a pod that leaves enough", "NodeResourcesFit", {"cpu": "1"}, gone({"cpu": 1000, "pods": 1}), True),
    ("a pod that leaves too little", "NodeResourcesFit", {"cpu": "2"}, gone({"cpu": 1000, "pods": 1}), False),
    ("a pod that leaves nobody knows what", "NodeResourcesFit", {"cpu": "2"}, gone(), True),
    (
        "one as important goes, and less important stay",
        "NodeResourcesFit",
        {"cpu": "2", "priority": 5},
        gone({"cpu": 1000, "pods": 1}, priority=5),
        True,
    ),
    (
        "one goes that could be preempted",
        "NodeResourcesFit",
        {"cpu": "2", "priority": 5},
        gone({"cpu": 1000, "pods": 1}, priority=4),
        False,
    ),
    (
        "one as important goes, and none that is less",
        "NodeResourcesFit",
        {"cpu": "2", "priority": 5},
        gone({"cpu": 1000, "pods": 1}, lowest_priority=5, priority=5),
        False,
    ),
    ("one of those that are spread goes", "PodTopologySpread", spread(spread_constraint()), gone(**WEB), True),
    ("another goes", "PodTopologySpread", spread(spread_constraint()), gone(**DB), False),
    (
        "one of another namespace",
        "PodTopologySpread",
        spread(spread_constraint()),
        gone(namespace="other", **WEB),
        False,
    ),
    ("one ceases to be of those", "PodTopologySpread", spread(spread_constraint()), relabelled("web", "db"), True),
    ("one that never was", "PodTopologySpread", spread(spread_constraint()), relabelled("db", "api"), False),
    ("a node that is a place", "PodTopologySpread", spread(spread_constraint()), added("a zone=x"), True),
    ("a node that is none", "PodTopologySpread", spread(spread_constraint()), added("a"), False),
    (
        "a node that is no place now",
        "PodTopologySpread",
        spread(spread_constraint()),
        changed(LABELS, "a", "a zone=x"),
        True,
    ),
    ("a place that goes", "PodTopologySpread", spread(spread_constraint()), changed(DELETE, "a zone=x"), True),
    ("taints that do not matter", "PodTopologySpread", spread(spread_constraint()), changed(TAINTS, "a zone=x"), False),
    (
        "taints that do",
        "PodTopologySpread",
        spread(spread_constraint(nodeTaintsPolicy="Honor")),
        changed(TAINTS, "a zone=x"),
        True,
    ),
    ("constraints of the profile", "PodTopologySpread", {}, gone(**DB), True),
    (
        "constraints that refuse nobody",
        "PodTopologySpread",
        spread(spread_constraint(when="ScheduleAnyway")),
        gone(**DB),
        True,
    ),
    ("one it wants to be with comes", "InterPodAffinity", NEAR, placed(**WEB), True),
    ("another comes", "InterPodAffinity", NEAR, placed(**DB), False),
    ("one it wants to be with goes: it may be the first", "InterPodAffinity", NEAR, gone(**WEB), True),
    ("one it wants to be apart from goes", "InterPodAffinity", APART, gone(**WEB), True),
    ("one it wants to be apart from comes", "InterPodAffinity", APART, placed(**WEB), False),
    ("one that wants to be apart from it goes", "InterPodAffinity", WEB, gone(**DB, **APART), True),
    ("one of its kind in another namespace", "InterPodAffinity", APART, gone(namespace="other", **WEB), False),
    (
        "one of some other namespace",
        "InterPodAffinity",
        pod_anti_affinity(pod_term(namespaceSelector={"matchLabels": {"team": "a"}})),
        gone(namespace="other", **WEB),
        True,
    ),
    ("one becomes another", "InterPodAffinity", APART, relabelled("web", "db"), True),
    ("one becomes what it wants", "InterPodAffinity", NEAR, relabelled("db", "web"), True),
    ("one becomes something else again", "InterPodAffinity", NEAR, relabelled("db", "api"), False),
    ("a node without the place it wants", "InterPodAffinity", NEAR, added("a"), False),
    ("a node with it", "InterPodAffinity", NEAR, added("a zone=x"), True),
    ("a node is away from all", "InterPodAffinity", APART, added("a"), True),
    ("labels of namespaces", "InterPodAffinity", NEAR, ClusterEvent(EventKind.NAMESPACE), True),
    ("a volume", "VolumeBinding", {}, ClusterEvent(EventKind.STORAGE), True),
    ("a claim of another pod", "VolumeBinding", {}, ClusterEvent(EventKind.STORAGE, claim=("default", "data")), False),
]


@pytest.mark.parametrize(("name", "plugin", "waits", "event", "helps"), CASES, ids=[case[0] for case in CASES])
def test_an_event_helps_or_does_not(name: str, plugin: str, waits: Fields, event: ClusterEvent, helps: bool) -> None:
    assert is_worth_requeuing(plugin, info(**waits), event) is helps, name


@pytest.mark.parametrize(("namespace", "helps"), [("default", True), ("other", False)])
def test_a_claim_of_ones_own(namespace: str, helps: bool) -> None:
    made = pod({})
    made.spec.volumes.add(name="v").volumeSource.persistentVolumeClaim.claimName = "data"
    event = ClusterEvent(EventKind.STORAGE, claim=(namespace, "data"))
    assert is_worth_requeuing("VolumeZone", pod_info(made), event) is helps


@pytest.mark.parametrize("kind", EventKind)
def test_a_plugin_of_ones_own_may_be_helped_by_any_event(kind: EventKind) -> None:
    assert is_worth_requeuing("Mine", info(), ClusterEvent(kind))


@pytest.mark.parametrize(
    ("kind", "helped"),
    [
        (EventKind.ASSIGNED_POD_DELETE, {"NodeResourcesFit", "NodePorts", "PodTopologySpread", "InterPodAffinity"}),
        (EventKind.ASSIGNED_POD_ADD, {"PodTopologySpread", "InterPodAffinity"}),
        (
            EventKind.NODE_LABELS,
            {
                "NodeAffinity",
                "VolumeBinding",
                "VolumeZone",
                "PodTopologySpread",
                "InterPodAffinity",
                "DynamicResources",
            },
        ),
        (EventKind.DEVICE_CLAIM, {"DynamicResources"}),
        (EventKind.DEVICE_CLASS, {"DynamicResources", "NodeResourcesFit"}),
        (EventKind.RESOURCE_SLICE, {"DynamicResources"}),
        (EventKind.NODE_TAINTS, {"TaintToleration", "NodeUnschedulable", "PodTopologySpread"}),
        (EventKind.NODE_DELETE, {"PodTopologySpread"}),
        (EventKind.NAMESPACE, {"InterPodAffinity"}),
    ],
)
def test_each_plugin_names_the_events_that_can_undo_its_refusal(kind: EventKind, helped: set[str]) -> None:
    assert (
        set(plugins_registered_for(ClusterEvent(kind), EVENTS_TO_REGISTER)) - {"NodeVolumeLimits", "VolumeRestrictions"}
        == helped
    )


def test_a_new_node_helps_whoever_was_refused() -> None:
    assert set(plugins_registered_for(ClusterEvent(EventKind.NODE_ADD), EVENTS_TO_REGISTER)) == set(EVENTS_TO_REGISTER)


@pytest.mark.parametrize("kind", EventKind)
def test_a_plugin_of_ones_own_is_registered_for_all_events(kind: EventKind) -> None:
    assert plugins_registered_for(ClusterEvent(kind), ["Mine"]) == ["Mine"]


def _claim(name: str = "claim", *, namespace: str = "default", has_device: bool = False) -> ResourceClaim:
    made = allocations.resource_claim(name, namespace=namespace)
    if has_device:
        made.status.allocation.CopyFrom(allocations.given("n1/d0"))
    return made


@pytest.mark.parametrize(
    ("old", "new", "helps"),
    [
        (None, _claim(), True),
        (None, _claim("other"), False),
        (None, _claim(namespace="elsewhere"), False),
        (None, _claim("web"), True),
        (_claim(), _claim(has_device=True), True),
        (_claim(), _claim(), False),
        (_claim("other"), _claim("other", has_device=True), False),
        (_claim("other", has_device=True), _claim("other"), True),
        (_claim("other", has_device=True), None, True),
        (_claim("other"), None, False),
        (None, None, True),
    ],
)
def test_a_claim_helps_its_own_pod_and_whoever_may_have_its_devices(
    old: ResourceClaim | None, new: ResourceClaim | None, helps: bool
) -> None:
    """The pod has the claim `claim`, and its own that has its name."""
    info = pod_info(allocations.claiming_pod("claim", template="gpus"))
    event = ClusterEvent(EventKind.DEVICE_CLAIM, device_claim=new, old_device_claim=old)
    assert is_worth_requeuing("DynamicResources", info, event) is helps


@pytest.mark.parametrize("kind", [EventKind.DEVICE_CLASS, EventKind.RESOURCE_SLICE, EventKind.NODE_ADD])
def test_classes_slices_and_nodes_help_whoever_lacks_devices(kind: EventKind) -> None:
    assert is_worth_requeuing("DynamicResources", pod_info(allocations.claiming_pod("claim")), ClusterEvent(kind))


@pytest.mark.parametrize(("resource", "helps"), [(GPU, True), ("memory", False)])
def test_a_class_of_devices_helps_whoever_lacks_an_extended_resource(resource: str, helps: bool) -> None:
    pod = allocations.claiming_pod()
    pod.spec.containers[0].resources.requests[resource].string = "1"
    assert is_worth_requeuing("NodeResourcesFit", pod_info(pod), ClusterEvent(EventKind.DEVICE_CLASS)) is helps
