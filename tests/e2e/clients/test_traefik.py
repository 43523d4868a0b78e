"""Traefik as the cluster's Ingress controller, in a pod, with its ServiceAccount's token."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.deployed import Cli, MakeNamespace, deployment, service, wait_for, wait_until

from podlab import pki

PROGRAM = Path(sys.executable).with_name("traefik")
ON_THE_NODE = "/var/tmp/podlab-e2e-traefik"
NODE = "n1"
COPIED_WITHIN_S = 60.0


@dataclass(frozen=True)
class Site:
    """What Traefik answers at the node."""

    cli: Cli
    namespace: str
    address: str
    ports: dict[str, int]

    def ask(self, host: str, path: str = "/") -> str:
        """The body, the status of a refusal, or that nothing came: Traefik may ask a pod that has just gone."""
        asked = urllib.request.Request(f"http://{self.address}:{self.ports['web']}{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refused:
            return str(refused.code)
        except TimeoutError:
            return "no answer"

    def answered_by(self, host: str, path: str = "/") -> str:
        """Which Deployment, by its greeting."""
        return self.ask(host, path).partition(" from ")[0]

    def ingress(self, rules: dict[str, dict[str, str]], **spec: Any) -> None:
        """Applies it: host -> path -> Service."""

        def to(name: str) -> dict[str, Any]:
            return {"service": {"name": name, "port": {"name": "http"}}}

        listed = [
            {
                "host": host,
                "http": {
                    "paths": [{"path": at, "pathType": "Prefix", "backend": to(name)} for at, name in paths.items()]
                },
            }
            for host, paths in rules.items()
        ]
        body = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "site"},
            "spec": {"ingressClassName": f"traefik-{self.namespace}", "rules": listed, **spec},
        }
        self.cli("apply", "-n", self.namespace, "-f", "-", stdin=json.dumps(body))


@pytest.fixture(scope="module")
def program(cli: Cli) -> Iterator[str]:
    """Traefik on the node."""
    if not PROGRAM.exists():
        pytest.skip("traefik is not installed: scripts/bootstrap clients")
    ssh = [str(Path(sys.executable).with_name("podlab")), "--cluster", cli.cluster, "lab", "ssh", NODE, "--"]
    with PROGRAM.open("rb") as binary:
        copy = f"cat > {ON_THE_NODE} && chmod 755 {ON_THE_NODE}"
        subprocess.run([*ssh, copy], stdin=binary, check=True, timeout=COPIED_WITHIN_S)
    yield ON_THE_NODE
    cli("lab", "ssh", NODE, "--", "rm", "-f", ON_THE_NODE)


@pytest.fixture(scope="module")
def namespace(make_namespace: MakeNamespace) -> str:
    return make_namespace()


@pytest.fixture(scope="module")
def site(cli: Cli, addresses: dict[str, str], namespace: str, program: str) -> Iterator[Site]:
    """Traefik is ready, and so are two Deployments behind Services: `red` with two pods, and `blue` with one."""
    manifest = Path(__file__).with_name("traefik.yaml").read_text()
    for name, value in {"NAMESPACE": namespace, "NODE": NODE, "PROGRAM": program}.items():
        manifest = manifest.replace(name, value)
    cli("apply", "-f", "-", stdin=manifest)
    try:
        for name, replicas in (("red", 2), ("blue", 1)):
            greets = [{"name": "GREETING", "value": name}]
            cli(
                "apply",
                "-n",
                namespace,
                "-f",
                "-",
                stdin=f"{deployment(name, replicas, env=greets)}---\n{service(name)}",
            )
        for name in ("traefik", "red", "blue"):
            cli("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout", "60")
        ports = {
            each["name"]: each["nodePort"] for each in cli.get("service", "traefik", "-n", namespace)["spec"]["ports"]
        }
        yield Site(cli, namespace, addresses[NODE], ports)
    finally:
        cli("delete", "-f", "-", stdin=manifest)


def test_hosts_and_paths_lead_to_their_services(site: Site) -> None:
    assert site.ask("red.example") == "404"
    site.ingress({"red.example": {"/": "red", "/healthz": "blue"}, "blue.example": {"/": "blue"}})
    wait_for("red", lambda: site.answered_by("red.example"), "Traefik has the Ingress")
    assert site.answered_by("blue.example") == "blue"
    assert site.answered_by("red.example", "/slow?seconds=0") == "red"
    assert site.ask("other.example") == "404"

    site.ingress({"red.example": {"/": "red", "/slow": "blue"}})
    wait_for("blue", lambda: site.answered_by("red.example", "/slow?seconds=0"), "Traefik has the changed Ingress")
    assert (site.answered_by("red.example"), site.ask("blue.example")) == ("red", "404")


def test_the_address_is_written_into_the_status(site: Site) -> None:
    site.ingress({"red.example": {"/": "red"}})
    expected = [{"hostname": f"{site.namespace}.example"}]

    def written() -> bool:
        status = site.cli.get("ingress", "site", "-n", site.namespace)["status"]
        return bool(status["loadBalancer"].get("ingress") == expected)

    wait_until(written, "Traefik has written the Ingress's status")


def test_pods_that_come_and_go_are_followed(site: Site) -> None:
    site.ingress({"red.example": {"/": "red"}})

    def answering() -> set[str]:
        """Names of pods in as many answers as make it sure that each has its turn."""
        return {site.ask("red.example").partition(" from ")[2].partition(" ")[0] for _ in range(8)}

    def ready() -> set[str]:
        pods = site.cli.items("pods", "-n", site.namespace, "-l", "app=red")
        return {each["metadata"]["name"] for each in pods if "deletionTimestamp" not in each["metadata"]}

    wait_for("red", lambda: site.answered_by("red.example"), "Traefik has the Ingress")
    wait_until(lambda: answering() == ready(), "both pods answer")
    site.cli("delete", "pod", min(ready()), "-n", site.namespace)
    site.cli("rollout", "status", "deployment/red", "-n", site.namespace, "--timeout", "60")
    wait_until(lambda: answering() == ready(), "the new pod answers in the old one's place")
    site.cli("scale", "deployment/red", "-n", site.namespace, "--replicas=0")
    wait_for("503", lambda: site.ask("red.example"), "Traefik says that no pod is left")


def test_the_certificate_of_a_secret_is_served(site: Site, tmp_path: Path) -> None:
    authority = pki.ensure_ca(tmp_path)
    pki.ensure_certificate(authority, tmp_path, "red", "red", [], ["red.example"])
    body = {"tls.crt": (tmp_path / "red.crt").read_bytes(), "tls.key": (tmp_path / "red.key").read_bytes()}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "red"},
        "data": {name: base64.b64encode(value).decode() for name, value in body.items()},
    }
    site.cli("apply", "-n", site.namespace, "-f", "-", stdin=json.dumps(secret))
    site.ingress({"red.example": {"/": "red"}}, tls=[{"hosts": ["red.example"], "secretName": "red"}])
    context = ssl.create_default_context(cafile=tmp_path / "ca.crt")

    def greeted() -> bool:
        """Whether the host's own certificate is shown: any other ends the handshake."""
        try:
            with (
                socket.create_connection((site.address, site.ports["websecure"]), timeout=5) as connection,
                context.wrap_socket(connection, server_hostname="red.example"),
            ):
                return True
        except ssl.SSLCertVerificationError:
            return False

    wait_until(greeted, "Traefik serves the Secret's certificate")
