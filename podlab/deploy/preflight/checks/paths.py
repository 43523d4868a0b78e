"""Which paths between hosts are tried with packets of full length, and what the tries say: pure.

https://www.rfc-editor.org/rfc/rfc2923 tells of paths that lose long packets and say nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypedDict

from podlab import ports
from podlab.deploy.preflight.checks.requirements import uses_vxlan
from podlab.deploy.preflight.finding import Finding, error, warning
from podlab.deploy.preflight.hosts.facts import Host


class PathTrial(TypedDict):
    """What path_trial.py tells of one path: where to, and what it found; lengths are in bytes."""

    host: str
    address: str
    device: str
    mtu: int
    on_link: bool
    reached: bool
    longest: int
    told: bool


def echo_awaited(host: Host, hosts: Sequence[Host]) -> list[str]:
    """The names of those that will send to the host's port for VXLAN; nobody where it opens none."""
    return [other.name for other in hosts if other != host and uses_vxlan(other)] if uses_vxlan(host) else []


def targets_for(
    visitor: Host, hosts: Sequence[Host], opened: Mapping[str, Mapping[str, object]]
) -> list[dict[str, object]]:
    """What a host tries; `opened` is what `listen` told of each host. Where VXLAN's port is held the port is 0."""
    return [
        {
            "host": host.name,
            "address": host.cluster_address,
            "port": ports.VXLAN if opened[host.name].get("echo") and uses_vxlan(visitor) else 0,
        }
        for host in hosts
        if host != visitor and host.name in opened
    ]


def judged_paths(hosts: Sequence[Host], trials: Mapping[str, Iterable[PathTrial]]) -> Iterator[Finding]:
    """A finding for each host to which packets do not get; `trials` is by visitor."""
    overlays = {host.name: str(host.variables.get("podlab_network_overlay", "auto")) for host in hosts}
    tries = [(visitor, target) for visitor, targets in trials.items() for target in targets]
    yield from _closed(tries, overlays)
    yield from _narrow(tries, {host.name: host for host in hosts})


def _closed(tries: Sequence[tuple[str, PathTrial]], overlays: Mapping[str, str]) -> Iterator[Finding]:
    """VXLAN's port, where it will be used: a way that either side takes to be one between segments."""
    apart = {frozenset({visitor, target["host"]}) for visitor, target in tries if not target["on_link"]}
    visitors: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for visitor, target in tries:
        host = target["host"]
        if not target["reached"] and (overlays[host] == "always" or frozenset({visitor, host}) in apart):
            visitors[host, target["address"]].append(visitor)
    for (host, address), names in visitors.items():
        yield error(
            host,
            "way",
            f"{' and '.join(names)} cannot reach {address} UDP port {ports.VXLAN} (VXLAN): no answer; pods on "
            "different network segments would not reach each other",
            "let it in there, and through what stands between; docs/network.md says when it is used",
        )


def _narrow(tries: Sequence[tuple[str, PathTrial]], hosts: Mapping[str, Host]) -> Iterator[Finding]:
    visitors: defaultdict[tuple[str, str, str, int, int, bool], list[str]] = defaultdict(list)
    for visitor, target in tries:
        is_harmless = target["told"] and not _is_for_pods(hosts[visitor], hosts[target["host"]], target["longest"])
        if 0 < target["longest"] < target["mtu"] and not is_harmless:
            where = target["host"], target["address"], target["device"]
            visitors[*where, target["mtu"], target["longest"], target["told"]].append(visitor)
    for (host, address, device, mtu, longest, told), names in visitors.items():
        what = (
            f"from {' and '.join(names)} packets of more than {longest} bytes do not get to {address}, though {device} "
            f"there sends up to {mtu}"
        )
        if told:
            remedy = f"podlab_network_mtu: {longest} in the inventory spares pods' packets from being taken apart"
            yield warning(host, "mtu", f"{what}; what stands between says so", remedy)
        else:
            remedy = (
                'let ICMP "fragmentation needed" through what stands between, or set the interfaces\' MTU to what '
                f"passes: ip link set dev {device} mtu {longest}"
            )
            yield error(host, "mtu", f"{what}, and nobody says so: connections would hang", remedy)


def _is_for_pods(one: Host, other: Host, longest: int) -> bool:
    """Whether pods' packets between the two may be longer than what passes: hosts' own programs find that out."""
    configured = int(one.variables.get("podlab_network_mtu", 0))
    return uses_vxlan(one) and uses_vxlan(other) and not 0 < configured <= longest
