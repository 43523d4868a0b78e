"""Ingresses as clients outside see them, at a node of the group `ingress`."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import PROJECT, Cli, MakeNamespace, wait_until
from podlab_testing.request_load import RequestLoad

from podlab import pki
from podlab.lab.lab import Lab

SERVER = PROJECT / "tests/podlab_testing/quick_server.py"
PYTHON = "/usr/bin/python3"
LIBRARIES = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
NODE = "n1"
PER_SECOND = 200


@dataclass(frozen=True)
class Site:
    """What is answered at the node. Hosts are of this namespace alone: others' tests may have Ingresses, too."""

    cli: Cli
    lab: Lab
    namespace: str
    address: str
    authority: Path

    def host(self, name: str) -> str:
        return f"{name}.{self.namespace}.example"

    def ask(self, host: str, path: str = "/") -> str:
        """The Deployment whose pod answers, or the status."""
        connection = http.client.HTTPConnection(self.address, 80, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            body = answer.read().decode()
            return body.partition("-")[0] if answer.status == 200 else str(answer.status)
        finally:
            connection.close()

    def becomes(self, host: str, path: str, expected: str) -> None:
        wait_until(lambda: self.ask(host, path) == expected, f"{host}{path} is answered by {expected}", 30, 0.05)

    def apply(self, *manifests: dict[str, Any]) -> None:
        self.cli("apply", "-n", self.namespace, "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def delete(self, *names: str) -> None:
        self.cli("delete", "ingress", *names, "-n", self.namespace)

    def ingress(self, name: str, rules: dict[str, list[tuple[str, str, str]]], **spec: Any) -> None:
        """Host -> path, its type, Service."""
        listed = [{"host": host, "http": {"paths": [_path(*each) for each in paths]}} for host, paths in rules.items()]
        body = {"rules": listed, **spec} if listed else spec
        self.apply({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": body})

    def keep(self, secret: str, host: str) -> bytes:
        """A new certificate for the host in the Secret; as it is shown."""
        number = len(list(self.authority.iterdir()))
        pki.ensure_certificate(pki.ensure_ca(self.authority), self.authority, f"{secret}-{number}", host, [], [host])
        found = {name: (self.authority / f"{secret}-{number}.{name}").read_bytes() for name in ("crt", "key")}
        data = {f"tls.{name}": base64.b64encode(value).decode() for name, value in found.items()}
        made = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": secret}}
        self.apply(made | {"data": data})
        return ssl.PEM_cert_to_DER_cert(found["crt"].decode())

    def shown(self, host: str) -> bytes:
        """The certificate that is shown to who asks for the host."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((self.address, 443), timeout=10) as connection,
            context.wrap_socket(connection, server_hostname=host) as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""

    def told(self, name: str) -> set[str]:
        """Reasons of the Ingress's Events."""
        events = self.cli.items("events", "-n", self.namespace)
        return {each["reason"] for each in events if each["involvedObject"]["name"] == name}


def _path(path: str, kind: str, service: str) -> dict[str, Any]:
    name, _, port = service.partition(":")
    number = {"name": port} if port else {"number": 80}
    return {"path": path, "pathType": kind, "backend": {"service": {"name": name, "port": number}}}


def _deployment(name: str, replicas: int) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": "podlab.local/hello:1.0",
        "command": [PYTHON, "-u", "/server/quick_server.py"],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": "server", "mountPath": "/server"}]
        + [{"name": key, "mountPath": f"/{key}", "readOnly": True} for key in LIBRARIES],
    }
    volumes: list[dict[str, Any]] = [{"name": "server", "configMap": {"name": "server"}}]
    volumes += [{"name": key, "hostPath": {"path": path}} for key, path in LIBRARIES.items()]
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 5},
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "strategy": strategy}
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
    return made | {"spec": spec | {"template": template}}


def _service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    body = {"selector": {"app": name}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest.fixture(scope="module")
def site(
    lab: Lab, cli: Cli, addresses: dict[str, str], make_namespace: MakeNamespace, authority: Path
) -> Iterator[Site]:
    """Two Deployments behind Services: `red` with two pods, and `blue` with one."""
    if not [each for each in cli.items("ingressclasses") if each["metadata"]["name"] == "podlab"]:
        pytest.skip("no node of the lab is in the group ingress")
    found = Site(cli, lab, make_namespace(), addresses[NODE], authority)
    try:
        cli("create", "configmap", "server", f"--from-file={SERVER}", "-n", found.namespace)
        away = _service("away", type="ExternalName", externalName="example.com")
        del away["spec"]["selector"]
        found.apply(
            _deployment("red", 2), _service("red"), _deployment("blue", 1), _service("blue"), _service("empty"), away
        )
        for name in ("red", "blue"):
            cli("rollout", "status", f"deployment/{name}", "-n", found.namespace, "--timeout", "90")
        yield found
    finally:
        cli.rest.delete_namespace(found.namespace)


def test_an_ingress_without_a_class_is_served_and_says_where(site: Site) -> None:
    host = site.host("plain")
    assert site.ask(host) == "404"
    site.ingress("plain", {host: [("/", "Prefix", "red")]})
    site.becomes(host, "/any", "red")
    assert site.cli.get("ingress", "plain", "-n", site.namespace)["spec"]["ingressClassName"] == "podlab"

    def addresses() -> list[dict[str, str]]:
        found = site.cli.get("ingress", "plain", "-n", site.namespace)["status"]["loadBalancer"]
        return list(found.get("ingress", []))

    wait_until(lambda: addresses() == [{"ip": site.address}], "the node's address is in the status")
    site.delete("plain")
    site.becomes(host, "/", "404")


def test_hosts_wildcards_paths_and_ports_by_name_lead_to_their_services(site: Site) -> None:
    own, wild = site.host("own"), site.host("*")
    site.ingress(
        "many",
        {
            own: [("/", "Prefix", "red:http"), ("/b", "Exact", "blue"), ("/red/", "Prefix", "red")],
            wild: [("/", "ImplementationSpecific", "blue:http")],
        },
    )
    site.becomes(own, "/", "red")
    asked = {(own, "/b"): "blue", (own, "/b/"): "red", (site.host("x"), "/"): "blue", (site.host("x.y"), "/"): "404"}
    assert {each: site.ask(*each) for each in asked} == asked
    site.delete("many")


def test_a_secret_s_certificate_is_shown_and_a_renewed_one_soon_after(site: Site) -> None:
    host = site.host("secure")
    first = site.keep("secure", host)
    site.ingress("secure", {host: [("/", "Prefix", "red")]}, tls=[{"hosts": [host], "secretName": "secure"}])
    wait_until(lambda: site.shown(host) == first, "the certificate is shown", 30, 0.1)
    second = site.keep("secure", host)
    wait_until(lambda: site.shown(host) == second, "the renewed one is shown", 30, 0.1)
    site.delete("secure")


def test_what_cannot_be_served_is_told_and_harms_no_other(site: Site) -> None:
    good, bad = site.host("good"), site.host("bad")
    site.ingress("good", {good: [("/", "Prefix", "red")]})
    site.becomes(good, "/", "red")
    time.sleep(1.1)  # which of two is older is told in seconds
    paths = [
        ("/missing", "Prefix", "missing"),
        ("/port", "Prefix", "blue:nothing"),
        ("/empty", "Prefix", "empty"),
        ("/away", "Prefix", "away"),
        ("/", "Prefix", "blue"),
    ]
    rules = {bad: paths, good: [("/", "Prefix", "blue")]}
    site.ingress("bad", rules, tls=[{"hosts": [bad], "secretName": "missing"}])
    site.becomes(bad, "/", "blue")
    asked = {path: site.ask(bad, path) for path in ("/missing", "/port", "/empty", "/away")}
    assert asked == dict.fromkeys(asked, "503")
    assert site.ask(good) == "red"
    expected = {"ServiceNotFound", "PortNotFound", "ExternalName", "SecretNotFound", "PathTaken"}
    wait_until(lambda: expected <= site.told("bad"), f"Events tell of {expected}", 20)
    assert site.told("good") == set()
    site.delete("good")
    site.becomes(good, "/", "blue")  # who came second has it now
    site.delete("bad")


@pytest.mark.parametrize(
    ("path", "kind", "service", "said"),
    [
        ("no-slash", "Prefix", "red", "must be an absolute path"),
        ("/a//b", "Exact", "red", "must not contain '//'"),
        ("/", "Regex", "red", 'supported values: "Exact", "ImplementationSpecific", "Prefix"'),
    ],
)
def test_what_kubernetes_refuses_is_refused(site: Site, path: str, kind: str, service: str, said: str) -> None:
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "refused"},
        "spec": {"rules": [{"http": {"paths": [_path(path, kind, service)]}}]},
    }
    done = site.cli.run("apply", "-n", site.namespace, "-f", "-", stdin=json.dumps(body))
    assert done.returncode != 0
    assert said in done.stderr


