"""Whom a Service's clients speak to: backends are replaced and leave, proxies restart, pods ask themselves."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Self

import pytest
from podlab_testing import node_network
from podlab_testing.deployed import Cli, MakeNamespace, condition_of, wait_until
from podlab_testing.echo import STREAMED_PER_S
from podlab_testing.echo_pods import PYTHON, SCTP, EchoPods, echo_pod, echo_pods

from podlab.lab.lab import Lab

CLIENTS = ("web-1", "n1", "outside")  # all of them by way of n1
STREAM_S = 25
HTTP = {"name": "http", "port": 80, "targetPort": "http"}
DNS = {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}
# A backend that says goodbye serves until it is left alone. What it was asked when its flow ended is answered past the
# flow, and so to nobody: the datagrams of this time, of some hundred that are sent meanwhile.
ON_THE_WAY_S = 0.1
# One that is killed at once answers nothing from then on: until the nodes hear of it, what is sent to it is lost.
HEARD_WITHIN_S = 1.0


@pytest.fixture(scope="module")
def flows(lab: Lab, cli: Cli, addresses: dict[str, str], make_namespace: MakeNamespace) -> Iterator[EchoPods]:
    with echo_pods(cli, lab, addresses, make_namespace) as found:
        yield found


@dataclass(frozen=True)
class Streamed:
    """What became of one socket's datagrams: who answered, one after another, and for how long nobody did."""

    pods: list[str]
    lost: int
    silent_s: float

    @classmethod
    def of(cls, lines: list[str]) -> Self:
        """Of what `echo.py stream` prints."""
        answers = [(float(sent_s), pod) for sent_s, pod in (line.split() for line in lines)]
        lost = [sent_s for sent_s, pod in answers if pod == "-"]
        pods = [pod for pod, _ in groupby(pod for _, pod in answers if pod != "-")]
        return cls(pods, len(lost), lost[-1] - lost[0] + 1 / STREAMED_PER_S if lost else 0.0)


@pytest.mark.parametrize(
    ("grace_s", "silent_at_most_s"),
    [
        pytest.param(5, ON_THE_WAY_S, id="one that says goodbye"),
        pytest.param(0, HEARD_WITHIN_S, id="one that does not"),
    ],
)
def test_a_udp_backend_is_replaced_while_clients_go_on_sending(
    flows: EchoPods, grace_s: int, silent_at_most_s: float
) -> None:
    name = f"udp-{grace_s}"
    flows.apply(_deployment(name, grace_s))
    flows.put(name, {"app": name}, type="NodePort", ports=[DNS])
    old = wait_until(lambda: _ready(flows, name), "the backend is ready", 60)
    address, cluster_ip = _pod_ip(flows, old), _cluster_ip(flows, name)
    wait_until(lambda: flows.ask("n1", "udp", cluster_ip, "53", "1") == [old], "the Service leads to it", 10)
    with ThreadPoolExecutor() as pool:
        streams = _streams(pool, flows, name)
        wait_until(lambda: len(_flows_to(flows, name, address)) == 1 + len(CLIENTS), "all flows lead to it", 15)
        flows.cli("rollout", "restart", f"deployment/{name}", "-n", flows.namespace)
        new = wait_until(lambda: _ready(flows, name, without=old), "another one is in its place", 60)
        found = {client: Streamed.of(stream.result()) for client, stream in streams.items()}
    print({client: (each.lost, f"{each.silent_s:.2f} s") for client, each in found.items()})
    for client, each in found.items():
        assert each.pods == [old, new], client
        assert each.silent_s <= silent_at_most_s, client
    assert _flows_to(flows, name, address) == []


