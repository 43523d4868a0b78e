"""Why a leg is broken, most likely, and what to do about it. Pure.

A node that reaches nobody, or that nobody reaches, is one cause and not many. For the rest a trace of the same packet
says which rule stops it, or which way it takes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from podlab.cli.doctor.legs import AGENT, MTU, NAME, POD, SERVICE, UNTRIED, Checked, NetworkLeg
from podlab.v1.proxy_pb2 import TraceResponse

_ARRIVES = "arrives"

# What is wrong most likely, and what to do about it
Cause = tuple[str, str]
# A node, and what it says of the packet
Traced = tuple[str, TraceResponse]


def explained(
    checked: Sequence[Checked],
    traces: Mapping[NetworkLeg, Sequence[Traced]],
    addresses: Mapping[str, Sequence[str]],
) -> list[Checked]:
    """`addresses` are each node's own; `traces` what the nodes of broken legs say of their packets."""
    broken = [each for each in checked if not each.whole and each.outcome != UNTRIED]
    lone = _lone([each for each in checked if each.outcome != UNTRIED])
    known = {each.leg: found for each in broken if (found := _known(each.leg, traces.get(each.leg, ()), addresses))}
    return [each if each.whole else _explained(each, broken, known, lone) for each in checked]


def _explained(
    each: Checked, broken: Sequence[Checked], known: Mapping[NetworkLeg, Cause], lone: Iterable[str]
) -> Checked:
    cause, remedy = known.get(each.leg) or _inherited(each.leg, known) or _by_kind(each, broken, lone)
    return replace(each, cause=cause, remedy=remedy)


def _known(leg: NetworkLeg, traced: Sequence[Traced], addresses: Mapping[str, Sequence[str]]) -> Cause | None:
    """What a node itself says of the packet."""
    found = [cause for node, response in traced if (cause := _by_rules(node, response))]
    sender = next((response for node, response in traced if node == leg.source), None)
    return found[0] if found else _wrong_way(leg, sender, addresses)


def _inherited(leg: NetworkLeg, known: Mapping[NetworkLeg, Cause]) -> Cause | None:
    """What breaks the way between two nodes breaks large packets, too, and answers."""
    if leg.kind not in (POD, MTU):
        return None
    ways = (_pair(leg), _pair(leg)[::-1])
    return next(
        (cause for way in ways for other, cause in known.items() if other.kind == POD and _pair(other) == way), None
    )


def _by_rules(node: str, traced: TraceResponse) -> Cause | None:
    """What stands in the way on a node, or should stand there and does not."""
    for finding in traced.findings:
        if finding.kind == "foreign":
            cause = f"another program's rule on {node}: {finding.where}: {finding.what}"
            return cause, "let this traffic pass there, or take the rule away"
    for finding in traced.findings:
        cause = f"{finding.kind} on {node}: {finding.where}: {finding.what}"
        return cause, f"it is written again within 10 s; else, on {node}: journalctl -u podlab-proxy -u podlab-kubelet"
    for landing in traced.landings:
        if landing.verdict != _ARRIVES:
            return f"{landing.verdict} on {node}: {landing.reason}", f"on {node}: iptables-save; nft list ruleset"
    return None


def _by_kind(each: Checked, broken: Sequence[Checked], lone: Iterable[str]) -> Cause:
    leg = each.leg
    if each.outcome == UNTRIED:
        who = f"the kubelet of {leg.source} had not answered" if leg.kind == AGENT else "nothing had come of it"
        return f"{who} when the time was up (--overall)", "mend what else is broken first, or give it more time"
    if leg.kind == AGENT:
        return each.detail, f"on {leg.source}: systemctl status podlab-kubelet containerd; journalctl -u podlab-kubelet"
    if leg.kind == MTU:
        return _too_large(leg, broken)
    if leg.kind == NAME:
        return _unnamed(each)
    if leg.source in lone:
        cause = f"pods of {leg.source} reach nobody"
        return cause, f"on {leg.source}: ip address show podlab0; sysctl net.ipv4.ip_forward; iptables -S FORWARD"
    if leg.kind == POD:
        return _one_way(leg, broken, lone)
    if leg.kind == SERVICE:
        cause = f"the rules of {leg.source} are right: its endpoints do not answer there"
        return cause, "podlab trace service shows the endpoints; do they run, and may that node reach them?"
    return f"{leg.target} does not answer pods of {leg.source}", "is it up, and does a firewall between drop packets?"


def _wrong_way(leg: NetworkLeg, traced: TraceResponse | None, addresses: Mapping[str, Sequence[str]]) -> Cause | None:
    """A route to another node's pods leads to that node's address, or through VXLAN."""
    if traced is None or leg.kind not in (POD, MTU):
        return None
    ways = ["; ".join(landing.way) for landing in traced.landings if landing.verdict == _ARRIVES]
    wanted = addresses.get(leg.target, ())
    if any("VXLAN" in way or any(f"through {address} " in f"{way} " for address in wanted) for way in ways):
        return None
    taken = ways[0] if ways else "none is known"
    cause = f"{leg.source} has no right route to pods of {leg.target}: {taken}"
    remedy = f"Podlab's own is set again within 10 s; else, on {leg.source}: ip route; journalctl -u podlab-kubelet"
    return cause, remedy


def _too_large(leg: NetworkLeg, broken: Sequence[Checked]) -> Cause:
    if any(other.leg.kind == POD and _pair(other.leg) == _pair(leg) for other in broken):
        return "nothing passes on this way, small or large", "see pod to pod"
    cause = f"packets of {leg.size_bytes} bytes do not pass, small ones do: a link between has a smaller MTU"
    return (
        cause,
        "set the hosts' interfaces to the MTU of the smallest link between them (or the inventory's MTU of pods)",
    )


def _unnamed(each: Checked) -> Cause:
    leg = each.leg
    if each.outcome in ("refused", "silent", "unreachable"):
        cause = f"the DNS server of {leg.source} does not answer at {leg.address}"
        return cause, f"on {leg.source}: systemctl status podlab-resolver podlab-dns; journalctl -u podlab-resolver"
    return each.detail, f"on {leg.source}: journalctl -u podlab-dns: has it reached the API server?"


def _one_way(leg: NetworkLeg, broken: Sequence[Checked], lone: Iterable[str]) -> Cause:
    if leg.target in lone:
        cause = f"nobody reaches pods of {leg.target}"
        return cause, f"on {leg.target}: ip address show podlab0; ip route; iptables -S FORWARD"
    back = any(other.leg.kind == POD and _pair(other.leg) == (leg.target, leg.source) for other in broken)
    between = f"{leg.source} and {leg.target}"
    if back:
        return (
            f"nothing passes between {between}",
            "do both hosts reach each other, and does a firewall between drop packets?",
        )
    cause = f"packets leave {leg.source} rightly; on {leg.target}, or on the way back, they are lost"
    return (
        cause,
        f"on {leg.target}: ip route get {leg.source}'s pods; iptables -S FORWARD; podlab trace pod the other way",
    )


def _lone(checked: Sequence[Checked]) -> set[str]:
    """Nodes whose every leg is broken, where others have whole ones: of several nodes, that one is the cause."""
    tried, failed = Counter[str](), Counter[str]()
    for each in checked:
        ends = {each.leg.source, each.leg.target} if each.leg.kind == POD else {each.leg.source}
        tried.update(ends)
        failed.update(ends if not each.whole else ())
    found = {node for node in tried if failed[node] == tried[node]}
    return found if len(found) < len({each.leg.source for each in checked}) else set()


def _pair(leg: NetworkLeg) -> tuple[str, str]:
    return leg.source, leg.target
