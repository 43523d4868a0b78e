import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.request import urlopen

import pytest
from testinfra.host import Host as Machine

from podlab.api.objects import is_true
from podlab.deploy.preflight.hosts.facts import Host
from podlab.deploy.preflight.outcome import Outcome
from podlab.deploy.verify.cluster import PORT, Cluster, eventually, pod_name, why_not_ready
from podlab.deploy.verify.machines import names_in

T = TypeVar("T")

# All of them as often as the inventory's patience says.
STARTED_WITHIN_S = 60
ANSWERED_WITHIN_S = 15
REMOVED_WITHIN_S = 60
FETCHED_WITHIN_S = 3
KEPT_OUT_WITHIN_S = 1

# Both exist wherever the scripts run: python3 on hosts, busybox in the demo image (whose own wget crashes with -T).
FETCH_ON_HOST = (
    "import sys, urllib.request as u; _, url, within_s = sys.argv; "
    "sys.stdout.write(u.urlopen(url, timeout=int(within_s)).read().decode())"
)
FETCH_IN_POD = ("wget", "-q", "-O", "-")


@dataclass(frozen=True)
class Deployed:
    """One pod on each node and a Service over all of them, in a namespace of their own."""

    cluster: Cluster
    namespace: str
    nodes: tuple[str, ...]
    service: str
    cluster_ip: str
    node_port: int
    patience: int

    def pod_ip(self, node: str) -> str:
        """The address of the node's pod; AssertionError with the reason while it is not ready."""
        pods = {pod.spec.nodeName: pod for pod in self.cluster.pods(self.namespace)}
        pod = pods.get(node)
        assert pod is not None, f"the pod for {node} is gone"
        assert is_true(pod.status.conditions, "Ready"), f"the pod on {node} is not ready: {why_not_ready(pod)}"
        return pod.status.podIP

    def eventually(self, check: Callable[[], T], within_s: int) -> T:
        return eventually(check, timeout_s=within_s * self.patience)

    def fetch_in_pod(self, node: str, url: str, within_s: int = FETCHED_WITHIN_S) -> str:
        bound = ("timeout", str(within_s * self.patience))
        return self.cluster.execute(self.namespace, pod_name(node), *bound, *FETCH_IN_POD, url)

    def fetch(self, machine: Machine, url: str) -> str:
        """On the machine itself."""
        command = ["python3", "-c", FETCH_ON_HOST, url, str(FETCHED_WITHIN_S * self.patience)]
        done = machine.run(shlex.join(command))
        assert done.rc == 0, f"{url} gives no answer: {done.stderr.strip().splitlines()[-1]}"
        return str(done.stdout)


@pytest.fixture(scope="session")
def deployed(cluster: Cluster, outcome: Outcome, patience: int) -> Iterator[Deployed]:
    namespace = cluster.create_namespace("podlab-verify-")
    try:
        service = cluster.create_service(namespace)
        nodes = tuple(names_in(outcome, ["nodes"]))
        for node in nodes:
            cluster.create_pod(namespace, node)
        spec, name = service.spec, service.metadata.name
        yield Deployed(cluster, namespace, nodes, name, spec.clusterIP, spec.ports[0].nodePort, patience)
    finally:
        cluster.delete_namespace(namespace)
    within_s = REMOVED_WITHIN_S * patience
    eventually(lambda: gone(cluster, namespace, within_s), timeout_s=within_s)


def gone(cluster: Cluster, namespace: str, within_s: int) -> None:
    assert not cluster.has_namespace(namespace), f"namespace {namespace} still exists {within_s} s after deletion"


@pytest.fixture
def pod_ips(deployed: Deployed) -> dict[str, str]:
    return deployed.eventually(lambda: {node: deployed.pod_ip(node) for node in deployed.nodes}, STARTED_WITHIN_S)


@pytest.mark.on("nodes")
def test_a_node_is_ready(cluster: Cluster, host_name: str) -> None:
    """The cluster says that the node is Ready."""
    node = cluster.node(host_name)
    reasons = "; ".join(f"{found.type} {found.reason}: {found.message}" for found in node.status.conditions)
    assert is_true(node.status.conditions, "Ready"), (
        reasons or "the node has no conditions; see journalctl -u podlab-kubelet"
    )


@pytest.mark.on("nodes")
def test_a_pod_runs_on_the_node(deployed: Deployed, host_name: str) -> None:
    """A pod runs on the node and answers there."""
    ip = deployed.eventually(lambda: deployed.pod_ip(host_name), STARTED_WITHIN_S)
    answer = deployed.fetch_in_pod(host_name, f"http://{ip}:{PORT}/")
    expected = f"hello from {pod_name(host_name)} on {host_name}, version 1.0"
    assert answer.strip() == expected, f"got {answer.strip()!r}, expected {expected!r}"


