import pytest
from podlab_testing.policy_cases import PLACES, cluster, policy

from node.flows import Flow
from node.networkpolicy.cut import forbidden

CLOSED = policy(0, podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"])
OWN = {"192.0.2.1", "10.244.1.1"}


def flow(source: str, destination: str, endpoint: str = "", protocol: str = "tcp") -> Flow:
    ends = PLACES[source], 40000, PLACES.get(destination, destination), 80
    return Flow(protocol, *ends, f"{PLACES[endpoint or destination]}:80")


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        (flow("db", "web"), True),
        (flow("outside", "web"), True),
        (flow("db", "web", protocol="icmp"), True),
        (flow("db", "10.96.0.20", "web"), True),  # through a Service
        (flow("web", "db"), False),
        (flow("db", "cache"), False),
        (flow("outside", "node"), False),
        (flow("node", "web"), False),  # kubelet's probes
        (flow("gateway", "web"), False),
        (flow("web", "web"), False),
    ],
)
def test_flows_end_that_could_not_begin_now(found: Flow, ends: bool) -> None:
    table = cluster("n1", [CLOSED]).table()
    assert forbidden([found], table, OWN.__contains__) == ([found] if ends else [])


def test_without_policies_no_flow_ends() -> None:
    assert forbidden([flow("db", "web")], cluster("n1", []).table(), OWN.__contains__) == []
