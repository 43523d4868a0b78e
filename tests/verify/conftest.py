"""The inventory's hosts as fixtures. A mark says on which hosts a check is made; the docstring is its sentence."""

import os
from collections.abc import Iterator

import pytest
from testinfra.host import Host as Machine

from podlab.client.config import ClientConfig, load_client_config
from podlab.preflight.facts import Facts, Host, Unusable
from podlab.preflight.inventory import Inventory, read_inventory
from podlab.preflight.ssh import gather
from podlab.verify.cluster import Cluster
from podlab.verify.machines import connected, names_in
from podlab.verify.reporter import heading_of, parameters_of

TOPICS = ("test_hosts", "test_services", "test_ports", "test_files", "test_runtime", "test_network")
INVENTORY = pytest.StashKey[Inventory]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--inventory", default=os.environ.get("PODLAB_INVENTORY"), help="inventory of the cluster")


def pytest_configure(config: pytest.Config) -> None:
    source = config.getoption("inventory")
    if not source:
        raise pytest.UsageError("name the inventory with --inventory or PODLAB_INVENTORY")
    config.stash[INVENTORY] = read_inventory([source])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    inventory = metafunc.config.stash[INVENTORY]
    if mark := metafunc.definition.get_closest_marker("on"):
        metafunc.parametrize("host_name", names_in(inventory, mark.args))
    if mark := metafunc.definition.get_closest_marker("each"):
        name, table = mark.args
        pairs = [(host.name, thing) for host in inventory.hosts for group in host.groups for thing in table[group]]
        metafunc.parametrize(("host_name", name), pairs)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All of one host together, in the inventory's order, and last what is the whole cluster's."""
    order = {host.name: place for place, host in enumerate(config.stash[INVENTORY].hosts)}

    def place(item: pytest.Item) -> tuple[int, int, str]:
        component = parameters_of(item).get("component", "")
        return order.get(heading_of(item), len(order)), TOPICS.index(item.path.stem), str(component)

    items.sort(key=place)


@pytest.fixture(scope="session")
def inventory(pytestconfig: pytest.Config) -> Inventory:
    return pytestconfig.stash[INVENTORY]


@pytest.fixture(scope="session")
def machines(inventory: Inventory) -> Iterator[dict[str, Machine]]:
    with connected(inventory) as machines:
        yield machines


@pytest.fixture(scope="session")
def facts(inventory: Inventory) -> dict[str, Facts | Unusable]:
    return gather(inventory)


@pytest.fixture
def machine(machines: dict[str, Machine], facts: dict[str, Facts | Unusable], host_name: str) -> Machine:
    # Without this, every check of a host that is down would wait for it anew.
    if isinstance(facts[host_name], Unusable):
        pytest.skip("the host cannot be reached")
    return machines[host_name]


@pytest.fixture
def described(inventory: Inventory, host_name: str) -> Host:
    """The host as the inventory describes it."""
    return next(host for host in inventory.hosts if host.name == host_name)


@pytest.fixture(scope="session")
def client_config(inventory: Inventory) -> ClientConfig:
    return load_client_config(str(inventory.hosts[0].variables.get("podlab_cluster", "")))


@pytest.fixture(scope="session")
def cluster(client_config: ClientConfig) -> Iterator[Cluster]:
    with Cluster(client_config) as cluster:
        yield cluster
