"""Kubelets' own HTTPS endpoints, asked from another host as Prometheus and metrics-server ask them."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from podlab_testing.deployed import Cli, wait_until
from podlab_testing.source_code import PROJECT

from podlab.lab.lab import Lab

ACCESS = PROJECT / "examples/monitoring/access.yaml"
AGENT = "system:serviceaccount:monitoring:prometheus"


@dataclass(frozen=True)
class Kubelet:
    """At its node's address and the port that the Node's status tells."""

    address: str
    port: int
    ca: Path

    def ask(self, path: str, token: str = "", own: Path | None = None) -> tuple[int, str]:
        """`own` is the certificate that is shown, with its key beside it."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if own is not None:
            context.load_cert_chain(own, own.with_suffix(".key"))
        connection = http.client.HTTPSConnection(self.address, self.port, timeout=30, context=context)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def pki(lab: Lab) -> Path:
    return PROJECT / ".podlab" / lab.name / "pki"


@pytest.fixture
def kubelets(cli: Cli, pki: Path) -> list[Kubelet]:
    found = []
    for node in cli.items("nodes"):
        address = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
        found.append(Kubelet(address, node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"], pki / "ca.crt"))
    return found


@pytest.fixture
def token(cli: Cli) -> Iterator[str]:
    """Of the example's service account, which may get nodes/metrics."""
    cli("apply", "-f", str(ACCESS))

    def made() -> str:
        data = cli.get("secret", "prometheus", "-n", "monitoring").get("data", {})
        return str(data.get("token", ""))

    yield base64.b64decode(wait_until(made, "the account has its token")).decode()
    cli("delete", "-f", str(ACCESS), "--ignore-not-found")


@pytest.mark.alone  # the example's objects are the whole cluster's
def test_an_agent_reads_of_every_node_what_its_role_says(kubelets: list[Kubelet], token: str, pki: Path) -> None:
    assert kubelets
    forbidden = f"Forbidden (user={AGENT}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n"
    for kubelet in kubelets:
        assert kubelet.port == 10250
        for path in ("/metrics", "/healthz"):
            assert kubelet.ask(path) == (401, "Unauthorized")
        status, page = kubelet.ask("/metrics/resource", token)
        assert status == 200
        assert "node_cpu_usage_seconds_total" in page
        assert kubelet.ask("/pods", token) == (403, forbidden)
        administrator = pki / "admin.crt"
        assert kubelet.ask("/healthz", own=administrator) == (200, "ok")
        status, page = kubelet.ask("/stats/summary", own=administrator)
        assert (status, json.loads(page)["node"]["memory"]["workingSetBytes"] > 0) == (200, True)