def _deployment(name: str, grace_s: int) -> dict[str, Any]:
    """One pod of it; another is ready before it goes."""
    pod = echo_pod(name, "", name, terminationGracePeriodSeconds=grace_s)
    (container,) = pod["spec"]["containers"]
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    if grace_s:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": 2}}}
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod["spec"]},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _ready(flows: EchoPods, app: str, without: str = "") -> str:
    """Its one pod, once it is ready and no other is there; empty as long as that is not so."""
    pods = flows.cli.items("pods", "-n", flows.namespace, "-l", f"app={app}")
    names = [str(pod["metadata"]["name"]) for pod in pods if condition_of(pod, "Ready") == "True"]
    return names[0] if len(pods) == len(names) == 1 and without not in names else ""


def _cluster_ip(flows: EchoPods, service: str) -> str:
    return str(flows.service(service)["spec"]["clusterIP"])


def _streams(pool: ThreadPoolExecutor, flows: EchoPods, service: str) -> Mapping[str, Future[list[str]]]:
    spec = flows.service(service)["spec"]
    inside, outside = (spec["clusterIP"], "53"), (flows.nodes["n1"], str(spec["ports"][0]["nodePort"]))
    places = {client: outside if client == "outside" else inside for client in CLIENTS}
    return {client: pool.submit(flows.ask, client, "stream", *place, str(STREAM_S)) for client, place in places.items()}


def _flows_to(flows: EchoPods, service: str, address: str) -> list[node_network.Flow]:
    """What n1's kernel leads to the pod's address, of all that is sent to the Service."""
    spec = flows.service(service)["spec"]
    places = {(spec["clusterIP"], 53), (flows.nodes["n1"], spec["ports"][0]["nodePort"])}
    found = node_network.look(flows.lab, "n1").flows
    return [each for each in found if (each.destination, each.port) in places and each.endpoint == f"{address}:5353"]


@pytest.mark.parametrize("client", ["web-1", "web-2"])
def test_a_pod_reaches_itself_through_its_service(flows: EchoPods, client: str) -> None:
    name = f"self-{client}"
    flows.put(name, {"pod": client}, type="NodePort", ports=[HTTP, DNS])
    spec = flows.service(name)["spec"]
    http, dns = (port["nodePort"] for port in spec["ports"])
    places = {(spec["clusterIP"], 80, 53)} | {(address, http, dns) for address in flows.nodes.values()}
    for address, tcp, udp in places:
        url = f"http://{address}:{tcp}/"
        wait_until(lambda url=url: flows.ask(client, "get", url, "1") != ["refused"], f"{url} answers", 10)
        seen_as = {answer.split()[2] for answer in flows.ask(client, "get", url, "3") if answer.startswith(client)}
        assert len(seen_as) == 1, url
        assert seen_as != {_pod_ip(flows, client)}, "its own address would be answered past the Service"
        assert flows.ask(client, "udp", address, str(udp), "3") == [client] * 3, address


def _pod_ip(flows: EchoPods, name: str) -> str:
    return str(flows.cli.get("pod", name, "-n", flows.namespace)["status"]["podIP"])


def test_the_last_pod_serves_on_while_it_terminates_and_then_clients_are_refused(flows: EchoPods) -> None:
    leaving = echo_pod("leaving", "n2", "leaving", terminationGracePeriodSeconds=30)
    (container,) = leaving["spec"]["containers"]
    container["lifecycle"] = {
        "preStop": {"exec": {"command": ["sh", "-c", "until test -e /tmp/go; do sleep 0.2; done"]}}
    }
    flows.apply(leaving)
    flows.put("leaving", {"app": "leaving"})
    address = _cluster_ip(flows, "leaving")
    wait_until(lambda: flows.pods(address, "n1", 1) == {"leaving"}, "the pod serves", 60)
    flows.cli.rest.delete("pod", "leaving", "-n", flows.namespace)
    conditions = {"ready": False, "serving": True, "terminating": True}
    wait_until(lambda: _conditions(flows, "leaving") == [conditions], "its endpoint terminates", 10)
    for client in ("web-1", "web-2", "n1"):
        assert flows.pods(address, client, 5) == {"leaving"}, client
    flows.cli("exec", "leaving", "-n", flows.namespace, "--", "touch", "/tmp/go")
    wait_until(lambda: flows.pods(address, "n1", 1) == {"refused"}, "nobody serves", 30)


