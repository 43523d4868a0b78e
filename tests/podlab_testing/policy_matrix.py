"""Nine pods in three namespaces of a lab, and which of them reach which: the cases' cluster, for real."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import product
from typing import Any

from node.networkpolicy.pods import PolicyPod, policy_pod
from node.networkpolicy.table import Packet
from node.networkpolicy.verdict import Policies
from podlab.api.serializer import codec
from podlab.core.v1.pod_pb2 import Pod
from podlab.lab.lab import Lab
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy
from podlab_testing.deployed import IMAGE, Cli, wait_until
from podlab_testing.policy_cases import NAMESPACES
from podlab_testing.source_code import PROJECT

PROBER = PROJECT / "tests/podlab_testing/prober.py"
PYTHON = "/usr/bin/python3"
# The demo image has no Python: the node's is mounted.
LIBRARIES = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
PODS: Mapping[str, tuple[dict[str, str], list[dict[str, Any]]]] = {
    "web": ({"app": "web"}, [{"name": "http", "containerPort": 80}]),
    "db": (
        {"app": "db"},
        [{"name": "sql", "containerPort": 5432}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}],
    ),
    "cache": ({"app": "cache", "tier": "back"}, [{"name": "http", "containerPort": 8080}]),
}
TCP, UDP, PROBE_PORT = (80, 81, 5432, 8080), (53,), 7000
PORTS = [*(("tcp", port) for port in TCP), *(("udp", port) for port in UDP)]
IN_FORCE_WITHIN_S = 60.0


@dataclass
class Matrix:
    """`names`: what cases call a namespace -> what it is called on the lab; `pods` by the cases' namespace and name."""

    cli: Cli
    lab: Lab
    names: dict[str, str]
    pods: dict[tuple[str, str], PolicyPod] = field(default_factory=dict)
    applied: dict[tuple[str, str], NetworkPolicy] = field(default_factory=dict)

    def apply(self, policies: Iterable[NetworkPolicy]) -> None:
        """These policies of a case, and none of those before."""
        wanted = {}
        for policy in policies:
            body = codec.to_dict(policy)
            renamed = json.loads(self._renamed(json.dumps(body)))
            key = self.names[policy.metadata.namespace], policy.metadata.name
            renamed["metadata"] |= {"namespace": key[0]}
            self.cli.rest.apply(renamed)
            wanted[key] = codec.part_from_dict({name: renamed[name] for name in ("metadata", "spec")}, NetworkPolicy)
        for namespace, name in self.applied.keys() - wanted.keys():
            self.cli.rest.delete("networkpolicy", name, "-n", namespace)
        self.applied = wanted

    def _renamed(self, text: str) -> str:
        for told, real in self.names.items():
            text = text.replace(f'"kubernetes.io/metadata.name": "{told}"', f'"kubernetes.io/metadata.name": "{real}"')
        return text

    def expected(self) -> set[Packet]:
        """What passes of all pairs, by the policies' definition."""
        namespaces = {
            self.names[told]: labels | {"kubernetes.io/metadata.name": self.names[told]}
            for told, labels in ((told, dict(labels)) for told, labels in NAMESPACES.items())
        }
        said = Policies(self.applied.values(), namespaces, self.pods.values(), self._nodes())
        return {packet for packet in self.pairs() if said.verdict(packet).allowed}

    def _nodes(self) -> dict[str, str]:
        """Each node's own addresses: its own, and that on its pods' bridge."""
        found: dict[str, str] = {}
        for node in self.cli.items("nodes"):
            name = node["metadata"]["name"]
            own = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
            found |= dict.fromkeys([*own, str(next(ip_network(node["spec"]["podCIDR"]).hosts()))], name)
        return found

    def pairs(self) -> list[Packet]:
        """Each pod to each, itself included, at all ports."""
        addresses = [pod.address for pod in self.pods.values()]
        return [Packet(source, to, *port) for source, to, port in product(addresses, addresses, PORTS)]

    def passing(self) -> set[Packet]:
        """What really passes of all pairs."""
        pairs = self.pairs()
        targets: dict[str, list[Packet]] = {}
        for packet in pairs:
            targets.setdefault(packet.source, []).append(packet)
        requests = {
            source: {"reach": [[each.destination, each.protocol, each.port] for each in found]}
            for source, found in targets.items()
        }
        answers = self.ask(requests)
        return {
            packet
            for source, found in targets.items()
            for packet, passed in zip(found, answers[source], strict=True)
            if passed
        }

    def ask(self, requests: Mapping[str, Any]) -> dict[str, Any]:
        """Each pod, through its own node: that reaches it whatever policies say."""
        nodes: dict[str, dict[str, Any]] = {}
        where = {pod.address: pod.node for pod in self.pods.values()}
        for address, request in requests.items():
            nodes.setdefault(where[address], {})[address] = request
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda item: self._ask_through(*item), nodes.items())
            return {address: answer for answers in found for address, answer in answers.items()}

    def _ask_through(self, node: str, requests: dict[str, Any]) -> dict[str, Any]:
        done = self.lab.run(node, ["python3", "-c", PROBER.read_text(), "ask", json.dumps(requests)])
        assert done.returncode == 0, done.stderr
        answers: dict[str, Any] = json.loads(done.stdout)
        return answers

    def agrees(self) -> None:
        """Waits until all pairs are as the policies say. Fails naming the first that are not."""
        expected = self.expected()
        wrong: set[Packet] = set()

        def right() -> bool:
            nonlocal wrong
            wrong = self.passing() ^ expected
            return not wrong

        try:
            wait_until(right, "all pairs are as the policies say", IN_FORCE_WITHIN_S, 0.1)
        except AssertionError as error:
            names = {pod.address: f"{pod.namespace}/{pod.name}" for pod in self.pods.values()}
            told = [
                f"{names[each.source]} > {names[each.destination]} {each.protocol} {each.port}"
                f" should {'pass' if each in expected else 'be stopped'}"
                for each in wrong
            ]
            raise AssertionError("; ".join(sorted(told)[:12])) from error


