"""Which nodes refuse a pod for its claims and why, which suit it better, and what it gives up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from podlab_testing import allocations

from master.scheduler.cache.device_claims import PodDevices
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.devices.extended import EXTENDED_CLAIM
from master.scheduler.plugins.dynamic_resources import NOTHING_TO_GIVE_UP, Deallocation, DynamicResources
from master.scheduler.plugins.node_resources_fit import NodeResourcesFit
from master.scheduler.plugins.protocol import PluginError
from podlab.api.values.jsonvalues import Json
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

NODES = ("n1", "n2", "n3")
LARGE: Json = [{"cel": {"expression": f'device.attributes["{allocations.DRIVER}"].large'}}]


class _Bench:
    """Three nodes: n1 has a large device, n2 a small one, n3 none."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.snapshot = Snapshot(lambda: self.now_s)
        self.plugin = DynamicResources()
        for name in NODES:
            self.snapshot.set_node(Node(metadata=ObjectMeta(name=name)))
        for name, large in (("n1", True), ("n2", False)):
            offered: Json = [{"name": "d0", "attributes": {"large": {"bool": large}}}]
            self.snapshot.devices.set_slice(
                name, allocations.resource_slice(name, {"nodeName": name, "devices": offered})
            )
        self.snapshot.devices.set_class("gpu", allocations.device_class())
        self.snapshot.devices.set_class("large", allocations.device_class("large", selectors=LARGE))

    def add(self, *claims: ResourceClaim) -> None:
        for each in claims:
            self.snapshot.devices.set_claim((each.metadata.namespace, each.metadata.name), each)

    def reasons(self, pod: Pod) -> list[str]:
        """What each node says; empty where it takes the pod."""
        refusals = self.plugin.filter(pod_info(pod), self.snapshot, self.snapshot.all)
        if refusals is None:
            return [""] * len(NODES)
        assert all(code in refusals.final for code in refusals.codes.tolist() if code)
        return [refusals.reasons[code][0] if code else "" for code in refusals.codes.tolist()]

    def whole(self, pod: Pod) -> str:
        refusals = self.plugin.filter(pod_info(pod), self.snapshot, self.snapshot.all)
        return refusals.whole if refusals is not None else ""

    def plan(self, pod: Pod, node: str) -> PodDevices | None:
        return self.plugin.plan(pod_info(pod), self.snapshot, node)


@pytest.fixture
def bench() -> _Bench:
    return _Bench()


def _asking(*classes: str) -> Sequence[Json]:
    return [{"name": f"r{number}", "exactly": {"deviceClassName": each}} for number, each in enumerate(classes)]


def _held(claim: ResourceClaim, node: str, *pods: str) -> ResourceClaim:
    """The claim with the device of the node."""
    claim.status.allocation.CopyFrom(allocations.given(f"{node}/d0"))
    term = claim.status.allocation.nodeSelector.nodeSelectorTerms.add()
    term.matchFields.add(key="metadata.name", operator="In", values=[node])
    for each in pods:
        claim.status.reservedFor.add(resource="pods", name=each, uid=f"uid-{each}")
    return claim


def test_a_pod_without_claims_is_none_of_its_business(bench: _Bench) -> None:
    pod = allocations.claiming_pod()
    assert bench.plugin.filter(pod_info(pod), bench.snapshot, bench.snapshot.all) is None
    assert bench.plugin.score(pod_info(pod), bench.snapshot, bench.snapshot.all) is None
    assert bench.plan(pod, "n1") is None
    assert bench.plugin.deallocation(pod_info(pod), bench.snapshot) == NOTHING_TO_GIVE_UP


def test_nodes_without_devices_refuse_the_pod(bench: _Bench) -> None:
    bench.add(allocations.resource_claim(requests=_asking("gpu")))
    pod = allocations.claiming_pod("claim")
    assert bench.reasons(pod) == ["", "", "cannot allocate all claims"]
    planned = bench.plan(pod, "n2")
    assert planned is not None
    assert (planned.node, planned.claims) == ("n2", (("default", "claim"),))
    assert allocations.results(planned.allocations["default", "claim"]) == ["r0=n2/d0"]
    assert bench.plugin.deallocation(pod_info(pod), bench.snapshot) == Deallocation("still not schedulable")


def test_what_another_pod_is_to_get_is_gone(bench: _Bench) -> None:
    bench.add(allocations.resource_claim("first"), allocations.resource_claim("second"))
    first, second = allocations.claiming_pod("first", name="p1"), allocations.claiming_pod("second", name="p2")
    planned = bench.plan(first, "n1")
    assert planned is not None
    bench.snapshot.devices.reserve(first.metadata.uid, planned)
    assert bench.reasons(second) == ["cannot allocate all claims", "", "cannot allocate all claims"]
    bench.snapshot.devices.unreserve(first.metadata.uid)
    assert bench.reasons(second) == ["", "", "cannot allocate all claims"]


