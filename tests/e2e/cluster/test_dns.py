"""Names as pods and nodes find them: every dnsPolicy, every sort of Service, names elsewhere, and restarts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing import dns_client, upstream_dns
from podlab_testing.deployed import IMAGE, Cli, MakeNamespace, condition_of, container, wait_until

from node.dns import message
from podlab.lab.lab import Lab

DNS = "10.96.0.10"
DOMAIN = "svc.cluster.local"
LIBRARIES = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}  # the demo image has no Python: the node's
AGENT_PYTHON = "/opt/podlab/venv/bin/python"
UPSTREAM_PORT, ELSEWHERE = 5300, "192.0.2.7"
POLICIES: dict[str, dict[str, Any]] = {
    "first": {},
    "host": {"hostNetwork": True},
    "host-first": {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
    "default": {"dnsPolicy": "Default"},
    "own": {
        "dnsPolicy": "None",
        "dnsConfig": {
            "nameservers": ["192.0.2.1"],
            "searches": ["a.example"],
            "options": [{"name": "timeout", "value": "1"}],
        },
    },
    "many": {"dnsConfig": {"nameservers": ["192.0.2.1", "192.0.2.2", "192.0.2.3"]}},
}  # fmt: skip
ASK = """
import json, sys
rounds, server, kind, *names = sys.argv[1:]
for name in names * int(rounds):
    try:
        reply = ask(server, 53, name, kind)
        print(json.dumps([reply.rcode, [record.data for record in reply.answers]]))
    except OSError as error:
        print(json.dumps([-1, [str(error)]]))