def deploy(cli: Cli, lab: Lab) -> Matrix:
    """The namespaces and pods, once all are ready."""
    suffix = secrets.token_hex(3)
    matrix = Matrix(cli, lab, {told: f"e2e-{told}-{suffix}" for told in NAMESPACES})
    nodes = sorted(node["metadata"]["name"] for node in cli.items("nodes"))
    place = 0
    for told, name in matrix.names.items():
        labels = {key: value for key, value in NAMESPACES[told].items() if key != "kubernetes.io/metadata.name"}
        cli.rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        data = {"prober.py": PROBER.read_text()}
        metadata = {"name": "prober", "namespace": name}
        cli.rest.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        for of_pod in PODS:
            cli.rest.apply(_pod(name, of_pod, nodes[place % len(nodes)]))
            place += 1
    wait_until(lambda: all(_is_ready(pod) for pod in _pods(matrix)), "the nine pods are ready", 90)
    for pod in _pods(matrix):
        found = policy_pod(codec.part_from_dict({key: pod[key] for key in ("metadata", "spec", "status")}, Pod))
        assert found is not None
        told = next(told for told, name in matrix.names.items() if name == found.namespace)
        matrix.pods[told, found.name] = found
    return matrix


def _pods(matrix: Matrix) -> list[dict[str, Any]]:
    return [pod for name in matrix.names.values() for pod in matrix.cli.items("pods", "-n", name)]


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def readiness(matrix: Matrix) -> dict[str, tuple[bool, str, int]]:
    """Of each pod: whether it is ready, since when, and how often its container was restarted."""
    found = {}
    for pod in _pods(matrix):
        since = next(each["lastTransitionTime"] for each in pod["status"]["conditions"] if each["type"] == "Ready")
        restarts = pod["status"]["containerStatuses"][0]["restartCount"]
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        found[name] = _is_ready(pod), since, restarts
    return found


def _pod(namespace: str, name: str, node: str) -> dict[str, Any]:
    labels, ports = PODS[name]
    probe = {"tcpSocket": {"port": PROBE_PORT}, "periodSeconds": 1, "failureThreshold": 2}
    tcp, udp = ",".join(map(str, (*TCP, PROBE_PORT))), ",".join(map(str, UDP))
    container = {
        "name": "prober",
        "image": IMAGE,
        "command": [PYTHON, "-u", "/prober/prober.py", "serve", tcp, udp],
        "ports": ports,
        "readinessProbe": probe,
        "livenessProbe": probe | {"initialDelaySeconds": 5},
        "volumeMounts": [{"name": "prober", "mountPath": "/prober"}]
        + [{"name": key, "mountPath": f"/{key}", "readOnly": True} for key in LIBRARIES],
    }
    volumes: list[dict[str, Any]] = [{"name": "prober", "configMap": {"name": "prober"}}]
    volumes += [{"name": key, "hostPath": {"path": path}} for key, path in LIBRARIES.items()]
    spec = {"containers": [container], "volumes": volumes, "nodeName": node, "terminationGracePeriodSeconds": 0}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