def test_a_claim_that_has_devices_is_of_use_where_they_are(bench: _Bench) -> None:
    bench.add(_held(allocations.resource_claim(), "n2", "other"))
    pod = allocations.claiming_pod("claim")
    elsewhere = "resourceclaim not available on the node"
    assert bench.reasons(pod) == [elsewhere, "", elsewhere]
    planned = bench.plan(pod, "n2")
    assert planned is not None
    assert not planned.allocations
    assert bench.plugin.deallocation(pod_info(pod), bench.snapshot) == Deallocation("still not schedulable")


@pytest.mark.parametrize("users", [(), ("web",)])
def test_a_claim_that_none_but_the_pod_uses_is_given_up(bench: _Bench, users: tuple[str, ...]) -> None:
    bench.add(_held(allocations.resource_claim(), "gone", *users))
    pod = allocations.claiming_pod("claim")
    assert set(bench.reasons(pod)) == {"resourceclaim not available on the node"}
    given_up = Deallocation("deallocation of ResourceClaim completed", ("default", "claim"))
    assert bench.plugin.deallocation(pod_info(pod), bench.snapshot) == given_up


def test_a_claim_whose_devices_do_not_become_ready_is_of_no_use(bench: _Bench) -> None:
    claim = _held(allocations.resource_claim(), "n1")
    bench.add(claim)
    bench.snapshot.devices.binding_failed(claim)
    pod = allocations.claiming_pod("claim")
    assert set(bench.reasons(pod)) == {"resourceclaim not available on the node"}
    assert bench.plugin.deallocation(pod_info(pod), bench.snapshot) == Deallocation(
        "deallocation of ResourceClaim completed", ("default", "claim")
    )


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (allocations.resource_claim(requests=_asking("none")), "request r0: device class none does not exist"),
        (
            allocations.resource_claim(
                requests=[{"name": "r0", "firstAvailable": [{"name": "best", "deviceClassName": "none"}]}]
            ),
            "request r0/best: device class none does not exist",
        ),
        (_held(allocations.resource_claim(), "n1", *(f"p{n}" for n in range(256))), "resourceclaim in use"),
        (allocations.resource_claim("other"), 'could not find ResourceClaim "default/claim"'),
    ],
)
def test_a_pod_is_refused_by_all_nodes_for_a_claim_that_cannot_be_used(
    bench: _Bench, claim: ResourceClaim, reason: str
) -> None:
    bench.add(claim)
    pod = allocations.claiming_pod("claim")
    assert bench.whole(pod) == reason
    assert bench.plugin.deallocation(pod_info(pod), bench.snapshot) == NOTHING_TO_GIVE_UP


def test_a_claim_that_is_being_given_devices_is_waited_for(bench: _Bench) -> None:
    bench.add(allocations.resource_claim())
    first, second = allocations.claiming_pod("claim", name="p1"), allocations.claiming_pod("claim", name="p2")
    planned = bench.plan(first, "n1")
    assert planned is not None
    bench.snapshot.devices.reserve(first.metadata.uid, planned)
    assert bench.whole(second) == "resource claim default/claim is in the process of being allocated"


def test_the_node_with_the_better_alternative_is_preferred(bench: _Bench) -> None:
    alternatives: Json = [{"name": "best", "deviceClassName": "large"}, {"name": "any", "deviceClassName": "gpu"}]
    bench.add(allocations.resource_claim(requests=[{"name": "r0", "firstAvailable": alternatives}]))
    info, (first, second) = pod_info(allocations.claiming_pod("claim")), (0, 1)
    scores = bench.plugin.score(info, bench.snapshot, bench.snapshot.all)
    assert scores is not None
    assert (scores[first], scores[second]) == (8, 7)
    assert bench.plugin.normalize(scores)[first] == 100


def test_all_nodes_are_equal_where_there_are_no_alternatives(bench: _Bench) -> None:
    bench.add(allocations.resource_claim())
    info = pod_info(allocations.claiming_pod("claim"))
    assert bench.plugin.score(info, bench.snapshot, bench.snapshot.all) is None


def test_a_broken_claim_is_an_error_that_names_the_plugin(bench: _Bench) -> None:
    absent: Json = [{"cel": {"expression": f'device.attributes["{allocations.DRIVER}"].absent'}}]
    bench.snapshot.devices.set_class("broken", allocations.device_class("broken", selectors=absent))
    bench.add(allocations.resource_claim(requests=_asking("broken")))
    with pytest.raises(PluginError, match=r'^running "DynamicResources" filter plugin: class broken: selector #0 on'):
        bench.reasons(allocations.claiming_pod("claim"))


