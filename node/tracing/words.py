"""What a rule does with a packet, in plain words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from node.tracing import effects
from node.tracing.compare import is_foreign
from node.tracing.effects import End, LookUp, Remember, SendTo, SetMark, To
from node.tracing.follow import Step
from node.tracing.matches import Remembered
from node.tracing.packet import Packet
from node.tracing.tables import NFTABLES

# What chains of ours are for, by the beginnings of their names; the first that fits counts.
_CHAINS = (
    ("PODLAB-SVC-", "choose one of its endpoints"),
    ("PODLAB-SVC", "is it for a Service?"),
    ("PODLAB-SC-", "for a Service's own address in {}"),
    ("PODLAB-SD-", "by chance, the first half of the endpoints of each Service in {}"),
    ("PODLAB-SX-", "for an external or a load balancer's address in {}"),
    ("PODLAB-SNODEPORT", "for an address of this node: is it a node port?"),
    ("PODLAB-SP-", "for a node port, {}"),
    ("PODLAB-SFW-", "only for clients in the Service's source ranges"),
    ("PODLAB-SALL-", "from a pod or this node: any of the Service's endpoints will do"),
    ("PODLAB-SEXT-", "comes from outside the cluster's network"),
    ("PODLAB-SNAT", "does its source have to be hidden?"),
    ("PODLAB-SH-", "does a pod reach itself through its Service?"),
    ("PODLAB-SREJECT", "is it for a Service that refuses?"),
    ("PODLAB-SR-", "for an address that refuses, in {}"),
    ("PODLAB-SQ-", "for a node port that refuses, {}"),
    ("PODLAB-NEGRESS", "does a pod's packet leave the cluster?"),
    ("PODLAB-NFORWARD", "is it a pod's packet, to be forwarded?"),
    ("dispatch", "is it for a Service?"),
    ("refuse", "is it for a Service that refuses?"),
    ("rejecting", "the Service has no endpoint"),
    ("choose-", "choose one of its {} endpoints"),
    ("pick-", "the Service's endpoint number {}"),
    ("service-", "choose one of its endpoints"),
    ("external-", "comes from outside the cluster's network"),
    ("everywhere-", "from a pod or this node: any of the Service's endpoints will do"),
    ("allowed-", "only for clients in the Service's source ranges"),
    ("endpoint-", "one endpoint of the Service"),
    ("egress-ns-", "policies of namespace {} say whether the pod may send it"),
    ("ingress-ns-", "policies of namespace {} say whether the pod may get it"),
)
_PROTOCOLS = {"t": "TCP", "u": "UDP", "s": "SCTP"}
# Of a place of Services: address, protocol and port (node/proxy/iptables/tree.py).
IPV4_BITS, IPV6_BITS = 50, 146
_POLICY = re.compile(r"(egress|ingress)-[0-9a-f]{12}-(.+)")


@dataclass(frozen=True)
class Names:
    """Who is who. `service` names the Service's port that a packet is for, `pod` the pod with an address."""

    service: Callable[[Packet], str]
    pod: Callable[[str], str]

    def place(self, place: str) -> str:
        """ip:port, and whose it is."""
        address = place.rpartition(":")[0].strip("[]") if place.count(":") else place
        pod = self.pod(address)
        return f"{place} (pod {pod})" if pod else place


def says(step: Step, names: Names) -> str:
    """One line."""
    text = "; ".join(filter(None, (_effect(step, each, names) for each in step.rule.effects))) or "only counts"
    if any(isinstance(each, Remembered) for each in step.rule.matches):
        text = f"if this client was there before: {text}"
    elif is_foreign(step):
        doubt = ", if it matches, which cannot be told from here" if step.uncertain else ""
        text = f"another program's rule: {text}{doubt}"
    elif step.uncertain:
        text = f"{text} (whether it matches cannot be told from here)"
    return text


