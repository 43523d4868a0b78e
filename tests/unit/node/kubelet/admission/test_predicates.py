"""What keeps a pod from the node, with Kubernetes' reasons and words."""

from __future__ import annotations

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.kubelet_pods import Json, MakePod

from node.kubelet.admission.predicates import failed_predicates, unenforceable
from podlab.core.v1 import node_pb2
from podlab.meta.v1 import meta_pb2


def quantities(**amounts: str) -> dict[str, meta_pb2.Quantity]:
    return {name.replace("__", "/"): meta_pb2.Quantity(string=amount) for name, amount in amounts.items()}


OFFERED = {
    **quantities(cpu="2", memory="1Gi", pods="3", example_com__gpu="1"),
    "ephemeral-storage": meta_pb2.Quantity(string="10Gi"),
}


def node(*taints: dict[str, str]) -> node_pb2.Node:
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"disk": "ssd"}},
        "spec": {"taints": list(taints), "unschedulable": True},
    })  # fmt: skip
    assert isinstance(made, node_pb2.Node)
    return made


def asks(**requests: str) -> Json:
    named = {name.replace("__", "/").replace("ephemeral", "ephemeral-storage"): one for name, one in requests.items()}
    return {"containers": [{"name": "web", "image": "i", "resources": {"requests": named}}]}


def port(number: int, **more: str) -> Json:
    ports = [{"containerPort": 80, "hostPort": number, **more}]
    return {"containers": [{"name": "web", "image": "i", "ports": ports}]}


def affinity(key: str, *values: str) -> Json:
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"affinity": {"nodeAffinity": required}}


def lacking(resource: str, requested: int, used: int, capacity: int) -> tuple[str, str]:
    about = f"{resource}, requested: {requested}, used: {used}, capacity: {capacity}"
    return f"OutOf{resource}", f"Node didn't have enough resource: {about}"


AFFINITY = ("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
PORTS = ("NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports")
TAINTS = ("TaintToleration", "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate")
EXECUTE = {"key": "down", "value": "yes", "effect": "NoExecute"}
SCHEDULE = {"key": "down", "value": "yes", "effect": "NoSchedule"}
SIDECAR = {"initContainers": [{"name": "side", "image": "i", "restartPolicy": "Always",
                               "ports": [{"containerPort": 1, "hostPort": 8080}]}]}  # fmt: skip

CASES: list[tuple[str, Json, list[Json], list[tuple[str, str]]]] = [
    ("a pod that asks for nothing", {}, [{}, {}], []),
    ("all there is", asks(cpu="2", memory="1Gi", ephemeral="10Gi"), [{}], []),
    ("100 processors", asks(cpu="100"), [asks(cpu="300m")], [lacking("cpu", 100_000, 300, 2000)]),
    ("one thousandth too much", asks(cpu="1m"), [asks(cpu="2")], [lacking("cpu", 1, 2000, 2000)]),
    ("memory", asks(memory="2Gi"), [], [lacking("memory", 2 << 30, 0, 1 << 30)]),
    ("disk", asks(ephemeral="11Gi"), [], [lacking("ephemeral-storage", 11 << 30, 0, 10 << 30)]),
    ("over maxPods", {}, [{}, {}, {}], [lacking("pods", 1, 3, 3)]),
    ("a resource that the node has", asks(example_com__gpu="2"), [], [lacking("example_com/gpu", 2, 0, 1)]),
    ("a resource that no node has", asks(example_com__tpu="2"), [], []),
    ("overhead counts", {**asks(cpu="1900m"), "overhead": {"cpu": "200m"}}, [], [lacking("cpu", 2100, 0, 2000)]),
    ("the first lack is told first", asks(cpu="3", memory="2Gi"), [{}, {}, {}],
     [lacking("pods", 1, 3, 3), lacking("cpu", 3000, 0, 2000), lacking("memory", 2 << 30, 0, 1 << 30)]),
    ("a selector that fits", {"nodeSelector": {"disk": "ssd"}}, [], []),
    ("a selector that does not", {"nodeSelector": {"disk": "hdd"}}, [], [AFFINITY]),
    ("affinity that fits", affinity("disk", "ssd", "nvme"), [], []),
    ("affinity that does not", affinity("zone", "a"), [], [AFFINITY]),
    ("a free port", port(8080), [port(8081), port(8080, protocol="UDP")], []),
    ("a taken port", port(8080), [port(8080)], [PORTS]),
    ("a port taken on all addresses", port(8080, hostIP="127.0.0.1"), [port(8080, hostIP="0.0.0.0")], [PORTS]),
    ("a port of another address", port(8080, hostIP="127.0.0.1"), [port(8080, hostIP="127.0.0.2")], []),
    ("a port taken by a sidecar", port(8080), [SIDECAR], [PORTS]),
    ("several", {**port(8080), "nodeSelector": {"a": "b"}}, [port(8080)], [AFFINITY, PORTS]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "others", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_keeps_a_pod_from_a_node(
    pod: MakePod, spec: Json, others: list[Json], told: list[tuple[str, str]]
) -> None:
    found = failed_predicates(pod(**spec), node(), OFFERED, [pod(**other) for other in others])
    assert [(each.reason, each.message) for each in found] == told


@pytest.mark.parametrize(
    ("taint", "tolerations", "told"),
    [
        (EXECUTE, [], [TAINTS]),
        (EXECUTE, [{"key": "down", "operator": "Exists", "effect": "NoSchedule"}], [TAINTS]),
        (EXECUTE, [{"key": "down", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}], []),
        (EXECUTE, [{"operator": "Exists"}], []),
        (SCHEDULE, [], []),
        ({**SCHEDULE, "effect": "PreferNoSchedule"}, [], []),
    ],
)
def test_only_taints_that_end_pods_keep_one_from_beginning(
    pod: MakePod, taint: dict[str, str], tolerations: list[Json], told: list[tuple[str, str]]
) -> None:
    found = failed_predicates(pod(tolerations=tolerations), node(taint), OFFERED, [])
    assert [(each.reason, each.message) for each in found] == told


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({}, None),
        ({"securityContext": {"appArmorProfile": {"type": "Unconfined"}, "supplementalGroupsPolicy": "Merge"}}, None),
        ({"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}, "AppArmor"),
        ({"securityContext": {"supplementalGroupsPolicy": "Strict"}}, "SupplementalGroupsPolicyNotSupported"),
    ],
)
def test_what_would_protect_a_pod_is_there_or_the_pod_does_not_run(
    pod: MakePod, spec: Json, reason: str | None
) -> None:
    told = unenforceable(pod(**spec), node(), apparmor=False)
    assert (told[0] if told else None) == reason
    able = node()
    able.status.features.supplementalGroupsPolicy = True
    assert unenforceable(pod(**spec), able, apparmor=True) is None


def test_a_container_may_ask_for_a_profile_of_its_own(pod: MakePod) -> None:
    guarded = {"appArmorProfile": {"type": "Localhost", "localhostProfile": "x"}}
    asking = pod(containers=[{"name": "web", "image": "i", "securityContext": guarded}])
    assert unenforceable(asking, node(), apparmor=False) == (
        "AppArmor",
        "Cannot enforce AppArmor: AppArmor is not enabled on the host",
    )
