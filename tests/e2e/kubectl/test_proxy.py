"""pods/proxy, services/proxy and nodes/proxy on the lab, through `kubectl proxy` and `kubectl get --raw`.

What conformance tries of them: ports by number and name, with and without TLS, links of pages, every method, and what
others do with it: replicas that are asked one by one, and a preStop hook whose doing another pod tells.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import yaml
from podlab_testing.deployed import IMAGE, PROJECT, Cli, MakeNamespace, wait_until
from podlab_testing.kubectl import Kubectl

from podlab import pki

PORTER = PROJECT / "tests/podlab_testing/porter.py"
PYTHON = "/usr/bin/python3"
# The demo image has no Python: the node's is mounted.
LIBRARIES = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
LINK, TLS_LINK = '<a href="/rewriteme">test</a>', '<a href="/tlsrewriteme">test</a>'
SERVED = {
    "SERVE_PORT_80": LINK,
    "SERVE_PORT_1080": LINK,
    "SERVE_PORT_160": "foo",
    "SERVE_PORT_162": "bar",
    "SERVE_TLS_PORT_443": TLS_LINK,
    "SERVE_TLS_PORT_460": "tls baz",
    "SERVE_TLS_PORT_462": "tls qux",
}
ATTEMPTS = 5
NC_PORT = 18_099
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class _Unled(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """A redirect is an answer."""


@dataclass(frozen=True)
class Asker:
    """Asks the API server through `kubectl proxy`."""

    address: str
    namespace: str

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str, str]:
        """Status, body, and where a redirect leads."""
        request = urllib.request.Request(f"http://{self.address}{path}", body, method=method)
        try:
            with urllib.request.build_opener(_Unled).open(request, timeout=30) as answer:
                return answer.status, answer.read().decode(), ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers.get("Location", "")

    def at(self, kind: str, name: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{kind}/{name}/proxy"


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One with Service and ReplicationController porter, of one pod."""
    name = make_namespace()
    kubectl = administrator.inside(name)
    directory = tmp_path_factory.mktemp("tls")
    pki.ensure_certificate(pki.ensure_ca(directory), directory, "porter", "porter", [], ["porter"])
    kubectl("create", "configmap", "porter", f"--from-file={PORTER}")
    pair = f"--cert={directory / 'porter.crt'}", f"--key={directory / 'porter.key'}"
    kubectl("create", "secret", "tls", "porter", *pair)
    kubectl("create", "-f", "-", stdin=yaml.safe_dump_all((_service(), _replication_controller())))
    kubectl("wait", "replicationcontroller/porter", "--for=jsonpath={.status.readyReplicas}=1", "--timeout=90s")
    return name


@pytest.fixture(scope="module")
def asker(administrator: Kubectl, namespace: str) -> Iterator[Asker]:
    with administrator.running("proxy", "--port=0") as proxy:
        yield Asker(proxy.until("Starting to serve on")[-1].split()[-1], namespace)


@pytest.fixture(scope="module")
def pod_name(administrator: Kubectl, namespace: str) -> str:
    return administrator.inside(namespace).out("get", "pods", "-l", "app=porter", "-o", "name").removeprefix("pod/")


def _service() -> dict[str, Any]:
    ports = [
        {"name": "portname1", "port": 80, "targetPort": "dest1"},
        {"name": "portname2", "port": 81, "targetPort": 162},
        {"name": "tlsportname1", "port": 443, "targetPort": "tlsdest1"},
        {"name": "tlsportname2", "port": 444, "targetPort": 462},
        {"name": "echo", "port": 8081},
    ]
    spec = {"selector": {"app": "porter"}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "porter"}, "spec": spec}


def _porter() -> dict[str, Any]:
    """A pod's spec."""
    named = {"first": 80, "dest1": 160, "dest2": 162, "tlsdest1": 460, "tlsdest2": 462}
    mounts = {"porter": "/porter", "tls": "/tls", **{key: f"/{key}" for key in LIBRARIES}}
    container = {
        "name": "porter",
        "image": IMAGE,
        "command": [PYTHON, "-u", "/porter/porter.py"],
        "env": [{"name": name, "value": value} for name, value in SERVED.items()],
        "ports": [{"name": name, "containerPort": port} for name, port in named.items()],
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
    }
    volumes: list[dict[str, Any]] = [
        {"name": "porter", "configMap": {"name": "porter"}},
        {"name": "tls", "secret": {"secretName": "porter"}},
    ]
    volumes += [{"name": key, "hostPath": {"path": path}} for key, path in LIBRARIES.items()]
    return {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0}


