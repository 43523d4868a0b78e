"""A Deployment changes under constant requests, and nobody outside notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml
from podlab_testing.deployed import Cli, Traffic, Web, ask, deployment, service, wait_until

REPLICAS = 10
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