def test_the_time_for_all_nodes_is_bounded(bench: _Bench) -> None:
    bench.add(allocations.resource_claim())
    pod = allocations.claiming_pod("claim")
    late = Snapshot(iter(range(0, 10**6, 7)).__next__)
    for name in NODES:
        late.set_node(Node(metadata=ObjectMeta(name=name)))
    late.devices.set_class("gpu", allocations.device_class())
    late.devices.set_claim(("default", "claim"), allocations.resource_claim())
    late.devices.set_slice("n1", allocations.resource_slice("n1", {"devices": ["d0"]}))
    for plugin, reason in ((DynamicResources(), "timed out trying to allocate devices"), (DynamicResources(0.0), "")):
        refusals = plugin.filter(pod_info(pod), late, late.all)
        assert refusals is not None
        assert refusals.reasons.get(int(refusals.codes[0]), ("",)) == (reason,)


def _requesting(amount: str = "1", resource: str = "example.com/gpu") -> Pod:
    pod = allocations.claiming_pod()
    pod.spec.containers[0].resources.requests[resource].string = amount
    return pod


def _fits(bench: _Bench, pod: Pod) -> list[str]:
    """What NodeResourcesFit says of it."""
    refusals = NodeResourcesFit().filter(pod_info(pod), bench.snapshot, bench.snapshot.all)
    assert refusals is not None
    return [", ".join(refusals.reasons[code]) if code else "" for code in refusals.codes.tolist()]


@pytest.fixture
def extended(bench: _Bench) -> _Bench:
    """The class `gpu` stands for example.com/gpu, which n3 has itself."""
    node = Node(metadata=ObjectMeta(name="n3"))
    for name in NODES:
        node.metadata.name = name
        node.status.allocatable["pods"].string = "110"
        if name == "n3":
            node.status.allocatable["example.com/gpu"].string = "1"
        bench.snapshot.set_node(node)
    bench.snapshot.set_device_class("gpu", allocations.device_class(extendedResourceName="example.com/gpu"))
    return bench


def test_an_extended_resource_is_of_devices_or_of_the_node(extended: _Bench) -> None:
    pod = _requesting()
    assert _fits(extended, pod) == ["", "", ""]
    assert extended.reasons(pod) == ["", "", ""]
    assert extended.plan(pod, "n3") is None
    planned = extended.plan(pod, "n1")
    assert planned is not None
    assert planned.extended is not None
    made, allocation = planned.extended
    assert allocations.results(allocation) == ["container-0-request-0=n1/d0"]
    assert made.claim.metadata.annotations[EXTENDED_CLAIM] == "true"


def test_more_of_an_extended_resource_than_a_node_has_is_refused_by_its_own_plugin(extended: _Bench) -> None:
    pod = _requesting("2")
    assert _fits(extended, pod) == ["", "", "Insufficient example.com/gpu"]
    assert extended.reasons(pod)[:2] == ["cannot allocate all claims"] * 2


def test_a_class_is_an_extended_resource_by_its_own_name(extended: _Bench) -> None:
    pod = _requesting(resource="deviceclass.resource.kubernetes.io/large")
    assert _fits(extended, pod) == ["", "", ""]
    assert extended.reasons(pod) == ["", "cannot allocate all claims", "cannot allocate all claims"]


def test_without_the_class_the_resource_is_the_nodes_alone(extended: _Bench) -> None:
    pod = _requesting()
    epoch = extended.snapshot.epoch
    extended.snapshot.set_device_class("gpu", allocations.device_class())
    assert extended.snapshot.epoch > epoch, "what was decided by it is void"
    assert _fits(extended, pod) == ["Insufficient example.com/gpu", "Insufficient example.com/gpu", ""]
    assert extended.plugin.filter(pod_info(pod), extended.snapshot, extended.snapshot.all) is None


def test_what_a_pod_is_to_get_for_its_extended_resource_is_gone(extended: _Bench) -> None:
    first, second = _requesting(), _requesting()
    second.metadata.uid = "uid-second"
    planned = extended.plan(first, "n1")
    assert planned is not None
    extended.snapshot.devices.reserve(first.metadata.uid, planned)
    assert extended.reasons(second) == ["cannot allocate all claims", "", ""]
    assert extended.snapshot.devices.unreserve(first.metadata.uid)
    assert extended.reasons(second) == ["", "", ""]


def test_a_claim_of_an_earlier_attempt_goes_first(extended: _Bench) -> None:
    pod = _requesting()
    planned = extended.plan(pod, "n1")
    assert planned is not None
    assert planned.extended is not None
    made = planned.extended[0].claim
    made.metadata.name = "web-extended-resources-x"
    extended.add(made)
    assert set(extended.reasons(pod)) == {"cannot schedule extended resource claim"}
    gone = Deallocation("deletion of ResourceClaim completed", ("default", made.metadata.name), is_deletion=True)
    assert extended.plugin.deallocation(pod_info(pod), extended.snapshot) == gone
    extended.snapshot.devices.set_claim(("default", made.metadata.name), None)
    assert extended.reasons(pod) == ["", "", ""]
