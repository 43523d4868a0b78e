"""What a judgement does: pods are assumed, told, put to rest, and make others go."""

from __future__ import annotations

from collections.abc import Iterable

from podlab_testing import allocations

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.cycle.decision_log import DecisionLog
from master.scheduler.cycle.pod_conditions import SchedulingFailure
from master.scheduler.cycle.scheduling_algorithm import SchedulingAlgorithm
from master.scheduler.cycle.scheduling_cycle import SchedulingCycle
from master.scheduler.event_handlers import EventHandlers
from master.scheduler.plugins.dynamic_resources import Deallocation
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets
from master.scheduler.preemption.nominated_pods import NominatedPods
from master.scheduler.queue.claim_gate import ClaimGate
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.api.values import times
from podlab.client.informer import Change
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod


class World:
    """All but the API server: pods come and go as informers would tell."""

    def __init__(self, *nodes: str) -> None:
        self.now = 0.0
        self.pods: dict[Key, Pod] = {}
        self.failures: dict[str, SchedulingFailure] = {}
        self.evicted: list[str] = []
        self.released: list[tuple[Deallocation, str]] = []
        profiles = {DEFAULT_PROFILE.scheduler_name: DEFAULT_PROFILE}
        snapshot, budgets = Snapshot(), DisruptionBudgets([])
        self.devices = snapshot.devices
        self.queue = SchedulingQueue(lambda: self.now)
        self.decided: list[tuple[str, str]] = []
        self.nominated_pods = NominatedPods(snapshot)
        self.handlers = EventHandlers(
            profiles, snapshot, self.queue, self.nominated_pods, ClaimGate(profiles, snapshot.devices.claims_of)
        )
        algorithm = SchedulingAlgorithm(
            profiles, snapshot, self.nominated_pods, lambda: budgets, clock=lambda: 0.0, now=times.now
        )
        self._cycle = SchedulingCycle(
            algorithm,
            snapshot,
            self.queue,
            self.nominated_pods,
            DecisionLog(),
            pending=self._pending,
            failure_handler=self,
            decided=lambda info, decision: self.decided.append((info.uid, decision.result.node_name)),
        )
        for name in nodes:
            node = Node()
            node.metadata.name = name
            for resource, amount in (("cpu", "1"), ("memory", "4Gi"), ("pods", "110")):
                node.status.allocatable[resource].string = amount
            self.handlers.node_changed(Change(Key(GroupKind("", "Node"), "", name), None, node))

    def add(self, name: str, priority: int = 0, cpu: str = "800m", node: str = "") -> None:
        pod = Pod()
        pod.metadata.name, pod.metadata.namespace, pod.metadata.uid = name, "default", f"uid-{name}"
        pod.spec.priority, pod.spec.schedulerName, pod.spec.nodeName = priority, "default-scheduler", node
        pod.spec.containers.add(name="c").resources.requests["cpu"].string = cpu
        self.change(name, pod)

    def remove(self, name: str) -> None:
        self.change(name, None)

    def begin_to_end(self, name: str) -> None:
        """As the API server tells of a victim that has its grace period."""
        ending = Pod()
        ending.CopyFrom(self.pods[Key(GroupKind("", "Pod"), "default", name)])
        ending.metadata.deletionTimestamp.seconds = 1
        ending.status.conditions.add(type="DisruptionTarget", status="True", reason="PreemptionByScheduler")
        self.change(name, ending)

    def scheduled(self) -> dict[str, str]:
        """Where those that are active now go."""
        found = self._cycle.schedule(self.queue.pop(100))
        return {str(each.info.pod.metadata.name): each.node_name for each in found}

    def report_failure(self, pod: Pod, failure: SchedulingFailure) -> None:
        self.failures[pod.metadata.name] = failure

    def evict(self, victim: PodInfo, preemptor: PodInfo, node_name: str) -> None:
        self.evicted.append(victim.pod.metadata.name)

    def release(self, deallocation: Deallocation, pod: Pod) -> None:
        self.released.append((deallocation, pod.metadata.name))

    def change(self, name: str, pod: Pod | None) -> None:
        at = Key(GroupKind("", "Pod"), "default", name)
        old = self.pods.pop(at, None)
        if pod is not None:
            self.pods[at] = pod
        self.handlers.pod_changed(Change(at, old, pod))

    def _pending(self, at: Key) -> Pod | None:
        pod = self.pods.get(at)
        return pod if pod is not None and self.handlers.is_pending(pod) else None


def messages(world: World, names: Iterable[str]) -> list[str]:
    return [world.failures[name].message for name in names]


