"""Whether the address that is to move between the masters is nobody else's: pure.

keepalived takes an address without asking. Two machines with one address get each other's packets by turns.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

from podlab.deploy.preflight.checks.cluster import WHOLE_INVENTORY
from podlab.deploy.preflight.finding import Finding, error
from podlab.deploy.preflight.hosts.facts import Facts, Host, Unusable
from podlab.deploy.preflight.hosts.hostvars import FLOATING_ADDRESS, KEEPALIVED


class AddressTrial(TypedDict):
    """What address_trial.py tells: the interface that it asked on, and by address the MACs that answered."""

    device: str
    owners: dict[str, list[str]]


def asked_by(host: Host, hosts: Sequence[Host], device: str = "") -> dict[str, object] | None:
    """What a master asks its neighbours: who has the address, and who its masters are, as it may be theirs already.

    `hosts` are all of the inventory's, and `device` is the interface that keepalived is told. None: nothing to ask.
    """
    if KEEPALIVED not in host.groups:
        return None
    masters = [other.cluster_address for other in hosts if KEEPALIVED in other.groups]
    floating = str(host.variables[FLOATING_ADDRESS])
    return {"own": host.cluster_address, "device": device, "addresses": [floating, *masters]}


def judged_owners(
    hosts: Sequence[Host], facts: Mapping[str, Facts | Unusable], trials: Mapping[str, AddressTrial]
) -> Iterator[Finding]:
    """A finding for each machine that has the address and is no master; `trials` is by the master that asked."""
    floating = {host.name: str(host.variables[FLOATING_ADDRESS]) for host in hosts if KEEPALIVED in host.groups}
    hearers: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, trial in trials.items():
        address = floating[name]
        ours = {mac for owned, macs in trial["owners"].items() if owned != address for mac in macs}
        for mac in trial["owners"].get(address, []):
            if mac not in ours:
                hearers[address, mac, trial["device"]].append(name)
    for (address, mac, device), names in hearers.items():
        yield error(
            WHOLE_INVENTORY,
            "address",
            f"{FLOATING_ADDRESS} {address} is somebody's already: {mac} answers for it, as {' and '.join(names)} "
            f"hear{'s' if len(names) == 1 else ''} on {device}{_who(address, hosts, facts)}",
            "choose an address of the masters' segment that nobody has, or take it from that machine",
        )


def _who(address: str, hosts: Sequence[Host], facts: Mapping[str, Facts | Unusable]) -> str:
    """The inventory's own hosts may have it, too."""
    for host in hosts:
        known = facts.get(host.name)
        if KEEPALIVED not in host.groups and isinstance(known, Facts) and address in known.addresses:
            return f" ({host.name} has it)"
    return ""
