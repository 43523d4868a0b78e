"""What Kubernetes' conformance tests of the network do with pods and packets, rebuilt (docs/conformance.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, PROJECT, Cli, MakeNamespace, condition_of, nodes_ready, wait_until

ECHO = PROJECT / "tests/podlab_testing/echo.py"
PYTHON = "/usr/bin/python3"
# The demo image has no Python: the node's is mounted.
LIBRARIES = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
NODE = "n1"
REPLICAS = 3
OFFSET = 10_000  # of the ports of pods on their node's own network
SERVICES = 200
P50_S, P99_S = 20.0, 50.0  # what Kubernetes asks for
HTTP, UDP = (
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "udp", "protocol": "UDP", "port": 80, "targetPort": 5353},
)
# What the resolver of a program in the pod says of a name, and of itself.
LOOK_UP = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
OWN_NAME = "import socket; print(socket.gethostname(), socket.getfqdn())"

# Who answers on the host's loopback to one of its other addresses.
FROM_OWN = """
import http.client, sys
own, port = sys.argv[1:]
asking = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5, source_address=(own, 0))
asking.request("GET", "/")
print(asking.getresponse().read().decode())
"""

# As a program that trusts nothing but its pod's files: who issued its token, and whether that issuer knows the key.
ISSUER = """
import base64, json, ssl, urllib.request
own = "/var/run/secrets/kubernetes.io/serviceaccount/"
token, trusted = open(own + "token").read(), ssl.create_default_context(cafile=own + "ca.crt")
header, body = (json.loads(base64.urlsafe_b64decode(part + "===")) for part in token.split(".")[:2])
def get(url):
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
    return json.load(urllib.request.urlopen(request, context=trusted, timeout=10))
