"""The inventory's hosts as fixtures. A mark says on which hosts a check is made; the docstring is its sentence."""

import os
from collections.abc import Iterator

import pytest
from testinfra.host import Host as Machine

from podlab.client.config import ClientConfig, cluster_name, load_client_config
from podlab.deploy.preflight.hosts.facts import Facts, Host, Unusable
from podlab.deploy.preflight.outcome import Outcome
from podlab.deploy.preflight.playbook import PreflightError, look
from podlab.deploy.verify.cluster import Cluster
from podlab.deploy.verify.machines import connected, names_in
from podlab.deploy.verify.reporter import Reporter, heading_of, parameters_of

TOPICS = ("test_hosts", "test_services", "test_ports", "test_files", "test_hardening", "test_runtime", "test_network")
OUTCOME = pytest.StashKey[Outcome]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--inventory", default=os.environ.get("PODLAB_INVENTORY"), help="inventory of the cluster")
    parser.addoption("--ansible", action="append", default=[], help="another option for ansible-playbook")


def pytest_configure(config: pytest.Config) -> None:
    source = config.getoption("inventory")
    if not source:
        raise pytest.UsageError("name the inventory with --inventory or PODLAB_INVENTORY")
    try:
        outcome = look(["-i", source, *config.getoption("ansible")])
    except PreflightError as error:
        raise pytest.UsageError(str(error)) from error
    if not outcome.hosts:  # the inventory was not good enough to ask any
        raise pytest.UsageError("; ".join(f"{found.host}: {found.cause}" for found in outcome.findings))
    config.stash[OUTCOME] = outcome
    for reporter in (each for each in config.pluginmanager.get_plugins() if isinstance(each, Reporter)):
        reporter.cluster = str(outcome.hosts[0].variables.get("podlab_cluster", "")) or cluster_name()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    outcome = metafunc.config.stash[OUTCOME]
    if mark := metafunc.definition.get_closest_marker("on"):
        metafunc.parametrize("host_name", names_in(outcome, mark.args))
    if mark := metafunc.definition.get_closest_marker("each"):
        name, table = mark.args
        hosts = [(host.name, group) for host in outcome.hosts for group in host.groups]
        pairs = dict.fromkeys((host, thing) for host, group in hosts for thing in table.get(group, ()))
        metafunc.parametrize(("host_name", name), list(pairs))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All of one host together, in the inventory's order, and last what is the whole cluster's. A check of hosts that
    the cluster does not have is none: pytest would show it as skipped."""
    items[:] = [item for item in items if isinstance(parameters_of(item).get("host_name", ""), str)]
    order = {host.name: place for place, host in enumerate(config.stash[OUTCOME].hosts)}

    def place(item: pytest.Item) -> tuple[int, int, str]:
        component = parameters_of(item).get("component", "")
        return order.get(heading_of(item), len(order)), TOPICS.index(item.path.stem), str(component)

    items.sort(key=place)


@pytest.fixture(scope="session")
def outcome(pytestconfig: pytest.Config) -> Outcome:
    return pytestconfig.stash[OUTCOME]


@pytest.fixture(scope="session")
def machines(outcome: Outcome) -> Iterator[dict[str, Machine]]:
    with connected(outcome) as machines:
        yield machines


@pytest.fixture(scope="session")
def facts(outcome: Outcome) -> dict[str, Facts | Unusable]:
    return outcome.facts()


@pytest.fixture
def machine(machines: dict[str, Machine], facts: dict[str, Facts | Unusable], host_name: str) -> Machine:
    # Without this, every check of a host that is down would wait for it anew.
    if isinstance(facts[host_name], Unusable):
        pytest.skip("the host cannot be reached")
    return machines[host_name]


@pytest.fixture
def described(outcome: Outcome, host_name: str) -> Host:
    """The host as the inventory describes it."""
    return next(host for host in outcome.hosts if host.name == host_name)


@pytest.fixture(scope="session")
def client_config(outcome: Outcome) -> ClientConfig:
    return load_client_config(str(outcome.hosts[0].variables.get("podlab_cluster", "")))


@pytest.fixture(scope="session")
def patience(outcome: Outcome) -> int:
    """How many times as long as usual the hosts may take, as the inventory says."""
    return int(outcome.hosts[0].variables.get("podlab_patience", 1))


@pytest.fixture(scope="session")
def cluster(client_config: ClientConfig, patience: int) -> Iterator[Cluster]:
    with Cluster(client_config, patience) as cluster:
        yield cluster
