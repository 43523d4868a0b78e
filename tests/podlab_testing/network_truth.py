"""Holds what nodes have of the network against what the API says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from podlab.lab.lab import Lab
from podlab_testing import node_network
from podlab_testing.deployed import Cli, wait_until
from podlab_testing.node_network import NodeNetwork

Thing = dict[str, Any]
SERVICE_NETWORK = ip_network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)
AGENTS = ("podlab-kubelet", "podlab-proxy", "podlab-dns", "podlab-resolver", "podlab-resolver-2", "containerd")
# Takes away what the agents wrote, and lets them write it again from nothing but the API.
AFRESH = r"""
set -e
systemctl stop podlab-proxy podlab-dns podlab-kubelet
podlab=/opt/podlab/venv/bin
$podlab/podlab-proxy --cleanup >/dev/null 2>&1
rm -f /run/podlab-dns/records
ip route flush proto 112
for program in iptables-nft iptables-legacy; do
    for table in nat filter; do
        $program-save -t $table | sed -n 's/^-A \([A-Z]* .*-j PODLAB-N.*\)/\1/p' | while read -r rule; do
            eval $program -t $table -D $rule
        done
    done
done
systemctl start podlab-kubelet podlab-dns podlab-proxy
"""


def until_at_rest(cli: Cli, lab: Lab, timeout_s: float = 180) -> None:
    """Fails where pods still come or go, or an agent does not run, when the time is up."""
    nodes = [str(node["metadata"]["name"]) for node in cli.items("nodes")]
    wait_until(lambda: not list(_restless(cli, lab, nodes)), "everything is at rest", timeout_s, 2)


def _restless(cli: Cli, lab: Lab, nodes: Iterable[str]) -> Iterator[str]:
    for pod in cli.items("pods", "-A"):
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        ended = pod["status"].get("phase") in ("Succeeded", "Failed")
        if "deletionTimestamp" in pod["metadata"] or not (ready or ended):
            yield f"pod {pod['metadata']['name']}"
    for each in cli.items("deployments", "-A"):
        status, wanted = each.get("status", {}), each["spec"]["replicas"]
        if (status.get("replicas", 0), status.get("observedGeneration")) != (wanted, each["metadata"]["generation"]):
            yield f"deployment {each['metadata']['name']}"
    for node in nodes:
        if lab.run(node, ["systemctl", "is-active", "--quiet", *AGENTS]).returncode:
            yield f"agents on {node}"


def written_afresh(lab: Lab, node: str) -> list[str]:
    """What is different on the node once its agents have written everything from the beginning."""
    before = node_network.look(lab, node)
    done = lab.run(node, ["bash", "-c", AFRESH], timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[str] = []

    def same() -> bool:
        nonlocal found
        found = node_network.differences(before, node_network.look(lab, node))
        return not found

    try:
        wait_until(same, "what the agents write afresh is what was there", 40, 2)
    except AssertionError:
        return [f"{node}, before <> afresh: {each}" for each in found]
    return []


def untrue(cli: Cli, node: str, seen: NodeNetwork) -> list[str]:
    """What of the node is not as the API says: pods' addresses and links, and flows to Services."""
    pods = [pod for pod in cli.items("pods", "-A") if pod["spec"].get("nodeName") == node]
    own = [pod for pod in pods if not pod["spec"].get("hostNetwork") and pod["status"].get("phase") == "Running"]
    addresses = {pod["status"]["podIP"] for pod in own}
    told = [f"{node}: address {each} is given to no pod" for each in seen.leases - addresses]
    told += [f"{node}: pod's address {each} is not given to it" for each in addresses - seen.leases]
    if seen.pod_links != len(own):
        told.append(f"{node}: {seen.pod_links} pods' links on the bridge, of {len(own)} pods")
    return told + [f"{node}: {each}" for each in _stale_flows(cli, node, seen)]


def _stale_flows(cli: Cli, node: str, seen: NodeNetwork) -> Iterator[str]:
    """TCP's ends tell each other; of the others the kernel keeps an endpoint for as long as its client speaks."""
    places = _places(cli)
    (found,) = (each for each in cli.items("nodes") if each["metadata"]["name"] == node)
    own = {each["address"] for each in found["status"]["addresses"]} | {"127.0.0.1"}
    for flow in seen.flows:
        if flow.protocol not in ("udp", "sctp"):
            continue
        if ip_address(flow.destination) in SERVICE_NETWORK:
            place = flow.destination, flow.protocol, flow.port
        elif flow.destination in own and flow.port in NODE_PORTS:
            place = "", flow.protocol, flow.port
        else:
            continue
        nobodys = place not in places and flow.endpoint == f"{flow.destination}:{flow.port}"
        if not nobodys and flow.endpoint not in places.get(place, ()):
            yield f"flow {flow}, whose endpoints are {sorted(places.get(place, ()))}"


def _places(cli: Cli) -> dict[tuple[str, str, int], set[str]]:
    """(cluster IP, or empty for a node port; protocol; port) -> ip:port of each endpoint, by the API."""
    slices: dict[tuple[str, str], list[Thing]] = {}
    for each in cli.items("endpointslices", "-A"):
        name = each["metadata"].get("labels", {}).get("kubernetes.io/service-name", "")
        slices.setdefault((each["metadata"]["namespace"], name), []).append(each)
    found: dict[tuple[str, str, int], set[str]] = {}
    for service in cli.items("services", "-A"):
        at = service["spec"].get("clusterIP")
        if at in (None, "", "None"):
            continue
        of = slices.get((service["metadata"]["namespace"], service["metadata"]["name"]), [])
        for port in service["spec"]["ports"]:
            endpoints = set(_endpoints(of, port))
            protocol = port["protocol"].lower()
            found[at, protocol, port["port"]] = endpoints
            if "nodePort" in port:
                found["", protocol, port["nodePort"]] = endpoints
    return found


def _endpoints(slices: Iterable[Thing], port: Thing) -> Iterator[str]:
    for each in slices:
        for own in each.get("ports") or ():
            if (own.get("name", ""), own.get("protocol", "TCP")) == (port.get("name", ""), port["protocol"]):
                for endpoint in each.get("endpoints") or ():
                    if endpoint.get("conditions", {}).get("ready", True):
                        yield from (f"{address}:{own['port']}" for address in endpoint["addresses"])


def wrong_addresses_of_services(cli: Cli) -> list[str]:
    """Addresses that are kept for Services which are gone, and Services whose address is not kept."""
    kept = {each["metadata"]["name"] for each in cli.items("ipaddresses")}
    used = {each for service in cli.items("services", "-A") for each in service["spec"].get("clusterIPs", ())} - {
        "None"
    }
    return [f"IPAddress {each} is of no Service" for each in kept - used] + [
        f"no IPAddress for {each}" for each in used - kept
    ]
