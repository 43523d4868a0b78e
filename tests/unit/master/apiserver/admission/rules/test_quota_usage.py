from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.admission.rules import quota_usage
from podlab.api import kinds, usage

NAMESPACE = {"namespace": "team"}


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> Any:
    status = {"hard": hard, "used": dict.fromkeys(hard, "0") if used is None else used}
    metadata = {"name": "q", **NAMESPACE}
    return builtin_kinds.read(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": metadata,
            "spec": {"hard": hard, **spec},
            "status": status,
        }
    )


def pod(requests: dict[str, str] | None = None, phase: str = "Pending", **spec: Any) -> Any:
    container = {"name": "main", "resources": {"requests": requests or {}, "limits": requests or {}}}
    status = {"phase": phase, "qosClass": "Burstable" if requests else "BestEffort"}
    metadata = {"name": "web", **NAMESPACE}
    return builtin_kinds.read(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "status": status,
            "spec": {"containers": [container], **spec},
        }
    )


def service(kind: str, ports: int, **more: Any) -> Any:
    spec = {"type": kind, "ports": [{"name": f"p{number}", "port": number + 1} for number in range(ports)], **more}
    return builtin_kinds.read(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", **NAMESPACE}, "spec": spec}
    )


def config(name: str = "c") -> Any:
    return builtin_kinds.read({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **NAMESPACE}})


def difference(given: Any, new: Any, old: Any) -> Any:
    return quota_usage.difference(given, kinds.of(new if new is not None else old), new, old)


def near(term: dict[str, Any]) -> dict[str, Any]:
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone", **term}]}}


