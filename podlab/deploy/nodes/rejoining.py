"""Whether the host of a node is another machine than the cluster knows, or the same one wiped. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from podlab.deploy.nodes.standing import Standing

# A kubelet renews its Lease each quarter of it; how much later that may be on a busy machine.
_LATE_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A host of the run, as preflight saw it."""

    machine_id: str
    address: str
    """Where the other hosts reach it."""
    kubelet: bool
    """Whether there is anything of a kubelet of ours."""


def new_machines(hosts: Mapping[str, Machine], known: Mapping[str, str]) -> dict[str, str]:
    """Why each of these hosts is not the machine that its node was; `known` are the machine ids of the cluster's nodes.

    A host that the cluster does not know joins, and one that is what the cluster knows stays: neither is among them.
    """
    found = {}
    for name, host in hosts.items():
        if name not in known:
            continue
        if known[name] and host.machine_id != known[name]:
            found[name] = f"it is another machine ({host.machine_id or 'without an id'}) than node {name} was"
        elif not host.kubelet:
            found[name] = f"it has nothing of node {name} any more"
    return found


def may_be_elsewhere(host: Machine, known_id: str, standing: Standing) -> bool:
    """Whether the node that is to make room may run on another machine, so that it has to be watched."""
    return known_id not in ("", host.machine_id) and standing.ready != "Unknown" and standing.address != host.address


def watched_s(standing: Standing) -> float:
    """After this time without another renewal its kubelet is silent."""
    return standing.lease_s / 4 + _LATE_S


def refusal(name: str, host: Machine, standing: Standing) -> str:
    """What is said of a node that lives on another machine."""
    where = standing.address or "another address"
    return (
        f"{name} is a node at {where}, whose kubelet is heard, and the inventory has another machine for it "
        f"at {host.address}: switch the one at {where} off and run again, "
        f"remove it first (remove-node.yml -e node={name}), "
        "or give the new host another name"
    )
