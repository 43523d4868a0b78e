"""Who must reach whom, and what is said when one cannot."""

from podlab.deploy.preflight.checks import requirements
from podlab.deploy.preflight.checks.ports import awaited_at, closed_ports, listeners_for
from podlab.deploy.preflight.hosts import port_trial
from podlab.deploy.preflight.hosts.facts import Host


def host(name: str, group: str, number: int) -> Host:
    return Host(name=name, groups=frozenset({group}), variables={"podlab_address": f"192.0.2.{number}"})


MASTER, N1, N2 = host("m1", "masters", 11), host("n1", "nodes", 21), host("n2", "nodes", 22)
HOSTS = (MASTER, N1, N2)
POLICY = {"iptables": ":INPUT DROP [0:0]", "nftables": ""}


def test_everybody_reaches_the_api_server_and_it_reaches_the_nodes() -> None:
    assert awaited_at(MASTER, HOSTS) == {6443: ["m1", "n1", "n2"], 7443: ["m1", "n1", "n2"]}
    assert awaited_at(N1, HOSTS) == {7450: ["m1"], 7451: ["m1"], 7452: ["m1"]}


def test_masters_ask_each_other_s_schedulers_and_etcd_s_members_each_other() -> None:
    both = frozenset({"masters", "etcd"})
    masters = [Host(name=f"m{n}", groups=both, variables={"podlab_address": f"192.0.2.{n}"}) for n in (1, 2)]
    assert awaited_at(masters[0], [*masters, N1]) == {
        6443: ["m1", "m2", "n1"],
        7443: ["m1", "m2", "n1"],
        7444: ["m2"],
        2379: ["m1", "m2"],
        2380: ["m1", "m2"],
    }


def test_a_scheduler_that_runs_is_not_tried_for_it_may_listen_at_loopback() -> None:
    masters = (MASTER, host("m2", "masters", 12))
    opened = {"m1": {"open": [6443]}, "m2": {"open": [7444]}}
    tried = {(target["host"], target["port"]) for each in masters for target in listeners_for(each, masters, opened)}
    assert ("m2", 7444) in tried
    assert ("m1", 7444) not in tried


def test_a_host_tries_what_it_needs_of_those_that_take_part() -> None:
    opened = {"m1": {"open": [7443]}, "n1": {"open": [7450, 7451, 7452]}}
    assert [(target["host"], target["port"], target["attended"]) for target in listeners_for(N1, HOSTS, opened)] == [
        ("m1", 6443, False),
        ("m1", 7443, True),
    ]
    assert [(target["host"], target["port"]) for target in listeners_for(MASTER, HOSTS, opened)] == [
        *(("m1", 6443), ("m1", 7443)),
        *(("n1", 7450), ("n1", 7451), ("n1", 7452)),
    ]


def test_all_that_one_rule_closes_is_one_finding() -> None:
    fault = "no answer within 3 s"
    trials = {
        name: [{"host": "m1", "address": "192.0.2.11", "port": port, "fault": fault} for port in (6443, 7443)]
        for name in ("n1", "n2")
    }
    (finding,) = closed_ports(trials, {"m1": POLICY})
    assert finding.host == "m1"
    assert finding.cause == (
        "n1 and n2 cannot reach 192.0.2.11 port 6443 (apiserver), 7443 (apiserver): no answer within 3 s; "
        "closed by the policy of iptables' chain INPUT, DROP"
    )


def test_where_no_rule_is_known_it_is_said() -> None:
    trials = {"m1": [{"host": "n1", "address": "192.0.2.21", "port": 7450, "fault": "No route to host"}]}
    (finding,) = closed_ports(trials, {})
    assert finding.cause.endswith("No route to host; no rule of the hosts closes it: look between them, too")


def test_who_does_not_let_the_answers_in_is_told() -> None:
    trials = {"m1": [{"host": "n1", "address": "192.0.2.21", "port": 7450, "fault": "no answer within 3 s"}]}
    (finding,) = closed_ports(trials, {"m1": POLICY, "n1": {}})
    assert finding.cause.endswith("on m1, answers are stopped by the policy of iptables' chain INPUT, DROP")


def test_the_process_that_holds_the_ports_is_known_by_its_name() -> None:
    assert port_trial.NAME == requirements.PORT_TRIAL
    assert len(port_trial.NAME) <= 15  # what the kernel keeps
