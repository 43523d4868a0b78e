"""Plugins about requests for certificates: CertificateApproval, CertificateSigning, CertificateSubjectRestriction."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin, Scope, writes_of
from master.apiserver.admission.rules import certificates
from master.apiserver.admission.rules.certificates import May
from master.apiserver.admission.write import Operation
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest as Request

APPROVAL = "approval"
_CHANGES = writes_of(Request, on=(Operation.UPDATE,), below=None)


class CertificateApproval(Plugin):
    """Only the approval approves and denies, by whoever may for the signer; what was decided stays."""

    name: ClassVar[str] = "CertificateApproval"
    scopes: ClassVar[tuple[Scope, ...]] = _CHANGES

    def __init__(self, may: May) -> None:
        self._may = may

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        new, old = request.new_as(Request), request.old_as(Request)
        approving = request.write.subresource == APPROVAL
        certificates.check_conditions(new, old, approving=approving)
        if approving:
            certificates.check_approval(new, old, request.write.user, self._may)
        return NOTHING


class CertificateSigning(Plugin):
    """Whoever signs may do so for the signer."""

    name: ClassVar[str] = "CertificateSigning"
    scopes: ClassVar[tuple[Scope, ...]] = _CHANGES

    def __init__(self, may: May) -> None:
        self._may = may

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        new, old = request.new_as(Request), request.old_as(Request)
        certificates.check_signing(new, old, request.write.user, self._may)
        return NOTHING


class CertificateSubjectRestriction(Plugin):
    """No certificate makes an administrator of its holder."""

    name: ClassVar[str] = "CertificateSubjectRestriction"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Request, on=(Operation.CREATE,))

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        certificates.check_subject(request.new_as(Request))
        return NOTHING