def _conditions(flows: EchoPods, service: str) -> list[dict[str, bool]]:
    """Of each of its endpoints."""
    of = f"kubernetes.io/service-name={service}"
    slices = flows.cli.items("endpointslices", "-n", flows.namespace, "-l", of)
    return [each["conditions"] for one in slices for each in one.get("endpoints") or ()]


def test_clients_stay_on_their_node_where_the_service_says_so_unless_nobody_is_there(flows: EchoPods) -> None:
    flows.put("near", {"app": "web"}, trafficDistribution="PreferSameNode")
    address = _cluster_ip(flows, "near")
    for client, nearest in (("web-1", "web-1"), ("web-2", "web-2"), ("n1", "web-1"), ("n2", "web-2")):
        wait_until(
            lambda client=client, nearest=nearest: flows.pods(address, client) == {nearest}, f"{client} stays", 10
        )
    flows.put("near", {"pod": "web-1"}, trafficDistribution="PreferSameNode")
    wait_until(lambda: flows.pods(address, "n2") == {"web-1"}, "who has no pod on its node goes to another", 10)


def test_sctp_is_led_to_a_pod_and_refused_where_there_is_none(flows: EchoPods) -> None:
    serving = echo_pod("sctp", "n2", "sctp")
    (container,) = serving["spec"]["containers"]
    container |= {"command": [PYTHON, "/echo/sctp_packets.py", "serve", "1320"], "ports": []}
    flows.apply(serving)
    flows.put("sctp", {"app": "sctp"}, ports=[{"protocol": "SCTP", "port": 132, "targetPort": 1320}])
    address, tag = _cluster_ip(flows, "sctp"), str(zlib.crc32(b"sctp"))
    for client in ("web-1", "n1", "n2"):
        wait_until(
            lambda client=client: flows.run(client, SCTP, "ask", address, "132") == [tag], f"it answers {client}", 40
        )
    flows.cli.rest.delete("pod", "sctp", "-n", flows.namespace)
    wait_until(lambda: flows.run("n1", SCTP, "ask", address, "132") == ["refused"], "n1 is refused", 30)


@pytest.mark.alone
@pytest.mark.parametrize("way", [["restart"], ["kill", "--kill-whom=main", "--signal=KILL"]], ids=lambda way: way[0])
def test_clients_stay_with_their_pod_while_the_proxy_restarts_and_other_services_change(
    flows: EchoPods, way: list[str]
) -> None:
    flows.put("sticky", {"app": "web"}, type="NodePort", sessionAffinity="ClientIP")
    spec = flows.service("sticky")["spec"]
    inside, outside = spec["clusterIP"], f"{flows.nodes['n1']}:{spec['ports'][0]['nodePort']}"
    asked = {client: outside if client == "outside" else inside for client in CLIENTS}
    wait_until(lambda: flows.pods(outside, count=1) <= {"web-1", "web-2"}, "the Service answers on n1", 10)
    before = {client: flows.pods(address, client, 1) for client, address in asked.items()}
    flows.put("other", {"app": "web"})
    done = flows.lab.run("n1", ["systemctl", *way, "podlab-proxy"])
    assert done.returncode == 0, done.stderr
    flows.put("other", {"pod": "web-1"}, ports=[{**HTTP, "port": 81}])
    flows.put("another", {"pod": "web-2"})
    for place in (f"{_cluster_ip(flows, 'other')}:81", _cluster_ip(flows, "another")):
        wait_until(lambda at=place: flows.pods(at, "n1", 1) <= {"web-1", "web-2"}, f"n1 knows {place}", 30)
    flows.cli("delete", "service", "other", "another", "-n", flows.namespace)
    after = {client: flows.pods(address, client, 20) for client, address in asked.items()}
    assert after == before