told = get(body["iss"] + "/.well-known/openid-configuration")
keys = get(told["jwks_uri"])["keys"]
print(body["iss"] == told["issuer"], header["kid"] in [key["kid"] for key in keys])
"""


@dataclass(frozen=True)
class Net:
    """Three pods that serve, and two that ask: one of them is on the network of node n1."""

    cli: Cli
    namespace: str

    def apply(self, *manifests: dict[str, Any]) -> None:
        for each in manifests:
            self.cli.rest.apply({**each, "metadata": {"namespace": self.namespace, **each["metadata"]}})

    def service(self, name: str, **spec: Any) -> dict[str, Any]:
        """It as it is after these changes; None takes a field away."""
        body = {"selector": {"app": "web"}, "ports": [HTTP], **spec}
        body = {key: value for key, value in body.items() if value is not None}
        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body})
        found: dict[str, Any] = self.cli.get("service", name, "-n", self.namespace)["spec"]
        return found

    def python(self, pod: str, script: str, *arguments: str) -> str:
        return self.cli("exec", pod, "-n", self.namespace, "--", PYTHON, "-c", script, *arguments).strip()

    def get(self, url: str, count: int = 1, client: str = "client") -> list[str]:
        """Which pods answered, or how they did not."""
        answers = self._echo(client, "get", url, str(count))
        return [each.split()[0] for each in answers]

    def udp(self, host: str, port: int, client: str = "client") -> str:
        return self._echo(client, "udp", host, str(port), "1")[0]

    def _echo(self, client: str, *arguments: str) -> list[str]:
        words = ("exec", client, "-n", self.namespace, "--", PYTHON, "/echo/echo.py", *arguments)
        return self.cli(*words).splitlines()

    def addresses(self) -> dict[str, str]:
        pods = self.cli.items("pods", "-n", self.namespace, "-l", "app=web")
        return {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods}

    def look_up(self, name: str) -> str:
        return self.python("client", LOOK_UP, name)


def pod_of(app: str, **spec: Any) -> dict[str, Any]:
    mounts = [{"name": "echo", "mountPath": "/echo"}]
    mounts += [{"name": key, "mountPath": f"/{key}", "readOnly": True} for key in LIBRARIES]
    fields = {"POD_NAME": "metadata.name", "NODE_NAME": "spec.nodeName"}
    offset = OFFSET if spec.get("hostNetwork") else 0
    container = {
        "name": "echo",
        "image": IMAGE,
        "command": [PYTHON, "-u", "/echo/echo.py", "serve", str(offset)],
        "env": [{"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}} for key, path in fields.items()],
        "readinessProbe": {"tcpSocket": {"port": 8080 + offset}, "periodSeconds": 1},
        "volumeMounts": mounts,
    }
    volumes: list[dict[str, Any]] = [{"name": "echo", "configMap": {"name": "echo"}}]
    volumes += [{"name": key, "hostPath": {"path": path}} for key, path in LIBRARIES.items()]
    body = {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0, **spec}
    return {"metadata": {"labels": {"app": app}}, "spec": body}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    made = pod_of(name, **spec)
    made["metadata"]["name"] = name
    return {"apiVersion": "v1", "kind": "Pod", **made}


@pytest.fixture(scope="module")
def net(cli: Cli, make_namespace: MakeNamespace) -> Iterator[Net]:
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    made = Net(cli, make_namespace())
    labels = {"app": "web"}
    spec = {"replicas": REPLICAS, "selector": labels, "template": pod_of("web")}
    named = {"hostname": "querier-1", "subdomain": "sub"}
    headless = {"clusterIP": "None", "selector": {"app": "named"}, "ports": [HTTP]}
    made.cli("create", "configmap", "echo", f"--from-file={ECHO}", "-n", made.namespace)
    try:
        made.apply(
            {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "web"}, "spec": spec},
            pod("client"),
            pod("host", hostNetwork=True, nodeName=NODE),
            pod("named", **named),
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sub"}, "spec": headless},
        )
        wait_until(lambda: _all_ready(made, REPLICAS + 3), "the pods are ready", 90)
        yield made
    finally:
        cli.rest.delete_namespace(made.namespace)


def _all_ready(net: Net, count: int) -> bool:
    pods = net.cli.items("pods", "-n", net.namespace)
    return len(pods) == count and all(condition_of(each, "Ready") == "True" for each in pods)


def test_a_pod_with_a_host_name_finds_itself_and_is_found(net: Net) -> None:
    name = f"querier-1.sub.{net.namespace}.svc.cluster.local"
    address = net.cli.get("pod", "named", "-n", net.namespace)["status"]["podIP"]
    hosts = net.cli("exec", "named", "-n", net.namespace, "--", "cat", "/etc/hosts").splitlines()
    assert hosts[0].startswith("# Kubernetes-managed hosts file")
    assert [line.split() for line in hosts if line.startswith(address)] == [[address, name, "querier-1"]]
    assert net.python("named", OWN_NAME) == f"querier-1 {name}"
    for each in (name, f"querier-1.sub.{net.namespace}", "querier-1.sub", f"sub.{net.namespace}.svc"):
        assert net.look_up(each) == address
    dashed = address.replace(".", "-")
    assert net.look_up(f"{dashed}.{net.namespace}.pod.cluster.local") == address


def test_a_pod_finds_who_issued_its_token(net: Net) -> None:
    assert net.python("client", ISSUER) == "True True"


def test_pods_and_their_node_reach_every_pod_by_tcp_and_udp(net: Net) -> None:
    for client in ("client", "host"):
        for name, address in net.addresses().items():
            assert net.get(f"http://{address}:8080/", client=client) == [name]
            assert net.udp(address, 5353, client) == name


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_affinity_is_switched_off_and_on(net: Net, kind: str) -> None:
    name = f"sticky-{kind.lower()}"
    spec = net.service(name, type=kind, sessionAffinity="ClientIP")
    urls = [f"http://{name}/", f"http://{spec['clusterIP']}/"]
    if kind == "NodePort":
        nodes = [node["status"]["addresses"] for node in net.cli.items("nodes")]
        addresses = [each["address"] for node in nodes for each in node if each["type"] == "InternalIP"]
        urls += [f"http://{address}:{spec['ports'][0]['nodePort']}/" for address in addresses]
    for url in urls:
        wait_until(lambda url=url: net.get(url) != ["refused"], f"{url} answers", 20)
        assert len(set(net.get(url, 15))) == 1, url
    net.service(name, type=kind, sessionAffinity="None")
    wait_until(lambda: len(set(net.get(urls[-1], 15))) > 1, "several pods answer", 20)
    net.service(name, type=kind, sessionAffinity="ClientIP")
    wait_until(lambda: len(set(net.get(urls[-1], 15))) == 1, "one pod answers again", 20)


def test_a_service_changes_its_type_and_its_name_leads_there(net: Net) -> None:
    outside = {"type": "ExternalName", "externalName": f"sub.{net.namespace}.svc.cluster.local", "selector": None}
    named = net.cli.get("pod", "named", "-n", net.namespace)["status"]["podIP"]
    net.service("turns", ports=None, **outside)
    wait_until(lambda: net.look_up("turns") == named, "the name is the other's", 10)
    inside = net.service("turns", type="ClusterIP")
    wait_until(lambda: net.look_up("turns") == inside["clusterIP"], "the name is its own", 10)
    wait_until(lambda: net.get("http://turns/") != ["refused"], "the Service answers", 10)
    port = net.service("turns", type="NodePort")["ports"][0]["nodePort"]
    node = net.cli.items("nodes")[0]["status"]["addresses"][0]["address"]
    wait_until(lambda: net.get(f"http://{node}:{port}/") != ["refused"], "the node port answers", 10)
    net.service("turns", ports=None, **outside)
    wait_until(lambda: net.look_up("turns") == named, "the name is the other's again", 10)
    wait_until(lambda: net.get(f"http://{node}:{port}/") == ["refused"], "the node port is closed", 10)


def test_one_port_of_two_protocols_loses_one_and_then_the_other(net: Net) -> None:
    address = net.service("both", ports=[HTTP, UDP])["clusterIP"]
    url = f"http://{address}/"
    pods = set(net.addresses())
    wait_until(lambda: set(net.get(url)) <= pods and net.udp(address, 80) in pods, "both answer", 10)
    net.service("both", ports=[HTTP])
    wait_until(lambda: net.udp(address, 80) not in pods, "UDP does not answer", 10)
    assert set(net.get(url)) <= pods
    net.service("both", ports=[UDP])
    wait_until(lambda: not set(net.get(url)) <= pods, "TCP does not answer", 10)
    wait_until(lambda: net.udp(address, 80) in pods, "UDP answers again", 10)


@pytest.mark.parametrize("count", [1, 2])
def test_slices_made_by_hand_each_have_a_port_of_the_service(net: Net, count: int) -> None:
    """Of one pod's two ports, and of one port of two pods."""
    name, pods = f"custom-{count}", sorted(net.addresses().items())[:count]
    targets = [8080, 9090] if count == 1 else [8080, 8080]
    ports = [{"name": f"port{number}", "port": number, "protocol": "TCP"} for number in (80, 81)]
    address = net.service(name, selector=None, ports=ports)["clusterIP"]
    labels = {
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": f"test-{net.namespace}",
    }
    wanted = [pods[0][0], pods[-1][0]]
    for port, target, (pod_name, pod_address) in zip(ports, targets, (pods[0], pods[-1]), strict=True):
        net.apply(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": f"{name}-{pod_name}-{port['port']}", "labels": labels},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [pod_address], "conditions": {"ready": True}}],
                "ports": [{"name": port["name"], "port": target, "protocol": "TCP"}],
            }
        )
    urls = [f"http://{address}:{port['port']}/" for port in ports]
    wait_until(lambda: [net.get(url)[0] for url in urls] == wanted, "each port leads to its own", 20)


