"""What Kubernetes' conformance tests of names ask from inside a pod, by datagrams and by TCP (docs/conformance.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from podlab_testing import dns_client
from podlab_testing.deployed import IMAGE, Cli, MakeNamespace, condition_of, nodes_ready, wait_until

DOMAIN = "svc.cluster.local"
# The demo image has no Python: the node's is mounted, and with it what the agents read DNS messages with.
MOUNTED = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64", "opt": "/opt"}
AGENT_PYTHON = "/opt/podlab/venv/bin/python"
# As `dig +search`: along the search list of the pod's own resolv.conf, on only where the name does not exist.
DIG = """
import json, sys
NXDOMAIN = 3
kind, *names = sys.argv[1:]
said = {words[0]: words[1:] for words in map(str.split, open("/etc/resolv.conf")) if words}
dots = next((int(each.partition(":")[2]) for each in said.get("options", ()) if each.startswith("ndots:")), 1)
def tries(name):
    if name.endswith("."):
        return [name]
    longer = [f"{name}.{domain}" for domain in said.get("search", ())]
    return [name, *longer] if name.count(".") >= dots else [*longer, name]
def dig(name, tcp):
    for each in tries(name):
        reply = ask(said["nameserver"][0], 53, each.rstrip("."), kind, tcp=tcp, edns=1232)
        if reply.rcode != NXDOMAIN:
            return [record.data for record in reply.answers]
    return []
print(json.dumps([[dig(name, tcp) for tcp in (False, True)] for name in names]))
"""
LOOK_UP = "import json, socket, sys; print(json.dumps([socket.gethostbyname(name) for name in sys.argv[1:]]))"


@dataclass(frozen=True)
class Querier:
    """Pod querier, whose host name is dns-querier-1 and whose subdomain is that of no Service."""

    cli: Cli
    namespace: str

    def service(self, name: str, **spec: Any) -> str:
        """Its address once it is as described; None takes a field away."""
        body = {key: value for key, value in spec.items() if value is not None}
        metadata = {"name": name, "namespace": self.namespace}
        self.cli.rest.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body})
        return str(self.cli.get("service", name, "-n", self.namespace)["spec"].get("clusterIP", ""))

    def python(self, program: str, script: str, *arguments: str) -> Any:
        return json.loads(
            self.cli("exec", "querier", "-n", self.namespace, "--", program, "-c", script, *arguments).splitlines()[-1]
        )

    def dig(self, kind: str, *names: str) -> list[list[list[str]]]:
        """For each name what was answered to a datagram, and over TCP."""
        found: list[list[list[str]]] = self.python(
            AGENT_PYTHON, Path(dns_client.__file__).read_text() + DIG, kind, *names
        )
        return found

    def address(self) -> str:
        return str(self.cli.get("pod", "querier", "-n", self.namespace)["status"]["podIP"])


@pytest.fixture(scope="module")
def querier(cli: Cli, make_namespace: MakeNamespace) -> Iterator[Querier]:
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    made = Querier(cli, make_namespace())
    mounts = [{"name": key, "mountPath": f"/{key}", "readOnly": True} for key in MOUNTED]
    container = {"name": "c", "image": IMAGE, "command": ["/bin/busybox", "sleep", "3600"], "volumeMounts": mounts}
    spec = {
        "containers": [container],
        "volumes": [{"name": key, "hostPath": {"path": path}} for key, path in MOUNTED.items()],
        "hostname": "dns-querier-1",
        "subdomain": "dns-test-service",
        "terminationGracePeriodSeconds": 0,
    }
    metadata = {"name": "querier", "namespace": made.namespace, "labels": {"dns-test": "true"}}
    try:
        cli.rest.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        wait_until(
            lambda: condition_of(cli.get("pod", "querier", "-n", made.namespace), "Ready") == "True",
            "the pod is ready",
            60,
        )
        yield made
    finally:
        cli.rest.delete_namespace(made.namespace)


def test_the_api_servers_service_has_its_name(querier: Querier) -> None:
    names = (f"kubernetes.default.{DOMAIN}", "kubernetes.default", "kubernetes.default.svc")
    assert querier.dig("A", *names) == [[["10.96.0.1"]] * 2] * len(names)


def test_a_pods_own_names_are_in_its_hosts_file_though_no_service_has_its_subdomain(querier: Querier) -> None:
    names = ("dns-querier-1", f"dns-querier-1.dns-test-service.{querier.namespace}.{DOMAIN}")
    assert querier.python("/usr/bin/python3", LOOK_UP, *names) == [querier.address()] * 2


def test_services_with_and_without_an_address_have_records_in_whole_and_in_part(querier: Querier) -> None:
    selector, ports = {"dns-test": "true"}, [{"name": "http", "port": 80, "protocol": "TCP"}]
    querier.service("headless", selector=selector, clusterIP="None", ports=ports)
    address = querier.service("regular", selector=selector, ports=ports)
    own, space = querier.address(), querier.namespace
    whole = f"headless.{space}.{DOMAIN}"
    partial = ("headless", f"headless.{space}", f"headless.{space}.svc", whole)
    wait_until(lambda: querier.dig("A", whole) == [[[own]] * 2], "the pod is behind the headless Service", 20)
    assert querier.dig("A", *partial) == [[[own]] * 2] * len(partial)
    for service in ("headless", "regular"):
        names = (f"_http._tcp.{service}.{space}.svc", f"_http._tcp.{service}.{space}.{DOMAIN}")
        for found in querier.dig("SRV", *names):
            assert [len(answers) for answers in found] == [1, 1]
    back = ".".join(reversed(address.split("."))) + ".in-addr.arpa."
    assert querier.dig("PTR", back) == [[[f"regular.{space}.{DOMAIN}"]] * 2]


def test_a_pod_with_host_name_and_subdomain_is_found_by_both_once_the_service_is_there(querier: Querier) -> None:
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
    querier.service("dns-test-service", selector={"dns-test": "true"}, clusterIP="None", ports=ports)
    subdomain = f"dns-test-service.{querier.namespace}.{DOMAIN}"
    names, own = (f"dns-querier-1.{subdomain}", subdomain), querier.address()
    wait_until(lambda: querier.dig("A", *names) == [[[own]] * 2] * 2, "both names lead to the pod", 20)


def test_an_external_name_is_told_as_it_is_changes_and_becomes_an_address(querier: Querier) -> None:
    """Nobody outside is asked for the name's own record, nor for what it leads to."""
    name = f"turns.{querier.namespace}.{DOMAIN}"
    for target in ("foo.example.com", "bar.example.com"):
        assert querier.service("turns", type="ExternalName", externalName=target) == ""
        wait_until(lambda target=target: querier.dig("CNAME", name) == [[[target]] * 2], f"it leads to {target}", 20)
    address = querier.service("turns", type="ClusterIP", ports=[{"name": "http", "port": 80, "protocol": "TCP"}])
    wait_until(lambda: querier.dig("A", name) == [[[address]] * 2], "it has an address of its own", 20)