def test_a_pod_counts_on_its_node_before_the_next_is_judged() -> None:
    world = World("n1")
    world.add("a")
    world.add("b")
    assert world.scheduled() == {"a": "n1"}
    assert world.decided == [("uid-a", "n1"), ("uid-b", "")]
    assert messages(world, ["b"])[0].startswith("0/1 nodes are available: 1 Insufficient cpu.")


def test_a_preemptor_is_nominated_and_gets_the_room_before_its_like() -> None:
    world = World("n1")
    world.add("low", node="n1", cpu="800m")
    for name in ("second", "first", "third"):
        world.add(name, priority=10)
    assert world.scheduled() == {}
    assert world.evicted == ["low"]
    world.begin_to_end("low")
    (nominated,) = [name for name, failure in world.failures.items() if failure.nominated_node == "n1"]
    world.now += 100
    world.add("tiny", cpu="10m", node="n1")
    world.remove("tiny")
    assert world.scheduled() == {}, "those that were woken go to the end of their queue"
    world.now += 100
    world.remove("low")
    homes: dict[str, str] = {}
    while found := world.scheduled():
        homes |= found
    assert homes == {nominated: "n1"}
    assert world.evicted == ["low"]


def test_a_more_important_preemptor_takes_over_and_the_other_looks_anew() -> None:
    world = World("n1", "n2")
    world.add("low", node="n1")
    world.add("full", node="n2", priority=1000)
    world.add("middle", priority=10)
    world.scheduled()
    assert world.nominated_pods.node_of("uid-middle") == "n1"
    world.add("high", priority=100)
    world.scheduled()
    assert world.nominated_pods.node_of("uid-high") == "n1"
    world.scheduled()
    assert world.nominated_pods.node_of("uid-middle") == ""
    assert world.failures["middle"].nominated_node == ""


def test_gated_and_foreign_pods_are_left_alone() -> None:
    world = World("n1")
    gated, foreign = Pod(), Pod()
    for name, pod in (("gated", gated), ("foreign", foreign)):
        pod.metadata.name = pod.metadata.uid = name
        pod.spec.schedulerName = "default-scheduler" if name == "gated" else "mine"
    gated.spec.schedulingGates.add(name="a")
    world.change("gated", gated)
    world.change("foreign", foreign)
    assert world.scheduled() == {}
    free = Pod()
    free.CopyFrom(gated)
    del free.spec.schedulingGates[:]
    world.change("gated", free)
    assert world.scheduled() == {"gated": "n1"}


def _with_devices(world: World) -> None:
    """The node n1 has one device."""
    world.devices.set_class("gpu", allocations.device_class())
    world.devices.set_slice("slice", allocations.resource_slice("slice", {"devices": ["d0"]}))


def test_pods_that_are_scheduled_together_get_no_device_twice() -> None:
    world = World("n1")
    _with_devices(world)
    for name in ("a", "b"):
        world.devices.set_claim(("default", name), allocations.resource_claim(name))
        world.change(name, allocations.claiming_pod(name, name=name))
    assert world.scheduled() == {"a": "n1"}
    assert "1 cannot allocate all claims. still not schedulable, preemption: " in world.failures["b"].message
    assert world.released == []


def test_a_claim_that_keeps_its_only_user_from_all_nodes_is_given_up() -> None:
    world = World("n1")
    _with_devices(world)
    claim = allocations.resource_claim()
    claim.status.allocation.CopyFrom(allocations.given("gone/d0"))
    claim.status.allocation.nodeSelector.nodeSelectorTerms.add().matchFields.add(
        key="metadata.name", operator="In", values=["gone"]
    )
    world.devices.set_claim(("default", "claim"), claim)
    world.change("web", allocations.claiming_pod("claim"))
    assert world.scheduled() == {}
    assert world.released == [(Deallocation("deallocation of ResourceClaim completed", ("default", "claim")), "web")]


def test_a_claim_that_cannot_be_judged_is_told_and_keeps_no_other_pod_waiting() -> None:
    world = World("n1")
    _with_devices(world)
    broken = [{"cel": {"expression": "device.nothing"}}]
    world.devices.set_class("broken", allocations.device_class("broken", selectors=broken))
    requests = [{"name": "r0", "exactly": {"deviceClassName": "broken"}}]
    world.devices.set_claim(("default", "claim"), allocations.resource_claim(requests=requests))
    world.change("web", allocations.claiming_pod("claim"))
    world.add("other")
    assert world.scheduled() == {"other": "n1"}
    failure = world.failures["web"]
    assert failure.reason == "SchedulerError"
    assert failure.message.startswith(
        'running "DynamicResources" filter plugin: class broken: selector #0: CEL compile'
    )
