import pytest
from podlab_testing.policy_cases import policy

from node.networkpolicy.compiled import PodGroup, PolicyRule, compile_policy
from podlab.api.selection.selectors import Selector, from_labels
from podlab.errors import BadRequest

ALL = PodGroup(Selector(), "shop")
WEB = PodGroup(from_labels({"app": "web"}), "shop")
WEB_PEER = {"podSelector": {"matchLabels": {"app": "web"}}}


@pytest.mark.parametrize(
    ("rule", "compiled"),
    [
        ({}, {PolicyRule()}),
        ({"from": [WEB_PEER]}, {PolicyRule(WEB)}),
        ({"from": [WEB_PEER, WEB_PEER]}, {PolicyRule(WEB)}),
        ({"from": [{"namespaceSelector": {}}]}, {PolicyRule(PodGroup(Selector(), namespaces=Selector()))}),
        (
            {"from": [{"ipBlock": {"cidr": "10.0.0.0/31"}}, {"ipBlock": {"cidr": "10.0.0.2/31"}}, WEB_PEER]},
            {PolicyRule(family="IPv4", addresses=((0x0A000000, 0x0A000003),)), PolicyRule(WEB)},
        ),
        ({"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}, {PolicyRule(family="IPv4")}),
        ({"from": [{"ipBlock": {"cidr": "::/0"}}]}, {PolicyRule(family="IPv6")}),
        (
            {"from": [{"ipBlock": {"cidr": "2001:db8::/127", "except": ["2001:db8::1/128"]}}]},
            {PolicyRule(family="IPv6", addresses=((0x20010DB8 << 96, 0x20010DB8 << 96),))},
        ),
        ({"ports": [{"protocol": "TCP"}, {"protocol": "TCP", "port": 80}]}, {PolicyRule(protocol="tcp")}),
        (
            {"ports": [{"protocol": "UDP", "port": 53, "endPort": 60}, {"protocol": "UDP", "port": 61}]},
            {PolicyRule(protocol="udp", ports=((53, 61),))},
        ),
        (
            {"ports": [{"protocol": "SCTP", "port": "a"}, {"protocol": "SCTP", "port": 5}], "from": [WEB_PEER]},
            {PolicyRule(WEB, protocol="sctp", port_name="a"), PolicyRule(WEB, protocol="sctp", ports=((5, 5),))},
        ),
    ],
)
def test_a_rule_is_made_of_each_kind_of_peer_with_each_kind_of_port(
    rule: dict[str, object], compiled: set[PolicyRule]
) -> None:
    found = compile_policy(policy(0, podSelector={}, policyTypes=["Ingress"], ingress=[rule]))
    assert found.selected == ALL
    assert found.egress is None
    assert found.ingress is not None
    assert set(found.ingress) == compiled
    assert len(found.ingress) == len(compiled)


def test_selectors_that_mean_the_same_are_the_same_group() -> None:
    parts = [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "In", "values": ["x", "y"]}]
    again = [{"key": "b", "operator": "In", "values": ["y", "x"]}, {"key": "a", "operator": "Exists"}]
    groups = [
        compile_policy(policy(0, podSelector={"matchExpressions": each}, policyTypes=["Ingress"])).selected
        for each in (parts, again)
    ]
    assert groups[0] == groups[1]
    assert groups[0].text == groups[1].text == "namespace shop, pods a,b in (x,y)"


def test_what_validation_does_not_let_through_is_refused() -> None:
    with pytest.raises(BadRequest, match="Like"):
        compile_policy(policy(0, podSelector={"matchExpressions": [{"key": "a", "operator": "Like"}]}))
