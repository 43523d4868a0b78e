"""Which requests for certificates are approved without a person, which may be signed, and when they are cleaned away.

Rules of the signers: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from master.controllers.security.certificates.requestednames import RequestedNames
from podlab.api.certificatestate import CLIENTS, KUBELET_CLIENTS, KUBELET_SERVERS
from podlab.api.objects import condition
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest

SIGNERS = (CLIENTS, KUBELET_CLIENTS, KUBELET_SERVERS)
APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"
NODES, NODE_PREFIX, ADMINISTRATORS = "system:nodes", "system:node:", "system:masters"
YEAR_S = 365 * 86400
_HOUR_S, _DAY_S = 3600.0, 86400.0
_COMMON = frozenset({"digital signature", "key encipherment"})


@dataclass(frozen=True)
class _Rule:
    """`needed` and `allowed` usages; `of_nodes`: the names are a node's."""

    needed: frozenset[str]
    of_nodes: bool

    @property
    def allowed(self) -> frozenset[str]:
        return self.needed | _COMMON


_RULES = {
    CLIENTS: _Rule(frozenset({"client auth"}), of_nodes=False),
    KUBELET_CLIENTS: _Rule(frozenset({"client auth", "digital signature"}), of_nodes=True),
    KUBELET_SERVERS: _Rule(frozenset({"server auth", "digital signature"}), of_nodes=True),
}


def is_decided(request: CertificateSigningRequest) -> bool:
    return any(condition(request.status.conditions, one) is not None for one in (APPROVED, DENIED, FAILED))


def is_to_sign(request: CertificateSigningRequest) -> bool:
    """Approved, by a signer that is ours, and not yet signed or given up."""
    conditions = request.status.conditions
    approved = condition(conditions, APPROVED) is not None and condition(conditions, FAILED) is None
    return approved and request.spec.signerName in SIGNERS and not request.status.certificate


def refusal(request: CertificateSigningRequest, asked: RequestedNames) -> str:
    """Why the signer does not sign it; empty when it does."""
    rule, usages = _RULES[request.spec.signerName], frozenset(request.spec.usages)
    if not rule.needed <= usages <= rule.allowed:
        return f"usages did not match {_listed(rule.needed)}, with {_listed(_COMMON - rule.needed)} at will"
    if ADMINISTRATORS in asked.subject.organizations:
        return f"no certificate is signed for the group {ADMINISTRATORS}"
    if not rule.of_nodes:
        return ""
    if asked.subject.organizations != (NODES,):
        return f"subject organization is not {NODES}"
    if not asked.subject.common_name.startswith(NODE_PREFIX):
        return f"subject common name does not begin with {NODE_PREFIX}"
    return _names_refusal(request, asked)


def _names_refusal(request: CertificateSigningRequest, asked: RequestedNames) -> str:
    if asked.others:
        return "URI and email subjectAltNames are not allowed"
    named = bool(asked.dns_names or asked.addresses)
    if request.spec.signerName == KUBELET_CLIENTS:
        return "DNS and IP subjectAltNames are not allowed" if named else ""
    if request.spec.username != asked.subject.common_name:
        return f"{request.spec.username} may not serve as {asked.subject.common_name}"
    return "" if named else "DNS or IP subjectAltName is required"


def approval(request: CertificateSigningRequest, asked: RequestedNames) -> str:
    """Why a request is approved without a person, as users are told; empty when a person has to.

    A node may renew its own certificate. Its first one comes with the deployment, or by a person's word: whoever has
    the bootstrap token could else be any node.
    """
    if request.spec.signerName != KUBELET_CLIENTS or refusal(request, asked):
        return ""
    own = NODES in request.spec.groups and request.spec.username == asked.subject.common_name
    return "Auto approving self kubelet client certificate: the node asked for it." if own else ""


def lifetime_s(request: CertificateSigningRequest) -> int:
    """As long as was asked for, a year at most."""
    asked = request.spec.expirationSeconds if request.spec.HasField("expirationSeconds") else YEAR_S
    return min(asked, YEAR_S)


def goes_at(request: CertificateSigningRequest, ends_at: float | None) -> float:
    """When the request has been there for long enough (Unix seconds); `ends_at` is when its certificate ends."""
    created = request.metadata.creationTimestamp.seconds
    known = [one for one in request.status.conditions if one.type in (APPROVED, DENIED, FAILED)]
    if not known:
        return created + _DAY_S
    expires = max(one.lastUpdateTime.seconds for one in known) + _HOUR_S
    # One that is approved and never signed waits for its signer as long as for a decision.
    waits = not request.status.certificate and all(one.type == APPROVED for one in known)
    if waits and request.spec.signerName not in SIGNERS:
        expires = created + _DAY_S
    return min(expires, ends_at) if ends_at is not None else expires


def _listed(usages: Collection[str]) -> str:
    return "[" + ", ".join(sorted(usages)) + "]"
