"""What the network's check tries, and what came of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

POD, MTU, SERVICE, NAME, EGRESS, AGENT = "pod to pod", "MTU", "pod to Service", "name", "egress", "agent"
KINDS = (AGENT, POD, MTU, SERVICE, NAME, EGRESS)
"""In the order in which one being broken explains the next."""
ANSWERED, UNTRIED = "answered", "not tried"
KUBERNETES, KUBERNETES_NAME = "kubernetes", "kubernetes.default.svc"


@dataclass(frozen=True)
class NetworkLeg:
    """One thing that is tried, from a pod of `source`. `target` is a node, a Service, a name or an address."""

    kind: str
    source: str
    target: str
    address: str
    port: int
    protocol: str = "tcp"  # tcp, udp or name
    size_bytes: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.source} -> {self.target}"


@dataclass(frozen=True)
class Checked:
    """A leg and its outcome. `cause` and `remedy` are for one that is broken."""

    leg: NetworkLeg
    outcome: str
    detail: str = ""
    seconds: float = 0.0
    cause: str = ""
    remedy: str = ""

    @property
    def whole(self) -> bool:
        return self.outcome == ANSWERED


@dataclass(frozen=True)
class Goals:
    """What every node has to reach, beside the other nodes' pods: places of Services, a name's server, the outside."""

    services: Sequence[tuple[str, str, int]]  # namespace/name, address, port
    dns: str
    domain: str
    egress: tuple[str, int]


def legs(places: Mapping[str, Sequence[tuple[str, int]]], mtus: Mapping[str, int], goals: Goals) -> list[NetworkLeg]:
    """`places` is where each node's namespace answers, `mtus` how large a packet its pods may send."""
    found: list[NetworkLeg] = []
    for source in places:
        for target, listeners in places.items():
            for address, port in listeners if target != source else ():
                found.append(NetworkLeg(POD, source, target, address, port))
                size = min(mtus.get(source, 0), mtus.get(target, 0))
                if size:
                    found.append(NetworkLeg(MTU, source, target, address, port, "udp", size))
        found += [NetworkLeg(SERVICE, source, name, address, port) for name, address, port in goals.services]
        if goals.dns:
            name = f"{KUBERNETES_NAME}.{goals.domain}"
            found.append(NetworkLeg(NAME, source, name, goals.dns, 53, "name", name=name))
        found.append(NetworkLeg(EGRESS, source, f"{goals.egress[0]}:{goals.egress[1]}", *goals.egress))
    return found


def worst_first(checked: Iterable[Checked]) -> list[Checked]:
    """Broken ones before whole ones, and what explains others before these."""
    return sorted(checked, key=lambda each: (each.whole, KINDS.index(each.leg.kind), each.leg.source, each.leg.target))
