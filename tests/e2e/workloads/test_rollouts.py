"""A Deployment changes under constant requests, and nobody outside notices."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import yaml
from podlab_testing import steady
from podlab_testing.deployed import Cli, Traffic, Web, ask, deployment, service, wait_until

from podlab.lab.lab import Lab

REPLICAS = 10
STEADY, STEADY_S = Path(steady.__file__), "30"
REFUSED = """
import socket, sys, time
began = time.monotonic()
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
except ConnectionRefusedError:
    print("refused", time.monotonic() - began)
"""
SLOW_S = 3  # longer than preStop lasts: the server itself has to finish what it began


def manifest(image: str) -> str:
    body = yaml.safe_load(deployment("web", REPLICAS, image=image))
    body["spec"]["strategy"]["rollingUpdate"] = {"maxSurge": "50%", "maxUnavailable": 0}
    return yaml.safe_dump(body)


@pytest.fixture
def ten(cli: Cli, namespace: str, addresses: dict[str, str], all_ready: None) -> Web:
    """Ten replicas that serve on every node's port."""
    first = manifest("podlab.local/hello:1.0")
    cli("apply", "-n", namespace, "-f", "-", stdin=first + "---\n" + service("web", node_port=True))
    cli("rollout", "status", "deployment/web", "-n", namespace, timeout_s=90)
    port = cli.get("service", "web", "-n", namespace)["spec"]["ports"][0]["nodePort"]
    nodes = [node["metadata"]["name"] for node in cli.items("nodes")]
    found = Web(cli, namespace, [f"http://{addresses[name]}:{port}/" for name in nodes])
    wait_until(found.answers_everywhere, "the Service answers on every node", 30)
    return found


@contextmanager
def slow_requests(urls: list[str]) -> Iterator[list[str]]:
    """Some that take long are always under way; the list is of those that failed."""
    stop, failures = threading.Event(), []

    def work(url: str) -> None:
        while not stop.is_set():
            try:
                ask(f"{url}slow?seconds={SLOW_S}", timeout_s=20)
            except OSError as error:
                failures.append(f"{url}: {error}")

    threads = [threading.Thread(target=work, args=(url,), daemon=True) for url in urls * 3]
    for thread in threads:
        thread.start()
    yield failures
    stop.set()
    for thread in threads:
        thread.join(30)


def test_ten_replicas_change_and_change_back_and_no_request_fails(ten: Web, cli: Cli) -> None:
    with Traffic(ten.urls) as traffic, slow_requests(ten.urls) as failures:
        cli("apply", "-n", ten.namespace, "-f", "-", stdin=manifest("podlab.local/hello:1.1"))
        cli("rollout", "status", "deployment/web", "-n", ten.namespace, timeout_s=120)
        wait_until(lambda: all("1.1" in ask(url) for url in ten.urls * 5), "only the new version answers", 30)
        cli("rollout", "undo", "deployment/web", "-n", ten.namespace)
        cli("rollout", "status", "deployment/web", "-n", ten.namespace, timeout_s=120)
        wait_until(lambda: all("1.0" in ask(url) for url in ten.urls * 5), "only the old version answers", 30)
    assert not traffic.failures
    assert not failures
    assert len(traffic.answers) > 100


def test_two_hundred_requests_a_second_by_cluster_ip_and_node_port_survive_a_rollout(
    ten: Web, cli: Cli, lab: Lab
) -> None:
    cluster_ip = cli.get("service", "web", "-n", ten.namespace)["spec"]["clusterIP"]
    with ThreadPoolExecutor() as pool:
        outside = pool.submit(
            subprocess.run, [sys.executable, STEADY, ten.urls[0], "100", STEADY_S], capture_output=True, text=True
        )
        inside = pool.submit(
            lab.run, "n1", ["python3", "-c", STEADY.read_text(), f"http://{cluster_ip}/", "100", STEADY_S]
        )
        cli("apply", "-n", ten.namespace, "-f", "-", stdin=manifest("podlab.local/hello:1.1"))
        cli("rollout", "status", "deployment/web", "-n", ten.namespace, timeout_s=120)
        for name, asked in (("by a node port", outside), ("by the cluster IP", inside)):
            count, *failures = asked.result(120).stdout.splitlines()
            assert not failures, name
            assert int(count) > 0.5 * 100 * float(STEADY_S), name


def test_a_service_of_which_all_pods_go_refuses_at_once(ten: Web, cli: Cli, lab: Lab) -> None:
    cluster_ip = cli.get("service", "web", "-n", ten.namespace)["spec"]["clusterIP"]
    cli("scale", "deployment/web", "--replicas=0", "-n", ten.namespace)
    wait_until(lambda: not cli.items("pods", "-n", ten.namespace), "all pods are gone", 60)

    def refuses_at_once(host: str) -> bool:
        """Sooner than a packet that was dropped is sent again."""
        said = lab.run(host, ["python3", "-c", REFUSED, cluster_ip, "80"]).stdout.split()
        return said[:1] == ["refused"] and float(said[1]) < 1

    for host in ("n1", "n2"):
        wait_until(partial(refuses_at_once, host), f"{host} refuses at once", 30)
