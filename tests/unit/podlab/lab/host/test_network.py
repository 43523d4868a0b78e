import json

from podlab.lab.host import network
from podlab.lab.spec import LabSpec

CI = LabSpec(name="ci", subnet="10.99.3.0/24")


def saved(lab: LabSpec) -> str:
    """What iptables-save says of a lab's nat rules, among rules of others."""
    return "\n".join(
        [
            "*nat",
            ":POSTROUTING ACCEPT [5:300]",
            "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
            f"-A POSTROUTING -s {lab.subnet} ! -d {lab.subnet} "
            f'-m comment --comment "podlab-lab:{lab.name}" -j MASQUERADE',
            "COMMIT",
        ]
    )


def test_a_lab_leaves_through_this_machines_address_but_not_to_itself() -> None:
    command = network.rules(CI)[0].command("--insert")
    assert command[:6] == ["iptables", "--wait", "10", "--table", "nat", "--insert"]
    assert " ".join(command).endswith(
        "POSTROUTING -s 10.99.3.0/24 ! -d 10.99.3.0/24 ! -o pl-ci -m comment --comment podlab-lab:ci -j MASQUERADE"
    )


def test_a_firewall_that_forwards_nothing_lets_the_lab_through() -> None:
    forwards = [rule.match[:2] for rule in network.rules(CI) if rule.chain == "FORWARD"]
    assert forwards == [("-i", "pl-ci"), ("-o", "pl-ci")]


def test_an_isolated_lab_has_no_way_out_but_one_between_its_segments() -> None:
    lab = LabSpec(name="ci", subnet="10.99.3.0/24", segments=2, isolated=True)
    rules = [" ".join(rule.match) for rule in network.rules(lab) if rule.match[1] == "p2-ci"]
    assert [rule.replace("-m comment --comment podlab-lab:ci ", "") for rule in rules] == [
        "-i p2-ci -j DROP",
        "-i p2-ci -d 10.99.3.0/24 -j ACCEPT",
        "-i p2-ci -o p2-ci -j ACCEPT",
    ]
    assert len(network.rules(lab)) == 6


def test_what_goes_from_one_segment_to_the_other_keeps_its_address() -> None:
    rules = [rule.match for rule in network.rules(LabSpec(name="ci", subnet="10.99.3.0/24", segments=2))]
    leaving = [" ".join(match[:8]) for match in rules if "MASQUERADE" in match]
    assert leaving == [
        "-s 10.99.3.0/25 ! -d 10.99.3.0/24 ! -o pl-ci",
        "-s 10.99.3.128/25 ! -d 10.99.3.0/24 ! -o p2-ci",
    ]


def test_only_rules_with_the_labs_own_mark_are_deleted() -> None:
    assert [" ".join(command[4:]) for command in network.marked_rules(saved(CI), "nat", "ci")] == [
        "nat -D POSTROUTING -s 10.99.3.0/24 ! -d 10.99.3.0/24 -m comment --comment podlab-lab:ci -j MASQUERADE"
    ]
    assert network.marked_rules(saved(CI), "nat", "c") == ()
    assert network.marked_rules(saved(CI), "nat", "ci-2") == ()


def test_links_to_hosts_are_known_by_either_name() -> None:
    listed = [
        {"ifname": "vb-podlab.ci.m1"},
        {"ifname": "vb-podlab.cbVn4", "altnames": ["vb-podlab.ci.n1"]},
        {"ifname": "vb-podlab.cnFai", "altnames": ["vb-podlab.ci-2.n1"]},
        {"ifname": "veth0"},
    ]
    assert network.links_to_hosts(json.dumps(listed), "ci") == ["vb-podlab.ci.m1", "vb-podlab.cbVn4"]
    assert network.links_to_hosts("", "ci") == []