@pytest.mark.on("nodes")
def test_a_pod_reaches_the_pods_of_other_nodes(deployed: Deployed, pod_ips: dict[str, str], host_name: str) -> None:
    """The node's pod reaches the pods of all other nodes."""
    others = [node for node in deployed.nodes if node != host_name]
    if not others:
        pytest.skip("there is only one node")
    for other in others:
        answer = deployed.fetch_in_pod(host_name, f"http://{pod_ips[other]}:{PORT}/")
        assert f"on {other}," in answer, f"the pod on {other} answered {answer!r}"


@pytest.mark.on("nodes")
def test_a_pod_reaches_the_service(deployed: Deployed, pod_ips: dict[str, str], host_name: str) -> None:
    """The node's pod reaches a Service by its ClusterIP."""
    url = f"http://{deployed.cluster_ip}/"
    deployed.eventually(lambda: deployed.fetch_in_pod(host_name, url), ANSWERED_WITHIN_S)


@pytest.mark.on("nodes")
def test_a_pod_finds_the_service_by_name(deployed: Deployed, pod_ips: dict[str, str], host_name: str) -> None:
    """The node's pod finds a Service by its name."""
    name = f"{deployed.service}.{deployed.namespace}.svc.cluster.local"

    def found() -> None:
        answer = deployed.cluster.execute(deployed.namespace, pod_name(host_name), "nslookup", name)
        assert deployed.cluster_ip in answer, f"{name}: {answer!r}; see journalctl -u podlab-dns -u podlab-resolver"

    deployed.eventually(found, ANSWERED_WITHIN_S)


@pytest.mark.on("nodes")
def test_the_node_reaches_the_service(deployed: Deployed, pod_ips: dict[str, str], machine: Machine) -> None:
    """The node reaches a Service by its ClusterIP."""
    deployed.eventually(lambda: deployed.fetch(machine, f"http://{deployed.cluster_ip}/"), ANSWERED_WITHIN_S)


@pytest.mark.on("nodes")
def test_the_nodes_port_answers_from_outside(deployed: Deployed, pod_ips: dict[str, str], described: Host) -> None:
    """A NodePort of the node answers to this machine."""
    url = f"http://{described.address}:{deployed.node_port}/"

    def answer() -> None:
        try:
            with urlopen(url, timeout=FETCHED_WITHIN_S * deployed.patience) as page:
                assert page.status == 200, f"{url} answers with status {page.status}"
        except OSError as error:
            raise AssertionError(f"{url} gives no answer: {error}") from error

    deployed.eventually(answer, ANSWERED_WITHIN_S)


def test_the_service_spreads_over_all_nodes(
    deployed: Deployed, pod_ips: dict[str, str], machines: dict[str, Machine]
) -> None:
    """A Service sends its requests to the pods of all nodes."""
    machine = machines[deployed.nodes[0]]
    answered: set[str] = set()

    def complete() -> None:
        answered.add(deployed.fetch(machine, f"http://{deployed.cluster_ip}/"))
        missing = [node for node in deployed.nodes if not any(f"on {node}," in answer for answer in answered)]
        assert not missing, f"no answer through the Service came from {', '.join(missing)}"

    deployed.eventually(complete, ANSWERED_WITHIN_S)


def test_network_policies_are_enforced(
    deployed: Deployed, pod_ips: dict[str, str], machines: dict[str, Machine]
) -> None:
    """What a NetworkPolicy does not allow does not get to the pods of any node, but for what the node itself sends."""
    if len(deployed.nodes) == 1:
        pytest.skip("there is only one node")
    deployed.cluster.keep_out(deployed.namespace)
    try:
        for node, other in zip(deployed.nodes, (*deployed.nodes[1:], deployed.nodes[0]), strict=True):
            url = f"http://{pod_ips[other]}:{PORT}/"
            deployed.eventually(lambda node=node, url=url: kept_out(deployed, node, url), ANSWERED_WITHIN_S)
            deployed.fetch(machines[other], url)
    finally:
        deployed.cluster.let_in(deployed.namespace)


def kept_out(deployed: Deployed, node: str, url: str) -> None:
    try:
        answer = deployed.fetch_in_pod(node, url, KEPT_OUT_WITHIN_S)
    except AssertionError:
        return
    raise AssertionError(f"the pod on {node} got {answer!r} from {url}, against a policy")
