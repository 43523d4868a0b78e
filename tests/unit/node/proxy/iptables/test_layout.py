"""What holds for the chains of all Services together, and for what changes from one layout to the next."""

from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, exposures, layout, service

from node.iptables import restore_input
from node.proxy.exposures import Exposures, ServiceName
from node.proxy.frontends import Exposure
from node.proxy.iptables.layout import JUMPS, Layout, Tables, difference, to_ruleset
from node.proxy.node import ProxyNode

NODE = ProxyNode("n1", CLUSTER_CIDR, pod_cidr="10.244.0.0/24")
BUILT_IN_TARGETS = {"DNAT", "DROP", "MARK", "MASQUERADE", "RETURN", "REJECT"}

# number of a Service -> of its endpoints
worlds = st.dictionaries(st.integers(0, 300), st.integers(0, 6), max_size=60)


def of(world: dict[int, int]) -> Layout:
    return layout(map(service, world), [endpoint_slice(*each) for each in world.items()], NODE)


@given(worlds)
def test_every_jump_has_a_target_and_every_chain_is_used(world: dict[int, int]) -> None:
    for table, content in of(world).tables().items():
        roots = {rule.target for _, rule in JUMPS[table]}
        targets = {rule.target for rules in content.values() for rule in rules}
        assert targets - BUILT_IN_TARGETS <= content.keys()
        assert content.keys() - roots <= targets
        assert all(len(chain) <= 28 for chain in content)


@given(worlds, worlds)
def test_what_is_written_after_a_change_makes_the_rules_of_the_new_world(
    before: dict[int, int], after: dict[int, int]
) -> None:
    known = Exposures()
    old = Layout(NODE).changed(known.change(exposed(before)))
    gone = dict.fromkeys(before, -1)
    new = old.changed(known.change(exposed(gone | after)))
    assert applied(chains(old.tables()), restore_input(*difference(old, new))) == chains(of(after).tables())


def exposed(world: dict[int, int]) -> dict[ServiceName, Exposure]:
    """A Service that has -1 endpoints is gone."""
    present = {number: count for number, count in world.items() if count >= 0}
    found = exposures(map(service, present), [endpoint_slice(*each) for each in present.items()], NODE)
    return {("default", f"s{number}"): found.get(("default", f"s{number}"), Exposure()) for number in world}


def chains(tables: Tables) -> dict[str, dict[str, tuple[str, ...]]]:
    return {name: dict(table.chains) for name, table in to_ruleset(tables).items()}


def applied(standing: dict[str, dict[str, tuple[str, ...]]], text: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """As iptables-restore --noflush does it."""
    tables = {name: dict(content) for name, content in standing.items()}
    table = ""
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        chain, _, rule = rest.partition(" ")
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            tables[table][word[1:]] = ()
        elif word == "-A":
            tables[table][chain] = (*tables[table][chain], rule)
        elif word == "-X":
            assert tables[table].pop(chain) == ()
    return tables


def test_tcp_is_refused_by_a_reset_which_the_kernel_sends_to_everyone_and_others_by_an_icmp_error() -> None:
    name_server = service(1)
    name_server.spec.ports.add(name="dns", protocol="UDP", port=53)
    rules = [rule for each in layout([name_server], [], NODE).tables()["filter"].values() for rule in each]
    refusals = {rule.protocol: rule.options for rule in rules if rule.target == "REJECT"}
    assert refusals == {"tcp": "--reject-with tcp-reset", "udp": "--reject-with icmp-port-unreachable"}


def test_a_headless_service_has_no_rules() -> None:
    headless = service(1)
    headless.spec.clusterIP = "None"
    assert layout([headless], [endpoint_slice(1, 3)], NODE).tables() == layout([], [], NODE).tables()


def test_only_what_a_pod_of_this_node_sends_itself_is_masqueraded() -> None:
    nat = layout([service(0)], [endpoint_slice(0, 3)], NODE).tables()["nat"]
    assert [rule.source for rule in nat["PODLAB-SH-10.244.0.0/29"]] == ["10.244.0.2", "10.244.0.4"]
