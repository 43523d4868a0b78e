"""Verdicts of NetworkPolicies as data, and the small cluster that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from node.networkpolicy.cluster import Cluster
from node.networkpolicy.compiled import compile_policy
from node.networkpolicy.pods import NamedPort, PolicyPod
from node.networkpolicy.table import Packet, PolicyTable, passes
from node.networkpolicy.verdict import Policies
from podlab.api.serializer import codec
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy, NetworkPolicySpec

NAMESPACES: Mapping[str, Mapping[str, str]] = {
    "shop": {"kubernetes.io/metadata.name": "shop", "team": "a"},
    "ops": {"kubernetes.io/metadata.name": "ops", "team": "b", "tier": "infra"},
    "lab": {"kubernetes.io/metadata.name": "lab", "team": "a", "tier": "test"},
}
_HTTP = NamedPort("http", "tcp", 80)
PODS = {
    "web": PolicyPod("shop", "web", {"app": "web"}, "10.244.1.5", "n1", (_HTTP,)),
    "db": PolicyPod(
        "shop", "db", {"app": "db"}, "10.244.1.6", "n1", (NamedPort("sql", "tcp", 5432), NamedPort("dns", "udp", 53))
    ),
    "probe": PolicyPod("ops", "probe", {"app": "probe"}, "10.244.1.7", "n1"),
    "cache": PolicyPod(
        "shop", "cache", {"app": "cache", "tier": "back"}, "10.244.2.5", "n2", (NamedPort("http", "tcp", 8080),)
    ),
    "opsweb": PolicyPod("ops", "web", {"app": "web"}, "10.244.2.6", "n2", (_HTTP,)),
    "job": PolicyPod("lab", "job", {"app": "job"}, "10.244.2.7", "n2"),
}
OUTSIDE = {"outside": "203.0.113.9", "outside200": "203.0.113.200", "elsewhere": "198.51.100.7"}
NODES = {"192.0.2.1": "n1", "10.244.1.1": "n1", "192.0.2.2": "n2", "10.244.2.1": "n2"}
PLACES = {
    **{name: pod.address for name, pod in PODS.items()},
    **OUTSIDE,
    "node": "192.0.2.1",
    "gateway": "10.244.1.1",
    "othernode": "192.0.2.2",
}


@dataclass(frozen=True)
class PolicyCase:
    """Policies, packets that pass by them, and packets that do not."""

    name: str
    policies: tuple[NetworkPolicy, ...]
    passing: tuple[Packet, ...]
    stopped: tuple[Packet, ...]


def policy_cases() -> list[PolicyCase]:
    """All of them; a policy is named after its place in its case."""
    told = yaml.safe_load(Path(__file__).with_name("policy_cases.yaml").read_text())
    return [
        PolicyCase(
            case["name"],
            tuple(policy(number, **spec) for number, spec in enumerate(case["policies"])),
            tuple(map(packet, case.get("passes", ()))),
            tuple(map(packet, case.get("stops", ()))),
        )
        for case in told
    ]


def policy(number: int, namespace: str = "shop", **spec: object) -> NetworkPolicy:
    """A policy of that spec, as its manifest has it."""
    return NetworkPolicy(
        metadata=ObjectMeta(name=f"policy-{number}", namespace=namespace),
        spec=codec.part_from_dict(spec, NetworkPolicySpec),
    )


def packet(text: str) -> Packet:
    """From `web > db tcp 5432`."""
    source, _, destination, protocol, port = text.split()
    return Packet(PLACES[source], PLACES[destination], protocol, int(port))


def definition(policies: Iterable[NetworkPolicy], pods: Iterable[PolicyPod] = PODS.values()) -> Policies:
    """What they say by definition."""
    return Policies(policies, NAMESPACES, pods, NODES)


def cluster(node: str, policies: Iterable[NetworkPolicy], pods: Iterable[PolicyPod] = PODS.values()) -> Cluster:
    """What a node makes of them."""
    made = Cluster(node)
    for name, labels in NAMESPACES.items():
        made.set_namespace(name, labels)
    for pod in pods:
        made.set_pod(pod.namespace, pod.name, pod)
    for each in policies:
        made.set_policy(each.metadata.namespace, each.metadata.name, compile_policy(each))
    return made


def gets_through(tables: Mapping[str, PolicyTable], found: Packet) -> bool:
    """By the rules of the nodes, by name: a node's own packets meet none on it, and each node stands by its pods."""
    own = {name for address in (found.source, found.destination) if (name := NODES.get(address))}
    return all(name in own or passes(table, found) for name, table in tables.items())