def _replication_controller() -> dict[str, Any]:
    labels = {"app": "porter"}
    spec = {"replicas": 1, "template": {"metadata": {"labels": labels}, "spec": _porter()}}
    return {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "porter"}, "spec": spec}


def test_a_service_and_its_pod_are_asked_at_all_their_ports(asker: Asker, pod_name: str) -> None:
    def of_service(name: str) -> str:
        return asker.at("services", name)

    def of_pod(port: str, scheme: str = "") -> str:
        return asker.at("pods", f"{scheme}:{pod_name}:{port}" if scheme else f"{pod_name}:{port}".rstrip(":"))

    wanted = {
        of_service("porter:portname1"): "foo",
        of_service("http:porter:portname1"): "foo",
        of_service("porter:80"): "foo",
        of_service("porter:portname2"): "bar",
        of_service("http:porter:portname2"): "bar",
        of_service("https:porter:tlsportname1"): "tls baz",
        of_service("https:porter:tlsportname2"): "tls qux",
        of_pod(""): LINK.replace("/rewriteme", f"{of_pod('')}/rewriteme"),
        of_pod("1080"): LINK.replace("/rewriteme", f"{of_pod('1080')}/rewriteme"),
        of_pod("1080", "http"): LINK.replace("/rewriteme", f"{of_pod('1080', 'http')}/rewriteme"),
        of_pod("160"): "foo",
        of_pod("dest1"): "foo",
        of_pod("162", "http"): "bar",
        of_pod("443", "https"): TLS_LINK.replace("/tlsrewriteme", f"{of_pod('443', 'https')}/tlsrewriteme"),
        of_pod("460", "https"): "tls baz",
        of_pod("tlsdest2", "https"): "tls qux",
    }
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda at: (at, asker.ask(f"{at}/")), [*wanted] * ATTEMPTS))
    assert {at: answer for at, answer in found if answer != (200, wanted[at], "")} == {}


def test_every_method_is_answered_by_pod_and_service(asker: Asker, pod_name: str) -> None:
    for at in (asker.at("pods", f"{pod_name}:8081"), asker.at("services", "porter:echo")):
        for method in METHODS:
            code, text, _ = asker.ask(
                f"{at}/some/path/with/{method}?a=b", method, b"said" if method == "POST" else None
            )
            assert code == 200
            told = json.loads(text) if text else {"Method": "HEAD"}
            assert told["Method"] == method
            assert method == "HEAD" or told["Path"] == f"/some/path/with/{method}?a=b"
            code, text, location = asker.ask(f"{at}?method={method}", method)
            if method in ("GET", "HEAD"):
                assert (code, location.partition("/api/")[2]) == (301, f"{at}/?method={method}".partition("/api/")[2])
            else:
                assert (code, json.loads(text)["Path"]) == (200, f"/?method={method}")


async def test_a_websocket_reaches_a_pod(asker: Asker) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://{asker.address}{asker.at('services', 'porter:echo')}/socket"
        async with session.ws_connect(url) as socket:
            for text in ("hello", "again"):
                await socket.send_str(text)
                assert (await socket.receive(timeout=20)).data == text.upper()


def test_what_cannot_be_reached_is_told(asker: Asker, pod_name: str) -> None:
    for at, code, words in (
        (asker.at("pods", f"{pod_name}:9"), 503, "connect: connection refused"),
        (asker.at("services", "porter:nobody"), 503, 'no endpoints available for service "porter:nobody"'),
        (asker.at("services", "nobody"), 404, 'services "nobody" not found'),
        (asker.at("pods", "ftp:x:21"), 400, "invalid pod request"),
    ):
        found, text, _ = asker.ask(f"{at}/")
        assert (found, words in json.loads(text)["message"]) == (code, True), text


