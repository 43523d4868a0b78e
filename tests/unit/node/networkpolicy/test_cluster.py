"""Whatever the policies and whatever changes, the rules say what the definition says."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing.policy_cases import NAMESPACES, NODES, PODS, cluster, definition, gets_through, policy

from node.networkpolicy.cluster import Cluster
from node.networkpolicy.compiled import compile_policy
from node.networkpolicy.pods import NamedPort, PolicyPod
from node.networkpolicy.script import render
from node.networkpolicy.table import Packet, passes
from node.networkpolicy.verdict import Policies
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy

LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["a", "b"]), max_size=2)
NAMES = st.sampled_from(sorted(NAMESPACES))
NUMBERS = st.integers(1, 6)
PROTOCOLS = st.sampled_from(["TCP", "UDP", "SCTP"])
PORT_NAMES = st.sampled_from(["http", "dns"])
ADDRESSES = [f"10.244.{node}.{last}" for node in (1, 2) for last in range(4, 9)]
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(["app", "tier", "team"]),
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(st.sampled_from(["a", "b", "infra"]), min_size=1, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {"key": st.sampled_from(["app", "tier"]), "operator": st.sampled_from(["Exists", "DoesNotExist"])}
    ),
)
SELECTORS = st.fixed_dictionaries(
    {}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(EXPRESSIONS, max_size=2)}
)
BLOCKS = st.builds(
    lambda network, left_out: {
        "cidr": network,
        "except": [f"{network.split('.0/')[0]}.{each}/32" for each in left_out],
    },
    st.sampled_from(["10.244.1.0/24", "10.244.2.0/24", "203.0.113.0/24"]),
    st.lists(st.integers(4, 9), max_size=3),
)
PEERS = st.one_of(
    st.builds(lambda block: {"ipBlock": block}, BLOCKS),
    st.builds(lambda pods: {"podSelector": pods}, SELECTORS),
    st.builds(lambda names, pods: {"namespaceSelector": names, "podSelector": pods}, SELECTORS, SELECTORS),
    st.builds(lambda names: {"namespaceSelector": names}, SELECTORS),
)
PORTS = st.one_of(
    st.builds(lambda protocol: {"protocol": protocol}, PROTOCOLS),
    st.builds(lambda protocol, port: {"protocol": protocol, "port": port}, PROTOCOLS, st.one_of(NUMBERS, PORT_NAMES)),
    st.builds(
        lambda protocol, port, more: {"protocol": protocol, "port": port, "endPort": port + more},
        PROTOCOLS,
        NUMBERS,
        st.integers(0, 3),
    ),
)


def rules(side: str) -> st.SearchStrategy[list[dict[str, object]]]:
    parts = {side: st.lists(PEERS, max_size=2), "ports": st.lists(PORTS, max_size=2)}
    return st.lists(st.fixed_dictionaries({}, optional=parts), min_size=1, max_size=2)


SPECS = st.fixed_dictionaries(
    {
        "podSelector": SELECTORS,
        "policyTypes": st.lists(st.sampled_from(["Ingress", "Egress"]), min_size=1, max_size=2, unique=True),
        "ingress": rules("from"),
        "egress": rules("to"),
    }
)
POLICIES = st.lists(st.builds(lambda namespace, spec: (namespace, spec), NAMES, SPECS), max_size=4).map(
    lambda made: [policy(number, namespace, **spec) for number, (namespace, spec) in enumerate(made)]
)
NAMED_PORTS = st.lists(
    st.builds(NamedPort, PORT_NAMES, PROTOCOLS.map(str.lower), NUMBERS), max_size=2, unique=True
).map(tuple)
AGES = st.tuples(st.integers(0, 3), st.just(0), st.just(""))
ONE_POD = st.builds(
    lambda namespace, name, labels, address, ports, age: PolicyPod(
        namespace,
        name,
        labels,
        address,
        "n1" if address.startswith("10.244.1.") else "n2",
        ports,
        (*age[:2], f"{namespace}/{name}"),
    ),
    NAMES,
    st.sampled_from(["p", "q", "r"]),
    LABELS,
    st.sampled_from(ADDRESSES),
    NAMED_PORTS,
    AGES,
)
PACKETS = st.builds(
    Packet,
    st.sampled_from([*ADDRESSES, *NODES, "203.0.113.5"]),
    st.sampled_from([*ADDRESSES, "203.0.113.5"]),
    st.sampled_from(["tcp", "udp", "sctp"]),
    NUMBERS,
)


def by_address(pods: list[PolicyPod]) -> list[PolicyPod]:
    return list({pod.address: pod for pod in {(pod.namespace, pod.name): pod for pod in pods}.values()}.values())


@given(POLICIES, st.lists(ONE_POD, max_size=8).map(by_address), st.lists(PACKETS, min_size=1, max_size=30))
def test_rules_say_what_the_definition_says(
    policies: list[NetworkPolicy], pods: list[PolicyPod], packets: list[Packet]
) -> None:
    tables = {name: cluster(name, policies, pods).table() for name in ("n1", "n2")}
    said = definition(policies, pods)
    assert [each for each in packets if gets_through(tables, each) != said.verdict(each).allowed] == []


CHANGES = st.one_of(
    st.tuples(st.just("pod"), ONE_POD),
    st.tuples(st.just("no pod"), ONE_POD),
    st.tuples(st.just("policy"), st.integers(0, 2), NAMES, SPECS),
    st.tuples(st.just("no policy"), st.integers(0, 2), NAMES),
    st.tuples(
        st.just("namespace"),
        NAMES,
        st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["a", "b", "infra"])),
    ),
    st.tuples(st.just("no namespace"), NAMES),
)


class Known:
    """What is there after changes, in plain dictionaries."""

    def __init__(self) -> None:
        self.pods: dict[tuple[str, str], PolicyPod] = {}
        self.policies: dict[tuple[str, str], NetworkPolicy] = {}
        self.namespaces: dict[str, dict[str, str]] = {}

    def take(self, change: tuple[object, ...], followed: Cluster) -> None:
        match change:
            case ("pod", PolicyPod() as pod):
                self.pods[pod.namespace, pod.name] = pod
                followed.set_pod(pod.namespace, pod.name, pod)
            case ("no pod", PolicyPod() as pod):
                self.pods.pop((pod.namespace, pod.name), None)
                followed.set_pod(pod.namespace, pod.name, None)
            case ("policy", int() as number, str() as namespace, dict() as spec):
                made = policy(number, namespace, **spec)
                self.policies[namespace, made.metadata.name] = made
                followed.set_policy(namespace, made.metadata.name, compile_policy(made))
            case ("this policy", NetworkPolicy() as made):
                self.policies[made.metadata.namespace, made.metadata.name] = made
                followed.set_policy(made.metadata.namespace, made.metadata.name, compile_policy(made))
            case ("no policy", int() as number, str() as namespace):
                self.policies.pop((namespace, f"policy-{number}"), None)
                followed.set_policy(namespace, f"policy-{number}", None)
            case ("namespace", str() as name, dict() as labels):
                self.namespaces[name] = labels
                followed.set_namespace(name, labels)
            case ("no namespace", str() as name):
                self.namespaces.pop(name, None)
                followed.set_namespace(name, None)
            case _:
                raise AssertionError(change)

    def anew(self) -> Cluster:
        made = Cluster("n1")
        for name, labels in self.namespaces.items():
            made.set_namespace(name, labels)
        for (namespace, name), each in self.policies.items():
            made.set_policy(namespace, name, compile_policy(each))
        for (namespace, name), pod in self.pods.items():
            made.set_pod(namespace, name, pod)
        return made


@settings(max_examples=200)
@given(POLICIES, st.lists(ONE_POD, max_size=6), st.lists(CHANGES, max_size=10), st.lists(PACKETS, max_size=10))
def test_what_follows_changes_is_what_is_made_anew(
    policies: list[NetworkPolicy], pods: list[PolicyPod], changes: list[tuple[object, ...]], packets: list[Packet]
) -> None:
    known, followed = Known(), Cluster("n1")
    for name, labels in NAMESPACES.items():
        known.take(("namespace", name, dict(labels)), followed)
    for pod in pods:
        known.take(("pod", pod), followed)
    for each in policies:
        known.take(("this policy", each), followed)
    for change in changes:
        followed.table()  # from here on groups are followed
        known.take(change, followed)
        assert render(followed.table()) == render(known.anew().table())
    table = followed.table()
    said = Policies(known.policies.values(), known.namespaces, known.pods.values(), {})
    for packet in packets:
        sides = said.verdict(packet)
        ends = [(sides.egress, packet.source), (sides.ingress, packet.destination)]
        allowed = all(side.allowed or not address.startswith("10.244.1.") for side, address in ends)
        assert passes(table, packet) is allowed


def test_an_address_that_is_used_again_has_nothing_of_the_pod_before() -> None:
    found = cluster("n1", [policy(0, podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"])])
    web = PODS["web"]
    assert found.table().isolated == {web.address}
    new = replace(web, name="new", labels={"app": "other"}, age=(9, 0, "new"))
    assert found.set_pod("shop", "new", new)  # known before the old one is known to be gone
    assert found.table().isolated == frozenset()
    found.set_pod("shop", "web", None)
    assert found.table().isolated == frozenset()


def test_a_pod_without_news_is_no_change() -> None:
    found = cluster("n1", [])
    assert not found.set_pod("shop", "web", PODS["web"])
    assert not found.set_pod("shop", "unheard-of", None)


def test_named_ports_follow_their_pods() -> None:
    ports = [{"ports": [{"protocol": "TCP", "port": "http"}]}]
    found = cluster("n1", [policy(0, podSelector={}, policyTypes=["Ingress"], ingress=ports)])
    at_first = {("10.244.1.5", 80), ("10.244.2.5", 8080), ("10.244.2.6", 80)}
    assert found.table().ports == {("tcp", "http"): at_first}
    found.set_pod(
        "shop", "web", replace(PODS["web"], ports=(NamedPort("http", "tcp", 81), NamedPort("dns", "udp", 53)))
    )
    found.set_pod("shop", "cache", None)
    assert found.table().ports == {("tcp", "http"): {("10.244.1.5", 81), ("10.244.2.6", 80)}}
