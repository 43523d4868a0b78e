"""Random objects of the network, for churn: whatever is asked for is valid, and a seed gives the same again. Pure."""

from __future__ import annotations

from random import Random
from typing import Any

from podlab_testing.deployed import container

Thing = dict[str, Any]

APPS = ("app-0", "app-1", "app-2")
SERVICES = tuple(f"svc-{number}" for number in range(8))
POLICIES = tuple(f"policy-{number}" for number in range(4))
PODS = ("pod-0", "pod-1")
NAMESPACE_LABELS = ("red", "green", "blue")
MOST_REPLICAS = 3
PORTS = (("http", "TCP", 80, "http"), ("names", "UDP", 53, 5353), ("signals", "SCTP", 132, 1320))
# Of nobody's (RFC 5737): Services' external addresses, hand-made endpoints.
OUTSIDE = tuple(f"198.51.100.{number}" for number in range(1, 9))


def deployment(chance: Random, name: str) -> Thing:
    """As many pods as it happens, of a version that may be another one."""
    version = {"name": "VERSION", "value": str(chance.randrange(100))}
    box = container(lifecycle=None, env=[version])
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [box], "terminationGracePeriodSeconds": 1},
    }
    spec = {"replicas": chance.randint(0, MOST_REPLICAS), "selector": {"matchLabels": {"app": name}}}
    return _thing("apps/v1", "Deployment", name, {**spec, "template": template})


def pod(chance: Random, name: str) -> Thing:
    """A pod of its own; sometimes at a port of its host, sometimes one that ends."""
    box = container(lifecycle=None)
    if chance.random() < 0.3:
        box["ports"][0]["hostPort"] = 18300 + PODS.index(name)
    spec: Thing = {"containers": [box], "terminationGracePeriodSeconds": chance.choice((0, 1))}
    if chance.random() < 0.2:
        box |= {"command": ["sh", "-c", "sleep 1"]}
        spec["restartPolicy"] = "Never"
    found = _thing("v1", "Pod", name, spec)
    found["metadata"]["labels"] = {"app": chance.choice(APPS)}
    return found


def service(chance: Random, name: str) -> Thing:
    """Of any type, with ports of any protocol."""
    kind = chance.choice(("ClusterIP", "ClusterIP", "NodePort", "NodePort", "LoadBalancer", "None", "ExternalName"))
    if kind == "ExternalName":
        return _thing("v1", "Service", name, {"type": kind, "externalName": f"kubernetes.default.{_domain(chance)}"})
    chosen = chance.sample(PORTS, chance.randint(1, len(PORTS)))
    ports = [dict(zip(("name", "protocol", "port", "targetPort"), each, strict=True)) for each in chosen]
    spec: Thing = {"ports": ports, "selector": {"app": chance.choice(APPS)}}
    if kind == "None":
        spec |= {"clusterIP": "None", "publishNotReadyAddresses": chance.random() < 0.5}
        return _thing("v1", "Service", name, spec)
    spec["type"] = kind
    if chance.random() < 0.3:
        spec |= {"sessionAffinity": "ClientIP"}
    if chance.random() < 0.2:
        spec |= {"internalTrafficPolicy": "Local"}
    if kind != "ClusterIP" and chance.random() < 0.4:
        spec |= {"externalTrafficPolicy": "Local"}
    if chance.random() < 0.2:
        spec |= {"externalIPs": [chance.choice(OUTSIDE)]}
    return _thing("v1", "Service", name, spec)


def endpoint_slice(chance: Random, service_name: str) -> Thing:
    """Endpoints of somebody else's, beside those of the Service's selector."""
    endpoints = [{"addresses": [address]} for address in chance.sample(OUTSIDE, chance.randint(1, 3))]
    ports = [{"name": name, "protocol": protocol, "port": 1000 + port} for name, protocol, port, _ in PORTS]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service_name}-by-hand", "labels": {"kubernetes.io/service-name": service_name}},
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": endpoints,
    }


def policy(chance: Random, name: str) -> Thing:
    """One or both directions, peers of all sorts, ports and ranges."""
    spec: Thing = {
        "podSelector": _selector(chance),
        "policyTypes": chance.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"])),
    }
    for direction, side in (("Ingress", "from"), ("Egress", "to")):
        if direction in spec["policyTypes"]:
            rules = [{side: [_peer(chance)], "ports": [_port(chance)]} for _ in range(chance.randint(0, 2))]
            spec[direction.lower()] = rules
    return _thing("networking.k8s.io/v1", "NetworkPolicy", name, spec)


def namespace(chance: Random, name: str) -> Thing:
    """The namespace with another colour."""
    labels = {"colour": chance.choice(NAMESPACE_LABELS)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _selector(chance: Random) -> Thing:
    return chance.choice(({}, {"matchLabels": {"app": chance.choice(APPS)}}))


def _peer(chance: Random) -> Thing:
    colours = {"matchLabels": {"colour": chance.choice(NAMESPACE_LABELS)}}
    block = {"cidr": "198.51.100.0/24", "except": [f"{chance.choice(OUTSIDE)}/32"]}
    return chance.choice(
        (
            {"podSelector": _selector(chance)},
            {"namespaceSelector": colours},
            {"namespaceSelector": colours, "podSelector": _selector(chance)},
            {"ipBlock": block},
        )
    )


def _port(chance: Random) -> Thing:
    return chance.choice(
        ({"port": "http"}, {"protocol": "UDP", "port": 53}, {"port": 8000, "endPort": 8000 + chance.randrange(200)})
    )


def _domain(chance: Random) -> str:
    return chance.choice(("svc.cluster.local", "outside.test"))


def _thing(version: str, kind: str, name: str, spec: Thing) -> Thing:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