"""


class Asked:
    """Pods of each policy, one that has Python, and the nodes."""

    def __init__(self, cli: Cli, lab: Lab, namespace: str) -> None:
        self.cli, self.lab, self.namespace = cli, lab, namespace

    def apply(self, *manifests: dict[str, Any]) -> None:
        self.cli("apply", "-n", self.namespace, "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def exec(self, pod: str, *words: str) -> str:
        return self.cli("exec", pod, "-n", self.namespace, "--", *words)

    def from_node(self, node: str, name: str, kind: str = "A", *, rounds: int = 1) -> list[tuple[int, list[str]]]:
        """Response codes and data of each round; -1 where nothing answered."""
        script = Path(dns_client.__file__).read_text() + ASK
        words = [AGENT_PYTHON, "-c", script, str(rounds), DNS, kind, name]
        done = self.lab.run(node, words, timeout_s=120)
        assert done.returncode == 0, done.stderr
        return [(code, data) for code, data in map(json.loads, done.stdout.splitlines())]

    def answer(self, name: str, kind: str = "A") -> tuple[int, list[str]]:
        (found,) = self.from_node("n1", name, kind)
        return found

    def getaddrinfo(self, name: str) -> str:
        """What a program in a pod finds, search path and all."""
        script = f"import socket; print(socket.getaddrinfo({name!r}, 80, proto=6)[0][4][0])"
        return self.exec("first", "/usr/bin/python3", "-c", script).strip()


def _pod(name: str, **spec: Any) -> dict[str, Any]:
    mounts = [{"name": key, "mountPath": f"/{key}", "readOnly": True} for key in LIBRARIES]
    running = {"name": "web", "image": IMAGE, "command": ["/bin/busybox", "sleep", "3600"], "volumeMounts": mounts}
    volumes = [{"name": key, "hostPath": {"path": path}} for key, path in LIBRARIES.items()]
    body = {"containers": [running], "volumes": volumes, "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body | spec}


def _stateful() -> list[dict[str, Any]]:
    labels = {"app": "set"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container()], "terminationGracePeriodSeconds": 5},
    }
    spec = {"serviceName": "set", "replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    headless = {"clusterIP": "None", "selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "set"}, "spec": headless},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "set"}, "spec": spec},
    ]


@pytest.fixture(scope="module")
def asked(lab: Lab, cli: Cli, make_namespace: MakeNamespace) -> Iterator[Asked]:
    made = Asked(cli, lab, make_namespace())
    named = {"type": "ExternalName", "externalName": "www.outside.test"}
    plain = {"selector": {"app": "set"}, "ports": [{"name": "http", "port": 80}]}
    try:
        made.apply(
            *(_pod(name, **spec) for name, spec in POLICIES.items()),
            *_stateful(),
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "plain"}, "spec": plain},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "outside"}, "spec": named},
        )
        wait_until(lambda: _all_ready(made), "the pods are ready", 90)
        yield made
    finally:
        cli.rest.delete_namespace(made.namespace)


def _all_ready(asked: Asked) -> bool:
    pods = asked.cli.items("pods", "-n", asked.namespace)
    return len(pods) == len(POLICIES) + 2 and all(condition_of(pod, "Ready") == "True" for pod in pods)


def test_a_pods_resolv_conf_is_that_of_its_policy(asked: Asked) -> None:
    searches = f"{asked.namespace}.{DOMAIN} {DOMAIN} cluster.local"
    of = {name: asked.exec(name, "cat", "/etc/resolv.conf").splitlines() for name in POLICIES}
    for name in ("first", "host-first"):
        assert of[name][1:] == [f"nameserver {DNS}", "options ndots:5"]
        assert of[name][0].startswith(f"search {searches}")
    node = asked.lab.run(_node_of(asked, "host"), ["cat", "/etc/resolv.conf"]).stdout
    assert f"nameserver {DNS}" not in node
    for name in ("host", "default"):
        assert of[name][-1] in node
    assert of["own"] == ["search a.example", "nameserver 192.0.2.1", "options timeout:1"]
    assert [line for line in of["many"] if line.startswith("nameserver")] == [
        f"nameserver {DNS}", "nameserver 192.0.2.1", "nameserver 192.0.2.2",
    ]  # fmt: skip


def _node_of(asked: Asked, pod: str) -> str:
    return str(asked.cli.get("pod", pod, "-n", asked.namespace)["spec"]["nodeName"])


def test_monitoring_reads_figures_at_the_services_metrics_port(asked: Asked) -> None:
    ports = asked.cli.get("service", "kube-dns", "-n", "kube-system")["spec"]["ports"]
    assert {each["name"]: each["port"] for each in ports} == {"dns": 53, "dns-tcp": 53, "metrics": 9153}
    asked.answer(f"plain.{asked.namespace}.{DOMAIN}")
    script = (
        f"import urllib.request; print(urllib.request.urlopen('http://{DNS}:9153/metrics', timeout=5).read().decode())"
    )
    for told in (asked.exec("first", "/usr/bin/python3", "-c", script), _on_n1(asked, script)):
        assert int(_figures(told)["podlab_dns_names"]) > 10
    # Each node tells of its own servers: the pod may be on one that nobody asked.
    assert int(_figures(_on_n1(asked, script))['podlab_dns_questions_total{result="answered"}']) > 0


def _on_n1(asked: Asked, script: str) -> str:
    return asked.lab.run("n1", ["python3", "-c", script]).stdout


def _figures(told: str) -> dict[str, str]:
    lines = (line.rsplit(" ", 1) for line in told.splitlines() if line and not line.startswith("#"))
    return dict(lines)


def test_what_of_a_pods_settings_is_left_out_is_an_event(asked: Asked) -> None:
    events = asked.cli.items("events", "-n", asked.namespace)
    (found,) = [each for each in events if each["reason"] == "DNSConfigForming"]
    assert found["involvedObject"]["name"] == "many"
    assert found["message"].startswith("Nameserver limits were exceeded, some nameservers have been omitted")


def test_programs_in_pods_find_services_by_short_names(asked: Asked) -> None:
    address = asked.cli.get("service", "plain", "-n", asked.namespace)["spec"]["clusterIP"]
    for name in ("plain", f"plain.{asked.namespace}", f"plain.{asked.namespace}.{DOMAIN}"):
        assert asked.getaddrinfo(name) == address
    assert asked.getaddrinfo("kubernetes.default") == "10.96.0.1"


def test_pods_on_their_nodes_network_find_them_too(asked: Asked) -> None:
    assert "10.96.0.1" in asked.exec("host-first", "nslookup", f"kubernetes.default.{DOMAIN}")


def test_a_stateful_sets_pods_have_names_and_their_addresses_lead_back(asked: Asked) -> None:
    name = f"set.{asked.namespace}.{DOMAIN}"
    for ordinal in range(2):
        pod = asked.cli.get("pod", f"set-{ordinal}", "-n", asked.namespace)
        address = pod["status"]["podIP"]
        assert asked.answer(f"set-{ordinal}.{name}") == (0, [address])
        back = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
        assert asked.answer(back, "PTR") == (0, [f"set-{ordinal}.{name}"])
    assert len(asked.answer(name)[1]) == 2
    code, targets = asked.answer(f"_http._tcp.{name}", "SRV")
    assert (code, sorted(targets)) == (0, [f"0 100 8080 set-{ordinal}.{name}" for ordinal in range(2)])


def test_what_is_not_there_and_what_has_no_such_record_are_told_apart(asked: Asked) -> None:
    assert asked.answer(f"nothing.{asked.namespace}.{DOMAIN}") == (message.NXDOMAIN, [])
    assert asked.answer(f"plain.{asked.namespace}.{DOMAIN}", "AAAA") == (message.NOERROR, [])
    assert asked.answer(f"1-2-3-4.{asked.namespace}.pod.cluster.local") == (message.NOERROR, ["1.2.3.4"])
    assert asked.answer("dns-version.cluster.local", "TXT") == (message.NOERROR, ["1.1.0"])


@pytest.fixture
def upstream(asked: Asked, addresses: dict[str, str]) -> Iterator[None]:
    """A server on the master knows all of outside.test, and every node asks it."""
    script = Path(upstream_dns.__file__).read_text()
    words = ["systemd-run", "--unit=e2e-upstream", "--collect", "/usr/bin/python3", "-c", script]
    started = asked.lab.run("m1", [*words, addresses["m1"], str(UPSTREAM_PORT), ELSEWHERE])
    assert started.returncode == 0, started.stderr
    data = {
        "stubDomains": f"outside.test {addresses['m1']}:{UPSTREAM_PORT}\nsilent.test {addresses['m1']}:9\n",
        "hosts": "192.0.2.8 added.test\n",
    }
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster-dns"}, "data": data}
    try:
        asked.cli("apply", "-n", "kube-system", "-f", "-", stdin=yaml.safe_dump(manifest))
        wait_until(lambda: asked.answer("added.test") == (0, ["192.0.2.8"]), "the ConfigMap is followed", 15)
        yield
    finally:
        asked.cli("delete", "configmap", "cluster-dns", "-n", "kube-system", "--ignore-not-found")
        asked.lab.run("m1", ["systemctl", "stop", "e2e-upstream"])


def test_an_external_name_is_followed_and_one_that_is_silent_harms_nobody(asked: Asked, upstream: None) -> None:
    wanted = (0, ["www.outside.test", ELSEWHERE])
    wait_until(lambda: asked.answer(f"outside.{asked.namespace}.{DOMAIN}") == wanted, "the name elsewhere", 15)
    assert asked.getaddrinfo("outside") == ELSEWHERE
    assert asked.answer("www.silent.test")[0] == message.SERVFAIL
    assert asked.getaddrinfo("kubernetes.default") == "10.96.0.1"


def test_names_that_lead_in_a_circle_are_an_error_and_harm_nobody(asked: Asked) -> None:
    for one, other in (("round", "about"), ("about", "round")):
        spec = {"type": "ExternalName", "externalName": f"{other}.{asked.namespace}.{DOMAIN}"}
        asked.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": one}, "spec": spec})
    name = f"round.{asked.namespace}.{DOMAIN}"
    wait_until(lambda: asked.answer(name)[0] == message.SERVFAIL, "the circle is refused", 15)
    assert asked.getaddrinfo("kubernetes.default") == "10.96.0.1"


def test_what_cannot_be_read_of_the_configuration_is_said_and_all_before_stays(asked: Asked, upstream: None) -> None:
    data = {"hosts": f"192.0.2.9 {'a.' * 126}ab\n192.0.2.8 other.test\n"}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster-dns"}, "data": data}
    asked.cli("apply", "-n", "kube-system", "-f", "-", stdin=yaml.safe_dump(manifest))
    told = "a name of 254 characters"
    read = ["journalctl", "--unit=podlab-dns", "--no-pager", "--output=cat"]
    wait_until(lambda: told in asked.lab.run("n1", read).stdout, "the agent says what is wrong", 15)
    assert asked.answer("added.test") == (0, ["192.0.2.8"])
    assert asked.answer("other.test")[0] != message.NOERROR


def test_names_come_and_go_with_their_service_at_once(asked: Asked) -> None:
    name = f"brief.{asked.namespace}.{DOMAIN}"
    spec = {"ports": [{"port": 80}]}
    asked.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "brief"}, "spec": spec})
    wait_until(lambda: asked.answer(name)[0] == message.NOERROR, "the name is there", 5)
    asked.cli("delete", "service", "brief", "-n", asked.namespace)
    wait_until(lambda: asked.answer(name)[0] == message.NXDOMAIN, "the name is gone", 5)


def test_a_traced_name_says_what_hit_and_which_object_it_is_from(asked: Asked) -> None:
    told = asked.cli("trace", "name", "plain", "--from", "first", "-n", asked.namespace).splitlines()
    question, outcome, *_ = told[0].split()
    assert (question, outcome) == (f"plain.{asked.namespace}.{DOMAIN}", "NOERROR")
    assert told[0].endswith(f"Service {asked.namespace}/plain")
    assert told[1] == f"found by the search path's {asked.namespace}.{DOMAIN}, asked of {DNS}"
    missed = asked.cli.run("trace", "name", "nothing", "--from", "first", "-n", asked.namespace)
    assert (missed.returncode, missed.stdout.splitlines()[-1]) == (1, f"not found, asked of {DNS}")


@pytest.mark.alone
@pytest.mark.parametrize(
    "command",
    [
        ["systemctl", "restart", "podlab-dns"],
        ["systemctl", "kill", "--kill-whom=main", "--signal=KILL", "podlab-dns"],
        ["systemctl", "restart", "podlab-resolver"],
        ["systemctl", "kill", "--kill-whom=main", "--signal=KILL", "podlab-resolver"],
        ["systemctl", "restart", "podlab-resolver-2"],
    ],
    ids=" ".join,
)
def test_a_restart_gives_no_false_answer(asked: Asked, command: list[str]) -> None:
    name = f"plain.{asked.namespace}.{DOMAIN}"
    address = asked.cli.get("service", "plain", "-n", asked.namespace)["spec"]["clusterIP"]
    during = f"(sleep 0.5; {' '.join(command)}; sleep 0.5; {' '.join(command)}) & "
    script = Path(dns_client.__file__).read_text() + ASK
    words = ["bash", "-c", during + 'exec "$@"', "bash", AGENT_PYTHON, "-c", script, "20000", DNS, "A", name]
    done = asked.lab.run("n1", words, timeout_s=120)
    answers = [tuple(map(repr, json.loads(line))) for line in done.stdout.splitlines()]
    right = ("0", repr([address]))
    false = {found for found in answers if found[0] != "-1" and found != right}
    assert not false
    # What a server that ends has received and not read is lost; whoever asks again is answered by the other.
    assert answers.count(right) >= len(answers) - (0 if "podlab-dns" in command else 2) > 10_000