def test_routes_and_metrics_are_shown_on_the_node_and_nowhere_else(site: Site) -> None:
    host = site.host("page")
    site.ingress("page", {host: [("/", "Prefix", "red")]})
    site.becomes(host, "/", "red")
    fetch = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
    for path, expected in (("/", host), ("/stats", f"{site.namespace}:red:80"), ("/metrics", "haproxy_process_uptime")):
        shown = site.lab.run(NODE, ["python3", "-c", fetch, f"http://127.0.0.1:8404{path}"]).stdout
        assert expected in shown
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((site.address, 8404), timeout=5)
    site.delete("page")


def test_nothing_is_lost_while_pods_ingresses_and_certificates_change(site: Site) -> None:
    """200 requests a second; pods end as soon as they are told to, without a moment's grace."""
    host = site.host("busy")
    site.keep("busy", host)
    busy = {host: [("/", "Prefix", "red")]}
    tls = [{"hosts": [host], "secretName": "busy"}]
    site.ingress("busy", busy, tls=tls)
    site.becomes(host, "/", "red")
    with RequestLoad(site.address, host, PER_SECOND) as load:
        began_s = time.monotonic()
        site.cli("rollout", "restart", "deployment/red", "-n", site.namespace)
        for turn in range(4):
            site.ingress(f"other-{turn}", {site.host(f"o{turn}"): [("/", "Prefix", "blue")]})
            site.keep("busy", host)
            time.sleep(1)
        site.cli("rollout", "status", "deployment/red", "-n", site.namespace, "--timeout", "90")
        site.cli("scale", "deployment/red", "-n", site.namespace, "--replicas=6")
        site.cli("rollout", "status", "deployment/red", "-n", site.namespace, "--timeout", "90")
        site.cli("scale", "deployment/red", "-n", site.namespace, "--replicas=1")
        site.delete(*(f"other-{turn}" for turn in range(4)))
        time.sleep(3)
        lasted_s = time.monotonic() - began_s
    count = sum(load.answers.values())
    print(f"{count} answers in {lasted_s:.0f} s, p99 {load.p99_ms:.0f} ms, {len(load.failures)} failed")
    assert not load.failures, load.failures[:10]
    assert len(load.answers) > 4, "pods came and went"
    site.delete("busy")


@pytest.mark.alone
@pytest.mark.parametrize("killed", ["podlab-ingress", "podlab-haproxy"])
def test_who_is_killed_comes_back_with_all_that_was_known(site: Site, killed: str) -> None:
    host = site.host("kept")
    site.ingress("kept", {host: [("/", "Prefix", "red")]})
    site.becomes(host, "/", "red")
    site.lab.run(NODE, ["systemctl", "kill", "--signal=KILL", killed])
    if killed == "podlab-ingress":
        assert site.ask(host) == "red"
    else:
        assert _first_answer(site, host) == "red", "the first answer is a true one"
    site.ingress("kept", {host: [("/", "Prefix", "blue")]})
    site.becomes(host, "/", "blue")
    site.delete("kept")


def _first_answer(site: Site, host: str) -> str:
    """Once HAProxy is back: until then connections are refused, or reset by the one that dies."""

    def asked() -> str:
        try:
            return site.ask(host)
        except ConnectionError:
            return ""

    return wait_until(asked, "HAProxy is back", 20, 0.1)