def apart(term: dict[str, Any]) -> dict[str, Any]:
    wish = {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", **term}}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}


def asked(of_class: str, count: int) -> dict[str, Any]:
    """All that there are when `count` is 0."""
    mode = {"allocationMode": "ExactCount", "count": count} if count else {"allocationMode": "All"}
    return {"deviceClassName": of_class, **mode}


def exactly(of_class: str, count: int) -> dict[str, Any]:
    return {"exactly": asked(of_class, count)}


def devices(*requests: dict[str, Any]) -> Any:
    spec = {"devices": {"requests": [{"name": f"r{at}", **request} for at, request in enumerate(requests)]}}
    metadata = {"name": "c", **NAMESPACE}
    return builtin_kinds.read(
        {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": metadata, "spec": spec}
    )


GPUS, NICS = "gpus.deviceclass.resource.k8s.io/devices", "nics.deviceclass.resource.k8s.io/devices"
OF_SERVICES = {"services.nodeports": "5", "services.loadbalancers": "5"}
ALL = {"pods": "10", "count/pods": "10", "requests.cpu": "10", "cpu": "10", "limits.memory": "10Gi"}
CASES = [
    (ALL, {}, pod({"cpu": "500m"}), None, {"pods": 1, "count/pods": 1, "requests.cpu": 0.5, "cpu": 0.5}),
    (ALL, {}, None, pod({"cpu": "500m"}), {"pods": -1, "count/pods": -1, "requests.cpu": -0.5, "cpu": -0.5}),
    (ALL, {}, pod({"cpu": "1"}, "Succeeded"), pod({"cpu": "1"}), {"pods": -1, "requests.cpu": -1, "cpu": -1}),
    (ALL, {"scopes": ["BestEffort"]}, pod({"cpu": "1"}), None, {}),
    ({"pods": "1"}, {"scopes": ["NotBestEffort"]}, pod({"cpu": "1"}), None, {"pods": 1}),
    ({"pods": "1"}, {"scopes": ["Terminating"]}, pod(activeDeadlineSeconds=5), None, {"pods": 1}),
    ({"pods": "1"}, {"scopes": ["NotTerminating"]}, pod(activeDeadlineSeconds=5), None, {}),
    (
        {"services": "5", "services.nodeports": "5"},
        {},
        service("NodePort", 2),
        None,
        {"services": 1, "services.nodeports": 2},
    ),
    ({"services.nodeports": "5"}, {}, service("ClusterIP", 2), service("NodePort", 2), {"services.nodeports": -2}),
    (OF_SERVICES, {}, service("LoadBalancer", 2), None, {"services.nodeports": 2, "services.loadbalancers": 1}),
    (
        OF_SERVICES,
        {},
        service("LoadBalancer", 2, allocateLoadBalancerNodePorts=False),
        service("NodePort", 2),
        {"services.nodeports": -2, "services.loadbalancers": 1},
    ),
    (OF_SERVICES, {}, service("NodePort", 1), service("LoadBalancer", 1), {"services.loadbalancers": -1}),
    (
        {"pods": "1"},
        {"scopes": ["CrossNamespacePodAffinity"]},
        pod(affinity=near({"namespaces": ["a"]})),
        None,
        {"pods": 1},
    ),
    (
        {"pods": "1"},
        {"scopes": ["CrossNamespacePodAffinity"]},
        pod(affinity=apart({"namespaceSelector": {}})),
        None,
        {"pods": 1},
    ),
    ({"pods": "1"}, {"scopes": ["CrossNamespacePodAffinity"]}, pod(affinity=near({})), None, {}),
    (
        {"count/pods": "5", "requests.example.com/gpu": "5"},
        {"scopes": ["NotBestEffort"]},
        pod({"cpu": "1", "example.com/gpu": "2"}),
        None,
        {"count/pods": 1, "requests.example.com/gpu": 2},
    ),
    ({"configmaps": "5", "count/configmaps": "5"}, {}, config(), None, {"configmaps": 1, "count/configmaps": 1}),
    ({"pods": "5"}, {}, config(), None, {}),
    (
        {"count/resourceclaims.resource.k8s.io": "5", GPUS: "5", NICS: "5"},
        {},
        devices(exactly("gpus", 2), exactly("gpus", 1), exactly("nics", 1)),
        None,
        {"count/resourceclaims.resource.k8s.io": 1, GPUS: 3, NICS: 1},
    ),
    ({GPUS: "5"}, {}, devices(exactly("gpus", 0)), None, {GPUS: 32}),
    (
        {GPUS: "5", NICS: "5"},
        {},
        None,
        devices({"firstAvailable": [asked("gpus", 4), asked("gpus", 2), asked("nics", 1)]}),
        {GPUS: -4, NICS: -1},
    ),
]


@pytest.mark.parametrize(("hard", "spec", "new", "old", "changes"), CASES)
def test_what_a_write_changes(hard: Any, spec: Any, new: Any, old: Any, changes: dict[str, float]) -> None:
    assert difference(quota(hard, **spec), new, old) == changes


@pytest.mark.parametrize(
    ("operator", "values", "name", "counted"),
    [
        ("In", ["high"], "high", True),
        ("In", ["high"], "low", False),
        ("NotIn", ["high"], "low", True),
        ("Exists", [], "low", True),
        ("Exists", [], "", False),
        ("DoesNotExist", [], "", True),
    ],
)
def test_a_quota_may_be_for_some_priority_classes(operator: str, values: list[str], name: str, counted: bool) -> None:
    wanted = [{"scopeName": "PriorityClass", "operator": operator, "values": values}]
    given = quota({"pods": "1"}, scopeSelector={"matchExpressions": wanted})
    assert bool(difference(given, pod(priorityClassName=name), None)) is counted


@pytest.mark.parametrize(
    ("given", "new", "told"),
    [
        (quota({"pods": "2"}, {"pods": "1"}), pod(), ""),
        (
            quota({"pods": "2"}, {"pods": "2"}),
            pod(),
            "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
        ),
        (
            quota({"cpu": "1", "limits.memory": "1Gi"}, {"cpu": "700m", "limits.memory": "512Mi"}),
            pod({"cpu": "500m", "memory": "1Gi"}),
            "exceeded quota: q, requested: cpu=500m,limits.memory=1Gi, used: cpu=700m,limits.memory=512Mi,"
            " limited: cpu=1,limits.memory=1Gi",
        ),
        (
            quota({"limits.cpu": "1", "requests.memory": "1Gi"}),
            pod(),
            "failed quota: q: must specify limits.cpu for: main; requests.memory for: main",
        ),
        # What it counts nothing of is asked for all the same; what is out of its scope is not.
        (quota({"requests.cpu": "1"}), pod(), "failed quota: q: must specify requests.cpu for: main"),
        (
            quota({"cpu": "1", "pods": "9"}, {"cpu": "0"}),
            pod({"memory": "1Mi"}, initContainers=[{"name": "first", "image": "i"}]),
            "failed quota: q: must specify cpu for: first,main",
        ),
        (quota({"requests.cpu": "1"}, scopes=["Terminating"]), pod(), ""),
        (quota({"requests.ephemeral-storage": "1"}), pod(), ""),
        (quota({"requests.cpu": "1"}), config(), ""),
        (
            quota({"services.loadbalancers": "1"}, {}),
            service("ClusterIP", 1),
            "status unknown for quota: q, resources: services.loadbalancers",
        ),
        (quota({"pods": "2"}, {}), pod(), "status unknown for quota: q, resources: pods"),
    ],
)
def test_a_quota_says_why_it_does_not_allow_it(given: Any, new: Any, told: str) -> None:
    more = difference(given, new, None)
    assert quota_usage.refusal(given, kinds.of(new), new=new, old=None, more=more) == told


def test_who_lets_go_is_never_refused() -> None:
    given = quota({"pods": "1"}, {"pods": "3"})
    more = difference(given, pod(phase="Failed"), pod())
    assert quota_usage.refusal(given, kinds.of(pod()), new=pod(phase="Failed"), old=pod(), more=more) == ""
    assert quota_usage.charged(given, more).status.used["pods"].string == "2"


def test_amounts_are_written_as_people_write_them() -> None:
    given = quota({"cpu": "4", "limits.memory": "4Gi"}, {"cpu": "1", "limits.memory": "512Mi"})
    after = quota_usage.charged(given, difference(given, pod({"cpu": "250m", "memory": "512Mi"}), None))
    assert {name: amount.string for name, amount in after.status.used.items()} == {
        "cpu": "1250m",
        "limits.memory": "1Gi",
    }


def test_a_quota_can_be_counted_from_the_start() -> None:
    given = quota({"pods": "5", "requests.cpu": "5", "configmaps": "5"}, {"secrets": "9"})
    objects = (pod({"cpu": "500m"}), pod({"cpu": "1"}), pod(phase="Failed"), config())
    usage.recount(given, [(each, kinds.of(each)) for each in objects])
    assert {name: amount.string for name, amount in given.status.used.items()} == {
        "pods": "2",
        "requests.cpu": "1500m",
        "configmaps": "1",
    }
    assert given.status.hard == given.spec.hard


def test_init_containers_count_with_their_largest_moment() -> None:
    given = pod({"cpu": "1"})
    for name, amount, policy in (("sidecar", "2", "Always"), ("first", "500m", ""), ("second", "3", "")):
        container = given.spec.initContainers.add(name=name)
        container.resources.requests["cpu"].string = amount
        if policy:
            container.restartPolicy = policy
    assert difference(quota({"cpu": "9"}), given, None) == {"cpu": 5}
