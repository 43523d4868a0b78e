"""Who may do what with requests for certificates, as Kubernetes' admission plugins of certificates say.

A request says who made it, which the server alone knows. Whoever decides about one, or signs it, needs the right to on
its signer: verbs `approve` and `sign` on `signers` of certificates.k8s.io, by name or by `<domain>/*`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from google.protobuf.message import Message

from master.apiserver.admission.rules.refusal import forbidden
from master.apiserver.authentication.user import User
from master.apiserver.authorization.attributes import Attributes
from podlab.api import kinds
from podlab.api.certificatestate import CLIENTS
from podlab.api.objects import typed
from podlab.certificates.v1 import certificatesigningrequest_pb2 as pb
from podlab.errors import Cause, Invalid
from podlab.kinds.validation.cluster import certificates as validation
from podlab.kinds.validation.cluster.certificates import APPROVED, DECISIONS, DENIED, FAILED

GROUP = "certificates.k8s.io"
ADMINISTRATORS = "system:masters"
_CONDITIONS = "status.conditions"

May = Callable[[User, Attributes], bool]
Request = pb.CertificateSigningRequest


def decided(sent: Request, old: Request) -> Request:
    """What an approval asks for: the conditions that were sent, and what marks the object."""
    new = Request()
    new.CopyFrom(old)
    new.metadata.CopyFrom(sent.metadata)
    del new.status.conditions[:]
    new.status.conditions.extend(sent.status.conditions)
    return new


def deciding(applied: Callable[[Message], Message]) -> Callable[[Message], Message]:
    """What an approval makes of a request, of which `applied` makes what was sent."""
    return lambda old: decided(typed(applied(old), Request), typed(old, Request))


def check_subject(new: Request) -> None:
    """Raises Forbidden for a request for a certificate of an administrator."""
    if new.spec.signerName == CLIENTS and validation.has_group(new.spec.request, ADMINISTRATORS):
        raise forbidden(new, f"use of {CLIENTS} signer with {ADMINISTRATORS} group is not allowed")


def check_conditions(new: Request, old: Request, *, approving: bool) -> None:
    """Raises Invalid when what was decided is taken back or changed, or is decided elsewhere than in an approval."""
    if causes := [*_removed(new, old), *(() if approving else _unapproved(new, old)), *_replaced(new, old)]:
        raise Invalid.of(kinds.of(new).qualified_name, new.metadata.name, causes)


def check_approval(new: Request, old: Request, user: User, may: May) -> None:
    """Raises Forbidden when the user may not decide about requests of this signer."""
    signer = old.spec.signerName
    if not _may(user, "approve", signer, may):
        raise forbidden(new, f'user not permitted to approve requests with signerName "{signer}"')


def check_signing(new: Request, old: Request, user: User, may: May) -> None:
    """Raises Forbidden when the user has signed and may not for this signer."""
    signer = old.spec.signerName
    if _signed(new) != _signed(old) and not _may(user, "sign", signer, may):
        raise forbidden(new, f'user not permitted to sign requests with signerName "{signer}"')


def _removed(new: Request, old: Request) -> Iterable[Cause]:
    for decision in DECISIONS:
        if len(_of(new, decision)) < len(_of(old, decision)):
            yield _refused(_CONDITIONS, f'updates may not remove a condition of type "{decision}"')


def _unapproved(new: Request, old: Request) -> Iterable[Cause]:
    """Only the subresource approval approves and denies."""
    for decision in (APPROVED, DENIED):
        after, before = _of(new, decision), _of(old, decision)
        if len(after) > len(before):
            yield _refused(_CONDITIONS, f'updates may not add a condition of type "{decision}"')
        elif len(after) == len(before) and after != before:
            yield _refused(_CONDITIONS, f'updates may not modify a condition of type "{decision}"')


def _replaced(new: Request, old: Request) -> Iterable[Cause]:
    if old.status.certificate and new.status.certificate != old.status.certificate:
        yield _refused("status.certificate", "updates may not modify existing certificate content")


def _signed(request: Request) -> tuple[bytes, bool]:
    """What only a signer writes."""
    return request.status.certificate, bool(_of(request, FAILED))


def _of(request: Request, decision: str) -> Sequence[pb.CertificateSigningRequestCondition]:
    return [condition for condition in request.status.conditions if condition.type == decision]


def _may(user: User, verb: str, signer: str, may: May) -> bool:
    names = (signer, f"{signer.partition('/')[0]}/*")
    return any(may(user, Attributes(verb, GROUP, "signers", "", name)) for name in names)


def _refused(field: str, why: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {why}")
