"""The lab is the one that PODLAB_CLUSTER names (`lab` by default), brought up with `make up`.

Files run side by side (`make e2e`), each test in a namespace of its own; those marked `alone` run after all others, one
after another. `deploy` and `lab` make labs of their own.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator, Iterator

import pytest
from podlab_testing import diagnosis
from podlab_testing.deployed import PROJECT, Cli, MakeNamespace, Web, deployment, nodes_ready, service, wait_until
from podlab_testing.kubectl import Kubectl

from podlab.lab.lab import Lab

NAMESPACES_GONE_WITHIN_S = 180


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure on the lab keeps what was there; the namespace is about to go."""
    report = yield
    given = getattr(item, "funcargs", {})
    if report.failed and report.when != "teardown" and {"lab", "cli"} <= given.keys():
        report.sections += diagnosis.of(given["lab"], given["cli"], _namespace(given))
    return report


def _namespace(given: dict[str, object]) -> str:
    """The test's; a module's shared fixture may hold it."""
    named = (getattr(value, "namespace", value if name == "namespace" else None) for name, value in given.items())
    return next((name for name in named if isinstance(name, str)), "default")


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


@pytest.fixture(scope="session")
def make_namespace(cli: Cli) -> Iterator[MakeNamespace]:
    """Makes namespaces; at the very end all are gone."""
    made: list[str] = []

    def make() -> str:
        made.append(f"e2e-{secrets.token_hex(3)}")
        cli.rest.create_namespace(made[-1])
        return made[-1]

    yield make
    for name in made:
        cli.rest.delete_namespace(name)
    wait_until(
        lambda: not [name for name in made if cli.rest.exists("namespace", name)],
        "the tests' namespaces are gone",
        NAMESPACES_GONE_WITHIN_S,
    )


@pytest.fixture
def namespace(cli: Cli, make_namespace: MakeNamespace) -> Iterator[str]:
    """One of the test's own, which goes away while the next test runs."""
    name = make_namespace()
    yield name
    cli.rest.delete_namespace(name)


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


@pytest.fixture(scope="session")
def administrator(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """The lab's own kubeconfig, as `make up` leaves it."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed")
    return Kubectl(program, PROJECT / ".podlab" / lab.name / "kubeconfig", tmp_path_factory.mktemp("home"))
