"""What is wrong with how an inventory says that pods are connected: it is one network, all nodes must agree. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from podlab.deploy.preflight.checks.cluster import WHOLE_INVENTORY
from podlab.deploy.preflight.finding import Finding, error
from podlab.deploy.preflight.hosts.facts import Host

_DEFAULTS: Final[dict[str, str | int]] = {
    "podlab_network": "podlab",
    "podlab_network_overlay": "auto",
    "podlab_network_mtu": 0,
}
# What every link must take for IPv6 (RFC 8200), and what a header can say.
_LEAST, _MOST = 1280, 65535


def check_pod_network(hosts: Sequence[Host]) -> Iterator[Finding]:
    nodes = [host for host in hosts if "nodes" in host.groups]
    for name, default in _DEFAULTS.items():
        values = {str(host.variables.get(name, default)): None for host in nodes}
        if len(values) > 1:
            cause = f"{name} is not the same for all nodes: {', '.join(values)}"
            yield error(WHOLE_INVENTORY, "networks", cause, "set it once, for the group all")
    for host in nodes:
        mtu = str(host.variables.get("podlab_network_mtu", 0))
        if mtu.isdecimal() and int(mtu) and not _LEAST <= int(mtu) <= _MOST:
            yield error(
                host.name,
                "variable",
                f"podlab_network_mtu is {mtu}, neither 0 nor from {_LEAST} to {_MOST}",
                "set it to the longest packet that gets from each node to each other, or leave it out",
            )