def _effect(step: Step, effect: effects.Effect, names: Names) -> str:
    if isinstance(effect, To):
        return _to(step, effect, names)
    if isinstance(effect, SendTo):
        return _sent(effect, names)
    if isinstance(effect, LookUp):
        return _looked_up(step, effect, names)
    if isinstance(effect, SetMark):
        return _marked(step, effect)
    if isinstance(effect, End):
        return _ended(step, effect)
    if isinstance(effect, Remember):
        return ""
    return f"does {effect.text}"


def _to(step: Step, to: To, names: Names) -> str:
    if step.rule.comment and (service := names.service(step.packet)) and service == step.rule.comment:
        return f"for Service {service}"
    if len(to.chains) > 1:
        return f"choose one of {len(to.chains)}, each as likely"
    return _chain(to.chains[0]) if to.chains else ""


def _chain(chain: str) -> str:
    if found := _POLICY.match(chain):
        return f"policy {found[2]} selects the pod"
    for beginning, text in _CHAINS:
        if chain.startswith(beginning):
            return text.format(_rest(chain.removeprefix(beginning), beginning))
    return f"goes on in {chain}"


def _rest(rest: str, beginning: str) -> str:
    """Readable: `0-t30000/48` is where TCP 30000 to 30003 are, `A600103-t80/50` is TCP 80 of 10.96.1.3."""
    if beginning == "pick-":
        return str(int(rest) + 1) if rest.isdecimal() else rest
    found = re.fullmatch(r"([0-9A-F]+)-([tus])(\d+)/(\d+)", rest)
    if found is None:
        return rest
    protocol, first, length = _PROTOCOLS[found[2]], int(found[3]), int(found[4])
    last = first + (1 << (IPV4_BITS if length <= IPV4_BITS else IPV6_BITS) - length) - 1
    ports = f"{protocol} {first}" + (f" to {last}" if last > first else "")
    address = int(found[1], 16)
    return f"{ip_address(address)} {ports}" if address else ports


def _sent(effect: SendTo, names: Names) -> str:
    if len(effect.places) > 1:
        return f"to one of {len(effect.places)} endpoints, each as likely"
    return f"to endpoint {names.place(effect.places[0])}"


def _looked_up(step: Step, effect: LookUp, names: Names) -> str:
    elements = dict(effect.elements) or step.table.maps.get(effect.name, {})
    fields = {"destination": step.packet.destination, "source": step.packet.source}
    values = {**fields, "protocol": step.packet.protocol, "port": str(step.packet.port)}
    value = elements.get(" . ".join(values.get(each, "") for each in effect.fields), "")
    if effect.endpoints:
        address, _, port = value.partition(" . ")
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        return f"to endpoint {names.place(place)}"
    word, _, chain = value.partition(" ")
    if not chain:
        return _ended(step, End(word))
    if effect.name in ("egress-pods", "ingress-pods"):
        return _chain(chain)
    service = names.service(step.packet)
    return (f"for Service {service}: " if service else "") + _chain(chain)


def _marked(step: Step, effect: SetMark) -> str:
    sets = effect.flip and (step.packet.mark & ~effect.clear ^ effect.flip) & effect.flip
    if sets:
        return "mark it: its source is to be hidden, so that the answer comes back through this node"
    return "take the mark off again"


def _ended(step: Step, end: End) -> str:
    comment = f": {step.rule.comment}" if step.rule.comment else ""
    if end.verdict == effects.REJECT:
        how = " with a TCP reset" if "reset" in end.how else " with an ICMP error"
        return f"refused{how}{comment}"
    if end.verdict == effects.DROP:
        if step.table.program == NFTABLES and "-ns-" in step.chain:
            return "no policy lets it pass: dropped without an answer"
        return f"dropped without an answer{comment}"
    if end.verdict == effects.ACCEPT:
        if found := _POLICY.match(step.chain):
            return f"policy {found[2]} lets it pass"
        return "let it pass"
    if end.verdict == effects.MASQUERADE:
        return "its source becomes this node's address (masquerade)"
    if end.verdict == effects.SOURCE_NAT:
        return f"its source is changed ({end.how})"
    return "its source stays as it is" if step.chain == "PODLAB-SNAT" else "back to the chain before"
