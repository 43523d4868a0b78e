"""A rolling update in a simulated cluster, whose parts act in any order and know of each other late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.workloads.deployment.bounds import max_surge, max_unavailable
from master.controllers.workloads.deployment.decide import decide
from master.controllers.workloads.replicaset.decide import decide as decide_pods
from master.controllers.workloads.replicaset.decide import with_status
from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.core.v1 import pod_pb2

NOW = 1_000_000
ROUNDS = 400


@dataclass
class Simulation:
    """Deployment controller, ReplicaSet controller and nodes, each taking one step when told to."""

    deployment: deployment_pb2.Deployment
    make_pod: Callable[..., pod_pb2.Pod]
    replica_sets: dict[str, replicaset_pb2.ReplicaSet] = field(default_factory=dict)
    pods: dict[str, list[pod_pb2.Pod]] = field(default_factory=dict)

    def roll(self) -> bool:
        """True when the Deployment controller changed something."""
        known = list(self.replica_sets.values())
        plan = decide(self.deployment, known, pods_of_old_left=len(self.versions() - {self.image}) > 0, now=NOW)
        for changed in (*([plan.create] if plan.create is not None else []), *plan.update):
            changed.metadata.uid = changed.metadata.name
            changed.metadata.generation += 1
            self.replica_sets[changed.metadata.name] = changed
        for outdated in plan.delete:
            del self.replica_sets[outdated.metadata.name]
        self.deployment.status.CopyFrom(plan.status)
        return bool(plan.create or plan.update or plan.delete)

    def sync(self, name: str) -> bool:
        """True when the ReplicaSet controller changed pods or status."""
        replica_set, pods = self.replica_sets[name], self.pods.setdefault(name, [])
        plan = decide_pods(replica_set, pods, pods, NOW)
        doomed = {pod.metadata.uid for pod in plan.delete}
        pods[:] = [pod for pod in pods if pod.metadata.uid not in doomed]
        pods.extend(self.make_pod(app="web", ready=False, node="") for _ in range(plan.create))
        status = with_status(replica_set, pods, None, NOW).status
        changed = bool(plan.create or doomed or status != replica_set.status)
        replica_set.status.CopyFrom(status)
        return changed

    def start_one(self) -> bool:
        """True when there was a pod that was not ready yet, and now is."""
        for pods in self.pods.values():
            for pod in pods:
                if pod.status.conditions[0].status == "False":
                    pod.status.conditions[0].status = "True"
                    return True
        return False

    def settle(self) -> None:
        for _ in range(ROUNDS):
            moved = [self.roll(), *[self.sync(name) for name in list(self.replica_sets)], self.start_one()]
            if not any(moved):
                return
        raise AssertionError(f"the rollout did not end within {ROUNDS} rounds")

    @property
    def image(self) -> str:
        """What is asked for now."""
        return self.deployment.spec.template.spec.containers[0].image

    def versions(self) -> set[str]:
        """Images of the pods that there are."""
        return {
            self.replica_sets[name].spec.template.spec.containers[0].image for name, pods in self.pods.items() if pods
        }

    def present(self) -> int:
        return sum(len(pods) for pods in self.pods.values())

    def available(self) -> int:
        return sum(pod.status.conditions[0].status == "True" for pods in self.pods.values() for pod in pods)


shares = st.one_of(st.integers(0, 4), st.sampled_from(["0%", "10%", "25%", "50%", "100%"]))
# Long and with few changes of mind, or the interesting races are never reached.
often = ["roll"] * 4 + ["sync"] * 6 + ["start"] * 4 + ["image"]
steps = st.lists(st.tuples(st.sampled_from(often), st.integers(0, 3)), min_size=20, max_size=80)


@settings(max_examples=150)
@given(replicas=st.integers(0, 9), surge=shares, unavailable=shares, order=steps)
def test_a_rollout_stays_within_its_bounds_in_any_order_of_events_and_ends(
    deployment: Any, pod: Any, replicas: int, surge: int | str, unavailable: int | str, order: list[tuple[str, int]]
) -> None:
    cluster = Simulation(deployment(replicas, image="v0", surge=surge, unavailable=unavailable), pod)
    cluster.settle()
    least = replicas - max_unavailable(cluster.deployment)
    most = replicas + max_surge(cluster.deployment)
    cluster.deployment.spec.template.spec.containers[0].image = "v1"
    for step, number in order:
        names = sorted(cluster.replica_sets)
        if step == "roll":
            cluster.roll()
        elif step == "sync":
            cluster.sync(names[number % len(names)])
        elif step == "start":
            cluster.start_one()
        else:
            cluster.deployment.spec.template.spec.containers[0].image = f"v{number}"
        assert cluster.available() >= least, "too few pods are available"
        assert cluster.present() <= most, "there are too many pods"
    cluster.settle()
    assert cluster.present() == cluster.available() == replicas
    image = cluster.deployment.spec.template.spec.containers[0].image
    for name, pods in cluster.pods.items():
        current = cluster.replica_sets.get(name)
        assert not pods or (current is not None and current.spec.template.spec.containers[0].image == image)


@settings(max_examples=100)
@given(sizes=st.lists(st.integers(0, 12), min_size=1, max_size=4), early=st.integers(0, 10))
def test_scaling_in_the_middle_of_a_rollout_ends_at_the_last_size(
    deployment: Any, pod: Any, sizes: list[int], early: int
) -> None:
    cluster = Simulation(deployment(6, image="v0"), pod)
    cluster.settle()
    cluster.deployment.spec.template.spec.containers[0].image = "v1"
    for size in sizes:
        for _ in range(early):
            cluster.roll()
            for name in list(cluster.replica_sets):
                cluster.sync(name)
            cluster.start_one()
        cluster.deployment.spec.replicas = size
    cluster.settle()
    assert cluster.present() == cluster.available() == sizes[-1]


@settings(max_examples=100)
@given(replicas=st.integers(0, 6), order=steps)
def test_a_recreation_never_has_pods_of_two_versions_and_ends(
    deployment: Any, pod: Any, replicas: int, order: list[tuple[str, int]]
) -> None:
    cluster = Simulation(deployment(replicas, image="v0"), pod)
    cluster.deployment.spec.strategy.Clear()
    cluster.deployment.spec.strategy.type = "Recreate"
    cluster.settle()
    for step, number in order:
        names = sorted(cluster.replica_sets)
        if step == "roll":
            cluster.roll()
        elif step == "sync":
            cluster.sync(names[number % len(names)])
        elif step == "start":
            cluster.start_one()
        else:
            cluster.deployment.spec.template.spec.containers[0].image = f"v{number}"
        assert len(cluster.versions()) <= 1, "pods of two versions"
    cluster.settle()
    assert cluster.present() == cluster.available() == replicas
    assert cluster.versions() <= {cluster.image}