def test_ports_of_a_host_are_told_apart_by_address_and_protocol(net: Net, addresses: dict[str, str]) -> None:
    own, number = addresses[NODE], 18477
    ports = [
        {"containerPort": 8080, "hostPort": number, "hostIP": "127.0.0.1"},
        {"containerPort": 8080, "hostPort": number, "hostIP": own},
        {"containerPort": 5353, "hostPort": number, "hostIP": own, "protocol": "UDP"},
    ]
    names = [f"held-{index}" for index in range(len(ports))]
    for name, port in zip(names, ports, strict=True):
        made = pod(name, nodeName=NODE)
        made["spec"]["containers"][0]["ports"] = [port]
        net.apply(made)
    try:
        wait_until(lambda: _ready(net, names), "all three run on one node", 60)
        assert net.python("host", FROM_OWN, own, str(number)).split()[0] == "held-0"
        for client in ("client", "host"):
            assert net.get(f"http://{own}:{number}/", client=client) == ["held-1"]
            assert net.udp(own, number, client) == "held-2"
    finally:
        for name in names:
            net.cli.rest.delete("pod", name, "-n", net.namespace)


def _ready(net: Net, names: list[str]) -> bool:
    return all(condition_of(net.cli.get("pod", name, "-n", net.namespace), "Ready") == "True" for name in names)


def test_endpoints_of_two_hundred_services_are_there_soon(net: Net) -> None:
    began: dict[str, float] = {}
    took: dict[str, float] = {}
    try:
        for index in range(SERVICES):
            began[f"latency-{index}"] = time.monotonic()
            net.service(f"latency-{index}")
            if index % 10 == 9:
                _look(net, began, took)
        wait_until(lambda: _look(net, began, took) or len(took) == SERVICES, "all have endpoints", P99_S, 0.05)
    finally:
        for name in began:
            net.cli.rest.delete("service", name, "-n", net.namespace)
    found = sorted(took.values())
    print(
        f"endpoints of {SERVICES} Services: p50 {found[SERVICES // 2]:.2f} s, p99 {found[SERVICES * 99 // 100]:.2f} s"
    )
    assert (found[SERVICES // 2] < P50_S, found[SERVICES * 99 // 100] < P99_S) == (True, True)


def _look(net: Net, began: dict[str, float], took: dict[str, float]) -> bool:
    """Notes who has its endpoints by now; True when nobody is waited for."""
    now = time.monotonic()
    for each in net.cli.items("endpoints", "-n", net.namespace):
        name = each["metadata"]["name"]
        if name in began and name not in took and each.get("subsets"):
            took[name] = now - began[name]
    return len(took) == len(began)
