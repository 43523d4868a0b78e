"""The lab is the one that PODLAB_CLUSTER names (`lab` by default), brought up with `make up`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from deployed import Cli, Web, deployment, nodes_ready, service, wait_until

from podlab.lab.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Lab:
    own = Lab(os.environ.get("PODLAB_CLUSTER", "lab"))
    if not own.exists():
        pytest.skip(f"no lab {own.name!r}: bring it up with `make up`")
    return own


@pytest.fixture(scope="session")
def cli(lab: Lab) -> Cli:
    return Cli(lab.name)


@pytest.fixture(scope="session")
def addresses(lab: Lab) -> dict[str, str]:
    """Host name -> address."""
    return {host.name: str(host.address) for host in lab.spec().hosts}


@pytest.fixture
def namespace(cli: Cli) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"e2e-{secrets.token_hex(3)}"
    cli("create", "namespace", name)
    yield name
    cli("delete", "namespace", name, timeout_s=180)


@pytest.fixture
def all_ready(cli: Cli) -> Iterator[None]:
    """The test begins and ends with every node Ready."""
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    yield
    wait_until(lambda: nodes_ready(cli), "all nodes Ready again", 180)


@pytest.fixture
def web(cli: Cli, namespace: str, addresses: dict[str, str], all_ready: None) -> Web:
    """Three replicas that serve on every node's port."""
    cli("apply", "-n", namespace, "-f", "-", stdin=deployment("web", 3) + "---\n" + service("web", node_port=True))
    cli("rollout", "status", "deployment/web", "-n", namespace, timeout_s=90)
    port = cli.get("service", "web", "-n", namespace)["spec"]["ports"][0]["nodePort"]
    nodes = [node["metadata"]["name"] for node in cli.items("nodes")]
    found = Web(cli, namespace, [f"http://{addresses[name]}:{port}/" for name in nodes])
    wait_until(found.answers_everywhere, "the Service answers on every node", 30)
    return found
