"""NetworkPolicies."""

import ipaddress
from collections.abc import Iterable

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.pods.containers import PROTOCOLS
from podlab.networking.v1 import networkpolicy_pb2

_TYPES = ("Egress", "Ingress")


def check_network_policy(found: Findings, policy: networkpolicy_pb2.NetworkPolicy) -> None:
    """A NetworkPolicy, whichever way it comes."""
    spec = policy.spec
    check_selector(found, "spec.podSelector", spec.podSelector)
    for index, coming in enumerate(spec.ingress):
        _check_ports(found, f"spec.ingress[{index}].ports", coming.ports)
        _check_peers(found, f"spec.ingress[{index}].from", getattr(coming, "from"))
    for index, going in enumerate(spec.egress):
        _check_ports(found, f"spec.egress[{index}].ports", going.ports)
        _check_peers(found, f"spec.egress[{index}].to", going.to)
    if len(spec.policyTypes) > len(_TYPES):
        found.invalid("spec.policyTypes", list(spec.policyTypes), "may not specify more than two policyTypes")
        return
    for index, direction in enumerate(spec.policyTypes):
        found.one_of(f"spec.policyTypes[{index}]", direction, _TYPES)


def _check_ports(found: Findings, field: str, ports: Iterable[networkpolicy_pb2.NetworkPolicyPort]) -> None:
    for index, given in enumerate(ports):
        where = f"{field}[{index}]"
        if given.HasField("protocol"):
            found.one_of(f"{where}.protocol", given.protocol, PROTOCOLS)
        if given.HasField("port") and given.port.type == 0:
            found.port(f"{where}.port", given.port.intVal)
        elif given.HasField("port"):
            found.invalid(f"{where}.port", given.port.strVal, *syntax.port_name(given.port.strVal))
        if given.HasField("endPort"):
            _check_end(found, f"{where}.endPort", given)


def _check_end(found: Findings, field: str, given: networkpolicy_pb2.NetworkPolicyPort) -> None:
    if not given.HasField("port"):
        found.invalid(field, given.endPort, "may not be specified when `port` is not specified")
    elif given.port.type:
        found.invalid(field, given.endPort, "may not be specified when `port` is non-numeric")
    elif given.endPort < given.port.intVal:
        found.invalid(field, given.endPort, "must be greater than or equal to `port`")
    else:
        found.port(field, given.endPort)


def _check_peers(found: Findings, field: str, peers: Iterable[networkpolicy_pb2.NetworkPolicyPeer]) -> None:
    for index, peer in enumerate(peers):
        where = f"{field}[{index}]"
        given = [name for name in ("podSelector", "namespaceSelector", "ipBlock") if peer.HasField(name)]
        if not given:
            found.required(where, "must specify a peer")
        elif "ipBlock" in given and len(given) > 1:
            found.forbidden(where, "may not specify both ipBlock and another peer")
        check_selector(found, f"{where}.podSelector", peer.podSelector)
        check_selector(found, f"{where}.namespaceSelector", peer.namespaceSelector)
        if peer.HasField("ipBlock"):
            _check_block(found, f"{where}.ipBlock", peer.ipBlock)


def _check_block(found: Findings, field: str, block: networkpolicy_pb2.IPBlock) -> None:
    if not block.cidr:
        found.required(f"{field}.cidr")
        return
    if faults := syntax.cidr(block.cidr):
        found.invalid(f"{field}.cidr", block.cidr, *faults)
        return
    whole = ipaddress.ip_network(block.cidr)
    for index, given in enumerate(getattr(block, "except")):
        where = f"{field}.except[{index}]"
        if faults := syntax.cidr(given):
            found.invalid(where, given, *faults)
            continue
        part = ipaddress.ip_network(given)
        if part.version != whole.version or part == whole or not part.subnet_of(whole):  # type: ignore[arg-type]
            found.invalid(where, given, "must be a strict subset of `cidr`")