def test_a_pod_is_reached_at_its_own_address(kubectl: Kubectl, asker: Asker) -> None:
    """On its host's network, too; what listens on its loopback alone is not, though port-forward reaches it."""
    listens = {"web": "", "inner": "127.0.0.1", "host": ""}
    for name, address in listens.items():
        serve = f"while true; do echo {name} | nc -l -p {NC_PORT} {f'-s {address}' if address else ''}; done"
        container = {"name": "c", "image": IMAGE, "command": ["sh", "-c", serve]}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0, "hostNetwork": name == "host"}
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        kubectl("create", "-f", "-", stdin=yaml.safe_dump(made))
    kubectl("wait", *(f"pod/{name}" for name in listens), "--for=condition=Ready", "--timeout=60s")
    space = f"/api/v1/namespaces/{kubectl.namespace}/pods"
    for name, words in (
        ("web", "malformed HTTP response"),
        ("host", "malformed HTTP response"),
        ("inner", "connect: connection refused"),
    ):
        code, text, _ = asker.ask(f"{space}/{name}:{NC_PORT}/proxy/")
        assert (code, words in json.loads(text)["message"]) == (503, True), text


def test_replicas_are_asked_one_by_one_as_they_come_and_go(kubectl: Kubectl) -> None:
    labels = {"name": "update-demo"}
    env = [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    container = {"name": "web", "image": IMAGE, "ports": [{"containerPort": 8080}], "env": env}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    for version, kind in (("v1", "ReplicationController"), ("apps/v1", "ReplicaSet")):
        selector = labels if version == "v1" else {"matchLabels": labels}
        spec = {"replicas": 2, "selector": selector, "template": template}
        made = {"apiVersion": version, "kind": kind, "metadata": {"name": "update-demo"}, "spec": spec}
        kubectl("create", "-f", "-", stdin=yaml.safe_dump(made))
        for replicas in (2, 1, 2):
            kubectl("scale", kind, "update-demo", f"--replicas={replicas}")
            wait_until(lambda: _answer_by_name(kubectl, replicas), f"{replicas} replicas answer, each its own name")  # noqa: B023
        kubectl("delete", kind, "update-demo", "--timeout=60s")
        wait_until(lambda: not kubectl.items("pods", "-l", "name=update-demo"), "all replicas are gone")


def _answer_by_name(kubectl: Kubectl, replicas: int) -> bool:
    pods = kubectl.items("pods", "-l", "name=update-demo", "--field-selector=status.phase=Running")
    names = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    if len(names) != replicas:
        return False
    answers = {name: kubectl(*_raw(kubectl.namespace, name), check=False).stdout for name in names}
    return all(f"from {name} " in answer for name, answer in answers.items())


def _raw(namespace: str, pod: str, path: str = "/") -> tuple[str, ...]:
    return "get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}/proxy{path}"


def test_a_hook_before_a_pod_ends_is_told_by_another(kubectl: Kubectl, pod_name: str) -> None:
    address = kubectl.out("get", "pod", pod_name, "-o", "jsonpath={.status.podIP}")
    hook = {"preStop": {"exec": {"command": ["wget", "-qO-", f"http://{address}:8081/write/prestop"]}}}
    container = {"name": "tester", "image": IMAGE, "lifecycle": hook}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 20}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tester"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=yaml.safe_dump(made))
    kubectl("wait", "pod/tester", "--for=condition=Ready", "--timeout=60s")
    kubectl("delete", "pod", "tester", "--wait=false")

    def told() -> bool:
        answer = json.loads(kubectl.out(*_raw(kubectl.namespace, f"{pod_name}:8081", "/read")))
        return "/write/prestop" in answer["Written"]

    wait_until(told, "the hook of pod tester has written", 30)


def test_a_nodes_kubelet_is_answered_for(kubectl: Kubectl, cli: Cli, pod_name: str) -> None:
    node = kubectl.out("get", "pod", pod_name, "-o", "jsonpath={.spec.nodeName}")
    raw = "get", "--raw"
    at = f"/api/v1/nodes/{node}/proxy"
    assert kubectl.out(*raw, f"{at}/healthz") == "ok"

    def agree() -> bool:
        told = {one["metadata"]["uid"] for one in json.loads(kubectl.out(*raw, f"{at}/pods"))["items"]}
        bound = cli.items("pods", "-A", "--field-selector", f"spec.nodeName={node}")
        return told == {one["metadata"]["uid"] for one in bound}

    wait_until(agree, "the kubelet names the pods that are bound to its node, while other tests' come and go", 30)
    summary = json.loads(kubectl.out(*raw, f"{at}/stats/summary"))
    assert summary["node"]["memory"]["workingSetBytes"] > 0
    assert pod_name in {pod["podRef"]["name"] for pod in summary["pods"]}
    assert f'kubelet_node_name{{node="{node}"}} 1' in kubectl.out(*raw, f"{at}/metrics").splitlines()
    assert "(NotFound)" in kubectl.refused(*raw, f"{at}/exec/default/p/c")
